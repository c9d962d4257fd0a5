/* tests/fuzz/sdp_fuzz.c: an offer from anybody, through everything that the gateway and the worker do with it.
 *
 * What parses must survive its JSON unchanged, be answered, and the answer must be SDP that agrees with the offer: the same
 * sections in the same order, and nothing in it that was not offered. */
#include <jansson.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "signaling/sdp_choose.h"
#include "signaling/sdp_json.h"
#include "signaling/sdp_parser.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CHECK(what)                                                       \
  do {                                                                    \
    if (!(what)) {                                                        \
      fprintf(stderr, "%s:%d: %s is false\n", __FILE__, __LINE__, #what); \
      abort();                                                            \
    }                                                                     \
  } while (0)

static char out[2 * SDP_MAX_BYTES];

static struct sdp_offer *through_json(const struct sdp_offer *offer) {
  struct sdp_offer *copy = NULL;
  struct sdp_json_fault fault = {NULL};
  json_t *json = sdp_offer_to_json(offer);
  CHECK(json != NULL);
  int error = sdp_offer_from_json(&copy, json, &fault);
  if (error != SDP_OK) fprintf(stderr, "fault at %s\n", fault.key);
  CHECK(error == SDP_OK);
  json_t *again = sdp_offer_to_json(copy);
  CHECK(json_equal(json, again));
  json_decref(again);
  json_decref(json);
  return copy;
}

static void fill(struct sdp_answer *answer) {
  answer->ice_ufrag = "srvr";
  answer->ice_pwd = "0123456789012345678901";
  answer->fingerprint = (struct sdp_fingerprint){
      .algorithm = "sha-256",
      .value = "00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF"};
  answer->candidates[0] = (struct sdp_candidate){.address = "192.0.2.1", .foundation = "1", .port = 1, .priority = 1};
  answer->candidate_count = 1;
  for (size_t i = 0; i < answer->media_count; i++) {
    if ((answer->media[i].direction & SDP_SENDONLY) != 0)
      answer->media[i].ssrc = (struct sdp_ssrc){.ssrc = 1 + 2 * (uint32_t)i, .rtx_ssrc = 2 + 2 * (uint32_t)i};
  }
}

static void compare(const struct sdp_offer *offer, const struct sdp_answer *answer, const struct sdp_offer *written) {
  CHECK(written->media_count == offer->media_count);
  for (size_t i = 0; i < offer->media_count; i++) {
    const struct sdp_answer_media *chosen = &answer->media[i];
    const struct sdp_media *theirs = &offer->media[i];
    const struct sdp_media *ours = &written->media[i];
    CHECK(strcmp(ours->type, theirs->type) == 0 && strcmp(ours->proto, theirs->proto) == 0);
    CHECK(strcmp(ours->mid, theirs->mid) == 0);
    CHECK((ours->unusable == SDP_USABLE) == chosen->accepted);
    if (!chosen->accepted || theirs->kind == SDP_APPLICATION) continue;
    CHECK(ours->direction == chosen->direction);
    CHECK(ours->rid_count == chosen->rid_count && ours->extension_count == chosen->extension_count);
    size_t repairs = 0;
    for (size_t k = 0; k < ours->codec_count; k++) {
      CHECK(sdp_codec_identify(ours->kind, &ours->codecs[k]) != SDP_CODEC_NONE);
      repairs += ours->codecs[k].rtx_pt != SDP_NO_PT;
    }
    CHECK(ours->codec_count + repairs == chosen->pt_count);
  }
}

static void answer_offer(const struct sdp_offer *offer, const char *video) {
  struct sdp_answer *chosen = NULL;
  struct sdp_answer *answer = NULL;
  struct sdp_offer *written = NULL;
  struct sdp_policy policy;
  size_t len = 0;
  sdp_policy_default(&policy);
  policy.red = SDP_RED_ACCEPT;
  CHECK(sdp_policy_set_video(&policy, video) == 0);
  struct sdp_offer *copy = through_json(offer);
  CHECK(sdp_choose_answer(&chosen, copy, &policy) == SDP_OK);
  sdp_offer_free(copy);
  fill(chosen);
  json_t *json = sdp_answer_to_json(chosen);
  CHECK(json != NULL && sdp_answer_from_json(&answer, json, NULL) == SDP_OK);
  json_decref(json);
  bool any = false;
  for (size_t i = 0; i < answer->media_count; i++)
    any = any || answer->media[i].accepted;
  CHECK(sdp_answer_write(answer, offer, out, sizeof out, &len, NULL) == SDP_OK);
  CHECK(strlen(out) == len);
  /* An answer that takes nothing names no transport, and so does not parse as a description of one. */
  if (any && len <= SDP_MAX_BYTES) {
    struct sdp_fault fault = {0};
    int error = sdp_parse(&written, out, len, true, &fault);
    if (error != SDP_OK) fprintf(stderr, "%s in line %u of\n%s", sdp_error_name(error), fault.line, out);
    CHECK(error == SDP_OK);
    compare(offer, answer, written);
  }
  sdp_offer_free(written);
  sdp_answer_free(answer);
  sdp_answer_free(chosen);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct sdp_offer *offer = NULL;
  struct sdp_fault fault = {0};
  int error = sdp_offer_parse(&offer, (const char *)data, size, &fault);
  CHECK((error == SDP_OK) == (offer != NULL));
  CHECK(strcmp(sdp_error_name(error), "unknown") != 0);
  if (offer == NULL) return 0;
  CHECK(fault.line == 0 && offer->media_count > 0 && offer->media_count <= SDP_MAX_MEDIA);
  answer_offer(offer, "VP8,H264,VP9,AV1");
  answer_offer(offer, "H264");
  sdp_offer_free(offer);
  return 0;
}
