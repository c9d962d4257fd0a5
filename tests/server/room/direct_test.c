/* tests/server/room/direct_test.c: the direct connection of two as clients and the engine see it: order of events, relay of
 * signals, who is told, policies, sync. */
#include "tests/server/room/harness.h"

#include <string.h>

static void up(struct harness *h, const struct seat *s) {
  assert_int_equal(room_manager_transport_state(h->m, s->handle, ROOM_TRANSPORT_CONNECTED, h->now_us), 0);
}

static struct seat *enter(struct harness *h, size_t i, const char *role) {
  struct seat *s = harness_connect(h, i, role, 4, 4);
  up(h, s);
  return s;
}

static json_int_t attempt_of(const struct seat *s) {
  return json_integer_value(json_object_get(json_object_get(s->model, "direct"), "attempt"));
}

static const char *state_of(const struct seat *s) {
  return json_string_value(json_object_get(json_object_get(s->model, "direct"), "state"));
}

static const char *topology_of(const struct seat *s) {
  return json_string_value(json_object_get(s->model, "topology"));
}

static void report(struct harness *h, struct seat *s, json_int_t attempt, const char *state) {
  assert_string_equal(harness_request(h, s, "directState", json_pack("{s:I, s:s}", "attempt", attempt, "state", state)),
                      "");
  harness_check(h);
}

static bool paused(const struct harness *h, const struct seat *s) {
  return harness_member(h, s)->paused;
}

static void go_direct(struct harness *h, struct seat *a, struct seat *b) {
  json_int_t attempt = attempt_of(a);
  assert_int_not_equal(attempt, 0);
  report(h, a, attempt, "connected");
  report(h, b, attempt, "connected");
  assert_string_equal(topology_of(a), "p2p");
}

static const char *field(const json_t *event, const char *name) {
  return json_string_value(json_object_get(event, name));
}

static void two_then_three_then_two(void **state) {
  (void)state;
  struct harness *h = harness_new(1);
  struct seat *a = enter(h, 0, "doctor");
  assert_int_equal(harness_count(a, "direct"), 0);
  struct seat *b = harness_connect(h, 1, "patient", 4, 4);
  assert_int_equal(harness_count(a, "direct"), 0); /* its transport is not there yet */
  up(h, b);
  const json_t *to_a = harness_last(a, "direct"), *to_b = harness_last(b, "direct");
  assert_string_equal(field(to_a, "peer"), b->participant);
  assert_string_equal(field(to_b, "peer"), a->participant);
  assert_true(json_is_false(json_object_get(to_a, "polite")));
  assert_true(json_is_true(json_object_get(to_b, "polite")));
  assert_string_equal(field(to_a, "iceTransportPolicy"), "all");
  json_int_t attempt = attempt_of(a);
  report(h, a, attempt, "connected");
  assert_false(paused(h, a));
  report(h, b, attempt, "connected");
  assert_true(paused(h, a) && paused(h, b));
  assert_string_equal(topology_of(b), "p2p");
  harness_forget(h);

  struct seat *c = enter(h, 2, "interpreter");
  assert_string_equal(topology_of(c), "p2p"); /* until the two have swapped */
  assert_null(json_object_get(c->model, "direct"));
  report(h, b, attempt, "sending");
  assert_true(paused(h, a) && !paused(h, b)); /* each as soon as it says that it sends: make before break */
  harness_advance(h, SECOND / 2);
  assert_false(paused(h, a)); /* it never did */
  const json_t *changing = harness_last(a, "topologyChanging");
  assert_string_equal(field(changing, "to"), "sfu");
  assert_string_equal(field(changing, "reason"), "room");
  assert_int_equal(harness_count(c, "topologyChanging"), 0);
  report(h, b, attempt, "swapped");
  assert_string_equal(topology_of(a), "p2p");
  report(h, a, attempt, "swapped");
  for (size_t i = 0; i < 3; i++) {
    assert_int_equal(harness_count(&h->seats[i], "topology"), 1); /* one event, to everybody */
    assert_string_equal(topology_of(&h->seats[i]), "sfu");
  }
  assert_null(json_object_get(a->model, "direct"));
  harness_advance(h, 60 * SECOND);
  (void)harness_request(h, c, "leave", NULL);
  harness_advance(h, 5 * SECOND - 1);
  assert_int_equal(harness_count(a, "direct"), 0);
  harness_advance(h, 1);
  assert_int_equal(attempt_of(a), attempt + 1);
  go_direct(h, a, b);
  harness_free(h);
}

