/* --assert: what parses, what it means, and what is refused in which words. */
#include "bench/load/assertion.h"

#include "tests/bench/check.h"

static struct metric_list list;

static int set_up(void **state) {
  (void)state;
  list.count = 0;
  metric_add(&list, "g", "loss", "loss", METRIC_PERCENT, 0.05, true);
  metric_add(&list, "g", "latency_p99", "p99", METRIC_US, 4200, true);
  metric_add(&list, "g", "bits_per_second", "bits", METRIC_BITS_PER_SECOND, 2.5e6, true);
  metric_add(&list, "g", "pss_per_participant", "pss", METRIC_BYTES, 200 * 1024, true);
  metric_add(&list, "g", "participants", "people", METRIC_COUNT, 12, true);
  metric_add(&list, "g", "server_cpu", "cpu", METRIC_PERCENT, 0, false);
  return 0;
}

static enum assertion_verdict verdict(const char *text) {
  struct assertion a;
  assert_null(assertion_parse(&a, text));
  return assertion_check(&a, &list);
}

static void figures_are_compared_in_any_unit(void **state) {
  (void)state;
  assert_int_equal(verdict("loss<0.1%"), ASSERTION_HOLDS);
  assert_int_equal(verdict("loss < 0.05%"), ASSERTION_FAILS);
  assert_int_equal(verdict("loss<=0.05%"), ASSERTION_HOLDS);
  assert_int_equal(verdict("p99<5ms"), ASSERTION_HOLDS);
  assert_int_equal(verdict("latency_p99<4.2ms"), ASSERTION_FAILS);
  assert_int_equal(verdict("p99<4300us"), ASSERTION_HOLDS);
  assert_int_equal(verdict("p99<4300"), ASSERTION_HOLDS); /* without a unit: its base */
  assert_int_equal(verdict("p99>0.004 s"), ASSERTION_HOLDS);
  assert_int_equal(verdict("bits_per_second>=2.5Mbit/s"), ASSERTION_HOLDS);
  assert_int_equal(verdict("bits_per_second>2M"), ASSERTION_HOLDS);
  assert_int_equal(verdict("pss_per_participant<=200KiB"), ASSERTION_HOLDS);
  assert_int_equal(verdict("participants=12"), ASSERTION_HOLDS);
  assert_int_equal(verdict("participants==13"), ASSERTION_FAILS);
}

static void what_cannot_be_judged(void **state) {
  (void)state;
  assert_int_equal(verdict("lost<1%"), ASSERTION_UNKNOWN_METRIC);
  assert_int_equal(verdict("loss<5ms"), ASSERTION_WRONG_UNIT);
  assert_int_equal(verdict("p99<5%"), ASSERTION_WRONG_UNIT);
  assert_int_equal(verdict("server_cpu<50%"), ASSERTION_NOT_MEASURED);
}

static void nonsense_is_refused(void **state) {
  (void)state;
  static const char *const texts[] = {
      "",       "<5",      "loss",       "loss<",    "loss<x",
      "loss~5", "loss<5x", "loss<5 % %", "loss<5%x", "a_name_that_is_longer_than_any_figure_has<5"};
  struct assertion a;
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
    assert_non_null(assertion_parse(&a, texts[i]));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(figures_are_compared_in_any_unit),
      cmocka_unit_test(what_cannot_be_judged),
      cmocka_unit_test(nonsense_is_refused),
  };
  return cmocka_run_group_tests(tests, set_up, NULL);
}
