/* server/room/room_listener.h: what the room logic says to the world: replies and events for clients, orders for media.
 *
 * The worker fills the structs, room_manager.h calls them. Rules for every function:
 *  - It runs inside a room_manager_* call and must not call back into the manager, except that `media_offer` may call
 *    room_manager_media_negotiated() or room_manager_media_refused() at once instead of later, and any of them may use
 *    the const queries (room_manager_codecs, room_manager_data_targets, room_manager_view).
 *  - Pointers (JSON, strings, structs) are borrowed and die when it returns; json_incref() what must live longer, but
 *    never change it: one event object goes to many sessions.
 *  - Handles are opaque, never 0 and never used twice in the life of a manager.
 *  - All functions must be set.
 */
#ifndef SERVER_ROOM_ROOM_LISTENER_H
#define SERVER_ROOM_ROOM_LISTENER_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#define ROOM_MID_BYTES 17 /* RFC 8843 leaves the length open; ours and every browser's fit 16 characters and a NUL */
#define ROOM_ID_BYTES  33 /* "p_" + 128 bits in base64url (22 characters) + NUL = 25; the rest is room to grow      */
#define ROOM_RIDS      3  /* q, h, f                                                                               */

enum room_kind { ROOM_AUDIO, ROOM_VIDEO };
enum room_source { ROOM_MICROPHONE, ROOM_CAMERA, ROOM_SCREEN, ROOM_SCREEN_AUDIO };
enum room_priority { ROOM_PRIORITY_LOW, ROOM_PRIORITY_NORMAL, ROOM_PRIORITY_HIGH };

/* Names as on the wire: "audio", "screenAudio", "high". Never NULL. */
const char *room_kind_name(enum room_kind kind);
const char *room_source_name(enum room_source source);
const char *room_priority_name(enum room_priority priority);

/* How one receiver shows one track. Without a request from the client: visible, 0×0 ("no limit known"), normal. */
struct room_view {
  bool visible;           /* false: send nothing of it; such a video track holds no slot either */
  uint32_t width, height; /* device pixels; 0×0 with visible = no limit known                   */
  enum room_priority priority;
};

/* A member that came in. It has no media until media_offer. */
struct room_participant {
  uint32_t participant, room; /* handles; members of one room share `room` (one speaker detector each) */
  const char *id;             /* "p_…": also what data-channel frames carry as sender and target        */
  const char *session;        /* "s_…"                                                                  */
  const char *room_name;
  bool hidden; /* receives only                                                          */
};

/* A track of a member: what arrives on its sender `mid`. */
struct room_track {
  uint32_t track, participant;
  const char *id;  /* "t_…" */
  const char *mid; /* of the publisher's m-line */
  enum room_kind kind;
  enum room_source source;
};

/* What somebody did to others by right of its role, after it was done: for the log. No name, text or address is in it. */
struct room_act {
  const char *act;  /* the request's type: "kick", "lock" (or "unlock"), "admit"… */
  const char *room; /* its name                                             */
  const char *by;   /* identity                                             */
  const char *role;
  const char *target; /* identity; NULL: the room, or all who wait */
};

struct room_listener {
  /* ---- to the gateway -------------------------------------------------------------------------------------------- */
  /* The one reply to a request, {"re":…,"ok"|"error":…}. Not called for a session that is lost at that moment. */
  void (*reply)(void *arg, const char *session, json_t *message);
  /* {"event":…}, the same for `count` sessions, at least one. Lost sessions get none: they receive `sync` when they are back. */
  void (*event)(void *arg, const char *const *sessions, size_t count, json_t *message);
  /* End this session's socket after what was sent before: 4001 kicked, 4002 closed, 4003 replaced. The session is
   * already forgotten here; its id is unknown from now on. */
  void (*close)(void *arg, const char *session, int code, const char *reason);
  /* Must this session wait when it joins again? What its token said no longer holds: it was admitted (false) or sent back
   * (true). Whoever opens the session anew, on another worker, says it in room_session_info.wait. */
  void (*session_wait)(void *arg, const char *session, bool wait);
  void (*acted)(void *arg, const struct room_act *act);

  /* ---- to the media engine --------------------------------------------------------------------------------------- */
  void (*participant_opened)(void *arg, const struct room_participant *participant);
  /* A client's offer (signaling/sdp_json.h, msg.offer). Answer it now or later with room_manager_media_negotiated() or _refused();
   * until then the client's next requests wait. At most one is open per participant; media_close cancels it. */
  void (*media_offer)(void *arg, uint32_t participant, const json_t *offer);
  /* The member is gone: drop its transport. Its tracks were closed and its slots emptied just before. Last use. */
  void (*media_close)(void *arg, uint32_t participant);

  void (*track_opened)(void *arg, const struct room_track *track);
  void (*track_closed)(void *arg, uint32_t track); /* last use of the handle; it sits in no slot any more */
  /* off: muted by its owner or by a doctor; nothing of it may reach anybody. A new track starts with on. */
  void (*track_forwarding)(void *arg, uint32_t track, bool on);
  /* `track` flows into the receiver's slot `mid` from now on; 0 = nothing does. Only changes are told. Keep the old
   * source flowing until the new one's key frame where the slot goes from track to track. */
  void (*slot_assign)(void *arg, uint32_t receiver, const char *mid, uint32_t track);
  /* The receiver wants the track in this size and priority. Called right before slot_assign puts it into a slot, and
   * whenever it changes for a track that sits in one. */
  void (*track_view)(void *arg, uint32_t receiver, uint32_t track, const struct room_view *view);
  /* on: forward nothing that the participant sends, because those who are here get it directly or will lose it in a moment.
   * Ask it for no key frames; keep the transport and what the slots know, so that off flows at once. Starts with off. */
  void (*forwarding_pause)(void *arg, uint32_t participant, bool on);
  /* The publisher was told which of its layers are in use (layersWanted): bit i = i-th rid of the sender. */
  void (*layers_wanted)(void *arg, uint32_t track, uint8_t rids);
};

#endif
