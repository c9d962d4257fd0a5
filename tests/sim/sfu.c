/* The server of the simulation: see tests/sim/sfu.h. */
#include "tests/sim/sfu.h"

#include <stdlib.h>
#include <string.h>

#include "rtp/packet.h"

#define TICK_US      5000
#define AUDIO_HEADER 704 /* bits of each of 50 packets a second: as rtp/bandwidth_allocator.c */
#define AUDIO_WIRE   67200
#define ELASTIC_MOST 20000000

/* ---- sending ---- */

static void seal_and_send(struct sfu_receiver *r, uint8_t *packet, size_t len, size_t transport_offset) {
  if (transport_offset) {
    uint16_t seq = downlink_stamp(r->downlink, (uint32_t)len, r->sfu->clock->now_us);
    packet[transport_offset] = (uint8_t)(seq >> 8);
    packet[transport_offset + 1] = (uint8_t)seq;
  }
  r->sent_bytes += len;
  link_send(r->down, r->flow, packet, len);
}

static void on_downlink_send(void *arg, void *slot, bool rtx, uint8_t *packet, size_t header_len, size_t len,
                             size_t transport_offset) {
  (void)slot;
  (void)rtx;
  (void)header_len;
  seal_and_send(arg, packet, len, transport_offset);
}

static void forward(struct sfu_receiver *r, const struct rtp_media_packet *m, bool video) {
  uint8_t packet[RTP_OUTGOING_HEADER_MAX + RTP_MEDIA_MAX_PAYLOAD];
  struct rtp_forward_result f;
  struct rtp_outgoing_stream *out = video ? r->video : r->audio;
  int64_t now_us = r->sfu->clock->now_us;
  enum rtp_drop_reason reason = rtp_outgoing_stream_forward(out, m, now_us, packet, &f);
  if (reason != RTP_DROP_NONE) {
    struct rtp_incoming_stream *ask = rtp_outgoing_stream_needs_keyframe(out);
    if (reason == RTP_DROP_WAITING_KEYFRAME && ask) rtp_incoming_stream_wish_keyframe(ask, now_us);
    return;
  }
  if (video && m->timestamp != r->last_frame && !f.filler) {
    r->last_frame = m->timestamp;
    r->forwarded_frames++;
  }
  size_t len = (size_t)f.header_len + f.payload_len;
  if (!downlink_offer(r->downlink, video ? r->video_slot : r->audio_slot, f.seq, (uint32_t)len, now_us)) return;
  memcpy(packet + f.header_len, f.payload, f.payload_len < LINK_CARRIED ? f.payload_len : LINK_CARRIED);
  seal_and_send(r, packet, len, f.transport_seq_offset);
}

/* ---- from the publisher ---- */

static struct rtp_incoming_stream *stream_of(struct sfu *s, uint32_t ssrc) {
  if (ssrc == SIM_AUDIO_SSRC) return s->audio;
  uint32_t index = (ssrc - SIM_VIDEO_SSRC) / 10;
  return ssrc >= SIM_VIDEO_SSRC && index < SIM_LAYERS ? s->video[index] : NULL;
}

void sfu_receive(struct sfu *s, uint8_t *data, size_t len) {
  int64_t now_us = s->clock->now_us;
  if (rtp_kind_of(data, len) == RTP_KIND_RTCP) {
    struct rtcp_iterator it;
    struct rtcp_packet packet;
    struct rtcp_report report;
    if (rtcp_begin(&it, data, len)) return;
    while (rtcp_next(&it, &packet)) {
      if (packet.type != RTCP_SR || rtcp_parse_report(&packet, &report)) continue;
      struct rtp_incoming_stream *stream = stream_of(s, report.ssrc);
      if (stream) rtp_incoming_stream_sender_report(stream, &report.sender, now_us);
    }
    return;
  }
  struct rtp_packet p;
  struct rtp_media_packet m;
  if (rtp_packet_parse(&p, data, len)) return;
  struct rtp_incoming_stream *stream = stream_of(s, p.ssrc);
  if (!stream || rtp_incoming_stream_receive(stream, &p, NULL, now_us, &m) != RTP_DROP_NONE) return;
  for (int i = 0; i < s->receiver_count; i++)
    forward(&s->receivers[i], &m, stream != s->audio);
}

/* ---- from a receiver ---- */

