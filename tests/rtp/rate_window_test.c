/* Rates over a second: steady, starting, ending, and time that jumps. */
#include "rtp/rate_window.h"

#include "tests/rtp/stream_fixture.h"

static void a_steady_stream_is_measured_exactly_enough(void **state) {
  (void)state;
  struct rtp_rate_window w;
  rtp_rate_window_init(&w);
  int64_t now = 5000000;
  assert_int_equal(rtp_rate_window_bps(&w, now), 0);
  for (int i = 0; i < 3000; i++, now += 1000)
    rtp_rate_window_add(&w, 125, now); /* 1 Mbit/s */
  assert_in_range(rtp_rate_window_bps(&w, now), 980000, 1020000);
}

static void a_young_stream_is_not_underestimated(void **state) {
  (void)state;
  struct rtp_rate_window w;
  rtp_rate_window_init(&w);
  int64_t now = 0;
  for (int i = 0; i < 300; i++, now += 1000)
    rtp_rate_window_add(&w, 125, now);
  assert_in_range(rtp_rate_window_bps(&w, now), 900000, 1100000);
}

static void silence_brings_it_to_zero(void **state) {
  (void)state;
  struct rtp_rate_window w;
  rtp_rate_window_init(&w);
  for (int64_t now = 0; now < 1000000; now += 1000)
    rtp_rate_window_add(&w, 125, now);
  uint64_t half = rtp_rate_window_bps(&w, 1500000);
  assert_in_range(half, 200000, 700000);
  assert_int_equal(rtp_rate_window_bps(&w, 2200000), 0);
  rtp_rate_window_add(&w, 125, INT64_MAX / 2); /* a far jump forgets everything */
  assert_in_range(rtp_rate_window_bps(&w, INT64_MAX / 2), 1, 10000);
  rtp_rate_window_add(&w, 125, 0); /* backwards counts as now */
  assert_in_range(rtp_rate_window_bps(&w, INT64_MAX / 2), 1, 20000);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(a_steady_stream_is_measured_exactly_enough),
                                     cmocka_unit_test(a_young_stream_is_not_underestimated),
                                     cmocka_unit_test(silence_brings_it_to_zero)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
