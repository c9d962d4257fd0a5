/* The hot path of an outgoing slot: see rtp/outgoing_stream.h.
 *
 * A source's sequence numbers are mapped by an offset that grows with each packet left out. Because packets come late, the
 * mapping of every number of the window is kept: numbers skipped by the source's losses are reserved with the offset of their
 * time. A switch begins an epoch, in which everything counts from the packet that began it.
 */
#include "rtp/outgoing_internal.h"

/* Timestamps computed from the publisher's NTP clock are believed when they lie this close to what the arrival says. */
#define NTP_TRUST_SECONDS      2
/* Timestamps of sound lag behind when a browser begins to send again (Chromium: a third of a second): they are put right, unless
 * they are as near as this part of a second. */
#define SOUND_TRUST_PER_SECOND 25

/* RFC 3550 §5.1: "the last octet of the padding contains a count of how many padding octets should be ignored" */
static const uint8_t padding_payload[1] = {1};

#define CACHE_LINE 64

/* ---- switching ---- */

/* Where the packet's timestamp belongs in ours, if publisher clocks or arrival times had their way. */
static uint32_t ideal_timestamp(const struct rtp_outgoing_stream *s, const struct rtp_media_packet *m,
                                uint32_t clock_hz) {
  const struct epoch *old = &s->epochs[s->epoch_number % EPOCHS];
  int64_t elapsed_us = m->arrival_us - s->last_arrival_us;
  if (elapsed_us < 0) elapsed_us = 0;
  uint32_t by_arrival = s->last_timestamp + (uint32_t)((uint64_t)elapsed_us * clock_hz / 1000000);
  if (!old->stream || clock_hz != s->clock_hz) return by_arrival;
  uint32_t in_old; /* the packet's instant on the old stream's timestamp line */
  if (old->stream == m->stream) {
    in_old = m->timestamp;
  } else {
    uint64_t ntp;
    const void *source = rtp_incoming_stream_source(m->stream);
    if (!source || source != rtp_incoming_stream_source(old->stream)) return by_arrival; /* another clock */
    if (!rtp_incoming_stream_ntp_of(m->stream, m->timestamp, &ntp)) return by_arrival;
    if (!rtp_incoming_stream_timestamp_of(old->stream, ntp, &in_old)) return by_arrival;
  }
  uint32_t by_clock = in_old - old->timestamp_offset - old->drift;
  int32_t difference = (int32_t)(by_clock - by_arrival);
  int32_t trust = (int32_t)(!s->video && old->stream == m->stream ? clock_hz / SOUND_TRUST_PER_SECOND
                                                                  : NTP_TRUST_SECONDS * clock_hz);
  return difference < trust && difference > -trust ? by_clock : by_arrival;
}

/* Begins an epoch with `m` as its first packet. */
static void begin_epoch(struct rtp_outgoing_stream *s, const struct rtp_media_packet *m) {
  uint32_t clock_hz = rtp_incoming_stream_clock_hz(m->stream);
  uint32_t timestamp = s->last_timestamp, drift = 0;
  if (s->started) {
    uint32_t earliest = s->last_timestamp + rtp_incoming_stream_frame_step(m->stream);
    timestamp = ideal_timestamp(s, m, clock_hz);
    if ((int32_t)(timestamp - earliest) < 0) {
      drift = earliest - timestamp;
      timestamp = earliest;
    }
  }
  if (s->interrupted) {
    s->repair_from = (uint16_t)(s->highest_out + 1);
    s->reports_from_us = m->arrival_us;
  }
  s->interrupted = false;
  s->epoch_number++;
  struct epoch *e = outgoing_epoch(s);
  uint16_t frame_number = 0;
  if (m->dependency_descriptor_len >= 3) {
    frame_number = (uint16_t)(m->dependency_descriptor[1] << 8 | m->dependency_descriptor[2]);
  }
  *e = (struct epoch){.stream = m->stream,
                      .timestamp_offset = m->timestamp - timestamp,
                      .drift = drift,
                      .frame_number_offset = (uint16_t)(frame_number - s->last_frame_number - 1),
                      .tl0_offset = (uint8_t)(m->info.tl0picidx - s->last_tl0 - 1)};
  s->current = m->stream;
  s->target = m->stream;
  s->clock_hz = clock_hz;
  s->first_source = m->seq;
  s->highest_source = m->seq - 1;
  s->seq_offset = m->seq - (s->highest_out + 1);
  s->temporal_now = s->temporal_max;
  s->shut_out = 0;
  s->frame_timestamp = m->timestamp - 1;
  s->switches += s->started;
  s->started = true;
  s->carried_count = 0;
  picture_map_begin(&s->pictures);
  layer_filter_begin(&s->layers);
}

