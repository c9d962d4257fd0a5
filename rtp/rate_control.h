/* rtp/rate_control.h: the rate that the state of the link asks for: additive or multiplicative increase, multiplicative decrease.
 *
 * Overuse takes it below what arrived; then it holds while queues drain; then it grows, fast while the link's capacity is
 * unknown and by about one packet per response time near the capacity it met before.
 *
 * Source: draft-ietf-rmcat-gcc-02 §5.5 (rate control); link capacity statistics as published in libwebrtc.
 * Units: bits per second on the wire, as the acknowledged rate counts them.   Memory: fixed, no allocation.
 */
#ifndef RTP_RATE_CONTROL_H
#define RTP_RATE_CONTROL_H

#include <stdbool.h>
#include <stdint.h>

#include "rtp/trendline.h"

/* gcc-02 §5.5: "A_hat(i) = beta * R_hat(i) … beta = 0.85"; "eta = 1.08^min(time_since_last_update_ms / 1000, 1.0)". */
#define RATE_CONTROL_BETA           0.85
#define RATE_CONTROL_ETA            1.08
#define RATE_CONTROL_LN_ETA         0.0769610
/* gcc-02 §5.5: "The estimate should be limited by 1.5 * R_hat(i)": nobody knows what lies above what was tried. */
#define RATE_CONTROL_AHEAD          1.5
#define RATE_CONTROL_AHEAD_BPS      10000
#define RATE_CONTROL_NEAR_MIN_BPS   4000 /* slowest additive growth per second */
#define RATE_CONTROL_DEFAULT_RTT_US 200000

enum rate_control_state { RATE_HOLD = 0, RATE_INCREASE, RATE_DECREASE };
const char *rate_control_state_name(enum rate_control_state state);

struct rate_control {
  uint64_t min_bps, max_bps;
  double bps;
  enum rate_control_state state;
  int64_t rtt_us;
  int64_t changed_us, decreased_us; /* last change; last decrease; -1: none */
  /* What the link carried at moments of overuse: an average and its deviation, kbit/s. 0: unknown. */
  double capacity_kbps, capacity_variance;
};

void rate_control_init(struct rate_control *r, uint64_t start_bps, uint64_t min_bps, uint64_t max_bps);
static inline void rate_control_set_rtt(struct rate_control *r, int64_t rtt_us) {
  if (rtt_us > 0) r->rtt_us = rtt_us;
}

/* A probe, or another measurement, says it at once. */
void rate_control_set(struct rate_control *r, uint64_t bps, int64_t now_us);

/* The link dropped: down to `bps` and below, whatever the last decrease was. */
void rate_control_drop(struct rate_control *r, uint64_t bps, int64_t now_us);

/* One feedback message. `acknowledged_bps`: 0 unknown. `busy_bps`: what arrived during the last moments, the capacity when
 * there is a queue; 0 unknown. `app_limited`: less is sent than allowed, so silence proves nothing and nothing grows. Returns whether the rate
 * was decreased. */
bool rate_control_update(struct rate_control *r, enum link_usage usage, uint64_t acknowledged_bps, uint64_t busy_bps,
                         bool app_limited, int64_t now_us);

static inline uint64_t rate_control_bps(const struct rate_control *r) {
  return (uint64_t)r->bps;
}

#endif
