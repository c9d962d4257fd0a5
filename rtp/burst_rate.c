/* What bursts prove about a path: see rtp/burst_rate.h. */
#include "rtp/burst_rate.h"

struct burst {
  int64_t sent_us, wait_us;
  uint64_t bytes;
};

void burst_rate_init(struct burst_rate *b) {
  *b = (struct burst_rate){.waited_us = -1};
}

static void advance(struct burst_rate *b, int64_t now_us) {
  int64_t window = now_us / BURST_WINDOW_US;
  if (window == b->window) return;
  b->best_bps[1] = window == b->window + 1 ? b->best_bps[0] : 0;
  b->best_bps[0] = 0;
  b->window = window;
}

static void judge(struct burst_rate *b, const struct burst *burst, int64_t now_us) {
  if (burst->wait_us > BURST_WAIT_US) burst_rate_congested(b, now_us);
  if (burst->bytes < BURST_MIN_BYTES) return;
  uint64_t bps = burst->bytes * 8000000 / (uint64_t)(burst->wait_us + BURST_BLUR_US);
  if (bps > b->best_bps[0]) b->best_bps[0] = bps;
}

void burst_rate_feedback(struct burst_rate *b, const struct transport_results *r, int64_t base_us, int64_t now_us) {
  if (base_us == INT64_MAX) return;
  advance(b, now_us);
  struct burst burst = {0};
  for (const struct transport_result *p = r->results, *end = p + r->count; p != end; p++) {
    if (p->arrival_us < 0) continue;
    int64_t wait_us = p->last_arrival_us - p->last_sent_us - base_us; /* of the run's last packet: the longest */
    if ((uint64_t)(p->sent_us - burst.sent_us) > BURST_SPAN_US) {     /* … or before it */
      judge(b, &burst, now_us);
      burst = (struct burst){.sent_us = p->sent_us};
    }
    burst.bytes += p->bytes;
    if (wait_us > burst.wait_us) burst.wait_us = wait_us;
  }
  judge(b, &burst, now_us);
}

void burst_rate_congested(struct burst_rate *b, int64_t now_us) {
  b->waited_us = now_us;
  b->best_bps[0] = b->best_bps[1] = 0;
}

uint64_t burst_rate_bps(const struct burst_rate *b, int64_t now_us) {
  if (b->waited_us >= 0 && now_us - b->waited_us < BURST_REST_US) return 0;
  int64_t age = now_us / BURST_WINDOW_US - b->window;
  uint64_t running = age <= 1 ? b->best_bps[0] : 0, before = age <= 0 ? b->best_bps[1] : 0;
  uint64_t best = running > before ? running : before;
  return best >= BURST_LEAST_BPS ? best : 0;
}
