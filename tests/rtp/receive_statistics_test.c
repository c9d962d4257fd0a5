/* RFC 3550's receiver statistics: wrap, loss, jitter, restart, report blocks. */
#include "rtp/receive_statistics.h"

#include "tests/rtp/stream_fixture.h"

static struct rtp_receive_statistics s;

static uint32_t feed(uint16_t seq, int64_t now_us, enum rtp_sequence_verdict expected) {
  uint32_t extended = 0;
  assert_int_equal(rtp_receive_statistics_packet(&s, seq, (uint32_t)(now_us * 9 / 100), 1000, now_us, &extended),
                   expected);
  return extended;
}

static void numbers_extend_over_the_wrap(void **state) {
  (void)state;
  rtp_receive_statistics_init(&s, 90000);
  assert_int_equal(feed(65534, 0, RTP_SEQUENCE_IN_ORDER), 65536 + 65534);
  assert_int_equal(feed(1, 10, RTP_SEQUENCE_IN_ORDER), 131073);
  assert_int_equal(feed(65535, 20, RTP_SEQUENCE_LATE), 131071);
  assert_int_equal(feed(1, 30, RTP_SEQUENCE_LATE), 131073);     /* a duplicate */
  assert_int_equal(feed(65533, 30, RTP_SEQUENCE_LATE), 131069); /* from before the first */
  assert_int_equal(rtp_receive_statistics_extend(&s, 65500), 131036);
  assert_int_equal(rtp_receive_statistics_extend(&s, 5), 131077);
}

static void loss_is_counted_per_interval_and_in_all(void **state) {
  (void)state;
  struct rtcp_report_block block;
  rtp_receive_statistics_init(&s, 90000);
  assert_false(rtp_receive_statistics_report(&s, 1, 0, &block));
  for (uint16_t i = 0; i < 100; i++) {
    if (i % 4 != 1) feed(i, i * 1000, RTP_SEQUENCE_IN_ORDER);
  }
  assert_true(rtp_receive_statistics_report(&s, 77, 100000, &block));
  assert_int_equal(block.ssrc, 77);
  assert_int_equal(block.cumulative_lost, 25);
  assert_int_equal(block.fraction_lost, 64);
  assert_int_equal(block.extended_seq, 99); /* cycles on the wire start at 0 */
  assert_int_equal(block.last_sr, 0);
  assert_int_equal(block.delay_since_sr, 0);
  for (uint16_t i = 100; i < 200; i++)
    feed(i, i * 1000, RTP_SEQUENCE_IN_ORDER);
  assert_true(rtp_receive_statistics_report(&s, 77, 200000, &block));
  assert_int_equal(block.fraction_lost, 0);
  assert_int_equal(block.cumulative_lost, 25);
  for (int i = 0; i < 50; i++)
    feed(199, 200000, RTP_SEQUENCE_LATE); /* duplicates make it negative, never huge */
  assert_true(rtp_receive_statistics_report(&s, 77, 200000, &block));
  assert_int_equal(block.fraction_lost, 0);
  assert_int_equal(block.cumulative_lost, -25);
}

static void jitter_is_zero_for_a_metronome_and_settles_for_a_sawtooth(void **state) {
  (void)state;
  uint32_t extended;
  rtp_receive_statistics_init(&s, 90000);
  for (uint16_t i = 0; i < 100; i++)
    rtp_receive_statistics_packet(&s, i, i * 900U, 100, i * 10000, &extended);
  assert_int_equal(rtp_receive_statistics_jitter_us(&s), 0);
  /* every second packet 5 ms late: the difference of transit alternates ±5 ms, the mean deviation goes to 5 ms */
  for (uint16_t i = 100; i < 500; i++) {
    rtp_receive_statistics_packet(&s, i, i * 900U, 100, i * 10000 + (i & 1) * 5000, &extended);
  }
  assert_in_range(rtp_receive_statistics_jitter_us(&s), 4800, 5200);
  /* one hostile timestamp does not blow it up */
  rtp_receive_statistics_packet(&s, 500, 0x80000000U, 100, 5000000, &extended);
  assert_in_range(rtp_receive_statistics_jitter_us(&s), 4000, 6000);
}

static void a_restart_needs_two_packets_and_moves_forward(void **state) {
  (void)state;
  rtp_receive_statistics_init(&s, 90000);
  uint32_t before = feed(40000, 0, RTP_SEQUENCE_IN_ORDER);
  feed(10000, 10, RTP_SEQUENCE_BAD);
  feed(40001, 20, RTP_SEQUENCE_IN_ORDER); /* a stray one: nothing happened */
  feed(10000, 30, RTP_SEQUENCE_BAD);
  uint32_t after = feed(10001, 40, RTP_SEQUENCE_RESTARTED);
  assert_true((int32_t)(after - before) > 0);
  assert_int_equal(after & 0xffff, 10001);
  assert_int_equal(rtp_receive_statistics_lost(&s), 0);
  assert_int_equal(s.restarts, 1);
  assert_int_equal(feed(10002, 50, RTP_SEQUENCE_IN_ORDER), after + 1);
  feed((uint16_t)(10002 + RTP_MAX_DROPOUT - 1), 60, RTP_SEQUENCE_IN_ORDER); /* just inside */
  feed((uint16_t)(10002 + 2 * RTP_MAX_DROPOUT), 70, RTP_SEQUENCE_BAD);      /* just outside */
}

static void the_last_sender_report_is_echoed(void **state) {
  (void)state;
  struct rtcp_report_block block;
  rtp_receive_statistics_init(&s, 48000);
  feed(1, 0, RTP_SEQUENCE_IN_ORDER);
  rtp_receive_statistics_sender_report(&s, 0x1122334455667788ULL, 5, 1000000);
  assert_true(rtp_receive_statistics_report(&s, 1, 1500000, &block));
  assert_int_equal(block.last_sr, 0x33445566);
  assert_int_equal(block.delay_since_sr, 32768); /* half a second */
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(numbers_extend_over_the_wrap),
                                     cmocka_unit_test(loss_is_counted_per_interval_and_in_all),
                                     cmocka_unit_test(jitter_is_zero_for_a_metronome_and_settles_for_a_sawtooth),
                                     cmocka_unit_test(a_restart_needs_two_packets_and_moves_forward),
                                     cmocka_unit_test(the_last_sender_report_is_echoed)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
