/* rtp/queue_delay.h: how long packets wait on the path now, above the shortest way seen lately.
 *
 * One-way delays have an unknown offset (two clocks), so only differences count. Jitter moves single packets, a queue moves
 * all of them: the *least* delay of a moment, above the least of the last half minute, is the standing queue. The detector of
 * trends uses it as a witness: a trend without a queue is jitter.
 *
 * Memory: fixed, no allocation. Clocks drift apart by at most 0.1 ms a second, which the half minute forgives.
 */
#ifndef RTP_QUEUE_DELAY_H
#define RTP_QUEUE_DELAY_H

#include <stdbool.h>
#include <stdint.h>

#define QUEUE_DELAY_BASES     6
#define QUEUE_DELAY_BASE_US   5000000 /* six windows of five seconds */
#define QUEUE_DELAY_SLOTS     4
#define QUEUE_DELAY_SLOT_US   50000 /* the moment: four windows of 50 ms of sending time */

/* A queue of ours drains while we go on sending, so a wait that goes away nearly as fast as time passes was no queue of ours: the
 * path held packets up (radio, Wi-Fi) or somebody else's queue left. Such drops measure how much waits mean nothing here. */
#define QUEUE_DELAY_RELEASE   0.5  /* of the time that passed went away */
#define QUEUE_DELAY_FORGET_US 10e6 /* time constant */

struct queue_delay {
  int64_t base_us[QUEUE_DELAY_BASES]; /* least delay of each window; INT64_MAX: none */
  int64_t base_window, base_end_us;
  int64_t least_base_us; /* of all of them */
  int64_t least_us[QUEUE_DELAY_SLOTS];
  int64_t slot, slot_end_us;
  int64_t open_least_us;         /* of the window that is open; INT64_MAX: none */
  int64_t last_least_us;         /* of the last window that had packets; INT64_MAX: none */
  double released_us, jitter_us; /* of the drop that goes on; of those lately */
};

void queue_delay_init(struct queue_delay *q);

/* A packet beyond the windows that are open: a twentieth of a second, or five, has passed. A delay less than any of the open window. */
void queue_delay_open(struct queue_delay *q, int64_t sent_us, bool quiet);
void queue_delay_shorter(struct queue_delay *q, int64_t delay_us);

/* One received packet, or the first of a run: when it was sent (our clock) and arrived (the peer's). `quiet`: hardly anything was
 * sent then, so that a queue of ours drained too. */
static inline void queue_delay_packet(struct queue_delay *q, int64_t sent_us, int64_t arrival_us, bool quiet) {
  if (sent_us >= q->slot_end_us) queue_delay_open(q, sent_us, quiet);
  if (arrival_us - sent_us < q->open_least_us) queue_delay_shorter(q, arrival_us - sent_us);
}

/* A wait of this length went away by itself. */
void queue_delay_learn(struct queue_delay *q, int64_t wait_us);

/* Waits up to this length come and go by themselves. */
static inline int64_t queue_delay_jitter_us(const struct queue_delay *q) {
  return (int64_t)q->jitter_us;
}

/* Least wait of the packets of the last 200 ms of sending; 0 before anything. Never negative. */
int64_t queue_delay_standing_us(const struct queue_delay *q);

/* The least one-way delay of the last half minute, clocks' offset included; INT64_MAX before anything. */
static inline int64_t queue_delay_base_us(const struct queue_delay *q) {
  return q->least_base_us;
}

#endif
