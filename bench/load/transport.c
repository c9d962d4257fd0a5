/* bench/load/transport.c: see the header. */
#include "bench/load/transport.h"

#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/load/stun_client.h"
#include "ice/certificate.h"
#include "ice/demux.h"
#include "ice/dtls_bio.h"

#define FIRST_CHECK_US   50000    /* again until answered; RFC 8445 §14.2: "Ta … 50 ms" */
#define CONSENT_US       2500000  /* as often as Chromium checks */
#define CONNECT_LIMIT_US 10000000 /* give up */
#define DTLS_RETRY_US    100000   /* how often OpenSSL is asked whether its timer has run out */

struct transport_context {
  SSL_CTX *ssl;
  X509 *certificate;
  EVP_PKEY *key;
  struct srtp_engine *srtp;
  struct stun_client *stun;
  char fingerprint[3 * 32 + 1];
};

enum phase { PHASE_NEW, PHASE_CHECKING, PHASE_HANDSHAKE, PHASE_CONNECTED, PHASE_FAILED };

struct transport {
  struct transport_context *context;
  struct transport_listener on;
  enum phase phase;
  SSL *ssl;
  struct dtls_bio bio;
  struct srtp_session *srtp;
  struct ice_fingerprint fingerprint;
  struct sockaddr_storage remote;
  socklen_t remote_len;
  uint64_t tie_breaker;
  int64_t check_due_us, dtls_due_us, give_up_us;
  uint8_t transaction[STUN_CLIENT_TRANSACTION_BYTES];
  char ufrag[9], pwd[33];
  char username[257 + 9], remote_pwd[257];
};

/* ---- shared ---- */

static X509 *make_certificate(EVP_PKEY *key) {
  X509 *x = X509_new();
  if (!x) return NULL;
  X509_NAME *name = X509_get_subject_name(x);
  bool ok = X509_set_version(x, 2) == 1 && ASN1_INTEGER_set(X509_get_serialNumber(x), 1) == 1 &&
            X509_gmtime_adj(X509_getm_notBefore(x), -86400) && X509_gmtime_adj(X509_getm_notAfter(x), 30L * 86400) &&
            X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"load", -1, -1, 0) == 1 &&
            X509_set_issuer_name(x, name) == 1 && X509_set_pubkey(x, key) == 1 && X509_sign(x, key, EVP_sha256()) > 0;
  if (ok) return x;
  X509_free(x);
  return NULL;
}

static int accept_any(X509_STORE_CTX *store, void *arg) {
  (void)arg;
  X509_STORE_CTX_set_error(store, X509_V_OK);
  return 1; /* the fingerprint is compared after the handshake */
}

