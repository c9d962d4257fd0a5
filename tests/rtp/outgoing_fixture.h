/* tests/rtp/outgoing_fixture.h: the far end of a slot: takes what forward() wrote, puts it together as the worker would,
 * parses it back and remembers it. */
#ifndef TESTS_RTP_OUTGOING_FIXTURE_H
#define TESTS_RTP_OUTGOING_FIXTURE_H

#include "tests/rtp/stream_fixture.h"

struct received {
  bool seen, filler, marker, keyframe;
  uint8_t payload_type, temporal_id, tl0;
  uint16_t picture_id, payload_len;
  uint32_t timestamp;
  uint8_t payload[96];
};

struct receiver {
  struct rtp_outgoing_stream *out;
  uint64_t packets;
  uint32_t highest; /* extended by counting from the first */
  uint32_t first;
  struct rtp_forward_result result; /* of the last packet */
  struct rtp_packet last;           /* points into bytes  */
  uint8_t bytes[RTP_OUTGOING_HEADER_MAX + 128];
  struct received received[65536];
};

/* Forwards one packet; what comes out is parsed and recorded. No number may come twice. */
static inline enum rtp_drop_reason fixture_forward(struct receiver *r, const struct rtp_media_packet *m,
                                                   int64_t now_us) {
  uint8_t header[RTP_OUTGOING_HEADER_MAX];
  enum rtp_drop_reason reason = rtp_outgoing_stream_forward(r->out, m, now_us, header, &r->result);
  if (reason != RTP_DROP_NONE) return reason;
  memcpy(r->bytes, header, r->result.header_len);
  memcpy(r->bytes + r->result.header_len, r->result.payload, r->result.payload_len);
  size_t len = (size_t)r->result.header_len + r->result.payload_len;
  assert_int_equal(rtp_packet_parse(&r->last, r->bytes, len), RTP_OK);
  assert_int_equal(r->last.ssrc, 0xAAAA0001);
  assert_int_equal(r->last.seq, r->result.seq);
  assert_int_equal(r->last.header_len, r->result.header_len);
  struct received *n = &r->received[r->last.seq];
  assert_false(n->seen);
  if (r->packets++ == 0) r->first = r->highest = 65536U + r->last.seq;
  uint32_t extended = r->highest + (uint32_t)(int16_t)(uint16_t)(r->last.seq - (uint16_t)r->highest);
  if ((int32_t)(extended - r->highest) > 0) r->highest = extended;
  r->received[(uint16_t)(r->highest + 30000)].seen = false; /* numbers come around again */
  *n = (struct received){.seen = true,
                         .filler = r->result.filler,
                         .marker = r->last.marker,
                         .payload_type = r->last.payload_type,
                         .timestamp = r->last.timestamp,
                         .payload_len = (uint16_t)r->last.payload_len};
  memcpy(n->payload, r->last.payload, r->last.payload_len);
  struct rtp_codec_info info;
  if (!n->filler && m->codec == RTP_CODEC_VP8) {
    assert_int_equal(rtp_codec_parse(RTP_CODEC_VP8, n->payload, n->payload_len, n->marker, &info), RTP_OK);
    n->picture_id = info.picture_id;
    n->tl0 = info.tl0picidx;
    n->temporal_id = info.temporal_id;
    n->keyframe = info.keyframe;
  }
  if (n->filler) assert_int_equal(r->last.padding_len, 1);
  return RTP_DROP_NONE;
}

/* A packet's whole way: publisher → incoming stream → slot. */
static inline enum rtp_drop_reason fixture_pass(struct receiver *r, struct fixture_source *s, struct fixture_packet *p,
                                                int64_t now_us) {
  struct rtp_media_packet m;
  enum rtp_drop_reason reason = rtp_incoming_stream_receive(s->stream, &p->packet, NULL, now_us, &m);
  return reason != RTP_DROP_NONE ? reason : fixture_forward(r, &m, now_us);
}

/* Numbers of ours that never came, up to the newest. */
static inline uint32_t fixture_holes(const struct receiver *r) {
  uint32_t holes = 0;
  for (uint32_t i = r->first; i != r->highest + 1; i++)
    holes += !r->received[i & 0xffff].seen;
  return holes;
}

static inline struct receiver *fixture_receiver(bool video, const struct rtp_extension_map *extensions) {
  struct receiver *r = calloc(1, sizeof *r);
  assert_non_null(r);
  r->out = fixture_outgoing(video, extensions);
  return r;
}

static inline void fixture_receiver_free(struct receiver *r) {
  rtp_outgoing_stream_free(r->out);
  free(r);
}

#endif
