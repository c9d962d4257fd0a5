/* tests/signaling/schema_test.c: the check itself on tables of its own: each kind at its borders, what is copied, what is said;
 * and that each request has its table. message_test.c plays whole requests against them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "signaling/schema.h"

static char why[200];
static json_t *result;

/* Checks the text against `fields`; the copy stays in `result`. */
static int check(const struct schema_field *fields, const char *text) {
  json_error_t error;
  json_t *object = json_loads(text, JSON_ALLOW_NUL, &error);
  if (!object) fail_msg("%s: %s", text, error.text);
  json_decref(result);
  result = NULL;
  why[0] = '\0';
  int code = schema_check(fields, object, &result, why, sizeof why);
  if (code) assert_null(result);
  json_decref(object);
  return code;
}

static void accepts(const struct schema_field *fields, const char *text) {
  if (check(fields, text)) fail_msg("%s: %s", text, why);
  assert_non_null(result);
}

static void refuses(const struct schema_field *fields, const char *text, const char *words) {
  if (check(fields, text) != SIGNALING_BAD_REQUEST) fail_msg("accepted: %s", text);
  assert_string_equal(why, words);
}

static int end(void **state) {
  (void)state;
  json_decref(result);
  result = NULL;
  return 0;
}

static void test_every_request_has_a_table(void **state) {
  (void)state;
  static const enum signaling_type without[] = {SIGNALING_LEAVE, SIGNALING_CLOSE, SIGNALING_PING, SIGNALING_ADMIT_ALL};
  for (int type = 0; type < SIGNALING_TYPE_COUNT; type++) {
    const struct schema_field *fields = schema_of((enum signaling_type)type);
    bool empty = false;
    if (!fields) fail_msg("%s has no table", signaling_type_name((enum signaling_type)type));
    for (size_t i = 0; i < sizeof without / sizeof *without; i++)
      empty = empty || without[i] == (enum signaling_type)type;
    if (!fields->name != empty) fail_msg("%s", signaling_type_name((enum signaling_type)type));
  }
  assert_null(schema_of(SIGNALING_TYPE_COUNT)->name);
  assert_null(schema_of((enum signaling_type) - 1)->name);
}

/* A table that cannot be checked against would be a hole: names, limits, choices and children are all there. */
static void check_table(const struct schema_field *fields) {
  for (const struct schema_field *f = fields; f->name; f++) {
    for (const struct schema_field *o = fields; o < f; o++)
      assert_string_not_equal(o->name, f->name);
    if (f->kind == SCHEMA_ENUM) assert_true(f->choices && f->choices[0]);
    if (f->kind == SCHEMA_OBJECT || f->kind == SCHEMA_OBJECTS) check_table(f->children);
    bool limited = f->kind == SCHEMA_TEXT || f->kind == SCHEMA_LINES || f->kind == SCHEMA_OPAQUE ||
                   f->kind == SCHEMA_INTEGER || f->kind == SCHEMA_OBJECTS || f->kind == SCHEMA_STRINGS;
    if (limited && !(f->max > f->min || (f->max == f->min && f->max > 0))) fail_msg("%s has no limits", f->name);
  }
}

static void test_tables_are_whole(void **state) {
  (void)state;
  for (int type = 0; type < SIGNALING_TYPE_COUNT; type++)
    check_table(schema_of((enum signaling_type)type));
}