static void signals_are_relayed_while_it_lives(void **state) {
  (void)state;
  struct harness *h = harness_new(1);
  struct seat *a = enter(h, 0, "doctor"), *b = enter(h, 1, "patient");
  json_int_t attempt = attempt_of(a);
  assert_string_equal(harness_request(h, a, "signal",
                                      json_pack("{s:I, s:{s:s, s:s}}", "attempt", attempt, "description", "type",
                                                "offer", "sdp", "v=0")),
                      "");
  assert_true(json_is_true(json_object_get(json_object_get(a->last, "ok"), "delivered")));
  const json_t *got = harness_last(b, "signal");
  assert_string_equal(field(got, "from"), a->participant);
  assert_string_equal(field(json_object_get(got, "description"), "sdp"), "v=0");
  assert_null(json_object_get(got, "candidate"));
  assert_string_equal(harness_request(h, b, "signal",
                                      json_pack("{s:I, s:{s:s, s:s, s:i}}", "attempt", attempt, "candidate",
                                                "candidate", "candidate:1", "sdpMid", "0", "sdpMLineIndex", 0)),
                      "");
  assert_string_equal(field(json_object_get(harness_last(a, "signal"), "candidate"), "sdpMid"), "0");
  /* both, or neither, or another number */
  assert_string_equal(harness_request(h, a, "signal", json_pack("{s:I}", "attempt", attempt)), "bad_request");
  assert_string_equal(harness_request(h, a, "signal",
                                      json_pack("{s:I, s:{s:s, s:s}, s:{s:s}}", "attempt", attempt, "description",
                                                "type", "offer", "sdp", "v=0", "candidate", "candidate", "")),
                      "bad_request");
  harness_forget(h);
  assert_string_equal(
      harness_request(h, a, "signal",
                      json_pack("{s:I, s:{s:s}}", "attempt", attempt + 1, "candidate", "candidate", "")),
      "");
  assert_true(json_is_false(json_object_get(json_object_get(a->last, "ok"), "delivered")));
  assert_int_equal(harness_count(b, "signal"), 0);
  /* a third has no part in it */
  struct seat *c = enter(h, 2, "interpreter");
  (void)harness_request(h, c, "signal", json_pack("{s:I, s:{s:s}}", "attempt", attempt, "candidate", "candidate", ""));
  assert_true(json_is_false(json_object_get(json_object_get(c->last, "ok"), "delivered")));
  report(h, c, attempt, "swapped");
  assert_int_equal(harness_count(a, "signal") + harness_count(b, "signal"), 0);
  harness_free(h);
}

static void sizes_of_signals(void **state) {
  (void)state;
  struct harness *h = harness_new(1);
  struct seat *a = enter(h, 0, "doctor"), *b = enter(h, 1, "patient");
  static char sdp[49154];
  memset(sdp, 'a', sizeof sdp - 1);
  assert_string_equal(harness_request(h, a, "signal",
                                      json_pack("{s:I, s:{s:s, s:s}}", "attempt", attempt_of(a), "description", "type",
                                                "offer", "sdp", sdp)),
                      "bad_request");
  sdp[49152] = '\0';
  assert_string_equal(harness_request(h, a, "signal",
                                      json_pack("{s:I, s:{s:s, s:s}}", "attempt", attempt_of(a), "description", "type",
                                                "answer", "sdp", sdp)),
                      "");
  sdp[1025] = '\0';
  assert_string_equal(
      harness_request(h, b, "signal",
                      json_pack("{s:I, s:{s:s}}", "attempt", attempt_of(a), "candidate", "candidate", sdp)),
      "bad_request");
  assert_string_equal(harness_request(h, b, "signal",
                                      json_pack("{s:I, s:{s:s, s:s}}", "attempt", attempt_of(a), "description", "type",
                                                "rollback", "sdp", "v=0")),
                      "bad_request");
  harness_free(h);
}

