/* AIMD: gcc-02 §5.5 with its published numbers. */
#include "rtp/rate_control.h"
#include "tests/rtp/bytes.h"

#define MIN_BPS 30000
#define MAX_BPS 50000000
#define TICK_US 100000

static struct rate_control r;
static int64_t now_us;

static int setup(void **state) {
  (void)state;
  rate_control_init(&r, 1000000, MIN_BPS, MAX_BPS);
  rate_control_set_rtt(&r, 100000);
  now_us = 5000000;
  return 0;
}

static void run(double seconds, enum link_usage usage, uint64_t acknowledged_bps, bool limited) {
  for (int i = 0; i < (int)(seconds * 10); i++) {
    now_us += TICK_US;
    rate_control_update(&r, usage, acknowledged_bps, acknowledged_bps, limited, now_us);
  }
}

/* "eta = 1.08^min(time_since_last_update_ms / 1000, 1.0)": 8 % a second. */
static void growth_is_eight_percent_a_second(void **state) {
  (void)state;
  run(0.2, LINK_NORMAL, 900000, false);
  double before = r.bps;
  run(5, LINK_NORMAL, 5000000, false);
  assert_in_range((uint64_t)(r.bps / before * 1000), 1464, 1474); /* 1.08^5 = 1.469 */
}

static void growth_stops_at_one_and_a_half_times_what_arrives(void **state) {
  (void)state;
  run(60, LINK_NORMAL, 1000000, false);
  assert_int_equal(rate_control_bps(&r), 1510000);
  run(5, LINK_NORMAL, 400000, false); /* the limit stops, it does not take away */
  assert_int_equal(rate_control_bps(&r), 1510000);
}

/* "A_hat(i) = beta * R_hat(i)", beta 0.85. */
static void overuse_takes_it_below_what_arrived(void **state) {
  (void)state;
  now_us += TICK_US;
  assert_true(rate_control_update(&r, LINK_OVERUSED, 800000, 800000, false, now_us));
  assert_int_equal(rate_control_bps(&r), 680000);
  assert_int_equal(r.state, RATE_HOLD);
  now_us += 10000; /* within a round trip nothing new is known */
  assert_false(rate_control_update(&r, LINK_OVERUSED, 700000, 700000, false, now_us));
  assert_int_equal(rate_control_bps(&r), 680000);
  now_us += 10000; /* unless arrivals fall below half */
  assert_true(rate_control_update(&r, LINK_OVERUSED, 200000, 200000, false, now_us));
  assert_int_equal(rate_control_bps(&r), 170000);
}

static void near_the_known_capacity_growth_is_a_packet_a_response_time(void **state) {
  (void)state;
  run(0.1, LINK_OVERUSED, 1000000, false);
  run(0.1, LINK_NORMAL, 850000, false);
  double before = r.bps;
  run(1, LINK_NORMAL, 850000, false);
  /* 9600 bits; 2 × (100 ms + RTT) = 0.4 s */
  assert_in_range((uint64_t)(r.bps - before), 23900, 24000);
  run(1, LINK_NORMAL, 2000000, false); /* far above what was met: the link changed, growth is fast again */
  assert_true(r.capacity_kbps == 0);
}

/* Whoever has little at a shared bottleneck must not grow more slowly than whoever has much. */
static void a_slow_stream_grows_by_as_much(void **state) {
  (void)state;
  rate_control_init(&r, 100000, 30000, 100000000); /* its capacity unknown: 8 % would be 8 kbit/s */
  rate_control_set_rtt(&r, 100000);
  run(0.1, LINK_NORMAL, 100000, false);
  double before = r.bps;
  run(1, LINK_NORMAL, 100000, false);
  assert_in_range((uint64_t)(r.bps - before), 23000, 24500);
}

static void underuse_holds(void **state) {
  (void)state;
  run(0.2, LINK_NORMAL, 900000, false);
  uint64_t before = rate_control_bps(&r);
  run(10, LINK_UNDERUSED, 900000, false);
  assert_int_equal(rate_control_bps(&r), before);
  assert_string_equal(rate_control_state_name(r.state), "hold");
}

static void who_sends_less_than_allowed_learns_nothing(void **state) {
  (void)state;
  run(0.1, LINK_NORMAL, 100000, true);
  uint64_t before = rate_control_bps(&r);
  run(30, LINK_NORMAL, 100000, true);
  assert_int_equal(rate_control_bps(&r), before);
  /* What arrived is not what the link carries: a step back, not a fall. */
  now_us += TICK_US;
  assert_true(rate_control_update(&r, LINK_OVERUSED, 100000, 100000, true, now_us));
  assert_int_equal(rate_control_bps(&r), before * 85 / 100);
}

static void silence_under_overuse_halves(void **state) {
  (void)state;
  now_us += TICK_US;
  assert_true(rate_control_update(&r, LINK_OVERUSED, 0, 0, false, now_us));
  assert_int_equal(rate_control_bps(&r), 500000);
}

static void a_drop_does_not_wait(void **state) {
  (void)state;
  now_us += TICK_US;
  rate_control_update(&r, LINK_OVERUSED, 900000, 900000, false, now_us);
  rate_control_drop(&r, 300000, now_us + 1);
  assert_int_equal(rate_control_bps(&r), 255000);
}

/* Whatever it is told, it stays within its bounds, and overuse never raises it. */
static void bounds_hold(void **state) {
  (void)state;
  uint64_t random = 3;
  for (int i = 0; i < 300000; i++) {
    random = random * 6364136223846793005ULL + 1442695040888963407ULL;
    now_us += (int64_t)(random >> 48);
    uint64_t acknowledged = random >> (20 + (random >> 60)), before = rate_control_bps(&r);
    enum link_usage usage = (enum link_usage)((random >> 33) % 3);
    if (random >> 58 == 7)
      rate_control_set(&r, acknowledged, now_us);
    else
      rate_control_update(&r, usage, acknowledged, acknowledged / 2, random >> 40 & 1, now_us);
    uint64_t bps = rate_control_bps(&r);
    assert_in_range(bps, MIN_BPS, MAX_BPS);
    if (random >> 58 != 7 && usage == LINK_OVERUSED) assert_true(bps <= before);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup(growth_is_eight_percent_a_second, setup),
      cmocka_unit_test_setup(growth_stops_at_one_and_a_half_times_what_arrives, setup),
      cmocka_unit_test_setup(overuse_takes_it_below_what_arrived, setup),
      cmocka_unit_test_setup(near_the_known_capacity_growth_is_a_packet_a_response_time, setup),
      cmocka_unit_test_setup(a_slow_stream_grows_by_as_much, setup),
      cmocka_unit_test_setup(underuse_holds, setup),
      cmocka_unit_test_setup(who_sends_less_than_allowed_learns_nothing, setup),
      cmocka_unit_test_setup(silence_under_overuse_halves, setup),
      cmocka_unit_test_setup(a_drop_does_not_wait, setup),
      cmocka_unit_test_setup(bounds_hold, setup),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
