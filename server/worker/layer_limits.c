/* server/worker/layer_limits.c: how much of each layer is of use to anybody, told to the publisher (`layersWanted`, maxBitrate).
 *
 * Three layers fit three links. A receiver between two of them would get the smaller picture, or half of the frames; its publisher,
 * asked to encode that layer smaller, gives it the whole of what its link carries, as a direct call would. But a layer belongs to
 * all who can take it, so only the one among them with the best link is asked, and none is held back while one of them gets it
 * as it is. A layer too large for everybody is kept at the least it can be of use at, so that the step up is near.
 */
#include "rtp/bandwidth_allocator.h"
#include "server/worker/engine.h"

/* What our pages set their encoders to; a source without layers as a screen. */
static const uint32_t usual_bps[ENGINE_MAX_LAYERS] = {150000, 500000, 1700000, 3500000};
#define USUAL_SINGLE_BPS    2500000

/* Bits a second and pixel below which the next smaller layer is the better picture; one that is held keeps it a little longer. */
#define FLOOR_PER_1000_PX   650
#define FLOOR_HELD          80 /* percent */
/* An encoder meets its rate on average only, and a step up wants 110 percent. */
#define USEFUL_PERCENT      90
#define PATIENCE_US         400000  /* less than it wants for so long: its publisher is asked */
#define SETTLED_US          1500000 /* of feedback: before, the estimate is still on its way up … */
#define CONCLUDED_US        300000  /* … unless the opening probes have met the link's end */
#define INTERVAL_US         250000
#define DOWN_PERCENT        94 /* changes smaller than these are not worth a message */
#define UP_PERCENT          102
#define QUANTUM_BPS         5000
#define FILLED_PERCENT      80
/* What was too much is not tried again at once. What is left below it becomes more by and by, or links that were only disturbed
 * would stay half empty: slowly, and faster when it has been well for long. */
#define CEILING_PERCENT     96
#define SAME_FALL_US        3000000 /* an estimate falls in several steps: one failure */
#define CREEP_PERMILLE      6       /* a second … */
#define CREEP_US            20000000
#define FAST_CREEP_PERMILLE 20
#define CHANGED_PERCENT     140 /* of the ceiling proven: it is another link now */
#define RAISE_PERCENT       108 /* at a time: an encoder that fills its limit finds out the hard way */
#define RAISE_US            1000000
#define TRUST_FROM_US       300000  /* an encoder that was told needs a moment, … */
#define TRUST_UNTIL_US      2000000 /* … and by then it is measured */
#define WATCHED_US          300000  /* whether it obeys is seen over so long */
#define OBEDIENT_PERCENT    120
#define PROVEN_PERCENT      70 /* of the estimate, at least: who is sent little proves little */

static uint32_t usual(const struct track *track, int layer) {
  bool single = !track->section || track->section->rid_count < 2;
  return single ? USUAL_SINGLE_BPS : usual_bps[layer];
}

static uint32_t floor_bps(const struct track *track, int layer, int64_t now_us) {
  const struct incoming *incoming = track->layers[layer];
  struct rtp_incoming_stats stats = {0};
  if (incoming) rtp_incoming_stream_stats(incoming->stream, now_us, &stats);
  uint32_t pixels = (uint32_t)stats.width * stats.height;
  return pixels ? pixels / 1000 * FLOOR_PER_1000_PX : usual(track, layer) / 3;
}

/* The inverse of bandwidth_allocator_wire_bps(), roughly: it is linear. */
static uint64_t media_bps(uint64_t wire_bps) {
  uint64_t base_bps = bandwidth_allocator_wire_bps(0);
  if (wire_bps <= base_bps) return 1;
  return (wire_bps - base_bps) * 1000000 / (bandwidth_allocator_wire_bps(1000000) - base_bps);
}

static void set_useful(struct slot *slot, uint64_t bps) {
  if (slot->wish.useful_bps == bps) return;
  slot->wish.useful_bps = bps;
  if (slot->track) slot->track->limits_stale = true;
}

