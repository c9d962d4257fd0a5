/* tests/signaling/sdp_attributes_test.c: every attribute's grammar, and what is made of its value. */
#include <stdio.h>

#include "tests/signaling/sdp_build.h"

#define BEFORE (4 + 1) /* lines ahead of the one under test: HEAD and the m= line */

/* Parses one audio section with `line` right behind its m= line; the section is otherwise complete. */
static int parse_with(const char *line, struct sdp_offer **offer, struct sdp_fault *fault) {
  char text[8192];
  snprintf(text, sizeof text,
           HEAD "m=audio 9 UDP/TLS/RTP/SAVPF 111 112\r\n%s\r\na=mid:0\r\na=rtcp-mux\r\n" KEYS
                "a=rtpmap:111 opus/48000/2\r\n",
           line);
  *offer = NULL;
  return sdp_offer_parse(offer, text, strlen(text), fault);
}

static void bad_values_name_their_line(void **state) {
  (void)state;
  static const struct {
    const char *line;
    int error;
  } cases[] = {
      {"a=ice-ufrag:abc", SDP_ERROR_ATTRIBUTE},
      {"a=ice-ufrag:ab cd", SDP_ERROR_ATTRIBUTE},
      {"a=ice-pwd:012345678901234567890", SDP_ERROR_ATTRIBUTE},
      {"a=fingerprint:sha-256", SDP_ERROR_ATTRIBUTE},
      {"a=fingerprint:sha-256 00:11", SDP_ERROR_ATTRIBUTE},
      {"a=setup:maybe", SDP_ERROR_ATTRIBUTE},
      {"a=setup:holdconn", SDP_ERROR_SETUP},
      {"a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:x", SDP_ERROR_SDES},
      {"a=mid:", SDP_ERROR_ATTRIBUTE},
      {"a=mid:a b", SDP_ERROR_ATTRIBUTE},
      {"a=mid:01234567890123456", SDP_ERROR_ATTRIBUTE},
      {"a=rtpmap:111", SDP_ERROR_ATTRIBUTE},
      {"a=rtpmap:111 opus", SDP_ERROR_ATTRIBUTE},
      {"a=rtpmap:111 opus/0", SDP_ERROR_ATTRIBUTE},
      {"a=rtpmap:111 opus/4294967296", SDP_ERROR_ATTRIBUTE},
      {"a=rtpmap:111 opus/48000/0", SDP_ERROR_ATTRIBUTE},
      {"a=rtpmap:111 opus/48000/256", SDP_ERROR_ATTRIBUTE},
      {"a=rtpmap:128 opus/48000/2", SDP_ERROR_ATTRIBUTE},
      {"a=rtpmap:-1 opus/48000/2", SDP_ERROR_ATTRIBUTE},
      {"a=rtpmap:111 /48000", SDP_ERROR_ATTRIBUTE},
      {"a=rtcp-fb:", SDP_ERROR_ATTRIBUTE},
      {"a=rtcp-fb:111", SDP_ERROR_ATTRIBUTE},
      {"a=rtcp-fb:*", SDP_ERROR_ATTRIBUTE},
      {"a=rtcp-fb:*nack", SDP_ERROR_ATTRIBUTE},
      {"a=fmtp:x y", SDP_ERROR_ATTRIBUTE},
      {"a=extmap:1", SDP_ERROR_ATTRIBUTE},
      {"a=extmap:0 urn:x", SDP_ERROR_EXTENSION_ID},
      {"a=extmap:15 urn:x", SDP_ERROR_EXTENSION_ID},
      {"a=extmap:256 urn:x", SDP_ERROR_EXTENSION_ID},
      {"a=extmap:4095 urn:x", SDP_ERROR_EXTENSION_ID},
      {"a=extmap:4352 urn:x", SDP_ERROR_EXTENSION_ID},
      {"a=extmap:x urn:x", SDP_ERROR_EXTENSION_ID},
      {"a=extmap:1/sideways urn:x", SDP_ERROR_ATTRIBUTE},
      {"a=rid:q", SDP_ERROR_ATTRIBUTE},
      {"a=rid:q both", SDP_ERROR_ATTRIBUTE},
      {"a=rid:q;h send", SDP_ERROR_ATTRIBUTE},
      {"a=rid:01234567890123456 send", SDP_ERROR_ATTRIBUTE},
      {"a=simulcast:send", SDP_ERROR_ATTRIBUTE},
      {"a=simulcast:both q", SDP_ERROR_ATTRIBUTE},
      {"a=ssrc:0 cname:x", SDP_ERROR_ATTRIBUTE},
      {"a=ssrc:4294967296 cname:x", SDP_ERROR_ATTRIBUTE},
      {"a=ssrc-group:", SDP_ERROR_ATTRIBUTE},
      {"a=ssrc-group:FID 1", SDP_ERROR_ATTRIBUTE},
      {"a=ssrc-group:FID 1 1", SDP_ERROR_ATTRIBUTE},
      {"a=ssrc-group:FID 1 0", SDP_ERROR_ATTRIBUTE},
      {"a=msid:", SDP_ERROR_ATTRIBUTE},
      {"a=sctp-port:0", SDP_ERROR_ATTRIBUTE},
      {"a=sctp-port:65536", SDP_ERROR_ATTRIBUTE},
      {"a=sctpmap:5000", SDP_ERROR_ATTRIBUTE},
      {"a=max-message-size:lots", SDP_ERROR_ATTRIBUTE},
      {"a=msid:str\xc3\xa4m track", SDP_ERROR_CHARACTER},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    struct sdp_offer *offer = NULL;
    struct sdp_fault fault = {0};
    int error = parse_with(cases[i].line, &offer, &fault);
    if (error != cases[i].error) print_error("%s: %s\n", cases[i].line, sdp_error_name(error));
    assert_int_equal(error, cases[i].error);
    assert_int_equal(fault.line, BEFORE + 1);
  }
}

