/* tests/ice/dtls_client.h: an OpenSSL DTLS client in memory, for tests. Its datagrams wait in a queue until taken. */
#ifndef TESTS_ICE_DTLS_CLIENT_H
#define TESTS_ICE_DTLS_CLIENT_H

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ice/certificate.h"

#define DTLS_CLIENT_QUEUE 64

struct dtls_client_datagram {
  uint8_t data[2048];
  size_t len;
};

struct dtls_client {
  SSL_CTX *ctx;
  SSL *ssl;
  X509 *certificate;
  EVP_PKEY *key;
  bool connected;
  bool failed;
  size_t hello_padding;
  const uint8_t *input;
  size_t input_len;
  struct dtls_client_datagram queue[DTLS_CLIENT_QUEUE];
  size_t queued;
  uint8_t received[2048]; /* the last application record */
  size_t received_len;
};

struct dtls_client_options {
  const char *srtp_profiles; /* NULL: none offered                                       */
  const char *ciphers;       /* NULL: OpenSSL's default                                  */
  long mtu;                  /* 0: 1200; small ones cut the ClientHello into pieces      */
  size_t hello_padding;      /* bytes of an unknown extension, as X25519MLKEM768's share */
  bool rsa;                  /* an RSA certificate instead of ECDSA                      */
  bool no_certificate;
};

/* False when OpenSSL refuses. Free in any case. */
bool dtls_client_init(struct dtls_client *c, const struct dtls_client_options *options);
void dtls_client_free(struct dtls_client *c);

/* The fingerprint its offer would announce. */
struct ice_fingerprint dtls_client_fingerprint(const struct dtls_client *c, const char *algorithm);

/* Starts or goes on with the handshake; reads application records once connected. */
void dtls_client_run(struct dtls_client *c);
void dtls_client_receive(struct dtls_client *c, const uint8_t *data, size_t len);
bool dtls_client_send(struct dtls_client *c, const uint8_t *data, size_t len);

/* The RFC 5764 exporter block; 0 when there is none. */
uint16_t dtls_client_export(struct dtls_client *c, uint8_t block[88], size_t *len);

#endif
