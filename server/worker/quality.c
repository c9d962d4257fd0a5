/* server/worker/quality.c: see the header. */
#include "server/worker/quality.h"

#include "server/worker/engine.h"

#define LOSS_SMOOTHING 0.4

static enum room_grade grade_of(double loss, int64_t rtt_us) {
  if (loss > QUALITY_POOR_LOSS || rtt_us > QUALITY_POOR_RTT_US) return ROOM_POOR;
  return loss > QUALITY_GOOD_LOSS || rtt_us > QUALITY_GOOD_RTT_US ? ROOM_GOOD : ROOM_EXCELLENT;
}

static enum room_grade worse(enum room_grade a, enum room_grade b) {
  return a > b ? a : b;
}

/* ---- uplink ---- */

/* Loss before repair: what was asked for again, or never came. */
static void measure_uplink_loss(struct peer *peer, int64_t now_us) {
  struct quality *q = &peer->quality;
  uint64_t packets = 0, nacked = 0, lost = 0;
  for (size_t i = 0; i < peer->incoming_count; i++) {
    if (!peer->incoming[i].stream) continue;
    struct rtp_incoming_stats stats;
    rtp_incoming_stream_stats(peer->incoming[i].stream, now_us, &stats);
    packets += stats.packets;
    nacked += stats.nacks_sent;
    lost += stats.lost > 0 ? (uint64_t)stats.lost : 0;
  }
  if (packets < q->packets || nacked < q->nacked) { /* a stream went: count from here */
    q->packets = packets;
    q->nacked = nacked;
    q->lost = lost;
    return;
  }
  uint64_t arrived = packets - q->packets, gone = nacked - q->nacked;
  if (lost > q->lost && lost - q->lost > gone) gone = lost - q->lost;
  if (arrived + gone < QUALITY_PACKETS) return;
  q->packets = packets;
  q->nacked = nacked;
  q->lost = lost;
  double loss = (double)gone / (double)(arrived + gone);
  q->uplink_loss += LOSS_SMOOTHING * (loss - q->uplink_loss);
}

/* A layer that was there, that somebody uses, and that comes no more. */
static bool misses_a_layer(const struct peer *peer, int64_t now_us) {
  for (size_t i = 0; i < peer->section_count; i++) {
    const struct track *track = peer->sections[i]->track;
    if (!track || !track->forwarding || track->source != ROOM_CAMERA) continue;
    struct rtp_spatial_layer within[RTP_DD_MAX_SPATIAL];
    if (track->layers[0] && rtp_incoming_stream_spatial(track->layers[0]->stream, now_us, within) > 1) continue;
    for (size_t k = 1; k < ENGINE_MAX_LAYERS; k++) {
      bool wanted = track->wanted >> k & 1;
      if (wanted && track->layers[k] && !rtp_incoming_stream_is_live(track->layers[k]->stream, now_us)) return true;
    }
  }
  return false;
}

static bool encodes_slowly(const struct peer *peer, int64_t now_us) {
  for (size_t i = 0; i < peer->section_count; i++) {
    const struct track *track = peer->sections[i]->track;
    if (!track || !track->forwarding || track->source != ROOM_CAMERA || !track->layers[0]) continue;
    const struct incoming *smallest = track->layers[0];
    struct rtp_incoming_stats stats;
    rtp_incoming_stream_stats(smallest->stream, now_us, &stats);
    bool settled = smallest->heard && now_us - smallest->heard_us > INT64_C(3000000);
    if (settled && rtp_incoming_stream_is_live(smallest->stream, now_us) && stats.fps < QUALITY_SLOW_FPS) return true;
  }
  return false;
}

/* ---- downlink ---- */

static double reported_loss(const struct peer *peer, int64_t now_us) {
  double loss = 0;
  for (size_t i = 0; i < peer->section_count; i++) {
    const struct slot *slot = peer->sections[i]->slot;
    if (!slot || !slot->track || !slot->sent) continue;
    struct rtp_outgoing_stats stats;
    rtp_outgoing_stream_stats(slot->out, now_us, &stats);
    if (stats.fraction_lost / 256.0 > loss) loss = stats.fraction_lost / 256.0;
  }
  return loss;
}

/* Also when its publisher makes the picture smaller for this link: then all of it comes. */
static bool gets_less_than_wanted(const struct peer *peer) {
  for (size_t i = 0; i < peer->section_count; i++) {
    const struct slot *slot = peer->sections[i]->slot;
    if (!slot || !slot->track || slot->section->kind != ROOM_VIDEO || !slot_is_shown(slot)) continue;
    if (slot->share_reason == ALLOCATION_BANDWIDTH || slot->wish.useful_bps > 0) return true;
  }
  return false;
}

