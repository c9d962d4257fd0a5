/* tests/server/worker/rtcp_ingress_test.c: what a receiver's reports and requests do, and what floods of them do not. */
#include "rtp/transport_feedback.h"
#include "tests/server/worker/engine_harness.h"

struct pair {
  struct harness *h;
  struct browser *a, *b;
  struct source camera;
  struct sdp_ssrc slot; /* of b */
};

static struct pair open_pair_in(struct harness *h) {
  struct pair p = {.h = h};
  p.a = harness_join(p.h, "doctor");
  p.b = harness_join(p.h, "patient");
  browser_offer(p.a, "chromium");
  browser_offer(p.b, "chromium");
  browser_connect(p.a);
  browser_connect(p.b);
  harness_advance(p.h, 5 * MILLISECOND);
  const char *track = browser_publish(p.a, "1", "camera");
  p.slot = browser_slot_ssrc(p.b, browser_slot_of(p.b, track));
  p.camera = source_video(p.a, "1", "q", 320, 180);
  return p;
}

static struct pair open_pair(void) {
  return open_pair_in(harness_new());
}

static void film(struct pair *p, int packets) {
  for (int i = 0; i < packets; i++) {
    source_send(&p->camera, i == 0);
    harness_advance(p->h, 5 * MILLISECOND);
  }
}

static void a_nack_is_answered_by_rtx_with_the_original(void **state) {
  (void)state;
  struct pair p = open_pair();
  film(&p, 20);
  assert_int_equal(p.b->rtp_count, 20);
  struct got lost[3];
  uint16_t seqs[3];
  for (size_t i = 0; i < 3; i++) {
    lost[i] = p.b->rtp[5 + 4 * i];
    seqs[i] = lost[i].p.seq;
  }
  browser_send_nack(p.b, p.slot.ssrc, seqs, 3);
  assert_int_equal(browser_count_ssrc(p.b, p.slot.rtx_ssrc), 3);
  for (size_t i = 0; i < 3; i++) {
    const struct got *rtx = browser_nth(p.b, p.slot.rtx_ssrc, i);
    const struct got *original = &p.b->rtp[5 + 4 * i];
    assert_int_equal(rtx->p.payload[0] << 8 | rtx->p.payload[1], seqs[i]);
    assert_int_equal(rtx->p.payload_len, original->p.payload_len + 2);
    assert_memory_equal(rtx->p.payload + 2, original->p.payload, original->p.payload_len);
    assert_int_equal(rtx->p.timestamp, original->p.timestamp);
    assert_int_equal(rtx->p.payload_type, 97);
  }
  assert_int_equal(p.h->engine->counters.nacks_in, 3);
  assert_int_equal(p.h->engine->counters.rtx_out, 3);
  harness_free(p.h);
}

static void floods_of_nacks_are_not_amplified(void **state) {
  (void)state;
  struct pair p = open_pair();
  film(&p, 50);
  uint16_t seqs[50];
  for (size_t i = 0; i < 50; i++)
    seqs[i] = p.b->rtp[i].p.seq;
  for (int round = 0; round < 40; round++) {
    browser_send_nack(p.b, p.slot.ssrc, seqs, 50);
    harness_advance(p.h, 5 * MILLISECOND);
  }
  assert_true(browser_count_ssrc(p.b, p.slot.rtx_ssrc) <= 25); /* half of the media */
  assert_true(p.h->engine->counters.rtp_drops[RTP_DROP_RTX_BUDGET] > 0);
  assert_true(p.h->engine->counters.rtp_drops[RTP_DROP_RTX_TOO_SOON] > 0);
  for (uint16_t i = 0; i < 50; i++)
    seqs[i] = (uint16_t)(seqs[0] - 5000 + i);
  browser_send_nack(p.b, p.slot.ssrc, seqs, 50);
  assert_true(p.h->engine->counters.rtp_drops[RTP_DROP_NOT_SENT] >= 50);
  browser_send_nack(p.b, 0xdead, seqs, 50); /* nobody's slot */
  assert_int_equal(p.h->engine->counters.nacks_in, 41 * 50);
  harness_free(p.h);
}

