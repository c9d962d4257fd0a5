/* tests/signaling/sdp_choose_test.c: the policy, one question at a time. */
#include "signaling/sdp_choose.h"

#include "tests/signaling/sdp_build.h"

static void lists_of_codecs(void **state) {
  (void)state;
  struct sdp_policy policy;
  sdp_policy_default(&policy);
  assert_int_equal(policy.video_count, 2);
  assert_int_equal(policy.video[0], SDP_CODEC_VP8);
  assert_int_equal(sdp_policy_set_video(&policy, "av1,H264,vp9"), 0);
  assert_int_equal(policy.video_count, 3);
  assert_int_equal(policy.video[0], SDP_CODEC_AV1);
  assert_int_equal(policy.video[2], SDP_CODEC_VP9);
  const char *const bad[] = {"", ",", "VP8,", ",VP8", "VP8,VP8", "opus", "none", "VP8 ,H264", "VP8,H264,VP9,AV1,VP8"};
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
    assert_int_equal(sdp_policy_set_video(&policy, bad[i]), -1);
  assert_int_equal(policy.video[0], SDP_CODEC_AV1);
}

static void which_codecs_are_forwarded(void **state) {
  (void)state;
  static const struct {
    struct sdp_codec codec;
    enum sdp_kind kind;
    enum sdp_codec_id id;
  } cases[] = {
      {{.name = "OPUS", .clock = 48000, .channels = 2}, SDP_AUDIO, SDP_CODEC_OPUS},
      {{.name = "opus", .clock = 48000, .channels = 1}, SDP_AUDIO, SDP_CODEC_NONE},
      {{.name = "red", .clock = 48000, .channels = 2}, SDP_AUDIO, SDP_CODEC_RED},
      {{.name = "telephone-event", .clock = 48000, .channels = 1}, SDP_AUDIO, SDP_CODEC_NONE},
      {{.name = "CN", .clock = 8000, .channels = 1}, SDP_AUDIO, SDP_CODEC_NONE},
      {{.name = "VP8", .clock = 90000, .channels = 1}, SDP_AUDIO, SDP_CODEC_NONE},
      {{.name = "vp8", .clock = 90000, .channels = 1}, SDP_VIDEO, SDP_CODEC_VP8},
      {{.name = "VP8", .clock = 8000, .channels = 1}, SDP_VIDEO, SDP_CODEC_NONE},
      {{.name = "H264", .clock = 90000, .channels = 1}, SDP_VIDEO, SDP_CODEC_H264},
      {{.name = "VP9", .clock = 90000, .channels = 1}, SDP_VIDEO, SDP_CODEC_VP9},
      {{.name = "VP9", .clock = 90000, .channels = 1, .fmtp = "profile-id=2"}, SDP_VIDEO, SDP_CODEC_NONE},
      {{.name = "AV1", .clock = 90000, .channels = 1, .fmtp = "level-idx=5;profile=0;tier=0"},
       SDP_VIDEO,
       SDP_CODEC_AV1},
      {{.name = "AV1", .clock = 90000, .channels = 1, .fmtp = "profile=1"}, SDP_VIDEO, SDP_CODEC_NONE},
      {{.name = "red", .clock = 90000, .channels = 1}, SDP_VIDEO, SDP_CODEC_NONE},
      {{.name = "ulpfec", .clock = 90000, .channels = 1}, SDP_VIDEO, SDP_CODEC_NONE},
      {{.name = "flexfec-03", .clock = 90000, .channels = 1}, SDP_VIDEO, SDP_CODEC_NONE},
      {{.name = "VP8", .clock = 90000, .channels = 1}, SDP_APPLICATION, SDP_CODEC_NONE},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    assert_int_equal(sdp_codec_identify(cases[i].kind, &cases[i].codec), cases[i].id);
  }
  assert_string_equal(sdp_codec_id_name(SDP_CODEC_H264), "H264");
  assert_string_equal(sdp_codec_id_name(SDP_CODEC_NONE), "none");
}

