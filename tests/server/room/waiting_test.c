/* tests/server/room/waiting_test.c: who waits, what they and the doctors see, and every way a wait ends. */
#include "tests/server/room/harness.h"

#include <stdio.h>
#include <string.h>

static const char *field(const json_t *object, const char *name) {
  return json_string_value(json_object_get(object, name));
}

static struct seat *knock(struct harness *h, size_t i, const char *role) {
  h->seats[i].wait_next = true;
  struct seat *s = harness_open(h, i, role);
  assert_string_equal(harness_request(h, s, "join", NULL), "");
  assert_true(s->waiting);
  harness_check(h);
  return s;
}

static const json_t *queue(const struct seat *doctor) {
  return json_object_get(doctor->model, "waiting");
}

static const char *first(const struct seat *doctor) {
  return field(json_array_get(queue(doctor), 0), "waiting");
}

static const char *admit(struct harness *h, struct seat *doctor) {
  const char *error = harness_request(h, doctor, "admit", json_pack("{s:s}", "waiting", first(doctor)));
  harness_check(h);
  return error;
}

static bool doctor_state(const json_t *object, const char *name) {
  const json_t *value = json_object_get(json_object_get(object, "doctor"), name);
  assert_true(json_is_boolean(value));
  return json_is_true(value);
}

static void knock_and_enter(void **state) {
  (void)state;
  struct harness *h = harness_new(1);
  struct seat *p = knock(h, 0, "patient"); /* nobody is there yet */
  assert_false(doctor_state(json_object_get(p->last, "ok"), "present"));
  static const char *const refused[] = {"raiseHand", "lock", "admitAll"};
  assert_string_equal(harness_request(h, p, refused[0], json_pack("{s:b}", "raised", 1)), "not_joined");
  assert_string_equal(harness_request(h, p, refused[1], json_pack("{s:b}", "locked", 1)), "forbidden");
  assert_string_equal(harness_request(h, p, refused[2], NULL), "forbidden");
  harness_advance(h, 7 * SECOND);
  struct seat *d = harness_join(h, 1, "doctor");
  assert_true(doctor_state(harness_last(p, "waitingState"), "present"));
  assert_false(doctor_state(harness_last(p, "waitingState"), "busy"));
  assert_int_equal(json_array_size(queue(d)), 1);
  const json_t *entry = json_array_get(queue(d), 0);
  assert_int_equal(strncmp(field(entry, "waiting"), "w_", 2), 0);
  assert_string_equal(field(entry, "identity"), "u0");
  assert_string_equal(field(entry, "role"), "patient");
  json_int_t since = json_integer_value(json_object_get(entry, "since"));
  assert_int_equal(json_integer_value(json_object_get(d->model, "createdAt")) - since, 7000);
  assert_string_equal(harness_request(h, p, "join", NULL), ""); /* impatient: the same again */
  assert_int_equal(json_integer_value(json_object_get(json_object_get(p->last, "ok"), "since")), since);
  assert_string_equal(admit(h, d), "");
  assert_int_equal(harness_count(p, "admitted"), 1);
  assert_string_equal(field(harness_last(d, "waitingRemoved"), "reason"), "admitted");
  assert_int_equal(json_array_size(queue(d)), 0);
  assert_int_equal(harness_count(d, "participantJoined"), 0); /* it has to come in itself */
  assert_string_equal(harness_request(h, p, "join", NULL), "");
  assert_non_null(p->model);
  assert_null(queue(p)); /* not a patient's business */
  assert_string_equal(harness_request(h, p, "leave", NULL), "");
  assert_string_equal(harness_request(h, p, "join", NULL), ""); /* admitted once is enough */
  assert_non_null(p->model);
  harness_check(h);
  harness_free(h);
}