void sfu_receive_rtcp(struct sfu_receiver *r, const uint8_t *data, size_t len) {
  int64_t now_us = r->sfu->clock->now_us;
  struct rtcp_iterator it;
  struct rtcp_packet packet;
  if (rtcp_begin(&it, data, len)) return;
  while (rtcp_next(&it, &packet)) {
    struct rtcp_nack nack;
    struct rtcp_pli pli;
    struct rtcp_transport_feedback feedback;
    struct rtp_incoming_stream *source = NULL;
    if (packet.type == RTCP_RTPFB && packet.count == RTCP_RTPFB_TRANSPORT_CC) {
      if (rtcp_parse_transport_feedback(&packet, &feedback) == 0) downlink_feedback(r->downlink, &feedback, now_us);
    } else if (packet.type == RTCP_RTPFB && rtcp_parse_nack(&packet, &nack) == 0) {
      bool video = nack.media_ssrc == SIM_SLOT_VIDEO;
      size_t beyond = downlink_nack(r->downlink, video ? r->video_slot : r->audio_slot, nack.seqs, nack.count, now_us);
      if (beyond && video) source = rtp_outgoing_stream_receiver_wants_keyframe(r->video, now_us);
    } else if (packet.type == RTCP_PSFB && rtcp_parse_pli(&packet, &pli) == 0) {
      source = rtp_outgoing_stream_receiver_wants_keyframe(r->video, now_us);
    }
    if (source) rtp_incoming_stream_wish_keyframe(source, now_us);
  }
  downlink_service(r->downlink, now_us);
}

/* ---- allocation ---- */

static void apply(struct sfu_receiver *r, const struct allocation_slot *slot) {
  int64_t now_us = r->sfu->clock->now_us;
  bool down = slot->layer < r->layer;
  bool paused = slot->layer == LAYER_NONE;
  if (slot->layer != r->layer) r->layer_changes++;
  if (down) downlink_stepped_down(r->downlink, r->video_slot);
  rtp_outgoing_stream_pause(r->video, paused);
  video_buffer_pause(&r->browser->video, paused, now_us);
  if (!paused) {
    rtp_outgoing_stream_select(r->video, r->sfu->video[slot->layer]);
    rtp_outgoing_stream_set_temporal(r->video, slot->max_temporal);
    struct rtp_incoming_stream *ask = rtp_outgoing_stream_needs_keyframe(r->video);
    if (ask) rtp_incoming_stream_wish_keyframe(ask, now_us);
  }
  r->layer = slot->layer;
  r->temporal = slot->max_temporal;
}

/* An encoder that follows the estimate at once: what a direct call has, and what layers cannot do. */
static void drive_elastic(struct sfu_receiver *r) {
  struct allocation a = {0};
  downlink_fill_allocation(r->downlink, &a, r->sfu->clock->now_us);
  double left = (double)a.target_bps * (1 - a.loss) - AUDIO_WIRE - 10560;
  r->sfu->publisher->layers[0].bps = a.stalled || left < 20000 ? 20000 : left / 1.0782;
  a.next_bps = 2 * a.target_bps;
  a.most_bps = ELASTIC_MOST;
  downlink_want(r->downlink, &a, r->sfu->clock->now_us);
}

static void allocate(struct sfu_receiver *r) {
  struct sfu *s = r->sfu;
  int64_t now_us = s->clock->now_us;
  struct allocation_slot slot = {.importance = ALLOCATION_SPEAKER,
                                 .layer_count = SIM_LAYERS,
                                 .width = r->width,
                                 .height = r->height,
                                 .memory = &r->memory};
  if (!r->has_camera) slot.layer_count = 0;
  for (int i = 0; i < SIM_LAYERS; i++) {
    struct rtp_incoming_stats stats;
    rtp_incoming_stream_stats(s->video[i], now_us, &stats);
    slot.layers[i] = (struct layer_state){.live = rtp_incoming_stream_is_live(s->video[i], now_us),
                                          .width = stats.width,
                                          .height = stats.height,
                                          .bitrate_bps = stats.bitrate_bps,
                                          .temporal_count = stats.temporal_layers};
  }
  struct rtp_outgoing_stats audio;
  rtp_outgoing_stream_stats(r->audio, now_us, &audio);
  struct allocation a = {
      .audio_bps = audio.bitrate_bps + 50 * AUDIO_HEADER, .slots = &slot, .slot_count = 1, .memory = &r->all};
  downlink_fill_allocation(r->downlink, &a, now_us);
  bandwidth_allocator_run(&a, now_us);
  downlink_want(r->downlink, &a, now_us);
  apply(r, &slot);
  if (a.audio_only != r->audio_only)
    control_audio_only(&s->control, (int)(r - s->receivers), a.audio_only ? allocation_reason_name(a.reason) : NULL);
  r->audio_only = a.audio_only;
  r->reason = slot.reason;
  r->allocate_us = now_us + ALLOCATION_INTERVAL_US;
}

/* ---- time ---- */

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
  s->plis++;
  len = rtcp_write_pli(out, sizeof out, 1, rtp_incoming_stream_ssrc(stream));
  if (len > 0) s->to_publisher(s->arg, out, (size_t)len);
}

static void service(struct sfu_receiver *r) {
  int64_t now_us = r->sfu->clock->now_us;
  const struct bandwidth_estimator *e = downlink_estimator(r->downlink);
  rtp_outgoing_stream_set_rtt(r->video, e->least_rtt_us);
  rtp_outgoing_stream_set_rtt(r->audio, e->least_rtt_us);
  if (r->sfu->elastic)
    drive_elastic(r);
  else if (now_us >= r->allocate_us || downlink_changed(r->downlink, now_us))
    allocate(r);
  downlink_service(r->downlink, now_us);
}

