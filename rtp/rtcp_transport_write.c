/* Transport-wide feedback, writing: draft-holmer-rmcat-transport-wide-cc-extensions-01 §3.1. */
#include <endian.h>
#include <string.h>

#include "rtp/rtcp_fields.h"

#define TICKS_PER_REFERENCE (RTCP_TRANSPORT_REFERENCE_US / RTCP_TRANSPORT_TICK_US)
#define RUN_MAX             0x1FFF
#define ONE_BIT_SYMBOLS     14
#define TWO_BIT_SYMBOLS     7
#define LONGEST_MESSAGE     2048 /* more than any datagram of ours holds */

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

/* §3.1.5: deltas follow the chunks, so they wait here while chunks are made: 8 bits unsigned a small one, 16 bits signed a large one. */
struct delta_writer {
  int64_t last_us, last_ticks; /* the newest arrival: packets of one moment are not divided again */
  size_t bytes;
  uint8_t data[LONGEST_MESSAGE];
};

static int64_t ticks_of(int64_t arrival_us) {
  return (int64_t)((uint64_t)arrival_us / RTCP_TRANSPORT_TICK_US);
}

static void add_delta(struct delta_writer *d, int64_t arrival_us, int64_t ticks) {
  int64_t delta = ticks - d->last_ticks;
  if ((uint64_t)delta > UINT8_MAX) d->data[d->bytes++] = (uint8_t)(delta >> 8);
  d->data[d->bytes++] = (uint8_t)delta;
  d->last_us = arrival_us;
  d->last_ticks = ticks;
}

