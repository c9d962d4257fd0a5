/* server/room/internal.h: the room logic's own data, shared by its .c files and their tests; nobody else includes it.
 *
 * Objects: manager ─ sessions (a client's connection, by id) and rooms (by name); room ─ members (a session that joined)
 * and waiters (a session that may not yet); member ─ tracks (what it publishes), slots (what it receives), views (how it shows what it receives).
 *
 * One rule keeps pointers safe: nothing that others may point to is freed during a call. What leaves is taken out of the
 * hashes and lists at once, put on its room's `closing_*` list, and freed when the outermost call settles (settle.c).
 */
#ifndef SERVER_ROOM_INTERNAL_H
#define SERVER_ROOM_INTERNAL_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <uthash.h>

#include "server/room/room_manager.h"
#include "server/room/topology.h"
#include "signaling/message.h"
#include "signaling/role.h"

#define ROOM_NEVER              INT64_MAX
#define ROOM_MAX_VIEWS          256     /* remembered views of one member                                  */
#define ROOM_MAX_SPENT          4096    /* remembered tokens of ended sessions                             */
#define ROOM_MAX_CODECS         4       /* per kind                                                        */
#define ROOM_SLOTS_NEEDED_US    1000000 /* least time between two slotsNeeded to one member                */
#define ROOM_LAYER_PAUSE_US     1000000 /* a layer nobody wants is paused after this: within 2 s, as seen there */
#define ROOM_SPEAKERS_EVENT_US  200000  /* least time between two `speakers` events                        */
#define ROOM_SPEAKERS_EVENT_MAX 8       /* named in one event                                              */
#define ROOM_SPEECH_START_US    200000  /* so long must somebody speak before it changes who is on stage   */
#define ROOM_SPEECH_HOLD_US     1000000 /* so long a pause still belongs to the same speech                */
#define ROOM_SPEECH_GAP_US      500000  /* a longer silence starts the count for the former anew            */
#define ROOM_STAGE_BONUS_DB     6       /* so much louder must a challenger be                             */

struct track {
  UT_hash_handle hh, hh_id;  /* in manager.tracks by handle, in manager.track_ids by id */
  struct track *prev, *next; /* in its room's `tracks`, in order of publication         */
  uint32_t handle;
  char id[ROOM_ID_BYTES];
  char mid[ROOM_MID_BYTES];
  struct member *member;
  enum room_kind kind;
  enum room_source source;
  bool muted, opened, closing;
  bool flowing;
  uint32_t width, height;           /* as published, or as first seen: what clients are told */
  uint32_t full_width, full_height; /* of the highest layer as last seen                     */
  uint8_t codec;                    /* bit in the settings' list of its kind, 0 unknown      */
  uint8_t rid_count;
  char rids[ROOM_RIDS][9];
  /* microphones: the speaker ranking (ranking.c) */
  int64_t heard_us, speech_start_us, spoke_us;
  uint8_t level;
  bool on_stage;
  /* video: layers in use (layers.c) */
  uint8_t layers_needed, layers_told;
  uint32_t limits_bps[ROOM_RIDS], limits_told[ROOM_RIDS]; /* 0: none */
  int64_t idle_since_us[ROOM_RIDS];
  uint64_t sequence, mark; /* order of publication; stamp of the last pick that chose it */
};

struct slot {
  char mid[ROOM_MID_BYTES];
  enum room_kind kind;
  struct track *track, *before; /* now, and when this settling began */
};

struct view_entry {
  UT_hash_handle hh;
  uint32_t track;
  struct room_view view;
};

struct member {
  UT_hash_handle hh, hh_id;
  struct member *prev, *next; /* in its room's `members`, in join order */
  uint32_t handle;
  char id[ROOM_ID_BYTES];
  struct room *room;
  struct session *session;
  bool hidden, hand_raised, never_direct;
  bool paused; /* the engine was told forwarding_pause on */
  int64_t joined_ms;
  enum room_transport transport;
  bool negotiated;
  struct room_sender senders[ROOM_MAX_SENDERS];
  size_t sender_count;
  struct slot *slots; /* slot_count of them, at most ROOM_MAX_SLOTS */
  size_t slot_count;
  size_t track_count;
  struct view_entry *views;
  uint32_t viewed_until; /* last handle when it sent its view: later tracks could not be in it; 0: has sent none */
  uint8_t decodable[2], encodable[2]; /* by kind: codecs of its last offer, bits as in the settings */
  uint8_t codec_preferred[2];         /* what it was last answered or asked to send                 */
  size_t asked_audio, asked_video;    /* last slotsNeeded, 0 when nothing is missing                */
  int64_t asked_us;
  struct room_quality quality;
  bool quality_known;
  const char *audio_only; /* why no picture reaches it; NULL: they do */
  int64_t turn_us;        /* when its last turn to speak began; orders videos */
};

