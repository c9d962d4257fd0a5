/* server/worker/layers.c: which layer of its track each slot gets, and how many of its temporal layers. Simulcast layers are streams
 * of their own; the spatial layers of a scalable stream (VP9 and AV1, rtp/layer_filter.h) lie within one. Here both are the same.
 *
 * A receiver that reports gets shares of its link (rtp/bandwidth_allocator.h): all its slots together, audio first, then screens
 * and what is pinned, then who speaks, then the rest, the larger picture first. One that does not gets what it shows.
 */
#include <string.h>

#include "rtp/bandwidth_allocator.h"
#include "rtp/layer_selector.h"
#include "server/worker/audio_repeat.h"
#include "server/worker/engine.h"

/* An Opus stream sends fifty packets a second, silent or not; each with our header, SRTP, UDP and IP. */
#define AUDIO_OVERHEAD_BPS UINT64_C(28800)
#define NO_LIMIT           65535
/* A rate measured over less than its window would be too small, and the layer taken for a cheap one. */
#define MEASURED_US        INT64_C(1100000)
/* Until then the link is measured for a large picture, and a source without layers counts as one: what turned out to be too large
 * would have to stop again. */
#define FRESH_WANTED_BPS   2500000
#define FRESH_SINGLE_BPS   1000000

/* A browser whose own link cannot carry all of its layers stops the largest. While the others go on, so long a silence of one says so;
 * longer than an encoder skips frames of a layer that has become too large. */
#define SILENT_US          INT64_C(400000)

/* ---- what there is ---- */

struct offer { /* a track's layers by their number, smallest first; unseen ones are not live */
  struct incoming *incoming[ENGINE_MAX_LAYERS];
  struct layer_state layers[ENGINE_MAX_LAYERS];
  size_t count;  /* one past the highest seen */
  bool scalable; /* the layers are those within one stream */
  bool fresh;    /* one of them was not measured yet */
  int only;      /* the one there is, LAYER_NONE when there are none or several */
  int current;   /* what the slot is to get now, LAYER_NONE */
};

/* A silence of all is no choice of the publisher's: nothing would be gained by another layer. */
static void leave_silent(struct offer *offer, const int64_t last_packet_us[]) {
  int64_t newest_us = -1;
  for (size_t i = 0; i < offer->count; i++)
    if (offer->incoming[i] && last_packet_us[i] > newest_us) newest_us = last_packet_us[i];
  for (size_t i = 0; i < offer->count; i++)
    if (offer->incoming[i] && newest_us - last_packet_us[i] > SILENT_US) offer->layers[i].live = false;
}

/* The layers within a stream that is the only one: what each costs is what a receiver of it is sent. */
static void spread(const struct slot *slot, int64_t now_us, struct offer *offer) {
  struct rtp_spatial_layer spatial[RTP_DD_MAX_SPATIAL];
  struct incoming *incoming = offer->only == 0 ? offer->incoming[0] : NULL;
  const size_t count = incoming ? rtp_incoming_stream_spatial(incoming->stream, now_us, spatial) : 0;
  if (count < 2) return;
  const struct layer_state whole = offer->layers[0];
  struct rtp_incoming_stats stats;
  rtp_incoming_stream_stats(incoming->stream, now_us, &stats);
  offer->scalable = true;
  offer->only = LAYER_NONE;
  offer->count = count;
  if (offer->current != LAYER_NONE) offer->current = rtp_outgoing_stream_wanted_layer(slot->out);
  for (size_t i = 0; i < count; i++) {
    const bool flows = offer->current == (int)i, fresh = now_us - incoming->heard_us < MEASURED_US;
    stats.bitrate_bps = spatial[i].bitrate_bps;
    stats.bytes = spatial[i].bytes;
    offer->incoming[i] = incoming;
    offer->layers[i] = (struct layer_state){
        .live = whole.live && spatial[i].sent,
        .width = spatial[i].width,
        .height = spatial[i].height,
        .bitrate_bps = fresh ? 0 : track_expected_bps(slot->track, i, &stats, flows, now_us),
        .temporal_count = whole.temporal_count,
    };
  }
}

