/* server/room/room_manager.h: the rooms of one worker: who is in, who may do what, which track flows into which slot.
 *
 * Sans-IO: client messages (JSON), facts from the media engine and `now_us` (monotonic microseconds, never going back)
 * come in; replies, events and media orders go out through room_listener.h, all during the call that caused them; the
 * caller comes back at room_manager_deadline(). No clock, no socket, no log, no thread.
 *
 * The usual order for one participant:
 *   session_open → request(join) → listener.participant_opened → request(offer) → listener.media_offer →
 *   media_negotiated → request(publish) → listener.track_opened → listener.slot_assign for the others → …
 *   → listener.track_closed, slot_assign(…, 0), media_close.
 * Requests of one session are handled in order; those behind an unanswered offer wait (at most `max_waiting`, then the
 * reply is `busy`). Slots are worked out once at the end of each call here, so a burst in one message is one event.
 *
 * Ownership: the manager owns everything it makes; json_t inputs are borrowed; json_t results are new references.
 * Errors: 0, or one of enum room_error. Peers' mistakes never come back here: they are replies.
 */
#ifndef SERVER_ROOM_ROOM_MANAGER_H
#define SERVER_ROOM_ROOM_MANAGER_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "server/room/room_listener.h"
#include "server/room/topology.h"

enum room_error {
  ROOM_OK = 0,
  ROOM_ERROR_MEMORY = -1,
  ROOM_ERROR_SESSION = -2,     /* no such session                                              */
  ROOM_ERROR_ARGUMENT = -3,    /* a missing or overlong field, an unknown role                 */
  ROOM_ERROR_FULL = -4,        /* max_sessions reached                                         */
  ROOM_ERROR_PARTICIPANT = -5, /* no such participant, or it has no offer open                 */
  ROOM_ERROR_TRACK = -6,       /* no such track                                                */
  ROOM_ERROR_ROOM = -7,        /* no such room                                                 */
};
const char *room_error_name(int error);

/* What doctors may change for their room (`setPolicy`); a new room begins with room_settings.policy. */
struct room_policy {
  bool never_direct;  /* media always over the server                  */
  bool relay_only;    /* a direct connection goes over TURN            */
  bool patients_wait; /* patients join by way of the waiting room      */
};

/* Limits and times. room_settings_init() fills in the defaults named here; `random` has none. */
struct room_settings {
  size_t max_rooms;          /* 1000                                                              */
  size_t max_sessions;       /* 10000                                                             */
  size_t max_participants;   /* 50 a room, hidden ones not counted                                */
  size_t max_hidden;         /* 16 a room                                                         */
  size_t max_tracks;         /* 8 a participant, of those at most two of one source               */
  size_t max_waiting;        /* 32 requests behind an unanswered offer                            */
  size_t chat_messages;      /* 200 kept a room                                                   */
  size_t chat_bytes;         /* 4096 a message                                                    */
  size_t audio_slots;        /* 8: so many others' microphones flow at once                       */
  size_t screen_audio_slots; /* 2: asked for on top of audio_slots                                */
  size_t video_slots;        /* 16                                                                */
  int64_t resume_window_us;  /* 30 s from `lost` to removal                                       */
  int64_t linger_us;         /* 30 s an empty room keeps its chat and lock                        */
  size_t waiting_room;       /* 64 wait for a room                                                */
  int64_t wait_us;           /* 4 h, then they are told to go                                     */
  int64_t knock_us;          /* 10 s from being declined to asking again                          */
  struct room_policy policy; /* of new rooms: all false                                           */
  struct topology_settings direct;
  const char *video_codecs[5]; /* order of preference, NULL-terminated: {"VP8","H264"}; borrowed    */
  const char *audio_codecs[3]; /* {"opus"}                                                          */
  int64_t wall_us;             /* wall clock (µs since 1970) minus now_us, for `at` and `joinedAt`  */
  /* Fills `out` with unpredictable bytes (getrandom). Cannot fail. Needed for ids nobody can guess. */
  void (*random)(void *arg, void *out, size_t bytes);
  void *random_arg;
};
void room_settings_init(struct room_settings *settings);

struct room_manager;

int room_manager_create(struct room_manager **out, const struct room_settings *settings,
                        const struct room_listener *listener, void *listener_arg);
/* Forgets everything without a word to the listener. Accepts NULL. */
void room_manager_free(struct room_manager *m);
/* The wall clock was stepped: see room_settings.wall_us. */
void room_manager_set_wall(struct room_manager *m, int64_t wall_us);

