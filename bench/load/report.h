/* bench/load/report.h: a run's result for people (table), programs (JSON) and a browser (one HTML page with plots). */
#ifndef BENCH_LOAD_REPORT_H
#define BENCH_LOAD_REPORT_H

#include <stdio.h>

#include "bench/load/run.h"

/* "Knee: 12 rooms." and the like. Returns `text`. */
const char *report_knee(char *text, size_t cap, const struct run_result *r, const struct load_options *o);

void report_table(FILE *to, const struct run_result *r, const struct load_options *o);

/* Both write the file anew. 0, or -errno. */
int report_json(const char *path, const struct run_result *r, const struct load_options *o);
int report_html(const char *path, const struct run_result *r, const struct load_options *o);

/* Before a run: assertions on figures that there are not, or in units they are not in, on stderr. How many. */
size_t report_assertions_unknown(const struct load_options *o);
/* Says which assertions failed, on stderr. How many did. */
size_t report_assertions(const struct run_result *r, const struct load_options *o);

#endif
