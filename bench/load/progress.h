/* bench/load/progress.h: one line of live figures on a terminal (stderr); nothing elsewhere. */
#ifndef BENCH_LOAD_PROGRESS_H
#define BENCH_LOAD_PROGRESS_H

#include <stdbool.h>
#include <stdio.h>

#include "bench/load/run.h"

struct progress {
  const char *phase;
  double fraction; /* of the phase, 0 to 1 */
  unsigned joined, seats;
  const struct run_sample *last; /* NULL before the first sample */
};

/* The line, without its end: the bar gives way so that the figures fit into `columns` (0: there is room for all). Returns `text`. */
const char *progress_line(char *text, size_t cap, const struct progress *p, unsigned columns);

/* Writes it over the last one when `to` is a terminal, cut to its width. */
void progress_show(FILE *to, const struct progress *p);
/* Takes the line away again. */
void progress_clear(FILE *to);

#endif