/* A guest link without a name: who waits says the name, before the join or while waiting, and the doctor reads it. */
static void a_name_before_the_room(void **state) {
  (void)state;
  struct harness *h = harness_new(1);
  struct seat *d = harness_join(h, 0, "doctor");
  h->seats[1].wait_next = true;
  struct seat *p = harness_open(h, 1, "patient");
  assert_string_equal(harness_request(h, p, "setName", json_pack("{s:s}", "name", "Maria")), "");
  assert_int_equal(harness_count(d, "waitingAdded"), 0); /* she has not asked yet */
  assert_string_equal(harness_request(h, p, "join", NULL), "");
  assert_string_equal(field(json_array_get(queue(d), 0), "name"), "Maria");
  char id[64];
  snprintf(id, sizeof id, "%s", first(d));
  assert_string_equal(harness_request(h, p, "setName", json_pack("{s:s}", "name", "Maria K.")), "");
  assert_int_equal(json_array_size(queue(d)), 1);
  assert_string_equal(field(json_array_get(queue(d), 0), "name"), "Maria K.");
  assert_string_equal(first(d), id); /* the same place */
  assert_string_equal(harness_request(h, p, "setName", json_pack("{s:s}", "name", "")), "bad_request");
  harness_check(h);
  assert_string_equal(admit(h, d), "");
  assert_string_equal(harness_request(h, p, "join", NULL), "");
  const json_t *joined = json_object_get(harness_last(d, "participantJoined"), "participant");
  assert_string_equal(field(joined, "name"), "Maria K.");
  harness_check(h);
  harness_free(h);
}

static void who_waits(void **state) {
  (void)state;
  struct harness *h = harness_new(1);
  static const char *const roles[] = {"doctor", "admin", "observer"};
  for (size_t i = 0; i < 3; i++) { /* they never do, whatever the token says */
    h->seats[i].wait_next = true;
    (void)harness_join(h, i, roles[i]);
    assert_non_null(h->seats[i].model);
  }
  (void)knock(h, 3, "interpreter");
  (void)harness_join(h, 4, "patient");
  assert_non_null(h->seats[4].model);
  assert_string_equal(harness_request(h, &h->seats[4], "setPolicy", json_pack("{s:b}", "patientsWait", 1)),
                      "forbidden");
  assert_string_equal(harness_request(h, &h->seats[0], "setPolicy", json_pack("{s:b}", "patientsWait", 1)), "");
  struct seat *p = harness_open(h, 5, "patient"), *i = harness_join(h, 6, "interpreter");
  assert_string_equal(harness_request(h, p, "join", NULL), "");
  assert_true(p->waiting);
  assert_non_null(i->model); /* the policy is about patients */
  assert_true(doctor_state(json_object_get(p->last, "ok"), "busy"));
  /* the admins and doctors are told, the others are not (their client models would fail) */
  assert_int_equal(harness_count(&h->seats[0], "waitingAdded"), 2);
  assert_int_equal(harness_count(&h->seats[1], "waitingAdded"), 2);
  assert_int_equal(harness_count(&h->seats[2], "waitingAdded"), 0);
  harness_check(h);
  harness_free(h);
}

static void nothing_is_seen_from_outside(void **state) {
  (void)state;
  struct harness *h = harness_new(1);
  struct seat *p = knock(h, 0, "patient"), *q = knock(h, 1, "patient");
  h->seats[2].wait_next = true;
  struct seat *asks = harness_open(h, 2, "patient");
  for (int inside = 0; inside < 2; inside++) {
    assert_string_equal(harness_request(h, asks, "check", json_pack("{s:s}", "room", "r")), "");
    const json_t *ok = json_object_get(asks->last, "ok");
    assert_true(json_is_false(json_object_get(ok, "exists")));
    assert_int_equal(json_integer_value(json_object_get(ok, "participants")), 0);
    assert_true(json_is_true(json_object_get(ok, "mayJoin")));
    assert_true(json_is_true(json_object_get(ok, "waits")));
    if (!inside) (void)harness_join(h, 3, "doctor");
  }
  struct seat *d = &h->seats[3];
  (void)harness_request(h, d, "chat", json_pack("{s:s}", "text", "secret"));
  (void)harness_request(h, d, "lock", json_pack("{s:b}", "locked", 1));
  (void)harness_request(h, d, "setName", json_pack("{s:s}", "name", "Dr. X"));
  (void)knock(h, 4, "patient"); /* a lock does not keep anybody from asking */
  for (size_t i = 0; i < json_array_size(p->events); i++)
    assert_string_equal(field(json_array_get(p->events, i), "event"), "waitingState");
  assert_int_equal(harness_count(p, "waitingState"), 1);
  assert_int_equal(harness_count(q, "waitingState"), 1);
  /* admitted into a locked room */
  assert_string_equal(admit(h, d), "");
  assert_string_equal(harness_request(h, p, "join", NULL), "");
  assert_non_null(p->model);
  harness_free(h);
}

