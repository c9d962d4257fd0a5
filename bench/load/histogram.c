/* bench/load/histogram.c: see the header. */
#include "bench/load/histogram.h"

#include <math.h>
#include <string.h>

#define SUB (1U << HISTOGRAM_SUB_BITS)

size_t histogram_bucket(int64_t value) {
  uint64_t v = value < 0 ? 0 : (uint64_t)value;
  if (v < SUB) return (size_t)v;
  unsigned shift = 63U - (unsigned)__builtin_clzll(v) - HISTOGRAM_SUB_BITS; /* v >> shift lies in SUB … 2 SUB - 1 */
  return ((size_t)shift << HISTOGRAM_SUB_BITS) + (size_t)(v >> shift);
}

int64_t histogram_bucket_top(size_t bucket) {
  if (bucket < SUB) return (int64_t)bucket;
  unsigned shift = (unsigned)(bucket >> HISTOGRAM_SUB_BITS) - 1;
  uint64_t v = (uint64_t)(bucket - ((size_t)shift << HISTOGRAM_SUB_BITS));
  uint64_t top = ((v + 1) << shift) - 1;
  return top > INT64_MAX ? INT64_MAX : (int64_t)top;
}

void histogram_reset(struct histogram *h) {
  memset(h, 0, sizeof *h);
}

void histogram_add(struct histogram *h, int64_t value) {
  if (value < 0) value = 0;
  if (h->count == 0 || value < h->min) h->min = value;
  if (value > h->max) h->max = value;
  h->sum += value;
  h->count++;
  h->buckets[histogram_bucket(value)]++;
}

void histogram_merge(struct histogram *into, const struct histogram *from) {
  if (from->count == 0) return;
  if (into->count == 0 || from->min < into->min) into->min = from->min;
  if (from->max > into->max) into->max = from->max;
  into->sum += from->sum;
  into->count += from->count;
  for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++)
    into->buckets[i] += from->buckets[i];
}

void histogram_difference(struct histogram *out, const struct histogram *now, const struct histogram *before) {
  histogram_reset(out);
  for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++) {
    out->buckets[i] = now->buckets[i] - before->buckets[i];
    if (!out->buckets[i]) continue;
    int64_t top = histogram_bucket_top(i);
    if (out->count == 0) out->min = top;
    out->max = top;
    out->count += out->buckets[i];
  }
  out->sum = now->sum - before->sum;
}

int64_t histogram_percentile(const struct histogram *h, double percent) {
  if (h->count == 0) return 0;
  if (percent <= 0) return h->min;
  uint64_t wanted = (uint64_t)ceil(percent / 100 * (double)h->count), seen = 0;
  if (wanted > h->count) wanted = h->count;
  for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++) {
    seen += h->buckets[i];
    if (seen < wanted) continue;
    int64_t top = histogram_bucket_top(i);
    return top < h->max ? top : h->max;
  }
  return h->max;
}

double histogram_mean(const struct histogram *h) {
  return h->count ? (double)h->sum / (double)h->count : 0;
}
