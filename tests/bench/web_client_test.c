/* The HTTP and WebSocket client against a socket that the test answers, byte by byte where that matters: addresses, responses in
 * pieces, refusals in words, frames and fragments, handlers that free the connection. */
#include "bench/load/web_client.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bench/load/web_frame.h"
#include "tests/bench/check.h"

static struct event_loop *loop;
static struct web_client *client;
static int listener, server = -1;
static struct web_address address;
static unsigned opened, texts, closes, responses;
static bool free_at_text, free_at_open;
static char text[70000], why[256];
static int code, status;

static void on_response(void *arg, int with, char *body, size_t len) {
  (void)arg;
  responses++;
  status = with;
  snprintf(text, sizeof text, "%.*s", (int)len, body);
}

static void on_open(void *arg, int64_t now_us) {
  (void)arg, (void)now_us;
  opened++;
  if (!free_at_open) return;
  web_client_free(client);
  client = NULL;
}

static void on_text(void *arg, char *what, size_t len, int64_t now_us) {
  (void)arg, (void)now_us;
  texts++;
  assert_int_equal(strlen(what), len); /* terminated */
  snprintf(text, sizeof text, "%s", what);
  if (!free_at_text) return;
  web_client_free(client);
  client = NULL;
}

static void on_closed(void *arg, int with, const char *words) {
  (void)arg;
  closes++;
  code = with;
  snprintf(why, sizeof why, "%s", words);
}

static const struct web_listener on = {NULL, on_response, on_open, on_text, on_closed};

static int set_up(void **state) {
  struct sockaddr_in own = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t len = sizeof own;
  char url[64];
  (void)state;
  opened = texts = closes = responses = 0;
  free_at_text = free_at_open = false;
  listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  assert_int_equal(bind(listener, (struct sockaddr *)&own, sizeof own), 0);
  assert_int_equal(listen(listener, 4), 0);
  assert_int_equal(getsockname(listener, (struct sockaddr *)&own, &len), 0);
  snprintf(url, sizeof url, "http://127.0.0.1:%u/", ntohs(own.sin_port));
  assert_null(web_address_parse(&address, url));
  return event_loop_create(&loop);
}

static int tear_down(void **state) {
  (void)state;
  web_client_free(client);
  client = NULL;
  event_loop_free(loop);
  if (server >= 0) close(server);
  server = -1;
  close(listener);
  return 0;
}

/* Turns until `*count` is `wanted`; a second at most passes without an event. */
static void turn_until(const unsigned *count, unsigned wanted) {
  for (int i = 0; i < 1000 && *count < wanted; i++)
    event_loop_turn(loop, event_loop_clock_us() + 10000);
  assert_int_equal(*count, wanted);
}

/* What the client says first. */
static const char *accept_client(void) {
  static char request[2048];
  server = accept(listener, NULL, NULL);
  assert_true(server >= 0);
  size_t len = 0;
  while (len < 4 || memcmp(request + len - 4, "\r\n\r\n", 4) != 0) {
    event_loop_turn(loop, event_loop_clock_us() + 1000);
    ssize_t n = recv(server, request + len, sizeof request - 1 - len, MSG_DONTWAIT);
    if (n > 0) len += (size_t)n;
    request[len] = '\0';
  }
  return request;
}

static void say(const void *bytes, size_t len) {
  assert_int_equal(send(server, bytes, len, MSG_NOSIGNAL), len);
}

static void say_words(const char *words) {
  say(words, strlen(words));
}

/* A frame of a server: not masked. */
static void say_frame(unsigned first, const void *payload, size_t len) {
  uint8_t head[4] = {(uint8_t)first, (uint8_t)(len < 126 ? len : 126), (uint8_t)(len >> 8), (uint8_t)len};
  assert_true(len < 65536);
  say(head, len < 126 ? 2 : 4);
  say(payload, len);
}