/* A video section of H264 variants, each with RTX at pt + 1. */
static uint8_t best_h264(const char *const *fmtps, size_t count) {
  static struct sdp_media media;
  struct sdp_policy policy;
  uint8_t pts[SDP_MAX_PTS];
  sdp_policy_default(&policy);
  assert_int_equal(sdp_policy_set_video(&policy, "H264"), 0);
  memset(&media, 0, sizeof media);
  media.kind = SDP_VIDEO;
  media.codec_count = count;
  for (size_t i = 0; i < count; i++) {
    uint8_t pt = (uint8_t)(100 + 2 * i);
    media.codecs[i] = (struct sdp_codec){
        .pt = pt, .rtx_pt = (int16_t)(pt + 1), .name = "H264", .clock = 90000, .channels = 1, .fmtp = fmtps[i]};
  }
  assert_int_equal(sdp_choose_codecs(&media, &policy, pts), 2);
  assert_int_equal(pts[1], pts[0] + 1);
  return (uint8_t)((pts[0] - 100) / 2);
}

static void the_most_compatible_h264_wins(void **state) {
  (void)state;
  const char *const chromium[] = {
      "packetization-mode=1;profile-level-id=42001f", "packetization-mode=0;profile-level-id=42001f",
      "packetization-mode=1;profile-level-id=42e01f", "packetization-mode=0;profile-level-id=42e01f",
      "packetization-mode=1;profile-level-id=4d001f", "packetization-mode=1;profile-level-id=64001f"};
  assert_int_equal(best_h264(chromium, 6), 2);
  const char *const baseline[] = {"packetization-mode=1;profile-level-id=64001f",
                                  "packetization-mode=1;profile-level-id=42001f"};
  assert_int_equal(best_h264(baseline, 2), 1);
  const char *const safari[] = {"packetization-mode=1;profile-level-id=640c1f",
                                "packetization-mode=1;profile-level-id=42E034"};
  assert_int_equal(best_h264(safari, 2), 1);
  const char *const modes[] = {"packetization-mode=0;profile-level-id=42e01f",
                               "packetization-mode=1;profile-level-id=64001f"};
  assert_int_equal(best_h264(modes, 2), 1);
  const char *const main_constrained[] = {"packetization-mode=1;profile-level-id=4d001f",
                                          "packetization-mode=1;profile-level-id=4d801f"};
  assert_int_equal(best_h264(main_constrained, 2), 1);
  const char *const bare[] = {NULL};
  assert_int_equal(best_h264(bare, 1), 0);
  const char *const same[] = {"packetization-mode=1;profile-level-id=42e01f",
                              "packetization-mode=1;profile-level-id=42e034"};
  assert_int_equal(best_h264(same, 2), 0); /* the client's order decides */
}

static void video_in_the_rooms_order(void **state) {
  (void)state;
  struct sdp_policy policy;
  uint8_t pts[SDP_MAX_PTS];
  sdp_policy_default(&policy);
  struct sdp_offer *offer =
      offer_of(HEAD "m=video 9 UDP/TLS/RTP/SAVPF 96 97 98 99 100 101 118\r\n" KEYS
                    "a=mid:0\r\na=rtcp-mux\r\na=rtpmap:96 VP8/90000\r\na=rtpmap:97 rtx/90000\r\na=fmtp:97 apt=96\r\n"
                    "a=rtpmap:98 VP9/90000\r\na=rtpmap:99 rtx/90000\r\na=fmtp:99 apt=98\r\na=rtpmap:100 H264/90000\r\n"
                    "a=rtpmap:101 AV1/90000\r\na=rtpmap:118 red/90000\r\n");
  const uint8_t by_default[] = {96, 97, 100};
  assert_int_equal(sdp_choose_codecs(&offer->media[0], &policy, pts), 3);
  assert_memory_equal(pts, by_default, 3);
  assert_int_equal(sdp_policy_set_video(&policy, "AV1,VP9,H264,VP8"), 0);
  const uint8_t modern[] = {101, 98, 99, 100, 96, 97};
  assert_int_equal(sdp_choose_codecs(&offer->media[0], &policy, pts), 6);
  assert_memory_equal(pts, modern, 6);
  sdp_offer_free(offer);
}