/* Small deltas of neighbours, `seq` the first: most arrivals pass here. Returns how many of the `most`. */
static size_t add_small_deltas(struct delta_writer *d, const struct rtcp_transport_arrival *a, size_t most,
                               uint16_t seq) {
  int64_t last_us = d->last_us, last_ticks = d->last_ticks;
  uint8_t *out = d->data + d->bytes;
  size_t n = 0;
  for (; n < most && a[n].seq == (uint16_t)(seq + n); n++) {
    out[n] = 0;
    if (a[n].arrival_us == last_us) continue;
    int64_t ticks = ticks_of(a[n].arrival_us);
    if ((uint64_t)(ticks - last_ticks) > UINT8_MAX) break;
    out[n] = (uint8_t)(ticks - last_ticks);
    last_us = a[n].arrival_us;
    last_ticks = ticks;
  }
  d->bytes += n;
  d->last_us = last_us;
  d->last_ticks = last_ticks;
  return n;
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

/* … and becomes longer by `count`; the places after the last pending one mean nothing. */
static void lengthen(struct chunk_writer *c, size_t count) {
  if (count > 0 && c->pending < ONE_BIT_SYMBOLS) memset(c->symbols, 1, sizeof c->symbols);
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

/* Writes chunks and deltas for as many arrivals as fit; says how many, and how many statuses that makes. */
static size_t write_chunks(struct chunk_writer *c, struct delta_writer *d, size_t cap, uint16_t base_seq,
                           const struct rtcp_transport_arrival *arrivals, size_t count, size_t *statuses) {
  size_t consumed = 0, covered = 0;
  while (consumed < count) {
    const struct rtcp_transport_arrival *a = &arrivals[consumed];
    uint16_t lost = (uint16_t)(a->seq - base_seq - covered);
    int64_t ticks = ticks_of(a->arrival_us);
    uint8_t symbol = symbol_of(ticks - d->last_ticks);
    if (symbol == 0 || covered + lost >= RTCP_TRANSPORT_MAX_STATUSES) break;
    if (!add_arrival(c, cap, lost, symbol, d->bytes + symbol)) break;
    add_delta(d, a->arrival_us, ticks);
    covered += lost + 1U;
    consumed++;
    size_t longest = longest_run(c, cap, d->bytes, covered), left = count - consumed;
    size_t more = add_small_deltas(d, a + 1, longest < left ? longest : left, (uint16_t)(a->seq + 1));
    lengthen(c, more);
    covered += more;
    consumed += more;
  }
  *statuses = covered;
  return consumed;
}

int rtcp_write_transport_feedback(uint8_t *out, size_t cap, uint32_t sender_ssrc, uint32_t media_ssrc,
                                  uint8_t feedback_seq, uint16_t base_seq,
                                  const struct rtcp_transport_arrival *arrivals, size_t count, size_t *consumed) {
  *consumed = 0;
  if (count == 0 || (uint16_t)(arrivals[0].seq - base_seq) >= RTCP_TRANSPORT_MAX_STATUSES) return RTP_ERROR_VALUE;
  if (cap > LONGEST_MESSAGE) cap = LONGEST_MESSAGE;
  cap -= cap % 4; /* the message is padded to 32 bits */
  struct chunk_writer c = {.w = rtp_writer_of(out, cap)};
  rtcp_open(&c.w, RTCP_RTPFB_TRANSPORT_CC, RTCP_RTPFB);
  rtp_write_u32(&c.w, sender_ssrc);
  rtp_write_u32(&c.w, media_ssrc);
  rtp_write_u16(&c.w, base_seq);
  uint8_t *status_count = rtp_write_room(&c.w, 2);
  const int64_t reference = ticks_of(arrivals[0].arrival_us) / TICKS_PER_REFERENCE;
  rtp_write_uint(&c.w, 3, (uint64_t)reference);
  rtp_write_u8(&c.w, feedback_seq);
  if (c.w.failed) return RTP_ERROR_NO_SPACE;

  __attribute__((uninitialized)) struct delta_writer d; /* a byte is written before it is read */
  d.last_us = -1;
  d.last_ticks = reference * TICKS_PER_REFERENCE;
  d.bytes = 0;
  size_t statuses;
  size_t fitted = write_chunks(&c, &d, cap, base_seq, arrivals, count, &statuses);
  if (fitted == 0) return RTP_ERROR_NO_SPACE;
  flush(&c, true);
  rtp_store(status_count, 2, statuses);
  rtp_write_bytes(&c.w, d.data, d.bytes);
  *consumed = fitted;
  return rtcp_close(&c.w);
}

/* ---- nothing missing ---- */

#define FIXED_BYTES 20 /* §3.1, up to the feedback packet count */

static void store_words(uint8_t *out, const uint32_t *words, size_t count) {
  for (size_t i = 0; i < count; i++) {
    uint32_t big_endian = htobe32(words[i]);
    memcpy(out + 4 * i, &big_endian, sizeof big_endian);
  }
}

/* Writes the deltas and says what they count from. False: one is not small. */
static bool write_small_deltas(uint8_t *out, const struct rtcp_transport_times *t, int64_t *reference) {
  const uint32_t now_low = (uint32_t)t->now_us;
  uint32_t last_us = 0;
  int64_t last_ticks = 0;
  for (uint32_t i = 0; i < t->packets; i++) {
    const uint32_t noted_us = t->ring_us[(t->base + i) & t->mask];
    out[i] = 0;
    if (noted_us == last_us && i > 0) continue; /* packets of one moment */
    if (noted_us == 0) return false;
    const int64_t ticks = ticks_of(t->now_us - (int32_t)(now_low - noted_us));
    if (i == 0) {
      *reference = ticks / TICKS_PER_REFERENCE;
      last_ticks = *reference * TICKS_PER_REFERENCE;
    }
    if ((uint64_t)(ticks - last_ticks) > UINT8_MAX) return false;
    out[i] = (uint8_t)(ticks - last_ticks);
    last_us = noted_us;
    last_ticks = ticks;
  }
  return true;
}

int rtcp_write_whole_transport_feedback(uint8_t *out, size_t cap, uint32_t sender_ssrc, uint32_t media_ssrc,
                                        uint8_t feedback_seq, const struct rtcp_transport_times *t) {
  const size_t begin = FIXED_BYTES + 2, end = begin + t->packets, len = (end + 3) & ~(size_t)3;
  if (t->packets == 0 || t->packets > RUN_MAX || len > LONGEST_MESSAGE || len > cap) return 0;
  int64_t reference = 0;
  if (!write_small_deltas(out + begin, t, &reference)) return 0;
  memset(out + end, 0, len - end);
  const uint32_t head[] = {2U << 30 | RTCP_RTPFB_TRANSPORT_CC << 24 | RTCP_RTPFB << 16 | (uint32_t)(len / 4 - 1),
                           sender_ssrc, media_ssrc, t->base << 16 | t->packets,
                           (uint32_t)reference << 8 | feedback_seq};
  store_words(out, head, sizeof head / sizeof head[0]);
  out[FIXED_BYTES] = (uint8_t)(1 << 5 | t->packets >> 8); /* a run of small deltas */
  out[FIXED_BYTES + 1] = (uint8_t)t->packets;
  return (int)len;
}
