/* bench/load/knee_search.c: see the header. */
#include "bench/load/knee_search.h"

#define FAILURES_BELIEVED 2
#define PRECISION         20 /* stop when the interval is a twentieth of the load */

void knee_search_init(struct knee_search *k, unsigned start, unsigned limit) {
  *k = (struct knee_search){.limit = limit ? limit : 1};
  k->next = start < 1 ? 1 : start > k->limit ? k->limit : start;
}

unsigned knee_search_next(const struct knee_search *k) {
  return k->done ? 0 : k->next;
}

static void choose_next(struct knee_search *k) {
  k->failures = 0;
  if (!k->bad) {
    unsigned grown = k->good + (k->good + 1) / 2;
    k->done = k->good >= k->limit;
    k->next = grown > k->limit ? k->limit : grown;
    return;
  }
  unsigned gap = k->bad - k->good, enough = k->good / PRECISION;
  k->done = gap <= 1 || gap <= enough;
  k->next = k->good + gap / 2;
}

void knee_search_report(struct knee_search *k, bool borne) {
  if (k->done) return;
  if (borne) {
    k->good = k->next;
    choose_next(k);
  } else if (++k->failures >= FAILURES_BELIEVED) {
    k->bad = k->next;
    choose_next(k);
  }
}
