/* bench/load/histogram.h: a histogram with a constant relative error (HDR): any 64-bit value, 1.6 %, one increment a value.
 *
 * Values are what the caller makes them (here: microseconds); negative ones count as 0. 30 KiB each, no allocation.
 */
#ifndef BENCH_LOAD_HISTOGRAM_H
#define BENCH_LOAD_HISTOGRAM_H

#include <stddef.h>
#include <stdint.h>

/* 64 steps in each power of two: a value lies in a step at most 1/64 of it wide. Below 64 each value has its own. */
#define HISTOGRAM_SUB_BITS 6
#define HISTOGRAM_BUCKETS  ((64 - HISTOGRAM_SUB_BITS + 1) << HISTOGRAM_SUB_BITS)

struct histogram {
  uint64_t count;
  int64_t min, max, sum;
  uint64_t buckets[HISTOGRAM_BUCKETS];
};

void histogram_reset(struct histogram *h);
void histogram_add(struct histogram *h, int64_t value);
void histogram_merge(struct histogram *into, const struct histogram *from);

/* What was added between two states of one histogram; its min and max are those of the steps. */
void histogram_difference(struct histogram *out, const struct histogram *now, const struct histogram *before);

/* The value below or at which `percent` of the values lie: the upper end of its step, never above the largest value.
 * 0 when empty; 0 percent is the smallest value, 100 the largest. */
int64_t histogram_percentile(const struct histogram *h, double percent);
double histogram_mean(const struct histogram *h); /* 0 when empty */

/* For plots: bucket of a value, and the largest value of a bucket. */
size_t histogram_bucket(int64_t value);
int64_t histogram_bucket_top(size_t bucket);

#endif
