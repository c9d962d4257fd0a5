/* Tests of rtp/codec_av1.c. */
#include "rtp/codec.h"
#include "tests/rtp/bytes.h"

/* Sequence header OBU without size field, 640x360: profile 0, one operating point at level 4, 10-bit and 9-bit sizes. */
#define SEQUENCE_640X360 "08 000000 24 c4 ff67 80"

static int parse(const char *hex, bool marker, struct rtp_codec_info *info) {
  struct bytes b = bytes_hex(hex);
  int error = rtp_av1_parse(b.data, b.len, marker, info);
  bytes_free(&b);
  return error;
}

static void key_frame_by_n_bit_and_sequence_header(void **state) {
  (void)state;
  struct rtp_codec_info i;
  /* N, W 2: a sequence header, then a frame that goes on (Y). */
  assert_int_equal(parse("68 09 " SEQUENCE_640X360 " 30 aabb", false, &i), RTP_OK);
  assert_true(i.keyframe && i.frame_start && !i.frame_end && !i.has_temporal);
  assert_int_equal(i.descriptor_len, 1);
  /* Without N the sequence header says so. */
  assert_int_equal(parse("20 09 " SEQUENCE_640X360 " 30 aabb", true, &i), RTP_OK);
  assert_true(i.keyframe && i.frame_end);
  /* N alone says so, too. */
  assert_int_equal(parse("18 30 aabb", false, &i), RTP_OK);
  assert_true(i.keyframe && i.width == 0);
  assert_int_equal(parse("10 30 aabb", false, &i), RTP_OK);
  assert_false(i.keyframe);
}

static void size_of_the_sequence(void **state) {
  (void)state;
  struct rtp_codec_info i;
  assert_int_equal(parse("18 " SEQUENCE_640X360, false, &i), RTP_OK);
  assert_int_equal(i.width, 640);
  assert_int_equal(i.height, 360);
  /* Cut anywhere it stays a key frame without a size. */
  struct bytes b = bytes_hex("18 " SEQUENCE_640X360);
  for (size_t len = 2; len + 1 < b.len; len++) {
    struct bytes cut = bytes_copy(b.data, len);
    assert_int_equal(rtp_av1_parse(cut.data, cut.len, false, &i), RTP_OK);
    assert_true(i.keyframe && i.width == 0 && i.height == 0);
    bytes_free(&cut);
  }
  bytes_free(&b);
}

static void layers_of_the_obu_header(void **state) {
  (void)state;
  struct rtp_codec_info i;
  assert_int_equal(parse("10 34 50 aa", false, &i), RTP_OK); /* T2 S2 */
  assert_true(i.has_temporal && i.has_spatial);
  assert_int_equal(i.temporal_id, 2);
  assert_int_equal(i.spatial_id, 2);
  assert_int_equal(parse("10 34", false, &i), RTP_OK); /* the extension byte is missing */
  assert_false(i.has_temporal);
  assert_int_equal(parse("90 0c 50 aa", false, &i), RTP_OK); /* Z: these bytes are no header */
  assert_true(!i.has_temporal && !i.keyframe && !i.frame_start);
  assert_int_equal(parse("a0 02 aabb 0a 00", false, &i),
                   RTP_OK); /* Z, W 2: the second element is a header, with size */
  assert_true(i.keyframe);
}

static void hostile_lengths(void **state) {
  (void)state;
  const struct {
    const char *hex;
    int error;
  } bad[] = {
      {"", RTP_ERROR_SHORT},
      {"10", RTP_ERROR_SHORT},
      {"98 30", RTP_ERROR_VALUE}, /* N and Z */
      {"00 ff30", RTP_ERROR_LENGTH},
      {"00 80", RTP_ERROR_LENGTH},
      {"00 808080808080808080", RTP_ERROR_LENGTH},
      {"00 ffffffff7f", RTP_ERROR_LENGTH},
      {"30 01 30 01 30", RTP_ERROR_LENGTH}, /* W 3, two there */
      {"20 00", RTP_ERROR_LENGTH},          /* W 2, one there */
      {"00 00 00 00", RTP_OK},              /* empty elements are skipped */
  };
  for (size_t n = 0; n < COUNT(bad); n++) {
    struct rtp_codec_info i;
    assert_int_equal(parse(bad[n].hex, true, &i), bad[n].error);
    assert_int_equal(i.frame_end, bad[n].error == RTP_OK);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(key_frame_by_n_bit_and_sequence_header),
      cmocka_unit_test(size_of_the_sequence),
      cmocka_unit_test(layers_of_the_obu_header),
      cmocka_unit_test(hostile_lengths),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
