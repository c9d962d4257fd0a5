/* bench/load/web_client.c: see the header. */
#include "bench/load/web_client.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench/load/web_frame.h"

#define READ_BYTES    65536
#define MESSAGE_LIMIT (8U << 20) /* a snapshot of a large room */
/* The key of RFC 6455 §1.3: it proves nothing, a load tool need not check the proof. */
#define UPGRADE_KEY   "dGhlIHNhbXBsZSBub25jZQ=="

struct buffer {
  uint8_t *bytes;
  size_t len, cap;
};

struct web_client {
  struct event_loop *loop;
  struct loop_watch watch;
  struct web_listener on;
  struct buffer in, out, message; /* message: fragments so far */
  bool socket, connected, opened, writing;
  bool *freed; /* set by web_client_free() for a caller further down the stack */
};

const char *web_address_parse(struct web_address *out, const char *url) {
  memset(out, 0, sizeof *out);
  if (strncmp(url, "https:", 6) == 0 || strncmp(url, "wss:", 4) == 0)
    return "TLS is not supported here: give the http:// address of the gateway on this machine";
  const char *host = strstr(url, "://");
  if (!host || (strncmp(url, "http:", 5) != 0 && strncmp(url, "ws:", 3) != 0))
    return "it must look like http://127.0.0.1:8080";
  host += 3;
  size_t len = strcspn(host, "/?#");
  const char *colon = memchr(host, ':', len);
  if (*host == '[') {
    const char *end = memchr(host, ']', len);
    if (!end) return "a bracket is missing";
    colon = end[1] == ':' ? end + 1 : NULL;
  }
  size_t host_len = colon ? (size_t)(colon - host) : len;
  bool bracketed = *host == '[' && host_len > 2;
  if (bracketed) {
    host++;
    host_len -= 2;
  }
  if (host_len == 0 || host_len >= sizeof out->host) return "the host is missing";
  memcpy(out->host, host, host_len);
  unsigned long port = colon ? strtoul(colon + 1, NULL, 10) : 80;
  if (port == 0 || port > 65535) return "the port is not one";
  out->port = (uint16_t)port;
  char service[8];
  snprintf(service, sizeof service, "%lu", port);
  struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *found;
  if (getaddrinfo(out->host, service, &hints, &found) != 0 || !found) return "the host has no address";
  const struct addrinfo *best = found; /* "localhost" may mean ::1, where a server rarely listens */
  for (const struct addrinfo *i = found; i; i = i->ai_next) {
    if (i->ai_family == AF_INET) {
      best = i;
      break;
    }
  }
  memcpy(&out->address, best->ai_addr, best->ai_addrlen);
  out->address_len = best->ai_addrlen;
  const struct sockaddr_in *v4 = (const struct sockaddr_in *)&out->address;
  const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)&out->address;
  out->loopback =
      best->ai_family == AF_INET ? ntohl(v4->sin_addr.s_addr) >> 24 == 127 : (bool)IN6_IS_ADDR_LOOPBACK(&v6->sin6_addr);
  freeaddrinfo(found);
  return NULL;
}

/* ---- buffers ---- */

static int reserve(struct buffer *b, size_t more) {
  if (b->cap - b->len >= more) return 0;
  size_t cap = b->cap ? b->cap : 1024;
  while (cap - b->len < more)
    cap *= 2;
  uint8_t *bytes = realloc(b->bytes, cap);
  if (!bytes) return -ENOMEM;
  b->bytes = bytes;
  b->cap = cap;
  return 0;
}

static int append(struct buffer *b, const void *data, size_t len) {
  if (reserve(b, len + 1)) return -ENOMEM;
  memcpy(b->bytes + b->len, data, len);
  b->len += len;
  return 0;
}

static void consume(struct buffer *b, size_t len) {
  memmove(b->bytes, b->bytes + len, b->len - len);
  b->len -= len;
  if (b->len) return;
  free(b->bytes); /* thousands of idle connections should cost little */
  *b = (struct buffer){0};
}

/* ---- sending ---- */

static void flush(struct web_client *c) {
  while (c->out.len) {
    ssize_t n = send(c->watch.fd, c->out.bytes, c->out.len, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n <= 0) break;
    consume(&c->out, (size_t)n);
  }
  bool writing = c->out.len != 0;
  if (writing == c->writing) return;
  c->writing = writing;
  event_loop_change(c->loop, &c->watch, EPOLLIN | (writing ? (uint32_t)EPOLLOUT : 0));
}

