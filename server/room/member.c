/* server/room/member.c: who enters a room and who leaves it, and rooms made and closed by that. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "server/room/internal.h"

struct room *room_find(const struct room_manager *m, const char *name) {
  struct room *r;
  HASH_FIND_STR(m->rooms, name, r);
  return r;
}

struct member *room_member(const struct room *r, const char *id, bool with_hidden) {
  struct member *member;
  DL_FOREACH(r->members, member) {
    if (strcmp(member->id, id) == 0) return member->hidden && !with_hidden ? NULL : member;
  }
  return NULL;
}

struct member *room_member_by_identity(const struct room *r, const char *identity) {
  struct member *member;
  DL_FOREACH(r->members, member) {
    if (strcmp(member->session->identity, identity) == 0) return member;
  }
  return NULL;
}

enum signaling_error room_admission(const struct room_manager *m, const struct room *r, enum signaling_role role,
                                    const char *identity, bool hidden, bool admitted) {
  if (!r) {
    if (m->draining) return SIGNALING_DRAINING;
    return HASH_COUNT(m->rooms) >= m->settings.max_rooms ? SIGNALING_BUSY : SIGNALING_OK;
  }
  /* Who is inside already and comes again (another tab, a new session) takes its own place. */
  const struct member *old = identity ? room_member_by_identity(r, identity) : NULL;
  bool may_enter_locked = old || admitted || signaling_role_has(role, SIGNALING_RIGHT_ENTER_LOCKED);
  if (r->locked && !may_enter_locked) return SIGNALING_ROOM_LOCKED;
  bool own_place = old && old->hidden == hidden;
  size_t taken = hidden ? r->hidden_count : r->visible_count;
  size_t places = hidden ? m->settings.max_hidden : m->settings.max_participants;
  return taken >= places && !own_place ? SIGNALING_ROOM_FULL : SIGNALING_OK;
}

struct room *room_create(struct room_manager *m, const char *name) {
  struct room *r = calloc(1, sizeof *r);
  if (!r) return NULL;
  r->name = strdup(name);
  if (!r->name) {
    free(r);
    return NULL;
  }
  r->handle = manager_handle(m);
  r->created_ms = manager_wall_ms(m);
  r->wake_us = ROOM_NEVER;
  r->speakers = json_array();
  r->speakers_told = json_array();
  r->speakers_us = INT64_MIN / 2;
  r->policy = m->settings.policy;
  topology_init(&r->topology);
  HASH_ADD_KEYPTR(hh, m->rooms, r->name, strlen(r->name), r);
  room_touch(m, r); /* gone again at the end of this call unless somebody gets in */
  return r;
}

void member_free(struct member *member) {
  member_clear_views(member);
  free(member->slots);
  free(member);
}

static void free_members(struct member *list) {
  for (struct member *member = list; member;) {
    struct member *next = member->next;
    member_free(member);
    member = next;
  }
}

static void free_tracks(struct track *list) {
  for (struct track *t = list; t;) {
    struct track *next = t->next;
    free(t);
    t = next;
  }
}

void room_free(struct room *r) {
  free_tracks(r->tracks);
  free_tracks(r->closing_tracks);
  free_members(r->members);
  free_members(r->closing_members);
  waiting_free(r);
  chat_free(r);
  free(r->audio_order);
  free(r->video_order);
  json_decref(r->speakers);
  json_decref(r->speakers_told);
  free(r->name);
  free(r);
}

static struct member *member_create(struct room_manager *m, struct room *r, struct session *s, bool hidden) {
  struct member *member = calloc(1, sizeof *member);
  if (!member) return NULL;
  member->handle = manager_handle(m);
  manager_make_id(m, "p_", member->id);
  member->room = r;
  member->session = s;
  member->hidden = hidden;
  member->joined_ms = manager_wall_ms(m);
  member->asked_us = INT64_MIN / 2;
  member->turn_us = INT64_MIN;
  memset(member->decodable, 0xff, sizeof member->decodable); /* until an offer says otherwise */
  memset(member->encodable, 0xff, sizeof member->encodable);
  HASH_ADD(hh, m->members, handle, sizeof member->handle, member);
  HASH_ADD_KEYPTR(hh_id, m->member_ids, member->id, strlen(member->id), member);
  DL_APPEND(r->members, member);
  if (!r->opened) r->created_ms = member->joined_ms; /* somebody's waiting is no consultation yet */
  r->opened = true;
  *(hidden ? &r->hidden_count : &r->visible_count) += 1;
  return member;
}

