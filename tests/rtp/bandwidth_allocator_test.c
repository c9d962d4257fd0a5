/* Who gets how much: importance, steps, hysteresis, properties over random rooms. */
#include "rtp/bandwidth_allocator.h"
#include "tests/rtp/allocation_desk.h"
#include "tests/rtp/bytes.h"

static struct desk desk;

static void slot(size_t i, enum allocation_class importance, uint32_t width) {
  desk.slots[i] = (struct allocation_slot){.importance = importance,
                                           .layer_count = 3,
                                           .width = width,
                                           .height = width * 9 / 16,
                                           .held = LAYER_NONE,
                                           .memory = &desk.memory[i]};
  static const struct {
    uint64_t bps;
    uint16_t width, height;
  } layers[3] = {{150000, 320, 180}, {500000, 640, 360}, {1700000, 1280, 720}};
  for (int k = 0; k < 3; k++)
    desk.slots[i].layers[k] = (struct layer_state){.live = true,
                                                   .width = layers[k].width,
                                                   .height = layers[k].height,
                                                   .bitrate_bps = layers[k].bps,
                                                   .temporal_count = 3};
}

static void room(size_t count) {
  memset(&desk, 0, sizeof desk);
  desk.now_us = 100000000;
  desk.a = (struct allocation){.audio_bps = DESK_AUDIO, .slots = desk.slots, .slot_count = count, .memory = &desk.all};
  for (size_t i = 0; i < count; i++)
    slot(i, ALLOCATION_THUMBNAIL, 1280);
}

static void run(uint64_t bps) {
  desk_run(&desk, bps);
}

static void enough_for_all_gives_all(void **state) {
  (void)state;
  room(3);
  run(10000000);
  for (int i = 0; i < 3; i++) {
    assert_int_equal(desk.slots[i].layer, 2);
    assert_int_equal(desk.slots[i].max_temporal, LAYER_TEMPORAL_MAX - 1);
    assert_int_equal(desk.slots[i].reason, ALLOCATION_FULL);
  }
  assert_int_equal(desk.a.next_bps, 0);
  assert_false(desk.a.audio_only);
  assert_int_equal(desk.a.used_bps, DESK_AUDIO + 3 * bandwidth_allocator_wire_bps(1700000));
}

static void everybody_gets_the_smallest_before_anybody_gets_more(void **state) {
  (void)state;
  room(3);
  slot(2, ALLOCATION_PINNED, 1280);
  run(600000);
  for (int i = 0; i < 3; i++)
    assert_int_not_equal(desk.slots[i].layer, LAYER_NONE);
  assert_true(desk.slots[2].bps >= desk.slots[0].bps && desk.slots[2].bps >= desk.slots[1].bps);
}

static void what_is_left_is_offered_once(void **state) {
  (void)state;
  room(3);
  slot(1, ALLOCATION_SPEAKER, 1280);
  run(DESK_AUDIO + 1200000);
  uint64_t spent = desk.a.used_bps - DESK_AUDIO, offered = 0;
  for (int i = 0; i < 3; i++) {
    assert_int_equal(desk.slots[i].wanted, 2);
    assert_true(desk.slots[i].room_bps >= desk.slots[i].bps);
    offered += desk.slots[i].room_bps;
  }
  assert_int_equal(offered, 1200000);
  assert_int_equal(desk.slots[1].room_bps, desk.slots[1].bps + 1200000 - spent); /* to the speaker */
  room(1);
  run(DESK_AUDIO + 5000000);
  assert_int_equal(desk.slots[0].room_bps, desk.slots[0].bps); /* wants no more */
  slot(0, ALLOCATION_THUMBNAIL, 1280);
  desk.slots[0].held_back = true;
  run(DESK_AUDIO + 5000000);
  assert_int_equal(desk.slots[0].room_bps, 5000000);
  desk.a.stalled = true;
  slot(0, ALLOCATION_THUMBNAIL, 1280);
  run(DESK_AUDIO + 5000000);
  assert_int_equal(desk.slots[0].room_bps, 0); /* nobody knows */
}

