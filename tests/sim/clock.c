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

static bool before(const struct sim_entry *a, const struct sim_entry *b) {
  return a->at_us != b->at_us ? a->at_us < b->at_us : a->order < b->order;
}

/* Finds the place of `e` from the root down, which is free. */
static void sink(struct sim_clock *c, const struct sim_entry *e) {
  size_t i = 0;
  for (;;) {
    size_t child = 2 * i + 1;
    if (child >= c->count) break;
    if (child + 1 < c->count && before(&c->heap[child + 1], &c->heap[child])) child++;
    if (!before(&c->heap[child], e)) break;
    c->heap[i] = c->heap[child];
    i = child;
  }
  c->heap[i] = *e;
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
  while (i > 0 && before(e, &c->heap[(i - 1) / 2])) {
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
  close_root(c);
  struct sim_entry e = {.at_us = at_us, .order = order};
  if (at_us > c->end_us || (c->count && before(&c->heap[0], &e))) return false;
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
