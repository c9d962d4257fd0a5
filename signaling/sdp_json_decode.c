/* signaling/sdp_json_decode.c: offers and answers from JSON, strictly: what is not in the contract is an error. */
#include <stdlib.h>
#include <string.h>

#include "signaling/sdp_answer.h"
#include "signaling/sdp_json.h"
#include "signaling/sdp_text.h"

#define MAX_DEPTH 6 /* offer, media, section, codecs, codec, feedback; its strings are counted where they stand */

/* The first error sticks; readers after it return zero values, so callers check once, at the end. */
struct reader {
  struct sdp_arena strings;
  const char *bad; /* key in error, or NULL */
};

static void fail(struct reader *r, const char *key) {
  if (r->bad == NULL) r->bad = key;
}

/* Bytes of all strings in a value, terminators included: the size of the arena. Depth beyond the contract's adds nothing; what
 * lies there is refused later. */
static size_t count_strings(const json_t *value, int depth) {
  size_t bytes = json_is_string(value) ? json_string_length(value) + 1 : 0;
  const char *key = NULL;
  json_t *item = NULL;
  size_t i = 0;
  if (depth == 0) return bytes;
  if (json_is_array(value)) {
    json_array_foreach(value, i, item) bytes += count_strings(item, depth - 1);
  }
  if (json_is_object(value)) {
    json_object_foreach((json_t *)value, key, item) bytes += count_strings(item, depth - 1);
  }
  return bytes;
}

/* `value` is an object with no keys but those in the space-separated list. */
static void only(struct reader *r, const json_t *value, const char *name, const char *keys) {
  const char *key = NULL;
  json_t *item = NULL;
  if (!json_is_object(value)) {
    fail(r, name);
    return;
  }
  json_object_foreach((json_t *)value, key, item) {
    size_t len = strlen(key);
    const char *p = strstr(keys, key);
    while (p != NULL && ((p > keys && p[-1] != ' ') || (p[len] != ' ' && p[len] != '\0')))
      p = strstr(p + 1, key);
    if (p == NULL || len == 0 || strchr(key, ' ') != NULL) fail(r, name);
  }
}

static uint64_t number(struct reader *r, const json_t *object, const char *key, uint64_t min, uint64_t max) {
  const json_t *value = json_object_get(object, key);
  json_int_t n = json_integer_value(value);
  if (!json_is_integer(value) || n < 0 || (uint64_t)n < min || (uint64_t)n > max) {
    fail(r, key);
    return 0;
  }
  return (uint64_t)n;
}

static uint64_t optional_number(struct reader *r, const json_t *object, const char *key, uint64_t fallback,
                                uint64_t max) {
  return json_object_get(object, key) == NULL ? fallback : number(r, object, key, 0, max);
}

/* A copy of a string value that could stand in an SDP line; "" after an error. */
static const char *copy(struct reader *r, const json_t *value, const char *key, size_t max) {
  const char *text = json_string_value(value);
  if (text == NULL || strlen(text) != json_string_length(value) || !sdp_text_is_visible(text, max)) {
    fail(r, key);
    return "";
  }
  text = sdp_arena_copy(&r->strings, text);
  if (text == NULL) fail(r, key);
  return text != NULL ? text : "";
}

static const char *string(struct reader *r, const json_t *object, const char *key, size_t max) {
  return copy(r, json_object_get(object, key), key, max);
}

static const char *optional(struct reader *r, const json_t *object, const char *key, size_t max) {
  return json_object_get(object, key) == NULL ? NULL : string(r, object, key, max);
}

static bool boolean(struct reader *r, const json_t *object, const char *key) {
  const json_t *value = json_object_get(object, key);
  if (!json_is_boolean(value)) fail(r, key);
  return json_is_true(value);
}

/* The length of a list of at most `max`; 0 after an error. */
static size_t list(struct reader *r, const json_t *object, const char *key, size_t max, const json_t **out) {
  *out = json_object_get(object, key);
  if (!json_is_array(*out) || json_array_size(*out) > max) {
    fail(r, key);
    return 0;
  }
  return json_array_size(*out);
}

