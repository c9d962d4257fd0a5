/* ice/peer_transport.c: the composite's life, state, input and time. Sending is in ice/peer_transport_send.c. */
#include "ice/peer_transport.h"

#include <stdlib.h>
#include <string.h>

#include "ice/cache_line.h"
#include "ice/demux.h"
#include "ice/peer_transport_internal.h"

/* --- state --------------------------------------------------------------------------------------------------------- */

static enum peer_reason reason_of(enum dtls_failure failure) {
  switch (failure) {
    case DTLS_FAILURE_NONE:
      return PEER_REASON_REMOTE;
    case DTLS_FAILURE_FINGERPRINT:
      return PEER_REASON_FINGERPRINT;
    case DTLS_FAILURE_TIMEOUT:
      return PEER_REASON_DTLS_TIMEOUT;
    case DTLS_FAILURE_LIMIT:
      return PEER_REASON_DTLS_LIMIT;
    case DTLS_FAILURE_NO_PROFILE:
      return PEER_REASON_NO_PROFILE;
    case DTLS_FAILURE_INTERNAL:
      break;
  }
  return PEER_REASON_INTERNAL;
}

static enum peer_state state_of(const struct peer_transport *t, enum peer_reason *reason) {
  *reason = PEER_REASON_NONE;
  if (t->closed) {
    *reason = t->reason != PEER_REASON_NONE ? t->reason : PEER_REASON_LOCAL;
    return PEER_CLOSED;
  }
  if (dtls_transport_state(t->dtls) >= DTLS_CLOSED) {
    *reason = reason_of(dtls_transport_failure(t->dtls));
    return PEER_CLOSED;
  }
  switch (ice_agent_state(t->ice)) {
    case ICE_FAILED:
      *reason = PEER_REASON_CONSENT;
      return PEER_FAILED;
    case ICE_NEW:
      if (t->no_checks) *reason = PEER_REASON_NO_CHECKS;
      return t->no_checks ? PEER_FAILED : PEER_NEW;
    case ICE_CONNECTED:
      return t->srtp != NULL ? PEER_CONNECTED : PEER_CONNECTING;
    case ICE_DISCONNECTED:
      return t->srtp != NULL ? PEER_DISCONNECTED : PEER_CONNECTING;
  }
  return PEER_CLOSED;
}

void peer_transport_update_state(struct peer_transport *t) {
  enum peer_reason reason;
  if (t->state == PEER_CLOSED) return;
  const enum peer_state state = state_of(t, &reason);
  if (state == t->state) return;
  t->state = state;
  t->reason = reason;
  if (state == PEER_CLOSED) {
    t->closed = true;
    sctp_association_free(t->sctp);
    t->sctp = NULL;
  }
  if (t->on.state_changed != NULL) t->on.state_changed(t->on.arg, state, reason);
}

static void close_because(struct peer_transport *t, enum peer_reason reason) {
  if (t->closed) return;
  t->closed = true;
  t->reason = reason;
}

/* --- from the ICE agent ---------------------------------------------------------------------------------------------- */

static void count_sent(struct peer_transport *t, size_t len) {
  t->stats.packets_sent++;
  t->stats.bytes_sent += len;
}

static void on_ice_send(void *arg, const struct ice_address *to, const uint8_t *data, size_t len) {
  struct peer_transport *t = arg;
  count_sent(t, len);
  if (t->on.send != NULL) t->on.send(t->on.arg, to, data, len);
}

static void on_tuple_added(void *arg, const struct ice_address *remote) {
  struct peer_transport *t = arg;
  if (t->on.tuple_added != NULL) t->on.tuple_added(t->on.arg, remote);
}

static void note_path(struct peer_transport *t) {
  t->path = ice_agent_selected(t->ice) == NULL  ? PEER_PATH_NONE
            : ice_agent_selected_proven(t->ice) ? PEER_PATH_PROVEN
                                                : PEER_PATH_UNPROVEN;
}

static void on_tuple_removed(void *arg, const struct ice_address *remote) {
  struct peer_transport *t = arg;
  note_path(t);
  if (t->on.tuple_removed != NULL) t->on.tuple_removed(t->on.arg, remote);
}