/* A packet of a stream that does not flow: may it begin to? */
__attribute__((cold, noinline)) static enum rtp_drop_reason try_switch(struct rtp_outgoing_stream *s,
                                                                       const struct rtp_media_packet *m) {
  if (m->stream != s->target) return RTP_DROP_NOT_SELECTED;
  if (s->paused) return RTP_DROP_PAUSED;
  if (m->padding_only) return (enum rtp_drop_reason)m->hole;
  if (s->video && !m->info.keyframe) return RTP_DROP_WAITING_KEYFRAME;
  /* A receiver that gets the late head of a burst holds back all sound for ten seconds, in case there are more. */
  if (!s->video && rtp_incoming_stream_settling(m->stream)) return RTP_DROP_SETTLING;
  if (s->formats[m->format].payload_type == 0) return RTP_DROP_NO_PAYLOAD_TYPE;
  begin_epoch(s, m);
  return RTP_DROP_NONE;
}

/* ---- layer filter ---- */

/* A new frame: the temporal limit moves here and only here, so that no frame is cut in two. */
static void move_temporal(struct rtp_outgoing_stream *s, const struct rtp_codec_info *info) {
  if (s->temporal_now > s->temporal_max || info->keyframe) {
    s->temporal_now = s->temporal_max;
  } else if (info->temporal_id == s->temporal_now + 1 && info->temporal_id <= s->temporal_max && info->switch_up) {
    s->temporal_now = info->temporal_id; /* RFC 7741 §4.2 Y: depends on the base layer only */
  } else if (info->temporal_id > s->temporal_now && info->temporal_id <= s->temporal_max) {
    if (s->shut_out < OUTGOING_SHUT_OUT_FRAMES) s->shut_out++;
    return;
  } else {
    return;
  }
  s->shut_out = 0;
}

static bool above_limit(const struct rtp_outgoing_stream *s, const struct rtp_codec_info *info) {
  return info->has_temporal && info->temporal_id > s->temporal_now;
}

static bool wants_layer(struct rtp_outgoing_stream *s, const struct rtp_media_packet *m, bool newest) {
  return layer_filter_wants(&s->layers, rtp_incoming_stream_structure(m->stream), &m->marks, m->timestamp,
                            s->temporal_max, m->info.keyframe, newest);
}

/* Whether a packet is wanted, and its picture id here. `newest`: not a late one. */
static enum rtp_drop_reason judge(struct rtp_outgoing_stream *s, const struct rtp_media_packet *m, bool newest,
                                  uint16_t *picture_id) {
  if (m->padding_only) return (enum rtp_drop_reason)m->hole;
  if (s->formats[m->format].payload_type == 0) return RTP_DROP_NO_PAYLOAD_TYPE;
  if (!s->video) return RTP_DROP_NONE;
  if (newest && m->timestamp != s->frame_timestamp) {
    s->frame_timestamp = m->timestamp;
    move_temporal(s, &m->info);
  }
  bool unwanted = m->marks.layered ? !wants_layer(s, m, newest) : above_limit(s, &m->info);
  if (m->info.picture_id_bits == 0) return unwanted ? RTP_DROP_TEMPORAL_LAYER : RTP_DROP_NONE;
  /* VP9 counts references in picture ids (P_DIFF, the scalability structure), so its gaps must stay. */
  bool close = m->codec == RTP_CODEC_VP8;
  bool placed = picture_map_place(&s->pictures, m->info.picture_id, m->info.picture_id_bits,
                                  unwanted && close && newest, picture_id);
  /* Late and unwanted, but its picture has a number of ours: it goes, or the receiver would miss that picture for ever. */
  if (close) return placed ? RTP_DROP_NONE : RTP_DROP_TEMPORAL_LAYER;
  return unwanted ? RTP_DROP_TEMPORAL_LAYER : RTP_DROP_NONE;
}

