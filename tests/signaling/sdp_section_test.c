/* tests/signaling/sdp_section_test.c: RTX, SSRC groups, rids and the verdict on a section. */
#include "tests/signaling/sdp_build.h"

#define SECTION(formats) HEAD "m=video 9 UDP/TLS/RTP/SAVPF " formats "\r\n" KEYS "a=mid:v\r\na=rtcp-mux\r\n"

static void rtx_is_folded_into_its_codec(void **state) {
  (void)state;
  struct sdp_offer *offer = offer_of(SECTION(
      "97 96 98 99 100 101 102") "a=fmtp:97 apt=96\r\na=rtpmap:97 rtx/90000\r\na=rtpmap:96 VP8/90000\r\n"
                                 "a=rtpmap:98 VP9/90000\r\na=rtpmap:99 RTX/90000\r\na=fmtp:99 apt=12\r\n" /* unknown codec */
                                 "a=rtpmap:100 rtx/90000\r\n"                                             /* no apt */
                                 "a=rtpmap:101 rtx/48000\r\na=fmtp:101 apt=98\r\n"   /* RFC 4588 §4: same clock */
                                 "a=rtpmap:102 rtx/90000\r\na=fmtp:102 apt=96\r\n"); /* a second one */
  const struct sdp_media *media = &offer->media[0];
  assert_int_equal(media->codec_count, 2);
  assert_string_equal(media->codecs[0].name, "VP8");
  assert_int_equal(media->codecs[0].rtx_pt, 97);
  assert_string_equal(media->codecs[1].name, "VP9");
  assert_int_equal(media->codecs[1].rtx_pt, SDP_NO_PT);
  sdp_offer_free(offer);
}

static void static_payload_types_need_no_rtpmap(void **state) {
  (void)state;
  struct sdp_offer *offer = offer_of(HEAD "m=audio 9 UDP/TLS/RTP/SAVPF 0 8 9 13 50\r\n" KEYS
                                          "a=mid:a\r\na=rtcp-mux\r\na=rtpmap:8 PCMA/8000\r\n");
  const struct sdp_media *media = &offer->media[0];
  assert_int_equal(media->codec_count, 4); /* 50 is nothing */
  assert_string_equal(media->codecs[0].name, "PCMU");
  assert_int_equal(media->codecs[0].clock, 8000);
  assert_string_equal(media->codecs[3].name, "CN");
  sdp_offer_free(offer);
}

static void ssrc_groups_pair_streams(void **state) {
  (void)state;
  struct sdp_offer *offer = offer_of(SECTION(
      "96") "a=ssrc-group:FID 10 11\r\na=ssrc-group:FEC-FR 10 12\r\n"
            "a=ssrc:10 msid:s t\r\na=ssrc:10 cname:me\r\na=ssrc:11 cname:me\r\n"
            "a=ssrc:12 cname:me\r\na=ssrc:4294967295 cname:other\r\n");
  const struct sdp_media *media = &offer->media[0];
  assert_int_equal(media->ssrc_count, 2);
  assert_int_equal(media->ssrcs[0].ssrc, 10);
  assert_int_equal(media->ssrcs[0].rtx_ssrc, 11);
  assert_int_equal(media->ssrcs[1].ssrc, 4294967295U);
  assert_int_equal(media->ssrcs[1].rtx_ssrc, 0);
  assert_string_equal(media->cname, "me");
  assert_string_equal(media->msid, "s t");
  sdp_offer_free(offer);
}