static void gather(const struct slot *slot, int64_t now_us, struct offer *offer) {
  const struct rtp_incoming_stream *flowing = rtp_outgoing_stream_wanted(slot->out);
  *offer = (struct offer){.only = LAYER_NONE, .current = LAYER_NONE};
  size_t seen = 0;
  int64_t last_packet_us[ENGINE_MAX_LAYERS];
  for (size_t i = 0; i < ENGINE_MAX_LAYERS; i++) {
    struct incoming *incoming = slot->track->layers[i];
    if (!incoming) continue;
    struct rtp_incoming_stats stats;
    rtp_incoming_stream_stats(incoming->stream, now_us, &stats);
    last_packet_us[i] = stats.last_packet_us;
    if (incoming->stream == flowing) offer->current = (int)i;
    /* Before the publisher has done as it was asked, what flows need not stop, and what stopped need not wait. */
    stats.bitrate_bps = track_expected_bps(slot->track, i, &stats, offer->current == (int)i, now_us);
    bool fresh = now_us - incoming->heard_us < MEASURED_US;
    offer->fresh |= fresh;
    offer->only = seen++ ? LAYER_NONE : (int)i;
    offer->count = i + 1;
    offer->incoming[i] = incoming;
    offer->layers[i] = (struct layer_state){
        .live = rtp_incoming_stream_is_live(incoming->stream, now_us),
        .width = stats.width,
        .height = stats.height,
        .bitrate_bps = !fresh                             ? stats.bitrate_bps
                       : incoming->section->rid_count < 2 ? FRESH_SINGLE_BPS
                                                          : 0,
        .temporal_count = stats.temporal_layers,
    };
  }
  leave_silent(offer, last_packet_us);
  spread(slot, now_us, offer);
}

bool slot_is_shown(const struct slot *slot) {
  bool heard = slot->peer->told == ROOM_TRANSPORT_CONNECTED;
  return heard && slot->view.visible && slot->track->forwarding && !slot->track->publisher->paused;
}

static bool decodes(const struct slot *slot) {
  return slot->track->format < 0 || (slot->formats >> slot->track->format & 1);
}

static void take(struct slot *slot, const struct offer *offer, int layer, int64_t now_us) {
  if (layer != LAYER_NONE) rtp_outgoing_stream_set_spatial(slot->out, offer->scalable ? (uint8_t)layer : UINT8_MAX);
  if (layer != LAYER_NONE && offer->incoming[layer]->stream != rtp_outgoing_stream_wanted(slot->out))
    rtp_outgoing_stream_select(slot->out, offer->incoming[layer]->stream);
  if (layer != LAYER_NONE && rtp_outgoing_stream_uses(slot->out, offer->incoming[layer]->stream))
    offer->incoming[layer]->idle = false;
  slot_wish_if_needed(slot, now_us);
}

/* ---- by what is shown alone ---- */

static void choose_by_view(struct slot *slot, int64_t now_us) {
  rtp_outgoing_stream_pause(slot->out, !slot_is_shown(slot));
  if (!decodes(slot)) {
    rtp_outgoing_stream_select(slot->out, NULL);
    return;
  }
  struct offer offer;
  gather(slot, now_us, &offer);
  if (offer.count == 0) return;
  struct layer_request request = {
      .width = slot->view.width ? slot->view.width : NO_LIMIT,
      .height = slot->view.height ? slot->view.height : NO_LIMIT,
      .max_bitrate_bps = LAYER_NO_CAP,
      .max_temporal = LAYER_TEMPORAL_MAX - 1,
      .current = offer.current,
  };
  int layer = layer_selector_choose(offer.layers, offer.count, &request).layer;
  if (layer == LAYER_NONE) layer = offer.only;
  if (layer != LAYER_NONE) slot->wish.layer = (int8_t)layer;
  take(slot, &offer, layer, now_us);
}

/* ---- by what the link carries ---- */

static enum allocation_class importance_of(const struct slot *slot) {
  const struct track *track = slot->track;
  if (track->source == ROOM_SCREEN || slot->view.priority == ROOM_PRIORITY_HIGH) return ALLOCATION_PINNED;
  bool speaks = track->publisher->room->speaker == track->publisher->participant;
  return speaks && slot->view.priority == ROOM_PRIORITY_NORMAL ? ALLOCATION_SPEAKER : ALLOCATION_THUMBNAIL;
}

static uint64_t area_of(const struct slot *slot) {
  return (uint64_t)slot->view.width * slot->view.height;
}

/* The video slots that have a track, more important first, larger first. */
static size_t list_slots(const struct peer *peer, struct slot **out) {
  size_t count = 0;
  for (size_t i = 0; i < peer->section_count && count < ALLOCATION_SLOTS; i++) {
    struct slot *slot = peer->sections[i]->slot;
    if (!slot || !slot->track || slot->section->kind != ROOM_VIDEO) continue;
    size_t at = count++;
    for (; at > 0; at--) {
      const struct slot *before = out[at - 1];
      if (importance_of(before) < importance_of(slot) ||
          (importance_of(before) == importance_of(slot) && area_of(before) >= area_of(slot)))
        break;
      out[at] = out[at - 1];
    }
    out[at] = slot;
  }
  return count;
}

