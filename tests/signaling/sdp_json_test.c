/* tests/signaling/sdp_json_test.c: the JSON of offers and answers, there and back, and everything that is not it. */
#include <stdio.h>

#include "signaling/sdp_choose.h"
#include "signaling/sdp_json.h"
#include "tests/signaling/sdp_build.h"

static const char whole_offer[] =
    "{\"ice\":{\"ufrag\":\"abcd\",\"pwd\":\"0123456789012345678901\"},"
    "\"dtls\":{\"setup\":\"actpass\",\"fingerprints\":[{\"algorithm\":\"sha-256\",\"value\":\"" PRINT
    "\"}]},"
    "\"extmapAllowMixed\":true,\"sctp\":{\"mid\":\"2\",\"port\":5000,\"maxMessageSize\":262144},\"media\":["
    "{\"mid\":\"0\",\"kind\":\"audio\",\"direction\":\"sendonly\",\"codecs\":[{\"pt\":111,\"name\":\"opus\",\"clock\":"
    "48000,"
    "\"channels\":2,\"fmtp\":\"minptime=10;useinbandfec=1\",\"feedback\":[]}],\"extensions\":[],\"rids\":[],\"ssrcs\":["
    "]},"
    "{\"mid\":\"1\",\"kind\":\"video\",\"direction\":\"sendonly\",\"codecs\":[{\"pt\":96,\"name\":\"VP8\",\"clock\":"
    "90000,"
    "\"feedback\":[\"nack\",\"nack "
    "pli\"],\"rtxPt\":97}],\"extensions\":[{\"id\":4,\"uri\":\"urn:x\"}],\"rids\":[\"q\",\"h\"],"
    "\"ssrcs\":[{\"ssrc\":4294967295,\"rtxSsrc\":2},{\"ssrc\":3}],\"cname\":\"me\",\"msid\":\"s t\"},"
    "{\"mid\":\"2\",\"kind\":\"application\",\"direction\":\"sendrecv\",\"codecs\":[],\"extensions\":[],\"rids\":[],"
    "\"ssrcs\":[]},"
    "{\"mid\":\"\",\"kind\":\"other\",\"direction\":\"sendrecv\",\"rejected\":true,\"codecs\":[],\"extensions\":[],"
    "\"rids\":[],"
    "\"ssrcs\":[]}]}";

static const char whole_answer[] =
    "{\"ice\":{\"ufrag\":\"srvr\",\"pwd\":\"0123456789012345678901\"},\"fingerprint\":{\"algorithm\":\"sha-256\","
    "\"value\":\"" PRINT
    "\"},\"setup\":\"passive\",\"candidates\":[{\"address\":\"192.0.2.9\",\"port\":40000,\"priority\":2130706431,"
    "\"foundation\":\"1\"}],\"sctp\":{\"mid\":\"2\",\"port\":5000,\"maxMessageSize\":65536},\"media\":["
    "{\"mid\":\"0\",\"accepted\":true,\"direction\":\"sendonly\",\"pts\":[96,97],\"extensions\":[{\"id\":4,\"uri\":"
    "\"urn:x\"}],"
    "\"rids\":[\"q\"],\"ssrc\":{\"ssrc\":1,\"rtxSsrc\":2},\"cname\":\"c\"},"
    "{\"mid\":\"1\",\"accepted\":false,\"direction\":\"inactive\",\"pts\":[],\"extensions\":[]}]}";

static json_t *load(const char *text) {
  json_error_t error;
  json_t *json = json_loads(text, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &error);
  if (json == NULL) print_error("%s at %d\n", error.text, error.position);
  assert_non_null(json);
  return json;
}

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
  json_array_clear(media);
  json_decref(json);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(an_offer_there_and_back),         cmocka_unit_test(an_answer_there_and_back),
      cmocka_unit_test(offers_are_held_to_the_contract), cmocka_unit_test(answers_are_held_to_the_contract),
      cmocka_unit_test(other_values_and_floods),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