static void decode_ice(struct reader *r, const json_t *object, const char **ufrag, const char **pwd) {
  const json_t *ice = json_object_get(object, "ice");
  only(r, ice, "ice", "ufrag pwd");
  *ufrag = string(r, ice, "ufrag", 256);
  *pwd = string(r, ice, "pwd", 256);
  if (!sdp_text_is_ice(*ufrag, 4)) fail(r, "ufrag");
  if (!sdp_text_is_ice(*pwd, 22)) fail(r, "pwd");
}

static void decode_fingerprint(struct reader *r, const json_t *value, struct sdp_fingerprint *out) {
  only(r, value, "fingerprint", "algorithm value");
  const char *algorithm = sdp_text_hash(string(r, value, "algorithm", 16));
  out->value = string(r, value, "value", 191);
  out->algorithm = algorithm;
  if (algorithm == NULL || !sdp_text_is_fingerprint(algorithm, out->value)) fail(r, "fingerprint");
}

static void decode_dtls(struct reader *r, const json_t *object, struct sdp_offer *offer) {
  const json_t *dtls = json_object_get(object, "dtls");
  const json_t *prints = NULL;
  only(r, dtls, "dtls", "setup fingerprints");
  int setup = sdp_setup_from_name(string(r, dtls, "setup", 16));
  if (setup < 0) fail(r, "setup");
  offer->setup = setup < 0 ? SDP_SETUP_ACTPASS : (enum sdp_setup)setup;
  offer->fingerprint_count = list(r, dtls, "fingerprints", SDP_MAX_FINGERPRINTS, &prints);
  if (offer->fingerprint_count == 0) fail(r, "fingerprints");
  for (size_t i = 0; i < offer->fingerprint_count; i++) {
    decode_fingerprint(r, json_array_get(prints, i), &offer->fingerprints[i]);
  }
}

static void decode_sctp(struct reader *r, const json_t *object, struct sdp_sctp *out) {
  const json_t *sctp = json_object_get(object, "sctp");
  if (sctp == NULL) return;
  only(r, sctp, "sctp", "mid port maxMessageSize");
  out->present = true;
  out->mid = string(r, sctp, "mid", SDP_MAX_ID_BYTES);
  out->port = (uint16_t)number(r, sctp, "port", 1, UINT16_MAX);
  out->max_message_size = (uint32_t)number(r, sctp, "maxMessageSize", 0, UINT32_MAX);
}

static void decode_codec(struct reader *r, const json_t *object, struct sdp_codec *out) {
  const json_t *feedback = NULL;
  only(r, object, "codecs", "pt name clock channels fmtp feedback rtxPt");
  out->pt = (uint8_t)number(r, object, "pt", 0, 127);
  out->name = string(r, object, "name", 64);
  out->clock = (uint32_t)number(r, object, "clock", 1, UINT32_MAX);
  out->channels = (uint8_t)optional_number(r, object, "channels", 1, UINT8_MAX);
  out->fmtp = optional(r, object, "fmtp", SDP_MAX_FMTP_BYTES);
  out->rtx_pt = SDP_NO_PT;
  if (json_object_get(object, "rtxPt") != NULL) out->rtx_pt = (int16_t)number(r, object, "rtxPt", 0, 127);
  if (!sdp_text_is_token(out->name, 64)) fail(r, "name");
  size_t count = list(r, object, "feedback", SDP_FEEDBACK_COUNT, &feedback);
  for (size_t i = 0; i < count; i++) {
    int bit = sdp_feedback_from_name(copy(r, json_array_get(feedback, i), "feedback", 32));
    if (bit < 0) fail(r, "feedback");
    if (bit > 0) out->feedback |= (uint8_t)bit;
  }
}

static size_t decode_extensions(struct reader *r, const json_t *object, struct sdp_extension *out) {
  const json_t *extensions = NULL;
  size_t count = list(r, object, "extensions", SDP_MAX_EXTENSIONS, &extensions);
  for (size_t i = 0; i < count; i++) {
    const json_t *item = json_array_get(extensions, i);
    only(r, item, "extensions", "id uri");
    out[i].id = (uint8_t)number(r, item, "id", 1, UINT8_MAX);
    out[i].direction = SDP_SENDRECV;
    out[i].uri = string(r, item, "uri", 512);
  }
  return count;
}

