/* server/worker/rtcp_ingress.c: what an RTCP compound from a peer means for its streams and slots.
 *
 *   SR  → clock mapping of the stream (translated SRs, layer alignment)      NACK → RTX from the shared history
 *   RR  → round trip and loss of a slot                                      PLI, FIR → a wish at the source
 *   transport-cc feedback, REMB → the receiver's link (congestion.c)         BYE → nothing: signaling says who left
 */
#include <string.h>

#include "server/worker/engine.h"

static struct slot *find_slot(const struct peer *peer, uint32_t ssrc) {
  for (size_t i = 0; i < peer->section_count; i++) {
    struct slot *slot = peer->sections[i]->slot;
    if (slot && slot->ssrc == ssrc) return slot;
  }
  return NULL;
}

static struct rtp_incoming_stream *find_stream(const struct peer *peer, uint32_t ssrc) {
  for (size_t i = 0; i < peer->incoming_count; i++) {
    if (peer->incoming[i].ssrc == ssrc) return peer->incoming[i].stream;
  }
  return NULL;
}

static void on_report(struct peer *peer, const struct rtcp_packet *packet, int64_t now_us) {
  struct rtcp_report report;
  if (rtcp_parse_report(packet, &report)) return;
  if (report.is_sender) {
    struct rtp_incoming_stream *stream = find_stream(peer, report.ssrc);
    if (stream) {
      rtp_incoming_stream_sender_report(stream, &report.sender, now_us);
      sender_clock_report(&peer->clock, report.sender.ntp, now_us);
    }
  }
  for (size_t i = 0; i < report.count; i++) {
    struct slot *slot = find_slot(peer, report.blocks[i].ssrc);
    if (!slot) continue;
    rtp_outgoing_stream_receiver_report(slot->out, &report.blocks[i], now_us);
    congestion_report(peer, report.blocks[i].fraction_lost, now_us);
  }
}

static void on_nack(struct peer *peer, const struct rtcp_packet *packet, int64_t now_us) {
  struct rtcp_nack nack;
  if (rtcp_parse_nack(packet, &nack)) return;
  struct slot *slot = find_slot(peer, nack.media_ssrc);
  if (!slot) return;
  peer->engine->counters.nacks_in += nack.count;
  congestion_nack(slot, nack.seqs, nack.count, now_us);
}

static void on_keyframe_request(struct peer *peer, uint32_t ssrc, int64_t now_us) {
  struct slot *slot = find_slot(peer, ssrc);
  if (!slot) return;
  peer->engine->counters.keyframe_requests_in++;
  struct rtp_incoming_stream *source = rtp_outgoing_stream_receiver_wants_keyframe(slot->out, now_us);
  if (!source) return;
  rtp_incoming_stream_wish_keyframe(source, now_us);
  if (slot->track) peer_hurry(slot->track->publisher);
}

static void on_payload_feedback(struct peer *peer, const struct rtcp_packet *packet, int64_t now_us) {
  struct rtcp_pli pli;
  struct rtcp_fir fir;
  struct rtcp_remb remb;
  if (packet->count == RTCP_PSFB_PLI && rtcp_parse_pli(packet, &pli) == 0) {
    on_keyframe_request(peer, pli.media_ssrc, now_us);
  } else if (packet->count == RTCP_PSFB_FIR && rtcp_parse_fir(packet, &fir) == 0) {
    for (size_t i = 0; i < fir.count; i++)
      on_keyframe_request(peer, fir.entries[i].ssrc, now_us);
  } else if (packet->count == RTCP_PSFB_AFB && rtcp_parse_remb(packet, &remb) == 0) {
    congestion_remb(peer, remb.bitrate_bps, now_us);
  }
}

void peer_receive_rtcp(struct peer *peer, const uint8_t *data, size_t len, int64_t now_us) {
  struct rtcp_iterator it;
  struct rtcp_packet packet;
  struct rtcp_transport_feedback feedback;
  peer->engine->counters.rtcp_in++;
  if (rtcp_begin(&it, data, len)) {
    peer->engine->counters.drops[ENGINE_DROP_BAD_RTCP]++;
    return;
  }
  while (rtcp_next(&it, &packet)) {
    if (packet.type == RTCP_SR || packet.type == RTCP_RR) {
      on_report(peer, &packet, now_us);
    } else if (packet.type == RTCP_RTPFB && packet.count == RTCP_RTPFB_NACK) {
      on_nack(peer, &packet, now_us);
    } else if (packet.type == RTCP_RTPFB && packet.count == RTCP_RTPFB_TRANSPORT_CC) {
      if (rtcp_parse_transport_feedback(&packet, &feedback) == 0) congestion_feedback(peer, &feedback, now_us);
    } else if (packet.type == RTCP_PSFB) {
      on_payload_feedback(peer, &packet, now_us);
    }
  }
}