/* ---- sequence map ---- */

static void map_set(struct rtp_outgoing_stream *s, uint32_t source_seq, uint32_t state, uint32_t ours) {
  s->window[source_seq & s->window_mask].map = state << 16 | (ours & 0xffffU);
}

/* A packet older than the newest: its number of ours, if one is reserved for it. */
__attribute__((cold, noinline)) static enum rtp_drop_reason find_reserved(const struct rtp_outgoing_stream *s,
                                                                          uint32_t source_seq, uint32_t *ours) {
  if ((int32_t)(source_seq - s->first_source) < 0) return RTP_DROP_BEFORE_SWITCH;
  if (s->highest_source - source_seq > s->window_mask) return RTP_DROP_TOO_OLD;
  uint32_t word = s->window[source_seq & s->window_mask].map;
  if (word >> 16 != MAP_MISSING) return RTP_DROP_DUPLICATE;
  *ours = word & 0xffffU;
  return RTP_DROP_NONE;
}

/* Gives the packet its number. Left out (reason) when newest and unwanted; late and unwanted ones become fillers. */
static enum rtp_drop_reason place(struct rtp_outgoing_stream *s, const struct rtp_media_packet *m, uint32_t *ours,
                                  uint16_t *picture_id, bool *filler) {
  int32_t ahead = (int32_t)(m->seq - s->highest_source);
  if (ahead <= 0) {
    enum rtp_drop_reason reason = find_reserved(s, m->seq, ours);
    if (reason != RTP_DROP_NONE) return reason;
    *filler = judge(s, m, false, picture_id) != RTP_DROP_NONE;
    map_set(s, m->seq, MAP_SENT, *ours);
    return RTP_DROP_NONE;
  }
  while ((uint32_t)ahead > s->window_mask && s->window_mask < s->window_most)
    outgoing_grow_window(s);
  for (uint32_t skipped = s->highest_source + 1; skipped != m->seq; skipped++) {
    map_set(s, skipped, MAP_MISSING, skipped - s->seq_offset);
  }
  s->highest_source = m->seq;
  enum rtp_drop_reason reason = judge(s, m, true, picture_id);
  *ours = m->seq - s->seq_offset;
  if (reason != RTP_DROP_NONE) {
    map_set(s, m->seq, MAP_CLOSED, 0);
    s->seq_offset++;
    s->highest_out = m->seq - s->seq_offset;
    return reason;
  }
  map_set(s, m->seq, MAP_SENT, *ours);
  s->highest_out = *ours;
  return RTP_DROP_NONE;
}

__attribute__((cold, noinline)) static void begin_lap(struct rtp_outgoing_stream *s, int64_t now_us) {
  if (now_us - s->lap_began_us < OUTGOING_WINDOW_US && s->window_mask < s->window_most) outgoing_grow_window(s);
  s->lap_began_us = now_us;
}

/* ---- writing ---- */

/* Field by field: a compound literal costs a zeroed copy on the stack, twenty instructions a packet. */
static void fill_result(struct rtp_forward_result *r, const struct header_place *place, const uint8_t *payload,
                        uint16_t len, uint16_t seq) {
  r->payload = payload;
  r->payload_len = len;
  r->header_len = place->len;
  r->seq = seq;
  r->transport_seq_offset = place->transport_seq;
  r->abs_send_time_offset = place->abs_send_time;
}

