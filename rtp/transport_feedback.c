/* Transport-wide congestion control, both ends: see rtp/transport_feedback.h. */
#include "rtp/transport_feedback.h"

#include <string.h>

#define FIRST_CYCLE   65536U

/* ---- receiving end ---- */

#define RECORDER_MASK (TRANSPORT_RECORDER_PACKETS - 1U)
#define BUILD_BATCH   512 /* arrivals handed to the writer at once; a 1200-byte feedback holds about as many */
#define FEW_PACKETS   10  /* below this many in 100 ms the slower pace is enough */

void transport_feedback_recorder_init(struct transport_feedback_recorder *r) {
  memset(r, 0, sizeof *r);
  r->first_unreported_us = INT64_MAX;
  for (size_t i = 0; i < TRANSPORT_RECORDER_PACKETS; i++)
    r->arrival_us[i] = -1;
}

static void note(struct transport_feedback_recorder *r, uint32_t seq, int64_t now_us) {
  r->arrival_us[seq & RECORDER_MASK] = now_us;
  r->arrived++;
  r->unreported++;
  if (r->first_unreported_us == INT64_MAX) r->first_unreported_us = now_us;
}

/* More lost, or waiting to be reported, than the ring spans: begin anew at `seq`; a hole like that teaches nobody anything. */
static void restart(struct transport_feedback_recorder *r, uint32_t seq) {
  for (size_t i = 0; i < TRANSPORT_RECORDER_PACKETS; i++)
    r->arrival_us[i] = -1;
  r->dropped += r->unreported;
  r->unreported = 0;
  r->first_unreported_us = INT64_MAX;
  r->base = r->next = seq;
}

void transport_feedback_arrived(struct transport_feedback_recorder *r, uint16_t seq, int64_t now_us) {
  if (!r->started) {
    r->started = true;
    r->base = r->next = FIRST_CYCLE + seq;
  }
  uint32_t extended = r->next + (uint32_t)(int16_t)(uint16_t)(seq - (uint16_t)r->next);
  if ((int32_t)(extended - r->next) >= 0) {
    if (extended - r->base >= TRANSPORT_RECORDER_PACKETS) restart(r, extended);
    for (uint32_t s = r->next; s != extended; s++)
      r->arrival_us[s & RECORDER_MASK] = -1;
    r->next = extended + 1;
    note(r, extended, now_us);
    return;
  }
  if ((int32_t)(r->base - extended) > TRANSPORT_REORDER_PACKETS || r->next - extended > TRANSPORT_RECORDER_PACKETS) {
    r->dropped++;
    return;
  }
  if (r->arrival_us[extended & RECORDER_MASK] >= 0) return; /* a duplicate, reported or about to be */
  if ((int32_t)(r->base - extended) > 0) r->base = extended;
  note(r, extended, now_us);
}

int64_t transport_feedback_deadline(const struct transport_feedback_recorder *r) {
  if (r->first_unreported_us == INT64_MAX) return INT64_MAX;
  int64_t soon = r->first_unreported_us + TRANSPORT_FEEDBACK_MIN_US;
  int64_t slow = r->last_built_us + TRANSPORT_FEEDBACK_MAX_US;
  return r->unreported < FEW_PACKETS && slow > soon ? slow : soon;
}

int transport_feedback_build(struct transport_feedback_recorder *r, uint32_t sender_ssrc, uint32_t media_ssrc,
                             uint8_t *out, size_t cap, int64_t now_us) {
  if (!r->started || r->base == r->next) return 0;
  struct rtcp_transport_arrival arrivals[BUILD_BATCH];
  size_t count = 0, consumed = 0;
  for (uint32_t s = r->base; s != r->next && count < BUILD_BATCH; s++) {
    int64_t arrival_us = r->arrival_us[s & RECORDER_MASK];
    if (arrival_us >= 0)
      arrivals[count++] = (struct rtcp_transport_arrival){.arrival_us = arrival_us, .seq = (uint16_t)s};
  }
  int len = rtcp_write_transport_feedback(out, cap, sender_ssrc, media_ssrc, r->feedback_seq, (uint16_t)r->base,
                                          arrivals, count, &consumed);
  if (len < 0 || consumed == 0) return len < 0 ? len : RTP_ERROR_NO_SPACE;
  r->feedback_seq++;
  r->base += (uint16_t)(arrivals[consumed - 1].seq - (uint16_t)r->base) + 1U;
  r->last_built_us = now_us;
  r->unreported = r->unreported > consumed ? r->unreported - (uint32_t)consumed : 0;
  if (r->base == r->next) {
    r->unreported = 0;
    r->first_unreported_us = INT64_MAX;
  }
  return len;
}

