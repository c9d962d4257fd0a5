/* server/version.c: what the binary says it is, and that it names the libraries that are loaded. */
#include "tests/server/check.h"

#include <ctype.h>
#include <jansson.h>
#include <libwebsockets.h>
#include <openssl/crypto.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <uv.h>

#include "server/version.h"

static void test_numbers(void **state) {
  (void)state;
  assert_string_equal(version_number, PROJECT_VERSION); /* the build file's */
  bool unknown = strcmp(version_commit, "unknown") == 0;
  size_t length = strlen(version_commit);
  assert_true(unknown || (length >= 7 && strspn(version_commit, "0123456789abcdef") == length));
}

static void test_print(void **state) {
  (void)state;
  char *text = NULL, first[128], line[128];
  size_t length = 0;
  int lines = 0;
  FILE *to = open_memstream(&text, &length);
  version_print(to, NULL);
  fclose(to);
  snprintf(first, sizeof first, "consilium %s (%s)\n", version_number, version_commit);
  assert_int_equal(strncmp(text, first, strlen(first)), 0);
  const char *const libraries[][2] = {{"OpenSSL ", strchr(OpenSSL_version(OPENSSL_VERSION), ' ') + 1},
                                      {"libuv ", uv_version_string()},
                                      {"libwebsockets ", lws_get_library_version()},
                                      {"jansson ", jansson_version_str()}};
  for (size_t i = 0; i < sizeof libraries / sizeof *libraries; i++) {
    snprintf(line, sizeof line, "\n%s%s\n", libraries[i][0], libraries[i][1]);
    if (!strstr(text, line)) fail_msg("%s is not in %s", line, text);
  }
  const char *cyaml = strstr(text, "\nlibcyaml ");
  assert_non_null(cyaml);
  assert_true(isdigit((unsigned char)cyaml[10]));
  for (const char *c = text; *c; c++)
    lines += *c == '\n';
  assert_int_equal(lines, 6);
  assert_int_equal(text[length - 1], '\n');
  free(text);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_numbers), cmocka_unit_test(test_print)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
