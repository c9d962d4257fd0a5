/* One receiver's downlink: see rtp/downlink.h. */
#include "rtp/downlink.h"

#include <stdlib.h>
#include <string.h>

#include "rtp/downlink_internal.h"

int downlink_create(struct downlink **out, const struct downlink_config *c) {
  struct downlink *d = calloc(1, sizeof *d);
  if (!d) return RTP_ERROR_NO_SPACE;
  d->listener = c->listener;
  d->overhead_bytes = c->overhead_bytes;
  d->stamping.slot = DOWNLINK_NO_SLOT;
  d->repeat_us = INT64_MAX;
  bandwidth_estimator_init(&d->estimator, &c->bandwidth);
  transport_send_history_init(&d->history);
  burst_rate_init(&d->bursts);
  pacer_init(&d->pacer, bandwidth_estimator_bps(&d->estimator));
  *out = d;
  return RTP_OK;
}

void downlink_free(struct downlink *d) {
  free(d);
}

/* ---- slots ---- */

uint16_t downlink_add_slot(struct downlink *d, struct rtp_outgoing_stream *out, void *arg, bool video) {
  for (uint16_t i = 0; i < DOWNLINK_SLOTS; i++) {
    if (d->slots[i].out) continue;
    d->slots[i] = (struct downlink_slot){.out = out, .arg = arg, .video = video};
    if (i >= d->slot_count) d->slot_count = (uint16_t)(i + 1);
    return i;
  }
  return DOWNLINK_NO_SLOT;
}

void downlink_remove_slot(struct downlink *d, uint16_t slot) {
  if (slot >= d->slot_count) return;
  pacer_forget(&d->pacer, slot, true);
  d->slots[slot].out = NULL;
}

static void cut(struct downlink *d, uint16_t slot) {
  struct downlink_slot *s = &d->slots[slot];
  size_t thrown = pacer_forget(&d->pacer, slot, false);
  d->stats.cut += thrown;
  if (thrown && s->any_sent) rtp_outgoing_stream_cut(s->out, s->last_sent);
}

void downlink_stepped_down(struct downlink *d, uint16_t slot) {
  if (slot < d->slot_count && pacer_backlog_us(&d->pacer) > DOWNLINK_STALE_US) cut(d, slot);
}

/* ---- sending ---- */

/* Out of line, as everything that is rare: the way of an ordinary packet is a few stores. */
__attribute__((noinline)) static void note_probe(struct downlink *d, uint32_t bytes, int64_t now_us) {
  d->cluster_bytes += bytes;
  d->cluster_packets++;
  bandwidth_estimator_probe_sent(&d->estimator, d->cluster.id, bytes, now_us);
}

uint16_t downlink_stamp(struct downlink *d, uint32_t bytes, int64_t now_us) {
  bytes += d->overhead_bytes;
  if (d->cluster.id) note_probe(d, bytes, now_us);
  uint16_t number = transport_send_history_sent(&d->history, (uint16_t)bytes, d->cluster.id, d->stamping, now_us);
  d->stamping.slot = DOWNLINK_NO_SLOT;
  return number;
}

void downlink_unnumbered(struct downlink *d, uint32_t bytes) {
  d->unnumbered_bytes += bytes + d->overhead_bytes;
  d->stamping.slot = DOWNLINK_NO_SLOT;
}

static void note_sent(struct downlink_slot *s, uint16_t seq) {
  if (!s->any_sent || (int16_t)(uint16_t)(seq - s->last_sent) > 0) s->last_sent = seq;
  s->any_sent = true;
}

/* It waits its turn; what would wait for too long is cut. */
__attribute__((noinline)) static void defer(struct downlink *d, const struct pacer_decision *decision) {
  bool kept = pacer_push(&d->pacer, PACER_VIDEO, decision);
  d->service_us = 0;
  d->stats.delayed += kept;
  struct rtp_incoming_stream *source = rtp_outgoing_stream_current(d->slots[decision->slot].out);
  if (source) rtp_incoming_stream_expect(source, pacer_backlog_us(&d->pacer));
  if (!kept || pacer_backlog_us(&d->pacer) > DOWNLINK_LATE_US) cut(d, decision->slot);
}