/* As server/worker/layers.c does. */
static void tell_histories(struct sfu *s) {
  int64_t video_us = 1, audio_us = 1;
  for (int i = 0; i < s->receiver_count; i++) {
    const int64_t video = rtp_outgoing_stream_asks_us(s->receivers[i].video);
    const int64_t audio = rtp_outgoing_stream_asks_us(s->receivers[i].audio);
    video_us = video && video_us && video > video_us ? video : video ? video_us : 0;
    audio_us = audio && audio_us && audio > audio_us ? audio : audio ? audio_us : 0;
  }
  for (int i = 0; i < SIM_LAYERS; i++)
    rtp_incoming_stream_keep(s->video[i], video_us);
  rtp_incoming_stream_keep(s->audio, audio_us);
}

static void on_tick(void *arg, void *data) {
  struct sfu *s = arg;
  (void)data;
  tell_histories(s);
  for (int i = 0; i < SIM_LAYERS; i++) {
    rtp_incoming_stream_set_rtt(s->video[i], s->publisher_rtt_us);
    ask_publisher(s, s->video[i]);
  }
  if (!s->elastic) control_tick(&s->control);
  for (int i = 0; i < s->receiver_count; i++)
    service(&s->receivers[i]);
  sim_at(s->clock, s->clock->now_us + TICK_US, on_tick, s, NULL);
}

/* ---- life ---- */

void sfu_init(struct sfu *s, struct sim_clock *clock, struct publisher *publisher, bool elastic, uint64_t seed) {
  memset(s, 0, sizeof *s);
  s->clock = clock;
  s->publisher = publisher;
  s->elastic = elastic;
  s->publisher_rtt_us = 20000;
  for (int i = 0; i <= SIM_LAYERS; i++) {
    bool audio = i == SIM_LAYERS;
    uint32_t ssrc = audio ? SIM_AUDIO_SSRC : SIM_VIDEO_SSRC + 10U * (uint32_t)i;
    struct rtp_incoming_config c = {.ssrc = ssrc,
                                    .rtx_ssrc = ssrc + 1,
                                    .video = !audio,
                                    .nack = !audio,
                                    .layer = (uint8_t)(audio ? 0 : i),
                                    .source = s,
                                    .format_count = 1};
    c.formats[0] =
        audio
            ? (struct rtp_incoming_format){.payload_type = SIM_OPUS, .format = SIM_FORMAT_OPUS, .codec = RTP_CODEC_OPUS}
            : (struct rtp_incoming_format){.payload_type = SIM_VP8,
                                           .rtx_payload_type = SIM_VP8_RTX,
                                           .format = SIM_FORMAT_VP8,
                                           .codec = RTP_CODEC_VP8};
    if (rtp_incoming_stream_create(audio ? &s->audio : &s->video[i], &c)) abort();
  }
  if (!elastic) control_open(&s->control, s, seed);
  sim_at(clock, clock->now_us + TICK_US, on_tick, s, NULL);
}

void sfu_close(struct sfu *s) {
  if (!s->elastic) control_close(&s->control);
  for (int i = 0; i < s->receiver_count; i++) {
    downlink_free(s->receivers[i].downlink);
    rtp_outgoing_stream_free(s->receivers[i].video);
    rtp_outgoing_stream_free(s->receivers[i].audio);
  }
  for (int i = 0; i < SIM_LAYERS; i++)
    rtp_incoming_stream_free(s->video[i]);
  rtp_incoming_stream_free(s->audio);
}

static struct rtp_outgoing_stream *open_slot(bool video, bool red, struct sim_random *random) {
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
  if (red) {
    c.formats[SIM_FORMAT_RED].payload_type = SIM_RED;
    c.red_format = SIM_FORMAT_RED;
    c.red_inner = SIM_FORMAT_OPUS;
  }
  struct rtp_outgoing_stream *out;
  if (rtp_outgoing_stream_create(&out, &c)) abort();
  return out;
}

struct sfu_receiver *sfu_add_receiver(struct sfu *s, struct receiver *browser, struct sim_link *down, uint8_t flow,
                                      uint64_t seed, bool red) {
  struct sfu_receiver *r = &s->receivers[s->receiver_count++];
  struct sim_random random;
  sim_random_init(&random, seed, 300 + (uint64_t)s->receiver_count);
  *r = (struct sfu_receiver){.sfu = s, .browser = browser, .down = down, .flow = flow, .layer = LAYER_NONE};
  struct downlink_config c = {.overhead_bytes = IP_UDP_SRTP, .listener = {.arg = r, .send = on_downlink_send}};
  if (downlink_create(&r->downlink, &c)) abort();
  r->video = open_slot(true, false, &random);
  r->audio = open_slot(false, red, &random);
  r->video_slot = downlink_add_slot(r->downlink, r->video, r, true);
  r->audio_slot = downlink_add_slot(r->downlink, r->audio, r, false);
  if (!s->elastic) {
    control_join(&s->control);
    return r;
  }
  rtp_outgoing_stream_select(r->audio, s->audio);
  rtp_outgoing_stream_select(r->video, s->video[0]);
  return r;
}
