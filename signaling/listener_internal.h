/* signaling/listener_internal.h: what the parts of the listener share. Not for others.
 *
 *   listener.c            create, close, endpoints, the one callback of libwebsockets and who it goes to
 *   listener_tls.c        certificates of an endpoint
 *   listener_connection.c accepted sockets: caps, addresses, life and death
 *   listener_websocket.c  upgrade policy, messages in, queue out
 *   listener_http.c       requests: checks, files, hand-over to on_request
 *   listener_response.c   answers: head, body, the end of a transaction
 */
#ifndef SIGNALING_LISTENER_INTERNAL_H
#define SIGNALING_LISTENER_INTERNAL_H

#include <libwebsockets.h>
#include <openssl/ssl.h>
#include <uthash.h>

#include "signaling/listener.h"
#include "signaling/web_files.h"

#define LISTENER_HEADER_BYTES 8192 /* one request head; more is refused by libwebsockets               */
#define LISTENER_CUT_S        5    /* a peer that does not answer our close, or does not read, is cut  */
#define LISTENER_LINGER_S     2
#define LISTENER_SEND_S       10 /* a response that makes no progress for so long is given up        */

struct endpoint {
  struct listener *listener;
  struct lws_vhost *vhost;
  SSL_CTX *tls; /* owned by the vhost; NULL for plain HTTP */
  char *name, *address, *websocket_path, *shared_path;
  char *certificate_file, *key_file, *certificate_pem, *key_pem;
  char *frame_ancestors; /* as CSP writes it; NULL: nobody */
  char **origins, **request_paths, **mount_paths, **mount_folders;
  size_t origin_count, request_path_count, mount_count;
  struct web_files *files;
  uint16_t port;
  bool trust_proxy, use_tls;
};

struct address_count {
  uint64_t key;
  uint32_t count;
  UT_hash_handle hh;
};

struct listener {
  struct lws_context *context;
  uv_loop_t *loop;
  uv_idle_t watch; /* while closing: turns the loop until libwebsockets is gone */
  int turns;
  struct listener_events events;
  void *arg;
  struct listener_config config; /* numbers with their defaults; endpoints NULL */
  struct endpoint endpoints[LISTENER_ENDPOINTS_MAX];
  size_t endpoint_count;
  struct address_count *addresses;
  struct listener_connection *connections;
  struct listener_stats stats;
  lws_retry_bo_t validity;
  bool closing;
  void (*closed)(void *arg);
  void *closed_arg;
};

/* A message that waits to be sent. */
struct queued {
  struct queued *next;
  size_t len;
  unsigned char bytes[]; /* LWS_PRE, then the text */
};

/* A response that is being sent. */
struct response {
  char *head;
  size_t head_len;
  uint8_t *owned; /* body of an API answer, or NULL */
  const struct web_file *file;
  const uint8_t *body;
  size_t body_len, sent;
  bool head_sent;
  bool
      linger; /* read the unwanted body first: closing with unread bytes sends a reset, which may overtake the answer */
};

enum connection_state {
  CONNECTION_HTTP = 0,
  CONNECTION_OPEN,    /* a WebSocket; on_open was called       */
  CONNECTION_CLOSING, /* we have decided to close it           */
};

/* Every accepted socket, HTTP or WebSocket. */
struct listener_connection {
  struct listener_connection *next, **previous;
  struct listener *listener;
  struct endpoint *endpoint;
  struct lws *wsi;
  void *user;
  char remote[LISTENER_ADDRESS_CHARS];
  uint64_t address_key; /* counted under this; 0: not counted */
  enum connection_state state;
  bool announced; /* on_open was called, on_close not yet */
  /* receiving */
  char *rx;
  size_t rx_len, rx_cap, rx_limit;
  /* sending */
  struct queued *head, **tail;
  size_t queued;
  uint16_t close_code, peer_code;
  char close_reason[124];
  bool close_sent;
  /* HTTP */
  struct listener_request *request; /* being received, or handed over and not answered */
  struct response *response;
  bool lingering;
  int64_t send_deadline_us; /* of the response, by libwebsockets' clock */
};

struct listener_request {
  struct listener_connection *connection; /* NULL: the client is gone */
  struct listener_request_view view;
  char method[8], remote[LISTENER_ADDRESS_CHARS];
  char *endpoint, *path, *authorization, *content_type, *body;
  char *query[LISTENER_QUERY_MAX]; /* decoded "name=value" */
  size_t query_count, body_len, body_expected;
  bool head, handed_over;
};

/* listener.c */
void listener_log(struct listener *listener, int level, const char *format, ...) __attribute__((format(printf, 3, 4)));
int endpoint_load_files(const struct endpoint *endpoint, struct web_files **out, char *why, size_t why_cap);

/* listener_tls.c: loads certificate chain and key into `tls`. 0, or LISTENER_TLS with the reason in `why`. */
int endpoint_load_certificate(const struct endpoint *endpoint, SSL_CTX *tls, char *why, size_t why_cap);

/* listener_connection.c */
int connection_filter(struct endpoint *endpoint, const struct lws_filter_network_conn_args *peer);
int connection_adopt(struct lws *wsi);
void connection_destroy(struct listener_connection *connection);
/* The head is there: behind a trusted proxy the client's address is known only now. -1: over its cap. */
int connection_identify(struct listener_connection *connection);
/* A header into `out`, "" when absent. -1 when it does not fit. */
int connection_header(struct lws *wsi, enum lws_token_indexes token, char *out, size_t cap);

/* listener_websocket.c: the callbacks; results as libwebsockets wants them, -1 ends the connection. */
int websocket_confirm_upgrade(struct listener_connection *connection);
int websocket_established(struct listener_connection *connection);
int websocket_receive(struct listener_connection *connection, const char *bytes, size_t len);
int websocket_writable(struct listener_connection *connection);
int websocket_peer_closes(struct listener_connection *connection, const unsigned char *payload, size_t len);
void websocket_closed(struct listener_connection *connection);

/* listener_http.c */
int http_request(struct listener_connection *connection);
int http_body(struct listener_connection *connection, const char *bytes, size_t len);
int http_body_complete(struct listener_connection *connection);
int http_timer(struct listener_connection *connection);
void http_closed(struct listener_connection *connection);
void http_request_free(struct listener_request *request);

/* listener_response.c */
int response_start(struct listener_connection *connection, const struct listener_response *response, bool head,
                   bool linger);
struct file_response {
  const struct web_file *file; /* released when it is sent */
  const char *ancestors;       /* who may frame it, as CSP writes it; NULL: nobody */
  bool shared;                 /* scripts of every origin may read it */
  bool gzip, unchanged, head;
};
int response_start_file(struct listener_connection *c, const struct file_response *in);
int response_problem(struct listener_connection *connection, int status, const char *code, const char *detail,
                     bool head, bool linger);
int response_writable(struct listener_connection *connection);
void response_free(struct response *response);
/* Writes a short refusal at once, for the moments when libwebsockets closes right afterwards. */
void response_refuse_now(struct lws *wsi, int status);

#endif
