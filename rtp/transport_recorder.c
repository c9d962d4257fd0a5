/* Transport-wide congestion control, the receiving end: see rtp/transport_feedback.h. */
#include "rtp/transport_feedback.h"

#include <string.h>

#define FIRST_CYCLE   65536U
#define RECORDER_MASK (TRANSPORT_RECORDER_PACKETS - 1U)
#define BUILD_BATCH   512 /* arrivals handed to the writer at once; a 1200-byte feedback holds about as many */
#define FEW_PACKETS   10  /* below this many in 100 ms the slower pace is enough */

void transport_feedback_recorder_init(struct transport_feedback_recorder *r) {
  memset(r, 0, sizeof *r);
  r->first_unreported_us = INT64_MAX;
  r->base = 1; /* one past `next`: the first packet is not the one that is expected */
}

/* More lost, or waiting to be reported, than the ring spans: begin anew at `seq`; a hole like that teaches nobody anything. */
static void restart(struct transport_feedback_recorder *r, uint32_t seq) {
  memset(r->arrival_us, 0, sizeof r->arrival_us);
  r->dropped += r->unreported;
  r->unreported = 0;
  r->first_unreported_us = INT64_MAX;
  r->base = r->next = seq;
}

/* Some are missing before it. */
static void open_gap(struct transport_feedback_recorder *r, uint32_t extended) {
  if (extended - r->base >= TRANSPORT_RECORDER_PACKETS) restart(r, extended);
  for (uint32_t s = r->next; s != extended; s++)
    r->arrival_us[s & RECORDER_MASK] = 0;
}

/* It comes after a younger one. False: it is not to be reported. */
static bool is_late_news(struct transport_feedback_recorder *r, uint32_t extended) {
  if ((int32_t)(r->base - extended) > TRANSPORT_REORDER_PACKETS || r->next - extended > TRANSPORT_RECORDER_PACKETS) {
    r->dropped++;
    return false;
  }
  if (r->arrival_us[extended & RECORDER_MASK]) return false; /* a duplicate, reported or about to be */
  if ((int32_t)(r->base - extended) > 0) r->base = extended;
  return true;
}

/* The first packet of all, one that comes late, or with a gap before it. Returns its number; 0: it is not to be reported. */
__attribute__((noinline)) static uint32_t arrived_apart(struct transport_feedback_recorder *r, uint16_t seq) {
  if (!r->started) {
    r->started = true;
    r->base = r->next = FIRST_CYCLE + seq;
  }
  int16_t ahead = (int16_t)(uint16_t)(seq - (uint16_t)r->next);
  uint32_t extended = r->next + (uint32_t)ahead;
  if (ahead < 0) return is_late_news(r, extended) ? extended : 0;
  open_gap(r, extended);
  r->next = extended + 1;
  return extended;
}

void transport_feedback_arrived(struct transport_feedback_recorder *r, uint16_t seq, int64_t now_us) {
  uint32_t extended = r->next;
  if (seq == (uint16_t)extended && extended - r->base < TRANSPORT_RECORDER_PACKETS) {
    r->next = extended + 1;
  } else {
    extended = arrived_apart(r, seq);
    if (!extended) return;
  }
  r->arrival_us[extended & RECORDER_MASK] = (uint32_t)now_us ? (uint32_t)now_us : 1;
  r->arrived++;
  r->unreported++;
  if (r->first_unreported_us == INT64_MAX) r->first_unreported_us = now_us;
}

int64_t transport_feedback_deadline(const struct transport_feedback_recorder *r) {
  if (r->first_unreported_us == INT64_MAX) return INT64_MAX;
  int64_t soon = r->first_unreported_us + TRANSPORT_FEEDBACK_MIN_US;
  int64_t slow = r->last_built_us + TRANSPORT_FEEDBACK_MAX_US;
  return r->unreported < FEW_PACKETS && slow > soon ? slow : soon;
}

/* `packets` of them were reported, up to the number before `end`. */
static void reported(struct transport_feedback_recorder *r, uint32_t packets, uint32_t end, int64_t now_us) {
  r->feedback_seq++;
  r->base = end;
  r->last_built_us = now_us;
  r->unreported = r->unreported > packets ? r->unreported - packets : 0;
  if (r->base == r->next) {
    r->unreported = 0;
    r->first_unreported_us = INT64_MAX;
  }
}

/* Any arrivals. Apart: few messages need this much of the stack. */
__attribute__((noinline)) static int build_any(struct transport_feedback_recorder *r, uint32_t sender_ssrc,
                                               uint32_t media_ssrc, uint8_t *out, size_t cap, int64_t now_us) {
  __attribute__((uninitialized)) struct rtcp_transport_arrival arrivals[BUILD_BATCH];
  size_t count = 0, consumed = 0;
  const uint32_t now_low = (uint32_t)now_us;
  for (uint32_t s = r->base, end = r->next; s != end && count < BUILD_BATCH; s++) {
    const uint32_t noted_us = r->arrival_us[s & RECORDER_MASK];
    if (!noted_us) continue;
    struct rtcp_transport_arrival *a = &arrivals[count++];
    a->arrival_us = now_us - (int32_t)(now_low - noted_us);
    a->seq = (uint16_t)s;
  }
  int len = rtcp_write_transport_feedback(out, cap, sender_ssrc, media_ssrc, r->feedback_seq, (uint16_t)r->base,
                                          arrivals, count, &consumed);
  if (len < 0 || consumed == 0) return len < 0 ? len : RTP_ERROR_NO_SPACE;
  reported(r, (uint32_t)consumed, r->base + (uint16_t)(arrivals[consumed - 1].seq - (uint16_t)r->base) + 1U, now_us);
  return len;
}

int transport_feedback_build(struct transport_feedback_recorder *r, uint32_t sender_ssrc, uint32_t media_ssrc,
                             uint8_t *out, size_t cap, int64_t now_us) {
  if (!r->started || r->base == r->next) return 0;
  uint32_t packets = r->next - r->base;
  if (packets > BUILD_BATCH) packets = BUILD_BATCH;
  const struct rtcp_transport_times times = {r->arrival_us, RECORDER_MASK, r->base, packets, now_us};
  int len = rtcp_write_whole_transport_feedback(out, cap, sender_ssrc, media_ssrc, r->feedback_seq, &times);
  if (len == 0) return build_any(r, sender_ssrc, media_ssrc, out, cap, now_us);
  reported(r, packets, r->base + packets, now_us);
  return len;
}
