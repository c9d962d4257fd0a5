/* server/worker/quality.h (internal to the worker): how good a member's connection is, judged once a second.
 *
 * A direction is poor above 8 % loss or 500 ms round trip, good above 3 % or 250 ms, excellent below, lost without a connection or
 * an answer. Downlink: also poor when no picture fits, good when less fits than is wanted, or a publisher keeps its picture smaller
 * for it. Uplink: good at most while a layer that is wanted and came before stays away; what waits in the downlink's queue is not
 * its delay. Worse counts when it has held for two seconds, better for five.
 */
#ifndef SERVER_WORKER_QUALITY_H
#define SERVER_WORKER_QUALITY_H

#include "server/room/room_manager.h"

#define QUALITY_POOR_LOSS   0.08
#define QUALITY_POOR_RTT_US 500000
#define QUALITY_GOOD_LOSS   0.03
#define QUALITY_GOOD_RTT_US 250000
/* Fewer packets say nothing about loss. */
#define QUALITY_PACKETS     40
#define QUALITY_WORSE_HELD  2
#define QUALITY_BETTER_HELD 5
/* A link that is short of bandwidth loses its large layers first; a device that is too slow loses frames of the smallest. */
#define QUALITY_SLOW_FPS    12

struct quality_direction {
  enum room_grade grade, seen; /* told; what the last seconds say */
  unsigned held;               /* seconds for which `seen` differs from `grade` on the same side */
};

struct quality {
  bool begun;
  struct quality_direction uplink, downlink;
  enum room_cause cause; /* as told */
  bool slow_device;
  double uplink_loss;
  uint64_t packets, nacked, lost; /* of all it sends, at the last review */
};

struct peer;
/* Its round trip without what waits on the way down: ICE knows a short one from its first check (a longer one's check is repeated
 * before the answer), the feedback about what it receives every other. 0: unknown. */
int64_t peer_rtt_us(const struct peer *peer, int64_t now_us);

void peer_review_quality(struct peer *peer, int64_t now_us);

#endif
