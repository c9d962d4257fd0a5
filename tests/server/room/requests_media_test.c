/* tests/server/room/requests_media_test.c: offer, publish, unpublish, mute, view: rights, limits, who is told. */
#include <stdio.h>
#include <string.h>

#include "tests/server/room/harness.h"

static const char *publish(struct harness *h, struct seat *s, const char *json) {
  return harness_request(h, s, "publish", json_pack("{s:o}", "tracks", json_loads(json, 0, NULL)));
}

static void publish_needs_a_negotiated_sender(void **state) {
  (void)state;
  struct harness *h = harness_new(1);
  struct seat *a = harness_join(h, 0, "doctor"), *b = harness_join(h, 1, "patient");
  static const char mic[] = "[{\"mid\":\"mic\",\"source\":\"microphone\"}]";
  assert_string_equal(publish(h, a, mic), "track_not_found"); /* no offer yet */
  assert_string_equal(harness_send_offer(h, a, 1, 1), "");
  assert_string_equal(publish(h, a, "[{\"mid\":\"a0\",\"source\":\"microphone\"}]"), "track_not_found"); /* a slot */
  assert_string_equal(publish(h, a, "[{\"mid\":\"mic\",\"source\":\"camera\"}]"), "bad_request"); /* wrong kind */
  assert_string_equal(
      publish(h, a, "[{\"mid\":\"cam\",\"source\":\"camera\"},{\"mid\":\"nope\",\"source\":\"microphone\"}]"),
      "track_not_found");
  assert_int_equal(h->track_count, 0); /* all or nothing */
  assert_string_equal(publish(h, a, mic), "");
  assert_string_equal(publish(h, a, mic), "bad_request"); /* twice */
  assert_string_equal(
      publish(h, a, "[{\"mid\":\"cam\",\"source\":\"camera\"},{\"mid\":\"cam\",\"source\":\"screen\"}]"),
      "bad_request");
  assert_int_equal(harness_count(b, "trackPublished"), 1);
  assert_int_equal(harness_count(a, "trackPublished"), 0);
  const json_t *track = json_object_get(harness_last(b, "trackPublished"), "track");
  assert_string_equal(json_string_value(json_object_get(track, "kind")), "audio");
  harness_check(h);
  harness_free(h);
}

static void two(struct room_settings *settings) {
  settings->max_tracks = 3;
}

static void too_many(void **state) {
  (void)state;
  struct harness *h = harness_new_with(1, two);
  struct seat *a = harness_connect(h, 0, "doctor", 1, 1);
  assert_string_equal(publish(h, a,
                              "[{\"mid\":\"mic\",\"source\":\"microphone\"},{\"mid\":\"cam\",\"source\":\"camera\"},"
                              "{\"mid\":\"screen\",\"source\":\"screen\"}]"),
                      "");
  assert_string_equal(publish(h, a, "[{\"mid\":\"sound\",\"source\":\"screenAudio\"}]"), "too_many_tracks");
  harness_free(h);
}

static void nobody_touches_what_is_not_theirs(void **state) {
  (void)state;
  struct harness *h = harness_new(1);
  struct seat *a = harness_connect(h, 0, "patient", 1, 1), *b = harness_connect(h, 1, "patient", 1, 1);
  struct seat *far = harness_open_as(h, 2, "doctor", "elsewhere", "far");
  assert_string_equal(harness_request(h, far, "join", NULL), "");
  char id[ROOM_ID_BYTES];
  (void)snprintf(id, sizeof id, "%s", harness_publish(h, a, "mic", "microphone"));
  assert_string_equal(harness_request(h, b, "unpublish", json_pack("{s:[s]}", "tracks", id)), "track_not_found");
  assert_string_equal(harness_request(h, b, "mute", json_pack("{s:s, s:b}", "track", id, "muted", 1)), "forbidden");
  assert_string_equal(harness_request(h, far, "mute", json_pack("{s:s, s:b}", "track", id, "muted", 1)),
                      "track_not_found"); /* another room's track does not exist */
  assert_string_equal(harness_request(h, far, "view",
                                      json_pack("{s:[{s:s, s:i, s:i, s:b}]}", "requests", "track", id, "width", 9,
                                                "height", 9, "visible", 1)),
                      "");
  assert_int_equal(HASH_COUNT(harness_member(h, far)->views), 0);
  harness_check(h);
  harness_free(h);
}

