/* server/supervisor/certificate.c: a certificate a browser takes for each of the addresses, and its key. */
#include "tests/server/check.h"

#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <unistd.h>

#include "server/supervisor/development.h"

static void test_certificate(void **state) {
  (void)state;
  const struct development_addresses addresses = {{"192.0.2.7", "2001:db8::7"}, 2};
  int certificate_fd = -1, key_fd = -1;
  assert_int_equal(development_certificate(&addresses, &certificate_fd, &key_fd), 0);
  FILE *from = fdopen(certificate_fd, "r"), *key_from = fdopen(key_fd, "r");
  rewind(from);
  rewind(key_from);
  X509 *x = PEM_read_X509(from, NULL, NULL, NULL);
  EVP_PKEY *key = PEM_read_PrivateKey(key_from, NULL, NULL, NULL);
  assert_non_null(x);
  assert_non_null(key);
  assert_int_equal(X509_check_private_key(x, key), 1);
  assert_int_equal(X509_verify(x, key), 1);
  assert_int_equal(EVP_PKEY_get_bits(key), 256);
  assert_int_equal(X509_check_ip_asc(x, "192.0.2.7", 0), 1);
  assert_int_equal(X509_check_ip_asc(x, "2001:db8::7", 0), 1);
  assert_int_equal(X509_check_ip_asc(x, "127.0.0.1", 0), 1);
  assert_int_equal(X509_check_ip_asc(x, "192.0.2.8", 0), 0);
  assert_int_equal(X509_check_host(x, "localhost", 0, 0, NULL), 1);
  assert_int_equal(X509_check_ca(x), 0);
  assert_true(X509_cmp_current_time(X509_get0_notBefore(x)) < 0);
  assert_true(X509_cmp_current_time(X509_get0_notAfter(x)) > 0);
  X509_free(x);
  EVP_PKEY_free(key);
  fclose(from);
  fclose(key_from);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_certificate)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
