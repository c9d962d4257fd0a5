/* bench/load/progress.h: one line of live figures on a terminal (stderr); nothing elsewhere. */
#ifndef BENCH_LOAD_PROGRESS_H
#define BENCH_LOAD_PROGRESS_H

#include <stdbool.h>

#include "bench/load/run.h"

/* `fraction` of the phase, 0 to 1. `last`: NULL before the first sample. */
void progress_show(bool quiet, const char *phase, double fraction, unsigned joined, unsigned seats,
                   const struct run_sample *last);
void progress_clear(void);

#endif
