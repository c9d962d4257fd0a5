/* VP8: payload descriptor (RFC 7741 §4.2) and the first bytes of a key frame (RFC 6386 §9.1).
 *
 *   |X|R|N|S|R| PID |   |I|L|T|K| RSV |   |M| PictureID (7 or 15) |   | TL0PICIDX |   |TID|Y| KEYIDX |
 */
#include <endian.h>
#include <string.h>

#include "rtp/codec_fields.h"

/* RFC 6386 §9.1: "start_code … 0x9d 0x01 0x2a", after three bytes of frame tag. */
#define START_CODE 0x9D012AU

/* The descriptor has at most six bytes: they are looked at in a register, with one comparison for their end. What is not there is 0. */
static inline uint64_t first_eight(const uint8_t *payload, size_t len) {
  uint64_t bits = 0;
  if (len >= sizeof bits) {
    memcpy(&bits, payload, sizeof bits);
    return be64toh(bits);
  }
  for (size_t i = 0; i < len; i++)
    bits |= (uint64_t)payload[i] << (56 - 8 * i);
  return bits;
}

static inline uint8_t byte_at(uint64_t bits, size_t at) {
  return (uint8_t)(bits >> (56 - 8 * at));
}

/* What follows the first byte. Returns the descriptor's length. */
static inline size_t read_extensions(uint64_t bits, struct rtp_codec_info *out) {
  const uint8_t flags = byte_at(bits, 1);
  size_t at = 2;
  if (flags & 0x80) {
    out->picture_id_offset = (uint16_t)at;
    out->picture_id_bits = 7;
    out->picture_id = byte_at(bits, at++);
    if (out->picture_id & 0x80) {
      out->picture_id_bits = 15;
      out->picture_id = (uint16_t)((out->picture_id & 0x7F) << 8 | byte_at(bits, at++));
    }
  }
  if (flags & 0x40) {
    out->tl0picidx_offset = (uint16_t)at;
    out->has_tl0picidx = true;
    out->tl0picidx = byte_at(bits, at++);
  }
  if (flags & 0x30) {
    const uint8_t b = byte_at(bits, at++);
    if (flags & 0x20) {
      out->has_temporal = true;
      out->temporal_id = b >> 6;
      /* RFC 7741 §4.2: Y: "If set, … depend only on the base layer": a receiver may move up to this layer here. */
      out->switch_up = b & 0x20;
    }
    if (flags & 0x10) {
      out->has_keyidx = true;
      out->keyidx = b & 0x1F;
    }
  }
  return at;
}

/* Width and height of a key frame: 14 bits each, little-endian, above them two bits of scaling. */
__attribute__((noinline)) static void read_key_frame(const uint8_t *frame, size_t len, struct rtp_codec_info *out) {
  struct rtp_reader r = rtp_reader_of(frame, len);
  out->keyframe = true;
  rtp_read_bytes(&r, 3);
  uint32_t code = rtp_read_u24(&r);
  const uint8_t *size = rtp_read_bytes(&r, 4);
  if (!size || code != START_CODE) return; /* encrypted, or cut short: still a key frame */
  out->width = (uint16_t)((size[0] | size[1] << 8) & 0x3FFF);
  out->height = (uint16_t)((size[2] | size[3] << 8) & 0x3FFF);
}

int rtp_vp8_parse(const uint8_t *payload, size_t len, bool marker, struct rtp_codec_info *out) {
  *out = (struct rtp_codec_info){0};
  const uint64_t bits = first_eight(payload, len);
  const uint8_t first = byte_at(bits, 0);
  const size_t descriptor_len = first & 0x80 ? read_extensions(bits, out) : 1;
  if (descriptor_len >= len) {
    *out = (struct rtp_codec_info){0};
    return RTP_ERROR_SHORT;
  }
  out->descriptor_len = (uint16_t)descriptor_len;
  out->frame_start = (first & 0x17) == 0x10; /* S set, partition 0 */
  out->frame_end = marker;
  /* RFC 6386 §9.1: the lowest bit of the first byte: "0 for key frames, 1 for interframes". */
  if (out->frame_start && (payload[descriptor_len] & 1) == 0)
    read_key_frame(payload + descriptor_len, len - descriptor_len, out);
  out->discardable = first & 0x20 && !out->keyframe;
  return RTP_OK;
}
