/* tests/signaling/token_test.c: minting and verifying, and every way a token can lie. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <jansson.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "signaling/token.h"

#define NOW 1790000000
static const struct token_key key = {(const uint8_t *)"0123456789abcdef0123456789abcdef", 32};
static const struct token_key other = {(const uint8_t *)"fedcba9876543210fedcba9876543210", 32};

/* Appends to a buffer that is large enough for every token of these tests. */
static void append(char *text, const char *more) {
  memmove(text + strlen(text), more, strlen(more) + 1);
}

static void base64url(const void *bytes, size_t len, char *out) {
  int n = EVP_EncodeBlock((unsigned char *)out, bytes, (int)len);
  while (n > 0 && out[n - 1] == '=')
    n--;
  out[n] = '\0';
  for (; n--;)
    out[n] = (char)(out[n] == '+' ? '-' : out[n] == '/' ? '_' : out[n]);
}

/* Signs header and claims as they are, right or wrong, by OpenSSL alone: an oracle for libjwt, too. */
static char *forge(const char *header, const char *claims, const EVP_MD *md) {
  static char token[8192];
  unsigned char mac[EVP_MAX_MD_SIZE];
  unsigned mac_len = 0;
  base64url(header, strlen(header), token);
  append(token, ".");
  base64url(claims, strlen(claims), token + strlen(token));
  HMAC(md, key.bytes, (int)key.len, (const unsigned char *)token, strlen(token), mac, &mac_len);
  append(token, ".");
  base64url(mac, mac_len, token + strlen(token));
  return token;
}

static int verify(const char *token) {
  struct token_claims claims;
  return token_verify(token, strlen(token), &key, 1, NOW, &claims);
}

#define HEADER "{\"alg\":\"HS256\",\"typ\":\"JWT\"}"
#define CLAIMS(more) \
  "{\"room\":\"r1\",\"identity\":\"dr-lee\",\"name\":\"Dr. Lee\",\"role\":\"doctor\",\"jti\":\"j1\"" more "}"
#define GOOD CLAIMS(",\"exp\":1790000001")

static struct token_claims sample(void) {
  struct token_claims c = {.role = SIGNALING_ROLE_PATIENT, .expires_s = NOW + 600, .not_before_s = NOW};
  strcpy(c.room, "visit-1");
  strcpy(c.identity, "pat@77");
  strcpy(c.jti, "j-1");
  strcpy(c.name,
         "Mar\xc3\xad"
         "a");
  return c;
}

static void test_round_trip(void **state) {
  (void)state;
  struct token_claims in = sample(), out;
  char *token = NULL;
  assert_int_equal(token_mint(&in, &key, &token), 0);
  assert_int_equal(token_verify(token, strlen(token), &key, 1, NOW, &out), 0);
  assert_string_equal(out.room, in.room);
  assert_string_equal(out.identity, in.identity);
  assert_string_equal(out.jti, in.jti);
  assert_string_equal(out.name, in.name);
  assert_int_equal(out.role, in.role);
  assert_int_equal(out.expires_s, in.expires_s);
  assert_int_equal(out.not_before_s, in.not_before_s);
  assert_false(out.wait);
  assert_int_equal(token_verify(token, strlen(token), &other, 1, NOW, &out), TOKEN_INVALID);
  const struct token_key rotated[] = {other, key};
  assert_int_equal(token_verify(token, strlen(token), rotated, 2, NOW, &out), 0);
  free(token);
}

static void test_wait(void **state) {
  (void)state;
  struct token_claims in = sample(), out;
  char *token = NULL;
  in.wait = true;
  assert_int_equal(token_mint(&in, &key, &token), 0);
  assert_int_equal(token_verify(token, strlen(token), &key, 1, NOW, &out), 0);
  assert_true(out.wait);
  free(token);
  const char *text = forge(HEADER, CLAIMS(",\"exp\":1790000001,\"wait\":false"), EVP_sha256());
  assert_int_equal(token_verify(text, strlen(text), &key, 1, NOW, &out), 0);
  assert_false(out.wait);
  assert_int_equal(verify(forge(HEADER, CLAIMS(",\"exp\":1790000001,\"wait\":\"true\""), EVP_sha256())), TOKEN_CLAIMS);
  assert_int_equal(verify(forge(HEADER, CLAIMS(",\"exp\":1790000001,\"wait\":null"), EVP_sha256())), TOKEN_CLAIMS);
}

