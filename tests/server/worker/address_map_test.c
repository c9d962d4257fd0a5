/* tests/server/worker/address_map_test.c: addresses find their peer, and only their peer may take them out. */
#include "server/worker/address_map.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static struct peer *fake_peer(uintptr_t n) {
  return (struct peer *)n; /* NOLINT(performance-no-int-to-ptr): never dereferenced by the map */
}

static struct sockaddr_in v4(const char *ip, uint16_t port) {
  struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(port)};
  assert_int_equal(inet_pton(AF_INET, ip, &a.sin_addr), 1);
  return a;
}

static struct sockaddr_in6 v6(const char *ip, uint16_t port) {
  struct sockaddr_in6 a = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
  assert_int_equal(inet_pton(AF_INET6, ip, &a.sin6_addr), 1);
  return a;
}

static void finds_by_address_and_port(void **state) {
  (void)state;
  struct address_map *map;
  assert_int_equal(address_map_create(&map), 0);
  struct sockaddr_in a = v4("192.0.2.1", 5000), b = v4("192.0.2.1", 5001);
  struct sockaddr_in6 c = v6("2001:db8::1", 5000);
  assert_int_equal(address_map_put(map, (struct sockaddr *)&a, fake_peer(1)), 0);
  assert_int_equal(address_map_put(map, (struct sockaddr *)&b, fake_peer(2)), 0);
  assert_int_equal(address_map_put(map, (struct sockaddr *)&c, fake_peer(3)), 0);
  assert_ptr_equal(address_map_find(map, (struct sockaddr *)&a), fake_peer(1));
  assert_ptr_equal(address_map_find(map, (struct sockaddr *)&b), fake_peer(2));
  assert_ptr_equal(address_map_find(map, (struct sockaddr *)&c), fake_peer(3));
  assert_int_equal(address_map_size(map), 3);
  struct sockaddr_in6 other = v6("2001:db8::2", 5000);
  assert_null(address_map_find(map, (struct sockaddr *)&other));
  address_map_free(map);
}

static void scope_and_flow_do_not_matter(void **state) {
  (void)state;
  struct address_map *map;
  assert_int_equal(address_map_create(&map), 0);
  struct sockaddr_in6 a = v6("2001:db8::1", 5000), b = a;
  b.sin6_flowinfo = 77;
  assert_int_equal(address_map_put(map, (struct sockaddr *)&a, fake_peer(1)), 0);
  assert_ptr_equal(address_map_find(map, (struct sockaddr *)&b), fake_peer(1));
  address_map_free(map);
}

static void only_the_owner_removes(void **state) {
  (void)state;
  struct address_map *map;
  assert_int_equal(address_map_create(&map), 0);
  struct sockaddr_in a = v4("192.0.2.1", 5000);
  address_map_put(map, (struct sockaddr *)&a, fake_peer(1));
  address_map_put(map, (struct sockaddr *)&a, fake_peer(2));
  address_map_remove(map, (struct sockaddr *)&a, fake_peer(1));
  assert_ptr_equal(address_map_find(map, (struct sockaddr *)&a), fake_peer(2));
  address_map_remove(map, (struct sockaddr *)&a, fake_peer(2));
  assert_null(address_map_find(map, (struct sockaddr *)&a));
  assert_int_equal(address_map_size(map), 0);
  address_map_free(map);
}

static void refuses_other_families(void **state) {
  (void)state;
  struct address_map *map;
  assert_int_equal(address_map_create(&map), 0);
  struct sockaddr a = {.sa_family = AF_UNIX};
  assert_int_equal(address_map_put(map, &a, fake_peer(1)), -EAFNOSUPPORT);
  assert_null(address_map_find(map, &a));
  address_map_free(map);
  address_map_free(NULL);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(finds_by_address_and_port),
      cmocka_unit_test(scope_and_flow_do_not_matter),
      cmocka_unit_test(only_the_owner_removes),
      cmocka_unit_test(refuses_other_families),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
