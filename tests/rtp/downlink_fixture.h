/* tests/rtp/downlink_fixture.h: one camera, one microphone, a slot each, the downlink between them and a listener that remembers what
 * left. The receiver's feedback is made by the real recorder. */
#ifndef TESTS_RTP_DOWNLINK_FIXTURE_H
#define TESTS_RTP_DOWNLINK_FIXTURE_H

#include "rtp/downlink_internal.h"
#include "tests/rtp/stream_fixture.h"

#define DESK_SENT     8192
#define DESK_OVERHEAD 44
#define DESK_RED      3

struct desk_sent {
  bool rtx, padding;
  uint16_t seq, transport_seq, len;
  uint16_t repeats; /* of a retransmission: the number it repeats */
  uint8_t payload_type;
};

struct desk {
  struct downlink *d;
  struct fixture_source camera, microphone;
  struct rtp_outgoing_stream *video, *audio;
  uint16_t video_slot, audio_slot;
  struct transport_feedback_recorder recorder;
  int64_t now_us;
  struct desk_sent sent[DESK_SENT]; /* what left, through the listener or at once */
  size_t count;
  uint64_t bytes;
  bool (*loses)(uint16_t transport_seq); /* NULL: nothing gets lost */
  int64_t far_us;                        /* the round trip that shall be believed; 0: as it is */
};

static inline void desk_note(struct desk *k, bool rtx, const uint8_t *packet, size_t len, size_t transport) {
  assert_int_not_equal(transport, 0);
  assert_true(k->count < DESK_SENT);
  uint16_t seq = downlink_stamp(k->d, (uint32_t)len, k->now_us);
  k->sent[k->count++] = (struct desk_sent){.rtx = rtx,
                                           .padding = packet[0] & 0x20,
                                           .seq = fixture_u16(packet + 2),
                                           .transport_seq = seq,
                                           .len = (uint16_t)len,
                                           .payload_type = packet[1] & 0x7f};
  k->bytes += len + DESK_OVERHEAD;
  if (!k->loses || !k->loses(seq)) transport_feedback_arrived(&k->recorder, seq, k->now_us + 20000);
}

static inline void desk_on_send(void *arg, void *slot, bool rtx, uint8_t *packet, size_t header_len, size_t len,
                                size_t transport) {
  struct desk *k = arg;
  assert_true(slot == k->video || slot == k->audio);
  assert_true(header_len <= len);
  desk_note(k, rtx, packet, len, transport);
  if (rtx && len >= header_len + 2) k->sent[k->count - 1].repeats = fixture_u16(packet + header_len);
}

static inline struct rtp_outgoing_stream *desk_slot(bool video) {
  struct rtp_extension_map extensions;
  rtp_extension_map_init(&extensions);
  rtp_extension_map_add(&extensions, 3, RTP_EXTENSION_TRANSPORT_SEQUENCE);
  rtp_extension_map_add(&extensions, 5, RTP_EXTENSION_PLAYOUT_DELAY);
  struct rtp_outgoing_config c = {.ssrc = video ? 1000 : 2000,
                                  .rtx_ssrc = video ? 1001 : 0,
                                  .video = video,
                                  .extensions = &extensions,
                                  .red_format = DESK_RED,
                                  .red_inner = OPUS_FORMAT};
  c.formats[VP8_FORMAT].payload_type = 96;
  c.formats[VP8_FORMAT].rtx_payload_type = 97;
  c.formats[OPUS_FORMAT].payload_type = 111;
  c.formats[DESK_RED].payload_type = 63;
  struct rtp_outgoing_stream *s = NULL;
  assert_int_equal(rtp_outgoing_stream_create(&s, &c), RTP_OK);
  return s;
}