static size_t decode_rids(struct reader *r, const json_t *object, const char **out) {
  const json_t *rids = NULL;
  size_t count = list(r, object, "rids", SDP_MAX_RIDS, &rids);
  for (size_t i = 0; i < count; i++) {
    out[i] = copy(r, json_array_get(rids, i), "rids", SDP_MAX_ID_BYTES);
    if (!sdp_text_is_rid(out[i])) fail(r, "rids");
  }
  return count;
}

static void decode_ssrc(struct reader *r, const json_t *object, struct sdp_ssrc *out) {
  only(r, object, "ssrc", "ssrc rtxSsrc");
  out->ssrc = (uint32_t)number(r, object, "ssrc", 1, UINT32_MAX);
  out->rtx_ssrc = (uint32_t)optional_number(r, object, "rtxSsrc", 0, UINT32_MAX);
}

static enum sdp_direction decode_direction(struct reader *r, const json_t *object) {
  int direction = sdp_direction_from_name(string(r, object, "direction", 16));
  if (direction < 0) fail(r, "direction");
  return direction < 0 ? SDP_INACTIVE : (enum sdp_direction)direction;
}

static void decode_offered_media(struct reader *r, const json_t *object, struct sdp_media *out) {
  const json_t *codecs = NULL;
  const json_t *ssrcs = NULL;
  only(r, object, "media", "mid kind direction rejected codecs extensions rids ssrcs cname msid");
  out->mid = string(r, object, "mid", SDP_MAX_ID_BYTES);
  int kind = sdp_kind_from_name(string(r, object, "kind", 16));
  if (kind < 0) fail(r, "kind");
  out->kind = kind < 0 ? SDP_OTHER : (enum sdp_kind)kind;
  out->direction = decode_direction(r, object);
  if (json_object_get(object, "rejected") != NULL && boolean(r, object, "rejected"))
    out->unusable = SDP_UNUSABLE_STOPPED;
  if (out->unusable == SDP_USABLE && !sdp_text_is_token(out->mid, SDP_MAX_ID_BYTES)) fail(r, "mid");
  out->codec_count = list(r, object, "codecs", SDP_MAX_CODECS, &codecs);
  for (size_t i = 0; i < out->codec_count; i++)
    decode_codec(r, json_array_get(codecs, i), &out->codecs[i]);
  out->extension_count = decode_extensions(r, object, out->extensions);
  out->rid_count = decode_rids(r, object, out->rids);
  out->ssrc_count = list(r, object, "ssrcs", SDP_MAX_SSRCS, &ssrcs);
  for (size_t i = 0; i < out->ssrc_count; i++)
    decode_ssrc(r, json_array_get(ssrcs, i), &out->ssrcs[i]);
  out->cname = optional(r, object, "cname", SDP_MAX_LINE_BYTES);
  out->msid = optional(r, object, "msid", SDP_MAX_LINE_BYTES);
}

static int report(const struct reader *r, struct sdp_json_fault *fault) {
  if (fault != NULL) fault->key = r->bad != NULL ? r->bad : "";
  return r->bad != NULL ? SDP_ERROR_ATTRIBUTE : SDP_OK;
}

int sdp_offer_from_json(struct sdp_offer **out, const json_t *json, struct sdp_json_fault *fault) {
  struct reader r = {.bad = NULL};
  const json_t *media = NULL;
  only(&r, json, "", "ice dtls extmapAllowMixed sctp media");
  size_t count = list(&r, json, "media", SDP_MAX_MEDIA, &media);
  if (count == 0) fail(&r, "media");
  if (r.bad != NULL) return report(&r, fault);
  size_t bytes = count_strings(json, MAX_DEPTH);
  struct sdp_offer *offer = calloc(1, sizeof *offer + count * sizeof offer->media[0] + bytes);
  if (offer == NULL) return SDP_ERROR_MEMORY;
  r.strings.next = (char *)&offer->media[count];
  r.strings.end = r.strings.next + bytes;
  offer->media_count = count;
  decode_ice(&r, json, &offer->ice_ufrag, &offer->ice_pwd);
  decode_dtls(&r, json, offer);
  offer->extmap_allow_mixed = boolean(&r, json, "extmapAllowMixed");
  decode_sctp(&r, json, &offer->sctp);
  for (size_t i = 0; i < count; i++)
    decode_offered_media(&r, json_array_get(media, i), &offer->media[i]);
  if (r.bad != NULL) {
    sdp_offer_free(offer);
  } else {
    *out = offer;
  }
  return report(&r, fault);
}

