/* tests/server/room/session_test.c: open, lost, back, too late, ended; in virtual time. */
#include <string.h>

#include "tests/server/room/harness.h"

static int open_with(struct harness *h, const char *session, const char *role, const char *name) {
  struct room_session_info info = {.session = session, .room = "r", .identity = "x", .name = name, .role = role};
  return room_manager_session_open(h->m, &info, h->now_us);
}

static void few(struct room_settings *settings) {
  settings->max_sessions = 2;
}

static void what_is_refused(void **state) {
  (void)state;
  struct harness *h = harness_new_with(1, few);
  char long_name[300];
  memset(long_name, 'n', sizeof long_name);
  long_name[299] = '\0';
  assert_int_equal(open_with(h, "s_1", "surgeon", "n"), ROOM_ERROR_ARGUMENT);
  assert_int_equal(open_with(h, "", "doctor", "n"), ROOM_ERROR_ARGUMENT);
  assert_int_equal(open_with(h, NULL, "doctor", "n"), ROOM_ERROR_ARGUMENT);
  assert_int_equal(open_with(h, "s_1", "doctor", long_name), ROOM_ERROR_ARGUMENT);
  assert_int_equal(open_with(h, "s_1", "doctor", "\xff\xfe"), ROOM_ERROR_ARGUMENT);
  assert_int_equal(open_with(h, "s_1", "doctor", NULL), ROOM_OK);
  assert_int_equal(open_with(h, "s_2", "doctor", "n"), ROOM_OK);
  assert_int_equal(open_with(h, "s_3", "doctor", "n"), ROOM_ERROR_FULL);
  assert_int_equal(room_manager_session_lost(h->m, "s_9", 0), ROOM_ERROR_SESSION);
  assert_int_equal(room_manager_session_resumed(h->m, "s_9", 0), ROOM_ERROR_SESSION);
  assert_int_equal(room_manager_session_end(h->m, "s_9", 0), ROOM_ERROR_SESSION);
  json_t *empty = json_object();
  assert_int_equal(room_manager_request(h->m, "s_9", empty, 0), ROOM_ERROR_SESSION);
  json_decref(empty);
  harness_free(h);
}

static void back_within_the_window(void **state) {
  (void)state;
  struct harness *h = harness_new(1);
  struct seat *a = harness_connect(h, 0, "doctor", 2, 2), *b = harness_connect(h, 1, "patient", 2, 2);
  (void)harness_publish(h, b, "mic", "microphone");
  harness_forget(h);
  harness_lost(h, b);
  assert_int_equal(harness_count(a, "participantUpdated"), 1);
  const json_t *who = json_object_get(harness_last(a, "participantUpdated"), "participant");
  assert_true(json_is_false(json_object_get(who, "connected")));
  assert_int_equal(json_array_size(json_object_get(who, "tracks")), 1); /* media goes on */
  (void)harness_request(h, a, "chat", json_pack("{s:s}", "text", "are you there?"));
  harness_advance(h, h->settings.resume_window_us - 1);
  assert_int_equal(json_array_size(b->events), 0);
  harness_resumed(h, b);
  assert_int_equal(harness_count(b, "sync"), 1);
  assert_int_equal(json_array_size(json_object_get(b->model, "chat")), 1);
  assert_int_equal(harness_count(a, "participantUpdated"), 2);
  assert_int_equal(harness_count(a, "participantLeft") + harness_count(a, "participantJoined"), 0);
  harness_advance(h, 100 * SECOND);
  assert_true(b->open);
  harness_check(h);
  harness_free(h);
}

static void too_late(void **state) {
  (void)state;
  struct harness *h = harness_new(1);
  struct seat *a = harness_connect(h, 0, "doctor", 2, 2), *b = harness_connect(h, 1, "patient", 2, 2);
  (void)harness_publish(h, b, "mic", "microphone");
  harness_lost(h, b);
  harness_advance(h, h->settings.resume_window_us);
  assert_int_equal(harness_count(a, "participantLeft"), 1);
  assert_string_equal(json_string_value(json_object_get(harness_last(a, "participantLeft"), "reason")), "lost");
  assert_int_equal(b->closed_code, SIGNALING_CLOSE_NORMAL);
  assert_int_equal(room_manager_session_resumed(h->m, b->session, h->now_us), ROOM_ERROR_SESSION);
  assert_int_equal(h->member_count, 1);
  harness_check(h);
  harness_free(h);
}

static void lost_twice_counts_from_the_second(void **state) {
  (void)state;
  struct harness *h = harness_new(1);
  struct seat *a = harness_join(h, 0, "doctor");
  harness_lost(h, a);
  harness_advance(h, 20 * SECOND);
  assert_int_equal(room_manager_session_lost(h->m, a->session, h->now_us), 0); /* said twice: no new window */
  harness_resumed(h, a);
  harness_lost(h, a);
  harness_advance(h, 20 * SECOND);
  assert_true(a->open);
  harness_advance(h, 10 * SECOND);
  assert_false(a->open);
  harness_free(h);
}

