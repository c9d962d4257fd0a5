/* RTCP and queries of an incoming stream: see rtp/incoming_stream.h. */
#include "rtp/incoming_internal.h"

#define VIDEO_LIVE_US 1500000
#define AUDIO_LIVE_US 5000000

void rtp_incoming_stream_sender_report(struct rtp_incoming_stream *s, const struct rtcp_sender_info *info,
                                       int64_t now_us) {
  rtp_receive_statistics_sender_report(&s->statistics, info->ntp, info->rtp_timestamp, now_us);
}

bool rtp_incoming_stream_report_block(struct rtp_incoming_stream *s, int64_t now_us, struct rtcp_report_block *out) {
  return rtp_receive_statistics_report(&s->statistics, s->config.ssrc, now_us, out);
}

void rtp_incoming_stream_set_rtt(struct rtp_incoming_stream *s, int64_t rtt_us) {
  nack_requester_set_rtt(&s->nack, rtt_us);
  keyframe_requests_set_rtt(&s->keyframes, rtt_us);
}

size_t rtp_incoming_stream_nack(struct rtp_incoming_stream *s, uint16_t *seqs, size_t max, int64_t now_us) {
  return nack_requester_due(&s->nack, seqs, max, now_us);
}

void rtp_incoming_stream_wish_keyframe(struct rtp_incoming_stream *s, int64_t now_us) {
  if (s->config.video) keyframe_requests_wish(&s->keyframes, now_us);
}

void rtp_incoming_stream_cancel_keyframe(struct rtp_incoming_stream *s) {
  keyframe_requests_cancel(&s->keyframes);
}

bool rtp_incoming_stream_keyframe_due(struct rtp_incoming_stream *s, int64_t now_us) {
  return keyframe_requests_due(&s->keyframes, now_us);
}

int64_t rtp_incoming_stream_deadline(const struct rtp_incoming_stream *s) {
  int64_t nack = nack_requester_deadline(&s->nack);
  int64_t keyframe = keyframe_requests_deadline(&s->keyframes);
  return nack < keyframe ? nack : keyframe;
}

uint32_t rtp_incoming_stream_ssrc(const struct rtp_incoming_stream *s) {
  return s->config.ssrc;
}

uint32_t rtp_incoming_stream_rtx_ssrc(const struct rtp_incoming_stream *s) {
  return s->config.rtx_ssrc;
}

uint8_t rtp_incoming_stream_layer(const struct rtp_incoming_stream *s) {
  return s->config.layer;
}

const void *rtp_incoming_stream_source(const struct rtp_incoming_stream *s) {
  return s->config.source;
}

bool rtp_incoming_stream_is_video(const struct rtp_incoming_stream *s) {
  return s->config.video;
}

const struct rtp_media_packet *rtp_incoming_stream_find(const struct rtp_incoming_stream *s, uint32_t seq,
                                                        int64_t now_us) {
  return packet_history_find(s->history, seq, now_us);
}

void rtp_incoming_stream_keep(struct rtp_incoming_stream *s, int64_t us) {
  packet_history_keep(s->history, us > 0 ? us : PACKET_HISTORY_KEEP_US);
}

void rtp_incoming_stream_expect(struct rtp_incoming_stream *s, int64_t age_us) {
  packet_history_expect(s->history, age_us);
}

uint32_t rtp_incoming_stream_highest(const struct rtp_incoming_stream *s) {
  return s->statistics.highest;
}

bool rtp_incoming_stream_ntp_of(const struct rtp_incoming_stream *s, uint32_t timestamp, uint64_t *ntp) {
  if (!s->statistics.has_sr) return false;
  int64_t units = (int32_t)(timestamp - s->statistics.sr_rtp);
  *ntp = s->statistics.sr_ntp + (uint64_t)(units * ((int64_t)1 << 32) / (int64_t)s->clock_hz);
  return true;
}

bool rtp_incoming_stream_timestamp_of(const struct rtp_incoming_stream *s, uint64_t ntp, uint32_t *timestamp) {
  if (!s->statistics.has_sr) return false;
  uint64_t delta = ntp - s->statistics.sr_ntp; /* two's complement: whole seconds wrap as they should in 32 bits */
  uint32_t whole = (uint32_t)(delta >> 32) * s->clock_hz;
  uint64_t fraction = (delta & UINT32_MAX) * s->clock_hz;
  *timestamp = s->statistics.sr_rtp + whole + (uint32_t)((fraction + (1ULL << 31)) >> 32);
  return true;
}

