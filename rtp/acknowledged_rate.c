/* The rate that arrives: see rtp/acknowledged_rate.h. */
#include "rtp/acknowledged_rate.h"

#include <string.h>

#define MASK        (ACKNOWLEDGED_PACKETS - 1U)
#define MIN_PACKETS 5

void acknowledged_rate_init(struct acknowledged_rate *a) {
  memset(a, 0, sizeof *a);
}

/* The packets of a window are those between `first` and next. */
static void slide(struct acknowledged_rate *a, int which, int64_t window_us, int64_t newest_us, uint32_t size) {
  a->windows[which].bytes += size;
  while (newest_us - a->packets[a->windows[which].first & MASK].arrival_us > window_us)
    a->windows[which].bytes -= a->packets[a->windows[which].first++ & MASK].size;
}

void acknowledged_rate_packet(struct acknowledged_rate *a, int64_t arrival_us, uint32_t size) {
  if (a->count) {
    int64_t newest_us = a->packets[(a->next - 1) & MASK].arrival_us;
    if (arrival_us < newest_us) arrival_us = newest_us;
  }
  if (a->count == ACKNOWLEDGED_PACKETS) { /* the oldest makes room */
    for (int i = 0; i < 2; i++) {
      if (a->windows[i].first == a->next - a->count)
        a->windows[i].bytes -= a->packets[a->windows[i].first++ & MASK].size;
    }
    a->count--;
  }
  a->packets[a->next & MASK].arrival_us = arrival_us;
  a->packets[a->next & MASK].size = size;
  a->next++;
  a->count++;
  slide(a, 0, ACKNOWLEDGED_WINDOW_US, arrival_us, size);
  slide(a, 1, ACKNOWLEDGED_BUSY_US, arrival_us, size);
}

uint64_t acknowledged_rate_bps(const struct acknowledged_rate *a, int64_t window_us) {
  int which = window_us != ACKNOWLEDGED_WINDOW_US;
  uint32_t first = a->windows[which].first;
  if (a->next - first < MIN_PACKETS) return 0;
  int64_t span_us = a->packets[(a->next - 1) & MASK].arrival_us - a->packets[first & MASK].arrival_us;
  if (span_us < window_us / 4 || span_us <= 0) return 0;
  return (a->windows[which].bytes - a->packets[first & MASK].size) * 8 * 1000000 / (uint64_t)span_us;
}
