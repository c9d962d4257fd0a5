/* signaling/listener_response.c: HTTP answers: one head with every security header, a body in pieces, and the end. */
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "signaling/http_path.h"
#include "signaling/listener_internal.h"

#define PIECE 16384

/* Nothing of ours may be sniffed, share a process with a stranger's window, or be framed, except where the operator says
 * otherwise. */
#define HEADERS_ALWAYS                          \
  "X-Content-Type-Options: nosniff\r\n"         \
  "Referrer-Policy: no-referrer\r\n"            \
  "Cross-Origin-Opener-Policy: same-origin\r\n" \
  "Cross-Origin-Resource-Policy: same-origin\r\n"
#define NOT_FRAMED     "X-Frame-Options: DENY\r\n"
/* Without credentials, which this server knows only as words in messages and headers, never as cookies. */
#define HEADERS_SHARED "Access-Control-Allow-Origin: *\r\n"
#define HEADERS_PAGE                                                                                         \
  "Content-Security-Policy: default-src 'self'; base-uri 'none'; object-src 'none'; form-action 'self'; "    \
  "frame-ancestors %s\r\n"                                                                                   \
  "Permissions-Policy: camera=(self), microphone=(self), display-capture=(self), geolocation=(), usb=()\r\n" \
  "Cache-Control: no-cache\r\n"
#define HEADERS_API                                                         \
  "Content-Security-Policy: default-src 'none'; frame-ancestors 'none'\r\n" \
  "Cache-Control: no-store\r\n"

struct text {
  char *bytes;
  size_t len, cap;
  bool failed;
};

__attribute__((format(printf, 2, 3))) static void append(struct text *t, const char *format, ...) {
  va_list args;
  va_start(args, format);
  size_t room = t->cap - t->len;
  int n = vsnprintf(t->bytes ? t->bytes + t->len : NULL, room, format, args);
  va_end(args);
  if (n < 0 || t->failed) {
    t->failed = true;
    return;
  }
  if ((size_t)n >= room) {
    size_t cap = (t->len + (size_t)n + 1) * 2;
    char *bytes = realloc(t->bytes, cap);
    if (!bytes) {
      t->failed = true;
      return;
    }
    t->bytes = bytes;
    t->cap = cap;
    va_start(args, format);
    (void)vsnprintf(t->bytes + t->len, cap - t->len, format, args);
    va_end(args);
  }
  t->len += (size_t)n;
}

void response_free(struct response *r) {
  if (!r) return;
  free(r->head);
  free(r->owned);
  web_file_release(r->file);
  free(r);
}

/* RFC 9110 §8.6: a server "MUST NOT send a Content-Length header field in any response with a status code of ... 204",
 * and 304 needs none. */
static void append_status(struct text *t, int status, const char *media_type, size_t len) {
  append(t, "HTTP/1.1 %d %s\r\n" HEADERS_ALWAYS, status, http_status_text(status));
  if (media_type) append(t, "Content-Type: %s\r\n", media_type);
  if (status != 204 && status != 304) append(t, "Content-Length: %zu\r\n", len);
}

static void response_progress(struct listener_connection *c) {
  c->send_deadline_us = lws_now_usecs() + LISTENER_SEND_S * LWS_US_PER_SEC;
  lws_set_timeout(c->wsi, PENDING_TIMEOUT_HTTP_CONTENT, LISTENER_SEND_S);
}

static int start(struct listener_connection *c, struct response *r, struct text *t, bool linger) {
  append(t, "Connection: close\r\n\r\n");
  r->head = t->bytes;
  r->head_len = t->len;
  r->linger = linger;
  if (t->failed || c->response) {
    response_free(r);
    return -1;
  }
  c->response = r;
  lws_set_timer_usecs(c->wsi, LWS_SET_TIMER_USEC_CANCEL);
  response_progress(c);
  /* While it reads nothing, libwebsockets writes nothing either. */
  lws_rx_flow_control(c->wsi, 1);
  lws_callback_on_writable(c->wsi);
  return 0;
}

int response_start(struct listener_connection *c, const struct listener_response *in, bool head, bool linger) {
  struct response *r = calloc(1, sizeof(*r));
  if (!r) return -1;
  struct text t = {0};
  size_t len = in->content_type ? in->body_len : 0;
  append_status(&t, in->status, in->content_type, len);
  append(&t, NOT_FRAMED HEADERS_API);
  for (size_t i = 0; i < in->header_count; i++)
    if (http_header_value_valid(in->headers[i].name) && http_header_value_valid(in->headers[i].value))
      append(&t, "%s: %s\r\n", in->headers[i].name, in->headers[i].value);
  if (len && !head && in->status != 204 && in->status != 304) {
    r->owned = malloc(len);
    if (!r->owned) t.failed = true;
    if (r->owned) memcpy(r->owned, in->body, len);
    r->body = r->owned;
    r->body_len = len;
  }
  return start(c, r, &t, linger);
}

