/* How figures are shown and found. */
#include "bench/load/metric.h"

#include "tests/bench/check.h"

static char text[48];

static void three_digits_that_count(void **state) {
  (void)state;
  assert_string_equal(metric_format(METRIC_US, 412, text, sizeof text), "412 µs");
  assert_string_equal(metric_format(METRIC_US, 3912, text, sizeof text), "3.91 ms");
  assert_string_equal(metric_format(METRIC_US, 999.7, text, sizeof text), "1.00 ms");
  assert_string_equal(metric_format(METRIC_US, 12.34e6, text, sizeof text), "12.3 s");
  assert_string_equal(metric_format(METRIC_US, 5000e6, text, sizeof text), "5000 s");
  assert_string_equal(metric_format(METRIC_US, 8.8, text, sizeof text), "8.80 µs");
  assert_string_equal(metric_format(METRIC_PERCENT, 0, text, sizeof text), "0 %");
  assert_string_equal(metric_format(METRIC_PERCENT, 0.0213, text, sizeof text), "0.021 %");
  assert_string_equal(metric_format(METRIC_PERCENT, 16.54, text, sizeof text), "16.5 %");
  assert_string_equal(metric_format(METRIC_BITS_PER_SECOND, 1.481e9, text, sizeof text), "1.48 Gbit/s");
  assert_string_equal(metric_format(METRIC_PER_SECOND, 39200, text, sizeof text), "39.2 k/s");
  assert_string_equal(metric_format(METRIC_BYTES, 318 * 1024, text, sizeof text), "318 KiB");
  assert_string_equal(metric_format(METRIC_COUNT, 12345, text, sizeof text), "12345");
  assert_string_equal(metric_format(METRIC_COUNT, 389600, text, sizeof text), "390 k");
  assert_string_equal(metric_format(METRIC_COUNT, 0.153, text, sizeof text), "0.15");
  assert_string_equal(metric_format(METRIC_COUNT, 0.0123, text, sizeof text), "0.012");
}

static void found_by_name_and_short_name(void **state) {
  (void)state;
  static struct metric_list list;
  metric_add(&list, "g", "latency_p99", "p99", METRIC_US, 5, true);
  metric_add(&list, "g", "cpu_us_per_packet", "cpu", METRIC_US, 8, true);
  assert_ptr_equal(metric_find(&list, "p99"), &list.items[0]);
  assert_ptr_equal(metric_find(&list, "cpu"), &list.items[1]);
  assert_null(metric_find(&list, "p98"));
  for (int i = 0; i < 2 * METRICS_MAX; i++)
    metric_add(&list, "g", "many", "many", METRIC_COUNT, i, true);
  assert_int_equal(list.count, METRICS_MAX);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(three_digits_that_count),
      cmocka_unit_test(found_by_name_and_short_name),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
