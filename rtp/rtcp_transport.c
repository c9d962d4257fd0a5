/* Transport-wide feedback, reading: draft-holmer-rmcat-transport-wide-cc-extensions-01 §3.1. */
#include "rtp/rtcp_fields.h"

/* §3.1.1: packet status symbols. */
enum { SYMBOL_LOST = 0, SYMBOL_SMALL = 1, SYMBOL_LARGE = 2, SYMBOL_RESERVED = 3 };

/* How the current chunk codes its symbols: 0..3 is a run of that symbol. */
enum { CODING_ONE_BIT = 4, CODING_TWO_BIT = 5 };

#define TICKS_PER_REFERENCE (RTCP_TRANSPORT_REFERENCE_US / RTCP_TRANSPORT_TICK_US)

/* §3.1.3 run length chunk |0| S |Run Length 13|, §3.1.4 status vector chunk |1|S| symbols 14 |. */
static int load_chunk(struct rtcp_transport_feedback *f) {
  if (f->end - f->chunk < 2) return RTP_ERROR_SHORT;
  uint16_t c = (uint16_t)(f->chunk[0] << 8 | f->chunk[1]);
  f->chunk += 2;
  if (!(c & 0x8000)) {
    f->coding = (uint8_t)(c >> 13 & 3);
    f->run = c & 0x1FFF;
    /* A run of nothing says nothing; no sender writes one. */
    return f->run == 0 || f->coding == SYMBOL_RESERVED ? RTP_ERROR_VALUE : RTP_OK;
  }
  f->coding = c & 0x4000 ? CODING_TWO_BIT : CODING_ONE_BIT;
  f->run = f->coding == CODING_TWO_BIT ? 7 : 14;
  f->bits = (uint16_t)(c << 2);
  return RTP_OK;
}

/* The symbol of the next sequence number, or an error. */
static int next_symbol(struct rtcp_transport_feedback *f) {
  if (f->run == 0) {
    int error = load_chunk(f);
    if (error) return error;
  }
  f->run--;
  f->left--;
  if (f->coding < CODING_ONE_BIT) return f->coding;
  unsigned width = f->coding == CODING_TWO_BIT ? 2 : 1;
  int symbol = f->bits >> (16 - width);
  f->bits = (uint16_t)(f->bits << width);
  return symbol == SYMBOL_RESERVED ? RTP_ERROR_VALUE : symbol;
}

/* Adds up one whole chunk. A run takes one step, however long: a hostile count costs nothing here. */
static int count_chunk(struct rtcp_transport_feedback *f, size_t *delta_bytes) {
  int error = load_chunk(f);
  if (error) return error;
  uint16_t symbols = f->run < f->left ? f->run : f->left;
  if (f->coding < CODING_ONE_BIT) {
    *delta_bytes += (size_t)symbols * f->coding; /* SMALL is one byte, LARGE two */
    if (f->coding != SYMBOL_LOST) f->received_count = (uint16_t)(f->received_count + symbols);
    f->left = (uint16_t)(f->left - symbols);
    return RTP_OK;
  }
  if (f->coding == CODING_ONE_BIT) {
    uint16_t received = (uint16_t)__builtin_popcount((unsigned)f->bits >> (16 - symbols));
    *delta_bytes += received;
    f->received_count = (uint16_t)(f->received_count + received);
    f->left = (uint16_t)(f->left - symbols);
    f->run = 0;
    return RTP_OK;
  }
  for (; symbols > 0; symbols--) {
    int symbol = next_symbol(f);
    if (symbol < 0) return symbol;
    *delta_bytes += (size_t)symbol;
    if (symbol != SYMBOL_LOST) f->received_count++;
  }
  return RTP_OK;
}

/* §3.1: sender, media, base, count, reference time, feedback count. */
#define FIXED_BYTES 16

static inline uint32_t load16(const uint8_t *at) {
  return (uint32_t)(at[0] << 8 | at[1]);
}

static inline uint32_t load32(const uint8_t *at) {
  return load16(at) << 16 | load16(at + 2);
}

/* Walks over the chunks, which finds where the deltas begin, whether they are all there, and how many arrived. */
static int measure(struct rtcp_transport_feedback *f) {
  struct rtcp_transport_feedback walk = *f;
  size_t delta_bytes = 0;
  while (walk.left > 0) {
    int error = count_chunk(&walk, &delta_bytes);
    if (error) return error;
  }
  if ((size_t)(f->end - walk.chunk) < delta_bytes) return RTP_ERROR_LENGTH;
  f->received_count = walk.received_count;
  f->delta = walk.chunk;
  return RTP_OK;
}

int rtcp_parse_transport_feedback(const struct rtcp_packet *p, struct rtcp_transport_feedback *out) {
  if (p->type != RTCP_RTPFB || p->count != RTCP_RTPFB_TRANSPORT_CC) return RTP_ERROR_TYPE;
  if (p->body_len < FIXED_BYTES) return RTP_ERROR_SHORT;
  const uint8_t *b = p->body;
  struct rtcp_transport_feedback f = {.sender_ssrc = load32(b),
                                      .media_ssrc = load32(b + 4),
                                      .feedback_seq = b[15],
                                      .chunk = b + FIXED_BYTES,
                                      .end = b + p->body_len};
  f.base_seq = f.seq = (uint16_t)load16(b + 8);
  f.status_count = f.left = (uint16_t)load16(b + 10);
  f.reference = (int32_t)(load32(b + 12) & ~0xFFU) >> 8;
  if (f.status_count == 0) return RTP_ERROR_VALUE;
  if (f.status_count > RTCP_TRANSPORT_MAX_STATUSES) return RTP_ERROR_TOO_MANY;
  f.ticks = (int64_t)f.reference * TICKS_PER_REFERENCE;
  int error = measure(&f);
  if (error) return error;
  *out = f;
  return RTP_OK;
}

uint32_t rtcp_transport_feedback_run(struct rtcp_transport_feedback *f, int *symbol) {
  if (f->left == 0) return 0;
  if (f->run == 0 && load_chunk(f)) return 0;
  uint32_t count = 1;
  if (f->coding < CODING_ONE_BIT) {
    *symbol = f->coding;
    count = f->run;
  } else if (f->coding == CODING_TWO_BIT) {
    *symbol = f->bits >> 14;
    f->bits = (uint16_t)(f->bits << 2);
  } else {
    *symbol = f->bits >> 15;
    uint32_t unlike = (uint16_t)(*symbol ? ~f->bits : f->bits); /* the first one bit ends the run */
    count = unlike ? (uint32_t)__builtin_clz(unlike << 16) : f->run;
    if (count > f->run) count = f->run;
    f->bits = (uint16_t)(f->bits << count);
  }
  f->run = (uint16_t)(f->run - count);
  if (count > f->left) count = f->left;
  f->left = (uint16_t)(f->left - count);
  return count;
}

bool rtcp_transport_feedback_next(struct rtcp_transport_feedback *f, struct rtcp_transport_status *out) {
  if (f->left == 0) return false;
  *out = (struct rtcp_transport_status){.seq = f->seq++};
  int symbol = next_symbol(f);
  if (symbol <= SYMBOL_LOST) return symbol == SYMBOL_LOST;
  /* §3.1.5: a small delta is 8 bits unsigned, a large or negative one 16 bits signed. */
  f->ticks += symbol == SYMBOL_SMALL ? f->delta[0] : (int16_t)(f->delta[0] << 8 | f->delta[1]);
  f->delta += symbol;
  out->received = true;
  out->arrival_us = f->ticks * RTCP_TRANSPORT_TICK_US;
  return true;
}