static void open_socket(void) {
  assert_int_equal(web_client_open(&client, loop, &address, "/v1/ws", "chat", &on), 0);
  const char *request = accept_client();
  assert_non_null(strstr(request, "GET /v1/ws HTTP/1.1\r\n"));
  assert_non_null(strstr(request, "Sec-WebSocket-Protocol: chat\r\n"));
  assert_non_null(strstr(request, "Sec-WebSocket-Version: 13\r\n"));
  say_words("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n");
  turn_until(&opened, 1);
}

static void addresses(void **state) {
  (void)state;
  struct web_address a;
  assert_null(web_address_parse(&a, "http://127.0.0.1:8080"));
  assert_int_equal(a.port, 8080);
  assert_true(a.loopback);
  assert_null(web_address_parse(&a, "ws://[::1]:81/path"));
  assert_string_equal(a.host, "::1");
  assert_int_equal(a.port, 81);
  assert_true(a.loopback);
  assert_null(web_address_parse(&a, "http://192.0.2.1"));
  assert_int_equal(a.port, 80);
  assert_false(a.loopback);
  static const char *const wrong[][2] = {
      {"https://a", "TLS"},       {"wss://a", "TLS"},         {"127.0.0.1:80", "look like"},
      {"ftp://a", "look like"},   {"http://", "host"},        {"http://a:0", "port"},
      {"http://a:65536", "port"}, {"http://[::1", "bracket"}, {"http://no host", "no address"}};
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
    assert_non_null(strstr(web_address_parse(&a, wrong[i][0]), wrong[i][1]));
}

static void a_response_comes_in_pieces(void **state) {
  (void)state;
  assert_int_equal(web_client_get(&client, loop, &address, "/dev/token?a=b", &on), 0);
  assert_non_null(strstr(accept_client(), "GET /dev/token?a=b HTTP/1.1\r\n"));
  say_words("HTTP/1.1 200 OK\r\ncontent-le");
  event_loop_turn(loop, event_loop_clock_us() + 5000);
  say_words("ngth: 5\r\n\r\nhel");
  event_loop_turn(loop, event_loop_clock_us() + 5000);
  assert_int_equal(responses, 0);
  say_words("lo");
  turn_until(&responses, 1);
  assert_int_equal(status, 200);
  assert_string_equal(text, "hello");
}

static void without_a_length_the_end_is_the_end(void **state) {
  (void)state;
  assert_int_equal(web_client_get(&client, loop, &address, "/", &on), 0);
  accept_client();
  say_words("HTTP/1.1 404 Not Found\r\n\r\nno");
  event_loop_turn(loop, event_loop_clock_us() + 5000);
  assert_int_equal(responses, 0);
  shutdown(server, SHUT_WR);
  turn_until(&responses, 1);
  assert_int_equal(status, 404);
  assert_string_equal(text, "no");
}

static void an_end_without_an_answer_is_said(void **state) {
  (void)state;
  assert_int_equal(web_client_get(&client, loop, &address, "/", &on), 0);
  accept_client();
  shutdown(server, SHUT_WR);
  turn_until(&closes, 1);
  assert_string_equal(why, "the server closed the connection without an answer");
}

static void nobody_listens(void **state) {
  (void)state;
  close(listener);
  listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  assert_int_equal(web_client_open(&client, loop, &address, "/", NULL, &on), 0); /* not known yet */
  turn_until(&closes, 1);
  assert_string_equal(why, "Connection refused");
}

static void a_refused_websocket_says_the_status(void **state) {
  (void)state;
  static const struct {
    const char *line, *words;
    int code;
  } rows[] = {{"HTTP/1.1 503 Busy\r\n\r\n", "503: busy", 503}, {"HTTP/1.1 403 No\r\n\r\n", "(HTTP 403)", 403}};
  for (unsigned i = 0; i < 2; i++) {
    assert_int_equal(web_client_open(&client, loop, &address, "/", NULL, &on), 0);
    accept_client();
    say_words(rows[i].line);
    turn_until(&closes, i + 1);
    assert_non_null(strstr(why, rows[i].words));
    assert_int_equal(code, rows[i].code);
    web_client_free(client);
    client = NULL;
    close(server);
    server = -1;
  }
}

