/* tests/server/room/member_test.c: entering, leaving, replaced, kicked, closed, full, locked, lingering. */
#include <string.h>

#include "tests/server/room/harness.h"

static void small(struct room_settings *settings) {
  settings->max_participants = 2;
  settings->max_hidden = 1;
  settings->max_rooms = 1;
}

static const char *reason(const struct seat *s) {
  return json_string_value(json_object_get(harness_last(s, "participantLeft"), "reason"));
}

static void joins_and_leaves_are_told(void **state) {
  (void)state;
  struct harness *h = harness_new(1);
  struct seat *a = harness_join(h, 0, "doctor"), *b = harness_join(h, 1, "patient");
  assert_int_equal(harness_count(a, "participantJoined"), 1);
  assert_int_equal(harness_count(b, "participantJoined"), 0);
  assert_int_equal(json_array_size(json_object_get(b->model, "participants")), 2);
  assert_string_equal(harness_request(h, b, "join", NULL), "already_joined");
  assert_string_equal(harness_request(h, b, "leave", NULL), "");
  assert_string_equal(reason(a), "left");
  assert_string_equal(harness_request(h, b, "leave", NULL), "not_joined");
  assert_string_equal(harness_request(h, b, "join", NULL), ""); /* the session is still there */
  harness_check(h);
  harness_free(h);
}

static void the_same_identity_replaces(void **state) {
  (void)state;
  struct harness *h = harness_new_with(1, small);
  struct seat *a = harness_join(h, 0, "doctor"), *b = harness_connect(h, 1, "patient", 1, 1);
  (void)harness_publish(h, b, "mic", "microphone");
  (void)harness_request(h, a, "lock", json_pack("{s:b}", "locked", 1));
  struct seat *again = harness_open_as(h, 2, "patient", "r", "u1");
  assert_string_equal(harness_request(h, again, "join", NULL), ""); /* full and locked, but its own place */
  assert_int_equal(b->closed_code, SIGNALING_CLOSE_REPLACED);
  assert_string_equal(reason(a), "replaced");
  assert_int_equal(harness_count(a, "participantJoined"), 2);
  assert_int_equal(h->track_count, 0);
  harness_check(h);
  harness_free(h);
}

static void full_and_locked(void **state) {
  (void)state;
  struct harness *h = harness_new_with(1, small);
  struct seat *a = harness_join(h, 0, "doctor"), *b = harness_open(h, 1, "patient");
  assert_string_equal(harness_request(h, a, "lock", json_pack("{s:b}", "locked", 1)), "");
  assert_string_equal(harness_request(h, b, "join", NULL), "room_locked");
  struct seat *c = harness_open(h, 2, "doctor");
  assert_string_equal(harness_request(h, c, "join", NULL), ""); /* a doctor may enter */
  struct seat *d = harness_open(h, 3, "admin");
  assert_string_equal(harness_request(h, d, "join", NULL), "room_full");
  assert_string_equal(harness_request(h, d, "join", json_pack("{s:b}", "hidden", 1)), ""); /* takes no place */
  struct seat *e = harness_open(h, 4, "observer");
  (void)harness_request(h, a, "lock", json_pack("{s:b}", "locked", 0));
  assert_string_equal(harness_request(h, e, "join", NULL), "room_full"); /* one hidden place only */
  struct seat *f = harness_open_as(h, 5, "doctor", "another", "f");
  assert_string_equal(harness_request(h, f, "join", NULL), "busy"); /* max_rooms */
  harness_check(h);
  harness_free(h);
}

