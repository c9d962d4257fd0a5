/* signaling/sdp_json_encode.c: offers and answers to JSON. */
#include <string.h>

#include "signaling/sdp_json.h"

/* Sets a key and takes the value. False when either could not be allocated, so that callers may add up. */
static bool set(json_t *object, const char *key, json_t *value) {
  return json_object_set_new(object, key, value) == 0;
}

static bool set_string(json_t *object, const char *key, const char *value) {
  return value != NULL && set(object, key, json_string(value));
}

static bool set_optional(json_t *object, const char *key, const char *value) {
  return value == NULL || set_string(object, key, value);
}

static bool set_number(json_t *object, const char *key, uint64_t value) {
  return set(object, key, json_integer((json_int_t)value));
}

static json_t *encode_ice(const char *ufrag, const char *pwd) {
  json_t *ice = json_object();
  if (set_string(ice, "ufrag", ufrag) && set_string(ice, "pwd", pwd)) return ice;
  json_decref(ice);
  return NULL;
}

static json_t *encode_fingerprint(const struct sdp_fingerprint *print) {
  json_t *object = json_object();
  if (set_string(object, "algorithm", print->algorithm) && set_string(object, "value", print->value)) return object;
  json_decref(object);
  return NULL;
}

static json_t *encode_dtls(const struct sdp_offer *offer) {
  json_t *dtls = json_object();
  json_t *prints = json_array();
  bool ok = set_string(dtls, "setup", sdp_setup_name(offer->setup));
  for (size_t i = 0; i < offer->fingerprint_count; i++) {
    ok = json_array_append_new(prints, encode_fingerprint(&offer->fingerprints[i])) == 0 && ok;
  }
  if (set(dtls, "fingerprints", prints) && ok) return dtls;
  json_decref(dtls);
  return NULL;
}

static json_t *encode_sctp(const struct sdp_sctp *sctp) {
  json_t *object = json_object();
  if (set_string(object, "mid", sctp->mid) && set_number(object, "port", sctp->port) &&
      set_number(object, "maxMessageSize", sctp->max_message_size)) {
    return object;
  }
  json_decref(object);
  return NULL;
}

static json_t *encode_feedback(unsigned feedback) {
  json_t *list = json_array();
  bool ok = true;
  for (unsigned bit = 1; bit < 1U << SDP_FEEDBACK_COUNT; bit <<= 1) {
    if ((feedback & bit) == 0) continue;
    ok = json_array_append_new(list, json_string(sdp_feedback_name((enum sdp_feedback)bit))) == 0 && ok;
  }
  if (ok) return list;
  json_decref(list);
  return NULL;
}

static json_t *encode_codec(const struct sdp_codec *codec) {
  json_t *object = json_object();
  bool ok = set_number(object, "pt", codec->pt);
  ok = set_string(object, "name", codec->name) && ok;
  ok = set_number(object, "clock", codec->clock) && ok;
  if (codec->channels != 1) ok = set_number(object, "channels", codec->channels) && ok;
  ok = set_optional(object, "fmtp", codec->fmtp) && ok;
  ok = set(object, "feedback", encode_feedback(codec->feedback)) && ok;
  if (codec->rtx_pt != SDP_NO_PT) ok = set_number(object, "rtxPt", (uint64_t)codec->rtx_pt) && ok;
  if (ok) return object;
  json_decref(object);
  return NULL;
}

static json_t *encode_extensions(const struct sdp_extension *extensions, size_t count) {
  json_t *list = json_array();
  bool ok = true;
  for (size_t i = 0; i < count; i++) {
    json_t *object = json_object();
    ok = set_number(object, "id", extensions[i].id) && set_string(object, "uri", extensions[i].uri) && ok;
    ok = json_array_append_new(list, object) == 0 && ok;
  }
  if (ok) return list;
  json_decref(list);
  return NULL;
}

static json_t *encode_rids(const char *const *rids, size_t count) {
  json_t *list = json_array();
  bool ok = true;
  for (size_t i = 0; i < count; i++)
    ok = json_array_append_new(list, json_string(rids[i])) == 0 && ok;
  if (ok) return list;
  json_decref(list);
  return NULL;
}

static json_t *encode_ssrc(const struct sdp_ssrc *ssrc) {
  json_t *object = json_object();
  bool ok = set_number(object, "ssrc", ssrc->ssrc);
  if (ssrc->rtx_ssrc != 0) ok = set_number(object, "rtxSsrc", ssrc->rtx_ssrc) && ok;
  if (ok) return object;
  json_decref(object);
  return NULL;
}

