/* server/room/waiting.c: the waiting room: who must wait, what they see (the doctor's state and nothing else), and how
 * doctors let them in, turn them away or send them back.
 *
 * Nobody moves from the queue into the room by itself: who is admitted is told so and joins as everybody does. How a wait
 * ended is kept with the session until the client acts on it, because the event may be lost with its socket.
 */
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "server/room/internal.h"

static struct waiter *by_identity(const struct room *r, const char *identity) {
  struct waiter *w;
  DL_FOREACH(r->waiters, w) {
    if (strcmp(w->session->identity, identity) == 0) return w;
  }
  return NULL;
}

/* Doctors and admins could let themselves in, and an observer would be seen in the queue: they never wait. */
static bool may_be_asked_to_wait(enum signaling_role role) {
  return role == SIGNALING_ROLE_PATIENT || role == SIGNALING_ROLE_INTERPRETER;
}

bool waiting_must(const struct room_manager *m, const struct room *r, const struct session *s) {
  if (s->admitted || !may_be_asked_to_wait(s->role)) return false;
  if (r && room_member_by_identity(r, s->identity)) return false; /* takes its own place: a page loaded again */
  if (r && by_identity(r, s->identity)) return true;
  const struct room_policy *policy = r ? &r->policy : &m->settings.policy;
  return s->wait || (s->role == SIGNALING_ROLE_PATIENT && policy->patients_wait);
}

/* ---- what is told ------------------------------------------------------------------------------------------------- */

static void look_for_doctors(const struct room *r, bool *present, bool *busy) {
  bool patients = false;
  *present = false;
  const struct member *member;
  DL_FOREACH(r->members, member) {
    if (member->hidden) continue;
    *present |= member->session->role == SIGNALING_ROLE_DOCTOR;
    patients |= member->session->role == SIGNALING_ROLE_PATIENT;
  }
  *busy = *present && patients;
}

static json_t *state_json(const struct waiter *w) {
  bool present, busy;
  look_for_doctors(w->room, &present, &busy);
  return json_pack("{s:I, s:{s:b, s:b}}", "since", (json_int_t)w->since_ms, "doctor", "present", (int)present, "busy",
                   (int)busy);
}

static void tell(struct room_manager *m, struct session *s, const char *name, json_t *fields) {
  json_t *event = signaling_event_json(name, fields);
  session_event(m, s, event);
  json_decref(event);
}

static json_t *waiter_json(const struct waiter *w) {
  const struct session *s = w->session;
  return json_pack("{s:s, s:s, s:s, s:s, s:I, s:b}", "waiting", w->id, "identity", s->identity, "name", s->name, "role",
                   signaling_role_name(s->role), "since", (json_int_t)w->since_ms, "connected", (int)s->connected);
}

json_t *waiting_json(const struct room *r) {
  json_t *list = json_array();
  const struct waiter *w;
  DL_FOREACH(r->waiters, w) json_array_append_new(list, waiter_json(w));
  return list;
}

static void tell_hosts(struct room_manager *m, const struct room *r, const char *name, json_t *fields) {
  const struct member *member;
  DL_FOREACH(r->members, member) {
    if (signaling_role_may(member->session->role, SIGNALING_ADMIT)) member_event(m, member, name, json_copy(fields));
  }
  json_decref(fields);
}

void waiting_tell_hosts(struct room_manager *m, const struct waiter *w) {
  tell_hosts(m, w->room, "waitingAdded", waiter_json(w));
}

static void tell_outcome(struct room_manager *m, struct session *s) {
  if (s->outcome == WAIT_ADMITTED) tell(m, s, "admitted", NULL);
  if (s->outcome == WAIT_DECLINED || s->outcome == WAIT_TIMEOUT)
    tell(m, s, "waitDeclined",
         json_pack("{s:s, s:s}", "cause", s->outcome == WAIT_DECLINED ? "declined" : "timeout", "reason",
                   s->outcome_reason ? s->outcome_reason : ""));
}

void waiting_resync(struct room_manager *m, struct session *s) {
  if (s->waiter)
    tell(m, s, "waitingState", state_json(s->waiter));
  else if (!s->member)
    tell_outcome(m, s);
}

/* ---- in and out --------------------------------------------------------------------------------------------------- */

