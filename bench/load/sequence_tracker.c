/* bench/load/sequence_tracker.c: see the header. */
#include "bench/load/sequence_tracker.h"

#include <string.h>

static bool is_marked(const struct sequence_tracker *t, int64_t seq) {
  unsigned at = (unsigned)(seq & (SEQUENCE_WINDOW - 1));
  return t->window[at / 64] >> (at % 64) & 1;
}

static void mark(struct sequence_tracker *t, int64_t seq, bool here) {
  unsigned at = (unsigned)(seq & (SEQUENCE_WINDOW - 1));
  uint64_t bit = UINT64_C(1) << (at % 64);
  t->window[at / 64] = here ? t->window[at / 64] | bit : t->window[at / 64] & ~bit;
}

static void begin(struct sequence_tracker *t, uint16_t seq) {
  memset(t->window, 0, sizeof t->window);
  t->started = true;
  t->first = t->highest = INT64_C(65536) + seq;
  mark(t, t->highest, true);
  t->counts.received++;
}

static void advance(struct sequence_tracker *t, int64_t to) {
  if (to - t->highest >= SEQUENCE_WINDOW) {
    memset(t->window, 0, sizeof t->window);
  } else {
    for (int64_t s = t->highest + 1; s < to; s++)
      mark(t, s, false);
  }
  t->highest = to;
  mark(t, to, true);
}

enum sequence_verdict sequence_tracker_receive(struct sequence_tracker *t, uint16_t seq, bool by_rtx) {
  if (!t->started) {
    if (by_rtx) return SEQUENCE_TOO_OLD;
    begin(t, seq);
    return SEQUENCE_NEW;
  }
  int64_t step = (int16_t)(uint16_t)(seq - (uint16_t)t->highest), at = t->highest + step;
  if (step > SEQUENCE_DROPOUT && !by_rtx) {
    t->expected_old += (uint64_t)(t->highest - t->first + 1);
    t->counts.restarts++;
    begin(t, seq);
    return SEQUENCE_RESTART;
  }
  if (step > 0) {
    advance(t, at);
    if (by_rtx)
      t->counts.recovered++;
    else
      t->counts.received++;
    return SEQUENCE_NEW;
  }
  if (step <= -SEQUENCE_WINDOW || at < t->first) return SEQUENCE_TOO_OLD;
  if (is_marked(t, at)) {
    t->counts.duplicates++;
    return SEQUENCE_DUPLICATE;
  }
  mark(t, at, true);
  if (by_rtx) {
    t->counts.recovered++;
  } else {
    t->counts.received++;
    t->counts.reordered++;
  }
  return SEQUENCE_LATE;
}

struct sequence_counts sequence_tracker_counts(const struct sequence_tracker *t) {
  struct sequence_counts c = t->counts;
  c.expected = t->expected_old + (t->started ? (uint64_t)(t->highest - t->first + 1) : 0);
  return c;
}

uint64_t sequence_lost(const struct sequence_counts *c) {
  return c->expected > c->received ? c->expected - c->received : 0;
}

uint64_t sequence_missing(const struct sequence_counts *c) {
  uint64_t here = c->received + c->recovered;
  return c->expected > here ? c->expected - here : 0;
}

void sequence_counts_add(struct sequence_counts *a, const struct sequence_counts *b) {
  a->expected += b->expected;
  a->received += b->received;
  a->recovered += b->recovered;
  a->reordered += b->reordered;
  a->duplicates += b->duplicates;
  a->restarts += b->restarts;
}

void sequence_counts_subtract(struct sequence_counts *a, const struct sequence_counts *b) {
  a->expected -= b->expected;
  a->received -= b->received;
  a->recovered -= b->recovered;
  a->reordered -= b->reordered;
  a->duplicates -= b->duplicates;
  a->restarts -= b->restarts;
}
