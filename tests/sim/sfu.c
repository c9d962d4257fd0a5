/* The server of the simulation: see tests/sim/sfu.h. */
#include "tests/sim/sfu.h"

#include <stdlib.h>
#include <string.h>

#include "rtp/packet.h"

#define TICK_US      5000
#define AUDIO_WIRE   67200
#define ELASTIC_MOST 20000000

/* ---- sending ---- */

static void seal_and_send(struct sfu *s, uint8_t *packet, size_t len, size_t transport_offset) {
  if (transport_offset) {
    uint16_t seq = downlink_stamp(s->downlink, (uint32_t)len, s->clock->now_us);
    packet[transport_offset] = (uint8_t)(seq >> 8);
    packet[transport_offset + 1] = (uint8_t)seq;
  }
  s->sent_bytes += len;
  link_send(s->down, s->flow, packet, len);
}

static void on_downlink_send(void *arg, void *slot, bool rtx, uint8_t *packet, size_t header_len, size_t len,
                             size_t transport_offset) {
  (void)slot;
  (void)rtx;
  (void)header_len;
  seal_and_send(arg, packet, len, transport_offset);
}

static void forward(struct sfu *s, const struct rtp_media_packet *m, bool video) {
  uint8_t packet[RTP_OUTGOING_HEADER_MAX + RTP_MEDIA_MAX_PAYLOAD];
  struct rtp_forward_result f;
  struct rtp_outgoing_stream *out = video ? s->video : s->audio;
  int64_t now_us = s->clock->now_us;
  enum rtp_drop_reason reason = rtp_outgoing_stream_forward(out, m, now_us, packet, &f);
  if (reason != RTP_DROP_NONE) {
    struct rtp_incoming_stream *ask = rtp_outgoing_stream_needs_keyframe(out);
    if (reason == RTP_DROP_WAITING_KEYFRAME && ask) rtp_incoming_stream_wish_keyframe(ask, now_us);
    return;
  }
  if (video && m->timestamp != s->last_frame && !f.filler) {
    s->last_frame = m->timestamp;
    s->forwarded_frames++;
  }
  size_t len = (size_t)f.header_len + f.payload_len;
  if (!downlink_offer(s->downlink, video ? s->video_slot : s->audio_slot, f.seq, (uint32_t)len, now_us)) return;
  memcpy(packet + f.header_len, f.payload, f.payload_len < LINK_CARRIED ? f.payload_len : LINK_CARRIED);
  seal_and_send(s, packet, len, f.transport_seq_offset);
}

/* ---- from the publisher ---- */

static struct rtp_incoming_stream *stream_of(const struct sfu *s, uint32_t ssrc) {
  return ssrc == SIM_AUDIO_SSRC                                 ? s->incoming_audio
         : ssrc == SIM_VIDEO_SSRC || ssrc == SIM_VIDEO_SSRC + 1 ? s->incoming_video
                                                                : NULL;
}

static void receive_rtcp(struct sfu *s, const uint8_t *data, size_t len) {
  struct rtcp_iterator it;
  struct rtcp_packet packet;
  struct rtcp_report report;
  if (rtcp_begin(&it, data, len)) return;
  while (rtcp_next(&it, &packet)) {
    if (packet.type != RTCP_SR || rtcp_parse_report(&packet, &report)) continue;
    struct rtp_incoming_stream *stream = stream_of(s, report.ssrc);
    if (stream) rtp_incoming_stream_sender_report(stream, &report.sender, s->clock->now_us);
  }
}

void sfu_receive(struct sfu *s, uint8_t *data, size_t len) {
  if (rtp_kind_of(data, len) == RTP_KIND_RTCP) {
    receive_rtcp(s, data, len);
    return;
  }
  struct rtp_packet p;
  struct rtp_media_packet m;
  if (rtp_packet_parse(&p, data, len)) return;
  struct rtp_incoming_stream *stream = stream_of(s, p.ssrc);
  if (!stream || rtp_incoming_stream_receive(stream, &p, NULL, s->clock->now_us, &m) != RTP_DROP_NONE) return;
  forward(s, &m, stream == s->incoming_video);
}

