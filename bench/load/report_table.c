/* bench/load/report_table.c: the table at the end, and the assertions. */
#include <libsmartcols.h>
#include <math.h>
#include <string.h>
#include <unistd.h>

#include "bench/load/report.h"
#include "bench/load/scenario.h"

static struct libscols_line *add_line(struct libscols_table *table, struct libscols_line *parent, const char *title,
                                      const char *value) {
  struct libscols_line *line = scols_table_new_line(table, parent);
  if (!line) return NULL;
  scols_line_set_data(line, 0, title);
  scols_line_set_data(line, 1, value);
  return line;
}

static void add_processes(struct libscols_table *table, const struct run_window *w) {
  char value[96], cpu[32], memory[32];
  struct libscols_line *parent = add_line(table, NULL, "Processes", "");
  for (size_t i = 0; w->has_server && i < w->server_after.count; i++) {
    const struct server_process *p = &w->server_after.processes[i];
    metric_format(METRIC_PERCENT, run_process_cpu_percent(w, p), cpu, sizeof cpu);
    metric_format(METRIC_BYTES, (double)(p->pss_bytes ? p->pss_bytes : p->rss_bytes), memory, sizeof memory);
    snprintf(value, sizeof value, "%s, %s %s", cpu, p->pss_bytes ? "PSS" : "RSS", memory);
    add_line(table, parent, p->name, value);
  }
}

static struct libscols_table *new_table(FILE *to) {
  struct libscols_table *table = scols_new_table();
  if (!table) return NULL;
  scols_table_new_column(table, "figure", 0.6, SCOLS_FL_TREE);
  scols_table_new_column(table, "value", 0.3, SCOLS_FL_RIGHT);
  scols_table_enable_noheadings(table, 1);
  scols_table_set_stream(table, to);
  return table;
}

static void headline(FILE *to, const struct run_result *r, const struct load_options *o) {
  const struct run_window *w = &r->window;
  fprintf(to, "\n%s", scenario_of(o->scenario)->name);
  if (o->scenario == SCENARIO_RAMP) fprintf(to, " of %s", scenario_of(o->of)->name);
  fprintf(to, ", %u participants, %.1f s, %s video, %s spacing, %s (%s)\n", w->ready, w->seconds,
          o->video_bps ? "with" : "no", o->spacing == SPACING_EVEN ? "even" : "Chromium's",
          o->suite == LOAD_SUITE_CM ? "AES128_CM_SHA1_80" : "AEAD_AES_128_GCM", r->cipher_backend);
}

const char *report_knee(char *text, size_t cap, const struct run_result *r, const struct load_options *o) {
  const char *unit = o->of == SCENARIO_CONSULT ? "rooms" : "members";
  if (r->knee == 0)
    snprintf(text, cap, "Knee: even the first load was too much.");
  else if (r->knee_is_limit)
    snprintf(text, cap, "Knee: above %u %s, the highest that was tried (--ramp-limit).", r->knee, unit);
  else
    snprintf(text, cap, "Knee: %u %s; the figures below are of that load.", r->knee, unit);
  return text;
}

void report_table(FILE *to, const struct run_result *r, const struct load_options *o) {
  headline(to, r, o);
  char knee[96];
  if (o->scenario == SCENARIO_RAMP) fprintf(to, "%s\n", report_knee(knee, sizeof knee, r, o));
  struct libscols_table *table = new_table(to);
  struct libscols_line *parent = NULL;
  const char *group = "";
  for (size_t i = 0; table && i < r->metrics.count; i++) {
    const struct metric *m = &r->metrics.items[i];
    char value[48];
    if (!m->known && r->window.has_server && strcmp(m->name, "syscalls_per_packet") == 0)
      add_line(table, parent, m->title, "not counted: --help");
    if (!m->known) continue;
    if (strcmp(group, m->group) != 0) parent = add_line(table, NULL, group = m->group, "");
    add_line(table, parent, m->title, metric_format(m->unit, m->value, value, sizeof value));
  }
  if (table && r->window.has_server) add_processes(table, &r->window);
  if (table) {
    scols_print_table(table);
    scols_unref_table(table);
  }
  if (*r->note) fprintf(to, "\nNote: %s\n", r->note);
  if (r->valid) return;
  fprintf(to, "\nThis run is not valid; it does not say what the server can do:\n");
  for (size_t i = 0; i < r->reason_count; i++)
    fprintf(to, "  - %s\n", r->reasons[i]);
}

/* Why it cannot hold whatever is measured; false when it could. */
static bool say_unknown(const struct assertion *a, const struct metric_list *metrics) {
  const struct metric *m = metric_find(metrics, a->name);
  switch (assertion_check(a, metrics)) {
    case ASSERTION_UNKNOWN_METRIC:
      fprintf(stderr, "--assert %s: there is no figure \"%s\". There are:", a->text, a->name);
      for (size_t i = 0; i < metrics->count; i++)
        fprintf(stderr, " %s", metrics->items[i].name);
      fputc('\n', stderr);
      return true;
    case ASSERTION_WRONG_UNIT:
      fprintf(stderr, "--assert %s: %s is in %s\n", a->text, a->name, metric_unit_name(m->unit));
      return true;
    default:
      return false;
  }
}

size_t report_assertions_unknown(const struct load_options *o) {
  static struct run_result empty; /* the names and units are those of every run */
  size_t unknown = 0;
  empty.window.seconds = 1;
  run_judge(&empty, o);
  for (size_t i = 0; i < o->assertion_count; i++)
    unknown += say_unknown(&o->assertions[i], &empty.metrics);
  return unknown;
}

size_t report_assertions(const struct run_result *r, const struct load_options *o) {
  size_t failed = 0;
  for (size_t i = 0; i < o->assertion_count; i++) {
    const struct assertion *a = &o->assertions[i];
    const struct metric *m = metric_find(&r->metrics, a->name);
    char value[48];
    switch (assertion_check(a, &r->metrics)) {
      case ASSERTION_HOLDS:
        continue;
      case ASSERTION_FAILS:
        fprintf(stderr, "--assert %s: it is %s\n", a->text, metric_format(m->unit, m->value, value, sizeof value));
        break;
      case ASSERTION_UNKNOWN_METRIC:
      case ASSERTION_WRONG_UNIT:
        (void)say_unknown(a, &r->metrics);
        break;
      case ASSERTION_NOT_MEASURED:
        fprintf(stderr, "--assert %s: it was not measured in this run\n", a->text);
        break;
    }
    failed++;
  }
  return failed;
}