static int send_frame(struct web_client *c, enum web_opcode opcode, const void *payload, size_t len) {
  if (reserve(&c->out, len + WEB_FRAME_HEAD_BYTES)) return -ENOMEM;
  uint32_t mask = (uint32_t)random();
  c->out.len += web_frame_write(c->out.bytes + c->out.len, opcode, mask, payload, len);
  flush(c);
  return 0;
}

int web_client_send(struct web_client *c, const char *text, size_t len) {
  return send_frame(c, WEB_TEXT, text, len);
}

/* ---- receiving ---- */

static void closed(struct web_client *c, int code, const char *why) {
  event_loop_unwatch(c->loop, &c->watch);
  c->on.closed(c->on.arg, code, why);
}

/* One whole frame. False when the client is gone or closed. */
static bool on_frame(struct web_client *c, struct web_frame *f, int64_t now_us) {
  if (f->opcode == WEB_PING) return send_frame(c, WEB_PONG, f->payload, f->len) == 0;
  if (f->opcode == WEB_PONG) return true;
  if (f->opcode == WEB_CLOSE) {
    int code = f->len >= 2 ? f->payload[0] << 8 | f->payload[1] : 1005;
    char why[128];
    snprintf(why, sizeof why, "the server closed the connection (%d%s%.*s)", code, f->len > 2 ? ", " : "",
             (int)(f->len > 2 ? f->len - 2 : 0), (const char *)f->payload + 2);
    closed(c, code, why);
    return false;
  }
  bool freed = false;
  c->freed = &freed;
  if (f->final && !c->message.len) {
    uint8_t kept = f->payload[f->len]; /* the next frame's first byte, or the spare byte of the buffer */
    f->payload[f->len] = '\0';
    c->on.text(c->on.arg, (char *)f->payload, f->len, now_us);
    if (!freed) f->payload[f->len] = kept;
  } else {
    if (append(&c->message, f->payload, f->len)) return false;
    if (f->final) {
      struct buffer whole = c->message;
      c->message = (struct buffer){0};
      whole.bytes[whole.len] = '\0';
      c->on.text(c->on.arg, (char *)whole.bytes, whole.len, now_us);
      free(whole.bytes);
    }
  }
  if (freed) return false;
  c->freed = NULL;
  return true;
}

static void read_frames(struct web_client *c, int64_t now_us) {
  size_t at = 0;
  struct web_frame frame;
  for (;;) {
    long n = web_frame_read(&frame, c->in.bytes + at, c->in.len - at, MESSAGE_LIMIT);
    if (n < 0) {
      closed(c, 0, "the server sent a broken WebSocket frame");
      return;
    }
    if (n == 0) break;
    if (!on_frame(c, &frame, now_us)) return;
    at += (size_t)n;
  }
  if (at) consume(&c->in, at);
}

/* The head of a response: its end, or NULL when it is not here yet. */
static char *find_body(struct web_client *c, int *status) {
  if (!c->in.len) return NULL;
  c->in.bytes[c->in.len] = '\0';
  char *text = (char *)c->in.bytes, *end = strstr(text, "\r\n\r\n");
  if (!end) return NULL;
  *status = strncmp(text, "HTTP/1.", 7) == 0 ? (int)strtol(text + 9, NULL, 10) : 0;
  return end + 4;
}

static bool read_upgrade(struct web_client *c, int64_t now_us) {
  int status;
  const char *body = find_body(c, &status);
  if (!body) return false;
  if (status != 101) {
    char why[96];
    snprintf(why, sizeof why,
             status == 503 ? "the server refused the connection (503: busy, or too many of them)"
                           : "the server refused the WebSocket (HTTP %d)",
             status);
    closed(c, status, why);
    return false;
  }
  consume(&c->in, (size_t)(body - (const char *)c->in.bytes));
  c->opened = true;
  bool freed = false;
  c->freed = &freed;
  c->on.open(c->on.arg, now_us);
  if (freed) return false;
  c->freed = NULL;
  return true;
}

