/* server/calls/calls.c: people and their sessions: arrival, loss, return, end; and what time does. */
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "server/calls/internal.h"

#define CREDIT_FULL_US (CALLS_BURST * CALLS_REFILL_US)

int calls_create(struct calls **out, const struct calls_settings *settings, const struct calls_listener *listener) {
  struct calls *c = calloc(1, sizeof *c);
  if (!c) return -1;
  c->settings = *settings;
  c->listener = *listener;
  *out = c;
  return 0;
}

void calls_set(struct calls *c, const struct calls_settings *settings) {
  c->settings = *settings;
}

static void free_session(struct calls_session *s) {
  free(s->id);
  free(s->name);
  free(s->role);
  free(s);
}

static void free_person(struct calls *c, struct calls_person *p) {
  /* NOLINTBEGIN(clang-analyzer-*): the last-item cases of uthash and utlist confuse it */
  if (p->idle) DL_DELETE(c->idle, p);
  HASH_DEL(c->people, p);
  /* NOLINTEND(clang-analyzer-*) */
  free(p->identity);
  free(p);
}

void calls_free(struct calls *c) {
  struct calls_session *s, *next_session;
  struct calls_person *p, *next_person;
  struct calls_call *call, *next_call;
  if (!c) return;
  HASH_CLEAR(hh, c->open);
  HASH_ITER(hh, c->sessions, s, next_session) {
    DL_FOREACH_SAFE(s->calls, call, next_call) calls_free_call(c, call, 0);
  }
  HASH_ITER(hh, c->sessions, s, next_session) {
    HASH_DEL(c->sessions, s); /* NOLINT(clang-analyzer-*): as in free_person */
    free_session(s);
  }
  HASH_ITER(hh, c->people, p, next_person) free_person(c, p);
  free(c);
}

/* ---- people -------------------------------------------------------------------------------------------------------- */

struct calls_session *calls_find_session(const struct calls *c, const char *id) {
  struct calls_session *s;
  HASH_FIND_STR(c->sessions, id, s);
  return s;
}

static struct calls_person *find_person(const struct calls *c, const char *identity) {
  struct calls_person *p;
  HASH_FIND_STR(c->people, identity, p);
  return p;
}

struct calls_person *calls_take_person(struct calls *c, const char *identity, int64_t now_us) {
  struct calls_person *p = find_person(c, identity);
  if (p) {
    if (p->idle) DL_DELETE(c->idle, p);
    p->idle = false;
    return p;
  }
  if (!(p = calloc(1, sizeof *p)) || !(p->identity = strdup(identity))) {
    free(p);
    return NULL;
  }
  p->credit_us = CREDIT_FULL_US;
  p->credit_at_us = now_us;
  HASH_ADD_KEYPTR(hh, c->people, p->identity, strlen(p->identity), p);
  return p;
}

static void refill(struct calls_person *p, int64_t now_us) {
  int64_t passed = now_us - p->credit_at_us;
  if (passed <= 0) return;
  p->credit_at_us = now_us;
  p->credit_us = passed >= CREDIT_FULL_US - p->credit_us ? CREDIT_FULL_US : p->credit_us + passed;
}

bool calls_take_credit(struct calls_person *p, size_t people, int64_t now_us) {
  refill(p, now_us);
  int64_t price = (int64_t)people * CALLS_REFILL_US;
  if (p->credit_us < price) return false;
  p->credit_us -= price;
  return true;
}

void calls_drop_person(struct calls *c, struct calls_person *p, int64_t now_us) {
  if (p->sessions || p->invited || p->open || p->idle) return;
  refill(p, now_us);
  if (p->credit_us == CREDIT_FULL_US) {
    free_person(c, p);
    return;
  }
  p->idle = true; /* closing all pages does not buy new invitations */
  DL_APPEND(c->idle, p);
}

bool calls_person_busy(const struct calls_person *p, int64_t now_us) {
  const struct calls_session *s;
  if (p->ringing || p->open) return true;
  /* A lost session does not count: it is most often the page before the reload. */
  DL_FOREACH(p->sessions, s) if (s->connected && (s->joined || s->engaged_until_us > now_us)) return true;
  return false;
}

struct calls_presence calls_presence(const struct calls *c, const char *identity, int64_t now_us) {
  const struct calls_person *p = find_person(c, identity);
  const struct calls_session *s;
  struct calls_presence presence = {false, false};
  if (!p) return presence;
  DL_FOREACH(p->sessions, s) presence.online = presence.online || (s->connected && s->reachable);
  presence.busy = presence.online && calls_person_busy(p, now_us);
  return presence;
}

/* ---- sessions ------------------------------------------------------------------------------------------------------ */

static bool copy_identifier(char *to, const char *from) {
  return (size_t)snprintf(to, SIGNALING_IDENTIFIER_BYTES + 1, "%s", from) <= SIGNALING_IDENTIFIER_BYTES;
}

