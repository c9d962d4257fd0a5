/* Tests of rtp/codec_h264.c.
 * Covers: rtp/codec_h264_sps.c */
#include "rtp/codec.h"
#include "tests/rtp/bytes.h"

static int parse(const char *hex, bool marker, struct rtp_codec_info *info) {
  struct bytes b = bytes_hex(hex);
  int error = rtp_h264_parse(b.data, b.len, marker, info);
  bytes_free(&b);
  return error;
}

static void single_nal_units(void **state) {
  (void)state;
  struct rtp_codec_info i;
  assert_int_equal(parse("65 88 80", true, &i), RTP_OK); /* IDR, first_mb_in_slice 0 */
  assert_true(i.keyframe && i.frame_start && i.frame_end && !i.discardable);
  assert_int_equal(parse("65 40 80", false, &i), RTP_OK); /* a later slice of it */
  assert_true(!i.keyframe && !i.frame_start);
  assert_int_equal(parse("41 9a", true, &i), RTP_OK);
  assert_true(!i.keyframe && i.frame_start && !i.discardable);
  assert_int_equal(parse("01 9a", true, &i), RTP_OK); /* nal_ref_idc 0 */
  assert_true(i.discardable);
  assert_true(i.has_temporal && i.temporal_id == 1 && i.switch_up); /* an upper layer: nothing refers to it */
  assert_int_equal(parse("41 9a", true, &i), RTP_OK);
  assert_true(i.has_temporal && i.temporal_id == 0);
  assert_int_equal(parse("06 05", false, &i), RTP_OK); /* SEI: no slice, so nothing to discard */
  assert_false(i.has_temporal);
  assert_true(!i.discardable && !i.frame_start);
  assert_int_equal(parse("68 ce", false, &i), RTP_OK); /* PPS */
  assert_false(i.keyframe);
  assert_int_equal(parse("09 f0", false, &i), RTP_OK);
  assert_true(i.frame_start);
}

static void aggregated_units(void **state) {
  (void)state;
  struct rtp_codec_info i;
  assert_int_equal(parse("78 000a 6742c00bda0c0d04 0000 0002 68ce", false, &i), RTP_OK);
  assert_true(i.keyframe && i.frame_start && !i.discardable);
  assert_int_equal(parse("18 0002 019a 0002 019a", false, &i), RTP_OK);
  assert_true(i.discardable);
  assert_int_equal(parse("78 0002 019a 0002 419a", false, &i), RTP_OK);
  assert_false(i.discardable);
  const struct {
    const char *hex;
    int error;
  } bad[] = {
      {"78", RTP_ERROR_SHORT},
      {"78 00", RTP_ERROR_LENGTH},
      {"78 0000", RTP_ERROR_LENGTH},
      {"78 ffff 67", RTP_ERROR_LENGTH},
      {"78 0001 67 0002 68", RTP_ERROR_LENGTH},
      {"78 0001 78", RTP_ERROR_VALUE},
      {"78 0001 00", RTP_ERROR_VALUE},
  };
  for (size_t n = 0; n < COUNT(bad); n++) {
    assert_int_equal(parse(bad[n].hex, true, &i), bad[n].error);
    assert_false(i.keyframe || i.frame_end);
  }
}

static void fragments(void **state) {
  (void)state;
  struct rtp_codec_info i;
  assert_int_equal(parse("7c 85 88", false, &i), RTP_OK); /* start of an IDR */
  assert_true(i.keyframe && i.frame_start && !i.frame_end);
  assert_int_equal(parse("7c 05 88", false, &i), RTP_OK); /* its middle: the same byte means nothing */
  assert_true(!i.keyframe && !i.frame_start);
  assert_int_equal(parse("7c 45 88", true, &i), RTP_OK);
  assert_true(!i.keyframe && i.frame_end);
  assert_int_equal(parse("1c 01 88", false, &i), RTP_OK); /* nal_ref_idc 0 in every fragment */
  assert_true(i.discardable && i.temporal_id == 1);
  assert_int_equal(parse("7c 07 88", false, &i), RTP_OK); /* the middle of an SPS */
  assert_false(i.keyframe);
  assert_int_equal(parse("7c c5 88", false, &i), RTP_ERROR_VALUE); /* start and end */
  assert_int_equal(parse("7c 9c 88", false, &i), RTP_ERROR_VALUE); /* a fragment of fragments */
  assert_int_equal(parse("7c 80 88", false, &i), RTP_ERROR_VALUE);
  assert_int_equal(parse("7c", false, &i), RTP_ERROR_SHORT);
  assert_int_equal(parse("7c 85", false, &i), RTP_ERROR_SHORT);
  const char *others[] = {"79 00", "7a 00", "7b 00", "7d 00", "7e 00", "7f 00", "60 00"};
  for (size_t n = 0; n < COUNT(others); n++)
    assert_int_equal(parse(others[n], false, &i), RTP_ERROR_VALUE);
}

/* ---- sequence parameter sets, written bit by bit ---- */

struct bit_writer {
  uint8_t data[600];
  size_t bits;
};

static void put(struct bit_writer *w, unsigned n, uint32_t v) {
  for (unsigned i = n; i-- > 0; w->bits++) {
    if (v >> i & 1) w->data[w->bits / 8] |= (uint8_t)(0x80 >> w->bits % 8);
  }
}

static void put_ue(struct bit_writer *w, uint32_t v) {
  unsigned n = 0;
  while ((v + 1) >> (n + 1))
    n++;
  put(w, n, 0);
  put(w, n + 1, v + 1);
}

struct sps {
  uint8_t profile;
  uint32_t chroma, poc_type, mbs_wide, maps_high, crop[4];
  bool frames_only, scaling;
};

