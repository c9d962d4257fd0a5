/* tests/server/room/chat_test.c: messages, history and its cap, private ones, sizes. */
#include <stdio.h>
#include <string.h>

#include "tests/server/room/harness.h"

static size_t history(struct harness *h, const struct seat *s) {
  json_t *list = chat_history(harness_member(h, s)->room, s->identity);
  size_t count = json_array_size(list);
  json_decref(list);
  return count;
}

static const char *say(struct harness *h, struct seat *s, const char *text, const char *to) {
  json_t *fields = json_pack("{s:s}", "text", text);
  if (to) json_object_set_new(fields, "to", json_string(to));
  return harness_request(h, s, "chat", fields);
}

static void to_all_and_to_one(void **state) {
  (void)state;
  struct harness *h = harness_new(1);
  struct seat *a = harness_join(h, 0, "doctor"), *b = harness_join(h, 1, "patient"), *c = harness_join(h, 2, "patient");
  assert_string_equal(say(h, a, "hello", NULL), "");
  assert_int_equal(harness_count(a, "chat"), 0); /* who writes has the reply */
  assert_int_equal(harness_count(b, "chat"), 1);
  const json_t *event = harness_last(c, "chat");
  assert_string_equal(json_string_value(json_object_get(event, "text")), "hello");
  assert_string_equal(json_string_value(json_object_get(event, "from")), a->participant);
  assert_null(json_object_get(event, "to"));
  assert_int_equal(json_integer_value(json_object_get(event, "at")), (h->now_us + h->settings.wall_us) / 1000);
  assert_string_equal(say(h, a, "psst", b->participant), "");
  assert_int_equal(harness_count(b, "chat"), 2);
  assert_int_equal(harness_count(c, "chat"), 1);
  assert_int_equal(history(h, a), 2);
  assert_int_equal(history(h, b), 2);
  assert_int_equal(history(h, c), 1); /* not its business, then or later */
  assert_string_equal(say(h, a, "?", "p_none"), "participant_not_found");
  harness_check(h);
  harness_free(h);
}

static void the_private_history_follows_the_person(void **state) {
  (void)state;
  struct harness *h = harness_new(1);
  struct seat *a = harness_join(h, 0, "doctor"), *b = harness_join(h, 1, "patient");
  assert_string_equal(say(h, a, "psst", b->participant), "");
  (void)harness_request(h, b, "leave", NULL);
  assert_string_equal(harness_request(h, b, "join", NULL), ""); /* a new participant id */
  assert_int_equal(json_array_size(json_object_get(b->model, "chat")), 1);
  harness_free(h);
}

static void caps(void **state) {
  (void)state;
  struct harness *h = harness_new(1);
  struct seat *a = harness_join(h, 0, "doctor");
  for (int i = 0; i < 203; i++) {
    char text[16];
    (void)snprintf(text, sizeof text, "%d", i);
    assert_string_equal(say(h, a, text, NULL), "");
  }
  assert_int_equal(history(h, a), 200);
  json_t *list = chat_history(harness_member(h, a)->room, a->identity);
  assert_string_equal(json_string_value(json_object_get(json_array_get(list, 0), "text")), "3");
  json_decref(list);
  char long_text[SIGNALING_CHAT_BYTES + 2];
  memset(long_text, 'x', sizeof long_text);
  long_text[SIGNALING_CHAT_BYTES] = '\0';
  assert_string_equal(say(h, a, long_text, NULL), "");
  long_text[SIGNALING_CHAT_BYTES] = 'x';
  long_text[SIGNALING_CHAT_BYTES + 1] = '\0';
  assert_string_not_equal(say(h, a, long_text, NULL), "");
  assert_string_equal(say(h, a, "", NULL), "bad_request");
  harness_check(h);
  harness_free(h);
}

static void long_messages_do_not_make_a_snapshot_too_long_to_send(void **state) {
  (void)state;
  struct harness *h = harness_new(1);
  struct seat *a = harness_join(h, 0, "doctor");
  char text[SIGNALING_CHAT_BYTES + 1];
  memset(text, '"', sizeof text - 1); /* two bytes each in JSON */
  text[sizeof text - 1] = '\0';
  for (int i = 0; i < 200; i++)
    assert_string_equal(say(h, a, text, NULL), "");
  json_t *list = chat_history(harness_member(h, a)->room, a->identity);
  assert_in_range(json_array_size(list), 60, 64);
  assert_true(json_dumpb(list, NULL, 0, JSON_COMPACT) <= (512 << 10) + 100);
  json_decref(list);
  assert_string_equal(say(h, a, "short", NULL), "");
  assert_in_range(history(h, a), 60, 64);
  harness_free(h);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(to_all_and_to_one),
                                     cmocka_unit_test(the_private_history_follows_the_person), cmocka_unit_test(caps),
                                     cmocka_unit_test(long_messages_do_not_make_a_snapshot_too_long_to_send)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
