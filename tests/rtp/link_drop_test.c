/* Sudden drops: when the alarm rings, what it measures, when it must not. */
#include "rtp/link_drop.h"
#include "tests/rtp/bytes.h"
#include "tests/rtp/feedback_run.h"

#define BASE_US    20000
#define MESSAGE_US 50000

static struct link_drop d;
static double sent_us, free_us; /* of a bottleneck */

static int setup(void **state) {
  (void)state;
  link_drop_init(&d);
  sent_us = 1e6;
  free_us = 0;
  return 0;
}

static void packet(int64_t at_us, int64_t arrival_us) {
  struct transport_result run = run_of_one(at_us, arrival_us, 1200);
  link_drop_run(&d, &run);
}

/* Sends at `bps` through a bottleneck of `link_bps`; feedback every 50 ms. Returns the first alarm's rate; 0 none. */
static uint64_t run(double seconds, double bps, double link_bps) {
  uint64_t first = 0;
  double end_us = sent_us + seconds * 1e6, message_us = sent_us + MESSAGE_US;
  while (sent_us < end_us) {
    sent_us += 1200 * 8e6 / bps;
    free_us = (free_us > sent_us ? free_us : sent_us) + 1200 * 8e6 / link_bps;
    packet((int64_t)sent_us, (int64_t)free_us + BASE_US);
    if (free_us < message_us) continue;
    message_us = free_us + MESSAGE_US;
    uint64_t rate;
    if (link_drop_message(&d, BASE_US, (int64_t)free_us, &rate) && !first) first = rate;
  }
  return first;
}

static void a_wide_link_is_silent(void **state) {
  (void)state;
  assert_int_equal(run(30, 2000000, 3000000), 0);
}

static void a_fall_to_a_sixth_rings_within_three_hundred_milliseconds(void **state) {
  (void)state;
  run(2, 2000000, 3000000);
  uint64_t bps = run(0.3, 2000000, 500000);
  assert_in_range(bps, 400000, 600000);
}

static void a_queue_that_merely_stands_is_not_a_drop(void **state) {
  (void)state;
  run(2, 2000000, 3000000);
  assert_int_equal(run(4, 2200000, 2100000), 0); /* 190 ms of queue, slowly */
  assert_int_equal(run(2, 2100000, 2100000), 0);
}

static void it_rests_after_an_alarm_and_gets_harder_of_hearing(void **state) {
  (void)state;
  run(2, 2000000, 3000000);
  assert_int_not_equal(run(0.3, 2000000, 500000), 0);
  double wait_us = d.wait_us;
  assert_true(wait_us > LINK_DROP_WAIT_US);
  assert_int_equal(run(0.1, 2000000, 500000), 0); /* LINK_DROP_REST_US */
  for (int i = 0; i < 20; i++)
    run(1, 2000000, 500000);
  assert_true(d.wait_us > wait_us && d.wait_us <= LINK_DROP_WAIT_MAX_US);
}

/* Ours, theirs, or the whole machine: for `pause_us` nothing runs, and then everything that waited arrives at once. */
static void stand_still(double pause_us) {
  double at_us = sent_us + pause_us;
  for (int i = 0; i < 3; i++) {
    sent_us += 10000;
    packet((int64_t)sent_us, (int64_t)at_us + BASE_US + i * 20);
  }
  sent_us = free_us = at_us;
}

static void a_process_that_stood_still_is_no_drop(void **state) {
  (void)state;
  uint64_t bps;
  for (int i = 0; i < 10; i++) {
    assert_int_equal(run(1, 500000, 3000000), 0);
    stand_still(300000);
    assert_false(link_drop_message(&d, BASE_US, (int64_t)sent_us, &bps));
  }
  assert_int_not_equal(run(0.5, 2000000, 300000), 0); /* a drop that follows is seen */
}

/* A radio that gives nothing for a moment, and then all that waited one by one at its rate, which is not less than what is sent. */
static void a_handover_is_no_drop(void **state) {
  (void)state;
  for (int i = 0; i < 10; i++) {
    assert_int_equal(run(1 + i * 0.013, 500000, 700000), 0);
    free_us = sent_us + 150000 + 15000 * i;
    assert_int_equal(run(1, 500000, 700000), 0);
  }
  free_us = sent_us + 200000;
  assert_in_range(run(0.8, 700000, 200000), 150000,
                  260000); /* it comes back slower: seen, and without the pause in it */
}

static void one_packet_is_no_evidence(void **state) {
  (void)state;
  uint64_t bps;
  packet(0, 500000);
  assert_false(link_drop_message(&d, BASE_US, 600000, &bps));
  assert_false(link_drop_message(&d, BASE_US, 700000, &bps)); /* nothing at all */
}

static void the_least_delay_of_the_last_message_is_kept(void **state) {
  (void)state;
  uint64_t bps;
  assert_int_equal(link_drop_delay_us(&d), INT64_MAX);
  packet(0, 500000);
  packet(10000, 450000);
  link_drop_message(&d, BASE_US, 600000, &bps);
  assert_int_equal(link_drop_delay_us(&d), 440000);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup(a_wide_link_is_silent, setup),
      cmocka_unit_test_setup(a_fall_to_a_sixth_rings_within_three_hundred_milliseconds, setup),
      cmocka_unit_test_setup(a_queue_that_merely_stands_is_not_a_drop, setup),
      cmocka_unit_test_setup(it_rests_after_an_alarm_and_gets_harder_of_hearing, setup),
      cmocka_unit_test_setup(a_process_that_stood_still_is_no_drop, setup),
      cmocka_unit_test_setup(a_handover_is_no_drop, setup),
      cmocka_unit_test_setup(one_packet_is_no_evidence, setup),
      cmocka_unit_test_setup(the_least_delay_of_the_last_message_is_kept, setup),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
