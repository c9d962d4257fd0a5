/* bench/load/event_loop.h: one epoll set and one heap of timers, for thousands of sockets and microsecond deadlines.
 *
 * libuv's timers have a resolution of a millisecond and its poll handles cost two system calls each to change; a load
 * generator needs neither limit. Watches and timers are embedded in their owners; nothing is allocated per event.
 * Watches of media can be patient: they are looked at every LOOP_PATIENCE_US instead of waking the process. A wake-up is paid
 * for by whoever sends; over a network that is not the server, so on one machine it must not be either.
 * Times are microseconds of CLOCK_MONOTONIC.
 */
#ifndef BENCH_LOAD_EVENT_LOOP_H
#define BENCH_LOAD_EVENT_LOOP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/epoll.h>

#define LOOP_PATIENCE_US 500

struct event_loop;

/* `ready` gets epoll's events. A watch may be removed, and its owner freed, from within any handler. */
struct loop_watch {
  int fd;
  uint32_t slot; /* the loop's own */
  bool patient;
  void (*ready)(void *arg, uint32_t events, int64_t now_us);
  void *arg;
};

struct loop_timer {
  int64_t at_us;
  uint32_t place; /* in the heap, from 1; 0: not set */
  void (*due)(void *arg, int64_t now_us);
  void *arg;
};

int event_loop_create(struct event_loop **out); /* 0, or -errno */
void event_loop_free(struct event_loop *loop);  /* accepts NULL; watches and timers are their owners' */

int64_t event_loop_clock_us(void);

/* Level-triggered. 0, or -errno. */
int event_loop_watch(struct event_loop *loop, struct loop_watch *watch, uint32_t events);
int event_loop_change(struct event_loop *loop, struct loop_watch *watch, uint32_t events);
/* From now on the watch is looked at every LOOP_PATIENCE_US and wakes nobody; for readability only. 0, or -errno. */
int event_loop_relax(struct event_loop *loop, struct loop_watch *watch);
/* Before closing watch->fd. Does nothing for one that is not watched. */
void event_loop_unwatch(struct event_loop *loop, struct loop_watch *watch);

/* Sets or moves a timer; INT64_MAX stops it. 0, or -ENOMEM. */
int event_loop_set(struct event_loop *loop, struct loop_timer *timer, int64_t at_us);
void event_loop_stop(struct event_loop *loop, struct loop_timer *timer);

/* Handles what is ready and what is due; waits at most until `until_us` for it. Returns after one round. */
void event_loop_turn(struct event_loop *loop, int64_t until_us);

#endif
