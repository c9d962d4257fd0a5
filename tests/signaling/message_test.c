/* tests/signaling/message_test.c: requests against the schema, refusals, and what is encoded. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "signaling/json_limits.h"
#include "signaling/message.h"

static struct signaling_request request;
static struct signaling_refusal refusal;

static int decode(const char *text) {
  return signaling_request_decode(text, strlen(text), &request, &refusal);
}

static void test_decodes(void **state) {
  (void)state;
  assert_int_equal(
      decode("{\"id\":7,\"type\":\"chat\",\"text\":\"h\\u00e9\\n\",\"to\":\"p_1\",\"future\":{\"x\":[1]}}"), 0);
  assert_int_equal(request.id, 7);
  assert_int_equal(request.type, SIGNALING_CHAT);
  assert_string_equal(json_string_value(json_object_get(request.fields, "text")), "h\xc3\xa9\n");
  assert_int_equal(json_object_size(request.fields), 2); /* id, type and the unknown are gone */
  signaling_request_clear(&request);
  assert_null(request.fields);
}

static void test_unknown_members_of_members_are_dropped(void **state) {
  (void)state;
  assert_int_equal(
      decode("{\"id\":1,\"type\":\"publish\",\"tracks\":[{\"mid\":\"0\",\"source\":\"camera\",\"x\":{}}]}"), 0);
  const json_t *track = json_array_get(json_object_get(request.fields, "tracks"), 0);
  assert_int_equal(json_object_size(track), 2);
  signaling_request_clear(&request);
}

static void test_bad_messages(void **state) {
  (void)state;
  static const char *const texts[] = {
      "",
      "x",
      "[]",
      "{}",
      "{\"id\":1}",
      "{\"type\":\"ping\"}",
      "{\"id\":0,\"type\":\"ping\"}",
      "{\"id\":-1,\"type\":\"ping\"}",
      "{\"id\":2147483648,\"type\":\"ping\"}",
      "{\"id\":1.0,\"type\":\"ping\"}",
      "{\"id\":\"1\",\"type\":\"ping\"}",
      "{\"id\":1,\"type\":7}",
      "{\"id\":1,\"id\":2,\"type\":\"ping\"}",
  };
  for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
    assert_int_equal(decode(texts[i]), SIGNALING_BAD_MESSAGE);
    assert_int_equal(refusal.id, 0);
  }
  assert_int_equal(decode("{\"id\":2147483647,\"type\":\"fly\"}"), SIGNALING_UNKNOWN_TYPE);
  assert_int_equal(refusal.id, 2147483647);
}

