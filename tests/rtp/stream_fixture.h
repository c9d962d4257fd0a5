/* tests/rtp/stream_fixture.h: publishers and receivers for the tests of streams: VP8 simulcast and Opus packets from a seeded
 * generator, handed over as parsed packets. No bytes of an RTP header are needed on the way in. */
#ifndef TESTS_RTP_STREAM_FIXTURE_H
#define TESTS_RTP_STREAM_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "rtp/incoming_stream.h"
#include "rtp/outgoing_stream.h"

#define FRAME_US    33333
#define VIDEO_STEP  3000
#define VP8_FORMAT  0
#define OPUS_FORMAT 1
#define H264_FORMAT 2

static inline uint32_t fixture_random(uint64_t *state) {
  *state = *state * 6364136223846793005ULL + 1442695040888963407ULL;
  return (uint32_t)(*state >> 33);
}

/* One packet as it would lie in the ingress slab. */
struct fixture_packet {
  struct rtp_packet packet;
  uint8_t bytes[96];
};

/* A camera's layer that makes VP8 frames of three temporal layers, 0 2 1 2, and padding when told. */
struct fixture_source {
  struct rtp_incoming_stream *stream;
  uint32_t ssrc, timestamp, serial;
  uint16_t seq, picture_id;
  uint8_t tl0, frame;
  bool seven_bits;
};

static inline struct rtp_incoming_stream *fixture_incoming(bool video, uint32_t ssrc, uint8_t layer,
                                                           const void *source) {
  struct rtp_incoming_config config = {.ssrc = ssrc,
                                       .rtx_ssrc = ssrc + 1,
                                       .video = video,
                                       .nack = true,
                                       .layer = layer,
                                       .source = source,
                                       .format_count = 1};
  if (video) {
    config.formats[0] = (struct rtp_incoming_format){
        .payload_type = 96, .rtx_payload_type = 97, .format = VP8_FORMAT, .codec = RTP_CODEC_VP8};
  } else {
    config.formats[0] =
        (struct rtp_incoming_format){.payload_type = 111, .format = OPUS_FORMAT, .codec = RTP_CODEC_OPUS};
  }
  struct rtp_incoming_stream *s = NULL;
  assert_int_equal(rtp_incoming_stream_create(&s, &config), RTP_OK);
  return s;
}

static inline struct rtp_outgoing_stream *fixture_outgoing(bool video, const struct rtp_extension_map *extensions) {
  struct rtp_outgoing_config config = {.ssrc = 0xAAAA0001,
                                       .rtx_ssrc = 0xAAAA0002,
                                       .video = video,
                                       .two_byte = true,
                                       .mid = "7",
                                       .extensions = extensions,
                                       .first_seq = 65530, /* wraps soon */
                                       .first_rtx_seq = 65535,
                                       .first_timestamp = 0xFFFFF000};
  config.formats[VP8_FORMAT].payload_type = 120;
  config.formats[VP8_FORMAT].rtx_payload_type = 121;
  config.formats[OPUS_FORMAT].payload_type = 109;
  config.formats[OPUS_FORMAT].rtx_payload_type = 110;
  struct rtp_outgoing_stream *s = NULL;
  assert_int_equal(rtp_outgoing_stream_create(&s, &config), RTP_OK);
  return s;
}

static inline void fixture_fill(struct fixture_packet *p, uint32_t ssrc, uint16_t seq, uint32_t timestamp,
                                uint8_t payload_type, size_t payload_len, bool marker) {
  p->packet = (struct rtp_packet){.data = p->bytes,
                                  .len = RTP_HEADER_SIZE + payload_len,
                                  .payload = p->bytes + RTP_HEADER_SIZE,
                                  .payload_len = payload_len,
                                  .timestamp = timestamp,
                                  .ssrc = ssrc,
                                  .seq = seq,
                                  .header_len = RTP_HEADER_SIZE,
                                  .payload_type = payload_type,
                                  .marker = marker};
}

/* A padding-only packet: takes a sequence number, nothing else. */
static inline void fixture_padding(struct fixture_source *s, struct fixture_packet *p) {
  fixture_fill(p, s->ssrc, s->seq++, s->timestamp, 96, 0, false);
}

static inline uint8_t fixture_temporal(uint8_t frame) {
  static const uint8_t pattern[4] = {0, 2, 1, 2};
  return pattern[frame & 3];
}

/* One VP8 frame of `count` packets. Every payload is unique. A key frame starts the temporal pattern anew. */
static inline void fixture_vp8_frame(struct fixture_source *s, struct fixture_packet *packets, size_t count,
                                     bool keyframe) {
  if (keyframe) s->frame = 0;
  uint8_t tid = fixture_temporal(s->frame);
  bool sync = s->frame == 1 || s->frame == 2;
  s->frame = keyframe || s->frame < 7 ? (uint8_t)(s->frame + 1) : 4;
  s->picture_id = (uint16_t)((s->picture_id + 1) & (s->seven_bits ? 0x7f : 0x7fff));
  if (tid == 0) s->tl0++;
  for (size_t i = 0; i < count; i++) {
    uint8_t *b = packets[i].bytes + RTP_HEADER_SIZE;
    size_t n = 0;
    b[n++] = i == 0 ? 0x90 : 0x80; /* X, S on the first */
    b[n++] = 0xE0;                 /* I L T */
    if (!s->seven_bits) b[n++] = (uint8_t)(0x80 | s->picture_id >> 8);
    b[n++] = (uint8_t)s->picture_id;
    b[n++] = s->tl0;
    b[n++] = (uint8_t)(tid << 6 | (sync ? 0x20 : 0));
    const uint8_t key[10] = {0x10, 0, 0, 0x9d, 0x01, 0x2a, 0x40, 0x01, 0xB4, 0x00}; /* 320×180 */
    const uint8_t delta[10] = {0x11};
    memcpy(b + n, keyframe && i == 0 ? key : delta, 10);
    n += 10;
    s->serial++;
    memcpy(b + n, &s->serial, 4);
    n += 4 + (s->serial & 15);
    fixture_fill(&packets[i], s->ssrc, s->seq++, s->timestamp, 96, n, i + 1 == count);
  }
  s->timestamp += VIDEO_STEP;
}

static inline void fixture_opus(struct fixture_source *s, struct fixture_packet *p) {
  uint8_t *b = p->bytes + RTP_HEADER_SIZE;
  b[0] = 0x78;
  s->serial++;
  memcpy(b + 1, &s->serial, 4);
  fixture_fill(p, s->ssrc, s->seq++, s->timestamp, 111, 20, false);
  s->timestamp += 960;
}

/* Turns a media packet into the RTX packet a publisher would send for it. */
static inline void fixture_to_rtx(struct fixture_packet *out, const struct fixture_packet *in, uint16_t rtx_seq) {
  size_t len = in->packet.payload_len;
  fixture_fill(out, in->packet.ssrc + 1, rtx_seq, in->packet.timestamp, 97, len + 2, in->packet.marker);
  out->packet.payload[0] = (uint8_t)(in->packet.seq >> 8);
  out->packet.payload[1] = (uint8_t)in->packet.seq;
  memcpy(out->packet.payload + 2, in->packet.payload, len);
}

static inline uint16_t fixture_u16(const uint8_t *b) {
  return (uint16_t)(b[0] << 8 | b[1]);
}

static inline uint32_t fixture_u32(const uint8_t *b) {
  return (uint32_t)fixture_u16(b) << 16 | fixture_u16(b + 2);
}

#endif
