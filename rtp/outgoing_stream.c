/* Life, selection and RTCP of an outgoing slot: see rtp/outgoing_stream.h. */
#include "rtp/outgoing_stream.h"

#include <stdlib.h>
#include <string.h>

#include "rtp/outgoing_internal.h"

int rtp_outgoing_stream_create(struct rtp_outgoing_stream **out, const struct rtp_outgoing_config *c) {
  if (c->mid && strlen(c->mid) > RTP_OUTGOING_MID_MAX) return RTP_ERROR_VALUE;
  for (size_t i = 0; i < RTP_MAX_FORMATS; i++) {
    if (c->formats[i].payload_type > 127 || c->formats[i].rtx_payload_type > 127) return RTP_ERROR_VALUE;
  }
  if (c->red_format >= RTP_MAX_FORMATS || c->red_inner >= RTP_MAX_FORMATS) return RTP_ERROR_VALUE;
  size_t window = c->video ? VIDEO_WINDOW : AUDIO_WINDOW;
  size_t red = !c->video && c->red_format != c->red_inner && c->formats[c->red_format].payload_type &&
                       c->formats[c->red_inner].payload_type
                   ? RTP_MEDIA_MAX_PAYLOAD
                   : 0;
  struct rtp_outgoing_stream *s = calloc(1, sizeof *s + window * sizeof(struct window_place) + red);
  if (!s) return RTP_ERROR_NO_SPACE;
  s->window_most = (uint32_t)window - 1;
  s->window_mask = (c->video ? VIDEO_WINDOW_FIRST : AUDIO_WINDOW_FIRST) - 1;
  s->lap_began_us = INT64_MIN / 2;
  s->red_format = c->red_format;
  s->red_inner = c->red_inner;
  if (red) s->red_payload = (uint8_t *)(s->window + window);
  s->alike = LIKE_NOTHING;
  s->video = c->video;
  s->ssrc = c->ssrc;
  s->rtx_ssrc = c->rtx_ssrc;
  s->highest_out = 65536U + c->first_seq - 1;
  s->last_timestamp = c->first_timestamp;
  s->rtx_seq = c->first_rtx_seq;
  s->repair_from = c->first_seq;
  s->temporal_max = RTP_TEMPORAL_ALL;
  s->temporal_now = RTP_TEMPORAL_ALL;
  for (size_t i = 0; i < RTP_MAX_FORMATS; i++) {
    s->formats[i].payload_type = c->formats[i].payload_type;
    s->formats[i].rtx_payload_type = c->formats[i].rtx_payload_type;
  }
  rtp_rate_window_init(&s->rate);
  keyframe_limiter_init(&s->limiter);
  layer_filter_init(&s->layers);
  outgoing_header_prepare(s, c);
  *out = s;
  return RTP_OK;
}

void rtp_outgoing_stream_free(struct rtp_outgoing_stream *s) {
  free(s);
}

__attribute__((cold, noinline)) void outgoing_grow_window(struct rtp_outgoing_stream *s) {
  const uint32_t count = s->window_mask + 1;
  for (uint32_t i = 0; i < count; i++) {
    struct sent *old = &s->window[i].sent, *new = &s->window[i + count].sent;
    *new = (struct sent){0};
    s->window[i + count].map = MAP_CLOSED << 16; /* numbers that were forgotten stay so */
    if (!(old->seq & count)) continue;
    *new = *old;
    old->used = false;
  }
  for (uint32_t i = 0; i < count; i++) {
    const uint32_t source_seq = s->highest_source - i;
    if (!(source_seq & count)) continue;
    struct window_place *old = &s->window[source_seq & s->window_mask];
    old[count].map = old->map;
    old->map = MAP_CLOSED << 16;
  }
  s->window_mask = s->window_mask * 2 + 1;
}

/* ---- what flows ---- */

void rtp_outgoing_stream_select(struct rtp_outgoing_stream *s, struct rtp_incoming_stream *stream) {
  s->target = stream;
  if (!stream) s->current = NULL;
}

