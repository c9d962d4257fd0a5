/* The standing queue: offsets of clocks, jitter, what comes and goes by itself. */
#include "rtp/queue_delay.h"
#include "tests/rtp/bytes.h"

#define OFFSET_US (-7777777)

static struct queue_delay q;
static int64_t at_us;

static int setup(void **state) {
  (void)state;
  queue_delay_init(&q);
  at_us = 10000000;
  return 0;
}

/* 50 packets a second whose wait is `wait_us` and every third `jitter_us` more. */
static void feed(double seconds, int64_t wait_us, int64_t jitter_us) {
  for (int i = 0; i < (int)(seconds * 50); i++) {
    at_us += 20000;
    queue_delay_packet(&q, at_us, at_us + OFFSET_US + wait_us + (i % 3 == 0 ? jitter_us : 0), false);
  }
}

static void before_anything_there_is_none(void **state) {
  (void)state;
  assert_int_equal(queue_delay_standing_us(&q), 0);
  assert_int_equal(queue_delay_base_us(&q), INT64_MAX);
  assert_int_equal(queue_delay_jitter_us(&q), 0);
}

static void the_clocks_offset_does_not_matter(void **state) {
  (void)state;
  feed(2, 30000, 0);
  assert_int_equal(queue_delay_standing_us(&q), 0);
  assert_int_equal(queue_delay_base_us(&q), OFFSET_US + 30000);
  feed(1, 90000, 0);
  assert_int_equal(queue_delay_standing_us(&q), 60000);
}

static void jitter_of_single_packets_is_no_queue(void **state) {
  (void)state;
  feed(5, 10000, 200000);
  assert_int_equal(queue_delay_standing_us(&q), 0);
}

static void a_longer_path_becomes_the_base_after_half_a_minute(void **state) {
  (void)state;
  feed(5, 10000, 0);
  feed(20, 60000, 0);
  assert_int_equal(queue_delay_standing_us(&q), 50000);
  feed(12, 60000, 0);
  assert_int_equal(queue_delay_standing_us(&q), 0);
}

/* 100 ms of wait that are gone from one packet to the next were not our queue: ours drains at the link's rate. */
static void what_is_let_go_at_once_is_jitter(void **state) {
  (void)state;
  feed(5, 10000, 0);
  feed(0.3, 200000, 0);
  feed(0.3, 10000, 0);
  assert_in_range(queue_delay_jitter_us(&q), 100000, 200000);
  feed(20, 10000, 0);
  assert_in_range(queue_delay_jitter_us(&q), 5000, 50000); /* forgotten in tens of seconds */
}

static void a_queue_that_drains_slowly_is_none(void **state) {
  (void)state;
  feed(5, 10000, 0);
  for (int64_t wait_us = 200000; wait_us > 10000; wait_us -= 5000)
    feed(0.02, wait_us, 0); /* a quarter of the time that passes */
  assert_int_equal(queue_delay_jitter_us(&q), 0);
}

/* A busy cell: 190 ms of wait are gone after a fifth of a second, but for a moment on the way. */
static void waits_that_fall_unevenly_are_jitter(void **state) {
  (void)state;
  static const int64_t waits_us[] = {190000, 190000, 150000, 160000, 70000, 60000};
  feed(5, 10000, 0);
  for (size_t i = 0; i < sizeof waits_us / sizeof *waits_us; i++) {
    for (int k = 0; k < 5; k++) {
      at_us += 10000;
      queue_delay_packet(&q, at_us, at_us + OFFSET_US + waits_us[i], false);
    }
  }
  feed(0.2, 60000, 0);
  assert_in_range(queue_delay_jitter_us(&q), 60000, 90000);
}

/* While hardly anything is sent our own queue leaves as fast. */
static void quiet_times_prove_nothing(void **state) {
  (void)state;
  feed(5, 10000, 0);
  feed(0.3, 200000, 0);
  for (int i = 0; i < 30; i++) {
    at_us += 20000;
    queue_delay_packet(&q, at_us, at_us + OFFSET_US + 10000, true);
  }
  assert_int_equal(queue_delay_jitter_us(&q), 0);
}

static void what_went_by_itself_is_remembered_for_a_while(void **state) {
  (void)state;
  feed(1, 10000, 0);
  queue_delay_learn(&q, 120000);
  queue_delay_learn(&q, 50000);
  assert_int_equal(queue_delay_jitter_us(&q), 120000);
  feed(10, 10000, 0);
  assert_in_range(queue_delay_jitter_us(&q), 40000, 50000); /* a third */
}

static void never_negative(void **state) {
  (void)state;
  uint64_t random = 5;
  for (int i = 0; i < 100000; i++) {
    random = random * 6364136223846793005ULL + 1;
    at_us += (int64_t)(random >> 46);
    queue_delay_packet(&q, at_us, (int64_t)(random >> 30) - (1LL << 33), random >> 63);
    assert_true(queue_delay_standing_us(&q) >= 0 && queue_delay_jitter_us(&q) >= 0);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup(before_anything_there_is_none, setup),
      cmocka_unit_test_setup(the_clocks_offset_does_not_matter, setup),
      cmocka_unit_test_setup(jitter_of_single_packets_is_no_queue, setup),
      cmocka_unit_test_setup(a_longer_path_becomes_the_base_after_half_a_minute, setup),
      cmocka_unit_test_setup(what_is_let_go_at_once_is_jitter, setup),
      cmocka_unit_test_setup(a_queue_that_drains_slowly_is_none, setup),
      cmocka_unit_test_setup(waits_that_fall_unevenly_are_jitter, setup),
      cmocka_unit_test_setup(quiet_times_prove_nothing, setup),
      cmocka_unit_test_setup(what_went_by_itself_is_remembered_for_a_while, setup),
      cmocka_unit_test_setup(never_negative, setup),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
