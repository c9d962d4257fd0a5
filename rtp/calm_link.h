/* rtp/calm_link.h: a link on which nothing has waited for a while, and how little of its feedback needs a close look.
 *
 * On most links, most of the time, every packet takes the shortest way known, give or take a few milliseconds, and none gets lost.
 * There a trend cannot mean a queue (rtp/bandwidth_estimator.h wants a standing one of 12 ms), and what a message says is one line:
 * so many bytes, so late. After a second of such messages only that line is looked at; the runs are kept aside, and the first
 * message that is not calm brings them back, as many as the trend's window holds and more, so that it is seen as if each had
 * been looked at.
 *
 * Memory: 2.6 KiB, no allocation.
 */
#ifndef RTP_CALM_LINK_H
#define RTP_CALM_LINK_H

#include "rtp/transport_feedback.h"

#define CALM_LINK_WAIT_US   6000   /* half of a queue that would count */
#define CALM_LINK_LESS_US   2000   /* a way so much shorter than any known is another way */
#define CALM_LINK_MESSAGES  20     /* in a row before it is believed */
#define CALM_LINK_RUNS      64     /* a power of two */
#define CALM_LINK_GOVERN_US 100000 /* while it lasts the rate is governed so often */

struct calm_run { /* its times lie as in a transport_result */
  int64_t sent_us, last_sent_us, arrival_us, last_arrival_us;
  uint32_t bytes;
};

struct calm_link {
  uint32_t messages; /* calm ones in a row, at most CALM_LINK_MESSAGES */
  uint32_t kept;     /* runs; counts on */
  int64_t governed_us;
  struct calm_run runs[CALM_LINK_RUNS];
};

static inline void calm_link_init(struct calm_link *c) {
  c->messages = c->kept = 0;
  c->governed_us = 0;
}

/* One message; `base_us`: the least one-way delay known (rtp/queue_delay.h), INT64_MAX none. True: it is calm and has been so for
 * long; its runs are kept aside, *sum is all of them as one, with the least delay of its packets as that of the first. */
bool calm_link_message(struct calm_link *c, const struct transport_results *r, int64_t base_us,
                       struct transport_result *sum);

/* The runs that were kept aside, oldest first; those before them are forgotten. Whoever has seen them sets `kept` to 0. */
size_t calm_link_kept(const struct calm_link *c);
struct transport_result calm_link_run(const struct calm_link *c, size_t index);

#endif