/* ---- sessions ----------------------------------------------------------------------------------------------------- */
struct room_session_info {
  const char *session, *room, *identity, *name, *role; /* from the checked token; name may be NULL         */
  const char *jti, *resume_hash;                       /* may be NULL; only kept for room_manager_hello()  */
  int64_t expires_s;                                   /* the token's exp, seconds since 1970              */
  bool wait;     /* the token's claim, or what listener.session_wait said last: begin in the waiting room (patients,
              * interpreters; others never wait)                                                           */
  bool admitted; /* by a call that it accepted: neither the waiting room nor a lock keeps it out        */
  const json_t *keep; /* anything, for room_manager_hello() to give back; may be NULL, held by reference     */
};
/* A token that must open nothing any more (a guest link that was revoked): told as spent until it expires. */
void room_manager_spend(struct room_manager *m, const char *jti, int64_t expires_s);
/* A welcomed client. A session id that is already here counts as resumed. */
int room_manager_session_open(struct room_manager *m, const struct room_session_info *info, int64_t now_us);
/* Its socket is gone: the participant stays for resume_window_us, `connected:false` for the others. Requests that wait
 * behind an offer are dropped; the offer itself is still answered, and then followed by another `sync`. */
int room_manager_session_lost(struct room_manager *m, const char *session, int64_t now_us);
/* It is back: the session gets `sync` (when it is in a room). ROOM_ERROR_SESSION: the window has passed. */
int room_manager_session_resumed(struct room_manager *m, const char *session, int64_t now_us);
/* No resume possible: leaves now. */
int room_manager_session_end(struct room_manager *m, const char *session, int64_t now_us);
/* One client request, {"id":…,"type":…}; exactly one reply follows, now or after the open offer before it. Offers come
 * with `offer` in place of `sdp`. `hello` is the gateway's and refused here. */
int room_manager_request(struct room_manager *m, const char *session, const json_t *message, int64_t now_us);

/* ---- facts from the media engine ---------------------------------------------------------------------------------- */
/* One m-line the participant sends on. */
struct room_sender {
  char mid[ROOM_MID_BYTES];
  enum room_kind kind;
  uint8_t rid_count;       /* 0: no simulcast         */
  char rids[ROOM_RIDS][9]; /* low to high: q, h, f    */
  char codec[16];          /* first codec of the answer ("VP8"); "" unknown */
};
struct room_slot {
  char mid[ROOM_MID_BYTES];
  enum room_kind kind;
};
/* Everything the session has negotiated so far, not only what is new. Entries past the caps are ignored. */
#define ROOM_MAX_SENDERS 16
#define ROOM_MAX_SLOTS   64
struct room_negotiation {
  const struct room_sender *senders;
  size_t sender_count;
  const struct room_slot *slots;
  size_t slot_count;
};
/* The answer to the open offer: replies {"answer":answer} (signaling/sdp_json.h; borrowed); works with the new senders and
 * slots. Tracks whose sender is gone are unpublished; slots that stay keep their track. */
int room_manager_media_negotiated(struct room_manager *m, uint32_t participant, const json_t *answer,
                                  const struct room_negotiation *negotiation, int64_t now_us);
/* The open offer cannot be answered. `code` is a protocol error code by name ("bad_offer", "no_common_codec",
 * "too_many_tracks", "busy"; anything else becomes "internal"); `text` explains and may be NULL. */
int room_manager_media_refused(struct room_manager *m, uint32_t participant, const char *code, const char *text,
                               int64_t now_us);

enum room_transport { ROOM_TRANSPORT_NEW, ROOM_TRANSPORT_CONNECTED, ROOM_TRANSPORT_FAILED };
/* ICE/DTLS state. `failed` asks the client for a new offer (event `negotiate`, reason "transport"). */
int room_manager_transport_state(struct room_manager *m, uint32_t participant, enum room_transport state,
                                 int64_t now_us);

/* What arrives on a track. Tell the first packet, a change of codec and a change of the largest size; not each packet. */
struct room_track_media {
  bool flowing;
  uint32_t width, height; /* of the largest live layer, 0 unknown */
  uint8_t missing;        /* simulcast layers above that one, which do not come (yet) */
  char codec[16];         /* "" unknown                           */
};
int room_manager_track_media(struct room_manager *m, uint32_t track, const struct room_track_media *media,
                             int64_t now_us);

/* Who speaks in a room, loudest first; tracks are microphones. Call every 100-200 ms while anybody speaks and once with
 * count 0 when all are silent. Level as in RFC 6464: 0 is loudest, 127 silence (dBov without the sign). */
struct room_speaker {
  uint32_t track;
  uint8_t level;
};
int room_manager_speakers(struct room_manager *m, uint32_t room, const struct room_speaker *speakers, size_t count,
                          int64_t now_us);

/* How good a member's connection is, each way, and what is to blame when one of them is less than excellent: its own uplink or
 * downlink, the uplink of somebody it watches, or its device, which encodes too slowly. */