static void red_for_audio_is_the_rooms_choice(void **state) {
  (void)state;
  struct sdp_policy policy;
  uint8_t pts[SDP_MAX_PTS];
  struct sdp_codec codecs[] = {
      {.pt = 111, .name = "opus", .clock = 48000, .channels = 2, .rtx_pt = SDP_NO_PT},
      {.pt = 63, .name = "red", .clock = 48000, .channels = 2, .rtx_pt = SDP_NO_PT, .fmtp = "111/111"},
      {.pt = 126, .name = "telephone-event", .clock = 8000, .channels = 1, .rtx_pt = SDP_NO_PT}};
  static struct sdp_media media = {.kind = SDP_AUDIO, .codec_count = 3};
  sdp_policy_default(&policy);
  memcpy(media.codecs, codecs, sizeof codecs);
  assert_int_equal(sdp_choose_codecs(&media, &policy, pts), 1);
  assert_int_equal(pts[0], 111);
  policy.red = SDP_RED_ACCEPT;
  assert_int_equal(sdp_choose_codecs(&media, &policy, pts), 2);
  assert_int_equal(pts[1], 63);
  policy.red = SDP_RED_PREFER;
  assert_int_equal(sdp_choose_codecs(&media, &policy, pts), 2);
  assert_int_equal(pts[0], 63);
  const char *const others[] = {"111/0", "112/112", "111/", "1111", "", NULL};
  for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
    media.codecs[1].fmtp = others[i];
    assert_int_equal(sdp_choose_codecs(&media, &policy, pts), 1);
  }
  media.codecs[0].name = "PCMU";
  assert_int_equal(sdp_choose_codecs(&media, &policy, pts), 0);
}

static void feedback(void **state) {
  (void)state;
  struct sdp_codec vp8 = {.name = "VP8", .clock = 90000, .channels = 1, .feedback = (1 << SDP_FEEDBACK_COUNT) - 1};
  struct sdp_codec opus = {.name = "opus", .clock = 48000, .channels = 2, .feedback = (1 << SDP_FEEDBACK_COUNT) - 1};
  struct sdp_codec h265 = {.name = "H265", .clock = 90000, .channels = 1, .feedback = 1};
  assert_int_equal(sdp_choose_feedback(SDP_VIDEO, &vp8),
                   SDP_FEEDBACK_NACK | SDP_FEEDBACK_NACK_PLI | SDP_FEEDBACK_CCM_FIR | SDP_FEEDBACK_TRANSPORT_CC);
  assert_int_equal(sdp_choose_feedback(SDP_AUDIO, &opus), SDP_FEEDBACK_NACK | SDP_FEEDBACK_TRANSPORT_CC);
  assert_int_equal(sdp_choose_feedback(SDP_VIDEO, &h265), 0);
  vp8.feedback = SDP_FEEDBACK_GOOG_REMB | SDP_FEEDBACK_NACK;
  assert_int_equal(sdp_choose_feedback(SDP_VIDEO, &vp8), SDP_FEEDBACK_GOOG_REMB | SDP_FEEDBACK_NACK);
}

static void fmtp(void **state) {
  (void)state;
  char text[SDP_MAX_FMTP_BYTES + 1];
  struct sdp_codec opus = {
      .name = "opus",
      .clock = 48000,
      .channels = 2,
      .fmtp = "maxplaybackrate=48000; stereo=1;useinbandfec=1;usedtx=1;sprop-stereo=1;x-other=2;minptime=10"};
  sdp_choose_fmtp(SDP_AUDIO, &opus, text);
  assert_string_equal(text, "minptime=10;useinbandfec=1;usedtx=1;stereo=1;maxplaybackrate=48000");
  struct sdp_codec vp8 = {.name = "VP8", .clock = 90000, .channels = 1, .fmtp = "max-fs=12288;max-fr=60"};
  assert_int_equal(sdp_choose_fmtp(SDP_VIDEO, &vp8, text), 0);
  struct sdp_codec h264 = {
      .name = "H264",
      .clock = 90000,
      .channels = 1,
      .fmtp = "profile-level-id=42e01f;level-asymmetry-allowed=1;packetization-mode=1;sprop-parameter-sets=Zx"};
  sdp_choose_fmtp(SDP_VIDEO, &h264, text);
  assert_string_equal(text, "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f");
  struct sdp_codec red = {.name = "red", .clock = 48000, .channels = 2, .fmtp = "111/111"};
  assert_int_equal(sdp_choose_fmtp(SDP_AUDIO, &red, text), 7);
  red.fmtp = NULL;
  assert_int_equal(sdp_choose_fmtp(SDP_AUDIO, &red, text), 0);
}

