/* ice/dtls_bio.h (internal): an OpenSSL BIO that keeps datagrams apart and shows us OpenSSL's retransmission timer.
 *
 * A read returns the one datagram put in `input` whole, then asks for more; a write is one datagram out. Alerts in the
 * clear are not written unless `plain_alerts` is set: an attacker who makes OpenSSL complain must not reach the peer
 * with the complaint.
 */
#ifndef ICE_DTLS_BIO_H
#define ICE_DTLS_BIO_H

#include <openssl/ssl.h> /* struct timeval too */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DTLS_RECORD_HEADER_BYTES 13
#define DTLS_CONTENT_ALERT       21
#define DTLS_CONTENT_HANDSHAKE   22

struct dtls_bio {
  void *arg;
  void (*send)(void *arg, const uint8_t *data, size_t len);
  void (*timer)(void *arg, bool running); /* OpenSSL has started or stopped its retransmission timer */
  const uint8_t *input;                   /* NULL: nothing to read */
  size_t input_len;
  struct timeval *openssl_deadline; /* where OpenSSL 3.0 and 3.1 keep it; NULL elsewhere */
  bool plain_alerts;
};

/* The BIO refers to `state`, which must outlive it. NULL: out of memory. */
BIO *dtls_bio_new(struct dtls_bio *state);

/* May OpenSSL's own deadline be moved? False from 3.2 on, where the control hands out a copy. */
bool dtls_bio_owns_timer(void);

/* Reads the header of the record at `data`. Returns its length with the header, 0 when it is not whole or not DTLS. */
size_t dtls_record_parse(const uint8_t *data, size_t len, uint8_t *type, uint16_t *epoch);

#endif
