/* tests/ice/interop_test.c: a peer_transport on a real UDP socket against libnice's full NiceAgent, an OpenSSL DTLS
 * client and libsrtp2, over loopback. One thread: the agent's GMainContext is iterated by hand. */
#include <agent.h>
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "ice/demux.h"
#include "ice/peer_transport.h"
#include "tests/ice/media_client.h"
/* cmocka.h needs the standard headers above */
#include <cmocka.h>

#define SECOND      ((int64_t)1000000)
#define PATIENCE    (20 * SECOND) /* of real time; a run takes well under one second */
#define SERVER_SSRC 0x2222u

struct world {
  struct peer_transport_context *context;
  struct peer_transport *t;
  struct peer_sender *sender;
  int fd;
  char ip[INET6_ADDRSTRLEN];
  uint16_t port;
  int64_t skipped; /* virtual time on top of the real one */
  GMainContext *loop;
  NiceAgent *agent;
  guint stream;
  struct dtls_client dtls;
  struct media_client media;
  size_t hello_pieces;
  uint16_t seq;
  unsigned rtp_in, rtcp_in, rtp_out; /* opened by the transport; opened by libsrtp2 */
  unsigned retired;
  enum peer_reason reason;
  enum ice_drop_reason last_drop;
};

static int64_t now_us(const struct world *w) {
  struct timespec ts;
  clock_gettime(CLOCK_MONOTONIC, &ts);
  return (int64_t)ts.tv_sec * SECOND + ts.tv_nsec / 1000 + w->skipped;
}

/* --- the server's socket ------------------------------------------------------------------------------------------ */

static void on_send(void *arg, const struct ice_address *to, const uint8_t *data, size_t len) {
  struct world *w = arg;
  (void)!sendto(w->fd, data, len, 0, &to->any, ice_address_length(to));
}

static void on_state(void *arg, enum peer_state state, enum peer_reason reason) {
  (void)state;
  ((struct world *)arg)->reason = reason;
}

static void on_retired(void *arg, const char *ufrag) {
  (void)ufrag;
  ((struct world *)arg)->retired++;
}

static bool open_socket(struct world *w, const char *ip) {
  struct ice_address a;
  socklen_t len;
  snprintf(w->ip, sizeof(w->ip), "%s", ip);
  if (!ice_address_parse(&a, ip, 0)) return false;
  w->fd = socket(a.any.sa_family, SOCK_DGRAM, 0);
  len = ice_address_length(&a);
  if (w->fd < 0 || bind(w->fd, &a.any, len) != 0 || getsockname(w->fd, &a.any, &len) != 0) return false;
  w->port = ice_address_port(&a);
  return true;
}

static void serve(struct world *w, int wait_ms) {
  struct pollfd p = {.fd = w->fd, .events = POLLIN};
  if (poll(&p, 1, wait_ms) <= 0) return;
  for (;;) {
    uint8_t data[2048];
    struct sockaddr_storage ss;
    struct ice_address from;
    struct peer_packet packet;
    socklen_t len = sizeof(ss);
    const ssize_t got = recvfrom(w->fd, data, sizeof(data), MSG_DONTWAIT, (struct sockaddr *)&ss, &len);
    if (got < 0) return;
    assert_true(ice_address_from_sockaddr(&from, (struct sockaddr *)&ss, len));
    peer_transport_receive(w->t, &from, data, (size_t)got, now_us(w), &packet);
    if (packet.kind == PEER_PACKET_RTP) w->rtp_in++;
    if (packet.kind == PEER_PACKET_RTCP) w->rtcp_in++;
    if (packet.drop != ICE_DROP_NONE) w->last_drop = packet.drop;
  }
}

/* --- the client ------------------------------------------------------------------------------------------------------ */