void rtp_outgoing_stream_set_temporal(struct rtp_outgoing_stream *s, uint8_t max_temporal) {
  s->temporal_max = max_temporal < RTP_TEMPORAL_ALL ? max_temporal : RTP_TEMPORAL_ALL;
}

void rtp_outgoing_stream_set_spatial(struct rtp_outgoing_stream *s, uint8_t max_spatial) {
  s->layers.spatial_max = max_spatial < RTP_DD_MAX_SPATIAL ? max_spatial : RTP_DD_MAX_SPATIAL - 1;
}

int rtp_outgoing_stream_spatial(const struct rtp_outgoing_stream *s) {
  if (!s->current || !layer_filter_fits(rtp_incoming_stream_structure(s->current)) || s->layers.target < 0) return -1;
  return rtp_incoming_stream_structure(s->current)->target_spatial_id[s->layers.target];
}

#define PLAYOUT_MAX_MS 10000 /* what libwebrtc allows without the extension */

void rtp_outgoing_stream_set_playout_delay(struct rtp_outgoing_stream *s, uint16_t min_ms) {
  if (min_ms == s->playout_min_ms) return;
  s->playout_min_ms = min_ms;
  outgoing_header_playout(s, (struct rtp_playout_delay){.min_ms = min_ms, .max_ms = PLAYOUT_MAX_MS});
}

void rtp_outgoing_stream_pause(struct rtp_outgoing_stream *s, bool paused) {
  s->paused = paused;
  if (!paused) return;
  s->interrupted |= s->current != NULL;
  s->current = NULL;
}

void rtp_outgoing_stream_forget(struct rtp_outgoing_stream *s, const struct rtp_incoming_stream *stream) {
  if (s->current == stream) s->current = NULL;
  if (s->target == stream) s->target = NULL;
  for (size_t i = 0; i < EPOCHS; i++) {
    if (s->epochs[i].stream == stream) s->epochs[i].stream = NULL;
  }
}

struct rtp_incoming_stream *rtp_outgoing_stream_current(const struct rtp_outgoing_stream *s) {
  return s->current;
}

struct rtp_incoming_stream *rtp_outgoing_stream_wanted(const struct rtp_outgoing_stream *s) {
  return s->target;
}

bool rtp_outgoing_stream_uses(const struct rtp_outgoing_stream *s, const struct rtp_incoming_stream *stream) {
  return !s->paused && (s->current == stream || s->target == stream);
}

int rtp_outgoing_stream_wanted_layer(const struct rtp_outgoing_stream *s) {
  if (!s->target) return -1;
  size_t spatial = rtp_incoming_stream_structure(s->target)->spatial_layers;
  if (!layer_filter_fits(rtp_incoming_stream_structure(s->target))) return rtp_incoming_stream_layer(s->target);
  return s->layers.spatial_max < spatial ? s->layers.spatial_max : (int)spatial - 1;
}

struct rtp_incoming_stream *rtp_outgoing_stream_needs_keyframe(const struct rtp_outgoing_stream *s) {
  if (!s->video || s->paused) return NULL;
  if (s->target != s->current) return s->target;
  if (s->layers.stuck && s->current && layer_filter_fits(rtp_incoming_stream_structure(s->current))) return s->current;
  return s->shut_out == OUTGOING_SHUT_OUT_FRAMES && s->temporal_now < s->temporal_max ? s->current : NULL;
}

struct rtp_incoming_stream *rtp_outgoing_stream_receiver_wants_keyframe(struct rtp_outgoing_stream *s, int64_t now_us) {
  if (!s->video || s->paused) return NULL;
  struct rtp_incoming_stream *stream = s->current ? s->current : s->target;
  return stream && keyframe_limiter_allow(&s->limiter, now_us) ? stream : NULL;
}

void rtp_outgoing_stream_set_lossy(struct rtp_outgoing_stream *s, bool lossy) {
  s->limiter.lossy = lossy;
}

/* ---- RTCP ---- */