bool downlink_offer(struct downlink *d, uint16_t slot, uint16_t seq, uint32_t bytes, int64_t now_us) {
  if (slot >= d->slot_count) return true;
  struct downlink_slot *s = &d->slots[slot];
  bytes += d->overhead_bytes;
  d->offered++;
  if (pacer_admit(&d->pacer, s->video ? PACER_VIDEO : PACER_AUDIO, bytes, now_us)) {
    note_sent(s, seq);
    d->stamping = (struct transport_content){slot, seq};
    return true;
  }
  defer(d, &(struct pacer_decision){.since_us = now_us, .slot = slot, .seq = seq, .bytes = (uint16_t)bytes});
  return false;
}

static void hand_on(struct downlink *d, struct downlink_slot *s, bool rtx, uint8_t *packet,
                    const struct rtp_rtx_result *r) {
  d->stamping = (struct transport_content){(uint16_t)(s - d->slots), r->nacked};
  d->listener.send(d->listener.arg, s->arg, rtx, packet, r->header_len, r->len, r->transport_seq_offset);
}

/* What waits may still be cut, and its numbers be given to others: until it is sent nothing goes under them. */
static bool was_handed_on(const struct downlink_slot *s, uint16_t seq) {
  return s->any_sent && (int16_t)(uint16_t)(seq - s->last_sent) <= 0;
}

static bool refuse(struct downlink *d, enum rtp_drop_reason reason) {
  d->stats.repairs_refused++;
  if (d->listener.refused) d->listener.refused(d->listener.arg, reason);
  return reason != RTP_DROP_HISTORY_MISS;
}

/* Answers one missing number. False when it is beyond repair. */
static bool repair(struct downlink *d, struct downlink_slot *s, uint16_t seq, bool charged, int64_t now_us) {
  if (!was_handed_on(s, seq)) return refuse(d, RTP_DROP_NOT_SENT);
  uint8_t packet[DOWNLINK_PACKET_MAX];
  struct rtp_rtx_iterator it;
  struct rtp_rtx_result r;
  rtp_outgoing_stream_nack(s->out, &seq, 1, now_us, &it);
  if (!rtp_rtx_next(&it, packet, sizeof packet, &r)) return true;
  if (r.reason == RTP_DROP_NO_RTX && !s->video && rtp_outgoing_stream_carry(s->out, seq, now_us)) {
    d->stats.carried++;
    return true;
  }
  if (r.reason != RTP_DROP_NONE) return refuse(d, r.reason);
  if (!charged) pacer_charge(&d->pacer, (uint32_t)r.len + d->overhead_bytes, now_us);
  d->stats.repairs++;
  hand_on(d, s, true, packet, &r);
  return true;
}

#define REPAIR_BYTES 1000 /* about; what is charged at the queue's end before the packet is known */

size_t downlink_nack(struct downlink *d, uint16_t slot, const uint16_t *seqs, size_t count, int64_t now_us) {
  if (slot >= d->slot_count) return 0;
  struct downlink_slot *s = &d->slots[slot];
  size_t beyond = 0;
  for (size_t i = 0; i < count; i++) {
    struct pacer_decision decision = {.since_us = now_us, .slot = slot, .seq = seqs[i], .bytes = REPAIR_BYTES};
    bool at_once =
        !s->video || (pacer_deadline(&d->pacer) == INT64_MAX && d->pacer.level_until_us - now_us <= PACER_BURST_US);
    if (at_once)
      beyond += !repair(d, s, seqs[i], false, now_us);
    else if (!pacer_push(&d->pacer, PACER_REPAIR, &decision))
      d->stats.repairs_refused++;
  }
  d->service_us = 0;
  return beyond;
}

static void send_decision(struct downlink *d, enum pacer_kind kind, const struct pacer_decision *decision,
                          int64_t now_us) {
  struct downlink_slot *s = &d->slots[decision->slot];
  if (!s->out) return;
  if (kind == PACER_REPAIR) {
    repair(d, s, decision->seq, true, now_us);
    return;
  }
  uint8_t packet[DOWNLINK_PACKET_MAX];
  struct rtp_rtx_result r;
  rtp_outgoing_stream_deferred(s->out, decision->seq, now_us, packet, sizeof packet, &r);
  if (r.reason != RTP_DROP_NONE) return;
  note_sent(s, decision->seq);
  hand_on(d, s, false, packet, &r);
}