static int parse_sps(const struct sps *s, uint16_t *width, uint16_t *height) {
  struct bit_writer w = {0};
  put(&w, 8, 0x67);
  put(&w, 8, s->profile);
  put(&w, 16, 0xc01f);
  put_ue(&w, 0);
  if (s->profile == 100 || s->profile == 244) {
    put_ue(&w, s->chroma);
    if (s->chroma == 3) put(&w, 1, 0);
    put_ue(&w, 0);
    put_ue(&w, 0);
    put(&w, 1, 0);
    put(&w, 1, s->scaling);
    for (unsigned i = 0; s->scaling && i < (s->chroma == 3 ? 12U : 8U); i++) {
      put(&w, 1, 1);
      for (unsigned j = 0; j < (i < 6 ? 16U : 64U); j++)
        put_ue(&w, j % 2 ? 2 : 1); /* -1, +1, ... never 0 */
    }
  }
  put_ue(&w, 4);
  put_ue(&w, s->poc_type);
  if (s->poc_type == 0) put_ue(&w, 4);
  if (s->poc_type == 1) {
    put(&w, 1, 0);
    for (unsigned i = 0; i < 2; i++)
      put_ue(&w, 1);
    put_ue(&w, 3);
    for (unsigned i = 0; i < 3; i++)
      put_ue(&w, 5);
  }
  put_ue(&w, 1);
  put(&w, 1, 0);
  put_ue(&w, s->mbs_wide - 1);
  put_ue(&w, s->maps_high - 1);
  put(&w, 1, s->frames_only);
  if (!s->frames_only) put(&w, 1, 0);
  put(&w, 1, 1);
  bool crop = s->crop[0] || s->crop[1] || s->crop[2] || s->crop[3];
  put(&w, 1, crop);
  for (unsigned i = 0; crop && i < 4; i++)
    put_ue(&w, s->crop[i]);
  put(&w, 2, 1);
  struct bytes b = bytes_copy(w.data, (w.bits + 7) / 8);
  int error = rtp_h264_parse_sps(b.data, b.len, width, height);
  /* Any shorter one that misses the cropping is refused, never read past. */
  uint16_t x, y;
  for (size_t len = 0; len + 5 < b.len; len++) {
    struct bytes cut = bytes_copy(b.data, len);
    assert_int_equal(rtp_h264_parse_sps(cut.data, cut.len, &x, &y), RTP_ERROR_SHORT);
    bytes_free(&cut);
  }
  bytes_free(&b);
  return error;
}

static void sps_sizes(void **state) {
  (void)state;
  const struct {
    struct sps sps;
    uint16_t width, height;
  } cases[] = {
      {{.profile = 66, .mbs_wide = 80, .maps_high = 45, .frames_only = true}, 1280, 720},
      {{.profile = 66, .mbs_wide = 40, .maps_high = 23, .frames_only = true, .poc_type = 2, .crop = {0, 0, 0, 4}},
       640,
       360},
      {{.profile = 100, .chroma = 1, .mbs_wide = 120, .maps_high = 68, .frames_only = true, .crop = {0, 0, 0, 4}},
       1920,
       1080},
      {{.profile = 100, .chroma = 1, .scaling = true, .mbs_wide = 120, .maps_high = 34, .crop = {0, 0, 0, 2}},
       1920,
       1080},
      {{.profile = 244,
        .chroma = 3,
        .scaling = true,
        .mbs_wide = 10,
        .maps_high = 10,
        .frames_only = true,
        .crop = {1, 2, 3, 4}},
       157,
       153},
      {{.profile = 100,
        .chroma = 0,
        .mbs_wide = 10,
        .maps_high = 10,
        .frames_only = true,
        .poc_type = 1,
        .crop = {0, 1, 0, 1}},
       159,
       159},
  };
  for (size_t n = 0; n < COUNT(cases); n++) {
    uint16_t width = 0, height = 0;
    assert_int_equal(parse_sps(&cases[n].sps, &width, &height), RTP_OK);
    assert_int_equal(width, cases[n].width);
    assert_int_equal(height, cases[n].height);
  }
}

static void sps_hostile(void **state) {
  (void)state;
  uint16_t width = 1, height = 1;
  struct sps too_big = {.profile = 66, .mbs_wide = 5000, .maps_high = 5000, .frames_only = true};
  assert_int_equal(parse_sps(&too_big, &width, &height), RTP_ERROR_VALUE);
  struct sps cropped_away = {.profile = 66, .mbs_wide = 1, .maps_high = 1, .frames_only = true, .crop = {4, 4, 0, 0}};
  assert_int_equal(parse_sps(&cropped_away, &width, &height), RTP_ERROR_VALUE);
  struct sps bad_chroma = {.profile = 100, .chroma = 4, .mbs_wide = 1, .maps_high = 1, .frames_only = true};
  assert_int_equal(parse_sps(&bad_chroma, &width, &height), RTP_ERROR_SHORT);
  uint8_t zeros[300] = {0x67, 66};
  assert_int_equal(rtp_h264_parse_sps(zeros, sizeof zeros, &width, &height), RTP_ERROR_SHORT);
  assert_true(width == 1 && height == 1); /* written only on success */

  /* The same set, escaped: 00 00 03 in the middle of level and id. */
  struct rtp_codec_info i;
  assert_int_equal(parse("67 42 0000 03 03 f4 0c 10 72", false, &i),
                   RTP_OK); /* whatever it says, no read past the end */
  assert_true(i.keyframe);
  assert_int_equal(parse("67", false, &i), RTP_OK);
  assert_true(i.keyframe && i.width == 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(single_nal_units), cmocka_unit_test(aggregated_units), cmocka_unit_test(fragments),
      cmocka_unit_test(sps_sizes),        cmocka_unit_test(sps_hostile),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