static void on_nice_receive(NiceAgent *agent, guint stream, guint component, guint len, gchar *data, gpointer arg) {
  struct world *w = arg;
  uint8_t *bytes = (uint8_t *)data;
  (void)agent, (void)stream, (void)component;
  const enum ice_packet_kind kind = ice_demux(bytes, len);
  if (kind == ICE_PACKET_DTLS) dtls_client_receive(&w->dtls, bytes, len);
  if (kind == ICE_PACKET_RTP && w->media.in != NULL && media_client_open_rtp(&w->media, bytes, len) > 0) w->rtp_out++;
}

static void client_send(struct world *w, const uint8_t *data, size_t len) {
  (void)nice_agent_send(w->agent, w->stream, 1, (guint)len, (const gchar *)data);
}

/* Tells the agent the answer's credentials and its one candidate. */
static void tell_agent(struct world *w) {
  NiceCandidate *c = nice_candidate_new(NICE_CANDIDATE_TYPE_HOST);
  struct ice_candidate ours[1];
  const char *const ips[] = {w->ip};
  assert_int_equal(ice_candidates_make(ours, 1, ips, 1, w->port), 1);
  assert_true(nice_agent_set_remote_credentials(w->agent, w->stream, peer_transport_local_ufrag(w->t),
                                                peer_transport_local_pwd(w->t)));
  c->component_id = 1;
  c->stream_id = w->stream;
  c->transport = NICE_CANDIDATE_TRANSPORT_UDP;
  c->priority = ours[0].priority;
  snprintf(c->foundation, sizeof(c->foundation), "%s", ours[0].foundation);
  assert_true(nice_address_set_from_string(&c->addr, w->ip));
  nice_address_set_port(&c->addr, w->port);
  GSList *list = g_slist_append(NULL, c);
  assert_true(nice_agent_set_remote_candidates(w->agent, w->stream, 1, list) > 0);
  g_slist_free_full(list, (GDestroyNotify)nice_candidate_free);
}

static void make_agent(struct world *w) {
  NiceAddress local;
  w->loop = g_main_context_new();
  w->agent = nice_agent_new_full(w->loop, NICE_COMPATIBILITY_RFC5245, NICE_AGENT_OPTION_CONSENT_FRESHNESS);
  g_object_set(w->agent, "upnp", FALSE, "ice-tcp", FALSE, "controlling-mode", TRUE, NULL);
  nice_address_init(&local);
  assert_true(nice_address_set_from_string(&local, w->ip));
  nice_agent_add_local_address(w->agent, &local);
  w->stream = nice_agent_add_stream(w->agent, 1);
  assert_true(w->stream > 0);
  nice_agent_attach_recv(w->agent, w->stream, 1, w->loop, on_nice_receive, w);
  assert_true(nice_agent_gather_candidates(w->agent, w->stream));
}

/* --- both -------------------------------------------------------------------------------------------------------------- */

static void step(struct world *w) {
  serve(w, 2);
  while (g_main_context_iteration(w->loop, FALSE)) {
  }
  if (peer_transport_deadline(w->t) <= now_us(w)) peer_transport_tick(w->t, now_us(w));
  if (nice_agent_get_component_state(w->agent, w->stream, 1) < NICE_COMPONENT_STATE_CONNECTED) return;
  dtls_client_run(&w->dtls);
  (void)DTLSv1_handle_timeout(w->dtls.ssl);
  if (w->hello_pieces == 0) w->hello_pieces = w->dtls.queued;
  for (size_t i = 0; i < w->dtls.queued; i++)
    client_send(w, w->dtls.queue[i].data, w->dtls.queue[i].len);
  w->dtls.queued = 0;
}

#define WAIT_FOR(w, condition)                    \
  do {                                            \
    const int64_t give_up = now_us(w) + PATIENCE; \
    while (!(condition) && now_us(w) < give_up)   \
      step(w);                                    \
    assert_true(condition);                       \
  } while (0)