static void kicked(void **state) {
  (void)state;
  struct harness *h = harness_new(1);
  struct seat *a = harness_join(h, 0, "doctor"), *b = harness_join(h, 1, "patient"), *c = harness_join(h, 2, "patient");
  assert_string_equal(
      harness_request(h, a, "kick", json_pack("{s:s, s:s}", "participant", b->participant, "reason", "noise")), "");
  const json_t *event = harness_last(b, "kicked");
  assert_string_equal(json_string_value(json_object_get(event, "reason")), "noise");
  assert_string_equal(json_string_value(json_object_get(event, "by")), a->participant);
  assert_int_equal(b->closed_code, SIGNALING_CLOSE_KICKED);
  assert_string_equal(reason(c), "kicked");
  assert_int_equal(room_manager_session_resumed(h->m, b->session, h->now_us), ROOM_ERROR_SESSION);
  assert_string_equal(harness_request(h, a, "kick", json_pack("{s:s}", "participant", b->participant)),
                      "participant_not_found");
  assert_string_equal(harness_request(h, a, "kick", json_pack("{s:s}", "participant", a->participant)), "bad_request");
  harness_check(h);
  harness_free(h);
}

static void closed_for_all(void **state) {
  (void)state;
  struct harness *h = harness_new(1);
  struct seat *a = harness_connect(h, 0, "doctor", 1, 1), *b = harness_connect(h, 1, "patient", 1, 1);
  (void)harness_publish(h, b, "cam", "camera");
  h->defer_answers = true;
  assert_null(harness_send_offer(h, b, 2, 2)); /* open: answered with an error before the socket goes */
  assert_string_equal(harness_request(h, a, "close", NULL), "");
  assert_int_equal(a->closed_code, SIGNALING_CLOSE_ROOM_CLOSED);
  assert_int_equal(b->closed_code, SIGNALING_CLOSE_ROOM_CLOSED);
  assert_int_equal(harness_count(a, "closed"), 1);
  assert_int_equal(harness_count(b, "closed"), 1);
  assert_int_equal(room_manager_counts(h->m).rooms, 0); /* at once, no lingering */
  assert_int_equal(h->member_count + h->track_count + h->slot_count, 0);
  const struct seat *again = harness_join(h, 2, "patient");
  assert_false(json_is_true(json_object_get(again->model, "locked")));
  harness_check(h);
  harness_free(h);
}

static void an_empty_room_lingers(void **state) {
  (void)state;
  struct harness *h = harness_new(1);
  struct seat *a = harness_join(h, 0, "doctor");
  (void)harness_request(h, a, "chat", json_pack("{s:s}", "text", "remember"));
  (void)harness_request(h, a, "leave", NULL);
  harness_advance(h, h->settings.linger_us - 1);
  assert_int_equal(room_manager_counts(h->m).rooms, 1);
  assert_string_equal(harness_request(h, a, "join", NULL), "");
  assert_int_equal(json_array_size(json_object_get(a->model, "chat")), 1);
  harness_advance(h, h->settings.linger_us * 2);
  assert_int_equal(room_manager_counts(h->m).rooms, 1); /* somebody is in */
  (void)harness_request(h, a, "leave", NULL);
  harness_advance(h, h->settings.linger_us);
  assert_int_equal(room_manager_counts(h->m).rooms, 0);
  assert_string_equal(harness_request(h, a, "join", NULL), "");
  assert_int_equal(json_array_size(json_object_get(a->model, "chat")), 0);
  harness_free(h);
}

static void draining(void **state) {
  (void)state;
  struct harness *h = harness_new(1);
  struct seat *a = harness_join(h, 0, "doctor"), *b = harness_open(h, 1, "patient");
  room_manager_drain(h->m, h->now_us);
  room_manager_drain(h->m, h->now_us);
  assert_int_equal(harness_count(a, "draining"), 1);
  assert_int_equal(harness_count(b, "draining"), 1);
  assert_string_equal(harness_request(h, b, "join", NULL), ""); /* a call that is on goes on */
  struct seat *c = harness_open_as(h, 2, "doctor", "new", "c");
  assert_string_equal(harness_request(h, c, "join", NULL), "draining");
  harness_free(h);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(joins_and_leaves_are_told),
                                     cmocka_unit_test(the_same_identity_replaces),
                                     cmocka_unit_test(full_and_locked),
                                     cmocka_unit_test(kicked),
                                     cmocka_unit_test(closed_for_all),
                                     cmocka_unit_test(an_empty_room_lingers),
                                     cmocka_unit_test(draining)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