/* ---- from the receiver ---- */

void sfu_receive_rtcp(struct sfu *s, const uint8_t *data, size_t len) {
  int64_t now_us = s->clock->now_us;
  struct rtcp_iterator it;
  struct rtcp_packet packet;
  if (rtcp_begin(&it, data, len)) return;
  while (rtcp_next(&it, &packet)) {
    struct rtcp_nack nack;
    struct rtcp_pli pli;
    struct rtcp_transport_feedback feedback;
    struct rtp_incoming_stream *source = NULL;
    if (packet.type == RTCP_RTPFB && packet.count == RTCP_RTPFB_TRANSPORT_CC) {
      if (rtcp_parse_transport_feedback(&packet, &feedback) == 0) downlink_feedback(s->downlink, &feedback, now_us);
    } else if (packet.type == RTCP_RTPFB && rtcp_parse_nack(&packet, &nack) == 0) {
      bool video = nack.media_ssrc == SIM_SLOT_VIDEO;
      size_t beyond = downlink_nack(s->downlink, video ? s->video_slot : s->audio_slot, nack.seqs, nack.count, now_us);
      if (beyond && video) source = rtp_outgoing_stream_receiver_wants_keyframe(s->video, now_us);
    } else if (packet.type == RTCP_PSFB && rtcp_parse_pli(&packet, &pli) == 0) {
      source = rtp_outgoing_stream_receiver_wants_keyframe(s->video, now_us);
    }
    if (source) rtp_incoming_stream_wish_keyframe(source, now_us);
  }
  downlink_service(s->downlink, now_us);
}

/* ---- time ---- */

static void drive_encoder(struct sfu *s) {
  struct allocation a = {0};
  downlink_fill_allocation(s->downlink, &a, s->clock->now_us);
  double left = (double)a.target_bps * (1 - a.loss) - AUDIO_WIRE - 10560;
  s->publisher->layers[0].bps = a.stalled || left < 20000 ? 20000 : left / 1.0782;
  a.next_bps = 2 * a.target_bps;
  a.most_bps = ELASTIC_MOST;
  downlink_want(s->downlink, &a, s->clock->now_us);
}

static void ask_publisher(struct sfu *s, struct rtp_incoming_stream *stream) {
  int64_t now_us = s->clock->now_us;
  if (rtp_incoming_stream_deadline(stream) > now_us) return;
  uint16_t seqs[256];
  uint8_t out[1200];
  size_t count = rtp_incoming_stream_nack(stream, seqs, 256, now_us);
  int len = 0;
  if (count) len = rtcp_write_nack(out, sizeof out, 1, rtp_incoming_stream_ssrc(stream), seqs, count, NULL);
  if (len > 0) s->to_publisher(s->arg, out, (size_t)len);
  if (!rtp_incoming_stream_keyframe_due(stream, now_us)) return;
  len = rtcp_write_pli(out, sizeof out, 1, rtp_incoming_stream_ssrc(stream));
  if (len > 0) s->to_publisher(s->arg, out, (size_t)len);
}

static void on_tick(void *arg, void *data) {
  struct sfu *s = arg;
  (void)data;
  const struct bandwidth_estimator *e = downlink_estimator(s->downlink);
  rtp_incoming_stream_keep(s->incoming_video, rtp_outgoing_stream_asks_us(s->video));
  rtp_incoming_stream_keep(s->incoming_audio, rtp_outgoing_stream_asks_us(s->audio));
  rtp_incoming_stream_set_rtt(s->incoming_video, s->publisher_rtt_us);
  ask_publisher(s, s->incoming_video);
  rtp_outgoing_stream_set_rtt(s->video, e->least_rtt_us);
  rtp_outgoing_stream_set_rtt(s->audio, e->least_rtt_us);
  drive_encoder(s);
  downlink_service(s->downlink, s->clock->now_us);
  sim_at(s->clock, s->clock->now_us + TICK_US, on_tick, s, NULL);
}

/* ---- life ---- */

