/* ice/peer_transport_context.c: what all peers of a worker share, and the names of the composite's enums. */
#include <stdlib.h>

#include "ice/dtls_memory.h"
#include "ice/peer_transport_internal.h"

bool peer_transport_save_memory(void) {
  return dtls_memory_install();
}

int peer_transport_context_create(struct peer_transport_context **out, int64_t unix_now_s) {
  struct peer_transport_context *c = calloc(1, sizeof(*c));
  if (c == NULL) return PEER_NO_MEMORY;
  if (ice_certificate_create(&c->certificate, unix_now_s) != ICE_CERTIFICATE_OK ||
      ice_stun_codec_create(&c->stun) != 0 || srtp_engine_create(&c->srtp, SRTP_BACKEND_AUTO) != SRTP_OK ||
      sctp_stack_create(&c->sctp) != SCTP_OK) {
    peer_transport_context_free(c);
    return PEER_CRYPTO;
  }
  *out = c;
  return PEER_OK;
}

void peer_transport_context_free(struct peer_transport_context *c) {
  if (c == NULL) return;
  sctp_stack_free(c->sctp);
  srtp_engine_free(c->srtp);
  ice_stun_codec_free(c->stun);
  ice_certificate_free(c->certificate);
  free(c);
}

struct srtp_engine *peer_transport_context_srtp(const struct peer_transport_context *c) {
  return c->srtp;
}

void peer_transport_context_finish(struct peer_transport_context *c) {
  srtp_engine_finish(c->srtp);
}

const char *peer_transport_context_fingerprint(const struct peer_transport_context *c) {
  return ice_certificate_fingerprint(c->certificate);
}

int64_t peer_transport_context_deadline(const struct peer_transport_context *c) {
  return sctp_stack_deadline(c->sctp);
}

void peer_transport_context_tick(struct peer_transport_context *c, int64_t now_us) {
  sctp_stack_tick(c->sctp, now_us);
}

static const char *name_at(const char *const *names, size_t count, size_t index) {
  return index < count ? names[index] : "invalid";
}

#define NAME_AT(names, index) name_at(names, sizeof(names) / sizeof((names)[0]), (size_t)(index))

const char *peer_transport_error_name(int error) {
  static const char *const names[] = {"ok",       "no_memory", "bad_credentials", "bad_fingerprint", "not_connected",
                                      "unproven", "too_large", "limit",           "no_channel",      "crypto"};
  return error > 0 ? "ok" : NAME_AT(names, -(int64_t)error);
}

const char *peer_state_name(enum peer_state s) {
  static const char *const names[] = {"new", "connecting", "connected", "disconnected", "failed", "closed"};
  return NAME_AT(names, s);
}

const char *peer_reason_name(enum peer_reason r) {
  static const char *const names[] = {"none",       "consent",    "no_checks", "fingerprint", "dtls_timeout",
                                      "dtls_limit", "no_profile", "remote",    "local",       "internal"};
  return NAME_AT(names, r);
}
