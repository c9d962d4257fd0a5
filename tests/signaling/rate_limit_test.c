/* tests/signaling/rate_limit_test.c: burst, refill, steps of the clock, and the end of patience. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "signaling/rate_limit.h"

#define SECOND 1000000LL

static void test_burst_then_refill(void **state) {
  (void)state;
  struct rate_limit l;
  int64_t now = 5 * SECOND;
  rate_limit_init(&l, now);
  for (int i = 0; i < RATE_LIMIT_BURST; i++)
    assert_int_equal(rate_limit_take(&l, 1, now), RATE_LIMIT_PASS);
  assert_int_equal(rate_limit_take(&l, 1, now), RATE_LIMIT_REFUSE);
  now += SECOND / RATE_LIMIT_PER_SECOND - 1;
  assert_int_equal(rate_limit_take(&l, 1, now), RATE_LIMIT_REFUSE);
  now += 1;
  assert_int_equal(rate_limit_take(&l, 1, now), RATE_LIMIT_PASS);
  now += 3600 * SECOND; /* no more than the burst is saved up */
  for (int i = 0; i < RATE_LIMIT_BURST; i++)
    assert_int_equal(rate_limit_take(&l, 1, now), RATE_LIMIT_PASS);
  assert_int_equal(rate_limit_take(&l, 1, now), RATE_LIMIT_REFUSE);
}

static void test_wait_is_exact(void **state) {
  (void)state;
  struct rate_limit l;
  rate_limit_init(&l, 0);
  assert_int_equal(rate_limit_wait_us(&l, RATE_LIMIT_BURST), 0);
  assert_int_equal(rate_limit_take(&l, RATE_LIMIT_BURST - 3, 0), RATE_LIMIT_PASS);
  assert_int_equal(rate_limit_wait_us(&l, 3), 0);
  assert_int_equal(rate_limit_take(&l, 10, 0), RATE_LIMIT_REFUSE);
  int64_t wait_us = rate_limit_wait_us(&l, 10);
  assert_int_equal(wait_us, 7 * SECOND / RATE_LIMIT_PER_SECOND);
  assert_int_equal(rate_limit_take(&l, 10, wait_us - 1), RATE_LIMIT_REFUSE);
  assert_int_equal(rate_limit_take(&l, 10, wait_us), RATE_LIMIT_PASS);
  assert_int_equal(rate_limit_wait_us(&l, UINT32_MAX), (int64_t)RATE_LIMIT_BURST * SECOND / RATE_LIMIT_PER_SECOND);
}

static void test_close_only_without_a_pause(void **state) {
  (void)state;
  struct rate_limit l;
  rate_limit_init(&l, 0);
  assert_int_equal(rate_limit_take(&l, RATE_LIMIT_BURST, 0), RATE_LIMIT_PASS);
  for (int i = 1; i < RATE_LIMIT_REFUSALS; i++)
    assert_int_equal(rate_limit_take(&l, RATE_LIMIT_BURST, 0), RATE_LIMIT_REFUSE);
  assert_int_equal(rate_limit_take(&l, RATE_LIMIT_BURST, SECOND), RATE_LIMIT_REFUSE); /* a second of peace: forgiven */
  for (int i = 2; i < RATE_LIMIT_REFUSALS; i++)
    assert_int_equal(rate_limit_take(&l, RATE_LIMIT_BURST, SECOND), RATE_LIMIT_REFUSE);
  assert_int_equal(rate_limit_take(&l, RATE_LIMIT_BURST, SECOND), RATE_LIMIT_CLOSE);
}

static void test_clock_and_cost_extremes(void **state) {
  (void)state;
  struct rate_limit l;
  rate_limit_init(&l, 10 * SECOND);
  assert_int_equal(rate_limit_take(&l, UINT32_MAX, 10 * SECOND),
                   RATE_LIMIT_PASS); /* a full bucket pays for anything, once */
  assert_int_equal(rate_limit_take(&l, 1, 0), RATE_LIMIT_REFUSE);
  assert_int_equal(rate_limit_take(&l, 1, 10 * SECOND), RATE_LIMIT_REFUSE); /* stepping back and forth earns nothing */
  assert_int_equal(rate_limit_take(&l, 1, INT64_MAX), RATE_LIMIT_PASS);
}

static void test_costs(void **state) {
  (void)state;
  assert_int_equal(rate_limit_cost(SIGNALING_PING, 20), 1);
  assert_int_equal(rate_limit_cost(SIGNALING_CHAT, 4095), 3);
  assert_int_equal(rate_limit_cost(SIGNALING_CHAT, 4096), 4);
  assert_int_equal(rate_limit_cost(SIGNALING_OFFER, 16384), 14);
  assert_true(rate_limit_cost(SIGNALING_OFFER, SIZE_MAX) >= RATE_LIMIT_BURST);
  /* hello, check, join, offer of 16 KiB, publish in one go, and room for 60 small ones */
  assert_true(10 + 5 + 5 + 14 + 5 + 60 < RATE_LIMIT_BURST);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_burst_then_refill), cmocka_unit_test(test_wait_is_exact),
                                     cmocka_unit_test(test_close_only_without_a_pause),
                                     cmocka_unit_test(test_clock_and_cost_extremes), cmocka_unit_test(test_costs)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
