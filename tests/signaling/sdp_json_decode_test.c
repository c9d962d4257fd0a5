/* tests/signaling/sdp_json_decode_test.c: offers and answers from JSON, and everything that is not one. */
#include "tests/signaling/sdp_json_texts.h"

static void an_offer(void **state) {
  (void)state;
  struct sdp_offer *offer = NULL;
  struct sdp_json_fault fault = {NULL};
  json_t *json = load(whole_offer);
  assert_int_equal(sdp_offer_from_json(&offer, json, &fault), SDP_OK);
  assert_string_equal(fault.key, "");
  json_decref(json); /* the offer keeps nothing of it */
  assert_string_equal(offer->ice_ufrag, "abcd");
  assert_string_equal(offer->ice_pwd, "0123456789012345678901");
  assert_int_equal(offer->setup, SDP_SETUP_ACTPASS);
  assert_int_equal(offer->fingerprint_count, 1);
  assert_string_equal(offer->fingerprints[0].algorithm, "sha-256");
  assert_string_equal(offer->fingerprints[0].value, PRINT);
  assert_true(offer->extmap_allow_mixed && offer->sctp.present);
  assert_string_equal(offer->sctp.mid, "2");
  assert_int_equal(offer->sctp.port, 5000);
  assert_int_equal(offer->sctp.max_message_size, 262144);
  assert_int_equal(offer->media_count, 4);
  const struct sdp_media *audio = &offer->media[0], *video = &offer->media[1];
  assert_int_equal(audio->kind, SDP_AUDIO);
  assert_int_equal(audio->codecs[0].channels, 2);
  assert_string_equal(audio->codecs[0].fmtp, "minptime=10;useinbandfec=1");
  assert_int_equal(audio->codecs[0].rtx_pt, SDP_NO_PT);
  assert_int_equal(audio->unusable, SDP_USABLE);
  assert_null(audio->cname);
  assert_null(audio->msid);
  assert_int_equal(video->kind, SDP_VIDEO);
  assert_int_equal(video->direction, SDP_SENDONLY);
  assert_int_equal(video->codecs[0].channels, 1); /* unsaid */
  assert_int_equal(video->codecs[0].rtx_pt, 97);
  assert_null(video->codecs[0].fmtp);
  assert_int_equal(video->codecs[0].feedback, SDP_FEEDBACK_NACK | SDP_FEEDBACK_NACK_PLI);
  assert_int_equal(video->extensions[0].id, 4);
  assert_string_equal(video->extensions[0].uri, "urn:x");
  assert_int_equal(video->rid_count, 2);
  assert_string_equal(video->rids[1], "h");
  assert_int_equal(video->ssrcs[0].ssrc, 4294967295U);
  assert_int_equal(video->ssrcs[0].rtx_ssrc, 2);
  assert_int_equal(video->ssrcs[1].rtx_ssrc, 0);
  assert_string_equal(video->cname, "me");
  assert_string_equal(video->msid, "s t");
  assert_int_equal(offer->media[3].unusable, SDP_UNUSABLE_STOPPED);
  sdp_offer_free(offer);
}

static void an_answer(void **state) {
  (void)state;
  struct sdp_answer *answer = NULL;
  json_t *json = load(whole_answer);
  assert_int_equal(sdp_answer_from_json(&answer, json, NULL), SDP_OK);
  json_decref(json);
  assert_string_equal(answer->ice_ufrag, "srvr");
  assert_string_equal(answer->fingerprint.value, PRINT);
  assert_int_equal(answer->candidate_count, 1);
  assert_string_equal(answer->candidates[0].address, "192.0.2.9");
  assert_int_equal(answer->candidates[0].port, 40000);
  assert_int_equal(answer->candidates[0].priority, 2130706431);
  assert_true(answer->sctp.present && answer->media[0].accepted && !answer->media[1].accepted);
  assert_int_equal(answer->media[0].pts[1], 97);
  assert_int_equal(answer->media[0].ssrc.rtx_ssrc, 2);
  assert_string_equal(answer->media[0].rids[0], "q");
  assert_string_equal(answer->media[0].cname, "c");
  assert_null(answer->media[1].cname);
  assert_int_equal(answer->media[1].ssrc.ssrc, 0);
  assert_int_equal(answer->media[1].direction, SDP_INACTIVE);
  sdp_answer_free(answer);
}

