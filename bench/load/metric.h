/* bench/load/metric.h: the named figures of a run. Table, JSON, HTML and --assert all read this one list.
 */
#ifndef BENCH_LOAD_METRIC_H
#define BENCH_LOAD_METRIC_H

#include <stdbool.h>
#include <stddef.h>

enum metric_unit {
  METRIC_COUNT,
  METRIC_PERCENT,
  METRIC_US, /* microseconds */
  METRIC_PER_SECOND,
  METRIC_BITS_PER_SECOND,
  METRIC_BYTES,
};

#define METRIC_NAME_BYTES 32
#define METRICS_MAX       96

struct metric {
  const char *name;  /* as in --assert and JSON: "latency_p99" */
  const char *group; /* heading in the table: "Latency" */
  const char *title; /* "p99" */
  enum metric_unit unit;
  double value;
  bool known; /* false: not measured in this run (no --pid, no video, …) */
};

struct metric_list {
  size_t count;
  struct metric items[METRICS_MAX];
};

/* Appends one; silently full after METRICS_MAX. */
void metric_add(struct metric_list *list, const char *group, const char *name, const char *title, enum metric_unit unit,
                double value, bool known);
/* By its name or a short form of it ("p99" for "latency_p99"); NULL: unknown. */
const struct metric *metric_find(const struct metric_list *list, const char *name);

const char *metric_unit_name(enum metric_unit unit); /* "us", "percent", …: in JSON */

/* "412 µs", "3.91 ms", "0.02 %", "39.2 k/s", "1.48 Gbit/s", "318 KiB". Returns `text`. */
const char *metric_format(enum metric_unit unit, double value, char *text, size_t cap);

#endif
