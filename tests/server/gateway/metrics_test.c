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

static const char direct[] =
    "{\"attempts\":3,\"switches\":{\"direct\":{\"connected\":2},\"sfu\":{\"swapped\":1}},\"causes\":{\"room\":1},"
    "\"pairs\":{\"host\":4},\"gapsMs\":{\"direct\":{\"le\":[33,1000],\"counts\":[1,2,3],\"sum\":2500,\"count\":6}}}";

/* Prometheus wants cumulative buckets, seconds, and +Inf equal to the count. */
static void test_direct(void **state) {
  (void)state;
  char *text = NULL;
  size_t length;
  struct metrics m = {.to = open_memstream(&text, &length)};
  json_t *one = json_loads(direct, 0, NULL);
  assert_non_null(one);
  const json_t *const workers[] = {NULL, one};
  metrics_direct(&m, workers, 2);
  fclose(m.to);
  static const char *const lines[] = {
      "consilium_direct_attempts_total{worker=\"1\"} 3\n",
      "consilium_topology_switches_total{worker=\"1\",to=\"direct\",outcome=\"connected\"} 2\n",
      "consilium_topology_switches_total{worker=\"1\",to=\"sfu\",outcome=\"swapped\"} 1\n",
      "consilium_direct_ends_total{worker=\"1\",cause=\"room\"} 1\n",
      "consilium_direct_pairs_total{worker=\"1\",kind=\"host\"} 4\n",
      "# TYPE consilium_topology_gap_seconds histogram\n"
      "consilium_topology_gap_seconds_bucket{worker=\"1\",to=\"direct\",le=\"0.033\"} 1\n"
      "consilium_topology_gap_seconds_bucket{worker=\"1\",to=\"direct\",le=\"1\"} 3\n"
      "consilium_topology_gap_seconds_bucket{worker=\"1\",to=\"direct\",le=\"+Inf\"} 6\n"
      "consilium_topology_gap_seconds_sum{worker=\"1\",to=\"direct\"} 2.5\n"
      "consilium_topology_gap_seconds_count{worker=\"1\",to=\"direct\"} 6\n"};
  for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
    if (!strstr(text, lines[i])) fail_msg("%s is not in\n%s", lines[i], text);
  assert_null(strstr(text, "worker=\"0\""));
  free(text);
  json_decref(one);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_format), cmocka_unit_test(test_direct)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