static void test_integers_and_booleans(void **state) {
  (void)state;
  static const struct schema_field fields[] = {
      {.name = "n", .kind = SCHEMA_INTEGER, .min = -2, .max = 5}, {.name = "b", .kind = SCHEMA_BOOLEAN}, {0}};
  accepts(fields, "{\"n\":-2,\"b\":true}");
  accepts(fields, "{\"n\":5,\"b\":false}");
  accepts(fields, "{}");
  refuses(fields, "{\"n\":-3}", "\"n\" is out of range.");
  refuses(fields, "{\"n\":6}", "\"n\" is out of range.");
  refuses(fields, "{\"n\":9223372036854775807}", "\"n\" is out of range.");
  refuses(fields, "{\"n\":1.0}", "\"n\" must be an integer.");
  refuses(fields, "{\"n\":\"1\"}", "\"n\" must be an integer.");
  refuses(fields, "{\"n\":null}", "\"n\" must be an integer.");
  refuses(fields, "{\"n\":true}", "\"n\" must be an integer.");
  refuses(fields, "{\"b\":0}", "\"b\" must be true or false.");
  refuses(fields, "{\"b\":\"true\"}", "\"b\" must be true or false.");
  refuses(fields, "{\"b\":null}", "\"b\" must be true or false.");
}

static void test_strings(void **state) {
  (void)state;
  static const struct schema_field fields[] = {{.name = "text", .kind = SCHEMA_TEXT, .min = 1, .max = 4},
                                               {.name = "lines", .kind = SCHEMA_LINES, .min = 0, .max = 4},
                                               {.name = "opaque", .kind = SCHEMA_OPAQUE, .min = 2, .max = 3},
                                               {0}};
  accepts(fields, "{\"text\":\"a\",\"lines\":\"\",\"opaque\":\"ab\"}");
  accepts(fields, "{\"text\":\"\\u00e9\\u00e9\"}"); /* bytes, not characters */
  refuses(fields, "{\"text\":\"\\u00e9\\u00e9\\u00e9\"}", "\"text\" is too long.");
  refuses(fields, "{\"text\":\"\"}", "\"text\" is too short.");
  refuses(fields, "{\"text\":\"abcde\"}", "\"text\" is too long.");
  refuses(fields, "{\"text\":\"a\\nb\"}", "\"text\" has a control character.");
  refuses(fields, "{\"text\":\"a\\u0000\"}", "\"text\" has a control character.");
  refuses(fields, "{\"text\":7}", "\"text\" must be a string.");
  refuses(fields, "{\"text\":[\"a\"]}", "\"text\" must be a string.");
  accepts(fields, "{\"lines\":\"a\\n\\tb\"}");
  refuses(fields, "{\"lines\":\"a\\rb\"}", "\"lines\" has a control character.");
  accepts(fields, "{\"opaque\":\"\\u0001\\u0000\"}"); /* somebody else looks at it */
  refuses(fields, "{\"opaque\":\"a\"}", "\"opaque\" is too short.");
  refuses(fields, "{\"opaque\":\"abcd\"}", "\"opaque\" is too long.");
}

static void test_words(void **state) {
  (void)state;
  static const char *const choices[] = {"up", "down", NULL};
  static const struct schema_field fields[] = {{.name = "id", .kind = SCHEMA_IDENTIFIER},
                                               {.name = "mid", .kind = SCHEMA_MID},
                                               {.name = "way", .kind = SCHEMA_ENUM, .choices = choices},
                                               {0}};
  accepts(fields, "{\"id\":\"Az09_-.~@:\",\"mid\":\"!#$%&'*+-.^_`{|}~\",\"way\":\"down\"}");
  refuses(fields, "{\"id\":\"\"}", "\"id\" must be an identifier.");
  refuses(fields, "{\"id\":\"a b\"}", "\"id\" must be an identifier.");
  refuses(fields, "{\"id\":\"a\\u0000\"}", "\"id\" must be an identifier.");
  refuses(fields, "{\"id\":\"\\u00e4\"}", "\"id\" must be an identifier.");
  refuses(fields, "{\"id\":1}", "\"id\" must be a string.");
  accepts(fields, "{\"mid\":\"01234567890123456789012345678901\"}"); /* 32 */
  refuses(fields, "{\"mid\":\"012345678901234567890123456789012\"}", "\"mid\" must be a mid.");
  refuses(fields, "{\"mid\":\"\"}", "\"mid\" must be a mid.");
  refuses(fields, "{\"mid\":\"a:b\"}", "\"mid\" must be a mid.");
  refuses(fields, "{\"mid\":\"a\\u0000\"}", "\"mid\" must be a mid.");
  refuses(fields, "{\"way\":\"Up\"}", "\"way\" is not one of the allowed words.");
  refuses(fields, "{\"way\":\"\"}", "\"way\" is not one of the allowed words.");
  refuses(fields, "{\"way\":\"downs\"}", "\"way\" is not one of the allowed words.");
}

