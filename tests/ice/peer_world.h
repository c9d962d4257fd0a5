/* tests/ice/peer_world.h: a peer_transport and a scripted browser joined in memory and virtual time.
 *
 * The browser is libnice's STUN library, an OpenSSL DTLS client and libsrtp2; it shares no code with the transport.
 * Header-only, because each test program has one world.
 */
#ifndef TESTS_ICE_PEER_WORLD_H
#define TESTS_ICE_PEER_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ice/demux.h"
#include "ice/peer_transport.h"
#include "ice/sctp_association.h"
#include "ice/srtp_session.h"
#include "tests/ice/media_client.h"
#include "tests/ice/stun_client.h"
/* cmocka.h needs the standard headers above */
#include <cmocka.h>

#define SECOND       ((int64_t)1000000)
#define BROWSER_PWD  "browserpwdbrowserpwdbrowser"
#define BROWSER_SSRC 0x1111u
#define SERVER_SSRC  0x2222u
#define WORLD_QUEUE  256

struct world {
  struct peer_transport_context *context;
  struct peer_transport *t;
  int64_t now;
  /* the browser */
  struct stun_client ice;
  struct dtls_client dtls;
  struct media_client media;
  struct sctp_association *sctp;
  struct ice_address address;
  char ufrag[64], pwd[64]; /* the server's */
  bool deaf;               /* does not answer our checks */
  uint16_t seq;
  size_t bytes_to_server, bytes_to_browser;
  /* on the way to the browser */
  struct {
    struct ice_address to;
    uint8_t data[2048];
    size_t len;
  } queue[WORLD_QUEUE];
  size_t queued;
  /* what the listener and the browser saw */
  enum peer_state states[64];
  unsigned state_count, added, removed, selections, opened, messages, channels_closed, browser_messages;
  enum peer_reason reason;
  char retired[64], label[256];
  uint16_t channel;
  bool channel_ordered, channel_reliable;
  uint8_t message[1024];
  size_t message_len;
};

static void world_on_send(void *arg, const struct ice_address *to, const uint8_t *data, size_t len) {
  struct world *w = arg;
  w->bytes_to_browser += len;
  if (w->queued == WORLD_QUEUE) return;
  w->queue[w->queued].to = *to;
  w->queue[w->queued].len = len;
  memcpy(w->queue[w->queued++].data, data, len);
}

static void world_on_state(void *arg, enum peer_state state, enum peer_reason reason) {
  struct world *w = arg;
  assert_true(w->state_count < 64);
  w->states[w->state_count++] = state;
  w->reason = reason;
}

static void world_on_added(void *arg, const struct ice_address *remote) {
  (void)remote;
  ((struct world *)arg)->added++;
}

static void world_on_removed(void *arg, const struct ice_address *remote) {
  (void)remote;
  ((struct world *)arg)->removed++;
}

static void world_on_selected(void *arg, const struct ice_address *remote) {
  (void)remote;
  ((struct world *)arg)->selections++;
}

static void world_on_retired(void *arg, const char *ufrag) {
  struct world *w = arg;
  snprintf(w->retired, sizeof(w->retired), "%s", ufrag);
}

static void world_on_opened(void *arg, const struct peer_channel *channel) {
  struct world *w = arg;
  snprintf(w->label, sizeof(w->label), "%s", channel->label);
  w->channel = channel->id;
  w->channel_ordered = channel->ordered;
  w->channel_reliable = channel->reliable;
  w->opened++;
}

static void world_on_message(void *arg, uint16_t channel, bool binary, const uint8_t *data, size_t len) {
  struct world *w = arg;
  (void)channel, (void)binary;
  w->message_len = len < sizeof(w->message) ? len : sizeof(w->message);
  memcpy(w->message, data, w->message_len);
  w->messages++;
}

static void world_on_channel_closed(void *arg, uint16_t channel) {
  (void)channel;
  ((struct world *)arg)->channels_closed++;
}

/* The browser reads the answer's credentials. */
static inline void world_learn(struct world *w, const char *browser_ufrag) {
  snprintf(w->ufrag, sizeof(w->ufrag), "%s", peer_transport_local_ufrag(w->t));
  snprintf(w->pwd, sizeof(w->pwd), "%s", peer_transport_local_pwd(w->t));
  stun_client_init(&w->ice, browser_ufrag, BROWSER_PWD, w->ufrag, w->pwd);
}

static inline void world_move(struct world *w, const char *ip, uint16_t port) {
  assert_true(ice_address_parse(&w->address, ip, port));
}

static inline int world_setup(void **state) {
  struct world *w = calloc(1, sizeof(*w));
  const struct peer_transport_listener on = {
      w,
      world_on_send,
      world_on_state,
      world_on_added,
      world_on_removed,
      world_on_selected,
      world_on_retired,
      world_on_opened,
      world_on_message,
      world_on_channel_closed,
      NULL,
      NULL, /* all RTP is opened */
  };
  w->now = 777 * SECOND;
  if (peer_transport_context_create(&w->context, 1795334400) != PEER_OK) return -1;
  if (peer_transport_create(&w->t, w->context, &on, w->now) != PEER_OK) return -1;
  if (!ice_address_parse(&w->address, "192.0.2.1", 50000)) return -1;
  *state = w;
  return 0;
}

