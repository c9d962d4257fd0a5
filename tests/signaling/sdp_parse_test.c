/* tests/signaling/sdp_parse_test.c: lines, m= lines, the bundle and its transport, and hostile offers. */
#include <stdio.h>

#include "signaling/sdp_parser.h"
#include "tests/signaling/sdp_build.h"

static void a_whole_offer(void **state) {
  (void)state;
  struct sdp_offer *offer =
      offer_of(HEAD "a=group:BUNDLE 0 1 2\r\na=extmap-allow-mixed\r\n" AUDIO("0") VIDEO("1") DATA("2"));
  assert_string_equal(offer->ice_ufrag, "abcd");
  assert_string_equal(offer->ice_pwd, "0123456789012345678901");
  assert_int_equal(offer->setup, SDP_SETUP_ACTPASS);
  assert_int_equal(offer->fingerprint_count, 1);
  assert_true(offer->extmap_allow_mixed);
  assert_true(offer->bundle);
  assert_int_equal(offer->media_count, 3);
  assert_int_equal(offer->media[0].kind, SDP_AUDIO);
  assert_int_equal(offer->media[0].direction, SDP_SENDONLY);
  assert_string_equal(offer->media[0].codecs[0].fmtp, "minptime=10;useinbandfec=1");
  assert_int_equal(offer->media[0].codecs[0].channels, 2);
  assert_true(offer->media[1].rtcp_rsize);
  assert_int_equal(offer->media[1].codecs[0].rtx_pt, 97);
  assert_true(offer->sctp.present);
  assert_ptr_equal(sdp_offer_find(offer, "1"), &offer->media[1]);
  assert_null(sdp_offer_find(offer, ""));
  assert_null(sdp_offer_find(offer, "9"));
  sdp_offer_free(offer);
  sdp_offer_free(NULL);
}

static void line_ends_may_be_lf_and_the_last_may_miss(void **state) {
  (void)state;
  const char *text = HEAD AUDIO("0");
  char copy[2048];
  size_t n = 0;
  for (const char *p = text; *p != '\0'; p++) {
    if (*p != '\r') copy[n++] = *p;
  }
  copy[n - 1] = '\0';
  struct sdp_offer *offer = offer_of(copy);
  assert_int_equal(offer->media[0].codec_count, 1);
  sdp_offer_free(offer);
}

static void broken_lines(void **state) {
  (void)state;
  struct sdp_offer *offer = NULL;
  struct sdp_fault fault = {0};
  refuse_at("", SDP_ERROR_NO_MEDIA, 0);
  refuse_at("hello", SDP_ERROR_NO_MEDIA, 0);
  refuse_at("v=1\r\nm=audio 9 x 0\r\n", SDP_ERROR_LINE, 1);
  refuse_at("m=audio 9 x 0\r\n", SDP_ERROR_LINE, 1);
  refuse_at(HEAD "hello\r\n" AUDIO("0"), SDP_ERROR_LINE, 5);
  refuse_at(HEAD "A=x\r\n" AUDIO("0"), SDP_ERROR_LINE, 5);
  refuse_at(HEAD "a\r\n" AUDIO("0"), SDP_ERROR_LINE, 5);
  refuse_at(HEAD "a=x\ry\r\n" AUDIO("0"), SDP_ERROR_CHARACTER, 5);
  refuse_at(HEAD "a=\x7f\r\n" AUDIO("0"), SDP_ERROR_CHARACTER, 5);
  const char nul[] = HEAD "a=x\0y\r\n" AUDIO("0");
  assert_int_equal(sdp_offer_parse(&offer, nul, sizeof nul - 1, &fault), SDP_ERROR_CHARACTER);
  assert_int_equal(fault.line, 5);
  assert_int_equal(sdp_offer_parse(&offer, nul, sizeof nul - 1, NULL), SDP_ERROR_CHARACTER);
}

static void broken_media_lines(void **state) {
  (void)state;
  static const struct {
    const char *line;
    int error;
  } cases[] = {
      {"m=", SDP_ERROR_MEDIA_LINE},
      {"m=audio", SDP_ERROR_MEDIA_LINE},
      {"m=audio 9", SDP_ERROR_MEDIA_LINE},
      {"m=audio 9 UDP/TLS/RTP/SAVPF", SDP_ERROR_MEDIA_LINE},
      {"m=audio x UDP/TLS/RTP/SAVPF 0", SDP_ERROR_MEDIA_LINE},
      {"m=audio 65536 UDP/TLS/RTP/SAVPF 0", SDP_ERROR_MEDIA_LINE},
      {"m=audio 9 UDP/TLS/RTP/SAVPF x", SDP_ERROR_MEDIA_LINE},
      {"m=audio 9 UDP/TLS/RTP/SAVPF 128", SDP_ERROR_MEDIA_LINE},
      {"m=audio 9 UDP/TLS/RTP/SAVPF 0 8 0", SDP_ERROR_DUPLICATE_PT},
      {"m=audio 9 UDP/TLS/RTP/SAVPF 0 \xe4", SDP_ERROR_CHARACTER},
      {"m=au(dio 9 UDP/TLS/RTP/SAVPF 0", SDP_ERROR_MEDIA_LINE},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    char text[1024];
    snprintf(text, sizeof text, HEAD "%s\r\na=mid:0\r\n", cases[i].line);
    refuse_at(text, cases[i].error, 5);
  }
}

