/* tests/signaling/listener_websocket_test.c: real loopback sockets against the WebSocket side of the listener. */
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "signaling/listener.h"
#include "tests/signaling/loop_client.h"

struct server {
  uv_loop_t loop;
  struct listener *listener;
  struct listener_connection *connection; /* the last one opened */
  char last[1 << 19], remote[64], origin[128];
  size_t last_len;
  volatile int opened, messages, closed, gone;
  int close_code;
  bool echo;
};

static struct server s;

static void on_open(struct listener_connection *c, const char *endpoint, const char *remote, const char *origin,
                    void *arg) {
  assert_ptr_equal(arg, &s);
  assert_string_equal(endpoint, "public");
  s.connection = c;
  (void)snprintf(s.remote, sizeof(s.remote), "%s", remote);
  (void)snprintf(s.origin, sizeof(s.origin), "%s", origin);
  s.opened++;
}

static void on_message(struct listener_connection *c, const char *text, size_t len, void *arg) {
  (void)arg;
  assert_true(len < sizeof(s.last));
  memcpy(s.last, text, len);
  s.last[len] = '\0';
  s.last_len = len;
  s.messages++;
  if (s.echo) assert_int_equal(listener_send(c, text, len), 0);
  if (strcmp(s.last, "bye") == 0) listener_disconnect(c, 4001, "kicked");
}

static void on_close(struct listener_connection *c, uint16_t code, void *arg) {
  (void)arg;
  if (c == s.connection) s.connection = NULL;
  s.close_code = code;
  s.closed++;
}

static void on_gone(void *arg) {
  (void)arg;
  s.gone++;
}

static void start(const struct listener_config *numbers) {
  static const char *const origins[] = {"https://clinic.example"};
  static const struct listener_events events = {.on_open = on_open, .on_message = on_message, .on_close = on_close};
  struct listener_endpoint endpoint = {
      .name = "public", .websocket_path = "/v1/ws", .origins = origins, .origin_count = 1};
  struct listener_config config = *numbers;
  char why[256];
  memset(&s, 0, sizeof(s));
  s.echo = true;
  assert_int_equal(uv_loop_init(&s.loop), 0);
  config.endpoints = &endpoint;
  config.endpoint_count = 1;
  int error = listener_create(&s.listener, &s.loop, &config, &events, &s, why, sizeof(why));
  if (error) fail_msg("%s", why);
}

static int setup(void **state) {
  (void)state;
  start(&(struct listener_config){0});
  return 0;
}

/* Everything must come back: the loop closes only when no handle is left. */
static void stop(void) {
  listener_close(s.listener, on_gone, NULL);
  s.listener = NULL;
  assert_true(loop_run_until(&s.loop, &s.gone, 1));
  assert_int_equal(uv_run(&s.loop, UV_RUN_DEFAULT), 0);
  assert_int_equal(uv_loop_close(&s.loop), 0);
}

static int teardown(void **state) {
  (void)state;
  if (s.listener) stop();
  return 0;
}

static void restart(const struct listener_config *numbers) {
  stop();
  start(numbers);
}

static void dial(struct loop_client *c) {
  loop_client_open(c, &s.loop, listener_port(s.listener, 0));
}

static void dial_websocket(struct loop_client *c) {
  dial(c);
  assert_true(loop_client_upgrade(c, "/v1/ws", ""));
}

/* Reads frames until the close frame; returns its code, 0 when the connection just ended. */
static int read_close(struct loop_client *c, char *reason, size_t cap) {
  static char payload[1 << 19];
  size_t len;
  int first;
  while ((first = loop_client_take_frame(c, payload, sizeof(payload), &len)) >= 0)
    if ((first & 15) == 8 && len >= 2) {
      /* RFC 6455 §5.5: a control frame carries at most 125 bytes. */
      (void)snprintf(reason, cap, "%.123s", payload + 2);
      return (uint8_t)payload[0] << 8 | (uint8_t)payload[1];
    }
  return 0;
}

