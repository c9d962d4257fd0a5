/* tests/server/worker/media_format_test.c: codecs of offers become formats; H.264's profiles are told apart. */
#include "server/worker/media_format.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static int format_of(enum sdp_kind kind, const char *name, uint32_t clock, uint8_t channels, const char *fmtp) {
  struct sdp_codec codec = {
      .pt = 96, .channels = channels, .rtx_pt = SDP_NO_PT, .clock = clock, .name = name, .fmtp = fmtp};
  return media_format_of(kind, &codec);
}

static void h264_profiles(void **state) {
  (void)state;
  static const struct {
    const char *fmtp;
    int format;
  } cases[] = {
      {"level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f",
       MEDIA_FORMAT_H264_CONSTRAINED_BASELINE},
      {"profile-level-id=42001f;packetization-mode=1", MEDIA_FORMAT_H264_BASELINE},
      {"packetization-mode=1;profile-level-id=4d001f", MEDIA_FORMAT_H264_MAIN},
      {"packetization-mode=1; profile-level-id=64001F", MEDIA_FORMAT_H264_HIGH},
      {"packetization-mode=0;profile-level-id=42e01f", MEDIA_FORMAT_H264_SINGLE},
      {"profile-level-id=42e01f", MEDIA_FORMAT_H264_SINGLE},
      {"packetization-mode=1", MEDIA_FORMAT_H264_BASELINE},
      {NULL, MEDIA_FORMAT_H264_SINGLE},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    assert_int_equal(format_of(SDP_VIDEO, "H264", 90000, 1, cases[i].fmtp), cases[i].format);
  }
}

static void other_codecs(void **state) {
  (void)state;
  assert_int_equal(format_of(SDP_AUDIO, "opus", 48000, 2, "minptime=10;useinbandfec=1"), MEDIA_FORMAT_OPUS);
  assert_int_equal(format_of(SDP_VIDEO, "VP8", 90000, 1, NULL), MEDIA_FORMAT_VP8);
  assert_int_equal(format_of(SDP_VIDEO, "vp8", 90000, 1, NULL), MEDIA_FORMAT_VP8);
  assert_int_equal(format_of(SDP_VIDEO, "ulpfec", 90000, 1, NULL), -1);
  assert_int_equal(format_of(SDP_VIDEO, "red", 90000, 1, NULL), -1);
  assert_int_equal(format_of(SDP_AUDIO, "telephone-event", 8000, 1, NULL), -1);
}

static void formats_have_their_codec(void **state) {
  (void)state;
  for (int f = 0; f < MEDIA_FORMAT_COUNT; f++)
    assert_int_not_equal(media_format_codec((enum media_format)f), RTP_CODEC_NONE);
  assert_int_equal(media_format_codec(MEDIA_FORMAT_H264_HIGH), RTP_CODEC_H264);
  assert_int_equal(media_format_codec(MEDIA_FORMAT_COUNT), RTP_CODEC_NONE);
}

static void baseline_decoders_take_constrained_baseline_and_not_the_reverse(void **state) {
  (void)state;
  assert_true(media_format_decodes(MEDIA_FORMAT_H264_BASELINE, MEDIA_FORMAT_H264_CONSTRAINED_BASELINE));
  assert_true(media_format_decodes(MEDIA_FORMAT_H264_HIGH, MEDIA_FORMAT_H264_CONSTRAINED_BASELINE));
  assert_false(media_format_decodes(MEDIA_FORMAT_H264_CONSTRAINED_BASELINE, MEDIA_FORMAT_H264_BASELINE));
  assert_false(media_format_decodes(MEDIA_FORMAT_H264_SINGLE, MEDIA_FORMAT_H264_CONSTRAINED_BASELINE));
  assert_false(media_format_decodes(MEDIA_FORMAT_VP8, MEDIA_FORMAT_VP9));
  assert_true(media_format_decodes(MEDIA_FORMAT_VP8, MEDIA_FORMAT_VP8));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(h264_profiles),
      cmocka_unit_test(other_codecs),
      cmocka_unit_test(formats_have_their_codec),
      cmocka_unit_test(baseline_decoders_take_constrained_baseline_and_not_the_reverse),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
