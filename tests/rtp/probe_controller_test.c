/* When clusters go, and how fast they are. */
#include "rtp/probe_controller.h"
#include "tests/rtp/bytes.h"

#define START_BPS 300000

static struct probe_controller p;
static struct probe_cluster cluster;
static int64_t now_us;

static int setup(void **state) {
  (void)state;
  probe_controller_init(&p);
  now_us = 1000000;
  return 0;
}

static bool next(uint64_t target_bps, uint64_t proven_bps) {
  return probe_controller_next(&p, target_bps, proven_bps, now_us, &cluster);
}

static void answer(uint64_t asked_bps, uint64_t measured_bps, bool saturated) {
  struct probe_result r = {.asked_bps = asked_bps, .measured_bps = measured_bps, .saturated = saturated};
  probe_controller_result(&p, &r, now_us);
}

static void it_starts_with_three_and_six_times_and_doubles(void **state) {
  (void)state;
  assert_false(next(START_BPS, START_BPS)); /* nothing is wanted */
  probe_controller_want(&p, 400000, 10000000);
  probe_controller_start(&p, START_BPS, now_us);
  assert_true(next(START_BPS, START_BPS));
  assert_int_equal(cluster.bps, 900000);
  assert_int_equal(cluster.bytes, 900000LL * PROBE_OPENING_US / 8 / 1000000);
  assert_int_equal(cluster.packets, PROBE_MIN_PACKETS);
  uint16_t first = cluster.id;
  assert_true(next(START_BPS, START_BPS));
  assert_int_equal(cluster.bps, 1800000);
  assert_int_equal(cluster.bytes, 1800000LL * PROBE_DURATION_US / 8 / 1000000);
  assert_int_not_equal(cluster.id, first);
  assert_false(next(START_BPS, START_BPS));
  answer(900000, 880000, false); /* the faster one decides */
  assert_false(next(880000, 880000));
  answer(1800000, 1700000, false);
  assert_true(next(1700000, 1700000));
  assert_int_equal(cluster.bps, 3400000);
  answer(3400000, 2000000, true); /* saturated: that is the link */
  assert_false(next(2000000, 2000000));
}

static void nothing_is_probed_that_nobody_wants(void **state) {
  (void)state;
  probe_controller_want(&p, 0, 0);
  probe_controller_start(&p, START_BPS, now_us);
  probe_controller_want(&p, 100000, 200000); /* less than the first guess */
  probe_controller_start(&p, START_BPS, now_us);
  for (int i = 0; i < 100; i++, now_us += 1000000)
    assert_false(next(START_BPS, START_BPS));
  probe_controller_want(&p, 0, 500000); /* the most caps the start: 625 kbit/s with headroom */
  probe_controller_start(&p, START_BPS, now_us);
  assert_true(next(START_BPS, START_BPS));
  assert_int_equal(cluster.bps, 625000);
  assert_false(next(START_BPS, START_BPS));
}

static void the_next_step_is_probed_every_few_seconds(void **state) {
  (void)state;
  probe_controller_want(&p, 2000000, 2000000);
  probe_controller_start(&p, START_BPS, now_us);
  next(START_BPS, START_BPS);
  next(START_BPS, START_BPS);
  answer(1800000, 700000, true);
  int64_t last_us = now_us;
  for (int i = 0; i < 8; i++) {
    while (!next(700000, 700000))
      now_us += 10000;
    assert_int_equal(cluster.bps, 1400000); /* at most twice the estimate */
    assert_true(now_us - last_us >= PROBE_INTERVAL_US && now_us - last_us <= PROBE_INTERVAL_MAX_US + 20000);
    last_us = now_us;
    answer(1400000, 700000, true);
  }
  probe_controller_want(&p, 0, 0); /* it has all it wants */
  now_us += 100000000;
  assert_false(next(700000, 700000));
}

static void what_is_proven_need_not_be_probed(void **state) {
  (void)state;
  probe_controller_want(&p, 800000, 900000);
  probe_controller_start(&p, START_BPS, now_us);
  while (next(START_BPS, START_BPS)) {
  }
  answer(cluster.bps, 1000000, false);
  now_us += 100000000;
  assert_false(next(1000000, 1000000));
  assert_true(next(1000000, 100000)); /* the proof went stale */
}

static void one_that_said_nothing_is_repeated_once_soon(void **state) {
  (void)state;
  probe_controller_want(&p, 1000000, 1000000);
  probe_controller_start(&p, START_BPS, now_us);
  while (next(START_BPS, START_BPS)) {
  }
  answer(cluster.bps, 0, false);
  now_us += PROBE_AGAIN_US;
  assert_true(next(START_BPS, START_BPS));
  answer(cluster.bps, 0, false);
  now_us += PROBE_AGAIN_US;
  assert_false(next(START_BPS, START_BPS));
}