static void test_upgrade_and_echo(void **state) {
  (void)state;
  struct loop_client c;
  char payload[64];
  size_t len;
  dial_websocket(&c);
  assert_int_equal(s.opened, 1);
  assert_string_equal(s.remote, "127.0.0.1");
  assert_string_equal(s.origin, "");
  loop_client_frame(&c, 0x81, "hello", 5);
  assert_int_equal(loop_client_take_frame(&c, payload, sizeof(payload), &len), 0x81);
  assert_string_equal(payload, "hello");
  loop_client_frame(&c, 0x88, "\x03\xe8", 2);
  assert_true(loop_client_wait_closed(&c));
  assert_true(loop_run_until(&s.loop, &s.closed, 1));
  assert_int_equal(s.close_code, 1000);
  assert_int_equal(listener_stats(s.listener)->messages_in, 1);
  assert_int_equal(listener_stats(s.listener)->websockets, 0);
  loop_client_close(&c);
}

/* RFC 6455 §5.4: a message in fragments, with a ping between them. */
static void test_fragments(void **state) {
  (void)state;
  struct loop_client c;
  char payload[64];
  size_t len;
  dial_websocket(&c);
  loop_client_frame(&c, 0x01, "one ", 4);
  loop_client_frame(&c, 0x89, "p", 1);
  loop_client_frame(&c, 0x00, "two ", 4);
  loop_client_frame(&c, 0x80, "three", 5);
  assert_int_equal(loop_client_take_frame(&c, payload, sizeof(payload), &len), 0x8a);
  assert_int_equal(loop_client_take_frame(&c, payload, sizeof(payload), &len), 0x81);
  assert_string_equal(payload, "one two three");
  loop_client_close(&c);
}

/* Everything in one write, the upgrade included: a client need not wait for any answer. */
static void test_pipelined(void **state) {
  (void)state;
  struct loop_client c;
  static const char text[] =
      "GET /v1/ws HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n"
      "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
      "\x81\x83\0\0\0\0"
      "abc\x81\x83\0\0\0\0"
      "def\x81\x83\0\0\0\0ghi";
  char payload[64];
  size_t len;
  dial(&c);
  loop_client_send(&c, text, sizeof(text) - 1);
  assert_true(loop_client_wait(&c, "\r\n\r\n"));
  loop_client_take(&c, (size_t)(strstr(c.in, "\r\n\r\n") - c.in) + 4);
  static const char *const expected[] = {"abc", "def", "ghi"};
  for (int i = 0; i < 3; i++) {
    assert_int_equal(loop_client_take_frame(&c, payload, sizeof(payload), &len), 0x81);
    assert_string_equal(payload, expected[i]);
  }
  loop_client_close(&c);
}

static void expect_refusal(const char *request, const char *status, const uint64_t *counter) {
  struct loop_client c;
  uint64_t before = *counter;
  dial(&c);
  loop_client_text(&c, request);
  assert_true(loop_client_wait_closed(&c));
  assert_non_null(c.in);
  assert_non_null(strstr(c.in, status));
  assert_null(strstr(c.in, " 101 "));
  assert_int_equal(*counter, before + 1);
  loop_client_close(&c);
}

#define UPGRADE(path, name, extra)                                                         \
  "GET " path " HTTP/1.1\r\nHost: localhost:1234\r\nConnection: Upgrade\r\nUpgrade: " name \
  "\r\n"                                                                                   \
  "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n" extra "\r\n"

static void test_refused_upgrades(void **state) {
  (void)state;
  const struct listener_stats *stats = listener_stats(s.listener);
  expect_refusal(UPGRADE("/v1/ws", "websocket", "Origin: https://evil.example\r\n"), " 403 ", &stats->refused_origin);
  expect_refusal(UPGRADE("/v1/ws", "websocket", "Origin: null\r\n"), " 403 ", &stats->refused_origin);
  expect_refusal(UPGRADE("/v1/ws", "websocket", "Origin: https://localhost:1234.evil.example\r\n"), " 403 ",
                 &stats->refused_origin);
  expect_refusal(UPGRADE("/v1/wsx", "websocket", ""), " 404 ", &stats->refused_path);
  expect_refusal(UPGRADE("/v1/ws", "h2c", "HTTP2-Settings: AAMAAABkAAQAAP__\r\n"), " 400 ", &stats->refused_upgrade);
  assert_int_equal(s.opened, 0);
}

