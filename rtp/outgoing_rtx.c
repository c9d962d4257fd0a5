/* Retransmission of an outgoing slot (RFC 4588): see rtp/outgoing_stream.h.
 *
 * The payload comes from the source's shared history and is rewritten as it was when it was first sent: the sequence map
 * remembers the epoch and the picture numbers of every packet.
 */
#include <string.h>

#include "rtp/outgoing_internal.h"

#define OSN_SIZE         2
#define DEFAULT_RTT_US   100000

/* RTX may take half of the media's bytes; credit is not hoarded beyond this. */
#define BUDGET_MAX_VIDEO 131072
#define BUDGET_MAX_AUDIO 8192

static void refill_budget(struct rtp_outgoing_stream *s) {
  int64_t most = s->video ? BUDGET_MAX_VIDEO : BUDGET_MAX_AUDIO;
  int64_t budget = s->budget_bytes + (int64_t)(s->bytes - s->budget_counted) / 2;
  s->budget_bytes = budget < most ? budget : most;
  s->budget_counted = s->bytes;
}

void rtp_outgoing_stream_nack(struct rtp_outgoing_stream *s, const uint16_t *seqs, size_t count, int64_t now_us,
                              struct rtp_rtx_iterator *it) {
  refill_budget(s);
  *it = (struct rtp_rtx_iterator){.stream = s, .seqs = seqs, .count = count, .now_us = now_us};
}

/* Milliseconds for the 32 bits of struct sent; never 0, which means "not yet". */
static uint32_t stamp_ms(int64_t now_us) {
  uint32_t ms = (uint32_t)(now_us / 1000);
  return ms ? ms : 1;
}

/* Looks up what was sent under `seq`; *m stays NULL for a filler. */
static enum rtp_drop_reason find(struct rtp_outgoing_stream *s, uint16_t seq, int64_t now_us, struct sent **out,
                                 const struct rtp_media_packet **m, const struct epoch **epoch) {
  if (s->rtx_ssrc == 0) return RTP_DROP_NO_RTX;
  if (s->video && s->paused) return RTP_DROP_PAUSED; /* it goes on with a key frame: the past is of no use */
  struct sent *sent = outgoing_sent(s, seq);
  if (!sent->used || sent->seq != seq) return RTP_DROP_NOT_SENT;
  if (s->video && (int16_t)(uint16_t)(seq - s->repair_from) < 0 && (uint16_t)(s->repair_from - seq) <= s->window_most) {
    return RTP_DROP_BEFORE_SWITCH; /* a key frame after a pause has made it useless */
  }
  int64_t rtt_us = s->rtt_us ? s->rtt_us : DEFAULT_RTT_US;
  /* RFC 4588 leaves it open; one round trip, for an answer may be under way, and NACK floods must not be amplified. */
  if (sent->resent_ms && (uint32_t)(stamp_ms(now_us) - sent->resent_ms) <= (uint32_t)(rtt_us / 1000)) {
    return RTP_DROP_RTX_TOO_SOON;
  }
  *out = sent;
  *epoch = &s->epochs[sent->epoch % EPOCHS];
  if ((uint8_t)(s->epoch_number - sent->epoch) >= EPOCHS || !(*epoch)->stream) return RTP_DROP_HISTORY_MISS;
  *m = sent->kind == SENT_FILLER ? NULL : rtp_incoming_stream_find((*epoch)->stream, sent->source_seq, now_us);
  return sent->kind == SENT_FILLER || *m ? RTP_DROP_NONE : RTP_DROP_HISTORY_MISS;
}

/* The RTX payload type that belongs to what the packet was sent as; before anything was sent, any; 0 for none. */
static uint8_t rtx_payload_type(const struct rtp_outgoing_stream *s, const struct rtp_media_packet *m) {
  if (m) return s->formats[m->format].rtx_payload_type;
  for (size_t i = 0; i < RTP_MAX_FORMATS; i++) {
    bool fits = s->started ? s->formats[i].payload_type == s->last_payload_type : s->formats[i].rtx_payload_type != 0;
    if (fits) return s->formats[i].rtx_payload_type;
  }
  return 0;
}

