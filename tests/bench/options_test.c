/* The command line: what every flag does, what the scenario fills in, and what is refused, with which words and status. */
#include "bench/load/options.h"

#include "tests/bench/program_status.h"

static struct load_options o;

static int parse_arguments(int argc, char **argv) {
  load_options_parse(&o, argc, argv);
  return 77; /* it went on */
}

static int status_of(const char *words) {
  return program_status(parse_arguments, words);
}

static void parse(const char *words) {
  static char line[1024];
  char *argv[PROGRAM_MAX_ARGUMENTS + 1] = {"consilium-load"};
  int argc = 1;
  snprintf(line, sizeof line, "%s", words);
  for (char *word = strtok(line, " "); word; word = strtok(NULL, " "))
    argv[argc++] = word;
  load_options_parse(&o, argc, argv);
}

static void scenarios_bring_their_sizes(void **state) {
  (void)state;
  parse("lecture");
  assert_int_equal(o.scenario, SCENARIO_LECTURE);
  assert_int_equal(o.members, 100);
  assert_int_equal(o.layers, 1);
  assert_string_equal(o.url, "http://127.0.0.1:8080");
  assert_int_equal(o.pin, -1);
  assert_false(o.data);
  parse("gallery");
  assert_int_equal(o.members, 25);
  assert_int_equal(o.layers, 3);
  parse("audio --video-bps 1M");
  assert_int_equal(o.video_bps, 0);
  parse("churn");
  assert_int_equal(o.join_rate, 5);
  parse("consult");
  assert_int_equal(o.rooms * 100 + o.members, 804);
  assert_int_equal(o.join_rate, 50);
}

static void a_ramp_grows_one_room_or_many(void **state) {
  (void)state;
  parse("ramp");
  assert_int_equal(o.of, SCENARIO_CONSULT);
  assert_int_equal(o.members, 4);
  parse("ramp --of lecture --ramp-limit 600");
  assert_int_equal(o.members, 600); /* room for all that are tried */
  parse("ramp --of gallery --members 25");
  assert_int_equal(o.members, 25);
  parse("ramp --ramp-start 8 --ramp-step 2.5 --ramp-loss 1 --ramp-p99 5");
  assert_int_equal(o.ramp_start, 8);
  assert_true(o.ramp_step_s > 2.4 && o.ramp_step_s < 2.6 && o.ramp_loss_percent > 0.9);
  assert_int_equal(o.ramp_p99_us, 5000);
}

static void flags_are_taken(void **state) {
  (void)state;
  parse(
      "consult --rooms 2 --members 3 --duration 1.5 --warmup 0 --join-rate 7 --video-bps 2.5M --audio-bps 64k "
      "--audio-ms 60 --layers "
      "3"
      " --fps 15 --packet-bytes 900 --keyframe-factor 9 --spacing even --suite cm --sample 4 --seed 42 --pin 0");
  assert_int_equal(o.rooms * 10 + o.members, 23);
  assert_int_equal(o.video_bps, 2500000);
  assert_int_equal(o.audio_bps, 64000);
  assert_int_equal(o.audio_ms, 60);
  assert_int_equal(o.layers * 1000000 + o.fps * 1000 + o.packet_bytes, 3015900);
  assert_int_equal(o.keyframe_factor, 9);
  assert_int_equal(o.spacing, SPACING_EVEN);
  assert_int_equal(o.suite, LOAD_SUITE_CM);
  assert_int_equal(o.sample, 4);
  assert_int_equal(o.seed, 42);
  assert_int_equal(o.pin, 0);
  assert_true(o.duration_s > 1.4 && o.duration_s < 1.6 && o.warmup_s < 0.1 && o.join_rate > 6.9);
  parse(
      "lecture --url http://h:1 --secret-file f --media 127.0.0.1:9 --pid 12 --count-syscalls --json j --html h"
      " --accept-invalid -q --target janus --target-pin 1 --dev");
  assert_string_equal(o.url, "http://h:1");
  assert_string_equal(o.secret_file, "f");
  assert_string_equal(o.media, "127.0.0.1:9");
  assert_int_equal(o.pid, 12);
  assert_true(o.count_syscalls && o.accept_invalid && o.quiet && o.janus && o.dev);
  assert_int_equal(o.target_pin, 1);
  assert_string_equal(o.json_file, "j");
  assert_string_equal(o.html_file, "h");
  parse("consult --data");
  assert_true(o.data && o.data_interval_s > 4.9);
  parse("consult --data-interval 2");
  assert_true(o.data && o.data_interval_s < 2.1);
}

