/* sim_table: runs the laboratory's rows over seeds and prints what they show.
 *
 *   sim_table [--seeds N] [--row PART] [--test]     median and worst of each metric, and how many seeds kept the bound
 *   sim_table --trace ROW SEED                      one run, a line per tenth of a second
 *
 * --test: exits 1 when the median of a metric misses its bound plus slack. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/sim/room.h"
#include "tests/sim/scenarios.h"

#define SEEDS_MAX 100

static int ascending(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return x < y ? -1 : x > y;
}

static bool within(const struct sim_metric *m, double value, double slack) {
  return m->at_most ? value <= m->bound + slack : value >= m->bound - slack;
}

/* Returns whether the medians lie within bound and slack. */
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
  printf("| %s |", row->name);
  for (size_t m = 0; m < row->metric_count; m++) {
    const struct sim_metric *metric = &row->metrics[m];
    int kept = 0;
    for (int i = 0; i < seeds; i++)
      kept += within(metric, values[m][i], 1e-9);
    qsort(values[m], (size_t)seeds, sizeof values[m][0], ascending);
    double median = values[m][seeds / 2], worst = metric->at_most ? values[m][seeds - 1] : values[m][0];
    bool median_kept = within(metric, median, 1e-9);
    printf(" %s%s %.3g (%.3g) %s %.3g: %d/%d%s |", median_kept ? "" : "**", metric->name, median, worst,
           metric->at_most ? "≤" : "≥", metric->bound, kept, seeds, median_kept ? "" : "**");
    good &= within(metric, median, metric->slack);
  }
  printf("\n");
  fflush(stdout);
  return good;
}

static void print_trace(const struct sim_row *row, uint64_t seed) {
  static struct room_result trace;
  double v[SIM_METRICS] = {0};
  row->run(row, seed, v, &trace);
  for (int leg = 0; leg < trace.leg_count; leg++) {
    const struct leg_result *l = &trace.legs[leg];
    printf("# receiver %d: seconds, target kbit/s, sent kbit/s, queue ms, layer.temporal, audio only\n", leg);
    for (size_t i = 0; i < l->sample_count; i++) {
      const struct room_sample *s = &l->samples[i];
      printf("%.1f %.0f %.0f %.0f %d.%d%s\n", s->at_s, s->target_bps / 1e3, s->wire_bps / 1e3, s->queue_ms, s->layer,
             s->temporal, s->audio_only ? " audio-only" : "");
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
  for (int i = 1; i < argc; i++) {
    if (strcmp(argv[i], "--test") == 0) {
      test = true;
      seeds = getenv("CONSILIUM_LONG") ? 20 : 2;
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
  printf("Each metric: median over %d seeds (worst), the bound, and how many seeds kept it.\n\n", seeds);
  for (size_t k = 0; k < count; k++) {
    if (strstr(rows[k].name, part)) good &= print_row(&rows[k], seeds);
  }
  return test && !good;
}
