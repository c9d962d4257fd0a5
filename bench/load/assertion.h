/* bench/load/assertion.h: --assert 'loss<0.1%': what a run must have reached, for scripts and for CI. */
#ifndef BENCH_LOAD_ASSERTION_H
#define BENCH_LOAD_ASSERTION_H

#include <stdbool.h>
#include <stddef.h>

#include "bench/load/metric.h"

enum assertion_operator {
  ASSERTION_LESS,
  ASSERTION_LESS_EQUAL,
  ASSERTION_GREATER,
  ASSERTION_GREATER_EQUAL,
  ASSERTION_EQUAL
};

struct assertion {
  const char *text; /* as given; borrowed */
  char name[METRIC_NAME_BYTES];
  enum assertion_operator op;
  double value;  /* in the base of its unit: µs, bytes, …  */
  bool has_unit; /* a suffix was given: it must fit the metric */
  enum metric_unit unit;
};

/* NAME OP NUMBER[UNIT]: < <= > >= = ==; units % us ms s k M G B kB KiB MB MiB bit/s kbit/s Mbit/s Gbit/s. NULL, or why not. */
const char *assertion_parse(struct assertion *out, const char *text);

enum assertion_verdict {
  ASSERTION_HOLDS,
  ASSERTION_FAILS,
  ASSERTION_UNKNOWN_METRIC,
  ASSERTION_WRONG_UNIT,
  ASSERTION_NOT_MEASURED
};
enum assertion_verdict assertion_check(const struct assertion *a, const struct metric_list *metrics);

#endif
