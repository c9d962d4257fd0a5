/* ice/peer_transport_send.c: keys, senders, sealing and data channels of the composite. */
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

#include "ice/peer_transport_internal.h"

/* --- keys ----------------------------------------------------------------------------------------------------------- */

bool peer_transport_take_keys(struct peer_transport *t) {
  struct dtls_srtp_keys keys;
  if (!dtls_transport_export_keys(t->dtls, &keys)) return false;
  const int status = srtp_session_create(&t->srtp, t->context->srtp, (enum srtp_profile)keys.profile, SRTP_ROLE_SERVER,
                                         keys.block, keys.len);
  t->stats.srtp_profile = keys.profile;
  t->tag_bytes = (uint8_t)srtp_profile_tag_bytes((enum srtp_profile)keys.profile);
  OPENSSL_cleanse(&keys, sizeof(keys));
  if (status != SRTP_OK) return false;
  for (struct peer_sender *s = t->senders; s != NULL; s = s->next) {
    if (srtp_sender_open(&s->srtp, t->srtp, s->ssrc) != SRTP_OK) return false;
  }
  return true;
}

static int error_of(int srtp_status) {
  switch (srtp_status) {
    case SRTP_NO_SPACE:
      return PEER_TOO_LARGE;
    case SRTP_SSRC_LIMIT:
    case SRTP_KEY_EXPIRED:
    case SRTP_INDEX_USED:
    case SRTP_TOO_OLD:
      return PEER_LIMIT;
    case SRTP_NO_MEMORY:
      return PEER_NO_MEMORY;
    default:
      return PEER_CRYPTO;
  }
}

/* --- senders ---------------------------------------------------------------------------------------------------------- */

int peer_transport_add_sender(struct peer_transport *t, uint32_t ssrc, struct peer_sender **out) {
  if (t->sender_count >= SRTP_MAX_SENDERS) return PEER_LIMIT;
  struct peer_sender *s = calloc(1, sizeof(*s));
  if (s == NULL) return PEER_NO_MEMORY;
  s->ssrc = ssrc;
  const int status = t->srtp == NULL ? SRTP_OK : srtp_sender_open(&s->srtp, t->srtp, ssrc);
  if (status != SRTP_OK) {
    free(s);
    return error_of(status);
  }
  s->next = t->senders;
  t->senders = s;
  t->sender_count++;
  *out = s;
  return PEER_OK;
}

void peer_transport_remove_sender(struct peer_transport *t, struct peer_sender *s) {
  for (struct peer_sender **at = &t->senders; *at != NULL; at = &(*at)->next) {
    if (*at != s) continue;
    *at = s->next; /* its SRTP state stays with the session: indices must not be forgotten under a living key */
    t->sender_count--;
    free(s);
    return;
  }
}

/* --- sealing ---------------------------------------------------------------------------------------------------------- */

__attribute__((noinline)) static int may_seal(struct peer_transport *t, size_t len) {
  if (t->srtp == NULL || t->state == PEER_CLOSED || ice_agent_selected(t->ice) == NULL) return PEER_NOT_CONNECTED;
  if (ice_agent_may_send(t->ice, len)) return PEER_OK;
  t->stats.drops[ICE_DROP_OUT_UNPROVEN]++;
  return PEER_UNPROVEN;
}

static int finish_seal(struct peer_transport *t, int result) {
  if (result < 0) return error_of(result);
  t->stats.packets_sent++;
  t->stats.bytes_sent += (size_t)result;
  return result;
}

int peer_transport_begin_seal(struct peer_transport *t, struct peer_sender *s, size_t packet_len,
                              struct srtp_seal *seal) {
  const int allowed = may_seal(t, packet_len);
  if (allowed != PEER_OK) return allowed;
  seal->sender = s->srtp;
  t->stats.packets_sent++;
  t->stats.bytes_sent += packet_len;
  return PEER_OK;
}

int peer_transport_seal_rtp(struct peer_transport *t, struct peer_sender *s, const uint8_t *header, size_t header_len,
                            const uint8_t *payload, size_t payload_len, uint8_t *out, size_t cap) {
  return peer_transport_seal_padded(t, s, header, header_len, payload, payload_len, 0, out, cap);
}

int peer_transport_seal_padded(struct peer_transport *t, struct peer_sender *s, const uint8_t *header,
                               size_t header_len, const uint8_t *payload, size_t payload_len, uint8_t padding,
                               uint8_t *out, size_t cap) {
  const int allowed = may_seal(t, header_len + payload_len + padding + SRTP_MAX_TAG_BYTES);
  if (allowed != PEER_OK) return allowed;
  struct srtp_seal seal = {
      .sender = s->srtp, .header = header, .header_len = header_len, .payload = payload, .payload_len = payload_len};
  seal.padding = padding;
  seal.out = out;
  seal.cap = cap;
  return finish_seal(t, srtp_seal_packet(&seal));
}

void peer_transport_prefetch(const struct peer_transport *t, const struct peer_sender *s) {
  __builtin_prefetch(t, 1);
  __builtin_prefetch(s->srtp, 1);
}

void peer_transport_prefetch_keys(const struct peer_sender *s) {
  if (s->srtp != NULL) srtp_sender_prefetch(s->srtp);
}

