/* server/room/session.c: sessions: opened, lost, back, ended; their replies, their queue, and the tokens they used up. */
#include <stdlib.h>
#include <string.h>

#include "server/room/internal.h"

struct session *session_find(const struct room_manager *m, const char *id) {
  struct session *s;
  HASH_FIND_STR(m->sessions, id, s);
  return s;
}

void session_free(struct session *s) {
  free(s->id);
  free(s->room_name);
  free(s->identity);
  free(s->name);
  free(s->jti);
  free(s->resume_hash);
  free(s->outcome_reason);
  json_decref(s->keep);
  json_decref(s->waiting);
  free(s);
}

/* ---- what goes out ------------------------------------------------------------------------------------------------ */

static void send_reply(struct room_manager *m, struct session *s, json_t *message) {
  if (message && s->connected) m->listener.reply(m->arg, s->id, message);
  json_decref(message);
}

void session_reply(struct room_manager *m, struct session *s, int64_t id, json_t *ok) {
  send_reply(m, s, signaling_reply_json(id, ok));
}

void session_error(struct room_manager *m, struct session *s, int64_t id, enum signaling_error code, const char *text) {
  send_reply(m, s, signaling_error_json(id, code, text));
}

void session_event(struct room_manager *m, const struct session *s, json_t *event) {
  const char *id = s->id;
  if (event && session_hears(s)) m->listener.event(m->arg, &id, 1, event);
}

void session_sync(struct room_manager *m, struct session *s) {
  if (s->member) member_event(m, s->member, "sync", json_pack("{s:o}", "room", snapshot_json(m, s->member)));
}

/* ---- the queue behind an open offer ------------------------------------------------------------------------------- */

void session_release(struct room_manager *m, struct session *s) {
  s->offer_id = 0;
  if (s->offer_stale) session_sync(m, s); /* the client may not wait for that reply any more */
  s->offer_stale = false;
  if (s->runnable || s->removed || json_array_size(s->waiting) == 0) return;
  s->runnable = true;
  s->run_next = m->runnable;
  m->runnable = s;
}

static void enqueue(struct room_manager *m, struct session *s, const json_t *message) {
  if (!s->waiting) s->waiting = json_array();
  json_t *copy = json_deep_copy(message); /* the caller may change what it lent */
  if (json_array_size(s->waiting) < m->settings.max_waiting && copy && json_array_append_new(s->waiting, copy) == 0)
    return;
  if (json_array_size(s->waiting) >= m->settings.max_waiting) json_decref(copy);
  session_error(m, s, json_integer_value(json_object_get(message, "id")), SIGNALING_BUSY, NULL);
}

/* ---- tokens that were used up ------------------------------------------------------------------------------------- */

/* Takes *jti over, and says so by NULL. */
static void remember_spent(struct room_manager *m, char **jti, int64_t expires_s) {
  int64_t now_s = manager_wall_ms(m) / 1000;
  if (expires_s <= now_s) return;
  size_t kept = 0, soonest = 0;
  for (size_t i = 0; i < m->spent_count; i++) {
    if (m->spent[i].expires_s <= now_s)
      free(m->spent[i].jti);
    else
      m->spent[kept++] = m->spent[i];
  }
  m->spent_count = kept;
  for (size_t i = 1; i < kept; i++)
    if (m->spent[i].expires_s < m->spent[soonest].expires_s) soonest = i;
  if (kept == ROOM_MAX_SPENT) { /* at the cap the token that dies first goes */
    free(m->spent[soonest].jti);
    m->spent[soonest] = m->spent[--m->spent_count];
  }
  if ((m->spent_count & 63) == 0) {
    struct spent *grown = realloc(m->spent, (m->spent_count + 64) * sizeof *grown);
    if (!grown) return;
    m->spent = grown;
  }
  m->spent[m->spent_count++] = (struct spent){.jti = *jti, .expires_s = expires_s};
  *jti = NULL;
}

static void spend(struct room_manager *m, struct session *s) {
  if (s->jti) remember_spent(m, &s->jti, s->expires_s);
}

void room_manager_spend(struct room_manager *m, const char *jti, int64_t expires_s) {
  char *copy = strdup(jti);
  if (copy) remember_spent(m, &copy, expires_s);
  free(copy);
}

/* ---- life --------------------------------------------------------------------------------------------------------- */

void session_remove(struct room_manager *m, struct session *s) {
  if (s->removed) return;
  if (s->offer_id) session_error(m, s, s->offer_id, SIGNALING_NOT_JOINED, NULL);
  s->offer_id = 0;
  size_t i;
  json_t *message;
  json_array_foreach(s->waiting, i, message)
      session_error(m, s, json_integer_value(json_object_get(message, "id")), SIGNALING_NOT_JOINED, NULL);
  spend(m, s);
  HASH_DEL(m->sessions, s);
  s->removed = true;
  s->dead_next = m->dead;
  m->dead = s;
}

void session_close(struct room_manager *m, struct session *s, int code, const char *reason) {
  session_remove(m, s);
  m->listener.close(m->arg, s->id, code, reason);
}