static void with_too_little_the_important_one_stays(void **state) {
  (void)state;
  room(3);
  slot(1, ALLOCATION_SPEAKER, 1280);
  run(DESK_AUDIO + 150000);
  assert_int_equal(desk.slots[1].layer, 0);
  assert_int_equal(desk.slots[0].layer, LAYER_NONE);
  assert_int_equal(desk.slots[0].reason, ALLOCATION_BANDWIDTH);
  assert_true(desk.a.next_bps > DESK_AUDIO + 150000);
}

static void audio_only_is_stated_and_ends_by_itself(void **state) {
  (void)state;
  room(1);
  run(120000);
  assert_true(desk.a.audio_only);
  assert_int_equal(desk.a.reason, ALLOCATION_BANDWIDTH);
  assert_string_equal(allocation_reason_name(desk.a.reason), "bandwidth");
  assert_true(desk.a.next_bps > 120000 && desk.a.next_bps < 300000);
  run(desk.a.next_bps);
  assert_false(desk.a.audio_only);
  desk.a.stalled = true;
  run(10000000);
  assert_true(desk.a.audio_only);
  assert_int_equal(desk.a.reason, ALLOCATION_STALLED);
  desk.a.stalled = false;
  run(10000000);
  assert_int_equal(desk.slots[0].layer, 2); /* an outage is no failure of a layer */
}

static void hidden_and_dead_pictures_cost_nothing(void **state) {
  (void)state;
  room(3);
  desk.slots[0].width = desk.slots[0].height = 0;
  for (int k = 0; k < 3; k++)
    desk.slots[1].layers[k].live = false;
  run(10000000);
  assert_int_equal(desk.slots[0].reason, ALLOCATION_HIDDEN);
  assert_int_equal(desk.slots[1].reason, ALLOCATION_NO_SOURCE);
  assert_int_equal(desk.slots[0].layer, LAYER_NONE);
  assert_int_equal(desk.a.used_bps, DESK_AUDIO + bandwidth_allocator_wire_bps(1700000));
}

static void a_small_box_takes_a_small_layer(void **state) {
  (void)state;
  room(1);
  slot(0, ALLOCATION_THUMBNAIL, 320);
  run(10000000);
  assert_int_equal(desk.slots[0].layer, 0);
  assert_int_equal(desk.slots[0].reason, ALLOCATION_FULL);
}

static void a_step_up_needs_proof_and_no_queue(void **state) {
  (void)state;
  room(1);
  run(400000);
  int before = desk.slots[0].layer;
  desk.now_us += ALLOCATION_INTERVAL_US;
  desk.a.target_bps = 5000000; /* believed, not proven */
  desk.a.proven_bps = 400000;
  bandwidth_allocator_run(&desk.a, desk.now_us);
  assert_int_equal(desk.slots[0].layer, before);
  assert_true(desk.a.next_bps > 400000);
  desk.a.proven_bps = 5000000;
  desk.a.queue = true;
  bandwidth_allocator_run(&desk.a, desk.now_us);
  assert_int_equal(desk.slots[0].layer, before);
  desk.a.queue = false;
  bandwidth_allocator_run(&desk.a, desk.now_us);
  assert_int_equal(desk.slots[0].layer, 2);
}

static void a_source_that_was_away_goes_on_at_its_rate(void **state) {
  (void)state;
  room(1);
  run(10000000);
  for (int k = 0; k < 3; k++)
    desk.slots[0].layers[k].live = false;
  run(10000000);
  assert_int_equal(desk.slots[0].reason, ALLOCATION_NO_SOURCE);
  desk.slots[0].layers[0].live = true;
  desk.now_us += ALLOCATION_INTERVAL_US;
  desk.a.proven_bps = 0; /* long ago */
  bandwidth_allocator_run(&desk.a, desk.now_us);
  assert_int_equal(desk.slots[0].layer, 0);
  assert_int_equal(desk.slots[0].max_temporal, LAYER_TEMPORAL_MAX - 1);
}

static void a_little_too_much_is_borne_for_a_moment(void **state) {
  (void)state;
  room(1);
  run(2500000);
  uint64_t need = desk.a.used_bps;
  desk.now_us += ALLOCATION_GRACE_US;
  run(need * 90 / 100);
  assert_int_equal(desk.slots[0].layer, 2); /* no queue: patience */
  for (int i = 0; i < 6; i++)
    run(need * 90 / 100);
  assert_true(desk.slots[0].layer < 2 || desk.slots[0].max_temporal < 2);
  room(1);
  run(2500000);
  desk.now_us += ALLOCATION_GRACE_US;
  desk.a.queue = true;
  run(need * 90 / 100);
  assert_true(desk.slots[0].layer < 2 || desk.slots[0].max_temporal < 2); /* at once */
}

