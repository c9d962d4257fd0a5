/* Somebody else's queue: when it is one, how the rate is governed then, when it ends. */
#include "rtp/competition.h"
#include "tests/rtp/bytes.h"

#define TICK_US 50000

static struct competition c;
static int64_t now_us;
static double chance; /* lost at random, as measured */

static int setup(void **state) {
  (void)state;
  competition_init(&c);
  now_us = 1000000;
  chance = 0;
  return 0;
}

static bool stand(double seconds, int64_t queue_us, int decreases) {
  for (int i = 0; i < (int)(seconds * 20); i++) {
    now_us += TICK_US;
    competition_update(&c, queue_us, chance, i < decreases, now_us);
  }
  return c.on;
}

static void a_queue_must_stand_through_decreases(void **state) {
  (void)state;
  assert_false(stand(10, 100000, 0)); /* we did not even try */
  setup(state);
  assert_false(stand(2.5, 100000, 10)); /* not long enough */
  assert_true(stand(1, 100000, 0));
  assert_int_equal(c.begun, 1);
}

static void an_empty_queue_ends_it(void **state) {
  (void)state;
  assert_true(stand(4, 100000, 3));
  assert_false(stand(0.05, COMPETITION_EMPTY_US - 1, 0));
  assert_false(stand(4, 100000, 2)); /* all begins again */
}

/* RFC 5681 §3.1: about one packet more per round trip. */
static void growth_is_a_packet_per_round_trip(void **state) {
  (void)state;
  assert_true(stand(4, 100000, 3));
  uint64_t bps = 1000000;
  competition_rate(&c, bps, 2000000, false, false, 200000, now_us);
  for (int i = 0; i < 20; i++) {
    now_us += TICK_US;
    bps = competition_rate(&c, bps, 2000000, false, false, 200000, now_us);
  }
  /* A second holds five round trips: five packets of 9600 bits per 0.2 s. */
  assert_in_range(bps, 1000000 + 235000, 1000000 + 245000);
}

static void a_loss_takes_a_third_and_then_it_rests(void **state) {
  (void)state;
  assert_true(stand(4, 100000, 3));
  uint64_t bps = competition_rate(&c, 1000000, 1000000, true, false, 200000, now_us);
  assert_int_equal(bps, 700000);
  now_us += COMPETITION_REST_US - 1;
  assert_int_equal(competition_rate(&c, bps, 1000000, true, false, 200000, now_us), 700000);
  now_us += 2;
  assert_in_range(competition_rate(&c, bps, 1000000, true, false, 200000, now_us), 489999, 490000);
}

static void far_more_lost_than_a_third_is_not_taken_in_steps(void **state) {
  (void)state;
  assert_true(stand(4, 100000, 3));
  assert_int_equal(competition_rate(&c, 1000000, 200000, true, false, 200000, now_us), 200000);
}

static bool about(double a, double b) {
  return a > b - 0.01 && a < b + 0.01;
}

/* An overflowing queue loses as steadily as chance does, so chance is what it was before that queue; and not what an overflow a moment
 * ago has left in the figures. */
static void chance_is_that_of_the_time_without_a_queue(void **state) {
  (void)state;
  chance = 0.1;
  stand(20, 0, 0);
  assert_true(competition_chance(&c, 0.3) == 0.3); /* no queue that could take it */
  stand(1, 100000, 0);
  chance = 0.4;
  stand(1, 100000, 0);
  assert_true(about(competition_chance(&c, chance), 0.1));
  assert_true(competition_chance(&c, 0.05) == 0.05); /* less than then */
  stand(0.2, 0, 0);
  stand(0.05, 100000, 0);
  assert_true(competition_chance(&c, chance) < 0.15);
  stand(20, 0, 0); /* it really is so */
  stand(0.05, 100000, 0);
  assert_true(about(competition_chance(&c, chance), 0.4));
}

static void growth_needs_use_and_arrivals(void **state) {
  (void)state;
  assert_true(stand(4, 100000, 3));
  now_us += 1000000;
  assert_int_equal(competition_rate(&c, 1000000, 1000000, false, true, 100000, now_us), 1000000); /* limited */
  now_us += 1000000;
  assert_int_equal(competition_rate(&c, 1000000, 800000, false, false, 20000, now_us),
                   1200000); /* 1.5 × what arrives */
  now_us += 1000000;
  assert_int_equal(competition_rate(&c, 1000000, 100000, false, false, 20000, now_us), 1000000); /* never down */
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup(a_queue_must_stand_through_decreases, setup),
      cmocka_unit_test_setup(an_empty_queue_ends_it, setup),
      cmocka_unit_test_setup(growth_is_a_packet_per_round_trip, setup),
      cmocka_unit_test_setup(a_loss_takes_a_third_and_then_it_rests, setup),
      cmocka_unit_test_setup(far_more_lost_than_a_third_is_not_taken_in_steps, setup),
      cmocka_unit_test_setup(chance_is_that_of_the_time_without_a_queue, setup),
      cmocka_unit_test_setup(growth_needs_use_and_arrivals, setup),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
