/* tests/server/room/slots_test.c: what flows where, and how little moves. */
#include <stdio.h>
#include <string.h>

#include "tests/server/room/harness.h"

static uint32_t publish(struct harness *h, struct seat *s, const char *mid, const char *source) {
  return room_manager_find_track(h->m, harness_publish(h, s, mid, source));
}

static const char *track_id(const struct harness *h, uint32_t handle) {
  const struct track *t;
  HASH_FIND(hh, h->m->tracks, &handle, sizeof handle, t);
  assert_non_null(t);
  return t->id;
}

/* The whole view: all tracks in this order, each in a priority, "off" or "absent". */
static void view(struct harness *h, struct seat *s, const uint32_t *tracks, size_t count,
                 const char *const *priorities) {
  json_t *list = json_array();
  for (size_t i = 0; i < count; i++) {
    bool off = strcmp(priorities[i], "off") == 0;
    if (strcmp(priorities[i], "absent") == 0) continue;
    json_array_append_new(
        list, json_pack("{s:s, s:i, s:i, s:b, s:s}", "track", track_id(h, tracks[i]), "width", 640, "height", 360,
                        "visible", (int)!off, "priority", off ? "normal" : priorities[i]));
  }
  assert_string_equal(harness_request(h, s, "view", json_pack("{s:o}", "requests", list)), "");
}

static void view_one(struct harness *h, struct seat *s, uint32_t track, const char *priority) {
  view(h, s, &track, 1, &priority);
}

static void everybody_gets_everybody_else(void **state) {
  (void)state;
  struct harness *h = harness_new(1);
  struct seat *s[4];
  uint32_t mic[4], cam[4];
  for (size_t i = 0; i < 4; i++) {
    s[i] = harness_connect(h, i, "doctor", 4, 4);
    mic[i] = publish(h, s[i], "mic", "microphone");
    cam[i] = publish(h, s[i], "cam", "camera");
  }
  for (size_t i = 0; i < 4; i++)
    for (size_t k = 0; k < 4; k++) {
      assert_int_equal(harness_slot_of(h, s[i], mic[k]) != NULL, i != k);
      assert_int_equal(harness_slot_of(h, s[i], cam[k]) != NULL, i != k);
    }
  harness_check(h);
  harness_free(h);
}

static void one_batch_one_event(void **state) {
  (void)state;
  struct harness *h = harness_new(1);
  struct seat *a = harness_connect(h, 0, "doctor", 4, 4), *b = harness_connect(h, 1, "doctor", 4, 4);
  (void)harness_request(h, a, "publish",
                        json_pack("{s:[{s:s, s:s}, {s:s, s:s}]}", "tracks", "mid", "mic", "source", "microphone", "mid",
                                  "cam", "source", "camera"));
  assert_int_equal(harness_count(b, "slots"), 1);
  assert_int_equal(json_array_size(json_object_get(harness_last(b, "slots"), "slots")), 2);
  assert_int_equal(harness_count(a, "slots"), 0);
  harness_forget(h);
  (void)harness_request(h, b, "raiseHand", json_pack("{s:b}", "raised", 1));
  assert_int_equal(h->assigns, 0); /* nothing moved, nothing is said */
  (void)harness_request(h, a, "leave", NULL);
  assert_int_equal(harness_count(b, "slots"), 1);
  const json_t *change = json_array_get(json_object_get(harness_last(b, "slots"), "slots"), 0);
  assert_true(json_is_null(json_object_get(change, "track")));
  assert_true(json_is_null(json_object_get(change, "participant")));
  assert_int_equal(h->assigns, 2);
  harness_check(h);
  harness_free(h);
}

