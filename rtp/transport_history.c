/* Transport-wide congestion control, the sending end: see rtp/transport_feedback.h. */
#include <string.h>

#include "rtp/transport_feedback.h"

#define RUN_TICKS (TRANSPORT_RUN_ARRIVAL_US / RTCP_TRANSPORT_TICK_US)

void transport_send_history_init(struct transport_send_history *h) {
  /* Nobody reads a place that was not written. */
  memset(h->was_acked, 0, sizeof *h - offsetof(struct transport_send_history, was_acked));
  h->next = h->first = h->reported = h->tagged = TRANSPORT_HISTORY_BEGIN;
  h->mask = TRANSPORT_HISTORY_FIRST - 1;
}

static const struct transport_sent *sent(const struct transport_send_history *h, uint32_t number) {
  return &h->ring[number & h->mask];
}

static uint32_t bytes_before(const struct transport_send_history *h, uint32_t number) {
  return number == h->next ? h->bytes : sent(h, number)->bytes_before;
}

/* The oldest number that is still known. */
static uint32_t oldest(const struct transport_send_history *h) {
  uint32_t span = h->next - h->first, known = h->mask + 1 - 64;
  return h->next - (span < known ? span : known);
}

/* What is known goes where the longer ring has it, and so do the marks, by the 64. */
void transport_send_history_grow(struct transport_send_history *h) {
  const uint32_t old = h->mask + 1, from_number = oldest(h);
  for (uint32_t n = from_number; n != h->next; n++) {
    if (n & old) h->ring[n & (old * 2 - 1)] = h->ring[n & h->mask];
  }
  for (uint32_t n = from_number & ~63U; (int32_t)(h->next - n) > 0; n += 64) {
    if (!(n & old)) continue;
    const uint32_t from = (n & h->mask) / 64, to = from + old / 64;
    h->was_acked[to] = h->was_acked[from];
    h->was_lost[to] = h->was_lost[from];
  }
  h->mask = old * 2 - 1;
  h->first = from_number; /* what the shorter ring had forgotten stays so */
}

uint32_t transport_send_history_in_flight(const struct transport_send_history *h) {
  uint32_t from = (int32_t)(oldest(h) - h->reported) > 0 ? oldest(h) : h->reported;
  return h->bytes - bytes_before(h, from);
}

/* ---- marks ---- */

static bool is_marked(const struct transport_send_history *h, const uint64_t *marks, uint32_t number) {
  uint32_t place = number & h->mask;
  return marks[place / 64] >> place % 64 & 1;
}

static void mark(const struct transport_send_history *h, uint64_t *marks, uint32_t number, uint32_t count) {
  while (count > 0) {
    uint32_t place = number & h->mask, room = 64 - place % 64, here = count < room ? count : room;
    marks[place / 64] |= (UINT64_MAX >> (64 - here)) << place % 64;
    number += here;
    count -= here;
  }
}

/* ---- matching ---- */

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
  uint32_t fresh;             /* numbers from here on were in no message and have no tag */
  uint32_t first, end;        /* the run's numbers; equal: none is open */
  uint32_t first_sent;
  uint16_t tag;
  bool again;
  const struct transport_result *newest; /* the last run that arrived; NULL: none */
};

/* Up to 71 minutes ago; whatever is older was reported or lost long before. */
static int64_t unwrap_sent(int64_t now_us, uint32_t sent_us) {
  return now_us - (int64_t)((uint32_t)now_us - sent_us);
}

/* `end_bytes`: before the number after the run's last. */
static inline void write_run(struct matching *m, uint32_t number, uint32_t packets, uint32_t end_bytes) {
  const struct transport_send_history *h = m->h;
  const struct transport_sent *first = sent(h, number), *last = sent(h, number + packets - 1);
  const uint32_t begin_bytes = first->bytes_before, first_end = packets > 1 ? bytes_before(h, number + 1) : end_bytes;
  struct transport_result *r = &m->out->results[m->out->count++];
  r->sent_us = unwrap_sent(m->now_us, first->sent_us);
  r->last_sent_us = r->sent_us + (last->sent_us - first->sent_us);
  r->arrival_us = m->first_ticks * RTCP_TRANSPORT_TICK_US + m->offset_us;
  r->last_arrival_us = m->ticks * RTCP_TRANSPORT_TICK_US + m->offset_us;
  r->seq = number;
  r->packets = packets;
  r->bytes = end_bytes - begin_bytes;
  r->first_bytes = (uint16_t)(first_end - begin_bytes);
  r->last_bytes = (uint16_t)(end_bytes - last->bytes_before);
  r->tag = m->tag;
  r->again = m->again;
  m->newest = r;
}

