/* Life of a slot: configuration, selection, pausing, reports in both directions. */
#include "tests/rtp/outgoing_fixture.h"

static void bad_configurations_are_refused(void **state) {
  (void)state;
  struct rtp_outgoing_stream *s = NULL;
  struct rtp_outgoing_config c = {.ssrc = 1, .mid = "12345678901234567"};
  assert_int_equal(rtp_outgoing_stream_create(&s, &c), RTP_ERROR_VALUE);
  c.mid = "1234567890123456";
  c.formats[3].rtx_payload_type = 128;
  assert_int_equal(rtp_outgoing_stream_create(&s, &c), RTP_ERROR_VALUE);
  assert_null(s);
  rtp_outgoing_stream_free(NULL);
}

static void pausing_stops_and_resuming_waits_for_a_keyframe(void **state) {
  (void)state;
  struct fixture_source s = {.stream = fixture_incoming(true, 1000, 1, NULL), .ssrc = 1000};
  struct receiver *r = fixture_receiver(true, NULL);
  struct fixture_packet p;
  int64_t now = 1000000;
  assert_int_equal(rtp_outgoing_stream_wanted_layer(r->out), -1);
  rtp_outgoing_stream_select(r->out, s.stream);
  assert_int_equal(rtp_outgoing_stream_wanted_layer(r->out), 1);
  fixture_vp8_frame(&s, &p, 1, true);
  assert_int_equal(fixture_pass(r, &s, &p, now), RTP_DROP_NONE);
  uint32_t before = r->last.timestamp;
  rtp_outgoing_stream_pause(r->out, true);
  assert_null(rtp_outgoing_stream_needs_keyframe(r->out));
  assert_null(rtp_outgoing_stream_receiver_wants_keyframe(r->out, now));
  for (int i = 0; i < 299; i++) {
    fixture_vp8_frame(&s, &p, 1, false);
    assert_int_equal(fixture_pass(r, &s, &p, now += FRAME_US), RTP_DROP_PAUSED);
  }
  rtp_outgoing_stream_pause(r->out, false);
  assert_ptr_equal(rtp_outgoing_stream_needs_keyframe(r->out), s.stream);
  fixture_vp8_frame(&s, &p, 1, true);
  assert_int_equal(fixture_pass(r, &s, &p, now += FRAME_US), RTP_DROP_NONE);
  assert_int_equal(r->last.timestamp - before, 300 * VIDEO_STEP); /* time went on */
  assert_int_equal(fixture_holes(r), 0);
  fixture_receiver_free(r);
  rtp_incoming_stream_free(s.stream);
}

static void forgetting_a_source_leaves_no_pointer(void **state) {
  (void)state;
  struct fixture_source a = {.stream = fixture_incoming(true, 1000, 0, NULL), .ssrc = 1000};
  struct fixture_source b = {.stream = fixture_incoming(true, 2000, 0, NULL), .ssrc = 2000};
  struct receiver *r = fixture_receiver(true, NULL);
  struct fixture_packet p;
  rtp_outgoing_stream_select(r->out, a.stream);
  fixture_vp8_frame(&a, &p, 1, true);
  assert_int_equal(fixture_pass(r, &a, &p, 0), RTP_DROP_NONE);
  rtp_outgoing_stream_select(r->out, b.stream);
  rtp_outgoing_stream_forget(r->out, a.stream);
  rtp_incoming_stream_free(a.stream);
  assert_null(rtp_outgoing_stream_current(r->out));
  struct rtcp_sender_info info;
  assert_false(rtp_outgoing_stream_sender_report(r->out, &(struct sender_clock){0}, 0, &info));
  fixture_vp8_frame(&b, &p, 1, true);
  assert_int_equal(fixture_pass(r, &b, &p, 40000), RTP_DROP_NONE);
  rtp_outgoing_stream_forget(r->out, b.stream);
  assert_null(rtp_outgoing_stream_wanted(r->out));
  assert_int_equal(fixture_holes(r), 0);
  fixture_receiver_free(r);
  rtp_incoming_stream_free(b.stream);
}

