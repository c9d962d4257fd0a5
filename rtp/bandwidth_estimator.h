/* rtp/bandwidth_estimator.h: how many bits per second one receiver's downlink carries.
 *
 *   feedback ─► arrival groups ─► trendline ─┐  (a trend counts only with a standing queue: rtp/queue_delay.h)
 *            ├► acknowledged rate ───────────┼─► rate control ─┐
 *            ├► probe results ───────────────┘                 ├─► the least of them is the target
 *            └► losses ─► loss bound ──────────────────────────┤
 *   REMB, for receivers without transport-wide feedback ───────┘
 *
 * All sizes and rates are on the wire, headers of IP and UDP included: the caller adds them. Feedback that stays away while
 * packets are under way, and more are sent, is an outage (`stalled`): the target stays what it was, the caller stops video, and
 * what was lost meanwhile is nobody's loss rate. When nothing is sent any more, nobody knows: the next packets find out.
 *
 * Source: draft-ietf-rmcat-gcc-02; REMB: draft-alvestrand-rmcat-remb-03.   Memory: about 14 KiB, fixed, no allocation.
 */
#ifndef RTP_BANDWIDTH_ESTIMATOR_H
#define RTP_BANDWIDTH_ESTIMATOR_H

#include <stdbool.h>
#include <stdint.h>

#include "rtp/acknowledged_rate.h"
#include "rtp/application_limit.h"
#include "rtp/arrival_groups.h"
#include "rtp/calm_link.h"
#include "rtp/competition.h"
#include "rtp/link_drop.h"
#include "rtp/loss_bound.h"
#include "rtp/probe_controller.h"
#include "rtp/probe_result.h"
#include "rtp/queue_delay.h"
#include "rtp/rate_control.h"
#include "rtp/transport_feedback.h"
#include "rtp/trendline.h"

#define BANDWIDTH_START_BPS    300000 /* libwebrtc's too */
#define BANDWIDTH_MIN_BPS      30000  /* an Opus stream at its lowest, with headers */
#define BANDWIDTH_MAX_BPS      100000000
/* A trend without this much standing queue is jitter, not overuse. */
#define BANDWIDTH_WITNESS_US   12000
/* No feedback for so long, and a round trip, while packets are under way: the link is gone. */
#define BANDWIDTH_STALL_US     700000
/* Nothing sent for so long: an outage is not known of any more. */
#define BANDWIDTH_IDLE_US      2000000
/* What a probe or the flow itself carried is proof for so long. */
#define BANDWIDTH_PROOF_US     5000000
#define BANDWIDTH_DRAIN_MAX_US 2000000
#define BANDWIDTH_DRAINED_US   180000 /* left to drain: a new layer's key frame takes about so long to come */

enum bandwidth_limit { BANDWIDTH_BY_DELAY = 0, BANDWIDTH_BY_LOSS, BANDWIDTH_BY_REMB, BANDWIDTH_STALLED };
const char *bandwidth_limit_name(enum bandwidth_limit limit);

struct bandwidth_config {
  uint64_t start_bps, min_bps, max_bps; /* 0 takes the defaults above */
};

struct bandwidth_estimator {
  struct arrival_groups groups;
  struct trendline trend;
  struct queue_delay queue;
  struct link_drop drop;
  struct calm_link calm;
  struct acknowledged_rate acknowledged;
  struct rate_control control;
  struct competition competition;
  struct loss_bound loss;
  struct application_limit application;
  struct probe_results results;
  struct probe_controller probes;
  uint64_t start_bps, remb_bps, proven_bps;
  int64_t first_feedback_us;                           /* -1: none yet */
  int64_t proven_us, feedback_us, waiting_us, sent_us; /* -1: never, not waiting */
  int64_t ignore_before_us;
  int64_t dropped_us;                      /* last sudden drop; -1 never */
  int64_t drain_until_us;                  /* after a sudden drop: until then the path only empties */
  int64_t rtt_us, least_rtt_us, jitter_us; /* 0: unknown; jitter: mean variation between groups */
  int64_t jitter_before_us;                /* as of the message before */
  uint64_t target_bps;                     /* what follows from all of the above */
  uint32_t sent_bytes;                     /* since the last feedback */
  bool stalled, has_feedback, was_overused;
  /* The last decrease, until it has proved right or wrong: what it was before, the wait that made it, what the path carried then,
   * the newest packet that was known of, and what has been reported of later ones. */
  struct bandwidth_doubt {
    double before_bps;
    int64_t wait_us, sent_us, bits;
    uint64_t carried_bps; /* 0: no doubt */
  } doubt;
  uint32_t wrong; /* decreases that proved wrong, less those that did not */
  uint64_t decreases, stalls, drops, undone;
};

void bandwidth_estimator_init(struct bandwidth_estimator *e, const struct bandwidth_config *config);

/* ---- what happens ---- */

/* `bytes` were sent since the last call. Call it a few times between feedbacks, also with 0. */
void bandwidth_estimator_sent(struct bandwidth_estimator *e, uint32_t bytes, int64_t now_us);

/* One feedback message's results (sizes on the wire). `in_flight_bytes`: sent and not reported yet. */
void bandwidth_estimator_feedback(struct bandwidth_estimator *e, const struct transport_results *r,
                                  uint64_t in_flight_bytes, int64_t now_us);

/* REMB and receiver reports count only until the first transport-wide feedback. `fraction_lost` of 256. */
void bandwidth_estimator_remb(struct bandwidth_estimator *e, uint64_t bps);
void bandwidth_estimator_reported_loss(struct bandwidth_estimator *e, uint8_t fraction_lost, int64_t now_us);

/* What the receiver could use: see probe_controller_want(). */
void bandwidth_estimator_want(struct bandwidth_estimator *e, uint64_t next_bps, uint64_t most_bps, int64_t now_us);

/* A cluster to send now. Tag everything that is sent until its end with its id, and tell it; then tell its end. */
bool bandwidth_estimator_probe(struct bandwidth_estimator *e, int64_t now_us, struct probe_cluster *out);
void bandwidth_estimator_probe_sent(struct bandwidth_estimator *e, uint16_t id, uint32_t bytes, int64_t now_us);
void bandwidth_estimator_probe_end(struct bandwidth_estimator *e, uint16_t id);

/* ---- what follows ---- */

static inline uint64_t bandwidth_estimator_bps(const struct bandwidth_estimator *e) {
  return e->target_bps;
}
/* Waits up to this length are jitter of the path, not a queue. */
int64_t bandwidth_estimator_usual_wait_us(const struct bandwidth_estimator *e);
/* The highest rate that was really carried within the last five seconds, by media or by a probe. */
uint64_t bandwidth_estimator_proven_bps(const struct bandwidth_estimator *e, int64_t now_us);

/* The link has dropped below what is being sent and its queue is long: more video now would only come late. */
bool bandwidth_estimator_draining(const struct bandwidth_estimator *e, int64_t now_us);

struct bandwidth_state { /* for metrics and traces */
  uint64_t target_bps, delay_bps, loss_bps, acknowledged_bps, proven_bps;
  int64_t rtt_us, queue_us, jitter_us;
  double loss, random_loss, trend_ms, threshold_ms;
  enum bandwidth_limit limit;
  enum link_usage usage;
  enum rate_control_state control;
  bool app_limited, competing, stalled;
};
void bandwidth_estimator_state(const struct bandwidth_estimator *e, int64_t now_us, struct bandwidth_state *out);

#endif