static void the_largest_packets_are_repaired_too(void **state) {
  (void)state;
  struct pair p = open_pair();
  film(&p, 1);
  uint8_t payload[1300] = {0x90, 0xc0, 0x80, 1, 1, 0x11};
  const struct shot shot = {.ssrc = p.camera.ssrc,
                            .timestamp = p.camera.timestamp,
                            .seq = p.camera.seq++,
                            .pt = p.camera.pt,
                            .mid = "1",
                            .rid = "q",
                            .level = -1,
                            .transport_seq = -1,
                            .payload = payload,
                            .len = sizeof payload};
  browser_send_shot(p.a, &shot);
  harness_pump(p.h);
  film(&p, 5);
  assert_int_equal(p.b->rtp[1].p.payload_len, sizeof payload);
  const uint16_t seq = p.b->rtp[1].p.seq;
  browser_send_nack(p.b, p.slot.ssrc, &seq, 1);
  const struct got *rtx = browser_nth(p.b, p.slot.rtx_ssrc, 0);
  assert_non_null(rtx);
  assert_int_equal(rtx->p.payload_len, sizeof payload + 2);
  harness_free(p.h);
}

static size_t plis(const struct browser *b) {
  struct rtcp_packet packet;
  size_t n = 0;
  while (browser_find_rtcp(b, RTCP_PSFB, RTCP_PSFB_PLI, n, &packet))
    n++;
  return n;
}

static void key_frame_requests_are_merged(void **state) {
  (void)state;
  struct pair p = open_pair();
  film(&p, 10);
  harness_forget(p.h);
  for (int i = 0; i < 20; i++)
    browser_send_pli(p.b, p.slot.ssrc);
  harness_advance(p.h, 10 * MILLISECOND);
  assert_int_equal(plis(p.a), 1);
  assert_int_equal(p.h->engine->counters.keyframe_requests_in, 20);
  film(&p, 2); /* the key frame */
  harness_advance(p.h, SECOND);
  assert_int_equal(plis(p.a), 1); /* granted: not asked for again */
  struct rtcp_fir fir = {.sender_ssrc = 1, .count = 2, .entries = {{.ssrc = p.slot.ssrc, .seq = 1}, {.ssrc = 0xdead}}};
  uint8_t packet[64];
  browser_send_rtcp(p.b, packet, (size_t)rtcp_write_fir(packet, sizeof packet, &fir));
  harness_advance(p.h, 10 * MILLISECOND);
  assert_int_equal(plis(p.a), 2);
  harness_free(p.h);
}

static void a_flood_of_requests_costs_one_key_frame_a_second(void **state) {
  (void)state;
  struct pair p = open_pair();
  film(&p, 10);
  harness_forget(p.h);
  for (int i = 0; i < 100; i++) { /* ten seconds; every request is granted at once, so none is merged */
    browser_send_pli(p.b, p.slot.ssrc);
    source_send(&p.camera, true);
    harness_advance(p.h, 100 * MILLISECOND);
  }
  assert_true(plis(p.a) <= 15);
  harness_free(p.h);
}

static void reports_tell_the_slot_how_it_is_received(void **state) {
  (void)state;
  struct pair p = open_pair();
  film(&p, 10);
  struct rtcp_report report = {
      .ssrc = 1,
      .count = 2,
      .blocks = {{.ssrc = p.slot.ssrc, .fraction_lost = 64, .cumulative_lost = 5, .jitter = 90},
                 {.ssrc = 0xdead, .fraction_lost = 255}}};
  uint8_t packet[128];
  browser_send_rtcp(p.b, packet, (size_t)rtcp_write_report(packet, sizeof packet, &report));
  harness_pump(p.h);
  struct rtp_outgoing_stats stats;
  rtp_outgoing_stream_stats(browser_section(p.b, "5")->slot->out, p.h->now_us, &stats);
  assert_int_equal(stats.fraction_lost, 64);
  assert_int_equal(stats.lost, 5);
  assert_int_equal(stats.jitter_us, 1000);
  harness_free(p.h);
}

