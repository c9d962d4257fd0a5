/* tests/signaling/sdp_write_test.c: the answer's text, byte by byte. */
#include <stdlib.h>

#include "signaling/sdp_choose.h"
#include "signaling/sdp_parser.h"
#include "tests/signaling/sdp_build.h"

#define TRANSPORT \
  "a=ice-ufrag:srvr\r\na=ice-pwd:0123456789012345678901\r\na=fingerprint:sha-256 " PRINT "\r\na=setup:passive\r\n"

static char out[SDP_MAX_BYTES];

static struct sdp_answer *answer_to(const struct sdp_offer *offer, const char *address) {
  struct sdp_answer *answer = NULL;
  struct sdp_policy policy;
  sdp_policy_default(&policy);
  assert_int_equal(sdp_choose_answer(&answer, offer, &policy), SDP_OK);
  answer->ice_ufrag = "srvr";
  answer->ice_pwd = "0123456789012345678901";
  answer->fingerprint = (struct sdp_fingerprint){.algorithm = "sha-256", .value = PRINT};
  answer->candidates[0] =
      (struct sdp_candidate){.address = address, .foundation = "1", .port = 40000, .priority = 2130706431};
  answer->candidate_count = 1;
  answer->origin_id = 77;
  answer->origin_version = 3;
  return answer;
}

static void expect_text(const struct sdp_answer *answer, const struct sdp_offer *offer, const char *expected) {
  size_t len = 0;
  assert_int_equal(sdp_answer_write(answer, offer, out, sizeof out, &len, NULL), SDP_OK);
  assert_string_equal(out, expected);
  assert_int_equal(len, strlen(expected));
  for (size_t cap = 0; cap <= len; cap += 7) {
    size_t unused = 0;
    assert_int_equal(sdp_answer_write(answer, offer, out, cap, &unused, NULL), SDP_ERROR_TOO_LARGE);
  }
}

static void senders_slots_and_data(void **state) {
  (void)state;
  struct sdp_offer *offer = offer_of(HEAD "a=group:BUNDLE 0 1 2 3\r\na=extmap-allow-mixed\r\n" AUDIO(
      "0") "a=rtcp-fb:111 transport-cc\r\n"
           "a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level\r\n" VIDEO(
               "1") "a=rtcp-fb:96 goog-remb\r\n"
                    "a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid\r\na=extmap:5/sendonly "
                    "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id\r\n"
                    "a=rid:q send\r\na=rid:h send\r\na=simulcast:send q;h\r\n"
                    "m=video 9 UDP/TLS/RTP/SAVPF 96 97\r\na=mid:2\r\na=recvonly\r\na=rtcp-mux\r\na=rtpmap:96 "
                    "VP8/90000\r\n"
                    "a=rtpmap:97 rtx/90000\r\na=fmtp:97 apt=96\r\n" DATA("3"));
  struct sdp_answer *answer = answer_to(offer, "192.0.2.9");
  answer->media[2].ssrc = (struct sdp_ssrc){.ssrc = 1000, .rtx_ssrc = 1001};
  expect_text(answer, offer,
              "v=0\r\no=- 77 3 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0 1 2 3\r\na=extmap-allow-mixed\r\n"
              "a=msid-semantic: WMS *\r\na=ice-lite\r\na=ice-options:ice2\r\n"
              "m=audio 40000 UDP/TLS/RTP/SAVPF 111\r\nc=IN IP4 192.0.2.9\r\na=mid:0\r\na=recvonly\r\n" TRANSPORT
              "a=candidate:1 1 udp 2130706431 192.0.2.9 40000 typ host\r\na=end-of-candidates\r\na=rtcp-mux\r\n"
              "a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level\r\na=rtpmap:111 opus/48000/2\r\n"
              "a=fmtp:111 minptime=10;useinbandfec=1\r\na=rtcp-fb:111 transport-cc\r\n"
              "m=video 40000 UDP/TLS/RTP/SAVPF 96 97\r\nc=IN IP4 192.0.2.9\r\na=mid:1\r\na=recvonly\r\n" TRANSPORT
              "a=rtcp-mux\r\na=rtcp-rsize\r\na=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid\r\n"
              "a=extmap:5/recvonly urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id\r\n"
              "a=rtpmap:96 VP8/90000\r\na=rtcp-fb:96 nack\r\na=rtcp-fb:96 goog-remb\r\n"
              "a=rtpmap:97 rtx/90000\r\na=fmtp:97 apt=96\r\n"
              "a=rid:q recv\r\na=rid:h recv\r\na=simulcast:recv q;h\r\n"
              "m=video 40000 UDP/TLS/RTP/SAVPF 96 97\r\nc=IN IP4 192.0.2.9\r\na=mid:2\r\na=sendonly\r\n" TRANSPORT
              "a=rtcp-mux\r\na=rtpmap:96 VP8/90000\r\na=rtpmap:97 rtx/90000\r\na=fmtp:97 apt=96\r\n"
              "a=msid:slots0 2\r\na=ssrc-group:FID 1000 1001\r\na=ssrc:1000 cname:2\r\na=ssrc:1001 cname:2\r\n"
              "m=application 40000 UDP/DTLS/SCTP webrtc-datachannel\r\nc=IN IP4 192.0.2.9\r\na=mid:3\r\n" TRANSPORT
              "a=sctp-port:5000\r\na=max-message-size:65536\r\n");
  sdp_answer_free(answer);
  sdp_offer_free(offer);
}

