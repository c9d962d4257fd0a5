/* server/worker/rtcp_ingress.c: what an RTCP compound from a peer means for its streams and slots.
 *
 *   SR  → clock mapping of the stream (translated SRs, layer alignment)      NACK → RTX from the shared history
 *   RR  → round trip and loss of a slot                                      PLI, FIR → a wish at the source
 *   transport-cc feedback, REMB → the seat of the bandwidth estimate         BYE → nothing: signaling says who left
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
    if (stream) rtp_incoming_stream_sender_report(stream, &report.sender, now_us);
  }
  for (size_t i = 0; i < report.count; i++) {
    struct slot *slot = find_slot(peer, report.blocks[i].ssrc);
    if (slot) rtp_outgoing_stream_receiver_report(slot->out, &report.blocks[i], now_us);
  }
}

static void on_nack(struct peer *peer, const struct rtcp_packet *packet, int64_t now_us) {
  struct rtcp_nack nack;
  if (rtcp_parse_nack(packet, &nack)) return;
  struct slot *slot = find_slot(peer, nack.media_ssrc);
  if (!slot) return;
  struct engine_counters *counters = &peer->engine->counters;
  counters->nacks_in += nack.count;
  struct rtp_rtx_iterator it;
  struct rtp_rtx_result result;
  uint8_t rtx[EGRESS_PACKET_MAX_BYTES + RTP_OUTGOING_HEADER_MAX]; /* the writer asks for room for the largest header */
  rtp_outgoing_stream_nack(slot->out, nack.seqs, nack.count, now_us, &it);
  while (rtp_rtx_next(&it, rtx, sizeof rtx, &result)) {
    if (result.reason != RTP_DROP_NONE) {
      counters->rtp_drops[result.reason]++;
      continue;
    }
    if (!slot->rtx_sender) continue;
    counters->rtx_out += peer_send_rtp(peer, slot->rtx_sender, rtx, result.header_len, rtx + result.header_len,
                                       (size_t)(result.len - result.header_len), result.transport_seq_offset, now_us);
  }
}

static void on_keyframe_request(struct peer *peer, uint32_t ssrc, int64_t now_us) {
  struct slot *slot = find_slot(peer, ssrc);
  if (!slot) return;
  peer->engine->counters.keyframe_requests_in++;
  struct rtp_incoming_stream *source = rtp_outgoing_stream_receiver_wants_keyframe(slot->out, now_us);
  if (source) rtp_incoming_stream_wish_keyframe(source, now_us);
}

static void on_transport_feedback(struct peer *peer, const struct rtcp_packet *packet) {
  static struct transport_result results[TRANSPORT_HISTORY_PACKETS]; /* one loop: scratch space */
  struct rtcp_transport_feedback feedback;
  if (!peer->history || rtcp_parse_transport_feedback(packet, &feedback)) return;
  /* Twenty bytes can speak of 16384 packets. Honest feedback speaks of each packet once, some repeated. */
  if (peer->feedback_statuses + feedback.status_count > 2 * peer->history->sent + TRANSPORT_HISTORY_PACKETS) {
    peer->engine->counters.drops[ENGINE_DROP_FEEDBACK_FLOOD]++;
    return;
  }
  peer->feedback_statuses += feedback.status_count;
  struct transport_results out = {.results = results, .capacity = TRANSPORT_HISTORY_PACKETS};
  transport_send_history_feedback(peer->history, &feedback, &out);
}

static void on_payload_feedback(struct peer *peer, const struct rtcp_packet *packet, int64_t now_us) {
  struct rtcp_pli pli;
  struct rtcp_fir fir;
  if (packet->count == RTCP_PSFB_PLI && rtcp_parse_pli(packet, &pli) == 0) {
    on_keyframe_request(peer, pli.media_ssrc, now_us);
  } else if (packet->count == RTCP_PSFB_FIR && rtcp_parse_fir(packet, &fir) == 0) {
    for (size_t i = 0; i < fir.count; i++)
      on_keyframe_request(peer, fir.entries[i].ssrc, now_us);
  }
}

void peer_receive_rtcp(struct peer *peer, const uint8_t *data, size_t len, int64_t now_us) {
  struct rtcp_iterator it;
  struct rtcp_packet packet;
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
      on_transport_feedback(peer, &packet);
    } else if (packet.type == RTCP_PSFB) {
      on_payload_feedback(peer, &packet, now_us);
    }
  }
}
