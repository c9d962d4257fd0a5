/* rtp/cursor.h: the one way this folder walks over bytes and bits. Internal to rtp/.
 *
 * A cursor never leaves its bytes: a read or write that would is not done, yields 0 or NULL, and sets `failed`, which stays
 * set. So a parser reads all its fields in a row and looks at `failed` once, before it believes any of them.
 */
#ifndef RTP_CURSOR_H
#define RTP_CURSOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* ---- reading bytes, network order ---- */

struct rtp_reader {
  const uint8_t *at, *end;
  bool failed;
};

static inline struct rtp_reader rtp_reader_of(const uint8_t *data, size_t len) {
  return (struct rtp_reader){.at = data, .end = data + len};
}

static inline size_t rtp_reader_left(const struct rtp_reader *r) {
  return (size_t)(r->end - r->at);
}

/* The next n bytes as they lie; NULL past the end. */
static inline const uint8_t *rtp_read_bytes(struct rtp_reader *r, size_t n) {
  if (r->failed || rtp_reader_left(r) < n) {
    r->failed = true;
    return NULL;
  }
  const uint8_t *p = r->at;
  r->at += n;
  return p;
}

static inline uint64_t rtp_read_uint(struct rtp_reader *r, size_t n) {
  const uint8_t *p = rtp_read_bytes(r, n);
  uint64_t v = 0;
  for (size_t i = 0; p && i < n; i++)
    v = v << 8 | p[i];
  return v;
}

static inline uint8_t rtp_read_u8(struct rtp_reader *r) {
  return (uint8_t)rtp_read_uint(r, 1);
}

static inline uint16_t rtp_read_u16(struct rtp_reader *r) {
  return (uint16_t)rtp_read_uint(r, 2);
}

static inline uint32_t rtp_read_u24(struct rtp_reader *r) {
  return (uint32_t)rtp_read_uint(r, 3);
}

static inline uint32_t rtp_read_u32(struct rtp_reader *r) {
  return (uint32_t)rtp_read_uint(r, 4);
}

static inline uint64_t rtp_read_u64(struct rtp_reader *r) {
  return rtp_read_uint(r, 8);
}

/* leb128 (AV1 specification 4.10.5): at most 8 bytes, at most 32 bits of value. */
static inline uint32_t rtp_read_leb128(struct rtp_reader *r) {
  uint64_t v = 0;
  for (unsigned i = 0; i < 8; i++) {
    uint8_t b = rtp_read_u8(r);
    v |= (uint64_t)(b & 0x7F) << (7 * i);
    if (!(b & 0x80)) {
      if (v > UINT32_MAX) r->failed = true;
      return r->failed ? 0 : (uint32_t)v;
    }
  }
  r->failed = true;
  return 0;
}

/* ---- writing bytes, network order ---- */

struct rtp_writer {
  uint8_t *start, *at, *end;
  bool failed;
};

static inline struct rtp_writer rtp_writer_of(uint8_t *out, size_t cap) {
  return (struct rtp_writer){.start = out, .at = out, .end = out + cap};
}

static inline size_t rtp_writer_len(const struct rtp_writer *w) {
  return (size_t)(w->at - w->start);
}

static inline uint8_t *rtp_write_room(struct rtp_writer *w, size_t n) {
  if (w->failed || (size_t)(w->end - w->at) < n) {
    w->failed = true;
    return NULL;
  }
  uint8_t *p = w->at;
  w->at += n;
  return p;
}

/* Stores the lowest n bytes of v at p. */
static inline void rtp_store(uint8_t *p, size_t n, uint64_t v) {
  for (size_t i = 0; i < n; i++)
    p[i] = (uint8_t)(v >> (8 * (n - 1 - i)));
}

static inline void rtp_write_uint(struct rtp_writer *w, size_t n, uint64_t v) {
  uint8_t *p = rtp_write_room(w, n);
  if (p) rtp_store(p, n, v);
}

static inline void rtp_write_u8(struct rtp_writer *w, uint8_t v) {
  rtp_write_uint(w, 1, v);
}

static inline void rtp_write_u16(struct rtp_writer *w, uint16_t v) {
  rtp_write_uint(w, 2, v);
}

static inline void rtp_write_u32(struct rtp_writer *w, uint32_t v) {
  rtp_write_uint(w, 4, v);
}

static inline void rtp_write_u64(struct rtp_writer *w, uint64_t v) {
  rtp_write_uint(w, 8, v);
}

static inline void rtp_write_bytes(struct rtp_writer *w, const void *data, size_t n) {
  uint8_t *p = rtp_write_room(w, n);
  if (p && n > 0) memcpy(p, data, n);
}

static inline void rtp_write_leb128(struct rtp_writer *w, uint32_t v) {
  for (; v >= 0x80; v >>= 7)
    rtp_write_u8(w, (uint8_t)(v | 0x80));
  rtp_write_u8(w, (uint8_t)v);
}

/* ---- reading bits, most significant first ---- */

struct rtp_bits {
  const uint8_t *data;
  size_t at, end; /* in bits */
  bool failed;
};

static inline struct rtp_bits rtp_bits_of(const uint8_t *data, size_t len) {
  return (struct rtp_bits){.data = data, .end = len * 8};
}

static inline size_t rtp_bits_left(const struct rtp_bits *b) {
  return b->end - b->at;
}

/* The next n <= 32 bits. */
static inline uint32_t rtp_read_bits(struct rtp_bits *b, unsigned n) {
  if (b->failed || rtp_bits_left(b) < n) {
    b->failed = true;
    return 0;
  }
  uint32_t v = 0;
  for (unsigned i = 0; i < n; i++, b->at++)
    v = v << 1 | (uint32_t)(b->data[b->at / 8] >> (7 - b->at % 8) & 1);
  return v;
}

static inline bool rtp_read_bit(struct rtp_bits *b) {
  return rtp_read_bits(b, 1) != 0;
}

/* Exponential Golomb code (H.264 9.1), values up to 2^32-2. */
static inline uint32_t rtp_read_ue(struct rtp_bits *b) {
  unsigned zeros = 0;
  while (!rtp_read_bit(b)) {
    if (b->failed || ++zeros > 31) {
      b->failed = true;
      return 0;
    }
  }
  return (uint32_t)((1ULL << zeros) - 1 + rtp_read_bits(b, zeros));
}

static inline int32_t rtp_read_se(struct rtp_bits *b) {
  uint32_t v = rtp_read_ue(b);
  return v & 1 ? (int32_t)(v / 2 + 1) : -(int32_t)(v / 2);
}

/* Non-symmetric code for 0..n-1 (AV1 specification 4.10.7), n >= 1. */
static inline uint32_t rtp_read_ns(struct rtp_bits *b, uint32_t n) {
  unsigned w = 0;
  for (uint32_t x = n; x != 0; x >>= 1)
    w++;
  uint32_t m = (uint32_t)((1ULL << w) - n);
  uint32_t v = rtp_read_bits(b, w - 1);
  if (v < m) return v;
  return (v << 1) - m + rtp_read_bits(b, 1);
}

#endif
