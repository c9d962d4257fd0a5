/* bench/load/knee_search.h: which load to try next, to find the highest that a server bears.
 *
 * Grows by half until a load fails, then halves the interval. A failure is believed only when it repeats: on a shared
 * machine a single bad second says little. Pure arithmetic.
 */
#ifndef BENCH_LOAD_KNEE_SEARCH_H
#define BENCH_LOAD_KNEE_SEARCH_H

#include <stdbool.h>

struct knee_search {
  unsigned good;  /* the highest load that was borne; 0: none      */
  unsigned bad;   /* the lowest that was not, twice; 0: none yet   */
  unsigned limit; /* never try more                                */
  unsigned next;
  unsigned failures; /* of `next`, in a row */
  bool done;
};

/* Begins at `start` (at least 1). */
void knee_search_init(struct knee_search *k, unsigned start, unsigned limit);

/* What to try now; 0 when the search is over: k->good is the knee (and, when k->bad is 0, only the limit was found). */
unsigned knee_search_next(const struct knee_search *k);
void knee_search_report(struct knee_search *k, bool borne);

#endif
