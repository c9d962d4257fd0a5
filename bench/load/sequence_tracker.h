/* bench/load/sequence_tracker.h: which packets of one RTP stream arrived: lost, late, twice, recovered by RTX.
 *
 * Counts are exact across the wrap of the 16-bit numbers. A packet is told apart from a duplicate within the last
 * SEQUENCE_WINDOW numbers; anything older is "too old" and counts for nothing.
 */
#ifndef BENCH_LOAD_SEQUENCE_TRACKER_H
#define BENCH_LOAD_SEQUENCE_TRACKER_H

#include <stdbool.h>
#include <stdint.h>

#define SEQUENCE_WINDOW  1024
/* RFC 3550 A.1: "MAX_DROPOUT = 3000": a larger step is a new stream under the old SSRC. */
#define SEQUENCE_DROPOUT 3000

struct sequence_counts {
  uint64_t expected;   /* from the first to the newest, both included  */
  uint64_t received;   /* each number once, RTX not counted            */
  uint64_t recovered;  /* came by RTX only                             */
  uint64_t reordered;  /* behind a newer one, but not by RTX           */
  uint64_t duplicates; /* came again                                   */
  uint64_t restarts;
};

struct sequence_tracker {
  bool started;
  int64_t highest;               /* extended */
  int64_t first;                 /* extended, of this life of the stream */
  uint64_t expected_old;         /* of earlier lives */
  struct sequence_counts counts; /* `expected` is computed */
  uint64_t window[SEQUENCE_WINDOW / 64];
};

enum sequence_verdict { SEQUENCE_NEW, SEQUENCE_LATE, SEQUENCE_DUPLICATE, SEQUENCE_TOO_OLD, SEQUENCE_RESTART };

/* `by_rtx`: the packet was carried by a retransmission. The first packet of a stream never is (it would be TOO_OLD). */
enum sequence_verdict sequence_tracker_receive(struct sequence_tracker *t, uint16_t seq, bool by_rtx);

struct sequence_counts sequence_tracker_counts(const struct sequence_tracker *t);

/* Never arrived in the first place, and never arrived at all; not below 0. */
uint64_t sequence_lost(const struct sequence_counts *c);
uint64_t sequence_missing(const struct sequence_counts *c);

/* a += b, a -= b, member by member. */
void sequence_counts_add(struct sequence_counts *a, const struct sequence_counts *b);
void sequence_counts_subtract(struct sequence_counts *a, const struct sequence_counts *b);

#endif