static void write_media(struct rtp_outgoing_stream *s, const struct rtp_media_packet *m, struct sent *sent,
                        bool switched, int64_t now_us, uint8_t *header, struct rtp_forward_result *r) {
  const struct epoch *e = outgoing_epoch(s);
  struct header_fields f = {.ssrc = s->ssrc,
                            .timestamp = m->timestamp - e->timestamp_offset,
                            .seq = sent->seq,
                            .payload_type = s->formats[m->format].payload_type,
                            .marker = m->marker || sent->kind == SENT_LAST || (switched && !s->video)};
  if (m->dependency_descriptor_len) {
    f.frame_number =
        (uint16_t)((m->dependency_descriptor[1] << 8 | m->dependency_descriptor[2]) - e->frame_number_offset);
  }
  if (m->info.picture_id_bits || m->info.has_tl0picidx) {
    sent->tl0picidx = (uint8_t)(m->info.tl0picidx - e->tl0_offset);
    rtp_codec_patch_picture(m->payload, &m->info, sent->picture_id, sent->tl0picidx);
  }
  if (m->seq == s->highest_source) {
    s->last_timestamp = f.timestamp;
    s->last_arrival_us = m->arrival_us;
    s->last_payload_type = f.payload_type;
    if (m->info.has_tl0picidx) s->last_tl0 = sent->tl0picidx;
    if (m->dependency_descriptor_len) s->last_frame_number = f.frame_number;
  }
  const uint8_t *payload = m->payload;
  uint16_t len = m->payload_len;
  if (s->red_depth | s->carried_count) {
    uint16_t wrapped = outgoing_red_wrap(s, m, now_us);
    if (wrapped) {
      payload = s->red_payload;
      len = wrapped;
      f.payload_type = s->formats[s->red_format].payload_type;
    }
  }
  struct header_place place = outgoing_header_write(s, &f, m, now_us, header);
  fill_result(r, &place, payload, len, sent->seq);
  if (m->seq != s->highest_source) return;
  s->alike = m->alike ? m->alike : LIKE_NOTHING;
  outgoing_header_frame(&s->templates[0], f.payload_type, f.timestamp);
  s->frame_sent = *sent;
}

__attribute__((cold, noinline)) static void write_filler(struct rtp_outgoing_stream *s,
                                                         const struct rtp_media_packet *m, uint16_t seq, int64_t now_us,
                                                         uint8_t *header, struct rtp_forward_result *r) {
  struct header_fields f = {.ssrc = s->ssrc,
                            .timestamp = m->timestamp - outgoing_epoch(s)->timestamp_offset,
                            .seq = seq,
                            .payload_type = s->last_payload_type,
                            .padding = true};
  struct header_place place = outgoing_header_write(s, &f, NULL, now_us, header);
  fill_result(r, &place, padding_payload, sizeof padding_payload, seq);
  s->fillers++;
}

void rtp_outgoing_stream_count(struct rtp_outgoing_stream *s, uint32_t packets, uint32_t bytes, int64_t now_us) {
  s->packets += packets;
  s->bytes += bytes; /* RFC 3550 §6.4.1: "payload octets (i.e., not including header or padding)" */
  rtp_rate_window_add(&s->rate, bytes, now_us);
}

/* ---- one packet ---- */

void rtp_outgoing_stream_prefetch(const struct rtp_outgoing_stream *s) {
  const uint8_t *at = (const uint8_t *)s, *end = (const uint8_t *)&s->templates[1];
  for (; at < end; at += CACHE_LINE)
    __builtin_prefetch(at, 1);
}

/* Where the next packets' numbers will be remembered. */
void rtp_outgoing_stream_prefetch_places(const struct rtp_outgoing_stream *s) {
  const uint32_t ours = s->highest_out + 1;
  __builtin_prefetch(&s->window[(s->highest_source + 1) & s->window_mask].map, 1);
  __builtin_prefetch(&s->window[ours & s->window_mask], 1);
  __builtin_prefetch(&s->window[(ours + CACHE_LINE / sizeof *s->window) & s->window_mask], 1);
}

static void mark_last(const struct rtp_outgoing_stream *s, const struct rtp_media_packet *m, struct sent *sent) {
  if (layer_filter_ends(&s->layers, rtp_incoming_stream_structure(m->stream), &m->marks)) sent->kind = SENT_LAST;
}

