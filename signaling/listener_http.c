/* signaling/listener_http.c: a request from its head to its answer: checks, then a file or a call of on_request. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "signaling/http_path.h"
#include "signaling/listener_internal.h"

#define VALUE_CAP 4096 /* Authorization: a token fits, a head full of it does not */

static const char *const method_names[] = {"GET", "POST", "OPTIONS", "PUT", "PATCH", "DELETE", "CONNECT", "HEAD"};

/* What the head says, before anything is allocated. */
struct head {
  const char *method, *path;
  size_t path_len, content_length;
  bool head, has_length, wants_body;
};

void http_request_free(struct listener_request *r) {
  if (!r) return;
  for (size_t i = 0; i < r->query_count; i++)
    free(r->query[i]);
  free(r->endpoint);
  free(r->path);
  free(r->authorization);
  free(r->content_type);
  free(r->body);
  free(r);
}

const char *listener_request_query(const struct listener_request *r, const char *name) {
  size_t n = strlen(name);
  for (size_t i = 0; i < r->query_count; i++) {
    const char *q = r->query[i];
    if (strncmp(q, name, n) != 0 || (q[n] != '=' && q[n] != '\0')) continue;
    return q[n] ? q + n + 1 : "";
  }
  return NULL;
}

/* Returns 0, or the status of the refusal. */
static int read_head(struct listener_connection *c, struct head *h) {
  char *uri = NULL, text[16];
  int uri_len = 0;
  int method = lws_http_get_uri_and_method(c->wsi, &uri, &uri_len);
  if (method < 0 || (size_t)method >= sizeof(method_names) / sizeof(*method_names) || !uri) return 501;
  h->head = strcmp(method_names[method], "HEAD") == 0;
  h->method = h->head ? "GET" : method_names[method];
  h->wants_body = strcmp(h->method, "POST") == 0 || strcmp(h->method, "PUT") == 0 || strcmp(h->method, "PATCH") == 0;
  h->path = uri;
  h->path_len = (size_t)uri_len;
  /* RFC 9112 §6.3: two ways to say a length are how requests are smuggled; libwebsockets 4.1 reads no chunks. */
  if (lws_hdr_total_length(c->wsi, WSI_TOKEN_HTTP_TRANSFER_ENCODING) > 0) return 501;
  h->has_length = lws_hdr_total_length(c->wsi, WSI_TOKEN_HTTP_CONTENT_LENGTH) > 0;
  if (h->has_length && (connection_header(c->wsi, WSI_TOKEN_HTTP_CONTENT_LENGTH, text, sizeof(text)) ||
                        http_content_length(text, &h->content_length)))
    return 400;
  if (h->wants_body && !h->has_length) return 411;
  if (h->content_length > LISTENER_BODY_BYTES) return 413;
  if (!h->wants_body && h->content_length) return 400;
  return http_path_valid(h->path, h->path_len) ? 0 : 400;
}

static bool is_request_path(const struct endpoint *e, const char *path) {
  for (size_t i = 0; i < e->request_path_count; i++) {
    const char *p = e->request_paths[i];
    size_t n = strlen(p);
    if (n && p[n - 1] == '/' ? strncmp(path, p, n) == 0 : strcmp(path, p) == 0) return true;
  }
  return false;
}

static char *copy_header(struct lws *wsi, enum lws_token_indexes token) {
  char text[VALUE_CAP];
  return connection_header(wsi, token, text, sizeof(text)) ? NULL : strdup(text);
}

/* libwebsockets has decoded the parameters and keeps each as a fragment of its own. */
static int copy_query(struct listener_connection *c, struct listener_request *r) {
  char text[1024];
  for (int i = 0;; i++) {
    int n = lws_hdr_copy_fragment(c->wsi, text, (int)sizeof(text), WSI_TOKEN_HTTP_URI_ARGS, i);
    if (n == -1) return lws_hdr_fragment_length(c->wsi, WSI_TOKEN_HTTP_URI_ARGS, i) > 0 ? 400 : 0;
    if (n < 0 || r->query_count == LISTENER_QUERY_MAX) return 400;
    if (n == 0) continue;
    r->query[r->query_count] = strdup(text);
    if (!r->query[r->query_count]) return 503;
    r->query_count++;
  }
}

static int new_request(struct listener_connection *c, const struct head *h, struct listener_request **out) {
  struct listener_request *r = calloc(1, sizeof(*r));
  if (!r) return 503;
  r->connection = c;
  r->head = h->head;
  r->body_expected = h->content_length;
  (void)snprintf(r->method, sizeof(r->method), "%s", h->method);
  (void)snprintf(r->remote, sizeof(r->remote), "%s", c->remote);
  r->endpoint = strdup(c->endpoint->name);
  r->path = strndup(h->path, h->path_len);
  r->authorization = copy_header(c->wsi, WSI_TOKEN_HTTP_AUTHORIZATION);
  r->content_type = copy_header(c->wsi, WSI_TOKEN_HTTP_CONTENT_TYPE);
  r->body = calloc(1, h->content_length + 1);
  int status = r->endpoint && r->path && r->body ? 0 : 503;
  if (!status && (!r->authorization || !r->content_type)) status = 400;
  if (!status) status = copy_query(c, r);
  if (status)
    http_request_free(r);
  else
    *out = r;
  return status;
}