static void a_doctor_mutes_but_never_unmutes(void **state) {
  (void)state;
  struct harness *h = harness_new(1);
  struct seat *doctor = harness_connect(h, 0, "doctor", 2, 2), *b = harness_connect(h, 1, "patient", 2, 2);
  struct seat *c = harness_connect(h, 2, "patient", 2, 2);
  char mic[ROOM_ID_BYTES], cam[ROOM_ID_BYTES];
  (void)snprintf(mic, sizeof mic, "%s", harness_publish(h, b, "mic", "microphone"));
  (void)snprintf(cam, sizeof cam, "%s", harness_publish(h, b, "cam", "camera"));
  assert_string_equal(harness_request(h, doctor, "mute", json_pack("{s:s, s:b}", "track", mic, "muted", 1)), "");
  assert_int_equal(harness_count(b, "muteRequested"), 1);
  assert_int_equal(harness_count(b, "trackMuted"), 1);
  assert_int_equal(harness_count(c, "muteRequested"), 0);
  assert_string_equal(json_string_value(json_object_get(harness_last(c, "trackMuted"), "by")), doctor->participant);
  assert_false(h->tracks[0].forwarding);
  assert_string_equal(harness_request(h, doctor, "mute", json_pack("{s:s, s:b}", "track", mic, "muted", 0)),
                      "forbidden");
  assert_string_equal(harness_request(h, doctor, "mute", json_pack("{s:s, s:b}", "track", cam, "muted", 1)),
                      "forbidden");
  assert_string_equal(harness_request(h, b, "mute", json_pack("{s:s, s:b}", "track", mic, "muted", 0)), "");
  assert_true(h->tracks[0].forwarding);
  assert_null(json_object_get(harness_last(c, "trackMuted"), "by"));
  harness_check(h);
  harness_free(h);
}

static void offers_answered_late_and_refused(void **state) {
  (void)state;
  struct harness *h = harness_new(1);
  struct seat *a = harness_join(h, 0, "doctor");
  h->refuse_with = "no_common_codec";
  assert_string_equal(harness_send_offer(h, a, 1, 1), "no_common_codec");
  h->refuse_with = "the engine is on fire";
  assert_string_equal(harness_send_offer(h, a, 1, 1), "internal");
  h->refuse_with = NULL;
  h->defer_answers = true;
  assert_null(harness_send_offer(h, a, 1, 1));
  assert_null(harness_request(
      h, a, "publish",
      json_pack("{s:[{s:s, s:s}]}", "tracks", "mid", "mic", "source", "microphone"))); /* waits for the answer */
  assert_int_equal(h->track_count, 0);
  harness_answer(h, a);
  assert_int_equal(json_object_size(a->outstanding), 0);
  assert_int_equal(h->track_count, 1);
  struct room_negotiation none = {0};
  assert_int_equal(room_manager_media_negotiated(h->m, a->handle, NULL, &none, h->now_us), ROOM_ERROR_PARTICIPANT);
  assert_int_equal(room_manager_media_refused(h->m, 4711, "busy", NULL, h->now_us), ROOM_ERROR_PARTICIPANT);
  harness_check(h);
  harness_free(h);
}

static void the_queue_behind_an_offer_is_capped(void **state) {
  (void)state;
  struct harness *h = harness_new(1);
  struct seat *a = harness_join(h, 0, "doctor");
  h->defer_answers = true;
  assert_null(harness_send_offer(h, a, 1, 1));
  for (size_t i = 0; i < h->settings.max_waiting; i++)
    assert_null(harness_request(h, a, "ping", NULL));
  assert_string_equal(harness_request(h, a, "ping", NULL), "busy");
  harness_answer(h, a);
  assert_int_equal(json_object_size(a->outstanding), 0);
  harness_free(h);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(publish_needs_a_negotiated_sender), cmocka_unit_test(too_many),
      cmocka_unit_test(nobody_touches_what_is_not_theirs), cmocka_unit_test(a_doctor_mutes_but_never_unmutes),
      cmocka_unit_test(offers_answered_late_and_refused),  cmocka_unit_test(the_queue_behind_an_offer_is_capped)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
