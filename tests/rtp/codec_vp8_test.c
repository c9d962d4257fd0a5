/* Tests of rtp/codec_vp8.c. */
#include "rtp/codec.h"
#include "tests/rtp/bytes.h"

static int parse(const char *hex, bool marker, struct rtp_codec_info *info) {
  struct bytes b = bytes_hex(hex);
  int error = rtp_vp8_parse(b.data, b.len, marker, info);
  bytes_free(&b);
  return error;
}

static void key_frame_with_everything(void **state) {
  (void)state;
  struct rtp_codec_info i;
  /* X S, ILTK, 15-bit picture id 0x1234, TL0 0x55, TID 1 Y KEYIDX 7; 640x360, the width scaled by 1. */
  assert_int_equal(parse("90 f0 9234 55 67 5000 00 9d012a 8042 6801 ff", false, &i), RTP_OK);
  assert_true(i.keyframe && i.frame_start && !i.frame_end && !i.discardable);
  assert_true(i.has_temporal && i.switch_up && !i.has_spatial);
  assert_int_equal(i.temporal_id, 1);
  assert_int_equal(i.picture_id_bits, 15);
  assert_int_equal(i.picture_id, 0x1234);
  assert_int_equal(i.picture_id_offset, 2);
  assert_true(i.has_tl0picidx && i.tl0picidx == 0x55 && i.tl0picidx_offset == 4);
  assert_true(i.has_keyidx && i.keyidx == 7);
  assert_int_equal(i.width, 640);
  assert_int_equal(i.height, 360);
  assert_int_equal(i.descriptor_len, 6);
}

static void rfc_7741_section_4_6_examples(void **state) {
  (void)state;
  struct rtp_codec_info i;
  /* §4.6.1: key frame in one packet, short picture id 17. */
  assert_int_equal(parse("90 80 11 50", true, &i), RTP_OK);
  assert_true(i.keyframe && i.frame_start && i.frame_end);
  assert_int_equal(i.picture_id_bits, 7);
  assert_int_equal(i.picture_id, 17);
  assert_int_equal(i.width, 0); /* cut short: still a key frame */
  /* §4.6.2: a discardable interframe: X N S. */
  assert_int_equal(parse("b0 80 11 51", true, &i), RTP_OK);
  assert_true(i.discardable && !i.keyframe && i.frame_start);
  /* §4.6.4: a later packet of the first partition. */
  assert_int_equal(parse("80 80 11 50", false, &i), RTP_OK);
  assert_true(!i.keyframe && !i.frame_start);
  /* §4.6.5: long picture id 4711, layers. */
  assert_int_equal(parse("90 e0 9267 2a 40 51", false, &i), RTP_OK);
  assert_int_equal(i.picture_id, 4711);
  assert_int_equal(i.temporal_id, 1);
  assert_false(i.switch_up);
}

static void small_descriptors(void **state) {
  (void)state;
  struct rtp_codec_info i;
  assert_int_equal(parse("10 00", false, &i), RTP_OK); /* no extension at all */
  assert_true(i.keyframe && i.picture_id_bits == 0 && !i.has_tl0picidx && !i.has_temporal);
  assert_int_equal(i.descriptor_len, 1);
  assert_int_equal(parse("11 00", false, &i), RTP_OK); /* S on partition 1 begins no frame */
  assert_true(!i.keyframe && !i.frame_start);
  assert_int_equal(parse("90 10 05 01", false, &i), RTP_OK); /* K without T */
  assert_true(i.has_keyidx && i.keyidx == 5 && !i.has_temporal);
  assert_int_equal(parse("10 000000 9d012b 8002 6801", false, &i), RTP_OK); /* another start code: encrypted */
  assert_true(i.keyframe && i.width == 0);
}

static void cut_descriptors_are_refused(void **state) {
  (void)state;
  const char *hex[] = {"",         "90", "90 f0", "90 f0 92", "90 f0 9234", "90 f0 9234 55", "90 f0 9234 55 67",
                       "90 80 11", "10"};
  for (size_t n = 0; n < COUNT(hex); n++) {
    struct rtp_codec_info i;
    assert_int_equal(parse(hex[n], true, &i), RTP_ERROR_SHORT);
    assert_true(!i.frame_end && !i.has_tl0picidx && i.picture_id_bits == 0);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(key_frame_with_everything),
      cmocka_unit_test(rfc_7741_section_4_6_examples),
      cmocka_unit_test(small_descriptors),
      cmocka_unit_test(cut_descriptors_are_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
