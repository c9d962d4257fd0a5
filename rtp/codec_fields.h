/* rtp/codec_fields.h: what the VP8 and VP9 descriptors have in common. Internal to rtp/. */
#ifndef RTP_CODEC_FIELDS_H
#define RTP_CODEC_FIELDS_H

#include "rtp/codec.h"
#include "rtp/cursor.h"

/* |M| PictureID |: 7 bits, or 15 when M is set. */
static inline void rtp_codec_read_picture_id(struct rtp_reader *r, const uint8_t *payload, struct rtp_codec_info *out) {
  out->picture_id_offset = (uint16_t)(r->at - payload);
  out->picture_id_bits = 7;
  out->picture_id = rtp_read_u8(r);
  if (!(out->picture_id & 0x80)) return;
  out->picture_id_bits = 15;
  out->picture_id = (uint16_t)((out->picture_id & 0x7F) << 8 | rtp_read_u8(r));
}

static inline void rtp_codec_read_tl0picidx(struct rtp_reader *r, const uint8_t *payload, struct rtp_codec_info *out) {
  out->tl0picidx_offset = (uint16_t)(r->at - payload);
  out->has_tl0picidx = true;
  out->tl0picidx = rtp_read_u8(r);
}

#endif