/* A room that exists for somebody who waits is none for others. */
static void an_empty_room_with_a_queue(void **state) {
  (void)state;
  struct harness *h = harness_new(1);
  struct seat *p = knock(h, 0, "patient"), *d = harness_open(h, 1, "doctor");
  assert_string_equal(harness_request(h, d, "check", json_pack("{s:s}", "room", "r")), "");
  assert_true(json_is_false(json_object_get(json_object_get(d->last, "ok"), "exists")));
  assert_int_equal(room_manager_counts(h->m).waiting, 1);
  assert_string_equal(harness_request(h, p, "leave", NULL), "");
  assert_int_equal(room_manager_counts(h->m).rooms, 0);
  assert_string_equal(harness_request(h, p, "leave", NULL), "not_joined");
  harness_check(h);
  harness_free(h);
}

static void declined(void **state) {
  (void)state;
  struct harness *h = harness_new(1);
  struct seat *d = harness_join(h, 0, "doctor"), *p = knock(h, 1, "patient");
  assert_string_equal(
      harness_request(h, d, "declineWaiting", json_pack("{s:s, s:s}", "waiting", first(d), "reason", "at three")), "");
  const json_t *told = harness_last(p, "waitDeclined");
  assert_string_equal(field(told, "cause"), "declined");
  assert_string_equal(field(told, "reason"), "at three");
  assert_string_equal(field(harness_last(d, "waitingRemoved"), "reason"), "declined");
  assert_string_equal(harness_request(h, d, "declineWaiting", json_pack("{s:s}", "waiting", "w_none")),
                      "participant_not_found");
  assert_string_equal(harness_request(h, p, "join", NULL), "rate_limited");
  harness_advance(h, 10 * SECOND);
  assert_string_equal(harness_request(h, p, "join", NULL), "");
  assert_true(p->waiting);
  harness_check(h);
  harness_free(h);
}

static void short_patience(struct room_settings *settings) {
  settings->wait_us = 60 * SECOND;
  settings->waiting_room = 3;
  settings->max_participants = 2;
}

static void times_out(void **state) {
  (void)state;
  struct harness *h = harness_new_with(1, short_patience);
  const struct seat *p = knock(h, 0, "patient");
  harness_advance(h, 60 * SECOND - 1);
  assert_int_equal(harness_count(p, "waitDeclined"), 0);
  harness_advance(h, 1);
  assert_string_equal(field(harness_last(p, "waitDeclined"), "cause"), "timeout");
  harness_check(h);
  assert_int_equal(room_manager_counts(h->m).rooms, 0);
  harness_free(h);
}

static void caps(void **state) {
  (void)state;
  struct harness *h = harness_new_with(1, short_patience);
  struct seat *d = harness_join(h, 0, "doctor");
  for (size_t i = 1; i < 4; i++) {
    (void)knock(h, i, "patient");
    harness_advance(h, SECOND);
  }
  h->seats[4].wait_next = true;
  struct seat *p = harness_open(h, 4, "patient");
  assert_string_equal(harness_request(h, p, "join", NULL), "room_full");
  assert_string_equal(harness_request(h, p, "check", json_pack("{s:s}", "room", "r")), "");
  assert_string_equal(field(json_object_get(p->last, "ok"), "reason"), "room_full");
  /* its own place again */
  (void)harness_open_as(h, 5, "patient", "r", "u2");
  assert_string_equal(harness_request(h, &h->seats[5], "join", NULL), "");
  assert_true(h->seats[5].waiting); /* the older one waited, so does the newer */
  assert_int_equal(h->seats[2].closed_code, 4003);
  assert_string_equal(field(json_array_get(queue(d), 1), "identity"), "u2"); /* and stands where it stood */
  harness_check(h);
  assert_string_equal(harness_request(h, d, "admitAll", NULL), "");
  assert_int_equal(json_integer_value(json_object_get(json_object_get(d->last, "ok"), "admitted")), 1);
  assert_int_equal(json_array_size(queue(d)), 2);
  assert_string_equal(harness_request(h, &h->seats[1], "join", NULL), "");
  assert_string_equal(admit(h, d), "room_full");
  harness_check(h);
  harness_free(h);
}

