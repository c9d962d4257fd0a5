/* server/calls/internal.h: the data of the call manager, one page. Not for users of calls.h.
 *
 *   calls.c     sessions and people: arrival, loss, return, end; time
 *   ring.c      one invitee from its first state to its last, one call to its end
 *   requests.c  invite, accept, decline, cancel
 *   notice.c    words and JSON
 */
#ifndef SERVER_CALLS_INTERNAL_H
#define SERVER_CALLS_INTERNAL_H

#include <uthash.h>

#include "server/calls/calls.h"

struct calls_call;
struct calls_person;

struct calls_ring { /* one invitee of one call */
  struct calls_call *call;
  struct calls_person *person;
  enum calls_state state;
  struct calls_ring *prev, *next; /* person->rings, oldest first, while unreachable or ringing */
};

struct calls_session {
  UT_hash_handle hh;
  struct calls_person *person;
  struct calls_session *prev, *next; /* person->sessions */
  char *id, *name, *role;
  char home[SIGNALING_IDENTIFIER_BYTES + 1], room[SIGNALING_IDENTIFIER_BYTES + 1];
  bool may_call, host, reachable, connected, joined;
  int64_t lost_us, engaged_until_us;
  const struct calls_ring *told; /* rings here; its end has to be told                */
  char missed[CALLS_ID_BYTES];   /* a call whose end fell into its absence; "": none  */
  enum calls_end missed_end;
  struct calls_call *calls; /* that it made and that it has not been told the end of  */
};

struct calls_person {
  UT_hash_handle hh;
  char *identity;
  struct calls_session *sessions;
  struct calls_ring *rings;   /* all that are unreachable or ringing           */
  struct calls_ring *ringing; /* the one of them that rings                    */
  size_t open;                /* calls of this person that are not over        */
  size_t invited;             /* calls, over or not, that name this person     */
  int64_t credit_us;          /* invitations saved up, each CALLS_REFILL_US    */
  int64_t credit_at_us;
  struct calls_person *prev, *next; /* calls->idle: nothing but a credit that is not full */
  bool idle;
};

struct calls_call {
  UT_hash_handle hh; /* calls->open, until it is over */
  char id[CALLS_ID_BYTES];
  char room[SIGNALING_IDENTIFIER_BYTES + 1];
  char *message;
  bool video, over;
  enum calls_end end; /* once it is over */
  int64_t expires_us;
  struct calls_session *caller;   /* lives at least as long as the call */
  struct calls_call *prev, *next; /* caller->calls                      */
  size_t count, unresolved, accepted, declined;
  struct calls_ring rings[];
};

struct calls {
  struct calls_settings settings;
  struct calls_listener listener;
  struct calls_session *sessions;
  struct calls_person *people, *idle;
  struct calls_call *open;
  struct calls_counts counts;
};

/* ---- calls.c ---- */
struct calls_session *calls_find_session(const struct calls *c, const char *id);
struct calls_person *calls_take_person(struct calls *c, const char *identity, int64_t now_us); /* made if need be */
/* Frees the person, or notes it as idle, if nothing refers to it any more. */
void calls_drop_person(struct calls *c, struct calls_person *p, int64_t now_us);
bool calls_person_busy(const struct calls_person *p, int64_t now_us);
bool calls_take_credit(struct calls_person *p, size_t people, int64_t now_us);

/* ---- ring.c ---- */
/* Rings where it can; busy when the person is. Unreachable stays unreachable. */
void calls_ring_try(struct calls *c, struct calls_ring *ring, int64_t now_us);
/* A page of this person has connected. */
void calls_person_arrived(struct calls *c, struct calls_session *s, int64_t now_us);
/* Ends one invitee with `state`; `by`: the session that did it, NULL: none; `reason` and `video`: its words and wish. */
void calls_resolve(struct calls *c, struct calls_ring *ring, enum calls_state state, const struct calls_session *by,
                   const char *reason, bool video, int64_t now_us);
/* Ends all that still rings. */
void calls_stop(struct calls *c, struct calls_call *call, enum calls_state state, int64_t now_us);
/* Stops all calls of the session. */
void calls_stop_all(struct calls *c, struct calls_session *s, enum calls_state state, int64_t now_us);
/* Ends the call if nobody rings: tells the caller, or keeps the end for its return. */
void calls_settle(struct calls *c, struct calls_call *call, int64_t now_us);
void calls_tell_end(struct calls *c, struct calls_call *call, int64_t now_us); /* to its caller; frees the call */
void calls_free_call(struct calls *c, struct calls_call *call, int64_t now_us);
/* The call as its caller sees it; `invitees` has room for CALLS_INVITEES_MAX. NULL: as a callee does. */
struct calls_view calls_view_of(const struct calls_call *call, struct calls_invitee *invitees);

#endif