/* `text` with its first `find` replaced must fail at `key`. */
static void expect_fault(const char *text, const char *find, const char *replace, const char *key) {
  char changed[4096];
  struct sdp_json_fault fault = {NULL};
  struct sdp_offer *offer = NULL;
  struct sdp_answer *answer = NULL;
  const char *at = strstr(text, find);
  assert_non_null(at);
  snprintf(changed, sizeof changed, "%.*s%s%s", (int)(at - text), text, replace, at + strlen(find));
  json_t *json = load(changed);
  int error =
      text == whole_offer ? sdp_offer_from_json(&offer, json, &fault) : sdp_answer_from_json(&answer, json, &fault);
  json_decref(json);
  if (error == SDP_OK) print_error("accepted: %s\n", replace);
  assert_int_equal(error, SDP_ERROR_ATTRIBUTE);
  assert_string_equal(fault.key, key);
}

static void offers_are_held_to_the_contract(void **state) {
  (void)state;
  static const char *const cases[][3] = {
      {"\"extmapAllowMixed\":true", "\"extmapAllowMixed\":1", "extmapAllowMixed"},
      {"\"extmapAllowMixed\":true,", "", "extmapAllowMixed"},
      {"\"extmapAllowMixed\":true", "\"extmapAllowMixed\":true,\"extra\":1", ""},
      {"\"extmapAllowMixed\":true", "\"extmapAllowMixed\":true,\"ice dtls\":1", ""},
      {"\"ufrag\":\"abcd\"", "\"ufrag\":\"ab\"", "ufrag"},
      {"\"ufrag\":\"abcd\"", "\"ufrag\":\"abcd\\u0000e\"", "ufrag"},
      {"\"ufrag\":\"abcd\"", "\"ufrag\":7", "ufrag"},
      {"\"pwd\":\"0123456789012345678901\"", "\"pwd\":\"0\"", "pwd"},
      {"actpass", "sometimes", "setup"},
      {"sha-256", "sha-1", "fingerprint"},
      {"00:11", "00-11", "fingerprint"},
      {"[{\"algorithm\":\"sha-256\",\"value\":\"" PRINT "\"}]", "[]", "fingerprints"},
      {"\"port\":5000", "\"port\":0", "port"},
      {"\"port\":5000", "\"port\":65536", "port"},
      {"\"port\":5000", "\"port\":5000.0", "port"},
      {"262144", "4294967296", "maxMessageSize"},
      {"\"mid\":\"0\"", "\"mid\":\"\"", "mid"},
      {"\"mid\":\"0\"", "\"mid\":\"01234567890123456\"", "mid"},
      {"\"audio\"", "\"sound\"", "kind"},
      {"\"sendonly\"", "\"up\"", "direction"},
      {"\"rejected\":true", "\"rejected\":\"yes\"", "rejected"},
      {"\"pt\":111", "\"pt\":128", "pt"},
      {"\"pt\":111", "\"pt\":-1", "pt"},
      {"\"opus\"", "\"op us\"", "name"},
      {"\"clock\":48000", "\"clock\":0", "clock"},
      {"\"channels\":2", "\"channels\":256", "channels"},
      {"minptime=10", "minptime=10\\r\\na=x", "fmtp"},
      {"\"feedback\":[]", "\"feedback\":[\"nack rpsi\"]", "feedback"},
      {"\"feedback\":[]", "\"feedback\":[\"nack\",\"nack\",\"nack\",\"nack\",\"nack\",\"nack\"]", "feedback"},
      {"\"feedback\":[]", "\"feedback\":[],\"rtx\":1", "codecs"},
      {"\"rtxPt\":97", "\"rtxPt\":128", "rtxPt"},
      {"{\"id\":4,\"uri\":\"urn:x\"}", "{\"id\":0,\"uri\":\"urn:x\"}", "id"},
      {"{\"id\":4,\"uri\":\"urn:x\"}", "{\"id\":4}", "uri"},
      {"{\"id\":4,\"uri\":\"urn:x\"}", "4", "extensions"},
      {"\"urn:x\"", "\"urn:\\u00e4\"", "uri"},
      {"[\"q\",\"h\"]", "[\"q\",\"h;\"]", "rids"},
      {"[\"q\",\"h\"]", "[\"a\",\"b\",\"c\",\"d\",\"e\"]", "rids"},
      {"[\"q\",\"h\"]", "[1]", "rids"},
      {"4294967295", "4294967296", "ssrc"},
      {"{\"ssrc\":3}", "{\"ssrc\":0}", "ssrc"},
      {"\"msid\":\"s t\"", "\"msid\":[\"s\"]", "msid"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
    expect_fault(whole_offer, cases[i][0], cases[i][1], cases[i][2]);
}

static void answers_are_held_to_the_contract(void **state) {
  (void)state;
  static const char *const cases[][3] = {
      {"\"passive\"", "\"active\"", "setup"},
      {"\"address\":\"192.0.2.9\"", "\"address\":\"192.0.2.9 typ\"", "address"},
      {"\"address\":\"192.0.2.9\"", "\"address\":\"\"", "address"},
      {"\"port\":40000", "\"port\":0", "port"},
      {"2130706431", "0", "priority"},
      {"\"foundation\":\"1\"", "\"foundation\":\"-\"", "foundation"},
      {"\"accepted\":true", "\"accepted\":1", "accepted"},
      {"[96,97]", "[96,128]", "pts"},
      {"[96,97]", "[\"96\"]", "pts"},
      {"[96,97]", "96", "pts"},
      {"\"cname\":\"c\"", "\"cname\":\"c\",\"color\":1", "media"},
      {"{\"ssrc\":1,\"rtxSsrc\":2}", "{\"rtxSsrc\":2}", "ssrc"},
      {"\"setup\":\"passive\",", "", "setup"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
    expect_fault(whole_answer, cases[i][0], cases[i][1], cases[i][2]);
}

static void other_values_and_floods(void **state) {
  (void)state;
  static const char *const texts[] = {"[]", "{}", "{\"media\":[]}", "{\"media\":{}}",
                                      "[[[[[[[[[[[[\"deep\"]]]]]]]]]]]]"};
  for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
    struct sdp_offer *offer = NULL;
    struct sdp_answer *answer = NULL;
    json_t *json = load(texts[i]);
    assert_int_equal(sdp_offer_from_json(&offer, json, NULL), SDP_ERROR_ATTRIBUTE);
    assert_int_equal(sdp_answer_from_json(&answer, json, NULL), SDP_ERROR_ATTRIBUTE);
    json_decref(json);
  }
  struct sdp_offer *offer = NULL;
  assert_int_equal(sdp_offer_from_json(&offer, NULL, NULL), SDP_ERROR_ATTRIBUTE);
  json_t *json = load(whole_offer);
  json_t *media = json_object_get(json, "media");
  while (json_array_size(media) <= SDP_MAX_MEDIA)
    json_array_append(media, json_array_get(media, 0));
  struct sdp_json_fault fault = {NULL};
  assert_int_equal(sdp_offer_from_json(&offer, json, &fault), SDP_ERROR_ATTRIBUTE);
  assert_string_equal(fault.key, "media");
  json_array_clear(media); /* a whole offer of nothing */
  fault.key = NULL;
  assert_int_equal(sdp_offer_from_json(&offer, json, &fault), SDP_ERROR_ATTRIBUTE);
  assert_string_equal(fault.key, "media");
  json_decref(json);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(an_offer),
      cmocka_unit_test(an_answer),
      cmocka_unit_test(offers_are_held_to_the_contract),
      cmocka_unit_test(answers_are_held_to_the_contract),
      cmocka_unit_test(other_values_and_floods),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