static void test_calls_and_guests(void **state) {
  (void)state;
  struct token_claims in = sample(), out;
  char *token = NULL;
  in.guest = true;
  assert_int_equal(token_mint(&in, &key, &token), 0);
  assert_int_equal(token_verify(token, strlen(token), &key, 1, NOW, &out), 0);
  assert_true(out.guest && !out.calls && !out.wait);
  free(token);
  in = sample();
  in.room[0] = '\0';
  assert_int_equal(token_mint(&in, &key, &token), TOKEN_CLAIMS); /* no room and nothing to wait for */
  in.calls = true;
  assert_int_equal(token_mint(&in, &key, &token), 0);
  assert_int_equal(token_verify(token, strlen(token), &key, 1, NOW, &out), 0);
  assert_true(out.calls && !out.guest);
  assert_string_equal(out.room, "");
  free(token);
#define LOBBY(more) "{\"identity\":\"i\",\"name\":\"n\",\"role\":\"doctor\",\"jti\":\"j\",\"exp\":1790000001" more "}"
  assert_int_equal(verify(forge(HEADER, LOBBY(",\"calls\":true"), EVP_sha256())), 0);
  assert_int_equal(verify(forge(HEADER, LOBBY(",\"calls\":true,\"room\":\"\""), EVP_sha256())), 0);
  static const char *const wrong[] = {LOBBY(""),
                                      LOBBY(",\"calls\":false"),
                                      LOBBY(",\"calls\":\"true\""),
                                      LOBBY(",\"calls\":1"),
                                      LOBBY(",\"calls\":true,\"room\":null"),
                                      LOBBY(",\"calls\":true,\"room\":\"a b\""),
                                      CLAIMS(",\"exp\":1790000001,\"guest\":\"no\"")};
  for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
    if (verify(forge(HEADER, wrong[i], EVP_sha256())) != TOKEN_CLAIMS) fail_msg("%s", wrong[i]);
}

static void test_times(void **state) {
  (void)state;
  assert_int_equal(verify(forge(HEADER, GOOD, EVP_sha256())), 0);
  assert_int_equal(verify(forge(HEADER, CLAIMS(",\"exp\":1790000000"), EVP_sha256())), TOKEN_EXPIRED);
  assert_int_equal(verify(forge(HEADER, CLAIMS(",\"exp\":1"), EVP_sha256())), TOKEN_EXPIRED);
  assert_int_equal(verify(forge(HEADER, CLAIMS(",\"exp\":1790000100,\"nbf\":1790000030"), EVP_sha256())), 0);
  assert_int_equal(verify(forge(HEADER, CLAIMS(",\"exp\":1790000100,\"nbf\":1790000031"), EVP_sha256())),
                   TOKEN_NOT_YET);
}

/* RFC 8725 §2.1: algorithm confusion and none. */
static void test_algorithm_is_pinned(void **state) {
  (void)state;
  char text[1024];
  assert_int_equal(verify(forge("{\"alg\":\"HS384\",\"typ\":\"JWT\"}", GOOD, EVP_sha384())), TOKEN_INVALID);
  assert_int_equal(verify(forge("{\"alg\":\"HS512\",\"typ\":\"JWT\"}", GOOD, EVP_sha512())), TOKEN_INVALID);
  static const char *const headers[] = {"{\"alg\":\"none\"}",
                                        "{\"alg\":\"None\"}",
                                        "{\"alg\":\"RS256\"}",
                                        "{\"alg\":\"\"}",
                                        "{\"typ\":\"JWT\"}",
                                        "{}",
                                        "[]",
                                        "x",
                                        "{\"alg\":\"HS256\",\"crit\":[\"b64\"],\"b64\":false}"};
  for (size_t i = 0; i < sizeof(headers) / sizeof(*headers); i++) {
    (void)snprintf(text, sizeof(text), "%s", forge(headers[i], GOOD, EVP_sha256()));
    if (verify(text) != TOKEN_INVALID) fail_msg("%s", headers[i]);
    *(strrchr(text, '.') + 1) = '\0'; /* and without a signature */
    if (verify(text) != TOKEN_INVALID) fail_msg("%s unsigned", headers[i]);
  }
}