/* Its publisher was asked for less and does it within a moment: half of the frames would be the worse way there. */
static void what_is_asked_to_be_smaller_need_not_be_cut(void **state) {
  (void)state;
  room(1);
  run(2500000);
  uint64_t need = desk.a.used_bps;
  desk.now_us += ALLOCATION_GRACE_US;
  desk.a.queue = desk.slots[0].held_back = true;
  run(need * 85 / 100);
  assert_int_equal(desk.slots[0].reason, ALLOCATION_FULL);
  for (int i = 0; i < 6; i++)
    run(need * 85 / 100);
  assert_int_equal(desk.slots[0].reason, ALLOCATION_BANDWIDTH); /* it does not do it */
  room(1);
  run(2500000);
  desk.now_us += ALLOCATION_GRACE_US;
  desk.a.queue = desk.slots[0].held_back = desk.a.settling = true;
  run(need * 85 / 100);
  assert_int_equal(desk.slots[0].reason, ALLOCATION_BANDWIDTH); /* the link has dropped */
  room(1);
  run(2500000);
  desk.now_us += ALLOCATION_GRACE_US;
  desk.a.queue = desk.slots[0].held_back = true;
  run(need * 60 / 100);
  assert_int_equal(desk.slots[0].reason, ALLOCATION_BANDWIDTH); /* far too much */
}

/* A layer made for this link is not left for half of the frames of a larger one. */
static void a_held_layer_is_left_for_a_whole_one_only(void **state) {
  (void)state;
  room(1);
  desk.slots[0].layers[1].bitrate_bps = 280000;
  desk.slots[0].layers[2].bitrate_bps = 800000;
  run(DESK_AUDIO + 400000);
  assert_int_equal(desk.slots[0].layer, 1);
  desk.slots[0].held_back = true;
  desk.slots[0].held = 1;
  for (int i = 0; i < 20; i++)
    run(DESK_AUDIO + 500000);
  assert_int_equal(desk.slots[0].layer, 1);
  assert_true(desk.a.next_bps > DESK_AUDIO + 600000); /* the next step is the whole of it */
  run(DESK_AUDIO + 1100000);
  assert_int_equal(desk.slots[0].layer, 2);
  assert_int_equal(desk.slots[0].reason, ALLOCATION_FULL);
}

static void what_failed_is_tried_at_once_when_it_costs_less(void **state) {
  (void)state;
  room(1);
  desk.slots[0].held_back = true;
  run(900000);
  run(2500000);
  assert_int_equal(desk.slots[0].layer, 2);
  desk.a.queue = true;
  for (int i = 0; i < 10; i++)
    run(900000);
  assert_true(desk.slots[0].layer < 2 || desk.slots[0].max_temporal < 2); /* it has failed */
  desk.a.queue = false;
  run(900000);
  assert_int_equal(desk.slots[0].reason, ALLOCATION_BANDWIDTH);
  desk.slots[0].layers[2].bitrate_bps = 550000;
  run(900000);
  assert_int_equal(desk.slots[0].reason, ALLOCATION_FULL);
}

/* A wandering link. Its publisher keeps the layer to it: all frames come back as soon as they fit, however often that has failed. */
static void all_frames_of_a_kept_layer_come_back_at_once(void **state) {
  (void)state;
  room(1);
  desk.slots[0].held_back = true;
  run(2500000);
  uint64_t need = desk.a.used_bps;
  for (int times = 0; times < 5; times++) {
    desk.now_us += ALLOCATION_GRACE_US;
    desk.a.queue = desk.a.settling = true;
    run(need * 95 / 100);
    assert_int_equal(desk.slots[0].layer, 2);
    assert_true(desk.slots[0].max_temporal < 2);
    desk.a.queue = desk.a.settling = false;
    run(need * 102 / 100);
    assert_int_equal(desk.slots[0].reason, ALLOCATION_FULL);
  }
}

