/* One SSRC of a publisher, the packet path: see rtp/incoming_stream.h. Queries and RTCP: rtp/incoming_reports.c. */
#include "rtp/incoming_stream.h"

#include <stdlib.h>
#include <string.h>

#include "rtp/incoming_internal.h"

#define VIDEO_HISTORY_PACKETS 1024
#define VIDEO_HISTORY_BYTES   (512U << 10)
#define VIDEO_HISTORY_US      2000000
#define AUDIO_HISTORY_PACKETS 128
#define AUDIO_HISTORY_BYTES   (32U << 10)
#define AUDIO_HISTORY_US      1000000

/* RFC 4588 §4: the original sequence number, two bytes in front of the payload. */
#define OSN_SIZE              2

/* How far ahead of the newest media packet an original may be that comes as RTX: the lost tail of a burst. */
#define RTX_MAX_AHEAD         100

static int index_formats(struct rtp_incoming_stream *s) {
  const struct rtp_incoming_config *c = &s->config;
  if (c->format_count == 0 || c->format_count > RTP_MAX_FORMATS) return RTP_ERROR_VALUE;
  for (size_t i = 0; i < c->format_count; i++) {
    const struct rtp_incoming_format *f = &c->formats[i];
    if (f->payload_type > 127 || f->rtx_payload_type > 127 || f->format >= RTP_MAX_FORMATS) return RTP_ERROR_VALUE;
    if (f->codec <= RTP_CODEC_NONE || f->codec >= RTP_CODEC_COUNT) return RTP_ERROR_VALUE;
    if (rtp_codec_is_video(f->codec) != c->video) return RTP_ERROR_VALUE;
    if (s->media_format[f->payload_type] || s->rtx_format[f->payload_type]) return RTP_ERROR_VALUE;
    s->media_format[f->payload_type] = (uint8_t)(i + 1);
    if (f->rtx_payload_type == 0) continue;
    if (s->media_format[f->rtx_payload_type] || s->rtx_format[f->rtx_payload_type]) return RTP_ERROR_VALUE;
    s->rtx_format[f->rtx_payload_type] = (uint8_t)(i + 1);
  }
  return RTP_OK;
}

int rtp_incoming_stream_create(struct rtp_incoming_stream **out, const struct rtp_incoming_config *config) {
  struct rtp_incoming_stream *s = calloc(1, sizeof *s);
  if (!s) return RTP_ERROR_NO_SPACE;
  s->config = *config;
  struct rtp_incoming_config *c = &s->config;
  if (c->history_packets == 0) c->history_packets = c->video ? VIDEO_HISTORY_PACKETS : AUDIO_HISTORY_PACKETS;
  if (c->history_bytes == 0) c->history_bytes = c->video ? VIDEO_HISTORY_BYTES : AUDIO_HISTORY_BYTES;
  if (c->history_us == 0) c->history_us = c->video ? VIDEO_HISTORY_US : AUDIO_HISTORY_US;
  int error = index_formats(s);
  if (!error && packet_history_create(&s->history, c->history_packets, c->history_bytes, c->history_us) < 0) {
    error = RTP_ERROR_NO_SPACE;
  }
  if (error) {
    free(s);
    return error;
  }
  s->clock_hz = rtp_codec_clock_hz(c->formats[0].codec);
  s->frame_step = c->video ? s->clock_hz / 30 : s->clock_hz / 50;
  s->last_packet_us = -1;
  rtp_receive_statistics_init(&s->statistics, s->clock_hz);
  nack_requester_init(&s->nack, 0);
  keyframe_requests_init(&s->keyframes);
  rtp_rate_window_init(&s->frame_rate);
  for (size_t i = 0; i < RTP_DD_MAX_SPATIAL; i++)
    rtp_rate_window_init(&s->spatial_rate[i]);
  *out = s;
  return RTP_OK;
}

void rtp_incoming_stream_free(struct rtp_incoming_stream *s) {
  if (!s) return;
  packet_history_free(s->history);
  free(s);
}

void rtp_incoming_stream_set_rtx_ssrc(struct rtp_incoming_stream *s, uint32_t rtx_ssrc) {
  s->config.rtx_ssrc = rtx_ssrc;
}

