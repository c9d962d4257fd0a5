/* server/room/requests.c: one client request: decoded, checked against role and membership, done, answered.
 *
 * Order of the checks, so that an answer gives away as little as it can: form, then the role's rights, then membership,
 * then what the request is about.
 */
#include "server/room/internal.h"

#include <stdlib.h>
#include <string.h>

static const char *field_text(const json_t *fields, const char *key) {
  return json_string_value(json_object_get(fields, key));
}

static enum signaling_error request_join(struct room_manager *m, struct session *s, const json_t *f,
                                         struct outcome *out) {
  if (s->member) return SIGNALING_ALREADY_JOINED;
  bool hidden = s->role == SIGNALING_ROLE_OBSERVER;
  if (json_is_true(json_object_get(f, "hidden"))) {
    if (!hidden && !signaling_role_has(s->role, SIGNALING_RIGHT_JOIN_HIDDEN)) return SIGNALING_FORBIDDEN;
    hidden = true;
  }
  if (s->waiter || waiting_must(m, room_find(m, s->room_name), s)) return waiting_enter(m, s, out);
  const char *topology = field_text(f, "topology");
  enum signaling_error error = member_join(m, s, hidden, topology && strcmp(topology, "never") == 0);
  if (error) return error;
  out->ok = json_pack("{s:s, s:o}", "participant", s->member->id, "room", snapshot_json(m, s->member));
  return SIGNALING_OK;
}

static enum signaling_error request_leave(struct room_manager *m, struct session *s, const json_t *f,
                                          struct outcome *out) {
  (void)f;
  (void)out;
  if (s->waiter)
    waiting_remove(m, s->waiter, WAITING_LEFT);
  else if (s->member)
    member_remove(m, s->member, LEAVE_LEFT);
  else
    return SIGNALING_NOT_JOINED;
  return SIGNALING_OK;
}

static enum signaling_error request_candidate(struct room_manager *m, struct session *s, const json_t *f,
                                              struct outcome *out) {
  (void)m; /* ICE-lite learns the client's addresses from its checks; the schema has looked at the form */
  (void)s;
  (void)f;
  (void)out;
  return SIGNALING_OK;
}

static enum signaling_error request_kick(struct room_manager *m, struct session *s, const json_t *f,
                                         struct outcome *out) {
  struct member *target = room_member(s->member->room, field_text(f, "participant"), false);
  if (!target) return SIGNALING_PARTICIPANT_NOT_FOUND;
  if (target == s->member) {
    out->text = "use leave for yourself";
    return SIGNALING_BAD_REQUEST;
  }
  member_kick(m, target, field_text(f, "reason"), s->member);
  return SIGNALING_OK;
}

static enum signaling_error request_lock(struct room_manager *m, struct session *s, const json_t *f,
                                         struct outcome *out) {
  (void)out;
  struct room *r = s->member->room;
  bool locked = json_is_true(json_object_get(f, "locked"));
  if (locked == r->locked) return SIGNALING_OK;
  r->locked = locked;
  room_broadcast(m, r, s->member, "roomLocked", json_pack("{s:b}", "locked", (int)locked));
  return SIGNALING_OK;
}

static enum signaling_error request_close(struct room_manager *m, struct session *s, const json_t *f,
                                          struct outcome *out) {
  (void)m;
  (void)s;
  (void)f;
  out->close_room = true;
  return SIGNALING_OK;
}

static void announce_update(struct room_manager *m, const struct member *member) {
  member_announce(m, member, "participantUpdated", json_pack("{s:o}", "participant", participant_json(member)));
}

static enum signaling_error request_set_name(struct room_manager *m, struct session *s, const json_t *f,
                                             struct outcome *out) {
  const char *name = field_text(f, "name");
  if (!name || !*name) {
    out->text = "name is empty";
    return SIGNALING_BAD_REQUEST;
  }
  char *copy = strdup(name);
  if (!copy) return SIGNALING_INTERNAL;
  free(s->name);
  s->name = copy;
  if (s->member) announce_update(m, s->member);
  if (s->waiter) waiting_tell_hosts(m, s->waiter);
  return SIGNALING_OK;
}

static enum signaling_error request_raise_hand(struct room_manager *m, struct session *s, const json_t *f,
                                               struct outcome *out) {
  (void)out;
  if (s->member->hidden) return SIGNALING_FORBIDDEN;
  bool raised = json_is_true(json_object_get(f, "raised"));
  if (raised == s->member->hand_raised) return SIGNALING_OK;
  s->member->hand_raised = raised;
  announce_update(m, s->member);
  return SIGNALING_OK;
}

static enum signaling_error request_ping(struct room_manager *m, struct session *s, const json_t *f,
                                         struct outcome *out) {
  (void)s;
  (void)f;
  out->ok = json_pack("{s:I}", "at", (json_int_t)manager_wall_ms(m));
  return SIGNALING_OK;
}

