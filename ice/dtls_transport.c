/* ice/dtls_transport.c: the DTLS server association on OpenSSL. */
#include "ice/dtls_transport.h"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/srtp.h>
#include <stdlib.h>
#include <string.h>

#include "ice/dtls_bio.h"
#include "ice/dtls_memory.h"

#define HANDSHAKE_CLIENT_HELLO 1
#define MIN_RTO_US             100000
#define MAX_INITIAL_RTO_US     1000000
#define MAX_DATAGRAM_BYTES     2048 /* longer ones come from no WebRTC sender */

/* OpenSSL's own timer must never expire by itself; 2^32 µs is 71 minutes. */
#define NEVER_US               3600000000u

struct dtls_transport {
  const struct ice_certificate *certificate;
  struct dtls_listener on;
  SSL *ssl; /* from the first ClientHello on */
  struct dtls_bio bio;
  struct dtls_memory memory; /* that the handshake needs and nothing else */
  struct ice_fingerprint fingerprints[DTLS_MAX_FINGERPRINTS];
  size_t fingerprint_count;
  enum dtls_state state;
  enum dtls_failure failure;
  bool verified;   /* the certificate the peer has proved matched a fingerprint */
  bool mismatched; /* it did not */
  unsigned attempts;
  unsigned lent; /* how many calls deep the record buffers are in use */
  size_t handshake_bytes;
  int64_t started_us;
  int64_t now_us;           /* of the call we are in, for the BIO's callbacks */
  int64_t initial_rto_us;   /* after a measured round trip */
  int64_t rto_us;           /* of the flight that waits for an answer */
  int64_t retransmit_at_us; /* INT64_MAX: no flight waits */
};

/* --- callbacks from OpenSSL ------------------------------------------------------------------------------------- */

static bool matches_any(const struct dtls_transport *d, const X509 *certificate) {
  for (size_t i = 0; i < d->fingerprint_count; i++) {
    if (ice_fingerprint_matches(&d->fingerprints[i], certificate)) return true;
  }
  return false;
}

/* Replaces chain building: RFC 8827 §6.5 trusts the fingerprint and nothing else. That the peer owns the key is proved by
 * CertificateVerify, which OpenSSL checks afterwards. */
static int verify_fingerprint(X509_STORE_CTX *store, void *arg) {
  (void)arg;
  const SSL *ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
  struct dtls_transport *d = SSL_get_app_data(ssl);
  d->mismatched = !matches_any(d, X509_STORE_CTX_get0_cert(store));
  d->bio.plain_alerts = d->mismatched; /* it ran a whole key exchange with us: tell it */
  X509_STORE_CTX_set_error(store, d->mismatched ? X509_V_ERR_CERT_REJECTED : X509_V_OK);
  return !d->mismatched;
}

static void on_timer(void *arg, bool running) {
  struct dtls_transport *d = arg;
  d->retransmit_at_us = running ? d->now_us + d->rto_us : INT64_MAX;
  if (!running) d->rto_us = d->initial_rto_us;
}

static unsigned int timer_duration(SSL *ssl, unsigned int previous_us) {
  const struct dtls_transport *d = SSL_get_app_data(ssl);
  (void)previous_us;
  return dtls_bio_owns_timer() ? NEVER_US : (unsigned int)d->rto_us;
}

static void on_send(void *arg, const uint8_t *data, size_t len) {
  struct dtls_transport *d = arg;
  if (d->on.send != NULL) d->on.send(d->on.arg, data, len);
}

/* --- life --------------------------------------------------------------------------------------------------------- */

int dtls_transport_create(struct dtls_transport **out, const struct ice_certificate *certificate,
                          const struct dtls_listener *listener) {
  struct dtls_transport *d = calloc(1, sizeof(*d));
  if (d == NULL) return -1;
  d->certificate = certificate;
  d->on = *listener;
  d->bio = (struct dtls_bio){.arg = d, .send = on_send, .timer = on_timer};
  d->retransmit_at_us = INT64_MAX;
  d->initial_rto_us = d->rto_us = DTLS_INITIAL_RTO_US;
  SSL_CTX_set_cert_verify_callback(ice_certificate_context(certificate), verify_fingerprint, NULL);
  *out = d;
  return 0;
}

