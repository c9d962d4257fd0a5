/* A receiver's downlink: what leaves at once and what waits, repairs, cuts, what it tells the allocation. */
#include "rtp/downlink_internal.h"
#include "tests/rtp/downlink_fixture.h"

static void ordinary_packets_leave_at_once_and_key_frames_are_spread(void **state) {
  (void)state;
  struct desk *k = desk_open(200000);
  assert_true(desk_audio(k));
  size_t at_once = desk_frame(k, 16, true) + desk_frame(k, 16, false) + desk_frame(k, 16, false);
  assert_in_range(at_once, 5, 40); /* 40 ms of 250 kbit/s; the fixture's packets are small */
  assert_int_equal(desk_stats(k).delayed, 48 - at_once);
  assert_true(desk_audio(k)); /* never waits */
  assert_int_not_equal(downlink_deadline(k->d), INT64_MAX);
  size_t before = k->count;
  desk_run(k, 500, false);
  assert_int_equal(k->count - before, 48 - at_once);
  assert_int_equal(downlink_deadline(k->d), INT64_MAX);
  /* Everything under its own number, once, in order. */
  uint16_t expected = 0;
  for (size_t i = 0; i < k->count; i++) {
    if (k->sent[i].payload_type == 96) assert_int_equal(k->sent[i].seq, expected++);
  }
  assert_int_equal(expected, 48);
  desk_close(k);
}

static void what_is_sent_later_keeps_its_order_behind_what_waits(void **state) {
  (void)state;
  struct desk *k = desk_open(100000);
  desk_frame(k, 16, true);
  desk_frame(k, 16, false);
  assert_int_equal(desk_frame(k, 1, false), 0); /* small, but others wait */
  desk_close(k);
}

/* What waits forbids probes, and without a probe nothing would ever wait less. */
static void sound_above_the_pace_leaves_nothing_stuck(void **state) {
  (void)state;
  struct desk *k = desk_open(30000);
  desk_frame(k, 16, true);
  for (int i = 0; i < 150; i++) {
    for (int j = 0; j < 16; j++)
      assert_true(desk_audio(k));
    if (i == 1) {
      uint16_t first = k->sent[0].seq;
      downlink_nack(k->d, k->video_slot, &first, 1, k->now_us);
      assert_int_not_equal(downlink_deadline(k->d), INT64_MAX);
    }
    desk_run(k, 20, false);
  }
  assert_int_equal(downlink_deadline(k->d), INT64_MAX);
  assert_true(desk_stats(k).cut > 0);
  desk_close(k);
}

/* Where bursts were seen to pass, a key frame is an ordinary frame; where they stood in a queue, no longer. */
static void a_path_that_shows_no_queue_takes_key_frames_at_once(void **state) {
  (void)state;
  struct desk *k = desk_open(200000);
  desk_frame(k, 16, true);
  desk_run(k, 500, true);
  assert_true(burst_rate_bps(&k->d->bursts, k->now_us) > 1000000);
  assert_int_equal(k->d->pacer.bps, PACER_BURST_MOST * bandwidth_estimator_bps(downlink_estimator(k->d)));
  assert_int_equal(desk_frame(k, 16, true), 16);
  burst_rate_congested(&k->d->bursts, k->now_us);
  desk_run(k, 100, true);
  assert_true(k->d->pacer.bps < 2 * bandwidth_estimator_bps(downlink_estimator(k->d)));
  desk_close(k);
}

static bool third(uint16_t seq) {
  return seq == 3;
}

/* Feedback says what was lost: it is sent again without a NACK, once. */
static void feedback_repairs(void **state) {
  (void)state;
  struct desk *k = desk_open(2000000);
  k->loses = third;
  desk_frame(k, 4, true);
  for (int i = 0; i < 6; i++) {
    k->now_us += FRAME_US;
    desk_frame(k, 4, false);
  }
  uint16_t lost_seq = k->sent[3].seq;
  assert_int_equal(k->sent[3].transport_seq, 3);
  desk_feedback(k);
  desk_run(k, 20, false);
  const struct desk_sent *last = &k->sent[k->count - 1];
  assert_true(last->rtx);
  assert_int_equal(last->payload_type, 97);
  assert_int_equal(desk_stats(k).repairs, 1);
  assert_int_equal(desk_stats(k).repairs_early, 1);
  /* The receiver's NACK for the same comes within the round trip: it is not answered twice. */
  size_t before = k->count;
  downlink_nack(k->d, k->video_slot, &lost_seq, 1, k->now_us);
  desk_run(k, 20, false);
  assert_int_equal(k->count, before);
  assert_int_equal(desk_stats(k).repairs_refused, 1);
  desk_close(k);
}