static uint64_t audio_bps(const struct peer *peer, int64_t now_us) {
  uint64_t bps = 0;
  for (size_t i = 0; i < peer->section_count; i++) {
    const struct slot *slot = peer->sections[i]->slot;
    if (!slot || !slot->track || slot->section->kind != ROOM_AUDIO) continue;
    struct rtp_outgoing_stats stats;
    rtp_outgoing_stream_stats(slot->out, now_us, &stats);
    if (stats.bitrate_bps) bps += (stats.bitrate_bps + AUDIO_OVERHEAD_BPS) * (1U + slot->repeats);
  }
  return bps;
}

static void apply(struct slot *slot, const struct allocation_slot *share, const struct offer *offer, int64_t now_us) {
  bool nothing = share->layer == LAYER_NONE;
  bool down = slot->share != LAYER_NONE && share->layer < slot->share;
  slot->share = (int8_t)share->layer;
  slot->share_reason = share->reason;
  if (down && share->reason != ALLOCATION_NO_SOURCE) downlink_stepped_down(slot->peer->link.downlink, slot->link_slot);
  /* A source that is silent for a moment keeps its place, and one without layers has only one to offer. */
  bool starved = nothing && (share->reason == ALLOCATION_BANDWIDTH || share->reason == ALLOCATION_STALLED);
  rtp_outgoing_stream_pause(slot->out, starved || !slot_is_shown(slot));
  if (nothing) {
    take(slot, offer, starved ? LAYER_NONE : offer->only, now_us);
    return;
  }
  rtp_outgoing_stream_set_temporal(slot->out, share->max_temporal);
  take(slot, offer, share->layer, now_us);
}

/* What spaces repeated retransmissions: the shortest round trip, because a queue's is not the path's. */
static void tell_rtt(const struct peer *peer) {
  int64_t rtt_us = downlink_estimator(peer->link.downlink)->least_rtt_us;
  for (size_t i = 0; i < peer->section_count && rtt_us > 0; i++) {
    if (peer->sections[i]->slot) rtp_outgoing_stream_set_rtt(peer->sections[i]->slot->out, rtt_us);
  }
}

/* Whole packets go again, not only their frames. */
static uint8_t affordable_repeats(const struct peer *peer, uint8_t times, uint64_t most_bps, int64_t now_us) {
  uint64_t bps = 0;
  for (size_t i = 0; i < peer->section_count; i++) {
    const struct slot *slot = peer->sections[i]->slot;
    if (!slot || !slot->track || slot->section->kind != ROOM_AUDIO || slot->takes_red) continue;
    struct rtp_outgoing_stats stats;
    rtp_outgoing_stream_stats(slot->out, now_us, &stats);
    if (stats.bitrate_bps) bps += stats.bitrate_bps + AUDIO_OVERHEAD_BPS;
  }
  while (times && times * bps > most_bps)
    times--;
  return times;
}

static void review_repeats(const struct peer *peer, int64_t now_us) {
  struct downlink_stats stats;
  downlink_get_stats(peer->link.downlink, &stats);
  uint8_t times = stats.redundancy ? affordable_repeats(peer, stats.redundancy, stats.redundancy_most_bps, now_us) : 0;
  for (size_t i = 0; i < peer->section_count; i++) {
    struct slot *slot = peer->sections[i]->slot;
    if (slot && slot->section->kind == ROOM_AUDIO && !slot->takes_red) audio_repeat_set(slot, times);
  }
}

/* A picture whose publisher holds it back for this link could be better: the link is measured for that too. */
static void wish_for_more(struct allocation *a, struct slot *const *list) {
  for (size_t i = 0; i < a->slot_count; i++) {
    const struct allocation_slot *s = &a->slots[i];
    // NOLINTNEXTLINE(clang-analyzer-core.CallAndMessage): as many are in the list as have a share
    if (s->reason != ALLOCATION_FULL || !slot_could_take_more(list[i], s)) continue;
    uint64_t next_bps = a->used_bps + s->bps / 4;
    if (a->next_bps < next_bps) a->next_bps = next_bps;
    if (a->most_bps < a->used_bps + s->bps) a->most_bps = a->used_bps + s->bps;
  }
}

