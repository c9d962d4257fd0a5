/* tests/server/worker/speakers_test.c: whose levels are heard, who is told, and rooms that come and go. */
#include "tests/server/worker/engine_harness.h"

static struct browser *connect_member(struct harness *h, const char *role) {
  struct browser *b = harness_join(h, role);
  browser_offer(b, "chromium");
  browser_connect(b);
  return b;
}

static void speak(struct harness *h, struct source *loud, struct source *quiet, int64_t us) {
  for (int64_t t = 0; t < us; t += 20 * MILLISECOND) {
    loud->level = 20;
    source_send(loud, false);
    if (quiet) {
      quiet->level = 127;
      source_send(quiet, false);
    }
    harness_advance(h, 20 * MILLISECOND);
  }
}

static const char *first_speaker(const struct browser *b) {
  const json_t *event = browser_event_last(b, "speakers");
  const json_t *list = event ? json_object_get(event, "speakers") : NULL;
  return json_string_value(json_object_get(json_array_get(list, 0), "participant"));
}

static void whoever_speaks_is_told_to_all(void **state) {
  (void)state;
  struct harness *h = harness_new();
  struct browser *a = connect_member(h, "doctor"), *b = connect_member(h, "patient");
  browser_publish(a, "0", "microphone");
  browser_publish(b, "0", "microphone");
  struct source from_a = source_audio(a, "0"), from_b = source_audio(b, "0");
  speak(h, &from_a, &from_b, 3 * SECOND);
  assert_string_equal(first_speaker(b), a->id);
  assert_string_equal(first_speaker(a), a->id);
  speak(h, &from_b, &from_a, 4 * SECOND);
  assert_string_equal(first_speaker(a), b->id);
  harness_free(h);
}

static void a_muted_microphone_speaks_no_more(void **state) {
  (void)state;
  struct harness *h = harness_new();
  struct browser *a = connect_member(h, "doctor"), *b = connect_member(h, "patient");
  char track[ROOM_ID_BYTES];
  snprintf(track, sizeof track, "%s", browser_publish(a, "0", "microphone"));
  struct source mic = source_audio(a, "0");
  speak(h, &mic, NULL, 2 * SECOND);
  assert_string_equal(first_speaker(b), a->id);
  assert_string_equal(browser_request(a, "mute", json_pack("{s:s, s:b}", "track", track, "muted", 1)), "");
  speak(h, &mic, NULL, 3 * SECOND);
  assert_null(first_speaker(b));
  harness_free(h);
}

static void numbers_of_the_detector_are_given_back(void **state) {
  (void)state;
  struct harness *h = harness_new();
  struct browser *a = connect_member(h, "doctor");
  for (int i = 0; i < 300; i++) { /* more than the detector has places */
    const char *track = browser_publish(a, "0", "microphone");
    const struct track *t = engine_find_track(h->engine, room_manager_find_track(h->manager, track));
    assert_int_not_equal(t->speaker, SPEAKER_NONE);
    char id[ROOM_ID_BYTES];
    snprintf(id, sizeof id, "%s", track);
    assert_string_equal(browser_request(a, "unpublish", json_pack("{s:[s]}", "tracks", id)), "");
  }
  harness_free(h);
}

static void a_room_lives_as_long_as_its_peers(void **state) {
  (void)state;
  struct harness *h = harness_new();
  struct engine_room *room = engine_room_enter(h->engine, 77);
  assert_ptr_equal(engine_room_enter(h->engine, 77), room);
  assert_ptr_not_equal(engine_room_enter(h->engine, 78), room);
  assert_int_equal(HASH_COUNT(h->engine->rooms), 2);
  engine_room_leave(h->engine, room);
  assert_int_equal(HASH_COUNT(h->engine->rooms), 2);
  engine_room_leave(h->engine, room);
  assert_int_equal(HASH_COUNT(h->engine->rooms), 1);
  engine_room_leave(h->engine, h->engine->rooms);
  assert_null(h->engine->rooms);
  harness_free(h);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(whoever_speaks_is_told_to_all),
      cmocka_unit_test(a_muted_microphone_speaks_no_more),
      cmocka_unit_test(numbers_of_the_detector_are_given_back),
      cmocka_unit_test(a_room_lives_as_long_as_its_peers),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
