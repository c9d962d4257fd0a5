/* Timers in order, moved and stopped from within handlers; watches that go away in the round they were ready in. */
#include "bench/load/event_loop.h"

#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/bench/check.h"

#define TIMERS 500

static struct event_loop *loop;
static int64_t last_us;
static unsigned fired;
static struct loop_timer timers[TIMERS];

static int set_up(void **state) {
  (void)state;
  fired = 0;
  last_us = INT64_MIN;
  memset(timers, 0, sizeof timers);
  return event_loop_create(&loop);
}

static int tear_down(void **state) {
  (void)state;
  event_loop_free(loop);
  return 0;
}

static void in_order(void *arg, int64_t now_us) {
  struct loop_timer *t = arg;
  (void)now_us;
  assert_true(t->at_us >= last_us);
  last_us = t->at_us;
  fired++;
}

static void timers_fire_in_order(void **state) {
  (void)state;
  int64_t now_us = event_loop_clock_us();
  srandom(3);
  unsigned stopped = 0;
  for (int i = 0; i < TIMERS; i++) {
    timers[i] = (struct loop_timer){.due = in_order, .arg = &timers[i]};
    event_loop_set(loop, &timers[i], now_us - 1 - random() % 1000);
  }
  for (int i = 0; i < TIMERS; i += 3)
    event_loop_set(loop, &timers[i], now_us - 1 - random() % 1000); /* moved */
  for (int i = 1; i < TIMERS; i += 5, stopped++)
    event_loop_stop(loop, &timers[i]);
  event_loop_stop(loop, &timers[1]); /* twice is once */
  while (fired < TIMERS - stopped)
    event_loop_turn(loop, 0);
  event_loop_turn(loop, 0);
  assert_int_equal(fired, TIMERS - stopped);
}

static void set_again(void *arg, int64_t now_us) {
  fired++;
  event_loop_set(loop, arg, now_us - 1); /* always overdue */
}

static void an_overdue_timer_does_not_starve_the_round(void **state) {
  (void)state;
  timers[0] = (struct loop_timer){.due = set_again, .arg = &timers[0]};
  event_loop_set(loop, &timers[0], 0);
  event_loop_turn(loop, 0);
  assert_int_equal(fired, 1);
  event_loop_set(loop, &timers[0], INT64_MAX); /* stops it */
  event_loop_turn(loop, 0);
  assert_int_equal(fired, 1);
}

static struct loop_watch watches[2];

static void unwatch_the_other(void *arg, uint32_t events, int64_t now_us) {
  (void)events, (void)now_us;
  fired++;
  event_loop_unwatch(loop, arg);
}

static void a_removed_watch_is_silent(void **state) {
  (void)state;
  int a[2], b[2];
  assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, a), 0);
  assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, b), 0);
  watches[0] = (struct loop_watch){.fd = a[0], .ready = unwatch_the_other, .arg = &watches[1]};
  watches[1] = (struct loop_watch){.fd = b[0], .ready = unwatch_the_other, .arg = &watches[0]};
  assert_int_equal(event_loop_watch(loop, &watches[0], EPOLLIN), 0);
  assert_int_equal(event_loop_watch(loop, &watches[1], EPOLLIN), 0);
  assert_int_equal(write(a[1], "x", 1), 1);
  assert_int_equal(write(b[1], "x", 1), 1);
  event_loop_turn(loop, event_loop_clock_us() + 1000000);
  assert_int_equal(fired, 1);
  event_loop_unwatch(loop, &watches[0]);
  event_loop_unwatch(loop, &watches[1]);
  for (int i = 0; i < 2; i++) {
    close(a[i]);
    close(b[i]);
  }
}

static void count_and_drain(void *arg, uint32_t events, int64_t now_us) {
  const struct loop_watch *watch = arg;
  char byte;
  (void)events, (void)now_us;
  fired += read(watch->fd, &byte, 1) == 1;
}

static void a_patient_watch_wakes_nobody_and_is_heard(void **state) {
  (void)state;
  int a[2];
  assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, a), 0);
  watches[0] = (struct loop_watch){.fd = a[0], .ready = count_and_drain, .arg = &watches[0]};
  assert_int_equal(event_loop_watch(loop, &watches[0], EPOLLIN), 0);
  assert_int_equal(event_loop_relax(loop, &watches[0]), 0);
  assert_int_equal(event_loop_relax(loop, &watches[0]), 0); /* twice is once */
  event_loop_turn(loop, 0);                                 /* the first look; the next is due in LOOP_PATIENCE_US */
  int64_t looked_us = event_loop_clock_us();
  assert_int_equal(write(a[1], "x", 1), 1);
  while (!fired)
    event_loop_turn(loop, looked_us + 10000000);
  assert_true(event_loop_clock_us() - looked_us > LOOP_PATIENCE_US / 2);
  event_loop_unwatch(loop, &watches[0]);
  assert_int_equal(write(a[1], "x", 1), 1);
  event_loop_turn(loop, event_loop_clock_us() + 2 * LOOP_PATIENCE_US);
  assert_int_equal(fired, 1);
  close(a[0]);
  close(a[1]);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(timers_fire_in_order, set_up, tear_down),
      cmocka_unit_test_setup_teardown(an_overdue_timer_does_not_starve_the_round, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_patient_watch_wakes_nobody_and_is_heard, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_removed_watch_is_silent, set_up, tear_down),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
