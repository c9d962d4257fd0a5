/* Bits per second over the last second: see rtp/rate_window.h. */
#include "rtp/rate_window.h"

#include <string.h>

void rtp_rate_window_init(struct rtp_rate_window *w) {
  memset(w, 0, sizeof *w);
  w->bucket = -1;
}

void rtp_rate_window_advance(struct rtp_rate_window *w, int64_t now_us) {
  int64_t bucket = now_us >> RTP_RATE_BUCKET_SHIFT;
  if (bucket <= w->bucket) return;
  if (w->bucket < 0 || bucket - w->bucket >= RTP_RATE_BUCKETS) {
    memset(w->bytes, 0, sizeof w->bytes);
    w->first_bucket = bucket;
  } else {
    for (int64_t b = w->bucket + 1; b <= bucket; b++)
      w->bytes[b % RTP_RATE_BUCKETS] = 0;
  }
  w->bucket = bucket;
}

uint64_t rtp_rate_window_bps(const struct rtp_rate_window *w, int64_t now_us) {
  if (w->bucket < 0) return 0;
  int64_t end = now_us >> RTP_RATE_BUCKET_SHIFT; /* exclusive: the filling bucket does not count */
  if (end < w->bucket) end = w->bucket;
  int64_t begin = end - (RTP_RATE_BUCKETS - 1);
  if (begin < w->first_bucket) begin = w->first_bucket;
  if (begin >= end) {
    /* Younger than one bucket: what is there, taken as one bucket's worth. */
    return begin > w->bucket
               ? 0
               : ((uint64_t)w->bytes[w->bucket % RTP_RATE_BUCKETS] * 8 * 1000000) >> RTP_RATE_BUCKET_SHIFT;
  }
  uint64_t sum = 0;
  for (int64_t b = begin; b < end && b <= w->bucket; b++)
    sum += w->bytes[b % RTP_RATE_BUCKETS];
  return (sum * 8 * 1000000 / (uint64_t)(end - begin)) >> RTP_RATE_BUCKET_SHIFT;
}
