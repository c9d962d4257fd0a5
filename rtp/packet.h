/* rtp/packet.h: one RTP packet as it lies in a datagram: a checked view for reading, a writer for a fresh header.
 *
 * The view points into the caller's bytes and lives as long as they do; nothing is copied or allocated. The bytes are
 * mutable because payload descriptors are patched in place (rtp/codec.h).
 *
 * Sources: RFC 3550 §5.1, §5.3.1 (header), RFC 8285 (one-byte and two-byte extensions), RFC 5761 §4 (RTP or RTCP).
 */
#ifndef RTP_PACKET_H
#define RTP_PACKET_H

#include <endian.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "rtp/error.h"

#define RTP_HEADER_SIZE 12 /* RFC 3550 §5.1: the fixed header, without CSRCs and extension */

#define RTP_PADDING_BIT 0x20 /* of the first byte */

/* ---- which protocol ---- */

enum rtp_kind { RTP_KIND_NONE = 0, RTP_KIND_RTP, RTP_KIND_RTCP };

/* RTP or RTCP of one multiplexed flow, by version and packet type (RFC 5761 §4: second byte 192..223 is RTCP). Looks at two
 * bytes only, so it works before SRTP is opened. Neither: RTP_KIND_NONE. */
enum rtp_kind rtp_kind_of(const uint8_t *data, size_t len);

/* ---- reading ---- */

struct rtp_packet {
  uint8_t *data; /* the datagram                                                    */
  size_t len;    /* all of it                                                       */
  uint8_t *payload;
  size_t payload_len; /* without padding; 0 is legal (probes, keep-alives)          */
  uint32_t timestamp;
  uint32_t ssrc;
  uint16_t seq;
  uint16_t header_len;        /* fixed header + CSRCs + extension: payload == data + header_len */
  uint16_t extension_profile; /* 0xBEDE one-byte, 0x100x two-byte, others are opaque; 0 without X bit */
  uint16_t extension_offset;  /* first byte after the extension's own 4-byte header */
  uint16_t extension_len;     /* bytes, a multiple of 4                             */
  uint8_t payload_type;       /* 0..127                                             */
  uint8_t csrc_count;         /* the list begins at data + RTP_HEADER_SIZE          */
  uint8_t padding_len;        /* bytes at the end, count byte included              */
  bool marker;
};

/* Reads the header of `data`. Checks everything the header claims; extension elements are checked as they are walked.
 * Errors: SHORT, VERSION, EXTENSION, PADDING; LENGTH for more than 65535 bytes. *p is written only on success. */
int rtp_packet_parse(struct rtp_packet *p, uint8_t *data, size_t len);

/* ---- extension elements (RFC 8285) ---- */

struct rtp_element {
  const uint8_t *data;
  uint8_t len; /* one-byte form 1..16, two-byte form 0..255 */
  uint8_t id;  /* one-byte form 1..14, two-byte form 1..255 */
};

struct rtp_element_iterator {
  const uint8_t *at, *end;
  bool two_byte;
};

/* Walks a packet's elements in order: begin, then next until it says false. An element that reaches past the block ends the
 * walk, as does id 15 of the one-byte form (§4.2: "If the ID value 15 is used, … processing of the entire extension MUST
 * terminate"); id 0 is padding. A packet without an extension, or with another profile, has no elements. */
void rtp_element_begin(struct rtp_element_iterator *it, const struct rtp_packet *p);

/* Where the padding that begins at `at` ends: the first byte that is not 0, or `end`, the end of a packet's block. Eight bytes at a time:
 * blocks of a fixed size have much of it. In front of a block lies a header, so that the eight before its end can be read. */
static inline const uint8_t *rtp_skip_padding(const uint8_t *at, const uint8_t *end) {
  uint64_t eight;
  for (const uint8_t *last = end - 8; at <= last; at += 8) {
    memcpy(&eight, at, sizeof eight);
    if (eight) return at + (size_t)__builtin_ctzll(le64toh(eight)) / 8;
  }
  if (at == end) return end;
  memcpy(&eight, end - 8, sizeof eight);
  eight = le64toh(eight) >> (64 - 8 * (end - at));
  return eight ? at + (size_t)__builtin_ctzll(eight) / 8 : end;
}
bool rtp_element_next(struct rtp_element_iterator *it, struct rtp_element *out);

/* The first element with this id. False when there is none. Several at once: rtp_extension_read() of rtp/extension.h. */
bool rtp_packet_find_element(const struct rtp_packet *p, uint8_t id, struct rtp_element *out);

/* ---- writing ---- */

struct rtp_header {
  uint32_t timestamp;
  uint32_t ssrc;
  uint16_t seq;
  uint8_t payload_type;
  bool marker;
  bool padding; /* sets the P bit; the padding itself is the caller's */
};

struct rtp_header_writer {
  uint8_t *at, *block, *end;
  uint8_t *out;
  bool two_byte;
};

/* Writes a header whose extension block always takes `block_len` bytes (a multiple of 4, 0 for no extension at all), so that
 * every packet of a stream has a header of the same length: RTP_HEADER_SIZE + 4 + block_len, and no more than `cap`.
 *   begin(...); place = add(id, len); write len bytes at place; ...; n = end(&w)
 * Elements may be filled, or filled again, any time before sealing: keep the place (transport-wide sequence numbers).
 * begin returns 0, or NO_SPACE, or VALUE for a block_len that is odd-sized or a payload type over 127.
 * `two_byte` picks the form for ids over 14 or values of 0 or over 16 bytes (dependency descriptor of a key frame). */
int rtp_header_begin(struct rtp_header_writer *w, uint8_t *out, size_t cap, const struct rtp_header *h,
                     size_t block_len, bool two_byte);

/* Room for one element; NULL when it does not fit the block or the form (the header stays valid without it). */
uint8_t *rtp_header_add(struct rtp_header_writer *w, uint8_t id, size_t len);

/* Pads the block with zeros. Returns the header's length. */
size_t rtp_header_end(struct rtp_header_writer *w);

#endif
