/* Tests of rtp/rtcp_feedback.c: NACK, PLI, FIR, REMB. */
#include "tests/rtp/rtcp_packets.h"

static void nack_packs_pairs(void **state) {
  (void)state;
  static struct rtcp_nack nack;
  uint8_t out[128];
  size_t written;
  /* 65534 and its next 16, then one just out of the mask's reach, then a far one. */
  const uint16_t seqs[] = {65534, 65535, 0, 14, 15, 1000};
  int n = rtcp_write_nack(out, sizeof out, 1, 2, seqs, COUNT(seqs), &written);
  assert_hex(out, (size_t)n, "81cd0005 00000001 00000002 fffe 8003 000f 0000 03e8 0000");
  assert_int_equal(written, 6);
  struct rtcp_packet p = only_packet(out, n);
  assert_int_equal(rtcp_parse_nack(&p, &nack), RTP_OK);
  assert_int_equal(nack.sender_ssrc, 1);
  assert_int_equal(nack.media_ssrc, 2);
  assert_int_equal(nack.count, COUNT(seqs));
  assert_memory_equal(nack.seqs, seqs, sizeof seqs);

  n = rtcp_write_nack(out, 23, 1, 2, seqs, COUNT(seqs), &written); /* room for two pairs */
  assert_int_equal(n, 20);
  assert_int_equal(written, 5);
  assert_int_equal(rtcp_write_nack(out, 15, 1, 2, seqs, 1, &written), RTP_ERROR_NO_SPACE);
  assert_int_equal(written, 0);
  assert_int_equal(rtcp_write_nack(out, sizeof out, 1, 2, seqs, 0, NULL), RTP_ERROR_VALUE);
}

static void nack_is_capped(void **state) {
  (void)state;
  static struct rtcp_nack nack;
  static uint8_t data[12 + 4 * 300] = {0x81, 205};
  size_t words = sizeof data / 4 - 1;
  data[2] = (uint8_t)(words >> 8);
  data[3] = (uint8_t)words;
  memset(data + 12, 0xff, sizeof data - 12); /* 300 times 65535 with a full mask: 5100 numbers */
  struct rtcp_packet p = only_packet(data, (int)sizeof data);
  assert_int_equal(rtcp_parse_nack(&p, &nack), RTP_OK);
  assert_int_equal(nack.count, RTCP_MAX_NACKS);
  assert_true(nack.truncated);
  assert_int_equal(nack.seqs[0], 65535);
  assert_int_equal(nack.seqs[16], 15);

  const struct {
    const char *hex;
    int error;
  } bad[] = {
      {"81cd0001 00000001", RTP_ERROR_SHORT},
      {"81cd0002 00000001 00000002", RTP_ERROR_LENGTH},
      {"a1cd0003 00000001 00000002 00000002", RTP_ERROR_LENGTH}, /* half a pair, by padding */
      {"81ce0003 00000001 00000002 00000000", RTP_ERROR_TYPE},
      {"82cd0003 00000001 00000002 00000000", RTP_ERROR_TYPE},
  };
  for (size_t i = 0; i < COUNT(bad); i++) {
    struct bytes b = bytes_hex(bad[i].hex);
    p = first_packet(&b);
    assert_int_equal(rtcp_parse_nack(&p, &nack), bad[i].error);
    bytes_free(&b);
  }
}

static void picture_loss_indication(void **state) {
  (void)state;
  uint8_t out[12];
  struct rtcp_pli pli;
  int n = rtcp_write_pli(out, sizeof out, 0x11223344, 0x55667788);
  assert_hex(out, (size_t)n, "81ce0002 11223344 55667788");
  struct rtcp_packet p = only_packet(out, n);
  assert_int_equal(rtcp_parse_pli(&p, &pli), RTP_OK);
  assert_int_equal(pli.media_ssrc, 0x55667788);
  assert_int_equal(rtcp_write_pli(out, 11, 1, 2), RTP_ERROR_NO_SPACE);
  p.body_len = 4;
  assert_int_equal(rtcp_parse_pli(&p, &pli), RTP_ERROR_SHORT);
  p.count = RTCP_PSFB_FIR;
  assert_int_equal(rtcp_parse_pli(&p, &pli), RTP_ERROR_TYPE);
}

