/* rtp/loss_bound.h: a bound on the rate from losses that grow with the rate, blind to losses that do not.
 *
 * A radio link loses packets whatever we send; a policer or a full short queue loses what exceeds its rate. Both are the same
 * model: of what is sent at rate s, max(0, s - B) / s is lost at a bottleneck B and a share p of the rest at random. For the
 * last moments' (rate, packets, lost) the likelihood of the best p without any bottleneck is compared with that of the best
 * (p, B). Only when the bottleneck explains the losses significantly better is there a bound; equal loss at different rates is
 * never evidence. Losses come in bursts, which would make chance look significant: the likelihood is divided by the dispersion
 * that the better model leaves.
 *
 * Sources: draft-ietf-rmcat-gcc-02 §6 gives the place of a loss-based controller; its 2 % and 10 % rule collapses under random
 * loss. The model of inherent loss plus excess is the one libwebrtc publishes for its second loss-based estimator; the test is
 * a quasi-likelihood ratio.   Memory: fixed, no allocation. Cost: some thousand operations every quarter of a second.
 */
#ifndef RTP_LOSS_BOUND_H
#define RTP_LOSS_BOUND_H

#include <stdbool.h>
#include <stdint.h>

#define LOSS_BOUND_NONE         UINT64_MAX
#define LOSS_BOUND_OBSERVATIONS 20
#define LOSS_BOUND_SPAN_US      250000 /* an observation spans at least so much sending time … */
#define LOSS_BOUND_PACKETS      15     /* … and packets */
#define LOSS_BOUND_FORGET       0.9    /* weight of each older observation */
#define LOSS_BOUND_EVIDENCE     4.0    /* log likelihood ratio that makes a bound: odds of 55 to 1 */
#define LOSS_BOUND_RANDOM_MAX   0.5    /* more random loss than this is not believed */
/* Of the first packets, one that is lost may be chance: as if so many more had come. */
#define LOSS_BOUND_FIRST        200
#define LOSS_BOUND_DOUBT        20
#define LOSS_BOUND_RELEASE      1.10 /* growth of the bound per second while nothing speaks for it */

struct loss_observation {
  double bps, packets, lost;
};

struct loss_bound {
  struct loss_observation done[LOSS_BOUND_OBSERVATIONS]; /* ring */
  uint32_t count, next;
  uint32_t lossy;                      /* of them, those that lost something */
  int64_t first_sent_us, last_sent_us; /* of the open one; -1: none */
  double packets, lost, bytes;
  double random_loss; /* p of the model that holds now, 0..LOSS_BOUND_RANDOM_MAX */
  uint64_t bound_bps;
  int64_t updated_us;
};

void loss_bound_init(struct loss_bound *l);

/* Packets of one feedback message, sent between first and last; `lost` may be negative when some reported lost came late. */
void loss_bound_packets(struct loss_bound *l, int64_t first_sent_us, int64_t last_sent_us, uint32_t packets,
                        int32_t lost, uint64_t bytes, int64_t now_us);

/* What happened until now says nothing about the link as it is: after an outage. The bound stays. */
void loss_bound_forget(struct loss_bound *l);

static inline uint64_t loss_bound_bps(const struct loss_bound *l) {
  return l->bound_bps;
} /* LOSS_BOUND_NONE: no evidence of a bottleneck */
static inline double loss_bound_random(const struct loss_bound *l) {
  return l->random_loss;
} /* share lost at random */
/* The share lost at random, from the first lost packet on: a careful guess until there have been LOSS_BOUND_FIRST. */
double loss_bound_early(const struct loss_bound *l);
double loss_bound_recent(const struct loss_bound *l); /* share lost, all causes, last second or so */

#endif
