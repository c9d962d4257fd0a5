/* A participant's media over a real socket, against the product's transport, in virtual time: connecting, the streams and their
 * reports, what NACK and PLI cause, the first picture, and which address is talked to. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>

#include "bench/load/participant_internal.h"
#include "rtp/rtcp.h"
#include "tests/bench/participant_world.h"

#define SECOND 1000000

static void it_connects_and_sends_at_its_rates(void **state) {
  (void)state;
  world_join();
  assert_int_equal(world.counters.joined, 1);
  assert_int_equal(world.counters.join_us.count, 1);
  assert_true(world.counters.join_us.max < SECOND / 4);
  unsigned voice = world.voice_packets, all = world.rtp;
  world_run(2 * SECOND);
  assert_in_range(world.voice_packets - voice, 99, 101);
  /* 300 kbit/s at 30 frames a second are 1250 bytes each: two packets, the key frame more */
  assert_in_range(world.rtp - all - (world.voice_packets - voice), 100, 140);
  assert_int_equal(world.ssrc_count, 2);
  assert_int_equal(world.counters.lateness_us.max, 0); /* in virtual time nothing is late */
  assert_int_equal(world.counters.send_failures, 0);
  assert_true(world.counters.frames_out > 60 && world.counters.keyframes_out == 1);
}

static void media_waits_for_the_publication(void **state) {
  (void)state;
  world_sign_in();
  scripted_text("{\"re\":3,\"ok\":{\"sdp\":\"%s\"}}", world_answer_sdp());
  world_run(SECOND);
  assert_int_equal(peer_transport_state(world.server), PEER_CONNECTED);
  assert_int_equal(world.ready, 0);
  assert_int_equal(world.rtp, 0);
  world_publish();
  assert_int_equal(world.ready, 1);
  scripted_text("{\"re\":3,\"ok\":{\"sdp\":\"%s\"}}",
                "v=0\\r\\na=ice-ufrag:x\\r\\na=ice-pwd:y\\r\\na=fingerprint:sha-256 A\\r\\n"
                "a=candidate:1 1 udp 1 127.0.0.1 9 typ host\\r\\n"); /* nothing new */
  world_run(SECOND);
  assert_true(world.rtp > 50);
  assert_int_equal(world.failed, 0);
}

static void it_reports_once_a_second(void **state) {
  (void)state;
  world_join();
  world_run(2 * SECOND);
  unsigned before = world.rtcp;
  world_run(10 * SECOND);
  assert_in_range(world.rtcp - before, 9, 11);
  struct rtcp_iterator it;
  struct rtcp_packet packet;
  struct rtcp_report report;
  assert_int_equal(rtcp_begin(&it, world.last_rtcp.data, world.last_rtcp.len), 0);
  for (unsigned i = 0; i < 2; i++) { /* microphone and camera */
    assert_true(rtcp_next(&it, &packet));
    assert_int_equal(packet.type, RTCP_SR);
    assert_int_equal(rtcp_parse_report(&packet, &report), 0);
    assert_true(report.sender.packets > 300);
  }
  assert_true(rtcp_next(&it, &packet));
  assert_int_equal(packet.type, RTCP_SDES);
}

/* People who join in step are not served in step, and being late once changes nothing. */
static void it_is_served_in_its_own_phase(void **state) {
  (void)state;
  world_join();
  for (int i = 0; i < 5; i++) {
    world_run(SECOND / 7);
    assert_int_equal((world.p->service_timer.at_us + world.plan.seed * 500) % 25000, 0);
  }
}

static void what_the_server_misses_is_sent_again(void **state) {
  (void)state;
  uint8_t nack[64];
  world_join();
  world_run(SECOND / 2);
  /* The camera's last packet, as the server saw it. */
  while ((world.last_rtp.data[1] & 0x7f) != LOAD_PT_VP8)
    world_run(1000);
  const uint8_t *p = world.last_rtp.data;
  uint16_t seq = (uint16_t)(p[2] << 8 | p[3]);
  uint32_t ssrc = (uint32_t)p[8] << 24 | (uint32_t)p[9] << 16 | (uint32_t)p[10] << 8 | p[11];
  size_t written;
  int len = rtcp_write_nack(nack, sizeof nack, 1, ssrc, &seq, 1, &written);
  unsigned streams = world.ssrc_count;
  world_send_rtcp(nack, (size_t)len);
  virtual_loop_settle(world.shared.loop);
  assert_int_equal(world.counters.nacks_in, 1);
  assert_int_equal(world.counters.rtx_out, 1);
  assert_int_equal(world.ssrc_count, streams + 1);
  assert_int_equal(world.last_rtp.data[1] & 0x7f, LOAD_PT_RTX);
  struct rtp_packet repair;
  assert_int_equal(rtp_packet_parse(&repair, world.last_rtp.data, world.last_rtp.len), 0);
  assert_int_equal(repair.payload[0] << 8 | repair.payload[1], seq); /* RFC 4588 §4 */
  seq = (uint16_t)(seq + 999);                                       /* never sent */
  len = rtcp_write_nack(nack, sizeof nack, 1, ssrc, &seq, 1, &written);
  world_send_rtcp(nack, (size_t)len);
  virtual_loop_settle(world.shared.loop);
  assert_int_equal(world.counters.rtx_out, 1);
}

static void a_picture_asked_for_is_a_key_frame(void **state) {
  (void)state;
  uint8_t pli[64];
  world_join();
  world_run(SECOND);
  assert_int_equal(world.counters.keyframes_out, 1);
  for (unsigned i = 0; i < world.ssrc_count;
       i++) { /* whichever of the two is the camera: a PLI for a voice does nothing */
    int len = rtcp_write_pli(pli, sizeof pli, 1, world.ssrcs[i]);
    world_send_rtcp(pli, (size_t)len);
  }
  world_run(SECOND);
  assert_int_equal(world.counters.plis_in, 2);
  assert_int_equal(world.counters.keyframes_out, 2);
}