static void scarce_video_screens_then_wishes_then_order(void **state) {
  (void)state;
  struct harness *h = harness_new(1);
  struct seat *me = harness_connect(h, 0, "doctor", 2, 2), *s[4];
  uint32_t cam[5]; /* the last one is a screen */
  for (size_t i = 0; i < 4; i++) {
    s[i] = harness_connect(h, i + 1, "patient", 0, 0);
    cam[i] = publish(h, s[i], "cam", "camera");
  }
  assert_non_null(harness_slot_of(h, me, cam[0]));
  assert_non_null(harness_slot_of(h, me, cam[1]));
  char kept[ROOM_MID_BYTES];
  (void)snprintf(kept, sizeof kept, "%s", harness_slot_of(h, me, cam[0]));
  view(h, me, cam, 4, (const char *[]){"normal", "normal", "normal", "high"});
  assert_non_null(harness_slot_of(h, me, cam[3]));
  assert_string_equal(harness_slot_of(h, me, cam[0]), kept); /* the other one did not move */
  uint32_t screen = cam[4] = publish(h, s[2], "screen", "screen");
  assert_non_null(harness_slot_of(h, me, screen)); /* newer than the view: not told yet that nobody looks at it */
  assert_non_null(harness_slot_of(h, me, cam[3]));
  assert_null(harness_slot_of(h, me, cam[0]));
  view(h, me, cam, 5, (const char *[]){"normal", "low", "low", "high", "off"}); /* not shown: free for the next */
  assert_null(harness_slot_of(h, me, screen));
  assert_non_null(harness_slot_of(h, me, cam[0]));
  view(h, me, cam, 5, (const char *[]){"absent", "low", "absent", "high", "off"});
  assert_non_null(harness_slot_of(h, me, cam[1]));
  view(h, me, cam, 5, (const char *[]){"absent", "low", "normal", "high", "off"});
  assert_non_null(harness_slot_of(h, me, cam[2]));
  assert_null(harness_slot_of(h, me, cam[1]));
  (void)harness_request(h, s[3], "mute", json_pack("{s:s, s:b}", "track", track_id(h, cam[3]), "muted", 1));
  assert_null(harness_slot_of(h, me, cam[3])); /* a camera that is off does not keep a slot others need */
  harness_check(h);
  harness_free(h);
}

static void beyond_eight_the_loudest(void **state) {
  (void)state;
  struct harness *h = harness_new(1);
  struct seat *me = harness_connect(h, 0, "doctor", 10, 0);
  uint32_t mic[12];
  for (size_t i = 0; i < 12; i++) {
    struct seat *s = harness_connect(h, i + 1, "patient", 0, 0);
    mic[i] = publish(h, s, "mic", "microphone");
  }
  for (size_t i = 0; i < 12; i++)
    assert_int_equal(harness_slot_of(h, me, mic[i]) != NULL, i < 8);
  harness_forget(h);
  harness_speak(h, &mic[10], 1, SECOND / 10); /* a cough */
  assert_int_equal(h->assigns, 0);
  harness_advance(h, 2 * SECOND);
  harness_speak(h, &mic[10], 1, SECOND / 2); /* a word */
  assert_non_null(harness_slot_of(h, me, mic[10]));
  assert_null(harness_slot_of(h, me, mic[7])); /* last in line, never spoke */
  assert_int_equal(h->assigns, 1);             /* in the slot that became free: one swap */
  uint32_t others[] = {mic[0], mic[1], mic[2]};
  harness_forget(h);
  harness_speak(h, others, 3, 3 * SECOND);
  assert_int_equal(h->assigns, 0); /* they have slots */
  uint32_t sound = publish(h, &h->seats[1], "sound", "screenAudio");
  assert_non_null(harness_slot_of(h, me, sound)); /* on top of eight */
  harness_check(h);
  harness_free(h);
}

static void with_one_audio_slot_people_are_heard(void **state) {
  (void)state;
  struct harness *h = harness_new(1);
  struct seat *me = harness_connect(h, 0, "doctor", 1, 0), *s = harness_connect(h, 1, "patient", 0, 0);
  uint32_t sound = publish(h, s, "sound", "screenAudio"), mic = publish(h, s, "mic", "microphone");
  assert_non_null(harness_slot_of(h, me, mic));
  assert_null(harness_slot_of(h, me, sound));
  harness_free(h);
}

static void views_reach_the_engine(void **state) {
  (void)state;
  struct harness *h = harness_new(1);
  struct seat *me = harness_connect(h, 0, "doctor", 1, 2), *s = harness_connect(h, 1, "patient", 0, 0);
  uint32_t cam = publish(h, s, "cam", "camera");
  assert_int_equal(h->views, 1); /* with the slot */
  assert_true(h->last_view.visible && h->last_view.width == 0);
  view_one(h, me, cam, "high");
  assert_int_equal(h->views, 2);
  view_one(h, me, cam, "high"); /* the same again */
  assert_int_equal(h->views, 2);
  assert_int_equal(h->last_view.width, 640);
  assert_int_equal(room_manager_view(h->m, me->handle, cam).priority, ROOM_PRIORITY_HIGH);
  assert_true(room_manager_view(h->m, me->handle, 999999).visible);
  harness_free(h);
}