/* Out of line: most packets follow one of their own frame. */
__attribute__((noinline)) static enum rtp_drop_reason forward_any(struct rtp_outgoing_stream *s,
                                                                  const struct rtp_media_packet *m, int64_t now_us,
                                                                  uint8_t *header, struct rtp_forward_result *r) {
  enum rtp_drop_reason reason;
  bool switched = false, filler = false;
  /* A jump past the window (the source restarted) is a switch to the same source: video waits for a key frame. */
  if (m->stream == s->current && (int32_t)(m->seq - s->highest_source) > (int32_t)s->window_most) s->current = NULL;
  if (m->stream != s->current) {
    if ((reason = try_switch(s, m)) != RTP_DROP_NONE) return reason;
    switched = true;
  }
  s->alike = LIKE_NOTHING; /* unless it is the newest, and goes out as it is */
  uint32_t ours;
  uint16_t picture_id = 0;
  if ((reason = place(s, m, &ours, &picture_id, &filler)) != RTP_DROP_NONE) return reason;
  if ((ours & s->window_mask) == 0) begin_lap(s, now_us);
  struct sent *sent = outgoing_sent(s, ours);
  sent->source_seq = m->seq;
  sent->resent_ms = 0;
  sent->seq = (uint16_t)ours;
  sent->picture_id = picture_id;
  sent->tl0picidx = 0;
  sent->epoch = s->epoch_number;
  sent->used = true;
  sent->kind = filler ? SENT_FILLER : SENT_MEDIA;
  if (m->marks.layered && !filler) mark_last(s, m, sent);
  r->switched = switched;
  r->filler = filler;
  if (filler)
    write_filler(s, m, sent->seq, now_us, header, r);
  else
    write_media(s, m, sent, switched, now_us, header, r);
  return RTP_DROP_NONE;
}

/* The next packet of the newest one's frame, alike in everything that was decided for that one. */
static inline bool goes_on(const struct rtp_outgoing_stream *s, const struct rtp_media_packet *m) {
  return m->seq == s->highest_source + 1 && m->alike == s->alike && m->timestamp == s->frame_timestamp &&
         m->stream == s->current;
}

enum rtp_drop_reason rtp_outgoing_stream_pass(struct rtp_outgoing_stream *s, const struct rtp_media_packet *m,
                                              int64_t now_us, uint8_t *header, struct rtp_forward_result *r) {
  const uint32_t ours = m->seq - s->seq_offset;
  if (!goes_on(s, m) || (ours & s->window_mask) == 0) {
    struct rtp_forward_result any __attribute__((uninitialized)); /* its own: so that *r may stay in registers */
    const enum rtp_drop_reason reason = forward_any(s, m, now_us, header, &any);
    if (reason == RTP_DROP_NONE) *r = any;
    return reason;
  }
  s->highest_source = m->seq;
  s->highest_out = ours;
  s->last_arrival_us = m->arrival_us;
  map_set(s, m->seq, MAP_SENT, ours);
  struct sent *sent = outgoing_sent(s, ours);
  *sent = s->frame_sent;
  sent->source_seq = m->seq;
  sent->seq = (uint16_t)ours;
  rtp_codec_patch_picture(m->payload, &m->info, sent->picture_id, sent->tl0picidx);
  const struct header_template *t = &s->templates[0];
  outgoing_header_put(header, t, m->marker, (uint16_t)ours);
  if (t->abs_send_time) rtp_abs_send_time_encode(header + t->abs_send_time, rtp_abs_send_time_from_us(now_us));
  const struct header_place place = {t->len, t->transport_seq, t->abs_send_time};
  fill_result(r, &place, m->payload, m->payload_len, (uint16_t)ours);
  r->switched = r->filler = false;
  return RTP_DROP_NONE;
}

enum rtp_drop_reason rtp_outgoing_stream_forward(struct rtp_outgoing_stream *s, const struct rtp_media_packet *m,
                                                 int64_t now_us, uint8_t *header, struct rtp_forward_result *r) {
  const enum rtp_drop_reason reason = rtp_outgoing_stream_pass(s, m, now_us, header, r);
  if (reason == RTP_DROP_NONE) rtp_outgoing_stream_count(s, 1, r->filler ? 0 : r->payload_len, now_us);
  return reason;
}
