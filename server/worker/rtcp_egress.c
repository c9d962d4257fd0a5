/* server/worker/rtcp_egress.c: the RTCP we send to a peer: NACK, PLI and transport-cc feedback when they are due; once a second
 * sender reports for its slots, receiver report blocks for its streams, and our CNAME.
 */
#include <string.h>

#include "server/worker/engine.h"

/* One datagram's worth, SRTCP's overhead taken off. */
#define COMPOUND_MAX_BYTES 1200
#define NACK_MAX           256

/* For spacing NACKs and key-frame requests. */
static void tell_rtt(const struct peer *peer, int64_t now_us) {
  int64_t rtt_us = peer_rtt_us(peer, now_us);
  if (rtt_us <= 0) return;
  for (size_t i = 0; i < peer->incoming_count; i++) {
    if (peer->incoming[i].stream) rtp_incoming_stream_set_rtt(peer->incoming[i].stream, rtt_us);
  }
  for (size_t i = 0; i < peer->section_count && !peer->link.governed; i++) { /* else the shares' own is better */
    if (peer->sections[i]->slot) rtp_outgoing_stream_set_rtt(peer->sections[i]->slot->out, rtt_us);
  }
}

static void send_stream_feedback(struct peer *peer, struct incoming *incoming, int64_t now_us) {
  struct engine_counters *counters = &peer->engine->counters;
  uint8_t out[COMPOUND_MAX_BYTES];
  size_t len = 0;
  uint16_t seqs[NACK_MAX];
  size_t count = rtp_incoming_stream_nack(incoming->stream, seqs, NACK_MAX, now_us);
  if (count) {
    size_t written = 0;
    int n = rtcp_write_nack(out, sizeof out, peer->ssrc, incoming->ssrc, seqs, count, &written);
    if (n > 0) len += (size_t)n;
    counters->nacks_out += written;
  }
  if (rtp_incoming_stream_keyframe_due(incoming->stream, now_us)) {
    int n = rtcp_write_pli(out + len, sizeof out - len, peer->ssrc, incoming->ssrc);
    if (n > 0) len += (size_t)n;
    counters->keyframe_requests_out++;
  }
  peer_send_rtcp(peer, out, len);
}

static uint32_t any_media_ssrc(const struct peer *peer) {
  for (size_t i = 0; i < peer->incoming_count; i++) {
    if (peer->incoming[i].stream) return peer->incoming[i].ssrc;
  }
  return 0;
}

void peer_send_feedback(struct peer *peer, int64_t now_us) {
  for (size_t i = 0; i < peer->incoming_count; i++) {
    struct incoming *incoming = &peer->incoming[i];
    if (incoming->stream && rtp_incoming_stream_deadline(incoming->stream) <= now_us)
      send_stream_feedback(peer, incoming, now_us);
  }
  if (!peer->recorder || transport_feedback_deadline(peer->recorder) > now_us) return;
  uint8_t out[COMPOUND_MAX_BYTES];
  int len;
  while ((len = transport_feedback_build(peer->recorder, peer->ssrc, any_media_ssrc(peer), out, sizeof out, now_us)) >
         0) {
    peer_send_rtcp(peer, out, (size_t)len);
  }
}

/* A compound under construction; sent when the next piece does not fit (RFC 3550 §6.1: the first piece is a report). */
struct compound {
  struct peer *peer;
  size_t len;
  uint8_t bytes[COMPOUND_MAX_BYTES];
};

static void add_report(struct compound *compound, const struct rtcp_report *report) {
  static const char cname[] = ENGINE_CNAME;
  for (int attempt = 0; attempt < 2; attempt++) {
    int n = rtcp_write_report(compound->bytes + compound->len, sizeof compound->bytes - compound->len, report);
    int m =
        n < 0 ? n
              : rtcp_write_sdes(compound->bytes + compound->len + n, sizeof compound->bytes - compound->len - (size_t)n,
                                report->ssrc, cname, sizeof cname - 1);
    if (m > 0) {
      compound->len += (size_t)(n + m);
      return;
    }
    peer_send_rtcp(compound->peer, compound->bytes, compound->len);
    compound->len = 0;
  }
}

static void add_receiver_reports(struct compound *compound, int64_t now_us) {
  struct peer *peer = compound->peer;
  struct rtcp_report report = {.ssrc = peer->ssrc};
  for (size_t i = 0; i < peer->incoming_count; i++) {
    struct incoming *incoming = &peer->incoming[i];
    if (!incoming->stream || !rtp_incoming_stream_report_block(incoming->stream, now_us, &report.blocks[report.count]))
      continue;
    if (++report.count == RTCP_MAX_BLOCKS) {
      add_report(compound, &report);
      report.count = 0;
    }
  }
  if (report.count) add_report(compound, &report);
}

/* Layer sizes, speeds and lives change by themselves; once a second is often enough to notice. */
static void review_tracks(struct peer *peer, int64_t now_us) {
  for (size_t i = 0; i < peer->section_count; i++) {
    struct track *track = peer->sections[i]->track;
    if (!track || !track->flowing_told) continue;
    track_tell_room(track, now_us);
    track_review_layers(track, now_us);
    if (track->kind == ROOM_VIDEO) track_review_limits(track, now_us);
  }
}

void peer_send_reports(struct peer *peer, int64_t now_us) {
  tell_rtt(peer, now_us);
  review_tracks(peer, now_us);
  peer_review_quality(peer, now_us);
  struct compound compound = {.peer = peer};
  for (size_t i = 0; i < peer->section_count; i++) {
    struct slot *slot = peer->sections[i]->slot;
    struct rtcp_report report = {.is_sender = true};
    if (!slot || !slot->sent || !slot->track ||
        !rtp_outgoing_stream_sender_report(slot->out, &slot->track->publisher->clock, now_us, &report.sender))
      continue;
    report.ssrc = slot->ssrc;
    add_report(&compound, &report);
  }
  add_receiver_reports(&compound, now_us);
  peer_send_rtcp(peer, compound.bytes, compound.len);
}
