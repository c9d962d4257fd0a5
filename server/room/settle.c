/* server/room/settle.c: the end of every call: what waited runs, then each touched room is worked out once.
 *
 * A call only notes what changed. When the outermost one ends, requests that an answered offer held back run first, then
 * per touched room: ranking → slots → codecs → layers → slotsNeeded → speakers → topology → waiting room, and at last what left is freed: tracks
 * before the members that own them.
 */
#include <stdlib.h>
#include <utlist.h>

#include "server/room/internal.h"

void manager_enter(struct room_manager *m, int64_t now_us) {
  m->depth++;
  if (now_us > m->now_us) m->now_us = now_us;
}

void room_touch(struct room_manager *m, struct room *r) {
  if (r->dirty) return;
  r->dirty = true;
  r->dirty_next = m->dirty;
  m->dirty = r;
}

void room_touch_order(struct room_manager *m, struct room *r) {
  r->order_stale = true;
  room_touch(m, r);
}

void room_wake_at(struct room_manager *m, struct room *r, int64_t at_us) {
  if (at_us < r->wake_us) r->wake_us = at_us;
  manager_wake_at(m, at_us);
}

static void run_waiting(struct room_manager *m) {
  struct session *s;
  while ((s = m->runnable)) {
    m->runnable = s->run_next;
    s->runnable = false;
    while (!s->removed && !s->offer_id && json_array_size(s->waiting) > 0) {
      json_t *message = json_incref(json_array_get(s->waiting, 0));
      json_array_remove(s->waiting, 0);
      session_handle(m, s, message);
      json_decref(message);
    }
  }
}

static void free_closing(struct room_manager *m, struct room *r) {
  struct track *t, *next_track;
  DL_FOREACH_SAFE(r->closing_tracks, t, next_track) {
    struct member *member;
    DL_FOREACH(r->members, member) {
      struct view_entry *entry;
      HASH_FIND(hh, member->views, &t->handle, sizeof t->handle, entry);
      if (!entry) continue;
      HASH_DEL(member->views, entry);
      free(entry);
    }
    DL_DELETE(r->closing_tracks, t);
    if (t->opened) m->listener.track_closed(m->arg, t->handle);
    free(t);
  }
  struct member *gone, *next_member;
  DL_FOREACH_SAFE(r->closing_members, gone, next_member) {
    DL_DELETE(r->closing_members, gone);
    m->listener.media_close(m->arg, gone->handle);
    member_free(gone);
  }
}

static void open_tracks(struct room_manager *m, struct room *r) {
  struct track *t;
  DL_FOREACH(r->tracks, t) {
    if (t->opened) continue;
    t->opened = true;
    struct room_track told = {.track = t->handle,
                              .participant = t->member->handle,
                              .id = t->id,
                              .mid = t->mid,
                              .kind = t->kind,
                              .source = t->source};
    m->listener.track_opened(m->arg, &told);
    if (t->muted) m->listener.track_forwarding(m->arg, t->handle, false);
  }
}

static void settle_room(struct room_manager *m, struct room *r) {
  r->wake_us = ROOM_NEVER;
  open_tracks(m, r);
  if (r->order_stale) ranking_sort(m, r);
  slots_assign(m, r);
  codecs_settle(m, r);
  layers_settle(m, r);
  slots_settle_needed(m, r);
  ranking_settle_event(m, r);
  direct_settle(m, r);
  waiting_settle(m, r);
  free_closing(m, r);
  bool lingers = r->empty_until_us > m->now_us && !r->closed;
  if (!r->members && lingers) room_wake_at(m, r, r->empty_until_us);
  if (r->members || r->waiters || lingers) return;
  if (room_find(m, r->name) == r) HASH_DEL(m->rooms, r);
  room_free(r);
}

void manager_leave(struct room_manager *m) {
  if (m->depth > 1) {
    m->depth--;
    return;
  }
  run_waiting(m);
  struct room *r;
  while ((r = m->dirty)) {
    m->dirty = r->dirty_next;
    r->dirty = false;
    settle_room(m, r);
  }
  struct session *s;
  while ((s = m->dead)) {
    m->dead = s->dead_next;
    session_free(s);
  }
  m->depth--;
}