int peer_transport_begin_run(struct peer_transport *t, struct peer_seal_run *run) {
  if (t->srtp == NULL || t->state == PEER_CLOSED || t->path == PEER_PATH_NONE) return PEER_NOT_CONNECTED;
  run->transport = t;
  run->tag_bytes = t->tag_bytes;
  run->proven = t->path == PEER_PATH_PROVEN;
  return PEER_OK;
}

int peer_transport_seal_next(const struct peer_seal_run *run, struct peer_sender *s, uint8_t *packet, size_t header_len,
                             const uint8_t *payload, size_t payload_len, uint8_t padding, size_t cap) {
  if (!run->proven) {
    const int allowed = may_seal(run->transport, header_len + payload_len + padding + run->tag_bytes);
    if (allowed != PEER_OK) return allowed;
  }
  const int result = srtp_seal_written(s->srtp, packet, header_len, payload, payload_len, padding, cap);
  return result < 0 ? error_of(result) : result;
}

void peer_transport_end_run(const struct peer_seal_run *run, uint64_t packets, uint64_t bytes) {
  run->transport->stats.packets_sent += packets;
  run->transport->stats.bytes_sent += bytes;
}

int peer_transport_seal_rtcp(struct peer_transport *t, const uint8_t *rtcp, size_t len, uint8_t *out, size_t cap) {
  const int allowed = may_seal(t, len + SRTCP_MAX_OVERHEAD_BYTES);
  if (allowed != PEER_OK) return allowed;
  return finish_seal(t, srtp_session_seal_rtcp(t->srtp, rtcp, len, out, cap));
}

/* --- data channels ---------------------------------------------------------------------------------------------------- */

static void on_sctp_send(const uint8_t *data, size_t len, void *arg) {
  struct peer_transport *t = arg;
  (void)dtls_transport_send(t->dtls, data, len, t->now_us); /* false once closed: nothing is lost that matters */
}

static void copy_text(char *out, size_t cap, const char *text, size_t len) {
  if (len >= cap) len = cap - 1;
  if (len > 0) memcpy(out, text, len);
  out[len] = '\0';
}

static void on_channel_opened(uint16_t channel, const struct data_channel_options *options, void *arg) {
  struct peer_transport *t = arg;
  char label[SCTP_MAX_LABEL_BYTES + 1], protocol[SCTP_MAX_PROTOCOL_BYTES + 1];
  if (t->on.channel_opened == NULL) return;
  copy_text(label, sizeof(label), options->label, options->label_len);
  copy_text(protocol, sizeof(protocol), options->protocol, options->protocol_len);
  const struct peer_channel opened = {.id = channel,
                                      .label = label,
                                      .protocol = protocol,
                                      .ordered = options->unordered == 0,
                                      .reliable = options->reliability == DATA_CHANNEL_RELIABLE};
  t->on.channel_opened(t->on.arg, &opened);
}

static void on_channel_message(uint16_t channel, enum data_channel_message kind, const uint8_t *data, size_t len,
                               void *arg) {
  struct peer_transport *t = arg;
  if (t->on.channel_message != NULL) {
    t->on.channel_message(t->on.arg, channel, kind == DATA_CHANNEL_BINARY, data, len);
  }
}

static void on_channel_closed(uint16_t channel, void *arg) {
  struct peer_transport *t = arg;
  if (t->on.channel_closed != NULL) t->on.channel_closed(t->on.arg, channel);
}

static void on_queue_low(void *arg) {
  struct peer_transport *t = arg;
  if (t->on.queue_low != NULL) t->on.queue_low(t->on.arg);
}

bool peer_transport_start_sctp(struct peer_transport *t) {
  if (t->sctp_port == 0) return true;
  const struct sctp_association_config config = {.remote_port = t->sctp_port};
  const struct sctp_association_listener listener = {
      .send_packet = on_sctp_send,
      .channel_opened = on_channel_opened,
      .channel_message = on_channel_message,
      .channel_closed = on_channel_closed,
      .queue_low = on_queue_low,
      .arg = t,
  };
  if (sctp_association_create(&t->sctp, t->context->sctp, &config, &listener) != SCTP_OK) return false;
  return sctp_association_connect(t->sctp) == SCTP_OK;
}

int peer_transport_send_message(struct peer_transport *t, uint16_t channel, bool binary, const uint8_t *data,
                                size_t len, int64_t now_us) {
  if (t->sctp == NULL || t->state == PEER_CLOSED) return PEER_NOT_CONNECTED;
  t->now_us = now_us;
  switch (sctp_association_send(t->sctp, channel, binary ? DATA_CHANNEL_BINARY : DATA_CHANNEL_TEXT, data, len)) {
    case SCTP_OK:
      return PEER_OK;
    case SCTP_NOT_CONNECTED:
      return PEER_NOT_CONNECTED;
    case SCTP_TOO_LARGE:
      return PEER_TOO_LARGE;
    case SCTP_QUEUE_FULL:
      return PEER_LIMIT;
    case SCTP_NO_MEMORY:
      return PEER_NO_MEMORY;
    case SCTP_LIBRARY_ERROR:
      return PEER_CRYPTO;
    default:
      return PEER_NO_CHANNEL;
  }
}