static void who_keeps_a_room_on_the_server(void **state) {
  (void)state;
  struct harness *h = harness_new(1);
  struct seat *a = enter(h, 0, "doctor"), *b = harness_open(h, 1, "patient");
  (void)harness_request(h, b, "join", json_pack("{s:s}", "topology", "never"));
  up(h, b);
  harness_advance(h, 10 * SECOND);
  assert_int_equal(harness_count(a, "direct"), 0);
  (void)harness_request(h, b, "leave", NULL);
  (void)harness_request(h, b, "join", NULL);
  up(h, b);
  go_direct(h, a, b);
  struct seat *o = harness_join(h, 2, "observer"); /* nobody sees it, but it has to see */
  assert_string_equal(state_of(a), "returning");
  report(h, a, attempt_of(a), "swapped");
  report(h, b, attempt_of(b), "swapped");
  assert_string_equal(topology_of(o), "sfu");
  harness_advance(h, 60 * SECOND);
  assert_null(json_object_get(a->model, "direct"));
  (void)harness_request(h, o, "leave", NULL);
  harness_advance(h, 5 * SECOND);
  go_direct(h, a, b);
  harness_free(h);
}

static void policies(void **state) {
  (void)state;
  struct harness *h = harness_new(1);
  struct seat *a = enter(h, 0, "doctor"), *b = enter(h, 1, "patient");
  go_direct(h, a, b);
  assert_string_equal(harness_request(h, b, "setPolicy", json_pack("{s:s}", "topology", "never")), "forbidden");
  assert_string_equal(harness_request(h, a, "setPolicy", json_pack("{s:s}", "topology", "never")), "");
  assert_string_equal(field(json_object_get(harness_last(b, "policyChanged"), "policy"), "topology"), "never");
  assert_int_equal(harness_count(a, "policyChanged"), 0); /* who acts is told by the reply */
  assert_string_equal(state_of(b), "returning");
  report(h, a, attempt_of(a), "swapped");
  report(h, b, attempt_of(b), "swapped");
  harness_advance(h, 60 * SECOND);
  assert_null(json_object_get(a->model, "direct"));
  harness_forget(h);
  assert_string_equal(
      harness_request(h, a, "setPolicy", json_pack("{s:s, s:s}", "topology", "auto", "iceTransportPolicy", "relay")),
      "");
  assert_string_equal(field(harness_last(b, "direct"), "iceTransportPolicy"), "relay");
  go_direct(h, a, b);
  harness_forget(h);
  assert_string_equal(harness_request(h, a, "setPolicy", json_pack("{s:s}", "iceTransportPolicy", "relay")), "");
  assert_int_equal(harness_count(b, "policyChanged"), 0); /* nothing changed */
  assert_string_equal(state_of(b), "connected");
  harness_free(h);
}

static void room_policy_of_the_operator(struct room_settings *settings) {
  settings->policy.never_direct = true;
}

static void operators_policy(void **state) {
  (void)state;
  struct harness *h = harness_new_with(1, room_policy_of_the_operator);
  struct seat *a = enter(h, 0, "doctor");
  (void)enter(h, 1, "patient");
  harness_advance(h, 60 * SECOND);
  assert_int_equal(harness_count(a, "direct"), 0);
  assert_string_equal(field(json_object_get(a->model, "policy"), "topology"), "never");
  harness_free(h);
}

/* The other one's page is loaded again: its connection is gone with it, so there is nothing to hand over. */
static void reload(void **state) {
  (void)state;
  struct harness *h = harness_new(1);
  struct seat *a = enter(h, 0, "doctor"), *b = enter(h, 1, "patient");
  go_direct(h, a, b);
  json_int_t attempt = attempt_of(a);
  harness_forget(h);
  struct seat *again = harness_open_as(h, 2, "patient", "r", "u1");
  assert_string_equal(harness_request(h, again, "join", NULL), "");
  assert_string_equal(topology_of(a), "sfu");
  assert_int_equal(harness_count(a, "topology"), 1);
  assert_int_equal(harness_count(a, "topologyChanging"), 0);
  assert_true(paused(h, a)); /* until it says that it sends */
  report(h, a, attempt, "sending");
  assert_false(paused(h, a));
  assert_string_equal(harness_send_offer(h, again, 4, 4), "");
  up(h, again);
  assert_int_equal(attempt_of(a), attempt + 1); /* at once: these two have never failed */
  harness_check(h);
  harness_free(h);
}