enum signaling_error member_join(struct room_manager *m, struct session *s, bool hidden, bool never_direct) {
  struct room *r = room_find(m, s->room_name);
  enum signaling_error refused = room_admission(m, r, s->role, s->identity, hidden, s->admitted);
  if (refused) return refused;
  if (!r) r = room_create(m, s->room_name);
  if (!r) return SIGNALING_INTERNAL;
  struct member *old = room_member_by_identity(r, s->identity);
  if (old) {
    struct session *previous = old->session;
    member_remove(m, old, LEAVE_REPLACED);
    session_close(m, previous, SIGNALING_CLOSE_REPLACED, "replaced");
  }
  struct member *member = member_create(m, r, s, hidden);
  if (!member) return SIGNALING_INTERNAL;
  member->never_direct = never_direct;
  s->member = member;
  s->outcome = WAIT_NONE;
  struct room_participant opened = {.participant = member->handle,
                                    .room = r->handle,
                                    .id = member->id,
                                    .session = s->id,
                                    .room_name = r->name,
                                    .hidden = hidden};
  m->listener.participant_opened(m->arg, &opened);
  member_announce(m, member, "participantJoined", json_pack("{s:o}", "participant", participant_json(member)));
  room_touch_order(m, r);
  return SIGNALING_OK;
}

void member_remove(struct room_manager *m, struct member *member, enum leave_reason reason) {
  static const char *const words[] = {"left", "kicked", "lost", "replaced", "sentBack", "closed"};
  struct room *r = member->room;
  struct session *s = member->session;
  assert(s); /* who is in a room has one */
  if (s->offer_id) session_error(m, s, s->offer_id, SIGNALING_NOT_JOINED, NULL);
  s->offer_stale = false;
  session_release(m, s);
  /* A closing room tells each member `closed`, which says it all. */
  if (reason != LEAVE_CLOSED)
    member_announce(m, member, "participantLeft",
                    json_pack("{s:s, s:s}", "participant", member->id, "reason", words[reason]));
  struct track *t, *next;
  DL_FOREACH_SAFE(r->tracks, t, next) {
    if (t->member == member) track_unpublish(m, t, false);
  }
  HASH_DELETE(hh, m->members, member);
  HASH_DELETE(hh_id, m->member_ids, member);
  DL_DELETE(r->members, member);
  DL_APPEND(r->closing_members, member);
  *(member->hidden ? &r->hidden_count : &r->visible_count) -= 1;
  for (size_t i = 0; i < member->slot_count; i++) {
    if (member->slots[i].track) m->listener.slot_assign(m->arg, member->handle, member->slots[i].mid, 0);
    member->slots[i].track = NULL;
  }
  s->member = NULL;
  member->session = NULL;
  ranking_forget(r, member);
  room_touch_order(m, r);
  r->empty_until_us = m->now_us + m->settings.linger_us;
}

void member_kick(struct room_manager *m, struct member *member, const char *reason, const struct member *by) {
  json_t *fields = json_pack("{s:s}", "reason", reason ? reason : "");
  if (by && !by->hidden) json_object_set_new(fields, "by", json_string(by->id));
  member_event(m, member, "kicked", fields);
  struct session *s = member->session;
  member_remove(m, member, LEAVE_KICKED);
  session_close(m, s, SIGNALING_CLOSE_KICKED, "kicked");
}

void room_close(struct room_manager *m, struct room *r, const char *reason) {
  room_broadcast(m, r, NULL, "closed", json_pack("{s:s}", "reason", reason));
  while (r->members) {
    struct session *s = r->members->session;
    member_remove(m, r->members, LEAVE_CLOSED);
    session_close(m, s, SIGNALING_CLOSE_ROOM_CLOSED, reason);
  }
  waiting_close(m, r, reason);
  HASH_DEL(m->rooms, r); /* the name is free at once; what is left goes when the call settles */
  r->closed = true;
  room_touch(m, r);
}
