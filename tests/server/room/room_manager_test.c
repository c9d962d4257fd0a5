/* tests/server/room/room_manager_test.c: making one, ids, look-ups, deadlines. */
#include <string.h>

#include "tests/server/room/harness.h"

static void random_is_needed(void **state) {
  (void)state;
  struct room_settings settings;
  room_settings_init(&settings);
  struct room_manager *m = NULL;
  struct room_listener nobody = {0};
  assert_int_equal(room_manager_create(&m, &settings, &nobody, NULL), ROOM_ERROR_ARGUMENT);
  assert_null(m);
  room_manager_free(NULL);
}

static void ones(void *arg, void *out, size_t bytes) {
  (void)arg;
  memset(out, 0xff, bytes);
}

static void ids_hold_128_bits(void **state) {
  (void)state;
  struct harness *h = harness_new(1);
  char a[ROOM_ID_BYTES], b[ROOM_ID_BYTES];
  manager_make_id(h->m, "p_", a);
  manager_make_id(h->m, "p_", b);
  assert_int_equal(strlen(a), 24); /* 22 characters of six bits */
  assert_string_not_equal(a, b);
  assert_true(signaling_identifier_valid(a, strlen(a)));
  h->m->settings.random = ones;
  manager_make_id(h->m, "t_", a);
  assert_string_equal(a, "t______________________w"); /* RFC 4648 §5 of sixteen 0xff */
  harness_free(h);
}

static void found_by_id(void **state) {
  (void)state;
  struct harness *h = harness_new(1);
  struct seat *a = harness_connect(h, 0, "doctor", 1, 1);
  assert_int_equal(room_manager_find_participant(h->m, a->participant), a->handle);
  assert_int_equal(room_manager_find_participant(h->m, ""), 0);
  assert_int_equal(room_manager_find_track(h->m, a->participant), 0);
  (void)harness_publish(h, a, "mic", "microphone");
  struct room_counts counts = room_manager_counts(h->m);
  assert_int_equal(counts.rooms, 1);
  assert_int_equal(counts.sessions, 1);
  assert_int_equal(counts.participants, 1);
  assert_int_equal(counts.tracks, 1);
  harness_free(h);
}

static void deadlines(void **state) {
  (void)state;
  struct harness *h = harness_new(1);
  assert_true(room_manager_deadline(h->m) == INT64_MAX);
  struct seat *a = harness_join(h, 0, "doctor");
  assert_true(room_manager_deadline(h->m) == INT64_MAX);
  harness_lost(h, a);
  int64_t due = h->now_us + h->settings.resume_window_us;
  assert_true(room_manager_deadline(h->m) == due);
  harness_resumed(h, a);
  assert_true(room_manager_deadline(h->m) <= due); /* may still say so, and then finds nothing */
  room_manager_tick(h->m, due);
  assert_true(a->open);
  assert_true(room_manager_deadline(h->m) == INT64_MAX);
  room_manager_tick(h->m, due - SECOND); /* time never goes back inside */
  assert_true(h->m->now_us == due);
  room_manager_set_wall(h->m, 0);
  assert_true(manager_wall_ms(h->m) == due / 1000);
  harness_free(h);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(random_is_needed), cmocka_unit_test(ids_hold_128_bits),
                                     cmocka_unit_test(found_by_id), cmocka_unit_test(deadlines)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