static void sender_reports_are_translated_and_give_the_round_trip(void **state) {
  (void)state;
  struct fixture_source s = {.stream = fixture_incoming(true, 1000, 0, NULL), .ssrc = 1000, .timestamp = 5000};
  struct receiver *r = fixture_receiver(true, NULL);
  struct fixture_packet p;
  struct rtcp_sender_info info;
  rtp_outgoing_stream_select(r->out, s.stream);
  fixture_vp8_frame(&s, &p, 1, true);
  size_t payload = p.packet.payload_len;
  fixture_pass(r, &s, &p, 1000000);
  struct sender_clock clock = {0};
  assert_false(rtp_outgoing_stream_sender_report(r->out, &clock, 1000000, &info)); /* the publisher sent none yet */
  struct rtcp_sender_info sr = {.ntp = (uint64_t)7777 << 32, .rtp_timestamp = 5000};
  rtp_incoming_stream_sender_report(s.stream, &sr, 1000000);
  sender_clock_report(&clock, sr.ntp, 1000000);
  assert_true(rtp_outgoing_stream_sender_report(r->out, &clock, 1500000, &info));
  assert_int_equal(info.ntp, SENDER_CLOCK_EPOCH + rtcp_ntp_from_us(1500000)); /* what was 7777 s there was 1 s here */
  assert_int_equal(info.rtp_timestamp, r->last.timestamp + 45000);            /* the same line, in our timestamps */
  assert_int_equal(info.packets, 1);
  assert_int_equal(info.octets, payload);
  struct rtcp_report_block block = {.fraction_lost = 26,
                                    .cumulative_lost = 3,
                                    .jitter = 90,
                                    .last_sr = rtcp_ntp_middle(info.ntp),
                                    .delay_since_sr = 65536 / 2};
  struct rtp_outgoing_stats stats;
  rtp_outgoing_stream_receiver_report(r->out, &block, 2080000);
  rtp_outgoing_stream_stats(r->out, 2080000, &stats);
  assert_int_equal(stats.rtt_us, 80000);
  assert_int_equal(stats.fraction_lost, 26);
  assert_int_equal(stats.lost, 3);
  assert_int_equal(stats.jitter_us, 1000);
  block.last_sr ^= 1; /* a report about a report we never sent */
  rtp_outgoing_stream_receiver_report(r->out, &block, 99000000);
  rtp_outgoing_stream_stats(r->out, 99000000, &stats);
  assert_int_equal(stats.rtt_us, 80000);
  fixture_receiver_free(r);
  rtp_incoming_stream_free(s.stream);
}

/* Sound that stood still while it was not wanted: 20 ms a packet, ten seconds of nothing, and on as if nothing had been. */
static void after_a_pause_nothing_is_reported_until_the_source_has(void **state) {
  (void)state;
  struct fixture_source s = {.stream = fixture_incoming(false, 1000, 0, NULL), .ssrc = 1000, .timestamp = 5000};
  struct receiver *r = fixture_receiver(false, NULL);
  struct fixture_packet p;
  struct rtcp_sender_info before, after;
  struct sender_clock clock = {0};
  int64_t now = 1000000;
  rtp_outgoing_stream_select(r->out, s.stream);
  for (int i = 0; i < 50; i++, now += 20000) {
    fixture_opus(&s, &p);
    assert_int_equal(fixture_pass(r, &s, &p, now), RTP_DROP_NONE);
  }
  struct rtcp_sender_info sr = {.ntp = (uint64_t)100 << 32, .rtp_timestamp = p.packet.timestamp};
  rtp_incoming_stream_sender_report(s.stream, &sr, now);
  sender_clock_report(&clock, sr.ntp, now);
  assert_true(rtp_outgoing_stream_sender_report(r->out, &clock, now, &before));
  rtp_outgoing_stream_pause(r->out, true);
  now += 10000000;
  rtp_outgoing_stream_pause(r->out, false);
  for (int i = 0; i < 50; i++, now += 20000) {
    fixture_opus(&s, &p);
    assert_int_equal(fixture_pass(r, &s, &p, now), i < 3 ? RTP_DROP_SETTLING : RTP_DROP_NONE);
    assert_false(rtp_outgoing_stream_sender_report(r->out, &clock, now, &after));
  }
  sr = (struct rtcp_sender_info){.ntp = ((uint64_t)111 << 32), .rtp_timestamp = p.packet.timestamp};
  rtp_incoming_stream_sender_report(s.stream, &sr, now);
  sender_clock_report(&clock, sr.ntp, now);
  assert_true(rtp_outgoing_stream_sender_report(r->out, &clock, now, &after));
  /* One line through both, as if it had never stood still; a packet's time is lost between a report and the next packet. */
  assert_in_range(rtcp_ntp_to_us(after.ntp - before.ntp), 11000000 - 2000, 11000000 + 2000);
  assert_in_range(after.rtp_timestamp - before.rtp_timestamp, 11 * 48000 - 2 * 960, 11 * 48000 + 2 * 960);
  fixture_receiver_free(r);
  rtp_incoming_stream_free(s.stream);
}

