/* signaling/listener.h: the WebSocket and HTTP server: libwebsockets on a libuv loop that somebody else runs.
 *
 * It moves bytes and enforces limits; it knows no message and no room. WebSocket is accepted on one path only; static
 * files come from folders read into memory (web_files.h); requests under /api and a few exact paths go to a callback that
 * may answer later. Everything happens on the loop's thread, inside uv_run(); no function here may be called from another
 * thread. This is the one place below server/ that touches sockets.
 *
 * What it refuses by itself: HTTP/2 (ALPN offers http/1.1 only, h2c upgrades are refused), every upgrade but `websocket`,
 * every WebSocket extension (so no compression bombs), foreign origins, chunked and oversize request bodies, connections
 * over the caps, binary frames. An HTTP connection serves one request and is then closed.
 *
 * Sources: RFC 6455 (WebSocket), RFC 9110/9112 (HTTP/1.1), RFC 9457 (problem+json), W3C CSP 3.
 * Memory: a connection holds at most its message limit while receiving and queue_bytes_max while sending.
 */
#ifndef SIGNALING_LISTENER_H
#define SIGNALING_LISTENER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#define LISTENER_ADDRESS_CHARS 64 /* "2001:db8::1", terminated                                */
#define LISTENER_BODY_BYTES    (64UL * 1024)
#define LISTENER_ENDPOINTS_MAX 8
#define LISTENER_QUERY_MAX     16 /* more parameters than this are answered 400               */
#define LISTENER_RESPONSE_S    30 /* a request that is not answered by then gets 503 (timeout) */

enum listener_error {
  LISTENER_OK = 0,
  LISTENER_NO_MEMORY = -1,
  LISTENER_CONFIG = -2,        /* a field of the configuration makes no sense                          */
  LISTENER_EVENT_LIBRARY = -3, /* the libuv plugin of libwebsockets is not installed                   */
  LISTENER_BIND = -4,          /* address in use, not ours, or not allowed                             */
  LISTENER_TLS = -5,           /* certificate or key unreadable, or they do not belong together        */
  LISTENER_FILES = -6,         /* a static folder cannot be read, or is too large                      */
  LISTENER_GONE = -7,          /* the connection is closing: nothing was queued                        */
  LISTENER_SLOW_READER = -8,   /* the queue is full: nothing was queued, the connection closes (4004)  */
};

/* One folder of files under one path: {"/", "/usr/share/consilium/web"}. */
struct listener_mount {
  const char *path; /* begins and ends with "/" */
  const char *folder;
};

/* One bound address. Strings and arrays are copied by listener_create(). */
struct listener_endpoint {
  const char *name;    /* for events and logs: "public", "admin" */
  const char *address; /* IPv4, IPv6 or an interface's name; NULL: 127.0.0.1. "0.0.0.0" and "::" mean all */
  uint16_t port;       /* 0: any free one, see listener_port() */
  /* TLS: both files, or both PEM texts, or neither for plain HTTP. */
  const char *certificate_file, *key_file;
  const char *certificate_pem, *key_pem;
  const char *websocket_path; /* "/v1/ws"; NULL: no WebSocket on this endpoint */
  const struct listener_mount *mounts;
  size_t mount_count;
  /* Exact paths ("/healthz") and folders ("/api/", ends with "/") that go to on_request. */
  const char *const *request_paths;
  size_t request_path_count;
  /* Browsers send Origin. Allowed are the host they connected to, and these ("https://clinic.example"). NULL/0: none
   * beyond the own host. No Origin at all (no browser) is allowed. */
  const char *const *origins;
  size_t origin_count;
  /* Origins whose pages may show the page "/" in a frame ("https://clinic.example"); ours may then, too. NULL/0: nobody. */
  const char *const *frame_ancestors;
  size_t frame_ancestor_count;
  /* Files of one folder ("/sdk/") that scripts of every origin may read: public ones. NULL: none (Fetch §3.3.3). */
  const char *shared_path;
  bool trust_proxy; /* behind our own reverse proxy: take the client's address from the last X-Forwarded-For element */
};

/* 0 in a number means the default that stands behind it. */
struct listener_config {
  const struct listener_endpoint *endpoints;
  size_t endpoint_count;
  uint32_t connections_max;         /* 4096, all endpoints together, WebSocket and HTTP              */
  uint32_t connections_per_address; /* 64, one client address; IPv6 counts by /64                    */
  size_t first_message_bytes;       /* 16 KiB: message limit of a new WebSocket, see listener_set_message_limit() */
  size_t queue_bytes_max;           /* 1 MiB: unsent bytes of one WebSocket, then close 4004         */
  uint16_t ping_interval_s;         /* 15 without a sign of life: ping                               */
  uint16_t pong_timeout_s;          /* 5 more: the connection is dead (on_close says 1006)           */
  uint16_t header_timeout_s;        /* 10 for TLS handshake and request head                         */
  bool reload_files;                /* development: read the folders again at each request of a file */
};

struct listener;
struct listener_connection; /* one open WebSocket; valid from on_open until on_close returns */
struct listener_request;    /* one HTTP request; valid until listener_respond(), even when the client is gone */

