/* server/worker/gather.h: how long a loaded worker lets packets gather before it reads them.
 *
 * Chromium sends the packets of a frame 0.05 to 0.4 ms apart. Read one by one, each costs a wake-up and a message to every
 * receiver; read together, a frame is one UDP_SEGMENT message to each (egress_batch.h), at a third of the price. A worker with time
 * to spare waits for nothing. Latency is given for capacity, never more than the limit (at most 2 ms), in two cases:
 *   - a large fan-out: sending a frame packet by packet to a hundred receivers takes longer than the frame takes to arrive. At most
 *     that long is waited, so the last receiver has its frame no later than without; in fact as long as three of four frames need to be
 *     whole when they are read, which is learned (gather_frame_over), and for the rest of a frame GATHER_REST_US at a time;
 *   - a loaded worker, one that is busy for more than GATHER_SPARE_PERCENT of the time: it does not read again before some time has
 *     passed since it read last. The time grows with the load, and what the work itself took counts, so that nothing is
 *     waited for where batches grow by themselves.
 * In both cases a frame's packets are also kept until its last one has come (fan_out.h), a loaded worker from 60 % on: no receiver
 * shows a frame earlier without.
 *
 * Pure arithmetic: no clock, no socket. Waiting lowers the load and that shortens the waiting: it is changed by quarters.
 */
#ifndef SERVER_WORKER_GATHER_H
#define SERVER_WORKER_GATHER_H

#include <stdbool.h>
#include <stdint.h>

#define GATHER_LIMIT_MAX_US  2000
#define GATHER_SPARE_PERCENT 55
#define GATHER_REST_US       250

struct gather {
  int64_t limit_us;
  int64_t frame_us;   /* from waking up to reading at most, by fan-out; 0: not by fan-out */
  int64_t learned_us; /* what frames need of that */
  int64_t apart_us;   /* from one reading to the next, by load */
  int64_t read_us;    /* when it was read last */
  int64_t whole_us;   /* how long the packets of a frame are kept for its last one; 0: not at all (fan_out.h) */
  int64_t period_began_us, busy_us;
  uint64_t in, out; /* packets, when the period began */
  unsigned load_percent;
  int load_permille; /* smoothed */
  bool busy_enough;  /* for waiting by fan-out */
};

/* `limit_us` 0: never waits; more than GATHER_LIMIT_MAX_US counts as that. */
void gather_init(struct gather *g, int64_t limit_us, int64_t now_us);

/* The worker worked from..to; `in` and `out` are its counters of forwarded media, packets received and sent. */
void gather_worked(struct gather *g, int64_t from_us, int64_t to_us, uint64_t in, uint64_t out);

/* The longest that it waits just now, 0: not at all. */
static inline int64_t gather_window_us(const struct gather *g) {
  const int64_t frame_us = g->learned_us < g->frame_us ? g->learned_us : g->frame_us;
  return frame_us > g->apart_us ? frame_us : g->apart_us;
}

/* Packets have come: how long to wait before they are read. `rest`: frames are kept already for what is still to come of them. */
int64_t gather_wait_us(const struct gather *g, bool rest, int64_t now_us);

/* The last packet of a frame of several packets has been read; `at_once`: together with the first. */
void gather_frame_over(struct gather *g, bool at_once);

static inline void gather_reads(struct gather *g, int64_t now_us) {
  g->read_us = now_us;
}

/* Busy time of the last tenth of a second, percent. */
static inline unsigned gather_load_percent(const struct gather *g) {
  return g->load_percent;
}

#endif
