/* What a lossy path gets: delay at the receiver, redundant audio; and when it loses them again. */
#include "tests/rtp/downlink_fixture.h"

static uint32_t one_in; /* is lost */
static uint64_t chance;

static bool loses(uint16_t seq) {
  (void)seq;
  return one_in && fixture_random(&chance) % one_in == 0;
}

/* Sound and a small picture for so long, one packet in `lost` lost. */
static void run(struct desk *k, int seconds, uint32_t lost) {
  one_in = lost;
  chance = 3;
  k->loses = loses;
  for (int i = 0; i < seconds * 30; i++) {
    desk_frame(k, 4, i == 0);
    desk_run(k, 35, true);
    k->count = 0; /* nobody reads it */
  }
}

static void a_clean_path_gets_nothing(void **state) {
  (void)state;
  struct desk *k = desk_open(2000000);
  run(k, 5, 0);
  assert_int_equal(desk_stats(k).playout_ms, 0);
  assert_int_equal(desk_stats(k).redundancy, 0);
  desk_close(k);
}

/* Who joins over a lossy path is not left to freeze until a second's measurement is complete. */
static void the_first_losses_are_answered_at_once(void **state) {
  (void)state;
  struct desk *k = desk_open(2000000);
  one_in = 6;
  chance = 3;
  k->loses = loses;
  int frames = 0;
  for (; frames < 30 && desk_stats(k).playout_ms == 0; frames++) {
    desk_frame(k, 4, frames == 0);
    desk_run(k, 35, true);
    k->count = 0;
  }
  assert_true(frames < 8);
  assert_true(desk_stats(k).redundancy > 0);
  uint16_t first = desk_stats(k).playout_ms;
  run(k, 1, 6);
  assert_true(desk_stats(k).playout_ms > first); /* step by step: a longer pause would be seen */
  desk_close(k);
}

static void redundancy_follows_the_loss(void **state) {
  (void)state;
  struct desk *k = desk_open(2000000);
  run(k, 8, 33);
  assert_int_equal(desk_stats(k).redundancy, 1);
  run(k, 8, 8);
  assert_int_equal(desk_stats(k).redundancy, 2);
  struct rtp_outgoing_stats s;
  rtp_outgoing_stream_stats(k->audio, k->now_us, &s);
  assert_true(s.red_packets > 300 && s.red_blocks > s.red_packets);
  run(k, 5, 0);
  assert_int_equal(desk_stats(k).redundancy, 2); /* not calm for long enough */
  run(k, 30, 0);
  assert_int_equal(desk_stats(k).redundancy, 0);
  desk_close(k);
}

static void the_picture_waits_for_repairs(void **state) {
  (void)state;
  struct desk *k = desk_open(2000000);
  run(k, 8, 20);
  uint16_t five = desk_stats(k).playout_ms;
  run(k, 8, 6);
  uint16_t more = desk_stats(k).playout_ms;
  assert_true(five >= 20 && more > five && more <= DOWNLINK_PLAYOUT_MAX_MS);
  run(k, 5, 0);
  assert_int_equal(desk_stats(k).playout_ms, more);
  run(k, 60, 0);
  assert_int_equal(desk_stats(k).playout_ms, 0);
  desk_close(k);
}

/* Losses on a link that hardly carries one microphone are not answered with more microphone. */
static void a_thin_link_gets_no_redundancy(void **state) {
  (void)state;
  struct desk *k = desk_open(60000);
  one_in = 12;
  k->loses = loses;
  for (int i = 0; i < 400; i++) {
    struct bandwidth_estimator *e = &k->d->estimator;
    rate_control_set(&e->control, 60000, k->now_us);
    desk_run(k, 20, true);
    k->count = 0;
  }
  assert_int_equal(desk_stats(k).redundancy, 0);
  desk_close(k);
}

/* A queue of ours drops what does not fit: that is not lost whatever is sent. */
static void a_full_queue_takes_redundancy_away(void **state) {
  (void)state;
  struct desk *k = desk_open(200000);
  struct bandwidth_estimator *e = &k->d->estimator;
  run(k, 2, 0);
  e->loss.random_loss = 0.3;
  k->d->playout_due_us = k->d->service_us = 0;
  e->target_bps = 60000;
  downlink_service(k->d, k->now_us);
  assert_int_equal(desk_stats(k).redundancy, 2);
  assert_true(desk_stats(k).redundancy_most_bps > 1000000);
  for (int64_t i = 0; i < 8; i++) /* 300 ms that do not go away */
    queue_delay_packet(&e->queue, k->now_us + i * 50000, k->now_us + i * 50000 + 320000, false);
  e->loss.random_loss = 0.3;
  k->d->playout_due_us = k->d->service_us = 0;
  downlink_service(k->d, k->now_us);
  assert_int_equal(desk_stats(k).redundancy, 0);
  assert_in_range(desk_stats(k).redundancy_most_bps, 1, 100000);
  desk_close(k);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_clean_path_gets_nothing),
      cmocka_unit_test(redundancy_follows_the_loss),
      cmocka_unit_test(the_first_losses_are_answered_at_once),
      cmocka_unit_test(the_picture_waits_for_repairs),
      cmocka_unit_test(a_thin_link_gets_no_redundancy),
      cmocka_unit_test(a_full_queue_takes_redundancy_away),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
