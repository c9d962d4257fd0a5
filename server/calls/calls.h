/* server/calls/calls.h: invitations: who calls whom, who rings, who answered, and the one end that every side is told.
 *
 * A call is one invitation of 1 to 16 people into one room. Each invitee goes
 *     unreachable → ringing → accepted | declined | cancelled | timed_out | caller_gone,  or  busy,
 * on its own; the call is over when none of them is unreachable or ringing any more. What happens in the room afterwards
 * is not a matter of this module, except that who is in a room is busy.
 *
 *  - A person (identity) has any number of sessions (open pages). All that are connected ring; the first accept or decline
 *    ends it for the others. Somebody who is unreachable rings as soon as a page of his connects.
 *  - A person rings for one call at a time. Busy is who rings, who calls, who is in a room, or who has just accepted.
 *  - Hosts (doctors, admins) may call everybody; others reach hosts only and are not told who else is there.
 *  - During a call only hosts may invite, and only into the room they are in.
 *  - Every session that was told of an incoming call is told its end exactly once; so is the session that called. Ends that
 *    fall into a session's absence are told when it resumes; a session that never comes back is told nothing.
 *  - A caller whose socket is lost rings on for `caller_grace_us` (a reload, another network), then it is gone.
 *
 * Sans-IO: requests and now_us (monotonic microseconds) in; notices through the listener, during the call that caused
 * them, out; the caller comes back at calls_deadline(). One thread. Caps: below; nobody's memory grows beyond them.
 */
#ifndef SERVER_CALLS_CALLS_H
#define SERVER_CALLS_CALLS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "signaling/message.h"

#define CALLS_INVITEES_MAX 16                /* people in one call                                          */
#define CALLS_OPEN_MAX     4                 /* calls of one person that still ring; one more is `busy`     */
#define CALLS_BURST        20                /* people one may invite at once, then                         */
#define CALLS_REFILL_US    INT64_C(6000000)  /* one more every 6 s; beyond it `rate_limited`                */
#define CALLS_ENGAGED_US   INT64_C(30000000) /* after an accept both count as busy so long without a join   */
#define CALLS_ID_BYTES     25                /* "c_", 22 characters for 128 bits, NUL                       */
#define CALLS_ROOM_PREFIX  "call-"           /* of rooms made for a call; 22 random characters follow       */

/* Where one invitee stands. */
enum calls_state {
  CALLS_UNREACHABLE = 0, /* no page of his is connected; he may still come */
  CALLS_RINGING,
  CALLS_ACCEPTED,
  CALLS_DECLINED,
  CALLS_BUSY,
  CALLS_CANCELLED,
  CALLS_TIMED_OUT,
  CALLS_CALLER_GONE,
  CALLS_STATE_COUNT,
};

/* Why a call is over, for one side. */
enum calls_end {
  CALLS_END_ANSWERED = 0,       /* caller: somebody accepted. Callee: this very page did                           */
  CALLS_END_ACCEPTED_ELSEWHERE, /* callee: another page of the same person did                                     */
  CALLS_END_DECLINED,           /* caller: nobody accepted, somebody declined. Callee: declined, on whatever page  */
  CALLS_END_BUSY,               /* caller: all were busy                                                           */
  CALLS_END_CANCELLED,
  CALLS_END_TIMED_OUT,
  CALLS_END_CALLER_GONE,
  CALLS_END_COUNT,
};

/* "timed_out" and so on, as on the wire; never NULL. */
const char *calls_state_name(enum calls_state state);
const char *calls_end_name(enum calls_end end);

struct calls_invitee {
  const char *identity;
  enum calls_state state;
};

/* One call as its caller or its callee may see it. */
struct calls_view {
  const char *call, *room, *message;    /* message may be NULL                                     */
  const char *identity, *name, *role;   /* of the caller                                           */
  bool video;                           /* the caller would like pictures                          */
  int64_t expires_us;                   /* when it times out                                       */
  const struct calls_invitee *invitees; /* for callers; NULL for callees, who need not know others */
  size_t invitee_count;
};

enum calls_notice_kind {
  CALLS_INCOMING, /* to a callee's page: `view`                                                                   */
  CALLS_RINGS,    /* to the caller: `identity` rings now                                                          */
  CALLS_ACCEPT,   /* to the caller: `identity` (`name`) comes, with or without `video`                            */
  CALLS_DECLINE,  /* to the caller: `identity` does not; `busy`, or for a `reason` of his own (may be NULL)       */
  CALLS_ENDED,    /* to both: `end`; to callers `view` has everybody's state                                      */
  CALLS_SYNC,     /* after a resume: `incoming` (or NULL) and `outgoing` are all calls that are open              */
};

/* What one session shall be told. Everything is borrowed and dies when the listener returns. */
struct calls_notice {
  enum calls_notice_kind kind;
  const char *call; /* NULL in CALLS_SYNC */
  const char *identity, *name, *reason;
  bool busy, video;
  enum calls_end end;
  const struct calls_view *view, *incoming, *outgoing;
  size_t outgoing_count;
};

