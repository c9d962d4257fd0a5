/* rtp/probe_controller.h: when to probe, and how fast.
 *
 * At the start two clusters, at three and six times the first guess; as long as a result confirms most of what was asked, and more
 * is wanted, twice as much again. Afterwards, while the receiver wants more than the estimate allows (the next layer of a
 * simulcast does not come in small steps), one cluster every few seconds at what the next step needs; a result that proves it
 * begins a new doubling. Nothing is probed that nobody wants.
 *
 * Source: the probe controller of libwebrtc (exponential start, its factors and threshold); the wish for a next step takes the
 * place of its network state estimate.   Memory: fixed, no allocation.
 */
#ifndef RTP_PROBE_CONTROLLER_H
#define RTP_PROBE_CONTROLLER_H

#include <stdbool.h>
#include <stdint.h>

#include "rtp/probe_result.h"

#define PROBE_FIRST_SCALE   3
#define PROBE_SECOND_SCALE  6
#define PROBE_FURTHER_SCALE 2
#define PROBE_FURTHER_SHARE 0.6   /* of what was asked must have been measured, unsaturated, to ask for more */
#define PROBE_HEADROOM      1.25  /* above what is wanted, so that a switch does not begin at the limit */
#define PROBE_DURATION_US   25000 /* libwebrtc's 15 ms are too few of our 5 ms ticks for a rate below 10 % of error */
#define PROBE_OPENING_US \
  15000 /* the very first: so that both of the start are in the receiver's first feedback, after 50 ms. Under jitter it is as long as the others */
#define PROBE_MIN_PACKETS     5
#define PROBE_TIMEOUT_US      1000000
#define PROBE_INTERVAL_US     2000000 /* between periodic ones … */
#define PROBE_INTERVAL_MAX_US 3500000 /* … when they keep failing. A link that got better must be noticed soon. */
#define PROBE_AGAIN_US        600000  /* after one that said nothing */
#define PROBE_PENDING         2
/* A rate that a cluster showed, and that is gone so soon, was what others left for a moment: the bottleneck is shared. */
#define PROBE_CLAIM_US        3000000
#define PROBE_CLAIM_PERCENT   85
#define PROBE_SHARED_US       30000000

struct probe_cluster {
  uint16_t id; /* the packets' tag */
  uint64_t bps;
  uint32_t bytes, packets; /* at least so much of both */
};

struct probe_controller {
  bool started;
  bool again; /* the last one said nothing and is being repeated */
  uint16_t last_id;
  uint64_t pending_bps[PROBE_PENDING];
  uint32_t pending;
  uint64_t next_bps, most_bps; /* wanted: by the next step, by all steps; 0: nothing */
  uint64_t running_bps;        /* highest asked of the running round; 0: none runs */
  int64_t running_until_us;
  int64_t due_us; /* periodic */
  int64_t interval_us;
  int64_t duration_us;
  uint64_t claimed_bps; /* what the last cluster raised the rate to; 0: it was true, or found out */
  int64_t claimed_us, shared_until_us;
};

void probe_controller_init(struct probe_controller *p);

/* Packets can be sent now. Begins when more is wanted than the first guess; later calls do nothing. */
void probe_controller_start(struct probe_controller *p, uint64_t start_bps, int64_t now_us);

/* What the receiver could use, total on the wire: for the next step up and for everything. 0, 0: it has all it wants. */
void probe_controller_want(struct probe_controller *p, uint64_t next_bps, uint64_t most_bps);

/* How long clusters are: longer under jitter, which would hide a short one. 0 for the usual. */
void probe_controller_set_duration(struct probe_controller *p, int64_t duration_us);

/* A cluster was measured. */
void probe_controller_result(struct probe_controller *p, const struct probe_result *r, int64_t now_us);

/* The rate was just decreased: what was pending is void, and the link gets a moment of rest. */
void probe_controller_congested(struct probe_controller *p, int64_t now_us);

/* A cluster raised the rate to this; congestion took it down to that. */
void probe_controller_claimed(struct probe_controller *p, uint64_t bps, int64_t now_us);
void probe_controller_fell(struct probe_controller *p, uint64_t bps, int64_t now_us);

/* Clusters have shown what was not there: others use the bottleneck too. */
static inline bool probe_controller_shares(const struct probe_controller *p, int64_t now_us) {
  return now_us < p->shared_until_us;
}

/* Nothing can be due: the quick answer for most moments. */
static inline bool probe_controller_idle(const struct probe_controller *p, int64_t now_us) {
  return !p->started || (p->pending == 0 && (p->next_bps == 0 || now_us < p->due_us));
}

/* The last round is over, and met the link's end. */
static inline bool probe_controller_concluded(const struct probe_controller *p) {
  return p->started && p->pending == 0 && p->running_bps == 0 && p->interval_us > PROBE_INTERVAL_US;
}

/* True when a cluster is to be sent now. `target_bps`: the estimate; `proven_bps`: what was carried lately. */
bool probe_controller_next(struct probe_controller *p, uint64_t target_bps, uint64_t proven_bps, int64_t now_us,
                           struct probe_cluster *out);

#endif