/* Somebody in the waiting room (waiting.c). */
struct waiter {
  struct waiter *prev, *next; /* in its room's `waiters`, oldest first */
  char id[ROOM_ID_BYTES];     /* "w_…": doctors see it, the waiter does not */
  struct room *room;
  struct session *session;
  int64_t since_ms, until_us;
};

struct chat_entry {
  struct chat_entry *prev, *next;
  json_t *event; /* the fields of the `chat` event */
  size_t bytes;  /* of it as text */
  char *from_identity, *to_identity;
};

struct room {
  UT_hash_handle hh;
  char *name;
  uint32_t handle;
  struct member *members, *closing_members;
  struct track *tracks, *closing_tracks;
  struct chat_entry *chat;
  size_t chat_count, chat_bytes, visible_count, hidden_count;
  bool locked, closed, dirty, order_stale;
  bool opened; /* somebody has been in: until then it exists for those who wait only */
  struct waiter *waiters;
  size_t waiter_count;
  bool doctor_present, doctor_busy; /* as told to those who wait */
  struct room_policy policy;
  struct topology topology;
  int64_t created_ms, empty_until_us, wake_us;
  struct track **audio_order, **video_order; /* ranking.c: best first */
  size_t audio_count, video_count, order_room;
  json_t *speakers, *speakers_told; /* arrays of {participant, level} */
  int64_t speakers_us;
  struct room *dirty_next;
};

/* How a wait ended, kept until the client does something about it: the event may be lost with its socket. */
enum wait_outcome { WAIT_NONE, WAIT_ADMITTED, WAIT_DECLINED, WAIT_TIMEOUT };

struct session {
  UT_hash_handle hh;
  char *id, *room_name, *identity, *name, *jti, *resume_hash;
  json_t *keep; /* the gateway's own, NULL: nothing */
  enum signaling_role role;
  int64_t expires_s, lost_until_us;
  bool connected, removed, runnable;
  struct member *member; /* NULL: not joined */
  struct waiter *waiter; /* NULL: does not wait */
  bool wait, admitted;   /* its token says so; somebody has let it in */
  enum wait_outcome outcome;
  char *outcome_reason; /* of a declined wait, NULL: none */
  int64_t knock_us;     /* may not ask again before       */
  int64_t offer_id;     /* request id of the open offer, 0 none */
  bool offer_stale;     /* asked for on a socket that is lost   */
  json_t *waiting;      /* requests behind it, array or NULL    */
  struct session *run_next, *dead_next;
};

struct spent {
  char *jti;
  int64_t expires_s;
};

struct room_manager {
  struct room_settings settings;
  struct room_listener listener;
  void *arg;
  struct session *sessions, *runnable, *dead;
  struct room *rooms, *dirty;
  struct member *members, *member_ids;
  struct track *tracks, *track_ids;
  struct spent *spent;
  size_t spent_count;
  uint32_t last_handle;
  uint64_t last_sequence, last_mark;
  int64_t now_us, next_us;
  int depth;
  bool draining;
  struct topology_stats direct_stats;
};