/* The link got slower; the publisher was asked to keep the middle layer to it, and the large one to the least that it is of use at.
 * Half of the frames of that are no more bits than all of the middle one's: people who move are seen better whole. */
static void all_frames_go_before_half_of_those_of_a_larger_picture(void **state) {
  (void)state;
  room(1);
  desk.slots[0].held_back = true;
  desk.slots[0].layers[1].bitrate_bps = 230000;
  desk.slots[0].layers[2].bitrate_bps = 337000;
  run(DESK_AUDIO + 300000);
  assert_int_equal(desk.slots[0].layer, 1);
  assert_int_equal(desk.slots[0].max_temporal, LAYER_TEMPORAL_MAX - 1);
  run(DESK_AUDIO + 450000);
  assert_int_equal(desk.slots[0].layer, 2);
  assert_int_equal(desk.slots[0].reason, ALLOCATION_FULL);
}

/* A link that carries the upper layer only every other moment: it is tried more and more rarely. */
static void failed_steps_are_tried_later_and_later(void **state) {
  (void)state;
  room(1);
  int ups = 0, last = -1;
  for (int i = 0; i < 5 * 300; i++) { /* five minutes */
    bool good = i % 30 < 15;          /* three seconds each */
    desk.a.queue = !good;
    run(good ? 2150000 : 700000);
    ups += last >= 0 && last < 2 && desk.slots[0].layer == 2;
    last = desk.slots[0].layer;
  }
  assert_in_range(ups, 3, 9); /* without back-off: fifty */
}

/* The link carried the large picture, then little, then enough for the middle one: that one has not failed. */
static void a_failure_of_the_large_picture_is_none_of_the_small_ones(void **state) {
  (void)state;
  room(1);
  run(900000);
  run(2500000);
  assert_int_equal(desk.slots[0].layer, 2);
  desk.now_us += ALLOCATION_GRACE_US;
  desk.a.queue = true;
  run(300000);
  assert_int_equal(desk.slots[0].layer, 0);
  desk.a.queue = false;
  run(750000);
  assert_int_equal(desk.slots[0].layer, 1);
}

/* However often the steps have failed. */
static void no_picture_does_not_last(void **state) {
  (void)state;
  room(1);
  for (int i = 0; i < 5 * 120; i++)
    run(i % 30 < 15 ? 700000 : 100000);
  desk.memory[0].retry_us = desk.now_us + ALLOCATION_BACKOFF_MAX_US;
  desk.memory[0].backoff_us = ALLOCATION_BACKOFF_MAX_US;
  run(100000);
  assert_int_equal(desk.slots[0].layer, LAYER_NONE);
  int waited = 0;
  for (; desk.slots[0].layer == LAYER_NONE && waited < 100; waited++)
    run(700000);
  assert_true(waited * ALLOCATION_INTERVAL_US <= ALLOCATION_GONE_US + ALLOCATION_INTERVAL_US);
}

static void a_draining_link_gets_nothing_it_does_not_carry(void **state) {
  (void)state;
  room(1);
  run(2500000);
  desk.a.draining = desk.a.queue = true;
  run(500000);
  assert_int_equal(desk.slots[0].layer, LAYER_NONE);
  desk.a.draining = false;
  desk.a.queue = false;
  run(900000);
  assert_int_equal(desk.slots[0].layer, 1);
}

static void a_screen_is_sharp_before_it_is_smooth(void **state) {
  (void)state;
  room(1);
  desk.slots[0].screen = true;
  desk.slots[0].importance = ALLOCATION_PINNED;
  run(DESK_AUDIO + 1100000);
  assert_int_equal(desk.slots[0].layer, 2);
  assert_int_equal(desk.slots[0].max_temporal, 0);
}

static int order(const void *a, const void *b) { /* the allocator's: by importance, then by place */
  const struct allocation_slot *x = *(struct allocation_slot *const *)a, *y = *(struct allocation_slot *const *)b;
  return x->importance != y->importance ? (int)x->importance - (int)y->importance : (x > y) - (x < y);
}

