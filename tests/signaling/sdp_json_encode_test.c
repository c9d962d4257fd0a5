/* tests/signaling/sdp_json_encode_test.c: what was parsed from SDP, or decided, as JSON to the letter; and there and back. */
#include "tests/signaling/sdp_json_texts.h"

static void an_offer_there_and_back(void **state) {
  (void)state;
  struct sdp_offer *offer = offer_of(HEAD "a=group:BUNDLE 0 1 2\r\na=extmap-allow-mixed\r\n" AUDIO("0") VIDEO(
      "1") "a=rtcp-fb:96 nack pli\r\n"
           "a=extmap:4 urn:x\r\na=rid:q send\r\na=rid:h send\r\na=ssrc-group:FID 4294967295 2\r\n"
           "a=ssrc:4294967295 cname:me\r\na=ssrc:2 cname:me\r\na=ssrc:3 cname:me\r\na=msid:s t\r\n" DATA(
               "2") "m=text 0 RTP/AVP 98\r\n");
  json_t *expected = load(whole_offer);
  json_t *json = sdp_offer_to_json(offer);
  assert_true(json_equal(json, expected));
  struct sdp_offer *copy = NULL;
  assert_int_equal(sdp_offer_from_json(&copy, json, NULL), SDP_OK);
  json_decref(json);
  assert_string_equal(copy->media[1].rids[1], "h");
  assert_int_equal(copy->media[1].ssrcs[0].ssrc, 4294967295U);
  assert_int_equal(copy->media[1].codecs[0].feedback, SDP_FEEDBACK_NACK | SDP_FEEDBACK_NACK_PLI);
  assert_int_equal(copy->media[0].codecs[0].rtx_pt, SDP_NO_PT);
  assert_int_equal(copy->media[3].unusable, SDP_UNUSABLE_STOPPED);
  json_t *again = sdp_offer_to_json(copy);
  assert_true(json_equal(again, expected));
  json_decref(again);
  json_decref(expected);
  sdp_offer_free(copy);
  sdp_offer_free(offer);
}

static void an_answer_there_and_back(void **state) {
  (void)state;
  struct sdp_answer *answer = NULL;
  json_t *json = load(whole_answer);
  assert_int_equal(sdp_answer_from_json(&answer, json, NULL), SDP_OK);
  assert_int_equal(answer->candidates[0].priority, 2130706431);
  assert_int_equal(answer->media[0].pts[1], 97);
  assert_int_equal(answer->media[0].ssrc.rtx_ssrc, 2);
  assert_string_equal(answer->media[0].cname, "c");
  assert_null(answer->media[1].cname);
  json_t *again = sdp_answer_to_json(answer);
  assert_true(json_equal(again, json));
  json_decref(again);
  json_decref(json);
  answer->fingerprint.value = NULL;
  assert_null(sdp_answer_to_json(answer));
  sdp_answer_free(answer);
}

/* What is not there has no key: `null` is not in the contract. */
static void what_is_absent_has_no_key(void **state) {
  (void)state;
  static const char *const optional[] = {"cname", "msid", "rejected", "rids", "ssrc"};
  struct sdp_offer *offer = offer_of(HEAD "a=group:BUNDLE 0\r\n" VIDEO("0"));
  json_t *json = sdp_offer_to_json(offer);
  assert_non_null(json);
  assert_null(json_object_get(json, "sctp"));
  assert_true(json_is_false(json_object_get(json, "extmapAllowMixed")));
  const json_t *media = json_array_get(json_object_get(json, "media"), 0);
  for (size_t i = 0; i < 3; i++)
    assert_null(json_object_get(media, optional[i]));
  assert_int_equal(json_array_size(json_object_get(media, "rids")), 0); /* in an offer always there */
  const json_t *codec = json_array_get(json_object_get(media, "codecs"), 0);
  assert_non_null(json_object_get(codec, "pt"));
  assert_null(json_object_get(codec, "channels"));
  json_decref(json);
  sdp_offer_free(offer);
  struct sdp_answer *answer = NULL;
  json = load(whole_answer);
  assert_int_equal(sdp_answer_from_json(&answer, json, NULL), SDP_OK);
  json_decref(json);
  answer->sctp.present = false;
  answer->media[0].ssrc.rtx_ssrc = 0;
  json = sdp_answer_to_json(answer);
  assert_null(json_object_get(json, "sctp"));
  media = json_array_get(json_object_get(json, "media"), 0);
  assert_null(json_object_get(json_object_get(media, "ssrc"), "rtxSsrc"));
  media = json_array_get(json_object_get(json, "media"), 1);
  for (size_t i = 0; i < sizeof optional / sizeof *optional; i++)
    assert_null(json_object_get(media, optional[i]));
  assert_non_null(json_object_get(media, "pts"));
  json_decref(json);
  sdp_answer_free(answer);
}

/* Every bit of feedback has its word. */
static void every_feedback(void **state) {
  (void)state;
  struct sdp_offer *offer = offer_of(HEAD "a=group:BUNDLE 0\r\n" VIDEO("0"));
  offer->media[0].codecs[0].feedback = (1U << SDP_FEEDBACK_COUNT) - 1;
  json_t *json = sdp_offer_to_json(offer);
  const json_t *codec = json_array_get(json_object_get(json_array_get(json_object_get(json, "media"), 0), "codecs"), 0);
  const json_t *words = json_object_get(codec, "feedback");
  assert_int_equal(json_array_size(words), SDP_FEEDBACK_COUNT);
  for (size_t i = 0; i < SDP_FEEDBACK_COUNT; i++)
    assert_int_equal(sdp_feedback_from_name(json_string_value(json_array_get(words, i))), 1 << i);
  json_decref(json);
  sdp_offer_free(offer);
}

/* A struct without its required strings is no answer; nothing half-made comes out. */
static void required_strings(void **state) {
  (void)state;
  for (int missing = 0; missing < 5; missing++) {
    struct sdp_answer *answer = NULL;
    json_t *json = load(whole_answer);
    assert_int_equal(sdp_answer_from_json(&answer, json, NULL), SDP_OK);
    json_decref(json);
    const char **strings[] = {&answer->ice_ufrag, &answer->ice_pwd, &answer->fingerprint.algorithm,
                              &answer->media[0].mid, &answer->candidates[0].address};
    *strings[missing] = NULL;
    assert_null(sdp_answer_to_json(answer));
    sdp_answer_free(answer);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(an_offer_there_and_back),   cmocka_unit_test(an_answer_there_and_back),
      cmocka_unit_test(what_is_absent_has_no_key), cmocka_unit_test(every_feedback),
      cmocka_unit_test(required_strings),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
