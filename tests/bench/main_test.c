/* How the program ends: run and Janus are the test's; reports, files and exit statuses are the program's. */
#include "bench/load/janus_process.h"
#include "bench/load/report.h"
#include "tests/bench/program_status.h"

int consilium_load_main(int argc, char **argv); /* main.c, under another name */

static const char *run_words, *janus_words;
static bool run_is_valid;
static unsigned janus_stops;

const char *run_load(struct run_result *out, const struct load_options *options) {
  memset(out, 0, sizeof *out);
  if (options->janus && strcmp(options->url, "http://127.0.0.1:4242") != 0) return "not Janus's port";
  out->window.seconds = 2;
  out->window.ready = 4;
  out->window.sequence = (struct sequence_counts){.expected = 100, .received = 90};
  out->window.generator_cpu_percent = run_is_valid ? 10 : 99;
  out->cipher_backend = "evp";
  run_judge(out, options);
  return run_words;
}

const char *janus_process_start(struct janus_process *j, unsigned rooms, int cpu) {
  (void)rooms, (void)cpu;
  memset(j, 0, sizeof *j);
  j->port = 4242;
  j->pid = 1;
  return janus_words;
}

void janus_process_stop(struct janus_process *j) {
  (void)j;
  janus_stops++;
}

#define STATUS(words) program_status(consilium_load_main, words)

static int set_up(void **state) {
  (void)state;
  run_words = janus_words = NULL;
  run_is_valid = true;
  return 0;
}

static void a_good_run_ends_with_0_and_a_table(void **state) {
  (void)state;
  assert_int_equal(STATUS("consult"), EXIT_OK);
  assert_non_null(strstr(said, "consult, 4 participants"));
  assert_non_null(strstr(said, "lost at first"));
  setenv("LC_ALL", "C", 1); /* nobody has set a locale: no \xe2\x80\xa6 */
  assert_int_equal(STATUS("consult"), EXIT_OK);
  assert_non_null(strstr(said, "├─… and done"));
  unsetenv("LC_ALL");
  assert_int_equal(STATUS("consult -q"), EXIT_OK);
  assert_string_equal(said, "");
}

static void an_assertion_that_fails_ends_with_1(void **state) {
  (void)state;
  assert_int_equal(STATUS("consult -q --assert loss<20%"), EXIT_OK);
  assert_int_equal(STATUS("consult -q --assert loss<20% --assert loss<1%"), EXIT_ASSERTION);
  assert_string_equal(said, "--assert loss<1%: it is 10.0 %\n");
}

static void an_assertion_that_cannot_hold_is_refused_before_the_run(void **state) {
  (void)state;
  run_words = "it ran";
  assert_int_equal(STATUS("consult --assert lost<1%"), EXIT_USAGE);
  assert_non_null(strstr(said, "there is no figure \"lost\". There are: participants"));
  assert_null(strstr(said, "it ran"));
  assert_int_equal(STATUS("consult --assert loss<5ms"), EXIT_USAGE);
  assert_string_equal(said, "--assert loss<5ms: loss is in percent\n");
}

static void a_saturated_generator_ends_with_3(void **state) {
  (void)state;
  run_is_valid = false;
  assert_int_equal(STATUS("consult"), EXIT_INVALID);
  assert_non_null(strstr(said, "This run is not valid"));
  assert_int_equal(STATUS("consult -q"), EXIT_INVALID);
  assert_non_null(strstr(said, "not valid: the generator used 99 % of its core"));
  assert_int_equal(STATUS("consult -q --assert loss<1%"), EXIT_INVALID); /* it says nothing about the server */
  assert_int_equal(STATUS("consult -q --accept-invalid"), EXIT_OK);
  assert_int_equal(STATUS("consult -q --accept-invalid --assert loss<1%"), EXIT_ASSERTION);
}

static void no_run_ends_with_4_and_the_words(void **state) {
  (void)state;
  run_words = "nobody got in at http://x: Connection refused";
  assert_int_equal(STATUS("consult"), EXIT_NO_RUN);
  assert_string_equal(said, "consilium-load: nobody got in at http://x: Connection refused\n");
}

static void a_file_that_cannot_be_written_is_an_error(void **state) {
  (void)state;
  assert_int_equal(STATUS("consult -q --json /nowhere/at/all"), EXIT_NO_RUN);
  assert_non_null(strstr(said, "--json /nowhere/at/all: No such file"));
  assert_int_equal(STATUS("consult -q --html /nowhere/at/all"), EXIT_NO_RUN);
  assert_non_null(strstr(said, "--html /nowhere/at/all: No such file"));
}

static void janus_is_started_and_loaded(void **state) {
  (void)state;
  assert_int_equal(STATUS("consult -q --target janus"), EXIT_OK);
  janus_words = "Janus is not installed (apt-get install janus)";
  assert_int_equal(STATUS("consult -q --target janus"), EXIT_NO_RUN);
  assert_string_equal(said, "consilium-load: Janus is not installed (apt-get install janus)\n");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup(a_good_run_ends_with_0_and_a_table, set_up),
      cmocka_unit_test_setup(an_assertion_that_fails_ends_with_1, set_up),
      cmocka_unit_test_setup(an_assertion_that_cannot_hold_is_refused_before_the_run, set_up),
      cmocka_unit_test_setup(a_saturated_generator_ends_with_3, set_up),
      cmocka_unit_test_setup(no_run_ends_with_4_and_the_words, set_up),
      cmocka_unit_test_setup(a_file_that_cannot_be_written_is_an_error, set_up),
      cmocka_unit_test_setup(janus_is_started_and_loaded, set_up),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
