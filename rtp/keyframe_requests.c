/* Merging and pacing of key-frame requests: see rtp/keyframe_requests.h. */
#include "rtp/keyframe_requests.h"

#include <string.h>

#define NEVER INT64_MIN

void keyframe_requests_init(struct keyframe_requests *k) {
  memset(k, 0, sizeof *k);
  k->last_sent_us = NEVER;
  k->last_keyframe_us = NEVER;
  k->full_at_us = NEVER;
  k->due_us = INT64_MAX;
}

void keyframe_requests_set_rtt(struct keyframe_requests *k, int64_t rtt_us) {
  if (rtt_us > 0) k->rtt_us = rtt_us;
}

/* When the burst allows the next one. */
static int64_t allowed_us(const struct keyframe_requests *k) {
  return k->full_at_us - (KEYFRAME_BURST - 1) * KEYFRAME_MIN_INTERVAL_US;
}

void keyframe_requests_wish(struct keyframe_requests *k, int64_t now_us) {
  k->wished++;
  if (k->due_us != INT64_MAX) return; /* merged into what is under way */
  k->tries = 0;
  k->due_us = now_us;
  if (k->last_sent_us == NEVER) return;
  const int64_t spaced_us = k->last_sent_us + KEYFRAME_SPACING_US;
  if (k->due_us < spaced_us) k->due_us = spaced_us;
  if (k->due_us < allowed_us(k)) k->due_us = allowed_us(k);
}

/* Twice the round trip, at least the limit; slower and slower for a source that does not answer. */
static int64_t retry_interval(const struct keyframe_requests *k) {
  int64_t interval = 2 * k->rtt_us;
  const int64_t least = k->tries == 1 ? KEYFRAME_SECOND_TRY_US : KEYFRAME_MIN_INTERVAL_US;
  if (interval < least) interval = least;
  for (uint32_t i = KEYFRAME_EAGER_TRIES; i < k->tries && interval < KEYFRAME_MAX_INTERVAL_US; i++)
    interval *= 2;
  return interval < KEYFRAME_MAX_INTERVAL_US ? interval : KEYFRAME_MAX_INTERVAL_US;
}

bool keyframe_requests_due(struct keyframe_requests *k, int64_t now_us) {
  if (now_us < k->due_us) return false;
  k->sent++;
  k->tries++;
  k->last_sent_us = now_us;
  if (k->full_at_us < now_us) k->full_at_us = now_us;
  k->full_at_us += KEYFRAME_MIN_INTERVAL_US;
  k->due_us = now_us + retry_interval(k);
  if (k->due_us < allowed_us(k)) k->due_us = allowed_us(k);
  return true;
}

int64_t keyframe_requests_deadline(const struct keyframe_requests *k) {
  return k->due_us;
}

void keyframe_requests_arrived(struct keyframe_requests *k, int64_t now_us) {
  k->last_keyframe_us = now_us;
  k->due_us = INT64_MAX;
  k->tries = 0;
}

void keyframe_requests_cancel(struct keyframe_requests *k) {
  k->due_us = INT64_MAX;
  k->tries = 0;
}

void keyframe_limiter_init(struct keyframe_limiter *l) {
  l->full_at_us = NEVER;
  l->refused = 0;
  l->lossy = false;
}

bool keyframe_limiter_allow(struct keyframe_limiter *l, int64_t now_us) {
  const int64_t refill_us = l->lossy ? KEYFRAME_LIMITER_LOSSY_US : KEYFRAME_LIMITER_REFILL_US;
  const int64_t burst = l->lossy ? 1 : KEYFRAME_LIMITER_BURST;
  int64_t full_at = l->full_at_us > now_us ? l->full_at_us : now_us;
  if (full_at - now_us > (burst - 1) * refill_us) {
    l->refused++;
    return false;
  }
  l->full_at_us = full_at + refill_us;
  return true;
}