enum room_grade { ROOM_EXCELLENT, ROOM_GOOD, ROOM_POOR, ROOM_LOST };
enum room_cause { ROOM_CAUSE_NONE, ROOM_CAUSE_UPLINK, ROOM_CAUSE_DOWNLINK, ROOM_CAUSE_OTHER_UPLINK, ROOM_CAUSE_DEVICE };
const char *room_grade_name(enum room_grade grade); /* "excellent"; never NULL */
const char *room_cause_name(enum room_cause cause); /* "otherUplink"           */
struct room_quality {
  enum room_grade uplink, downlink;
  enum room_cause cause;
};
/* Everybody hears of a change (event `quality`), of a hidden member only itself. */
int room_manager_quality(struct room_manager *m, uint32_t participant, const struct room_quality *quality,
                         int64_t now_us);
/* Its link carries no picture, and why ("bandwidth", "stalled"; static), or NULL: it does again. The member alone is told. */
int room_manager_audio_only(struct room_manager *m, uint32_t participant, const char *reason, int64_t now_us);

/* What is of use of each layer of a video track, bits per second, 0: all of it. One number for each rid of its sender, one
 * without simulcast. Its publisher is told on change. ROOM_ERROR_TRACK. */
int room_manager_track_limits(struct room_manager *m, uint32_t track, const uint32_t *bps, int64_t now_us);

/* ---- questions of the media engine; change nothing ---------------------------------------------------------------- */
/* Codec names for the participant's next answer, best first: for what it sends, the codecs that every member of its
 * room can decode (all allowed ones when nothing is common). Call it inside media_offer: the offer just given counts
 * already. Returns how many were written to `names` (static or settings strings). */
size_t room_manager_codecs(const struct room_manager *m, uint32_t participant, enum room_kind kind, const char **names,
                           size_t max);
/* To whom a data-channel message of `sender` goes: `target` is a participant id of `target_len` bytes, or empty for all
 * others. Writes handles, at most `max`, and returns how many; 0 when it may not send or nobody is there. */
size_t room_manager_data_targets(const struct room_manager *m, uint32_t sender, const char *target, size_t target_len,
                                 uint32_t *targets, size_t max);
/* The receiver's view of a track, the default when it never asked. */
struct room_view room_manager_view(const struct room_manager *m, uint32_t receiver, uint32_t track);
/* The handle behind a public id "p_…" or "t_…", 0 when there is none. */
uint32_t room_manager_find_participant(const struct room_manager *m, const char *id);
uint32_t room_manager_find_track(const struct room_manager *m, const char *id);

/* ---- time ---------------------------------------------------------------------------------------------------------- */
/* When room_manager_tick() is due; INT64_MAX: nothing is. Ask again after every call. */
int64_t room_manager_deadline(const struct room_manager *m);
void room_manager_tick(struct room_manager *m, int64_t now_us);

/* ---- the gateway's queries (server/README.md): each gives a new reference, NULL when out of memory or unknown -------- */
/* {"rooms":[names], "sessions":[{session, room, identity, name, role, resumeHash, jti, exp}], "spent":[{jti, exp}]} for
 * the worker's hello. `spent` are tokens of sessions that have ended and could still be used again. */
json_t *room_manager_hello(const struct room_manager *m, int64_t now_us);
/* {exists, participants, maxParticipants, locked, full, mayJoin, reason?} for somebody of that role (NULL: patient). */
json_t *room_manager_check(const struct room_manager *m, const char *room, const char *role);
/* [{room, participants, hidden, tracks, locked, topology, createdAt}] */
json_t *room_manager_rooms(const struct room_manager *m);
/* The worker's chance to add its statistics to each object of room_manager_room(); either function may be NULL. */
struct room_decorator {
  void (*participant)(void *arg, uint32_t participant, json_t *object);
  void (*track)(void *arg, uint32_t track, json_t *object);
  void *arg;
};
/* One room in full, hidden members too, with slots and views; NULL: no such room. */
json_t *room_manager_room(const struct room_manager *m, const char *room, const struct room_decorator *decorator);
struct room_counts {
  size_t rooms, sessions, participants, tracks, waiting;
  size_t direct; /* rooms whose two talk directly */
};
struct room_counts room_manager_counts(const struct room_manager *m);
/* What became of direct connections here so far; topology_stats_json() writes it. */
const struct topology_stats *room_manager_direct_stats(const struct room_manager *m);
/* By an administrator over HTTP. ROOM_ERROR_ROOM, ROOM_ERROR_PARTICIPANT (id "p_…" of that room). */
int room_manager_close_room(struct room_manager *m, const char *room, int64_t now_us);
int room_manager_remove_participant(struct room_manager *m, const char *room, const char *participant, int64_t now_us);
/* No new rooms from now on (`draining`); everybody gets the event `draining`. */
void room_manager_drain(struct room_manager *m, int64_t now_us);

#endif
