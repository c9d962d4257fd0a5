/* Links without a queue: see rtp/calm_link.h. */
#include "rtp/calm_link.h"

#include <string.h>

#define MASK (CALM_LINK_RUNS - 1U)

_Static_assert(offsetof(struct calm_run, last_arrival_us) == offsetof(struct transport_result, last_arrival_us),
               "keep() copies the times as they lie");

/* Sums the message up; false when anything in it is out of the ordinary. */
static bool sum_up(const struct transport_results *r, int64_t base_us, struct transport_result *sum) {
  uint32_t packets = 0, bytes = 0;
  int64_t least_us = INT64_MAX;
  if (r->lost || r->count == 0 || base_us == INT64_MAX) return false;
  const struct transport_result *run = r->results, *end = run + r->count;
  for (; run != end; run++) {
    int64_t delay_us = run->arrival_us - run->sent_us;
    int64_t wait_us = run->last_arrival_us - run->last_sent_us - base_us;
    if ((uint64_t)(wait_us + CALM_LINK_LESS_US) > CALM_LINK_WAIT_US + CALM_LINK_LESS_US) return false;
    if (delay_us - base_us > CALM_LINK_WAIT_US || run->tag | run->again) return false;
    if (delay_us < least_us) least_us = delay_us;
    packets += run->packets;
    bytes += run->bytes;
  }
  const struct transport_result *first = &r->results[0], *last = &r->results[r->count - 1];
  *sum = (struct transport_result){.sent_us = first->sent_us,
                                   .last_sent_us = last->last_sent_us,
                                   .arrival_us = first->sent_us + least_us,
                                   .last_arrival_us = last->last_arrival_us,
                                   .seq = first->seq,
                                   .packets = packets,
                                   .bytes = bytes,
                                   .first_bytes = first->first_bytes,
                                   .last_bytes = last->last_bytes};
  return true;
}

static void keep(struct calm_link *c, const struct transport_results *r) {
  const size_t times = offsetof(struct calm_run, bytes);
  uint32_t kept = c->kept;
  for (const struct transport_result *run = r->results, *end = run + r->count; run != end; run++) {
    struct calm_run *to = &c->runs[kept++ & MASK];
    memcpy(to, run, times);
    to->bytes = run->bytes;
  }
  c->kept = kept;
}

bool calm_link_message(struct calm_link *c, const struct transport_results *r, int64_t base_us,
                       struct transport_result *sum) {
  if (!sum_up(r, base_us, sum)) {
    c->messages = 0;
    return false;
  }
  if (c->messages < CALM_LINK_MESSAGES) {
    c->messages++;
    return false;
  }
  keep(c, r);
  return true;
}

size_t calm_link_kept(const struct calm_link *c) {
  return c->kept < CALM_LINK_RUNS ? c->kept : CALM_LINK_RUNS;
}

struct transport_result calm_link_run(const struct calm_link *c, size_t index) {
  const struct calm_run *run = &c->runs[(c->kept - calm_link_kept(c) + index) & MASK];
  return (struct transport_result){.sent_us = run->sent_us,
                                   .last_sent_us = run->last_sent_us,
                                   .arrival_us = run->arrival_us,
                                   .last_arrival_us = run->last_arrival_us,
                                   .packets = 1,
                                   .bytes = run->bytes};
}