static void the_bundle_and_its_mids(void **state) {
  (void)state;
  refuse_at(HEAD AUDIO("0") VIDEO("1"), SDP_ERROR_NO_BUNDLE, 0);
  refuse_at(HEAD "a=group:BUNDLE 0 1\r\n" AUDIO("0") VIDEO("0"), SDP_ERROR_DUPLICATE_MID, 21);
  refuse_at(HEAD "a=group:BUNDLE 0 7\r\n" AUDIO("0"), SDP_ERROR_BUNDLE, 5);
  refuse_at(HEAD "a=group:BUNDLE 0 0\r\n" AUDIO("0"), SDP_ERROR_BUNDLE, 5);
  refuse_at(HEAD "a=group:BUNDLE 0\r\na=group:BUNDLE 1\r\n" AUDIO("0"), SDP_ERROR_BUNDLE, 6);
  refuse_at(HEAD "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\n" KEYS "a=rtcp-mux\r\n", SDP_ERROR_NO_MID, 5);
  refuse_at(HEAD "a=group:BUNDLE 0 1\r\n" DATA("0") DATA("1"), SDP_ERROR_TOO_MANY_DATA, 14);
  struct sdp_offer *offer = offer_of(HEAD "a=group:LS 0 1\r\n" AUDIO("0"));
  assert_false(offer->bundle);
  sdp_offer_free(offer);
}

static void payload_types_mean_one_codec_in_a_bundle(void **state) {
  (void)state;
  const char *clash = HEAD "a=group:BUNDLE 0 1\r\n" AUDIO("0") "m=video 9 UDP/TLS/RTP/SAVPF 111\r\n" KEYS
                                                               "a=mid:1\r\na=rtcp-mux\r\na=rtpmap:111 VP8/90000\r\n";
  refuse_at(clash, SDP_ERROR_PT_CONFLICT, 0);
  struct sdp_offer *offer = offer_of(HEAD "a=group:BUNDLE 0 1\r\n" AUDIO("0") AUDIO("1"));
  assert_int_equal(offer->media_count, 2);
  sdp_offer_free(offer);
}

static void the_transport_is_the_first_bundled_sections(void **state) {
  (void)state;
  struct sdp_offer *offer =
      offer_of(HEAD "a=group:BUNDLE b a\r\na=fingerprint:sha-256 " PRINT
                    "\r\na=setup:active\r\na=recvonly\r\n"
                    "m=audio 9 UDP/TLS/RTP/SAVPF "
                    "0\r\na=mid:a\r\na=rtcp-mux\r\na=ice-ufrag:aaaa\r\na=ice-pwd:aaaaaaaaaaaaaaaaaaaaaa\r\n"
                    "m=audio 0 UDP/TLS/RTP/SAVPF 0\r\na=mid:b\r\na=rtcp-mux\r\na=bundle-only\r\na=ice-ufrag:bbbb\r\n"
                    "a=ice-pwd:bbbbbbbbbbbbbbbbbbbbbb\r\n");
  assert_string_equal(offer->ice_ufrag, "bbbb");
  assert_int_equal(offer->setup, SDP_SETUP_ACTIVE); /* from the session */
  assert_int_equal(offer->fingerprint_count, 1);
  assert_int_equal(offer->media[0].direction, SDP_RECVONLY);
  assert_int_equal(offer->media[1].unusable, SDP_USABLE); /* port 0, but bundle-only */
  sdp_offer_free(offer);
}

