/* What a cluster measures: wide paths, saturated ones, losses, jitter, packets of different sizes. */
#include "rtp/probe_result.h"
#include "tests/rtp/bytes.h"
#include "tests/rtp/feedback_run.h"

#define BASE_US 40000
#define ASKED   1000000

static struct probe_results r;
static struct probe_result result;

static void packet(uint16_t id, int64_t sent_us, int64_t arrival_us, uint32_t bytes) {
  struct transport_result run = run_of_one(sent_us, arrival_us, bytes);
  run.tag = id;
  probe_results_run(&r, &run);
}

static int setup(void **state) {
  (void)state;
  probe_results_init(&r);
  return 0;
}

/* Sends a cluster of `count` packets at ASKED through a path of `link_bps`; those in the mask are lost. */
static void send(uint16_t id, int count, uint32_t bytes, double link_bps, uint32_t lost) {
  double free_us = 0;
  int64_t step_us = (int64_t)bytes * 8 * 1000000 / ASKED;
  probe_results_begin(&r, id, ASKED);
  for (int i = 0; i < count; i++)
    probe_results_sent(&r, id, bytes, i * step_us);
  probe_results_end(&r, id);
  for (int i = 0; i < count; i++) {
    double at_us = (double)(i * step_us);
    free_us = (free_us > at_us ? free_us : at_us) + bytes * 8e6 / link_bps;
    packet(id, i * step_us, lost >> i & 1 ? -1 : (int64_t)free_us + BASE_US, bytes);
  }
}

static bool take(double random_loss, int64_t now_us) {
  return probe_results_take(&r, random_loss, BASE_US, 0, now_us, &result);
}

static void a_wide_path_confirms_what_was_sent(void **state) {
  (void)state;
  send(1, 10, 250, 10e6, 0);
  assert_true(take(0, 100000));
  assert_int_equal(result.asked_bps, ASKED);
  assert_int_equal(result.measured_bps, ASKED);
  assert_false(result.saturated);
  assert_false(take(0, 100000)); /* once */
}

static void a_narrow_path_gives_its_rate_with_a_margin(void **state) {
  (void)state;
  send(1, 10, 250, 400e3, 0);
  assert_true(take(0, 100000));
  assert_true(result.saturated);
  assert_in_range(result.measured_bps, 379000, 381000); /* 0.95 */
}

/* One large packet among small ones must not look like a slow path: media goes on during a cluster. */
static void sizes_may_differ(void **state) {
  (void)state;
  probe_results_begin(&r, 1, 800000);
  const uint32_t sizes[6] = {1200, 250, 250, 250, 250, 250};
  int64_t sent_us[6], at_us = 0, free_us = 0;
  for (int i = 0; i < 6; i++) {
    sent_us[i] = at_us;
    probe_results_sent(&r, 1, sizes[i], at_us);
    at_us += 5000;
  }
  probe_results_end(&r, 1);
  for (int i = 0; i < 6; i++) {
    free_us = (free_us > sent_us[i] ? free_us : sent_us[i]) + (int64_t)(sizes[i] * 8 / 3.0); /* 3 Mbit/s */
    packet(1, sent_us[i], free_us + BASE_US, sizes[i]);
  }
  assert_true(take(0, 100000));
  assert_false(result.saturated);
  assert_in_range(result.measured_bps, 700000, 720000); /* 2200 bytes in 25 ms */
}

/* What came has come: at the beginning nobody knows what is chance. */
static void of_losses_beyond_chance_what_came_counts(void **state) {
  (void)state;
  send(1, 10, 250, 10e6, 0x124); /* three of ten */
  assert_true(take(0, 100000));
  assert_in_range(result.measured_bps, 600000, 700000);
  assert_true(result.holed && !result.saturated);
  send(2, 10, 250, 10e6, 0x124);
  assert_true(take(0.25, 100000)); /* on a path that loses a quarter anyway they do */
  assert_false(result.holed);
  assert_in_range(result.measured_bps, 800000, 1100000);
  send(3, 6, 250, 10e6, 0x7);
  assert_true(take(0.5, 100000)); /* three packets are too few */
  assert_int_equal(result.measured_bps, 0);
}

