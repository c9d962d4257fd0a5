/* server/supervisor/backoff.c: the table of waits. */
#include "tests/server/check.h"

#include "server/supervisor/backoff.h"

static void test_table(void **state) {
  (void)state;
  static const int64_t waits_ms[] = {200, 400, 800, 1600, 3200, 5000, 5000};
  struct backoff b = {0};
  int64_t now = 1000000;
  for (size_t i = 0; i < sizeof waits_ms / sizeof *waits_ms; i++) { /* dies 50 ms after each start */
    int64_t wait = backoff_after_death(&b, now, now + 50000);
    assert_int_equal(wait, waits_ms[i] * 1000);
    now += 50000 + wait;
  }
  assert_int_equal(backoff_after_death(&b, now, now + BACKOFF_CALM_US), BACKOFF_FIRST_US); /* a calm life */
  now += BACKOFF_CALM_US;
  assert_int_equal(backoff_after_death(&b, now, now + BACKOFF_CALM_US - 1), 400000); /* just too short */
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_table)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