static struct waiter *add(struct room_manager *m, struct room *r, struct session *s, int64_t since_ms) {
  struct waiter *w = calloc(1, sizeof *w);
  if (!w) return NULL;
  manager_make_id(m, "w_", w->id);
  w->room = r;
  w->session = s;
  w->since_ms = since_ms;
  w->until_us = m->now_us + m->settings.wait_us;
  struct waiter *at = r->waiters;
  while (at && at->since_ms <= since_ms) /* who takes over an older place stands there */
    at = at->next;
  if (at)
    DL_PREPEND_ELEM(r->waiters, at, w);
  else
    DL_APPEND(r->waiters, w);
  r->waiter_count++;
  s->waiter = w;
  s->outcome = WAIT_NONE;
  room_touch(m, r);
  return w;
}

void waiting_remove(struct room_manager *m, struct waiter *w, enum waiting_end why) {
  static const char *const words[] = {"admitted", "declined", "left", "lost", "replaced", "timeout"};
  struct room *r = w->room;
  DL_DELETE(r->waiters, w);
  r->waiter_count--;
  w->session->waiter = NULL;
  tell_hosts(m, r, "waitingRemoved", json_pack("{s:s, s:s}", "waiting", w->id, "reason", words[why]));
  free(w);
  room_touch(m, r);
}

json_t *waiting_check(const struct room_manager *m, const struct room *r, const struct session *s) {
  enum signaling_error refused = SIGNALING_OK;
  if (!r)
    refused = room_admission(m, NULL, s->role, s->identity, false, false);
  else if (!s->waiter && r->waiter_count >= m->settings.waiting_room && !by_identity(r, s->identity))
    refused = SIGNALING_ROOM_FULL;
  json_t *value = json_pack("{s:b, s:i, s:I, s:b, s:b, s:b, s:b}", "exists", 0, "participants", 0, "maxParticipants",
                            (json_int_t)m->settings.max_participants, "locked", 0, "full", 0, "mayJoin",
                            (int)(refused == SIGNALING_OK), "waits", 1);
  if (refused) json_object_set_new(value, "reason", json_string(signaling_error_name(refused)));
  return value;
}

enum signaling_error waiting_enter(struct room_manager *m, struct session *s, struct outcome *out) {
  struct room *r = room_find(m, s->room_name);
  if (!s->waiter) {
    if (m->now_us < s->knock_us) return SIGNALING_RATE_LIMITED;
    if (!r) {
      enum signaling_error refused = room_admission(m, NULL, s->role, s->identity, false, false);
      if (refused) return refused;
      r = room_create(m, s->room_name);
      if (!r) return SIGNALING_INTERNAL;
    }
    int64_t since_ms = manager_wall_ms(m);
    struct waiter *old = by_identity(r, s->identity);
    if (old) {
      struct session *previous = old->session;
      since_ms = old->since_ms;
      waiting_remove(m, old, WAITING_REPLACED);
      session_close(m, previous, SIGNALING_CLOSE_REPLACED, "replaced");
    }
    if (r->waiter_count >= m->settings.waiting_room) return SIGNALING_ROOM_FULL;
    const struct waiter *w = add(m, r, s, since_ms);
    if (!w) return SIGNALING_INTERNAL;
    waiting_tell_hosts(m, w);
  }
  out->ok = state_json(s->waiter);
  json_object_set_new(out->ok, "waiting", json_true());
  return SIGNALING_OK;
}

void waiting_close(struct room_manager *m, struct room *r, const char *reason) {
  struct waiter *w, *next;
  DL_FOREACH_SAFE(r->waiters, w, next) {
    struct session *s = w->session;
    tell(m, s, "closed", json_pack("{s:s}", "reason", reason));
    waiting_remove(m, w, WAITING_LEFT); /* no doctor is in any more who would hear it */
    session_close(m, s, SIGNALING_CLOSE_ROOM_CLOSED, reason);
  }
}

void waiting_free(struct room *r) {
  struct waiter *w, *next;
  DL_FOREACH_SAFE(r->waiters, w, next) free(w);
}

/* ---- ends of a wait ----------------------------------------------------------------------------------------------- */

static void admit(struct room_manager *m, struct waiter *w) {
  struct session *s = w->session;
  waiting_remove(m, w, WAITING_ADMITTED);
  s->admitted = true;
  s->outcome = WAIT_ADMITTED;
  m->listener.session_wait(m->arg, s->id, false);
  tell_outcome(m, s);
}