static void unknown_and_misplaced_attributes_are_skipped(void **state) {
  (void)state;
  static const char *const lines[] = {"a=x-new-thing:\xff\xfe",
                                      "a=rtcp:9 IN IP4 0.0.0.0",
                                      "a=rtcp-fb:111 nack rpsi",
                                      "a=rtcp-fb:99 nack",
                                      "a=rtpmap:99 left/8000",
                                      "a=extmap:4096 urn:x",
                                      "a=extmap:4351 urn:x",
                                      "a=ssrc-group:SIM 1 2 3",
                                      "a=fingerprint:sha-1 00:11",
                                      "a=group:BUNDLE nonsense",
                                      "a=ice-lite",
                                      "a=sctpmap:5000 other 1",
                                      "a="};
  for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
    struct sdp_offer *offer = NULL;
    struct sdp_fault fault = {0};
    assert_int_equal(parse_with(lines[i], &offer, &fault), SDP_OK);
    assert_int_equal(offer->media[0].codec_count, 1);
    assert_int_equal(offer->media[0].extension_count, 0);
    assert_int_equal(offer->media[0].codecs[0].feedback, 0);
    sdp_offer_free(offer);
  }
}

static void feedback_of_all_formats_comes_before_or_after_them(void **state) {
  (void)state;
  struct sdp_offer *offer =
      offer_of(HEAD "m=video 9 UDP/TLS/RTP/SAVPF 96 98\r\na=rtcp-fb:* nack pli\r\n" KEYS
                    "a=mid:v\r\na=rtcp-mux\r\na=rtpmap:98 VP9/90000\r\na=rtcp-fb:98 transport-cc\r\n"
                    "a=rtpmap:96 VP8/90000\r\na=rtcp-fb:* ccm fir\r\n");
  const struct sdp_media *media = sdp_offer_find(offer, "v");
  assert_int_equal(media->codec_count, 2);
  assert_int_equal(media->codecs[0].pt, 96); /* the m= line's order counts, not that of a=rtpmap */
  assert_int_equal(media->codecs[0].feedback, SDP_FEEDBACK_NACK_PLI | SDP_FEEDBACK_CCM_FIR);
  assert_int_equal(media->codecs[1].feedback, SDP_FEEDBACK_NACK_PLI | SDP_FEEDBACK_CCM_FIR | SDP_FEEDBACK_TRANSPORT_CC);
  sdp_offer_free(offer);
}

static void fingerprints_are_kept_in_upper_case(void **state) {
  (void)state;
  struct sdp_offer *offer = NULL;
  struct sdp_fault fault = {0};
  assert_int_equal(
      parse_with("a=fingerprint:SHA-256 ab:11:22:33:44:55:66:77:88:99:aa:bb:cc:dd:ee:ff:00:11:22:33:44:55:66:77:88:99:"
                 "aa:bb:cc:dd:ee:ff",
                 &offer, &fault),
      SDP_OK);
  assert_int_equal(offer->fingerprint_count, 2);
  assert_string_equal(offer->fingerprints[0].algorithm, "sha-256");
  assert_memory_equal(offer->fingerprints[0].value, "AB:11", 5);
  assert_string_equal(offer->fingerprints[1].value, PRINT);
  sdp_offer_free(offer);
}

static void message_sizes_beyond_32_bits_saturate(void **state) {
  (void)state;
  struct sdp_offer *offer = offer_of(HEAD "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\n" KEYS
                                          "a=mid:d\r\na=sctp-port:5001\r\na=max-message-size:18446744073709551615\r\n");
  assert_true(offer->sctp.present);
  assert_false(offer->sctp.legacy);
  assert_int_equal(offer->sctp.port, 5001);
  assert_int_equal(offer->sctp.max_message_size, UINT32_MAX);
  sdp_offer_free(offer);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(bad_values_name_their_line),
      cmocka_unit_test(unknown_and_misplaced_attributes_are_skipped),
      cmocka_unit_test(feedback_of_all_formats_comes_before_or_after_them),
      cmocka_unit_test(fingerprints_are_kept_in_upper_case),
      cmocka_unit_test(message_sizes_beyond_32_bits_saturate),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
