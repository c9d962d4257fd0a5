/* bench/load/main.c: consilium-load: emulated participants against a running server. */
#include <langinfo.h>
#include <locale.h>
#include <stdio.h>
#include <string.h>

#include "bench/load/janus_process.h"
#include "bench/load/report.h"

/* False when one could not be written. */
static bool write_files(const struct run_result *r, const struct load_options *o) {
  int error = o->json_file ? report_json(o->json_file, r, o) : 0;
  if (error) fprintf(stderr, "consilium-load: --json %s: %s\n", o->json_file, strerror(-error));
  int other = o->html_file ? report_html(o->html_file, r, o) : 0;
  if (other) fprintf(stderr, "consilium-load: --html %s: %s\n", o->html_file, strerror(-other));
  return !error && !other;
}

/* The table measures the width of what it prints, and a terminal shows UTF-8 also where nobody has set a locale. */
static void take_locale(void) {
  if (setlocale(LC_CTYPE, "") && strcmp(nl_langinfo(CODESET), "UTF-8") == 0) return;
  setlocale(LC_CTYPE, "C.UTF-8");
}

int main(int argc, char **argv) {
  static struct load_options options;
  static struct run_result result;
  take_locale();
  load_options_parse(&options, argc, argv);
  if (report_assertions_unknown(&options)) return EXIT_USAGE;
  static struct janus_process janus;
  static char janus_url[40];
  const char *why = NULL;
  if (options.janus) {
    unsigned rooms = options.scenario == SCENARIO_RAMP ? options.ramp_limit : options.rooms;
    why = janus_process_start(&janus, rooms, options.target_pin);
    snprintf(janus_url, sizeof janus_url, "http://127.0.0.1:%u", janus.port);
    options.url = janus_url;
    options.pid = janus.pid;
  }
  if (!why) why = run_load(&result, &options);
  janus_process_stop(&janus);
  if (why) {
    fprintf(stderr, "consilium-load: %s\n", why);
    return EXIT_NO_RUN;
  }
  if (!options.quiet) report_table(stdout, &result, &options);
  bool written = write_files(&result, &options);
  size_t failed = report_assertions(&result, &options);
  if (!result.valid && options.quiet) fprintf(stderr, "consilium-load: not valid: %s\n", result.reasons[0]);
  if (!written) return EXIT_NO_RUN;
  if (!result.valid && !options.accept_invalid) return EXIT_INVALID;
  return failed ? EXIT_ASSERTION : EXIT_OK;
}
