/* rtp/link_drop.h: a link that has suddenly become much slower, seen sooner than a trend can.
 *
 * The line through twenty groups needs most of a second to turn; at a quarter of the rate that second is three seconds of queue.
 * But when even the quickest of the packets that arrived last waited long, and packets come out of the path much more slowly than
 * they went in, the path is full: what comes out is its rate. A full path gives its packets out one by one; when one pause makes up
 * most of the time, something stood still (our process, theirs, a radio) and the path was not asked.
 *
 * Memory: fixed, no allocation. The threshold rises with every alarm and sinks slowly, so that a path that is always like that
 * (a competing download, a radio cell) does not ring for ever.
 */
#ifndef RTP_LINK_DROP_H
#define RTP_LINK_DROP_H

#include <stdbool.h>
#include <stdint.h>

#include "rtp/transport_feedback.h"

#define LINK_DROP_WAIT_US     65000
#define LINK_DROP_WAIT_MAX_US 500000
#define LINK_DROP_RATIO       1.3     /* time at the receiver over time at the sender */
#define LINK_DROP_SPAN_US     60000   /* of arrivals, at least */
#define LINK_DROP_PAUSE       0.8     /* of the arrivals' time: one pause longer than that is no rate */
#define LINK_DROP_STOOD_US    60000   /* one pause longer than that, … */
#define LINK_DROP_STOOD_TIMES 4       /* … and so many times as long as the others, is left out of the rate */
#define LINK_DROP_REST_US     1000000 /* after an alarm */
#define LINK_DROP_PACKETS     2       /* of a message, at least */

struct link_drop {
  double wait_us; /* threshold now */
  int64_t updated_us, rest_until_us;
  /* packets of the message before and of this one */
  struct link_drop_span {
    int64_t first_sent_us, last_sent_us, first_arrival_us, last_arrival_us;
    int64_t least_delay_us;   /* one way, clocks' offset included */
    int64_t longest_pause_us; /* between two arrivals */
    uint64_t bytes;           /* without the first packet's       */
    uint32_t packets;
  } before, now;
};

void link_drop_init(struct link_drop *d);

/* One run of received packets of the current message. */
void link_drop_run(struct link_drop *d, const struct transport_result *run);

/* The end of a message. `base_us`: the least one-way delay known (rtp/queue_delay.h). True: the link dropped to *bps. */
bool link_drop_message(struct link_drop *d, int64_t base_us, int64_t now_us, uint64_t *bps);

/* The least one-way delay of the last message; INT64_MAX before any. */
static inline int64_t link_drop_delay_us(const struct link_drop *d) {
  return d->before.packets ? d->before.least_delay_us : INT64_MAX;
}

#endif
