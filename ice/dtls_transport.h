/* ice/dtls_transport.h: one DTLS 1.2 server association (RFC 6347) that yields SRTP keys (RFC 5764) and carries SCTP
 * (RFC 8261). Sans-IO over a BIO pair of our own that keeps datagram boundaries.
 *
 * - Feed it only datagrams from an address that ICE has validated; it trusts nothing else about them.
 * - The client's certificate must match one of the announced fingerprints. That is checked while the handshake runs and
 *   again before keys are exported: a mismatch closes the association and no key ever exists.
 * - A handshake that OpenSSL gives up on (a hostile ClientHello, say) starts over with a fresh SSL, at most
 *   DTLS_MAX_ATTEMPTS times; unauthenticated alerts never reach OpenSSL. So an injected packet costs time, not the call.
 *
 * Timers. OpenSSL 3.0 and 3.1 read the system clock for their retransmission timer. We let that timer never expire (the
 * DTLS timer callback asks for an hour), keep our own deadline in now_us, and when it passes set OpenSSL's deadline,
 * which its BIO control BIO_CTRL_DGRAM_SET_NEXT_TIMEOUT hands us, into the past before DTLSv1_handle_timeout(). So
 * retransmission follows the virtual time of a simulation exactly. On OpenSSL 3.2 and later, where that control hands
 * out a copy, the timer runs on the system clock; everything else is the same.
 *
 * Memory: an SSL object, from the first ClientHello on: some 20 KiB once connected, 40 where dtls_memory.h came too late to give back
 * the handshake buffer, which OpenSSL keeps; its record buffers (33 KiB more) live only while a record is read or written.
 */
#ifndef ICE_DTLS_TRANSPORT_H
#define ICE_DTLS_TRANSPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ice/certificate.h"
#include "ice/drop_reason.h"

#define DTLS_MAX_ATTEMPTS         8
#define DTLS_MAX_HANDSHAKE_BYTES  65536    /* received, over all attempts */
#define DTLS_HANDSHAKE_TIMEOUT_US 30000000 /* from the first datagram     */
#define DTLS_MAX_FINGERPRINTS     4
#define DTLS_MAX_RECORD_BYTES     1500 /* the largest application message we send: an SCTP packet */

/* Handshake datagrams and records we send stay within this, IP and UDP headers not counted. */
#define DTLS_MTU_BYTES            1200

/* RFC 6347 §4.2.4.1: "implementations SHOULD use an initial timer value of 1 second […] applications […] may choose
 * smaller values"; RFC 9147 §5.8.2 suggests 100 ms "for time-sensitive applications". Doubled at each expiry. */
#define DTLS_INITIAL_RTO_US       400000
#define DTLS_MAX_RTO_US           8000000

enum dtls_state {
  DTLS_NEW = 0,    /* nothing received yet                                     */
  DTLS_CONNECTING, /* a handshake is running                                   */
  DTLS_CONNECTED,  /* keys may be exported, application data flows             */
  DTLS_CLOSED,     /* the peer said close_notify, or we did                    */
  DTLS_FAILED,     /* see dtls_transport_failure(); final                      */
};

enum dtls_failure {
  DTLS_FAILURE_NONE = 0,
  DTLS_FAILURE_FINGERPRINT, /* the peer proved another certificate than announced */
  DTLS_FAILURE_TIMEOUT,     /* DTLS_HANDSHAKE_TIMEOUT_US                          */
  DTLS_FAILURE_LIMIT,       /* bytes or attempts                                  */
  DTLS_FAILURE_NO_PROFILE,  /* no SRTP profile in common (RFC 5764 §4.1.2)        */
  DTLS_FAILURE_INTERNAL,    /* out of memory, or OpenSSL failed                   */
};

/* Exporter block of AEAD_AES_256_GCM, the longest: two keys of 32 bytes, two salts of 12. */
#define DTLS_SRTP_MAX_BLOCK_BYTES 88

/* RFC 5764 §4.2: client key, server key, client salt, server salt. We are the server. */
struct dtls_srtp_keys {
  uint16_t profile; /* of the use_srtp registry: 0x0001 CM_SHA1_80, 0x0007 GCM-128, 0x0008 GCM-256 */
  size_t len;
  uint8_t block[DTLS_SRTP_MAX_BLOCK_BYTES];
};

/* Called from within receive(), tick(), send() and close(). None may free the transport. */
struct dtls_listener {
  void *arg;
  void (*send)(void *arg, const uint8_t *data, size_t len);    /* one datagram; valid during the call only */
  void (*connected)(void *arg);                                /* keys may be exported; no record was read yet */
  void (*receive)(void *arg, const uint8_t *data, size_t len); /* one application record (an SCTP packet)  */
};

struct dtls_transport;

/* `certificate` must outlive it. 0 or -1 (out of memory). */
int dtls_transport_create(struct dtls_transport **out, const struct ice_certificate *certificate,
                          const struct dtls_listener *listener);
void dtls_transport_free(struct dtls_transport *d); /* sends nothing; wipes */

/* The certificates the peer may show; replaces earlier ones. False when `n` is 0 or above DTLS_MAX_FINGERPRINTS.
 * Until it has been called every datagram is refused. Once connected, changing them has no effect. */
bool dtls_transport_set_fingerprints(struct dtls_transport *d, const struct ice_fingerprint *f, size_t n);

/* One datagram. Returns ICE_DROP_NONE when it was used. Look at dtls_transport_state() afterwards. */
enum ice_drop_reason dtls_transport_receive(struct dtls_transport *d, const uint8_t *data, size_t len, int64_t now_us);

enum dtls_state dtls_transport_state(const struct dtls_transport *d);
enum dtls_failure dtls_transport_failure(const struct dtls_transport *d);
const char *dtls_failure_name(enum dtls_failure f);

/* Only in DTLS_CONNECTED and with the fingerprint verified; false otherwise, and *out untouched. The caller wipes it. */
bool dtls_transport_export_keys(struct dtls_transport *d, struct dtls_srtp_keys *out);

/* One application record, at most DTLS_MAX_RECORD_BYTES. False unless connected. */
bool dtls_transport_send(struct dtls_transport *d, const uint8_t *data, size_t len, int64_t now_us);

/* Says close_notify if connected and becomes DTLS_CLOSED. */
void dtls_transport_close(struct dtls_transport *d, int64_t now_us);

/* Sends the current flight again at once, if one is waiting for an answer: what was sent before was held back. */
void dtls_transport_resend(struct dtls_transport *d, int64_t now_us);

/* A measured round trip shortens or lengthens the retransmission timer; 0 = unknown. */
void dtls_transport_set_rtt(struct dtls_transport *d, int64_t rtt_us);

int64_t dtls_transport_deadline(const struct dtls_transport *d); /* INT64_MAX = none */
void dtls_transport_tick(struct dtls_transport *d, int64_t now_us);

#endif