static void all_at_once(void **state) {
  (void)state;
  struct harness *h = harness_new(1);
  struct seat *d = harness_join(h, 0, "doctor");
  for (size_t i = 1; i < 4; i++)
    (void)knock(h, i, "patient");
  assert_string_equal(harness_request(h, d, "admitAll", NULL), "");
  assert_int_equal(json_integer_value(json_object_get(json_object_get(d->last, "ok"), "admitted")), 3);
  for (size_t i = 1; i < 4; i++)
    assert_int_equal(harness_count(&h->seats[i], "admitted"), 1);
  harness_check(h);
  harness_free(h);
}

static void sent_back(void **state) {
  (void)state;
  struct harness *h = harness_new(1);
  struct seat *d = harness_join(h, 0, "doctor"), *e = harness_join(h, 1, "doctor"),
              *p = harness_connect(h, 2, "patient", 4, 4);
  (void)harness_publish(h, p, "mic", "microphone");
  char id[ROOM_ID_BYTES];
  (void)snprintf(id, sizeof id, "%s", p->participant);
  assert_string_equal(harness_request(h, d, "sendBack", json_pack("{s:s}", "participant", e->participant)),
                      "forbidden");
  assert_string_equal(harness_request(h, p, "sendBack", json_pack("{s:s}", "participant", e->participant)),
                      "forbidden");
  assert_string_equal(harness_request(h, d, "sendBack", json_pack("{s:s}", "participant", "p_none")),
                      "participant_not_found");
  assert_string_equal(harness_request(h, d, "sendBack", json_pack("{s:s, s:s}", "participant", id, "reason", "wait")),
                      "");
  harness_check(h);
  assert_string_equal(field(harness_last(p, "sentBack"), "reason"), "wait");
  assert_true(doctor_state(harness_last(p, "sentBack"), "present"));
  assert_string_equal(field(harness_last(e, "participantLeft"), "reason"), "sentBack");
  assert_int_equal(json_array_size(queue(d)), 1);
  assert_int_equal(h->track_count, 0);
  assert_true(p->waiting && p->wait);
  assert_string_equal(harness_request(h, p, "leave", NULL), "");
  assert_string_equal(harness_request(h, p, "join", NULL), ""); /* its token did not say so; the doctor did */
  assert_true(p->waiting);
  assert_string_equal(admit(h, d), "");
  assert_false(p->wait);
  assert_string_equal(harness_request(h, p, "join", NULL), "");
  assert_non_null(p->model);
  harness_check(h);
  harness_free(h);
}

/* After a resume exactly one event says where one stands. */
static void lost_while_waiting(void **state) {
  (void)state;
  struct harness *h = harness_new(1);
  struct seat *d = harness_join(h, 0, "doctor"), *p = knock(h, 1, "patient");
  harness_lost(h, p);
  assert_true(json_is_false(json_object_get(json_array_get(queue(d), 0), "connected")));
  harness_forget(h);
  harness_resumed(h, p);
  assert_int_equal(json_array_size(p->events), 1);
  assert_int_equal(harness_count(p, "waitingState"), 1);
  harness_lost(h, p);
  assert_string_equal(admit(h, d), "");
  harness_forget(h);
  harness_resumed(h, p);
  assert_int_equal(json_array_size(p->events), 1);
  assert_int_equal(harness_count(p, "admitted"), 1);
  harness_lost(h, p); /* before it could join: told again */
  harness_forget(h);
  harness_resumed(h, p);
  assert_int_equal(harness_count(p, "admitted"), 1);
  assert_string_equal(harness_request(h, p, "join", NULL), "");
  harness_lost(h, p); /* inside, and sent back unseen */
  assert_string_equal(harness_request(h, d, "sendBack", json_pack("{s:s}", "participant", p->participant)), "");
  harness_forget(h);
  harness_resumed(h, p);
  assert_int_equal(json_array_size(p->events), 1);
  assert_int_equal(harness_count(p, "waitingState"), 1);
  harness_check(h);
  harness_lost(h, p);
  (void)harness_request(h, d, "declineWaiting", json_pack("{s:s, s:s}", "waiting", first(d), "reason", "no"));
  harness_resumed(h, p);
  assert_string_equal(field(harness_last(p, "waitDeclined"), "reason"), "no");
  harness_check(h);
  harness_free(h);
}

