/* bench/load/transport.h: the client's end of one participant's transport: ICE (controlling), DTLS 1.2 client, SRTP.
 *
 * Bytes and now_us in, datagrams and events out through a listener; the caller owns the socket and comes back at
 * transport_deadline(). Order: create → (offer with ufrag, pwd, fingerprint) → start(answer) → receive/tick → free.
 * Sources: RFC 8445 §7, RFC 7675 §5.1 (consent), RFC 6347, RFC 5764.
 */
#ifndef BENCH_LOAD_TRANSPORT_H
#define BENCH_LOAD_TRANSPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "bench/load/description.h"
#include "ice/srtp_session.h"

/* What all participants share: one certificate, one cipher engine, one STUN codec. */
struct transport_context;

enum load_suite { LOAD_SUITE_GCM, LOAD_SUITE_CM };

/* NULL and *out, or what failed in words. */
const char *transport_context_create(struct transport_context **out, enum load_suite suite);
void transport_context_free(struct transport_context *c);
const char *transport_context_fingerprint(const struct transport_context *c);
const char *transport_context_backend(const struct transport_context *c); /* "ipsec-mb" or "evp" */

/* Called from within start(), receive() and tick(); none may free the transport. */
struct transport_listener {
  void *arg;
  void (*send)(void *arg, const uint8_t *data, size_t len);
  void (*connected)(void *arg, int64_t now_us);
  void (*data)(void *arg, const uint8_t *data, size_t len); /* of the DTLS connection: SCTP */
  void (*failed)(void *arg, const char *why);
};

struct transport;

int transport_create(struct transport **out, struct transport_context *context,
                     const struct transport_listener *listener); /* 0, or -1 */
void transport_free(struct transport *t);

const char *transport_ufrag(const struct transport *t);
const char *transport_pwd(const struct transport *t);

/* `remote` is where `send` sends to: XOR-MAPPED-ADDRESS of our answers. */
void transport_start(struct transport *t, const struct answer *answer, const struct sockaddr *remote,
                     socklen_t remote_len, int64_t now_us);

enum transport_packet { TRANSPORT_CONSUMED = 0, TRANSPORT_RTP, TRANSPORT_RTCP };
/* STUN and DTLS are dealt with; RTP and RTCP are left to the caller as they are, sealed. */
enum transport_packet transport_receive(struct transport *t, uint8_t *data, size_t len, int64_t now_us);

/* NULL before `connected`. */
struct srtp_session *transport_srtp(const struct transport *t);

/* Application data over DTLS, after `connected`. */
void transport_send_data(struct transport *t, const uint8_t *data, size_t len);

/* DTLS close_notify: the server learns at once that we left. */
void transport_close(struct transport *t);

int64_t transport_deadline(const struct transport *t); /* INT64_MAX: none */
void transport_tick(struct transport *t, int64_t now_us);

#endif
