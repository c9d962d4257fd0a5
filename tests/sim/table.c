/* sim_table: runs the laboratory's rows over seeds and prints what they show, as Markdown.
 *
 *   sim_table [--seeds N] [--row PART]     each metric's median and worst seed, the goal, how many seeds kept it
 *   sim_table --test                       the same over few seeds, with CONSILIUM_LONG set over all 20; exits 1 when the median of a
 *                                          metric is not where it is held
 *   sim_table --trace ROW SEED             one run, a line per tenth of a second */
#include <malloc.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tests/sim/room.h"
#include "tests/sim/scenarios.h"

#define SEEDS_MAX  100
#define SEEDS_LONG 20
#ifdef __has_feature /* clang */
#if __has_feature(address_sanitizer)
#define SLOW
#endif
#endif
#if defined(SLOW) || defined(__SANITIZE_ADDRESS__)
#define SEEDS_SHORT 1
#else
#define SEEDS_SHORT 4
#endif

static int ascending(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return x < y ? -1 : x > y;
}

static bool within(const struct sim_metric *m, double value, double bound) {
  return m->at_most ? value <= bound + 1e-9 : value >= bound - 1e-9;
}

static bool print_metric(const struct sim_metric *m, double *values, int seeds) {
  int kept = 0;
  for (int i = 0; i < seeds; i++)
    kept += within(m, values[i], m->goal);
  qsort(values, (size_t)seeds, sizeof values[0], ascending);
  double median = values[m->at_most ? seeds / 2 : (seeds - 1) / 2]; /* of the two in the middle, the worse */
  double worst = values[m->at_most ? seeds - 1 : 0];
  bool reached = within(m, median, m->goal), good = within(m, median, m->held);
  const char *sign = m->at_most ? "≤" : "≥";
  printf("%s %s%.3g%s (%.3g) %s %.3g: %d", m->name, reached ? "" : "**", median, reached ? "" : "**", worst, sign,
         m->goal, kept);
  if (m->held != m->goal) printf(", held %s %.3g", sign, m->held);
  if (!good) printf(" **FAILED**");
  return good;
}

/* Returns whether all medians are where the test holds them. */
static bool print_row(const struct sim_row *row, int seeds) {
  static double values[SIM_METRICS][SEEDS_MAX];
  static struct room_result trace;
  bool good = true;
  for (int seed = 1; seed <= seeds; seed++) {
    double v[SIM_METRICS] = {0};
    row->run(row, (uint64_t)seed, v, &trace);
    for (size_t m = 0; m < row->metric_count; m++)
      values[m][seed - 1] = v[m];
  }
  printf("| %s | ", row->name);
  for (size_t m = 0; m < row->metric_count; m++) {
    if (m) printf("; ");
    good &= print_metric(&row->metrics[m], values[m], seeds);
  }
  printf(" |\n");
  fflush(stdout);
  return good;
}

static void print_trace(const struct sim_row *row, uint64_t seed) {
  static struct room_result trace;
  double v[SIM_METRICS] = {0};
  row->run(row, seed, v, &trace);
  for (int leg = 0; leg < trace.leg_count; leg++) {
    const struct leg_result *l = &trace.legs[leg];
    printf("# receiver %d: seconds, target kbit/s, sent kbit/s, queue ms, layer, audio only\n", leg);
    for (size_t i = 0; i < l->sample_count; i++) {
      const struct room_sample *s = &l->samples[i];
      printf("%.1f %.0f %.0f %.0f %d%s\n", s->at_s, s->target_bps / 1e3, s->wire_bps / 1e3, s->queue_ms, s->layer,
             s->audio_only ? " audio-only" : "");
    }
    for (size_t i = 0; i < l->freeze_count; i++)
      printf("# frozen %.2f to %.2f s\n", (double)l->first_freeze_from_us[i] / 1e6,
             (double)l->first_freeze_until_us[i] / 1e6);
  }
  for (size_t m = 0; m < row->metric_count; m++)
    printf("# %s: %.3f\n", row->metrics[m].name, v[m]);
}

int main(int argc, char **argv) {
  int seeds = 3;
  bool test = false, good = true;
  const char *part = "";
  size_t count;
  const struct sim_row *rows = sim_rows(&count);
  /* The next run takes the pages of the last one: a page that is asked for anew costs more than a packet. */
  mallopt(M_MMAP_THRESHOLD, 1 << 30);
  mallopt(M_TRIM_THRESHOLD, 1 << 30);
  for (int i = 1; i < argc; i++) {
    if (strcmp(argv[i], "--test") == 0) {
      test = true;
      seeds = getenv("CONSILIUM_LONG") ? SEEDS_LONG : SEEDS_SHORT;
    } else if (strcmp(argv[i], "--seeds") == 0 && i + 1 < argc) {
      seeds = (int)strtol(argv[++i], NULL, 10);
    } else if (strcmp(argv[i], "--row") == 0 && i + 1 < argc) {
      part = argv[++i];
    } else if (strcmp(argv[i], "--trace") == 0 && i + 2 < argc) {
      for (size_t k = 0; k < count; k++) {
        if (strcmp(rows[k].name, argv[i + 1]) == 0) print_trace(&rows[k], strtoull(argv[i + 2], NULL, 10));
      }
      return 0;
    } else {
      fprintf(stderr, "usage: sim_table [--seeds N] [--row PART] [--test] | --trace ROW SEED\n");
      return 2;
    }
  }
  if (seeds < 1 || seeds > SEEDS_MAX) seeds = SEEDS_MAX;
  printf("| scenario | of %d seeds: median (worst) goal: seeds that kept it |\n|---|---|\n", seeds);
  for (size_t k = 0; k < count; k++) {
    if (strstr(rows[k].name, part)) good &= print_row(&rows[k], seeds);
  }
  double cpu_s = (double)clock() / CLOCKS_PER_SEC;
  printf("\n%.0f minutes of rooms in %.1f s of CPU: %.0f a second\n", room_simulated_s() / 60, cpu_s,
         room_simulated_s() / 60 / fmax(cpu_s, 0.001));
  return test && !good;
}