static struct rtp_incoming_stream *open_incoming(struct sfu *s, bool video) {
  const uint32_t ssrc = video ? SIM_VIDEO_SSRC : SIM_AUDIO_SSRC;
  struct rtp_incoming_config c = {
      .ssrc = ssrc, .rtx_ssrc = ssrc + 1, .video = video, .nack = video, .source = s, .format_count = 1};
  c.formats[0] = video ? (struct rtp_incoming_format){.payload_type = SIM_VP8,
                                                      .rtx_payload_type = SIM_VP8_RTX,
                                                      .format = SIM_FORMAT_VP8,
                                                      .codec = RTP_CODEC_VP8}
                       : (struct rtp_incoming_format){
                             .payload_type = SIM_OPUS, .format = SIM_FORMAT_OPUS, .codec = RTP_CODEC_OPUS};
  struct rtp_incoming_stream *stream;
  if (rtp_incoming_stream_create(&stream, &c)) abort();
  return stream;
}

void sfu_init(struct sfu *s, struct sim_clock *clock, struct publisher *publisher) {
  memset(s, 0, sizeof *s);
  s->clock = clock;
  s->publisher = publisher;
  s->publisher_rtt_us = 20000;
  s->incoming_video = open_incoming(s, true);
  s->incoming_audio = open_incoming(s, false);
  sim_at(clock, clock->now_us + TICK_US, on_tick, s, NULL);
}

void sfu_close(struct sfu *s) {
  downlink_free(s->downlink);
  rtp_outgoing_stream_free(s->video);
  rtp_outgoing_stream_free(s->audio);
  rtp_incoming_stream_free(s->incoming_video);
  rtp_incoming_stream_free(s->incoming_audio);
}

static struct rtp_outgoing_stream *open_slot(bool video, struct sim_random *random) {
  struct rtp_extension_map extensions;
  rtp_extension_map_init(&extensions);
  rtp_extension_map_add(&extensions, SIM_TRANSPORT_ID, RTP_EXTENSION_TRANSPORT_SEQUENCE);
  rtp_extension_map_add(&extensions, SIM_SEND_TIME_ID, RTP_EXTENSION_ABS_SEND_TIME);
  rtp_extension_map_add(&extensions, SIM_PLAYOUT_ID, RTP_EXTENSION_PLAYOUT_DELAY);
  uint32_t ssrc = video ? SIM_SLOT_VIDEO : SIM_SLOT_AUDIO;
  struct rtp_outgoing_config c = {.ssrc = ssrc,
                                  .rtx_ssrc = video ? ssrc + 1 : 0, /* no browser has RTX for audio */
                                  .video = video,
                                  .mid = video ? "3" : "2",
                                  .extensions = &extensions,
                                  .first_seq = (uint16_t)sim_random_bits(random),
                                  .first_rtx_seq = (uint16_t)sim_random_bits(random),
                                  .first_timestamp = (uint32_t)sim_random_bits(random)};
  c.formats[SIM_FORMAT_VP8].payload_type = SIM_VP8;
  c.formats[SIM_FORMAT_VP8].rtx_payload_type = SIM_VP8_RTX;
  c.formats[SIM_FORMAT_OPUS].payload_type = SIM_OPUS;
  struct rtp_outgoing_stream *out;
  if (rtp_outgoing_stream_create(&out, &c)) abort();
  return out;
}

void sfu_add_receiver(struct sfu *s, struct sim_link *down, uint8_t flow, uint64_t seed) {
  struct sim_random random;
  sim_random_init(&random, seed, 301);
  s->down = down;
  s->flow = flow;
  struct downlink_config c = {.overhead_bytes = IP_UDP_SRTP, .listener = {.arg = s, .send = on_downlink_send}};
  if (downlink_create(&s->downlink, &c)) abort();
  s->video = open_slot(true, &random);
  s->audio = open_slot(false, &random);
  s->video_slot = downlink_add_slot(s->downlink, s->video, s, true);
  s->audio_slot = downlink_add_slot(s->downlink, s->audio, s, false);
  rtp_outgoing_stream_select(s->audio, s->incoming_audio);
  rtp_outgoing_stream_select(s->video, s->incoming_video);
}
