/* server/calls/ring.c: one invitee from its first state to its last, and one call to its end. */
#include <stdlib.h>
#include <utlist.h>

#include "server/calls/internal.h"

struct calls_view calls_view_of(const struct calls_call *call, struct calls_invitee *invitees) {
  const struct calls_session *caller = call->caller;
  for (size_t i = 0; invitees && i < call->count; i++)
    invitees[i] = (struct calls_invitee){call->rings[i].person->identity, call->rings[i].state};
  return (struct calls_view){.call = call->id,
                             .room = call->room,
                             .message = call->message,
                             .identity = caller->person->identity,
                             .name = caller->name,
                             .role = caller->role,
                             .video = call->video,
                             .expires_us = call->expires_us,
                             .invitees = invitees,
                             .invitee_count = invitees ? call->count : 0};
}

static void tell(struct calls *c, const struct calls_session *s, const struct calls_notice *notice) {
  if (s->connected) c->listener.notify(c->listener.arg, s->id, notice);
}

/* May this page ring for this call? */
static bool rings_at(const struct calls_ring *ring, const struct calls_session *s) {
  return s->connected && s->reachable && (ring->call->caller->host || s->host);
}

static void tell_incoming(struct calls *c, const struct calls_ring *ring, struct calls_session *s) {
  const struct calls_view view = calls_view_of(ring->call, NULL);
  const struct calls_notice notice = {.kind = CALLS_INCOMING, .call = ring->call->id, .view = &view};
  s->told = ring;
  tell(c, s, &notice);
}

void calls_ring_try(struct calls *c, struct calls_ring *ring, int64_t now_us) {
  struct calls_person *p = ring->person;
  struct calls_session *s;
  bool there = false;
  DL_FOREACH(p->sessions, s) there = there || rings_at(ring, s);
  if (!there) return;
  if (calls_person_busy(p, now_us)) {
    calls_resolve(c, ring, CALLS_BUSY, NULL, NULL, false, now_us);
    return;
  }
  ring->state = CALLS_RINGING;
  p->ringing = ring;
  DL_FOREACH(p->sessions, s) if (rings_at(ring, s)) tell_incoming(c, ring, s);
  const struct calls_notice notice = {.kind = CALLS_RINGS, .call = ring->call->id, .identity = p->identity};
  tell(c, ring->call->caller, &notice);
}

void calls_person_arrived(struct calls *c, struct calls_session *s, int64_t now_us) {
  struct calls_person *p = s->person;
  struct calls_ring *ring, *next;
  if (p->ringing && !s->told && rings_at(p->ringing, s)) tell_incoming(c, p->ringing, s);
  DL_FOREACH_SAFE(p->rings, ring, next) {
    struct calls_call *call = ring->call;
    if (ring->state != CALLS_UNREACHABLE) continue;
    calls_ring_try(c, ring, now_us);
    calls_settle(c, call, now_us);
  }
}

/* What a page is told when its ringing ends. */
static enum calls_end end_of(enum calls_state state, bool here) {
  switch (state) {
    case CALLS_ACCEPTED:
      return here ? CALLS_END_ANSWERED : CALLS_END_ACCEPTED_ELSEWHERE;
    case CALLS_DECLINED:
      return CALLS_END_DECLINED;
    case CALLS_BUSY:
      return CALLS_END_BUSY;
    case CALLS_TIMED_OUT:
      return CALLS_END_TIMED_OUT;
    case CALLS_CALLER_GONE:
      return CALLS_END_CALLER_GONE;
    default:
      return CALLS_END_CANCELLED;
  }
}

static void stop_ringing(struct calls *c, struct calls_ring *ring, const struct calls_session *by) {
  struct calls_person *p = ring->person;
  struct calls_session *s;
  if (p->ringing == ring) p->ringing = NULL;
  DL_FOREACH(p->sessions, s) {
    if (s->told != ring) continue;
    s->told = NULL;
    const struct calls_notice notice = {
        .kind = CALLS_ENDED, .call = ring->call->id, .end = end_of(ring->state, s == by)};
    if (s->connected) {
      tell(c, s, &notice);
    } else { /* one at most: while it is lost nothing new rings there */
      (void)snprintf(s->missed, sizeof s->missed, "%s", ring->call->id);
      s->missed_end = notice.end;
    }
  }
}

void calls_resolve(struct calls *c, struct calls_ring *ring, enum calls_state state, const struct calls_session *by,
                   const char *reason, bool video, int64_t now_us) {
  struct calls_call *call = ring->call;
  struct calls_person *p = ring->person;
  struct calls_notice notice = {.call = call->id,
                                .identity = p->identity,
                                .name = by ? by->name : NULL,
                                .reason = reason,
                                .busy = state == CALLS_BUSY,
                                .video = video};
  ring->state = state;
  DL_DELETE(p->rings, ring);
  call->unresolved--;
  stop_ringing(c, ring, by);
  if (state == CALLS_ACCEPTED) {
    call->accepted++;
    call->caller->engaged_until_us = now_us + CALLS_ENGAGED_US;
    notice.kind = CALLS_ACCEPT;
    tell(c, call->caller, &notice);
  } else if (state == CALLS_DECLINED || state == CALLS_BUSY) {
    call->declined += state == CALLS_DECLINED;
    notice.kind = CALLS_DECLINE;
    tell(c, call->caller, &notice);
  }
}

/* ---- the end of a call ---------------------------------------------------------------------------------------------- */

void calls_free_call(struct calls *c, struct calls_call *call, int64_t now_us) {
  DL_DELETE(call->caller->calls, call);
  for (size_t i = 0; i < call->count; i++) {
    call->rings[i].person->invited--;
    calls_drop_person(c, call->rings[i].person, now_us);
  }
  free(call->message);
  free(call);
}

void calls_tell_end(struct calls *c, struct calls_call *call, int64_t now_us) {
  struct calls_invitee invitees[CALLS_INVITEES_MAX];
  const struct calls_view view = calls_view_of(call, invitees);
  const struct calls_notice notice = {.kind = CALLS_ENDED, .call = call->id, .end = call->end, .view = &view};
  tell(c, call->caller, &notice);
  calls_free_call(c, call, now_us);
}

static void finish(struct calls *c, struct calls_call *call, enum calls_end end, int64_t now_us) {
  HASH_DEL(c->open, call);
  call->over = true;
  call->end = end;
  c->counts.ended[end]++;
  call->caller->person->open--;
  if (call->caller->connected) calls_tell_end(c, call, now_us); /* else it is told when it is back */
}

void calls_settle(struct calls *c, struct calls_call *call, int64_t now_us) {
  if (call->unresolved > 0) return;
  finish(c, call, call->accepted ? CALLS_END_ANSWERED : call->declined ? CALLS_END_DECLINED : CALLS_END_BUSY, now_us);
}

void calls_stop(struct calls *c, struct calls_call *call, enum calls_state state, int64_t now_us) {
  for (size_t i = 0; i < call->count; i++)
    if (call->rings[i].state == CALLS_UNREACHABLE || call->rings[i].state == CALLS_RINGING)
      calls_resolve(c, &call->rings[i], state, NULL, NULL, false, now_us);
  finish(c, call, call->accepted ? CALLS_END_ANSWERED : end_of(state, false), now_us);
}

void calls_stop_all(struct calls *c, struct calls_session *s, enum calls_state state, int64_t now_us) {
  struct calls_call *call, *next;
  DL_FOREACH_SAFE(s->calls, call, next) if (!call->over) calls_stop(c, call, state, now_us);
}
