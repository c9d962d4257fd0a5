/* rtp/rate_window.h: bits per second over the last second, in constant time and space.
 *
 * Eight buckets of 131 ms each; the newest is still filling, so the rate is taken over the seven complete ones before it.
 */
#ifndef RTP_RATE_WINDOW_H
#define RTP_RATE_WINDOW_H

#include <stdint.h>

#define RTP_RATE_BUCKETS      8
#define RTP_RATE_BUCKET_SHIFT 17 /* 2^17 us = 131 ms */

struct rtp_rate_window {
  int64_t bucket;       /* number of the newest bucket: now_us >> RTP_RATE_BUCKET_SHIFT */
  int64_t first_bucket; /* where counting began, so that a young stream is not underestimated */
  uint32_t bytes[RTP_RATE_BUCKETS];
};

void rtp_rate_window_init(struct rtp_rate_window *w);

/* Moves on to the bucket of now_us. */
void rtp_rate_window_advance(struct rtp_rate_window *w, int64_t now_us);

/* `bytes` passed at now_us. Time must not run backwards by more than a window; if it does the bytes count as now. */
static inline void rtp_rate_window_add(struct rtp_rate_window *w, uint32_t bytes, int64_t now_us) {
  if (now_us >> RTP_RATE_BUCKET_SHIFT != w->bucket) rtp_rate_window_advance(w, now_us);
  w->bytes[(uint64_t)w->bucket % RTP_RATE_BUCKETS] += bytes;
}

/* The rate seen at now_us; 0 before anything and after a second of silence. */
uint64_t rtp_rate_window_bps(const struct rtp_rate_window *w, int64_t now_us);

#endif
