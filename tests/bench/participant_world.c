/* tests/bench/participant_world.c: see the header. */
#include "tests/bench/participant_world.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bench/load/transport.h"
#include "ice/peer_transport_internal.h"

struct world world;
static struct peer_sender *senders[3];
static const uint32_t sender_ssrcs[3] = {SLOT_VOICE, SLOT_CAMERA, SLOT_REPAIR};

/* ---- what the participant says ---- */

static void on_ready(void *arg, struct participant *p, int64_t now_us) {
  (void)arg;
  world.ready++;
  participant_start_media(p, now_us);
}

static void on_first_media(void *arg, struct participant *p, int64_t now_us) {
  (void)arg, (void)p, (void)now_us;
  world.first_media++;
}

static void on_failed(void *arg, struct participant *p, const char *why) {
  (void)arg;
  world.failed++;
  snprintf(world.why, sizeof world.why, "%s", why);
  world.p = NULL;
  participant_free(p);
}

/* ---- the server's end ---- */

static void on_send(void *arg, const struct ice_address *to, const uint8_t *data, size_t len) {
  (void)arg;
  assert_int_equal(sendto(world.watch.fd, data, len, 0, &to->any, ice_address_length(to)), len);
}

static void on_channel(void *arg, const struct peer_channel *channel) {
  (void)arg, (void)channel;
  world.channels++;
}

/* Echoes it as from another participant: [u8 n][sender id][payload]. */
static void on_message(void *arg, uint16_t channel, bool binary, const uint8_t *data, size_t len) {
  uint8_t back[256] = {4, 'p', '_', 'o', 'o'};
  (void)arg;
  assert_true(binary && len > 1 && len < 200 && data[0] == 0);
  memcpy(back + 5, data + 1, len - 1);
  world.messages++;
  assert_int_equal(peer_transport_send_message(world.server, channel, true, back, len + 4, virtual_loop_now_us),
                   PEER_OK);
}

static void note_rtp(const uint8_t *data) {
  uint32_t ssrc = (uint32_t)data[8] << 24 | (uint32_t)data[9] << 16 | (uint32_t)data[10] << 8 | data[11];
  world.rtp++;
  world.voice_packets += (data[1] & 0x7f) == LOAD_PT_OPUS;
  for (unsigned i = 0; i < world.ssrc_count; i++)
    if (world.ssrcs[i] == ssrc) return;
  assert_true(world.ssrc_count < 8);
  world.ssrcs[world.ssrc_count++] = ssrc;
}

static void on_readable(void *arg, uint32_t events, int64_t now_us) {
  uint8_t data[2048];
  struct sockaddr_storage from;
  socklen_t from_len = sizeof from;
  struct peer_packet packet;
  (void)arg, (void)events;
  ssize_t len = recvfrom(world.watch.fd, data, sizeof data, MSG_DONTWAIT, (struct sockaddr *)&from, &from_len);
  if (len < 0) return;
  assert_true(ice_address_from_sockaddr(&world.client, (struct sockaddr *)&from, from_len));
  peer_transport_receive(world.server, &world.client, data, (size_t)len, now_us, &packet);
  if (packet.kind == PEER_PACKET_RTP) {
    note_rtp(data);
    memcpy(world.last_rtp.data, data, world.last_rtp.len = packet.len);
  } else if (packet.kind == PEER_PACKET_RTCP) {
    world.rtcp++;
    memcpy(world.last_rtcp.data, data, world.last_rtcp.len = packet.len);
  }
  event_loop_set(world.shared.loop, &world.timer, now_us);
}

static void on_timer(void *arg, int64_t now_us) {
  (void)arg;
  peer_transport_tick(world.server, now_us);
  peer_transport_context_tick(world.context, now_us);
  int64_t a = peer_transport_deadline(world.server), b = peer_transport_context_deadline(world.context);
  int64_t next_us = a < b ? a : b;
  event_loop_set(world.shared.loop, &world.timer, next_us > now_us ? next_us : now_us + 1000);
}

