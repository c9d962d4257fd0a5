/* tests/signaling/json_limits_test.c: what is refused before and while jansson builds a tree. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "signaling/json_limits.h"

static int parse(const char *text) {
  json_t *json = NULL;
  int error = json_limits_parse(text, strlen(text), JSON_LIMITS_MESSAGE_BYTES, &json);
  assert_true((error == 0) == (json != NULL));
  json_decref(json);
  return error;
}

static void test_accepts(void **state) {
  (void)state;
  assert_int_equal(parse("{}"), 0);
  assert_int_equal(parse(" {\"a\":[1,2.5,null,true,\"\\u00e9\xc3\xa9\"]} \n"), 0);
  assert_int_equal(parse("{\"a\":\"}]{[\\\"{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{\"}"),
                   0); /* brackets in strings nest nothing */
}

static void test_refuses(void **state) {
  (void)state;
  static const struct {
    const char *text;
    int error;
  } cases[] = {
      {"", JSON_LIMITS_SYNTAX},
      {"{", JSON_LIMITS_SYNTAX},
      {"{}x", JSON_LIMITS_SYNTAX},
      {"{} {}", JSON_LIMITS_SYNTAX},
      {"{\"a\":1,}", JSON_LIMITS_SYNTAX},
      {"{'a':1}", JSON_LIMITS_SYNTAX},
      {"{\"a\":NaN}", JSON_LIMITS_SYNTAX},
      {"{\"a\":01}", JSON_LIMITS_SYNTAX},
      {"{\"a\":99999999999999999999}", JSON_LIMITS_SYNTAX},
      {"{\"a\":1e999}", JSON_LIMITS_SYNTAX},
      {"{\"a\":\"\\u0000\"}", JSON_LIMITS_SYNTAX},
      {"{\"a\":\"\\ud800\"}", JSON_LIMITS_SYNTAX},
      {"{\"a\":\"\xc0\xaf\"}", JSON_LIMITS_SYNTAX},
      {"{\"a\":\"\xed\xa0\x80\"}", JSON_LIMITS_SYNTAX},
      {"{\"a\":\"\n\"}", JSON_LIMITS_SYNTAX},
      {"\xef\xbb\xbf{}", JSON_LIMITS_SYNTAX},
      {"{\"a\":1,\"a\":2}", JSON_LIMITS_DUPLICATE},
      {"{\"b\":{\"a\":1,\"\\u0061\":2}}", JSON_LIMITS_DUPLICATE},
      {"[]", JSON_LIMITS_NOT_OBJECT},
      {"\"x\"", JSON_LIMITS_NOT_OBJECT},
      {"null", JSON_LIMITS_NOT_OBJECT},
  };
  for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
    if (parse(cases[i].text) != cases[i].error) fail_msg("case %zu: %s", i, cases[i].text);
}

static void test_nul_byte_does_not_end_the_text(void **state) {
  (void)state;
  json_t *json;
  assert_int_equal(json_limits_parse("{}\0{}", 5, 100, &json), JSON_LIMITS_SYNTAX);
}

static void test_depth(void **state) {
  (void)state;
  char text[4096];
  for (int depth = 31; depth <= 33; depth++) {
    size_t n = (size_t)snprintf(text, sizeof(text), "{\"a\":");
    for (int i = 1; i < depth; i++)
      text[n++] = '[';
    for (int i = 1; i < depth; i++)
      text[n++] = ']';
    text[n++] = '}';
    text[n] = '\0';
    assert_int_equal(parse(text), depth <= JSON_LIMITS_DEPTH ? 0 : JSON_LIMITS_TOO_DEEP);
  }
}

static void test_size_and_count(void **state) {
  (void)state;
  static char text[JSON_LIMITS_MESSAGE_BYTES + 64];
  size_t n = (size_t)snprintf(text, sizeof(text), "{\"a\":\"");
  memset(text + n, 'x', JSON_LIMITS_MESSAGE_BYTES - n - 2);
  (void)snprintf(text + JSON_LIMITS_MESSAGE_BYTES - 2, 4, "\"}");
  assert_int_equal(parse(text), 0);
  (void)snprintf(text + JSON_LIMITS_MESSAGE_BYTES - 2, 5, "x\"}");
  assert_int_equal(parse(text), JSON_LIMITS_TOO_LARGE);
  for (int more = 0; more < 2; more++) {
    n = (size_t)snprintf(text, sizeof(text), "{\"a\":[0");
    for (int i = 0; i < JSON_LIMITS_VALUES - 3 + more; i++)
      n += (size_t)snprintf(text + n, 3, ",0");
    (void)snprintf(text + n, 3, "]}");
    assert_int_equal(parse(text), more ? JSON_LIMITS_TOO_MANY : 0);
  }
}

static void test_integer(void **state) {
  (void)state;
  json_t *json;
  int64_t n = -1;
  const char *text = "{\"a\":7,\"b\":7.0,\"c\":\"7\",\"d\":true}";
  assert_int_equal(json_limits_parse(text, strlen(text), 100, &json), 0);
  assert_int_equal(json_limits_integer(json, "a", 7, 7, &n), 0);
  assert_int_equal(n, 7);
  assert_int_equal(json_limits_integer(json, "a", 8, 9, &n), -1);
  assert_int_equal(json_limits_integer(json, "a", 0, 6, &n), -1);
  assert_int_equal(json_limits_integer(json, "b", 0, 9, &n), -1);
  assert_int_equal(json_limits_integer(json, "c", 0, 9, &n), -1);
  assert_int_equal(json_limits_integer(json, "d", 0, 9, &n), -1);
  assert_int_equal(json_limits_integer(json, "e", 0, 9, &n), -1);
  json_decref(json);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_accepts),
      cmocka_unit_test(test_refuses),
      cmocka_unit_test(test_nul_byte_does_not_end_the_text),
      cmocka_unit_test(test_depth),
      cmocka_unit_test(test_size_and_count),
      cmocka_unit_test(test_integer),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