/* What an HTTP request says. Strings live as long as the request and are UTF-8-safe to log only after escaping. */
struct listener_request_view {
  const char *endpoint;      /* its name                                                  */
  const char *method;        /* "GET"; HEAD arrives as "GET", its body is then left away  */
  const char *path;          /* percent-decoded, no "..", no "//"                         */
  const char *authorization; /* the header's value, "" when absent                        */
  const char *content_type;  /* "" when absent                                            */
  const char *remote;        /* client address                                            */
  const char *body;          /* terminated; body_len may count NULs before                */
  size_t body_len;
};

struct listener_header {
  const char *name; /* "Allow" */
  const char *value;
};

/* All of it is copied. */
struct listener_response {
  int status;
  const char *content_type; /* NULL: no body */
  const void *body;
  size_t body_len;
  const struct listener_header *headers; /* beyond those that every answer has */
  size_t header_count;
};

/* Every pointer may be NULL. `user` is what listener_set_user() stored. */
struct listener_events {
  /* A WebSocket is open. `origin` is "" when the client sent none. */
  void (*on_open)(struct listener_connection *connection, const char *endpoint, const char *remote, const char *origin,
                  void *arg);
  /* One complete text message, UTF-8 checked; not terminated, valid during the call. */
  void (*on_message)(struct listener_connection *connection, const char *text, size_t len, void *arg);
  /* Exactly once after on_open. `code`: the peer's or our close code, 1006 when the connection just broke. */
  void (*on_close)(struct listener_connection *connection, uint16_t code, void *arg);
  /* Answer it exactly once with listener_respond(), now or later. */
  void (*on_request)(struct listener_request *request, const struct listener_request_view *view, void *arg);
  /* A line of libwebsockets, level 0 error, 1 warning, 2 notice. Peers can cause warnings: limit what you write. */
  void (*on_log)(int level, const char *line, void *arg);
};

/* Counters since the start, all endpoints; every refusal has its place. */
struct listener_stats {
  uint64_t accepted, upgraded, messages_in, messages_out, bytes_in, bytes_out, requests, files;
  uint64_t refused_connections_max, refused_per_address, refused_origin, refused_upgrade, refused_path, refused_method,
      refused_body, too_big, binary, slow_readers;
  uint32_t connections, websockets; /* now */
};

/* Binds every endpoint and starts. `loop` must outlive listener_close(). Returns 0 or an enum listener_error and then
 * writes a sentence into `why` (may be NULL) for the operator, who can act on it; *out only on success.
 * One listener a process: the log hook of libwebsockets is global. */
int listener_create(struct listener **out, uv_loop_t *loop, const struct listener_config *config,
                    const struct listener_events *events, void *arg, char *why, size_t why_cap);

/* Stops: no event is delivered afterwards except on_close for each open WebSocket, during this call. The handles close on
 * the loop: keep running it until `closed` (may be NULL) was called; then all memory is back. NULL is accepted. Requests
 * that are still to be answered stay valid and must be answered. Not from inside an event of this listener. */
void listener_close(struct listener *listener, void (*closed)(void *arg), void *arg);

/* The bound port of endpoint `index`; 0 when there is none such. */
uint16_t listener_port(const struct listener *listener, size_t index);

/* Reads the static folders again (SIGHUP). On an error the old files stay. Returns 0, LISTENER_FILES or _NO_MEMORY. */
int listener_reload_files(struct listener *listener);

/* Loads new certificates and keys from the files they came from; new connections use them. Returns 0 or LISTENER_TLS. */
int listener_reload_certificates(struct listener *listener);

const struct listener_stats *listener_stats(const struct listener *listener);
const char *listener_error_name(int error);

/* Queues a text message. Returns 0, GONE, SLOW_READER or NO_MEMORY. The bytes are copied. */
int listener_send(struct listener_connection *connection, const char *text, size_t len);

/* Sends what is queued, then closes with `code` and `reason` (at most 123 bytes, may be NULL). on_message comes no more;
 * on_close comes later, once. A peer that does not take part is cut after 5 s. */
void listener_disconnect(struct listener_connection *connection, uint16_t code, const char *reason);

/* Messages over `bytes` close the connection with 1009 from the next frame on. Raise it when the peer is authenticated. */
void listener_set_message_limit(struct listener_connection *connection, size_t bytes);

void listener_set_user(struct listener_connection *connection, void *user);
void *listener_user(const struct listener_connection *connection);
const char *listener_remote(const struct listener_connection *connection);
size_t listener_queued_bytes(const struct listener_connection *connection);

/* The decoded value of query parameter `name`, "" when it has none, NULL when it is absent. */
const char *listener_request_query(const struct listener_request *request, const char *name);

/* Answers and releases the request. Header values with line breaks are left out. */
void listener_respond(struct listener_request *request, const struct listener_response *response);

/* Answers with RFC 9457 problem+json: {"type":"about:blank","title":…,"status":…,"code":…,"detail":…}. */
void listener_respond_problem(struct listener_request *request, int status, const char *code, const char *detail);

#endif