static void decline(struct room_manager *m, struct waiter *w, enum wait_outcome outcome, const char *reason) {
  struct session *s = w->session;
  waiting_remove(m, w, outcome == WAIT_TIMEOUT ? WAITING_TIMEOUT : WAITING_DECLINED);
  s->outcome = outcome;
  free(s->outcome_reason);
  s->outcome_reason = reason ? strdup(reason) : NULL;
  s->knock_us = m->now_us + m->settings.knock_us;
  tell_outcome(m, s);
}

void waiting_expire(struct room_manager *m, struct room *r) {
  struct waiter *w, *next;
  DL_FOREACH_SAFE(r->waiters, w, next) {
    if (w->until_us <= m->now_us) decline(m, w, WAIT_TIMEOUT, NULL);
  }
}

void waiting_settle(struct room_manager *m, struct room *r) {
  const struct waiter *w;
  DL_FOREACH(r->waiters, w) room_wake_at(m, r, w->until_us);
  bool present, busy;
  look_for_doctors(r, &present, &busy);
  if (present == r->doctor_present && busy == r->doctor_busy) return;
  r->doctor_present = present;
  r->doctor_busy = busy;
  DL_FOREACH(r->waiters, w) tell(m, w->session, "waitingState", state_json(w));
}

/* ---- requests ----------------------------------------------------------------------------------------------------- */

static struct waiter *find(const struct room *r, const json_t *fields) {
  const char *id = json_string_value(json_object_get(fields, "waiting"));
  struct waiter *w;
  DL_FOREACH(r->waiters, w) {
    if (id && strcmp(w->id, id) == 0) return w;
  }
  return NULL;
}

enum signaling_error request_admit(struct room_manager *m, struct session *s, const json_t *f, struct outcome *out) {
  (void)out;
  const struct room *r = s->member->room;
  struct waiter *w = find(r, f);
  if (!w) return SIGNALING_PARTICIPANT_NOT_FOUND;
  if (r->visible_count >= m->settings.max_participants) return SIGNALING_ROOM_FULL;
  admit(m, w);
  return SIGNALING_OK;
}

enum signaling_error request_admit_all(struct room_manager *m, struct session *s, const json_t *f,
                                       struct outcome *out) {
  (void)f;
  struct room *r = s->member->room;
  size_t places = m->settings.max_participants > r->visible_count ? m->settings.max_participants - r->visible_count : 0;
  json_int_t admitted = 0;
  for (; r->waiters && places > 0; places--, admitted++)
    admit(m, r->waiters);  // NOLINT(clang-analyzer-unix.Malloc): the list has let go of whom it frees
  out->ok = json_pack("{s:I}", "admitted", admitted);
  return SIGNALING_OK;
}

enum signaling_error request_decline_waiting(struct room_manager *m, struct session *s, const json_t *f,
                                             struct outcome *out) {
  (void)out;
  struct waiter *w = find(s->member->room, f);
  if (!w) return SIGNALING_PARTICIPANT_NOT_FOUND;
  decline(m, w, WAIT_DECLINED, json_string_value(json_object_get(f, "reason")));
  return SIGNALING_OK;
}

enum signaling_error request_send_back(struct room_manager *m, struct session *s, const json_t *f,
                                       struct outcome *out) {
  struct room *r = s->member->room;
  const char *reason = json_string_value(json_object_get(f, "reason"));
  struct member *target = room_member(r, json_string_value(json_object_get(f, "participant")), false);
  if (!target) return SIGNALING_PARTICIPANT_NOT_FOUND;
  struct session *sent = target->session;
  if (!may_be_asked_to_wait(sent->role)) {
    out->text = "only patients and interpreters wait";
    return SIGNALING_FORBIDDEN;
  }
  if (r->waiter_count >= m->settings.waiting_room) return SIGNALING_ROOM_FULL;
  const struct waiter *w = add(m, r, sent, manager_wall_ms(m));
  if (!w) return SIGNALING_INTERNAL;
  member_remove(m, target, LEAVE_SENT_BACK);
  sent->wait = true;
  sent->admitted = false;
  m->listener.session_wait(m->arg, sent->id, true);
  json_t *fields = state_json(w);
  json_object_set_new(fields, "reason", json_string(reason ? reason : ""));
  tell(m, sent, "sentBack", fields);
  waiting_tell_hosts(m, w);
  return SIGNALING_OK;
}