static bool is_settled(const struct peer *peer, int64_t now_us) {
  if (!peer->link.reported_us) return false;
  int64_t since_us = now_us - peer->link.reported_us;
  const struct bandwidth_estimator *e = downlink_estimator(peer->link.downlink);
  return since_us >= SETTLED_US || (since_us >= CONCLUDED_US && probe_controller_concluded(&e->probes));
}

static uint64_t ceiling_bps(const struct layer_wish *wish, int64_t now_us) {
  int64_t since_us = now_us - wish->ceiling_us;
  int64_t slow_us = since_us < CREEP_US ? since_us : CREEP_US, fast_us = since_us - slow_us;
  int64_t permille = 1000 + (slow_us * CREEP_PERMILLE + fast_us * FAST_CREEP_PERMILLE) / 1000000;
  return wish->ceiling_bps * (uint64_t)permille / 1000;
}

static void lower(struct slot *slot, uint64_t bps, int64_t now_us) {
  struct layer_wish *wish = &slot->wish;
  if (!wish->ceiling_bps || now_us - wish->ceiling_us > SAME_FALL_US) {
    wish->ceiling_bps = wish->useful_bps * CEILING_PERCENT / 100;
    wish->ceiling_us = now_us;
  }
  set_useful(slot, bps);
}

static void raise_or_follow(struct slot *slot, uint64_t proven_bps, bool less, int64_t now_us) {
  struct layer_wish *wish = &slot->wish;
  if (proven_bps * 100 > wish->ceiling_bps * CHANGED_PERCENT) wish->ceiling_bps = 0;
  if (wish->ceiling_bps && proven_bps > ceiling_bps(wish, now_us)) proven_bps = ceiling_bps(wish, now_us);
  if (less && proven_bps < wish->useful_bps) {
    set_useful(slot, proven_bps);
    return;
  }
  if (proven_bps * 100 <= wish->useful_bps * UP_PERCENT || now_us - wish->raised_us < RAISE_US) return;
  uint64_t step_bps = wish->useful_bps * RAISE_PERCENT / 100;
  bool far = proven_bps * 100 > wish->useful_bps * CHANGED_PERCENT;
  wish->raised_us = now_us;
  set_useful(slot, proven_bps > step_bps && !far ? step_bps : proven_bps);
}

void slot_note_room(struct slot *slot, const struct allocation_slot *share, int64_t now_us) {
  struct layer_wish *wish = &slot->wish;
  if (share->wanted != LAYER_NONE && wish->layer != share->wanted) {
    wish->layer = (int8_t)share->wanted;
    slot->track->limits_stale = true;
  }
  bool less = share->reason == ALLOCATION_BANDWIDTH;
  if (!less) wish->since_us = 0;
  if (less && !wish->since_us) wish->since_us = now_us;
  if (share->room_bps && share->wanted != LAYER_NONE) {
    /* Down with the estimate, up only with what is proven: an encoder that fills its limit finds out the hard way. */
    uint64_t room_bps = media_bps(share->room_bps);
    uint64_t most_bps = media_bps(share->room_bps * USEFUL_PERCENT / 100);
    uint64_t proven_bps = media_bps(share->proven_room_bps * USEFUL_PERCENT / 100);
    if (less && proven_bps < most_bps * PROVEN_PERCENT / 100) proven_bps = most_bps * PROVEN_PERCENT / 100;
    bool patient = !less || now_us - wish->since_us < PATIENCE_US || !is_settled(slot->peer, now_us);
    if (proven_bps >= usual(slot->track, share->wanted))
      set_useful(slot, 0);
    else if (!wish->useful_bps)
      set_useful(slot, patient ? 0 : proven_bps);
    else if (room_bps * 100 < wish->useful_bps * DOWN_PERCENT || share->room_bps < share->bps)
      lower(slot, less ? most_bps : room_bps, now_us); /* an estimate that falls has left headroom */
    else
      raise_or_follow(slot, proven_bps, less, now_us);
  }
  if (slot->track->limits_stale) track_review_limits(slot->track, now_us);
}