/* Each breaks exactly one rule of the schema; the text names the field. */
static void test_bad_fields(void **state) {
  (void)state;
  static const char *const cases[][2] = {
      {"\"hello\"", "version"},
      {"\"hello\",\"version\":\"1\"", "version"},
      {"\"hello\",\"version\":1,\"token\":\"\"", "token"},
      {"\"hello\",\"version\":1,\"resume\":\"x\"", "resume"},
      {"\"hello\",\"version\":1,\"resume\":{\"session\":\"s_1\"}", "key"},
      {"\"hello\",\"version\":1,\"resume\":{\"session\":\"s_1\",\"key\":\"short\"}", "key"},
      {"\"check\"", "room"},
      {"\"check\",\"room\":\"\"", "room"},
      {"\"check\",\"room\":\"a b\"", "room"},
      {"\"check\",\"room\":\"a/b\"", "room"},
      {"\"join\",\"topology\":\"always\"", "topology"},
      {"\"join\",\"topology\":null", "topology"},
      {"\"join\",\"hidden\":1", "hidden"},
      {"\"offer\"", "sdp"},
      {"\"offer\",\"offer\":{}", "sdp"}, /* only the gateway may send a parsed one */
      {"\"candidate\",\"candidate\":null", "candidate"},
      {"\"candidate\",\"candidate\":\"\",\"mid\":\"a b\"", "mid"},
      {"\"publish\",\"tracks\":[]", "tracks"},
      {"\"publish\",\"tracks\":{}", "tracks"},
      {"\"publish\",\"tracks\":[1]", "tracks"},
      {"\"publish\",\"tracks\":[{\"mid\":\"0\"}]", "source"},
      {"\"publish\",\"tracks\":[{\"mid\":\"0\",\"source\":\"Camera\"}]", "source"},
      {"\"publish\",\"tracks\":[{\"mid\":\"0\",\"source\":\"camera\",\"width\":0}]", "width"},
      {"\"publish\",\"tracks\":[{\"mid\":\"0\",\"source\":\"camera\",\"height\":1.5}]", "height"},
      {"\"unpublish\",\"tracks\":[\"\"]", "tracks"},
      {"\"unpublish\",\"tracks\":[7]", "tracks"},
      {"\"mute\",\"track\":\"t_1\"", "muted"},
      {"\"mute\",\"muted\":true", "track"},
      {"\"view\"", "requests"},
      {"\"view\",\"requests\":[{\"track\":\"t\",\"width\":1,\"height\":1}]", "visible"},
      {"\"view\",\"requests\":[{\"track\":\"t\",\"width\":-1,\"height\":1,\"visible\":true}]", "width"},
      {"\"view\",\"requests\":[{\"track\":\"t\",\"width\":1,\"height\":16385,\"visible\":true}]", "height"},
      {"\"view\",\"requests\":[{\"track\":\"t\",\"width\":1,\"height\":1,\"visible\":true,\"priority\":\"max\"}]",
       "priority"},
      {"\"chat\",\"text\":\"\"", "text"},
      {"\"chat\",\"text\":\"\\u0007\"", "text"},
      {"\"chat\",\"text\":\"x\",\"to\":7", "to"},
      {"\"kick\",\"participant\":[]", "participant"},
      {"\"kick\",\"participant\":\"p\",\"reason\":\"a\\nb\"", "reason"},
      {"\"lock\",\"locked\":\"true\"", "locked"},
      {"\"setName\",\"name\":\"\"", "name"},
      {"\"setName\",\"name\":\"a\\u202eb\"", "name"},
      {"\"setName\",\"name\":\"a\\u0085b\"", "name"},
      {"\"raiseHand\"", "raised"},
  };
  for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
    char text[512], quoted[32];
    (void)snprintf(text, sizeof(text), "{\"id\":9,\"type\":%s}", cases[i][0]);
    (void)snprintf(quoted, sizeof(quoted), "\"%s\"", cases[i][1]);
    if (decode(text) != SIGNALING_BAD_REQUEST) fail_msg("accepted: %s", text);
    assert_int_equal(refusal.id, 9);
    if (!strstr(refusal.message, quoted)) fail_msg("%s: %s", text, refusal.message);
  }
}

static void test_length_limits(void **state) {
  (void)state;
  static char text[8192];
  for (int more = 0; more < 2; more++) {
    size_t n = (size_t)snprintf(text, sizeof(text), "{\"id\":1,\"type\":\"chat\",\"text\":\"");
    memset(text + n, 'x', (size_t)SIGNALING_CHAT_BYTES + (size_t)more);
    (void)snprintf(text + n + SIGNALING_CHAT_BYTES + more, 3, "\"}");
    assert_int_equal(decode(text), more ? SIGNALING_BAD_REQUEST : 0);
    if (!more) signaling_request_clear(&request);
    n = (size_t)snprintf(text, sizeof(text), "{\"id\":1,\"type\":\"check\",\"room\":\"");
    memset(text + n, 'x', (size_t)SIGNALING_IDENTIFIER_BYTES + (size_t)more);
    (void)snprintf(text + n + SIGNALING_IDENTIFIER_BYTES + more, 3, "\"}");
    assert_int_equal(decode(text), more ? SIGNALING_BAD_REQUEST : 0);
    if (!more) signaling_request_clear(&request);
  }
}

/* Only an offer may be larger than 64 KiB, and nothing larger than 256 KiB. */
static void test_large_messages(void **state) {
  (void)state;
  static char text[JSON_LIMITS_OFFER_BYTES + 100];
  static const char *const heads[] = {"{\"id\":3,\"type\":\"offer\",\"sdp\":\"",
                                      "{\"id\":3,\"type\":\"ping\",\"sdp\":\""};
  for (int i = 0; i < 2; i++) {
    size_t n = (size_t)snprintf(text, sizeof(text), "%s", heads[i]);
    memset(text + n, 'x', 100000);
    (void)snprintf(text + n + 100000, 3, "\"}");
    assert_int_equal(decode(text), i ? SIGNALING_TOO_LARGE : 0);
    if (i)
      assert_int_equal(refusal.id, 3);
    else
      signaling_request_clear(&request);
  }
  memset(text, ' ', sizeof(text));
  assert_int_equal(signaling_request_decode(text, sizeof(text), &request, &refusal), SIGNALING_TOO_LARGE);
}

