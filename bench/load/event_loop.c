/* bench/load/event_loop.c: see the header. */
#include "bench/load/event_loop.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define MAX_EVENTS 512
#define NO_SLOT    0

struct event_loop {
  int fd, patient_fd;
  uint32_t patient_count;
  int64_t patient_due_us;
  /* Watches by slot, so that events of one that was removed in the same round find nothing. Slot 0 stays empty. */
  struct loop_watch **watches;
  uint32_t *free_slots;
  uint32_t slot_count, slot_room, free_count;
  struct loop_timer **heap; /* heap[1] is the earliest */
  uint32_t heap_count, heap_room;
  struct epoll_event events[MAX_EVENTS];
};

int64_t event_loop_clock_us(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

int event_loop_create(struct event_loop **out) {
  struct event_loop *loop = calloc(1, sizeof *loop);
  if (!loop) return -ENOMEM;
  loop->fd = epoll_create1(EPOLL_CLOEXEC);
  loop->patient_fd = loop->fd < 0 ? -1 : epoll_create1(EPOLL_CLOEXEC);
  if (loop->patient_fd < 0) {
    int error = -errno;
    if (loop->fd >= 0) close(loop->fd);
    free(loop);
    return error;
  }
  loop->slot_count = 1;
  *out = loop;
  return 0;
}

void event_loop_free(struct event_loop *loop) {
  if (!loop) return;
  close(loop->fd);
  close(loop->patient_fd);
  free(loop->watches);
  free(loop->free_slots);
  free(loop->heap);
  free(loop);
}

/* ---- watches ---- */

static int take_slot(struct event_loop *loop, uint32_t *slot) {
  if (loop->free_count) {
    *slot = loop->free_slots[--loop->free_count];
    return 0;
  }
  if (loop->slot_count >= loop->slot_room) {
    uint32_t room = loop->slot_room ? loop->slot_room * 2 : 256;
    struct loop_watch **watches = realloc(loop->watches, room * sizeof(struct loop_watch *));
    if (!watches) return -ENOMEM;
    loop->watches = watches;
    uint32_t *free_slots = realloc(loop->free_slots, room * sizeof *free_slots);
    if (!free_slots) return -ENOMEM;
    loop->free_slots = free_slots;
    loop->slot_room = room;
  }
  *slot = loop->slot_count++;
  return 0;
}

int event_loop_watch(struct event_loop *loop, struct loop_watch *watch, uint32_t events) {
  uint32_t slot;
  int error = take_slot(loop, &slot);
  if (error) return error;
  struct epoll_event event = {.events = events, .data.u32 = slot};
  if (epoll_ctl(loop->fd, EPOLL_CTL_ADD, watch->fd, &event) < 0) {
    error = -errno;
    loop->free_slots[loop->free_count++] = slot;
    return error;
  }
  loop->watches[slot] = watch;
  watch->slot = slot;
  return 0;
}

int event_loop_change(struct event_loop *loop, struct loop_watch *watch, uint32_t events) {
  struct epoll_event event = {.events = events, .data.u32 = watch->slot};
  return epoll_ctl(loop->fd, EPOLL_CTL_MOD, watch->fd, &event) < 0 ? -errno : 0;
}

int event_loop_relax(struct event_loop *loop, struct loop_watch *watch) {
  if (watch->slot == NO_SLOT || watch->patient) return 0;
  struct epoll_event event = {.events = EPOLLIN, .data.u32 = watch->slot};
  if (epoll_ctl(loop->patient_fd, EPOLL_CTL_ADD, watch->fd, &event) < 0) return -errno;
  epoll_ctl(loop->fd, EPOLL_CTL_DEL, watch->fd, NULL);
  watch->patient = true;
  loop->patient_count++;
  return 0;
}

void event_loop_unwatch(struct event_loop *loop, struct loop_watch *watch) {
  if (watch->slot == NO_SLOT) return;
  epoll_ctl(watch->patient ? loop->patient_fd : loop->fd, EPOLL_CTL_DEL, watch->fd, NULL);
  loop->patient_count -= watch->patient;
  watch->patient = false;
  loop->watches[watch->slot] = NULL;
  loop->free_slots[loop->free_count++] = watch->slot;
  watch->slot = NO_SLOT;
}

/* ---- timers ---- */

static void put(struct event_loop *loop, uint32_t place, struct loop_timer *timer) {
  loop->heap[place] = timer;
  timer->place = place;
}

static void sift_up(struct event_loop *loop, struct loop_timer *timer) {
  uint32_t at = timer->place;
  for (; at > 1 && loop->heap[at / 2]->at_us > timer->at_us; at /= 2)
    put(loop, at, loop->heap[at / 2]);
  put(loop, at, timer);
}

static void sift_down(struct event_loop *loop, struct loop_timer *timer) {
  uint32_t at = timer->place;
  for (;;) {
    uint32_t child = at * 2;
    if (child > loop->heap_count) break;
    if (child < loop->heap_count && loop->heap[child + 1]->at_us < loop->heap[child]->at_us) child++;
    if (loop->heap[child]->at_us >= timer->at_us) break;
    put(loop, at, loop->heap[child]);
    at = child;
  }
  put(loop, at, timer);
}

void event_loop_stop(struct event_loop *loop, struct loop_timer *timer) {
  if (!timer->place) return;
  struct loop_timer *last = loop->heap[loop->heap_count--];
  if (last != timer) {
    put(loop, timer->place, last);
    sift_up(loop, last);
    sift_down(loop, last);
  }
  timer->place = 0;
}

int event_loop_set(struct event_loop *loop, struct loop_timer *timer, int64_t at_us) {
  if (at_us == INT64_MAX) {
    event_loop_stop(loop, timer);
    return 0;
  }
  timer->at_us = at_us;
  if (!timer->place) {
    if (loop->heap_count + 2 > loop->heap_room) {
      uint32_t room = loop->heap_room ? loop->heap_room * 2 : 256;
      struct loop_timer **heap = realloc(loop->heap, room * sizeof(struct loop_timer *));
      if (!heap) return -ENOMEM;
      loop->heap = heap;
      loop->heap_room = room;
    }
    put(loop, ++loop->heap_count, timer);
  }
  sift_up(loop, timer);
  sift_down(loop, timer);
  return 0;
}

static void run_timers(struct event_loop *loop, int64_t now_us) {
  /* Those that set themselves again for the past wait for the next round, so that sockets get their turn. */
  for (uint32_t budget = loop->heap_count; budget && loop->heap_count && loop->heap[1]->at_us <= now_us; budget--) {
    struct loop_timer *timer = loop->heap[1];
    event_loop_stop(loop, timer);
    timer->due(timer->arg, now_us);
  }
}

/* ---- the round ---- */

static void run_watches(const struct event_loop *loop, int count) {
  for (int i = 0; i < count; i++) {
    struct loop_watch *watch = loop->watches[loop->events[i].data.u32];
    if (watch) watch->ready(watch->arg, loop->events[i].events, event_loop_clock_us());
  }
}

void event_loop_turn(struct event_loop *loop, int64_t until_us) {
  int64_t now_us = event_loop_clock_us();
  if (loop->heap_count && loop->heap[1]->at_us < until_us) until_us = loop->heap[1]->at_us;
  if (loop->patient_count && loop->patient_due_us < until_us) until_us = loop->patient_due_us;
  int64_t wait_us = until_us > now_us ? until_us - now_us : 0;
  struct timespec timeout = {.tv_sec = wait_us / 1000000, .tv_nsec = wait_us % 1000000 * 1000};
  int count = epoll_pwait2(loop->fd, loop->events, MAX_EVENTS, &timeout, NULL);
  now_us = event_loop_clock_us();
  run_timers(loop, now_us);
  run_watches(loop, count);
  if (!loop->patient_count || loop->patient_due_us > now_us) return;
  loop->patient_due_us = now_us + LOOP_PATIENCE_US;
  run_watches(loop, epoll_wait(loop->patient_fd, loop->events, MAX_EVENTS, 0));
}
