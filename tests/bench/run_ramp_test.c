/* A ramp in virtual time against a crowd with a known capacity: it finds that, and says when what it found is not the server's. */
#include <stdio.h>

#include "bench/load/run.h"
#include "tests/bench/check.h"
#include "tests/bench/fake_crowd.h"
#include "tests/bench/virtual_loop.h"

static struct load_options o;
static struct run_result r;

static int set_up(void **state) {
  (void)state;
  fake_crowd = (struct fake_crowd){.admitted = 100000};
  o = (struct load_options){.scenario = SCENARIO_RAMP,
                            .of = SCENARIO_LECTURE,
                            .rooms = 1,
                            .members = 1000,
                            .duration_s = 5,
                            .join_rate = 50,
                            .video_bps = 1000,
                            .layers = 1,
                            .quiet = true,
                            .pin = -1,
                            .url = "http://127.0.0.1:8080",
                            .ramp_start = 4,
                            .ramp_limit = 1000,
                            .ramp_loss_percent = 0.1,
                            .ramp_p99_us = 20000,
                            .ramp_step_s = 2};
  return 0;
}

static void it_finds_the_capacity(void **state) {
  (void)state;
  fake_crowd.capacity = 137; /* the lecturer is one of them */
  assert_null(run_load(&r, &o));
  assert_in_range(r.knee, 129, 136);
  assert_false(r.knee_is_limit);
  assert_true(r.valid);
  assert_int_equal(r.window.ready, r.knee + 1); /* the figures are of the knee */
  for (size_t i = 0; i < r.step_count; i++)
    assert_int_equal(r.steps[i].borne, r.steps[i].load + 1 <= 137);
}

static void a_room_is_the_unit_of_consultations(void **state) {
  (void)state;
  o.of = SCENARIO_CONSULT;
  o.members = 4;
  fake_crowd.capacity = 43;
  assert_null(run_load(&r, &o));
  assert_int_equal(r.knee, 10);
  assert_int_equal(fake_crowd.targets[0], 16);
}

static void latency_alone_is_enough(void **state) {
  (void)state;
  o.ramp_loss_percent = 50;
  fake_crowd.capacity = 60;
  assert_null(run_load(&r, &o));
  assert_in_range(r.knee, 56, 59);
  o.ramp_p99_us = 60000; /* now nothing is too much */
  o.ramp_limit = 100;
  fake_crowd.target_count = 0;
  assert_null(run_load(&r, &o));
  assert_int_equal(r.knee, 100);
  assert_true(r.knee_is_limit);
}

static void the_generators_knee_is_not_the_servers(void **state) {
  (void)state;
  fake_crowd.capacity = 80;
  fake_crowd.generator_late = true;
  assert_null(run_load(&r, &o));
  assert_in_range(r.knee, 72, 79);
  assert_false(r.valid);
  assert_non_null(strstr(r.reasons[0], "the generator was at its limit, not the server"));
}

static void a_refused_join_is_no_knee(void **state) {
  (void)state;
  fake_crowd.admitted = 50; /* rooms.max_participants, say */
  fake_crowd.words = "join was refused: room_full";
  assert_null(run_load(&r, &o));
  assert_in_range(r.knee, 46, 49);
  assert_false(r.valid);
  assert_non_null(strstr(r.reasons[0], "not everybody got in"));
  assert_non_null(strstr(r.note, "room_full"));
  for (size_t i = 0; i < r.step_count; i++)
    assert_string_equal(r.steps[i].because, r.steps[i].borne ? "" : "not everybody got in");
}

static void nothing_is_borne(void **state) {
  (void)state;
  fake_crowd.capacity = 1;
  assert_null(run_load(&r, &o));
  assert_int_equal(r.knee, 0);
  assert_true(r.window.ready >= 1); /* the figures of the last load that was tried */
}

static void every_step_is_said(void **state) {
  (void)state;
  static char said[65536];
  fake_crowd.capacity = 12;
  o.quiet = false;
  FILE *kept = stderr, *to = fmemopen(said, sizeof said, "w");
  stderr = to;
  const char *why = run_load(&r, &o);
  stderr = kept;
  fclose(to);
  assert_null(why);
  assert_non_null(strstr(said, "load 4 "));
  assert_non_null(strstr(said, "not borne: loss"));
}

#define CASE(name) cmocka_unit_test_setup(name, set_up)

int main(void) {
  const struct CMUnitTest tests[] = {
      CASE(it_finds_the_capacity),     CASE(a_room_is_the_unit_of_consultations),
      CASE(latency_alone_is_enough),   CASE(the_generators_knee_is_not_the_servers),
      CASE(a_refused_join_is_no_knee), CASE(nothing_is_borne),
      CASE(every_step_is_said),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