/* Held up and let go at once: the whole time counts, the measurement can only be too low. */
static void bunched_packets_prove_less(void **state) {
  (void)state;
  probe_results_begin(&r, 1, ASKED);
  for (int i = 0; i < 10; i++)
    probe_results_sent(&r, 1, 250, i * 2000);
  probe_results_end(&r, 1);
  for (int i = 0; i < 10; i++)
    packet(1, i * 2000, BASE_US + 45000 + i * 10, 250);
  assert_true(take(0, 100000));
  assert_in_range(result.measured_bps, 399000, 400000); /* 2250 bytes in 45 ms */
  /* Without a known base delay there is nothing to say. */
  probe_results_begin(&r, 2, ASKED);
  for (int i = 0; i < 10; i++) {
    probe_results_sent(&r, 2, 250, i * 2000);
    packet(2, i * 2000, BASE_US + 45000 + i * 10, 250);
  }
  probe_results_end(&r, 2);
  assert_true(probe_results_take(&r, 0, INT64_MAX, 0, 100000, &result));
  assert_int_equal(result.measured_bps, 0);
}

static void an_incomplete_cluster_times_out(void **state) {
  (void)state;
  probe_results_begin(&r, 1, ASKED);
  for (int i = 0; i < 10; i++)
    probe_results_sent(&r, 1, 250, i * 2000);
  assert_false(take(0, 10000000)); /* it was not ended */
  probe_results_end(&r, 1);
  packet(1, 0, BASE_US, 250);
  assert_false(take(0, 100000));
  assert_true(take(0, 18000 + PROBE_RESULT_TIMEOUT_US + 1));
  assert_int_equal(result.measured_bps, 0);
}

/* A feedback message got lost: what was sent later is reported, so nothing more will come. */
static void later_news_end_a_cluster(void **state) {
  (void)state;
  probe_results_begin(&r, 1, ASKED);
  for (int i = 0; i < 10; i++)
    probe_results_sent(&r, 1, 250, i * 2000);
  probe_results_end(&r, 1);
  for (int i = 4; i < 10; i++)
    packet(1, i * 2000, BASE_US + i * 2000, 250);
  assert_false(probe_results_take(&r, 0, BASE_US, 18000 + PROBE_RESULT_PASSED_US, 100000, &result));
  assert_true(probe_results_take(&r, 0, BASE_US, 18001 + PROBE_RESULT_PASSED_US, 100000, &result));
  assert_true(result.unheard);
  assert_int_equal(result.measured_bps, ASKED); /* five packets' time, five packets' bytes */
}

/* What a message called lost came after all. */
static void late_packets_are_not_lost(void **state) {
  (void)state;
  send(1, 10, 250, 10e6, 0x18);
  struct transport_result run = run_of_one(3 * 2000, 3 * 2000 + 200 + BASE_US, 250);
  run.tag = 1;
  run.again = true;
  probe_results_run(&r, &run);
  assert_int_equal(r.clusters[0].lost, 1);
  assert_int_equal(r.clusters[0].lost_bytes, 250);
  assert_true(take(0, 100000));
  assert_in_range(result.measured_bps, 880000, 900000);
}

static void the_oldest_cluster_makes_room(void **state) {
  (void)state;
  for (uint16_t id = 65533; id != 4; id++) {
    if (id) send(id, 5, 250, 10e6, 0);
  }
  int taken = 0;
  while (take(0, 100000))
    taken++;
  assert_int_equal(taken, PROBE_RESULT_CLUSTERS);
  packet(77, 0, 0, 1); /* unknown: nothing happens */
  packet(0, 0, 0, 1);
  assert_false(take(0, 100000));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup(a_wide_path_confirms_what_was_sent, setup),
      cmocka_unit_test_setup(a_narrow_path_gives_its_rate_with_a_margin, setup),
      cmocka_unit_test_setup(sizes_may_differ, setup),
      cmocka_unit_test_setup(of_losses_beyond_chance_what_came_counts, setup),
      cmocka_unit_test_setup(later_news_end_a_cluster, setup),
      cmocka_unit_test_setup(late_packets_are_not_lost, setup),
      cmocka_unit_test_setup(bunched_packets_prove_less, setup),
      cmocka_unit_test_setup(an_incomplete_cluster_times_out, setup),
      cmocka_unit_test_setup(the_oldest_cluster_makes_room, setup),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