static void lost_for_good(void **state) {
  (void)state;
  struct harness *h = harness_new(1);
  const struct seat *d = harness_join(h, 0, "doctor");
  struct seat *p = knock(h, 1, "patient"), *q = knock(h, 2, "patient");
  harness_lost(h, p);
  harness_advance(h, 30 * SECOND);
  assert_int_equal(json_array_size(queue(d)), 1);
  assert_string_equal(field(harness_last(d, "waitingRemoved"), "reason"), "lost");
  harness_end(h, q);
  assert_int_equal(json_array_size(queue(d)), 0);
  assert_string_equal(field(harness_last(d, "waitingRemoved"), "reason"), "left");
  harness_check(h);
  harness_free(h);
}

static void inside_already(void **state) {
  (void)state;
  struct harness *h = harness_new(1);
  struct seat *d = harness_join(h, 0, "doctor"), *p = knock(h, 1, "patient");
  (void)admit(h, d);
  (void)harness_request(h, p, "join", NULL);
  h->seats[2].wait_next = true; /* the page again, with a new token */
  struct seat *again = harness_open_as(h, 2, "patient", "r", "u1");
  assert_string_equal(harness_request(h, again, "join", NULL), "");
  assert_non_null(again->model);
  assert_int_equal(p->closed_code, 4003);
  harness_check(h);
  harness_free(h);
}

static void the_room_closes(void **state) {
  (void)state;
  struct harness *h = harness_new(1);
  struct seat *d = harness_join(h, 0, "doctor"), *p = knock(h, 1, "patient");
  assert_string_equal(harness_request(h, d, "close", NULL), "");
  assert_int_equal(harness_count(p, "closed"), 1);
  assert_int_equal(p->closed_code, 4002);
  assert_int_equal(room_manager_counts(h->m).rooms + room_manager_counts(h->m).sessions, 0);
  harness_free(h);
}

static void draining(void **state) {
  (void)state;
  struct harness *h = harness_new(1);
  (void)harness_join(h, 0, "doctor");
  room_manager_drain(h->m, h->now_us);
  (void)knock(h, 1, "patient"); /* the room lives here */
  h->seats[2].wait_next = true;
  struct seat *p = harness_open_as(h, 2, "patient", "new", "u2");
  assert_string_equal(harness_request(h, p, "join", NULL), "draining");
  harness_check(h);
  harness_free(h);
}

/* What a gateway that starts again has to know. */
static void hello_says_who_waits(void **state) {
  (void)state;
  struct harness *h = harness_new(1);
  struct seat *d = harness_join(h, 0, "doctor");
  (void)knock(h, 1, "patient");
  for (int admitted = 0; admitted < 2; admitted++) {
    json_t *hello = room_manager_hello(h->m, h->now_us);
    const json_t *sessions = json_object_get(hello, "sessions");
    assert_true(json_is_false(json_object_get(json_array_get(sessions, 0), "wait")));
    assert_int_equal(json_is_true(json_object_get(json_array_get(sessions, 1), "wait")), !admitted);
    json_decref(hello);
    if (!admitted) (void)admit(h, d);
  }
  harness_free(h);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(knock_and_enter),
                                     cmocka_unit_test(a_name_before_the_room),
                                     cmocka_unit_test(who_waits),
                                     cmocka_unit_test(declined),
                                     cmocka_unit_test(nothing_is_seen_from_outside),
                                     cmocka_unit_test(times_out),
                                     cmocka_unit_test(an_empty_room_with_a_queue),
                                     cmocka_unit_test(caps),
                                     cmocka_unit_test(all_at_once),
                                     cmocka_unit_test(sent_back),
                                     cmocka_unit_test(lost_while_waiting),
                                     cmocka_unit_test(lost_for_good),
                                     cmocka_unit_test(inside_already),
                                     cmocka_unit_test(the_room_closes),
                                     cmocka_unit_test(draining),
                                     cmocka_unit_test(hello_says_who_waits)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