static void rids_follow_the_simulcast_line(void **state) {
  (void)state;
  static const struct {
    const char *line;
    const char *order; /* one letter per layer */
  } cases[] = {
      {"a=simulcast:send f;h;q", "fhq"},
      {"a=simulcast:send ~q;h,f", "qh"},
      {"a=simulcast:send x,f;x;q;q", "fq"},
      {"a=simulcast:recv f send h;q", "hq"},
      {"a=simulcast:send q;h;f recv q", "qhf"},
      {"a=simulcast: send rid=h;q", "hq"},
      {"a=simulcast:recv q", "qhf"}, /* nothing said about sending: the order of a=rid */
      {"a=simulcast:send ;;,,;q", "q"},
      {"a=x:", "qhf"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    char text[4096];
    snprintf(text, sizeof text, SECTION("96") "a=rid:q send pt=96;max-width=320\r\na=rid:h send\r\na=rid:f send\r\n"
                                              "a=rid:r recv\r\n%s\r\n", cases[i].line);
    struct sdp_offer *offer = offer_of(text);
    assert_int_equal(offer->media[0].rid_count, strlen(cases[i].order));
    for (size_t k = 0; k < offer->media[0].rid_count; k++)
      assert_int_equal(offer->media[0].rids[k][0], cases[i].order[k]);
    sdp_offer_free(offer);
  }
}

static void floods_of_a_section_are_refused(void **state) {
  (void)state;
  refuse_at(SECTION("96") "a=rid:q send\r\na=rid:q send\r\n", SDP_ERROR_DUPLICATE_RID, 13);
  refuse_at(SECTION("96") "a=rid:1 send\r\na=rid:2 send\r\na=rid:3 send\r\na=rid:4 send\r\na=rid:5 send\r\n",
            SDP_ERROR_TOO_MANY_RIDS, 16);
  char text[16384] = SECTION("96");
  for (int i = 0; i < 17; i++)
    append(text, sizeof text, "a=ssrc:%d cname:x\r\n", i + 1);
  refuse_at(text, SDP_ERROR_TOO_MANY_SSRCS, 5); /* found at the section's end: its m= line */
  text[0] = 0;
  append(text, sizeof text, "%s", SECTION("96"));
  for (int i = 0; i < 33; i++)
    append(text, sizeof text, "a=ssrc:%d cname:x\r\n", i + 1);
  refuse_at(text, SDP_ERROR_TOO_MANY_SSRCS, 11 + 33);
  text[0] = 0;
  append(text, sizeof text, "%s", SECTION("96"));
  for (int i = 0; i < 33; i++)
    append(text, sizeof text, "a=ssrc-group:FID %d %d\r\n", 2 * i + 1, 2 * i + 2);
  refuse_at(text, SDP_ERROR_TOO_MANY_SSRCS, 11 + 33);
  text[0] = 0;
  append(text, sizeof text, "%s", SECTION("96"));
  for (int i = 0; i < SDP_MAX_EXTENSIONS + 1; i++)
    append(text, sizeof text, "a=extmap:%d urn:%d\r\n", i + 20, i);
  refuse_at(text, SDP_ERROR_TOO_MANY_EXTENSIONS, 11 + SDP_MAX_EXTENSIONS + 1);
  refuse_at(SECTION("96") "a=extmap:3 urn:a\r\na=extmap:3 urn:b\r\n", SDP_ERROR_DUPLICATE_EXTENSION, 13);
  text[0] = 0;
  append(text, sizeof text, "%s", HEAD "m=video 9 UDP/TLS/RTP/SAVPF");
  for (int i = 0; i < 33; i++)
    append(text, sizeof text, " %d", i + 90);
  append(text, sizeof text, "%s", "\r\n" KEYS "a=mid:v\r\na=rtcp-mux\r\n");
  for (int i = 0; i < 33; i++)
    append(text, sizeof text, "a=rtpmap:%d VP8/90000\r\n", i + 90);
  refuse_at(text, SDP_ERROR_TOO_MANY_CODECS, 5);
}

static void sections_the_server_cannot_use(void **state) {
  (void)state;
  struct sdp_offer *offer = offer_of(HEAD "a=group:BUNDLE a b d\r\n" AUDIO("a") VIDEO("x") /* not in the group */
                                     "m=video 9 UDP/TLS/RTP/SAVPF 96\r\n" KEYS
                                     "a=mid:b\r\n"                                                /* no rtcp-mux */
                                     "m=video 0 UDP/TLS/RTP/SAVPF 96\r\na=inactive\r\n"           /* stopped, no mid */
                                     "m=text 9 UDP/TLS/RTP/SAVPF 98\r\na=mid:t\r\na=rtcp-mux\r\n" /* kind */
                                     "m=video 9 RTP/AVP 96\r\na=mid:p\r\n"                        /* proto */
                                     "m=application 9 UDP/BFCP *\r\na=mid:bf\r\n" DATA("d"));
  const enum sdp_unusable expected[] = {SDP_USABLE,
                                        SDP_UNUSABLE_NOT_BUNDLED,
                                        SDP_UNUSABLE_NO_RTCP_MUX,
                                        SDP_UNUSABLE_STOPPED,
                                        SDP_UNUSABLE_PROTOCOL,
                                        SDP_UNUSABLE_PROTOCOL,
                                        SDP_UNUSABLE_PROTOCOL,
                                        SDP_USABLE};
  assert_int_equal(offer->media_count, 8);
  for (size_t i = 0; i < 8; i++)
    assert_int_equal(offer->media[i].unusable, expected[i]);
  assert_string_equal(offer->media[4].type, "text");
  assert_int_equal(offer->media[4].kind, SDP_OTHER);
  assert_string_equal(offer->media[6].fmt, "*");
  assert_string_equal(offer->sctp.mid, "d");
  sdp_offer_free(offer);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(rtx_is_folded_into_its_codec),    cmocka_unit_test(static_payload_types_need_no_rtpmap),
      cmocka_unit_test(ssrc_groups_pair_streams),        cmocka_unit_test(rids_follow_the_simulcast_line),
      cmocka_unit_test(floods_of_a_section_are_refused), cmocka_unit_test(sections_the_server_cannot_use),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
