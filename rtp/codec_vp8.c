/* VP8: payload descriptor (RFC 7741 §4.2) and the first bytes of a key frame (RFC 6386 §9.1).
 *
 *   |X|R|N|S|R| PID |   |I|L|T|K| RSV |   |M| PictureID (7 or 15) |   | TL0PICIDX |   |TID|Y| KEYIDX |
 */
#include "rtp/codec_fields.h"

/* RFC 6386 §9.1: "start_code … 0x9d 0x01 0x2a", after three bytes of frame tag. */
#define START_CODE 0x9D012AU

static void read_extensions(struct rtp_reader *r, const uint8_t *payload, struct rtp_codec_info *out) {
  uint8_t flags = rtp_read_u8(r);
  if (flags & 0x80) rtp_codec_read_picture_id(r, payload, out);
  if (flags & 0x40) rtp_codec_read_tl0picidx(r, payload, out);
  if (flags & 0x30) {
    uint8_t b = rtp_read_u8(r);
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
}

/* Width and height of a key frame: 14 bits each, little-endian, above them two bits of scaling. */
static void read_key_frame(struct rtp_reader *r, struct rtp_codec_info *out) {
  out->keyframe = true;
  rtp_read_bytes(r, 3);
  uint32_t code = rtp_read_u24(r);
  const uint8_t *size = rtp_read_bytes(r, 4);
  if (!size || code != START_CODE) return; /* encrypted, or cut short: still a key frame */
  out->width = (uint16_t)((size[0] | size[1] << 8) & 0x3FFF);
  out->height = (uint16_t)((size[2] | size[3] << 8) & 0x3FFF);
}

int rtp_vp8_parse(const uint8_t *payload, size_t len, bool marker, struct rtp_codec_info *out) {
  *out = (struct rtp_codec_info){0};
  struct rtp_reader r = rtp_reader_of(payload, len);
  uint8_t first = rtp_read_u8(&r);
  if (first & 0x80) read_extensions(&r, payload, out);
  if (r.failed || rtp_reader_left(&r) == 0) {
    *out = (struct rtp_codec_info){0};
    return RTP_ERROR_SHORT;
  }
  out->descriptor_len = (uint16_t)(r.at - payload);
  out->frame_start = (first & 0x17) == 0x10; /* S set, partition 0 */
  out->frame_end = marker;
  /* RFC 6386 §9.1: the lowest bit of the first byte: "0 for key frames, 1 for interframes". */
  if (out->frame_start && (*r.at & 1) == 0) read_key_frame(&r, out);
  out->discardable = first & 0x20 && !out->keyframe;
  return RTP_OK;
}