static json_t *encode_offered_media(const struct sdp_media *media) {
  json_t *object = json_object();
  json_t *codecs = json_array();
  json_t *ssrcs = json_array();
  bool ok = set_string(object, "mid", media->mid);
  ok = set_string(object, "kind", sdp_kind_name(media->kind)) && ok;
  ok = set_string(object, "direction", sdp_direction_name(media->direction)) && ok;
  if (media->unusable != SDP_USABLE) ok = set(object, "rejected", json_true()) && ok;
  for (size_t i = 0; i < media->codec_count; i++) {
    ok = json_array_append_new(codecs, encode_codec(&media->codecs[i])) == 0 && ok;
  }
  for (size_t i = 0; i < media->ssrc_count; i++) {
    ok = json_array_append_new(ssrcs, encode_ssrc(&media->ssrcs[i])) == 0 && ok;
  }
  ok = set(object, "codecs", codecs) && ok;
  ok = set(object, "extensions", encode_extensions(media->extensions, media->extension_count)) && ok;
  ok = set(object, "rids", encode_rids(media->rids, media->rid_count)) && ok;
  ok = set(object, "ssrcs", ssrcs) && ok;
  ok = set_optional(object, "cname", media->cname) && ok;
  ok = set_optional(object, "msid", media->msid) && ok;
  if (ok) return object;
  json_decref(object);
  return NULL;
}

json_t *sdp_offer_to_json(const struct sdp_offer *offer) {
  json_t *object = json_object();
  json_t *media = json_array();
  bool ok = set(object, "ice", encode_ice(offer->ice_ufrag, offer->ice_pwd));
  ok = set(object, "dtls", encode_dtls(offer)) && ok;
  ok = set(object, "extmapAllowMixed", json_boolean(offer->extmap_allow_mixed)) && ok;
  if (offer->sctp.present) ok = set(object, "sctp", encode_sctp(&offer->sctp)) && ok;
  for (size_t i = 0; i < offer->media_count; i++) {
    ok = json_array_append_new(media, encode_offered_media(&offer->media[i])) == 0 && ok;
  }
  if (set(object, "media", media) && ok) return object;
  json_decref(object);
  return NULL;
}

static json_t *encode_candidates(const struct sdp_answer *answer) {
  json_t *list = json_array();
  bool ok = true;
  for (size_t i = 0; i < answer->candidate_count; i++) {
    const struct sdp_candidate *c = &answer->candidates[i];
    json_t *object = json_object();
    ok = set_string(object, "address", c->address) && set_number(object, "port", c->port) &&
         set_number(object, "priority", c->priority) && set_string(object, "foundation", c->foundation) && ok;
    ok = json_array_append_new(list, object) == 0 && ok;
  }
  if (ok) return list;
  json_decref(list);
  return NULL;
}

static json_t *encode_answered_media(const struct sdp_answer_media *media) {
  json_t *object = json_object();
  json_t *pts = json_array();
  bool ok = set_string(object, "mid", media->mid);
  ok = set(object, "accepted", json_boolean(media->accepted)) && ok;
  ok = set_string(object, "direction", sdp_direction_name(media->direction)) && ok;
  for (size_t i = 0; i < media->pt_count; i++) {
    ok = json_array_append_new(pts, json_integer(media->pts[i])) == 0 && ok;
  }
  ok = set(object, "pts", pts) && ok;
  ok = set(object, "extensions", encode_extensions(media->extensions, media->extension_count)) && ok;
  if (media->rid_count > 0) ok = set(object, "rids", encode_rids(media->rids, media->rid_count)) && ok;
  if (media->ssrc.ssrc != 0) ok = set(object, "ssrc", encode_ssrc(&media->ssrc)) && ok;
  ok = set_optional(object, "cname", media->cname) && ok;
  if (ok) return object;
  json_decref(object);
  return NULL;
}

json_t *sdp_answer_to_json(const struct sdp_answer *answer) {
  json_t *object = json_object();
  json_t *media = json_array();
  bool ok = set(object, "ice", encode_ice(answer->ice_ufrag, answer->ice_pwd));
  ok = set(object, "fingerprint", encode_fingerprint(&answer->fingerprint)) && ok;
  ok = set_string(object, "setup", "passive") && ok;
  ok = set(object, "candidates", encode_candidates(answer)) && ok;
  if (answer->sctp.present) ok = set(object, "sctp", encode_sctp(&answer->sctp)) && ok;
  for (size_t i = 0; i < answer->media_count; i++) {
    ok = json_array_append_new(media, encode_answered_media(&answer->media[i])) == 0 && ok;
  }
  if (set(object, "media", media) && ok) return object;
  json_decref(object);
  return NULL;
}
