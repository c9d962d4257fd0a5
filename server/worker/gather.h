/* server/worker/gather.h: how long a loaded worker lets packets gather before it reads them.
 *
 * Chromium sends the packets of a frame 0.05 to 0.4 ms apart. Read one by one, each costs a wake-up and a message to every
 * receiver; read together, a frame is one UDP_SEGMENT message to each (egress_batch.h), at a third of the price. A worker with time
 * to spare waits for nothing. A loaded one waits, never longer than the limit (at most 2 ms), by two rules, the longer wins:
 *   - by fan-out: about as long as it would otherwise be busy sending the packets of a frame one by one. The last receiver has
 *     its frame no later than without waiting;
 *   - by load: the longest up to a quarter of its time, where wake-ups are most of the work and a packet's way is short; the least
 *     around a half, where latency counts; then more and more, so that the capacity comes before it is needed.
 *
 * Pure arithmetic: no clock, no socket. Loaded means that the measured busy time passed LOADED_PERCENT; because gathering lowers
 * it, the worker counts as loaded until it falls below SPARE_PERCENT.
 */
#ifndef SERVER_WORKER_GATHER_H
#define SERVER_WORKER_GATHER_H

#include <stdbool.h>
#include <stdint.h>

#define GATHER_LIMIT_MAX_US 2000

struct gather {
  int64_t limit_us, window_us;
  int64_t period_began_us, busy_us;
  uint64_t in, out; /* packets, when the period began */
  unsigned load_percent;
  bool loaded;
};

/* `limit_us` 0: never waits; more than GATHER_LIMIT_MAX_US counts as that. */
void gather_init(struct gather *g, int64_t limit_us, int64_t now_us);

/* The worker worked from..to; `in` and `out` are its counters of forwarded media, packets received and sent. */
void gather_worked(struct gather *g, int64_t from_us, int64_t to_us, uint64_t in, uint64_t out);

/* How long to wait before reading, 0: not at all. */
static inline int64_t gather_window_us(const struct gather *g) {
  return g->window_us;
}

/* Busy time of the last tenth of a second, percent. */
static inline unsigned gather_load_percent(const struct gather *g) {
  return g->load_percent;
}

#endif
