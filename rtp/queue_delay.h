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

#include <stdint.h>

#define QUEUE_DELAY_BASES   6
#define QUEUE_DELAY_BASE_US 5000000 /* six windows of five seconds */
#define QUEUE_DELAY_SLOTS   4
#define QUEUE_DELAY_SLOT_US 50000 /* the moment: four windows of 50 ms of sending time */

struct queue_delay {
  int64_t base_us[QUEUE_DELAY_BASES]; /* least delay of each window; INT64_MAX: none */
  int64_t base_window;
  int64_t least_us[QUEUE_DELAY_SLOTS];
  int64_t slot;
};

void queue_delay_init(struct queue_delay *q);

/* One received packet: when it was sent (our clock) and arrived (the peer's). */
void queue_delay_packet(struct queue_delay *q, int64_t sent_us, int64_t arrival_us);

/* Least wait of the packets of the last 200 ms of sending; 0 before anything. Never negative. */
int64_t queue_delay_standing_us(const struct queue_delay *q);

/* The least one-way delay of the last half minute, clocks' offset included; INT64_MAX before anything. */
int64_t queue_delay_base_us(const struct queue_delay *q);

#endif
