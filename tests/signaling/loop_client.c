/* tests/signaling/loop_client.c: see the header. */
#include "tests/signaling/loop_client.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

static uint64_t now_ms(void) {
  return uv_hrtime() / 1000000;
}

void loop_client_open(struct loop_client *c, uv_loop_t *loop, uint16_t port) {
  struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr = {htonl(INADDR_LOOPBACK)}};
  *c = (struct loop_client){.loop = loop, .fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  assert_true(c->fd >= 0);
  assert_int_equal(connect(c->fd, (struct sockaddr *)&to, sizeof(to)), 0);
}

void loop_client_close(struct loop_client *c) {
  close(c->fd);
  free(c->in);
  uv_run(c->loop, UV_RUN_NOWAIT);
  uv_run(c->loop, UV_RUN_NOWAIT);
}

static void turn(struct loop_client *c) {
  uv_run(c->loop, UV_RUN_NOWAIT);
  struct pollfd p = {.fd = c->fd, .events = POLLIN};
  (void)poll(&p, 1, 1);
}

void loop_client_send(struct loop_client *c, const void *bytes, size_t len) {
  const char *p = bytes;
  uint64_t end = now_ms() + LOOP_CLIENT_MS;
  while (len && now_ms() < end) {
    ssize_t n = send(c->fd, p, len, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (n > 0) {
      p += n;
      len -= (size_t)n;
    } else if (errno != EAGAIN) {
      return;
    } else {
      turn(c);
    }
  }
}

void loop_client_text(struct loop_client *c, const char *text) {
  loop_client_send(c, text, strlen(text));
}

static void receive(struct loop_client *c) {
  char bytes[65536];
  ssize_t n = recv(c->fd, bytes, sizeof(bytes), MSG_DONTWAIT);
  if (n == 0 || (n < 0 && errno != EAGAIN)) c->closed = true;
  if (n <= 0) return;
  if (!c->in || c->len + (size_t)n + 1 > c->cap) {
    c->cap = (c->len + (size_t)n + 1) * 2;
    c->in = realloc(c->in, c->cap);
    if (!c->in) abort();
  }
  memcpy(c->in + c->len, bytes, (size_t)n);
  c->len += (size_t)n;
  c->in[c->len] = '\0';
}

/* Waits for at least `need` bytes. */
static bool wait_bytes(struct loop_client *c, size_t need) {
  uint64_t end = now_ms() + LOOP_CLIENT_MS;
  while (c->len < need && !c->closed && now_ms() < end) {
    turn(c);
    receive(c);
  }
  return c->len >= need;
}

bool loop_client_wait(struct loop_client *c, const char *needle) {
  uint64_t end = now_ms() + LOOP_CLIENT_MS;
  for (;;) {
    if (c->in && memmem(c->in, c->len, needle, strlen(needle))) return true;
    if (c->closed || now_ms() >= end) return false;
    turn(c);
    receive(c);
  }
}

bool loop_client_wait_closed(struct loop_client *c) {
  uint64_t end = now_ms() + LOOP_CLIENT_MS;
  while (!c->closed && now_ms() < end) {
    turn(c);
    receive(c);
  }
  return c->closed;
}

bool loop_run_until(uv_loop_t *loop, const volatile int *flag, int value) {
  uint64_t end = now_ms() + LOOP_CLIENT_MS;
  while (*flag < value && now_ms() < end) {
    uv_run(loop, UV_RUN_NOWAIT);
    (void)poll(NULL, 0, 1);
  }
  return *flag >= value;
}

int loop_client_response(struct loop_client *c, bool head, const char **body, size_t *body_len, size_t *end) {
  int status = 0;
  size_t length = 0;
  if (!loop_client_wait(c, "\r\n\r\n")) return 0;
  char *split = memmem(c->in, c->len, "\r\n\r\n", 4);
  size_t start = (size_t)(split - c->in) + 4;
  char *line = memmem(c->in, start, "Content-Length: ", 16);
  if (line) length = strtoul(line + 16, NULL, 10);
  if (head) length = 0;
  if ((status = (int)strtol(c->in + strlen("HTTP/1.1 "), NULL, 10)) < 100 || !wait_bytes(c, start + length)) return 0;
  *body = c->in + start;
  *body_len = length;
  *end = start + length;
  return status;
}

void loop_client_take(struct loop_client *c, size_t n) {
  assert_true(n <= c->len);
  memmove(c->in, c->in + n, c->len - n + 1);
  c->len -= n;
}

bool loop_client_upgrade(struct loop_client *c, const char *path, const char *extra) {
  char text[1024];
  (void)snprintf(text, sizeof(text),
                 "GET %s HTTP/1.1\r\nHost: localhost:1234\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                 "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n%s\r\n",
                 path, extra);
  loop_client_text(c, text);
  if (!loop_client_wait(c, "\r\n\r\n")) return false;
  /* RFC 6455 §1.3: the accept value of the example nonce. */
  bool ok = strstr(c->in, "HTTP/1.1 101 ") && strstr(c->in, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
  if (ok) loop_client_take(c, (size_t)(strstr(c->in, "\r\n\r\n") - c->in) + 4);
  return ok;
}

void loop_client_frame(struct loop_client *c, uint8_t first_byte, const void *payload, size_t len) {
  uint8_t head[14] = {first_byte};
  size_t n = 2;
  if (len < 126) {
    head[1] = (uint8_t)(0x80 | len);
  } else if (len < 65536) {
    head[1] = 0x80 | 126;
    head[2] = (uint8_t)(len >> 8);
    head[3] = (uint8_t)len;
    n = 4;
  } else {
    head[1] = 0x80 | 127;
    for (int i = 0; i < 8; i++)
      head[2 + i] = (uint8_t)((uint64_t)len >> (56 - 8 * i));
    n = 10;
  }
  /* A mask of zero is a mask: the payload goes out as it is. */
  loop_client_send(c, head, n + 4);
  loop_client_send(c, payload, len);
}

int loop_client_take_frame(struct loop_client *c, char *payload, size_t cap, size_t *len) {
  if (!wait_bytes(c, 2)) return -1;
  size_t n = (uint8_t)c->in[1] & 127, start = 2;
  if (n == 126) {
    if (!wait_bytes(c, 4)) return -1;
    n = (size_t)(uint8_t)c->in[2] << 8 | (uint8_t)c->in[3];
    start = 4;
  } else if (n == 127) {
    if (!wait_bytes(c, 10)) return -1;
    n = 0;
    for (int i = 2; i < 10; i++)
      n = n << 8 | (uint8_t)c->in[i];
    start = 10;
  }
  if (n >= cap || !wait_bytes(c, start + n)) return -1;
  int first = (uint8_t)c->in[0];
  memcpy(payload, c->in + start, n);
  payload[n] = '\0';
  *len = n;
  loop_client_take(c, start + n);
  return first;
}
