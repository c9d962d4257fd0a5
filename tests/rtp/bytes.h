/* tests/rtp/bytes.h: what the tests of wire formats share: hex literals, exact heap copies, a seeded generator.
 *
 * Inputs are copied to a heap block of exactly their length, so that AddressSanitizer sees a read of one byte too many.
 */
#ifndef TESTS_RTP_BYTES_H
#define TESTS_RTP_BYTES_H

/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
/* clang-format on */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

struct bytes {
  uint8_t *data;
  size_t len;
};

static inline struct bytes bytes_copy(const void *data, size_t len) {
  struct bytes b = {.data = malloc(len ? len : 1), .len = len};
  assert_non_null(b.data);
  if (len > 0) memcpy(b.data, data, len);
  return b;
}

static inline unsigned hex_digit(char c) {
  return (unsigned)(c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
}

/* "80 6f 0001" as bytes; spaces are free. */
static inline struct bytes bytes_hex(const char *hex) {
  uint8_t out[2048];
  size_t n = 0;
  for (const char *p = hex; *p != '\0'; p++) {
    if (*p == ' ') continue;
    assert_true(n < sizeof out && p[1] != '\0');
    out[n++] = (uint8_t)(hex_digit(p[0]) << 4 | hex_digit(p[1]));
    p++;
  }
  return bytes_copy(out, n);
}

static inline void bytes_free(struct bytes *b) {
  free(b->data);
  b->data = NULL;
}

/* `data` is exactly what the hex literal says. */
static inline void assert_hex(const uint8_t *data, size_t len, const char *hex) {
  struct bytes want = bytes_hex(hex);
  assert_int_equal(len, want.len);
  assert_memory_equal(data, want.data, len);
  bytes_free(&want);
}

/* xorshift64*: every failure repeats from its seed. */
static inline uint32_t random_next(uint64_t *state) {
  *state ^= *state >> 12;
  *state ^= *state << 25;
  *state ^= *state >> 27;
  return (uint32_t)((*state * UINT64_C(2685821657736338717)) >> 32);
}

#endif
