/* tests/server/room/requests_test.c: every role × request pair, in a room and outside, and malformed requests. */
#include <string.h>

#include "tests/server/room/harness.h"

/* What each role may do, written down here a second time on purpose: the table in signaling/ has to agree. */
static const struct {
  const char *type, *fields;
  const char *may; /* first letters of the roles: d p i o a */
  bool without_room;
} requests[] = {
    {"check", "{\"room\":\"r\"}", "dpioa", true},
    {"join", "{}", "dpioa", true},
    {"leave", "{}", "dpioa", false},
    {"offer", "{\"offer\":{\"media\":[]}}", "dpioa", false},
    {"candidate", "{\"candidate\":\"\"}", "dpioa", false},
    {"publish", "{\"tracks\":[{\"mid\":\"mic\",\"source\":\"microphone\"}]}", "dpia", false},
    {"unpublish", "{\"tracks\":[\"t_x\"]}", "dpia", false},
    {"mute", "{\"track\":\"t_x\",\"muted\":true}", "dpia", false},
    {"view", "{\"requests\":[]}", "dpioa", false},
    {"chat", "{\"text\":\"hello\"}", "dpia", false},
    {"kick", "{\"participant\":\"p_x\"}", "da", false},
    {"lock", "{\"locked\":true}", "da", false},
    {"close", "{}", "da", false},
    {"setName", "{\"name\":\"Ada\"}", "dpia", true},
    {"raiseHand", "{\"raised\":true}", "dpia", false},
    {"ping", "{}", "dpioa", true},
};
static const char *const roles[] = {"doctor", "patient", "interpreter", "observer", "admin"};

static const char *send_request(struct harness *h, struct seat *s, size_t i) {
  return harness_request(h, s, requests[i].type, json_loads(requests[i].fields, 0, NULL));
}

static void every_role_and_request(void **state) {
  (void)state;
  for (size_t role = 0; role < 5; role++)
    for (size_t i = 0; i < sizeof requests / sizeof *requests; i++) {
      struct harness *h = harness_new(1 + i);
      struct seat *outside = harness_open(h, 0, roles[role]);
      struct seat *inside = harness_join(h, 1, roles[role]);
      bool may = strchr(requests[i].may, roles[role][0]);
      const char *error = send_request(h, outside, i);
      const char *expected = !may ? "forbidden" : requests[i].without_room ? "" : "not_joined";
      if (strcmp(error, expected) != 0) fail_msg("outside: %s %s: %s", roles[role], requests[i].type, error);
      error = send_request(h, inside, i);
      if (may == (strcmp(error, "forbidden") == 0)) fail_msg("inside: %s %s: %s", roles[role], requests[i].type, error);
      harness_check(h);
      harness_free(h);
    }
}

static void hidden_only_where_allowed(void **state) {
  (void)state;
  for (size_t role = 0; role < 5; role++) {
    struct harness *h = harness_new(1);
    struct seat *s = harness_open(h, 0, roles[role]);
    bool may = roles[role][0] == 'o' || roles[role][0] == 'a';
    assert_string_equal(harness_request(h, s, "join", json_pack("{s:b}", "hidden", 1)), may ? "" : "forbidden");
    if (may) {
      assert_true(harness_member(h, s)->hidden);
      for (size_t i = 0; i < sizeof requests / sizeof *requests; i++) {
        const char *type = requests[i].type; /* what would show a hidden one, or itself */
        if (strcmp(type, "publish") != 0 && strcmp(type, "chat") != 0 && strcmp(type, "raiseHand") != 0) continue;
        assert_string_equal(send_request(h, s, i), "forbidden");
      }
    }
    harness_free(h);
  }
}

static void malformed(void **state) {
  (void)state;
  static const struct {
    const char *message, *code;
  } cases[] = {{"{\"id\":1}", "bad_message"},
               {"{\"type\":\"ping\"}", "bad_message"},
               {"[]", "bad_message"},
               {"{\"id\":1,\"type\":\"dance\"}", "unknown_type"},
               {"{\"id\":1,\"type\":\"hello\",\"version\":1}", "bad_request"},
               {"{\"id\":1,\"type\":\"chat\",\"text\":7}", "bad_request"},
               {"{\"id\":1,\"type\":\"mute\",\"track\":\"t_x\"}", "bad_request"},
               {"{\"id\":1,\"type\":\"offer\"}", "bad_request"},
               {"{\"id\":1,\"type\":\"offer\",\"sdp\":\"v=0\"}", "bad_request"},
               {"{\"id\":1,\"type\":\"offer\",\"offer\":[]}", ""}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    struct harness *h = harness_new(1);
    struct seat *s = harness_join(h, 0, "doctor");
    json_t *message = json_loads(cases[i].message, 0, NULL);
    /* a message without a usable id is answered with 0 */
    json_object_set_new(s->outstanding, "0", json_pack("{s:s}", "type", "?"));
    json_object_set_new(s->outstanding, "1", json_pack("{s:s, s:{s:[]}}", "type", "offer", "offer", "media"));
    assert_int_equal(room_manager_request(h->m, s->session, message, h->now_us), 0);
    const char *code = json_string_value(json_object_get(json_object_get(s->last, "error"), "code"));
    assert_string_equal(code ? code : "", cases[i].code);
    assert_int_equal(json_object_size(s->outstanding), 1); /* exactly one reply */
    json_decref(message);
    harness_free(h);
  }
}

static void lock_name_hand_check(void **state) {
  (void)state;
  struct harness *h = harness_new(1);
  struct seat *a = harness_join(h, 0, "doctor"), *b = harness_join(h, 1, "patient");
  assert_string_equal(harness_request(h, a, "lock", json_pack("{s:b}", "locked", 1)), "");
  assert_string_equal(harness_request(h, a, "lock", json_pack("{s:b}", "locked", 1)), "");
  assert_int_equal(harness_count(b, "roomLocked"), 1); /* told when it changes */
  assert_int_equal(harness_count(a, "roomLocked"), 0);
  assert_string_equal(harness_request(h, b, "setName", json_pack("{s:s}", "name", "Bea")), "");
  assert_string_equal(harness_request(h, b, "raiseHand", json_pack("{s:b}", "raised", 1)), "");
  assert_int_equal(harness_count(a, "participantUpdated"), 2);
  const json_t *who = json_object_get(harness_last(a, "participantUpdated"), "participant");
  assert_string_equal(json_string_value(json_object_get(who, "name")), "Bea");
  assert_true(json_is_true(json_object_get(who, "handRaised")));
  assert_string_equal(harness_request(h, b, "check", json_pack("{s:s}", "room", "r")), "");
  const json_t *ok = json_object_get(b->last, "ok");
  assert_int_equal(json_integer_value(json_object_get(ok, "participants")), 2);
  assert_true(json_is_true(json_object_get(ok, "locked")));
  assert_false(json_is_true(json_object_get(ok, "mayJoin")));
  assert_string_equal(json_string_value(json_object_get(ok, "reason")), "room_locked");
  /* a token is for one room: whether others exist is nobody's business */
  assert_string_equal(harness_request(h, b, "check", json_pack("{s:s}", "room", "other")), "forbidden");
  assert_string_equal(harness_request(h, b, "ping", NULL), "");
  assert_int_equal(json_integer_value(json_object_get(json_object_get(b->last, "ok"), "at")),
                   (h->now_us + h->settings.wall_us) / 1000);
  harness_check(h);
  harness_free(h);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(every_role_and_request),
                                     cmocka_unit_test(hidden_only_where_allowed), cmocka_unit_test(malformed),
                                     cmocka_unit_test(lock_name_hand_check)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
