/* Tests of rtp/rtcp_report.c: SR, RR, SDES, BYE, XR. */
#include "tests/rtp/rtcp_packets.h"

#define BLOCK "00000002 40 fffffe 00010005 00000007 89abcdef 00010000"

static void sender_report_round_trips(void **state) {
  (void)state;
  const char *hex = "81c8000c 00000001 e8f2b5a3 80000000 00000064 0000000a 000003e8 " BLOCK;
  struct bytes b = bytes_hex(hex);
  struct rtcp_packet p = first_packet(&b);
  struct rtcp_report r;
  assert_int_equal(rtcp_parse_report(&p, &r), RTP_OK);
  assert_true(r.is_sender);
  assert_int_equal(r.ssrc, 1);
  assert_true(r.sender.ntp == 0xe8f2b5a380000000);
  assert_int_equal(r.sender.rtp_timestamp, 100);
  assert_int_equal(r.sender.packets, 10);
  assert_int_equal(r.sender.octets, 1000);
  assert_int_equal(r.count, 1);
  assert_int_equal(r.blocks[0].ssrc, 2);
  assert_int_equal(r.blocks[0].fraction_lost, 0x40);
  assert_int_equal(r.blocks[0].cumulative_lost, -2);
  assert_int_equal(r.blocks[0].extended_seq, 65541);
  assert_int_equal(r.blocks[0].jitter, 7);
  assert_int_equal(r.blocks[0].last_sr, 0x89abcdef);
  assert_int_equal(r.blocks[0].delay_since_sr, 65536);
  assert_int_equal(rtcp_ntp_middle(r.sender.ntp), 0xb5a38000);
  uint8_t out[52];
  assert_int_equal(rtcp_write_report(out, sizeof out, &r), 52);
  assert_hex(out, 52, hex);
  assert_int_equal(rtcp_write_report(out, 51, &r), RTP_ERROR_NO_SPACE);
  bytes_free(&b);
}

static void receiver_report_limits(void **state) {
  (void)state;
  struct rtcp_report r = {.ssrc = 9, .count = RTCP_MAX_BLOCKS}, back;
  r.blocks[0].cumulative_lost = 0x7fffffff;
  r.blocks[1].cumulative_lost = -0x7fffffff;
  uint8_t out[1024];
  int n = rtcp_write_report(out, sizeof out, &r);
  assert_int_equal(n, 8 + 31 * 24);
  struct rtcp_packet p = only_packet(out, n);
  assert_int_equal(rtcp_parse_report(&p, &back), RTP_OK);
  assert_int_equal(back.count, 31);
  assert_int_equal(back.blocks[0].cumulative_lost, 0x7fffff); /* clamped, not wrapped */
  assert_int_equal(back.blocks[1].cumulative_lost, -0x800000);
  r.count = 32;
  assert_int_equal(rtcp_write_report(out, sizeof out, &r), RTP_ERROR_TOO_MANY);

  const char *short_ones[] = {"80c90000", "81c90001 00000001", ("82c90007 00000001 " BLOCK),
                              "80c80005 00000001 00000000 00000000 00000000 00000000"};
  for (size_t i = 0; i < COUNT(short_ones); i++) {
    struct bytes b = bytes_hex(short_ones[i]);
    p = first_packet(&b);
    assert_int_equal(rtcp_parse_report(&p, &back), RTP_ERROR_SHORT);
    p.type = RTCP_SDES;
    assert_int_equal(rtcp_parse_report(&p, &back), RTP_ERROR_TYPE);
    bytes_free(&b);
  }
}

static void ntp_converts(void **state) {
  (void)state;
  assert_true(rtcp_ntp_from_us(1500000) == 0x180000000);
  assert_true(rtcp_ntp_to_us(0x180000000) == 1500000);
  for (int64_t us = 0; us < 4000000000000000; us = us * 3 + 1) {
    int64_t back = rtcp_ntp_to_us(rtcp_ntp_from_us(us));
    assert_true(back == us || back == us - 1);
  }
}