void congestion_allocate(struct peer *peer, int64_t now_us) {
  struct congestion *c = &peer->link;
  struct slot *list[ALLOCATION_SLOTS];
  struct offer offers[ALLOCATION_SLOTS];
  struct allocation_slot shares[ALLOCATION_SLOTS];
  size_t count = list_slots(peer, list), taken = 0;
  bool fresh = false;
  for (size_t i = 0; i < count; i++) {
    struct slot *slot = list[i];
    if (!decodes(slot)) {
      rtp_outgoing_stream_select(slot->out, NULL);
      continue;
    }
    if (slot->track->publisher->paused) { /* comes directly; when it comes back it has what it had, without a proof */
      rtp_outgoing_stream_pause(slot->out, true);
      continue;
    }
    list[taken] = slot;
    gather(slot, now_us, &offers[taken]);
    bool shown = slot_is_shown(slot);
    fresh |= shown && offers[taken].fresh;
    struct allocation_slot *share = &shares[taken];
    *share = (struct allocation_slot){
        .importance = importance_of(slot),
        .screen = slot->track->source == ROOM_SCREEN,
        .layer_count = offers[taken].count,
        .width = !shown             ? 0
                 : slot->view.width ? slot->view.width
                                    : NO_LIMIT,
        .height = !shown              ? 0
                  : slot->view.height ? slot->view.height
                                      : NO_LIMIT,
        .memory = &slot->share_memory,
    };
    memcpy(share->layers, offers[taken].layers, sizeof offers[taken].layers);
    share->held_back = slot->wish.useful_bps > 0;
    share->held =
        slot->wish.held != LAYER_NONE && slot->track->limit_bps[slot->wish.held] ? slot->wish.held : LAYER_NONE;
    taken++;
  }
  struct allocation a = {
      .audio_bps = audio_bps(peer, now_us), .slots = shares, .slot_count = taken, .memory = &c->memory};
  downlink_fill_allocation(c->downlink, &a, now_us);
  bandwidth_allocator_run(&a, now_us);
  if (fresh && a.most_bps < FRESH_WANTED_BPS) a.most_bps = FRESH_WANTED_BPS;
  wish_for_more(&a, list);
  downlink_want(c->downlink, &a, now_us);
  for (size_t i = 0; i < taken; i++)
    apply(list[i], &shares[i], &offers[i], now_us);
  for (size_t i = 0; i < taken; i++)
    slot_note_room(list[i], &shares[i], now_us);
  if (a.audio_only && !c->audio_only) c->audio_only_us = now_us;
  c->audio_only = a.audio_only;
  c->reason = a.reason;
  c->used_bps = a.used_bps;
  c->wanted_bps = a.most_bps;
  c->allocate_us = now_us + ALLOCATION_INTERVAL_US;
  tell_rtt(peer);
  review_repeats(peer, now_us);
}

/* ---- for one slot, for one track ---- */

static bool is_governed(const struct slot *slot) {
  return slot->peer->link.governed && slot->section->kind == ROOM_VIDEO && slot->link_slot != DOWNLINK_NO_SLOT;
}

void slot_choose_layer(struct slot *slot, int64_t now_us) {
  peer_hurry(slot->peer);
  if (!slot->track) return;
  if (is_governed(slot))
    congestion_allocate(slot->peer, now_us);
  else
    choose_by_view(slot, now_us);
}

void track_choose_layers(struct track *track, int64_t now_us) {
  for (size_t i = 0; i < track->subscriber_count; i++)
    slot_choose_layer(track->subscribers[i], now_us);
}

/* Its layers' histories are as long as whoever receives any of them may ask back. */
static int64_t asked_back_us(const struct track *track) {
  int64_t most_us = 1;
  for (size_t i = 0; i < track->subscriber_count; i++) {
    const int64_t us = rtp_outgoing_stream_asks_us(track->subscribers[i]->out);
    if (us == 0) return 0;
    if (us > most_us) most_us = us;
  }
  return most_us;
}

void track_review_layers(struct track *track, int64_t now_us) {
  const int64_t keep_us = asked_back_us(track);
  for (size_t i = 0; i < ENGINE_MAX_LAYERS; i++) {
    struct incoming *incoming = track->layers[i];
    if (incoming) rtp_incoming_stream_keep(incoming->stream, keep_us);
    /* One that was paused and comes back is told to the slots by its first packet, as when it began. */
    if (!incoming || rtp_incoming_stream_is_live(incoming->stream, now_us)) continue;
    incoming->heard = false;
    rtp_incoming_stream_rest(incoming->stream);
  }
  for (size_t i = 0; i < track->subscriber_count; i++) {
    if (!is_governed(track->subscribers[i])) slot_choose_layer(track->subscribers[i], now_us);
  }
}
