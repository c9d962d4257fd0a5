/* tests/signaling/listener_connection_test.c: who may connect and how often, whose address counts, and what is left of a
 * connection when it has ended: nothing. */
#include "tests/signaling/listener_fixture.h"

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

static const char *const paths[] = {"/hello", "/later"};
static const struct listener_endpoint plain = {
    .name = "public", .websocket_path = "/ws", .request_paths = paths, .request_path_count = 2};

static void start(const struct listener_endpoint *endpoint, const struct listener_config *numbers) {
  if (fixture_start(endpoint, 1, numbers)) fail_msg("%s", fixture.why);
}

static const struct listener_stats *stats(void) {
  return listener_stats(fixture.listener);
}

static void expect_connections(uint32_t count) {
  uint64_t end = uv_hrtime() + LOOP_CLIENT_MS * UINT64_C(1000000);
  while (stats()->connections != count && uv_hrtime() < end)
    fixture_turn();
  assert_int_equal(stats()->connections, count);
}

static void open_websocket(struct loop_client *c, const char *headers) {
  fixture_dial(c, 0);
  assert_true(loop_client_upgrade(c, "/ws", headers));
}

static void expect_refused(void) {
  struct loop_client c;
  fixture_dial(&c, 0);
  loop_client_text(&c, "GET /hello HTTP/1.1\r\nHost: a\r\n\r\n");
  assert_true(loop_client_wait_closed(&c));
  assert_int_equal(c.len, 0); /* not a word: the connection is not worth one */
  loop_client_close(&c);
}

static void test_all_together(void **state) {
  (void)state;
  struct loop_client a, b;
  start(&plain, &(struct listener_config){.connections_max = 2});
  open_websocket(&a, "");
  fixture_dial(&b, 0); /* a silent one counts, too */
  expect_connections(2);
  expect_refused();
  assert_int_equal(stats()->refused_connections_max, 1);
  assert_int_equal(stats()->refused_per_address, 0);
  assert_int_equal(stats()->accepted, 2);
  loop_client_close(&b);
  expect_connections(1);
  open_websocket(&b, ""); /* there is room again */
  loop_client_close(&a);
  loop_client_close(&b);
  expect_connections(0);
}

static void test_one_address(void **state) {
  (void)state;
  struct loop_client a, b;
  start(&plain, &(struct listener_config){.connections_per_address = 2});
  open_websocket(&a, "");
  fixture_dial(&b, 0);
  expect_connections(2);
  expect_refused();
  assert_int_equal(stats()->refused_per_address, 1);
  loop_client_close(&b);
  expect_connections(1);
  open_websocket(&b, "X-Forwarded-For: 192.0.2.1\r\n"); /* not believed: nobody said there is a proxy */
  assert_string_equal(fixture.remote, "127.0.0.1");
  expect_refused();
  loop_client_close(&a);
  loop_client_close(&b);
}

