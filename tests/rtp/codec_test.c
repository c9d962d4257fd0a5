/* Tests of rtp/codec.c: names, dispatch, the patch of picture ids. */
#include "rtp/codec.h"

#include "tests/rtp/bytes.h"

static void codecs_are_known_by_name(void **state) {
  (void)state;
  for (int i = RTP_CODEC_NONE + 1; i < RTP_CODEC_COUNT; i++) {
    const char *name = rtp_codec_name((enum rtp_codec)i);
    assert_int_equal(rtp_codec_from_name(name, strlen(name)), i);
  }
  assert_int_equal(rtp_codec_from_name("vp8", 3), RTP_CODEC_VP8);
  assert_int_equal(rtp_codec_from_name("OPUS", 4), RTP_CODEC_OPUS);
  assert_int_equal(rtp_codec_from_name("VP80", 4), RTP_CODEC_NONE);
  assert_int_equal(rtp_codec_from_name("rtx", 3), RTP_CODEC_NONE);
  assert_int_equal(rtp_codec_from_name("none", 4), RTP_CODEC_NONE);
  assert_int_equal(rtp_codec_clock_hz(RTP_CODEC_RED), 48000);
  assert_int_equal(rtp_codec_clock_hz(RTP_CODEC_AV1), 90000);
  assert_true(rtp_codec_is_video(RTP_CODEC_H264));
  assert_false(rtp_codec_is_video(RTP_CODEC_OPUS));
  assert_string_equal(rtp_codec_name((enum rtp_codec)99), "none");
  assert_false(rtp_codec_is_video((enum rtp_codec)99));
  assert_int_equal(rtp_codec_clock_hz((enum rtp_codec)99), 0);
}

static void parse_refuses_nothing_and_unknown(void **state) {
  (void)state;
  struct rtp_codec_info info;
  uint8_t data[1] = {0};
  for (int i = RTP_CODEC_NONE + 1; i < RTP_CODEC_COUNT; i++) {
    memset(&info, 0xff, sizeof info);
    struct bytes b = bytes_copy(data, 0);
    assert_int_equal(rtp_codec_parse((enum rtp_codec)i, b.data, 0, true, &info), RTP_ERROR_SHORT);
    assert_false(info.keyframe || info.frame_end || info.picture_id_bits);
    bytes_free(&b);
  }
  assert_int_equal(rtp_codec_parse(RTP_CODEC_NONE, data, 1, true, &info), RTP_ERROR_TYPE);
  assert_int_equal(rtp_codec_parse((enum rtp_codec)99, data, 1, true, &info), RTP_ERROR_TYPE);
}

static void patch(enum rtp_codec codec, const char *hex, uint16_t id, uint8_t tl0, const char *want) {
  struct bytes b = bytes_hex(hex);
  struct rtp_codec_info info;
  assert_int_equal(rtp_codec_parse(codec, b.data, b.len, false, &info), RTP_OK);
  rtp_codec_patch_picture(b.data, &info, id, tl0);
  assert_hex(b.data, b.len, want);
  rtp_codec_patch_picture(b.data, &info, id, tl0);
  assert_hex(b.data, b.len, want);
  bytes_free(&b);
}

static void patch_keeps_every_length(void **state) {
  (void)state;
  patch(RTP_CODEC_VP8, "90 e0 9234 55 40 01", 0x7fff, 0xaa, "90 e0 ffff aa 40 01");
  patch(RTP_CODEC_VP8, "90 e0 9234 55 40 01", 5, 0, "90 e0 8005 00 40 01"); /* 15 bits stay 15 bits */
  patch(RTP_CODEC_VP8, "90 c0 12 55 01", 0x1ff, 0xaa, "90 c0 7f aa 01");    /* 7 bits stay 7 bits   */
  patch(RTP_CODEC_VP8, "90 40 55 01", 0x1ff, 0xaa, "90 40 aa 01");          /* no picture id        */
  patch(RTP_CODEC_VP8, "90 80 12 01", 3, 0xaa, "90 80 03 01");              /* no TL0PICIDX         */
  patch(RTP_CODEC_VP8, "10 01", 3, 0xaa, "10 01");
  patch(RTP_CODEC_VP9, "a8 9234 00 55 01", 0x4321, 0xaa, "a8 c321 00 aa 01");
  patch(RTP_CODEC_H264, "41 80", 3, 0xaa, "41 80");
}

static void red_is_read_through(void **state) {
  (void)state;
  struct rtp_codec_info info;
  struct bytes b = bytes_hex("ef 0f0003 6f 010203 78");
  assert_int_equal(rtp_codec_parse(RTP_CODEC_RED, b.data, b.len, false, &info), RTP_OK);
  assert_int_equal(info.descriptor_len, 8);
  assert_true(info.dtx); /* the primary has one byte */
  assert_int_equal(rtp_codec_parse(RTP_CODEC_RED, b.data, 8, false, &info), RTP_ERROR_SHORT); /* an empty primary */
  bytes_free(&b);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(codecs_are_known_by_name),
      cmocka_unit_test(parse_refuses_nothing_and_unknown),
      cmocka_unit_test(patch_keeps_every_length),
      cmocka_unit_test(red_is_read_through),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