static void opened_again_is_resumed(void **state) {
  (void)state;
  struct harness *h = harness_new(1);
  struct seat *a = harness_join(h, 0, "doctor");
  harness_lost(h, a);
  a->connected = true;
  assert_int_equal(open_with(h, a->session, "doctor", "n"), ROOM_OK);
  assert_int_equal(harness_count(a, "sync"), 1);
  harness_check(h);
  harness_free(h);
}

static void an_offer_open_while_lost(void **state) {
  (void)state;
  struct harness *h = harness_new(1);
  struct seat *a = harness_join(h, 0, "doctor");
  h->defer_answers = true;
  assert_null(harness_send_offer(h, a, 2, 2));
  json_t *answer = json_object();
  assert_null(harness_request(h, a, "raiseHand", json_pack("{s:b}", "raised", 1)));
  harness_lost(h, a);
  harness_resumed(h, a);
  assert_int_equal(harness_count(a, "sync"), 1);
  struct room_slot slot = {.mid = "a0", .kind = ROOM_AUDIO};
  struct room_negotiation n = {.slots = &slot, .slot_count = 1};
  assert_int_equal(room_manager_media_negotiated(h->m, a->handle, answer, &n, h->now_us), 0);
  json_decref(answer);
  assert_int_equal(harness_count(a, "sync"), 2); /* the slots are new, and that reply may be lost on the client */
  assert_false(harness_member(h, a)->hand_raised);
  harness_check(h);
  harness_free(h);
}

static void ended_and_its_token_remembered(void **state) {
  (void)state;
  struct harness *h = harness_new(1);
  struct seat *a = harness_join(h, 0, "doctor"), *b = harness_join(h, 1, "patient");
  harness_end(h, b);
  assert_string_equal(json_string_value(json_object_get(harness_last(a, "participantLeft"), "reason")), "left");
  json_t *hello = room_manager_hello(h->m, h->now_us);
  const json_t *spent = json_object_get(hello, "spent");
  assert_int_equal(json_array_size(spent), 1);
  assert_string_equal(json_string_value(json_object_get(json_array_get(spent, 0), "jti")), b->session + 2);
  assert_int_equal(json_array_size(json_object_get(hello, "sessions")), 1);
  json_decref(hello);
  hello = room_manager_hello(h->m, h->now_us + 700 * SECOND); /* expired: nobody can use it any more */
  assert_int_equal(json_array_size(json_object_get(hello, "spent")), 0);
  json_decref(hello);
  harness_free(h);
}

static void many_tokens_are_capped(void **state) {
  (void)state;
  struct harness *h = harness_new(1);
  for (int i = 0; i < ROOM_MAX_SPENT + 100; i++)
    harness_end(h, harness_open(h, 0, "doctor"));
  assert_int_equal(h->m->spent_count, ROOM_MAX_SPENT);
  harness_free(h);
}

/* Whom somebody inside has called need not wait, and no lock keeps it out. */
static void admitted_by_a_call(void **state) {
  (void)state;
  struct harness *h = harness_new(1);
  struct seat *doctor = harness_join(h, 0, "doctor");
  assert_string_equal(harness_request(h, doctor, "lock", json_pack("{s:b}", "locked", 1)), "");
  struct seat *stranger = harness_open(h, 1, "patient");
  assert_string_equal(harness_request(h, stranger, "join", NULL), "room_locked");
  h->seats[2].admitted_next = true;
  struct seat *called = harness_open(h, 2, "patient");
  assert_string_equal(harness_request(h, called, "join", NULL), "");
  assert_true(called->handle != 0);
  harness_check(h);
  harness_free(h);
}

static void what_the_gateway_keeps_here(void **state) {
  (void)state;
  struct harness *h = harness_new(1);
  json_t *keep = json_pack("{s:s}", "home", "ward");
  const struct room_session_info info = {
      .session = "s_k", .room = "r", .identity = "i", .role = "doctor", .keep = keep};
  assert_int_equal(room_manager_session_open(h->m, &info, h->now_us), 0);
  json_decref(keep);
  room_manager_spend(h->m, "g_revoked", 1795334400 + 600);
  room_manager_spend(h->m, "g_expired", 1);
  json_t *hello = room_manager_hello(h->m, h->now_us);
  const json_t *one = json_array_get(json_object_get(hello, "sessions"), 0), *spent = json_object_get(hello, "spent");
  assert_string_equal(json_string_value(json_object_get(json_object_get(one, "keep"), "home")), "ward");
  assert_true(json_is_false(json_object_get(one, "joined")));
  assert_true(json_is_false(json_object_get(one, "admitted")));
  assert_int_equal(json_array_size(spent), 1);
  assert_string_equal(json_string_value(json_object_get(json_array_get(spent, 0), "jti")), "g_revoked");
  json_decref(hello);
  harness_free(h);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(what_is_refused),
                                     cmocka_unit_test(back_within_the_window),
                                     cmocka_unit_test(too_late),
                                     cmocka_unit_test(lost_twice_counts_from_the_second),
                                     cmocka_unit_test(opened_again_is_resumed),
                                     cmocka_unit_test(an_offer_open_while_lost),
                                     cmocka_unit_test(ended_and_its_token_remembered),
                                     cmocka_unit_test(many_tokens_are_capped),
                                     cmocka_unit_test(admitted_by_a_call),
                                     cmocka_unit_test(what_the_gateway_keeps_here)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