/* A packet counts for every size of picture that needs it. */
static void note_spatial(struct rtp_incoming_stream *s, const struct rtp_media_packet *m) {
  for (uint8_t layer = 0; layer < s->dependency.spatial_layers; layer++) {
    const int target = layer_filter_target(&s->dependency, layer, RTP_DD_MAX_TEMPORAL);
    if (target < 0 || s->dependency.target_spatial_id[target] != layer) continue;
    if ((m->marks.dti >> (2 * target) & 3) == RTP_DTI_NOT_PRESENT) continue;
    s->spatial_bytes[layer] += m->payload_len;
    rtp_rate_window_add(&s->spatial_rate[layer], m->payload_len, m->arrival_us);
  }
}

/* The descriptor tells the layers where the payload does not (AV1 without OBU extension, H.264, encrypted payloads). */
__attribute__((noinline)) static void read_dependency(struct rtp_incoming_stream *s, struct rtp_media_packet *m) {
  struct rtp_dependency_descriptor d;
  if (rtp_dependency_parse(&s->dependency, m->dependency_descriptor, m->dependency_descriptor_len, &d) < 0) return;
  struct rtp_codec_info *info = &m->info;
  m->marks = layer_filter_marks(&s->dependency, &d);
  if (m->marks.layered) note_spatial(s, m);
  if (!info->has_temporal || m->codec == RTP_CODEC_H264) {
    info->has_temporal = true;
    info->temporal_id = d.temporal_id;
    info->switch_up = false;
    for (uint8_t t = 0; t < d.target_count && t < RTP_DD_MAX_TARGETS; t++) {
      if (s->dependency.target_temporal_id[t] == d.temporal_id && d.dti[t] == RTP_DTI_SWITCH) info->switch_up = true;
    }
  }
  if (s->config.opaque) {
    info->keyframe = d.has_structure && d.frame_start && d.spatial_id == 0;
    info->frame_start = d.frame_start;
    info->has_spatial = s->dependency.spatial_layers > 1;
    info->spatial_id = d.spatial_id;
  }
  if (info->width == 0 && d.has_structure && s->dependency.has_resolutions && s->dependency.spatial_layers > 0) {
    uint8_t top = (uint8_t)(s->dependency.spatial_layers - 1);
    info->width = s->dependency.width[top];
    info->height = s->dependency.height[top];
  }
}

#define PASSED_ON                                                                                                \
  (1U << RTP_EXTENSION_AUDIO_LEVEL | 1U << RTP_EXTENSION_VIDEO_ORIENTATION | 1U << RTP_EXTENSION_PLAYOUT_DELAY | \
   1U << RTP_EXTENSION_ABS_CAPTURE_TIME | 1U << RTP_EXTENSION_DEPENDENCY_DESCRIPTOR)

__attribute__((noinline)) static void read_extensions(struct rtp_media_packet *m,
                                                      const struct rtp_extension_values *x) {
  if ((m->has_audio_level = RTP_EXTENSION_HAS(x, AUDIO_LEVEL))) m->audio_level = x->audio_level;
  if ((m->has_orientation = RTP_EXTENSION_HAS(x, VIDEO_ORIENTATION))) m->orientation = x->orientation;
  if ((m->has_playout_delay = RTP_EXTENSION_HAS(x, PLAYOUT_DELAY))) m->playout_delay = x->playout_delay;
  if ((m->has_capture_time = RTP_EXTENSION_HAS(x, ABS_CAPTURE_TIME))) m->capture_time = x->capture_time;
  if (RTP_EXTENSION_HAS(x, DEPENDENCY_DESCRIPTOR) && x->dependency_descriptor.len >= 3 &&
      x->dependency_descriptor.len <= RTP_MEDIA_MAX_DEPENDENCY) {
    m->dependency_descriptor = x->dependency_descriptor.data;
    m->dependency_descriptor_len = (uint8_t)x->dependency_descriptor.len;
  }
  m->plain = !m->has_audio_level && !m->has_orientation && !m->has_playout_delay && !m->has_capture_time &&
             !m->dependency_descriptor_len;
}