/* IPv6 addresses are cheap: a /64 counts as one. ::1 stands for it here. */
static void test_ipv6(void **state) {
  (void)state;
  struct listener_endpoint six = plain;
  struct sockaddr_in6 to = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
  int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0 || bind(fd, (struct sockaddr *)&to, sizeof to) != 0) {
    if (fd >= 0) close(fd);
    skip(); /* no IPv6 on this machine */
  }
  close(fd);
  six.address = "::1";
  start(&six, &(struct listener_config){.connections_per_address = 1});
  to.sin6_port = htons(listener_port(fixture.listener, 0));
  struct loop_client c = {.loop = &fixture.loop, .fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  assert_int_equal(connect(c.fd, (struct sockaddr *)&to, sizeof to), 0);
  assert_true(loop_client_upgrade(&c, "/ws", ""));
  assert_string_equal(fixture.remote, "::1");
  struct loop_client d = {.loop = &fixture.loop, .fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  assert_int_equal(connect(d.fd, (struct sockaddr *)&to, sizeof to), 0);
  assert_true(loop_client_wait_closed(&d));
  assert_int_equal(stats()->refused_per_address, 1);
  loop_client_close(&c);
  loop_client_close(&d);
}

/* One socket for both families: who comes by IPv4 is known by that address, not by the mapped one. */
static void test_mapped_addresses(void **state) {
  (void)state;
  struct listener_endpoint all = plain;
  struct loop_client a;
  all.address = "::";
  if (fixture_start(&all, 1, &(struct listener_config){.connections_per_address = 1})) skip(); /* no IPv6 here */
  open_websocket(&a, "");
  assert_string_equal(fixture.remote, "127.0.0.1");
  expect_refused();
  assert_int_equal(stats()->refused_per_address, 1);
  loop_client_close(&a);
}

/* Behind our own proxy the last address of the list counts: what stands before it the client has written itself. */
static void test_behind_a_proxy(void **state) {
  (void)state;
  struct listener_endpoint behind = plain;
  struct loop_client a, b, c;
  const char *body;
  size_t length;
  behind.trust_proxy = true;
  start(&behind, &(struct listener_config){.connections_per_address = 1});
  open_websocket(&a, "X-Forwarded-For: 203.0.113.9, 192.0.2.1\r\n");
  assert_string_equal(fixture.remote, "192.0.2.1");
  assert_string_equal(listener_remote(fixture.connection), "192.0.2.1");
  open_websocket(&b, "X-Forwarded-For: 192.0.2.2\r\n"); /* the same socket address, another client */
  assert_string_equal(fixture.remote, "192.0.2.2");
  fixture_dial(&c, 0);
  assert_false(loop_client_upgrade(&c, "/ws", "X-Forwarded-For: 192.0.2.99, 192.0.2.1\r\n"));
  assert_int_equal(stats()->refused_per_address, 1);
  loop_client_close(&c);
  loop_client_close(&a);
  expect_connections(1);
  assert_int_equal(
      fixture_ask(&c, "GET /hello HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 192.0.2.1\r\n\r\n", &body, &length), 200);
  assert_string_equal(fixture.remote, "192.0.2.1");
  loop_client_close(&c);
  expect_connections(1);
  /* Without the header, or with one that is no address or too long to be one: the socket's own. */
  assert_int_equal(fixture_ask(&c, "GET /hello HTTP/1.1\r\nHost: a\r\n\r\n", &body, &length), 200);
  assert_string_equal(fixture.remote, "127.0.0.1");
  loop_client_close(&c);
  assert_int_equal(
      fixture_ask(&c, "GET /hello HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: unknown\r\n\r\n", &body, &length), 200);
  assert_string_equal(fixture.remote, "127.0.0.1");
  loop_client_close(&c);
  char request[1200] = "GET /hello HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: ";
  for (int i = 0; i < 60; i++)
    strcat(request, "192.0.2.77, ");
  strcat(request, "192.0.2.78\r\n\r\n");
  assert_int_equal(fixture_ask(&c, request, &body, &length), 200);
  assert_string_equal(fixture.remote, "127.0.0.1");
  loop_client_close(&c);
  open_websocket(&a, ""); /* the proxy's own address is taken now: that keeps nobody out who comes through it */
  open_websocket(&c, "X-Forwarded-For: 192.0.2.5\r\n");
  assert_string_equal(fixture.remote, "192.0.2.5");
  loop_client_close(&a);
  loop_client_close(&b);
  loop_client_close(&c);
}

static void test_what_a_connection_carries(void **state) {
  (void)state;
  struct loop_client c;
  int mine = 7;
  start(&plain, NULL);
  open_websocket(&c, "");
  assert_null(listener_user(fixture.connection));
  listener_set_user(fixture.connection, &mine);
  assert_ptr_equal(listener_user(fixture.connection), &mine);
  assert_string_equal(listener_remote(fixture.connection), "127.0.0.1");
  assert_int_equal(listener_queued_bytes(fixture.connection), 0);
  assert_int_equal(listener_send(fixture.connection, "12345", 5), 0);
  assert_int_equal(listener_queued_bytes(fixture.connection), 5);
  char payload[16];
  size_t length;
  assert_int_equal(loop_client_take_frame(&c, payload, sizeof payload, &length), 0x81);
  assert_int_equal(listener_queued_bytes(fixture.connection), 0);
  loop_client_close(&c);
  assert_true(loop_run_until(&fixture.loop, &fixture.closed, 1));
}

/* Whatever a connection was in the middle of, its place is free afterwards. */
static void test_ends_in_the_middle(void **state) {
  (void)state;
  static const char *const begun[] = {"", "GET /hel", "GET /hello HTTP/1.1\r\nHost: a\r\n",
                                      "POST /hello HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n12345",
                                      "GET /ws HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"};
  start(&plain, &(struct listener_config){.connections_per_address = 1, .connections_max = 1});
  for (int round = 0; round < 2; round++)
    for (size_t i = 0; i < sizeof begun / sizeof *begun; i++) {
      struct loop_client c;
      fixture_dial(&c, 0);
      loop_client_text(&c, begun[i]);
      expect_connections(1);
      loop_client_close(&c);
      expect_connections(0);
    }
  assert_int_equal(stats()->refused_per_address + stats()->refused_connections_max, 0);
  assert_int_equal(fixture.requests, 0);
}

static void test_nobody_enters_while_it_closes(void **state) {
  (void)state;
  struct loop_client c;
  start(&plain, NULL);
  uint16_t port = listener_port(fixture.listener, 0);
  open_websocket(&c, "");
  assert_int_equal(fixture_stop(NULL), 0);
  assert_int_equal(fixture.closed, 1);
  struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr = {htonl(INADDR_LOOPBACK)}};
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof to), -1);
  close(fd);
  close(c.fd);
  free(c.in);
}

#define TEST(f) cmocka_unit_test_teardown(f, fixture_stop)

int main(void) {
  const struct CMUnitTest tests[] = {TEST(test_all_together),
                                     TEST(test_one_address),
                                     TEST(test_ipv6),
                                     TEST(test_mapped_addresses),
                                     TEST(test_behind_a_proxy),
                                     TEST(test_what_a_connection_carries),
                                     TEST(test_ends_in_the_middle),
                                     TEST(test_nobody_enters_while_it_closes)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