/* Whatever is asked for, retransmissions take at most half of what the media took. */
static void repairs_have_a_budget(void **state) {
  (void)state;
  struct desk *k = desk_open(5000000);
  uint64_t media = 0;
  for (int i = 0; i < 300; i++) {
    k->now_us += FRAME_US;
    desk_frame(k, 4, i == 0);
    uint16_t seqs[64];
    for (uint16_t s = 0; s < 64; s++)
      seqs[s] = (uint16_t)(k->sent[k->count - 1].seq - s);
    downlink_nack(k->d, k->video_slot, seqs, 64, k->now_us);
    desk_run(k, 5, false);
  }
  uint64_t repairs = 0;
  struct rtp_outgoing_stats s;
  rtp_outgoing_stream_stats(k->video, k->now_us, &s);
  media = s.bytes;
  repairs = s.rtx_bytes;
  assert_true(repairs > media / 5 && repairs <= media / 2);
  desk_close(k);
}

static void a_missing_frame_of_audio_goes_along_with_the_next(void **state) {
  (void)state;
  struct desk *k = desk_open(2000000);
  for (int i = 0; i < 8; i++) {
    k->now_us += 20000;
    desk_audio(k);
  }
  uint16_t missing = k->sent[2].seq;
  assert_int_equal(downlink_nack(k->d, k->audio_slot, &missing, 1, k->now_us), 0);
  assert_int_equal(desk_stats(k).carried, 1);
  k->now_us += 20000;
  desk_audio(k);
  assert_int_equal(k->sent[k->count - 1].payload_type, 63);
  assert_int_equal(desk_stats(k).repairs, 0); /* never the same number twice */
  desk_close(k);
}

static void a_step_down_throws_away_what_would_take_long(void **state) {
  (void)state;
  struct desk *k = desk_open(60000);
  desk_frame(k, 16, true);
  desk_frame(k, 12, false);
  assert_true(desk_stats(k).backlog_us > DOWNLINK_STALE_US);
  uint16_t last = k->sent[k->count - 1].seq;
  downlink_stepped_down(k->d, k->video_slot);
  assert_true(desk_stats(k).cut > 0);
  assert_int_equal(desk_stats(k).backlog_us, 0);
  assert_ptr_equal(rtp_outgoing_stream_needs_keyframe(k->video), k->camera.stream);
  k->now_us += 2000000;
  assert_int_equal(desk_frame(k, 1, false), 0); /* waits for its key frame */
  desk_frame(k, 1, true);
  assert_int_equal(k->sent[k->count - 1].seq, (uint16_t)(last + 1)); /* no hole */
  desk_close(k);
}

static void what_waits_too_long_is_cut(void **state) {
  (void)state;
  struct desk *k = desk_open(30000);
  desk_frame(k, 16, true);
  for (int i = 0; i < 20; i++)
    desk_frame(k, 16, false);
  assert_true(desk_stats(k).cut > 0);
  assert_true(desk_stats(k).backlog_us <= DOWNLINK_LATE_US);
  desk_close(k);
}

static void slots_come_and_go(void **state) {
  (void)state;
  struct desk *k = desk_open(60000);
  desk_frame(k, 16, true);
  desk_frame(k, 16, false);
  downlink_remove_slot(k->d, k->video_slot);
  size_t before = k->count;
  desk_run(k, 1000, false);
  assert_int_equal(k->count, before); /* nothing of it comes out any more */
  assert_int_equal(downlink_add_slot(k->d, k->video, k->video, true), k->video_slot);
  for (int i = 2; i < DOWNLINK_SLOTS; i++)
    assert_int_not_equal(downlink_add_slot(k->d, k->video, k->video, true), DOWNLINK_NO_SLOT);
  assert_int_equal(downlink_add_slot(k->d, k->video, k->video, true), DOWNLINK_NO_SLOT);
  assert_true(downlink_offer(k->d, DOWNLINK_NO_SLOT, 1, 1000, k->now_us));
  assert_int_equal(downlink_nack(k->d, DOWNLINK_NO_SLOT, &(uint16_t){1}, 1, k->now_us), 0);
  downlink_remove_slot(k->d, DOWNLINK_NO_SLOT);
  desk_close(k);
  downlink_free(NULL);
}

