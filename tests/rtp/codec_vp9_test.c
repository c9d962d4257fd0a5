/* Tests of rtp/codec_vp9.c. */
#include "rtp/codec.h"
#include "tests/rtp/bytes.h"

static int parse(const char *hex, bool marker, struct rtp_codec_info *info) {
  struct bytes b = bytes_hex(hex);
  int error = rtp_vp9_parse(b.data, b.len, marker, info);
  bytes_free(&b);
  return error;
}

static void key_picture_with_structure(void **state) {
  (void)state;
  struct rtp_codec_info i;
  /* I L B V; picture id 0x1234; T0 S0; TL0 0x55; SS: 3 layers with sizes, 2 pictures of the group (one reference each). */
  assert_int_equal(parse("aa 9234 00 55 58 0140 00b4 0280 0168 0500 02d0 02 04 01 24 01 ff", false, &i), RTP_OK);
  assert_true(i.keyframe && i.frame_start && !i.frame_end && !i.inter_picture);
  assert_int_equal(i.picture_id, 0x1234);
  assert_int_equal(i.picture_id_offset, 1);
  assert_int_equal(i.tl0picidx, 0x55);
  assert_int_equal(i.tl0picidx_offset, 4);
  assert_int_equal(i.spatial_layers, 3);
  assert_int_equal(i.width, 1280);
  assert_int_equal(i.height, 720);
  assert_int_equal(i.descriptor_len, 23);
}

static void layers_and_flags(void **state) {
  (void)state;
  struct rtp_codec_info i;
  /* Upper spatial layer of a key picture: T2 U S1 D. */
  assert_int_equal(parse("ad 05 53 07 ff", true, &i), RTP_OK);
  assert_true(!i.keyframe && i.inter_layer && i.switch_up && i.frame_end && i.not_inter_layer_reference);
  assert_int_equal(i.temporal_id, 2);
  assert_int_equal(i.spatial_id, 1);
  assert_int_equal(i.picture_id_bits, 7);
  /* P: predicted. E without the marker ends a layer's frame. */
  assert_int_equal(parse("ec 05 00 07 ff", false, &i), RTP_OK);
  assert_true(!i.keyframe && i.inter_picture && i.frame_end && i.frame_start);
  /* No layer indices: one layer. */
  assert_int_equal(parse("88 05 ff", false, &i), RTP_OK);
  assert_true(i.keyframe && !i.has_spatial && !i.has_tl0picidx);
  /* The second packet of a key frame. */
  assert_int_equal(parse("80 05 ff", false, &i), RTP_OK);
  assert_false(i.keyframe);
}

static void flexible_mode(void **state) {
  (void)state;
  struct rtp_codec_info i;
  /* I P L F B: no TL0PICIDX; references 1, 2 and 3 pictures back. */
  assert_int_equal(parse("f8 8001 00 03 05 06 ff", false, &i), RTP_OK);
  assert_true(!i.has_tl0picidx && i.inter_picture);
  assert_int_equal(i.descriptor_len, 7);
  assert_int_equal(parse("f8 8001 00 03 05 07 03 ff", false, &i), RTP_ERROR_TOO_MANY);
  assert_int_equal(parse("f8 8001 00 01 02 ff", false, &i), RTP_ERROR_VALUE); /* P_DIFF 0 */
  assert_int_equal(parse("b8 8001 00 ff", false, &i), RTP_OK);                /* F without P: no list */
  assert_true(i.keyframe);
}

static void cut_descriptors_are_refused(void **state) {
  (void)state;
  const char *whole[] = {"aa 9234 00 55 58 0140 00b4 0280 0168 0500 02d0 02 04 01 24 01", "f8 8001 00 03 05 06"};
  for (size_t n = 0; n < COUNT(whole); n++) {
    struct bytes b = bytes_hex(whole[n]);
    for (size_t len = 0; len <= b.len; len++) {
      struct bytes cut = bytes_copy(b.data, len);
      struct rtp_codec_info i;
      assert_int_equal(rtp_vp9_parse(cut.data, cut.len, true, &i), RTP_ERROR_SHORT);
      assert_true(!i.frame_end && i.spatial_layers == 0);
      bytes_free(&cut);
    }
    bytes_free(&b);
  }
  struct rtp_codec_info i;
  assert_int_equal(parse("0a 08 ff 0c0c0c0c 0c", false, &i), RTP_ERROR_SHORT); /* 255 pictures in 5 bytes */
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(key_picture_with_structure),
      cmocka_unit_test(layers_and_flags),
      cmocka_unit_test(flexible_mode),
      cmocka_unit_test(cut_descriptors_are_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
