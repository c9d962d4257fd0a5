/* tests/signaling/sdp_choose_answer_test.c: the policy over a whole offer. */
#include "signaling/sdp_choose.h"
#include "tests/signaling/sdp_build.h"

static struct sdp_answer *choose(const char *text, const struct sdp_policy *policy) {
  struct sdp_offer *offer = offer_of(text);
  struct sdp_answer *answer = NULL;
  assert_int_equal(sdp_choose_answer(&answer, offer, policy), SDP_OK);
  assert_int_equal(answer->media_count, offer->media_count);
  memset((char *)&offer->media[0], 'x', sizeof offer->media[0]); /* the answer must not lean on the offer */
  sdp_offer_free(offer);
  return answer;
}

static void everything_usable_is_taken(void **state) {
  (void)state;
  struct sdp_policy policy;
  sdp_policy_default(&policy);
  struct sdp_answer *answer = choose(HEAD "a=group:BUNDLE 0 1 2\r\n" AUDIO("0") VIDEO("1") "a=rid:f send\r\na=rid:q send\r\n"
                                          "a=simulcast:send q;f\r\na=extmap:9 urn:3gpp:video-orientation\r\n" DATA("2"),
                                     &policy);
  assert_true(answer->media[0].accepted && answer->media[1].accepted && answer->media[2].accepted);
  assert_string_equal(answer->media[1].mid, "1");
  assert_int_equal(answer->media[1].direction, SDP_RECVONLY);
  assert_int_equal(answer->media[1].rid_count, 2);
  assert_string_equal(answer->media[1].rids[0], "q");
  assert_int_equal(answer->media[1].extension_count, 1);
  assert_string_equal(answer->media[1].extensions[0].uri, "urn:3gpp:video-orientation");
  assert_true(answer->sctp.present);
  assert_string_equal(answer->sctp.mid, "2");
  assert_int_equal(answer->sctp.max_message_size, 65536);
  sdp_answer_free(answer);
}

static void caps_and_missing_codecs_reject(void **state) {
  (void)state;
  struct sdp_policy policy;
  sdp_policy_default(&policy);
  policy.max_audio = 1;
  policy.max_video = 0;
  policy.data = false;
  const char *text = HEAD "a=group:BUNDLE 0 1 2 3 4\r\nm=audio 9 UDP/TLS/RTP/SAVPF 0\r\n" KEYS
                          "a=mid:0\r\na=rtcp-mux\r\n" AUDIO("1") AUDIO("2") VIDEO("3") DATA("4");
  struct sdp_answer *answer = choose(text, &policy);
  const bool expected[] = {false, true, false, false, false}; /* PCMU only; first; over the cap; cap 0; no data */
  for (size_t i = 0; i < 5; i++)
    assert_int_equal(answer->media[i].accepted, expected[i]);
  assert_false(answer->sctp.present);
  sdp_answer_free(answer);
}

static void extension_ids_are_one_space_in_a_bundle(void **state) {
  (void)state;
  struct sdp_policy policy;
  sdp_policy_default(&policy);
  struct sdp_answer *answer = choose(HEAD "a=group:BUNDLE 0 1\r\n" AUDIO("0") "a=extmap:1 urn:ietf:params:rtp-hdrext:sdes:mid\r\n"
                                          "a=extmap:2 urn:ietf:params:rtp-hdrext:ssrc-audio-level\r\n" VIDEO("1")
                                          "a=extmap:1 urn:ietf:params:rtp-hdrext:sdes:mid\r\n"
                                          "a=extmap:2 http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time\r\n",
                                     &policy);
  assert_int_equal(answer->media[0].extension_count, 2);
  assert_int_equal(answer->media[1].extension_count, 1);
  assert_int_equal(answer->media[1].extensions[0].id, 1);
  sdp_answer_free(answer);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(everything_usable_is_taken),
      cmocka_unit_test(caps_and_missing_codecs_reject),
      cmocka_unit_test(extension_ids_are_one_space_in_a_bundle),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