static void drop_ssl(struct dtls_transport *d) {
  SSL_free(d->ssl);
  dtls_memory_forget(&d->memory);
  d->ssl = NULL;
  d->bio.input = NULL;
  d->bio.openssl_deadline = NULL;
  d->bio.plain_alerts = false;
  d->verified = d->mismatched = false;
  d->lent = 0;
  d->retransmit_at_us = INT64_MAX;
  d->rto_us = d->initial_rto_us;
}

void dtls_transport_free(struct dtls_transport *d) {
  if (d == NULL) return;
  drop_ssl(d);
  OPENSSL_cleanse(d, sizeof(*d));
  free(d);
}

bool dtls_transport_set_fingerprints(struct dtls_transport *d, const struct ice_fingerprint *f, size_t n) {
  if (n == 0 || n > DTLS_MAX_FINGERPRINTS) return false;
  memcpy(d->fingerprints, f, n * sizeof(*f));
  d->fingerprint_count = n;
  return true;
}

static bool make_ssl(struct dtls_transport *d) {
  SSL *ssl = SSL_new(ice_certificate_context(d->certificate));
  BIO *bio = dtls_bio_new(&d->bio);
  if (ssl == NULL || bio == NULL || SSL_set_app_data(ssl, d) != 1) {
    SSL_free(ssl);
    BIO_free(bio);
    return false;
  }
  SSL_set_bio(ssl, bio, bio);
  SSL_set_mtu(ssl, DTLS_MTU_BYTES);
  DTLS_set_timer_cb(ssl, timer_duration);
  SSL_set_accept_state(ssl);
  d->ssl = ssl;
  return true;
}

static void fail(struct dtls_transport *d, enum dtls_failure failure) {
  drop_ssl(d);
  d->state = DTLS_FAILED;
  d->failure = failure;
}

/* --- input -------------------------------------------------------------------------------------------------------- */

/* Cuts the datagram before the first thing that is not a whole record or is an alert in the clear. */
static enum ice_drop_reason clean_datagram(const struct dtls_transport *d, const uint8_t *data, size_t *len) {
  size_t at = 0;
  enum ice_drop_reason why = ICE_DROP_DTLS_MALFORMED;
  while (at < *len) {
    uint8_t type;
    uint16_t epoch;
    const size_t record = dtls_record_parse(data + at, *len - at, &type, &epoch);
    if (record == 0) break;
    if (type == DTLS_CONTENT_ALERT && epoch == 0) {
      why = ICE_DROP_DTLS_PLAIN_ALERT;
      break;
    }
    at += record;
  }
  if (at == 0) return why;
  *len = at;
  if (d->ssl != NULL) return ICE_DROP_NONE;
  /* Only a ClientHello, or its first piece, is worth an SSL object. */
  const bool hello = data[0] == DTLS_CONTENT_HANDSHAKE && data[3] == 0 && data[4] == 0 &&
                     at > DTLS_RECORD_HEADER_BYTES && data[DTLS_RECORD_HEADER_BYTES] == HANDSHAKE_CLIENT_HELLO;
  return hello ? ICE_DROP_NONE : ICE_DROP_DTLS_MALFORMED;
}

static void finish_handshake(struct dtls_transport *d) {
  const X509 *certificate = SSL_get0_peer_certificate(d->ssl);
  if (d->mismatched || certificate == NULL || !matches_any(d, certificate)) {
    fail(d, DTLS_FAILURE_FINGERPRINT);
  } else if (SSL_get_selected_srtp_profile(d->ssl) == NULL) {
    fail(d, DTLS_FAILURE_NO_PROFILE);
  } else {
    d->verified = true;
    d->state = DTLS_CONNECTED;
    if (d->on.connected != NULL) d->on.connected(d->on.arg);
  }
}

/* The attempt is lost; the next ClientHello starts over. */
static void lose_attempt(struct dtls_transport *d) {
  const bool mismatched = d->mismatched;
  drop_ssl(d);
  if (mismatched) {
    fail(d, DTLS_FAILURE_FINGERPRINT);
  } else if (++d->attempts >= DTLS_MAX_ATTEMPTS) {
    fail(d, DTLS_FAILURE_LIMIT);
  }
}

