/* server/gateway/internal.h: the gateway's state, and what its files call of each other.
 *
 *   gateway.c   the process: loop, listener, clock, signals, end
 *   clients.c   WebSockets: hello, resume, and requests on their way to a worker
 *   workers.c   control connections: hello, replies, events, a worker's death and return
 *   queries.c   questions to workers and their answers
 *   call_requests.c  calls and guest links; moving.c  a session gets another room; guest_links.c  names of links
 *   http.c      health, version, metrics, the admin API
 *   ice_servers.c, metrics.c, session.c, room_directory.c, used_tokens.c, worker_link.c: parts without knowledge of it all
 */
#ifndef SERVER_GATEWAY_INTERNAL_H
#define SERVER_GATEWAY_INTERNAL_H

#include <uv.h>

#include "conf/config.h"
#include "server/calls/calls.h"
#include "server/gateway/room_directory.h"
#include "server/gateway/session.h"
#include "server/gateway/used_tokens.h"
#include "server/gateway/worker_link.h"
#include "signaling/listener.h"
#include "signaling/rate_limit.h"

/* PROTOCOL.md: hello comes within 10 s. */
#define CLIENT_HELLO_US   INT64_C(10000000)
#define START_PATIENCE_US INT64_C(3000000) /* how long to wait for workers before listening without them */

struct client {
  struct client *previous, *next;
  struct listener_connection *connection;
  struct session *session; /* NULL before hello */
  struct rate_limit rate;
  int64_t opened_us;
};

struct worker {
  struct worker_link *link;
  json_t *stats; /* the last answer, NULL: none yet */
  uint64_t ups;  /* how often it came up */
  int64_t pid;
};

struct gateway_counters {
  uint64_t hellos_ok, hellos_refused, resumes, requests, requests_refused, rate_limited, workers_lost, bad_answers,
      replies_unmatched, tokens_reused, links_created, links_revoked;
};

struct query; /* queries.c */

struct gateway {
  uv_loop_t loop;
  struct config *config;
  bool dev, listening, ready_told, draining, ending;
  struct listener *listener;
  struct session_table sessions;
  struct used_tokens *used;
  struct room_directory *directory;
  struct calls *calls;
  json_t *held_events; /* of calls, while a request about one runs; NULL otherwise */
  struct worker workers[ROOM_DIRECTORY_WORKERS_MAX];
  size_t worker_count;
  struct client *clients; /* all open WebSockets */
  struct query *queries;
  int64_t next_ref;
  uv_timer_t clock;
  uv_signal_t terminate, interrupt, hangup;
  int64_t started_us, drain_until_us, last_tick_us;
  unsigned ticks;
  struct gateway_counters counters;
};

int64_t gateway_now_us(void);                               /* monotonic */
int64_t gateway_wall_s(void);                               /* since 1970 */
bool gateway_workers_up(const struct gateway *g, bool all); /* all of them, or at least one */

/* ---- clients.c ---- */
extern const struct listener_events gateway_listener_events; /* with on_request and on_log from http.c */
void clients_tick(struct gateway *g, int64_t now_us);
/* Sends text (takes it over, NULL is ignored) to whoever holds the session; dropped when nobody does. */
void clients_send(struct session *s, char *text);
void clients_disconnect(struct gateway *g, struct session *s, uint16_t code, const char *reason);
void clients_end_all(struct gateway *g);

/* ---- workers.c ---- */
int workers_start(struct gateway *g);
/* Opens the session where its room lives. Returns SIGNALING_OK, BUSY (too many rooms), WORKER_LOST or INTERNAL. */
enum signaling_error workers_open_session(struct gateway *g, struct session *s);
/* {"op":op,"session":…} to the session's worker; nothing when it has none. */
void workers_tell(struct gateway *g, const struct session *s, const char *op);
int workers_send(struct gateway *g, int worker, json_t *message);  /* takes it over; -1: not sent */
void workers_forget_session(struct gateway *g, struct session *s); /* from the table and the directory */
void workers_session_left(struct gateway *g, struct session *s);   /* its client has sent `leave` */
/* Opens a session whose worker died, and tells its client that the media is gone; nothing while that cannot be done. */
void workers_recover_session(struct gateway *g, struct session *s);
void workers_tick(struct gateway *g, int64_t now_us);
void workers_close(struct gateway *g);

/* ---- moving.c ---- */
/* Makes `room` the session's room, in place of the one it has; `admitted`: neither a lock nor the waiting room holds it.
 * Requests on their way are answered NOT_JOINED. Returns SIGNALING_OK, or DRAINING, BUSY, WORKER_LOST or INTERNAL, and then
 * nothing has changed. */
enum signaling_error sessions_move(struct gateway *g, struct session *s, const char *room, bool admitted);
/* Its room was closed. Who came from the lobby and is connected is there again and can be called; false: the session is over. */
bool sessions_return(struct gateway *g, struct session *s);

/* ---- call_requests.c ---- */
int call_requests_start(struct gateway *g); /* 0, or -1 without memory */
void call_requests_reload(struct gateway *g);
/* A session that the call manager shall know: `client`, `joined` and the claims are set. */
void call_requests_session(struct gateway *g, const struct session *s);
bool call_requests_own(enum signaling_type type);
/* Runs one of them; *ok (NULL: {}) is the reply's. Events that it causes wait for call_requests_release(). */
enum signaling_error call_requests_run(struct gateway *g, struct session *s, const struct signaling_request *request,
                                       json_t **ok);
void call_requests_release(struct gateway *g);
/* What a user should read about such an error; NULL: the words of the code. */
const char *call_requests_words(enum signaling_type type, enum signaling_error error);

/* ---- queries.c ---- */
/* `value` is borrowed, NULL with a code: a protocol error's name, "worker_lost" or "timeout". */
typedef void (*query_answered)(void *arg, json_t *value, const char *code, const char *message);
/* Asks a worker {"op":"query",…}; takes `fields` over (may be NULL). `answered` is called exactly once, never at once. */
void query_send(struct gateway *g, int worker, const char *what, json_t *fields, query_answered answered, void *arg);
void query_result(struct gateway *g, const json_t *message);
void query_tick(struct gateway *g, int64_t now_us);
void query_worker_down(struct gateway *g, int worker);
void query_close(struct gateway *g);

/* ---- http.c ---- */
void http_answer(struct listener_request *request, const struct listener_request_view *view, void *arg);

/* test_room.c */
void test_room_answer(struct gateway *g, struct listener_request *request, const char *authorization);
/* Writes all metrics (metrics_export.c); malloc'd. */
char *metrics_export(const struct gateway *g, size_t *length);
extern const char openapi_yaml[]; /* made from openapi.yaml by the build */

/* ---- ice_servers.c ---- */
#define ICE_SERVERS_CREDENTIAL_BYTES 32 /* base64 of HMAC-SHA1, and to spare */
/* TURN's password for a username under `secret`. 0, or -1 when OpenSSL fails. */
int ice_servers_credential(const char *secret, const char *username, char credential[ICE_SERVERS_CREDENTIAL_BYTES]);
/* RTCConfiguration.iceServers for one session, TURN credentials included. New reference, NULL without memory. */
json_t *ice_servers_json(const struct config *c, const char *session, int64_t now_s);

#endif