static void source_description(void **state) {
  (void)state;
  uint8_t out[64];
  int n = rtcp_write_sdes(out, sizeof out, 7, "abc", 3);
  assert_int_equal(n, 16);
  assert_hex(out, 16, "81ca0003 00000007 0103 616263 000000");
  n = rtcp_write_sdes(out, sizeof out, 7, "a", 1);
  assert_int_equal(n, 12); /* one zero fits the word */
  struct rtcp_packet p = only_packet(out, n);
  struct rtcp_sdes s;
  assert_int_equal(rtcp_parse_sdes(&p, &s), RTP_OK);
  assert_int_equal(s.count, 1);
  assert_int_equal(s.chunks[0].ssrc, 7);
  assert_int_equal(s.chunks[0].len, 1);
  assert_int_equal(s.chunks[0].cname[0], 'a');
  assert_int_equal(rtcp_write_sdes(out, 8, 7, "a", 1), RTP_ERROR_NO_SPACE);
  assert_int_equal(rtcp_write_sdes(out, sizeof out, 7, "a", 256), RTP_ERROR_VALUE);

  /* Two chunks; the first has a NAME item before its CNAME, the second has none. */
  struct bytes b = bytes_hex("82ca0006 00000001 0202 7878 0101 61 00 00000002 00000000 00000000");
  p = first_packet(&b);
  assert_int_equal(rtcp_parse_sdes(&p, &s), RTP_OK);
  assert_int_equal(s.count, 2);
  assert_int_equal(s.chunks[0].len, 1);
  assert_int_equal(s.chunks[1].ssrc, 2);
  assert_null(s.chunks[1].cname);
  bytes_free(&b);

  const struct {
    const char *hex;
    int error;
  } bad[] = {
      {"82ca0002 00000001 00000000", RTP_ERROR_SHORT},  /* the second chunk is missing   */
      {"81ca0001 00000001", RTP_ERROR_LENGTH},          /* no terminating zero           */
      {"81ca0002 00000001 01ff6161", RTP_ERROR_LENGTH}, /* the item overruns             */
      {"81ca0002 00000001 01026161", RTP_ERROR_LENGTH},
      {"81ca0002 00000001 01016101", RTP_ERROR_LENGTH},          /* a type without its length     */
      {"a1ca0003 00000001 00000000 00000007", RTP_ERROR_LENGTH}, /* padding eats the zeros' word  */
  };
  for (size_t i = 0; i < COUNT(bad); i++) {
    b = bytes_hex(bad[i].hex);
    p = first_packet(&b);
    assert_int_equal(rtcp_parse_sdes(&p, &s), bad[i].error);
    bytes_free(&b);
  }
}

static void goodbye(void **state) {
  (void)state;
  uint8_t out[64];
  const uint32_t ssrcs[] = {1, 0xffffffff};
  struct rtcp_bye bye;
  int n = rtcp_write_bye(out, sizeof out, ssrcs, 2, NULL);
  assert_hex(out, (size_t)n, "82cb0002 00000001 ffffffff");
  struct rtcp_packet p = only_packet(out, n);
  assert_int_equal(rtcp_parse_bye(&p, &bye), RTP_OK);
  assert_int_equal(bye.count, 2);
  assert_int_equal(bye.ssrcs[1], 0xffffffff);
  assert_null(bye.reason);
  n = rtcp_write_bye(out, sizeof out, ssrcs, 1, "gone");
  assert_hex(out, (size_t)n, "81cb0003 00000001 04 676f6e65 000000");
  p = only_packet(out, n);
  assert_int_equal(rtcp_parse_bye(&p, &bye), RTP_OK);
  assert_int_equal(bye.reason_len, 4);
  assert_memory_equal(bye.reason, "gone", 4);
  assert_int_equal(rtcp_write_bye(out, sizeof out, ssrcs, 32, NULL), RTP_ERROR_TOO_MANY);

  struct bytes b = bytes_hex("82cb0001 00000001");
  p = first_packet(&b);
  assert_int_equal(rtcp_parse_bye(&p, &bye), RTP_ERROR_SHORT);
  bytes_free(&b);
  b = bytes_hex("81cb0002 00000001 04676f6e");
  p = first_packet(&b);
  assert_int_equal(rtcp_parse_bye(&p, &bye), RTP_ERROR_LENGTH);
  bytes_free(&b);
}

static void extended_reports(void **state) {
  (void)state;
  struct rtcp_xr x;
  struct bytes b = bytes_hex(
      "80cf0009 00000001"
      "04000002 e8f2b5a3 80000000"            /* RRTR                */
      "63000000"                              /* unknown and empty   */
      "05000003 00000002 00000003 00000004"); /* DLRR                */
  struct rtcp_packet p = first_packet(&b);
  assert_int_equal(rtcp_parse_xr(&p, &x), RTP_OK);
  assert_true(x.has_reference && x.reference_ntp == 0xe8f2b5a380000000);
  assert_true(x.has_dlrr && x.dlrr_ssrc == 2 && x.last_rr == 3 && x.delay_since_rr == 4);
  bytes_free(&b);
  b = bytes_hex("80cf0002 00000001 0400ffff");
  p = first_packet(&b);
  assert_int_equal(rtcp_parse_xr(&p, &x), RTP_ERROR_LENGTH);
  bytes_free(&b);
  b = bytes_hex("80cf0000");
  p = first_packet(&b);
  assert_int_equal(rtcp_parse_xr(&p, &x), RTP_ERROR_SHORT);
  bytes_free(&b);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(sender_report_round_trips),
      cmocka_unit_test(receiver_report_limits),
      cmocka_unit_test(ntp_converts),
      cmocka_unit_test(source_description),
      cmocka_unit_test(goodbye),
      cmocka_unit_test(extended_reports),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