static enum ice_drop_reason run_handshake(struct dtls_transport *d) {
  ERR_clear_error();
  dtls_memory_begin(&d->memory);
  const int result = SSL_do_handshake(d->ssl);
  dtls_memory_end();
  if (result == 1) {
    dtls_memory_rest(&d->memory); /* before the listener hears of it, who may do anything */
    finish_handshake(d);
    return ICE_DROP_NONE;
  }
  if (SSL_get_error(d->ssl, result) == SSL_ERROR_WANT_READ) return ICE_DROP_NONE;
  ERR_clear_error();
  lose_attempt(d);
  return ICE_DROP_DTLS_ERROR;
}

/* SSL_MODE_RELEASE_BUFFERS does nothing for DTLS, so a connected association gets its record buffers for the time of one
 * call. `lent` guards against a listener that sends while we read. */
static bool lend_buffers(struct dtls_transport *d) {
  return d->lent++ > 0 || SSL_alloc_buffers(d->ssl) == 1;
}

static void return_buffers(struct dtls_transport *d) {
  if (--d->lent == 0) (void)SSL_free_buffers(d->ssl); /* refuses when something is pending, and that is right */
}

static void read_records(struct dtls_transport *d) {
  uint8_t plain[MAX_DATAGRAM_BYTES];
  if (!lend_buffers(d)) {
    d->lent--;
    return;
  }
  while (d->state == DTLS_CONNECTED) {
    ERR_clear_error();
    const int got = SSL_read(d->ssl, plain, sizeof(plain));
    if (got > 0) {
      if (d->on.receive != NULL) d->on.receive(d->on.arg, plain, (size_t)got);
      continue;
    }
    if (SSL_get_error(d->ssl, got) != SSL_ERROR_WANT_READ) d->state = DTLS_CLOSED; /* close_notify or a fatal alert */
    break;
  }
  return_buffers(d);
  ERR_clear_error();
  OPENSSL_cleanse(plain, sizeof(plain));
}

static bool within_limits(struct dtls_transport *d, size_t len) {
  d->handshake_bytes += len;
  return d->handshake_bytes <= DTLS_MAX_HANDSHAKE_BYTES;
}

enum ice_drop_reason dtls_transport_receive(struct dtls_transport *d, const uint8_t *data, size_t len, int64_t now_us) {
  if (d->state >= DTLS_CLOSED || d->fingerprint_count == 0) return ICE_DROP_CLOSED;
  if (len > MAX_DATAGRAM_BYTES) return ICE_DROP_TOO_LARGE;
  enum ice_drop_reason drop = clean_datagram(d, data, &len);
  if (drop != ICE_DROP_NONE) return drop;

  d->now_us = now_us;
  if (d->state == DTLS_NEW) {
    d->state = DTLS_CONNECTING;
    d->started_us = now_us;
  }
  if (d->state == DTLS_CONNECTING && !within_limits(d, len)) {
    fail(d, DTLS_FAILURE_LIMIT);
    return ICE_DROP_DTLS_LIMIT;
  }
  if (d->ssl == NULL && !make_ssl(d)) {
    fail(d, DTLS_FAILURE_INTERNAL);
    return ICE_DROP_DTLS_ERROR;
  }
  d->bio.input = data;
  d->bio.input_len = len;
  if (d->state == DTLS_CONNECTING) drop = run_handshake(d);
  if (d->state == DTLS_CONNECTED) read_records(d);
  d->bio.input = NULL;
  return drop;
}

/* --- looking ------------------------------------------------------------------------------------------------------ */

enum dtls_state dtls_transport_state(const struct dtls_transport *d) {
  return d->state;
}

enum dtls_failure dtls_transport_failure(const struct dtls_transport *d) {
  return d->failure;
}

const char *dtls_failure_name(enum dtls_failure f) {
  static const char *const names[] = {"none", "fingerprint", "timeout", "limit", "no_profile", "internal"};
  const unsigned index = (unsigned)f;
  return index < sizeof(names) / sizeof(names[0]) ? names[index] : "invalid";
}

