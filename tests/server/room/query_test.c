/* tests/server/room/query_test.c: what the gateway and administrators see and do. */
#include "tests/server/room/harness.h"

static int number(const json_t *object, const char *key) {
  return (int)json_integer_value(json_object_get(object, key));
}

static void check(void **state) {
  (void)state;
  struct harness *h = harness_new(1);
  json_t *none = room_manager_check(h->m, "r", NULL);
  assert_false(json_is_true(json_object_get(none, "exists")));
  assert_true(json_is_true(json_object_get(none, "mayJoin")));
  json_decref(none);
  assert_null(room_manager_check(h->m, "r", "surgeon"));
  struct seat *a = harness_join(h, 0, "doctor");
  (void)harness_join(h, 1, "observer");
  (void)harness_request(h, a, "lock", json_pack("{s:b}", "locked", 1));
  json_t *patient = room_manager_check(h->m, "r", "patient"), *doctor = room_manager_check(h->m, "r", "doctor");
  assert_int_equal(number(patient, "participants"), 1); /* the observer does not count */
  assert_string_equal(json_string_value(json_object_get(patient, "reason")), "room_locked");
  assert_true(json_is_true(json_object_get(doctor, "mayJoin")));
  assert_null(json_object_get(doctor, "reason"));
  json_decref(patient);
  json_decref(doctor);
  harness_free(h);
}

static void decorate(void *arg, uint32_t handle, json_t *object) {
  assert_int_not_equal(handle, 0);
  json_object_set_new(object, "bps", json_integer(++*(int *)arg));
}

static void rooms_and_room(void **state) {
  (void)state;
  struct harness *h = harness_new(1);
  struct seat *a = harness_connect(h, 0, "doctor", 1, 1), *b = harness_connect(h, 1, "patient", 1, 1);
  (void)harness_join(h, 2, "observer");
  (void)harness_publish(h, b, "cam", "camera");
  (void)a;
  json_t *list = room_manager_rooms(h->m);
  assert_int_equal(json_array_size(list), 1);
  const json_t *r = json_array_get(list, 0);
  assert_int_equal(number(r, "participants"), 2);
  assert_int_equal(number(r, "hidden"), 1);
  assert_int_equal(number(r, "tracks"), 1);
  json_decref(list);
  int calls = 0;
  struct room_decorator decorator = {.track = decorate, .arg = &calls};
  json_t *full = room_manager_room(h->m, "r", &decorator);
  assert_int_equal(calls, 1);
  const json_t *people = json_object_get(full, "participants");
  assert_int_equal(json_array_size(people), 3); /* administrators see all */
  const json_t *track = json_array_get(json_object_get(json_array_get(people, 1), "tracks"), 0);
  assert_int_equal(number(track, "bps"), 1);
  const json_t *slot = json_array_get(json_object_get(json_array_get(people, 0), "slots"), 1);
  assert_string_equal(json_string_value(json_object_get(json_object_get(slot, "view"), "priority")), "normal");
  json_decref(full);
  full = room_manager_room(h->m, "r", NULL);
  assert_non_null(full);
  json_decref(full);
  assert_null(room_manager_room(h->m, "nowhere", NULL));
  harness_free(h);
}

static void close_and_remove(void **state) {
  (void)state;
  struct harness *h = harness_new(1);
  struct seat *a = harness_join(h, 0, "doctor"), *b = harness_join(h, 1, "patient"),
              *o = harness_join(h, 2, "observer");
  assert_int_equal(room_manager_remove_participant(h->m, "x", b->participant, h->now_us), ROOM_ERROR_ROOM);
  assert_int_equal(room_manager_remove_participant(h->m, "r", "p_x", h->now_us), ROOM_ERROR_PARTICIPANT);
  assert_int_equal(room_manager_remove_participant(h->m, "r", b->participant, h->now_us), 0);
  assert_int_equal(b->closed_code, SIGNALING_CLOSE_KICKED);
  assert_null(json_object_get(harness_last(b, "kicked"), "by"));
  assert_int_equal(room_manager_remove_participant(h->m, "r", o->participant, h->now_us), 0); /* hidden ones too */
  assert_int_equal(harness_count(a, "participantLeft"), 1);
  assert_int_equal(room_manager_close_room(h->m, "x", h->now_us), ROOM_ERROR_ROOM);
  assert_int_equal(room_manager_close_room(h->m, "r", h->now_us), 0);
  assert_int_equal(a->closed_code, SIGNALING_CLOSE_ROOM_CLOSED);
  assert_int_equal(room_manager_counts(h->m).rooms, 0);
  harness_check(h);
  harness_free(h);
}

static void hello(void **state) {
  (void)state;
  struct harness *h = harness_new(1);
  const struct seat *a = harness_join(h, 0, "doctor");
  json_t *value = room_manager_hello(h->m, h->now_us);
  assert_string_equal(json_string_value(json_array_get(json_object_get(value, "rooms"), 0)), "r");
  const json_t *s = json_array_get(json_object_get(value, "sessions"), 0);
  assert_string_equal(json_string_value(json_object_get(s, "session")), a->session);
  static const char *const keys[] = {"room", "identity", "name", "role", "resumeHash", "jti"};
  for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
    assert_true(json_is_string(json_object_get(s, keys[i])));
  assert_int_equal(number(s, "exp"), 1795334400 + 600);
  assert_true(json_is_true(json_object_get(s, "joined")));
  json_decref(value);
  harness_free(h);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(check), cmocka_unit_test(rooms_and_room),
                                     cmocka_unit_test(close_and_remove), cmocka_unit_test(hello)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
