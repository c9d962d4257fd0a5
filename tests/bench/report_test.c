/* From a window to figures: CPU per packet, validity, and the two files.
 * Covers: bench/load/report_html.c bench/load/report_json.c bench/load/report_table.c bench/load/result.c */
#include "bench/load/report.h"

#include <jansson.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/bench/check.h"

static struct run_result r;
static struct load_options o;
static char path[] = "/tmp/report-XXXXXX";

static int set_up(void **state) {
  (void)state;
  memset(&r, 0, sizeof r);
  o = (struct load_options){.scenario = SCENARIO_CONSULT, .rooms = 1, .members = 4, .video_bps = 1000, .pid = 1};
  struct run_window *w = &r.window;
  *w = (struct run_window){.seconds = 10, .ready = 4, .has_server = true, .generator_cpu_percent = 40};
  w->sequence = (struct sequence_counts){.expected = 1000, .received = 990, .recovered = 8};
  w->counters.rtp_in = 990;
  w->counters.rtx_in = 10;
  for (int i = 1; i <= 1000; i++)
    histogram_add(&w->counters.latency_us, i);
  w->server_before.count = w->server_after.count = 1;
  w->server_before.processes[0] = (struct server_process){.pid = 5, .name = "worker 0", .cpu_ns = 1000000};
  w->server_after.processes[0] = (struct server_process){.pid = 5, .name = "worker 0", .cpu_ns = 9000000};
  w->server_after.total.pss_bytes = 5000;
  w->server_idle.total.pss_bytes = 1000;
  for (int i = 0; i < 3; i++)
    r.samples[r.sample_count++] = (struct run_sample){.at_s = i, .packets_per_second = 100.0 * i, .participants = 4};
  r.cipher_backend = "evp";
  run_judge(&r, &o);
  return 0;
}

static double value_of(const char *name) {
  const struct metric *m = metric_find(&r.metrics, name);
  assert_non_null(m);
  assert_true(m->known);
  return m->value;
}

static bool near(double a, double b) {
  return a > b - 1e-9 && a < b + 1e-9;
}

static void figures_of_a_window(void **state) {
  (void)state;
  assert_true(r.valid);
  assert_true(near(value_of("cpu_us_per_packet"), 8)); /* 8 ms over 1000 packets */
  assert_true(near(value_of("loss"), 1));
  assert_true(near(value_of("missing"), 0.2));
  assert_true(near(value_of("packets_per_second"), 100));
  assert_true(near(value_of("pss_per_participant"), 1000));
  assert_true(value_of("p50") >= 500 && value_of("p50") <= 508);
  assert_false(metric_find(&r.metrics, "join_p50")->known);
}

/* Of somebody else's processes, without being root. */
static void what_may_not_be_read_is_no_figure(void **state) {
  (void)state;
  r.window.server_after.total.pss_bytes = 0;
  r.window.server_after.total.rss_bytes = 7000;
  run_judge(&r, &o);
  assert_true(near(value_of("rss"), 7000));
  static const char *const unknown[] = {"pss", "pss_own", "pss_per_participant"};
  for (size_t i = 0; i < 3; i++)
    assert_false(metric_find(&r.metrics, unknown[i])->known);
}

static void a_busy_generator_makes_a_run_invalid(void **state) {
  (void)state;
  r.window.generator_cpu_percent = 97;
  r.window.counters.kernel_drops = 3;
  histogram_add(&r.window.counters.lateness_us, 20000);
  r.reason_count = 0;
  run_judge(&r, &o);
  assert_false(r.valid);
  assert_int_equal(r.reason_count, 3);
  assert_non_null(strstr(r.reasons[0], "97 %"));
  assert_true(near(value_of("valid"), 0));
}

static void json_can_be_read_again(void **state) {
  (void)state;
  assert_int_equal(report_json(path, &r, &o), 0);
  json_t *root = json_load_file(path, 0, NULL);
  assert_non_null(root);
  const json_t *cpu = json_object_get(json_object_get(root, "metrics"), "cpu_us_per_packet");
  assert_true(near(json_number_value(json_object_get(cpu, "value")), 8));
  assert_string_equal(json_string_value(json_object_get(cpu, "unit")), "us");
  assert_int_equal(json_array_size(json_object_get(root, "samples")), 3);
  assert_true(json_is_true(json_object_get(root, "valid")));
  assert_null(json_object_get(json_object_get(root, "metrics"), "join_p50"));
  json_decref(root);
  assert_true(report_json("/nowhere/at/all", &r, &o) < 0);
}

