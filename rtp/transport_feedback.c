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

/* Bits of `mark` above the tag. */
#define MARK_LOST    0x10000U
#define MARK_ACKED   0x20000U
#define TAG_OF(mark) ((uint16_t)(mark))

#define RUN_TICKS    (TRANSPORT_RUN_ARRIVAL_US / RTCP_TRANSPORT_TICK_US)

void transport_send_history_init(struct transport_send_history *h) {
  memset(h, 0, sizeof *h);
  h->next = h->first = h->reported = FIRST_CYCLE;
}

static uint32_t bytes_before(const struct transport_send_history *h, uint32_t number) {
  return number == h->next ? h->bytes : h->ring[number & HISTORY_MASK].bytes_before;
}

/* The oldest number that the ring still knows. */
static uint32_t oldest(const struct transport_send_history *h) {
  uint32_t span = h->next - h->first;
  return h->next - (span < TRANSPORT_HISTORY_PACKETS ? span : TRANSPORT_HISTORY_PACKETS);
}

uint32_t transport_send_history_in_flight(const struct transport_send_history *h) {
  uint32_t from = h->next - h->reported > TRANSPORT_HISTORY_PACKETS ? oldest(h) : h->reported;
  return h->bytes - bytes_before(h, from);
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

/* One message being matched, and the run that grows. */
struct matching {
  struct transport_send_history *h;
  struct transport_results *out;
  int64_t now_us, offset_us;
  int64_t ticks, first_ticks; /* arrival of the newest packet, of the run's first */
  uint32_t first, end;        /* the run's numbers; equal: none is open */
  uint32_t first_sent, mark;
};

/* Up to 71 minutes ago; whatever is older was reported or lost long before. */
static int64_t unwrap_sent(const struct matching *m, uint32_t sent_us) {
  return m->now_us - (int64_t)((uint32_t)m->now_us - sent_us);
}

static void close_run(struct matching *m) {
  if (m->first == m->end) return;
  struct transport_send_history *h = m->h;
  struct transport_results *out = m->out;
  uint32_t packets = m->end - m->first;
  uint32_t begin_bytes = bytes_before(h, m->first), end_bytes = bytes_before(h, m->end);
  struct transport_result *r = &out->results[out->count++];
  r->sent_us = unwrap_sent(m, m->first_sent);
  r->last_sent_us = unwrap_sent(m, h->ring[(m->end - 1) & HISTORY_MASK].sent_us);
  r->arrival_us = m->first_ticks * RTCP_TRANSPORT_TICK_US + m->offset_us;
  r->last_arrival_us = m->ticks * RTCP_TRANSPORT_TICK_US + m->offset_us;
  r->seq = m->first;
  r->packets = packets;
  r->bytes = end_bytes - begin_bytes;
  r->first_bytes = (uint16_t)(bytes_before(h, m->first + 1) - begin_bytes);
  r->last_bytes = (uint16_t)(end_bytes - bytes_before(h, m->end - 1));
  r->tag = TAG_OF(m->mark);
  r->again = (m->mark & MARK_LOST) != 0;
  out->received += packets;
  out->newest = m->end - 1;
  out->newest_sent_us = r->last_sent_us;
  h->acked += packets;
  if (r->again) h->lost -= packets;
  m->first = m->end;
}

static int32_t read_delta(struct rtcp_transport_feedback *f, int symbol) {
  int32_t delta = symbol == 1 ? f->delta[0] : (int16_t)(f->delta[0] << 8 | f->delta[1]);
  f->delta += symbol;
  return delta;
}

/* Statuses about numbers that we do not know (any more). Their deltas count for the arrivals after them. */
static void skip(struct matching *m, struct rtcp_transport_feedback *f, int symbol, uint32_t count) {
  if (symbol == 0) return;
  close_run(m);
  m->h->unknown += count;
  for (; count > 0; count--)
    m->ticks += read_delta(f, symbol);
}

/* Packets that were sent and arrived together with the open run's, in a loop of their own: most packets pass here. Returns how many. */
static uint32_t extend_run(struct matching *m, struct rtcp_transport_feedback *f, int symbol, uint32_t count) {
  const uint8_t *delta = f->delta;
  const uint32_t mark = m->mark, first_sent = m->first_sent;
  const int64_t latest = m->first_ticks + RUN_TICKS;
  int64_t ticks = m->ticks;
  uint32_t number = m->end, end = m->end + count;
  if (symbol != 1) return 0; /* large deltas are no neighbours, negative ones are out of order */
  for (; number != end; number++) {
    struct transport_sent *e = &m->h->ring[number & HISTORY_MASK];
    int64_t arrival = ticks + *delta;
    if (e->mark != mark || arrival > latest || e->sent_us - first_sent > TRANSPORT_RUN_SENT_US) break;
    e->mark = mark | MARK_ACKED;
    ticks = arrival;
    delta++;
  }
  count = number - m->end;
  f->delta = delta;
  m->ticks = ticks;
  m->end = number;
  return count;
}

static void match_received(struct matching *m, struct rtcp_transport_feedback *f, int symbol, uint32_t number,
                           uint32_t count) {
  while (count > 0) {
    uint32_t taken = m->first != m->end && m->end == number ? extend_run(m, f, symbol, count) : 0;
    number += taken;
    count -= taken;
    if (count == 0) return;
    close_run(m);
    struct transport_sent *e = &m->h->ring[number & HISTORY_MASK];
    m->ticks += read_delta(f, symbol);
    m->first_ticks = m->ticks;
    m->first_sent = e->sent_us;
    m->mark = e->mark;
    m->end = ++number;
    m->first = number - !(e->mark & MARK_ACKED); /* known already: an empty run */
    e->mark |= MARK_ACKED;
    count--;
  }
}

static void match_lost(struct matching *m, uint32_t number, uint32_t count) {
  close_run(m);
  for (; count > 0; count--, number++) {
    struct transport_sent *e = &m->h->ring[number & HISTORY_MASK];
    if (e->mark & (MARK_LOST | MARK_ACKED)) continue; /* nothing new */
    uint16_t bytes = (uint16_t)(bytes_before(m->h, number + 1) - e->bytes_before);
    int64_t sent_us = unwrap_sent(m, e->sent_us);
    m->out->results[m->out->count++] = (struct transport_result){.sent_us = sent_us,
                                                                 .last_sent_us = sent_us,
                                                                 .arrival_us = -1,
                                                                 .last_arrival_us = -1,
                                                                 .seq = number,
                                                                 .packets = 1,
                                                                 .bytes = bytes,
                                                                 .first_bytes = bytes,
                                                                 .last_bytes = bytes,
                                                                 .tag = TAG_OF(e->mark),
                                                                 .content = e->content};
    m->out->lost++;
    m->h->lost++;
    e->mark |= MARK_LOST;
  }
}

void transport_send_history_feedback(struct transport_send_history *h, struct rtcp_transport_feedback *f,
                                     int64_t now_us, struct transport_results *out) {
  out->count = out->received = out->lost = 0;
  out->newest_sent_us = -1;
  struct matching m = {.h = h, .out = out, .now_us = now_us, .ticks = f->ticks};
  m.offset_us = unwrap_reference(h, f->reference);
  uint32_t newest = h->next - 1, from = oldest(h);
  uint32_t number = newest - (uint16_t)((uint16_t)newest - f->base_seq); /* feedback about the future wraps far back */
  int symbol;
  uint32_t count;
  while ((count = rtcp_transport_feedback_run(f, &symbol)) > 0) {
    uint32_t left = count;
    if ((int32_t)(number - from) < 0) {
      uint32_t before = from - number < left ? from - number : left;
      skip(&m, f, symbol, before);
      number += before;
      left -= before;
    }
    uint32_t sent = (int32_t)(h->next - number) > 0 ? h->next - number : 0;
    uint32_t known = sent < left ? sent : left;
    if (out->count + (m.first != m.end) + known > out->capacity) known = 0;
    if (symbol == 0)
      match_lost(&m, number, known);
    else
      match_received(&m, f, symbol, number, known);
    number += known;
    if (known && (int32_t)(number - h->reported) > 0) h->reported = number;
    left -= known;
    if (left == 0) continue;
    skip(&m, f, symbol, left);
    number += left;
  }
  close_run(&m);
}