static bool begin(struct world *w, const char *ip, const char *profiles, bool wrong_fingerprint) {
  const struct peer_transport_listener on = {
      .arg = w, .send = on_send, .state_changed = on_state, .ufrag_retired = on_retired};
  const struct dtls_client_options o = {.srtp_profiles = profiles, .hello_padding = 1216};
  gchar *ufrag = NULL, *pwd = NULL;
  if (!open_socket(w, ip)) return false;
  assert_int_equal(peer_transport_create(&w->t, w->context, &on, now_us(w)), PEER_OK);
  assert_int_equal(peer_transport_add_sender(w->t, SERVER_SSRC, &w->sender), PEER_OK);
  make_agent(w);
  assert_true(dtls_client_init(&w->dtls, &o));
  assert_true(nice_agent_get_local_credentials(w->agent, w->stream, &ufrag, &pwd));
  struct ice_fingerprint f = dtls_client_fingerprint(&w->dtls, "sha-256");
  if (wrong_fingerprint) f.bytes[0] ^= 0x80;
  const struct peer_remote remote = {ufrag, pwd, &f, 1, 0};
  assert_int_equal(peer_transport_set_remote(w->t, &remote, now_us(w)), PEER_OK);
  g_free(ufrag);
  g_free(pwd);
  tell_agent(w);
  return true;
}

static void connect_both(struct world *w) {
  WAIT_FOR(w, peer_transport_state(w->t) == PEER_CONNECTED && w->dtls.connected);
  assert_true(media_client_open(&w->media, &w->dtls));
  assert_int_equal(w->media.profile, peer_transport_stats(w->t)->srtp_profile);
  assert_int_equal(w->hello_pieces, 2);
}

static void exchange_media(struct world *w) {
  const unsigned in = w->rtp_in, out = w->rtp_out, rtcp = w->rtcp_in;
  for (int i = 0; i < 50; i++) {
    uint8_t packet[256], header[12];
    client_send(w, packet, media_client_rtp(&w->media, 0x1111, w->seq, "upstream", 8, packet));
    write_rtp_header(header, SERVER_SSRC, w->seq++);
    const int len =
        peer_transport_seal_rtp(w->t, w->sender, header, 12, (const uint8_t *)"down", 4, packet, sizeof(packet));
    assert_true(len > 16);
    on_send(w, peer_transport_selected(w->t), packet, (size_t)len);
  }
  uint8_t report[64];
  client_send(w, report, media_client_rtcp(&w->media, 0x1111, report));
  WAIT_FOR(w, w->rtp_in == in + 50 && w->rtp_out == out + 50 && w->rtcp_in == rtcp + 1);
}

static int setup(void **state) {
  struct world *w = calloc(1, sizeof(*w));
  w->fd = -1;
  *state = w;
  return peer_transport_context_create(&w->context, 1795334400);
}

static int teardown(void **state) {
  struct world *w = *state;
  peer_transport_free(w->t);
  media_client_close(&w->media);
  dtls_client_free(&w->dtls);
  if (w->agent != NULL) {
    nice_agent_remove_stream(w->agent, w->stream);
    g_object_unref(w->agent);
    while (g_main_context_iteration(w->loop, FALSE)) {
    }
    g_main_context_unref(w->loop);
  }
  if (w->fd >= 0) close(w->fd);
  peer_transport_context_free(w->context);
  free(w);
  return 0;
}

/* --- tests ---------------------------------------------------------------------------------------------------------------- */

static void run_profile(struct world *w, const char *profiles, uint16_t id) {
  assert_true(begin(w, "127.0.0.1", profiles, false));
  connect_both(w);
  assert_int_equal(w->media.profile, id);
  exchange_media(w);
  assert_true(peer_transport_stats(w->t)->rtt_us > 0);
}

static void gcm_128(void **state) {
  run_profile(*state, ICE_SRTP_PROFILES, 7);
}