/* Writes what was sent, or numbered, as `sent`: as a retransmission, or under its own number (payload_type 0). */
static void write_again(struct rtp_outgoing_stream *s, const struct sent *sent, const struct rtp_media_packet *m,
                        const struct epoch *e, uint8_t payload_type, int64_t now_us, uint8_t *packet,
                        struct rtp_rtx_result *r) {
  bool rtx = payload_type != 0;
  struct header_fields f = {.ssrc = rtx ? s->rtx_ssrc : s->ssrc,
                            .timestamp = m ? m->timestamp - e->timestamp_offset : s->last_timestamp,
                            .seq = rtx ? s->rtx_seq++ : sent->seq,
                            .payload_type = rtx ? payload_type
                                            : m ? s->formats[m->format].payload_type
                                                : s->last_payload_type,
                            .marker = m && (m->marker || sent->kind == SENT_LAST),
                            .padding = !rtx && !m};
  if (m && m->dependency_descriptor_len) {
    f.frame_number =
        (uint16_t)((m->dependency_descriptor[1] << 8 | m->dependency_descriptor[2]) - e->frame_number_offset);
  }
  struct header_place place = outgoing_header_write(s, &f, m, now_us, packet);
  uint8_t *at = packet + place.len;
  if (rtx) {
    *at++ = (uint8_t)(sent->seq >> 8);
    *at++ = (uint8_t)sent->seq;
  }
  size_t payload_len = 0;
  if (m) {
    payload_len = m->payload_len;
    memcpy(at, m->payload, payload_len);
    if (m->info.picture_id_bits || m->info.has_tl0picidx) {
      rtp_codec_patch_picture(at, &m->info, sent->picture_id, sent->tl0picidx);
    }
  } else if (!rtx) {
    at[payload_len++] = 1; /* RFC 3550 §5.1: the last octet of padding counts the padding */
  }
  r->seq = f.seq;
  r->header_len = place.len;
  r->len = (uint16_t)((size_t)(at - packet) + payload_len);
  r->transport_seq_offset = place.transport_seq;
  r->abs_send_time_offset = place.abs_send_time;
}

bool rtp_rtx_next(struct rtp_rtx_iterator *it, uint8_t *packet, size_t cap, struct rtp_rtx_result *r) {
  if (it->next >= it->count) return false;
  struct rtp_outgoing_stream *s = it->stream;
  *r = (struct rtp_rtx_result){.nacked = it->seqs[it->next++]};
  struct sent *sent = NULL;
  const struct rtp_media_packet *m = NULL;
  const struct epoch *epoch = NULL;
  r->reason = find(s, r->nacked, it->now_us, &sent, &m, &epoch);
  if (r->reason != RTP_DROP_NONE) return true;
  uint8_t payload_type = rtx_payload_type(s, m);
  int64_t cost = OSN_SIZE + (m ? m->payload_len : 0);
  if (payload_type == 0) {
    r->reason = RTP_DROP_NO_RTX;
  } else if (cap < (size_t)cost + RTP_OUTGOING_HEADER_MAX) {
    r->reason = RTP_DROP_NO_SPACE;
  } else if (cost > s->budget_bytes) {
    r->reason = RTP_DROP_RTX_BUDGET;
  } else {
    s->budget_bytes -= cost;
    sent->resent_ms = stamp_ms(it->now_us);
    write_again(s, sent, m, epoch, payload_type, it->now_us, packet, r);
    s->rtx_packets++;
    s->rtx_bytes += (uint64_t)cost;
  }
  return true;
}

bool rtp_outgoing_stream_is_base(struct rtp_outgoing_stream *s, uint16_t seq, int64_t now_us) {
  struct sent *sent = NULL;
  const struct rtp_media_packet *m = NULL;
  const struct epoch *epoch = NULL;
  if (find(s, seq, now_us, &sent, &m, &epoch) != RTP_DROP_NONE) return false;
  return m && m->info.has_temporal && m->info.temporal_id == 0;
}

