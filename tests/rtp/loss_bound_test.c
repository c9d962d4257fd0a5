/* Random loss or a bottleneck: each model generated, each recognised. */
#include "rtp/loss_bound.h"
#include "tests/rtp/bytes.h"

static struct loss_bound l;
static int64_t now_us;
static uint64_t random_state;

static int setup(void **state) {
  (void)state;
  loss_bound_init(&l);
  now_us = 1000000;
  random_state = 11;
  return 0;
}

static double uniform(void) {
  random_state = random_state * 6364136223846793005ULL + 1442695040888963407ULL;
  return (double)(random_state >> 11) / 9007199254740992.0;
}

/* Sends at `bps` for `seconds`, feedback every 50 ms; each packet is lost with p, and what exceeds the bottleneck. */
static void run(double seconds, double bps, double p, double bottleneck_bps) {
  double excess = bps > bottleneck_bps ? 1 - bottleneck_bps / bps : 0;
  for (int i = 0; i < (int)(seconds * 20); i++) {
    uint32_t packets = (uint32_t)(bps * 0.05 / 9600 + uniform());
    int32_t lost = 0;
    for (uint32_t k = 0; k < packets; k++)
      lost += uniform() < excess || uniform() < p;
    loss_bound_packets(&l, now_us, now_us + 49000, packets, lost, packets * 1200ULL, now_us + 100000);
    now_us += 50000;
  }
}

static void no_loss_no_bound(void **state) {
  (void)state;
  run(30, 1000000, 0, 1e12);
  assert_true(loss_bound_bps(&l) == LOSS_BOUND_NONE);
  assert_true(loss_bound_random(&l) < 0.001 && loss_bound_recent(&l) == 0);
}

/* 2, 5, 10 and 30 %, at rates that vary: equal loss at different rates is never evidence. */
static void random_loss_gives_no_bound(void **state) {
  (void)state;
  static const double shares[] = {0.02, 0.05, 0.1, 0.3};
  for (size_t i = 0; i < COUNT(shares); i++) {
    setup(state);
    int bounded = 0;
    for (int k = 0; k < 60; k++) {
      run(1, 500000 + 100000 * (k % 7), shares[i], 1e12);
      bounded += loss_bound_bps(&l) != LOSS_BOUND_NONE;
    }
    assert_true(bounded <= 3); /* chance has its share */
    assert_true(loss_bound_random(&l) > shares[i] * 0.6 && loss_bound_random(&l) < shares[i] * 1.5);
  }
}

/* A policer of 1 Mbit/s while we go from 0.8 to 2: losses grow with the rate. */
static void a_bottleneck_is_found_at_its_rate(void **state) {
  (void)state;
  for (int k = 0; k < 12; k++)
    run(0.5, 800000 + 100000 * k, 0, 1000000);
  assert_in_range(loss_bound_bps(&l), 850000, 1150000);
  assert_true(loss_bound_random(&l) < 0.02);
}

static void a_bottleneck_is_found_behind_random_loss(void **state) {
  (void)state;
  for (int k = 0; k < 12; k++)
    run(0.5, 800000 + 100000 * k, 0.05, 1000000);
  assert_in_range(loss_bound_bps(&l), 800000, 1200000);
}

static void the_bound_is_given_back(void **state) {
  (void)state;
  for (int k = 0; k < 12; k++)
    run(0.5, 800000 + 100000 * k, 0, 1000000);
  assert_true(loss_bound_bps(&l) != LOSS_BOUND_NONE);
  run(20, 1000000, 0, 1e12);
  assert_true(loss_bound_bps(&l) > 1200000); /* or there is none, which is more than anything */
}

static void forgetting_keeps_the_bound_alone(void **state) {
  (void)state;
  for (int k = 0; k < 12; k++)
    run(0.5, 800000 + 100000 * k, 0, 1000000);
  uint64_t bound = loss_bound_bps(&l);
  loss_bound_forget(&l);
  assert_true(loss_bound_bps(&l) == bound);
  assert_true(loss_bound_recent(&l) == 0 && loss_bound_random(&l) == 0);
}

/* One lost packet of few may be chance, several are not; from enough packets on there is no doubt left. */
static void the_first_losses_are_doubted(void **state) {
  (void)state;
  assert_true(loss_bound_early(&l) == 0);
  loss_bound_packets(&l, now_us, now_us + 9000, 10, 1, 12000, now_us);
  assert_true(loss_bound_early(&l) > 0.02 && loss_bound_early(&l) < 0.05);
  loss_bound_packets(&l, now_us + 10000, now_us + 19000, 20, 3, 24000, now_us);
  assert_true(loss_bound_early(&l) > 0.06 && loss_bound_early(&l) < 0.1);
  run(10, 1000000, 0.1, 1e12);
  assert_true(loss_bound_early(&l) == loss_bound_random(&l));
  assert_true(loss_bound_early(&l) > 0.06 && loss_bound_early(&l) < 0.15);
}

static void hostile_counts_do_no_harm(void **state) {
  (void)state;
  for (int i = 0; i < 20000; i++) {
    uint32_t packets = (uint32_t)(uniform() * 300);
    int32_t lost = (int32_t)(uniform() * 900) - 450;
    loss_bound_packets(&l, now_us, now_us + (int64_t)(uniform() * 400000), packets, lost, (uint64_t)(uniform() * 1e6),
                       now_us);
    now_us += (int64_t)(uniform() * 100000);
    double p = loss_bound_random(&l), recent = loss_bound_recent(&l), early = loss_bound_early(&l);
    assert_true(early >= 0 && early <= LOSS_BOUND_RANDOM_MAX);
    assert_true(p >= 0 && p <= LOSS_BOUND_RANDOM_MAX && recent >= 0 && recent <= 1);
    assert_true(loss_bound_bps(&l) > 0);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup(no_loss_no_bound, setup),
      cmocka_unit_test_setup(random_loss_gives_no_bound, setup),
      cmocka_unit_test_setup(a_bottleneck_is_found_at_its_rate, setup),
      cmocka_unit_test_setup(a_bottleneck_is_found_behind_random_loss, setup),
      cmocka_unit_test_setup(the_bound_is_given_back, setup),
      cmocka_unit_test_setup(forgetting_keeps_the_bound_alone, setup),
      cmocka_unit_test_setup(the_first_losses_are_doubted, setup),
      cmocka_unit_test_setup(hostile_counts_do_no_harm, setup),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
