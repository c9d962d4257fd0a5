/* tests/signaling/resume_key_test.c: known hashes, near misses, and that keys differ. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "signaling/resume_key.h"

/* FIPS 180-4 example: SHA-256("abc"). */
#define ABC "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"

static void test_hash(void **state) {
  (void)state;
  char hash[RESUME_KEY_CHARS + 1];
  assert_int_equal(resume_key_hash("abc", 3, hash), 0);
  assert_string_equal(hash, ABC);
  assert_true(resume_key_matches("abc", 3, ABC));
  assert_false(resume_key_matches("abd", 3, ABC));
  assert_false(resume_key_matches("abc", 2, ABC));
  assert_false(resume_key_matches("abc", 3, ""));
  assert_false(resume_key_matches("abc", 3, ABC "0"));
  strcpy(hash, ABC);
  for (int i = 0; i < RESUME_KEY_CHARS; i++) {
    hash[i] ^= 1;
    assert_false(resume_key_matches("abc", 3, hash));
    hash[i] ^= 1;
  }
}

static void test_generate(void **state) {
  (void)state;
  char a[RESUME_KEY_CHARS + 1], b[RESUME_KEY_CHARS + 1], hash[RESUME_KEY_CHARS + 1];
  assert_int_equal(resume_key_generate(a), 0);
  assert_int_equal(resume_key_generate(b), 0);
  assert_int_equal(strlen(a), RESUME_KEY_CHARS);
  assert_int_equal(strspn(a, "0123456789abcdef"), RESUME_KEY_CHARS);
  assert_string_not_equal(a, b);
  assert_int_equal(resume_key_hash(a, strlen(a), hash), 0);
  assert_true(resume_key_matches(a, strlen(a), hash));
  assert_false(resume_key_matches(b, strlen(b), hash));
  assert_string_not_equal(a, hash);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_hash), cmocka_unit_test(test_generate)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
