/* signaling/sdp_parse.c: an offer's lines, its m= lines, and the checks over all of it. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "signaling/sdp_parser.h"
#include "signaling/sdp_text.h"

static bool is_one_of(const char *text, const char *const *names) {
  for (; *names != NULL; names++) {
    if (strcmp(*names, text) == 0) return true;
  }
  return false;
}

/* RFC 8829 §5.1.2 lists what must be accepted as DTLS-SRTP; keys never come by SDES, whatever the name says. */
static enum sdp_unusable judge_protocol(enum sdp_kind kind, const char *proto) {
  static const char *const rtp[] = {"UDP/TLS/RTP/SAVPF", "TCP/TLS/RTP/SAVPF", "TCP/DTLS/RTP/SAVPF",
                                    "UDP/TLS/RTP/SAVP",  "RTP/SAVPF",         NULL};
  static const char *const sctp[] = {"UDP/DTLS/SCTP", "TCP/DTLS/SCTP", "DTLS/SCTP", NULL};
  if (kind == SDP_OTHER) return SDP_UNUSABLE_PROTOCOL;
  return is_one_of(proto, kind == SDP_APPLICATION ? sctp : rtp) ? SDP_USABLE : SDP_UNUSABLE_PROTOCOL;
}

static int parse_formats(struct sdp_section *s, char *rest) {
  for (const char *word = sdp_text_word(&rest); word != NULL; word = sdp_text_word(&rest)) {
    uint64_t pt = 0;
    if (!sdp_text_number(word, SDP_PT_COUNT - 1, &pt)) return SDP_ERROR_MEDIA_LINE;
    if (s->format_of_pt[pt] >= 0) return SDP_ERROR_DUPLICATE_PT;
    s->format_of_pt[pt] = (int8_t)s->format_count;
    s->formats[s->format_count++] = (struct sdp_format){.pt = (uint8_t)pt, .channels = 1};
    if (s->media->fmt == NULL) s->media->fmt = word;
  }
  return s->media->fmt == NULL ? SDP_ERROR_MEDIA_LINE : SDP_OK;
}

/* RFC 8866 §5.14: m=<media> <port>[/<number of ports>] <proto> <fmt> ... */
static int parse_media_line(struct sdp_parser *parser, char *value) {
  struct sdp_section *s = &parser->section;
  struct sdp_media *media = &parser->offer->media[parser->offer->media_count++];
  memset(s, 0, sizeof *s);
  memset(s->format_of_pt, -1, sizeof s->format_of_pt);
  s->media = media;
  s->line = parser->line;
  s->transport.setup = -1;
  s->max_message_size = 65536; /* RFC 8841 §6: "the default value is 64K" */
  media->mid = "";
  media->direction = parser->direction;
  if (!sdp_text_is_visible(value, SDP_MAX_LINE_BYTES)) return SDP_ERROR_CHARACTER;
  const char *kind = sdp_text_word(&value);
  char *port = sdp_text_word(&value);
  const char *proto = sdp_text_word(&value);
  uint64_t number = 0;
  if (kind == NULL || port == NULL || proto == NULL || !sdp_text_is_token(kind, 64)) return SDP_ERROR_MEDIA_LINE;
  port[strcspn(port, "/")] = '\0';
  if (!sdp_text_number(port, UINT16_MAX, &number)) return SDP_ERROR_MEDIA_LINE;
  s->port = (uint16_t)number;
  int known = sdp_kind_from_name(kind);
  media->kind = known < 0 ? SDP_OTHER : (enum sdp_kind)known;
  media->type = kind;
  media->proto = proto;
  media->unusable = judge_protocol(media->kind, proto);
  if (media->unusable == SDP_USABLE && media->kind != SDP_APPLICATION) return parse_formats(s, value);
  media->fmt = sdp_text_word(&value);
  return media->fmt == NULL ? SDP_ERROR_MEDIA_LINE : SDP_OK;
}