void rtp_outgoing_stream_probe(struct rtp_outgoing_stream *s, uint8_t padding, int64_t now_us, uint8_t *packet,
                               size_t cap, struct rtp_rtx_result *r) {
  *r = (struct rtp_rtx_result){0};
  uint8_t payload_type = s->rtx_ssrc ? rtx_payload_type(s, NULL) : 0;
  if (payload_type == 0) {
    r->reason = RTP_DROP_NO_RTX;
    return;
  }
  if (cap < RTP_OUTGOING_HEADER_MAX + (size_t)padding || padding == 0) {
    r->reason = RTP_DROP_NO_SPACE;
    return;
  }
  struct header_fields f = {.ssrc = s->rtx_ssrc,
                            .timestamp = s->last_timestamp,
                            .seq = s->rtx_seq++,
                            .payload_type = payload_type,
                            .padding = true};
  struct header_place place = outgoing_header_write(s, &f, NULL, now_us, packet);
  memset(packet + place.len, 0, padding);
  packet[place.len + padding - 1] = padding;
  r->seq = f.seq;
  r->header_len = place.len;
  r->len = (uint16_t)(place.len + padding);
  r->transport_seq_offset = place.transport_seq;
  r->abs_send_time_offset = place.abs_send_time;
}

void rtp_outgoing_stream_probe_media(struct rtp_outgoing_stream *s, uint16_t seq, int64_t now_us, uint8_t *packet,
                                     size_t cap, struct rtp_rtx_result *r) {
  struct sent *sent = NULL;
  const struct rtp_media_packet *m = NULL;
  const struct epoch *epoch = NULL;
  *r = (struct rtp_rtx_result){.nacked = seq};
  r->reason = find(s, r->nacked, now_us, &sent, &m, &epoch);
  if (r->reason != RTP_DROP_NONE) return;
  uint8_t payload_type = m ? rtx_payload_type(s, m) : 0;
  refill_budget(s);
  if (payload_type == 0) {
    r->reason = RTP_DROP_NO_RTX;
  } else if (cap < (size_t)OSN_SIZE + m->payload_len + RTP_OUTGOING_HEADER_MAX) {
    r->reason = RTP_DROP_NO_SPACE;
  } else if (OSN_SIZE + m->payload_len > s->budget_bytes) {
    r->reason = RTP_DROP_RTX_BUDGET;
  } else {
    s->budget_bytes -= OSN_SIZE + m->payload_len;
    sent->resent_ms = stamp_ms(now_us);
    write_again(s, sent, m, epoch, payload_type, now_us, packet, r);
  }
}

void rtp_outgoing_stream_deferred(struct rtp_outgoing_stream *s, uint16_t seq, int64_t now_us, uint8_t *packet,
                                  size_t cap, struct rtp_rtx_result *r) {
  struct sent *sent = outgoing_sent(s, seq);
  *r = (struct rtp_rtx_result){.nacked = seq};
  if (!sent->used || sent->seq != seq) {
    r->reason = RTP_DROP_NOT_SENT;
    return;
  }
  const struct epoch *e = &s->epochs[sent->epoch % EPOCHS];
  bool known = (uint8_t)(s->epoch_number - sent->epoch) < EPOCHS && e->stream && sent->kind != SENT_FILLER;
  const struct rtp_media_packet *m = known ? rtp_incoming_stream_find(e->stream, sent->source_seq, now_us) : NULL;
  if (cap < (m ? (size_t)m->payload_len : 1) + RTP_OUTGOING_HEADER_MAX) {
    r->reason = RTP_DROP_NO_SPACE;
    return;
  }
  if (!m) sent->kind = SENT_FILLER;
  write_again(s, sent, m, e, 0, now_us, packet, r);
}

/* It was counted when it was numbered: neither a report nor the budget of repairs shall know it. */
static void forget_unsent(struct rtp_outgoing_stream *s, uint32_t seq) {
  struct sent *sent = outgoing_sent(s, seq);
  if (!sent->used) return;
  sent->used = false;
  s->packets--;
  const struct epoch *e = &s->epochs[sent->epoch % EPOCHS];
  bool known = (uint8_t)(s->epoch_number - sent->epoch) < EPOCHS && e->stream && sent->kind != SENT_FILLER;
  const struct rtp_media_packet *m = known ? rtp_incoming_stream_find(e->stream, sent->source_seq, -1) : NULL;
  if (m) s->bytes -= m->payload_len;
}

void rtp_outgoing_stream_cut(struct rtp_outgoing_stream *s, uint16_t last_sent) {
  uint32_t last = s->highest_out - (uint16_t)((uint16_t)s->highest_out - last_sent);
  if (s->highest_out - last > s->window_mask) return; /* not a number of ours */
  for (uint32_t seq = last + 1; seq != s->highest_out + 1; seq++)
    forget_unsent(s, seq);
  s->highest_out = last;
  s->current = NULL;
  s->interrupted = true;
}
