/* server/room/slots.c: which track flows into which slot of each receiver (design §4).
 *
 * Per receiver and kind: pick the best tracks, as many as it has slots, then change as few slots as possible: a track that
 * stays picked stays where it is. What is new takes the slot beside what belongs to it, if that is free. Order of the pick for video: screens, then the receiver's own wishes (high, normal, low),
 * then the room's ranking; never its own tracks, never what it does not show or cannot decode. The ranking is sorted once
 * per room (ranking.c), so a receiver costs its slots and its views.
 */
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "server/room/internal.h"

static struct view_entry *find_view(const struct member *receiver, uint32_t track) {
  struct view_entry *entry;
  HASH_FIND(hh, receiver->views, &track, sizeof track, entry);
  return entry;
}

struct room_view member_view(const struct member *receiver, const struct track *t) {
  const struct view_entry *entry = find_view(receiver, t->handle);
  if (entry) return entry->view;
  bool left_out = t->kind == ROOM_VIDEO && t->handle <= receiver->viewed_until;
  return (struct room_view){.visible = !left_out, .priority = ROOM_PRIORITY_NORMAL};
}

bool member_can_decode(const struct member *receiver, const struct track *t) {
  return !t->codec || (receiver->decodable[t->kind] & t->codec);
}

static void tell_view(struct room_manager *m, const struct member *receiver, const struct track *t) {
  struct room_view view = member_view(receiver, t);
  m->listener.track_view(m->arg, receiver->handle, t->handle, &view);
}

void member_clear_views(struct member *receiver) {
  struct view_entry *entry = receiver->views;
  HASH_CLEAR(hh, receiver->views); /* the table; the entries still hang together */
  while (entry) {
    struct view_entry *next = entry->hh.next;
    free(entry);
    entry = next;
  }
}

static void add_view(struct member *receiver, const struct room_wish *wish) {
  struct view_entry *entry = find_view(receiver, wish->track->handle);
  if (!entry) {
    if (HASH_COUNT(receiver->views) >= ROOM_MAX_VIEWS || !(entry = calloc(1, sizeof *entry))) return;
    entry->track = wish->track->handle;
    HASH_ADD(hh, receiver->views, track, sizeof entry->track, entry);
  }
  entry->view = wish->view;
}

static bool same_view(const struct room_view *a, const struct room_view *b) {
  return a->visible == b->visible && a->width == b->width && a->height == b->height && a->priority == b->priority;
}

void member_set_views(struct room_manager *m, struct member *receiver, const struct room_wish *wishes, size_t count) {
  struct room_view before[ROOM_MAX_SLOTS] = {0};
  for (size_t i = 0; i < receiver->slot_count; i++)
    if (receiver->slots[i].track) before[i] = member_view(receiver, receiver->slots[i].track);
  member_clear_views(receiver);
  receiver->viewed_until = m->last_handle;
  for (size_t i = 0; i < count; i++)
    add_view(receiver, &wishes[i]);
  for (size_t i = 0; i < receiver->slot_count; i++) {
    const struct track *t = receiver->slots[i].track;
    if (!t) continue;
    struct room_view now = member_view(receiver, t);
    if (!same_view(&before[i], &now)) tell_view(m, receiver, t);
  }
  room_touch(m, receiver->room);
}

struct pick {
  const struct member *receiver;
  struct track **list;
  size_t count, max;
  uint64_t mark; /* stands in track.mark of what is in `list` */
};

static void pick_add(struct pick *p, struct track *t) {
  if (p->count == p->max || t->mark == p->mark || t->member == p->receiver || !member_can_decode(p->receiver, t))
    return;
  t->mark = p->mark;
  p->list[p->count++] = t;
}

/* Microphones and screen sound each have a cap; of few slots at most half go to screen sound, so that with one slot
 * people are heard. */
static void pick_audio(const struct room_manager *m, struct room *r, struct pick *p) {
  size_t slots = p->max, i = 0;
  p->max = m->settings.screen_audio_slots < slots / 2 ? m->settings.screen_audio_slots : slots / 2;
  for (; i < r->audio_count && r->audio_order[i]->source == ROOM_SCREEN_AUDIO; i++)
    pick_add(p, r->audio_order[i]);
  p->max = p->count + m->settings.audio_slots < slots ? p->count + m->settings.audio_slots : slots;
  for (; i < r->audio_count; i++)
    pick_add(p, r->audio_order[i]);
}

static void pick_video(const struct room_manager *m, struct room *r, struct pick *p) {
  for (size_t i = 0; i < r->video_count && p->count < p->max; i++) {
    struct track *t = r->video_order[i];
    if (t->source != ROOM_SCREEN || t->muted) break; /* screens come first, muted ones last */
    if (member_view(p->receiver, t).visible) pick_add(p, t);
  }
  for (int priority = ROOM_PRIORITY_HIGH; priority >= ROOM_PRIORITY_LOW && p->count < p->max; priority--) {
    const struct view_entry *entry;
    for (entry = p->receiver->views; entry; entry = entry->hh.next) {
      if (!entry->view.visible || (int)entry->view.priority != priority) continue;
      struct track *t;
      HASH_FIND(hh, m->tracks, &entry->track, sizeof entry->track, t);
      if (t && t->kind == ROOM_VIDEO && !t->muted) pick_add(p, t);
    }
  }
  for (size_t i = 0; i < r->video_count && p->count < p->max; i++)
    if (member_view(p->receiver, r->video_order[i]).visible) pick_add(p, r->video_order[i]);
}

