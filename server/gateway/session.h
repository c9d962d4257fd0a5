/* server/gateway/session.h: the sessions this gateway knows: who, in which room, over which WebSocket, and which requests
 * still wait for their worker's reply. A table of plain data; who may do what is decided elsewhere.
 */
#ifndef SERVER_GATEWAY_SESSION_H
#define SERVER_GATEWAY_SESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uthash.h>

#include "signaling/message.h"
#include "signaling/resume_key.h"
#include "signaling/sdp.h"

#define SESSION_ID_BYTES    25       /* "s_", 22 characters for 128 bits, NUL                          */
#define SESSION_PENDING_MAX 64       /* requests of one session on their way; one more is `busy`        */
#define SESSION_LOBBY       "~lobby" /* as workers know the room of a session that has none; no token may name it */
#define SESSION_OFFERS_MAX  4        /* of those, offers: each keeps its parsed SDP                     */

/* A request that was sent to the worker. */
struct session_pending {
  int64_t id;
  enum signaling_type type;
  struct sdp_offer *offer; /* owned; NULL unless it is an offer */
};

struct session {
  UT_hash_handle hh;
  char id[SESSION_ID_BYTES];
  char resume_hash[RESUME_KEY_CHARS + 1];
  char room[SIGNALING_IDENTIFIER_BYTES + 1], identity[SIGNALING_IDENTIFIER_BYTES + 1];
  char name[SIGNALING_NAME_BYTES + 1], role[16], jti[SIGNALING_IDENTIFIER_BYTES + 1];
  int64_t expires_s;
  char home[SIGNALING_IDENTIFIER_BYTES + 1]; /* the token's room, "": the lobby; `room` is the one it may join now  */
  bool home_wait, calls, guest;              /* the token's claims                                                  */
  bool admitted, joined;                     /* a call has brought it into `room`; it is in there                    */
  unsigned deaf;                             /* until so many barriers, its worker may still speak of an earlier room */
  bool wait;                          /* begins in the waiting room: its token says so, or the room does             */
  int worker;                         /* where it is open; -1: nowhere, its worker died                           */
  bool media_lost;                    /* it has to be told when it has a worker and a WebSocket again             */
  void *client;                       /* the WebSocket's state; NULL: lost                                        */
  int64_t lost_us;                    /* since when, if lost                                                      */
  uint64_t origin_id, origin_version; /* of its SDP answers                                     */
  struct session_pending pending[SESSION_PENDING_MAX];
  size_t pending_count;
};

struct session_table {
  struct session *sessions;
};

/* A new session with a random id, or (`id` not NULL) one that a worker told of. NULL: no memory, no randomness, an id that
 * is too long or taken. */
struct session *session_table_add(struct session_table *t, const char *id);
struct session *session_table_find(const struct session_table *t, const char *id);
void session_table_remove(struct session_table *t, struct session *s);
void session_table_clear(struct session_table *t); /* removes all */
size_t session_table_count(const struct session_table *t);

/* Notes a request on its way; takes the offer over in any case. Returns SIGNALING_OK or SIGNALING_BUSY. */
enum signaling_error session_pending_add(struct session *s, int64_t id, enum signaling_type type,
                                         struct sdp_offer *offer);

/* Takes the pending request `id` out. Returns false when there is none. out->offer is then the caller's to free. */
bool session_pending_take(struct session *s, int64_t id, struct session_pending *out);

/* Forgets all, oldest first, into `ids` (room for SESSION_PENDING_MAX). Returns how many. */
size_t session_pending_drop(struct session *s, int64_t *ids);

#endif
