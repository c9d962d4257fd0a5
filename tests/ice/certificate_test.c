/* tests/ice/certificate_test.c: the certificate, fingerprints in all three hashes, and the context's settings. */
#include "ice/certificate.h"

#include <openssl/evp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
// cmocka.h needs those above
#include <cmocka.h>

#define NOW 1795334400

static struct ice_certificate *certificate;

static int setup(void **state) {
  (void)state;
  return ice_certificate_create(&certificate, NOW);
}

static int teardown(void **state) {
  (void)state;
  ice_certificate_free(certificate);
  return 0;
}

static void text_of(const X509 *x, const EVP_MD *md, char *text) {
  uint8_t hash[EVP_MAX_MD_SIZE];
  unsigned len = 0;
  assert_int_equal(X509_digest(x, md, hash, &len), 1);
  for (unsigned i = 0; i < len; i++)
    text += sprintf(text, i == 0 ? "%02x" : ":%02x", hash[i]);
}

static void is_a_valid_p256_certificate(void **state) {
  (void)state;
  X509 *x = SSL_CTX_get0_certificate(ice_certificate_context(certificate));
  assert_non_null(x);
  assert_int_equal(X509_verify(x, X509_get0_pubkey(x)), 1);
  assert_int_equal(EVP_PKEY_get_bits(X509_get0_pubkey(x)), 256);
  assert_int_equal(EVP_PKEY_get_base_id(X509_get0_pubkey(x)), EVP_PKEY_EC);
  time_t now = NOW, year = NOW + 400 * 86400;
  assert_true(X509_cmp_time(X509_get0_notBefore(x), &now) < 0);
  assert_true(X509_cmp_time(X509_get0_notAfter(x), &now) > 0);
  assert_true(X509_cmp_time(X509_get0_notAfter(x), &year) < 0);
}

static void two_processes_share_nothing(void **state) {
  (void)state;
  struct ice_certificate *other;
  assert_int_equal(ice_certificate_create(&other, NOW), ICE_CERTIFICATE_OK);
  assert_string_not_equal(ice_certificate_fingerprint(other), ice_certificate_fingerprint(certificate));
  ice_certificate_free(other);
  ice_certificate_free(NULL);
}

static void fingerprints_match_in_three_hashes(void **state) {
  (void)state;
  X509 *x = SSL_CTX_get0_certificate(ice_certificate_context(certificate));
  const struct {
    const char *name;
    const EVP_MD *md;
  } rows[] = {{"sha-256", EVP_sha256()}, {"SHA-384", EVP_sha384()}, {"Sha-512", EVP_sha512()}};
  for (size_t i = 0; i < 3; i++) {
    char text[ICE_FINGERPRINT_TEXT_BYTES];
    struct ice_fingerprint f;
    text_of(x, rows[i].md, text);
    assert_true(ice_fingerprint_parse(&f, rows[i].name, text));
    assert_true(ice_fingerprint_matches(&f, x));
    for (size_t b = 0; b < f.len; b++) {
      f.bytes[b] ^= 1;
      assert_false(ice_fingerprint_matches(&f, x));
      f.bytes[b] ^= 1;
    }
    f.len--;
    assert_false(ice_fingerprint_matches(&f, x));
  }
  struct ice_fingerprint own;
  assert_int_equal(strlen(ice_certificate_fingerprint(certificate)), 95);
  assert_true(ice_fingerprint_parse(&own, "sha-256", ice_certificate_fingerprint(certificate)));
  assert_true(ice_fingerprint_matches(&own, x));
  const struct ice_fingerprint empty = {0};
  assert_false(ice_fingerprint_matches(&empty, x));
  assert_false(ice_fingerprint_matches(&own, NULL));
}

static void hostile_fingerprints_are_refused(void **state) {
  (void)state;
  struct ice_fingerprint f;
  char good[ICE_FINGERPRINT_TEXT_BYTES], text[ICE_FINGERPRINT_TEXT_BYTES + 8];
  snprintf(good, sizeof(good), "%s", ice_certificate_fingerprint(certificate));
  assert_false(ice_fingerprint_parse(&f, "sha-1", good));
  assert_false(ice_fingerprint_parse(&f, "md5", good));
  assert_false(ice_fingerprint_parse(&f, "sha-512", good));
  assert_false(ice_fingerprint_parse(&f, "", good));
  assert_false(ice_fingerprint_parse(&f, NULL, good));
  assert_false(ice_fingerprint_parse(&f, "sha-256", NULL));
  assert_false(ice_fingerprint_parse(&f, "sha-256", ""));
  for (size_t i = 0; i < strlen(good); i++) {
    snprintf(text, sizeof(text), "%s", good);
    text[i] = 'g';
    assert_false(ice_fingerprint_parse(&f, "sha-256", text));
    text[i] = '\0';
    assert_false(ice_fingerprint_parse(&f, "sha-256", text));
  }
  snprintf(text, sizeof(text), "%s:AA", good);
  assert_false(ice_fingerprint_parse(&f, "sha-256", text));
}

static void the_context_is_hardened(void **state) {
  (void)state;
  SSL_CTX *ctx = ice_certificate_context(certificate);
  assert_int_equal(SSL_CTX_get_min_proto_version(ctx), DTLS1_2_VERSION);
  assert_int_equal(SSL_CTX_get_session_cache_mode(ctx), SSL_SESS_CACHE_OFF);
  const uint64_t needed = SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_TICKET | SSL_OP_NO_COMPRESSION;
  assert_true((SSL_CTX_get_options(ctx) & needed) == needed);
  assert_int_equal(SSL_CTX_get_verify_mode(ctx) & (SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT),
                   SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT);
  assert_true(SSL_CTX_get_mode(ctx) & SSL_MODE_RELEASE_BUFFERS);
  STACK_OF(SSL_CIPHER) *ciphers = SSL_CTX_get_ciphers(ctx);
  unsigned dtls12 = 0;
  for (int i = 0; i < sk_SSL_CIPHER_num(ciphers); i++) {
    const SSL_CIPHER *cipher = sk_SSL_CIPHER_value(ciphers, i);
    assert_true(SSL_CIPHER_is_aead(cipher));
    if (strncmp(SSL_CIPHER_get_name(cipher), "TLS_", 4) == 0) continue; /* TLS 1.3's, unused in DTLS 1.2 */
    assert_non_null(strstr(SSL_CIPHER_get_name(cipher), "ECDHE-ECDSA-"));
    dtls12++;
  }
  assert_int_equal(dtls12, 3);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(is_a_valid_p256_certificate),
      cmocka_unit_test(two_processes_share_nothing),
      cmocka_unit_test(fingerprints_match_in_three_hashes),
      cmocka_unit_test(hostile_fingerprints_are_refused),
      cmocka_unit_test(the_context_is_hardened),
  };
  return cmocka_run_group_tests(tests, setup, teardown);
}
