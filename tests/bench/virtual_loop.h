/* tests/bench/virtual_loop.h: bench/load/event_loop.h in virtual time: linked in its place, hours pass in an instant.
 *
 * A turn hands out what can be read from watched sockets (loopback delivers at once); when nothing can, time jumps to the next
 * timer or to the end of the turn. One loop a program.
 */
#ifndef TESTS_BENCH_VIRTUAL_LOOP_H
#define TESTS_BENCH_VIRTUAL_LOOP_H

#include "bench/load/event_loop.h"

#define VIRTUAL_LOOP_BEGIN_US INT64_C(1000000000)

/* Turns until `until_us` has come. */
void virtual_loop_run(struct event_loop *loop, int64_t until_us);
/* Only what can be read now: time stands still. */
void virtual_loop_settle(struct event_loop *loop);
/* Timers that are set. */
unsigned virtual_loop_timers(const struct event_loop *loop);

/* The time it is. */
extern int64_t virtual_loop_now_us;

#endif
