/* The rate that arrives, over windows of known content. */
#include "rtp/acknowledged_rate.h"
#include "tests/rtp/bytes.h"

static struct acknowledged_rate a;

static void feed(int64_t from_us, int count, int64_t step_us, uint32_t size) {
  for (int i = 0; i < count; i++)
    acknowledged_rate_run(&a, from_us + i * step_us, size, 1);
}

static void a_steady_stream_has_its_rate(void **state) {
  (void)state;
  acknowledged_rate_init(&a);
  feed(0, 200, 10000, 1250); /* 1 Mbit/s */
  assert_int_equal(acknowledged_rate_bps(&a, ACKNOWLEDGED_WINDOW_US), 1000000);
  assert_int_equal(acknowledged_rate_bps(&a, ACKNOWLEDGED_BUSY_US), 1000000);
}

static void too_little_is_unknown(void **state) {
  (void)state;
  acknowledged_rate_init(&a);
  assert_int_equal(acknowledged_rate_bps(&a, ACKNOWLEDGED_WINDOW_US), 0);
  feed(0, 4, 50000, 1200); /* five are needed */
  assert_int_equal(acknowledged_rate_bps(&a, ACKNOWLEDGED_WINDOW_US), 0);
  feed(200000, 1, 1, 1200);
  assert_int_equal(acknowledged_rate_bps(&a, ACKNOWLEDGED_WINDOW_US), 4 * 1200 * 8 * 5);
  acknowledged_rate_init(&a);
  feed(0, 100, 1000, 1200); /* a burst of 99 ms is less than a quarter of half a second */
  assert_int_equal(acknowledged_rate_bps(&a, ACKNOWLEDGED_WINDOW_US), 0);
  assert_int_not_equal(acknowledged_rate_bps(&a, ACKNOWLEDGED_BUSY_US), 0);
}

static void the_short_window_sees_a_change_first(void **state) {
  (void)state;
  acknowledged_rate_init(&a);
  feed(0, 200, 5000, 1250);       /* 2 Mbit/s until 1 s */
  feed(1000000, 20, 20000, 1250); /* 500 kbit/s for 400 ms */
  assert_int_equal(acknowledged_rate_bps(&a, ACKNOWLEDGED_BUSY_US), 500000);
  assert_true(acknowledged_rate_bps(&a, ACKNOWLEDGED_WINDOW_US) > 500000);
}

static void a_packet_from_the_past_came_now(void **state) {
  (void)state;
  acknowledged_rate_init(&a);
  feed(0, 50, 10000, 1250);
  acknowledged_rate_run(&a, 100, 1250, 1); /* reordered: its bytes count, time does not go back */
  uint64_t bps = acknowledged_rate_bps(&a, ACKNOWLEDGED_WINDOW_US);
  assert_in_range(bps, 1000000, 1030000);
}

/* Runs of sixteen packets each, as a fast link's come. */
static void fast_links_fit_the_ring(void **state) {
  (void)state;
  acknowledged_rate_init(&a);
  for (int i = 0; i < 2000; i++)
    acknowledged_rate_run(&a, i * 4800, 16 * 1250, 16);
  assert_in_range(acknowledged_rate_bps(&a, ACKNOWLEDGED_WINDOW_US), 33333333, 33333334);
}

/* More runs than the ring holds: the window gets shorter, the rate stays right. */
static void a_window_that_overflows_is_shorter(void **state) {
  (void)state;
  acknowledged_rate_init(&a);
  feed(0, 20000, 1000, 1250);
  assert_int_equal(acknowledged_rate_bps(&a, ACKNOWLEDGED_WINDOW_US), 10000000);
}

/* The count of bytes is modulo 2^32. */
static void bytes_wrap(void **state) {
  (void)state;
  acknowledged_rate_init(&a);
  a.bytes = UINT32_MAX - 10000;
  feed(0, 200, 10000, 1250);
  assert_int_equal(acknowledged_rate_bps(&a, ACKNOWLEDGED_WINDOW_US), 1000000);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_steady_stream_has_its_rate),
      cmocka_unit_test(too_little_is_unknown),
      cmocka_unit_test(the_short_window_sees_a_change_first),
      cmocka_unit_test(a_packet_from_the_past_came_now),
      cmocka_unit_test(fast_links_fit_the_ring),
      cmocka_unit_test(a_window_that_overflows_is_shorter),
      cmocka_unit_test(bytes_wrap),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