/* 20 bytes that speak of 16384 packets, as many of them as fit a datagram. */
static size_t write_flood(uint8_t *out, size_t cap) {
  size_t len = 0;
  for (; len + 24 <= cap; len += 24) {
    const uint8_t one[24] = {0x8f, 205, 0,    5,    0, 0, 0, 1, 0,    0,    0,    1,
                             0,    0,   0x3f, 0xfe, 0, 0, 0, 0, 0x1f, 0xff, 0x1f, 0xff};
    memcpy(out + len, one, sizeof one);
  }
  return len;
}

static void floods_of_transport_feedback_are_refused(void **state) {
  (void)state;
  struct pair p = open_pair();
  film(&p, 10);
  uint8_t packet[1200];
  const size_t len = write_flood(packet, sizeof packet);
  for (int i = 0; i < 20; i++)
    browser_send_rtcp(p.b, packet, len);
  harness_pump(p.h);
  const struct peer *peer = browser_peer(p.b);
  struct downlink_stats stats;
  downlink_get_stats(peer->link.downlink, &stats);
  assert_true(peer->link.feedback_statuses <= 2 * stats.sent + TRANSPORT_HISTORY_PACKETS);
  assert_true(harness_drops(p.h, ENGINE_DROP_FEEDBACK_FLOOD) >= 900);
  harness_free(p.h);
}

static void honest_transport_feedback_is_taken(void **state) {
  (void)state;
  struct pair p = open_pair_in(harness_new_governed(20000000));
  static struct transport_feedback_recorder recorder;
  transport_feedback_recorder_init(&recorder);
  struct peer *peer = browser_peer(p.b);
  for (int round = 0; round < 40; round++) {
    browser_forget(p.b);
    film(&p, 20);
    for (size_t i = 0; i < p.b->rtp_count; i++) {
      assert_true(RTP_EXTENSION_HAS(&p.b->rtp[i].x, TRANSPORT_SEQUENCE));
      transport_feedback_arrived(&recorder, p.b->rtp[i].x.transport_sequence, p.h->now_us);
    }
    uint8_t packet[1200];
    const int len = transport_feedback_build(&recorder, 1, 1, packet, sizeof packet, p.h->now_us);
    assert_true(len > 0);
    browser_send_rtcp(p.b, packet, (size_t)len);
    harness_pump(p.h);
  }
  struct bandwidth_state link;
  bandwidth_estimator_state(downlink_estimator(peer->link.downlink), p.h->now_us, &link);
  assert_true(link.acknowledged_bps > 0);
  assert_true(link.loss < 0.001);
  assert_false(link.stalled);
  assert_int_equal(harness_drops(p.h, ENGINE_DROP_FEEDBACK_FLOOD), 0);
  harness_free(p.h);
}

static void other_packets_change_nothing(void **state) {
  (void)state;
  struct pair p = open_pair();
  film(&p, 3);
  uint8_t bye[64], remb[64], unknown[8] = {0x80, 223, 0, 1};
  const uint32_t ssrc = p.slot.ssrc;
  browser_send_rtcp(p.b, bye, (size_t)rtcp_write_bye(bye, sizeof bye, &ssrc, 1, "gone"));
  const struct rtcp_remb estimate = {.sender_ssrc = 1, .bitrate_bps = 10000000, .count = 1, .ssrcs = {ssrc}};
  browser_send_rtcp(p.b, remb, (size_t)rtcp_write_remb(remb, sizeof remb, &estimate));
  browser_send_rtcp(p.b, unknown, sizeof unknown);
  harness_pump(p.h);
  film(&p, 3);
  assert_int_equal(browser_count_ssrc(p.b, p.slot.ssrc), 6); /* and probes, for a link that is said to be wide */
  assert_int_equal(harness_drops(p.h, ENGINE_DROP_BAD_RTCP), 0);
  harness_free(p.h);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_nack_is_answered_by_rtx_with_the_original),
      cmocka_unit_test(floods_of_nacks_are_not_amplified),
      cmocka_unit_test(the_largest_packets_are_repaired_too),
      cmocka_unit_test(key_frame_requests_are_merged),
      cmocka_unit_test(a_flood_of_requests_costs_one_key_frame_a_second),
      cmocka_unit_test(reports_tell_the_slot_how_it_is_received),
      cmocka_unit_test(floods_of_transport_feedback_are_refused),
      cmocka_unit_test(honest_transport_feedback_is_taken),
      cmocka_unit_test(other_packets_change_nothing),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