int response_start_file(struct listener_connection *c, const struct file_response *in) {
  const struct web_file *file = in->file;
  struct response *r = calloc(1, sizeof(*r));
  if (!r) {
    web_file_release(file);
    return -1;
  }
  struct text t = {0};
  size_t len = in->gzip ? file->gzip_len : file->len;
  append_status(&t, in->unchanged ? 304 : 200, in->unchanged ? NULL : file->media_type, len);
  append(&t, HEADERS_PAGE "%s%sETag: %s\r\n", in->ancestors ? in->ancestors : "'none'", in->ancestors ? "" : NOT_FRAMED,
         in->shared ? HEADERS_SHARED : "", in->gzip ? file->gzip_etag : file->etag);
  /* RFC 9110 §15.4.5: a 304 has the Vary of the 200 as well. */
  if (file->gzip) append(&t, "Vary: Accept-Encoding\r\n");
  if (in->gzip && !in->unchanged) append(&t, "Content-Encoding: gzip\r\n");
  r->file = file;
  if (!in->head && !in->unchanged) {
    r->body = in->gzip ? file->gzip : file->bytes;
    r->body_len = len;
  }
  c->listener->stats.files++;
  return start(c, r, &t, false);
}

/* RFC 9457 §3.1; `code` is an extension member, the same word that a WebSocket error would carry. */
static char *problem_body(int status, const char *code, const char *detail) {
  json_t *problem =
      json_pack("{s:s, s:s, s:i}", "type", "about:blank", "title", http_status_text(status), "status", status);
  if (problem && code) json_object_set_new(problem, "code", json_string(code));
  if (problem && detail) json_object_set_new(problem, "detail", json_string(detail));
  char *body = problem ? json_dumps(problem, JSON_COMPACT) : NULL;
  json_decref(problem);
  return body;
}

int response_problem(struct listener_connection *c, int status, const char *code, const char *detail, bool head,
                     bool linger) {
  char *body = problem_body(status, code, detail);
  if (!body) return -1;
  static const struct listener_header allow = {"Allow", "GET, HEAD"};
  struct listener_response r = {.status = status,
                                .content_type = "application/problem+json",
                                .body = body,
                                .body_len = strlen(body),
                                .headers = &allow,
                                .header_count = status == 405 ? 1 : 0};
  int result = response_start(c, &r, head, linger);
  free(body);
  return result;
}

void response_refuse_now(struct lws *wsi, int status) {
  char text[768];
  unsigned char bytes[LWS_PRE + sizeof(text)];
  int n = snprintf(text, sizeof(text),
                   "HTTP/1.1 %d %s\r\n" HEADERS_ALWAYS NOT_FRAMED HEADERS_API
                   "Content-Type: application/problem+json\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
                   status, http_status_text(status));
  if (n <= 0 || (size_t)n >= sizeof(text)) return;
  memcpy(bytes + LWS_PRE, text, (size_t)n);
  (void)lws_write(wsi, bytes + LWS_PRE, (size_t)n, LWS_WRITE_HTTP_HEADERS);
}

/* One request a connection: libwebsockets 4.1.6 mistakes the head of a pipelined request for its body, and works on in a
 * buffer that it has freed. */
static int finish(struct listener_connection *c) {
  bool linger = c->response->linger;
  response_free(c->response);
  c->response = NULL;
  if (!linger) return -1;
  c->lingering = true;
  lws_set_timeout(c->wsi, PENDING_TIMEOUT_USER_OK, LISTENER_LINGER_S);
  return 0;
}

int response_writable(struct listener_connection *c) {
  struct response *r = c->response;
  static unsigned char buffer[LWS_PRE + PIECE]; /* one loop, and lws_write copies what it cannot send */
  if (!r) return 0;
  if (!r->head_sent) {
    unsigned char *head = malloc(LWS_PRE + r->head_len);
    if (!head) return -1;
    memcpy(head + LWS_PRE, r->head, r->head_len);
    int n = lws_write(c->wsi, head + LWS_PRE, r->head_len, LWS_WRITE_HTTP_HEADERS);
    free(head);
    if (n < 0) return -1;
    r->head_sent = true;
  } else if (r->sent < r->body_len) {
    size_t n = r->body_len - r->sent < PIECE ? r->body_len - r->sent : PIECE;
    memcpy(buffer + LWS_PRE, r->body + r->sent, n);
    r->sent += n;
    if (lws_write(c->wsi, buffer + LWS_PRE, n, r->sent == r->body_len ? LWS_WRITE_HTTP_FINAL : LWS_WRITE_HTTP) < 0)
      return -1;
    response_progress(c);
  } else {
    return finish(c); /* in a turn of its own: it comes when the kernel has taken everything */
  }
  lws_callback_on_writable(c->wsi);
  return 0;
}

void listener_respond(struct listener_request *request, const struct listener_response *response) {
  struct listener_connection *c = request->connection;
  if (c) {
    c->request = NULL;
    if (response_start(c, response, request->head, false))
      lws_set_timeout(c->wsi, PENDING_TIMEOUT_USER_OK, LWS_TO_KILL_ASYNC);
  }
  http_request_free(request);
}

void listener_respond_problem(struct listener_request *request, int status, const char *code, const char *detail) {
  char *body = problem_body(status, code, detail);
  struct listener_response r = {
      .status = status, .content_type = "application/problem+json", .body = body, .body_len = body ? strlen(body) : 0};
  listener_respond(request, &r);
  free(body);
}
