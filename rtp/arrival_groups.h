/* rtp/arrival_groups.h: packets sent in one burst become a group; two groups give one delay variation.
 *
 * Feed it runs of received packets (rtp/transport_feedback.h) in the order of their sequence numbers. When a packet opens a new group, the two groups before it
 * are complete and their distance at the sender is compared with that at the receiver: what the path added in between.
 *
 * Source: draft-ietf-rmcat-gcc-02 §5.1, §5.2 (pre-filtering: "a group is a sequence of packets sent within a burst time").
 * Memory: fixed, no allocation.
 */
#ifndef RTP_ARRIVAL_GROUPS_H
#define RTP_ARRIVAL_GROUPS_H

#include <stdbool.h>
#include <stdint.h>

#include "rtp/transport_feedback.h"

/* gcc-02 §5.2: "The Pre-filtering aims at handling delay transients caused by channel outages … merge together groups of
 * packets that arrive in a burst … a burst_time interval of 5 ms is recommended." */
#define ARRIVAL_BURST_US     5000
#define ARRIVAL_BURST_MAX_US 100000 /* an outage longer than this is not one burst any more */
/* The receiver's clock jumped (it slept) when its distance differs from ours by this much: begin anew. */
#define ARRIVAL_JUMP_US      3000000
#define ARRIVAL_REORDERED    3 /* groups that go back in time before we believe the clock did */

struct arrival_group {
  int64_t first_sent_us, last_sent_us, first_arrival_us, last_arrival_us;
  uint32_t bytes;
  bool used;
};

struct arrival_groups {
  struct arrival_group current, previous;
  uint32_t reordered;
};

struct arrival_delta {
  int64_t sent_us, arrival_us; /* distance of two neighbouring groups at the sender and at the receiver; > 0, ≥ 0 */
  int64_t
      first_us; /* how much more the younger group's first packet was delayed than the elder's: no group's own size in it */
  int64_t at_us; /* the younger group's arrival, receiver's clock                                  */
};

void arrival_groups_init(struct arrival_groups *g);

/* One run of received packets. True when a group was completed and *out is filled. Packets older than the group are ignored. */
bool arrival_groups_run(struct arrival_groups *g, const struct transport_result *run, struct arrival_delta *out);

#endif