static void rejected_sections_keep_their_place(void **state) {
  (void)state;
  struct sdp_offer *offer =
      offer_of(HEAD
               "a=group:BUNDLE d 1 0\r\nm=text 0 RTP/AVP 98 99\r\n"
               "m=application 9 DTLS/SCTP 5000\r\n" KEYS
               "a=mid:d\r\na=sctpmap:5000 webrtc-datachannel 1024\r\n"
               "m=video 9 UDP/TLS/RTP/SAVPF 35 36\r\na=mid:1\r\na=rtcp-mux\r\na=rtpmap:35 H265/90000\r\n" AUDIO("0"));
  struct sdp_answer *answer = answer_to(offer, "2001:db8::9");
  expect_text(answer, offer,
              "v=0\r\no=- 77 3 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE d 0\r\n"
              "a=msid-semantic: WMS *\r\na=ice-lite\r\na=ice-options:ice2\r\n"
              "m=text 0 RTP/AVP 98\r\nc=IN IP4 0.0.0.0\r\na=inactive\r\n"
              "m=application 40000 DTLS/SCTP 5000\r\nc=IN IP6 2001:db8::9\r\na=mid:d\r\n" TRANSPORT
              "a=candidate:1 1 udp 2130706431 2001:db8::9 40000 typ host\r\na=end-of-candidates\r\n"
              "a=sctpmap:5000 webrtc-datachannel 65535\r\na=max-message-size:65536\r\n"
              "m=video 0 UDP/TLS/RTP/SAVPF 35\r\nc=IN IP4 0.0.0.0\r\na=inactive\r\na=mid:1\r\n"
              "m=audio 40000 UDP/TLS/RTP/SAVPF 111\r\nc=IN IP6 2001:db8::9\r\na=mid:0\r\na=recvonly\r\n" TRANSPORT
              "a=rtcp-mux\r\na=rtpmap:111 opus/48000/2\r\na=fmtp:111 minptime=10;useinbandfec=1\r\n");
  sdp_answer_free(answer);
  sdp_offer_free(offer);
}

static void a_misfit_writes_nothing(void **state) {
  (void)state;
  struct sdp_offer *offer = offer_of(HEAD AUDIO("0"));
  struct sdp_answer *answer = answer_to(offer, "192.0.2.9");
  const char *mid = NULL;
  size_t len = 55;
  answer->media[0].pts[0] = 8;
  strcpy(out, "before");
  assert_int_equal(sdp_answer_write(answer, offer, out, sizeof out, &len, &mid), SDP_ERROR_ANSWER);
  assert_string_equal(mid, "0");
  assert_string_equal(out, "before");
  assert_int_equal(len, 55);
  sdp_answer_free(answer);
  sdp_offer_free(offer);
}

static void no_bundle_is_answered_without_one(void **state) {
  (void)state;
  struct sdp_offer *offer = offer_of(HEAD AUDIO("0"));
  struct sdp_answer *answer = answer_to(offer, "192.0.2.9");
  struct sdp_offer *again = NULL;
  size_t len = 0;
  assert_int_equal(sdp_answer_write(answer, offer, out, sizeof out, &len, NULL), SDP_OK);
  assert_null(strstr(out, "BUNDLE"));
  assert_int_equal(sdp_parse(&again, out, len, true, NULL), SDP_OK);
  assert_int_equal(again->setup, SDP_SETUP_PASSIVE);
  assert_string_equal(again->ice_ufrag, "srvr");
  sdp_offer_free(again);
  sdp_answer_free(answer);
  sdp_offer_free(offer);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(senders_slots_and_data),
      cmocka_unit_test(rejected_sections_keep_their_place),
      cmocka_unit_test(a_misfit_writes_nothing),
      cmocka_unit_test(no_bundle_is_answered_without_one),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
