/* tests/ice/srtp_hmac_test.c: HMAC-SHA1 against RFC 2202 and against OpenSSL. */
#include "ice/srtp_hmac.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "tests/ice/srtp_fixture.h"

/* RFC 2202 §3 case 1: "Hi There", whose last four bytes stand for the roll-over counter. */
static void gives_the_digest_of_rfc2202(void **state) {
  (void)state;
  static const uint8_t expected[20] = {0xb6, 0x17, 0x31, 0x86, 0x55, 0x05, 0x72, 0x64, 0xe2, 0x8b,
                                       0xc0, 0xb6, 0xfb, 0x37, 0x8c, 0x8e, 0xf1, 0x46, 0xbe, 0x00};
  uint8_t key[20], tag[SRTP_HMAC_BYTES];
  struct srtp_hmac h;
  memset(key, 0x0b, sizeof key);
  srtp_hmac_init(&h, key, sizeof key);
  srtp_hmac_packet(&h, (const uint8_t *)"Hi T", 4, 0x68657265, tag);
  assert_memory_equal(tag, expected, sizeof expected);
}

static void agrees_with_openssl_at_every_length(void **state) {
  (void)state;
  uint64_t seed = 3;
  for (size_t len = 0; len < 300; len++) {
    uint8_t key[20], data[304], tag[SRTP_HMAC_BYTES], expected[EVP_MAX_MD_SIZE];
    unsigned n = 0;
    struct srtp_hmac h;
    fill_random(&seed, key, sizeof key);
    fill_random(&seed, data, len + 4);
    uint32_t roc =
        (uint32_t)data[len] << 24 | (uint32_t)data[len + 1] << 16 | (uint32_t)data[len + 2] << 8 | data[len + 3];
    srtp_hmac_init(&h, key, sizeof key);
    srtp_hmac_packet(&h, data, len, roc, tag);
    assert_non_null(HMAC(EVP_sha1(), key, sizeof key, data, len + 4, expected, &n));
    assert_int_equal(n, SRTP_HMAC_BYTES);
    assert_memory_equal(tag, expected, SRTP_HMAC_BYTES);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(gives_the_digest_of_rfc2202),
                                     cmocka_unit_test(agrees_with_openssl_at_every_length)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
