/* Percentiles against sorted values, the error of a step, the ends of the range. */
#include "bench/load/histogram.h"

#include <stdlib.h>

#include "tests/bench/check.h"

static struct histogram h, other;

static int compare(const void *a, const void *b) {
  int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
  return x < y ? -1 : x > y;
}

static void small_values_are_exact(void **state) {
  (void)state;
  histogram_reset(&h);
  for (int i = 1; i <= 60; i++)
    histogram_add(&h, i);
  assert_int_equal(histogram_percentile(&h, 50), 30);
  assert_int_equal(histogram_percentile(&h, 90), 54);
  assert_int_equal(histogram_percentile(&h, 0), 1);
  assert_int_equal(histogram_percentile(&h, 100), 60);
  assert_true(histogram_mean(&h) > 30.49 && histogram_mean(&h) < 30.51);
}

static void percentiles_agree_with_sorting(void **state) {
  (void)state;
  enum { COUNT = 20000 };
  static int64_t values[COUNT];
  srandom(7);
  histogram_reset(&h);
  for (int i = 0; i < COUNT; i++) {
    values[i] = (random() % 1000000) * (random() % 100 == 0 ? 50 : 1);
    histogram_add(&h, values[i]);
  }
  qsort(values, COUNT, sizeof *values, compare);
  static const double percents[] = {1, 25, 50, 90, 99, 99.9, 99.99, 100};
  for (size_t i = 0; i < sizeof percents / sizeof *percents; i++) {
    int64_t exact = values[(size_t)(percents[i] / 100 * COUNT + 0.999999) - 1];
    int64_t got = histogram_percentile(&h, percents[i]);
    assert_true(got >= exact);
    assert_true(got <= exact + exact / 64 + 1);
  }
  assert_int_equal(h.max, values[COUNT - 1]);
  assert_int_equal(h.min, values[0]);
}

static void every_value_lies_in_its_step(void **state) {
  (void)state;
  for (int bit = 0; bit < 63; bit++) {
    for (int64_t off = -1; off <= 1; off++) {
      int64_t value = (INT64_C(1) << bit) + off;
      size_t bucket = histogram_bucket(value);
      assert_true(bucket < HISTOGRAM_BUCKETS);
      assert_true(histogram_bucket_top(bucket) >= value);
      assert_true(bucket == 0 || histogram_bucket_top(bucket - 1) < value);
    }
  }
  assert_int_equal(histogram_bucket_top(histogram_bucket(INT64_MAX)), INT64_MAX);
}

static void odd_input(void **state) {
  (void)state;
  histogram_reset(&h);
  assert_int_equal(histogram_percentile(&h, 99), 0);
  assert_true(histogram_mean(&h) == 0);
  histogram_add(&h, -5);
  assert_int_equal(histogram_percentile(&h, 50), 0);
  assert_int_equal(h.min, 0);
  assert_true(histogram_mean(&h) == 0);
  histogram_add(&h, INT64_MAX);
  assert_int_equal(histogram_percentile(&h, 100), INT64_MAX);
}

static void merge_and_difference(void **state) {
  (void)state;
  histogram_reset(&h);
  histogram_reset(&other);
  histogram_add(&h, 10);
  histogram_add(&other, 3);
  histogram_add(&other, 50);
  histogram_merge(&h, &other);
  assert_int_equal(h.count, 3);
  assert_int_equal(h.min, 3);
  assert_int_equal(h.max, 50);
  assert_true(histogram_mean(&h) == 21);
  static struct histogram difference;
  histogram_difference(&difference, &h, &other);
  assert_int_equal(difference.count, 1);
  assert_int_equal(difference.min, 10);
  assert_true(histogram_mean(&difference) == 10);
  assert_int_equal(histogram_percentile(&difference, 99), 10);
  histogram_reset(&other);
  histogram_merge(&h, &other); /* nothing changes */
  assert_int_equal(h.count, 3);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(small_values_are_exact),       cmocka_unit_test(percentiles_agree_with_sorting),
      cmocka_unit_test(every_value_lies_in_its_step), cmocka_unit_test(odd_input),
      cmocka_unit_test(merge_and_difference),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