static void gcm_256(void **state) {
  run_profile(*state, "SRTP_AES128_CM_SHA1_80:SRTP_AEAD_AES_256_GCM", 8);
}

static void cm_sha1_80(void **state) {
  run_profile(*state, "SRTP_AES128_CM_SHA1_80", 1);
}

static void over_ipv6(void **state) {
  struct world *w = *state;
  struct ice_address a;
  assert_true(ice_address_parse(&a, "::1", 0));
  const int probe = socket(AF_INET6, SOCK_DGRAM, 0);
  const bool available = probe >= 0 && bind(probe, &a.any, ice_address_length(&a)) == 0;
  if (probe >= 0) close(probe);
  if (!available) skip();
  assert_true(begin(w, "::1", ICE_SRTP_PROFILES, false));
  connect_both(w);
  exchange_media(w);
}

static void wrong_fingerprint(void **state) {
  struct world *w = *state;
  uint8_t header[12], out[64];
  assert_true(begin(w, "127.0.0.1", ICE_SRTP_PROFILES, true));
  WAIT_FOR(w, peer_transport_state(w->t) == PEER_CLOSED);
  assert_int_equal(w->reason, PEER_REASON_FINGERPRINT);
  assert_int_equal(peer_transport_stats(w->t)->srtp_profile, 0);
  write_rtp_header(header, SERVER_SSRC, 1);
  assert_int_equal(peer_transport_seal_rtp(w->t, w->sender, header, 12, header, 12, out, sizeof(out)),
                   PEER_NOT_CONNECTED);
}

static void ice_restart(void **state) {
  struct world *w = *state;
  gchar *ufrag = NULL, *pwd = NULL;
  assert_true(begin(w, "127.0.0.1", ICE_SRTP_PROFILES, false));
  connect_both(w);
  exchange_media(w);
  assert_true(nice_agent_restart(w->agent));
  assert_true(nice_agent_get_local_credentials(w->agent, w->stream, &ufrag, &pwd));
  assert_int_equal(peer_transport_restart_ice(w->t, ufrag, pwd, now_us(w)), PEER_OK);
  g_free(ufrag);
  g_free(pwd);
  tell_agent(w);
  WAIT_FOR(w, w->retired == 1);
  exchange_media(w);
  assert_int_equal(peer_transport_state(w->t), PEER_CONNECTED);
}

static void consent_expires(void **state) {
  struct world *w = *state;
  assert_true(begin(w, "127.0.0.1", ICE_SRTP_PROFILES, false));
  connect_both(w);
  w->skipped += 29 * SECOND; /* nothing is read from the socket meanwhile */
  peer_transport_tick(w->t, now_us(w));
  assert_int_equal(peer_transport_state(w->t), PEER_DISCONNECTED);
  w->skipped += 2 * SECOND;
  peer_transport_tick(w->t, now_us(w));
  assert_int_equal(peer_transport_state(w->t), PEER_FAILED);
  assert_int_equal(w->reason, PEER_REASON_CONSENT);
  assert_null(peer_transport_selected(w->t));
}

static void wrong_password(void **state) {
  struct world *w = *state;
  assert_true(begin(w, "127.0.0.1", ICE_SRTP_PROFILES, false));
  assert_true(nice_agent_set_remote_credentials(w->agent, w->stream, peer_transport_local_ufrag(w->t),
                                                "guessguessguessguessguess"));
  WAIT_FOR(w, w->last_drop != ICE_DROP_NONE);
  assert_int_equal(w->last_drop, ICE_DROP_STUN_INTEGRITY);
  assert_int_equal(peer_transport_stats(w->t)->packets_sent, 0);
  assert_int_equal(peer_transport_state(w->t), PEER_NEW);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(gcm_128),           TEST(gcm_256),     TEST(cm_sha1_80),      TEST(over_ipv6),
      TEST(wrong_fingerprint), TEST(ice_restart), TEST(consent_expires), TEST(wrong_password),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
