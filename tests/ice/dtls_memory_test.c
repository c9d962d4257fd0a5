/* tests/ice/dtls_memory_test.c: what is noted of OpenSSL's blocks, and given back. */
#include "ice/dtls_memory.h"

#include <openssl/crypto.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
// cmocka.h needs those above
#include <cmocka.h>

#define BLOCK 21848

static uint8_t *filled(size_t bytes) {
  uint8_t *block = OPENSSL_malloc(bytes);
  assert_non_null(block);
  memset(block, 0xff, bytes);
  return block;
}

static size_t kept(const uint8_t *block, size_t bytes) {
  size_t count = 0;
  for (size_t i = 0; i < bytes; i++)
    count += block[i] == 0xff;
  return count;
}

static void blocks_of_a_handshake_are_given_back_once(void **state) {
  (void)state;
  struct dtls_memory m = {0};
  uint8_t *before = filled(BLOCK);
  dtls_memory_begin(&m);
  uint8_t *block = filled(BLOCK), *small = filled(16720);
  dtls_memory_end();
  uint8_t *after = filled(BLOCK);
  assert_int_equal(m.count, 1);
  const size_t given = dtls_memory_given();
  dtls_memory_rest(&m);
  assert_true(dtls_memory_given() - given >= 16384);
  assert_int_equal(kept(block, BLOCK), BLOCK - (dtls_memory_given() - given));
  assert_int_equal(kept(before, BLOCK), BLOCK);
  assert_int_equal(kept(after, BLOCK), BLOCK);
  assert_int_equal(kept(small, 16720), 16720);
  memset(block, 0xff, BLOCK); /* it can be used again */
  assert_int_equal(m.count, 0);
  dtls_memory_rest(&m);
  assert_int_equal(kept(block, BLOCK), BLOCK);
  OPENSSL_free(before);
  OPENSSL_free(block);
  OPENSSL_free(small);
  OPENSSL_free(after);
}

static void what_was_freed_or_moved_is_no_longer_noted(void **state) {
  (void)state;
  struct dtls_memory m = {0};
  dtls_memory_begin(&m);
  OPENSSL_free(filled(BLOCK));
  assert_int_equal(m.count, 0);
  uint8_t *block = OPENSSL_realloc(filled(1000), BLOCK);
  assert_int_equal(m.count, 1);
  assert_ptr_equal(m.blocks[0].at, block);
  block = OPENSSL_realloc(block, 100000);
  assert_int_equal(m.count, 0);
  assert_null(OPENSSL_realloc(block, 0));
  uint8_t *many[DTLS_MEMORY_BLOCKS + 2];
  for (size_t i = 0; i < DTLS_MEMORY_BLOCKS + 2; i++)
    many[i] = filled(BLOCK);
  assert_int_equal(m.count, DTLS_MEMORY_BLOCKS);
  for (size_t i = 0; i < DTLS_MEMORY_BLOCKS + 2; i++)
    OPENSSL_free(many[i]);
  assert_int_equal(m.count, 0);
  dtls_memory_end();
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(blocks_of_a_handshake_are_given_back_once),
      cmocka_unit_test(what_was_freed_or_moved_is_no_longer_noted),
  };
  if (!dtls_memory_install()) return 1;
  return cmocka_run_group_tests(tests, NULL, NULL);
}