static void read_response(struct web_client *c, bool ended) {
  int status;
  char *body = find_body(c, &status);
  if (!body && ended) closed(c, 0, "the server closed the connection without an answer");
  if (!body) return;
  const char *length = strcasestr((const char *)c->in.bytes, "content-length:");
  size_t have = c->in.len - (size_t)(body - (char *)c->in.bytes);
  size_t wanted = length && length < body ? strtoul(length + 15, NULL, 10) : SIZE_MAX;
  if (have < wanted && !ended) return;
  event_loop_unwatch(c->loop, &c->watch);
  c->on.response(c->on.arg, status, body, have);
}

static void on_ready(void *arg, uint32_t events, int64_t now_us) {
  struct web_client *c = arg;
  if (!c->connected) {
    int error = 0;
    socklen_t len = sizeof error;
    getsockopt(c->watch.fd, SOL_SOCKET, SO_ERROR, &error, &len);
    if (error) {
      closed(c, 0, strerror(error));
      return;
    }
    c->connected = true;
  }
  if (events & EPOLLOUT) flush(c);
  if (!(events & (EPOLLIN | EPOLLHUP | EPOLLERR))) return;
  if (reserve(&c->in, READ_BYTES + 1)) return;
  ssize_t n = recv(c->watch.fd, c->in.bytes + c->in.len, READ_BYTES, MSG_DONTWAIT);
  if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (n > 0) c->in.len += (size_t)n;
  if (!c->socket) {
    if (n < 0)
      closed(c, 0, strerror(errno));
    else
      read_response(c, n == 0);
    return;
  }
  if (n <= 0) {
    closed(c, 1006, n < 0 ? strerror(errno) : "the connection broke");
    return;
  }
  if (!c->opened && !read_upgrade(c, now_us)) return;
  read_frames(c, now_us);
}

/* ---- life ---- */

static int start(struct web_client **out, struct event_loop *loop, const struct web_address *to, const char *request,
                 bool socket_, const struct web_listener *listener) {
  struct web_client *c = calloc(1, sizeof *c);
  if (!c) return -ENOMEM;
  c->loop = loop;
  c->on = *listener;
  c->socket = socket_;
  c->writing = true;
  int one = 1, fd = socket(to->address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  c->watch = (struct loop_watch){.fd = fd, .ready = on_ready, .arg = c};
  int error = fd < 0 ? -errno : 0;
  if (!error) setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  if (!error && connect(fd, (const struct sockaddr *)&to->address, to->address_len) < 0 && errno != EINPROGRESS)
    error = -errno;
  if (!error) error = append(&c->out, request, strlen(request));
  if (!error) error = event_loop_watch(loop, &c->watch, EPOLLIN | EPOLLOUT);
  if (error) {
    if (fd >= 0) close(fd);
    free(c->out.bytes);
    free(c);
    return error;
  }
  *out = c;
  return 0;
}

int web_client_get(struct web_client **out, struct event_loop *loop, const struct web_address *to, const char *path,
                   const struct web_listener *listener) {
  char request[1024];
  snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: %s:%u\r\nConnection: close\r\n\r\n", path, to->host,
           to->port);
  return start(out, loop, to, request, false, listener);
}

int web_client_open(struct web_client **out, struct event_loop *loop, const struct web_address *to, const char *path,
                    const char *protocol, const struct web_listener *listener) {
  char request[1024];
  snprintf(request, sizeof request,
           "GET %s HTTP/1.1\r\nHost: %s:%u\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
           "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: " UPGRADE_KEY "\r\n%s%s%s\r\n",
           path, to->host, to->port, protocol ? "Sec-WebSocket-Protocol: " : "", protocol ? protocol : "",
           protocol ? "\r\n" : "");
  return start(out, loop, to, request, true, listener);
}

void web_client_free(struct web_client *c) {
  if (!c) return;
  if (c->freed) *c->freed = true;
  if (c->opened && c->watch.slot && !c->out.len) {
    static const uint8_t normal[] = {1000 >> 8, 1000 & 0xff};
    send_frame(c, WEB_CLOSE, normal, sizeof normal);
  }
  event_loop_unwatch(c->loop, &c->watch);
  close(c->watch.fd);
  free(c->in.bytes);
  free(c->out.bytes);
  free(c->message.bytes);
  free(c);
}
