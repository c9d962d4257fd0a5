/* server/gateway/guest_links.c: a name holds for its secret and its room, as it stands. */
#include "tests/server/check.h"

#include <stdio.h>

#include "server/gateway/guest_links.h"
#include "signaling/message.h"

#define SECRET "0123456789abcdef0123456789abcdef"
static const uint8_t random_bytes[16] = {0xff, 0xfe, 0xfd, 0xfc, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};

static void test_round_trip(void **state) {
  (void)state;
  char link[GUEST_LINKS_BYTES], longest[SIGNALING_IDENTIFIER_BYTES + 1];
  int64_t expires_s = 0;
  assert_int_equal(guest_links_make(SECRET, "visit-1", 1790000000, random_bytes, link), 0);
  /* printf 'consilium guest link\nvisit-1\ng_1790000000___79_AECAwQFBgcICQoLDA' | openssl dgst -sha256 -hmac $SECRET */
  assert_int_equal(strncmp(link, "g_1790000000___79_AECAwQFBgcICQoLDA_", 36), 0);
  assert_true(signaling_identifier_valid(link, strlen(link)));
  assert_true(guest_links_check(SECRET, "visit-1", link, &expires_s));
  assert_int_equal(expires_s, 1790000000);
  memset(longest, 'r', sizeof longest - 1);
  longest[sizeof longest - 1] = '\0';
  assert_int_equal(guest_links_make(SECRET, longest, 99999999999, random_bytes, link), 0);
  assert_true(guest_links_check(SECRET, longest, link, &expires_s));
}

static void test_every_change_is_seen(void **state) {
  (void)state;
  char link[GUEST_LINKS_BYTES], changed[GUEST_LINKS_BYTES];
  int64_t expires_s = 0;
  assert_int_equal(guest_links_make(SECRET, "visit-1", 1790000000, random_bytes, link), 0);
  assert_false(guest_links_check(SECRET, "visit-2", link, &expires_s));
  assert_false(guest_links_check("x" SECRET, "visit-1", link, &expires_s));
  for (size_t i = 0; i < strlen(link); i++) {
    memcpy(changed, link, sizeof changed);
    changed[i] = changed[i] == '7' ? '8' : '7';
    assert_false(guest_links_check(SECRET, "visit-1", changed, &expires_s));
    memcpy(changed, link, sizeof changed);
    changed[i] = '\0';
    assert_false(guest_links_check(SECRET, "visit-1", changed, &expires_s));
  }
  static const char *const strange[] = {"", "g_", "g__________________________", "c_m3Vd1kqC0wq2Jx8QmYy3uA"};
  for (size_t i = 0; i < sizeof strange / sizeof *strange; i++)
    assert_false(guest_links_check(SECRET, "visit-1", strange[i], &expires_s));
  char endless[200];
  memset(endless, 'g', sizeof endless);
  endless[sizeof endless - 1] = '\0';
  assert_false(guest_links_check(SECRET, "visit-1", endless, &expires_s));
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_round_trip), cmocka_unit_test(test_every_change_is_seen)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
