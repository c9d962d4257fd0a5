/* Transport-wide feedback, writing: draft-holmer-rmcat-transport-wide-cc-extensions-01 §3.1. */
#include "rtp/rtcp_fields.h"

#define TICKS_PER_REFERENCE (RTCP_TRANSPORT_REFERENCE_US / RTCP_TRANSPORT_TICK_US)
#define RUN_MAX             0x1FFF
#define ONE_BIT_SYMBOLS     14
#define TWO_BIT_SYMBOLS     7

/* Symbols are also the number of bytes their delta takes: 0 lost, 1 small, 2 large. */

/* Turns symbols into chunks. Pending symbols are either a run of one symbol, or a mixture that still fits one vector. */
struct chunk_writer {
  struct rtp_writer w;
  uint16_t pending;
  bool mixed;
  bool large; /* a pending symbol is 2: only the two-bit vector can say so */
  uint8_t symbols[ONE_BIT_SYMBOLS];
};

static bool fits_pending(const struct chunk_writer *c, uint8_t symbol) {
  if (c->pending < TWO_BIT_SYMBOLS) return true;
  if (c->pending < ONE_BIT_SYMBOLS && !c->large && symbol != 2) return true;
  return !c->mixed && c->symbols[0] == symbol && c->pending < RUN_MAX;
}

static void append(struct chunk_writer *c, uint8_t symbol) {
  c->mixed = c->mixed || (c->pending > 0 && c->symbols[0] != symbol);
  c->large = c->large || symbol == 2;
  if (c->pending < ONE_BIT_SYMBOLS) c->symbols[c->pending] = symbol;
  c->pending++;
}

static void write_vector(struct chunk_writer *c, unsigned width, unsigned count) {
  uint16_t chunk = (uint16_t)(0x8000 | (width == 2 ? 0x4000 : 0));
  for (unsigned i = 0; i < count; i++)
    chunk |= (uint16_t)(c->symbols[i] << (14 - width * (i + 1)));
  rtp_write_u16(&c->w, chunk);
}

/* Writes one chunk. A mixture that is no full one-bit vector gives up its first seven symbols and keeps the rest, unless it
 * is the `last` one, which may be a vector that is not full. */
static void flush(struct chunk_writer *c, bool last) {
  unsigned used = c->pending;
  if (!c->mixed) {
    rtp_write_u16(&c->w, (uint16_t)(c->symbols[0] << 13 | c->pending));
  } else if (!c->large && (used == ONE_BIT_SYMBOLS || (last && used > TWO_BIT_SYMBOLS))) {
    write_vector(c, 1, used);
  } else {
    used = used < TWO_BIT_SYMBOLS ? used : TWO_BIT_SYMBOLS;
    write_vector(c, 2, used);
  }
  uint8_t rest[ONE_BIT_SYMBOLS];
  unsigned left = c->pending - used;
  for (unsigned i = 0; i < left; i++)
    rest[i] = c->symbols[used + i];
  c->pending = 0;
  c->mixed = c->large = false;
  for (unsigned i = 0; i < left; i++)
    append(c, rest[i]);
}

static void add_symbol(struct chunk_writer *c, uint8_t symbol) {
  if (!fits_pending(c, symbol)) flush(c, false);
  append(c, symbol);
}

/* The arrival as a symbol: bytes its delta takes, 0 when the delta cannot be said. */
static uint8_t symbol_of(int64_t delta) {
  if (delta >= 0 && delta <= UINT8_MAX) return 1;
  return delta >= INT16_MIN && delta <= INT16_MAX ? 2 : 0;
}

static int64_t ticks_of(const struct rtcp_transport_arrival *a) {
  return (int64_t)((uint64_t)a->arrival_us / RTCP_TRANSPORT_TICK_US);
}

/* What is pending is a run of small ones. */
static bool is_plain(const struct chunk_writer *c) {
  return !c->mixed && c->pending > 0 && c->symbols[0] == 1;
}

/* How many more small ones make it longer and nothing else. */
static size_t longest_run(const struct chunk_writer *c, size_t cap, size_t delta_bytes, size_t covered) {
  size_t used = rtp_writer_len(&c->w) + 2 + delta_bytes, most = RTCP_TRANSPORT_MAX_STATUSES - covered;
  size_t room = cap > used ? cap - used : 0, left = (size_t)RUN_MAX - c->pending;
  if (!is_plain(c)) return 0;
  if (room < left) left = room;
  return left < most ? left : most;
}

/* … and becomes longer by `count`. */
static void lengthen(struct chunk_writer *c, unsigned count) {
  for (unsigned i = c->pending; i < ONE_BIT_SYMBOLS && i < c->pending + count; i++)
    c->symbols[i] = 1;
  c->pending = (uint16_t)(c->pending + count);
}

