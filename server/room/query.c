/* server/room/query.c: what the gateway asks for itself and for administrators. */
#include <string.h>
#include <utlist.h>

#include "server/room/internal.h"

static json_t *session_json(const struct session *s) {
  return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s?, s:s?, s:I, s:b, s:b, s:b, s:O*}", "session", s->id, "room",
                   s->room_name, "identity", s->identity, "name", s->name, "role", signaling_role_name(s->role),
                   "resumeHash", s->resume_hash, "jti", s->jti, "exp", (json_int_t)s->expires_s, "wait",
                   (int)(s->wait && !s->admitted), "admitted", (int)s->admitted, "joined", (int)(s->member != NULL),
                   "keep", s->keep);
}

json_t *room_manager_hello(const struct room_manager *m, int64_t now_us) {
  json_t *rooms = json_array(), *sessions = json_array(), *spent = json_array();
  const struct room *r;
  for (r = m->rooms; r; r = r->hh.next)
    json_array_append_new(rooms, json_string(r->name));
  const struct session *s;
  for (s = m->sessions; s; s = s->hh.next)
    json_array_append_new(sessions, session_json(s));
  int64_t now_s = (now_us + m->settings.wall_us) / 1000000;
  for (size_t i = 0; i < m->spent_count; i++)
    if (m->spent[i].expires_s > now_s)
      json_array_append_new(spent,
                            json_pack("{s:s, s:I}", "jti", m->spent[i].jti, "exp", (json_int_t)m->spent[i].expires_s));
  return json_pack("{s:o, s:o, s:o}", "rooms", rooms, "sessions", sessions, "spent", spent);
}

json_t *room_manager_check(const struct room_manager *m, const char *room, const char *role_name) {
  enum signaling_role role = SIGNALING_ROLE_PATIENT;
  if (role_name && signaling_role_parse(role_name, &role)) return NULL;
  const struct room *r = room_find(m, room);
  enum signaling_error refused = room_admission(m, r, role, NULL, role == SIGNALING_ROLE_OBSERVER, false);
  size_t inside = r ? r->visible_count : 0;
  json_t *value =
      json_pack("{s:b, s:I, s:I, s:b, s:b, s:b}", "exists", (int)(r && r->opened), "participants", (json_int_t)inside,
                "maxParticipants", (json_int_t)m->settings.max_participants, "locked", (int)(r && r->locked), "full",
                (int)(inside >= m->settings.max_participants), "mayJoin", (int)(refused == SIGNALING_OK));
  if (value && refused) json_object_set_new(value, "reason", json_string(signaling_error_name(refused)));
  return value;
}

static json_t *room_json(const struct room *r) {
  json_int_t tracks = 0;
  const struct track *t;
  DL_FOREACH(r->tracks, t) tracks++;
  return json_pack("{s:s, s:I, s:I, s:I, s:b, s:s, s:I}", "room", r->name, "participants", (json_int_t)r->visible_count,
                   "hidden", (json_int_t)r->hidden_count, "tracks", tracks, "locked", (int)r->locked, "topology",
                   room_topology_name(r), "createdAt", (json_int_t)r->created_ms);
}

json_t *room_manager_rooms(const struct room_manager *m) {
  json_t *list = json_array();
  const struct room *r;
  for (r = m->rooms; r; r = r->hh.next)
    json_array_append_new(list, room_json(r));
  return list;
}

static json_t *full_track(const struct track *t, const struct room_decorator *decorator) {
  json_t *object = track_json(t);
  json_object_set_new(object, "mid", json_string(t->mid));
  json_object_set_new(object, "flowing", json_boolean(t->flowing));
  json_t *active = json_array();
  for (size_t i = 0; i < t->rid_count; i++)
    if (t->layers_told >> i & 1) json_array_append_new(active, json_string(t->rids[i]));
  json_object_set_new(object, "layersWanted", active);
  if (decorator && decorator->track) decorator->track(decorator->arg, t->handle, object);
  return object;
}

static json_t *full_participant(const struct member *member, const struct room_decorator *decorator) {
  static const char *const transports[] = {"new", "connected", "failed"};
  json_t *object = participant_json(member);
  json_t *tracks = json_array(), *slots = json_array();
  const struct track *t;
  DL_FOREACH(member->room->tracks, t) {
    if (t->member == member) json_array_append_new(tracks, full_track(t, decorator));
  }
  for (size_t i = 0; i < member->slot_count; i++) {
    const struct slot *slot = &member->slots[i];
    json_t *entry = slot_json(slot);
    if (slot->track) {
      struct room_view view = member_view(member, slot->track);
      json_object_set_new(
          entry, "view",
          json_pack("{s:I, s:I, s:b, s:s}", "width", (json_int_t)view.width, "height", (json_int_t)view.height,
                    "visible", (int)view.visible, "priority", room_priority_name(view.priority)));
    }
    json_array_append_new(slots, entry);
  }
  json_object_set_new(object, "tracks", tracks);
  json_object_set_new(object, "slots", slots);
  json_object_set_new(object, "hidden", json_boolean(member->hidden));
  json_object_set_new(object, "transport", json_string(transports[member->transport]));
  if (decorator && decorator->participant) decorator->participant(decorator->arg, member->handle, object);
  return object;
}

json_t *room_manager_room(const struct room_manager *m, const char *room, const struct room_decorator *decorator) {
  const struct room *r = room_find(m, room);
  if (!r) return NULL;
  json_t *members = json_array();
  const struct member *member;
  DL_FOREACH(r->members, member) json_array_append_new(members, full_participant(member, decorator));
  json_t *object = room_json(r);
  json_object_set_new(object, "participants", members);
  return object;
}

int room_manager_close_room(struct room_manager *m, const char *room, int64_t now_us) {
  struct room *r = room_find(m, room);
  if (!r) return ROOM_ERROR_ROOM;
  manager_enter(m, now_us);
  room_close(m, r, "closed");
  manager_leave(m);
  return ROOM_OK;
}

int room_manager_remove_participant(struct room_manager *m, const char *room, const char *participant, int64_t now_us) {
  struct room *r = room_find(m, room);
  if (!r) return ROOM_ERROR_ROOM;
  struct member *member = room_member(r, participant, true);
  if (!member) return ROOM_ERROR_PARTICIPANT;
  manager_enter(m, now_us);
  member_kick(m, member, "removed", NULL);
  manager_leave(m);
  return ROOM_OK;
}

void room_manager_drain(struct room_manager *m, int64_t now_us) {
  if (m->draining) return;
  manager_enter(m, now_us);
  m->draining = true;
  json_t *event = signaling_event_json("draining", NULL);
  struct session *s, *next;
  HASH_ITER(hh, m->sessions, s, next) session_event(m, s, event);
  json_decref(event);
  manager_leave(m);
}