/* One line, NUL-terminated, without its line end. */
static int parse_line(struct sdp_parser *parser, char *line) {
  if (line[0] < 'a' || line[0] > 'z' || line[1] != '=') return SDP_ERROR_LINE;
  if (parser->line == 1) return strcmp(line, "v=0") == 0 ? SDP_OK : SDP_ERROR_LINE;
  if (line[0] == 'a') return sdp_parse_attribute(parser, line + 2);
  if (line[0] != 'm') return SDP_OK;
  unsigned here = parser->line;
  int error = sdp_section_finish(parser);
  if (error != SDP_OK) return error;
  parser->line = here;
  return parse_media_line(parser, line + 2);
}

/* Control characters end here: what comes after sees only NUL-terminated text without them. */
static int check_line(const char *line, size_t len) {
  if (len > SDP_MAX_LINE_BYTES) return SDP_ERROR_LINE_TOO_LONG;
  for (size_t i = 0; i < len; i++) {
    unsigned char c = (unsigned char)line[i];
    if (c < ' ' ? c != '\t' : c == 127) return SDP_ERROR_CHARACTER;
  }
  return SDP_OK;
}

static int parse_lines(struct sdp_parser *parser, char *text, size_t len) {
  char *end = text + len;
  while (text < end) {
    char *stop = memchr(text, '\n', (size_t)(end - text));
    char *next = stop != NULL ? stop + 1 : end;
    if (stop == NULL) stop = end;
    if (stop > text && stop[-1] == '\r') stop--;
    parser->line++;
    int error = check_line(text, (size_t)(stop - text));
    if (error == SDP_OK) {
      *stop = '\0';
      error =
          stop == text ? SDP_OK : parse_line(parser, text); /* an empty line says nothing; some stacks end with one */
    }
    if (error != SDP_OK) return error;
    text = next;
  }
  int error = sdp_section_finish(parser);
  if (error == SDP_OK) parser->line = 0;
  return error;
}

/* A line that starts with m= is a section: counted before the one allocation. */
static int count_media(const char *text, size_t len, size_t *count, unsigned *line) {
  const char *end = text + len;
  *count = 0;
  *line = 0;
  while (text < end) {
    ++*line;
    if (end - text >= 2 && text[0] == 'm' && text[1] == '=' && ++*count > SDP_MAX_MEDIA)
      return SDP_ERROR_TOO_MANY_MEDIA;
    const char *stop = memchr(text, '\n', (size_t)(end - text));
    text = stop != NULL ? stop + 1 : end;
  }
  *line = 0;
  return *count == 0 ? SDP_ERROR_NO_MEDIA : SDP_OK;
}

static int check_bundle(struct sdp_parser *parser) {
  const struct sdp_offer *offer = parser->offer;
  size_t usable = 0;
  for (size_t i = 0; i < offer->media_count; i++)
    usable += offer->media[i].unusable == SDP_USABLE;
  if (!parser->bundled) return usable > 1 ? SDP_ERROR_NO_BUNDLE : SDP_OK;
  for (size_t i = 0; i < parser->bundle_count; i++) {
    parser->line = parser->bundle_line;
    if (sdp_offer_find(offer, parser->bundle[i]) == NULL) return SDP_ERROR_BUNDLE;
  }
  parser->line = 0;
  return SDP_OK;
}

/* RFC 8843 §9.1: within a bundle a payload type has one meaning, so that a packet can be understood without its MID. */
static int check_payload_types(const struct sdp_offer *offer) {
  const struct sdp_codec *seen[SDP_PT_COUNT] = {NULL};
  for (size_t i = 0; i < offer->media_count; i++) {
    const struct sdp_media *media = &offer->media[i];
    for (size_t c = 0; media->unusable == SDP_USABLE && c < media->codec_count; c++) {
      const struct sdp_codec *codec = &media->codecs[c];
      const struct sdp_codec *other = seen[codec->pt];
      if (other != NULL && (other->clock != codec->clock || strcasecmp(other->name, codec->name) != 0)) {
        return SDP_ERROR_PT_CONFLICT;
      }
      seen[codec->pt] = codec;
    }
  }
  return SDP_OK;
}