/* Reads the payload's descriptor; tells why there is nothing to forward. */
static enum rtp_drop_reason read_payload(struct rtp_incoming_stream *s, struct rtp_media_packet *m, size_t len,
                                         uint8_t format_index) {
  if (len == 0) return RTP_DROP_PADDING_ONLY;
  if (format_index == 0) return RTP_DROP_UNKNOWN_PAYLOAD_TYPE;
  if (len > RTP_MEDIA_MAX_PAYLOAD) return RTP_DROP_OVERSIZED;
  const struct rtp_incoming_format *f = &s->config.formats[format_index - 1];
  m->payload_len = (uint16_t)len;
  m->payload_type = f->payload_type;
  m->format = f->format;
  m->codec = (uint8_t)f->codec;
  if (s->config.opaque) {
    m->info.frame_end = m->marker;
  } else if (rtp_codec_parse(f->codec, m->payload, len, m->marker, &m->info) < 0) {
    return RTP_DROP_BAD_PAYLOAD;
  }
  return RTP_DROP_NONE;
}

static void note_timestamp(struct rtp_incoming_stream *s, uint32_t timestamp, bool newest, int64_t now_us) {
  s->last_packet_us = now_us;
  if (!newest || (s->has_frame && timestamp == s->frame_timestamp)) return;
  uint32_t step = timestamp - s->frame_timestamp;
  /* Shorter at once, longer only slowly: a pause is no frame rate. */
  if (s->has_frame && step > 0 && step < s->clock_hz) {
    s->frame_step = step < s->frame_step ? step : s->frame_step + (step - s->frame_step) / 8;
  }
  s->has_frame = true;
  s->frame_timestamp = timestamp;
  s->frames++;
  rtp_rate_window_add(&s->frame_rate, 1, now_us);
}

static void note_frame(struct rtp_incoming_stream *s, const struct rtp_media_packet *m, bool newest) {
  s->codec = m->codec;
  note_timestamp(s, m->timestamp, newest, m->arrival_us);
  if (m->info.has_temporal && m->info.temporal_id > s->temporal_top) s->temporal_top = m->info.temporal_id;
  if (!m->info.keyframe || !s->config.video) return;
  if (m->info.width && m->info.height) {
    s->width = m->info.width;
    s->height = m->info.height;
  }
  if (s->keyframes_seen && m->timestamp == s->keyframe_timestamp) return; /* SPS, then IDR: one key frame */
  s->keyframes_seen++;
  s->keyframe_timestamp = m->timestamp;
  s->temporal_top_before = s->temporal_top;
  s->temporal_top = 0;
  keyframe_requests_arrived(&s->keyframes, m->arrival_us);
}

/* See rtp_media_packet.alike. */
static uint64_t likeness(const struct rtp_media_packet *m) {
  const struct rtp_codec_info *info = &m->info;
  const uint32_t layers = (uint32_t)(info->has_temporal << 9 | info->has_tl0picidx << 8 | info->tl0picidx);
  const uint32_t picture = (uint32_t)(info->picture_id_bits << 16 | info->picture_id);
  return UINT64_C(1) << 63 | (uint64_t)layers << 40 | (uint64_t)(info->temporal_id & 7) << 32 |
         (uint32_t)m->format << 24 | picture;
}

/* A packet new to the stream, whatever way it came. */
static enum rtp_drop_reason accept(struct rtp_incoming_stream *s, struct rtp_media_packet *m, size_t len,
                                   uint8_t format_index, const struct rtp_extension_values *x, bool newest) {
  uint32_t behind = s->statistics.highest - m->seq;
  if ((int32_t)behind >= (int32_t)s->config.history_packets) return RTP_DROP_TOO_OLD;
  if (!newest && packet_history_find(s->history, m->seq, -1)) {
    s->duplicates++;
    return RTP_DROP_DUPLICATE;
  }
  enum rtp_drop_reason hole = read_payload(s, m, len, format_index);
  m->hole = (uint8_t)hole;
  m->padding_only = hole != RTP_DROP_NONE;
  if (x && x->present & PASSED_ON && !m->padding_only) { /* else it is plain, as it was initialised */
    read_extensions(m, x);
    if (m->dependency_descriptor) read_dependency(s, m);
  }
  if (s->config.nack) {
    enum nack_event event =
        nack_requester_packet(&s->nack, (uint16_t)m->seq, newest && m->info.keyframe && s->config.video, m->arrival_us);
    if (event == NACK_NEED_KEYFRAME) rtp_incoming_stream_wish_keyframe(s, m->arrival_us);
  }
  if (m->padding_only) {
    s->padding_only++;
    return RTP_DROP_NONE;
  }
  if (m->plain && s->config.video) m->alike = likeness(m);
  note_frame(s, m, newest);
  packet_history_put(s->history, m);
  return RTP_DROP_NONE;
}

