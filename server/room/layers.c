/* server/room/layers.c: which simulcast layers of a track anybody has use for, and how much of each, told to its publisher
 * (`layersWanted`).
 *
 * The biggest view decides: up to a quarter of the picture's size q, up to half h, else f. Everything below the highest
 * wanted layer stays on too, because a receiver whose link gets thin falls down that ladder at once. A layer comes back
 * at once and is paused after a second without use, so that a slot swap does not stop an encoder. A track without
 * simulcast has one layer with the empty rid.
 */
#include <string.h>
#include <utlist.h>

#include "server/room/internal.h"

static unsigned layer_count(const struct track *t) {
  return t->rid_count ? t->rid_count : 1;
}

int layers_for_view(const struct track *t, const struct room_view *view) {
  int top = (int)layer_count(t) - 1;
  if (!view->visible) return -1;
  if (!view->width || !view->height || !t->full_width || !t->full_height) return top;
  int index = top;
  for (uint32_t scale = 2; scale <= 4 && index > 0; scale *= 2)
    if (view->width * scale <= t->full_width && view->height * scale <= t->full_height) index--;
  return index;
}

static void count_needs(struct room *r) {
  for (size_t i = 0; i < r->video_count; i++)
    r->video_order[i]->layers_needed = 0;
  const struct member *receiver;
  DL_FOREACH(r->members, receiver) {
    for (size_t i = 0; i < receiver->slot_count; i++) {
      struct track *t = receiver->slots[i].track;
      if (!t || t->kind != ROOM_VIDEO) continue;
      struct room_view view = member_view(receiver, t);
      int layer = layers_for_view(t, &view);
      t->layers_needed |= (uint8_t)((1u << (layer + 1)) - 1);
    }
  }
}

static void tell(struct room_manager *m, struct track *t) {
  json_t *layers = json_array();
  for (unsigned i = 0; i < layer_count(t); i++) {
    json_t *layer =
        json_pack("{s:s, s:b}", "rid", t->rid_count ? t->rids[i] : "", "active", (int)(t->layers_told >> i & 1));
    if (t->limits_bps[i]) json_object_set_new(layer, "maxBitrate", json_integer(t->limits_bps[i]));
    json_array_append_new(layers, layer);
  }
  memcpy(t->limits_told, t->limits_bps, sizeof t->limits_told);
  member_event(m, t->member, "layersWanted", json_pack("{s:s, s:o}", "track", t->id, "layers", layers));
  m->listener.layers_wanted(m->arg, t->handle, t->layers_told);
}

static void settle_track(struct room_manager *m, struct room *r, struct track *t) {
  unsigned told = t->layers_told;
  for (unsigned i = 0; i < layer_count(t); i++) {
    if (t->layers_needed >> i & 1) {
      told |= 1u << i;
      t->idle_since_us[i] = 0;
      continue;
    }
    if (!(told >> i & 1)) continue;
    if (!t->idle_since_us[i]) t->idle_since_us[i] = m->now_us ? m->now_us : 1;
    int64_t due_us = t->idle_since_us[i] + ROOM_LAYER_PAUSE_US;
    if (m->now_us < due_us)
      room_wake_at(m, r, due_us);
    else
      told &= ~(1u << i);
  }
  if (told == t->layers_told && memcmp(t->limits_bps, t->limits_told, sizeof t->limits_bps) == 0) return;
  t->layers_told = (uint8_t)told;
  tell(m, t);
}

void layers_settle(struct room_manager *m, struct room *r) {
  count_needs(r);
  for (size_t i = 0; i < r->video_count; i++)
    settle_track(m, r, r->video_order[i]);
}

int room_manager_track_limits(struct room_manager *m, uint32_t track, const uint32_t *bps, int64_t now_us) {
  struct track *t;
  HASH_FIND(hh, m->tracks, &track, sizeof track, t);
  if (!t) return ROOM_ERROR_TRACK;
  manager_enter(m, now_us);
  memcpy(t->limits_bps, bps, layer_count(t) * sizeof *bps);
  room_touch(m, t->member->room);
  manager_leave(m);
  return ROOM_OK;
}