static void full_intra_request(void **state) {
  (void)state;
  uint8_t out[512];
  struct rtcp_fir fir = {.sender_ssrc = 1, .count = 2, .entries = {{2, 255}, {3, 0}}}, back;
  int n = rtcp_write_fir(out, sizeof out, &fir);
  assert_hex(out, (size_t)n, "84ce0006 00000001 00000000 00000002 ff000000 00000003 00000000");
  struct rtcp_packet p = only_packet(out, n);
  assert_int_equal(rtcp_parse_fir(&p, &back), RTP_OK);
  assert_int_equal(back.count, 2);
  assert_int_equal(back.entries[0].ssrc, 2);
  assert_int_equal(back.entries[0].seq, 255);
  p.body_len = 12;
  assert_int_equal(rtcp_parse_fir(&p, &back), RTP_ERROR_LENGTH);
  p.body_len = 8;
  assert_int_equal(rtcp_parse_fir(&p, &back), RTP_ERROR_LENGTH);
  p.body_len = 4;
  assert_int_equal(rtcp_parse_fir(&p, &back), RTP_ERROR_SHORT);
  fir.count = RTCP_MAX_FIRS;
  n = rtcp_write_fir(out, sizeof out, &fir);
  p = only_packet(out, n);
  assert_int_equal(rtcp_parse_fir(&p, &back), RTP_OK);
  assert_int_equal(back.count, RTCP_MAX_FIRS);
  memset(out + 4, 0, sizeof out - 4);
  p.body_len = 8 + 8 * (RTCP_MAX_FIRS + 1);
  assert_int_equal(rtcp_parse_fir(&p, &back), RTP_ERROR_TOO_MANY);
  fir.count = RTCP_MAX_FIRS + 1;
  assert_int_equal(rtcp_write_fir(out, sizeof out, &fir), RTP_ERROR_TOO_MANY);
  fir.count = 0;
  assert_int_equal(rtcp_write_fir(out, sizeof out, &fir), RTP_ERROR_VALUE);
}

static void estimated_bitrate(void **state) {
  (void)state;
  uint8_t out[512];
  struct rtcp_remb remb = {.sender_ssrc = 1, .bitrate_bps = 1000000, .count = 2, .ssrcs = {7, 8}}, back;
  int n = rtcp_write_remb(out, sizeof out, &remb);
  /* 1000000 = 250000 * 2^2: exponent 2, mantissa 0x3d090 */
  assert_hex(out, (size_t)n, "8fce0006 00000001 00000000 52454d42 02 0bd090 00000007 00000008");
  const uint64_t rates[] = {0, 1, 262143, 262144, 262145, 0xffffffff, UINT64_MAX >> 1};
  for (size_t i = 0; i < COUNT(rates); i++) {
    remb.bitrate_bps = rates[i];
    n = rtcp_write_remb(out, sizeof out, &remb);
    struct rtcp_packet p = only_packet(out, n);
    assert_int_equal(rtcp_parse_remb(&p, &back), RTP_OK);
    assert_int_equal(back.count, 2);
    assert_true(back.bitrate_bps <= rates[i] && back.bitrate_bps >= rates[i] - rates[i] / 131072);
  }
  const struct {
    const char *hex;
    int error;
  } bad[] = {
      {"8fce0003 00000001 00000000 52454d42", RTP_ERROR_SHORT},
      {"8fce0004 00000001 00000000 52454d43 00000000", RTP_ERROR_TYPE},
      {"8fce0004 00000001 00000000 52454d42 01000000", RTP_ERROR_LENGTH}, /* an SSRC is missing  */
      {"8fce0004 00000001 00000000 52454d42 ff000000", RTP_ERROR_LENGTH},
      {"8fce0005 00000001 00000000 52454d42 00000000 00000001", RTP_ERROR_LENGTH},
      {"8fce0004 00000001 00000000 52454d42 00ffffff", RTP_OK}, /* exponent 63 saturates */
  };
  for (size_t i = 0; i < COUNT(bad); i++) {
    struct bytes b = bytes_hex(bad[i].hex);
    struct rtcp_packet p = first_packet(&b);
    assert_int_equal(rtcp_parse_remb(&p, &back), bad[i].error);
    if (!bad[i].error) assert_true(back.bitrate_bps == (uint64_t)INT64_MAX);
    bytes_free(&b);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(nack_packs_pairs),        cmocka_unit_test(nack_is_capped),
      cmocka_unit_test(picture_loss_indication), cmocka_unit_test(full_intra_request),
      cmocka_unit_test(estimated_bitrate),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
