/* The coding of each header extension's value. */
#include "rtp/cursor.h"
#include "rtp/extension.h"

#define TEXT_MAX 255 /* RFC 8852 §3.1: SDES items have one length byte */

/* ---- SDES text ---- */

static bool is_alphanumeric(uint8_t c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* RFC 8852 §3.1: rids are alphanumeric (RFC 8851 §10 adds '-' and '_'). A mid is a token of RFC 8866 §9; we refuse what is
 * not printable or would need quoting. */
int rtp_text_decode(const uint8_t *data, size_t len, bool rid, struct rtp_text *out) {
  if (len == 0 || len > TEXT_MAX) return RTP_ERROR_LENGTH;
  for (size_t i = 0; i < len; i++) {
    uint8_t c = data[i];
    bool legal = is_alphanumeric(c) || c == '-' || c == '_';
    if (!rid) legal = legal || (c != 0 && strchr("!#$%&'*+.^`{|}~", c) != NULL);
    if (!legal) return RTP_ERROR_VALUE;
  }
  *out = (struct rtp_text){.data = (const char *)data, .len = (uint8_t)len};
  return RTP_OK;
}

/* ---- audio level: RFC 6464 §3 ---- */

void rtp_audio_level_encode(uint8_t *at, struct rtp_audio_level v) {
  at[0] = (uint8_t)((v.voice ? 0x80 : 0) | (v.level > 127 ? 127 : v.level));
}

int rtp_audio_level_decode(const uint8_t *data, size_t len, struct rtp_audio_level *out) {
  /* §3, figure 2: the two-byte form may carry a second byte of padding. */
  if (len != RTP_AUDIO_LEVEL_SIZE && len != RTP_AUDIO_LEVEL_SIZE + 1) return RTP_ERROR_LENGTH;
  *out = (struct rtp_audio_level){.level = data[0] & 0x7F, .voice = data[0] >> 7};
  return RTP_OK;
}

/* ---- transport-wide sequence number ---- */

void rtp_transport_sequence_encode(uint8_t *at, uint16_t v) {
  rtp_store(at, RTP_TRANSPORT_SEQUENCE_SIZE, v);
}

int rtp_transport_sequence_decode(const uint8_t *data, size_t len, uint16_t *out) {
  if (len != RTP_TRANSPORT_SEQUENCE_SIZE) return RTP_ERROR_LENGTH;
  *out = (uint16_t)(data[0] << 8 | data[1]);
  return RTP_OK;
}

/* ---- absolute send time: 6 bits of seconds, 18 of fraction ---- */

static uint32_t load_u24(const uint8_t *p) {
  return (uint32_t)p[0] << 16 | (uint32_t)p[1] << 8 | p[2];
}

static int32_t sign_extend_u24(uint32_t v) {
  return (int32_t)(v & 0xFFFFFF) - (v & 0x800000 ? 0x1000000 : 0);
}

void rtp_abs_send_time_encode(uint8_t *at, uint32_t v) {
  rtp_store(at, RTP_ABS_SEND_TIME_SIZE, v);
}

int rtp_abs_send_time_decode(const uint8_t *data, size_t len, uint32_t *out) {
  if (len != RTP_ABS_SEND_TIME_SIZE) return RTP_ERROR_LENGTH;
  *out = load_u24(data);
  return RTP_OK;
}

uint32_t rtp_abs_send_time_from_us(int64_t now_us) {
  uint64_t within = (uint64_t)now_us % 64000000U;
  return (uint32_t)(((within << 18) + 500000) / 1000000) & 0xFFFFFF;
}

int64_t rtp_abs_send_time_delta_us(uint32_t a, uint32_t b) {
  return (int64_t)sign_extend_u24(a - b) * 1000000 / (1 << 18);
}

/* ---- playout delay: 12 bits minimum, 12 bits maximum, units of 10 ms ---- */

void rtp_playout_delay_encode(uint8_t *at, struct rtp_playout_delay v) {
  uint32_t min = v.min_ms / 10, max = v.max_ms / 10;
  if (min > 0xFFF) min = 0xFFF;
  if (max > 0xFFF) max = 0xFFF;
  rtp_store(at, RTP_PLAYOUT_DELAY_SIZE, min << 12 | max);
}

int rtp_playout_delay_decode(const uint8_t *data, size_t len, struct rtp_playout_delay *out) {
  if (len != RTP_PLAYOUT_DELAY_SIZE) return RTP_ERROR_LENGTH;
  uint32_t v = load_u24(data);
  struct rtp_playout_delay d = {.min_ms = (uint16_t)((v >> 12) * 10), .max_ms = (uint16_t)((v & 0xFFF) * 10)};
  if (d.min_ms > d.max_ms) return RTP_ERROR_VALUE;
  *out = d;
  return RTP_OK;
}

/* ---- video orientation: 0 0 0 0 C F R1 R0 ---- */

void rtp_video_orientation_encode(uint8_t *at, struct rtp_video_orientation v) {
  at[0] = (uint8_t)((v.back_camera ? 8 : 0) | (v.flip ? 4 : 0) | (v.rotation / 90 & 3));
}

int rtp_video_orientation_decode(const uint8_t *data, size_t len, struct rtp_video_orientation *out) {
  if (len != RTP_VIDEO_ORIENTATION_SIZE) return RTP_ERROR_LENGTH;
  uint8_t b = data[0];
  *out = (struct rtp_video_orientation){.rotation = (uint16_t)((b & 3) * 90), .flip = b & 4, .back_camera = b & 8};
  return RTP_OK;
}

/* ---- transmission time offset: RFC 5450 §2, 24 bits signed ---- */

void rtp_transmission_offset_encode(uint8_t *at, int32_t v) {
  rtp_store(at, RTP_TRANSMISSION_OFFSET_SIZE, (uint32_t)v);
}

int rtp_transmission_offset_decode(const uint8_t *data, size_t len, int32_t *out) {
  if (len != RTP_TRANSMISSION_OFFSET_SIZE) return RTP_ERROR_LENGTH;
  *out = sign_extend_u24(load_u24(data));
  return RTP_OK;
}

/* ---- absolute capture time ---- */

size_t rtp_capture_time_encode(uint8_t *at, struct rtp_capture_time v) {
  rtp_store(at, 8, v.ntp);
  if (!v.has_offset) return RTP_CAPTURE_TIME_SIZE;
  rtp_store(at + 8, 8, (uint64_t)v.clock_offset);
  return RTP_CAPTURE_TIME_LONG_SIZE;
}

int rtp_capture_time_decode(const uint8_t *data, size_t len, struct rtp_capture_time *out) {
  if (len != RTP_CAPTURE_TIME_SIZE && len != RTP_CAPTURE_TIME_LONG_SIZE) return RTP_ERROR_LENGTH;
  struct rtp_reader r = rtp_reader_of(data, len);
  struct rtp_capture_time v = {.ntp = rtp_read_u64(&r)};
  v.has_offset = len == RTP_CAPTURE_TIME_LONG_SIZE;
  if (v.has_offset) v.clock_offset = (int64_t)rtp_read_u64(&r);
  *out = v;
  return RTP_OK;
}

/* ---- video content type ---- */

void rtp_content_type_encode(uint8_t *at, uint8_t v) {
  at[0] = v;
}

int rtp_content_type_decode(const uint8_t *data, size_t len, uint8_t *out) {
  if (len != RTP_CONTENT_TYPE_SIZE) return RTP_ERROR_LENGTH;
  *out = data[0];
  return RTP_OK;
}

/* ---- video timing: flags, then six times of 16 bits ---- */

void rtp_video_timing_encode(uint8_t *at, const struct rtp_video_timing *v) {
  struct rtp_writer w = rtp_writer_of(at, RTP_VIDEO_TIMING_SIZE);
  rtp_write_u8(&w, v->flags);
  rtp_write_u16(&w, v->encode_start_ms);
  rtp_write_u16(&w, v->encode_finish_ms);
  rtp_write_u16(&w, v->packetized_ms);
  rtp_write_u16(&w, v->pacer_exit_ms);
  rtp_write_u16(&w, v->network_ms);
  rtp_write_u16(&w, v->network2_ms);
}

int rtp_video_timing_decode(const uint8_t *data, size_t len, struct rtp_video_timing *out) {
  if (len != RTP_VIDEO_TIMING_SIZE) return RTP_ERROR_LENGTH;
  struct rtp_reader r = rtp_reader_of(data, len);
  struct rtp_video_timing v = {.flags = rtp_read_u8(&r)};
  v.encode_start_ms = rtp_read_u16(&r);
  v.encode_finish_ms = rtp_read_u16(&r);
  v.packetized_ms = rtp_read_u16(&r);
  v.pacer_exit_ms = rtp_read_u16(&r);
  v.network_ms = rtp_read_u16(&r);
  v.network2_ms = rtp_read_u16(&r);
  *out = v;
  return RTP_OK;
}