static void on_selected(void *arg, const struct ice_address *remote) {
  struct peer_transport *t = arg;
  note_path(t);
  if (t->on.selected != NULL) t->on.selected(t->on.arg, remote);
}

static void on_proven(void *arg, const struct ice_address *remote, int64_t rtt_us) {
  struct peer_transport *t = arg;
  (void)remote;
  note_path(t);
  dtls_transport_set_rtt(t->dtls, rtt_us);
  if (t->flight_cut && ice_agent_selected_proven(t->ice)) {
    t->flight_cut = false;
    dtls_transport_resend(t->dtls, t->now_us);
  }
}

static void on_ufrag_retired(void *arg, const char *ufrag) {
  struct peer_transport *t = arg;
  if (t->on.ufrag_retired != NULL) t->on.ufrag_retired(t->on.arg, ufrag);
}

static void on_ice_state(void *arg, enum ice_state state) {
  struct peer_transport *t = arg;
  if (state == ICE_CONNECTED) t->connect_from_us = INT64_MAX;
  peer_transport_update_state(t);
}

/* --- from DTLS ------------------------------------------------------------------------------------------------------- */

static void on_dtls_send(void *arg, const uint8_t *data, size_t len) {
  peer_transport_send_control(arg, data, len);
}

static void on_dtls_connected(void *arg) {
  struct peer_transport *t = arg;
  if (!peer_transport_take_keys(t) || !peer_transport_start_sctp(t)) close_because(t, PEER_REASON_INTERNAL);
  peer_transport_update_state(t);
}

static void on_dtls_receive(void *arg, const uint8_t *data, size_t len) {
  struct peer_transport *t = arg;
  ice_agent_note_alive(t->ice, t->now_us);
  if (t->sctp == NULL || sctp_association_receive(t->sctp, data, len) != SCTP_OK) {
    t->stats.drops[ICE_DROP_SCTP_REFUSED]++;
  }
}

void peer_transport_send_control(struct peer_transport *t, const uint8_t *data, size_t len) {
  const struct ice_address *to = ice_agent_selected(t->ice);
  if (to == NULL) {
    t->stats.drops[ICE_DROP_OUT_NO_ADDRESS]++;
  } else if (!ice_agent_may_send(t->ice, len)) {
    t->stats.drops[ICE_DROP_OUT_UNPROVEN]++;
    t->flight_cut = true;
  } else {
    count_sent(t, len);
    if (t->on.send != NULL) t->on.send(t->on.arg, to, data, len);
  }
}

/* --- life ------------------------------------------------------------------------------------------------------------ */

static int make_parts(struct peer_transport *t) {
  const struct ice_agent_listener ice = {
      .arg = t,
      .send = on_ice_send,
      .tuple_added = on_tuple_added,
      .tuple_removed = on_tuple_removed,
      .selected = on_selected,
      .proven = on_proven,
      .ufrag_retired = on_ufrag_retired,
      .state_changed = on_ice_state,
  };
  const struct dtls_listener dtls = {
      .arg = t, .send = on_dtls_send, .connected = on_dtls_connected, .receive = on_dtls_receive};
  const int error = ice_agent_create(&t->ice, t->context->stun, &ice);
  if (error != ICE_AGENT_OK) return error == ICE_AGENT_RANDOM ? PEER_CRYPTO : PEER_NO_MEMORY;
  return dtls_transport_create(&t->dtls, t->context->certificate, &dtls) == 0 ? PEER_OK : PEER_NO_MEMORY;
}

int peer_transport_create(struct peer_transport **out, struct peer_transport_context *context,
                          const struct peer_transport_listener *listener, int64_t now_us) {
  struct peer_transport *t = cache_line_alloc(sizeof(*t));
  if (t == NULL) return PEER_NO_MEMORY;
  t->context = context;
  t->on = *listener;
  t->now_us = now_us;
  t->connect_from_us = INT64_MAX;
  const int error = make_parts(t);
  if (error != PEER_OK) {
    peer_transport_free(t);
    return error;
  }
  *out = t;
  return PEER_OK;
}

