/* bench/load/report.h: a run's result for people (table), programs (JSON) and a browser (one HTML page with plots). */
#ifndef BENCH_LOAD_REPORT_H
#define BENCH_LOAD_REPORT_H

#include <stdio.h>

#include "bench/load/run.h"

void report_table(FILE *to, const struct run_result *r, const struct load_options *o);

/* Both write the file anew. 0, or -errno. */
int report_json(const char *path, const struct run_result *r, const struct load_options *o);
int report_html(const char *path, const struct run_result *r, const struct load_options *o);

/* Says which assertions failed, on stderr. How many did. */
size_t report_assertions(const struct run_result *r, const struct load_options *o);

#endif