static void a_view_replaces_the_one_before_whole(void **state) {
  (void)state;
  struct harness *h = harness_new(1);
  struct seat *me = harness_connect(h, 0, "doctor", 4, 4), *s = harness_connect(h, 1, "patient", 0, 0);
  uint32_t cam = publish(h, s, "cam", "camera"), mic = publish(h, s, "mic", "microphone");
  uint32_t screen = publish(h, s, "screen", "screen"), both[] = {cam, screen};
  view(h, me, both, 2, (const char *[]){"high", "normal"});
  view_one(h, me, screen, "normal");
  assert_null(harness_slot_of(h, me, cam)); /* it was in the view before */
  assert_non_null(harness_slot_of(h, me, screen));
  assert_int_equal(HASH_COUNT(harness_member(h, me)->views), 1);
  struct seat *third = harness_connect(h, 2, "patient", 0, 0);
  uint32_t late = publish(h, third, "cam", "camera");
  assert_non_null(harness_slot_of(h, me, late)); /* nobody could have named it: the server chooses */
  view(h, me, NULL, 0, NULL);
  assert_null(harness_slot_of(h, me, screen));
  assert_null(harness_slot_of(h, me, late));
  view_one(h, me, mic, "off"); /* audio always is */
  assert_non_null(harness_slot_of(h, me, mic));
  assert_true(room_manager_view(h->m, me->handle, mic).visible);
  assert_int_equal(harness_request(h, me, "leave", NULL)[0], '\0');
  assert_string_equal(harness_request(h, me, "join", NULL), ""); /* a new member has not sent one */
  assert_string_equal(harness_send_offer(h, me, 4, 4), "");
  assert_non_null(harness_slot_of(h, me, cam));
  harness_check(h);
  harness_free(h);
}

/* "a3" and "v3" are a pair. */
static bool paired(const struct harness *h, const struct seat *receiver, uint32_t sound, uint32_t picture) {
  const char *a = harness_slot_of(h, receiver, sound), *v = harness_slot_of(h, receiver, picture);
  return a && v && strcmp(a + 1, v + 1) == 0;
}

static void a_voice_and_its_face_share_a_pair(void **state) {
  (void)state;
  struct harness *h = harness_new(1);
  struct seat *s[4];
  uint32_t mic[4], cam[4];
  for (size_t i = 0; i < 4; i++)
    s[i] = harness_connect(h, i, "doctor", 5, 5);
  /* Whatever comes first, and with others between. */
  mic[0] = publish(h, s[0], "mic", "microphone");
  mic[1] = publish(h, s[1], "mic", "microphone");
  cam[2] = publish(h, s[2], "cam", "camera");
  cam[1] = publish(h, s[1], "cam", "camera");
  cam[3] = publish(h, s[3], "cam", "camera");
  mic[3] = publish(h, s[3], "mic", "microphone");
  mic[2] = publish(h, s[2], "mic", "microphone");
  cam[0] = publish(h, s[0], "cam", "camera");
  uint32_t sound = publish(h, s[0], "sound", "screenAudio"), screen = publish(h, s[0], "screen", "screen");
  for (size_t i = 0; i < 4; i++) {
    for (size_t k = 0; k < 4; k++)
      if (i != k) assert_true(paired(h, s[i], mic[k], cam[k]));
    if (i > 0) assert_true(paired(h, s[i], sound, screen));
  }
  /* A camera that goes and comes finds its place again, though an earlier pair is free by then. */
  (void)harness_request(h, s[1], "leave", NULL);
  (void)harness_request(h, s[2], "unpublish", json_pack("{s:[s]}", "tracks", track_id(h, cam[2])));
  cam[2] = publish(h, s[2], "cam", "camera");
  assert_true(paired(h, s[0], mic[2], cam[2]));
  assert_true(paired(h, s[3], mic[2], cam[2]));
  harness_check(h);
  harness_free(h);
}

static void without_a_pair_any_slot_will_do(void **state) {
  (void)state;
  struct harness *h = harness_new(1);
  struct seat *a = harness_connect(h, 0, "doctor", 1, 3), *b = harness_connect(h, 1, "doctor", 1, 1);
  struct seat *c = harness_connect(h, 2, "doctor", 1, 1);
  uint32_t cam = publish(h, b, "cam", "camera"), other = publish(h, c, "cam", "camera");
  uint32_t mic = publish(h, b, "mic", "microphone"), screen = publish(h, b, "screen", "screen");
  assert_true(paired(h, a, mic, cam));
  assert_non_null(harness_slot_of(h, a, other));
  assert_non_null(harness_slot_of(h, a, screen));
  harness_check(h);
  harness_free(h);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(everybody_gets_everybody_else),
                                     cmocka_unit_test(one_batch_one_event),
                                     cmocka_unit_test(scarce_video_screens_then_wishes_then_order),
                                     cmocka_unit_test(beyond_eight_the_loudest),
                                     cmocka_unit_test(with_one_audio_slot_people_are_heard),
                                     cmocka_unit_test(views_reach_the_engine),
                                     cmocka_unit_test(a_view_replaces_the_one_before_whole),
                                     cmocka_unit_test(a_voice_and_its_face_share_a_pair),
                                     cmocka_unit_test(without_a_pair_any_slot_will_do)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