enum signaling_error request_chat(struct room_manager *m, struct session *s, const json_t *f, struct outcome *out) {
  struct member *from = s->member;
  if (from->hidden) return SIGNALING_FORBIDDEN;
  const char *text = field_text(f, "text"), *to_id = field_text(f, "to");
  if (!text || !*text) return SIGNALING_BAD_REQUEST;
  if (strlen(text) > m->settings.chat_bytes) return SIGNALING_TOO_LARGE;
  const struct member *to = to_id ? room_member(from->room, to_id, false) : NULL;
  if (to_id && !to) return SIGNALING_PARTICIPANT_NOT_FOUND;
  char id[ROOM_ID_BYTES];
  manager_make_id(m, "m_", id);
  json_int_t at = manager_wall_ms(m);
  json_t *fields =
      json_pack("{s:s, s:s, s:s, s:s, s:I}", "message", id, "from", from->id, "name", s->name, "text", text, "at", at);
  if (to) json_object_set_new(fields, "to", json_string(to->id));
  if (!fields || chat_append(m, from->room, fields, s->identity, to ? to->session->identity : NULL)) {
    json_decref(fields);
    return SIGNALING_INTERNAL;
  }
  json_t *event = json_copy(fields); /* signaling_event_json() may add `event` to what it is given */
  json_decref(fields);
  if (to && to != from)
    member_event(m, to, "chat", event);
  else if (!to)
    room_broadcast(m, from->room, from, "chat", event);
  else
    json_decref(event);
  out->ok = json_pack("{s:s, s:I}", "message", id, "at", at);
  return SIGNALING_OK;
}

enum signaling_error request_check(struct room_manager *m, struct session *s, const json_t *f, struct outcome *out) {
  const char *name = field_text(f, "room");
  /* A token is for one room; nobody may ask around what else goes on here. */
  if (!name || strcmp(name, s->room_name) != 0) return SIGNALING_FORBIDDEN;
  const struct room *r = room_find(m, name);
  if (!s->member && (s->waiter || waiting_must(m, r, s)))
    out->ok = waiting_check(m, r, s);
  else
    out->ok = room_manager_check(m, name, signaling_role_name(s->role));
  return SIGNALING_OK;
}

struct handler {
  enum signaling_error (*run)(struct room_manager *m, struct session *s, const json_t *fields, struct outcome *out);
  bool without_room;
};

static const struct handler handlers[SIGNALING_TYPE_COUNT] = {
    [SIGNALING_CHECK] = {request_check, true},
    [SIGNALING_JOIN] = {request_join, true},
    [SIGNALING_LEAVE] = {request_leave, true},
    [SIGNALING_OFFER] = {request_offer, false},
    [SIGNALING_CANDIDATE] = {request_candidate, false},
    [SIGNALING_PUBLISH] = {request_publish, false},
    [SIGNALING_UNPUBLISH] = {request_unpublish, false},
    [SIGNALING_MUTE] = {request_mute, false},
    [SIGNALING_VIEW] = {request_view, false},
    [SIGNALING_CHAT] = {request_chat, false},
    [SIGNALING_KICK] = {request_kick, false},
    [SIGNALING_LOCK] = {request_lock, false},
    [SIGNALING_CLOSE] = {request_close, false},
    [SIGNALING_SET_NAME] = {request_set_name, true}, /* a guest says it before the doctor reads it in the queue */
    [SIGNALING_RAISE_HAND] = {request_raise_hand, false},
    [SIGNALING_PING] = {request_ping, true},
    [SIGNALING_ADMIT] = {request_admit, false},
    [SIGNALING_ADMIT_ALL] = {request_admit_all, false},
    [SIGNALING_DECLINE_WAITING] = {request_decline_waiting, false},
    [SIGNALING_SEND_BACK] = {request_send_back, false},
    [SIGNALING_SET_POLICY] = {request_set_policy, false},
    [SIGNALING_SIGNAL] = {request_signal, false},
    [SIGNALING_DIRECT_STATE] = {request_direct_state, false},
};

static void handle_decoded(struct room_manager *m, struct session *s, int64_t id, enum signaling_type type,
                           const json_t *fields) {
  const struct handler *handler = &handlers[type];
  struct outcome out = {0};
  enum signaling_error error = SIGNALING_OK;
  if (!handler->run)
    error = SIGNALING_BAD_REQUEST; /* hello is the gateway's */
  else if (!signaling_role_may(s->role, type))
    error = SIGNALING_FORBIDDEN;
  else if (!handler->without_room && !s->member)
    error = SIGNALING_NOT_JOINED;
  if (type == SIGNALING_OFFER && !error) s->offer_id = id;
  struct audit audit = {0};
  if (!error) audit_prepare(m, s, type, fields, &audit);
  if (!error) error = handler->run(m, s, fields, &out);
  if (!error) audit_done(m, s, &audit);
  if (error) {
    if (type == SIGNALING_OFFER) s->offer_id = 0;
    json_decref(out.ok);
    session_error(m, s, id, error, out.text);
  } else if (!out.deferred) {
    session_reply(m, s, id, out.ok);
  }
  if (!error && out.close_room) room_close(m, s->member->room, "closed");
}

void session_handle(struct room_manager *m, struct session *s, const json_t *message) {
  struct signaling_request request;
  struct signaling_refusal why;
  if (signaling_request_from_json(message, &request, &why)) {
    session_error(m, s, why.id, why.code, why.message);
    return;
  }
  handle_decoded(m, s, request.id, request.type, request.fields);
  signaling_request_clear(&request);
}
