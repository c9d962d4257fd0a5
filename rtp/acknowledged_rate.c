/* The rate that arrives: see rtp/acknowledged_rate.h. */
#include "rtp/acknowledged_rate.h"

#include <string.h>

#define MASK        (ACKNOWLEDGED_RUNS - 1U)
#define MIN_PACKETS 5

void acknowledged_rate_init(struct acknowledged_rate *a) {
  memset(a, 0, sizeof *a);
}

void acknowledged_rate_run(struct acknowledged_rate *a, int64_t arrival_us, uint32_t bytes, uint32_t packets) {
  static const int64_t window_us[2] = {ACKNOWLEDGED_WINDOW_US, ACKNOWLEDGED_BUSY_US};
  if (a->next) {
    int64_t newest_us = a->runs[(a->next - 1) & MASK].arrival_us;
    if (arrival_us < newest_us) arrival_us = newest_us;
  }
  a->bytes += bytes;
  a->total += packets;
  a->runs[a->next & MASK] = (struct acknowledged_run){arrival_us, a->bytes, a->total};
  a->next++;
  for (int i = 0; i < 2; i++) {
    uint32_t first = a->first[i];
    if (a->next - first > ACKNOWLEDGED_RUNS) first++; /* the oldest made room */
    while (arrival_us - a->runs[first & MASK].arrival_us > window_us[i])
      first++;
    a->first[i] = first;
  }
}

uint64_t acknowledged_rate_bps(const struct acknowledged_rate *a, int64_t window_us) {
  const struct acknowledged_run *first = &a->runs[a->first[window_us != ACKNOWLEDGED_WINDOW_US] & MASK];
  const struct acknowledged_run *last = &a->runs[(a->next - 1) & MASK];
  if (a->next == 0 || last->packets - first->packets < MIN_PACKETS - 1) return 0;
  int64_t span_us = last->arrival_us - first->arrival_us;
  if (span_us < window_us / 4 || span_us <= 0) return 0;
  return (uint64_t)(last->bytes - first->bytes) * 8 * 1000000 / (uint64_t)span_us;
}