static void init_media(struct rtp_incoming_stream *s, struct rtp_media_packet *m, const struct rtp_packet *p,
                       int64_t now_us) {
  memset(m, 0, sizeof *m);
  m->stream = s;
  m->payload = p->payload;
  m->arrival_us = now_us;
  m->timestamp = p->timestamp;
  m->payload_type = p->payload_type;
  m->marker = p->marker;
  m->plain = true;
}

/* RFC 4588 §4: the payload follows the original sequence number; the payload type is mapped back by the format. */
__attribute__((noinline)) static enum rtp_drop_reason receive_rtx(struct rtp_incoming_stream *s,
                                                                  const struct rtp_packet *p,
                                                                  const struct rtp_extension_values *x, int64_t now_us,
                                                                  struct rtp_media_packet *out) {
  if (p->payload_len <= OSN_SIZE) return RTP_DROP_RTX_EMPTY;
  uint8_t format_index = s->rtx_format[p->payload_type & 127];
  if (format_index == 0 || !s->statistics.started) return RTP_DROP_RTX_UNKNOWN;
  init_media(s, out, p, now_us);
  out->seq = rtp_receive_statistics_extend(&s->statistics, (uint16_t)(p->payload[0] << 8 | p->payload[1]));
  out->payload = p->payload + OSN_SIZE;
  out->retransmitted = true;
  if ((int32_t)(out->seq - s->statistics.highest) > RTX_MAX_AHEAD) return RTP_DROP_SEQUENCE_JUMP;
  s->retransmitted++;
  return accept(s, out, p->payload_len - OSN_SIZE, format_index, x, false);
}

bool rtp_incoming_stream_note_unopened(struct rtp_incoming_stream *s, const struct rtp_packet *p, int64_t now_us) {
  const int16_t step = (int16_t)(uint16_t)(p->seq - (uint16_t)s->statistics.highest);
  if (!s->statistics.started || step > RTP_MAX_MISORDER || step < -RTP_MAX_MISORDER) return false;
  uint32_t extended;
  const enum rtp_sequence_verdict verdict =
      rtp_receive_statistics_packet(&s->statistics, p->seq, p->timestamp, (uint32_t)p->len, now_us, &extended);
  if (verdict == RTP_SEQUENCE_BAD) return false;
  if (s->nack.started) nack_requester_restart(&s->nack);
  note_timestamp(s, p->timestamp, verdict == RTP_SEQUENCE_IN_ORDER, now_us);
  s->unopened++;
  return true;
}

__attribute__((cold, noinline)) static void restart(struct rtp_incoming_stream *s, int64_t now_us) {
  packet_history_clear(s->history);
  nack_requester_restart(&s->nack);
  s->has_frame = false;
  rtp_incoming_stream_wish_keyframe(s, now_us);
}

enum rtp_drop_reason rtp_incoming_stream_receive(struct rtp_incoming_stream *s, const struct rtp_packet *p,
                                                 const struct rtp_extension_values *x, int64_t now_us,
                                                 struct rtp_media_packet *out) {
  if (s->config.rtx_ssrc && p->ssrc == s->config.rtx_ssrc) return receive_rtx(s, p, x, now_us, out);
  init_media(s, out, p, now_us);
  enum rtp_sequence_verdict verdict =
      rtp_receive_statistics_packet(&s->statistics, p->seq, p->timestamp, (uint32_t)p->len, now_us, &out->seq);
  if (verdict == RTP_SEQUENCE_BAD) return RTP_DROP_SEQUENCE_JUMP;
  if (verdict == RTP_SEQUENCE_RESTARTED) restart(s, now_us);
  return accept(s, out, p->payload_len, s->media_format[p->payload_type & 127], x, verdict != RTP_SEQUENCE_LATE);
}
