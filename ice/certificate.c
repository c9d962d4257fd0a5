/* ice/certificate.c: the self-signed certificate, its fingerprint, and the hardened DTLS context. */
#include "ice/certificate.h"

#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define DAY_S                 ((int64_t)86400)

/* A client's certificate chain may be this long; a WebRTC certificate is 300 to 900 bytes. */
#define MAX_CERTIFICATE_BYTES 8192

struct ice_certificate {
  EVP_PKEY *key;
  X509 *x509;
  SSL_CTX *context;
  char fingerprint[ICE_FINGERPRINT_TEXT_BYTES];
};

static bool name_certificate(X509 *x) {
  X509_NAME *name = X509_get_subject_name(x); /* RFC 8827 §6.5: the name carries no meaning */
  const unsigned char *text = (const unsigned char *)"WebRTC";
  return X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, text, -1, -1, 0) == 1 &&
         X509_set_issuer_name(x, name) == 1;
}

static X509 *make_x509(EVP_PKEY *key, int64_t unix_now_s) {
  uint64_t serial = 0;
  X509 *x = X509_new();
  if (x == NULL || RAND_bytes((unsigned char *)&serial, sizeof(serial)) != 1) goto fail;
  if (X509_set_version(x, X509_VERSION_3) != 1) goto fail;
  if (ASN1_INTEGER_set_uint64(X509_get_serialNumber(x), serial >> 1) != 1) goto fail;
  if (ASN1_TIME_set(X509_getm_notBefore(x), unix_now_s - DAY_S) == NULL) goto fail;
  if (ASN1_TIME_set(X509_getm_notAfter(x), unix_now_s + 365 * DAY_S) == NULL) goto fail;
  if (!name_certificate(x) || X509_set_pubkey(x, key) != 1 || X509_sign(x, key, EVP_sha256()) == 0) goto fail;
  return x;
fail:
  X509_free(x);
  return NULL;
}

/* The write buffer is made for this; nothing we send is longer than an SCTP packet. */
#define MAX_SEND_FRAGMENT_BYTES 1500

/* Until ice/dtls_transport puts its own verifier in place, nobody is let in. */
static int refuse(X509_STORE_CTX *store, void *arg) {
  (void)store, (void)arg;
  return 0;
}

static SSL_CTX *make_context(EVP_PKEY *key, X509 *x509) {
  SSL_CTX *ctx = SSL_CTX_new(DTLS_server_method());
  if (ctx == NULL) return NULL;
  SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_TICKET | SSL_OP_NO_COMPRESSION | SSL_OP_NO_QUERY_MTU |
                               SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA |
                               SSL_OP_NO_SESSION_RESUMPTION_ON_RENEGOTIATION);
  SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_AUTO_RETRY);
  SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_read_ahead(ctx, 1); /* a datagram is read whole */
  SSL_CTX_set_max_send_fragment(ctx, MAX_SEND_FRAGMENT_BYTES);
  SSL_CTX_set_max_cert_list(ctx, MAX_CERTIFICATE_BYTES);
  SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT | SSL_VERIFY_CLIENT_ONCE, NULL);
  SSL_CTX_set_cert_verify_callback(ctx, refuse, NULL);
  const bool ok = SSL_CTX_set_min_proto_version(ctx, DTLS1_2_VERSION) == 1 &&
                  SSL_CTX_set_max_proto_version(ctx, DTLS1_2_VERSION) == 1 &&
                  SSL_CTX_set_cipher_list(ctx,
                                          "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:"
                                          "ECDHE-ECDSA-CHACHA20-POLY1305") == 1 &&
                  SSL_CTX_set1_groups_list(ctx, "X25519:P-256:P-384") == 1 &&
                  SSL_CTX_set_tlsext_use_srtp(ctx, ICE_SRTP_PROFILES) == 0 && /* sic: 0 is success */
                  SSL_CTX_use_certificate(ctx, x509) == 1 && SSL_CTX_use_PrivateKey(ctx, key) == 1;
  if (ok) return ctx;
  SSL_CTX_free(ctx);
  return NULL;
}

static bool write_fingerprint(char *text, const X509 *x509) {
  uint8_t hash[EVP_MAX_MD_SIZE];
  unsigned len = 0;
  if (X509_digest(x509, EVP_sha256(), hash, &len) != 1) return false;
  for (unsigned i = 0; i < len; i++)
    text += sprintf(text, i == 0 ? "%02X" : ":%02X", hash[i]);
  return true;
}

int ice_certificate_create(struct ice_certificate **out, int64_t unix_now_s) {
  struct ice_certificate *c = calloc(1, sizeof(*c));
  if (c == NULL) return ICE_CERTIFICATE_NO_MEMORY;
  c->key = EVP_EC_gen("P-256");
  if (c->key != NULL) c->x509 = make_x509(c->key, unix_now_s);
  if (c->x509 != NULL) c->context = make_context(c->key, c->x509);
  if (c->context == NULL || !write_fingerprint(c->fingerprint, c->x509)) {
    ice_certificate_free(c);
    ERR_clear_error();
    return ICE_CERTIFICATE_CRYPTO;
  }
  *out = c;
  return ICE_CERTIFICATE_OK;
}

void ice_certificate_free(struct ice_certificate *c) {
  if (c == NULL) return;
  SSL_CTX_free(c->context);
  X509_free(c->x509);
  EVP_PKEY_free(c->key);
  free(c);
}

const char *ice_certificate_fingerprint(const struct ice_certificate *c) {
  return c->fingerprint;
}

SSL_CTX *ice_certificate_context(const struct ice_certificate *c) {
  return c->context;
}

static const struct hash {
  const char *name;
  uint8_t len;
  const EVP_MD *(*md)(void);
} hashes[] = {{"sha-256", 32, EVP_sha256}, {"sha-384", 48, EVP_sha384}, {"sha-512", 64, EVP_sha512}};

static const struct hash *find_hash(const char *name) {
  for (size_t i = 0; i < sizeof(hashes) / sizeof(hashes[0]); i++) {
    if (strcasecmp(hashes[i].name, name) == 0) return &hashes[i];
  }
  return NULL;
}

static int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

bool ice_fingerprint_parse(struct ice_fingerprint *out, const char *algorithm, const char *value) {
  const struct hash *hash = algorithm == NULL ? NULL : find_hash(algorithm);
  if (hash == NULL || value == NULL || strnlen(value, ICE_FINGERPRINT_TEXT_BYTES) != (size_t)3 * hash->len - 1) {
    return false;
  }
  struct ice_fingerprint f = {.len = hash->len};
  snprintf(f.algorithm, sizeof(f.algorithm), "%s", hash->name);
  for (size_t i = 0; i < hash->len; i++, value += 3) {
    const int high = hex_digit(value[0]), low = hex_digit(value[1]);
    if (high < 0 || low < 0 || (value[2] != ':' && value[2] != '\0')) return false;
    f.bytes[i] = (uint8_t)(high << 4 | low);
  }
  *out = f;
  return true;
}

bool ice_fingerprint_matches(const struct ice_fingerprint *f, const X509 *certificate) {
  const struct hash *hash = find_hash(f->algorithm);
  uint8_t digest[EVP_MAX_MD_SIZE];
  unsigned len = 0;
  if (hash == NULL || certificate == NULL || X509_digest(certificate, hash->md(), digest, &len) != 1) return false;
  return len == f->len && CRYPTO_memcmp(digest, f->bytes, len) == 0;
}
