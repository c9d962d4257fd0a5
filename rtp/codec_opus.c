/* Opus (RFC 7587, RFC 6716 §3) and its redundant form (RFC 2198, "red/48000/2").
 *
 *   RED:  |1| PT(7) | timestamp offset (14) | length (10) |  for each older block, then  |0| PT(7) |,  then the data
 */
#include "rtp/codec.h"
#include "rtp/cursor.h"

/* RFC 6716 §3.4 R5: an Opus packet holds at most 120 ms. */
#define MAX_SAMPLES   5760

/* Chromium and libopus send at most 2 bytes (a TOC and at most one more) when there is nothing to say. */
#define DTX_MAX_BYTES 2

int rtp_opus_parse(const uint8_t *payload, size_t len, bool marker, struct rtp_codec_info *out) {
  (void)payload;
  (void)marker; /* RFC 3551 §4.1: in audio it starts a talk spurt */
  *out = (struct rtp_codec_info){0};
  if (len == 0) return RTP_ERROR_SHORT;
  out->keyframe = out->frame_start = out->frame_end = true;
  out->dtx = len <= DTX_MAX_BYTES;
  return RTP_OK;
}

uint32_t rtp_opus_duration(const uint8_t *payload, size_t len) {
  /* RFC 6716 table 2, in samples: SILK 10, 20, 40, 60 ms; hybrid 10, 20; CELT 2.5, 5, 10, 20. */
  static const uint16_t silk[] = {480, 960, 1920, 2880}, celt[] = {120, 240, 480, 960};
  if (len == 0) return 0;
  unsigned config = payload[0] >> 3, code = payload[0] & 3;
  uint32_t samples;
  if (config < 12) {
    samples = silk[config & 3];
  } else if (config < 16) {
    samples = silk[config & 1];
  } else {
    samples = celt[config & 3];
  }
  uint32_t frames = code == 0 ? 1 : 2;
  if (code == 3) {
    if (len < 2) return 0;
    frames = payload[1] & 0x3F;
  }
  return frames * samples <= MAX_SAMPLES ? frames * samples : 0;
}

int rtp_red_parse(const uint8_t *payload, size_t len, struct rtp_red *out) {
  struct rtp_reader r = rtp_reader_of(payload, len);
  out->count = 0;
  for (;;) {
    if (out->count == RTP_RED_MAX_BLOCKS) return RTP_ERROR_TOO_MANY;
    struct rtp_red_block *block = &out->blocks[out->count++];
    uint8_t head = rtp_read_u8(&r);
    *block = (struct rtp_red_block){.payload_type = head & 0x7F};
    if (!(head & 0x80)) break;
    uint32_t v = rtp_read_u24(&r);
    block->timestamp_offset = (uint16_t)(v >> 10);
    block->len = v & 0x3FF;
    if (r.failed) return RTP_ERROR_SHORT;
  }
  if (r.failed) return RTP_ERROR_SHORT;
  for (unsigned i = 0; i + 1 < out->count; i++)
    out->blocks[i].data = rtp_read_bytes(&r, out->blocks[i].len);
  size_t left = rtp_reader_left(&r);
  if (r.failed || left > UINT16_MAX) return RTP_ERROR_LENGTH;
  out->blocks[out->count - 1].data = r.at;
  out->blocks[out->count - 1].len = (uint16_t)left;
  return RTP_OK;
}

int rtp_red_write(uint8_t *out, size_t cap, const struct rtp_red *red) {
  if (red->count == 0 || red->count > RTP_RED_MAX_BLOCKS) return RTP_ERROR_VALUE;
  struct rtp_writer w = rtp_writer_of(out, cap);
  for (unsigned i = 0; i < red->count; i++) {
    const struct rtp_red_block *b = &red->blocks[i];
    bool primary = i + 1 == red->count;
    if (b->payload_type > 127) return RTP_ERROR_VALUE;
    if (primary ? b->timestamp_offset != 0 : b->timestamp_offset > RTP_RED_MAX_OFFSET || b->len > RTP_RED_MAX_LENGTH)
      return RTP_ERROR_VALUE;
    rtp_write_u8(&w, (uint8_t)((primary ? 0 : 0x80) | b->payload_type));
    if (!primary) rtp_write_uint(&w, 3, (uint32_t)b->timestamp_offset << 10 | b->len);
  }
  for (unsigned i = 0; i < red->count; i++)
    rtp_write_bytes(&w, red->blocks[i].data, red->blocks[i].len);
  return w.failed ? RTP_ERROR_NO_SPACE : (int)rtp_writer_len(&w);
}
