/* tests/signaling/sdp_json_texts.h: one whole offer and one whole answer as JSON, for both directions. */
#ifndef TESTS_SIGNALING_SDP_JSON_TEXTS_H
#define TESTS_SIGNALING_SDP_JSON_TEXTS_H

#include <stdio.h>

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

static inline json_t *load(const char *text) {
  json_error_t error;
  json_t *json = json_loads(text, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &error);
  if (json == NULL) print_error("%s at %d\n", error.text, error.position);
  assert_non_null(json);
  return json;
}

#endif