static void decode_candidates(struct reader *r, const json_t *object, struct sdp_answer *answer) {
  const json_t *candidates = NULL;
  answer->candidate_count = list(r, object, "candidates", SDP_MAX_CANDIDATES, &candidates);
  for (size_t i = 0; i < answer->candidate_count; i++) {
    const json_t *item = json_array_get(candidates, i);
    struct sdp_candidate *c = &answer->candidates[i];
    only(r, item, "candidates", "address port priority foundation");
    c->address = string(r, item, "address", 64);
    c->port = (uint16_t)number(r, item, "port", 1, UINT16_MAX);
    c->priority = (uint32_t)number(r, item, "priority", 1, UINT32_MAX);
    c->foundation = string(r, item, "foundation", 32);
    if (strpbrk(c->address, " ") != NULL || c->address[0] == '\0') fail(r, "address");
    if (!sdp_text_is_ice(c->foundation, 1)) fail(r, "foundation");
  }
}

static void decode_answered_media(struct reader *r, const json_t *object, struct sdp_answer_media *out) {
  const json_t *pts = NULL;
  only(r, object, "media", "mid accepted direction pts extensions rids ssrc cname");
  out->mid = string(r, object, "mid", SDP_MAX_ID_BYTES);
  out->accepted = boolean(r, object, "accepted");
  out->direction = decode_direction(r, object);
  out->pt_count = list(r, object, "pts", SDP_MAX_PTS, &pts);
  for (size_t i = 0; i < out->pt_count; i++) {
    const json_t *item = json_array_get(pts, i);
    json_int_t pt = json_integer_value(item);
    if (!json_is_integer(item) || pt < 0 || pt > 127) fail(r, "pts");
    out->pts[i] = (uint8_t)pt;
  }
  out->extension_count = decode_extensions(r, object, out->extensions);
  if (json_object_get(object, "rids") != NULL) out->rid_count = decode_rids(r, object, out->rids);
  if (json_object_get(object, "ssrc") != NULL) decode_ssrc(r, json_object_get(object, "ssrc"), &out->ssrc);
  out->cname = optional(r, object, "cname", 256);
}

int sdp_answer_from_json(struct sdp_answer **out, const json_t *json, struct sdp_json_fault *fault) {
  struct reader r = {.bad = NULL};
  const json_t *media = NULL;
  only(&r, json, "", "ice fingerprint setup candidates sctp media");
  size_t count = list(&r, json, "media", SDP_MAX_MEDIA, &media);
  if (r.bad != NULL) return report(&r, fault);
  struct sdp_answer *answer = sdp_answer_new_with(count, count_strings(json, MAX_DEPTH), &r.strings);
  if (answer == NULL) return SDP_ERROR_MEMORY;
  decode_ice(&r, json, &answer->ice_ufrag, &answer->ice_pwd);
  decode_fingerprint(&r, json_object_get(json, "fingerprint"), &answer->fingerprint);
  if (strcmp(string(&r, json, "setup", 16), "passive") != 0) fail(&r, "setup");
  decode_candidates(&r, json, answer);
  decode_sctp(&r, json, &answer->sctp);
  for (size_t i = 0; i < count; i++)
    decode_answered_media(&r, json_array_get(media, i), &answer->media[i]);
  if (r.bad != NULL) {
    sdp_answer_free(answer);
  } else {
    *out = answer;
  }
  return report(&r, fault);
}
