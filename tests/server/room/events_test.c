/* tests/server/room/events_test.c: the right members hear, and nobody hears of hidden ones. */
#include "tests/server/room/harness.h"

static void hidden_members_leave_no_trace(void **state) {
  (void)state;
  struct harness *h = harness_new(1);
  struct seat *a = harness_connect(h, 0, "doctor", 1, 1), *b = harness_connect(h, 1, "patient", 1, 1);
  const char *mic = harness_publish(h, b, "mic", "microphone");
  json_t *id = json_string(mic);
  harness_forget(h);
  struct seat *o = harness_connect(h, 2, "observer", 1, 1), *x = harness_open(h, 3, "admin");
  assert_string_equal(harness_request(h, x, "join", json_pack("{s:b}", "hidden", 1)), "");
  (void)harness_request(h, x, "setName", json_pack("{s:s}", "name", "Nobody"));
  harness_lost(h, o);
  harness_resumed(h, o);
  assert_int_equal(json_array_size(a->events) + json_array_size(b->events), 0);
  assert_string_equal(harness_request(h, x, "mute", json_pack("{s:O, s:b}", "track", id, "muted", 1)), "");
  assert_null(json_object_get(harness_last(a, "trackMuted"), "by")); /* seen, but not by whom */
  assert_null(json_object_get(harness_last(b, "muteRequested"), "by"));
  assert_int_equal(harness_count(o, "trackMuted"), 1);
  assert_string_equal(harness_request(h, a, "kick", json_pack("{s:s}", "participant", o->participant)),
                      "participant_not_found");
  assert_string_equal(harness_request(h, x, "kick", json_pack("{s:s}", "participant", b->participant)), "");
  assert_null(json_object_get(harness_last(b, "kicked"), "by"));
  harness_check(h);
  harness_forget(h);
  harness_end(h, o);
  harness_end(h, x);
  assert_int_equal(json_array_size(a->events), 0);
  json_decref(id);
  harness_free(h);
}

static void other_rooms_and_lost_sessions_hear_nothing(void **state) {
  (void)state;
  struct harness *h = harness_new(1);
  struct seat *a = harness_join(h, 0, "doctor"), *b = harness_join(h, 1, "patient");
  struct seat *far = harness_open_as(h, 2, "doctor", "elsewhere", "far");
  assert_string_equal(harness_request(h, far, "join", NULL), "");
  harness_lost(h, b);
  harness_forget(h);
  (void)harness_request(h, a, "chat", json_pack("{s:s}", "text", "x"));
  (void)harness_request(h, a, "lock", json_pack("{s:b}", "locked", 1));
  assert_int_equal(json_array_size(b->events) + json_array_size(far->events) + json_array_size(a->events), 0);
  harness_free(h);
}

/* What each of a room hears is said once for all: a line for each would cost the square of the room's size. */
static void the_same_is_said_once(void **state) {
  (void)state;
  struct harness *h = harness_new(1);
  struct seat *seats[6];
  for (size_t i = 0; i < 6; i++)
    seats[i] = harness_join(h, i, "doctor");
  harness_forget(h);
  h->event_calls = 0;
  (void)harness_request(h, seats[0], "lock", json_pack("{s:b}", "locked", 1));
  assert_int_equal(h->event_calls, 1);
  for (size_t i = 1; i < 6; i++)
    assert_int_equal(harness_count(seats[i], "roomLocked"), 1);
  harness_free(h);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(the_same_is_said_once),
                                     cmocka_unit_test(hidden_members_leave_no_trace),
                                     cmocka_unit_test(other_rooms_and_lost_sessions_hear_nothing)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
