/* tests/server/room/audit_test.c: each act on others is told once, with who and whom; what is refused or one's own, never. */
#include "tests/server/room/harness.h"

static void expect(struct harness *h, const char *acts) {
  assert_string_equal(h->acts, acts);
  h->acts[0] = '\0';
}

static void do_it(struct harness *h, struct seat *s, const char *type, json_t *fields) {
  assert_string_equal(harness_request(h, s, type, fields), "");
}

static void hosts_acts(void **state) {
  (void)state;
  struct harness *h = harness_new(1);
  struct seat *doctor = harness_connect(h, 0, "doctor", 2, 2), *b = harness_connect(h, 1, "patient", 2, 2);
  char mic[ROOM_ID_BYTES], own[ROOM_ID_BYTES];
  (void)snprintf(mic, sizeof mic, "%s", harness_publish(h, b, "mic", "microphone"));
  (void)snprintf(own, sizeof own, "%s", harness_publish(h, doctor, "mic", "microphone"));
  do_it(h, doctor, "lock", json_pack("{s:b}", "locked", 1));
  expect(h, "lock r u0 doctor -\n");
  do_it(h, doctor, "lock", json_pack("{s:b}", "locked", 0));
  expect(h, "unlock r u0 doctor -\n");
  do_it(h, doctor, "mute", json_pack("{s:s, s:b}", "track", mic, "muted", 1));
  expect(h, "mute r u0 doctor u1\n");
  do_it(h, doctor, "setPolicy", json_pack("{s:s}", "topology", "never"));
  expect(h, "setPolicy r u0 doctor -\n");
  do_it(h, doctor, "sendBack", json_pack("{s:s, s:s}", "participant", b->participant, "reason", "One moment"));
  expect(h, "sendBack r u0 doctor u1\n");
  do_it(h, doctor, "admitAll", NULL);
  expect(h, "admitAll r u0 doctor -\n");
  do_it(h, b, "join", NULL);
  do_it(h, doctor, "kick", json_pack("{s:s, s:s}", "participant", b->participant, "reason", "Mr. Secret"));
  expect(h, "kick r u0 doctor u1\n");
  do_it(h, doctor, "mute", json_pack("{s:s, s:b}", "track", own, "muted", 1)); /* its own */
  do_it(h, doctor, "chat", json_pack("{s:s}", "text", "hello"));
  do_it(h, doctor, "setName", json_pack("{s:s}", "name", "Dr. Secret"));
  expect(h, "");
  do_it(h, doctor, "close", NULL);
  expect(h, "close r u0 doctor -\n");
  harness_free(h);
}

static void who_waits(void **state) {
  (void)state;
  struct harness *h = harness_new(1);
  struct seat *doctor = harness_join(h, 0, "doctor");
  for (size_t i = 1; i < 3; i++) {
    h->seats[i].wait_next = true;
    (void)harness_request(h, harness_open(h, i, "patient"), "join", NULL);
  }
  json_t *snapshot = snapshot_json(h->m, harness_member(h, doctor));
  const char *const types[] = {"admit", "declineWaiting"};
  for (size_t i = 0; i < 2; i++) {
    const json_t *id = json_object_get(json_array_get(json_object_get(snapshot, "waiting"), i), "waiting");
    do_it(h, doctor, types[i], json_pack("{s:s}", "waiting", json_string_value(id)));
  }
  json_decref(snapshot);
  expect(h, "admit r u0 doctor u1\ndeclineWaiting r u0 doctor u2\n");
  harness_free(h);
}

static void what_is_refused_is_no_act(void **state) {
  (void)state;
  struct harness *h = harness_new(1);
  struct seat *doctor = harness_join(h, 0, "doctor"), *b = harness_join(h, 1, "patient");
  assert_string_equal(harness_request(h, b, "kick", json_pack("{s:s}", "participant", doctor->participant)),
                      "forbidden");
  assert_string_equal(harness_request(h, b, "close", NULL), "forbidden");
  assert_string_equal(harness_request(h, doctor, "kick", json_pack("{s:s}", "participant", "p_nobody")),
                      "participant_not_found");
  assert_string_equal(harness_request(h, doctor, "lock", json_object()), "bad_request");
  struct seat *outside = harness_open(h, 2, "doctor");
  assert_string_equal(harness_request(h, outside, "lock", json_pack("{s:b}", "locked", 1)), "not_joined");
  expect(h, "");
  harness_free(h);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(hosts_acts), cmocka_unit_test(who_waits),
                                     cmocka_unit_test(what_is_refused_is_no_act)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