static void frames_pings_and_fragments(void **state) {
  (void)state;
  open_socket();
  say_frame(0x81, "one", 3);
  turn_until(&texts, 1);
  assert_string_equal(text, "one");
  say_frame(0x89, "beat", 4);
  say_frame(0x01, "two ", 4);
  say_frame(0x00, "parts ", 6);
  say_frame(0x80, "more", 4);
  turn_until(&texts, 2);
  assert_string_equal(text, "two parts more");
  uint8_t pong[32];
  ssize_t n = 0;
  while (n < 10)
    n = recv(server, pong, sizeof pong, MSG_PEEK);
  assert_int_equal(pong[0], 0x80 | WEB_PONG);
  assert_int_equal(pong[1], 0x80 | 4); /* a client masks */
  static char large[60000];
  memset(large, 'x', sizeof large - 1);
  say_frame(0x81, large, sizeof large - 1);
  say_frame(0x81, "after", 5);
  turn_until(&texts, 4);
  assert_string_equal(text, "after");
}

static void what_is_sent_arrives_masked_and_whole(void **state) {
  (void)state;
  static char large[400000];
  static uint8_t got[410000];
  memset(large, 'y', sizeof large);
  open_socket();
  assert_int_equal(web_client_send(client, large, sizeof large), 0); /* more than the socket takes at once */
  size_t len = 0, wanted = sizeof large + 14;
  for (int i = 0; i < 10000 && len < wanted; i++) {
    event_loop_turn(loop, event_loop_clock_us() + 1000);
    ssize_t n = recv(server, got + len, sizeof got - len, MSG_DONTWAIT);
    if (n > 0) len += (size_t)n;
  }
  assert_int_equal(len, wanted);
  for (size_t i = 0; i < sizeof large; i++)
    assert_int_equal(got[14 + i] ^ got[10 + i % 4], 'y');
}

static void a_close_is_given_with_its_reason(void **state) {
  (void)state;
  open_socket();
  say_frame(0x88, "\x0f\xa3replaced", 10);
  turn_until(&closes, 1);
  assert_int_equal(code, 4003);
  assert_string_equal(why, "the server closed the connection (4003, replaced)");
}

static void a_broken_frame_ends_it(void **state) {
  (void)state;
  open_socket();
  say("\xf1\x00", 2);
  turn_until(&closes, 1);
  assert_string_equal(why, "the server sent a broken WebSocket frame");
}

static void a_broken_connection_is_told_from_a_close(void **state) {
  (void)state;
  open_socket();
  close(server);
  server = -1;
  turn_until(&closes, 1);
  assert_int_equal(code, 1006);
}

static void it_may_be_freed_from_within(void **state) {
  (void)state;
  open_socket();
  free_at_text = true;
  say_frame(0x81, "a", 1);
  say_frame(0x81, "b", 1); /* nobody is there to hear it */
  turn_until(&texts, 1);
  assert_null(client);
  uint8_t bye[16];
  assert_true(recv(server, bye, sizeof bye, 0) >= 8);
  assert_int_equal(bye[0], 0x80 | WEB_CLOSE);
  close(server);
  opened = 0;
  free_at_open = true;
  assert_int_equal(web_client_open(&client, loop, &address, "/", NULL, &on), 0);
  accept_client();
  say_words("HTTP/1.1 101 X\r\n\r\n");
  say_frame(0x81, "c", 1);
  turn_until(&opened, 1);
  assert_null(client);
  assert_int_equal(texts, 1);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(addresses),
      CASE(a_response_comes_in_pieces),
      CASE(without_a_length_the_end_is_the_end),
      CASE(an_end_without_an_answer_is_said),
      CASE(nobody_listens),
      CASE(a_refused_websocket_says_the_status),
      CASE(frames_pings_and_fragments),
      CASE(what_is_sent_arrives_masked_and_whole),
      CASE(a_close_is_given_with_its_reason),
      CASE(a_broken_frame_ends_it),
      CASE(a_broken_connection_is_told_from_a_close),
      CASE(it_may_be_freed_from_within),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
