/* server/gateway/metrics_direct.c: the workers' numbers of direct connections as Prometheus wants them. */
#include "tests/server/check.h"

#include <stdlib.h>
#include <string.h>

#include "server/gateway/metrics.h"

static const char direct[] =
    "{\"attempts\":3,\"switches\":{\"direct\":{\"connected\":2},\"sfu\":{\"swapped\":1}},\"causes\":{\"room\":1},"
    "\"pairs\":{\"host\":4},\"gapsMs\":{\"direct\":{\"le\":[33,1000],\"counts\":[1,2,3],\"sum\":2500,\"count\":6}}}";

/* Prometheus wants cumulative buckets, seconds, and +Inf equal to the count. */
static void test_whole(void **state) {
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

/* What `workers` tell, written; the caller frees. NULL as text: a worker that has told nothing. */
static char *written(const char *const *texts, size_t count) {
  json_t *told[4] = {NULL};
  const json_t *workers[4] = {NULL};
  char *text = NULL;
  size_t length;
  struct metrics m = {.to = open_memstream(&text, &length)};
  for (size_t i = 0; i < count; i++)
    if (texts[i]) workers[i] = told[i] = json_loads(texts[i], 0, NULL);
  metrics_direct(&m, workers, count);
  fclose(m.to);
  for (size_t i = 0; i < count; i++)
    json_decref(told[i]);
  return text;
}

/* The families are there even when nobody has told anything: a dashboard finds their names. */
static void test_nothing_told(void **state) {
  (void)state;
  static const char *const nobody[] = {NULL, NULL};
  char *none = written(nobody, 0), *silent = written(nobody, 2);
  assert_string_equal(none, silent);
  static const char *const names[] = {"consilium_direct_attempts_total counter\n",
                                      "consilium_topology_switches_total counter\n",
                                      "consilium_direct_ends_total counter\n", "consilium_direct_pairs_total counter\n",
                                      "consilium_topology_gap_seconds histogram\n"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    assert_non_null(strstr(none, names[i]));
  assert_null(strchr(none, '{')); /* no sample */
  free(none);
  free(silent);
}

/* Each family once, the workers' samples together below it: two families mixed are an error to Prometheus. */
static void test_workers_share_their_families(void **state) {
  (void)state;
  static const char *const both[] = {"{\"attempts\":1,\"pairs\":{\"relay\":5}}",
                                     "{\"attempts\":2,\"pairs\":{\"host\":6}}"};
  char *text = written(both, 2);
  assert_non_null(strstr(text,
                         "consilium_direct_attempts_total{worker=\"0\"} 1\n"
                         "consilium_direct_attempts_total{worker=\"1\"} 2\n"));
  assert_non_null(strstr(text,
                         "consilium_direct_pairs_total{worker=\"0\",kind=\"relay\"} 5\n"
                         "consilium_direct_pairs_total{worker=\"1\",kind=\"host\"} 6\n"));
  const char *first = strstr(text, "# TYPE consilium_direct_pairs_total");
  assert_non_null(first);
  assert_null(strstr(first + 1, "# TYPE consilium_direct_pairs_total"));
  free(text);
}

/* Members that are missing or of another type write no nonsense: no sample, or a zero. */
static void test_strange_values(void **state) {
  (void)state;
  static const char *const strange[] = {"[]", "{\"switches\":[1],\"causes\":7,\"pairs\":null,\"gapsMs\":{\"sfu\":{}}}",
                                        "{\"gapsMs\":{\"sfu\":{\"le\":7,\"counts\":[\"x\",2],\"sum\":\"y\"}}}"};
  char *text = written(strange, 3);
  assert_non_null(strstr(text, "consilium_direct_attempts_total{worker=\"1\"} 0\n"));
  assert_non_null(strstr(text, "consilium_topology_gap_seconds_count{worker=\"1\",to=\"sfu\"} 0\n"));
  assert_non_null(strstr(text, "consilium_topology_gap_seconds_bucket{worker=\"2\",to=\"sfu\",le=\"+Inf\"} 2\n"));
  assert_null(strstr(text, "nan"));
  assert_null(strstr(text, "cause="));
  free(text);
}

/* A key is a label's value: what it holds is escaped. */
static void test_labels_are_escaped(void **state) {
  (void)state;
  static const char *const one[] = {"{\"causes\":{\"a\\\"} 9\\nx\":1}}"};
  char *text = written(one, 1);
  assert_non_null(strstr(text, "consilium_direct_ends_total{worker=\"0\",cause=\"a\\\"} 9\\nx\"} 1\n"));
  free(text);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_whole), cmocka_unit_test(test_nothing_told),
                                     cmocka_unit_test(test_workers_share_their_families),
                                     cmocka_unit_test(test_strange_values), cmocka_unit_test(test_labels_are_escaped)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