void peer_transport_free(struct peer_transport *t) {
  if (t == NULL) return;
  memset(&t->on, 0, sizeof(t->on)); /* an SCTP ABORT is not worth calling a worker that is taking us apart */
  sctp_association_free(t->sctp);
  srtp_session_free(t->srtp);
  dtls_transport_free(t->dtls);
  ice_agent_free(t->ice);
  while (t->senders != NULL) {
    struct peer_sender *s = t->senders;
    t->senders = s->next;
    free(s);
  }
  free(t);
}

int peer_transport_set_remote(struct peer_transport *t, const struct peer_remote *remote, int64_t now_us) {
  if (!dtls_transport_set_fingerprints(t->dtls, remote->fingerprints, remote->fingerprint_count)) {
    return PEER_BAD_FINGERPRINT;
  }
  if (ice_agent_set_remote(t->ice, remote->ufrag, remote->pwd) != ICE_AGENT_OK) return PEER_BAD_CREDENTIALS;
  t->remote_set = true;
  t->sctp_port = remote->sctp_port;
  t->connect_from_us = now_us;
  return PEER_OK;
}

int peer_transport_restart_ice(struct peer_transport *t, const char *remote_ufrag, const char *remote_pwd,
                               int64_t now_us) {
  if (t->state == PEER_CLOSED || !t->remote_set) return PEER_NOT_CONNECTED;
  switch (ice_agent_restart(t->ice, remote_ufrag, remote_pwd)) {
    case ICE_AGENT_OK:
      break;
    case ICE_AGENT_CREDENTIALS:
      return PEER_BAD_CREDENTIALS;
    case ICE_AGENT_NO_MEMORY:
      return PEER_NO_MEMORY;
    default:
      return PEER_CRYPTO;
  }
  if (ice_agent_state(t->ice) == ICE_NEW) { /* never connected: wait afresh */
    t->no_checks = false;
    t->connect_from_us = now_us;
    peer_transport_update_state(t);
  }
  return PEER_OK;
}

void peer_transport_close(struct peer_transport *t, int64_t now_us) {
  if (t->state == PEER_CLOSED) return;
  t->now_us = now_us;
  sctp_association_free(t->sctp); /* its ABORT goes out before close_notify */
  t->sctp = NULL;
  dtls_transport_close(t->dtls, now_us);
  close_because(t, PEER_REASON_LOCAL);
  peer_transport_update_state(t);
}

/* --- input ------------------------------------------------------------------------------------------------------------ */

__attribute__((cold, noinline)) static enum ice_drop_reason receive_dtls(struct peer_transport *t, const uint8_t *data,
                                                                         size_t len) {
  const enum ice_drop_reason drop = dtls_transport_receive(t->dtls, data, len, t->now_us);
  peer_transport_update_state(t);
  return drop;
}

__attribute__((cold, noinline)) static enum ice_drop_reason drop_of(int srtp_status) {
  switch (srtp_status) {
    case SRTP_AUTH_FAILED:
      return ICE_DROP_SRTP_AUTH;
    case SRTP_REPLAYED:
    case SRTP_TOO_OLD:
      return ICE_DROP_SRTP_REPLAY;
    case SRTP_SSRC_LIMIT:
    case SRTP_KEY_EXPIRED:
    case SRTP_NO_MEMORY:
      return ICE_DROP_SRTP_LIMIT;
    default:
      return ICE_DROP_SRTP_MALFORMED;
  }
}

#define RTP_HEADER_BYTES 12 /* RFC 3550 §5.1 */

static enum ice_drop_reason receive_media(struct peer_transport *t, enum ice_packet_kind kind, uint8_t *data,
                                          size_t len, struct peer_packet *out) {
  if (t->srtp == NULL) return ICE_DROP_SRTP_NO_KEYS;
  const bool rtp = kind == ICE_PACKET_RTP;
  if (rtp && t->on.wants_rtp != NULL && len >= RTP_HEADER_BYTES && !t->on.wants_rtp(t->on.arg, data, len) &&
      srtp_session_may_skip(t->srtp, data, len, t->now_us)) {
    out->kind = PEER_PACKET_UNOPENED;
    out->len = len;
    return ICE_DROP_NONE;
  }
  const int opened = rtp ? srtp_session_open_rtp(t->srtp, data, len) : srtp_session_open_rtcp(t->srtp, data, len);
  if (opened < 0) return drop_of(opened);
  ice_agent_note_alive(t->ice, t->now_us);
  out->kind = rtp ? PEER_PACKET_RTP : PEER_PACKET_RTCP;
  out->len = (size_t)opened;
  return ICE_DROP_NONE;
}