/* Whether it does what it is told shows soon, in what came since then. */
static void watch(struct track *track, size_t layer, uint64_t bytes, int64_t now_us) {
  struct limit_watch *w = &track->watched[layer];
  if (w->told_us != track->limits_told_us) {
    *w = (struct limit_watch){.told_us = track->limits_told_us, .from_us = now_us, .bytes = bytes};
    return;
  }
  int64_t span_us = now_us - w->from_us;
  if (span_us < WATCHED_US || bytes < w->bytes) return;
  uint64_t bps = (bytes - w->bytes) * 8000000 / (uint64_t)span_us;
  track->obeys = bps * 100 <= (uint64_t)track->limit_bps[layer] * OBEDIENT_PERCENT;
}

uint64_t track_expected_bps(struct track *track, size_t layer, const struct rtp_incoming_stats *stats, bool flows,
                            int64_t now_us) {
  uint64_t limit_bps = track->limit_bps[layer];
  int64_t since_us = now_us - track->limits_told_us;
  bool now = since_us >= TRUST_FROM_US && since_us < TRUST_UNTIL_US;
  if (!limit_bps || limit_bps >= stats->bitrate_bps || !now) return stats->bitrate_bps;
  watch(track, layer, stats->bytes, now_us);
  return flows || track->obeys ? limit_bps : stats->bitrate_bps;
}

bool slot_could_take_more(const struct slot *slot, const struct allocation_slot *share) {
  int held = slot->wish.held;
  if (!slot->wish.useful_bps || held == LAYER_NONE || held >= (int)share->layer_count) return false;
  uint32_t limit_bps = slot->track->limit_bps[held];
  /* An encoder that needs less than it may have is not held back by it. */
  return limit_bps && share->layers[held].bitrate_bps * 100 >= (uint64_t)limit_bps * FILLED_PERCENT;
}

/* One receiver's say: the largest layer that is of use to it at its rate, and the least that those above would have to be. */
static void count(const struct track *track, struct slot *slot, uint32_t limits[], bool free_of[], int64_t now_us) {
  struct layer_wish *wish = &slot->wish;
  int layer = wish->layer, held = wish->held;
  wish->held = LAYER_NONE;
  if (!slot->peer->link.governed || !wish->useful_bps) {
    free_of[layer] = true;
    return;
  }
  for (; layer > 0 && !(track->section && track->section->rid_count < 2); layer--) {
    uint64_t floor = floor_bps(track, layer, now_us);
    if (wish->useful_bps * 100 >= floor * (layer == held ? FLOOR_HELD : 100)) break;
    if (limits[layer] < floor) limits[layer] = (uint32_t)floor;
  }
  wish->held = (int8_t)layer;
  uint64_t bps = wish->useful_bps < usual(track, layer) / 2 && layer == 0 ? usual(track, layer) / 2 : wish->useful_bps;
  if (bps >= usual(track, layer)) free_of[layer] = true;
  if (limits[layer] < bps) limits[layer] = (uint32_t)bps;
}

void track_review_limits(struct track *track, int64_t now_us) {
  if (now_us - track->limits_us < INTERVAL_US) return;
  track->limits_us = now_us;
  track->limits_stale = false;
  uint32_t limits[ENGINE_MAX_LAYERS] = {0};
  bool free_of[ENGINE_MAX_LAYERS] = {false}, changed = false, newcomers = false, settled = false;
  for (size_t i = 0; i < track->subscriber_count; i++) {
    struct slot *slot = track->subscribers[i];
    if (!slot_is_shown(slot)) continue;
    /* Who has just come shall not undo for a moment what was found out for the others. */
    bool fresh = slot->peer->link.governed && !slot->wish.useful_bps && !is_settled(slot->peer, now_us);
    newcomers |= fresh;
    settled |= !fresh;
    if (!fresh) count(track, slot, limits, free_of, now_us);
  }
  if (newcomers && !settled) free_of[0] = free_of[1] = free_of[2] = free_of[3] = true;
  for (size_t i = 0; i < ENGINE_MAX_LAYERS; i++) {
    uint32_t bps = free_of[i] ? 0 : limits[i] / QUANTUM_BPS * QUANTUM_BPS;
    changed |= bps != track->limit_bps[i];
    track->limit_bps[i] = bps;
  }
  if (!changed) return;
  track->limits_told_us = now_us;
  room_manager_track_limits(track->publisher->engine->manager, track->handle, track->limit_bps, now_us);
}