static bool everything(uint16_t seq) {
  (void)seq;
  return true;
}

static void silence_stalls_and_says_so_at_once(void **state) {
  (void)state;
  struct desk *k = desk_open(1000000);
  desk_run(k, 1000, true);
  struct allocation a = {0};
  downlink_fill_allocation(k->d, &a, k->now_us);
  assert_false(a.stalled);
  assert_false(downlink_changed(k->d, k->now_us));
  k->loses = everything;
  desk_run(k, 1200, true);
  assert_true(downlink_changed(k->d, k->now_us));
  downlink_fill_allocation(k->d, &a, k->now_us);
  assert_true(a.stalled);
  assert_false(downlink_changed(k->d, k->now_us));
  k->loses = NULL;
  desk_run(k, 200, true);
  assert_true(downlink_changed(k->d, k->now_us));
  downlink_fill_allocation(k->d, &a, k->now_us);
  assert_false(a.stalled);
  desk_close(k);
}

/* Who sees nobody yet does not wait for the next turn of the allocation when the link turns out to be better. */
static void a_first_picture_is_given_as_soon_as_the_link_allows(void **state) {
  (void)state;
  struct desk *k = desk_open(1000000);
  struct allocation a = {.audio_bps = 50000, .used_bps = 50000, .next_bps = 500000, .most_bps = 500000};
  downlink_remb(k->d, 100000);
  downlink_fill_allocation(k->d, &a, k->now_us);
  downlink_want(k->d, &a, k->now_us);
  downlink_remb(k->d, 125000);
  assert_false(downlink_changed(k->d, k->now_us));
  downlink_remb(k->d, 126000);
  assert_true(downlink_changed(k->d, k->now_us));
  a.used_bps = 90000; /* somebody is seen */
  downlink_want(k->d, &a, k->now_us);
  assert_false(downlink_changed(k->d, k->now_us));
  a.used_bps = a.audio_bps;
  a.next_bps = 0; /* nobody is wanted */
  downlink_want(k->d, &a, k->now_us);
  assert_false(downlink_changed(k->d, k->now_us));
  desk_close(k);
}

/* The worker compares it with what a receiver reports: a silence must not make that look like a flood. */
static void what_was_sent_is_counted_through_a_silence(void **state) {
  (void)state;
  struct desk *k = desk_open(300000);
  for (int i = 0; i < 2000; i++) {
    assert_int_equal(desk_stats(k).sent, k->count);
    assert_true(desk_audio(k));
    if (i < 1000 && i % 10 == 9)
      desk_run(k, 200, true); /* reported; then no longer, and the ring of what is under way grows */
  }
  desk_close(k);
}

static void remb_rules_receivers_without_feedback(void **state) {
  (void)state;
  struct desk *k = desk_open(1000000);
  downlink_remb(k->d, 250000);
  struct allocation a = {0};
  downlink_fill_allocation(k->d, &a, k->now_us);
  assert_int_equal(a.target_bps, 250000);
  for (int i = 0; i < 3; i++)
    downlink_report(k->d, 255, k->now_us);
  downlink_fill_allocation(k->d, &a, k->now_us);
  assert_true(a.target_bps < 250000);
  desk_close(k);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(ordinary_packets_leave_at_once_and_key_frames_are_spread),
      cmocka_unit_test(sound_above_the_pace_leaves_nothing_stuck),
      cmocka_unit_test(what_is_sent_later_keeps_its_order_behind_what_waits),
      cmocka_unit_test(a_path_that_shows_no_queue_takes_key_frames_at_once),
      cmocka_unit_test(feedback_repairs),
      cmocka_unit_test(repairs_have_a_budget),
      cmocka_unit_test(a_missing_frame_of_audio_goes_along_with_the_next),
      cmocka_unit_test(a_step_down_throws_away_what_would_take_long),
      cmocka_unit_test(what_waits_too_long_is_cut),
      cmocka_unit_test(slots_come_and_go),
      cmocka_unit_test(silence_stalls_and_says_so_at_once),
      cmocka_unit_test(a_first_picture_is_given_as_soon_as_the_link_allows),
      cmocka_unit_test(remb_rules_receivers_without_feedback),
      cmocka_unit_test(what_was_sent_is_counted_through_a_silence),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