bool rtp_incoming_stream_sr_since(const struct rtp_incoming_stream *s, int64_t since_us) {
  return s->statistics.has_sr && s->statistics.sr_arrival_us >= since_us;
}

bool rtp_incoming_stream_settling(const struct rtp_incoming_stream *s) {
  return rtp_receive_statistics_settling(&s->statistics);
}

bool rtp_incoming_stream_sr_at(const struct rtp_incoming_stream *s, int64_t now_us, uint64_t *ntp,
                               uint32_t *timestamp) {
  if (!s->statistics.has_sr) return false;
  int64_t since = now_us - s->statistics.sr_arrival_us;
  if (since < 0) since = 0;
  *ntp = s->statistics.sr_ntp + rtcp_ntp_from_us(since);
  return rtp_incoming_stream_timestamp_of(s, *ntp, timestamp);
}

uint32_t rtp_incoming_stream_clock_hz(const struct rtp_incoming_stream *s) {
  return s->clock_hz;
}

uint32_t rtp_incoming_stream_frame_step(const struct rtp_incoming_stream *s) {
  return s->frame_step;
}

void rtp_incoming_stream_stats(const struct rtp_incoming_stream *s, int64_t now_us, struct rtp_incoming_stats *out) {
  uint8_t top = s->temporal_top > s->temporal_top_before ? s->temporal_top : s->temporal_top_before;
  *out = (struct rtp_incoming_stats){
      .packets = s->statistics.packets,
      .bytes = s->statistics.bytes,
      .retransmitted = s->retransmitted,
      .duplicates = s->duplicates,
      .padding_only = s->padding_only,
      .unopened = s->unopened,
      .keyframes = s->keyframes_seen,
      .frames = s->frames,
      .nacks_sent = s->nack.requested,
      .nacks_recovered = s->nack.recovered,
      .keyframes_asked = s->keyframes.sent,
      .bitrate_bps = rtp_rate_window_bps(&s->statistics.rate, now_us),
      .last_packet_us = s->last_packet_us,
      .jitter_us = rtp_receive_statistics_jitter_us(&s->statistics),
      .lost = rtp_receive_statistics_lost(&s->statistics),
      .fraction_lost = s->statistics.fraction_lost,
      .width = s->width,
      .height = s->height,
      .temporal_layers = (uint8_t)(top + 1),
      .fps = (uint8_t)((rtp_rate_window_bps(&s->frame_rate, now_us) + 4) / 8),
      .codec = s->codec,
  };
}

size_t rtp_incoming_stream_spatial(const struct rtp_incoming_stream *s, int64_t now_us,
                                   struct rtp_spatial_layer out[RTP_DD_MAX_SPATIAL]) {
  const struct rtp_dependency_structure *d = &s->dependency;
  if (!layer_filter_fits(d)) return 0;
  for (uint8_t i = 0; i < d->spatial_layers; i++) {
    const int target = layer_filter_target(d, i, RTP_DD_MAX_TEMPORAL);
    out[i] = (struct rtp_spatial_layer){.sent = target >= 0 && d->target_spatial_id[target] == i,
                                        .width = d->has_resolutions ? d->width[i] : 0,
                                        .height = d->has_resolutions ? d->height[i] : 0,
                                        .bitrate_bps = rtp_rate_window_bps(&s->spatial_rate[i], now_us),
                                        .bytes = s->spatial_bytes[i]};
  }
  return d->spatial_layers;
}

const struct rtp_dependency_structure *rtp_incoming_stream_structure(const struct rtp_incoming_stream *s) {
  return &s->dependency;
}

bool rtp_incoming_stream_is_live(const struct rtp_incoming_stream *s, int64_t now_us) {
  return s->last_packet_us >= 0 && now_us - s->last_packet_us <= (s->config.video ? VIDEO_LIVE_US : AUDIO_LIVE_US);
}

void rtp_incoming_stream_rest(struct rtp_incoming_stream *s) {
  packet_history_rest(&s->history);
}
