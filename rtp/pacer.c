/* The queue of egress decisions: see rtp/pacer.h. */
#include "rtp/pacer.h"

#include <string.h>

#define VIDEO_MASK  (PACER_VIDEO_QUEUE - 1U)
#define REPAIR_MASK (PACER_REPAIR_QUEUE - 1U)

void pacer_init(struct pacer *p, uint64_t target_bps) {
  memset(p, 0, offsetof(struct pacer, video)); /* what a backlog never reaches is never made real by the kernel */
  pacer_set_target(p, target_bps, 0);
}

void pacer_set_target(struct pacer *p, uint64_t target_bps, uint64_t burst_bps) {
  uint64_t bps = target_bps + target_bps / 4; /* PACER_FACTOR */
  uint64_t burst = burst_bps / PACER_BURST_SHARE, most = target_bps * PACER_BURST_MOST;
  if (burst > most) burst = most;
  if (burst > bps) bps = burst;
  if (bps < PACER_MIN_BPS) bps = PACER_MIN_BPS;
  if (bps == p->bps) return;
  p->bps = bps;
  p->us_per_byte_q16 = (8000000ULL << 16) / bps;
}

bool pacer_push(struct pacer *p, enum pacer_kind kind, const struct pacer_decision *d) {
  bool repair = kind == PACER_REPAIR;
  /* Empty queues begin at their beginning, for the same reason. */
  if (p->repair_head == p->repair_tail) p->repair_head = p->repair_tail = 0;
  if (p->video_head == p->video_tail) p->video_head = p->video_tail = 0;
  uint32_t used = repair ? p->repair_tail - p->repair_head : p->video_tail - p->video_head;
  if (used == (repair ? PACER_REPAIR_QUEUE : PACER_VIDEO_QUEUE)) {
    p->refused++;
    return false;
  }
  if (repair)
    p->repair[p->repair_tail++ & REPAIR_MASK] = *d;
  else
    p->video[p->video_tail++ & VIDEO_MASK] = *d;
  p->queued_bytes += d->bytes;
  p->delayed++;
  return true;
}

bool pacer_pop(struct pacer *p, int64_t now_us, enum pacer_kind *kind, struct pacer_decision *out) {
  int64_t deadline_us = pacer_deadline(p);
  if (deadline_us == INT64_MAX || deadline_us > now_us) return false;
  if (p->repair_head != p->repair_tail) {
    *kind = PACER_REPAIR;
    *out = p->repair[p->repair_head++ & REPAIR_MASK];
  } else {
    *kind = PACER_VIDEO;
    *out = p->video[p->video_head++ & VIDEO_MASK];
  }
  p->queued_bytes -= out->bytes;
  pacer_charge(p, out->bytes, now_us);
  return true;
}

/* Closes up a ring over the decisions of `slot`. Returns the new tail. */
static uint32_t close_up(struct pacer *p, struct pacer_decision *ring, uint32_t mask, uint32_t head, uint32_t tail,
                         uint16_t slot) {
  uint32_t kept = head;
  for (uint32_t i = head; i != tail; i++) {
    if (ring[i & mask].slot == slot)
      p->queued_bytes -= ring[i & mask].bytes;
    else
      ring[kept++ & mask] = ring[i & mask];
  }
  return kept;
}

size_t pacer_forget(struct pacer *p, uint16_t slot, bool repairs_too) {
  uint32_t before = p->video_tail + p->repair_tail;
  p->video_tail = close_up(p, p->video, VIDEO_MASK, p->video_head, p->video_tail, slot);
  if (repairs_too) p->repair_tail = close_up(p, p->repair, REPAIR_MASK, p->repair_head, p->repair_tail, slot);
  return before - p->video_tail - p->repair_tail;
}

size_t pacer_forget_late_repairs(struct pacer *p, int64_t now_us) {
  uint32_t before = p->repair_head;
  while (p->repair_head != p->repair_tail &&
         now_us - p->repair[p->repair_head & REPAIR_MASK].since_us > PACER_REPAIR_MAX_US)
    p->queued_bytes -= p->repair[p->repair_head++ & REPAIR_MASK].bytes;
  return p->repair_head - before;
}

const struct pacer_decision *pacer_oldest_video(const struct pacer *p) {
  return p->video_head == p->video_tail ? NULL : &p->video[p->video_head & VIDEO_MASK];
}

int64_t pacer_deadline(const struct pacer *p) {
  if (p->video_head == p->video_tail && p->repair_head == p->repair_tail) return INT64_MAX;
  return p->level_until_us - PACER_BURST_US;
}

int64_t pacer_backlog_us(const struct pacer *p) {
  return (int64_t)((p->queued_bytes * p->us_per_byte_q16) >> 16);
}