static void open_server(void) {
  struct sockaddr_in own = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t len = sizeof own;
  const struct peer_transport_listener on = {
      .send = on_send, .channel_opened = on_channel, .channel_message = on_message};
  int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  assert_true(fd >= 0);
  assert_int_equal(bind(fd, (struct sockaddr *)&own, sizeof own), 0);
  assert_int_equal(getsockname(fd, (struct sockaddr *)&own, &len), 0);
  world.port = ntohs(own.sin_port);
  world.watch = (struct loop_watch){.fd = fd, .ready = on_readable};
  world.timer = (struct loop_timer){.due = on_timer};
  assert_int_equal(event_loop_watch(world.shared.loop, &world.watch, EPOLLIN), 0);
  assert_int_equal(peer_transport_context_create(&world.context, 1795334400), PEER_OK);
  assert_int_equal(peer_transport_create(&world.server, world.context, &on, virtual_loop_now_us), PEER_OK);
  for (unsigned i = 0; i < 3; i++)
    assert_int_equal(peer_transport_add_sender(world.server, sender_ssrcs[i], &senders[i]), PEER_OK);
}

int world_set_up(void **state) {
  (void)state;
  memset(&world, 0, sizeof world);
  assert_int_equal(event_loop_create(&world.shared.loop), 0);
  assert_null(transport_context_create(&world.shared.transport, LOAD_SUITE_GCM));
  open_server();
  world.gateway = (struct web_address){.host = "127.0.0.1", .port = 8080, .loopback = true};
  world.shared.counters = &world.counters;
  world.shared.gateway = &world.gateway;
  world.shared.sctp = world.context->sctp; /* usrsctp is one a process */
  world.shared.listener = (struct participant_listener){NULL, on_ready, on_first_media, on_failed};
  world.plan = (struct participant_plan){.room = "r1",
                                         .identity = "load-1",
                                         .role = "doctor",
                                         .audio_slots = 1,
                                         .video_slots = 1,
                                         .sampled = true,
                                         .seed = 5,
                                         .media = {.microphone = true,
                                                   .camera = true,
                                                   .layers = 1,
                                                   .fps = 30,
                                                   .video_bps = 300000,
                                                   .audio_bps = 32000,
                                                   .width = 640,
                                                   .height = 360,
                                                   .packet_bytes = 1160,
                                                   .keyframe_factor = 4}};
  return 0;
}

int world_tear_down(void **state) {
  (void)state;
  participant_free(world.p);
  event_loop_stop(world.shared.loop, &world.timer);
  event_loop_stop(world.shared.loop, &world.shared.sctp_timer);
  event_loop_unwatch(world.shared.loop, &world.watch);
  assert_int_equal(virtual_loop_timers(world.shared.loop), 0);
  peer_transport_free(world.server);
  peer_transport_context_free(world.context);
  close(world.watch.fd);
  transport_context_free(world.shared.transport);
  event_loop_free(world.shared.loop);
  scripted_reset();
  return 0;
}

int world_create(void) {
  return participant_create(&world.p, &world.shared, &world.plan);
}

/* What stands behind `key` in the SDP of the offer, up to the line's end. */
static void offered(const char *sdp, const char *key, char *out, size_t cap) {
  const char *at = strstr(sdp, key);
  assert_non_null(at);
  at += strlen(key);
  snprintf(out, cap, "%.*s", (int)strcspn(at, "\r\n"), at);
}

