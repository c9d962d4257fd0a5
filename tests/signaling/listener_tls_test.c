/* tests/signaling/listener_tls_test.c: certificate and key into a context, from memory and from files, and what is said when
 * that cannot be done. */
#include "tests/signaling/listener_fixture.h"

#include <openssl/err.h>
#include <openssl/x509.h>
#include <unistd.h>

#include "signaling/listener_internal.h"

static struct fixture_certificate root, leaf, other;
static char chain[4096], folder[40], certificate_file[96], key_file[96];

static int load(SSL_CTX *tls, const char *certificate, const char *key, bool files) {
  struct endpoint e = {0};
  *(files ? &e.certificate_file : &e.certificate_pem) = (char *)(uintptr_t)certificate;
  *(files ? &e.key_file : &e.key_pem) = (char *)(uintptr_t)key;
  fixture.why[0] = '\0';
  int error = endpoint_load_certificate(&e, tls, fixture.why, sizeof fixture.why);
  assert_int_equal(ERR_peek_error(), 0); /* others look at this queue, too */
  return error;
}

static void expect_leaf(SSL_CTX *tls, const char *name, int above) {
  char text[64] = "";
  STACK_OF(X509) *chain_certs = NULL;
  X509_NAME_get_text_by_NID(X509_get_subject_name(SSL_CTX_get0_certificate(tls)), NID_commonName, text, sizeof text);
  assert_string_equal(text, name);
  SSL_CTX_get0_chain_certs(tls, &chain_certs);
  assert_int_equal(chain_certs ? sk_X509_num(chain_certs) : 0, above);
  assert_int_equal(SSL_CTX_check_private_key(tls), 1);
}

static void write_file(const char *path, const char *text) {
  FILE *f = fopen(path, "w");
  assert_non_null(f);
  (void)fputs(text, f);
  (void)fclose(f);
}

static void test_from_memory_and_again(void **state) {
  (void)state;
  SSL_CTX *tls = SSL_CTX_new(TLS_server_method());
  assert_int_equal(load(tls, chain, leaf.key, false), 0);
  expect_leaf(tls, "leaf", 1);
  assert_int_equal(load(tls, chain, leaf.key, false), 0); /* not a chain that grows */
  expect_leaf(tls, "leaf", 1);
  assert_int_equal(load(tls, other.certificate, other.key, false), 0);
  expect_leaf(tls, "other", 0); /* the old chain is gone */
  /* RFC 8996 */
  assert_int_equal(SSL_CTX_get_min_proto_version(tls), TLS1_2_VERSION);
  assert_true(SSL_CTX_get_options(tls) & SSL_OP_NO_RENEGOTIATION);
  SSL_CTX_free(tls);
}

static void test_from_files(void **state) {
  (void)state;
  SSL_CTX *tls = SSL_CTX_new(TLS_server_method());
  write_file(certificate_file, chain);
  write_file(key_file, leaf.key);
  assert_int_equal(load(tls, certificate_file, key_file, true), 0);
  expect_leaf(tls, "leaf", 1);
  write_file(certificate_file, "");
  assert_int_equal(load(tls, certificate_file, key_file, true), LISTENER_TLS);
  assert_non_null(strstr(fixture.why, "cannot use the certificate"));
  assert_non_null(strstr(fixture.why, certificate_file));
  write_file(certificate_file, chain);
  write_file(key_file, "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n");
  assert_int_equal(load(tls, certificate_file, key_file, true), LISTENER_TLS);
  assert_non_null(strstr(fixture.why, "cannot use the key"));
  assert_non_null(strstr(fixture.why, key_file));
  unlink(key_file);
  assert_int_equal(load(tls, certificate_file, key_file, true), LISTENER_TLS);
  assert_non_null(strstr(fixture.why, key_file));
  unlink(certificate_file);
  assert_int_equal(load(tls, certificate_file, key_file, true), LISTENER_TLS);
  assert_non_null(strcasestr(fixture.why, "no such file"));
  SSL_CTX_free(tls);
}

static void test_what_does_not_fit(void **state) {
  (void)state;
  const struct {
    const char *certificate, *key, *blamed;
  } cases[] = {{"", leaf.key, "certificate"},
               {"nonsense", leaf.key, "certificate"},
               {leaf.key, leaf.key, "certificate"},
               {"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", leaf.key, "certificate"},
               {chain, "", "key"},
               {chain, chain, "key"},
               {chain, other.key, "key"}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    char words[64];
    SSL_CTX *tls = SSL_CTX_new(TLS_server_method());
    assert_int_equal(load(tls, cases[i].certificate, cases[i].key, false), LISTENER_TLS);
    (void)snprintf(words, sizeof words, "cannot use the %s: ", cases[i].blamed);
    if (strncmp(fixture.why, words, strlen(words)) != 0) fail_msg("case %zu: %s", i, fixture.why);
    assert_true(strlen(fixture.why) > strlen(words)); /* and a reason */
    SSL_CTX_free(tls);
  }
}

static void test_words_fit_their_space(void **state) {
  (void)state;
  struct endpoint e = {.certificate_file = (char *)(uintptr_t) "/nowhere/at/all", .key_file = key_file};
  char why[16];
  memset(why, 'x', sizeof why);
  SSL_CTX *tls = SSL_CTX_new(TLS_server_method());
  assert_int_equal(endpoint_load_certificate(&e, tls, why, 8), LISTENER_TLS);
  assert_string_equal(why, "cannot ");
  assert_int_equal(why[8], 'x');
  SSL_CTX_free(tls);
}

static int make(void **state) {
  (void)state;
  fixture_certificate(&root, "root", NULL);
  fixture_certificate(&leaf, "leaf", &root);
  fixture_certificate(&other, "other", NULL);
  (void)snprintf(chain, sizeof chain, "%s%s", leaf.certificate, root.certificate);
  (void)snprintf(folder, sizeof folder, "/tmp/consilium-tls-XXXXXX");
  if (!mkdtemp(folder)) return -1;
  (void)snprintf(certificate_file, sizeof certificate_file, "%s/certificate.pem", folder);
  (void)snprintf(key_file, sizeof key_file, "%s/key.pem", folder);
  return 0;
}

static int clean(void **state) {
  (void)state;
  unlink(certificate_file);
  unlink(key_file);
  return rmdir(folder);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_from_memory_and_again), cmocka_unit_test(test_from_files),
                                     cmocka_unit_test(test_what_does_not_fit),
                                     cmocka_unit_test(test_words_fit_their_space)};
  return cmocka_run_group_tests(tests, make, clean);
}
