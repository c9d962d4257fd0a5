/* tests/signaling/sdp_answer_tool.c: reads an offer on stdin, prints the answer the server would give.
 *
 * Usage: sdp_answer_tool [VIDEO CODECS, best first] < offer > answer      e.g. sdp_answer_tool VP8,H264,VP9,AV1
 *        sdp_answer_tool --json < offer       prints the parsed offer as the worker sees it
 * The offer and the answer also go through their JSON, as between gateway and worker. The transport is made up: nobody answers
 * at 192.0.2.10. Exits 1 with the error and its line on stderr. For the browser checks, and for trying an offer by hand. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "signaling/sdp.h"
#include "signaling/sdp_choose.h"
#include "signaling/sdp_json.h"

static char text[SDP_MAX_BYTES + 1];

/* Struct to JSON to struct, replacing the first one. */
static int through_json(struct sdp_offer **offer) {
  struct sdp_json_fault fault = {NULL};
  struct sdp_offer *copy = NULL;
  json_t *json = sdp_offer_to_json(*offer);
  int error = json == NULL ? SDP_ERROR_MEMORY : sdp_offer_from_json(&copy, json, &fault);
  json_decref(json);
  if (error != SDP_OK) fprintf(stderr, "offer's JSON: %s at %s\n", sdp_error_name(error), fault.key);
  *offer = copy;
  return error;
}

static void fill(struct sdp_answer *answer, const struct sdp_offer *offer) {
  answer->ice_ufrag = "server0123";
  answer->ice_pwd = "0123456789abcdefghijklmn";
  answer->fingerprint = (struct sdp_fingerprint){
      .algorithm = "sha-256",
      .value = "00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF"};
  answer->candidates[0] =
      (struct sdp_candidate){.address = "192.0.2.10", .foundation = "1", .port = 40000, .priority = 2130706431};
  answer->candidates[1] =
      (struct sdp_candidate){.address = "2001:db8::10", .foundation = "2", .port = 40000, .priority = 2130706430};
  answer->candidate_count = 2;
  answer->origin_id = 1;
  answer->origin_version = 1;
  for (size_t i = 0; i < answer->media_count; i++) {
    struct sdp_answer_media *m = &answer->media[i];
    if (!m->accepted || (m->direction & SDP_SENDONLY) == 0 || offer->media[i].kind == SDP_APPLICATION) continue;
    m->ssrc.ssrc = 0x10000000U + 2 * (uint32_t)i;
    m->ssrc.rtx_ssrc = offer->media[i].kind == SDP_VIDEO ? m->ssrc.ssrc + 1 : 0;
  }
}

static int write_answer(const struct sdp_answer *filled, const struct sdp_offer *offer) {
  static char out[SDP_MAX_BYTES];
  struct sdp_answer *answer = NULL;
  struct sdp_json_fault fault = {NULL};
  const char *mid = NULL;
  size_t len = 0;
  json_t *json = sdp_answer_to_json(filled);
  int error = json == NULL ? SDP_ERROR_MEMORY : sdp_answer_from_json(&answer, json, &fault);
  json_decref(json);
  if (error == SDP_OK) error = sdp_answer_write(answer, offer, out, sizeof out, &len, &mid);
  if (error == SDP_OK) fwrite(out, 1, len, stdout);
  if (error != SDP_OK) fprintf(stderr, "answer: %s, mid %s\n", sdp_error_name(error), mid != NULL ? mid : "-");
  sdp_answer_free(answer);
  return error;
}

static int print_json(const struct sdp_offer *offer) {
  json_t *json = sdp_offer_to_json(offer);
  int failed = json == NULL || json_dumpf(json, stdout, JSON_INDENT(1)) != 0;
  json_decref(json);
  return failed;
}

int main(int argc, char **argv) {
  struct sdp_offer *offer = NULL;
  struct sdp_offer *copy = NULL;
  struct sdp_answer *answer = NULL;
  struct sdp_fault fault = {0};
  struct sdp_policy policy;
  size_t len = fread(text, 1, sizeof text, stdin);
  sdp_policy_default(&policy);
  bool json = argc > 1 && strcmp(argv[1], "--json") == 0;
  if (argc > 1 && !json && sdp_policy_set_video(&policy, argv[1]) != 0) {
    fprintf(stderr, "not a list of codecs: %s\n", argv[1]);
    return 1;
  }
  int error = sdp_offer_parse(&offer, text, len, &fault);
  if (error != SDP_OK) {
    fprintf(stderr, "offer: %s (%s) in line %u\n", sdp_error_name(error), sdp_error_text(error), fault.line);
    return 1;
  }
  if (json) {
    error = print_json(offer);
    sdp_offer_free(offer);
    return error;
  }
  copy = offer;
  error = through_json(&copy);
  if (error == SDP_OK) error = sdp_choose_answer(&answer, copy, &policy);
  if (error == SDP_OK) {
    fill(answer, copy);
    error = write_answer(answer, offer);
  }
  sdp_answer_free(answer);
  sdp_offer_free(copy);
  sdp_offer_free(offer);
  return error == SDP_OK ? 0 : 1;
}
