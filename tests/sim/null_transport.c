/* A transport that lets everything through: see tests/sim/null_transport.h. Of a media packet's payload only what a link carries is
 * copied. */
#include "tests/sim/null_transport.h"

#include <stdlib.h>
#include <string.h>

#include "ice/demux.h"
#include "ice/srtp_session.h"
#include "rtp/packet.h"
#include "tests/sim/link.h"

/* As ice/srtp_session.c: of a stream that nobody wants so manieth a packet is opened all the same. */
#define OPENED_EVERY     64
#define OPENED_EVERY_US  INT64_C(1000000)
#define SKIPPING_STREAMS 64

struct peer_transport_context {
  int unused;
};

struct peer_sender {
  uint32_t ssrc;
};

struct skipping {
  uint32_t ssrc;
  unsigned packets;
  int64_t since_us;
};

struct peer_transport {
  struct peer_transport_listener on;
  struct ice_address address;
  struct peer_transport_stats stats;
  enum peer_state state;
  char ufrag[16];
  struct skipping skipping[SKIPPING_STREAMS];
};

static struct peer_transport_context context;

/* ---- what all share ---- */

bool peer_transport_save_memory(void) {
  return true;
}

int peer_transport_context_create(struct peer_transport_context **out, int64_t unix_now_s) {
  (void)unix_now_s;
  *out = &context;
  return PEER_OK;
}

void peer_transport_context_free(struct peer_transport_context *c) {
  (void)c;
}

const char *peer_transport_context_fingerprint(const struct peer_transport_context *c) {
  (void)c;
  return "00:01:02:03:04:05:06:07:08:09:0A:0B:0C:0D:0E:0F:10:11:12:13:14:15:16:17:18:19:1A:1B:1C:1D:1E:1F";
}

int64_t peer_transport_context_deadline(const struct peer_transport_context *c) {
  (void)c;
  return INT64_MAX;
}

void peer_transport_context_tick(struct peer_transport_context *c, int64_t now_us) {
  (void)c;
  (void)now_us;
}

void peer_transport_context_finish(struct peer_transport_context *c) {
  (void)c;
}

/* ---- a peer's life ---- */

int peer_transport_create(struct peer_transport **out, struct peer_transport_context *c,
                          const struct peer_transport_listener *listener, int64_t now_us) {
  static unsigned created;
  (void)c;
  (void)now_us;
  struct peer_transport *t = calloc(1, sizeof *t);
  if (!t) return PEER_NO_MEMORY;
  t->on = *listener;
  created++;
  for (unsigned i = 0; i < 8; i++)
    t->ufrag[i] = (char)('a' + (created >> 3 * i & 7));
  *out = t;
  return PEER_OK;
}

void peer_transport_free(struct peer_transport *t) {
  free(t);
}

void null_transport_connect(struct peer_transport *t, const struct ice_address *address, int64_t rtt_us) {
  t->address = *address;
  t->stats.rtt_us = rtt_us;
  t->state = PEER_CONNECTED;
  t->on.tuple_added(t->on.arg, address);
  t->on.selected(t->on.arg, address);
  if (t->on.state_changed) t->on.state_changed(t->on.arg, PEER_CONNECTED, PEER_REASON_NONE);
}

const char *peer_transport_local_ufrag(const struct peer_transport *t) {
  return t->ufrag;
}

const char *peer_transport_local_pwd(const struct peer_transport *t) {
  (void)t;
  return "simulationsimulationsimulation";
}

int peer_transport_set_remote(struct peer_transport *t, const struct peer_remote *remote, int64_t now_us) {
  (void)t;
  (void)remote;
  (void)now_us;
  return PEER_OK;
}

int peer_transport_restart_ice(struct peer_transport *t, const char *ufrag, const char *pwd, int64_t now_us) {
  (void)t;
  (void)ufrag;
  (void)pwd;
  (void)now_us;
  return PEER_OK;
}

int64_t peer_transport_deadline(const struct peer_transport *t) {
  (void)t;
  return INT64_MAX;
}

void peer_transport_tick(struct peer_transport *t, int64_t now_us) {
  (void)t;
  (void)now_us;
}

void peer_transport_close(struct peer_transport *t, int64_t now_us) {
  (void)now_us;
  t->state = PEER_CLOSED;
}

/* ---- packets ---- */

