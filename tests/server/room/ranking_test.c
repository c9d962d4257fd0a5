/* tests/server/room/ranking_test.c: who is on stage, whose video comes first, and the `speakers` event. */
#include "tests/server/room/harness.h"

static uint32_t mics[12], cams[12];

static struct room *crowd(struct harness *h, size_t count) {
  for (size_t i = 0; i < count; i++) {
    struct seat *s = harness_connect(h, i, "doctor", 0, 0);
    mics[i] = room_manager_find_track(h->m, harness_publish(h, s, "mic", "microphone"));
    cams[i] = room_manager_find_track(h->m, harness_publish(h, s, "cam", "camera"));
  }
  return harness_member(h, &h->seats[0])->room;
}

static bool on_stage(const struct harness *h, uint32_t handle) {
  const struct track *t;
  HASH_FIND(hh, h->m->tracks, &handle, sizeof handle, t);
  return t->on_stage;
}

static void report(struct harness *h, const struct room *r, const struct room_speaker *list, size_t count, int times) {
  for (int i = 0; i < times; i++) {
    assert_int_equal(room_manager_speakers(h->m, r->handle, list, count, h->now_us), 0);
    harness_advance(h, SECOND / 10);
  }
}

static void louder_by_a_margin(void **state) {
  (void)state;
  struct harness *h = harness_new(1);
  const struct room *r = crowd(h, 9);
  struct room_speaker all[9];
  for (uint32_t i = 0; i < 8; i++)
    all[i] = (struct room_speaker){mics[i], 40};
  report(h, r, all, 8, 10);
  assert_false(on_stage(h, mics[8]));
  all[8] = (struct room_speaker){mics[8], 40 - ROOM_STAGE_BONUS_DB + 1}; /* louder, but not by the margin */
  report(h, r, all, 9, 10);
  assert_false(on_stage(h, mics[8]));
  all[8].level = 30;
  report(h, r, all, 9, 10);
  assert_true(on_stage(h, mics[8]));
  size_t stage = 0;
  for (size_t i = 0; i < 9; i++)
    stage += on_stage(h, mics[i]);
  assert_int_equal(stage, 8);
  harness_free(h);
}

static void two_clicks_are_no_speech(void **state) {
  (void)state;
  struct harness *h = harness_new(1);
  const struct room *r = crowd(h, 9);
  struct room_speaker click = {mics[8], 10};
  for (int i = 0; i < 10; i++) {
    report(h, r, &click, 1, 1);
    report(h, r, NULL, 0, 1);
    harness_advance(h, ROOM_SPEECH_GAP_US);
  }
  assert_false(on_stage(h, mics[8]));
  harness_free(h);
}

static void videos_follow_turns(void **state) {
  (void)state;
  struct harness *h = harness_new(1);
  const struct room *r = crowd(h, 3);
  assert_int_equal(r->video_order[0]->handle, cams[0]); /* order of publication */
  struct room_speaker both[] = {{mics[2], 30}, {mics[1], 31}};
  report(h, r, both, 1, 5);
  assert_int_equal(r->video_order[0]->handle, cams[2]);
  report(h, r, both, 2, 5); /* the other one joins in: a newer turn */
  assert_int_equal(r->video_order[0]->handle, cams[1]);
  for (int i = 0; i < 10; i++) { /* both go on with short pauses: nobody moves */
    report(h, r, both, 1, 2);
    report(h, r, both + 1, 1, 2);
  }
  assert_int_equal(r->video_order[0]->handle, cams[1]);
  assert_int_equal(r->video_order[1]->handle, cams[2]);
  assert_int_equal(r->video_order[2]->handle, cams[0]);
  harness_free(h);
}

static void the_event(void **state) {
  (void)state;
  struct harness *h = harness_new(1);
  const struct room *r = crowd(h, 3);
  const struct seat *a = &h->seats[0];
  harness_forget(h);
  struct room_speaker list[] = {{mics[1], 25}, {mics[0], 60}, {cams[0], 1}, {987654, 1}};
  assert_int_equal(room_manager_speakers(h->m, r->handle, list, 4, h->now_us), 0);
  assert_int_equal(harness_count(a, "speakers"), 1);
  const json_t *named = json_object_get(harness_last(a, "speakers"), "speakers");
  assert_int_equal(json_array_size(named), 2); /* microphones of this room only */
  assert_string_equal(json_string_value(json_object_get(json_array_get(named, 0), "participant")),
                      h->seats[1].participant);
  assert_true(json_real_value(json_object_get(json_array_get(named, 0), "level")) == 0.8);
  assert_int_equal(room_manager_speakers(h->m, r->handle, list, 4, h->now_us), 0); /* the same: no news */
  assert_int_equal(room_manager_speakers(h->m, r->handle, list, 1, h->now_us), 0); /* news, but too soon */
  assert_int_equal(harness_count(a, "speakers"), 1);
  harness_advance(h, ROOM_SPEAKERS_EVENT_US - 1);
  assert_int_equal(harness_count(a, "speakers"), 1);
  harness_advance(h, 1);
  assert_int_equal(harness_count(a, "speakers"), 2);
  harness_advance(h, SECOND);
  assert_int_equal(room_manager_speakers(h->m, r->handle, NULL, 0, h->now_us), 0);
  assert_int_equal(harness_count(a, "speakers"), 3);
  assert_int_equal(json_array_size(json_object_get(harness_last(a, "speakers"), "speakers")), 0);
  assert_int_equal(room_manager_speakers(h->m, 4711, NULL, 0, h->now_us), ROOM_ERROR_ROOM);
  harness_free(h);
}

static void who_left_or_is_muted_does_not_speak(void **state) {
  (void)state;
  struct harness *h = harness_new(1);
  const struct room *r = crowd(h, 3);
  struct room_speaker list[] = {{mics[1], 25}, {mics[2], 30}};
  const char *muted = h->m->tracks->id;
  assert_int_equal(room_manager_find_track(h->m, muted), mics[0]);
  assert_string_equal(harness_request(h, &h->seats[0], "mute", json_pack("{s:s, s:b}", "track", muted, "muted", 1)),
                      "");
  report(h, r, list, 2, 3);
  (void)harness_request(h, &h->seats[1], "leave", NULL);
  harness_advance(h, SECOND);
  assert_int_equal(json_array_size(json_object_get(harness_last(&h->seats[0], "speakers"), "speakers")), 1);
  struct room_speaker silent = {mics[0], 5};
  report(h, r, &silent, 1, 3);
  assert_int_equal(json_array_size(json_object_get(harness_last(&h->seats[0], "speakers"), "speakers")), 0);
  harness_free(h);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(louder_by_a_margin), cmocka_unit_test(two_clicks_are_no_speech),
                                     cmocka_unit_test(videos_follow_turns), cmocka_unit_test(the_event),
                                     cmocka_unit_test(who_left_or_is_muted_does_not_speak)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
