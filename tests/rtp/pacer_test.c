/* What leaves at once, what waits, in which order, how fast. */
#include "rtp/pacer.h"
#include "tests/rtp/bytes.h"

static struct pacer p;

static int setup(void **state) {
  (void)state;
  pacer_init(&p, 800000); /* pace 1 Mbit/s: 8 µs a byte */
  return 0;
}

static bool push(enum pacer_kind kind, uint16_t slot, uint16_t seq, uint16_t bytes) {
  struct pacer_decision d = {.slot = slot, .seq = seq, .bytes = bytes};
  return pacer_push(&p, kind, &d);
}

static void ordinary_frames_pass_untouched(void **state) {
  (void)state;
  for (int frame = 0; frame < 300; frame++) { /* 800 kbit/s in frames of three packets */
    for (int i = 0; i < 3; i++)
      assert_true(pacer_admit(&p, PACER_VIDEO, 1111, frame * 33333LL));
  }
  assert_int_equal(p.delayed, 0);
  assert_int_equal(pacer_deadline(&p), INT64_MAX);
}

static void a_key_frame_is_spread_over_the_pace(void **state) {
  (void)state;
  int at_once = 0;
  for (uint16_t i = 0; i < 50; i++) {
    if (pacer_admit(&p, PACER_VIDEO, 1000, 0))
      at_once++;
    else
      assert_true(push(PACER_VIDEO, 1, i, 1000));
  }
  assert_in_range(at_once, 5, 7); /* 40 ms of 1 Mbit/s are 5000 bytes */
  assert_int_equal(pacer_backlog_us(&p), (50 - at_once) * 8000);
  int64_t now_us = 0, last_us = 0;
  enum pacer_kind kind;
  struct pacer_decision d;
  int sent = at_once;
  while (pacer_deadline(&p) != INT64_MAX) {
    now_us = pacer_deadline(&p) > now_us ? pacer_deadline(&p) : now_us;
    assert_true(pacer_pop(&p, now_us, &kind, &d));
    assert_int_equal(kind, PACER_VIDEO);
    assert_int_equal(d.seq, sent++); /* in order */
    if (sent > at_once + 2) assert_int_equal(now_us - last_us, 8000);
    last_us = now_us;
  }
  assert_int_equal(sent, 50);
  assert_in_range(now_us, 340000, 360000);
  assert_int_equal(p.queued_bytes, 0);
}

static void audio_never_waits_but_is_counted(void **state) {
  (void)state;
  for (int i = 0; i < 100; i++)
    assert_true(pacer_admit(&p, PACER_AUDIO, 1000, 0));
  assert_int_equal(p.level_until_us, 800000);
  assert_false(pacer_admit(&p, PACER_VIDEO, 1000, 0));
  assert_true(pacer_admit(&p, PACER_VIDEO, 1000, 800000 - PACER_BURST_US));
}

static void a_debt_of_sound_is_not_held_against_video_for_ever(void **state) {
  (void)state;
  for (int64_t now_us = 0; now_us < 10000000; now_us += 20000)
    assert_true(pacer_admit(&p, PACER_AUDIO, 5000, now_us)); /* twice the pace, for ten seconds */
  assert_false(pacer_admit(&p, PACER_VIDEO, 1000, 10000000));
  assert_true(pacer_admit(&p, PACER_VIDEO, 1000, 10000000 + PACER_DEBT_MAX_US));
}

static void late_repairs_are_thrown_away(void **state) {
  (void)state;
  struct pacer_decision old = {.since_us = 0, .slot = 1, .seq = 1, .bytes = 1000}, young = old;
  young.since_us = PACER_REPAIR_MAX_US;
  young.seq = 2;
  assert_null(pacer_oldest_video(&p));
  pacer_push(&p, PACER_REPAIR, &old);
  pacer_push(&p, PACER_REPAIR, &young);
  pacer_push(&p, PACER_VIDEO, &old);
  assert_int_equal(pacer_forget_late_repairs(&p, PACER_REPAIR_MAX_US), 0);
  assert_int_equal(pacer_forget_late_repairs(&p, PACER_REPAIR_MAX_US + 1), 1);
  assert_int_equal(p.queued_bytes, 2000);
  assert_int_equal(pacer_oldest_video(&p)->seq, 1);
  enum pacer_kind kind;
  struct pacer_decision d;
  assert_true(pacer_pop(&p, PACER_REPAIR_MAX_US + 1, &kind, &d));
  assert_int_equal(d.seq, 2);
}