/* ---- sending end ---- */

#define HISTORY_MASK (TRANSPORT_HISTORY_PACKETS - 1U)

/* Highest bit of `size`: reported lost once, no longer counted as in flight. */
#define LOST_BIT     0x8000U

void transport_send_history_init(struct transport_send_history *h) {
  memset(h, 0, sizeof *h);
  h->next = FIRST_CYCLE;
  h->reported = FIRST_CYCLE;
  for (size_t i = 0; i < TRANSPORT_HISTORY_PACKETS; i++)
    h->ring[i].sent_us = -1;
}

uint16_t transport_send_history_sent(struct transport_send_history *h, uint16_t size, uint16_t tag, int64_t now_us) {
  struct transport_sent *e = &h->ring[h->next & HISTORY_MASK];
  if (e->sent_us >= 0 && !(e->size & LOST_BIT)) {
    h->in_flight_bytes -= e->size;
    h->lost++;
  }
  size = (uint16_t)(size & ~LOST_BIT);
  *e = (struct transport_sent){.sent_us = now_us, .seq = h->next, .size = size, .tag = tag};
  h->in_flight_bytes += size;
  h->sent++;
  return (uint16_t)h->next++;
}

/* The peer's reference time, 24 bits of 64 ms, made continuous over messages: the nearest value to the last one. Returns what
 * to add to the arrival times of this message. */
static int64_t unwrap_reference(struct transport_send_history *h, int32_t reference) {
  uint32_t wrapped = (uint32_t)reference & 0xffffffU;
  if (!h->has_reference) {
    h->has_reference = true;
    h->reference_us = (int64_t)wrapped * RTCP_TRANSPORT_REFERENCE_US;
  } else {
    int32_t delta = (int32_t)((wrapped - h->reference) << 8) >> 8;
    h->reference_us += (int64_t)delta * RTCP_TRANSPORT_REFERENCE_US;
  }
  h->reference = wrapped;
  return h->reference_us - (int64_t)reference * RTCP_TRANSPORT_REFERENCE_US;
}

static void report(struct transport_send_history *h, struct transport_sent *e,
                   const struct rtcp_transport_status *status, int64_t offset_us, struct transport_results *out) {
  bool was_lost = (e->size & LOST_BIT) != 0;
  struct transport_result *result = &out->results[out->count];
  *result = (struct transport_result){
      .sent_us = e->sent_us, .arrival_us = -1, .seq = e->seq, .size = (uint16_t)(e->size & ~LOST_BIT), .tag = e->tag};
  if (status->received) {
    result->arrival_us = status->arrival_us + offset_us;
    out->received++;
    if (e->sent_us > out->newest_sent_us) out->newest_sent_us = e->sent_us;
    h->acked++;
    if (was_lost)
      h->lost--;
    else
      h->in_flight_bytes -= e->size;
    e->sent_us = -1;
  } else if (was_lost) {
    return; /* nothing new */
  } else {
    h->lost++;
    h->in_flight_bytes -= e->size;
    e->size = (uint16_t)(e->size | LOST_BIT);
  }
  out->count++;
}

void transport_send_history_feedback(struct transport_send_history *h, struct rtcp_transport_feedback *f,
                                     struct transport_results *out) {
  out->count = 0;
  out->received = 0;
  out->newest_sent_us = -1;
  int64_t offset_us = unwrap_reference(h, f->reference);
  h->feedback_seq = f->feedback_seq;
  struct rtcp_transport_status status;
  while (rtcp_transport_feedback_next(f, &status)) {
    uint32_t newest = h->next - 1;
    uint32_t behind =
        (uint16_t)((uint16_t)newest - status.seq); /* 0: the newest; feedback about the future wraps far */
    struct transport_sent *e = &h->ring[(newest - behind) & HISTORY_MASK];
    if (behind >= TRANSPORT_HISTORY_PACKETS || e->seq != newest - behind || e->sent_us < 0) {
      h->unknown += status.received;
      continue;
    }
    if ((int32_t)(e->seq + 1 - h->reported) > 0) h->reported = e->seq + 1;
    if (out->count < out->capacity) report(h, e, &status, offset_us, out);
  }
}