static enum room_grade judge_downlink(const struct peer *peer, int64_t rtt_us, int64_t now_us) {
  if (!peer->link.governed) return grade_of(reported_loss(peer, now_us), rtt_us);
  struct bandwidth_state state;
  bandwidth_estimator_state(downlink_estimator(peer->link.downlink), now_us, &state);
  if (state.stalled) return ROOM_LOST;
  if (peer->link.audio_only) return ROOM_POOR;
  enum room_grade grade = grade_of(state.loss, rtt_us);
  return gets_less_than_wanted(peer) ? worse(grade, ROOM_GOOD) : grade;
}

/* What waits on the way down is not its uplink's fault. */
int64_t peer_rtt_us(const struct peer *peer, int64_t now_us) {
  int64_t rtt_us = peer_transport_stats(peer->transport)->rtt_us;
  if (!peer->link.governed) return rtt_us;
  struct bandwidth_state state;
  bandwidth_estimator_state(downlink_estimator(peer->link.downlink), now_us, &state);
  if (state.rtt_us) rtt_us = state.rtt_us;
  return rtt_us > state.queue_us ? rtt_us - state.queue_us : 0;
}

/* And what waits on the way up is not the downlink's. */
static int64_t downlink_rtt_us(const struct peer *peer, int64_t now_us) {
  int64_t rtt_us = peer_transport_stats(peer->transport)->rtt_us;
  if (!peer->link.governed) return rtt_us;
  const struct bandwidth_estimator *e = downlink_estimator(peer->link.downlink);
  struct bandwidth_state state;
  bandwidth_estimator_state(e, now_us, &state);
  if (!state.rtt_us) return rtt_us;
  int64_t queued_up_us = state.rtt_us - e->least_rtt_us - state.queue_us;
  return state.rtt_us - (queued_up_us > 0 ? queued_up_us : 0);
}

/* ---- together ---- */

static void take(struct quality_direction *d, enum room_grade grade) {
  bool same_side = (grade > d->grade) == (d->seen > d->grade) && grade != d->grade && d->seen != d->grade;
  d->held = grade == d->grade ? 0 : same_side ? d->held + 1 : 1;
  d->seen = grade;
  unsigned needed = grade > d->grade ? QUALITY_WORSE_HELD : QUALITY_BETTER_HELD;
  if (d->held < needed) return;
  d->grade = grade;
  d->held = 0;
}

/* Somebody whose sound or picture it receives cannot send well. */
static bool watches_a_poor_uplink(const struct peer *peer) {
  for (size_t i = 0; i < peer->section_count; i++) {
    const struct slot *slot = peer->sections[i]->slot;
    if (slot && slot->track && slot->track->forwarding && slot->track->publisher->quality.uplink.grade >= ROOM_POOR)
      return true;
  }
  return false;
}

static enum room_cause blame(const struct peer *peer) {
  const struct quality *q = &peer->quality;
  if (q->slow_device && q->uplink.grade == ROOM_GOOD && q->downlink.grade <= ROOM_GOOD) return ROOM_CAUSE_DEVICE;
  if (q->uplink.grade >= q->downlink.grade && q->uplink.grade > ROOM_EXCELLENT) return ROOM_CAUSE_UPLINK;
  if (q->downlink.grade > ROOM_EXCELLENT) return ROOM_CAUSE_DOWNLINK;
  return watches_a_poor_uplink(peer) ? ROOM_CAUSE_OTHER_UPLINK : ROOM_CAUSE_NONE;
}

void peer_review_quality(struct peer *peer, int64_t now_us) {
  enum peer_state state = peer_transport_state(peer->transport);
  struct quality *q = &peer->quality;
  if (state == PEER_CONNECTED) q->begun = true;
  if (!q->begun) return; /* it is still arriving */
  enum room_grade uplink = ROOM_LOST, downlink = ROOM_LOST;
  if (state == PEER_CONNECTED) {
    measure_uplink_loss(peer, now_us);
    uplink = grade_of(q->uplink_loss, peer_rtt_us(peer, now_us));
    q->slow_device = uplink == ROOM_EXCELLENT && encodes_slowly(peer, now_us);
    if (q->slow_device || misses_a_layer(peer, now_us)) uplink = worse(uplink, ROOM_GOOD);
    downlink = judge_downlink(peer, downlink_rtt_us(peer, now_us), now_us);
  }
  take(&q->uplink, uplink);
  take(&q->downlink, downlink);
  q->cause = blame(peer);
  const struct room_quality quality = {.uplink = q->uplink.grade, .downlink = q->downlink.grade, .cause = q->cause};
  room_manager_quality(peer->engine->manager, peer->participant, &quality, now_us);
}