static void test_claims(void **state) {
  (void)state;
  static const char *const claims[] = {
      CLAIMS(""),
      CLAIMS(",\"exp\":\"1790000001\""),
      CLAIMS(",\"exp\":1790000001.5"),
      CLAIMS(",\"exp\":-1"),
      CLAIMS(",\"exp\":0"),
      CLAIMS(",\"exp\":1790000001,\"nbf\":\"x\""),
      CLAIMS(",\"exp\":1790000001,\"nbf\":-1"),
      "{\"exp\":1790000001}",
      "{\"room\":\"a b\",\"identity\":\"i\",\"name\":\"n\",\"role\":\"doctor\",\"jti\":\"j\",\"exp\":1790000001}",
      "{\"room\":\"r\",\"identity\":\"\",\"name\":\"n\",\"role\":\"doctor\",\"jti\":\"j\",\"exp\":1790000001}",
      "{\"room\":\"r\",\"identity\":\"i\",\"name\":\"\",\"role\":\"doctor\",\"jti\":\"j\",\"exp\":1790000001}",
      "{\"room\":\"r\",\"identity\":\"i\",\"name\":\"a\\nb\",\"role\":\"doctor\",\"jti\":\"j\",\"exp\":1790000001}",
      "{\"room\":\"r\",\"identity\":\"i\",\"name\":\"n\",\"role\":\"root\",\"jti\":\"j\",\"exp\":1790000001}",
      "{\"room\":\"r\",\"identity\":\"i\",\"name\":\"n\",\"role\":\"doctor\",\"exp\":1790000001}",
      "{\"room\":\"r\",\"identity\":\"i\",\"name\":\"n\",\"role\":\"doctor\",\"jti\":7,\"exp\":1790000001}",
  };
  for (size_t i = 0; i < sizeof(claims) / sizeof(*claims); i++)
    if (verify(forge(HEADER, claims[i], EVP_sha256())) != TOKEN_CLAIMS) fail_msg("%s", claims[i]);
  /* RFC 7519 §4: duplicate names are rejected, or it is "only the lexically last duplicate member name". */
  struct token_claims c;
  const char *twice = forge(HEADER, CLAIMS(",\"role\":\"observer\",\"exp\":1790000001"), EVP_sha256());
  assert_int_equal(token_verify(twice, strlen(twice), &key, 1, NOW, &c), 0);
  assert_int_equal(c.role, SIGNALING_ROLE_OBSERVER);
  assert_true(verify(forge(HEADER, "[]", EVP_sha256())) < 0);
}

static void test_one_bit_anywhere(void **state) {
  (void)state;
  char text[1024];
  (void)snprintf(text, sizeof(text), "%s", forge(HEADER, GOOD, EVP_sha256()));
  size_t len = strlen(text);
  for (size_t i = 0; i < len; i++) {
    char was = text[i];
    text[i] = was == 'A' ? 'B' : 'A';
    if (was != text[i] && verify(text) == 0) fail_msg("accepted with byte %zu changed", i);
    text[i] = was;
  }
  for (size_t n = 0; n < len; n++) {
    struct token_claims c;
    assert_int_equal(token_verify(text, n, &key, 1, NOW, &c), TOKEN_INVALID);
  }
}

static void test_forms(void **state) {
  (void)state;
  static char large[TOKEN_BYTES_MAX + 2];
  static const char *const texts[] = {"",        ".",      "..",      "...",      "a.b",        "a.b.c.d",
                                      "a b.c.d", "a=.b.c", "a+.b/.c", "e30.e30.", "e30.e30.e30"};
  for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
    assert_int_equal(verify(texts[i]), TOKEN_INVALID);
  memset(large, 'a', sizeof(large) - 1);
  large[10] = large[20] = '.';
  assert_int_equal(verify(large), TOKEN_INVALID);
}

static void test_short_keys(void **state) {
  (void)state;
  struct token_claims c = sample();
  const struct token_key small = {key.bytes, 31};
  char *token;
  assert_int_equal(token_mint(&c, &small, &token), TOKEN_KEY_SHORT);
  assert_int_equal(token_verify("a.b.c", 5, &small, 1, NOW, &c), TOKEN_KEY_SHORT);
  assert_int_equal(token_verify("a.b.c", 5, NULL, 0, NOW, &c), TOKEN_KEY_SHORT);
  c.room[0] = '\0';
  assert_int_equal(token_mint(&c, &key, &token), TOKEN_CLAIMS);
  assert_int_equal(token_error_to_signaling(TOKEN_EXPIRED), SIGNALING_TOKEN_EXPIRED);
  assert_int_equal(token_error_to_signaling(TOKEN_NOT_YET), SIGNALING_TOKEN_INVALID);
  assert_int_equal(token_error_to_signaling(TOKEN_KEY_SHORT), SIGNALING_INTERNAL);
  assert_string_equal(token_error_name(TOKEN_CLAIMS), "claims");
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_round_trip),          cmocka_unit_test(test_wait),
                                     cmocka_unit_test(test_calls_and_guests),    cmocka_unit_test(test_times),
                                     cmocka_unit_test(test_algorithm_is_pinned), cmocka_unit_test(test_claims),
                                     cmocka_unit_test(test_one_bit_anywhere),    cmocka_unit_test(test_forms),
                                     cmocka_unit_test(test_short_keys)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
