/* The certificate of --lan: made in memory, named after this machine's addresses, gone with the process. */
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "server/supervisor/development.h"
#include "server/supervisor/process.h"

#define DAYS 30L

static int add_extension(X509 *x, int nid, const char *value) {
  X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, NULL, nid, value);
  int ok = e && X509_add_ext(x, e, -1);
  X509_EXTENSION_free(e);
  return ok;
}

static int fill(X509 *x, EVP_PKEY *key, const struct development_addresses *addresses) {
  char names[64 + DEVELOPMENT_ADDRESSES_MAX * 50] = "DNS:localhost,IP:127.0.0.1,IP:::1";
  unsigned char serial[16];
  for (size_t i = 0; i < addresses->count; i++) {
    size_t used = strlen(names);
    snprintf(names + used, sizeof names - used, ",IP:%s", addresses->text[i]);
  }
  X509_NAME *name = X509_get_subject_name(x);
  BIGNUM *number = RAND_bytes(serial, sizeof serial) == 1 ? BN_bin2bn(serial, sizeof serial, NULL) : NULL;
  /* RFC 5280 §4.1.2.2: the serial number is a positive integer of at most 20 octets. */
  int ok =
      number && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(x)) && X509_set_version(x, 2) &&
      X509_gmtime_adj(X509_getm_notBefore(x), -3600) && X509_gmtime_adj(X509_getm_notAfter(x), DAYS * 86400) &&
      X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"Consilium (local)", -1, -1, 0) &&
      X509_set_issuer_name(x, name) && X509_set_pubkey(x, key) && add_extension(x, NID_subject_alt_name, names) &&
      add_extension(x, NID_basic_constraints, "critical,CA:FALSE") &&
      add_extension(x, NID_ext_key_usage, "serverAuth") && X509_sign(x, key, EVP_sha256());
  BN_free(number);
  return ok;
}

static int to_memfd(BIO *pem, const char *name) {
  char *bytes = NULL;
  long length = BIO_get_mem_data(pem, &bytes);
  int fd = memfd_create(name, MFD_CLOEXEC);
  if (fd >= 0 && (length <= 0 || write(fd, bytes, (size_t)length) != length)) {
    close(fd);
    fd = -1;
  }
  return fd;
}

int development_certificate(const struct development_addresses *addresses, int *certificate_fd, int *key_fd) {
  EVP_PKEY *key = EVP_EC_gen("P-256");
  X509 *x = X509_new();
  BIO *certificate_pem = BIO_new(BIO_s_mem()), *key_pem = BIO_new(BIO_s_secmem());
  int result = -1;
  if (key && x && certificate_pem && key_pem && fill(x, key, addresses) && PEM_write_bio_X509(certificate_pem, x) &&
      PEM_write_bio_PrivateKey(key_pem, key, NULL, NULL, 0, NULL, NULL)) {
    *certificate_fd = process_raise_fd(to_memfd(certificate_pem, "certificate"));
    *key_fd = process_raise_fd(to_memfd(key_pem, "key"));
    result = *certificate_fd >= 0 && *key_fd >= 0 ? 0 : -1;
  }
  BIO_free(certificate_pem);
  BIO_free(key_pem);
  X509_free(x);
  EVP_PKEY_free(key);
  return result;
}