static bool make_ssl_context(struct transport_context *c, enum load_suite suite) {
  static const char *const profiles[] = {"SRTP_AEAD_AES_128_GCM", "SRTP_AES128_CM_SHA1_80"};
  c->ssl = SSL_CTX_new(DTLS_client_method());
  if (!c->ssl) return false;
  SSL_CTX_set_cert_verify_callback(c->ssl, accept_any, NULL);
  SSL_CTX_set_verify(c->ssl, SSL_VERIFY_PEER, NULL);
  SSL_CTX_set_session_cache_mode(c->ssl, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_options(c->ssl, SSL_OP_NO_QUERY_MTU | SSL_OP_NO_TICKET);
  SSL_CTX_set_mode(c->ssl, SSL_MODE_RELEASE_BUFFERS);
  return SSL_CTX_use_certificate(c->ssl, c->certificate) == 1 && SSL_CTX_use_PrivateKey(c->ssl, c->key) == 1 &&
         SSL_CTX_set_tlsext_use_srtp(c->ssl, profiles[suite]) == 0;
}

static bool write_fingerprint(struct transport_context *c) {
  unsigned char digest[32];
  unsigned int len = 0;
  if (X509_digest(c->certificate, EVP_sha256(), digest, &len) != 1 || len != sizeof digest) return false;
  for (size_t i = 0; i < sizeof digest; i++)
    snprintf(c->fingerprint + 3 * i, 4, i + 1 < sizeof digest ? "%02X:" : "%02X", digest[i]);
  return true;
}

const char *transport_context_create(struct transport_context **out, enum load_suite suite) {
  struct transport_context *c = calloc(1, sizeof *c);
  if (!c) return "out of memory";
  c->key = EVP_EC_gen("P-256");
  c->certificate = c->key ? make_certificate(c->key) : NULL;
  const char *why = NULL;
  if (!c->certificate || !write_fingerprint(c)) {
    why = "OpenSSL cannot make a certificate";
  } else if (!make_ssl_context(c, suite)) {
    why = "OpenSSL cannot make a DTLS client";
  } else if (srtp_engine_create(&c->srtp, SRTP_BACKEND_AUTO)) {
    why = "the SRTP engine does not start";
  } else if (stun_client_create(&c->stun)) {
    why = "out of memory";
  }
  if (why) {
    transport_context_free(c);
    return why;
  }
  *out = c;
  return NULL;
}

void transport_context_free(struct transport_context *c) {
  if (!c) return;
  stun_client_free(c->stun);
  srtp_engine_free(c->srtp);
  SSL_CTX_free(c->ssl);
  X509_free(c->certificate);
  EVP_PKEY_free(c->key);
  free(c);
}

const char *transport_context_fingerprint(const struct transport_context *c) {
  return c->fingerprint;
}

const char *transport_context_backend(const struct transport_context *c) {
  return srtp_engine_backend_name(c->srtp);
}

/* ---- one transport ---- */

static void random_text(char *out, size_t chars) {
  static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  uint8_t bytes[64];
  if (RAND_bytes(bytes, (int)chars) != 1) abort();
  for (size_t i = 0; i < chars; i++)
    out[i] = alphabet[bytes[i] & 63];
  out[chars] = '\0';
}

static void on_bio_send(void *arg, const uint8_t *data, size_t len) {
  struct transport *t = arg;
  t->on.send(t->on.arg, data, len);
}

static void on_bio_timer(void *arg, bool running) {
  (void)arg, (void)running; /* OpenSSL's own clock will do for a client that runs in real time */
}

int transport_create(struct transport **out, struct transport_context *context,
                     const struct transport_listener *listener) {
  struct transport *t = calloc(1, sizeof *t);
  if (!t) return -1;
  t->context = context;
  t->on = *listener;
  t->check_due_us = t->dtls_due_us = t->give_up_us = INT64_MAX;
  t->bio = (struct dtls_bio){.arg = t, .send = on_bio_send, .timer = on_bio_timer};
  random_text(t->ufrag, 8);
  random_text(t->pwd, 32);
  RAND_bytes((unsigned char *)&t->tie_breaker, sizeof t->tie_breaker);
  *out = t;
  return 0;
}

void transport_free(struct transport *t) {
  if (!t) return;
  SSL_free(t->ssl);
  srtp_session_free(t->srtp);
  free(t);
}

const char *transport_ufrag(const struct transport *t) {
  return t->ufrag;
}

const char *transport_pwd(const struct transport *t) {
  return t->pwd;
}

struct srtp_session *transport_srtp(const struct transport *t) {
  return t->srtp;
}

static void fail(struct transport *t, const char *why) {
  if (t->phase == PHASE_FAILED) return;
  t->phase = PHASE_FAILED;
  t->check_due_us = t->dtls_due_us = t->give_up_us = INT64_MAX;
  t->on.failed(t->on.arg, why);
}

static void send_check(struct transport *t, int64_t now_us) {
  uint8_t message[STUN_CLIENT_MESSAGE_BYTES];
  size_t len = stun_client_write_check(t->context->stun, t->username, t->remote_pwd, t->tie_breaker, message);
  if (!len) return;
  memcpy(t->transaction, stun_client_transaction(message), sizeof t->transaction);
  t->on.send(t->on.arg, message, len);
  t->check_due_us = now_us + (t->phase == PHASE_CHECKING ? FIRST_CHECK_US : CONSENT_US);
}

void transport_start(struct transport *t, const struct answer *answer, const struct sockaddr *remote,
                     socklen_t remote_len, int64_t now_us) {
  snprintf(t->username, sizeof t->username, "%s:%s", answer->ufrag, t->ufrag);
  snprintf(t->remote_pwd, sizeof t->remote_pwd, "%s", answer->pwd);
  memcpy(&t->remote, remote, remote_len);
  t->remote_len = remote_len;
  if (!ice_fingerprint_parse(&t->fingerprint, answer->fingerprint_algorithm, answer->fingerprint)) {
    fail(t, "the answer's fingerprint is of no use");
    return;
  }
  t->phase = PHASE_CHECKING;
  t->give_up_us = now_us + CONNECT_LIMIT_US;
  send_check(t, now_us);
}

static void finish_handshake(struct transport *t, int64_t now_us) {
  X509 *certificate = SSL_get0_peer_certificate(t->ssl);
  const SRTP_PROTECTION_PROFILE *profile = SSL_get_selected_srtp_profile(t->ssl);
  if (!certificate || !ice_fingerprint_matches(&t->fingerprint, certificate)) {
    fail(t, "the server's certificate is not the one its answer announced");
    return;
  }
  if (!profile) {
    fail(t, "the server took none of the offered SRTP profiles");
    return;
  }
  static const char label[] = "EXTRACTOR-dtls_srtp";
  uint8_t block[SRTP_MAX_EXPORTED_BYTES];
  size_t len = srtp_profile_exported_bytes((enum srtp_profile)profile->id);
  bool made = SSL_export_keying_material(t->ssl, block, len, label, sizeof label - 1, NULL, 0, 0) == 1 &&
              srtp_session_create(&t->srtp, t->context->srtp, (enum srtp_profile)profile->id, SRTP_ROLE_CLIENT, block,
                                  len) == SRTP_OK;
  OPENSSL_cleanse(block, sizeof block);
  if (!made) {
    fail(t, "SRTP keys cannot be made");
    return;
  }
  t->phase = PHASE_CONNECTED;
  t->dtls_due_us = t->give_up_us = INT64_MAX;
  t->on.connected(t->on.arg, now_us);
}

static void run_handshake(struct transport *t, int64_t now_us) {
  ERR_clear_error();
  int result = SSL_do_handshake(t->ssl);
  if (result == 1) {
    finish_handshake(t, now_us);
  } else if (SSL_get_error(t->ssl, result) != SSL_ERROR_WANT_READ) {
    fail(t, "the DTLS handshake failed");
  }
}

static void start_handshake(struct transport *t, int64_t now_us) {
  t->phase = PHASE_HANDSHAKE;
  t->ssl = SSL_new(t->context->ssl);
  BIO *bio = dtls_bio_new(&t->bio);
  if (!t->ssl || !bio) {
    BIO_free(bio);
    fail(t, "out of memory");
    return;
  }
  SSL_set_bio(t->ssl, bio, bio);
  SSL_set_mtu(t->ssl, 1200);
  SSL_set_connect_state(t->ssl);
  t->dtls_due_us = now_us + DTLS_RETRY_US;
  run_handshake(t, now_us);
}

/* ---- datagrams ---- */

static void receive_stun(struct transport *t, const uint8_t *data, size_t len, int64_t now_us) {
  enum stun_client_kind kind = stun_client_kind(data, len);
  uint8_t reply[STUN_CLIENT_MESSAGE_BYTES];
  if (kind == STUN_CLIENT_REQUEST) {
    size_t n = stun_client_answer(t->context->stun, data, len, t->pwd, (const struct sockaddr *)&t->remote,
                                  t->remote_len, reply);
    if (n) t->on.send(t->on.arg, reply, n);
    return;
  }
  if (kind == STUN_CLIENT_OTHER || memcmp(stun_client_transaction(data), t->transaction, sizeof t->transaction) != 0) {
    return;
  }
  if (!stun_client_verify(t->context->stun, data, len, t->remote_pwd)) return;
  if (kind == STUN_CLIENT_ERROR) {
    fail(t, "the server refused our ICE check");
    return;
  }
  t->check_due_us = now_us + CONSENT_US;
  if (t->phase == PHASE_CHECKING) start_handshake(t, now_us);
}

/* Data, close_notify, or a repeated flight (our Finished got lost), which OpenSSL answers by itself. */
static void read_data(struct transport *t) {
  uint8_t data[2048];
  int n;
  ERR_clear_error();
  while ((n = SSL_read(t->ssl, data, sizeof data)) > 0)
    t->on.data(t->on.arg, data, (size_t)n);
  if (SSL_get_error(t->ssl, n) == SSL_ERROR_ZERO_RETURN) fail(t, "the server closed the DTLS connection");
}

static void receive_dtls(struct transport *t, const uint8_t *data, size_t len, int64_t now_us) {
  if (!t->ssl) return;
  t->bio.input = data;
  t->bio.input_len = len;
  if (t->phase == PHASE_HANDSHAKE) {
    run_handshake(t, now_us);
  } else {
    read_data(t);
  }
  t->bio.input = NULL;
}

enum transport_packet transport_receive(struct transport *t, uint8_t *data, size_t len, int64_t now_us) {
  switch (ice_demux(data, len)) {
    case ICE_PACKET_RTP:
      return t->srtp ? TRANSPORT_RTP : TRANSPORT_CONSUMED;
    case ICE_PACKET_RTCP:
      return t->srtp ? TRANSPORT_RTCP : TRANSPORT_CONSUMED;
    case ICE_PACKET_STUN:
      receive_stun(t, data, len, now_us);
      return TRANSPORT_CONSUMED;
    case ICE_PACKET_DTLS:
      receive_dtls(t, data, len, now_us);
      return TRANSPORT_CONSUMED;
    default:
      return TRANSPORT_CONSUMED;
  }
}

void transport_send_data(struct transport *t, const uint8_t *data, size_t len) {
  if (t->phase != PHASE_CONNECTED) return;
  ERR_clear_error();
  (void)SSL_write(t->ssl, data, (int)len); /* into a datagram, which may get lost: SCTP's to repair */
}

void transport_close(struct transport *t) {
  if (t->ssl && t->phase == PHASE_CONNECTED) SSL_shutdown(t->ssl);
  t->phase = PHASE_FAILED;
  t->check_due_us = t->dtls_due_us = t->give_up_us = INT64_MAX;
}

int64_t transport_deadline(const struct transport *t) {
  int64_t at = t->check_due_us < t->dtls_due_us ? t->check_due_us : t->dtls_due_us;
  return at < t->give_up_us ? at : t->give_up_us;
}

void transport_tick(struct transport *t, int64_t now_us) {
  if (t->give_up_us <= now_us) {
    fail(t, t->phase == PHASE_CHECKING ? "no answer to ICE checks within 10 s" : "no DTLS handshake within 10 s");
    return;
  }
  if (t->check_due_us <= now_us) send_check(t, now_us);
  if (t->dtls_due_us <= now_us) {
    t->dtls_due_us = now_us + DTLS_RETRY_US;
    if (t->phase == PHASE_HANDSHAKE) DTLSv1_handle_timeout(t->ssl);
  }
}