/* ---- the receiver's word ---- */

static void tell_estimator(struct downlink *d, int64_t now_us) {
  bandwidth_estimator_sent(&d->estimator, d->history.bytes - d->told_bytes + d->unnumbered_bytes, now_us);
  d->told_bytes = d->history.bytes;
  d->unnumbered_bytes = 0;
}

/* The newest packets may only be out of order. */
#define EARLY_REORDER 3

static void repair_lost(struct downlink *d, const struct transport_results *r, int64_t now_us) {
  for (size_t i = 0; i < r->count; i++) {
    const struct transport_result *lost = &r->results[i];
    uint16_t slot = lost->content.slot;
    if (lost->arrival_us >= 0 || (int32_t)(r->newest - lost->seq) < EARLY_REORDER) continue;
    if (slot == DOWNLINK_NO_SLOT || !d->slots[slot].out) continue;
    d->stats.repairs_early++;
    downlink_nack(d, slot, &lost->content.seq, 1, now_us);
  }
}

void downlink_feedback(struct downlink *d, struct rtcp_transport_feedback *f, int64_t now_us) {
  static struct transport_result scratch[TRANSPORT_HISTORY_PACKETS]; /* one loop */
  struct transport_results results = {.results = scratch, .capacity = TRANSPORT_HISTORY_PACKETS};
  transport_send_history_feedback(&d->history, f, now_us, &results);
  if (results.lost && results.received) repair_lost(d, &results, now_us);
  tell_estimator(d, now_us);
  bandwidth_estimator_feedback(&d->estimator, &results, transport_send_history_in_flight(&d->history), now_us);
  burst_rate_feedback(&d->bursts, &results, queue_delay_base_us(&d->estimator.queue), now_us);
  if (results.lost) downlink_hurry_playout(d, now_us);
  d->service_us = 0;
  if (d->estimator.decreases == d->decreases) return;
  d->decreases = d->estimator.decreases;
  burst_rate_congested(&d->bursts, now_us);
}

void downlink_remb(struct downlink *d, uint64_t bps) {
  bandwidth_estimator_remb(&d->estimator, bps);
  d->service_us = 0;
}

void downlink_report(struct downlink *d, uint8_t fraction_lost, int64_t now_us) {
  bandwidth_estimator_reported_loss(&d->estimator, fraction_lost, now_us);
  d->service_us = 0;
}

/* ---- time ---- */

/* When sound alone is more than the pace, nothing that waits gets its turn; and while anything waits, no probe can tell that the
 * link is better than believed. */
static void drop_what_is_stuck(struct downlink *d, int64_t now_us) {
  d->stats.repairs_refused += pacer_forget_late_repairs(&d->pacer, now_us);
  const struct pacer_decision *oldest = pacer_oldest_video(&d->pacer);
  if (oldest && now_us - oldest->since_us > DOWNLINK_STUCK_US) cut(d, oldest->slot);
}

/* What falls due by itself at the latest so long after the last look. */
#define SERVICE_US 50000

__attribute__((noinline)) static void serve(struct downlink *d, int64_t now_us) {
  tell_estimator(d, now_us);
  uint64_t burst_bps = d->estimator.stalled ? 0 : burst_rate_bps(&d->bursts, now_us);
  pacer_set_target(&d->pacer, bandwidth_estimator_bps(&d->estimator), burst_bps);
  drop_what_is_stuck(d, now_us);
  enum pacer_kind kind;
  struct pacer_decision decision;
  while (pacer_pop(&d->pacer, now_us, &kind, &decision))
    send_decision(d, kind, &decision, now_us);
  if (d->cluster.id || !probe_controller_idle(&d->estimator.probes, now_us)) downlink_probe(d, now_us);
  if (now_us >= d->playout_due_us) downlink_review_playout(d, now_us);
  if (now_us >= d->repeat_us) downlink_repeat(d, now_us);
  /* A cluster that waits for the one before it goes out at the next look. */
  bool more = d->cluster.id == 0 && !probe_controller_idle(&d->estimator.probes, now_us);
  int64_t deadline_us = downlink_deadline(d), late_us = more ? 0 : now_us + SERVICE_US;
  d->service_us = deadline_us < late_us ? deadline_us : late_us;
}