/* Its feedback got lost: nobody knows what it would have shown, so it goes again, once, at once. */
static void one_that_was_not_heard_of_goes_again_at_once(void **state) {
  (void)state;
  probe_controller_want(&p, 1000000, 10000000);
  probe_controller_start(&p, START_BPS, now_us);
  while (next(START_BPS, START_BPS)) {
  }
  struct probe_result unheard = {.asked_bps = 1800000, .measured_bps = 500000, .unheard = true};
  probe_controller_result(&p, &unheard, now_us);
  assert_true(next(START_BPS, START_BPS));
  assert_int_equal(cluster.bps, 1800000);
  probe_controller_result(&p, &unheard, now_us);
  assert_false(next(START_BPS, START_BPS));
}

static void one_with_holes_is_repeated_soon(void **state) {
  (void)state;
  probe_controller_want(&p, 1000000, 10000000);
  probe_controller_start(&p, START_BPS, now_us);
  while (next(START_BPS, START_BPS)) {
  }
  struct probe_result holed = {.asked_bps = 1800000, .measured_bps = 500000, .holed = true, .saturated = true};
  probe_controller_result(&p, &holed, now_us);
  now_us += PROBE_AGAIN_US - 1;
  assert_false(next(500000, 500000));
  now_us++;
  assert_true(next(500000, 500000));
}

static void congestion_voids_and_rests(void **state) {
  (void)state;
  probe_controller_want(&p, 1000000, 5000000);
  probe_controller_start(&p, START_BPS, now_us);
  probe_controller_congested(&p, now_us);
  assert_false(next(START_BPS, START_BPS));
  now_us += PROBE_INTERVAL_US;
  assert_true(next(START_BPS, START_BPS));
  probe_controller_congested(&p, now_us);
  now_us += 500000;
  assert_false(next(START_BPS, START_BPS));
}

static void jitter_makes_clusters_longer(void **state) {
  (void)state;
  probe_controller_set_duration(&p, 80000);
  probe_controller_want(&p, 1000000, 5000000);
  probe_controller_start(&p, START_BPS, now_us);
  assert_true(next(START_BPS, START_BPS));
  assert_int_equal(cluster.bytes, 9000);
  probe_controller_set_duration(&p, 10);
  assert_int_equal(p.duration_us, PROBE_DURATION_US);
}

/* A cluster takes what others left for a moment; when that is gone at once, they are there. */
static void what_was_shown_and_is_gone_belongs_to_others(void **state) {
  (void)state;
  assert_false(probe_controller_shares(&p, now_us));
  probe_controller_fell(&p, 100000, now_us); /* no cluster had shown anything */
  assert_false(probe_controller_shares(&p, now_us));
  probe_controller_claimed(&p, 1000000, now_us);
  probe_controller_fell(&p, 850000, now_us + 1000000); /* what a decrease takes from the true capacity */
  assert_false(probe_controller_shares(&p, now_us + 1000000));
  probe_controller_fell(&p, 849999, now_us + 2999999);
  assert_true(probe_controller_shares(&p, now_us + 2999999));
  assert_true(probe_controller_shares(&p, now_us + 2999998 + PROBE_SHARED_US));
  assert_false(probe_controller_shares(&p, now_us + 2999999 + PROBE_SHARED_US));
  now_us += 100000000;
  probe_controller_claimed(&p, 1000000, now_us);
  probe_controller_fell(&p, 200000, now_us + PROBE_CLAIM_US); /* it was true for long enough: the link changed */
  probe_controller_fell(&p, 100000, now_us + PROBE_CLAIM_US + 1);
  assert_false(probe_controller_shares(&p, now_us + PROBE_CLAIM_US + 1));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup(it_starts_with_three_and_six_times_and_doubles, setup),
      cmocka_unit_test_setup(nothing_is_probed_that_nobody_wants, setup),
      cmocka_unit_test_setup(the_next_step_is_probed_every_few_seconds, setup),
      cmocka_unit_test_setup(what_is_proven_need_not_be_probed, setup),
      cmocka_unit_test_setup(one_that_said_nothing_is_repeated_once_soon, setup),
      cmocka_unit_test_setup(one_that_was_not_heard_of_goes_again_at_once, setup),
      cmocka_unit_test_setup(one_with_holes_is_repeated_soon, setup),
      cmocka_unit_test_setup(congestion_voids_and_rests, setup),
      cmocka_unit_test_setup(jitter_makes_clusters_longer, setup),
      cmocka_unit_test_setup(what_was_shown_and_is_gone_belongs_to_others, setup),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
