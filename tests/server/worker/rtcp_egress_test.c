/* tests/server/worker/rtcp_egress_test.c: reports, NACKs and transport-cc feedback that the engine sends. */
#include "tests/server/worker/engine_harness.h"

struct pair {
  struct harness *h;
  struct browser *a, *b;
  struct source mic;
  struct sdp_ssrc slot; /* of b */
};

static struct pair open_pair(void) {
  struct pair p = {.h = harness_new()};
  p.a = harness_join(p.h, "doctor");
  p.b = harness_join(p.h, "patient");
  browser_offer(p.a, "chromium");
  browser_offer(p.b, "chromium");
  browser_connect(p.a);
  browser_connect(p.b);
  harness_advance(p.h, 5 * MILLISECOND);
  const char *track = browser_publish(p.a, "0", "microphone");
  p.slot = browser_slot_ssrc(p.b, browser_slot_of(p.b, track));
  p.mic = source_audio(p.a, "0");
  return p;
}

static void talk(struct pair *p, int packets) {
  for (int i = 0; i < packets; i++) {
    source_send(&p->mic, false);
    harness_advance(p->h, 20 * MILLISECOND);
  }
}

static void sender_reports_are_translated(void **state) {
  (void)state;
  struct pair p = open_pair();
  talk(&p, 5);
  const uint64_t ntp = UINT64_C(0xe8f2b5a380000000);
  const uint32_t source_time = p.mic.timestamp;
  struct rtcp_report report = {
      .ssrc = p.mic.ssrc, .is_sender = true, .sender = {.ntp = ntp, .rtp_timestamp = source_time, .packets = 5}};
  uint8_t packet[128];
  browser_send_rtcp(p.a, packet, (size_t)rtcp_write_report(packet, sizeof packet, &report));
  harness_pump(p.h);
  const int64_t said_us = p.h->now_us;
  harness_forget(p.h);
  talk(&p, 60);
  struct rtcp_packet got;
  struct rtcp_report sr;
  assert_true(browser_find_rtcp(p.b, RTCP_SR, 0, 0, &got));
  assert_int_equal(rtcp_parse_report(&got, &sr), RTP_OK);
  assert_int_equal(sr.ssrc, p.slot.ssrc);
  /* The same line, on our clock: the publisher's report was made when it came here. */
  const int64_t later_us = rtcp_ntp_to_us(sr.sender.ntp - SENDER_CLOCK_EPOCH) - said_us;
  assert_true(later_us > 0 && later_us <= p.h->now_us - said_us);
  const struct got *first = browser_nth(p.b, p.slot.ssrc, 0);
  const uint32_t offset = first->p.timestamp - source_time; /* the first packet after the report */
  const int32_t error = (int32_t)(sr.sender.rtp_timestamp - (source_time + offset + (uint32_t)(later_us * 48 / 1000)));
  assert_in_range(error + 2, 0, 4);
  assert_true(sr.sender.packets >= 5);
  struct rtcp_sdes sdes;
  assert_true(browser_find_rtcp(p.b, RTCP_SDES, 0, 0, &got));
  assert_int_equal(rtcp_parse_sdes(&got, &sdes), RTP_OK);
  assert_int_equal(sdes.chunks[0].len, strlen("consilium"));
  harness_free(p.h);
}

static void nothing_is_reported_about_an_empty_slot(void **state) {
  (void)state;
  struct pair p = open_pair();
  harness_advance(p.h, 3 * SECOND);
  struct rtcp_packet got;
  assert_false(browser_find_rtcp(p.b, RTCP_SR, 0, 0, &got));
  assert_false(browser_find_rtcp(p.b, RTCP_RR, 0, 0, &got));
  harness_free(p.h);
}

static void receiver_reports_count_what_is_missing(void **state) {
  (void)state;
  struct pair p = open_pair();
  uint8_t lost[1600];
  talk(&p, 20);
  source_write(&p.mic, false, lost);
  talk(&p, 40);
  struct rtcp_packet got;
  struct rtcp_report rr;
  size_t n = 0;
  while (browser_find_rtcp(p.a, RTCP_RR, 0, n, &got))
    n++;
  assert_in_range(n, 1, 2); /* once a second */
  assert_true(browser_find_rtcp(p.a, RTCP_RR, 0, n - 1, &got));
  assert_int_equal(rtcp_parse_report(&got, &rr), RTP_OK);
  assert_int_equal(rr.count, 1);
  assert_int_equal(rr.ssrc, browser_peer(p.a)->ssrc);
  assert_int_equal(rr.blocks[0].ssrc, p.mic.ssrc);
  assert_int_equal(rr.blocks[0].cumulative_lost, 1);
  harness_free(p.h);
}