/* One value that alone fills the line: it is left out rather than cut. */
static void fmtp_never_overflows(void **state) {
  (void)state;
  char text[SDP_MAX_FMTP_BYTES + 1];
  char offered[SDP_MAX_FMTP_BYTES + 1] = "useinbandfec=1;stereo=";
  size_t n = strlen(offered);
  memset(offered + n, '1', SDP_MAX_FMTP_BYTES - n);
  offered[SDP_MAX_FMTP_BYTES] = '\0';
  struct sdp_codec opus = {.name = "opus", .clock = 48000, .channels = 2, .fmtp = offered};
  size_t len = sdp_choose_fmtp(SDP_AUDIO, &opus, text);
  assert_int_equal(len, strlen(text));
  assert_true(len <= SDP_MAX_FMTP_BYTES);
  assert_memory_equal(text, "useinbandfec=1", 14);
}

static void extensions(void **state) {
  (void)state;
  static struct sdp_media media = {.kind = SDP_VIDEO};
  struct sdp_extension chosen[SDP_MAX_EXTENSIONS];
  struct sdp_policy policy;
  sdp_policy_default(&policy);
  for (int i = 0; i < SDP_EXTENSION_COUNT; i++) {
    assert_int_equal(sdp_extension_identify(sdp_extension_uri((enum sdp_extension_id)i)), i);
    media.extensions[i] =
        (struct sdp_extension){.id = (uint8_t)(i + 1), .uri = sdp_extension_uri((enum sdp_extension_id)i)};
  }
  assert_int_equal(sdp_extension_identify("urn:ietf:params:rtp-hdrext:toffset"), -1);
  media.extension_count = SDP_EXTENSION_COUNT;
  assert_int_equal(sdp_choose_extensions(&media, &policy, chosen),
                   5); /* mid, transport-cc, orientation, descriptor, playout delay */
  assert_int_equal(chosen[0].id, SDP_EXTENSION_MID + 1);
  assert_int_equal(chosen[1].id, SDP_EXTENSION_TRANSPORT_CC + 1);
  media.rid_count = 1;
  assert_int_equal(sdp_choose_extensions(&media, &policy, chosen), 7);
  policy.extensions &= ~(1U << SDP_EXTENSION_TRANSPORT_CC);
  assert_int_equal(sdp_choose_extensions(&media, &policy, chosen), 7); /* abs-send-time instead */
  media.extensions[1].uri = media.extensions[0].uri;                   /* mid again, under a second id */
  assert_int_equal(sdp_choose_extensions(&media, &policy, chosen), 6);
  media.kind = SDP_AUDIO;
  policy.extensions = 1U << SDP_EXTENSION_AUDIO_LEVEL;
  assert_int_equal(sdp_choose_extensions(&media, &policy, chosen), 1);
  policy.extensions = 0;
  assert_int_equal(sdp_choose_extensions(&media, &policy, chosen), 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(lists_of_codecs),
      cmocka_unit_test(which_codecs_are_forwarded),
      cmocka_unit_test(the_most_compatible_h264_wins),
      cmocka_unit_test(video_in_the_rooms_order),
      cmocka_unit_test(red_for_audio_is_the_rooms_choice),
      cmocka_unit_test(feedback),
      cmocka_unit_test(fmtp),
      cmocka_unit_test(fmtp_never_overflows),
      cmocka_unit_test(extensions),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
