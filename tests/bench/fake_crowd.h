/* tests/bench/fake_crowd.h: bench/load/crowd.h without people: linked in its place, traffic is what a test says it is. */
#ifndef TESTS_BENCH_FAKE_CROWD_H
#define TESTS_BENCH_FAKE_CROWD_H

#include "bench/load/crowd.h"

struct fake_crowd {
  unsigned admitted;     /* no more than these get in; the others fail with `words` */
  unsigned capacity;     /* seats above which latency is 50 ms and every hundredth packet is lost; below: 1 ms, none */
  unsigned late_packets; /* in flight when sending stops: they arrive in the drain */
  bool generator_late;   /* above the capacity it is the generator that is late */
  const char *words;
  int64_t interrupt_at_us; /* a SIGINT comes then; 0: none */
  /* what was asked of it */
  unsigned targets[64], target_count, churns, stops;
};
extern struct fake_crowd fake_crowd;

#define FAKE_PACKETS_PER_SECOND 100 /* and seat */

#endif
