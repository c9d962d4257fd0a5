/* server/worker/congestion.c: feedback, pacing and probes of a receiver's link: see the header. Its shares: layers.c. */
#include "server/worker/congestion.h"

#include "server/worker/engine.h"

/* What a packet is longer on the wire than what we seal: SRTP's tag, UDP, IPv4. */
#define WIRE_OVERHEAD_BYTES (16 + 8 + 20)

/* ---- sending ---- */

static void on_send(void *arg, void *slot_arg, bool rtx, uint8_t *packet, size_t header_len, size_t len,
                    size_t transport_seq_offset) {
  struct peer *peer = arg;
  struct slot *slot = slot_arg;
  struct peer_sender *sender = rtx ? slot->rtx_sender : slot->sender;
  if (!sender) return;
  bool sent = peer_send_rtp(peer, sender, packet, header_len, packet + header_len, len - header_len,
                            transport_seq_offset, peer->engine->now_us);
  peer->engine->counters.rtx_out += rtx && sent;
  slot->sent |= sent;
}

static void on_refused(void *arg, enum rtp_drop_reason reason) {
  struct peer *peer = arg;
  peer->engine->counters.rtp_drops[reason]++;
}

static bool expects_feedback(const struct peer *peer) {
  return peer->extensions.id_of[RTP_EXTENSION_TRANSPORT_SEQUENCE] != 0;
}

static bool may_govern(const struct peer *peer, int64_t now_us) {
  const struct bandwidth_estimator *e = downlink_estimator(peer->link.downlink);
  if (e->has_feedback || e->remb_bps) return true;
  int64_t patience_us = peer->engine->feedback_patience_us;
  return expects_feedback(peer) && patience_us > 0 && (e->waiting_us < 0 || now_us - e->waiting_us < patience_us);
}

static void govern(struct peer *peer, int64_t now_us) {
  bool governed = may_govern(peer, now_us);
  if (governed == peer->link.governed) return;
  peer->link.governed = governed;
  peer->link.audio_only = false;
  for (size_t i = 0; i < peer->section_count; i++) {
    struct slot *slot = peer->sections[i]->slot;
    if (!slot) continue;
    if (!governed) rtp_outgoing_stream_set_temporal(slot->out, RTP_TEMPORAL_ALL);
    slot_choose_layer(slot, now_us);
  }
}

/* ---- slots ---- */

static bool open_downlink(struct peer *peer) {
  struct downlink_config config = {
      .bandwidth = peer->engine->bandwidth,
      .overhead_bytes = WIRE_OVERHEAD_BYTES,
      .listener = {.arg = peer, .send = on_send, .refused = on_refused},
  };
  if (downlink_create(&peer->link.downlink, &config)) return false;
  peer->link.governed = may_govern(peer, 0);
  return true;
}

bool congestion_add_slot(struct slot *slot) {
  struct peer *peer = slot->peer;
  if (!peer->link.downlink && !open_downlink(peer)) return false;
  slot->link_slot = downlink_add_slot(peer->link.downlink, slot->out, slot, slot->section->kind == ROOM_VIDEO);
  return true;
}

void congestion_remove_slot(struct slot *slot) {
  if (slot->peer->link.downlink) downlink_remove_slot(slot->peer->link.downlink, slot->link_slot);
  slot->link_slot = DOWNLINK_NO_SLOT;
}

void congestion_free(struct peer *peer) {
  downlink_free(peer->link.downlink);
  peer->link.downlink = NULL;
  peer->link.governed = false;
}

/* ---- the receiver's word ---- */

static void answer_at_once(struct slot *slot, const uint16_t *seqs, size_t count, int64_t now_us) {
  struct peer *peer = slot->peer;
  struct engine_counters *counters = &peer->engine->counters;
  struct rtp_rtx_iterator it;
  struct rtp_rtx_result result;
  uint8_t rtx[EGRESS_PACKET_MAX_BYTES + RTP_OUTGOING_HEADER_MAX]; /* the writer asks for room for the largest header */
  rtp_outgoing_stream_nack(slot->out, seqs, count, now_us, &it);
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

void congestion_nack(struct slot *slot, const uint16_t *seqs, size_t count, int64_t now_us) {
  if (!slot->peer->link.governed) {
    answer_at_once(slot, seqs, count, now_us);
    return;
  }
  size_t beyond = downlink_nack(slot->peer->link.downlink, slot->link_slot, seqs, count, now_us);
  if (!beyond || slot->section->kind != ROOM_VIDEO) return;
  /* Waiting for it would only freeze the picture for longer. */
  struct rtp_incoming_stream *source = rtp_outgoing_stream_receiver_wants_keyframe(slot->out, now_us);
  if (!source) return;
  rtp_incoming_stream_wish_keyframe(source, now_us);
  if (slot->track) peer_hurry(slot->track->publisher);
}

void congestion_feedback(struct peer *peer, struct rtcp_transport_feedback *feedback, int64_t now_us) {
  struct congestion *c = &peer->link;
  if (!c->downlink) return;
  /* Twenty bytes can speak of 16384 packets. Honest feedback speaks of each packet once, some repeated. */
  if (c->feedback_statuses + feedback->status_count > 2 * downlink_sent(c->downlink) + TRANSPORT_HISTORY_PACKETS) {
    peer->engine->counters.drops[ENGINE_DROP_FEEDBACK_FLOOD]++;
    return;
  }
  c->feedback_statuses += feedback->status_count;
  if (!c->reported_us) c->reported_us = now_us;
  downlink_feedback(c->downlink, feedback, now_us);
}

void congestion_remb(struct peer *peer, uint64_t bps, int64_t now_us) {
  if (!peer->link.downlink) return;
  if (!peer->link.reported_us) peer->link.reported_us = now_us;
  downlink_remb(peer->link.downlink, bps);
  govern(peer, now_us);
}

void congestion_report(struct peer *peer, uint8_t fraction_lost, int64_t now_us) {
  if (peer->link.downlink) downlink_report(peer->link.downlink, fraction_lost, now_us);
}

/* ---- time ---- */

/* A queue that drains, or a link that has just begun, is no state worth a word. */
#define AUDIO_ONLY_PATIENCE_US 1000000

static void tell_audio_only(struct peer *peer, int64_t now_us) {
  struct congestion *c = &peer->link;
  if (!c->audio_only && !c->audio_only_told) return; /* nearly always: the room need not be looked up */
  if (c->audio_only && now_us - c->audio_only_us < AUDIO_ONLY_PATIENCE_US) return;
  c->audio_only_told = c->audio_only;
  room_manager_audio_only(peer->engine->manager, peer->participant,
                          c->audio_only ? allocation_reason_name(c->reason) : NULL, now_us);
}

void congestion_service(struct peer *peer, int64_t now_us) {
  struct congestion *c = &peer->link;
  if (!c->downlink || peer->told != ROOM_TRANSPORT_CONNECTED) return;
  downlink_service(c->downlink, now_us);
  govern(peer, now_us);
  if (c->governed && (now_us >= c->allocate_us || downlink_changed(c->downlink, now_us)))
    congestion_allocate(peer, now_us);
  tell_audio_only(peer, now_us);
}
