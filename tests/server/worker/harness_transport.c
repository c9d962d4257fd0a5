/* tests/server/worker/harness_transport.c: a scripted browser's sockets, ICE, DTLS, SRTP and data channels. */
#include <arpa/inet.h>
#include <endian.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "ice/demux.h"
#include "ice/peer_transport_internal.h"
#include "tests/server/worker/harness_internal.h"

/* Loopback delivers at once; this only bounds how long a bug may hang. */
#define DELIVERY_LIMIT_MS 5000

void harness_bind(struct browser *m) {
  struct sockaddr_in any = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t len = sizeof any;
  int room = 4 << 20;
  m->fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  assert_true(m->fd >= 0);
  setsockopt(m->fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof room);
  assert_int_equal(bind(m->fd, (struct sockaddr *)&any, len), 0);
  assert_int_equal(getsockname(m->fd, (struct sockaddr *)&any, &len), 0);
  assert_true(ice_address_from_sockaddr(&m->address, (struct sockaddr *)&any, len));
  any.sin_port = htons(udp_socket_port(m->harness->socket));
  assert_int_equal(connect(m->fd, (struct sockaddr *)&any, len), 0);
}

static void send_from(struct browser *m, int fd, const uint8_t *data, size_t len) {
  assert_int_equal(send(fd, data, len, 0), len);
  m->harness->sent_to_engine++;
}

void browser_send_datagram(struct browser *m, const uint8_t *data, size_t len) {
  send_from(m, m->fd, data, len);
}

/* ---- what a member receives ---- */

static bool flush_dtls(struct browser *m) {
  const size_t count = m->dtls.queued;
  for (size_t i = 0; i < count; i++)
    browser_send_datagram(m, m->dtls.queue[i].data, m->dtls.queue[i].len);
  m->dtls.queued = 0;
  return count > 0;
}

static bool swallows(struct browser *m, const uint8_t *data) {
  uint16_t seq;
  uint32_t ssrc;
  memcpy(&seq, data + 2, sizeof seq);
  memcpy(&ssrc, data + 8, sizeof ssrc);
  if (!m->swallow_ssrc || be32toh(ssrc) != m->swallow_ssrc || be16toh(seq) % 3 || be16toh(seq) == m->swallowed)
    return false;
  m->swallowed = be16toh(seq);
  return true;
}

static void take_media(struct browser *m, bool rtp, const uint8_t *data, size_t len) {
  struct got *list = rtp ? m->rtp : m->rtcp;
  size_t *count = rtp ? &m->rtp_count : &m->rtcp_count;
  assert_true(*count < BROWSER_PACKETS);
  if (rtp && swallows(m, data)) return;
  struct got *got = &list[*count];
  memcpy(got->data, data, len);
  got->len = !m->media.profile ? 0
             : rtp             ? media_client_open_rtp(&m->media, got->data, len)
                               : media_client_open_rtcp(&m->media, got->data, len);
  if (got->len == 0) {
    m->undecryptable++;
    return;
  }
  if (rtp) {
    assert_int_equal(rtp_packet_parse(&got->p, got->data, got->len), RTP_OK);
    rtp_extension_read(&got->p, &m->extensions, &got->x);
    if (!link_carries(m, &got->x, len)) return;
  }
  (*count)++;
}

static void take_datagram(struct browser *m, uint8_t *data, size_t len) {
  uint8_t answer[512];
  switch (ice_demux(data, len)) {
    case ICE_PACKET_STUN:
      if (stun_class_of(data, len) != STUN_REQUEST || m->deaf) return;
      len = stun_client_answer(&m->ice, data, len, &m->address, answer, sizeof answer);
      if (len > 0) browser_send_datagram(m, answer, len);
      return;
    case ICE_PACKET_DTLS:
      m->dtls.received_len = 0;
      dtls_client_receive(&m->dtls, data, len);
      if (m->sctp && m->dtls.received_len)
        (void)sctp_association_receive(m->sctp, m->dtls.received, m->dtls.received_len);
      return;
    case ICE_PACKET_RTP:
    case ICE_PACKET_RTCP:
      take_media(m, ice_demux(data, len) == ICE_PACKET_RTP, data, len);
      return;
    default:
      fail_msg("the engine sent something unknown");
  }
}

static bool drain_browser(struct browser *m) {
  uint8_t data[2048];
  bool moved = false;
  for (ssize_t n; (n = recv(m->fd, data, sizeof data, 0)) >= 0; moved = true) {
    m->harness->got_from_engine++;
    take_datagram(m, data, (size_t)n);
  }
  for (; m->old_fd >= 0 && recv(m->old_fd, data, sizeof data, 0) >= 0; moved = true) {
    m->harness->got_from_engine++;
    m->stray++;
  }
  return flush_dtls(m) || moved;
}

/* ---- moving datagrams ---- */

static void on_datagram(void *arg, const struct sockaddr *from, socklen_t from_len, uint8_t *data, size_t len) {
  struct harness *h = arg;
  engine_receive(h->engine, from, from_len, data, len, h->now_us);
}

static void on_batch_over(void *arg) {
  struct harness *h = arg;
  engine_batch_over(h->engine);
}

