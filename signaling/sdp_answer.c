/* signaling/sdp_answer.c: the answer struct, and whether it fits the offer: all checks before a byte is written. */
#include "signaling/sdp_answer.h"

#include <stdlib.h>
#include <string.h>

#include "signaling/sdp_text.h"

struct sdp_answer *sdp_answer_new(size_t media_count) {
  return sdp_answer_new_with(media_count, 0, NULL);
}

struct sdp_answer *sdp_answer_new_with(size_t media_count, size_t string_bytes, struct sdp_arena *strings) {
  if (media_count > SDP_MAX_MEDIA) return NULL;
  struct sdp_answer *answer = calloc(1, sizeof *answer + media_count * sizeof answer->media[0] + string_bytes);
  if (answer == NULL) return NULL;
  answer->media_count = media_count;
  for (size_t i = 0; i < media_count; i++)
    answer->media[i].mid = "";
  if (strings != NULL) {
    strings->next = (char *)&answer->media[media_count];
    strings->end = strings->next + string_bytes;
  }
  return answer;
}

void sdp_answer_free(struct sdp_answer *answer) {
  free(answer);
}

struct sdp_answer_media *sdp_answer_find(struct sdp_answer *answer, const char *mid) {
  for (size_t i = 0; mid[0] != '\0' && i < answer->media_count; i++) {
    if (strcmp(answer->media[i].mid, mid) == 0) return &answer->media[i];
  }
  return NULL;
}

/* A string that may stand as one word of a line. */
static bool is_word(const char *text, size_t max) {
  return text != NULL && text[0] != '\0' && sdp_text_is_visible(text, max) && strchr(text, ' ') == NULL;
}

static bool is_transport_whole(const struct sdp_answer *answer) {
  const struct sdp_fingerprint *print = &answer->fingerprint;
  if (answer->ice_ufrag == NULL || !sdp_text_is_ice(answer->ice_ufrag, 4)) return false;
  if (answer->ice_pwd == NULL || !sdp_text_is_ice(answer->ice_pwd, 22)) return false;
  if (print->algorithm == NULL || print->value == NULL) return false;
  if (!sdp_text_is_fingerprint(print->algorithm, print->value)) return false;
  if (answer->candidate_count > SDP_MAX_CANDIDATES) return false;
  for (size_t i = 0; i < answer->candidate_count; i++) {
    const struct sdp_candidate *c = &answer->candidates[i];
    if (!is_word(c->address, 64) || c->foundation == NULL || !sdp_text_is_ice(c->foundation, 1)) return false;
  }
  return true;
}

const struct sdp_codec *sdp_offer_codec(const struct sdp_media *media, uint8_t pt, bool *rtx) {
  for (size_t i = 0; i < media->codec_count; i++) {
    *rtx = media->codecs[i].rtx_pt == pt;
    if (*rtx || media->codecs[i].pt == pt) return &media->codecs[i];
  }
  return NULL;
}

static bool has_pt(const struct sdp_answer_media *m, size_t count, uint8_t pt) {
  return memchr(m->pts, pt, count) != NULL;
}

/* Each payload type offered, once, and no RTX without the codec it repairs. */
static bool are_pts_offered(const struct sdp_answer_media *m, const struct sdp_media *offered) {
  if (m->pt_count == 0 || m->pt_count > SDP_MAX_PTS) return false;
  for (size_t i = 0; i < m->pt_count; i++) {
    bool rtx = false;
    const struct sdp_codec *codec = sdp_offer_codec(offered, m->pts[i], &rtx);
    if (codec == NULL || has_pt(m, i, m->pts[i])) return false;
    if (rtx && !has_pt(m, m->pt_count, codec->pt)) return false;
  }
  return true;
}

static bool are_extensions_offered(const struct sdp_answer_media *m, const struct sdp_media *offered) {
  if (m->extension_count > SDP_MAX_EXTENSIONS) return false;
  for (size_t i = 0; i < m->extension_count; i++) {
    size_t k = 0;
    while (k < offered->extension_count && offered->extensions[k].id != m->extensions[i].id)
      k++;
    if (k == offered->extension_count || strcmp(offered->extensions[k].uri, m->extensions[i].uri) != 0) return false;
  }
  return true;
}

static bool are_rids_offered(const struct sdp_answer_media *m, const struct sdp_media *offered) {
  if (m->rid_count > SDP_MAX_RIDS) return false;
  for (size_t i = 0; i < m->rid_count; i++) {
    size_t k = 0;
    while (k < offered->rid_count && strcmp(offered->rids[k], m->rids[i]) != 0)
      k++;
    if (k == offered->rid_count) return false;
  }
  return true;
}

enum sdp_direction sdp_direction_mirror(enum sdp_direction direction) {
  return (enum sdp_direction)((((unsigned)direction & 1U) << 1) | (((unsigned)direction & 2U) >> 1));
}

static bool fits(const struct sdp_answer *answer, const struct sdp_answer_media *m, const struct sdp_media *offered) {
  if (offered->unusable != SDP_USABLE || offered->type == NULL) return false;
  if (m->cname != NULL && !is_word(m->cname, 256)) return false;
  if (offered->kind == SDP_APPLICATION) {
    return answer->sctp.present && answer->sctp.port != 0 && answer->sctp.mid != NULL &&
           strcmp(answer->sctp.mid, m->mid) == 0;
  }
  /* RFC 3264 §6.1: what the answerer sends the offerer must receive, and the reverse. */
  if ((sdp_direction_mirror(m->direction) & ~offered->direction) != 0) return false;
  return are_pts_offered(m, offered) && are_extensions_offered(m, offered) && are_rids_offered(m, offered);
}

int sdp_answer_check(const struct sdp_answer *answer, const struct sdp_offer *offer, const char **fault_mid) {
  bool whole = is_transport_whole(answer);
  for (size_t i = 0; i < answer->media_count; i++) {
    const struct sdp_answer_media *m = &answer->media[i];
    if (!m->accepted) continue;
    const struct sdp_media *offered = m->mid != NULL ? sdp_offer_find(offer, m->mid) : NULL;
    *fault_mid = m->mid;
    if (offered == NULL || !fits(answer, m, offered)) return SDP_ERROR_ANSWER;
    *fault_mid = NULL;
    if (!whole) return SDP_ERROR_ANSWER;
  }
  return SDP_OK;
}
