/* server/gateway/used_tokens.c: once each, until they expire, never more than the cap. */
#include "tests/server/check.h"

#include <stdio.h>

#include "server/gateway/used_tokens.h"

static void test_once_until_expiry(void **state) {
  (void)state;
  struct used_tokens *u = NULL;
  assert_int_equal(used_tokens_create(&u), 0);
  assert_int_equal(used_tokens_add(u, "a", 100), 1);
  assert_int_equal(used_tokens_add(u, "a", 100), 0);
  assert_int_equal(used_tokens_add(u, "ab", 200), 1);
  used_tokens_expire(u, 99);
  assert_int_equal(used_tokens_add(u, "a", 100), 0);
  used_tokens_expire(u, 100); /* exp itself is refused as expired: it may be forgotten */
  assert_int_equal(used_tokens_count(u), 1);
  used_tokens_remove(u, "ab");
  used_tokens_remove(u, "never there");
  assert_int_equal(used_tokens_count(u), 0);
  used_tokens_free(u);
  used_tokens_free(NULL);
}

static void test_cap(void **state) {
  (void)state;
  struct used_tokens *u = NULL;
  char jti[16];
  assert_int_equal(used_tokens_create(&u), 0);
  for (int i = 0; i < USED_TOKENS_MAX; i++) {
    snprintf(jti, sizeof jti, "%d", i);
    assert_int_equal(used_tokens_add(u, jti, 100), 1);
  }
  assert_int_equal(used_tokens_add(u, "one more", 100), -1);
  assert_int_equal(used_tokens_add(u, "7", 100), 0);
  used_tokens_free(u);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_once_until_expiry), cmocka_unit_test(test_cap)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