int calls_session_open(struct calls *c, const struct calls_session_info *info, int64_t now_us) {
  if (calls_find_session(c, info->session)) return -1;
  struct calls_session *s = calloc(1, sizeof *s);
  if (!s) return -1;
  s->id = strdup(info->session);
  s->name = strdup(info->name);
  s->role = strdup(info->role);
  bool copied = copy_identifier(s->home, info->home) && copy_identifier(s->room, info->room ? info->room : info->home);
  if (!s->id || !s->name || !s->role || !copied || !(s->person = calls_take_person(c, info->identity, now_us))) {
    free_session(s);
    return -1;
  }
  s->may_call = info->may_call;
  s->host = info->host;
  s->reachable = info->reachable;
  s->connected = info->connected;
  s->joined = info->joined;
  s->lost_us = now_us;
  HASH_ADD_KEYPTR(hh, c->sessions, s->id, strlen(s->id), s);
  DL_APPEND(s->person->sessions, s);
  if (s->connected) calls_person_arrived(c, s, now_us);
  return 0;
}

void calls_session_lost(struct calls *c, const char *session, int64_t now_us) {
  struct calls_session *s = calls_find_session(c, session);
  if (!s || !s->connected) return;
  s->connected = false;
  s->lost_us = now_us;
}

/* All that is open, so that a client can set right what got lost on the way. */
static void send_sync(struct calls *c, const struct calls_session *s) {
  struct calls_invitee invitees[CALLS_OPEN_MAX][CALLS_INVITEES_MAX];
  struct calls_view incoming, outgoing[CALLS_OPEN_MAX];
  struct calls_notice notice = {.kind = CALLS_SYNC, .outgoing = outgoing};
  const struct calls_call *call;
  DL_FOREACH(s->calls, call) {
    if (notice.outgoing_count == CALLS_OPEN_MAX) break;
    outgoing[notice.outgoing_count] = calls_view_of(call, invitees[notice.outgoing_count]);
    notice.outgoing_count++;
  }
  if (s->told) {
    incoming = calls_view_of(s->told->call, NULL);
    notice.incoming = &incoming;
  }
  c->listener.notify(c->listener.arg, s->id, &notice);
}

void calls_session_resumed(struct calls *c, const char *session, int64_t now_us) {
  struct calls_session *s = calls_find_session(c, session);
  struct calls_call *call, *next;
  if (!s) return;
  s->connected = true;
  if (*s->missed) {
    const struct calls_notice notice = {.kind = CALLS_ENDED, .call = s->missed, .end = s->missed_end};
    c->listener.notify(c->listener.arg, s->id, &notice);
    s->missed[0] = '\0';
  }
  DL_FOREACH_SAFE(s->calls, call, next) if (call->over) calls_tell_end(c, call, now_us);
  calls_person_arrived(c, s, now_us);
  send_sync(c, s);
}

void calls_session_close(struct calls *c, const char *session, int64_t now_us) {
  struct calls_session *s = calls_find_session(c, session);
  struct calls_call *call, *next;
  if (!s) return;
  s->connected = false;
  calls_stop_all(c, s, CALLS_CALLER_GONE, now_us);
  DL_FOREACH_SAFE(s->calls, call, next) calls_free_call(c, call, now_us);
  HASH_DEL(c->sessions, s);
  DL_DELETE(s->person->sessions, s);
  calls_drop_person(c, s->person, now_us);
  free_session(s);
}

void calls_session_joined(struct calls *c, const char *session) {
  struct calls_session *s = calls_find_session(c, session);
  if (s) s->joined = true;
}

void calls_session_left(struct calls *c, const char *session, bool hung_up, int64_t now_us) {
  struct calls_session *s = calls_find_session(c, session);
  if (!s) return;
  s->joined = false;
  if (!hung_up) return;
  s->engaged_until_us = 0;
  calls_stop_all(c, s, CALLS_CANCELLED, now_us);
}

/* ---- time ---------------------------------------------------------------------------------------------------------- */

static int64_t gone_at(const struct calls *c, const struct calls_session *caller) {
  return caller->connected ? INT64_MAX : caller->lost_us + c->settings.caller_grace_us;
}

static int64_t full_at(const struct calls_person *p) {
  return p->credit_at_us + CREDIT_FULL_US - p->credit_us;
}

int64_t calls_deadline(const struct calls *c) {
  const struct calls_call *call;
  const struct calls_person *p;
  int64_t at = INT64_MAX;
  for (call = c->open; call; call = call->hh.next) {
    if (call->expires_us < at) at = call->expires_us;
    if (gone_at(c, call->caller) < at) at = gone_at(c, call->caller);
  }
  DL_FOREACH(c->idle, p) if (full_at(p) < at) at = full_at(p);
  return at;
}

void calls_tick(struct calls *c, int64_t now_us) {
  struct calls_call *call, *next_call;
  struct calls_person *p, *next_person;
  /* Ending one call never ends another: resolving touches its own invitees only. */
  HASH_ITER(hh, c->open, call, next_call) {
    if (gone_at(c, call->caller) <= now_us)
      calls_stop(c, call, CALLS_CALLER_GONE, now_us);
    else if (call->expires_us <= now_us)
      calls_stop(c, call, CALLS_TIMED_OUT, now_us);
  }
  DL_FOREACH_SAFE(c->idle, p, next_person) if (full_at(p) <= now_us) free_person(c, p);
}

struct calls_counts calls_counts(const struct calls *c) {
  struct calls_counts counts = c->counts;
  counts.open = HASH_COUNT(c->open);
  counts.people = HASH_COUNT(c->people);
  counts.sessions = HASH_COUNT(c->sessions);
  return counts;
}