/* The bundle's transport: what its section says, else what the session says. */
static int take_transport(struct sdp_parser *parser) {
  struct sdp_offer *offer = parser->offer;
  const struct sdp_transport *session = &parser->transport;
  const struct sdp_transport *own = parser->have_chosen ? &parser->chosen : session;
  const struct sdp_transport *prints = own->fingerprint_count > 0 ? own : session;
  int setup = own->setup >= 0 ? own->setup : session->setup;
  offer->ice_ufrag = own->ice_ufrag != NULL ? own->ice_ufrag : session->ice_ufrag;
  offer->ice_pwd = own->ice_pwd != NULL ? own->ice_pwd : session->ice_pwd;
  offer->setup = setup < 0 ? SDP_SETUP_ACTPASS : (enum sdp_setup)setup; /* RFC 8842 §5.2: an offer says actpass */
  memcpy(offer->fingerprints, prints->fingerprints, sizeof offer->fingerprints);
  offer->fingerprint_count = prints->fingerprint_count;
  if (offer->ice_ufrag == NULL || offer->ice_pwd == NULL) return SDP_ERROR_NO_ICE;
  if (offer->fingerprint_count == 0) return SDP_ERROR_NO_FINGERPRINT;
  parser->line = own->setup >= 0 ? own->setup_line : session->setup_line;
  if (!parser->answer && offer->setup == SDP_SETUP_PASSIVE) return SDP_ERROR_SETUP;
  parser->line = 0;
  return SDP_OK;
}

static int parse_all(struct sdp_parser *parser, char *text, size_t len) {
  int error = parse_lines(parser, text, len);
  parser->offer->bundle = parser->bundled;
  if (error == SDP_OK) error = check_bundle(parser);
  if (error == SDP_OK) error = check_payload_types(parser->offer);
  if (error == SDP_OK) error = take_transport(parser);
  return error;
}

int sdp_parse(struct sdp_offer **out, const char *text, size_t len, bool answer, struct sdp_fault *fault) {
  struct sdp_fault ignored;
  size_t count = 0;
  if (fault == NULL) fault = &ignored;
  fault->line = 0;
  if (len > SDP_MAX_BYTES) return SDP_ERROR_TOO_LARGE;
  int error = count_media(text, len, &count, &fault->line);
  if (error != SDP_OK) return error;
  struct sdp_offer *offer = calloc(1, sizeof *offer + count * sizeof offer->media[0] + len + 1);
  if (offer == NULL) return SDP_ERROR_MEMORY;
  char *copy = (char *)&offer->media[count];
  memcpy(copy, text, len);
  struct sdp_parser parser = {.offer = offer, .answer = answer, .direction = SDP_SENDRECV, .transport = {.setup = -1}};
  error = parse_all(&parser, copy, len);
  fault->line = error == SDP_OK ? 0 : parser.line;
  if (error != SDP_OK) {
    sdp_offer_free(offer);
    return error;
  }
  *out = offer;
  return SDP_OK;
}

int sdp_offer_parse(struct sdp_offer **out, const char *text, size_t len, struct sdp_fault *fault) {
  return sdp_parse(out, text, len, false, fault);
}

void sdp_offer_free(struct sdp_offer *offer) {
  free(offer);
}

const struct sdp_media *sdp_offer_find(const struct sdp_offer *offer, const char *mid) {
  for (size_t i = 0; mid[0] != '\0' && i < offer->media_count; i++) {
    if (strcmp(offer->media[i].mid, mid) == 0) return &offer->media[i];
  }
  return NULL;
}
