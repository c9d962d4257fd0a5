/* rtp/pacer.h: what may leave at once and what waits its turn, for one receiver.
 *
 * A leaky bucket at the pace: while its level is below the burst, packets leave at once, so ordinary frames pass untouched and
 * the uncongested path costs one comparison and one addition. What exceeds it (a key frame, the tail of a layer that has become
 * too fast) waits as an *egress decision*: which slot, which of its sequence numbers. The packet itself stays in the source's
 * history and is written when its turn comes. Retransmissions go before video. Audio never waits, but is counted.
 *
 * Units: bytes on the wire, microseconds.   Memory: 20 KiB, fixed, touched only as far as the longest backlog; no allocation. One loop, no locks.
 */
#ifndef RTP_PACER_H
#define RTP_PACER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PACER_BURST_US \
  40000 /* a frame of the base temporal layer takes about 36 ms of the pace when media fills the target */
#define PACER_FACTOR        1.25 /* pace over target: a key frame's queue must drain while media goes on */
#define PACER_BURST_SHARE   2 /* … or this part of the rate at which bursts went without a queue (rtp/burst_rate.h) … */
#define PACER_BURST_MOST    8 /* … at most so many times the target */
#define PACER_MIN_BPS       60000
/* What never waits may be more than the pace. Counted without end it would hold video back long after the link is better. */
#define PACER_DEBT_MAX_US   1000000
/* A packet that was asked for so long ago is no longer waited for. */
#define PACER_REPAIR_MAX_US 500000
#define PACER_VIDEO_QUEUE   1024 /* powers of two */
#define PACER_REPAIR_QUEUE  256

enum pacer_kind { PACER_AUDIO = 0, PACER_REPAIR, PACER_VIDEO };

struct pacer_decision {
  int64_t since_us;
  uint16_t slot; /* the caller's number for it */
  uint16_t seq;  /* VIDEO: ours, given but not sent yet; REPAIR: the one asked for */
  uint16_t bytes;
};

struct pacer {
  int64_t level_until_us; /* when the bucket will be empty: level = level_until_us - now */
  uint64_t bps;
  uint64_t us_per_byte_q16;
  uint32_t video_head, video_tail, repair_head, repair_tail; /* tail: one past the newest */
  uint64_t queued_bytes;
  uint64_t delayed, refused; /* counters */
  struct pacer_decision video[PACER_VIDEO_QUEUE], repair[PACER_REPAIR_QUEUE];
};

void pacer_init(struct pacer *p, uint64_t target_bps);
/* `burst_bps`: at which bursts are known to pass, 0 unknown. */
void pacer_set_target(struct pacer *p, uint64_t target_bps, uint64_t burst_bps);

/* `bytes` leave now, whatever the bucket says: audio, RTCP, probes. */
static inline void pacer_charge(struct pacer *p, uint32_t bytes, int64_t now_us) {
  if (p->level_until_us < now_us) p->level_until_us = now_us;
  p->level_until_us += (int64_t)((bytes * p->us_per_byte_q16) >> 16);
  if (p->level_until_us - now_us > PACER_DEBT_MAX_US) p->level_until_us = now_us + PACER_DEBT_MAX_US;
}

/* Nothing waits. */
static inline bool pacer_is_empty(const struct pacer *p) {
  return p->repair_head == p->repair_tail && p->video_head == p->video_tail;
}

/* Packets left that were charged by the caller: what the bucket holds now. */
static inline void pacer_set_level(struct pacer *p, int64_t level_us, int64_t now_us) {
  p->level_until_us = now_us + (level_us < PACER_DEBT_MAX_US ? level_us : PACER_DEBT_MAX_US);
}

/* May a packet leave at once? True: it is charged, send it. False: pacer_push() it. */
static inline bool pacer_admit(struct pacer *p, enum pacer_kind kind, uint32_t bytes, int64_t now_us) {
  bool first = kind == PACER_AUDIO ||
               (p->repair_head == p->repair_tail && (kind == PACER_REPAIR || p->video_head == p->video_tail) &&
                p->level_until_us - now_us <= PACER_BURST_US);
  if (first) pacer_charge(p, bytes, now_us);
  return first;
}

/* Keeps the decision. False: the queue is full, nothing is kept. */
bool pacer_push(struct pacer *p, enum pacer_kind kind, const struct pacer_decision *d);

/* The next decision whose turn has come, charged and taken out; *kind says which. False: none. */
bool pacer_pop(struct pacer *p, int64_t now_us, enum pacer_kind *kind, struct pacer_decision *out);

/* Takes out all of a slot's decisions: its video, or everything it has. Returns how many. */
size_t pacer_forget(struct pacer *p, uint16_t slot, bool repairs_too);

/* Throws away repairs that come too late. Returns how many. */
size_t pacer_forget_late_repairs(struct pacer *p, int64_t now_us);

/* The video decision that waits longest; NULL: none. Valid until the next call. */
const struct pacer_decision *pacer_oldest_video(const struct pacer *p);

/* When pacer_pop() will have something; INT64_MAX when the queues are empty. */
int64_t pacer_deadline(const struct pacer *p);

/* How long what waits will take at the present pace. */
int64_t pacer_backlog_us(const struct pacer *p);

#endif
