/* tests/ice/address_test.c: parsing, mapped addresses, equality, hashing, printing. */
#include "ice/address.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
// cmocka.h needs the three above
#include <cmocka.h>

static void parses_and_prints(void **state) {
  (void)state;
  char text[ICE_ADDRESS_TEXT_BYTES];
  struct ice_address a;
  assert_true(ice_address_parse(&a, "192.0.2.1", 5000));
  assert_string_equal(ice_address_text(&a, true, text), "192.0.2.1:5000");
  assert_string_equal(ice_address_text(&a, false, text), "192.0.2.1");
  assert_int_equal(ice_address_length(&a), sizeof(struct sockaddr_in));
  assert_true(ice_address_parse(&a, "2001:db8::1", 65535));
  assert_string_equal(ice_address_text(&a, true, text), "[2001:db8::1]:65535");
  assert_string_equal(ice_address_text(&a, false, text), "2001:db8::1");
  assert_int_equal(ice_address_length(&a), sizeof(struct sockaddr_in6));
  assert_int_equal(ice_address_port(&a), 65535);
  const char *const bad[] = {"", "localhost", "192.0.2", "192.0.2.1:5", "[::1]", "fe80::1%eth0", NULL};
  for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
    assert_false(ice_address_parse(&a, bad[i], 1));
    assert_false(ice_address_is_set(&a));
  }
  assert_string_equal(ice_address_text(&a, true, text), "?");
}

static void mapped_is_ipv4(void **state) {
  (void)state;
  struct ice_address plain, mapped;
  struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons(7), .sin6_flowinfo = 9};
  assert_int_equal(inet_pton(AF_INET6, "::ffff:192.0.2.1", &v6.sin6_addr), 1);
  assert_true(ice_address_from_sockaddr(&mapped, (struct sockaddr *)&v6, sizeof(v6)));
  assert_true(ice_address_parse(&plain, "192.0.2.1", 7));
  assert_true(ice_address_equal(&plain, &mapped));
  assert_int_equal(ice_address_hash(&plain, 1), ice_address_hash(&mapped, 1));
  assert_true(ice_address_parse(&mapped, "::ffff:192.0.2.1", 7));
  assert_true(ice_address_equal(&plain, &mapped));
}

static void takes_only_whole_addresses(void **state) {
  (void)state;
  struct ice_address a;
  struct sockaddr_in v4 = {.sin_family = AF_INET};
  assert_false(ice_address_from_sockaddr(&a, (struct sockaddr *)&v4, sizeof(v4) - 1));
  assert_false(ice_address_from_sockaddr(&a, (struct sockaddr *)&v4, 0));
  assert_false(ice_address_from_sockaddr(&a, NULL, sizeof(v4)));
  v4.sin_family = AF_UNIX;
  assert_false(ice_address_from_sockaddr(&a, (struct sockaddr *)&v4, sizeof(v4)));
  assert_false(ice_address_is_set(&a));
  v4.sin_family = AF_INET;
  memset(v4.sin_zero, 0xFF, sizeof(v4.sin_zero)); /* a kernel need not clear it */
  struct ice_address clean;
  assert_true(ice_address_from_sockaddr(&a, (struct sockaddr *)&v4, sizeof(v4)));
  assert_true(ice_address_parse(&clean, "0.0.0.0", 0));
  assert_true(ice_address_equal(&a, &clean));
}

static void link_local_keeps_its_scope(void **state) {
  (void)state;
  struct ice_address a, b;
  struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_scope_id = 1};
  assert_int_equal(inet_pton(AF_INET6, "fe80::1", &v6.sin6_addr), 1);
  assert_true(ice_address_from_sockaddr(&a, (struct sockaddr *)&v6, sizeof(v6)));
  v6.sin6_scope_id = 2;
  assert_true(ice_address_from_sockaddr(&b, (struct sockaddr *)&v6, sizeof(v6)));
  assert_false(ice_address_equal(&a, &b));
}

/* 60 000 neighbouring addresses spread over 64 buckets: none holds more than twice its share, whatever the seed. */
static void hash_spreads(void **state) {
  (void)state;
  for (uint64_t seed = 1; seed < 4; seed++) {
    unsigned buckets[64] = {0};
    for (unsigned port = 1; port <= 60000; port++) {
      struct ice_address a;
      assert_true(ice_address_parse(&a, "10.0.0.1", (uint16_t)port));
      buckets[ice_address_hash(&a, seed) % 64]++;
    }
    for (size_t i = 0; i < 64; i++)
      assert_in_range(buckets[i], 60000 / 128, 60000 / 32);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(parses_and_prints), cmocka_unit_test(mapped_is_ipv4),
                                     cmocka_unit_test(takes_only_whole_addresses),
                                     cmocka_unit_test(link_local_keeps_its_scope), cmocka_unit_test(hash_spreads)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