static void assertions_are_collected(void **state) {
  (void)state;
  parse("lecture --assert loss<0.1% --assert p99<5ms");
  assert_int_equal(o.assertion_count, 2);
  assert_string_equal(o.assertions[1].name, "p99");
}

static void what_is_wrong_is_said_with_status_2(void **state) {
  (void)state;
  static const char *const rows[][2] = {
      {"", "which scenario?"},
      {"nonsense", "\"nonsense\" is none of lecture, consult"},
      {"lecture consult", "one scenario at a time"},
      {"consult --members many", "--members must be a number from 1 to 10000, not \"many\""},
      {"consult --members 0", "from 1 to 10000"},
      {"consult --members 2.5", "whole number"},
      {"consult --layers 4", "--layers must be a number from 1 to 3"},
      {"consult --video-bps 1G", "--video-bps"},
      {"consult --duration -3", "--duration"},
      {"consult --duration nan", "--duration"},
      {"consult --spacing wide", "--spacing is chromium or even, not \"wide\""},
      {"consult --suite rot13", "--suite is gcm or cm"},
      {"audio --audio-ms 30", "--audio-ms is 20, 40 or 60"},
      {"consult --target jitsi", "--target is consilium or janus"},
      {"consult --assert loss", "comes one of < <= > >= ="},
      {"consult --no-such-flag", "no-such-flag"},
      {"ramp --of churn", "--of is lecture, consult, gallery or audio"},
      {"ramp --ramp-start 9 --ramp-limit 3", "--ramp-start is above --ramp-limit"},
      {"churn --target janus", "churn is not for --target janus"},
      {"consult --members 50 --target janus", "rooms of 49 at most"},
      {"consult --data --target janus", "--data is not for --target janus"},
      {"consult --rooms 2000 --members 4 --data", "4096 participants at most"},
      {"ramp --of gallery --target janus", "a ramp is of lecture or consult"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    int status = status_of(rows[i][0]);
    if (status != EXIT_USAGE || !strstr(said, rows[i][1])) fprintf(stderr, "%s: %d %s\n", rows[i][0], status, said);
    assert_int_equal(status, EXIT_USAGE);
    assert_non_null(strstr(said, rows[i][1]));
  }
}

static void help_has_every_scenario_and_examples(void **state) {
  (void)state;
  static const char *const parts[] = {
      "lecture", "consult",     "gallery", "audio",     "churn",   "ramp",  "Examples:", "--assert 'loss<0.1%'",
      "--pid",   "Exit status", "--data",  "--spacing", "--suite", "--pin", "--target",  "--ramp-p99"};
  assert_int_equal(status_of("--help"), 0);
  for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
    assert_non_null(strstr(said, parts[i]));
  assert_int_equal(status_of("--version"), 0);
  assert_memory_equal(said, "consilium-load ", 15);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(scenarios_bring_their_sizes),
      cmocka_unit_test(a_ramp_grows_one_room_or_many),
      cmocka_unit_test(flags_are_taken),
      cmocka_unit_test(assertions_are_collected),
      cmocka_unit_test(what_is_wrong_is_said_with_status_2),
      cmocka_unit_test(help_has_every_scenario_and_examples),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