static bool may_skip(struct peer_transport *t, const uint8_t *data, int64_t now_us) {
  uint32_t ssrc;
  memcpy(&ssrc, data + 8, sizeof ssrc);
  struct skipping *s = t->skipping;
  while (s->ssrc != ssrc && s->ssrc != 0) {
    if (++s == t->skipping + SKIPPING_STREAMS) return false;
  }
  s->ssrc = ssrc;
  if (s->packets == 0) s->since_us = now_us;
  if (s->packets == OPENED_EVERY - 1 || now_us - s->since_us >= OPENED_EVERY_US) {
    s->packets = 0;
    return false;
  }
  s->packets++;
  return true;
}

void peer_transport_receive(struct peer_transport *t, const struct ice_address *from, uint8_t *data, size_t len,
                            int64_t now_us, struct peer_packet *out) {
  (void)from;
  const bool rtp = ice_demux(data, len) == ICE_PACKET_RTP;
  *out = (struct peer_packet){.kind = rtp ? PEER_PACKET_RTP : PEER_PACKET_RTCP, .len = len, .drop = ICE_DROP_NONE};
  if (rtp && !t->on.wants_rtp(t->on.arg, data, len) && may_skip(t, data, now_us)) out->kind = PEER_PACKET_UNOPENED;
}

int peer_transport_add_sender(struct peer_transport *t, uint32_t ssrc, struct peer_sender **out) {
  (void)t;
  *out = calloc(1, sizeof **out);
  if (!*out) return PEER_NO_MEMORY;
  (*out)->ssrc = ssrc;
  return PEER_OK;
}

void peer_transport_remove_sender(struct peer_transport *t, struct peer_sender *s) {
  (void)t;
  free(s);
}

void peer_transport_prefetch(const struct peer_transport *t, const struct peer_sender *s) {
  (void)t;
  (void)s;
}

void peer_transport_prefetch_keys(const struct peer_sender *s) {
  (void)s;
}

int peer_transport_begin_run(struct peer_transport *t, struct peer_seal_run *run) {
  if (t->state != PEER_CONNECTED) return PEER_NOT_CONNECTED;
  *run = (struct peer_seal_run){.transport = t, .proven = true};
  return PEER_OK;
}

int peer_transport_seal_next(const struct peer_seal_run *run, struct peer_sender *s, uint8_t *packet, size_t header_len,
                             const uint8_t *payload, size_t payload_len, uint8_t padding, size_t cap) {
  (void)run;
  (void)s;
  size_t len = header_len + payload_len + padding;
  if (len > cap) return PEER_TOO_LARGE;
  bool whole = packet[0] & RTP_PADDING_BIT || payload_len <= LINK_CARRIED;
  memmove(packet + header_len, payload, whole ? payload_len : LINK_CARRIED);
  if (padding) {
    packet[0] |= RTP_PADDING_BIT;
    packet[len - 1] = padding;
  }
  return (int)len;
}

void peer_transport_end_run(const struct peer_seal_run *run, uint64_t packets, uint64_t bytes) {
  run->transport->stats.packets_sent += packets;
  run->transport->stats.bytes_sent += bytes;
}

int peer_transport_seal_rtcp(struct peer_transport *t, const uint8_t *rtcp, size_t len, uint8_t *out, size_t cap) {
  if (t->state != PEER_CONNECTED) return PEER_NOT_CONNECTED;
  if (len > cap) return PEER_TOO_LARGE;
  memcpy(out, rtcp, len);
  return (int)len;
}

int peer_transport_send_message(struct peer_transport *t, uint16_t channel, bool binary, const uint8_t *data,
                                size_t len, int64_t now_us) {
  (void)t;
  (void)channel;
  (void)binary;
  (void)data;
  (void)len;
  (void)now_us;
  return PEER_NO_CHANNEL;
}

const struct ice_address *peer_transport_selected(const struct peer_transport *t) {
  return t->state == PEER_CONNECTED ? &t->address : NULL;
}

/* ---- looking ---- */

enum peer_state peer_transport_state(const struct peer_transport *t) {
  return t->state;
}

const char *peer_state_name(enum peer_state s) {
  (void)s;
  return "simulated";
}

const struct peer_transport_stats *peer_transport_stats(struct peer_transport *t) {
  return &t->stats;
}

size_t peer_transport_tuples(const struct peer_transport *t, struct ice_address *out, size_t max) {
  if (t->state != PEER_CONNECTED || max == 0) return 0;
  out[0] = t->address;
  return 1;
}
