/* tests/sim/scenarios.h: the rows of the table: what is run, what is measured, what it must show. */
#ifndef TESTS_SIM_SCENARIOS_H
#define TESTS_SIM_SCENARIOS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SIM_METRICS 6

struct sim_metric {
  const char *name;
  double goal;  /* what the product promises */
  bool at_most; /* else at least */
  double held;  /* what the test holds the median to: the goal, or, where it is not reached yet, what was reached */
};

struct room_result;

struct sim_row {
  const char *name;
  size_t metric_count;
  struct sim_metric metrics[SIM_METRICS];
  void (*run)(const struct sim_row *row, uint64_t seed, double *values, struct room_result *trace);
  double bps, rtt_ms, number; /* the row's parameters, as its run() reads them */
};

const struct sim_row *sim_rows(size_t *count);

#endif
