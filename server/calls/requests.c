/* server/calls/requests.c: invite, accept, decline, cancel. Everything is checked before anything changes. */
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "server/calls/internal.h"

/* `prefix` and 128 random bits: 22 characters of base64url. */
static void make_id(struct calls *c, const char *prefix, char *out) {
  static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  unsigned char raw[18] = {0};
  c->listener.random(c->listener.arg, raw, 16);
  size_t n = strlen(prefix);
  memcpy(out, prefix, n);
  for (size_t bit = 0; bit < 132; bit += 6) {
    unsigned pair = (unsigned)raw[bit / 8] << 8 | raw[bit / 8 + 1];
    out[n++] = letters[pair >> (10 - bit % 8) & 63];
  }
  out[n] = '\0';
}

/* In a call, or about to be: in a room, just accepted, or with somebody ringing. */
static bool in_a_call(const struct calls_session *s, int64_t now_us) {
  const struct calls_call *call;
  DL_FOREACH(s->calls, call) if (!call->over) return true;
  return s->joined || s->engaged_until_us > now_us;
}

static bool valid_people(const struct calls_session *s, const struct calls_invitation *in) {
  if (in->to_count == 0 || in->to_count > CALLS_INVITEES_MAX) return false;
  for (size_t i = 0; i < in->to_count; i++) {
    if (strcmp(in->to[i], s->person->identity) == 0) return false;
    for (size_t j = 0; j < i; j++)
      if (strcmp(in->to[i], in->to[j]) == 0) return false;
  }
  return true;
}

/* May this session invite, and into which room? */
static enum signaling_error choose_room(struct calls *c, const struct calls_session *s, const char *wanted, char *room,
                                        int64_t now_us) {
  bool during = in_a_call(s, now_us);
  if (!s->may_call || (during && !s->host)) return SIGNALING_FORBIDDEN;
  (void)snprintf(room, SIGNALING_IDENTIFIER_BYTES + 1, "%s", during ? s->room : s->home);
  if (wanted && strcmp(wanted, room) != 0) return SIGNALING_FORBIDDEN;
  if (!*room) make_id(c, CALLS_ROOM_PREFIX, room);
  return SIGNALING_OK;
}

static void free_unborn(struct calls *c, struct calls_call *call, int64_t now_us) {
  for (size_t i = 0; i < call->count; i++)
    calls_drop_person(c, call->rings[i].person, now_us);
  free(call->message);
  free(call);
}

/* A call that nothing knows of yet. */
static struct calls_call *make_call(struct calls *c, struct calls_session *s, const struct calls_invitation *in,
                                    const char *room, int64_t now_us) {
  struct calls_call *call = calloc(1, sizeof *call + in->to_count * sizeof *call->rings);
  if (!call) return NULL;
  make_id(c, "c_", call->id);
  (void)snprintf(call->room, sizeof call->room, "%s", room);
  call->caller = s;
  call->video = in->video;
  call->expires_us = now_us + c->settings.ring_us;
  bool ok = !in->message || (call->message = strdup(in->message));
  for (; ok && call->count < in->to_count; call->count++) {
    struct calls_ring *ring = &call->rings[call->count];
    ring->call = call;
    if (!(ring->person = calls_take_person(c, in->to[call->count], now_us))) break;
  }
  if (ok && call->count == in->to_count) return call;
  free_unborn(c, call, now_us);
  return NULL;
}

enum signaling_error calls_invite(struct calls *c, const char *session, const struct calls_invitation *in,
                                  struct calls_invited *out, int64_t now_us) {
  struct calls_session *s = calls_find_session(c, session);
  char room[SIGNALING_IDENTIFIER_BYTES + 1];
  if (!s || !s->connected) return SIGNALING_FORBIDDEN;
  enum signaling_error error = choose_room(c, s, in->room, room, now_us);
  if (error != SIGNALING_OK) return error;
  if (!valid_people(s, in)) return SIGNALING_BAD_REQUEST;
  if (s->person->open == CALLS_OPEN_MAX) return SIGNALING_BUSY;
  if (!calls_take_credit(s->person, in->to_count, now_us)) {
    c->counts.rate_limited++;
    return SIGNALING_RATE_LIMITED;
  }
  struct calls_call *call = make_call(c, s, in, room, now_us);
  if (!call) return SIGNALING_INTERNAL;
  if (strcmp(s->room, room) != 0) {
    error = c->listener.enter(c->listener.arg, s->id, room, false);
    if (error != SIGNALING_OK) {
      free_unborn(c, call, now_us);
      return error;
    }
    (void)snprintf(s->room, sizeof s->room, "%s", room);
    s->joined = false;
  }
  HASH_ADD_STR(c->open, id, call);
  DL_APPEND(s->calls, call);
  s->person->open++;
  call->unresolved = call->count;
  for (size_t i = 0; i < call->count; i++) {
    call->rings[i].person->invited++;
    DL_APPEND(call->rings[i].person->rings, &call->rings[i]);
  }
  (void)snprintf(out->call, sizeof out->call, "%s", call->id);
  (void)snprintf(out->room, sizeof out->room, "%s", room);
  out->expires_us = call->expires_us;
  for (size_t i = 0; i < call->count; i++)
    calls_ring_try(c, &call->rings[i], now_us);
  calls_settle(c, call, now_us);
  return SIGNALING_OK;
}

/* The invitee that rings at this page, if it is of this call. */
static struct calls_ring *ringing_at(const struct calls_session *s, const char *call) {
  if (!s || !s->connected || !s->told || strcmp(s->told->call->id, call) != 0) return NULL;
  return s->person->ringing;
}

enum signaling_error calls_accept(struct calls *c, const char *session, const char *id, bool video, char *room,
                                  int64_t now_us) {
  struct calls_session *s = calls_find_session(c, session), *other;
  struct calls_ring *ring = ringing_at(s, id);
  if (!ring) return SIGNALING_CALL_NOT_FOUND;
  struct calls_call *call = ring->call;
  enum signaling_error error = c->listener.enter(c->listener.arg, s->id, call->room, true);
  if (error != SIGNALING_OK) return error;
  (void)snprintf(room, SIGNALING_IDENTIFIER_BYTES + 1, "%s", call->room);
  if (strcmp(s->room, room) != 0) s->joined = false;
  (void)snprintf(s->room, sizeof s->room, "%s", room);
  s->engaged_until_us = now_us + CALLS_ENGAGED_US;
  DL_FOREACH(s->person->sessions, other) calls_stop_all(c, other, CALLS_CANCELLED, now_us);
  calls_resolve(c, ring, CALLS_ACCEPTED, s, NULL, video, now_us);
  calls_settle(c, call, now_us);
  return SIGNALING_OK;
}

enum signaling_error calls_decline(struct calls *c, const char *session, const char *id, const char *reason,
                                   int64_t now_us) {
  struct calls_session *s = calls_find_session(c, session);
  struct calls_ring *ring = ringing_at(s, id);
  if (!ring) return SIGNALING_CALL_NOT_FOUND;
  struct calls_call *call = ring->call;
  calls_resolve(c, ring, CALLS_DECLINED, s, reason, false, now_us);
  calls_settle(c, call, now_us);
  return SIGNALING_OK;
}

enum signaling_error calls_cancel(struct calls *c, const char *session, const char *id, int64_t now_us) {
  struct calls_session *s = calls_find_session(c, session);
  struct calls_call *call;
  HASH_FIND_STR(c->open, id, call);
  if (!s || !call || call->caller != s) return SIGNALING_CALL_NOT_FOUND;
  calls_stop(c, call, CALLS_CANCELLED, now_us);
  return SIGNALING_OK;
}
