/* tests/server/worker/udp_socket_test.c: batches arrive with their sources, limits hold, addresses are checked. */
#include "server/worker/udp_socket.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

struct seen {
  size_t count, bytes;
  uint8_t last[UDP_DATAGRAM_BYTES];
  struct sockaddr_storage from;
};

static void on_datagram(void *arg, const struct sockaddr *from, socklen_t from_len, uint8_t *data, size_t len) {
  struct seen *seen = arg;
  seen->count++;
  seen->bytes += len;
  memcpy(seen->last, data, len);
  memcpy(&seen->from, from, from_len);
  data[0] = 0xff; /* the slab is ours to change */
}

static int client_of(const struct udp_socket *server, struct sockaddr_in *own) {
  int fd = socket(AF_INET, SOCK_DGRAM, 0);
  struct sockaddr_in to = {
      .sin_family = AF_INET, .sin_port = htons(udp_socket_port(server)), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof to), 0);
  socklen_t len = sizeof *own;
  getsockname(fd, (struct sockaddr *)own, &len);
  return fd;
}

static void await_readable(const struct udp_socket *server) {
  struct pollfd p = {.fd = udp_socket_fd(server), .events = POLLIN};
  assert_int_equal(poll(&p, 1, 5000), 1);
}

static void receives_in_batches_with_the_source(void **state) {
  (void)state;
  struct udp_socket *server;
  assert_int_equal(udp_socket_open(&server, "127.0.0.1", 0, 1), 0);
  assert_int_not_equal(udp_socket_port(server), 0);
  assert_int_equal(udp_socket_family(server), AF_INET);
  struct sockaddr_in own;
  int fd = client_of(server, &own);
  for (int i = 0; i < 100; i++)
    assert_int_equal(send(fd, "consultation", 12, 0), 12);
  await_readable(server);
  struct seen seen = {0};
  assert_int_equal(udp_socket_drain(server, 1, on_datagram, NULL, &seen), 64);
  assert_int_equal(seen.count, 64);
  assert_int_equal(udp_socket_drain(server, 10, on_datagram, NULL, &seen), 36);
  assert_int_equal(seen.count, 100);
  assert_int_equal(seen.bytes, 1200);
  assert_memory_equal(seen.last, "consultation", 12);
  assert_int_equal(((struct sockaddr_in *)&seen.from)->sin_port, own.sin_port);
  assert_int_equal(udp_socket_drain(server, 10, on_datagram, NULL, &seen), 0);
  assert_int_equal(udp_socket_counters(server)->packets, 100);
  assert_int_equal(udp_socket_counters(server)->system_calls, 3);
  close(fd);
  udp_socket_close(server);
}

static void drops_what_is_longer_than_the_slab(void **state) {
  (void)state;
  struct udp_socket *server;
  assert_int_equal(udp_socket_open(&server, "127.0.0.1", 0, 1), 0);
  struct sockaddr_in own;
  int fd = client_of(server, &own);
  uint8_t big[UDP_DATAGRAM_BYTES + 1] = {0};
  assert_int_equal(send(fd, big, sizeof big, 0), sizeof big);
  assert_int_equal(send(fd, big, UDP_DATAGRAM_BYTES, 0), UDP_DATAGRAM_BYTES);
  await_readable(server);
  struct seen seen = {0};
  udp_socket_drain(server, 1, on_datagram, NULL, &seen);
  assert_int_equal(seen.count, 1);
  assert_int_equal(seen.bytes, UDP_DATAGRAM_BYTES);
  assert_int_equal(udp_socket_counters(server)->drop_truncated, 1);
  close(fd);
  udp_socket_close(server);
}

/* Between a machine's own addresses everything goes over the loopback interface, so our own traffic must pass the filter; that
 * other interfaces do not is shown from another network namespace in tests/system. */
/* What the kernel threw away before we came is counted: with the next datagram it says how many. */
static void counts_what_the_kernel_dropped(void **state) {
  (void)state;
  enum { FLOOD = 300 };
  struct udp_socket *server;
  assert_int_equal(udp_socket_open(&server, "127.0.0.1", 0, 1), 0);
  const int small = 16384;
  assert_int_equal(setsockopt(udp_socket_fd(server), SOL_SOCKET, SO_RCVBUF, &small, sizeof small), 0);
  struct sockaddr_in own;
  int fd = client_of(server, &own);
  struct seen seen = {0};
  for (size_t round = 1; round <= 2; round++) {
    uint8_t datagram[1200] = {0};
    for (int i = 0; i < FLOOD; i++)
      assert_int_equal(send(fd, datagram, sizeof datagram, 0), sizeof datagram);
    await_readable(server);
    udp_socket_drain(server, 10, on_datagram, NULL, &seen);
    assert_int_equal(send(fd, datagram, sizeof datagram, 0), sizeof datagram);
    await_readable(server);
    udp_socket_drain(server, 10, on_datagram, NULL, &seen);
    assert_in_range(udp_socket_counters(server)->drop_kernel, round, round * FLOOD - round);
    assert_int_equal(udp_socket_counters(server)->drop_kernel + seen.count, round * (FLOOD + 1));
  }
  close(fd);
  udp_socket_close(server);
}

static void own_machine_passes_the_filter(void **state) {
  (void)state;
  struct udp_socket *server;
  assert_int_equal(udp_socket_open(&server, "0.0.0.0", 0, 1), 0);
  assert_int_equal(udp_socket_hear_this_machine_only(server), 0);
  struct sockaddr_in own;
  int fd = client_of(server, &own);
  assert_int_equal(send(fd, "local", 5, 0), 5);
  await_readable(server);
  struct seen seen = {0};
  udp_socket_drain(server, 1, on_datagram, NULL, &seen);
  assert_int_equal(seen.count, 1);
  assert_int_equal(udp_socket_hear_this_machine_only(server), -EPERM); /* locked: nobody takes it off */
  close(fd);
  udp_socket_close(server);
}

static void says_why_it_cannot_open(void **state) {
  (void)state;
  struct udp_socket *server, *second;
  assert_int_equal(udp_socket_open(&server, "not an address", 0, 1), -EINVAL);
  assert_int_equal(udp_socket_open(&server, "203.0.113.9", 0, 1), -EADDRNOTAVAIL);
  assert_int_equal(udp_socket_open(&server, "127.0.0.1", 0, 1), 0);
  assert_int_equal(udp_socket_open(&second, "127.0.0.1", udp_socket_port(server), 1), -EADDRINUSE);
  udp_socket_close(server);
  udp_socket_close(NULL);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(receives_in_batches_with_the_source),
      cmocka_unit_test(drops_what_is_longer_than_the_slab),
      cmocka_unit_test(counts_what_the_kernel_dropped),
      cmocka_unit_test(own_machine_passes_the_filter),
      cmocka_unit_test(says_why_it_cannot_open),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