static bool drain_engine(struct harness *h) {
  const struct udp_counters *in = udp_socket_counters(h->socket);
  if (in->packets + in->drop_truncated + in->drop_kernel == h->sent_to_engine) return false;
  struct pollfd p = {.fd = udp_socket_fd(h->socket), .events = POLLIN};
  assert_int_equal(poll(&p, 1, DELIVERY_LIMIT_MS), 1);
  udp_socket_drain(h->socket, 16, on_datagram, on_batch_over, h);
  return true;
}

static bool drain_browsers(struct harness *h) {
  const struct egress_counters *out = egress_batch_counters(udp_socket_egress(h->socket));
  bool moved = false;
  while (true) {
    for (size_t i = 0; i < h->browser_count; i++)
      moved |= drain_browser(&h->browsers[i]);
    if (h->got_from_engine == out->packets) return moved;
    struct pollfd polls[2 * HARNESS_SEATS];
    nfds_t count = 0;
    for (size_t i = 0; i < h->browser_count; i++) {
      polls[count++] = (struct pollfd){.fd = h->browsers[i].fd, .events = POLLIN};
      if (h->browsers[i].old_fd >= 0) polls[count++] = (struct pollfd){.fd = h->browsers[i].old_fd, .events = POLLIN};
    }
    assert_true(poll(polls, count, DELIVERY_LIMIT_MS) > 0);
  }
}

void harness_pump(struct harness *h) {
  bool moved;
  do {
    moved = drain_engine(h);
    engine_service_touched(h->engine, h->now_us);
    engine_flush(h->engine);
    moved |= drain_browsers(h);
  } while (moved);
}

/* ---- ICE and DTLS ---- */

void browser_check_from(struct browser *m, int fd, bool nominate) {
  uint8_t request[512];
  const struct stun_check_options options = {.use_candidate = nominate};
  send_from(m, fd, request, stun_client_check(&m->ice, &options, request, sizeof request));
}

void browser_check(struct browser *m, bool nominate) {
  browser_check_from(m, m->fd, nominate);
}

void browser_connect(struct browser *m) {
  browser_check(m, true);
  harness_pump(m->harness);
  dtls_client_run(&m->dtls);
  harness_pump(m->harness);
  assert_true(m->dtls.connected);
  assert_int_equal(peer_transport_state(browser_peer(m)->transport), PEER_CONNECTED);
  assert_true(media_client_open(&m->media, &m->dtls));
}

void browser_give_keys(struct browser *m) {
  static const uint8_t keys[56] = "both ends know these keys beforehand: there is no DTLS";
  struct peer_transport *t = browser_peer(m)->transport;
  assert_int_equal(srtp_session_create(&t->srtp, t->context->srtp, SRTP_PROFILE_AEAD_AES_128_GCM, SRTP_ROLE_SERVER,
                                       keys, sizeof keys),
                   SRTP_OK);
  for (struct peer_sender *s = t->senders; s; s = s->next)
    assert_int_equal(srtp_sender_open(&s->srtp, t->srtp, s->ssrc), SRTP_OK);
  peer_transport_update_state(t);
  assert_int_equal(peer_transport_state(t), PEER_CONNECTED);
}

void browser_move(struct browser *m) {
  assert_int_equal(m->old_fd, -1);
  m->old_fd = m->fd;
  harness_bind(m);
}

/* ---- data channels ---- */

static void on_sctp_send(const uint8_t *data, size_t len, void *arg) {
  struct browser *m = arg;
  assert_true(dtls_client_send(&m->dtls, data, len));
  (void)flush_dtls(m);
}

static void on_sctp_message(uint16_t channel, enum data_channel_message kind, const uint8_t *data, size_t len,
                            void *arg) {
  struct browser *m = arg;
  (void)channel, (void)kind;
  assert_true(len <= sizeof m->message);
  memcpy(m->message, data, len);
  m->message_len = len;
  m->messages++;
}

void browser_open_channels(struct browser *m) {
  const struct sctp_association_config config = {.dtls_client = 1};
  const struct sctp_association_listener listener = {
      .send_packet = on_sctp_send, .channel_message = on_sctp_message, .arg = m};
  assert_int_equal(sctp_association_create(&m->sctp, m->harness->engine->transports->sctp, &config, &listener),
                   SCTP_OK);
  assert_int_equal(sctp_association_connect(m->sctp), SCTP_OK);
  for (int i = 0; i < 100 && sctp_association_state(m->sctp) != SCTP_STATE_CONNECTED; i++)
    harness_advance(m->harness, 50 * MILLISECOND);
  assert_int_equal(sctp_association_state(m->sctp), SCTP_STATE_CONNECTED);
  const struct data_channel_options reliable = {.label = "reliable", .label_len = 8};
  const struct data_channel_options lossy = {
      .label = "lossy", .label_len = 5, .unordered = 1, .reliability = DATA_CHANNEL_MAX_RETRANSMITS};
  assert_int_equal(sctp_association_open_channel(m->sctp, &reliable, &m->reliable), SCTP_OK);
  assert_int_equal(sctp_association_open_channel(m->sctp, &lossy, &m->lossy), SCTP_OK);
  harness_advance(m->harness, 50 * MILLISECOND);
}

bool browser_send_message(struct browser *m, uint16_t channel, const void *data, size_t len) {
  const bool sent = sctp_association_send(m->sctp, channel, DATA_CHANNEL_BINARY, data, len) == SCTP_OK;
  harness_pump(m->harness);
  return sent;
}
