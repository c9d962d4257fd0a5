/* tests/bench/virtual_loop.c: see the header. */
#include "tests/bench/virtual_loop.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>

#define ROOM 4096

struct event_loop {
  struct loop_timer *timers[ROOM];
  struct loop_watch *watches[ROOM];
  uint32_t events[ROOM];
  uint32_t timer_count, watch_count;
};

int64_t virtual_loop_now_us = VIRTUAL_LOOP_BEGIN_US;

int64_t event_loop_clock_us(void) {
  return virtual_loop_now_us;
}

int event_loop_create(struct event_loop **out) {
  virtual_loop_now_us = VIRTUAL_LOOP_BEGIN_US;
  *out = calloc(1, sizeof **out);
  return *out ? 0 : -ENOMEM;
}

void event_loop_free(struct event_loop *loop) {
  free(loop);
}

/* Slots are counted from 1, as in the real loop. */
int event_loop_watch(struct event_loop *loop, struct loop_watch *watch, uint32_t events) {
  if (loop->watch_count == ROOM) return -ENOMEM;
  loop->events[loop->watch_count] = events;
  loop->watches[loop->watch_count] = watch;
  watch->slot = ++loop->watch_count;
  return 0;
}

int event_loop_change(struct event_loop *loop, struct loop_watch *watch, uint32_t events) {
  loop->events[watch->slot - 1] = events;
  return 0;
}

int event_loop_relax(struct event_loop *loop, struct loop_watch *watch) {
  (void)loop;
  watch->patient = true;
  return 0;
}

void event_loop_unwatch(struct event_loop *loop, struct loop_watch *watch) {
  if (!watch->slot) return;
  uint32_t at = watch->slot - 1, last = --loop->watch_count;
  loop->watches[at] = loop->watches[last];
  loop->events[at] = loop->events[last];
  loop->watches[at]->slot = at + 1;
  watch->slot = 0;
}

int event_loop_set(struct event_loop *loop, struct loop_timer *timer, int64_t at_us) {
  if (at_us == INT64_MAX) {
    event_loop_stop(loop, timer);
    return 0;
  }
  timer->at_us = at_us;
  if (timer->place) return 0;
  if (loop->timer_count == ROOM) return -ENOMEM;
  loop->timers[loop->timer_count] = timer;
  timer->place = ++loop->timer_count;
  return 0;
}

void event_loop_stop(struct event_loop *loop, struct loop_timer *timer) {
  if (!timer->place) return;
  struct loop_timer *last = loop->timers[--loop->timer_count];
  loop->timers[timer->place - 1] = last;
  last->place = timer->place;
  timer->place = 0;
}

unsigned virtual_loop_timers(const struct event_loop *loop) {
  return loop->timer_count;
}

static struct loop_timer *earliest(const struct event_loop *loop) {
  struct loop_timer *first = NULL;
  for (uint32_t i = 0; i < loop->timer_count; i++)
    if (!first || loop->timers[i]->at_us < first->at_us) first = loop->timers[i];
  return first;
}

/* One socket that has something, if any. */
static bool read_one(const struct event_loop *loop) {
  for (uint32_t i = 0; i < loop->watch_count; i++) {
    struct loop_watch *watch = loop->watches[i];
    struct pollfd p = {.fd = watch->fd, .events = (short)loop->events[i]};
    if (poll(&p, 1, 0) <= 0) continue;
    watch->ready(watch->arg, (uint32_t)p.revents, virtual_loop_now_us);
    return true;
  }
  return false;
}

void virtual_loop_settle(struct event_loop *loop) {
  while (read_one(loop)) {
  }
}

void event_loop_turn(struct event_loop *loop, int64_t until_us) {
  virtual_loop_settle(loop);
  struct loop_timer *timer = earliest(loop);
  if (!timer || timer->at_us > until_us) {
    if (until_us > virtual_loop_now_us) virtual_loop_now_us = until_us;
    return;
  }
  if (timer->at_us > virtual_loop_now_us) virtual_loop_now_us = timer->at_us;
  event_loop_stop(loop, timer);
  timer->due(timer->arg, virtual_loop_now_us);
}

void virtual_loop_run(struct event_loop *loop, int64_t until_us) {
  while (virtual_loop_now_us < until_us)
    event_loop_turn(loop, until_us);
  for (struct loop_timer *t; (t = earliest(loop)) && t->at_us <= until_us;) /* those that are due at that very moment */
    event_loop_turn(loop, until_us);
  virtual_loop_settle(loop);
}
