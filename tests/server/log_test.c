/* server/log.c: both formats, escaping, levels, the rate limit. */
#include "tests/server/check.h"

#include <jansson.h>
#include <stdlib.h>

#include "server/log.h"

static char *text;
static size_t length;
static FILE *stream;

static int begin(void **state) {
  (void)state;
  stream = open_memstream(&text, &length);
  fflush(stream);
  log_set_stream(stream);
  return 0;
}

static int finish(void **state) {
  (void)state;
  log_set_stream(NULL);
  fclose(stream);
  free(text);
  return 0;
}

static void test_text_line(void **state) {
  (void)state;
  log_configure(CONFIG_LOG_INFO, CONFIG_LOG_TEXT, "gateway");
  log_info("worker_up", log_number("worker", -3), log_text("why", "two words"), log_text("empty", NULL));
  assert_int_equal(text[strlen("2026-11-22")], 'T');
  assert_string_equal(text + strlen("2026-11-22T08:00:00.123Z"),
                      " info gateway worker_up worker=-3 why=\"two words\" empty=\"\"\n");
}

static void test_nobody_forges_a_line(void **state) {
  (void)state;
  log_configure(CONFIG_LOG_INFO, CONFIG_LOG_TEXT, "gateway");
  log_warn("forged", log_text("name", "x\n2026 error gateway \"\\\x1b[2J\x7f"));
  assert_ptr_equal(strchr(text, '\n'), text + length - 1);
  assert_non_null(strstr(text, "name=\"x\\u000a2026 error gateway \\\"\\\\\\u001b[2J\\u007f\""));
}

static void test_json_line(void **state) {
  (void)state;
  char long_text[6000];
  log_configure(CONFIG_LOG_INFO, CONFIG_LOG_JSON, "worker-0");
  log_error("json_one", log_text("a", "\"quoted\" \xc3\xa9\n"), log_number("b", INT64_MIN));
  json_t *line = json_loads(text, JSON_DISABLE_EOF_CHECK, NULL);
  assert_non_null(line);
  assert_string_equal(json_string_value(json_object_get(line, "process")), "worker-0");
  assert_string_equal(json_string_value(json_object_get(line, "level")), "error");
  assert_string_equal(json_string_value(json_object_get(line, "a")), "\"quoted\" \xc3\xa9\n");
  assert_true(json_integer_value(json_object_get(line, "b")) == INT64_MIN);
  json_decref(line);

  memset(long_text, '"', sizeof long_text);
  long_text[sizeof long_text - 1] = '\0';
  size_t before = length;
  log_error("json_two", log_number("c", 1), log_text("long", long_text));
  line = json_loads(text + before, JSON_DISABLE_EOF_CHECK, NULL); /* what does not fit is left out whole */
  assert_non_null(line);
  assert_int_equal(json_integer_value(json_object_get(line, "c")), 1);
  json_decref(line);
}

static void test_levels(void **state) {
  (void)state;
  log_configure(CONFIG_LOG_WARN, CONFIG_LOG_TEXT, "gateway");
  log_info("quiet");
  log_debug("quiet");
  assert_int_equal(length, 0);
  log_warn("loud");
  assert_true(length > 0);
}

static void test_rate_limit_is_per_event_and_counted(void **state) {
  (void)state;
  int lines = 0;
  log_configure(CONFIG_LOG_INFO, CONFIG_LOG_TEXT, "gateway");
  for (int i = 0; i < 1000; i++)
    log_info("flood");
  for (const char *c = text; *c; c++)
    lines += *c == '\n';
  assert_in_range(lines, 20, 30); /* the burst, and what came back meanwhile */
  log_info("other");
  assert_non_null(strstr(text, "other"));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(test_text_line, begin, finish),
      cmocka_unit_test_setup_teardown(test_nobody_forges_a_line, begin, finish),
      cmocka_unit_test_setup_teardown(test_json_line, begin, finish),
      cmocka_unit_test_setup_teardown(test_levels, begin, finish),
      cmocka_unit_test_setup_teardown(test_rate_limit_is_per_event_and_counted, begin, finish),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
