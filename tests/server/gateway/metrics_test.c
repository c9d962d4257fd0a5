/* server/gateway/metrics.c: the text format 0.0.4, to the letter. */
#include "tests/server/check.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "server/gateway/metrics.h"

static void test_format(void **state) {
  (void)state;
  char *text = NULL;
  size_t length;
  struct metrics m = {.to = open_memstream(&text, &length)};
  metrics_family(&m, "a_total", "counter", "Help with \\ and\nline.");
  metrics_sample(&m, NULL, 3);
  metrics_sample(&m, METRICS_LABELS({"worker", "0"}, {"reason", "a\"b\\c\nd"}), 12345678901234.0);
  metrics_family(&m, "b_seconds", "gauge", "B.");
  metrics_sample(&m, NULL, 0.25);
  metrics_sample(&m, NULL, NAN);
  metrics_sample(&m, NULL, -INFINITY);
  metrics_sample(&m, NULL, -1);
  fclose(m.to);
  assert_string_equal(text,
                      "# HELP a_total Help with \\\\ and\\nline.\n# TYPE a_total counter\na_total 3\n"
                      "a_total{worker=\"0\",reason=\"a\\\"b\\\\c\\nd\"} 12345678901234\n"
                      "# HELP b_seconds B.\n# TYPE b_seconds gauge\nb_seconds 0.25\nb_seconds NaN\nb_seconds -Inf\n"
                      "b_seconds -1\n");
  free(text);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_format)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
