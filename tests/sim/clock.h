/* tests/sim/clock.h: virtual time: events in order of their instant, and in order of their making at one instant.
 *
 * Nothing here knows the real clock, so a run is a function of its seed. */
#ifndef TESTS_SIM_CLOCK_H
#define TESTS_SIM_CLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef void (*sim_event)(void *arg, void *data);

struct sim_entry {
  int64_t at_us;
  uint64_t order;
  sim_event run;
  void *arg, *data;
};

struct sim_clock {
  int64_t now_us;
  uint64_t order;
  struct sim_entry *heap;
  size_t count, room;
  bool root_is_free; /* the event that runs was there */
  int64_t end_us;    /* of the run */
};

void sim_clock_init(struct sim_clock *c, int64_t start_us);
/* Frees the heap; the `data` of events that did not run is freed with free(). */
void sim_clock_close(struct sim_clock *c);
/* Runs `run(arg, data)` at `at_us`, now at the earliest. */
void sim_at(struct sim_clock *c, int64_t at_us, sim_event run, void *arg, void *data);
/* The same for who keeps a queue of his own, and shows only its head: the place among the events of one instant was taken before. */
static inline uint64_t sim_take_order(struct sim_clock *c) {
  return c->order++;
}
void sim_at_order(struct sim_clock *c, int64_t at_us, uint64_t order, sim_event run, void *arg);
/* Whether nothing else comes before it within this run: then it is now, and the caller may go on with it at once. */
bool sim_goes_on(struct sim_clock *c, int64_t at_us, uint64_t order);
void sim_run_until(struct sim_clock *c, int64_t end_us);

#endif