void downlink_service(struct downlink *d, int64_t now_us) {
  if (now_us >= d->service_us) serve(d, now_us);
}

int64_t downlink_deadline(const struct downlink *d) {
  int64_t pacer = pacer_deadline(&d->pacer), probe = downlink_probe_deadline(d);
  int64_t soonest = pacer < probe ? pacer : probe;
  return d->repeat_us < soonest ? d->repeat_us : soonest;
}

/* ---- allocation ---- */

#define QUEUE_RECENT_US 3000000

/* After a sudden drop the newest packets say sooner than the least of many that a queue is left. */
static bool is_left_over(const struct bandwidth_estimator *e, int64_t now_us) {
  int64_t newest_us = link_drop_delay_us(&e->drop);
  if (e->dropped_us < 0 || now_us - e->dropped_us >= QUEUE_RECENT_US || newest_us == INT64_MAX) return false;
  return newest_us - queue_delay_base_us(&e->queue) > DOWNLINK_QUEUE_US + bandwidth_estimator_usual_wait_us(e);
}

void downlink_fill_allocation(struct downlink *d, struct allocation *a, int64_t now_us) {
  const struct bandwidth_estimator *e = &d->estimator;
  a->target_bps = bandwidth_estimator_bps(e);
  a->proven_bps = bandwidth_estimator_proven_bps(e, now_us);
  a->loss = loss_bound_recent(&e->loss);
  a->stalled = e->stalled;
  a->queue = (downlink_queue_stands(d) && !e->competition.on) || pacer_backlog_us(&d->pacer) > DOWNLINK_QUEUE_US ||
             is_left_over(e, now_us);
  a->settling = a->queue && e->dropped_us >= 0 && now_us - e->dropped_us < QUEUE_RECENT_US;
  a->draining = bandwidth_estimator_draining(e, now_us);
  d->allocated_bps = a->target_bps;
  d->allocated_stalled = e->stalled;
  d->allocated_draining = a->draining;
}

void downlink_want(struct downlink *d, const struct allocation *a, int64_t now_us) {
  d->used_bps = a->used_bps;
  d->allocated_no_picture = a->next_bps > 0 && a->used_bps <= a->audio_bps;
  uint64_t twice_bps = now_us < d->repeat_until_us ? a->used_bps * DOWNLINK_REPEAT_ROOM_PERCENT / 100 : 0;
  uint64_t next_bps = a->next_bps || a->target_bps > twice_bps ? a->next_bps : twice_bps;
  bandwidth_estimator_want(&d->estimator, next_bps, a->most_bps > twice_bps ? a->most_bps : twice_bps, now_us);
  d->service_us = 0;
}

bool downlink_changed(const struct downlink *d, int64_t now_us) {
  const struct bandwidth_estimator *e = &d->estimator;
  uint64_t bps = bandwidth_estimator_bps(e);
  bool rose = d->allocated_no_picture && bps > d->allocated_bps + d->allocated_bps / 4;
  return bps < d->allocated_bps || rose || e->stalled != d->allocated_stalled ||
         bandwidth_estimator_draining(e, now_us) != d->allocated_draining;
}

const struct bandwidth_estimator *downlink_estimator(const struct downlink *d) {
  return &d->estimator;
}

uint64_t downlink_sent(const struct downlink *d) {
  return d->history.next - TRANSPORT_HISTORY_BEGIN;
}

void downlink_get_stats(const struct downlink *d, struct downlink_stats *out) {
  *out = d->stats;
  out->offered = d->offered;
  out->sent = downlink_sent(d);
  out->playout_ms = d->playout_ms;
  out->redundancy = d->redundancy;
  out->redundancy_most_bps = d->redundancy_most_bps;
  out->backlog_us = pacer_backlog_us(&d->pacer);
}