bool dtls_transport_export_keys(struct dtls_transport *d, struct dtls_srtp_keys *out) {
  static const char label[] = "EXTRACTOR-dtls_srtp"; /* RFC 5764 §4.2 */
  if (d->state != DTLS_CONNECTED || !d->verified) return false;
  struct dtls_srtp_keys keys = {.profile = (uint16_t)SSL_get_selected_srtp_profile(d->ssl)->id};
  switch (keys.profile) {
    case SRTP_AES128_CM_SHA1_80:
      keys.len = (size_t)2 * (16 + 14);
      break;
    case SRTP_AEAD_AES_128_GCM:
      keys.len = (size_t)2 * (16 + 12);
      break;
    case SRTP_AEAD_AES_256_GCM:
      keys.len = (size_t)2 * (32 + 12);
      break;
    default:
      return false;
  }
  const bool ok = SSL_export_keying_material(d->ssl, keys.block, keys.len, label, sizeof(label) - 1, NULL, 0, 0) == 1;
  if (ok) *out = keys;
  OPENSSL_cleanse(&keys, sizeof(keys));
  ERR_clear_error();
  return ok;
}

/* --- output and time ------------------------------------------------------------------------------------------------ */

bool dtls_transport_send(struct dtls_transport *d, const uint8_t *data, size_t len, int64_t now_us) {
  if (d->state != DTLS_CONNECTED || len == 0 || len > DTLS_MAX_RECORD_BYTES) return false;
  d->now_us = now_us;
  ERR_clear_error();
  const bool ok = lend_buffers(d) && SSL_write(d->ssl, data, (int)len) == (int)len;
  return_buffers(d);
  ERR_clear_error();
  return ok;
}

void dtls_transport_close(struct dtls_transport *d, int64_t now_us) {
  if (d->state >= DTLS_CLOSED) return;
  d->now_us = now_us;
  if (d->state == DTLS_CONNECTED) {
    ERR_clear_error();
    if (lend_buffers(d)) (void)SSL_shutdown(d->ssl);
    return_buffers(d);
    ERR_clear_error();
  }
  d->state = DTLS_CLOSED;
}

/* Makes OpenSSL believe that its timer has expired: see "Timers" in the header. */
static void retransmit(struct dtls_transport *d, int64_t now_us) {
  d->now_us = now_us;
  if (d->bio.openssl_deadline != NULL) *d->bio.openssl_deadline = (struct timeval){.tv_sec = 1};
  ERR_clear_error();
  dtls_memory_begin(&d->memory);
  const long result = DTLSv1_handle_timeout(d->ssl);
  dtls_memory_end();
  ERR_clear_error();
  if (result < 0) {
    lose_attempt(d);
  } else if (d->retransmit_at_us <= now_us) {
    d->retransmit_at_us = now_us + d->rto_us; /* on OpenSSL 3.2 and later: its clock says not yet */
  }
}

void dtls_transport_resend(struct dtls_transport *d, int64_t now_us) {
  if (d->state == DTLS_CONNECTING && d->ssl != NULL && d->retransmit_at_us != INT64_MAX) retransmit(d, now_us);
}

void dtls_transport_set_rtt(struct dtls_transport *d, int64_t rtt_us) {
  if (rtt_us <= 0) return;
  int64_t rto_us = 2 * rtt_us;
  if (rto_us < MIN_RTO_US) rto_us = MIN_RTO_US;
  if (rto_us > MAX_INITIAL_RTO_US) rto_us = MAX_INITIAL_RTO_US;
  d->initial_rto_us = rto_us;
  if (d->retransmit_at_us == INT64_MAX) d->rto_us = rto_us;
}

int64_t dtls_transport_deadline(const struct dtls_transport *d) {
  if (d->state != DTLS_CONNECTING) return INT64_MAX;
  const int64_t limit = d->started_us + DTLS_HANDSHAKE_TIMEOUT_US;
  return d->retransmit_at_us < limit ? d->retransmit_at_us : limit;
}

void dtls_transport_tick(struct dtls_transport *d, int64_t now_us) {
  if (d->state != DTLS_CONNECTING) return;
  if (now_us - d->started_us >= DTLS_HANDSHAKE_TIMEOUT_US) {
    fail(d, DTLS_FAILURE_TIMEOUT);
    return;
  }
  if (now_us < d->retransmit_at_us) return;
  d->rto_us = 2 * d->rto_us < DTLS_MAX_RTO_US ? 2 * d->rto_us : DTLS_MAX_RTO_US;
  retransmit(d, now_us);
}
