/* server/token_maker.c: what it mints verifies, and each token is its own. */
#include "tests/server/check.h"

#include <stdlib.h>
#include <time.h>

#include "server/token_maker.h"
#include "signaling/token.h"

#define SECRET "0123456789abcdef0123456789abcdef"

static void test_tokens(void **state) {
  (void)state;
  char message[CONFIG_MESSAGE_BYTES], too_long[200];
  struct config *c = NULL;
  struct token_claims one, two;
  const struct token_key key = {(const uint8_t *)SECRET, strlen(SECRET)};
  assert_int_equal(config_create(&c), CONFIG_OK);
  assert_int_equal(config_set(c, "tokens.secret=" SECRET, message), CONFIG_OK);
  char *a = token_maker_mint(c, "r1", "id", "A Name", "doctor", 60, 0),
       *b = token_maker_mint(c, "r1", "id", "A", "doctor", 60, 0);
  assert_int_equal(token_verify(a, strlen(a), &key, 1, time(NULL), &one), TOKEN_OK);
  assert_int_equal(token_verify(b, strlen(b), &key, 1, time(NULL), &two), TOKEN_OK);
  assert_string_equal(one.room, "r1");
  assert_string_equal(one.name, "A Name");
  assert_int_equal(one.role, SIGNALING_ROLE_DOCTOR);
  assert_string_not_equal(one.jti, two.jti);
  assert_int_equal(token_verify(a, strlen(a), &key, 1, time(NULL) + 61, &one), TOKEN_EXPIRED);
  memset(too_long, 'a', sizeof too_long);
  too_long[sizeof too_long - 1] = '\0';
  assert_null(token_maker_mint(c, "r1", "id", "A", "surgeon", 60, 0));
  assert_null(token_maker_mint(c, too_long, "id", "A", "doctor", 60, 0));
  assert_null(token_maker_mint(c, "room with spaces", "id", "A", "doctor", 60, 0));
  assert_null(token_maker_mint(c, "r1", "", "A", "doctor", 60, 0));
  assert_null(token_maker_mint(c, "", "id", "A", "doctor", 60, 0));
  char *lobby = token_maker_mint(c, "", "id", "A", "patient", 60, TOKEN_MAKER_CALLS | TOKEN_MAKER_WAIT);
  assert_int_equal(token_verify(lobby, strlen(lobby), &key, 1, time(NULL), &one), TOKEN_OK);
  assert_true(one.calls && one.wait && !one.guest);
  free(lobby);
  free(a);
  free(b);
  config_free(c);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_tokens)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
