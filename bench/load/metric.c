/* bench/load/metric.c: see the header. */
#include "bench/load/metric.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

void metric_add(struct metric_list *list, const char *group, const char *name, const char *title, enum metric_unit unit,
                double value, bool known) {
  if (list->count == METRICS_MAX) return;
  list->items[list->count++] = (struct metric){name, group, title, unit, value, known};
}

const struct metric *metric_find(const struct metric_list *list, const char *name) {
  static const char *const shorts[][2] = {{"p50", "latency_p50"},       {"p90", "latency_p90"},
                                          {"p99", "latency_p99"},       {"p999", "latency_p999"},
                                          {"cpu", "cpu_us_per_packet"}, {"first_frame_p95", "first_media_p95"}};
  for (size_t i = 0; i < sizeof shorts / sizeof *shorts; i++)
    if (strcmp(name, shorts[i][0]) == 0) name = shorts[i][1];
  for (size_t i = 0; i < list->count; i++)
    if (strcmp(list->items[i].name, name) == 0) return &list->items[i];
  return NULL;
}

const char *metric_unit_name(enum metric_unit unit) {
  static const char *const names[] = {"count", "percent", "us", "per_second", "bits_per_second", "bytes"};
  return names[unit];
}

/* Three digits that count. */
static void format_scaled(double value, const char *const *units, size_t count, double step, char *text, size_t cap) {
  size_t i = 0;
  while (i + 1 < count && fabs(value) >= step * 0.9995) {
    value /= step;
    i++;
  }
  int digits = fabs(value) >= 99.95 || value == 0 ? 0 : fabs(value) >= 9.995 ? 1 : 2;
  if (i == 0 && value == floor(value)) digits = 0;
  snprintf(text, cap, "%.*f%s", digits, value, units[i]);
}

const char *metric_format(enum metric_unit unit, double value, char *text, size_t cap) {
  static const char *const counts[] = {"", " k", " M", " G"};
  static const char *const times[] = {" µs", " ms", " s"};
  static const char *const rates[] = {"/s", " k/s", " M/s", " G/s"};
  static const char *const bits[] = {" bit/s", " kbit/s", " Mbit/s", " Gbit/s"};
  static const char *const bytes[] = {" B", " KiB", " MiB", " GiB"};
  switch (unit) {
    case METRIC_COUNT:
      if (value == floor(value) && fabs(value) < 100000)
        snprintf(text, cap, "%.0f", value);
      else if (fabs(value) < 0.1)
        snprintf(text, cap, "%.2g", value);
      else
        format_scaled(value, counts, 4, 1000, text, cap);
      break;
    case METRIC_PERCENT:
      snprintf(text, cap, fabs(value) < 0.0005 ? "%.0f %%" : fabs(value) < 1 ? "%.3f %%" : "%.1f %%", value);
      break;
    case METRIC_US:
      format_scaled(value, times, 3, 1000, text, cap);
      break;
    case METRIC_PER_SECOND:
      format_scaled(value, rates, 4, 1000, text, cap);
      break;
    case METRIC_BITS_PER_SECOND:
      format_scaled(value, bits, 4, 1000, text, cap);
      break;
    case METRIC_BYTES:
      format_scaled(value, bytes, 4, 1024, text, cap);
      break;
  }
  return text;
}
