/* A binary heap of events: see tests/sim/clock.h. */
#include "tests/sim/clock.h"

#include <stdlib.h>
#include <string.h>

void sim_clock_init(struct sim_clock *c, int64_t start_us) {
  memset(c, 0, sizeof *c);
  c->now_us = start_us;
}

void sim_clock_close(struct sim_clock *c) {
  for (size_t i = 0; i < c->count; i++)
    free(c->heap[i].data);
  free(c->heap);
}

typedef unsigned __int128 sim_place;

/* Instant and order as one number: the heap's comparisons are what an event costs. */
static inline sim_place place(int64_t at_us, uint64_t order) {
  return (sim_place)(uint64_t)at_us << 64 | order;
}

static inline sim_place place_of(const struct sim_entry *e) {
  return place(e->at_us, e->order);
}

/* Finds the place of `e` from the root down, which is free. */
static inline void sink(struct sim_clock *c, const struct sim_entry *e) {
  const sim_place own = place_of(e);
  const size_t count = c->count;
  struct sim_entry *heap = c->heap;
  size_t i = 0;
  for (size_t child = 1; child < count; child = 2 * i + 1) {
    sim_place least = place_of(&heap[child]);
    if (child + 1 < count) {
      const sim_place other = place_of(&heap[child + 1]);
      const bool right = other < least;
      child += right;
      least = right ? other : least;
    }
    if (own < least) break;
    heap[i] = heap[child];
    i = child;
  }
  heap[i] = *e;
}

static void push(struct sim_clock *c, const struct sim_entry *e) {
  if (c->root_is_free) { /* most events make their next one */
    c->root_is_free = false;
    sink(c, e);
    return;
  }
  if (c->count == c->room) {
    c->room = c->room ? c->room * 2 : 1024;
    c->heap = realloc(c->heap, c->room * sizeof *c->heap);
    if (!c->heap) abort();
  }
  size_t i = c->count++;
  const sim_place own = place_of(e);
  while (i > 0 && own < place_of(&c->heap[(i - 1) / 2])) {
    c->heap[i] = c->heap[(i - 1) / 2];
    i = (i - 1) / 2;
  }
  c->heap[i] = *e;
}

void sim_at(struct sim_clock *c, int64_t at_us, sim_event run, void *arg, void *data) {
  push(c, &(struct sim_entry){at_us > c->now_us ? at_us : c->now_us, c->order++, run, arg, data});
}

void sim_at_order(struct sim_clock *c, int64_t at_us, uint64_t order, sim_event run, void *arg) {
  push(c, &(struct sim_entry){at_us, order, run, arg, NULL});
}

static void close_root(struct sim_clock *c) {
  if (!c->root_is_free) return;
  c->root_is_free = false;
  struct sim_entry last = c->heap[--c->count];
  if (c->count) sink(c, &last);
}

bool sim_goes_on(struct sim_clock *c, int64_t at_us, uint64_t order) {
  const sim_place own = place(at_us, order);
  if (at_us > c->end_us) return false;
  if (c->root_is_free) { /* and stays so for what the caller makes next: the two below it are what comes first */
    if (c->count > 1 && place_of(&c->heap[1]) < own) return false;
    if (c->count > 2 && place_of(&c->heap[2]) < own) return false;
  } else if (c->count && place_of(&c->heap[0]) < own) {
    return false;
  }
  c->now_us = at_us;
  return true;
}

void sim_run_until(struct sim_clock *c, int64_t end_us) {
  c->end_us = end_us;
  while (c->count && c->heap[0].at_us <= end_us) {
    struct sim_entry e = c->heap[0];
    c->root_is_free = true;
    c->now_us = e.at_us;
    e.run(e.arg, e.data);
    close_root(c);
  }
  c->now_us = end_us;
}