/* What report_html() writes. */
static const char *page(void) {
  static char text[1 << 18];
  assert_int_equal(report_html(path, &r, &o), 0);
  FILE *f = fopen(path, "r");
  assert_non_null(f);
  text[fread(text, 1, sizeof text - 1, f)] = '\0';
  fclose(f);
  return text;
}

static void html_is_one_page_and_escapes(void **state) {
  (void)state;
  strcpy(r.note, "a <b> & c");
  const char *text = page();
  assert_non_null(strstr(text, "<svg"));
  assert_non_null(strstr(text, "a &lt;b> &amp; c"));
  assert_non_null(strstr(text, "</html>"));
  assert_null(strstr(text, "<script"));
  assert_null(strstr(text, "http")); /* nothing is loaded */
  assert_null(strstr(text, "nan"));
  assert_null(strstr(text, "shaded")); /* nothing says where */
  assert_null(assertion_parse(&o.assertions[o.assertion_count++], "loss<0.5%"));
  r.measured_from_s = 1;
  r.measured_to_s = 2;
  text = page();
  assert_non_null(strstr(text, "shaded: measured"));
  assert_non_null(strstr(text, "<td>loss&lt;0.5%</td><td class=\"no\">does not hold"));
  assert_non_null(strstr(text, "<dt>latency p99</dt>"));
  assert_non_null(strstr(text, "<td>worker 0</td><td>0.080 %, RSS"));
}

static void a_ramps_page_has_its_steps_and_its_knee(void **state) {
  (void)state;
  o.scenario = SCENARIO_RAMP;
  o.of = SCENARIO_CONSULT;
  r.knee = 12;
  r.step_count = 3;
  for (unsigned i = 0; i < 3; i++)
    r.steps[i] = (struct run_step){.load = 12 + i,
                                   .packets_per_second = 100 * i,
                                   .borne = i == 0,
                                   .all_in = true,
                                   .because = i == 0 ? "" : "latency"};
  r.steps[1].generator_limited = true;
  const char *text = page();
  assert_non_null(strstr(text, "ramp of consult"));
  assert_non_null(strstr(text, "Knee: 12 rooms"));
  assert_non_null(strstr(text, "not borne: latency, generator at its limit"));
  assert_non_null(strstr(text, "Latency p99 over packets"));
  r.valid = true;
  r.reason_count = 0;
  run_judge(&r, &o);
  assert_false(r.valid); /* 13 rooms failed with a generator at its limit: the knee may be its own */
}

static void assertions_are_judged(void **state) {
  (void)state;
  static const char *const texts[] = {"loss<2%", "loss<0.5%", "nothing<1", "join_p50<1s"};
  for (size_t i = 0; i < 4; i++)
    assert_null(assertion_parse(&o.assertions[o.assertion_count++], texts[i]));
  assert_int_equal(report_assertions(&r, &o), 3);
}

static int make_file(void **state) {
  (void)state;
  int fd = mkstemp(path);
  return fd < 0 ? -1 : close(fd);
}

static int remove_file(void **state) {
  (void)state;
  return unlink(path);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup(figures_of_a_window, set_up),
      cmocka_unit_test_setup(what_may_not_be_read_is_no_figure, set_up),
      cmocka_unit_test_setup(a_busy_generator_makes_a_run_invalid, set_up),
      cmocka_unit_test_setup(json_can_be_read_again, set_up),
      cmocka_unit_test_setup(html_is_one_page_and_escapes, set_up),
      cmocka_unit_test_setup(a_ramps_page_has_its_steps_and_its_knee, set_up),
      cmocka_unit_test_setup(assertions_are_judged, set_up),
  };
  return cmocka_run_group_tests(tests, make_file, remove_file);
}
