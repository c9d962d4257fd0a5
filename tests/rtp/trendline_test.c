/* The detector: lines of known slope, the adaptive threshold, the rules of gcc-02 §5.4. */
#include "rtp/trendline.h"
#include "tests/rtp/bytes.h"

#define STEP_US 20000

static struct trendline t;
static int64_t at_us;

static int setup(void **state) {
  (void)state;
  trendline_init(&t);
  at_us = 1000000;
  return 0;
}

/* `count` groups, each delayed by `more_us` more than the one before. Returns after how many it was overuse first; 0 never. */
static int feed(int count, int64_t more_us) {
  int first = 0;
  for (int i = 1; i <= count; i++) {
    at_us += STEP_US + more_us;
    struct arrival_delta d = {.sent_us = STEP_US, .arrival_us = STEP_US + more_us, .at_us = at_us};
    if (trendline_update(&t, &d) == LINK_OVERUSED && !first) first = i;
  }
  return first;
}

static void a_steady_path_is_normal(void **state) {
  (void)state;
  assert_int_equal(feed(500, 0), 0);
  assert_int_equal(t.usage, LINK_NORMAL);
  assert_true(t.modified_ms == 0);
  assert_true(t.threshold_ms == TRENDLINE_THRESHOLD_MIN_MS); /* calm: the threshold sinks to its floor */
}

/* The line through points of slope s has slope s; times 60 deltas and the gain of 4 it is held against the threshold. */
static void the_slope_is_that_of_the_line(void **state) {
  (void)state;
  feed(60, 0);
  feed(120, 200); /* 1 % more: 0.2 ms in 20.2 */
  double slope = 0.2 / 20.2;
  assert_true(t.slope > 0.97 * slope && t.slope < 1.03 * slope);
  assert_true(t.modified_ms > 0.97 * slope * 240 && t.modified_ms < 1.03 * slope * 240);
}

static void a_growing_queue_is_overuse_soon(void **state) {
  (void)state;
  feed(100, 0);
  int after = feed(40, 10000); /* 50 % too fast */
  assert_in_range(after, 2, 15);
}

static void a_draining_queue_is_underuse_then_normal(void **state) {
  (void)state;
  feed(100, 0);
  feed(20, 10000);
  feed(25, -8000);
  assert_int_equal(t.usage, LINK_UNDERUSED);
  feed(60, 0);
  assert_int_equal(t.usage, LINK_NORMAL);
}

static void jitter_around_zero_is_no_trend(void **state) {
  (void)state;
  feed(60, 0);
  int overuses = 0;
  for (int i = 0; i < 400; i++)
    overuses += feed(1, i % 2 ? 6000 : -6000) != 0;
  assert_int_equal(overuses, 0);
}

/* gcc-02 §5.4: the threshold follows a slope that stays, slowly, so that competing flows do not starve us … */
static void the_threshold_follows_what_stays(void **state) {
  (void)state;
  feed(60, 0);
  double before = t.threshold_ms;
  feed(150, 900); /* about 10 ms of modified trend */
  assert_true(t.threshold_ms > before + 1);
  assert_true(t.threshold_ms <= TRENDLINE_THRESHOLD_MAX_MS);
}

/* … and is not moved by a spike: "not updated if |m(i)| - del_var_th(i) > 15". */
static void the_threshold_ignores_spikes(void **state) {
  (void)state;
  feed(60, 0);
  int spikes = 0;
  for (int i = 0; i < 30; i++) {
    double before = t.threshold_ms;
    feed(1, i == 0 ? 300000 : 0);
    if (t.modified_ms <= before + TRENDLINE_THRESHOLD_SKIP_MS) continue;
    assert_true(t.threshold_ms == before);
    spikes++;
  }
  assert_in_range(spikes, 3, 30);
}

static void two_points_decide_nothing(void **state) {
  (void)state;
  assert_int_equal(feed(1, 400000), 0);
  assert_int_equal(t.usage, LINK_NORMAL);
}

static void names(void **state) {
  (void)state;
  assert_string_equal(link_usage_name(LINK_OVERUSED), "overused");
  assert_string_equal(link_usage_name((enum link_usage)9), "unknown");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup(a_steady_path_is_normal, setup),
      cmocka_unit_test_setup(the_slope_is_that_of_the_line, setup),
      cmocka_unit_test_setup(a_growing_queue_is_overuse_soon, setup),
      cmocka_unit_test_setup(a_draining_queue_is_underuse_then_normal, setup),
      cmocka_unit_test_setup(jitter_around_zero_is_no_trend, setup),
      cmocka_unit_test_setup(the_threshold_follows_what_stays, setup),
      cmocka_unit_test_setup(the_threshold_ignores_spikes, setup),
      cmocka_unit_test_setup(two_points_decide_nothing, setup),
      cmocka_unit_test(names),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