static inline struct desk *desk_open(uint64_t start_bps) {
  struct desk *k = calloc(1, sizeof *k);
  assert_non_null(k);
  k->now_us = 1000000;
  k->camera = (struct fixture_source){.stream = fixture_incoming(true, 10, 0, NULL), .ssrc = 10, .seq = 65000};
  k->microphone = (struct fixture_source){.stream = fixture_incoming(false, 20, 0, NULL), .ssrc = 20, .seq = 5};
  k->video = desk_slot(true);
  k->audio = desk_slot(false);
  rtp_outgoing_stream_select(k->video, k->camera.stream);
  rtp_outgoing_stream_select(k->audio, k->microphone.stream);
  transport_feedback_recorder_init(&k->recorder);
  struct downlink_config c = {.bandwidth = {.start_bps = start_bps},
                              .overhead_bytes = DESK_OVERHEAD,
                              .listener = {.arg = k, .send = desk_on_send}};
  assert_int_equal(downlink_create(&k->d, &c), RTP_OK);
  k->video_slot = downlink_add_slot(k->d, k->video, k->video, true);
  k->audio_slot = downlink_add_slot(k->d, k->audio, k->audio, false);
  return k;
}

static inline void desk_close(struct desk *k) {
  downlink_free(k->d);
  rtp_outgoing_stream_free(k->video);
  rtp_outgoing_stream_free(k->audio);
  rtp_incoming_stream_free(k->camera.stream);
  rtp_incoming_stream_free(k->microphone.stream);
  free(k);
}

/* One packet's way through the server; true: it left at once. */
static inline bool desk_pass(struct desk *k, struct fixture_packet *p, bool video) {
  struct rtp_media_packet m;
  struct rtp_forward_result r;
  uint8_t packet[RTP_OUTGOING_HEADER_MAX + RTP_MEDIA_MAX_PAYLOAD];
  struct fixture_source *source = video ? &k->camera : &k->microphone;
  assert_int_equal(rtp_incoming_stream_receive(source->stream, &p->packet, NULL, k->now_us, &m), RTP_DROP_NONE);
  if (rtp_outgoing_stream_forward(video ? k->video : k->audio, &m, k->now_us, packet, &r) != RTP_DROP_NONE)
    return false;
  size_t len = (size_t)r.header_len + r.payload_len;
  if (!downlink_offer(k->d, video ? k->video_slot : k->audio_slot, r.seq, (uint32_t)len, k->now_us)) return false;
  memcpy(packet + r.header_len, r.payload, r.payload_len);
  desk_note(k, false, packet, len, r.transport_seq_offset);
  return true;
}

/* A frame of `count` packets of about `bytes` each. Returns how many left at once. */
static inline size_t desk_frame(struct desk *k, size_t count, bool keyframe) {
  struct fixture_packet packets[16];
  assert_true(count <= 16);
  fixture_vp8_frame(&k->camera, packets, count, keyframe);
  size_t at_once = 0;
  for (size_t i = 0; i < count; i++)
    at_once += desk_pass(k, &packets[i], true);
  return at_once;
}

static inline bool desk_audio(struct desk *k) {
  struct fixture_packet p;
  fixture_opus(&k->microphone, &p);
  return desk_pass(k, &p, false);
}

static inline void desk_feedback(struct desk *k) {
  uint8_t bytes[1200];
  int len;
  while ((len = transport_feedback_build(&k->recorder, 1, 1000, bytes, sizeof bytes, k->now_us + 20000)) > 0) {
    struct rtcp_iterator it;
    struct rtcp_packet packet;
    struct rtcp_transport_feedback f;
    assert_int_equal(rtcp_begin(&it, bytes, (size_t)len), RTP_OK);
    assert_true(rtcp_next(&it, &packet));
    assert_int_equal(rtcp_parse_transport_feedback(&packet, &f), RTP_OK);
    downlink_feedback(k->d, &f, k->now_us);
    if (k->far_us) k->d->estimator.least_rtt_us = k->far_us;
  }
}

/* `ms` of service every 5 ms, with sound every 20 when asked and feedback every 50. */
static inline void desk_run(struct desk *k, int ms, bool sound) {
  for (int i = 0; i < ms / 5; i++) {
    k->now_us += 5000;
    if (sound && k->now_us % 20000 == 0) desk_audio(k);
    if (k->now_us % 50000 == 0) desk_feedback(k);
    downlink_service(k->d, k->now_us);
  }
}

static inline struct downlink_stats desk_stats(const struct desk *k) {
  struct downlink_stats s;
  downlink_get_stats(k->d, &s);
  return s;
}

#endif