/* The n-th slot for sound and the n-th for pictures are a pair: the browser plays what flows there in sync. */
struct pairs {
  struct slot *slots[2][ROOM_MAX_SLOTS]; /* by kind */
  size_t count[2];
};

static void find_pairs(struct pairs *pairs, struct member *receiver) {
  for (size_t i = 0; i < receiver->slot_count; i++) {
    struct slot *slot = &receiver->slots[i];
    pairs->slots[slot->kind][pairs->count[slot->kind]++] = slot;
  }
}

/* A voice and its face, a screen and its sound. */
static bool belong_together(const struct track *a, const struct track *b) {
  bool screen = a->source == ROOM_SCREEN || a->source == ROOM_SCREEN_AUDIO;
  return a->member == b->member && screen == (b->source == ROOM_SCREEN || b->source == ROOM_SCREEN_AUDIO);
}

/* Of the empty slots, best first: beside what belongs to it; beside nothing, so that what belongs to it can follow; any. */
enum fit { FIT_PAIR, FIT_ALONE, FIT_ANY };

static struct slot *find_empty(const struct pairs *pairs, enum room_kind kind, const struct track *t, enum fit fit) {
  enum room_kind other = kind == ROOM_AUDIO ? ROOM_VIDEO : ROOM_AUDIO;
  for (size_t i = 0; i < pairs->count[kind]; i++) {
    struct slot *slot = pairs->slots[kind][i];
    if (!slot || slot->track) continue;
    const struct track *beside = i < pairs->count[other] ? pairs->slots[other][i]->track : NULL;
    if (fit == FIT_ANY || (fit == FIT_ALONE && !beside && i < pairs->count[other]) ||
        (fit == FIT_PAIR && beside && belong_together(t, beside)))
      return slot;
  }
  return NULL;
}

/* Keeps what is still picked, empties the rest, and fills the empty slots with what has none. */
static void place(struct member *receiver, enum room_kind kind, const struct pick *p, uint64_t placed) {
  struct pairs pairs = {0};
  size_t left = p->count;
  find_pairs(&pairs, receiver);
  for (size_t i = 0; i < pairs.count[kind]; i++) {
    struct slot *slot = pairs.slots[kind][i];
    if (!slot || !slot->track) continue;
    if (slot->track->mark != p->mark || slot->track->closing) {
      slot->track = NULL;
      continue;
    }
    slot->track->mark = placed;
    left--;
  }
  for (enum fit fit = FIT_PAIR; left && fit <= FIT_ANY; fit++) {
    for (size_t i = 0; i < p->count; i++) {
      if (p->list[i]->mark == placed) continue;
      struct slot *slot = find_empty(&pairs, kind, p->list[i], fit);
      if (!slot) continue;
      slot->track = p->list[i];
      slot->track->mark = placed;
      left--;
    }
  }
}

static void assign_kind(struct room_manager *m, struct room *r, struct member *receiver, enum room_kind kind) {
  struct track *list[ROOM_MAX_SLOTS];
  struct pick p = {.receiver = receiver, .list = list, .mark = ++m->last_mark};
  for (size_t i = 0; i < receiver->slot_count; i++)
    p.max += receiver->slots[i].kind == kind;
  if (kind == ROOM_AUDIO)
    pick_audio(m, r, &p);
  else
    pick_video(m, r, &p);
  place(receiver, kind, &p, ++m->last_mark);
}

/* One event with all that changed, and the same to the engine: emptied slots first, so that no track is in two. */
static void tell_changes(struct room_manager *m, struct member *receiver) {
  json_t *changes = NULL;
  for (int pass = 0; pass < 2; pass++) {
    for (size_t i = 0; i < receiver->slot_count; i++) {
      struct slot *slot = &receiver->slots[i];
      if (slot->track == slot->before || (pass == 0) != !slot->track) continue;
      if (slot->track) tell_view(m, receiver, slot->track);
      m->listener.slot_assign(m->arg, receiver->handle, slot->mid, slot->track ? slot->track->handle : 0);
      if (!changes) changes = json_array();
      json_array_append_new(changes, slot_json(slot));
    }
  }
  if (changes) member_event(m, receiver, "slots", json_pack("{s:o}", "slots", changes));
}

void slots_assign(struct room_manager *m, struct room *r) {
  struct member *receiver;
  DL_FOREACH(r->members, receiver) {
    for (size_t i = 0; i < receiver->slot_count; i++)
      receiver->slots[i].before = receiver->slots[i].track;
    assign_kind(m, r, receiver, ROOM_AUDIO);
    assign_kind(m, r, receiver, ROOM_VIDEO);
    tell_changes(m, receiver);
  }
}
