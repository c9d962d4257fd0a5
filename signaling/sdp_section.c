/* signaling/sdp_section.c: what a section's attributes mean together, once all of them are known. */
#include <string.h>
#include <strings.h>

#include "signaling/sdp_parser.h"
#include "signaling/sdp_text.h"

/* RFC 3551 §6: payload types whose meaning needs no a=rtpmap, as far as browsers offer them. */
static const struct sdp_format static_formats[] = {
    {.pt = 0, .channels = 1, .clock = 8000, .name = "PCMU"},
    {.pt = 8, .channels = 1, .clock = 8000, .name = "PCMA"},
    {.pt = 9, .channels = 1, .clock = 8000, .name = "G722"},
    {.pt = 13, .channels = 1, .clock = 8000, .name = "CN"},
};

static void name_static_format(struct sdp_format *format) {
  for (size_t i = 0; i < sizeof static_formats / sizeof static_formats[0]; i++) {
    if (format->name != NULL || static_formats[i].pt != format->pt) continue;
    format->name = static_formats[i].name;
    format->clock = static_formats[i].clock;
    format->channels = static_formats[i].channels;
  }
}

/* Formats become codecs, except RTX (RFC 4588 §8.1), which becomes the rtx_pt of the codec its apt names. A format without
 * a=rtpmap means nothing and is left out, and so is an RTX without a codec. */
static int fold_codecs(struct sdp_section *s) {
  struct sdp_media *media = s->media;
  for (size_t i = 0; i < s->format_count; i++) {
    struct sdp_format *f = &s->formats[i];
    name_static_format(f);
    if (f->name == NULL || strcasecmp(f->name, "rtx") == 0) continue;
    if (media->codec_count == SDP_MAX_CODECS) return SDP_ERROR_TOO_MANY_CODECS;
    media->codecs[media->codec_count++] = (struct sdp_codec){.pt = f->pt,
                                                             .channels = f->channels,
                                                             .feedback = f->feedback | s->feedback_all,
                                                             .rtx_pt = SDP_NO_PT,
                                                             .clock = f->clock,
                                                             .name = f->name,
                                                             .fmtp = f->fmtp};
  }
  for (size_t i = 0; i < s->format_count; i++) {
    const struct sdp_format *f = &s->formats[i];
    if (f->name == NULL || strcasecmp(f->name, "rtx") != 0) continue;
    long apt = sdp_fmtp_number(f->fmtp, "apt", SDP_NO_PT);
    for (size_t c = 0; c < media->codec_count; c++) {
      struct sdp_codec *codec = &media->codecs[c];
      if (codec->pt == apt && codec->rtx_pt == SDP_NO_PT && codec->clock == f->clock) codec->rtx_pt = f->pt;
    }
  }
  return SDP_OK;
}

/* The second SSRC of a FID group is its first one's RTX (RFC 5576 §4.2); the second of a FEC group is no stream of ours. */
static int fold_ssrcs(struct sdp_section *s) {
  struct sdp_media *media = s->media;
  for (size_t i = 0; i < s->ssrc_count; i++) {
    struct sdp_ssrc entry = {.ssrc = s->ssrcs[i]};
    bool repair = false;
    for (size_t p = 0; p < s->pair_count; p++) {
      if (s->pairs[p].second == entry.ssrc) repair = true;
      if (s->pairs[p].first == entry.ssrc && s->pairs[p].rtx && entry.rtx_ssrc == 0)
        entry.rtx_ssrc = s->pairs[p].second;
    }
    if (repair) continue;
    if (media->ssrc_count == SDP_MAX_SSRCS) return SDP_ERROR_TOO_MANY_SSRCS;
    media->ssrcs[media->ssrc_count++] = entry;
  }
  return SDP_OK;
}

