/* tests/ice/dtls_client.c: the client, on a BIO of its own so that it shares no code with the server under test. */
#include "tests/ice/dtls_client.h"

#include <openssl/err.h>
#include <openssl/rsa.h>
#include <openssl/srtp.h>
#include <stdio.h>
#include <string.h>

/* An unassigned TLS extension, to grow the ClientHello. */
#define PADDING_EXTENSION 4660

static int bio_write(BIO *bio, const char *data, int len) {
  struct dtls_client *c = BIO_get_data(bio);
  BIO_clear_retry_flags(bio);
  if (c->queued < DTLS_CLIENT_QUEUE && (size_t)len <= sizeof(c->queue[0].data)) {
    memcpy(c->queue[c->queued].data, data, (size_t)len);
    c->queue[c->queued++].len = (size_t)len;
  }
  return len;
}

static int bio_read(BIO *bio, char *out, int cap) {
  struct dtls_client *c = BIO_get_data(bio);
  BIO_clear_retry_flags(bio);
  if (c->input == NULL) {
    BIO_set_retry_read(bio);
    return -1;
  }
  const size_t len = c->input_len < (size_t)cap ? c->input_len : (size_t)cap;
  memcpy(out, c->input, len);
  c->input = NULL;
  return (int)len;
}

static long bio_ctrl(BIO *bio, int command, long number, void *pointer) {
  (void)bio, (void)number, (void)pointer;
  return command == BIO_CTRL_FLUSH ? 1 : 0;
}

static BIO *make_bio(struct dtls_client *c) {
  static BIO_METHOD *method;
  if (method == NULL) {
    method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "test client");
    BIO_meth_set_write(method, bio_write);
    BIO_meth_set_read(method, bio_read);
    BIO_meth_set_ctrl(method, bio_ctrl);
  }
  BIO *bio = BIO_new(method);
  BIO_set_data(bio, c);
  BIO_set_init(bio, 1);
  return bio;
}

// NOLINTBEGIN(readability-non-const-parameter): the type is OpenSSL's
static int add_padding(SSL *ssl, unsigned type, unsigned context, const unsigned char **out, size_t *out_len, X509 *x,
                       size_t chain, int *alert, void *arg) {
  static unsigned char zeros[4096];
  (void)ssl, (void)type, (void)context, (void)x, (void)chain, (void)alert;
  const struct dtls_client *c = arg;
  *out = zeros;
  *out_len = c->hello_padding;
  return c->hello_padding > 0;
}

// NOLINTEND(readability-non-const-parameter)
static void free_padding(SSL *ssl, unsigned type, unsigned context, const unsigned char *out, void *arg) {
  (void)ssl, (void)type, (void)context, (void)out, (void)arg;
}

static bool make_certificate(struct dtls_client *c, bool rsa) {
  c->key = rsa ? EVP_RSA_gen(2048) : EVP_EC_gen("P-256");
  c->certificate = X509_new();
  X509_set_version(c->certificate, X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(c->certificate), 1);
  ASN1_TIME_set(X509_getm_notBefore(c->certificate), 1000); /* dates do not matter, and these are long past */
  ASN1_TIME_set(X509_getm_notAfter(c->certificate), 2000);
  return X509_set_pubkey(c->certificate, c->key) == 1 && X509_sign(c->certificate, c->key, EVP_sha256()) != 0;
}

bool dtls_client_init(struct dtls_client *c, const struct dtls_client_options *o) {
  memset(c, 0, sizeof(*c));
  c->hello_padding = o->hello_padding;
  c->ctx = SSL_CTX_new(DTLS_client_method());
  if (c->ctx == NULL || !make_certificate(c, o->rsa)) return false;
  SSL_CTX_set_verify(c->ctx, SSL_VERIFY_NONE, NULL);
  SSL_CTX_set_options(c->ctx, SSL_OP_NO_QUERY_MTU);
  if (!o->no_certificate) {
    if (SSL_CTX_use_certificate(c->ctx, c->certificate) != 1 || SSL_CTX_use_PrivateKey(c->ctx, c->key) != 1)
      return false;
  }
  if (o->srtp_profiles != NULL && SSL_CTX_set_tlsext_use_srtp(c->ctx, o->srtp_profiles) != 0) return false;
  if (o->ciphers != NULL && SSL_CTX_set_cipher_list(c->ctx, o->ciphers) != 1) return false;
  if (SSL_CTX_add_custom_ext(c->ctx, PADDING_EXTENSION, SSL_EXT_CLIENT_HELLO, add_padding, free_padding, c, NULL,
                             NULL) != 1) {
    return false;
  }
  c->ssl = SSL_new(c->ctx);
  BIO *bio = make_bio(c);
  SSL_set_bio(c->ssl, bio, bio);
  SSL_set_mtu(c->ssl, o->mtu != 0 ? o->mtu : 1200);
  SSL_set_connect_state(c->ssl);
  return true;
}

void dtls_client_free(struct dtls_client *c) {
  SSL_free(c->ssl);
  SSL_CTX_free(c->ctx);
  X509_free(c->certificate);
  EVP_PKEY_free(c->key);
  memset(c, 0, sizeof(*c));
}

struct ice_fingerprint dtls_client_fingerprint(const struct dtls_client *c, const char *algorithm) {
  struct ice_fingerprint f = {0};
  unsigned len = 0;
  uint8_t hash[EVP_MAX_MD_SIZE];
  const EVP_MD *md = strcmp(algorithm, "sha-512") == 0   ? EVP_sha512()
                     : strcmp(algorithm, "sha-384") == 0 ? EVP_sha384()
                                                         : EVP_sha256();
  X509_digest(c->certificate, md, hash, &len);
  snprintf(f.algorithm, sizeof(f.algorithm), "%s", algorithm);
  memcpy(f.bytes, hash, len);
  f.len = (uint8_t)len;
  return f;
}

void dtls_client_run(struct dtls_client *c) {
  ERR_clear_error();
  if (!c->connected && !c->failed) {
    const int result = SSL_do_handshake(c->ssl);
    if (result == 1) {
      c->connected = true;
    } else if (SSL_get_error(c->ssl, result) != SSL_ERROR_WANT_READ) {
      c->failed = true;
    }
  }
  while (c->connected) {
    const int got = SSL_read(c->ssl, c->received, sizeof(c->received));
    if (got > 0) {
      c->received_len = (size_t)got;
      continue;
    }
    if (SSL_get_error(c->ssl, got) != SSL_ERROR_WANT_READ) c->connected = false;
    break;
  }
  ERR_clear_error();
}

void dtls_client_receive(struct dtls_client *c, const uint8_t *data, size_t len) {
  c->input = data;
  c->input_len = len;
  dtls_client_run(c);
  c->input = NULL;
}

bool dtls_client_send(struct dtls_client *c, const uint8_t *data, size_t len) {
  return c->connected && SSL_write(c->ssl, data, (int)len) == (int)len;
}

uint16_t dtls_client_export(struct dtls_client *c, uint8_t block[88], size_t *len) {
  const SRTP_PROTECTION_PROFILE *profile = SSL_get_selected_srtp_profile(c->ssl);
  if (!c->connected || profile == NULL) return 0;
  *len = profile->id == SRTP_AEAD_AES_256_GCM ? 88 : profile->id == SRTP_AEAD_AES_128_GCM ? 56 : 60;
  if (SSL_export_keying_material(c->ssl, block, *len, "EXTRACTOR-dtls_srtp", 19, NULL, 0, 0) != 1) return 0;
  return (uint16_t)profile->id;
}