static char *copy_text(const char *text, bool *failed) {
  if (!text) return NULL;
  char *copy = strdup(text);
  if (!copy) *failed = true;
  return copy;
}

static bool plausible(const struct room_session_info *info, enum signaling_role *role) {
  const char *needed[] = {info->session, info->room, info->identity, info->role};
  for (size_t i = 0; i < sizeof needed / sizeof *needed; i++)
    if (!needed[i] || !*needed[i] || strlen(needed[i]) > SIGNALING_IDENTIFIER_BYTES) return false;
  const char *texts[] = {info->name, info->jti, info->resume_hash, info->room, info->identity, info->session};
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
    if (texts[i] &&
        (strlen(texts[i]) > SIGNALING_NAME_BYTES || !signaling_text_valid(texts[i], strlen(texts[i]), false)))
      return false;
  return signaling_role_parse(info->role, role) == 0;
}

static int open_session(struct room_manager *m, const struct room_session_info *info) {
  enum signaling_role role;
  if (!plausible(info, &role)) return ROOM_ERROR_ARGUMENT;
  if (HASH_COUNT(m->sessions) >= m->settings.max_sessions) return ROOM_ERROR_FULL;
  struct session *s = calloc(1, sizeof *s);
  if (!s) return ROOM_ERROR_MEMORY;
  bool failed = false;
  s->id = copy_text(info->session, &failed);
  s->room_name = copy_text(info->room, &failed);
  s->identity = copy_text(info->identity, &failed);
  s->name = copy_text(info->name ? info->name : info->identity, &failed);
  s->jti = copy_text(info->jti, &failed);
  s->resume_hash = copy_text(info->resume_hash, &failed);
  if (failed) {
    session_free(s);
    return ROOM_ERROR_MEMORY;
  }
  s->role = role;
  s->wait = info->wait;
  s->admitted = info->admitted;
  s->keep = json_incref((json_t *)info->keep); /* the reference count is no part of what is lent */
  s->knock_us = INT64_MIN;
  s->expires_s = info->expires_s;
  s->connected = true;
  HASH_ADD_KEYPTR(hh, m->sessions, s->id, strlen(s->id), s);
  return ROOM_OK;
}

static void set_connected(struct room_manager *m, struct session *s, bool connected) {
  s->connected = connected;
  if (s->waiter) waiting_tell_hosts(m, s->waiter);
  if (!s->member) return;
  room_touch(m, s->member->room);
  member_announce(m, s->member, "participantUpdated", json_pack("{s:o}", "participant", participant_json(s->member)));
}

int room_manager_session_open(struct room_manager *m, const struct room_session_info *info, int64_t now_us) {
  if (info->session && session_find(m, info->session)) return room_manager_session_resumed(m, info->session, now_us);
  manager_enter(m, now_us);
  int error = open_session(m, info);
  manager_leave(m);
  return error;
}

int room_manager_session_lost(struct room_manager *m, const char *id, int64_t now_us) {
  struct session *s = session_find(m, id);
  if (!s) return ROOM_ERROR_SESSION;
  if (!s->connected) return ROOM_OK;
  manager_enter(m, now_us);
  /* What has not been done by now is not done behind the client's back: it hears of no reply and asks again. */
  json_array_clear(s->waiting);
  s->offer_stale = s->offer_id != 0;
  s->lost_until_us = m->now_us + m->settings.resume_window_us;
  manager_wake_at(m, s->lost_until_us);
  set_connected(m, s, false);
  manager_leave(m);
  return ROOM_OK;
}

int room_manager_session_resumed(struct room_manager *m, const char *id, int64_t now_us) {
  struct session *s = session_find(m, id);
  if (!s) return ROOM_ERROR_SESSION;
  manager_enter(m, now_us);
  if (s->connected && s->member) direct_interrupt(m, s->member); /* what went to the old socket may be lost */
  if (!s->connected) set_connected(m, s, true);
  session_sync(m, s);
  waiting_resync(m, s);
  manager_leave(m);
  return ROOM_OK;
}

int room_manager_session_end(struct room_manager *m, const char *id, int64_t now_us) {
  struct session *s = session_find(m, id);
  if (!s) return ROOM_ERROR_SESSION;
  manager_enter(m, now_us);
  s->connected = false; /* nobody listens any more */
  if (s->member) member_remove(m, s->member, LEAVE_LEFT);
  if (s->waiter) waiting_remove(m, s->waiter, WAITING_LEFT);
  session_remove(m, s);
  manager_leave(m);
  return ROOM_OK;
}

int room_manager_request(struct room_manager *m, const char *id, const json_t *message, int64_t now_us) {
  struct session *s = session_find(m, id);
  if (!s) return ROOM_ERROR_SESSION;
  manager_enter(m, now_us);
  if (s->offer_id || s->runnable || json_array_size(s->waiting) > 0)
    enqueue(m, s, message);
  else
    session_handle(m, s, message);
  manager_leave(m);
  return ROOM_OK;
}
