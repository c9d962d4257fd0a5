/* AV1: aggregation header and OBU headers (AV1 RTP specification §4.4), key frame by N bit or sequence header.
 *
 *   |Z|Y|W W|N|- - -|  then W OBU elements, each with a leb128 length (the last without, unless W is 0)
 */
#include "rtp/codec.h"
#include "rtp/cursor.h"

/* AV1 specification §6.2.2 */
enum { OBU_SEQUENCE_HEADER = 1 };

/* AV1 specification §5.5: the sequence header, as far as the largest frame size. */

static void skip_timing(struct rtp_bits *b) {
  rtp_read_bits(b, 32); /* num_units_in_display_tick */
  rtp_read_bits(b, 32); /* time_scale                */
  if (rtp_read_bit(b)) rtp_read_ue(b);
}

static void skip_operating_points(struct rtp_bits *b) {
  unsigned delay_bits = 0;
  bool has_model = false;
  if (rtp_read_bit(b)) {
    skip_timing(b);
    has_model = rtp_read_bit(b);
    if (has_model) {
      delay_bits = rtp_read_bits(b, 5) + 1;
      rtp_read_bits(b, 32); /* num_units_in_decoding_tick */
      rtp_read_bits(b, 10);
    }
  }
  bool has_initial_delay = rtp_read_bit(b);
  unsigned points = rtp_read_bits(b, 5) + 1;
  for (unsigned i = 0; i < points && !b->failed; i++) {
    rtp_read_bits(b, 12);                         /* operating_point_idc        */
    if (rtp_read_bits(b, 5) > 7) rtp_read_bit(b); /* seq_level_idx, seq_tier    */
    if (has_model && rtp_read_bit(b)) {
      rtp_read_bits(b, delay_bits);
      rtp_read_bits(b, delay_bits);
      rtp_read_bit(b);
    }
    if (has_initial_delay && rtp_read_bit(b)) rtp_read_bits(b, 4);
  }
}

static void read_sequence_header(const uint8_t *data, size_t len, struct rtp_codec_info *out) {
  struct rtp_bits b = rtp_bits_of(data, len);
  rtp_read_bits(&b, 4); /* seq_profile, still_picture */
  if (rtp_read_bit(&b)) {
    rtp_read_bits(&b, 5); /* reduced_still_picture_header: seq_level_idx */
  } else {
    skip_operating_points(&b);
  }
  unsigned width_bits = rtp_read_bits(&b, 4) + 1, height_bits = rtp_read_bits(&b, 4) + 1;
  uint32_t width = rtp_read_bits(&b, width_bits) + 1, height = rtp_read_bits(&b, height_bits) + 1;
  if (b.failed || width > UINT16_MAX || height > UINT16_MAX) return;
  out->width = (uint16_t)width;
  out->height = (uint16_t)height;
}

/* An OBU that begins in this packet: |F| type(4) |X|S|-|, with X |TID(3)|SID(2)|- - -|, with S a leb128 size. */
static void see_obu(const uint8_t *data, size_t len, struct rtp_codec_info *out) {
  struct rtp_reader r = rtp_reader_of(data, len);
  uint8_t head = rtp_read_u8(&r);
  if (head & 0x04) {
    uint8_t layer = rtp_read_u8(&r);
    if (!r.failed && !out->has_temporal) {
      out->has_temporal = out->has_spatial = true;
      out->temporal_id = layer >> 5;
      out->spatial_id = layer >> 3 & 3;
    }
  }
  if (head & 0x02) rtp_read_leb128(&r);
  if (r.failed || (head >> 3 & 0x0F) != OBU_SEQUENCE_HEADER) return;
  out->keyframe = true;
  read_sequence_header(r.at, rtp_reader_left(&r), out);
}

static int read_elements(struct rtp_reader *r, uint8_t aggregation, struct rtp_codec_info *out) {
  unsigned count = aggregation >> 4 & 3;
  if (rtp_reader_left(r) == 0) return RTP_ERROR_SHORT;
  for (unsigned i = 1; rtp_reader_left(r) > 0; i++) {
    bool is_last = count != 0 && i == count;
    size_t len = is_last ? rtp_reader_left(r) : rtp_read_leb128(r);
    const uint8_t *data = rtp_read_bytes(r, len);
    if (r->failed) return RTP_ERROR_LENGTH;
    bool continued = i == 1 && aggregation & 0x80;
    if (!continued && len > 0) see_obu(data, len, out);
    if (is_last) return RTP_OK;
  }
  return count == 0 ? RTP_OK : RTP_ERROR_LENGTH; /* fewer elements than W said */
}

int rtp_av1_parse(const uint8_t *payload, size_t len, bool marker, struct rtp_codec_info *out) {
  *out = (struct rtp_codec_info){0};
  struct rtp_reader r = rtp_reader_of(payload, len);
  uint8_t aggregation = rtp_read_u8(&r);
  if (r.failed) return RTP_ERROR_SHORT;
  bool continued = aggregation & 0x80, new_sequence = aggregation & 0x08;
  /* §4.4: "If N is set to 1 then Z MUST be set to 0." */
  int error = continued && new_sequence ? RTP_ERROR_VALUE : read_elements(&r, aggregation, out);
  if (error) {
    *out = (struct rtp_codec_info){0};
    return error;
  }
  out->descriptor_len = 1;
  out->keyframe = out->keyframe || new_sequence;
  out->frame_start = !continued;
  out->frame_end = marker;
  return RTP_OK;
}