/* ---- room_manager.c ----------------------------------------------------------------------------------------------- */
int64_t manager_wall_ms(const struct room_manager *m);
uint32_t manager_handle(struct room_manager *m);
/* Writes prefix + 128 random bits in base64url. */
void manager_make_id(struct room_manager *m, const char *prefix, char id[ROOM_ID_BYTES]);
void manager_wake_at(struct room_manager *m, int64_t at_us);
/* ---- settle.c: every public call that changes something stands between these two */
void manager_enter(struct room_manager *m, int64_t now_us);
void manager_leave(struct room_manager *m);
void room_touch(struct room_manager *m, struct room *r);       /* settle it at the end of this call            */
void room_touch_order(struct room_manager *m, struct room *r); /* …and rank its tracks anew          */
void room_wake_at(struct room_manager *m, struct room *r, int64_t at_us);
/* ---- session.c */
struct session *session_find(const struct room_manager *m, const char *id);
void session_reply(struct room_manager *m, struct session *s, int64_t id, json_t *ok);
void session_error(struct room_manager *m, struct session *s, int64_t id, enum signaling_error code, const char *text);
void session_event(struct room_manager *m, const struct session *s, json_t *event); /* event borrowed */
static inline bool session_hears(const struct session *s) {
  return s->connected && !s->removed;
}
/* The open offer is answered or void, its reply is out: lets the waiting requests run. */
void session_release(struct room_manager *m, struct session *s);
/* Forgets the session; everything it still waits for is answered `not_joined`. The member must be gone already. */
void session_remove(struct room_manager *m, struct session *s);
void session_close(struct room_manager *m, struct session *s, int code, const char *reason); /* tells, then removes */
void session_sync(struct room_manager *m, struct session *s);
void session_free(struct session *s);
/* ---- requests.c */
struct outcome {
  json_t *ok;       /* NULL: {}                                         */
  const char *text; /* of an error, NULL: the code's own                */
  bool deferred;    /* the reply comes later                            */
  bool close_room;  /* once the reply is out                            */
};
void session_handle(struct room_manager *m, struct session *s, const json_t *message);
enum signaling_error request_check(struct room_manager *m, struct session *s, const json_t *f, struct outcome *out);
enum signaling_error request_chat(struct room_manager *m, struct session *s, const json_t *f, struct outcome *out);
/* ---- requests_media.c */
enum signaling_error request_offer(struct room_manager *m, struct session *s, const json_t *f, struct outcome *out);
enum signaling_error request_publish(struct room_manager *m, struct session *s, const json_t *f, struct outcome *out);
enum signaling_error request_unpublish(struct room_manager *m, struct session *s, const json_t *f, struct outcome *out);
enum signaling_error request_mute(struct room_manager *m, struct session *s, const json_t *f, struct outcome *out);
enum signaling_error request_view(struct room_manager *m, struct session *s, const json_t *f, struct outcome *out);
/* ---- member.c */
struct room *room_find(const struct room_manager *m, const char *name);
struct member *room_member(const struct room *r, const char *id, bool with_hidden);
struct member *room_member_by_identity(const struct room *r, const char *identity);
enum signaling_error member_join(struct room_manager *m, struct session *s, bool hidden, bool never_direct);
/* Why somebody may not enter; SIGNALING_OK when they may. `r` NULL: the room would be new. `admitted`: not by a lock. */
enum signaling_error room_admission(const struct room_manager *m, const struct room *r, enum signaling_role role,
                                    const char *identity, bool hidden, bool admitted);
struct room *room_create(struct room_manager *m, const char *name);
enum leave_reason { LEAVE_LEFT, LEAVE_KICKED, LEAVE_LOST, LEAVE_REPLACED, LEAVE_SENT_BACK, LEAVE_CLOSED };
/* Takes the member out and tells the others; the session stays. */
void member_remove(struct room_manager *m, struct member *member, enum leave_reason reason);
void member_kick(struct room_manager *m, struct member *member, const char *reason, const struct member *by);
void room_close(struct room_manager *m, struct room *r, const char *reason);
/* Frees the room and what is in it; nothing of it may stand in the manager's hashes any more. */
void room_free(struct room *r);
void member_free(struct member *member);
/* ---- waiting.c: see there */
enum waiting_end { WAITING_ADMITTED, WAITING_DECLINED, WAITING_LEFT, WAITING_LOST, WAITING_REPLACED, WAITING_TIMEOUT };
bool waiting_must(const struct room_manager *m, const struct room *r, const struct session *s);
/* `check` for somebody who would wait: nothing of the room. */
json_t *waiting_check(const struct room_manager *m, const struct room *r, const struct session *s);
enum signaling_error waiting_enter(struct room_manager *m, struct session *s, struct outcome *out);
/* Takes the waiter out, tells the doctors, frees it. The session stays. */
void waiting_remove(struct room_manager *m, struct waiter *w, enum waiting_end why);
void waiting_tell_hosts(struct room_manager *m, const struct waiter *w); /* it is new, or its socket changed */
void waiting_resync(struct room_manager *m, struct session *s);          /* after a resume */
void waiting_close(struct room_manager *m, struct room *r, const char *reason);
void waiting_expire(struct room_manager *m, struct room *r); /* sends away who has waited too long */
void waiting_settle(struct room_manager *m, struct room *r);
json_t *waiting_json(const struct room *r);
void waiting_free(struct room *r);
enum signaling_error request_admit(struct room_manager *m, struct session *s, const json_t *f, struct outcome *out);
enum signaling_error request_admit_all(struct room_manager *m, struct session *s, const json_t *f, struct outcome *out);
enum signaling_error request_decline_waiting(struct room_manager *m, struct session *s, const json_t *f,
                                             struct outcome *out);
