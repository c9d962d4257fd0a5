/* Who sends, who receives, who speaks, who is looked at. */
#include "bench/load/scenario.h"

#include "tests/bench/check.h"

static struct load_options options_of(enum scenario_kind kind, unsigned members) {
  const struct scenario *s = scenario_of(kind);
  return (struct load_options){.scenario = kind,
                               .of = SCENARIO_CONSULT,
                               .rooms = 1,
                               .members = members,
                               .layers = s->layers,
                               .fps = 30,
                               .video_bps = s->video ? 1500000 : 0,
                               .audio_bps = 32000,
                               .packet_bytes = 1160,
                               .keyframe_factor = 6};
}

static void one_lecturer_many_listeners(void **state) {
  (void)state;
  struct load_options o = options_of(SCENARIO_LECTURE, 100);
  struct participant_plan plan;
  assert_int_equal(scenario_room_size(&o), 101);
  scenario_plan(&o, 0, 0, 1, &plan);
  assert_true(plan.media.camera && plan.media.microphone);
  assert_int_equal(plan.audio_slots + plan.video_slots, 0);
  scenario_plan(&o, 0, 55, 2, &plan);
  assert_false(plan.media.camera || plan.media.microphone);
  assert_int_equal(plan.audio_slots, 1);
  assert_int_equal(plan.video_slots, 1);
}

static void all_to_all_within_the_servers_limits(void **state) {
  (void)state;
  struct participant_plan plan;
  struct load_options o = options_of(SCENARIO_CONSULT, 4);
  scenario_plan(&o, 0, 3, 1, &plan);
  assert_int_equal(plan.audio_slots, 3);
  assert_int_equal(plan.video_slots, 3);
  o.members = 22;
  scenario_plan(&o, 0, 3, 1, &plan);
  assert_int_equal(plan.audio_slots, 8);
  assert_int_equal(plan.video_slots, 16);
  o = options_of(SCENARIO_AUDIO, 20);
  scenario_plan(&o, 0, 3, 1, &plan);
  assert_int_equal(plan.video_slots, 0);
  assert_false(plan.media.camera);
}

static void janus_gets_the_same_load_from_twice_as_many_transports(void **state) {
  (void)state;
  struct participant_plan plan;
  struct load_options o = options_of(SCENARIO_GALLERY, 25);
  o.janus = true;
  assert_int_equal(scenario_room_size(&o), 50);
  assert_int_equal(scenario_transports(&o), 2);
  unsigned pictures = 0, voices = 0;
  for (unsigned i = 0; i < 50; i++) {
    scenario_plan(&o, 2, i, i, &plan);
    assert_int_equal(plan.janus.room, 3);
    assert_int_equal(plan.media.camera, i < 25);
    assert_int_equal(plan.janus.count > 0, i >= 25);
    for (unsigned k = 0; k < plan.janus.count; k++) {
      assert_int_not_equal(plan.janus.from[k].feed, i - 25 + 1); /* nobody looks at themselves */
      pictures += plan.janus.from[k].video;
      voices += plan.janus.from[k].audio;
    }
  }
  assert_int_equal(pictures, 25 * 9);
  assert_int_equal(voices, 22 * 3 + 3 * 2);
  o.scenario = SCENARIO_LECTURE;
  assert_int_equal(scenario_room_size(&o), 26);
  assert_int_equal(scenario_transports(&o), 1);
  scenario_plan(&o, 0, 7, 1, &plan);
  assert_int_equal(plan.janus.count, 1);
  assert_true(plan.janus.from[0].audio && plan.janus.from[0].video);
}

static void rooms_and_identities_differ(void **state) {
  (void)state;
  struct load_options o = options_of(SCENARIO_CONSULT, 4);
  struct participant_plan a, b;
  scenario_plan(&o, 0, 0, 1, &a);
  scenario_plan(&o, 1, 0, 2, &b);
  assert_string_not_equal(a.room, b.room);
  assert_string_not_equal(a.identity, b.identity);
  assert_int_not_equal(a.seed, b.seed);
}

static void everybody_is_seen_by_nine_in_a_gallery(void **state) {
  (void)state;
  struct load_options o = options_of(SCENARIO_GALLERY, 25);
  unsigned members[16], seen[25] = {0};
  for (unsigned i = 0; i < 25; i++) {
    assert_int_equal(scenario_views(&o, i, members, 16), 9);
    for (int k = 0; k < 9; k++) {
      assert_true(members[k] < 25 && members[k] != i);
      seen[members[k]]++;
    }
  }
  for (unsigned i = 0; i < 25; i++)
    assert_int_equal(seen[i], 9);
  o.members = 4;
  assert_int_equal(scenario_views(&o, 0, members, 16), 3);
}

static void three_speak_and_all_get_their_turn(void **state) {
  (void)state;
  struct load_options o = options_of(SCENARIO_GALLERY, 25);
  unsigned turns[25] = {0};
  for (unsigned turn = 0; turn < 25; turn++) {
    unsigned speaking = 0;
    for (unsigned i = 0; i < 25; i++) {
      bool speaks = scenario_speaks(&o, i, turn);
      speaking += speaks;
      turns[i] += speaks;
    }
    assert_int_equal(speaking, 3);
  }
  for (unsigned i = 0; i < 25; i++)
    assert_true(turns[i] > 0);
}

static void names(void **state) {
  (void)state;
  for (int kind = SCENARIO_LECTURE; kind <= SCENARIO_RAMP; kind++)
    assert_int_equal(scenario_from_name(scenario_of((enum scenario_kind)kind)->name), kind);
  assert_int_equal(scenario_from_name("lectures"), -1);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(one_lecturer_many_listeners),
      cmocka_unit_test(all_to_all_within_the_servers_limits),
      cmocka_unit_test(janus_gets_the_same_load_from_twice_as_many_transports),
      cmocka_unit_test(rooms_and_identities_differ),
      cmocka_unit_test(everybody_is_seen_by_nine_in_a_gallery),
      cmocka_unit_test(three_speak_and_all_get_their_turn),
      cmocka_unit_test(names),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