static void the_first_picture_is_timed_from_the_websocket(void **state) {
  (void)state;
  int64_t opened_us = virtual_loop_now_us;
  world.plan.sampled = false; /* the kernel's time stamps are of real time */
  world_sign_in();
  world_run(SECOND);
  scripted_text("{\"re\":3,\"ok\":{\"sdp\":\"%s\"}}", world_answer_sdp());
  world_publish();
  world_run(SECOND);
  for (unsigned i = 0; i < 3; i++) {
    const struct sent_packet packet = {
        .ssrc = SLOT_CAMERA,
        .seq = (uint16_t)(100 + i),
        .video = true,
        .stamp = {
            .intended_us = virtual_loop_now_us - 4000, .frame = 1, .packet = (uint16_t)i, .count = 3, .key = true}};
    world_send_rtp(&packet);
    virtual_loop_settle(world.shared.loop);
    assert_int_equal(world.first_media, i == 2);
  }
  assert_int_equal(world.counters.first_media_us.count, 1);
  assert_int_equal(world.counters.first_media_us.max, virtual_loop_now_us - opened_us);
  assert_int_equal(world.counters.rtp_in, 3);
}

static void loss_is_asked_for_and_fed_back(void **state) {
  (void)state;
  world_join();
  unsigned rtcp = world.rtcp;
  for (unsigned i = 0; i < 30; i++) {
    const struct sent_packet packet = {.ssrc = SLOT_CAMERA,
                                       .seq = (uint16_t)(65530 + i),
                                       .video = true,
                                       .stamp = {.frame = i, .count = 1, .key = i == 0}};
    if (i != 10) world_send_rtp(&packet);
    world_run(5000);
  }
  assert_int_equal(world.counters.nacks_out, 1);
  assert_true(world.rtcp > rtcp); /* feedback or NACK */
  struct sequence_counts c = {0};
  participant_counts(world.p, &c);
  assert_int_equal(c.expected, 30);
  assert_int_equal(sequence_lost(&c), 1);
}

static void without_an_answer_to_checks_it_gives_up(void **state) {
  (void)state;
  world_sign_in();
  char sdp[4000];
  snprintf(sdp, sizeof sdp, "%s", world_answer_sdp());
  event_loop_unwatch(world.shared.loop, &world.watch); /* the server is deaf */
  scripted_text("{\"re\":3,\"ok\":{\"sdp\":\"%s\"}}", sdp);
  world_run(9 * SECOND);
  assert_int_equal(world.failed, 0);
  world_run(2 * SECOND);
  assert_int_equal(world.failed, 1);
  assert_string_equal(world.why, "no media connection: no answer to ICE checks within 10 s");
}

static void another_certificate_than_announced_is_refused(void **state) {
  (void)state;
  world_sign_in();
  char sdp[4000], *at;
  snprintf(sdp, sizeof sdp, "%s", world_answer_sdp());
  at = strstr(sdp, "sha-256 ") + 8;
  at[0] = at[0] == '0' ? '1' : '0';
  scripted_text("{\"re\":3,\"ok\":{\"sdp\":\"%s\"}}", sdp);
  world_run(SECOND);
  assert_int_equal(world.failed, 1);
  assert_non_null(strstr(world.why, "certificate is not the one"));
}

/* Of several candidates the one on the gateway's machine is taken; without such a one the first. */
static void the_gateways_own_address_comes_first(void **state) {
  (void)state;
  struct sockaddr_in *gateway = (struct sockaddr_in *)&world.gateway.address;
  gateway->sin_family = AF_INET;
  gateway->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  world_sign_in();
  char sdp[4400];
  snprintf(sdp, sizeof sdp, "a=candidate:9 1 udp 9 127.9.9.9 %u typ host\\r\\n%s", world.port, world_answer_sdp());
  scripted_text("{\"re\":3,\"ok\":{\"sdp\":\"%s\"}}", sdp);
  world_run(SECOND / 4);
  assert_int_equal(peer_transport_state(world.server), PEER_CONNECTED);
}

static void a_relay_may_stand_in_between(void **state) {
  (void)state;
  assert_true(ice_address_parse(&world.shared.media, "127.0.0.1", world.port));
  world_sign_in();
  char sdp[4400];
  snprintf(sdp, sizeof sdp, "%s", world_answer_sdp());
  char *port = strstr(sdp, "127.0.0.1 ") + 10;
  memcpy(port, "9    ", 5); /* the server's own port is not reachable */
  scripted_text("{\"re\":3,\"ok\":{\"sdp\":\"%s\"}}", sdp);
  world_run(SECOND / 4);
  assert_int_equal(peer_transport_state(world.server), PEER_CONNECTED);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, world_set_up, world_tear_down)

int main(void) {
  const struct CMUnitTest tests[] = {
      CASE(it_connects_and_sends_at_its_rates),
      CASE(media_waits_for_the_publication),
      CASE(it_reports_once_a_second),
      CASE(it_is_served_in_its_own_phase),
      CASE(what_the_server_misses_is_sent_again),
      CASE(a_picture_asked_for_is_a_key_frame),
      CASE(the_first_picture_is_timed_from_the_websocket),
      CASE(loss_is_asked_for_and_fed_back),
      CASE(without_an_answer_to_checks_it_gives_up),
      CASE(another_certificate_than_announced_is_refused),
      CASE(the_gateways_own_address_comes_first),
      CASE(a_relay_may_stand_in_between),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