const char *world_answer_sdp(void) {
  static char sdp[4000];
  char ufrag[64], pwd[64], fingerprint[128];
  struct ice_fingerprint theirs;
  json_t *offer = scripted_find("type", "offer");
  const char *text = json_string_value(json_object_get(offer, "sdp"));
  offered(text, "a=ice-ufrag:", ufrag, sizeof ufrag);
  offered(text, "a=ice-pwd:", pwd, sizeof pwd);
  offered(text, "a=fingerprint:sha-256 ", fingerprint, sizeof fingerprint);
  assert_true(ice_fingerprint_parse(&theirs, "sha-256", fingerprint));
  bool data = strstr(text, "webrtc-datachannel") != NULL;
  const struct peer_remote remote = {ufrag, pwd, &theirs, 1, data ? 5000 : 0};
  assert_int_equal(peer_transport_set_remote(world.server, &remote, virtual_loop_now_us), PEER_OK);
  event_loop_set(world.shared.loop, &world.timer, virtual_loop_now_us);
  json_decref(offer);
  snprintf(sdp, sizeof sdp,
           "v=0\\r\\na=ice-lite\\r\\na=ice-ufrag:%s\\r\\na=ice-pwd:%s\\r\\na=fingerprint:sha-256 %s\\r\\n"
           "a=candidate:1 1 udp 2130706431 127.0.0.1 %u typ host\\r\\n"
           "m=audio 9 UDP/TLS/RTP/SAVPF 111\\r\\na=mid:0\\r\\na=recvonly\\r\\n"
           "m=video 9 UDP/TLS/RTP/SAVPF 96 97\\r\\na=mid:1\\r\\na=recvonly\\r\\n"
           "m=audio 9 UDP/TLS/RTP/SAVPF 111\\r\\na=mid:2\\r\\na=sendonly\\r\\na=ssrc:%u cname:a\\r\\n"
           "m=video 9 UDP/TLS/RTP/SAVPF 96 97\\r\\na=mid:3\\r\\na=sendonly\\r\\na=ssrc-group:FID %u %u\\r\\n%s",
           peer_transport_local_ufrag(world.server), peer_transport_local_pwd(world.server),
           peer_transport_context_fingerprint(world.context), world.port, SLOT_VOICE, SLOT_CAMERA, SLOT_REPAIR,
           data ? "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\\r\\na=mid:4\\r\\na=sctp-port:5000\\r\\n" : "");
  return sdp;
}

void world_sign_in(void) {
  assert_int_equal(world_create(), 0);
  scripted_answer(200, "{\"token\":\"abc\"}");
  scripted_open();
}

void world_publish(void) {
  scripted_text(
      "{\"re\":4,\"ok\":{\"tracks\":[{\"track\":\"t_mic\",\"mid\":\"0\"},{\"track\":\"t_cam\",\"mid\":\"1\"}]}}");
}

void world_join(void) {
  world_sign_in();
  scripted_text("{\"re\":3,\"ok\":{\"sdp\":\"%s\"}}", world_answer_sdp());
  world_publish();
  world_run(250000);
  assert_int_equal(peer_transport_state(world.server), PEER_CONNECTED);
  assert_int_equal(world.ready, 1);
}

void world_run(int64_t us) {
  virtual_loop_run(world.shared.loop, virtual_loop_now_us + us);
}

static void send_bytes(const uint8_t *data, size_t len) {
  const struct ice_address *to = peer_transport_selected(world.server);
  assert_non_null(to);
  assert_int_equal(sendto(world.watch.fd, data, len, 0, &to->any, ice_address_length(to)), len);
}

void world_send_rtp(const struct sent_packet *packet) {
  uint8_t header[64], payload[1500], sealed[1600];
  static uint16_t transport_seq;
  size_t payload_len,
      header_len = srtp_pair_write(packet, transport_seq++, header, sizeof header, payload, &payload_len);
  unsigned which = 0;
  while (which < 3 && sender_ssrcs[which] != packet->ssrc)
    which++;
  assert_true(which < 3);
  int len = peer_transport_seal_rtp(world.server, senders[which], header, header_len, payload, payload_len, sealed,
                                    sizeof sealed);
  assert_true(len > 0);
  send_bytes(sealed, (size_t)len);
}

void world_send_rtcp(const uint8_t *compound, size_t len) {
  uint8_t sealed[1600];
  int n = peer_transport_seal_rtcp(world.server, compound, len, sealed, sizeof sealed);
  assert_true(n > 0);
  send_bytes(sealed, (size_t)n);
}
