/* signaling/listener_tls.c: certificate chain and key of an endpoint, from files or memory, into its SSL_CTX.
 *
 * Done here and not by libwebsockets, because 4.1 takes no chain from memory and cannot load again while it runs. */
#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdio.h>

#include "signaling/listener_internal.h"

static int fail(char *why, size_t cap, const char *what, const char *where) {
  unsigned long code = ERR_peek_last_error();
  const char *reason = code ? ERR_reason_error_string(code) : NULL;
  (void)snprintf(why, cap, "cannot use the %s%s%s: %s", what, where ? " " : "", where ? where : "",
                 reason ? reason : "no PEM data");
  ERR_clear_error();
  return LISTENER_TLS;
}

static BIO *open_pem(const char *file, const char *pem) {
  return file ? BIO_new_file(file, "r") : BIO_new_mem_buf(pem, -1);
}

static int load_chain(BIO *pem, SSL_CTX *tls) {
  X509 *leaf = PEM_read_bio_X509_AUX(pem, NULL, NULL, NULL);
  int ok = leaf && SSL_CTX_use_certificate(tls, leaf) == 1 && SSL_CTX_clear_chain_certs(tls) == 1;
  X509_free(leaf);
  X509 *next;
  while (ok && (next = PEM_read_bio_X509(pem, NULL, NULL, NULL))) {
    ok = SSL_CTX_add0_chain_cert(tls, next) == 1;
    if (!ok) X509_free(next);
  }
  if (ok) ERR_clear_error(); /* the end of the file is an error to PEM_read */
  return ok ? 0 : -1;
}

int endpoint_load_certificate(const struct endpoint *e, SSL_CTX *tls, char *why, size_t cap) {
  ERR_clear_error();
  BIO *pem = open_pem(e->certificate_file, e->certificate_pem);
  int error = pem ? load_chain(pem, tls) : -1;
  BIO_free(pem);
  if (error) return fail(why, cap, "certificate", e->certificate_file);
  pem = open_pem(e->key_file, e->key_pem);
  EVP_PKEY *key = pem ? PEM_read_bio_PrivateKey(pem, NULL, NULL, NULL) : NULL;
  BIO_free(pem);
  error = !key || SSL_CTX_use_PrivateKey(tls, key) != 1 || SSL_CTX_check_private_key(tls) != 1;
  EVP_PKEY_free(key);
  if (error) return fail(why, cap, "key", e->key_file);
  /* RFC 8996: TLS 1.0 and 1.1 "MUST NOT be used". */
  SSL_CTX_set_min_proto_version(tls, TLS1_2_VERSION);
  SSL_CTX_set_options(tls, SSL_OP_NO_RENEGOTIATION);
  return 0;
}