static void close_run(struct matching *m) {
  if (m->first == m->end) return;
  const uint32_t packets = m->end - m->first;
  write_run(m, m->first, packets, bytes_before(m->h, m->end));
  m->out->received += packets;
  if (m->again) m->h->lost -= packets;
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

/* How many of the `count` numbers from `number` on were sent with the run's first. They left in order: halving finds the last. */
static uint32_t sent_together(const struct matching *m, uint32_t number, uint32_t count) {
  const struct transport_send_history *h = m->h;
  if (sent(h, number)->sent_us - m->first_sent > TRANSPORT_RUN_SENT_US) return 0;
  if (sent(h, number + count - 1)->sent_us - m->first_sent <= TRANSPORT_RUN_SENT_US) return count;
  uint32_t some = 1, more = count - 1;
  while (some < more) {
    uint32_t middle = (some + more) / 2;
    if (sent(h, number + middle)->sent_us - m->first_sent <= TRANSPORT_RUN_SENT_US)
      some = middle + 1;
    else
      more = middle;
  }
  return some;
}

#define BYTES_OF_PAIRS 0x00ff00ff00ff00ffU
#define ONE_OF_PAIRS   0x0001000100010001U

static uint32_t sum_bytes(const uint8_t *at, uint32_t count) {
  uint32_t sum = 0;
  for (; count >= 8; count -= 8, at += 8) {
    uint64_t eight;
    memcpy(&eight, at, sizeof eight);
    uint64_t pairs = (eight & BYTES_OF_PAIRS) + (eight >> 8 & BYTES_OF_PAIRS);
    sum += (uint32_t)(pairs * ONE_OF_PAIRS >> 48);
  }
  while (count-- > 0)
    sum += *at++;
  return sum;
}

/* How many of the deltas stay within `room` together; *sum of those. */
static uint32_t arrived_together(const uint8_t *deltas, uint32_t count, int64_t room, uint32_t *sum) {
  *sum = sum_bytes(deltas, count);
  if (*sum <= room) return count;
  uint32_t some = 0;
  for (*sum = 0; some < count && *sum + deltas[some] <= room; some++)
    *sum += deltas[some];
  return some;
}

/* Packets that were sent and arrived together with the open run's: most packets pass here, many at a time. Returns how many. */
static uint32_t extend_run(struct matching *m, struct rtcp_transport_feedback *f, int symbol, uint32_t number,
                           uint32_t count) {
  if (m->first == m->end || m->end != number) return 0;
  if (symbol != 1) return 0; /* large deltas are no neighbours, negative ones are out of order */
  if ((int32_t)(m->first - m->fresh) < 0) {
    bool alike = !is_marked(m->h, m->h->was_acked, number) && is_marked(m->h, m->h->was_lost, number) == m->again &&
                 sent(m->h, number)->tag == m->tag;
    count = alike; /* one by one */
  }
  if (count) count = sent_together(m, number, count);
  if (!count) return 0;
  uint32_t ticks;
  count = arrived_together(f->delta, count, m->first_ticks + RUN_TICKS - m->ticks, &ticks);
  f->delta += count;
  m->ticks += ticks;
  m->end += count;
  return count;
}

static void open_run(struct matching *m, struct rtcp_transport_feedback *f, int symbol, uint32_t number) {
  const struct transport_sent *e = sent(m->h, number);
  close_run(m);
  m->ticks += read_delta(f, symbol);
  m->first_ticks = m->ticks;
  m->first_sent = e->sent_us;
  m->first = number;
  m->end = number + 1;
  m->tag = 0;
  m->again = false;
  if ((int32_t)(number - m->fresh) >= 0) return;
  m->tag = (uint16_t)e->tag;
  m->again = is_marked(m->h, m->h->was_lost, number);
  if (is_marked(m->h, m->h->was_acked, number)) m->first = m->end; /* known already: an empty run */
}

/* Four packets at a time, as long as all of them belong to the run that began at `first_sent` and may last until `limit_ticks`. */
static inline uint32_t together_by_fours(const struct matching *m, const uint8_t *deltas, uint32_t number,
                                         uint32_t count, uint32_t first_sent, int64_t limit_ticks, int64_t *ticks) {
  uint32_t some = 0;
  for (; count - some >= 4; some += 4) {
    if (sent(m->h, number + some + 3)->sent_us - first_sent > TRANSPORT_RUN_SENT_US) break;
    int64_t after = *ticks + deltas[some] + deltas[some + 1] + deltas[some + 2] + deltas[some + 3];
    if (after > limit_ticks) break;
    *ticks = after;
  }
  return some;
}

/* Numbers that no message has named, with small deltas: all that a link without losses ever reports. What close_run(), open_run()
 * and extend_run() do, in one go; the last run stays open. */
static void match_fresh(struct matching *m, struct rtcp_transport_feedback *f, uint32_t number, uint32_t count) {
  const struct transport_send_history *h = m->h;
  const uint8_t *delta = f->delta;
  const uint32_t end = number + count;
  close_run(m);
  m->tag = 0;
  m->again = false;
  for (;;) {
    const uint32_t first = number++, first_sent = sent(h, first)->sent_us;
    int64_t ticks = m->ticks + *delta++;
    const int64_t limit_ticks = ticks + RUN_TICKS;
    m->first_ticks = ticks;
    uint32_t some = together_by_fours(m, delta, number, end - number, first_sent, limit_ticks, &ticks);
    for (number += some, delta += some; number != end; number++, delta++) {
      if (sent(h, number)->sent_us - first_sent > TRANSPORT_RUN_SENT_US || ticks + *delta > limit_ticks) break;
      ticks += *delta;
    }
    m->ticks = ticks;
    if (number == end) {
      f->delta = delta;
      m->first = first;
      m->end = end;
      m->first_sent = first_sent;
      return;
    }
    write_run(m, first, number - first, sent(h, number)->bytes_before);
    m->out->received += number - first;
  }
}

static void match_received(struct matching *m, struct rtcp_transport_feedback *f, int symbol, uint32_t number,
                           uint32_t count) {
  while (count > 0) {
    uint32_t taken = extend_run(m, f, symbol, number, count);
    if (taken == 0 && symbol == 1 && (int32_t)(number - m->fresh) >= 0) {
      match_fresh(m, f, number, count);
      return;
    }
    if (taken == 0) {
      open_run(m, f, symbol, number);
      taken = 1;
    }
    number += taken;
    count -= taken;
  }
}

/* What arrived is known from now on, and what the newest of it is. */
static void finish(struct matching *m) {
  close_run(m);
  if (!m->newest) return;
  m->h->acked += m->out->received;
  m->out->newest = m->newest->seq + m->newest->packets - 1;
  m->out->newest_sent_us = m->newest->last_sent_us;
}

static void match_lost(struct matching *m, uint32_t number, uint32_t count) {
  struct transport_send_history *h = m->h;
  close_run(m);
  for (; count > 0; count--, number++) {
    if (is_marked(h, h->was_lost, number) || is_marked(h, h->was_acked, number)) continue; /* nothing new */
    const struct transport_sent *e = sent(h, number);
    uint16_t bytes = (uint16_t)(bytes_before(h, number + 1) - e->bytes_before);
    int64_t sent_us = unwrap_sent(m->now_us, e->sent_us);
    m->out->results[m->out->count++] = (struct transport_result){.sent_us = sent_us,
                                                                 .last_sent_us = sent_us,
                                                                 .arrival_us = -1,
                                                                 .last_arrival_us = -1,
                                                                 .seq = number,
                                                                 .packets = 1,
                                                                 .bytes = bytes,
                                                                 .first_bytes = bytes,
                                                                 .last_bytes = bytes,
                                                                 .tag = (uint16_t)e->tag,
                                                                 .content = e->content};
    m->out->lost++;
    h->lost++;
    mark(h, h->was_lost, number, 1);
  }
}

void transport_send_history_feedback(struct transport_send_history *h, struct rtcp_transport_feedback *f,
                                     int64_t now_us, struct transport_results *out) {
  out->count = out->received = out->lost = 0;
  out->newest_sent_us = -1;
  struct matching m = {.h = h, .out = out, .now_us = now_us, .ticks = f->ticks};
  m.offset_us = unwrap_reference(h, f->reference);
  m.fresh = (int32_t)(h->tagged - h->reported) > 0 ? h->tagged : h->reported;
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
    if (symbol == 0) {
      match_lost(&m, number, known);
    } else {
      match_received(&m, f, symbol, number, known);
      mark(h, h->was_acked, number, known);
    }
    number += known;
    if (known && (int32_t)(number - h->reported) > 0) h->reported = number;
    left -= known;
    if (left == 0) continue;
    skip(&m, f, symbol, left);
    number += left;
  }
  finish(&m);
}
