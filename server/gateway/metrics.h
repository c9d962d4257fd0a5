/* server/gateway/metrics.h: Prometheus' text format 0.0.4, written line by line.
 *
 * A family is its HELP and TYPE, then its samples: call metrics_family() once and metrics_sample() for each sample, never
 * two families mixed. Label values are escaped as the format says; names are ours and must be valid.
 */
#ifndef SERVER_GATEWAY_METRICS_H
#define SERVER_GATEWAY_METRICS_H

#include <jansson.h>
#include <stdio.h>

#define METRICS_CONTENT_TYPE "text/plain; version=0.0.4; charset=utf-8"

struct metrics {
  FILE *to;
  const char *family; /* the one that is open; kept by pointer */
};

struct metrics_label {
  const char *name, *value;
};

/* `type` is "counter" (its name ends in _total), "gauge", "histogram" or "untyped". */
void metrics_family(struct metrics *m, const char *name, const char *type, const char *help);

/* `labels` ends with a NULL name; NULL: none. Whole numbers are written without a fraction. */
void metrics_sample(struct metrics *m, const struct metrics_label *labels, double value);

/* The same with a suffix to the family's name: "_bucket", "_sum", "_count" of a histogram. */
void metrics_sample_of(struct metrics *m, const char *suffix, const struct metrics_label *labels, double value);

/* metrics_direct.c: what each worker tells of direct connections (the member `direct` of its statistics; NULL: nothing yet). */
void metrics_direct(struct metrics *m, const json_t *const *workers, size_t count);

#define METRICS_LABELS(...) ((const struct metrics_label[]){__VA_ARGS__, {NULL, NULL}})

#endif