static enum ice_drop_reason receive(struct peer_transport *t, const struct ice_address *from, uint8_t *data, size_t len,
                                    struct peer_packet *out) {
  if (len > ICE_MAX_DATAGRAM_BYTES) return ICE_DROP_TOO_LARGE;
  if (t->state == PEER_CLOSED || !t->remote_set) return ICE_DROP_CLOSED;
  const enum ice_packet_kind kind = ice_demux(data, len);
  if (kind == ICE_PACKET_UNKNOWN) return ICE_DROP_UNKNOWN_PROTOCOL;
  if (kind == ICE_PACKET_STUN) return ice_agent_receive(t->ice, from, data, len, t->now_us);
  if (!ice_agent_accepts(t->ice, from, len)) return ICE_DROP_UNVALIDATED;
  if (kind == ICE_PACKET_DTLS) return receive_dtls(t, data, len);
  return receive_media(t, kind, data, len, out);
}

void peer_transport_receive(struct peer_transport *t, const struct ice_address *from, uint8_t *data, size_t len,
                            int64_t now_us, struct peer_packet *out) {
  *out = (struct peer_packet){.kind = PEER_PACKET_CONSUMED};
  t->now_us = now_us;
  t->stats.packets_received++;
  t->stats.bytes_received += len;
  out->drop = receive(t, from, data, len, out);
  if (out->drop != ICE_DROP_NONE) t->stats.drops[out->drop]++;
}

/* --- time -------------------------------------------------------------------------------------------------------------- */

static int64_t earlier(int64_t a, int64_t b) {
  return a < b ? a : b;
}

int64_t peer_transport_deadline(const struct peer_transport *t) {
  if (t->state == PEER_CLOSED) return INT64_MAX;
  int64_t deadline = earlier(ice_agent_deadline(t->ice), dtls_transport_deadline(t->dtls));
  if (t->connect_from_us != INT64_MAX) deadline = earlier(deadline, t->connect_from_us + PEER_CONNECT_TIMEOUT_US);
  return deadline;
}

void peer_transport_tick(struct peer_transport *t, int64_t now_us) {
  if (t->state == PEER_CLOSED) return;
  t->now_us = now_us;
  if (t->connect_from_us != INT64_MAX && now_us - t->connect_from_us >= PEER_CONNECT_TIMEOUT_US) {
    t->connect_from_us = INT64_MAX;
    t->no_checks = ice_agent_state(t->ice) == ICE_NEW;
  }
  ice_agent_tick(t->ice, now_us);
  dtls_transport_tick(t->dtls, now_us);
  peer_transport_update_state(t);
}

/* --- looking ------------------------------------------------------------------------------------------------------------ */

const char *peer_transport_local_ufrag(const struct peer_transport *t) {
  return ice_agent_local_ufrag(t->ice);
}

const char *peer_transport_local_pwd(const struct peer_transport *t) {
  return ice_agent_local_pwd(t->ice);
}

const struct ice_address *peer_transport_selected(const struct peer_transport *t) {
  return t->state == PEER_CLOSED ? NULL : ice_agent_selected(t->ice);
}

enum peer_state peer_transport_state(const struct peer_transport *t) {
  return t->state;
}

enum peer_reason peer_transport_reason(const struct peer_transport *t) {
  return t->reason;
}

const struct peer_transport_stats *peer_transport_stats(struct peer_transport *t) {
  t->stats.rtt_us = ice_agent_rtt_us(t->ice);
  return &t->stats;
}

size_t peer_transport_tuples(const struct peer_transport *t, struct ice_address *out, size_t max) {
  return ice_agent_tuples(t->ice, out, max);
}