static int hand_over(struct listener_connection *c) {
  struct listener *l = c->listener;
  struct listener_request *r = c->request;
  r->handed_over = true;
  r->view = (struct listener_request_view){.endpoint = r->endpoint,
                                           .method = r->method,
                                           .path = r->path,
                                           .authorization = r->authorization,
                                           .content_type = r->content_type,
                                           .remote = r->remote,
                                           .body = r->body,
                                           .body_len = r->body_len};
  lws_rx_flow_control(c->wsi, 0);
  lws_set_timeout(c->wsi, NO_PENDING_TIMEOUT, 0);
  lws_set_timer_usecs(c->wsi, LISTENER_RESPONSE_S * LWS_US_PER_SEC);
  if (l->events.on_request)
    l->events.on_request(r, &r->view, l->arg);
  else
    listener_respond_problem(r, 404, NULL, NULL);
  return 0;
}

static int redirect(struct listener_connection *c, const struct head *h, const char *path) {
  char location[1100];
  (void)snprintf(location, sizeof(location), "%s/", path);
  struct listener_header header = {"Location", location};
  struct listener_response r = {.status = 308, .headers = &header, .header_count = 1};
  return response_start(c, &r, h->head, false);
}

static int serve_file(struct listener_connection *c, const struct head *h) {
  struct endpoint *e = c->endpoint;
  char path[1024];
  bool folder = false;
  bool linger = h->content_length > 0;
  if (strcmp(h->method, "GET") != 0) {
    c->listener->stats.refused_method++;
    return response_problem(c, 405, NULL, "Only GET and HEAD are possible here.", h->head, linger);
  }
  if (c->listener->config.reload_files) (void)listener_reload_files(c->listener);
  const struct web_file *file = NULL;
  if (e->files && h->path_len < sizeof(path)) {
    memcpy(path, h->path, h->path_len);
    path[h->path_len] = '\0';
    file = web_files_find(e->files, path, &folder);
  }
  if (folder) return redirect(c, h, path);
  if (!file) {
    c->listener->stats.refused_path++;
    return response_problem(c, 404, NULL, NULL, h->head, linger);
  }
  char accepted[512], known[512];
  struct file_response r = {.file = file, .head = h->head};
  if (strcmp(path, "/") == 0) r.ancestors = e->frame_ancestors;
  r.shared = e->shared_path && strncmp(path, e->shared_path, strlen(e->shared_path)) == 0;
  r.gzip = file->gzip && connection_header(c->wsi, WSI_TOKEN_HTTP_ACCEPT_ENCODING, accepted, sizeof(accepted)) == 0 &&
           http_accepts_gzip(accepted);
  r.unchanged = connection_header(c->wsi, WSI_TOKEN_HTTP_IF_NONE_MATCH, known, sizeof(known)) == 0 &&
                http_etag_listed(known, r.gzip ? file->gzip_etag : file->etag);
  return response_start_file(c, &r);
}

int http_request(struct listener_connection *c) {
  struct listener *l = c->listener;
  struct head h = {0};
  if (c->request || c->response) return -1;
  l->stats.requests++;
  int status = connection_identify(c) ? 429 : read_head(c, &h);
  if (!status) {
    char path[1024];
    (void)snprintf(path, sizeof(path), "%.*s", (int)h.path_len, h.path);
    if (!is_request_path(c->endpoint, path)) return serve_file(c, &h);
    status = new_request(c, &h, &c->request);
  }
  if (status) {
    l->stats.refused_body += status == 411 || status == 413;
    return response_problem(c, status, status == 413 ? "too_large" : NULL, NULL, h.head,
                            status == 411 || status == 413);
  }
  /* With a Content-Length of 0 libwebsockets announces the (empty) body of a POST, but not of a PUT or PATCH. */
  if (h.content_length || strcmp(h.method, "POST") == 0) {
    lws_set_timer_usecs(c->wsi, LISTENER_RESPONSE_S * LWS_US_PER_SEC);
    return 0;
  }
  return hand_over(c);
}

int http_body(struct listener_connection *c, const char *bytes, size_t len) {
  struct listener_request *r = c->request;
  if (!r || r->handed_over) return 0; /* the body of a refused request */
  if (len > r->body_expected - r->body_len) return -1;
  if (len) memcpy(r->body + r->body_len, bytes, len);
  r->body_len += len;
  return 0;
}

int http_body_complete(struct listener_connection *c) {
  if (c->lingering) return -1;
  if (c->request && !c->request->handed_over) return hand_over(c);
  /* In 4.1.6 this comes again, and ends the timeout, when the next request arrives before the answer is out. */
  int64_t left_us = c->send_deadline_us - lws_now_usecs();
  if (c->response && left_us <= 0) return -1;
  lws_set_timeout(c->wsi, PENDING_TIMEOUT_HTTP_CONTENT,
                  c->response ? (int)(left_us / LWS_US_PER_SEC) + 1 : LISTENER_RESPONSE_S);
  return 0;
}

int http_timer(struct listener_connection *c) {
  struct listener_request *r = c->request;
  if (!r) return 0;
  c->request = NULL;
  if (!r->handed_over) {
    http_request_free(r);
    return -1;
  }
  r->connection = NULL; /* whoever has it may answer still, into the void */
  return response_problem(c, 503, "busy", "The server did not answer in time.", r->head, false);
}

void http_closed(struct listener_connection *c) {
  response_free(c->response);
  c->response = NULL;
  struct listener_request *r = c->request;
  c->request = NULL;
  if (!r) return;
  r->connection = NULL;
  if (!r->handed_over) http_request_free(r);
}
