/* tests/server/room/quality_test.c: who hears of connections, when, and what a snapshot says of them. */
#include <string.h>

#include "tests/server/room/harness.h"

static const struct room_quality poor = {ROOM_EXCELLENT, ROOM_POOR, ROOM_CAUSE_DOWNLINK};

static const char *field(struct seat *s, const char *key) {
  return json_string_value(json_object_get(json_object_get(harness_last(s, "quality"), "quality"), key));
}

static void everybody_hears_of_a_change(void **state) {
  (void)state;
  struct harness *h = harness_new(1);
  struct seat *a = harness_connect(h, 0, "doctor", 2, 2), *b = harness_connect(h, 1, "patient", 2, 2);
  uint32_t who = room_manager_find_participant(h->m, b->participant);
  assert_int_equal(room_manager_quality(h->m, who, &poor, h->now_us), ROOM_OK);
  assert_int_equal(room_manager_quality(h->m, who, &poor, h->now_us), ROOM_OK);
  assert_int_equal(harness_count(a, "quality"), 1);
  assert_int_equal(harness_count(b, "quality"), 1);
  assert_string_equal(json_string_value(json_object_get(harness_last(a, "quality"), "participant")), b->participant);
  assert_string_equal(field(a, "uplink"), "excellent");
  assert_string_equal(field(a, "downlink"), "poor");
  assert_string_equal(field(a, "cause"), "downlink");
  const struct room_quality well = {0};
  assert_int_equal(room_manager_quality(h->m, who, &well, h->now_us), ROOM_OK);
  assert_int_equal(harness_count(a, "quality"), 2);
  assert_string_equal(field(a, "cause"), "none");
  assert_int_equal(room_manager_quality(h->m, 4711, &well, h->now_us), ROOM_ERROR_PARTICIPANT);
  harness_free(h);
}

static void the_first_word_is_told_too(void **state) {
  (void)state;
  struct harness *h = harness_new(1);
  struct seat *a = harness_connect(h, 0, "doctor", 2, 2);
  const struct room_quality well = {0};
  assert_int_equal(room_manager_quality(h->m, room_manager_find_participant(h->m, a->participant), &well, h->now_us),
                   ROOM_OK);
  assert_int_equal(harness_count(a, "quality"), 1);
  struct seat *b = harness_connect(h, 1, "patient", 2, 2);
  json_t *room = room_manager_room(h->m, h->m->rooms->name, NULL);
  size_t i, known = 0;
  json_t *p;
  json_array_foreach(json_object_get(room, "participants"), i, p) known += json_object_get(p, "quality") != NULL;
  assert_int_equal(known, 1); /* nothing is said of who has just come */
  json_decref(room);
  (void)b;
  harness_free(h);
}

static void a_hidden_one_hears_of_itself_alone(void **state) {
  (void)state;
  struct harness *h = harness_new(1);
  struct seat *a = harness_connect(h, 0, "doctor", 2, 2), *o = harness_connect(h, 1, "observer", 0, 2);
  assert_int_equal(room_manager_quality(h->m, room_manager_find_participant(h->m, o->participant), &poor, h->now_us),
                   ROOM_OK);
  assert_int_equal(harness_count(a, "quality"), 0);
  assert_int_equal(harness_count(o, "quality"), 1);
  harness_free(h);
}

static void audio_only_is_between_us(void **state) {
  (void)state;
  struct harness *h = harness_new(1);
  struct seat *a = harness_connect(h, 0, "doctor", 2, 2), *b = harness_connect(h, 1, "patient", 2, 2);
  uint32_t who = room_manager_find_participant(h->m, b->participant);
  static const char reason[] = "bandwidth";
  for (int i = 0; i < 3; i++)
    assert_int_equal(room_manager_audio_only(h->m, who, reason, h->now_us), ROOM_OK);
  assert_int_equal(harness_count(b, "audioOnly"), 1);
  assert_int_equal(harness_count(a, "audioOnly"), 0);
  assert_true(json_is_true(json_object_get(harness_last(b, "audioOnly"), "on")));
  assert_string_equal(json_string_value(json_object_get(harness_last(b, "audioOnly"), "reason")), "bandwidth");
  assert_int_equal(room_manager_session_lost(h->m, b->session, h->now_us), ROOM_OK);
  assert_int_equal(room_manager_session_resumed(h->m, b->session, h->now_us), ROOM_OK);
  const json_t *snapshot = json_object_get(harness_last(b, "sync"), "room");
  assert_true(json_is_true(json_object_get(json_object_get(snapshot, "audioOnly"), "on")));
  assert_int_equal(room_manager_audio_only(h->m, who, NULL, h->now_us), ROOM_OK);
  assert_true(json_is_false(json_object_get(harness_last(b, "audioOnly"), "on")));
  harness_free(h);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(everybody_hears_of_a_change),
      cmocka_unit_test(the_first_word_is_told_too),
      cmocka_unit_test(a_hidden_one_hears_of_itself_alone),
      cmocka_unit_test(audio_only_is_between_us),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