/* libwebsockets 4.1.6 answers an unknown upgrade by itself, and may then ask whether it can go on. It cannot. */
static void test_unknown_upgrade(void **state) {
  (void)state;
  struct loop_client c;
  dial(&c);
  loop_client_text(&c, UPGRADE("/v1/ws", "TLS/1.0", "") "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  assert_true(loop_client_wait_closed(&c));
  assert_non_null(strstr(c.in, " 403 "));
  assert_null(strstr(c.in, " 101 "));
  assert_int_equal(s.opened, 0);
  loop_client_close(&c);
}

static void test_http2_preface_and_connect_refused(void **state) {
  (void)state;
  static const char *const requests[] = {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
                                         "CONNECT a.example:443 HTTP/1.1\r\nHost: a.example:443\r\n\r\nwhatever"};
  for (size_t i = 0; i < 2; i++) {
    struct loop_client c;
    dial(&c);
    loop_client_text(&c, requests[i]);
    assert_true(loop_client_wait_closed(&c));
    assert_true(!c.in || !strstr(c.in, " 200 "));
    loop_client_close(&c);
  }
  assert_int_equal(listener_stats(s.listener)->connections, 0);
}

static void test_allowed_origins(void **state) {
  (void)state;
  static const char *const lines[] = {"Origin: http://localhost:1234\r\n", "Origin: https://clinic.example\r\n"};
  for (size_t i = 0; i < 2; i++) {
    struct loop_client c;
    dial(&c);
    assert_true(loop_client_upgrade(&c, "/v1/ws", lines[i]));
    loop_client_close(&c);
  }
}

/* No extension is ever accepted: a compressed message cannot become a large one. */
static void test_no_compression(void **state) {
  (void)state;
  struct loop_client c;
  dial(&c);
  loop_client_text(&c, UPGRADE("/v1/ws", "websocket", "Sec-WebSocket-Extensions: permessage-deflate\r\n"));
  assert_true(loop_client_wait(&c, "\r\n\r\n"));
  assert_non_null(strstr(c.in, " 101 "));
  assert_null(strcasestr(c.in, "Sec-WebSocket-Extensions"));
  loop_client_close(&c);
}

static void test_oversize(void **state) {
  (void)state;
  struct loop_client c;
  static char big[70000];
  char reason[128];
  memset(big, 'x', sizeof(big));
  dial_websocket(&c);
  loop_client_frame(&c, 0x81, big, 16UL * 1024); /* exactly the limit */
  assert_true(loop_run_until(&s.loop, &s.messages, 1));
  assert_int_equal(s.last_len, 16 * 1024);
  listener_set_message_limit(s.connection, 64UL * 1024);
  loop_client_frame(&c, 0x81, big, 64UL * 1024);
  assert_true(loop_run_until(&s.loop, &s.messages, 2));
  loop_client_frame(&c, 0x81, big, 64UL * 1024 + 1);
  assert_int_equal(read_close(&c, reason, sizeof(reason)), 1009);
  loop_client_frame(&c, 0x88, "\x03\xf1", 2);
  assert_true(loop_run_until(&s.loop, &s.closed, 1));
  assert_int_equal(s.close_code, 1009);
  assert_int_equal(s.messages, 2);
  loop_client_close(&c);
}

/* The limit counts what fragments add up to. */
static void test_oversize_in_fragments(void **state) {
  (void)state;
  struct loop_client c;
  static char part[1000];
  char reason[128];
  memset(part, 'x', sizeof(part));
  dial_websocket(&c);
  loop_client_frame(&c, 0x01, part, sizeof(part));
  for (int i = 0; i < 20; i++)
    loop_client_frame(&c, 0x00, part, sizeof(part));
  assert_int_equal(read_close(&c, reason, sizeof(reason)), 1009);
  assert_int_equal(s.messages, 0);
  loop_client_close(&c);
}

static void test_binary_and_bad_utf8(void **state) {
  (void)state;
  struct loop_client c;
  char reason[128];
  dial_websocket(&c);
  loop_client_frame(&c, 0x82, "x", 1);
  assert_int_equal(read_close(&c, reason, sizeof(reason)), 1003);
  loop_client_close(&c);
  dial_websocket(&c);
  loop_client_frame(&c, 0x81, "\xc3\x28", 2);
  assert_int_equal(read_close(&c, reason, sizeof(reason)), 1007);
  assert_int_equal(s.messages, 0);
  loop_client_close(&c);
}

static void test_disconnect_sends_queue_first(void **state) {
  (void)state;
  struct loop_client c;
  char payload[64], reason[128];
  size_t len;
  dial_websocket(&c);
  loop_client_frame(&c, 0x81, "bye", 3);
  assert_int_equal(loop_client_take_frame(&c, payload, sizeof(payload), &len), 0x81);
  assert_string_equal(payload, "bye");
  assert_int_equal(read_close(&c, reason, sizeof(reason)), 4001);
  assert_string_equal(reason, "kicked");
  loop_client_frame(&c, 0x88, "\x0f\xa1", 2);
  assert_true(loop_run_until(&s.loop, &s.closed, 1));
  assert_int_equal(s.close_code, 4001);
  loop_client_close(&c);
}

/* A reader that stopped: the queue ends at 1 MiB, the connection soon after. */
static void test_slow_reader(void **state) {
  (void)state;
  struct loop_client c;
  static char text[32768];
  int error = 0, sent = 0;
  memset(text, 'x', sizeof(text));
  s.echo = false;
  dial(&c);
  int small = 4096;
  (void)setsockopt(c.fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
  assert_true(loop_client_upgrade(&c, "/v1/ws", ""));
  for (; !error && sent < 4000; sent++) {
    error = listener_send(s.connection, text, sizeof(text));
    assert_true(listener_queued_bytes(s.connection) <= 1024UL * 1024);
    for (int i = 0; i < 2; i++)
      uv_run(&s.loop, UV_RUN_NOWAIT);
  }
  assert_int_equal(error, LISTENER_SLOW_READER);
  assert_int_equal(listener_send(s.connection, "x", 1), LISTENER_GONE);
  uint64_t from = uv_hrtime();
  while (!s.closed && uv_hrtime() - from < 10000000000u)
    uv_run(&s.loop, UV_RUN_ONCE);
  assert_int_equal(s.closed, 1);
  assert_int_equal(s.close_code, 4004);
  assert_int_equal(listener_stats(s.listener)->slow_readers, 1);
  loop_client_close(&c);
}

static void test_caps(void **state) {
  (void)state;
  restart(&(struct listener_config){.connections_per_address = 2});
  struct loop_client a, b, c;
  dial_websocket(&a);
  dial_websocket(&b);
  dial(&c);
  assert_true(loop_client_wait_closed(&c));
  assert_int_equal(listener_stats(s.listener)->refused_per_address, 1);
  loop_client_close(&c);
  loop_client_close(&a);
  assert_true(loop_run_until(&s.loop, &s.closed, 1));
  dial_websocket(&c); /* there is room again */
  loop_client_close(&c);
  loop_client_close(&b);
}

/* A peer that is silent: pinged, and given up when it does not answer. */
static void test_dead_peer(void **state) {
  (void)state;
  restart(&(struct listener_config){.ping_interval_s = 1, .pong_timeout_s = 1});
  struct loop_client c;
  char payload[200];
  size_t len;
  dial_websocket(&c);
  assert_int_equal(loop_client_take_frame(&c, payload, sizeof(payload), &len), 0x89);
  assert_true(loop_run_until(&s.loop, &s.closed, 1));
  assert_int_equal(s.close_code, 1006);
  loop_client_close(&c);
}

static void test_close_tells_open_connections(void **state) {
  (void)state;
  struct loop_client a, b;
  dial_websocket(&a);
  dial_websocket(&b);
  struct listener *l = s.listener;
  s.listener = NULL;
  listener_close(l, on_gone, NULL);
  assert_int_equal(s.closed, 2);
  assert_int_equal(s.close_code, 1001);
  assert_true(loop_run_until(&s.loop, &s.gone, 1));
  assert_true(loop_client_wait_closed(&a));
  assert_true(loop_client_wait_closed(&b));
  loop_client_close(&a);
  loop_client_close(&b);
  assert_int_equal(uv_run(&s.loop, UV_RUN_DEFAULT), 0);
  assert_int_equal(uv_loop_close(&s.loop), 0);
}

/* What an operator can get wrong is said in words, and leaves nothing behind. */
static int try_create(const struct listener_endpoint *endpoint, char *why, size_t cap) {
  static const struct listener_events none = {0};
  struct listener_config config = {.endpoints = endpoint, .endpoint_count = 1};
  struct listener *never = NULL;
  int error = listener_create(&never, &s.loop, &config, &none, NULL, why, cap);
  assert_null(never);
  assert_int_equal(uv_run(&s.loop, UV_RUN_DEFAULT), 0);
  return error;
}

static void test_mistakes_of_an_operator(void **state) {
  (void)state;
  char why[256];
  struct listener_endpoint e = {.name = "public", .address = "nosuchinterface"};
  assert_int_equal(uv_loop_init(&s.loop), 0);
  assert_int_equal(try_create(&e, why, sizeof(why)), LISTENER_BIND);
  assert_non_null(strstr(why, "nosuchinterface"));
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  struct sockaddr_in taken = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
  socklen_t len = sizeof(taken);
  assert_int_equal(bind(fd, (struct sockaddr *)&taken, len), 0);
  assert_int_equal(listen(fd, 1), 0);
  assert_int_equal(getsockname(fd, (struct sockaddr *)&taken, &len), 0);
  e = (struct listener_endpoint){.name = "public", .port = ntohs(taken.sin_port)};
  assert_int_equal(try_create(&e, why, sizeof(why)), LISTENER_BIND);
  assert_non_null(strstr(why, "address already in use"));
  close(fd);
  e = (struct listener_endpoint){.certificate_file = "/nonexistent.pem", .key_file = "/nonexistent.pem"};
  assert_int_equal(try_create(&e, why, sizeof(why)), LISTENER_TLS);
  assert_non_null(strstr(why, "/nonexistent.pem"));
  e = (struct listener_endpoint){.certificate_file = "/nonexistent.pem"};
  assert_int_equal(try_create(&e, why, sizeof(why)), LISTENER_CONFIG);
  static const struct listener_mount mount = {"/", "/nonexistent"};
  e = (struct listener_endpoint){.mounts = &mount, .mount_count = 1};
  assert_int_equal(try_create(&e, why, sizeof(why)), LISTENER_FILES);
  assert_non_null(strstr(why, "/nonexistent"));
  assert_int_equal(uv_loop_close(&s.loop), 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(test_upgrade_and_echo),
      TEST(test_fragments),
      TEST(test_pipelined),
      TEST(test_refused_upgrades),
      TEST(test_unknown_upgrade),
      TEST(test_http2_preface_and_connect_refused),
      TEST(test_allowed_origins),
      TEST(test_no_compression),
      TEST(test_oversize),
      TEST(test_oversize_in_fragments),
      TEST(test_binary_and_bad_utf8),
      TEST(test_disconnect_sends_queue_first),
      TEST(test_slow_reader),
      TEST(test_caps),
      TEST(test_dead_peer),
      TEST(test_close_tells_open_connections),
      cmocka_unit_test(test_mistakes_of_an_operator),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
