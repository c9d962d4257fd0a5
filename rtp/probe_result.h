/* rtp/probe_result.h: what a probe cluster measured: the rate at which a short burst of known rate came out of the path.
 *
 * Packets of a cluster carry its number as their tag in the send history (rtp/transport_feedback.h). When all of them, or enough,
 * are accounted for, the lower of the rates at both ends is the result; when the path was clearly slower than we sent, it was
 * saturated, and a little less than its rate is taken so that the queue it left can drain. What was lost beyond chance proves
 * nothing, what came does. A cluster is over as soon as later packets are reported: a feedback message that got lost does not come.
 *
 * Source: the probe estimator of libwebrtc, with its constants.   Memory: fixed, no allocation.
 */
#ifndef RTP_PROBE_RESULT_H
#define RTP_PROBE_RESULT_H

#include <stdbool.h>
#include <stdint.h>

#include "rtp/transport_feedback.h"

#define PROBE_RESULT_CLUSTERS    4
#define PROBE_RESULT_MIN_PACKETS 4   /* received; fewer say nothing           */
#define PROBE_RESULT_MIN_SHARE   0.8 /* of the bytes reported, random loss aside: less, and only what came counts */
#define PROBE_RESULT_MAX_RATIO \
  2.0 /* received this much faster than sent: they were held up; the whole time they took counts */
#define PROBE_RESULT_SATURATED  0.9
#define PROBE_RESULT_MARGIN     0.95
#define PROBE_RESULT_TIMEOUT_US 1500000 /* after the last packet was sent */
#define PROBE_RESULT_PASSED_US  50000   /* … or when what was sent so much later has been reported */

struct probe_measurement {
  uint16_t id; /* 0: free */
  bool complete;
  uint64_t asked_bps;
  int64_t sent_until_us;
  uint32_t sent_packets, sent_bytes, packets, bytes, lost, lost_bytes;
  int64_t first_sent_us, last_sent_us, first_arrival_us, last_arrival_us;
  uint32_t last_sent_bytes;     /* the one that closes the interval: its own bits come after it */
  uint32_t first_arrival_bytes; /* likewise, the one that opens it */
};

struct probe_results {
  struct probe_measurement clusters[PROBE_RESULT_CLUSTERS];
};

void probe_results_init(struct probe_results *r);

/* A cluster begins; the oldest one makes room. */
void probe_results_begin(struct probe_results *r, uint16_t id, uint64_t bps);
/* A packet was sent while the cluster ran: a probe, or media in between, which takes its share of the path. */
void probe_results_sent(struct probe_results *r, uint16_t id, uint32_t bytes, int64_t now_us);
/* No more will be. */
void probe_results_end(struct probe_results *r, uint16_t id);
/* A run with a cluster's tag, lost or received. */
void probe_results_run(struct probe_results *r, const struct transport_result *run);

struct probe_result {
  uint64_t asked_bps, measured_bps; /* measured 0: it said nothing; too few packets came, or it timed out */
  bool unheard;                     /* of some of its packets nothing was reported */
  bool holed;                       /* more of them than by chance was lost */
  bool saturated;                   /* packets came out more slowly than they went in: that is the path's rate */
};

/* Takes one finished measurement after a feedback message. `base_us`: the least one-way delay known (rtp/queue_delay.h), INT64_MAX
 * none. `newest_sent_us`: when the newest packet of that message was sent. False when none is finished. */
bool probe_results_take(struct probe_results *r, double random_loss, int64_t base_us, int64_t newest_sent_us,
                        int64_t now_us, struct probe_result *out);

#endif