static void gaps_are_asked_for_again(void **state) {
  (void)state;
  struct pair p = open_pair();
  browser_publish(p.a, "1", "camera");
  struct source camera = source_video(p.a, "1", "q", 320, 180);
  uint8_t lost[1600];
  source_send(&camera, true);
  const uint16_t missing = camera.seq;
  source_write(&camera, false, lost);
  source_write(&camera, false, lost);
  source_send(&camera, false);
  harness_advance(p.h, 20 * MILLISECOND);
  struct rtcp_packet got;
  struct rtcp_nack nack;
  assert_true(browser_find_rtcp(p.a, RTCP_RTPFB, RTCP_RTPFB_NACK, 0, &got));
  assert_int_equal(rtcp_parse_nack(&got, &nack), RTP_OK);
  assert_int_equal(nack.media_ssrc, camera.ssrc);
  assert_int_equal(nack.count, 2);
  assert_int_equal(nack.seqs[0], missing);
  assert_int_equal(nack.seqs[1], (uint16_t)(missing + 1));
  assert_int_equal(p.h->engine->counters.nacks_out, 2);
  harness_free(p.h);
}

static void arrivals_are_fed_back(void **state) {
  (void)state;
  struct pair p = open_pair();
  p.mic.transport_seq = 700;
  talk(&p, 30);
  bool arrived[30] = {0};
  struct rtcp_packet got;
  for (size_t n = 0; browser_find_rtcp(p.a, RTCP_RTPFB, RTCP_RTPFB_TRANSPORT_CC, n, &got); n++) {
    struct rtcp_transport_feedback feedback;
    struct rtcp_transport_status status;
    assert_int_equal(rtcp_parse_transport_feedback(&got, &feedback), RTP_OK);
    assert_int_equal(feedback.feedback_seq, n);
    assert_int_equal(feedback.media_ssrc, p.mic.ssrc);
    while (rtcp_transport_feedback_next(&feedback, &status)) {
      assert_in_range(status.seq, 700, 729);
      arrived[status.seq - 700] = status.received;
    }
  }
  for (size_t i = 0; i < 20; i++) /* the newest may be waiting for the next one */
    assert_true(arrived[i]);
  harness_free(p.h);
}

static void many_streams_take_several_compounds(void **state) {
  (void)state;
  struct pair p = open_pair();
  struct peer *peer = browser_peer(p.a);
  uint8_t packet[1600];
  struct shot shot = {.pt = p.mic.pt, .level = -1, .transport_seq = -1, .payload = (const uint8_t *)"\x78", .len = 1};
  /* As many sections as an offer may have, each with a stream. */
  json_t *offer = browser_offer_make(p.a, "chromium");
  for (int i = 0; i < 50; i++) {
    char mid[16];
    snprintf(mid, sizeof mid, "m%d", i);
    json_t *media = json_deep_copy(offer_media(offer, i % 2 ? "0" : "2"));
    json_object_set_new(media, "mid", json_string(mid));
    json_object_del(media, "ssrcs");
    json_object_set_new(media, "ssrcs", json_array());
    json_array_append_new(json_object_get(offer, "media"), media);
  }
  assert_string_equal(browser_offer_json(p.a, offer), "");
  size_t bound = 0;
  for (int i = 0; i < 50; i++) {
    char mid[16];
    snprintf(mid, sizeof mid, "m%d", i);
    shot.mid = mid;
    shot.ssrc = (uint32_t)(7000 + i);
    peer_receive_rtp(peer, packet, browser_write_rtp(p.a, &shot, packet), p.h->now_us);
    bound += peer->incoming_count == bound + 1;
  }
  assert_int_equal(bound, 50); /* a report holds 31 */
  harness_forget(p.h);
  harness_advance(p.h, SECOND + 100 * MILLISECOND);
  size_t blocks = 0;
  struct rtcp_packet got;
  struct rtcp_report rr;
  for (size_t n = 0; browser_find_rtcp(p.a, RTCP_RR, 0, n, &got); n++) {
    assert_int_equal(rtcp_parse_report(&got, &rr), RTP_OK);
    blocks += rr.count;
  }
  assert_true(blocks >= bound);
  for (size_t i = 0; i < p.a->rtcp_count; i++)
    assert_true(p.a->rtcp[i].len <= 1200);
  harness_free(p.h);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(sender_reports_are_translated),
      cmocka_unit_test(nothing_is_reported_about_an_empty_slot),
      cmocka_unit_test(receiver_reports_count_what_is_missing),
      cmocka_unit_test(gaps_are_asked_for_again),
      cmocka_unit_test(arrivals_are_fed_back),
      cmocka_unit_test(many_streams_take_several_compounds),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
