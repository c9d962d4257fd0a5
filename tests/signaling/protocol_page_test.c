/* tests/signaling/protocol_page_test.c: the examples of PROTOCOL.md are what the code accepts and says. */
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
#include "signaling/role.h"

static char *page;

static int load(void **state) {
  (void)state;
  FILE *f = fopen(PROTOCOL_PAGE, "r");
  if (!f) return -1;
  page = calloc(1, 1 << 17);
  size_t n = page ? fread(page, 1, (1 << 17) - 1, f) : 0;
  (void)fclose(f);
  return n > 0 ? 0 : -1;
}

static int unload(void **state) {
  (void)state;
  free(page);
  return 0;
}

/* One fenced block: ```json KIND NAME, and its text. Returns where to go on, NULL after the last. */
static const char *next_block(const char *from, char kind[32], char name[32], char *text, size_t cap) {
  const char *start = strstr(from, "```json ");
  if (!start || sscanf(start, "```json %31s %31s", kind, name) != 2) return NULL;
  const char *body = strchr(start, '\n') + 1, *end = strstr(body, "\n```");
  assert_non_null(end);
  assert_true((size_t)(end - body) < cap);
  memcpy(text, body, (size_t)(end - body));
  text[end - body] = '\0';
  return end + 4;
}

static void check_request(const char *name, const char *text, int64_t *id) {
  struct signaling_request r;
  struct signaling_refusal why;
  int error = signaling_request_decode(text, strlen(text), &r, &why);
  if (error) fail_msg("%s: %s %s", name, signaling_error_name(why.code), why.message);
  assert_string_equal(signaling_type_name(r.type), name);
  *id = r.id;
  signaling_request_clear(&r);
}

/* Every request decodes, every reply follows its request, every error has a code we know, every event its name. */
static void test_examples(void **state) {
  (void)state;
  char kind[32], name[32], last[32] = "";
  static char text[8192];
  int64_t id = 0;
  unsigned seen = 0;
  int count = 0;
  for (const char *p = page; (p = next_block(p, kind, name, text, sizeof(text))); count++) {
    json_t *json = NULL;
    int error = json_limits_parse(text, strlen(text), JSON_LIMITS_MESSAGE_BYTES, &json);
    if (error) fail_msg("%s %s: %s", kind, name, json_limits_error_name(error));
    if (strncmp(kind, "request", 7) == 0) {
      enum signaling_type type;
      check_request(name, text, &id);
      assert_int_equal(signaling_type_parse(name, &type), 0);
      seen |= 1u << type;
      (void)snprintf(last, sizeof(last), "%s", name);
    } else if (strcmp(kind, "event") == 0) {
      assert_string_equal(json_string_value(json_object_get(json, "event")), name);
    } else {
      assert_string_equal(name, last);
      assert_int_equal(json_integer_value(json_object_get(json, "re")), id);
      const json_t *code = json_object_get(json_object_get(json, "error"), "code");
      assert_true(strcmp(kind, "reply") == 0 ? json_is_object(json_object_get(json, "ok")) : json_is_string(code));
      if (code)
        assert_string_equal(signaling_error_name(signaling_error_parse(json_string_value(code))),
                            json_string_value(code));
    }
    json_decref(json);
  }
  assert_true(count > 40);
  assert_int_equal(seen, (1u << SIGNALING_TYPE_COUNT) - 1); /* no request without its example */
}

static void test_every_error_and_code_is_explained(void **state) {
  (void)state;
  char text[64];
  for (int e = -1; e > SIGNALING_ERROR_END; e--) {
    (void)snprintf(text, sizeof(text), "`%s`", signaling_error_name((enum signaling_error)e));
    const char *chapter = strstr(page, "## 9. Errors");
    assert_non_null(chapter);
    if (!strstr(chapter, text)) fail_msg("%s", text);
  }
  static const int codes[] = {1000, 1001, 1003, 1006, 1007, 1009, 4001, 4002, 4003, 4004, 4005, 4006, 4007};
  for (size_t i = 0; i < sizeof(codes) / sizeof(*codes); i++) {
    (void)snprintf(text, sizeof(text), "| %d", codes[i]);
    if (!strstr(page, text)) fail_msg("%s", text);
  }
}

/* The table of chapter 10: the row that names a request says yes for the roles that may. */
static void test_role_table(void **state) {
  (void)state;
  const char *chapter = strstr(page, "## 10. Roles");
  assert_non_null(chapter);
  for (int type = 0; type < SIGNALING_TYPE_COUNT; type++) {
    char row[256] = "";
    for (const char *line = strchr(chapter, '|'); line && line[0] == '|'; line = strchr(line, '\n') + 1) {
      char names[256], word[64];
      (void)snprintf(names, sizeof(names), "%.*s", (int)strcspn(line + 1, "|"), line + 1);
      for (char *w = strtok(names, " ,"); w; w = strtok(NULL, " ,")) {
        (void)snprintf(word, sizeof(word), "%s", w);
        if (!row[0] && strcmp(word, signaling_type_name((enum signaling_type)type)) == 0)
          (void)snprintf(row, sizeof(row), "%.*s", (int)strcspn(line, "\n"), line);
      }
    }
    if (!row[0]) fail_msg("no row for %s", signaling_type_name((enum signaling_type)type));
    const char *cell = strchr(row + 1, '|');
    for (int role = 0; role < SIGNALING_ROLE_COUNT; role++, cell = strchr(cell + 1, '|'))
      if ((strncmp(cell, "| yes", 5) == 0) != signaling_role_may((enum signaling_role)role, (enum signaling_type)type))
        fail_msg("%s %s", signaling_role_name((enum signaling_role)role), row);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_examples),
                                     cmocka_unit_test(test_every_error_and_code_is_explained),
                                     cmocka_unit_test(test_role_table)};
  return cmocka_run_group_tests(tests, load, unload);
}
