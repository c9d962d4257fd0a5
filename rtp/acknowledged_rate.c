/* The rate that arrives: see rtp/acknowledged_rate.h. */
#include "rtp/acknowledged_rate.h"

#include <string.h>

#define MASK        (ACKNOWLEDGED_PACKETS - 1U)
#define MIN_PACKETS 5

void acknowledged_rate_init(struct acknowledged_rate *a) {
  memset(a, 0, sizeof *a);
}

void acknowledged_rate_packet(struct acknowledged_rate *a, int64_t arrival_us, uint32_t size) {
  if (a->count) {
    int64_t newest_us = a->packets[(a->next - 1) & MASK].arrival_us;
    if (arrival_us < newest_us) arrival_us = newest_us;
  }
  a->packets[a->next & MASK].arrival_us = arrival_us;
  a->packets[a->next & MASK].size = size;
  a->next++;
  if (a->count < ACKNOWLEDGED_PACKETS) a->count++;
}

uint64_t acknowledged_rate_bps(const struct acknowledged_rate *a, int64_t window_us) {
  if (a->count < MIN_PACKETS) return 0;
  int64_t newest_us = a->packets[(a->next - 1) & MASK].arrival_us, first_us = newest_us;
  uint64_t bytes = 0;
  uint32_t used = 0, first_size = 0;
  for (uint32_t i = 1; i <= a->count; i++) {
    uint32_t at = (a->next - i) & MASK;
    if (newest_us - a->packets[at].arrival_us > window_us) break;
    first_us = a->packets[at].arrival_us;
    first_size = a->packets[at].size;
    bytes += first_size;
    used++;
  }
  int64_t span_us = newest_us - first_us;
  if (used < MIN_PACKETS || span_us < window_us / 4 || span_us <= 0) return 0;
  return (bytes - first_size) * 8 * 1000000 / (uint64_t)span_us;
}