static void test_a_word_ends_where_its_string_ends(void **state) {
  (void)state;
  static const char *const choices[] = {"up", NULL};
  static const struct schema_field fields[] = {{.name = "way", .kind = SCHEMA_ENUM, .choices = choices}, {0}};
  refuses(fields, "{\"way\":\"up\\u0000down\"}", "\"way\" is not one of the allowed words.");
}

static const struct schema_field inner[] = {{.name = "x", .kind = SCHEMA_INTEGER, .required = true, .min = 0, .max = 9},
                                            {.name = "y", .kind = SCHEMA_BOOLEAN},
                                            {0}};
static const struct schema_field outer[] = {
    {.name = "one", .kind = SCHEMA_OBJECT, .required = true, .children = inner},
    {.name = "many", .kind = SCHEMA_OBJECTS, .min = 1, .max = 2, .children = inner},
    {.name = "names", .kind = SCHEMA_STRINGS, .min = 0, .max = 2},
    {0}};

static void test_objects_and_arrays(void **state) {
  (void)state;
  accepts(outer, "{\"one\":{\"x\":1},\"many\":[{\"x\":1},{\"x\":2,\"y\":true}],\"names\":[\"a\",\"b\"]}");
  accepts(outer, "{\"one\":{\"x\":1},\"names\":[]}");
  refuses(outer, "{}", "\"one\" is missing.");
  refuses(outer, "{\"one\":{}}", "\"x\" is missing.");
  refuses(outer, "{\"one\":[]}", "\"one\" must be an object.");
  refuses(outer, "{\"one\":null}", "\"one\" must be an object.");
  refuses(outer, "{\"one\":{\"x\":10}}", "\"x\" is out of range.");
  refuses(outer, "{\"one\":{\"x\":1},\"many\":[]}", "\"many\" must be an array of 1 to 2 elements.");
  refuses(outer, "{\"one\":{\"x\":1},\"many\":{\"x\":1}}", "\"many\" must be an array of 1 to 2 elements.");
  refuses(outer, "{\"one\":{\"x\":1},\"many\":[{\"x\":1},{\"x\":1},{\"x\":1}]}",
          "\"many\" must be an array of 1 to 2 elements.");
  refuses(outer, "{\"one\":{\"x\":1},\"many\":[{\"x\":1},{\"y\":true}]}", "\"x\" is missing."); /* the second one */
  refuses(outer, "{\"one\":{\"x\":1},\"many\":[{\"x\":1},7]}", "\"many\" must be an object.");
  refuses(outer, "{\"one\":{\"x\":1},\"names\":[\"a\",\"b\",\"c\"]}", "\"names\" must be an array of 0 to 2 elements.");
  refuses(outer, "{\"one\":{\"x\":1},\"names\":[\"a\",7]}", "\"names\" must be a string.");
  refuses(outer, "{\"one\":{\"x\":1},\"names\":[\"a b\"]}", "\"names\" must be an identifier.");
  refuses(outer, "{\"one\":{\"x\":1},\"names\":[[[[[[\"a\"]]]]]]}", "\"names\" must be a string.");
}

/* The copy holds what the table knows, and is independent of the message. */
static void test_only_what_is_known_is_copied(void **state) {
  (void)state;
  accepts(outer, "{\"z\":1,\"one\":{\"x\":1,\"z\":{\"deep\":[1]}},\"many\":[{\"x\":3,\"z\":1}],\"names\":[\"a\"]}");
  json_t *expected = json_loads("{\"one\":{\"x\":1},\"many\":[{\"x\":3}],\"names\":[\"a\"]}", 0, NULL);
  assert_true(json_equal(result, expected));
  json_decref(expected);
  json_t *message = json_loads("{\"one\":{\"x\":1}}", 0, NULL), *copy = NULL;
  assert_int_equal(schema_check(outer, message, &copy, why, sizeof why), 0);
  json_object_set_new(json_object_get(message, "one"), "x", json_integer(8));
  assert_int_equal(json_integer_value(json_object_get(json_object_get(copy, "one"), "x")), 1);
  json_decref(message);
  json_decref(copy);
}