/* Takes one alternative list of a=simulcast ("~h,x": h paused, or else x): the first known rid of it. */
static void take_layer(struct sdp_section *s, char *alternatives) {
  struct sdp_media *media = s->media;
  char *save = NULL;
  for (char *rid = strtok_r(alternatives, ",", &save); rid != NULL; rid = strtok_r(NULL, ",", &save)) {
    if (*rid == '~') rid++;
    for (size_t i = 0; i < s->rid_count; i++) {
      if (s->rids[i] == NULL || strcmp(s->rids[i], rid) != 0) continue;
      media->rids[media->rid_count++] = s->rids[i];
      s->rids[i] = NULL; /* a rid is one layer, however often it is listed */
      return;
    }
  }
}

/* RFC 8853 §5.2: the order of a=simulcast is the client's; without it the order of a=rid. */
static void fold_rids(struct sdp_section *s) {
  struct sdp_media *media = s->media;
  char *save = NULL;
  if (s->simulcast == NULL) {
    for (size_t i = 0; i < s->rid_count; i++)
      media->rids[i] = s->rids[i];
    media->rid_count = s->rid_count;
    return;
  }
  for (char *layer = strtok_r(s->simulcast, ";", &save); layer != NULL; layer = strtok_r(NULL, ";", &save)) {
    take_layer(s, layer);
  }
}

static bool is_in_bundle(const struct sdp_parser *parser, const char *mid) {
  for (size_t i = 0; i < parser->bundle_count; i++) {
    if (strcmp(parser->bundle[i], mid) == 0) return true;
  }
  return false;
}

/* RFC 8829 §5.2.2: port 0 is a stopped section, unless a=bundle-only (RFC 8843 §6) says it shares another's port. */
static enum sdp_unusable judge(const struct sdp_parser *parser, const struct sdp_section *s) {
  const struct sdp_media *media = s->media;
  if (s->port == 0 && !s->bundle_only) return SDP_UNUSABLE_STOPPED;
  if (media->unusable != SDP_USABLE) return media->unusable;
  if (media->kind == SDP_APPLICATION && s->sctp_port == 0) return SDP_UNUSABLE_PROTOCOL;
  if (parser->bundled && !is_in_bundle(parser, media->mid)) return SDP_UNUSABLE_NOT_BUNDLED;
  if (media->kind != SDP_APPLICATION && !s->rtcp_mux) return SDP_UNUSABLE_NO_RTCP_MUX;
  return SDP_USABLE;
}

static int take_sctp(struct sdp_offer *offer, const struct sdp_section *s) {
  if (offer->sctp.present) return SDP_ERROR_TOO_MANY_DATA;
  offer->sctp = (struct sdp_sctp){.present = true,
                                  .legacy = strcmp(s->media->fmt, "webrtc-datachannel") != 0,
                                  .port = s->sctp_port,
                                  .max_message_size = s->max_message_size,
                                  .mid = s->media->mid};
  return SDP_OK;
}

int sdp_section_finish(struct sdp_parser *parser) {
  struct sdp_section *s = &parser->section;
  struct sdp_media *media = s->media;
  if (media == NULL) return SDP_OK;
  parser->line = s->line;
  media->unusable = judge(parser, s);
  if (media->mid[0] == '\0' && media->unusable != SDP_UNUSABLE_STOPPED) return SDP_ERROR_NO_MID;
  int error = fold_codecs(s);
  if (error == SDP_OK) error = fold_ssrcs(s);
  if (error != SDP_OK) return error;
  fold_rids(s);
  if (media->unusable != SDP_USABLE) return SDP_OK;
  /* RFC 8843 §7.1: the first mid of the group stands for the bundle; where the server cannot use that one, the first usable. */
  if (!parser->have_chosen || (parser->bundled && strcmp(parser->bundle[0], media->mid) == 0)) {
    parser->chosen = s->transport;
    parser->have_chosen = true;
  }
  return media->kind == SDP_APPLICATION ? take_sctp(parser->offer, s) : SDP_OK;
}