enum signaling_error request_send_back(struct room_manager *m, struct session *s, const json_t *f, struct outcome *out);
/* ---- audit.c: acts on others */
struct audit {
  const char *act; /* NULL: none */
  char target[SIGNALING_IDENTIFIER_BYTES + 1];
};
void audit_prepare(const struct room_manager *m, const struct session *s, enum signaling_type type, const json_t *f,
                   struct audit *out);
void audit_done(struct room_manager *m, const struct session *s, const struct audit *audit);
/* ---- direct.c: the topology machine in its room */
void direct_settle(struct room_manager *m, struct room *r);
void direct_interrupt(struct room_manager *m, struct member *member);         /* its socket was exchanged */
json_t *direct_json(const struct room_manager *m, const struct member *self); /* NULL: it has no attempt */
const char *room_topology_name(const struct room *r);                         /* "sfu", "p2p" */
json_t *policy_json(const struct room *r);
enum signaling_error request_signal(struct room_manager *m, struct session *s, const json_t *f, struct outcome *out);
enum signaling_error request_direct_state(struct room_manager *m, struct session *s, const json_t *f,
                                          struct outcome *out);
enum signaling_error request_set_policy(struct room_manager *m, struct session *s, const json_t *f,
                                        struct outcome *out);
/* ---- track.c */
struct track *track_publish(struct room_manager *m, struct member *member, const struct room_sender *sender,
                            enum room_source source);
void track_unpublish(struct room_manager *m, struct track *t, bool tell);
void track_set_muted(struct room_manager *m, struct track *t, bool muted, const struct member *actor);
const struct room_sender *member_sender(const struct member *member, const char *mid);
/* ---- snapshot.c: new references */
json_t *track_json(const struct track *t);
/* media.c: by handle, NULL */
struct member *find_member(const struct room_manager *m, uint32_t handle);

/* quality.c */
json_t *quality_json(const struct member *member);
json_t *audio_only_json(const struct member *member);
json_t *participant_json(const struct member *member);
json_t *slot_json(const struct slot *slot);
json_t *snapshot_json(const struct room_manager *m, const struct member *self);
/* ---- events.c */
/* Sends {"event":name, …fields} to all members but `except`; takes over `fields`. */
void room_broadcast(struct room_manager *m, struct room *r, const struct member *except, const char *name,
                    json_t *fields);
/* The same about `subject`, which is not told itself; nobody hears of a hidden one. */
void member_announce(struct room_manager *m, const struct member *subject, const char *name, json_t *fields);
void member_event(struct room_manager *m, const struct member *to, const char *name, json_t *fields);
/* ---- chat.c */
/* Keeps the message; takes a reference of `event`. */
int chat_append(struct room_manager *m, struct room *r, json_t *event, const char *from_identity,
                const char *to_identity);
json_t *chat_history(const struct room *r, const char *identity);
void chat_free(struct room *r);
/* ---- ranking.c */
void ranking_report(struct room_manager *m, struct room *r, const struct room_speaker *speakers, size_t count);
void ranking_forget(struct room *r, const struct member *member);
void ranking_sort(struct room_manager *m, struct room *r);
void ranking_settle_event(struct room_manager *m, struct room *r);
/* ---- slots.c, slots_needed.c */
void slots_assign(struct room_manager *m, struct room *r);
void slots_settle_needed(struct room_manager *m, struct room *r);
struct room_view member_view(const struct member *receiver, const struct track *t);
bool member_can_decode(const struct member *receiver, const struct track *t);
struct room_wish {
  struct track *track;
  struct room_view view;
};
/* Replaces the receiver's view whole: what is not in it is not shown. Of a track named twice the last wish counts. */
void member_set_views(struct room_manager *m, struct member *receiver, const struct room_wish *wishes, size_t count);
void member_clear_views(struct member *receiver);
/* ---- layers.c */
void layers_settle(struct room_manager *m, struct room *r);
int layers_for_view(const struct track *t, const struct room_view *view); /* index of the rid, -1 none */
/* ---- codec_policy.c */
uint8_t codec_bit(const struct room_manager *m, enum room_kind kind, const char *name); /* 0: not allowed here */
void codecs_read_offer(const struct room_manager *m, struct member *member, const json_t *offer);
uint8_t codecs_common(const struct room *r, enum room_kind kind);
/* The bit of the codec this member should send; 0: it can send none of ours. */
uint8_t codec_preferred(const struct room_manager *m, const struct member *member, enum room_kind kind);
void codecs_settle(struct room_manager *m, struct room *r);

#endif