static void missing_or_wrong_security(void **state) {
  (void)state;
#define BARE "m=audio 9 UDP/TLS/RTP/SAVPF 0\r\na=mid:0\r\na=rtcp-mux\r\n"
#define ICE  "a=ice-ufrag:abcd\r\na=ice-pwd:0123456789012345678901\r\n"
  refuse_at(HEAD BARE, SDP_ERROR_NO_ICE, 0);
  refuse_at(HEAD BARE "a=ice-ufrag:abcd\r\n", SDP_ERROR_NO_ICE, 0);
  refuse_at(HEAD BARE ICE, SDP_ERROR_NO_FINGERPRINT, 0);
  refuse_at(HEAD BARE ICE "a=fingerprint:sha-1 00:11\r\n", SDP_ERROR_NO_FINGERPRINT, 0);
  refuse_at(HEAD BARE ICE "a=fingerprint:sha-256 " PRINT "\r\na=setup:passive\r\n", SDP_ERROR_SETUP, 11);
  refuse_at(HEAD "a=ice-lite\r\n" AUDIO("0"), SDP_ERROR_ICE_LITE, 5);
  struct sdp_offer *offer = offer_of(HEAD BARE ICE "a=fingerprint:sha-256 " PRINT "\r\n");
  assert_int_equal(offer->setup, SDP_SETUP_ACTPASS);
  sdp_offer_free(offer);
}

static void floods_and_giants(void **state) {
  (void)state;
  static char text[SDP_MAX_BYTES + 2];
  struct sdp_offer *offer = NULL;
  struct sdp_fault fault = {0};
  append(text, sizeof text, HEAD);
  for (int i = 0; i < SDP_MAX_MEDIA; i++)
    append(text, sizeof text, "m=audio 0 x 0\r\n");
  append(text, sizeof text,
         "a=ice-ufrag:abcd\r\na=ice-pwd:0123456789012345678901\r\na=fingerprint:sha-256 " PRINT "\r\n");
  refuse_at(text, SDP_ERROR_NO_ICE,
            0); /* 64 are allowed, though these are all stopped and the keys are the last one's */
  append(text, sizeof text, "m=audio 0 x 0\r\n");
  refuse_at(text, SDP_ERROR_TOO_MANY_MEDIA, 4 + 64 + 3 + 1);
  text[0] = '\0';
  append(text, sizeof text, HEAD "a=x:%0*d\r\n" AUDIO("0"), SDP_MAX_LINE_BYTES, 0);
  refuse_at(text, SDP_ERROR_LINE_TOO_LONG, 5);
  memset(text, 'v', SDP_MAX_BYTES + 1);
  assert_int_equal(sdp_offer_parse(&offer, text, SDP_MAX_BYTES + 1, &fault), SDP_ERROR_TOO_LARGE);
  memset(text, '\n', SDP_MAX_BYTES);
  text[SDP_MAX_BYTES - 2] = 'm';
  text[SDP_MAX_BYTES - 1] = '=';
  assert_int_equal(sdp_offer_parse(&offer, text, SDP_MAX_BYTES, &fault), SDP_ERROR_MEDIA_LINE);
  assert_int_equal(fault.line, SDP_MAX_BYTES - 1);
  assert_null(offer);
}

/* Every prefix of an offer, and the offer with every byte changed: no crash, and never a result beside an error. */
static void truncated_and_mutated_offers(void **state) {
  (void)state;
  static const char text[] = HEAD "a=group:BUNDLE 0 1 2\r\n" AUDIO("0") VIDEO("1") "a=rid:q send\r\na=simulcast:send q\r\n"
                                  "a=ssrc-group:FID 1 2\r\na=ssrc:1 cname:x\r\na=extmap:1/recvonly urn:x\r\n" DATA("2");
  static const char others[] = "\0\n\r :;,=/*0x9\xff";
  char copy[sizeof text];
  size_t accepted = 0;
  for (size_t i = 0; i < sizeof text; i++) {
    struct sdp_offer *offer = NULL;
    int error = sdp_offer_parse(&offer, text, i, NULL);
    assert_true((error == SDP_OK) == (offer != NULL));
    sdp_offer_free(offer);
    for (size_t k = 0; k < sizeof others && i + 1 < sizeof text; k++) {
      struct sdp_offer *mutant = NULL;
      memcpy(copy, text, sizeof text);
      copy[i] = others[k];
      error = sdp_offer_parse(&mutant, copy, sizeof text - 1, NULL);
      assert_true((error == SDP_OK) == (mutant != NULL));
      accepted += mutant != NULL;
      sdp_offer_free(mutant);
    }
  }
  assert_true(accepted > 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_whole_offer),
      cmocka_unit_test(line_ends_may_be_lf_and_the_last_may_miss),
      cmocka_unit_test(broken_lines),
      cmocka_unit_test(broken_media_lines),
      cmocka_unit_test(the_bundle_and_its_mids),
      cmocka_unit_test(payload_types_mean_one_codec_in_a_bundle),
      cmocka_unit_test(the_transport_is_the_first_bundled_sections),
      cmocka_unit_test(missing_or_wrong_security),
      cmocka_unit_test(floods_and_giants),
      cmocka_unit_test(truncated_and_mutated_offers),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