/* The missing ones before an arrival, and itself. False, and nothing added: with `more_bytes` of deltas they do not fit into `cap`. */
static bool add_arrival(struct chunk_writer *c, size_t cap, unsigned lost, uint8_t symbol, size_t more_bytes) {
  const size_t pending_chunk = 2;
  size_t most = rtp_writer_len(&c->w) + pending_chunk + pending_chunk * (lost + 1U) + more_bytes;
  struct chunk_writer before;
  if (most > cap) before = *c;
  for (unsigned i = 0; i < lost; i++)
    add_symbol(c, 0);
  add_symbol(c, symbol);
  if (most <= cap) return true;
  if (!c->w.failed && rtp_writer_len(&c->w) + pending_chunk + more_bytes <= cap) return true;
  *c = before;
  return false;
}

/* Writes chunks for as many arrivals as fit; says how many, and how many statuses that makes. Most arrivals only make a run longer. */
static size_t write_chunks(struct chunk_writer *c, size_t cap, uint16_t base_seq,
                           const struct rtcp_transport_arrival *arrivals, size_t count, size_t *statuses) {
  size_t consumed = 0, delta_bytes = 0, covered = 0,
         longest = 0; /* longest: what the run may be for its deltas to fit */
  int64_t last = ticks_of(&arrivals[0]) / TICKS_PER_REFERENCE * TICKS_PER_REFERENCE, last_us = -1;
  unsigned more = 0;
  for (; consumed < count; consumed++) {
    const struct rtcp_transport_arrival *a = &arrivals[consumed];
    uint16_t lost = (uint16_t)(a->seq - base_seq - covered);
    int64_t ticks = a->arrival_us == last_us ? last : ticks_of(a);
    last_us = a->arrival_us;
    if (more < longest && lost == 0 && (uint64_t)(ticks - last) <= UINT8_MAX) {
      more++;
      covered++;
      delta_bytes++;
      last = ticks;
      continue;
    }
    lengthen(c, more);
    more = 0;
    uint8_t symbol = symbol_of(ticks - last);
    if (symbol == 0 || covered + lost >= RTCP_TRANSPORT_MAX_STATUSES) break;
    if (!add_arrival(c, cap, lost, symbol, delta_bytes + symbol)) break;
    delta_bytes += symbol;
    covered += lost + 1U;
    last = ticks;
    longest = longest_run(c, cap, delta_bytes, covered);
  }
  lengthen(c, more);
  *statuses = covered;
  return consumed;
}

/* §3.1.5: a small delta is 8 bits unsigned, a large or negative one 16 bits signed. There is room for all of them. */
static void write_deltas(struct rtp_writer *w, const struct rtcp_transport_arrival *arrivals, size_t count) {
  int64_t last = ticks_of(&arrivals[0]) / TICKS_PER_REFERENCE * TICKS_PER_REFERENCE;
  int64_t last_us = -1;
  uint8_t *at = w->at;
  for (size_t i = 0; i < count; i++) {
    int64_t ticks = arrivals[i].arrival_us == last_us ? last : ticks_of(&arrivals[i]), delta = ticks - last;
    last_us = arrivals[i].arrival_us;
    if ((uint64_t)delta > UINT8_MAX) *at++ = (uint8_t)(delta >> 8);
    *at++ = (uint8_t)delta;
    last = ticks;
  }
  w->at = at;
}

int rtcp_write_transport_feedback(uint8_t *out, size_t cap, uint32_t sender_ssrc, uint32_t media_ssrc,
                                  uint8_t feedback_seq, uint16_t base_seq,
                                  const struct rtcp_transport_arrival *arrivals, size_t count, size_t *consumed) {
  *consumed = 0;
  if (count == 0 || (uint16_t)(arrivals[0].seq - base_seq) >= RTCP_TRANSPORT_MAX_STATUSES) return RTP_ERROR_VALUE;
  cap -= cap % 4; /* the message is padded to 32 bits */
  struct chunk_writer c = {.w = rtp_writer_of(out, cap)};
  rtcp_open(&c.w, RTCP_RTPFB_TRANSPORT_CC, RTCP_RTPFB);
  rtp_write_u32(&c.w, sender_ssrc);
  rtp_write_u32(&c.w, media_ssrc);
  rtp_write_u16(&c.w, base_seq);
  uint8_t *status_count = rtp_write_room(&c.w, 2);
  rtp_write_uint(&c.w, 3, (uint64_t)(ticks_of(&arrivals[0]) / TICKS_PER_REFERENCE));
  rtp_write_u8(&c.w, feedback_seq);
  if (c.w.failed) return RTP_ERROR_NO_SPACE;

  size_t statuses;
  size_t fitted = write_chunks(&c, cap, base_seq, arrivals, count, &statuses);
  if (fitted == 0) return RTP_ERROR_NO_SPACE;
  flush(&c, true);
  rtp_store(status_count, 2, statuses);
  write_deltas(&c.w, arrivals, fitted);
  *consumed = fitted;
  return rtcp_close(&c.w);
}