static void test_from_json_takes_a_parsed_offer(void **state) {
  (void)state;
  json_t *message = json_pack("{s:i, s:s, s:{s:[]}}", "id", 5, "type", "offer", "offer", "media");
  assert_int_equal(signaling_request_from_json(message, &request, &refusal), 0);
  assert_true(json_is_array(json_object_get(json_object_get(request.fields, "offer"), "media")));
  signaling_request_clear(&request);
  json_decref(message);
  message = json_pack("{s:i, s:s}", "id", 5, "type", "offer");
  assert_int_equal(signaling_request_from_json(message, &request, &refusal), SIGNALING_BAD_REQUEST);
  json_decref(message);
}

static void expect(char *text, const char *expected) {
  assert_string_equal(text, expected);
  free(text);
}

static void test_encodes(void **state) {
  (void)state;
  expect(signaling_reply_encode(7, NULL), "{\"re\":7,\"ok\":{}}");
  expect(signaling_reply_encode(2147483647, json_pack("{s:i}", "at", 1)), "{\"re\":2147483647,\"ok\":{\"at\":1}}");
  expect(signaling_error_encode(0, SIGNALING_BAD_MESSAGE, "no"),
         "{\"re\":0,\"error\":{\"code\":\"bad_message\",\"message\":\"no\"}}");
  expect(signaling_error_encode(1, SIGNALING_ROOM_FULL, NULL),
         "{\"re\":1,\"error\":{\"code\":\"room_full\",\"message\":\"The room is full.\"}}");
  expect(signaling_rate_limited_encode(3, 1),
         "{\"re\":3,\"error\":{\"code\":\"rate_limited\",\"message\":\"Too many requests; wait before sending "
         "more.\",\"retryAfterMs\":1}}");
  expect(signaling_event_encode("draining", NULL), "{\"event\":\"draining\"}");
  expect(signaling_event_encode("topology", json_pack("{s:s, s:s}", "topology", "sfu", "event", "forged")),
         "{\"event\":\"topology\",\"topology\":\"sfu\"}");
}

static void test_names(void **state) {
  (void)state;
  enum signaling_type type;
  for (int i = 0; i < SIGNALING_TYPE_COUNT; i++) {
    assert_int_equal(signaling_type_parse(signaling_type_name((enum signaling_type)i), &type), 0);
    assert_int_equal(type, i);
  }
  assert_int_equal(signaling_type_parse("Hello", &type), -1);
  for (int e = -1; e > SIGNALING_ERROR_END; e--) {
    assert_int_equal(signaling_error_parse(signaling_error_name((enum signaling_error)e)), e);
    assert_true(strlen(signaling_error_text((enum signaling_error)e)) > 10);
  }
  assert_int_equal(signaling_error_parse("nonsense"), SIGNALING_INTERNAL);
  assert_string_equal(signaling_error_name(SIGNALING_ERROR_END), "internal");
}

static void test_text(void **state) {
  (void)state;
  assert_true(signaling_text_valid("\xe4\xbd\xa0\xe5\xa5\xbd \xf0\x9f\x91\x8b", 11, false));
  assert_false(signaling_text_valid("a\nb", 3, false));
  assert_true(signaling_text_valid("a\nb", 3, true));
  assert_false(signaling_text_valid("a\rb", 3, true));
  assert_false(signaling_text_valid("\xe2\x81\xa7", 3, true)); /* U+2067 RLI */
  assert_false(signaling_text_valid("\xe2\x81", 2, true));     /* cut */
  assert_false(signaling_text_valid("\x7f", 1, true));
  assert_false(signaling_identifier_valid("", 0));
  assert_false(signaling_identifier_valid("a\0b", 3));
  assert_true(signaling_identifier_valid("dr.lee+", 6));
  assert_false(signaling_identifier_valid("dr.lee+", 7));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_decodes),       cmocka_unit_test(test_unknown_members_of_members_are_dropped),
      cmocka_unit_test(test_bad_messages),  cmocka_unit_test(test_bad_fields),
      cmocka_unit_test(test_length_limits), cmocka_unit_test(test_large_messages),
      cmocka_unit_test(test_encodes),       cmocka_unit_test(test_from_json_takes_a_parsed_offer),
      cmocka_unit_test(test_names),         cmocka_unit_test(test_text),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
