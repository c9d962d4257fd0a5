/* What bursts prove of a path: from below, whatever jitter there is; a wait takes it away. */
#include "rtp/burst_rate.h"

#include "tests/rtp/feedback_run.h"
#include "tests/rtp/stream_fixture.h"

#define BASE_US  700000 /* between the two clocks */
#define PACKET   1000
#define LINK_BPS 10000000

/* Appends a burst of `count` packets that a link of `bps` carries one after the other, `more_us` later than it could. */
static void add_burst(struct transport_results *r, size_t count, uint64_t bps, int64_t sent_us, int64_t more_us) {
  for (size_t i = 0; i < count; i++) {
    int64_t arrival_us = sent_us + BASE_US + more_us + (int64_t)((i + 1) * PACKET * 8000000 / bps);
    r->results[r->count++] = run_of_one(sent_us, arrival_us, PACKET);
  }
}

static uint64_t after_burst(size_t count, uint64_t link_bps, int64_t more_us) {
  struct transport_result places[64];
  struct transport_results r = {.results = places, .capacity = 64};
  struct burst_rate b;
  burst_rate_init(&b);
  add_burst(&r, count, link_bps, 1000000, more_us);
  burst_rate_feedback(&b, &r, BASE_US, 1100000);
  return burst_rate_bps(&b, 1100000);
}

static void the_rate_of_the_path_is_approached_from_below(void **state) {
  (void)state;
  assert_in_range(after_burst(6, LINK_BPS, 0), LINK_BPS * 4 / 5, LINK_BPS);
  assert_in_range(after_burst(12, LINK_BPS, 0), LINK_BPS * 9 / 10, LINK_BPS);
  assert_in_range(after_burst(12, 2 * LINK_BPS, 3000), LINK_BPS, LINK_BPS * 3 / 2); /* jitter proves less, never more */
  assert_int_equal(after_burst(12, LINK_BPS / 2, 0), 0);                            /* too little to speak of */
  assert_in_range(after_burst(5, 1000000000, 0), 60000000, 80000000);               /* 40 kbit within the blur */
}

static void a_single_small_packet_proves_nothing(void **state) {
  (void)state;
  struct transport_result one = run_of_one(1000, 1000 + BASE_US, BURST_MIN_BYTES - 1);
  struct transport_results r = {.results = &one, .capacity = 1, .count = 1};
  struct burst_rate b;
  burst_rate_init(&b);
  burst_rate_feedback(&b, &r, BASE_US, 2000);
  assert_int_equal(burst_rate_bps(&b, 2000), 0);
  one.bytes++;
  burst_rate_feedback(&b, &r, INT64_MAX, 2000); /* no delay is known to compare with */
  assert_int_equal(burst_rate_bps(&b, 2000), 0);
  burst_rate_feedback(&b, &r, BASE_US, 2000);
  assert_true(burst_rate_bps(&b, 2000) > 0);
}

static void packets_apart_are_bursts_of_their_own(void **state) {
  (void)state;
  struct transport_result places[8];
  struct transport_results r = {.results = places, .capacity = 8};
  struct burst_rate b;
  burst_rate_init(&b);
  add_burst(&r, 1, 100000000, 1000000, 0);
  add_burst(&r, 1, 100000000, 1000000 + BURST_SPAN_US + 1, 0);
  r.results[0].bytes = r.results[1].bytes = BURST_MIN_BYTES / 2;
  burst_rate_feedback(&b, &r, BASE_US, 1100000);
  assert_int_equal(burst_rate_bps(&b, 1100000), 0);
  r.results[1].sent_us -= 2;
  r.results[1].last_sent_us -= 2;
  burst_rate_feedback(&b, &r, BASE_US, 1100000);
  assert_true(burst_rate_bps(&b, 1100000) > 0);
}

static void a_wait_takes_the_proof_away_for_a_while(void **state) {
  (void)state;
  struct transport_result places[64];
  struct transport_results r = {.results = places, .capacity = 64};
  struct burst_rate b;
  burst_rate_init(&b);
  add_burst(&r, 6, 50000000, 1000000, 0);
  burst_rate_feedback(&b, &r, BASE_US, 1100000);
  assert_true(burst_rate_bps(&b, 1100000) > 0);
  r.count = 0;
  add_burst(&r, 6, 50000000, 1200000, BURST_WAIT_US);
  burst_rate_feedback(&b, &r, BASE_US, 1300000);
  assert_int_equal(burst_rate_bps(&b, 1300000), 0);
  r.count = 0;
  add_burst(&r, 6, 50000000, 1400000, 0);
  burst_rate_feedback(&b, &r, BASE_US, 1500000);
  assert_int_equal(burst_rate_bps(&b, 1300000 + BURST_REST_US - 1), 0);
  assert_true(burst_rate_bps(&b, 1300000 + BURST_REST_US) > 0);
  burst_rate_congested(&b, 4400000);
  assert_int_equal(burst_rate_bps(&b, 4400000), 0);
}

static void a_proof_grows_old(void **state) {
  (void)state;
  struct transport_result places[8];
  struct transport_results r = {.results = places, .capacity = 8};
  struct burst_rate b;
  burst_rate_init(&b);
  add_burst(&r, 6, 50000000, BURST_WINDOW_US * 7, 0);
  burst_rate_feedback(&b, &r, BASE_US, BURST_WINDOW_US * 7 + 50000);
  uint64_t proven = burst_rate_bps(&b, BURST_WINDOW_US * 7 + 50000);
  assert_int_equal(burst_rate_bps(&b, BURST_WINDOW_US * 9 - 1), proven);
  assert_int_equal(burst_rate_bps(&b, BURST_WINDOW_US * 9), 0);
  r.count = 0;
  add_burst(&r, 6, 20000000, BURST_WINDOW_US * 8, 0); /* slower, in the next window: the better one counts on */
  burst_rate_feedback(&b, &r, BASE_US, BURST_WINDOW_US * 8 + 50000);
  assert_int_equal(burst_rate_bps(&b, BURST_WINDOW_US * 8 + 50000), proven);
  assert_in_range(burst_rate_bps(&b, BURST_WINDOW_US * 9), 15000000, 20000000);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_rate_of_the_path_is_approached_from_below),
      cmocka_unit_test(a_single_small_packet_proves_nothing),
      cmocka_unit_test(packets_apart_are_bursts_of_their_own),
      cmocka_unit_test(a_wait_takes_the_proof_away_for_a_while),
      cmocka_unit_test(a_proof_grows_old),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