/* The notice as the client's event (PROTOCOL.md, "Calls"). `wall_us`: wall clock minus now_us. New reference, NULL without
 * memory. */
json_t *calls_notice_json(const struct calls_notice *notice, int64_t wall_us);

/* Both run inside a calls_* function and must not call back. */
struct calls_listener {
  void (*notify)(void *arg, const char *session, const struct calls_notice *notice); /* connected sessions only */
  /* Gives the session the right to the room, in place of the one it had; it leaves that one if it is in it. `invited`: by
   * somebody inside, so it need not wait and no lock holds. Any result but SIGNALING_OK refuses the invite or accept, which
   * then has changed nothing. */
  enum signaling_error (*enter)(void *arg, const char *session, const char *room, bool invited);
  void (*random)(void *arg, void *out, size_t bytes); /* unpredictable; cannot fail */
  void *arg;
};

struct calls_settings {
  int64_t ring_us, caller_grace_us;
};

struct calls;

/* 0, or -1 without memory. */
int calls_create(struct calls **out, const struct calls_settings *settings, const struct calls_listener *listener);
void calls_free(struct calls *c);                                       /* tells nobody; accepts NULL */
void calls_set(struct calls *c, const struct calls_settings *settings); /* for calls to come */

/* ---- sessions ------------------------------------------------------------------------------------------------------ */
struct calls_session_info {
  const char *session, *identity, *name, *role;
  const char *home,
      *room;      /* the token's room ("": none), and the one it has the right to now (NULL: home)            */
  bool may_call;  /* false: `invite` is forbidden                                                             */
  bool host;      /* doctor or admin                                                                          */
  bool reachable; /* false: never rings and does not count as being there (observers)                         */
  bool connected, joined;
};
/* A new session; rings at once if somebody waits for that person. 0, or -1: no memory, or the session is known. */
int calls_session_open(struct calls *c, const struct calls_session_info *info, int64_t now_us);
/* These ignore sessions they do not know. */
void calls_session_lost(struct calls *c, const char *session, int64_t now_us);
/* It is back: gets the ends it missed, then CALLS_SYNC. */
void calls_session_resumed(struct calls *c, const char *session, int64_t now_us);
void calls_session_close(struct calls *c, const char *session, int64_t now_us);
void calls_session_joined(struct calls *c, const char *session);
/* No longer in its room. `hung_up`: by its own will, which also cancels what it has ringing. */
void calls_session_left(struct calls *c, const char *session, bool hung_up, int64_t now_us);

/* ---- requests: SIGNALING_OK, or what to refuse them with; then nothing has changed ---------------------------------- */
struct calls_invitation {
  const char *const *to; /* identities */
  size_t to_count;
  const char *room;    /* NULL: the room the session is in, else its token's, else a new one */
  const char *message; /* may be NULL */
  bool video;
};
struct calls_invited {
  char call[CALLS_ID_BYTES];
  char room[SIGNALING_IDENTIFIER_BYTES + 1];
  int64_t expires_us;
};
/* BAD_REQUEST: nobody, too many, somebody twice, or oneself. FORBIDDEN: no right to call, not during a call, or another
 * room. BUSY: CALLS_OPEN_MAX. RATE_LIMITED. INTERNAL: no memory. And what `enter` says. */
enum signaling_error calls_invite(struct calls *c, const char *session, const struct calls_invitation *invitation,
                                  struct calls_invited *out, int64_t now_us);
/* CALL_NOT_FOUND: it does not ring here, or not any more. And what `enter` says: then it rings on. Calls that the person
 * has ringing himself are cancelled. `room` (SIGNALING_IDENTIFIER_BYTES + 1) is where to go. */
enum signaling_error calls_accept(struct calls *c, const char *session, const char *call, bool video, char *room,
                                  int64_t now_us);
/* CALL_NOT_FOUND. `reason` may be NULL. */
enum signaling_error calls_decline(struct calls *c, const char *session, const char *call, const char *reason,
                                   int64_t now_us);
/* By the session that called. CALL_NOT_FOUND: not its own, or over. */
enum signaling_error calls_cancel(struct calls *c, const char *session, const char *call, int64_t now_us);

struct calls_presence {
  bool online, busy;
};
struct calls_presence calls_presence(const struct calls *c, const char *identity, int64_t now_us);

/* ---- time and numbers ------------------------------------------------------------------------------------------------ */
int64_t calls_deadline(const struct calls *c); /* when calls_tick() is due; INT64_MAX: nothing is */
void calls_tick(struct calls *c, int64_t now_us);

struct calls_counts {
  uint64_t ended[CALLS_END_COUNT]; /* calls, by the end their caller was or would have been told */
  uint64_t rate_limited;
  size_t open;             /* calls that ring */
  size_t people, sessions; /* known now       */
};
struct calls_counts calls_counts(const struct calls *c);

#endif