static void lost_sockets(void **state) {
  (void)state;
  struct harness *h = harness_new(1);
  struct seat *a = enter(h, 0, "doctor"), *b = enter(h, 1, "patient");
  json_int_t attempt = attempt_of(a);
  report(h, b, attempt, "connected");
  harness_lost(h, a); /* while connecting: it may have swapped without our hearing of it */
  assert_string_equal(state_of(b), "returning");
  report(h, b, attempt, "swapped");
  harness_advance(h, 20 * SECOND);
  assert_string_equal(state_of(b), "returning"); /* the other one is waited for */
  harness_resumed(h, a);
  harness_check(h);
  assert_string_equal(state_of(a), "returning"); /* as sync says */
  report(h, a, attempt, "swapped");
  assert_null(json_object_get(b->model, "direct"));
  harness_advance(h, 5 * SECOND);
  go_direct(h, a, b);
  harness_lost(h, b); /* while direct: the call goes on */
  harness_advance(h, 20 * SECOND);
  assert_string_equal(topology_of(a), "p2p");
  harness_resumed(h, b);
  harness_check(h);
  assert_string_equal(state_of(b), "connected");
  harness_forget(h);
  harness_lost(h, b);
  harness_advance(h, 31 * SECOND); /* for good */
  assert_string_equal(topology_of(a), "sfu");
  assert_int_equal(harness_count(a, "topology"), 1);
  harness_advance(h, SECOND / 2);
  assert_false(paused(h, a));
  harness_free(h);
}

/* The gateway exchanges a half-dead socket without a `lost`: what was under way may not have arrived. */
static void exchanged_socket(void **state) {
  (void)state;
  struct harness *h = harness_new(1);
  struct seat *a = enter(h, 0, "doctor"), *b = enter(h, 1, "patient");
  harness_resumed(h, b);
  harness_check(h);
  assert_string_equal(state_of(a), "returning");
  report(h, a, attempt_of(a), "swapped");
  report(h, b, attempt_of(b), "swapped");
  harness_advance(h, 5 * SECOND);
  go_direct(h, a, b);
  harness_resumed(h, b);
  harness_check(h);
  assert_string_equal(state_of(a), "connected");
  harness_free(h);
}

/* A trial that comes to nothing is nobody's business but the two's. */
static void a_failure_is_told_to_the_two(void **state) {
  (void)state;
  struct harness *h = harness_new(1);
  struct seat *a = enter(h, 0, "doctor"), *b = enter(h, 1, "patient");
  harness_advance(h, 3 * SECOND);
  assert_string_equal(field(harness_last(a, "topologyChanging"), "reason"), "timeout");
  struct seat *c = harness_join(h, 2, "interpreter");
  report(h, a, attempt_of(a), "swapped");
  report(h, b, attempt_of(b), "swapped");
  assert_int_equal(harness_count(a, "topology"), 1);
  assert_int_equal(harness_count(b, "topology"), 1);
  assert_int_equal(harness_count(c, "topology"), 0);
  const struct topology_stats *stats = room_manager_direct_stats(h->m);
  assert_int_equal(stats->attempts, 1);
  assert_int_equal(stats->timed_out, 1);
  assert_int_equal(room_manager_counts(h->m).direct, 0);
  harness_free(h);
}

static void the_end_of_a_room(void **state) {
  (void)state;
  struct harness *h = harness_new(1);
  struct seat *a = enter(h, 0, "doctor"), *b = enter(h, 1, "patient");
  json_int_t attempt = attempt_of(a);
  go_direct(h, a, b);
  assert_int_equal(room_manager_counts(h->m).direct, 1);
  harness_forget(h);
  (void)harness_request(h, a, "kick", json_pack("{s:s}", "participant", b->participant));
  assert_string_equal(topology_of(a), "sfu");
  assert_int_equal(harness_count(b, "topology"), 0);
  report(h, a, attempt, "sending");
  b = enter(h, 1, "patient");
  go_direct(h, a, b);
  harness_forget(h);
  (void)harness_request(h, a, "close", NULL);
  assert_int_equal(harness_count(a, "topology") + harness_count(b, "topology"), 0); /* `closed` says it all */
  assert_int_equal(room_manager_counts(h->m).rooms, 0);
  harness_free(h);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(two_then_three_then_two),
                                     cmocka_unit_test(signals_are_relayed_while_it_lives),
                                     cmocka_unit_test(sizes_of_signals),
                                     cmocka_unit_test(who_keeps_a_room_on_the_server),
                                     cmocka_unit_test(policies),
                                     cmocka_unit_test(operators_policy),
                                     cmocka_unit_test(reload),
                                     cmocka_unit_test(lost_sockets),
                                     cmocka_unit_test(exchanged_socket),
                                     cmocka_unit_test(a_failure_is_told_to_the_two),
                                     cmocka_unit_test(the_end_of_a_room)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
