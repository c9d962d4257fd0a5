/* The sender report's line between RTP and NTP time, liveness, statistics. */
#include "rtp/incoming_stream.h"

#include "tests/rtp/stream_fixture.h"

static void timestamps_and_ntp_convert_both_ways(void **state) {
  (void)state;
  struct rtp_incoming_stream *s = fixture_incoming(true, 1, 0, NULL);
  uint64_t ntp = 0;
  uint32_t timestamp = 0;
  assert_false(rtp_incoming_stream_ntp_of(s, 0, &ntp));
  assert_false(rtp_incoming_stream_timestamp_of(s, 0, &timestamp));
  assert_false(rtp_incoming_stream_sr_at(s, 0, &ntp, &timestamp));
  struct rtcp_sender_info sr = {.ntp = (uint64_t)1000 << 32, .rtp_timestamp = 0xFFFFFF00};
  rtp_incoming_stream_sender_report(s, &sr, 5000000);
  assert_true(rtp_incoming_stream_ntp_of(s, 0xFFFFFF00U + 45000, &ntp)); /* over the wrap */
  assert_int_equal(ntp, ((uint64_t)1000 << 32) + (1ULL << 31));
  assert_true(rtp_incoming_stream_ntp_of(s, 0xFFFFFF00U - 90000, &ntp));
  assert_int_equal(ntp, (uint64_t)999 << 32);
  for (uint32_t offset = 0; offset < 200000; offset += 777) {
    assert_true(rtp_incoming_stream_ntp_of(s, sr.rtp_timestamp + offset, &ntp));
    assert_true(rtp_incoming_stream_timestamp_of(s, ntp, &timestamp));
    assert_int_equal(timestamp, sr.rtp_timestamp + offset);
    assert_true(rtp_incoming_stream_ntp_of(s, sr.rtp_timestamp - offset, &ntp));
    assert_true(rtp_incoming_stream_timestamp_of(s, ntp, &timestamp));
    assert_int_equal(timestamp, sr.rtp_timestamp - offset);
  }
  assert_true(rtp_incoming_stream_sr_at(s, 7000000, &ntp, &timestamp));
  assert_int_equal(ntp, (uint64_t)1002 << 32);
  assert_int_equal(timestamp, sr.rtp_timestamp + 180000);
  rtp_incoming_stream_free(s);
}

static void liveness_and_statistics_follow_the_packets(void **state) {
  (void)state;
  struct fixture_source v = {.stream = fixture_incoming(true, 5, 1, &v), .ssrc = 5};
  struct fixture_packet p[4];
  struct rtp_media_packet media;
  struct rtp_incoming_stats stats;
  struct rtcp_report_block block;
  int64_t now = 0;
  assert_false(rtp_incoming_stream_is_live(v.stream, 0));
  assert_false(rtp_incoming_stream_report_block(v.stream, 0, &block));
  for (int i = 0; i < 90; i++, now += FRAME_US) {
    fixture_vp8_frame(&v, p, 4, i == 0);
    for (int k = 0; k < 4; k++) {
      if (i != 30 || k != 2) rtp_incoming_stream_receive(v.stream, &p[k].packet, NULL, now, &media);
    }
  }
  rtp_incoming_stream_stats(v.stream, now, &stats);
  assert_in_range(stats.fps, 28, 32);
  assert_int_equal(stats.frames, 90);
  assert_int_equal(stats.temporal_layers, 3);
  assert_int_equal(stats.lost, 1);
  assert_in_range(stats.bitrate_bps, 30000, 60000);
  assert_int_equal(rtp_incoming_stream_frame_step(v.stream), VIDEO_STEP);
  assert_int_equal(rtp_incoming_stream_layer(v.stream), 1);
  assert_ptr_equal(rtp_incoming_stream_source(v.stream), &v);
  assert_int_equal(rtp_incoming_stream_ssrc(v.stream), 5);
  assert_int_equal(rtp_incoming_stream_rtx_ssrc(v.stream), 6);
  rtp_incoming_stream_set_rtx_ssrc(v.stream, 8);
  assert_int_equal(rtp_incoming_stream_rtx_ssrc(v.stream), 8);
  assert_true(rtp_incoming_stream_report_block(v.stream, now, &block));
  assert_int_equal(block.cumulative_lost, 1);
  assert_int_equal(block.ssrc, 5);
  assert_true(rtp_incoming_stream_is_live(v.stream, now + 1000000));
  assert_false(rtp_incoming_stream_is_live(v.stream, now + 2000000));
  rtp_incoming_stream_free(v.stream);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(timestamps_and_ntp_convert_both_ways),
                                     cmocka_unit_test(liveness_and_statistics_follow_the_packets)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
