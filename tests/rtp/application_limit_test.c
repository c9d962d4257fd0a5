/* Sending less than allowed: the budget of 65 %, its thresholds. */
#include "rtp/application_limit.h"
#include "tests/rtp/bytes.h"

static bool run(struct application_limit *a, int64_t *now_us, double seconds, uint64_t bps, uint64_t target_bps) {
  for (int i = 0; i < (int)(seconds * 100); i++) {
    *now_us += 10000;
    application_limit_sent(a, (uint32_t)(bps / 800), target_bps, *now_us);
  }
  return a->limited;
}

static void half_of_the_target_is_limited_eighty_percent_is_not(void **state) {
  (void)state;
  struct application_limit a;
  int64_t now_us = 0;
  application_limit_init(&a);
  assert_false(run(&a, &now_us, 0.2, 500000, 1000000)); /* not at once */
  assert_true(run(&a, &now_us, 5, 500000, 1000000));
  int64_t since_us = a.since_us;
  assert_in_range(since_us, 1, now_us - 1);
  assert_false(run(&a, &now_us, 5, 800000, 1000000));
  assert_true(a.since_us > since_us);
}

static void silence_is_limited(void **state) {
  (void)state;
  struct application_limit a;
  application_limit_init(&a);
  application_limit_sent(&a, 100, 1000000, 0);
  assert_true(application_limit_sent(&a, 0, 1000000, 3000000));
}

static void a_burst_does_not_count_for_ever(void **state) {
  (void)state;
  struct application_limit a;
  int64_t now_us = 0;
  application_limit_init(&a);
  application_limit_sent(&a, 100000000, 1000000, 0);
  assert_true(a.budget_bytes >= -APPLICATION_LIMIT_SHARE * 1000000 / 8 * 0.5 - 1);
  assert_true(run(&a, &now_us, 2, 0, 1000000));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(half_of_the_target_is_limited_eighty_percent_is_not),
      cmocka_unit_test(silence_is_limited),
      cmocka_unit_test(a_burst_does_not_count_for_ever),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