bool rtp_outgoing_stream_sender_report(struct rtp_outgoing_stream *s, const struct sender_clock *clock, int64_t now_us,
                                       struct rtcp_sender_info *out) {
  uint64_t ntp;
  uint32_t timestamp;
  /* A browser's timestamps of sound do not go on evenly through a pause: a report from before it is wrong by some of it. */
  if (!s->current || !rtp_incoming_stream_sr_since(s->current, s->reports_from_us)) return false;
  if (!rtp_incoming_stream_sr_at(s->current, now_us, &ntp, &timestamp)) return false;
  ntp = sender_clock_ours(clock, ntp);
  *out = (struct rtcp_sender_info){.ntp = ntp,
                                   .rtp_timestamp = timestamp - outgoing_epoch(s)->timestamp_offset,
                                   .packets = (uint32_t)s->packets,
                                   .octets = (uint32_t)s->bytes};
  s->reports[s->report_next].ntp_middle = rtcp_ntp_middle(ntp);
  s->reports[s->report_next].sent_us = now_us;
  s->report_next = (uint8_t)((s->report_next + 1) % (sizeof s->reports / sizeof s->reports[0]));
  return true;
}

void rtp_outgoing_stream_set_rtt(struct rtp_outgoing_stream *s, int64_t rtt_us) {
  if (rtt_us > 0) s->rtt_us = rtt_us;
}

int64_t rtp_outgoing_stream_asks_us(const struct rtp_outgoing_stream *s) {
  return s->rtt_us ? 3 * (s->rtt_us + s->jitter_us) : 0;
}

/* RFC 3550 §6.4.1: round trip = arrival of the report - LSR - DLSR. LSR is in the source's clock, so it is looked up among the
 * reports we sent. A report we do not know (or a lie) changes nothing. */
static void measure_round_trip(struct rtp_outgoing_stream *s, const struct rtcp_report_block *b, int64_t now_us) {
  if (b->last_sr == 0) return;
  for (size_t i = 0; i < sizeof s->reports / sizeof s->reports[0]; i++) {
    if (s->reports[i].ntp_middle != b->last_sr || s->reports[i].sent_us == 0) continue;
    int64_t rtt = now_us - s->reports[i].sent_us - (int64_t)(((uint64_t)b->delay_since_sr * 1000000) >> 16);
    if (rtt < 0) return;
    if (rtt == 0) rtt = 1;
    s->rtt_us = s->rtt_us ? (7 * s->rtt_us + rtt) / 8 : rtt;
    return;
  }
}

void rtp_outgoing_stream_receiver_report(struct rtp_outgoing_stream *s, const struct rtcp_report_block *b,
                                         int64_t now_us) {
  s->fraction_lost = b->fraction_lost;
  s->lost = b->cumulative_lost;
  if (s->clock_hz) s->jitter_us = (int64_t)b->jitter * 1000000 / s->clock_hz;
  measure_round_trip(s, b, now_us);
}

uint32_t rtp_outgoing_stream_ssrc(const struct rtp_outgoing_stream *s) {
  return s->ssrc;
}

uint32_t rtp_outgoing_stream_rtx_ssrc(const struct rtp_outgoing_stream *s) {
  return s->rtx_ssrc;
}

void rtp_outgoing_stream_stats(const struct rtp_outgoing_stream *s, int64_t now_us, struct rtp_outgoing_stats *out) {
  *out = (struct rtp_outgoing_stats){.packets = s->packets,
                                     .bytes = s->bytes,
                                     .rtx_packets = s->rtx_packets,
                                     .rtx_bytes = s->rtx_bytes,
                                     .fillers = s->fillers,
                                     .switches = s->switches,
                                     .red_packets = s->red_packets,
                                     .red_blocks = s->red_blocks,
                                     .bitrate_bps = rtp_rate_window_bps(&s->rate, now_us),
                                     .rtt_us = s->rtt_us,
                                     .jitter_us = s->jitter_us,
                                     .lost = s->lost,
                                     .fraction_lost = s->fraction_lost,
                                     .temporal = s->temporal_now};
}