/* Not an object at all: every member is missing. */
static void test_no_object(void **state) {
  (void)state;
  refuses(outer, "[]", "\"one\" is missing.");
  char small[8] = "xxxxxxx";
  json_t *message = json_object();
  assert_int_equal(schema_check(outer, message, &result, small, 4), SIGNALING_BAD_REQUEST);
  assert_string_equal(small, "\"on"); /* cut, not beyond */
  assert_string_equal(small + 4, "xxx");
  json_decref(message);
}

static void test_text_for_people(void **state) {
  (void)state;
  static const char *const good[] = {
      "",           "Dr. Ann",     "\xc3\xa9", "\xe4\xb8\xad\xe6\x96\x87", "\xf0\x9f\x98\x80",
      "a\xc2\xa0z", "\xe2\x80\x8e" /* a mark changes no order by itself */};
  /* Controls of both ranges, bidirectional overrides and isolates, line and paragraph separator, broken sequences. */
  static const char *const bad[] = {"\x01",         "\x1f",         "\x7f",         "\xc2\x80",         "\xc2\x9f",
                                    "\xe2\x80\xaa", "\xe2\x80\xae", "\xe2\x81\xa6", "\xe2\x81\xa9",     "\xe2\x80\xa8",
                                    "\xe2\x80\xa9", "\x80",         "\xc0\xaf",     "\xc1\x81",         "\xc3",
                                    "\xe2\x80",     "\xf0\x9f\x98", "\xc3\x28",     "\xf5\x80\x80\x80", "\xff"};
  for (size_t i = 0; i < sizeof good / sizeof *good; i++)
    if (!signaling_text_valid(good[i], strlen(good[i]), false)) fail_msg("good %zu", i);
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
    for (int multiline = 0; multiline < 2; multiline++)
      if (signaling_text_valid(bad[i], strlen(bad[i]), multiline)) fail_msg("bad %zu", i);
  assert_true(signaling_text_valid("a\n\tb", 4, true));
  assert_false(signaling_text_valid("a\nb", 3, false));
  assert_false(signaling_text_valid("a\tb", 3, false));
  assert_false(signaling_text_valid("a\rb", 3, true));
  assert_false(signaling_text_valid("a\0b", 3, true));
}

static void test_identifiers(void **state) {
  (void)state;
  char text[SIGNALING_IDENTIFIER_BYTES + 1];
  memset(text, 'a', sizeof text);
  assert_true(signaling_identifier_valid(text, SIGNALING_IDENTIFIER_BYTES));
  assert_false(signaling_identifier_valid(text, SIGNALING_IDENTIFIER_BYTES + 1));
  assert_false(signaling_identifier_valid(text, 0));
  for (int c = 0; c < 256; c++) {
    char one = (char)c;
    bool good =
        (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || (c && strchr("_-.~@:", c));
    if (signaling_identifier_valid(&one, 1) != good) fail_msg("%d", c);
  }
}

#define TEST(f) cmocka_unit_test_teardown(f, end)

int main(void) {
  const struct CMUnitTest tests[] = {TEST(test_every_request_has_a_table),
                                     TEST(test_tables_are_whole),
                                     TEST(test_integers_and_booleans),
                                     TEST(test_strings),
                                     TEST(test_words),
                                     TEST(test_a_word_ends_where_its_string_ends),
                                     TEST(test_objects_and_arrays),
                                     TEST(test_only_what_is_known_is_copied),
                                     TEST(test_no_object),
                                     TEST(test_text_for_people),
                                     TEST(test_identifiers)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