static inline int world_teardown(void **state) {
  struct world *w = *state;
  sctp_association_free(w->sctp);
  peer_transport_free(w->t);
  media_client_close(&w->media);
  dtls_client_free(&w->dtls);
  peer_transport_context_free(w->context);
  free(w);
  return 0;
}

/* Offer and answer. `flip` changes a bit of the announced fingerprint. */
static inline void world_negotiate(struct world *w, const struct dtls_client_options *options, bool flip) {
  assert_true(dtls_client_init(&w->dtls, options));
  struct ice_fingerprint f = dtls_client_fingerprint(&w->dtls, "sha-256");
  if (flip) f.bytes[7] ^= 0x10;
  const struct peer_remote remote = {"browserufrag", BROWSER_PWD, &f, 1, 5000};
  assert_int_equal(peer_transport_set_remote(w->t, &remote, w->now), PEER_OK);
  world_learn(w, "browserufrag");
}

static inline struct peer_packet world_send_from(struct world *w, const struct ice_address *from, uint8_t *data,
                                                 size_t len) {
  struct peer_packet packet;
  w->bytes_to_server += len;
  peer_transport_receive(w->t, from, data, len, w->now, &packet);
  return packet;
}

static inline struct peer_packet world_send(struct world *w, uint8_t *data, size_t len) {
  return world_send_from(w, &w->address, data, len);
}

static inline enum ice_drop_reason world_check(struct world *w, bool nominate) {
  uint8_t request[512];
  const struct stun_check_options o = {.use_candidate = nominate};
  return world_send(w, request, stun_client_check(&w->ice, &o, request, sizeof(request))).drop;
}

static inline void world_browser_take(struct world *w, const struct ice_address *to, uint8_t *data, size_t len) {
  uint8_t answer[512];
  if (!ice_address_equal(to, &w->address)) return; /* sent to where the browser is not (any more) */
  switch (ice_demux(data, len)) {
    case ICE_PACKET_STUN:
      if (stun_class_of(data, len) != STUN_REQUEST || w->deaf) return;
      len = stun_client_answer(&w->ice, data, len, &w->address, answer, sizeof(answer));
      if (len > 0) (void)world_send(w, answer, len);
      return;
    case ICE_PACKET_DTLS:
      w->dtls.received_len = 0;
      dtls_client_receive(&w->dtls, data, len);
      if (w->sctp != NULL && w->dtls.received_len > 0) {
        (void)sctp_association_receive(w->sctp, w->dtls.received, w->dtls.received_len);
      }
      return;
    default:
      return; /* media is opened by the tests themselves */
  }
}

/* Lets everything that is on its way arrive, and what that causes, until nothing moves. */
static inline void world_pump(struct world *w) {
  for (int round = 0; round < 50 && (w->queued > 0 || w->dtls.queued > 0); round++) {
    const size_t to_browser = w->queued, to_server = w->dtls.queued;
    for (size_t i = 0; i < to_browser; i++)
      world_browser_take(w, &w->queue[i].to, w->queue[i].data, w->queue[i].len);
    memmove(w->queue, w->queue + to_browser, (w->queued - to_browser) * sizeof(w->queue[0]));
    w->queued -= to_browser;
    for (size_t i = 0; i < to_server; i++)
      (void)world_send(w, w->dtls.queue[i].data, w->dtls.queue[i].len);
    memmove(w->dtls.queue, w->dtls.queue + to_server, (w->dtls.queued - to_server) * sizeof(w->dtls.queue[0]));
    w->dtls.queued -= to_server;
  }
}

static const struct dtls_client_options world_browser = {.srtp_profiles = ICE_SRTP_PROFILES, .hello_padding = 1216};

/* Everything up to keys on both sides. */
static inline void world_connect(struct world *w, const struct dtls_client_options *options) {
  world_negotiate(w, options, false);
  assert_int_equal(world_check(w, true), ICE_DROP_NONE);
  world_pump(w);
  dtls_client_run(&w->dtls);
  world_pump(w);
  assert_int_equal(peer_transport_state(w->t), PEER_CONNECTED);
  assert_true(media_client_open(&w->media, &w->dtls));
}

/* The browser sends one RTP packet; the transport must give it back in the clear. */
static inline void world_expect_rtp_in(struct world *w) {
  uint8_t packet[256];
  char text[32];
  snprintf(text, sizeof(text), "upstream %u", (unsigned)w->seq);
  const size_t len = media_client_rtp(&w->media, BROWSER_SSRC, w->seq++, text, strlen(text), packet);
  assert_true(len > 0);
  const struct peer_packet got = world_send(w, packet, len);
  assert_int_equal(got.kind, PEER_PACKET_RTP);
  assert_int_equal(got.len, 12 + strlen(text));
  assert_memory_equal(packet + 12, text, strlen(text));
}

/* The transport seals one RTP packet; the browser must be able to open it. */
static inline void world_expect_rtp_out(struct world *w, struct peer_sender *sender) {
  uint8_t header[12], out[256];
  write_rtp_header(header, SERVER_SSRC, w->seq++);
  const int len =
      peer_transport_seal_rtp(w->t, sender, header, 12, (const uint8_t *)"downstream", 10, out, sizeof(out));
  assert_true(len > 22);
  assert_int_equal(media_client_open_rtp(&w->media, out, (size_t)len), 22);
  assert_memory_equal(out + 12, "downstream", 10);
}

#endif