/* What is shown and then how well, in the order of importance: comparable as words are. */
static void describe(uint64_t *words) {
  struct allocation_slot *sorted[DESK_SLOTS];
  for (size_t i = 0; i < desk.a.slot_count; i++)
    sorted[i] = &desk.slots[i];
  qsort(sorted, desk.a.slot_count, sizeof sorted[0], order);
  for (size_t i = 0; i < desk.a.slot_count; i++) {
    words[i] = sorted[i]->layer != LAYER_NONE;
    words[desk.a.slot_count + i] = sorted[i]->bps;
  }
}

static void check_sums(uint64_t bps) {
  uint64_t sum = DESK_AUDIO;
  for (size_t i = 0; i < desk.a.slot_count; i++) {
    sum += desk.slots[i].bps;
    assert_true(desk.slots[i].layer >= LAYER_NONE && desk.slots[i].layer < 3);
    assert_true((desk.slots[i].layer == LAYER_NONE) == (desk.slots[i].bps == 0));
  }
  assert_int_equal(sum, desk.a.used_bps);
  assert_true(sum <= bps || sum == DESK_AUDIO);
  assert_true(desk.a.next_bps == 0 || desk.a.most_bps >= desk.a.next_bps || desk.a.next_bps > bps);
}

/* Property over random rooms: the sum never exceeds the budget; with more budget what is shown, and then how well, never gets worse
 * in the order of importance. */
static void more_is_never_worse(void **state) {
  (void)state;
  uint64_t seed = 42;
  for (int round = 0; round < 3000; round++) {
    seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
    uint64_t before[2 * DESK_SLOTS] = {0}, now[2 * DESK_SLOTS];
    size_t count = 1 + (seed >> 60) % DESK_SLOTS;
    for (uint64_t bps = 100000; bps < 16000000; bps = bps * 8 / 7) {
      room(count);
      for (size_t i = 0; i < count; i++) {
        slot(i, (enum allocation_class)((seed >> (8 + 3 * i) & 7) % 3),
             160 + (uint32_t)(seed >> (20 + 4 * i) & 7) * 180);
        desk.slots[i].screen = desk.slots[i].importance == ALLOCATION_PINNED && seed >> (40 + i) & 1;
        desk.slots[i].layers[0].temporal_count = (uint8_t)(1 + (seed >> i & 3));
      }
      run(bps);
      check_sums(bps);
      describe(now);
      size_t k = 0;
      while (k + 1 < 2 * count && now[k] == before[k])
        k++;
      assert_true(now[k] >= before[k]);
      memcpy(before, now, sizeof before);
    }
    for (size_t i = 0; i < count; i++)
      assert_int_equal(desk.slots[i].reason, ALLOCATION_FULL);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(enough_for_all_gives_all),
      cmocka_unit_test(everybody_gets_the_smallest_before_anybody_gets_more),
      cmocka_unit_test(what_is_left_is_offered_once),
      cmocka_unit_test(with_too_little_the_important_one_stays),
      cmocka_unit_test(audio_only_is_stated_and_ends_by_itself),
      cmocka_unit_test(hidden_and_dead_pictures_cost_nothing),
      cmocka_unit_test(a_small_box_takes_a_small_layer),
      cmocka_unit_test(a_step_up_needs_proof_and_no_queue),
      cmocka_unit_test(a_source_that_was_away_goes_on_at_its_rate),
      cmocka_unit_test(a_little_too_much_is_borne_for_a_moment),
      cmocka_unit_test(what_is_asked_to_be_smaller_need_not_be_cut),
      cmocka_unit_test(what_failed_is_tried_at_once_when_it_costs_less),
      cmocka_unit_test(a_held_layer_is_left_for_a_whole_one_only),
      cmocka_unit_test(all_frames_of_a_kept_layer_come_back_at_once),
      cmocka_unit_test(all_frames_go_before_half_of_those_of_a_larger_picture),
      cmocka_unit_test(failed_steps_are_tried_later_and_later),
      cmocka_unit_test(a_failure_of_the_large_picture_is_none_of_the_small_ones),
      cmocka_unit_test(no_picture_does_not_last),
      cmocka_unit_test(a_draining_link_gets_nothing_it_does_not_carry),
      cmocka_unit_test(a_screen_is_sharp_before_it_is_smooth),
      cmocka_unit_test(more_is_never_worse),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