/* Six packets at once, as browsers begin again: the receiver gets the first that is on time, where the silence has left room for it. */
static void the_late_head_of_a_burst_is_left_out(void **state) {
  (void)state;
  struct fixture_source s = {.stream = fixture_incoming(false, 1000, 0, NULL), .ssrc = 1000, .timestamp = 5000};
  struct receiver *r = fixture_receiver(false, NULL);
  struct fixture_packet p;
  int64_t now = 1000000;
  rtp_outgoing_stream_select(r->out, s.stream);
  for (int i = 0; i < 10; i++, now += 20000) {
    fixture_opus(&s, &p);
    assert_int_equal(fixture_pass(r, &s, &p, now), RTP_DROP_NONE);
  }
  const uint32_t last = r->last.timestamp;
  rtp_outgoing_stream_pause(r->out, true);
  now += 4000000 - 20000;
  rtp_outgoing_stream_pause(r->out, false);
  for (int i = 0; i < 6; i++) {
    fixture_opus(&s, &p);
    assert_int_equal(fixture_pass(r, &s, &p, now), RTP_DROP_SETTLING);
  }
  int passed = 0;
  for (int i = 0; i < 10; i++) {
    now += 20000;
    fixture_opus(&s, &p);
    passed += fixture_pass(r, &s, &p, now) == RTP_DROP_NONE;
    if (passed == 1) assert_int_equal(r->last.timestamp - last, (4000 + 20 * (i + 1)) * 48);
  }
  assert_int_equal(passed, 8); /* three are needed to see that they come evenly */
  assert_int_equal(fixture_holes(r), 0);
  fixture_receiver_free(r);
  rtp_incoming_stream_free(s.stream);
}

static void a_receiver_may_not_flood_keyframe_requests(void **state) {
  (void)state;
  struct fixture_source s = {.stream = fixture_incoming(true, 1000, 0, NULL), .ssrc = 1000};
  struct receiver *r = fixture_receiver(true, NULL);
  assert_null(rtp_outgoing_stream_receiver_wants_keyframe(r->out, 0));
  rtp_outgoing_stream_select(r->out, s.stream);
  int passed = 0;
  for (int64_t now = 0; now < 1000000; now += 1000) {
    passed += rtp_outgoing_stream_receiver_wants_keyframe(r->out, now) == s.stream;
  }
  assert_in_range(passed, 3, 5);
  fixture_receiver_free(r);
  rtp_incoming_stream_free(s.stream);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(bad_configurations_are_refused),
                                     cmocka_unit_test(pausing_stops_and_resuming_waits_for_a_keyframe),
                                     cmocka_unit_test(forgetting_a_source_leaves_no_pointer),
                                     cmocka_unit_test(sender_reports_are_translated_and_give_the_round_trip),
                                     cmocka_unit_test(after_a_pause_nothing_is_reported_until_the_source_has),
                                     cmocka_unit_test(the_late_head_of_a_burst_is_left_out),
                                     cmocka_unit_test(a_receiver_may_not_flood_keyframe_requests)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
