/* ice/certificate.h: the worker's DTLS identity and the SSL_CTX that all its peers' handshakes are made from.
 *
 * One ECDSA P-256 key and self-signed certificate per process, made at start and never written anywhere. The name in it
 * says nothing (RFC 8827 §6.5: identity is the fingerprint in the signalling). DTLS 1.2 only (OpenSSL 3.0 has no 1.3).
 * A client must present a certificate; that it is the announced one is checked by its fingerprint, per connection, in
 * ice/dtls_transport. Chains, names and dates are not looked at, as RFC 8827 wants it.
 *
 * Fixed: ECDHE with AEAD ciphers; X25519, P-256, P-384; no renegotiation, no tickets, no session cache, no compression.
 */
#ifndef ICE_CERTIFICATE_H
#define ICE_CERTIFICATE_H

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ICE_FINGERPRINT_TEXT_BYTES 192 /* sha-512 as "AB:CD:…" with its NUL */

/* In the order we prefer them (RFC 7714 §14.2, RFC 5764 §4.1.2). OpenSSL takes the server's preference. */
#define ICE_SRTP_PROFILES          "SRTP_AEAD_AES_128_GCM:SRTP_AEAD_AES_256_GCM:SRTP_AES128_CM_SHA1_80"

/* A certificate's hash as SDP's a=fingerprint carries it (RFC 8122 §5). */
struct ice_fingerprint {
  char algorithm[8]; /* "sha-256", "sha-384" or "sha-512" */
  uint8_t bytes[64];
  uint8_t len; /* 32, 48 or 64 */
};

enum ice_certificate_error {
  ICE_CERTIFICATE_OK = 0,
  ICE_CERTIFICATE_NO_MEMORY = -1,
  ICE_CERTIFICATE_CRYPTO = -2, /* OpenSSL could not make the key, the certificate or the context */
};

struct ice_certificate;

/* Makes key, certificate and SSL_CTX. `unix_now_s` dates it (valid from a day before, for a year).
 * Errors: enum ice_certificate_error. */
int ice_certificate_create(struct ice_certificate **out, int64_t unix_now_s);
void ice_certificate_free(struct ice_certificate *c);

/* "AB:CD:…", SHA-256, for a=fingerprint:sha-256. Lives as long as `c`. */
const char *ice_certificate_fingerprint(const struct ice_certificate *c);

/* The context for SSL_new(), owned by `c`. Each SSL must be given its verifier by ice/dtls_transport. */
SSL_CTX *ice_certificate_context(const struct ice_certificate *c);

/* Parses SDP's algorithm (any case) and value. False for md5, sha-1, an unknown algorithm or a wrong length. */
bool ice_fingerprint_parse(struct ice_fingerprint *out, const char *algorithm, const char *value);

/* Does `certificate` have this fingerprint? Constant time in the value. */
bool ice_fingerprint_matches(const struct ice_fingerprint *f, const X509 *certificate);

#endif