static void nobody_overtakes_the_queue_and_repairs_go_first(void **state) {
  (void)state;
  pacer_charge(&p, 20000, 0); /* 160 ms */
  push(PACER_VIDEO, 1, 10, 1000);
  push(PACER_REPAIR, 1, 3, 1000);
  assert_false(pacer_admit(&p, PACER_VIDEO, 100, 150000)); /* room, but others wait */
  enum pacer_kind kind;
  struct pacer_decision d;
  assert_false(pacer_pop(&p, 100000, &kind, &d));
  assert_true(pacer_pop(&p, 120000, &kind, &d));
  assert_int_equal(kind, PACER_REPAIR);
  assert_true(pacer_pop(&p, 130000, &kind, &d));
  assert_int_equal(kind, PACER_VIDEO);
  assert_int_equal(d.seq, 10);
  assert_false(pacer_pop(&p, INT64_MAX, &kind, &d));
}

static void queues_are_bounded(void **state) {
  (void)state;
  for (uint32_t i = 0; i < PACER_VIDEO_QUEUE; i++)
    assert_true(push(PACER_VIDEO, 1, (uint16_t)i, 1000));
  assert_false(push(PACER_VIDEO, 1, 0, 1000));
  for (uint32_t i = 0; i < PACER_REPAIR_QUEUE; i++)
    assert_true(push(PACER_REPAIR, 1, (uint16_t)i, 1000));
  assert_false(push(PACER_REPAIR, 1, 0, 1000));
  assert_int_equal(p.refused, 2);
}

static void a_slot_is_forgotten_without_the_others(void **state) {
  (void)state;
  for (uint16_t i = 0; i < 300; i++)
    push(PACER_VIDEO, (uint16_t)(i % 3), i, 100);
  push(PACER_REPAIR, 1, 7, 100);
  assert_int_equal(pacer_forget(&p, 1, false), 100);
  assert_int_equal(p.queued_bytes, 201 * 100);
  assert_int_equal(pacer_forget(&p, 1, true), 1);
  enum pacer_kind kind;
  struct pacer_decision d;
  uint16_t before = 0;
  int left = 0;
  while (pacer_pop(&p, pacer_deadline(&p), &kind, &d)) {
    assert_int_not_equal(d.slot, 1);
    assert_true(left == 0 || d.seq > before);
    before = d.seq;
    left++;
  }
  assert_int_equal(left, 200);
}

static void the_pace_has_a_floor_and_follows_the_target(void **state) {
  (void)state;
  pacer_set_target(&p, 0, 0);
  assert_int_equal(p.bps, PACER_MIN_BPS);
  pacer_set_target(&p, 4000000, 0);
  assert_int_equal(p.bps, 5000000);
  pacer_charge(&p, 5000, 1000);
  assert_in_range(p.level_until_us, 1000 + 7999, 1000 + 8000);
  /* Bursts that passed without a queue raise it, within limits; they never lower it. */
  pacer_set_target(&p, 4000000, 20000000);
  assert_int_equal(p.bps, 20000000 / PACER_BURST_SHARE);
  pacer_set_target(&p, 4000000, 1000000000);
  assert_int_equal(p.bps, 4000000 * PACER_BURST_MOST);
  pacer_set_target(&p, 4000000, 3000000);
  assert_int_equal(p.bps, 5000000);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup(ordinary_frames_pass_untouched, setup),
      cmocka_unit_test_setup(a_key_frame_is_spread_over_the_pace, setup),
      cmocka_unit_test_setup(audio_never_waits_but_is_counted, setup),
      cmocka_unit_test_setup(a_debt_of_sound_is_not_held_against_video_for_ever, setup),
      cmocka_unit_test_setup(late_repairs_are_thrown_away, setup),
      cmocka_unit_test_setup(nobody_overtakes_the_queue_and_repairs_go_first, setup),
      cmocka_unit_test_setup(queues_are_bounded, setup),
      cmocka_unit_test_setup(a_slot_is_forgotten_without_the_others, setup),
      cmocka_unit_test_setup(the_pace_has_a_floor_and_follows_the_target, setup),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
