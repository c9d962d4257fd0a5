/* signaling/sdp_attributes.c: one handler per SDP attribute the server understands; the rest is skipped. */
#include <string.h>
#include <strings.h>

#include "signaling/sdp_parser.h"
#include "signaling/sdp_text.h"

/* A value may be cut into words; a flag has none. */
typedef int value_h(struct sdp_parser *parser, char *value);
typedef int flag_h(struct sdp_parser *parser);

static struct sdp_transport *transport_of(struct sdp_parser *parser) {
  return parser->section.media != NULL ? &parser->section.transport : &parser->transport;
}

/* RFC 8839 §5.4: ice-ufrag is at least 4 characters, ice-pwd at least 22. */
static int on_ice_ufrag(struct sdp_parser *parser, char *value) {
  if (!sdp_text_is_ice(value, 4)) return SDP_ERROR_ATTRIBUTE;
  transport_of(parser)->ice_ufrag = value;
  return SDP_OK;
}

static int on_ice_pwd(struct sdp_parser *parser, char *value) {
  if (!sdp_text_is_ice(value, 22)) return SDP_ERROR_ATTRIBUTE;
  transport_of(parser)->ice_pwd = value;
  return SDP_OK;
}

static int on_ice_lite(struct sdp_parser *parser) {
  parser->ice_lite = true;
  return parser->answer ? SDP_OK : SDP_ERROR_ICE_LITE;
}

static int on_fingerprint(struct sdp_parser *parser, char *value) {
  struct sdp_transport *t = transport_of(parser);
  const char *algorithm = sdp_text_word(&value);
  char *hash = sdp_text_word(&value);
  if (algorithm == NULL || hash == NULL) return SDP_ERROR_ATTRIBUTE;
  const char *name = sdp_text_hash(algorithm);
  if (name == NULL) return SDP_OK; /* RFC 8122 §5: a peer may offer hashes we do not know beside those we do */
  if (!sdp_text_is_fingerprint(name, hash)) return SDP_ERROR_ATTRIBUTE;
  if (t->fingerprint_count == SDP_MAX_FINGERPRINTS) return SDP_OK;
  sdp_text_upper(hash);
  t->fingerprints[t->fingerprint_count++] = (struct sdp_fingerprint){.algorithm = name, .value = hash};
  return SDP_OK;
}

static int on_setup(struct sdp_parser *parser, char *value) {
  struct sdp_transport *t = transport_of(parser);
  int setup = sdp_setup_from_name(value);
  if (setup < 0) return strcmp(value, "holdconn") == 0 ? SDP_ERROR_SETUP : SDP_ERROR_ATTRIBUTE;
  t->setup = setup;
  t->setup_line = parser->line;
  return SDP_OK;
}

static int on_crypto(struct sdp_parser *parser) {
  (void)parser;
  return SDP_ERROR_SDES;
}

/* RFC 8843 §7.2: a=group:BUNDLE mid mid ... Other groups (LS) say nothing that the server needs. */
static int on_group(struct sdp_parser *parser, char *value) {
  const char *semantics = sdp_text_word(&value);
  if (semantics == NULL) return SDP_ERROR_ATTRIBUTE;
  if (strcmp(semantics, "BUNDLE") != 0 || parser->section.media != NULL) return SDP_OK;
  if (parser->bundled) return SDP_ERROR_BUNDLE;
  parser->bundled = true;
  parser->bundle_line = parser->line;
  for (char *mid = sdp_text_word(&value); mid != NULL; mid = sdp_text_word(&value)) {
    if (parser->bundle_count == SDP_MAX_MEDIA) return SDP_ERROR_BUNDLE;
    for (size_t i = 0; i < parser->bundle_count; i++) {
      if (strcmp(parser->bundle[i], mid) == 0) return SDP_ERROR_BUNDLE;
    }
    parser->bundle[parser->bundle_count++] = mid;
  }
  return SDP_OK;
}

static int on_extmap_allow_mixed(struct sdp_parser *parser) {
  parser->offer->extmap_allow_mixed = true;
  return SDP_OK;
}

static int on_mid(struct sdp_parser *parser, char *value) {
  if (!sdp_text_is_token(value, SDP_MAX_ID_BYTES)) return SDP_ERROR_ATTRIBUTE;
  struct sdp_media *media = parser->section.media;
  if (media->mid[0] != '\0') return SDP_ERROR_ATTRIBUTE;
  for (const struct sdp_media *m = parser->offer->media; m < media; m++) {
    if (strcmp(m->mid, value) == 0) return SDP_ERROR_DUPLICATE_MID;
  }
  media->mid = value;
  return SDP_OK;
}

static void set_direction(struct sdp_parser *parser, enum sdp_direction direction) {
  if (parser->section.media != NULL) parser->section.media->direction = direction;
  if (parser->section.media == NULL) parser->direction = direction;
}

static int on_sendrecv(struct sdp_parser *parser) {
  set_direction(parser, SDP_SENDRECV);
  return SDP_OK;
}

static int on_sendonly(struct sdp_parser *parser) {
  set_direction(parser, SDP_SENDONLY);
  return SDP_OK;
}

static int on_recvonly(struct sdp_parser *parser) {
  set_direction(parser, SDP_RECVONLY);
  return SDP_OK;
}

static int on_inactive(struct sdp_parser *parser) {
  set_direction(parser, SDP_INACTIVE);
  return SDP_OK;
}

static int on_bundle_only(struct sdp_parser *parser) {
  parser->section.bundle_only = true;
  return SDP_OK;
}

static int on_rtcp_mux(struct sdp_parser *parser) {
  parser->section.rtcp_mux = true;
  return SDP_OK;
}

static int on_rtcp_rsize(struct sdp_parser *parser) {
  parser->section.media->rtcp_rsize = true;
  return SDP_OK;
}

/* Reads the payload type that `*value` starts with. Returns SDP_ERROR_ATTRIBUTE, or SDP_OK and the format in *out, NULL when
 * the m= line does not list it: such lines are left over from munging and are skipped. */
static int read_pt(struct sdp_parser *parser, char **value, struct sdp_format **out) {
  const char *word = sdp_text_word(value);
  uint64_t pt = 0;
  if (word == NULL || !sdp_text_number(word, SDP_PT_COUNT - 1, &pt)) return SDP_ERROR_ATTRIBUTE;
  int8_t index = parser->section.format_of_pt[pt];
  *out = index < 0 ? NULL : &parser->section.formats[index];
  return SDP_OK;
}

/* RFC 8866 §6.6: <payload type> <encoding name>/<clock rate>[/<channels>] */
static int on_rtpmap(struct sdp_parser *parser, char *value) {
  struct sdp_format *format = NULL;
  int error = read_pt(parser, &value, &format);
  if (error != SDP_OK) return error;
  char *name = sdp_text_word(&value);
  char *clock = name != NULL ? strchr(name, '/') : NULL;
  if (clock == NULL) return SDP_ERROR_ATTRIBUTE;
  *clock++ = '\0';
  char *channels = strchr(clock, '/');
  uint64_t hz = 0;
  uint64_t count = 1;
  if (channels != NULL) *channels++ = '\0';
  if (!sdp_text_is_token(name, 64) || !sdp_text_number(clock, UINT32_MAX, &hz) || hz == 0) return SDP_ERROR_ATTRIBUTE;
  if (channels != NULL && (!sdp_text_number(channels, UINT8_MAX, &count) || count == 0)) return SDP_ERROR_ATTRIBUTE;
  if (format == NULL || format->clock != 0) return SDP_OK;
  format->name = name;
  format->clock = (uint32_t)hz;
  format->channels = (uint8_t)count;
  return SDP_OK;
}

static int on_fmtp(struct sdp_parser *parser, char *value) {
  struct sdp_format *format = NULL;
  int error = read_pt(parser, &value, &format);
  if (error != SDP_OK) return error;
  value += strspn(value, " ");
  if (strlen(value) > SDP_MAX_FMTP_BYTES) return SDP_ERROR_ATTRIBUTE;
  if (format != NULL && format->fmtp == NULL && *value != '\0') format->fmtp = value;
  return SDP_OK;
}

/* RFC 4585 §4.2: a=rtcp-fb:<pt or *> <value> [<parameter>] */
static int on_rtcp_fb(struct sdp_parser *parser, char *value) {
  struct sdp_format *format = NULL;
  bool all = value[0] == '*' && (value[1] == ' ' || value[1] == '\0');
  if (all) value++;
  if (!all) {
    int error = read_pt(parser, &value, &format);
    if (error != SDP_OK) return error;
  }
  const char *what = value + strspn(value, " ");
  if (*what == '\0') return SDP_ERROR_ATTRIBUTE;
  int bit = sdp_feedback_from_name(what);
  if (bit > 0 && all) parser->section.feedback_all |= (uint8_t)bit;
  if (bit > 0 && format != NULL) format->feedback |= (uint8_t)bit;
  return SDP_OK;
}

/* RFC 8285 §8: <value>["/"<direction>] <URI>. §7: in an offer, 4096-4351 stand for "more than there are ids". */
static int on_extmap(struct sdp_parser *parser, char *value) {
  char *number = sdp_text_word(&value);
  const char *uri = sdp_text_word(&value);
  if (number == NULL || uri == NULL) return SDP_ERROR_ATTRIBUTE;
  char *direction = strchr(number, '/');
  if (direction != NULL) *direction++ = '\0';
  uint64_t id = 0;
  if (!sdp_text_number(number, 4351, &id)) return SDP_ERROR_EXTENSION_ID;
  int way = direction != NULL ? sdp_direction_from_name(direction) : SDP_SENDRECV;
  if (way < 0) return SDP_ERROR_ATTRIBUTE;
  if (id >= 4096) return SDP_OK;
  /* RFC 8285 §4.2: 15 is "reserved for future extension"; 0 is padding. */
  if (id == 0 || id == 15 || id > 255) return SDP_ERROR_EXTENSION_ID;
  struct sdp_media *media = parser->section.media;
  if (media == NULL) return SDP_OK; /* session level: nobody does, and a section may not repeat them (RFC 8285 §5) */
  for (size_t i = 0; i < media->extension_count; i++) {
    if (media->extensions[i].id == id) return SDP_ERROR_DUPLICATE_EXTENSION;
  }
  if (media->extension_count == SDP_MAX_EXTENSIONS) return SDP_ERROR_TOO_MANY_EXTENSIONS;
  media->extensions[media->extension_count++] =
      (struct sdp_extension){.id = (uint8_t)id, .direction = (enum sdp_direction)way, .uri = uri};
  return SDP_OK;
}

/* RFC 8851 §10: <rid-id> send|recv [restrictions]. Only what the client sends is a layer for us. */
static int on_rid(struct sdp_parser *parser, char *value) {
  struct sdp_section *s = &parser->section;
  const char *rid = sdp_text_word(&value);
  const char *direction = sdp_text_word(&value);
  if (rid == NULL || direction == NULL || !sdp_text_is_rid(rid)) return SDP_ERROR_ATTRIBUTE;
  if (strcmp(direction, "recv") == 0 && !parser->answer) return SDP_OK;
  if (strcmp(direction, "send") != 0 && strcmp(direction, "recv") != 0) return SDP_ERROR_ATTRIBUTE;
  for (size_t i = 0; i < s->rid_count; i++) {
    if (strcmp(s->rids[i], rid) == 0) return SDP_ERROR_DUPLICATE_RID;
  }
  if (s->rid_count == SDP_MAX_RIDS) return SDP_ERROR_TOO_MANY_RIDS;
  s->rids[s->rid_count++] = rid;
  return SDP_OK;
}

/* RFC 8853 §5.1: send|recv <list> [the other one <list>]; old Firefox wrote "send rid=a;b". */
static int on_simulcast(struct sdp_parser *parser, char *value) {
  for (const char *word = sdp_text_word(&value); word != NULL; word = sdp_text_word(&value)) {
    char *list = sdp_text_word(&value);
    bool send = strcmp(word, "send") == 0;
    if (list == NULL || (!send && strcmp(word, "recv") != 0)) return SDP_ERROR_ATTRIBUTE;
    if (strncmp(list, "rid=", 4) == 0) list += 4;
    if ((send || parser->answer) && parser->section.simulcast == NULL) parser->section.simulcast = list;
  }
  return SDP_OK;
}

/* RFC 5576 §4.1: <ssrc-id> <attribute>[:<value>] */
static int on_ssrc(struct sdp_parser *parser, char *value) {
  struct sdp_section *s = &parser->section;
  const char *number = sdp_text_word(&value);
  const char *what = value + strspn(value, " ");
  uint64_t ssrc = 0;
  if (number == NULL || !sdp_text_number(number, UINT32_MAX, &ssrc) || ssrc == 0) return SDP_ERROR_ATTRIBUTE;
  size_t i = 0;
  while (i < s->ssrc_count && s->ssrcs[i] != ssrc)
    i++;
  if (i == SDP_MAX_RAW_SSRCS) return SDP_ERROR_TOO_MANY_SSRCS;
  if (i == s->ssrc_count) s->ssrcs[s->ssrc_count++] = (uint32_t)ssrc;
  if (s->media->cname == NULL && strncmp(what, "cname:", 6) == 0) s->media->cname = what + 6;
  if (s->media->msid == NULL && strncmp(what, "msid:", 5) == 0) s->media->msid = what + 5;
  return SDP_OK;
}

static int on_ssrc_group(struct sdp_parser *parser, char *value) {
  struct sdp_section *s = &parser->section;
  const char *semantics = sdp_text_word(&value);
  if (semantics == NULL) return SDP_ERROR_ATTRIBUTE;
  bool rtx = strcmp(semantics, "FID") == 0;
  if (!rtx && strcmp(semantics, "FEC-FR") != 0 && strcmp(semantics, "FEC") != 0) return SDP_OK;
  const char *first = sdp_text_word(&value);
  const char *second = sdp_text_word(&value);
  uint64_t a = 0;
  uint64_t b = 0;
  if (first == NULL || second == NULL || !sdp_text_number(first, UINT32_MAX, &a) ||
      !sdp_text_number(second, UINT32_MAX, &b) || a == 0 || b == 0 || a == b) {
    return SDP_ERROR_ATTRIBUTE;
  }
  if (s->pair_count == SDP_MAX_RAW_SSRCS) return SDP_ERROR_TOO_MANY_SSRCS;
  s->pairs[s->pair_count++] = (struct sdp_ssrc_pair){.first = (uint32_t)a, .second = (uint32_t)b, .rtx = rtx};
  return SDP_OK;
}

/* RFC 8830 §2; it wins over the a=ssrc:… msid: of older stacks. */
static int on_msid(struct sdp_parser *parser, char *value) {
  if (strlen(value) == 0) return SDP_ERROR_ATTRIBUTE;
  parser->section.media->msid = value;
  return SDP_OK;
}

static int on_sctp_port(struct sdp_parser *parser, char *value) {
  const char *word = sdp_text_word(&value);
  uint64_t port = 0;
  if (word == NULL || !sdp_text_number(word, UINT16_MAX, &port) || port == 0) return SDP_ERROR_ATTRIBUTE;
  parser->section.sctp_port = (uint16_t)port;
  return SDP_OK;
}

/* The syntax before RFC 8841: <port> webrtc-datachannel [<streams>], still written by aiortc. */
static int on_sctpmap(struct sdp_parser *parser, char *value) {
  char *port = sdp_text_word(&value);
  const char *application = sdp_text_word(&value);
  if (port == NULL || application == NULL) return SDP_ERROR_ATTRIBUTE;
  return strcmp(application, "webrtc-datachannel") == 0 ? on_sctp_port(parser, port) : SDP_OK;
}

static int on_max_message_size(struct sdp_parser *parser, char *value) {
  const char *word = sdp_text_word(&value);
  uint64_t size = 0;
  if (word == NULL || !sdp_text_number(word, UINT64_MAX, &size)) return SDP_ERROR_ATTRIBUTE;
  parser->section.max_message_size = size > UINT32_MAX ? UINT32_MAX : (uint32_t)size;
  return SDP_OK;
}

enum { IN_SESSION = 1, IN_MEDIA = 2, ANYWHERE = 3 };

static const struct {
  const char *name;
  int where;
  value_h *value;
  flag_h *flag;
} attributes[] = {
    {"rtcp-fb", IN_MEDIA, on_rtcp_fb, NULL},
    {"rtpmap", IN_MEDIA, on_rtpmap, NULL},
    {"fmtp", IN_MEDIA, on_fmtp, NULL},
    {"extmap", ANYWHERE, on_extmap, NULL},
    {"ssrc", IN_MEDIA, on_ssrc, NULL},
    {"ssrc-group", IN_MEDIA, on_ssrc_group, NULL},
    {"mid", IN_MEDIA, on_mid, NULL},
    {"msid", IN_MEDIA, on_msid, NULL},
    {"rid", IN_MEDIA, on_rid, NULL},
    {"simulcast", IN_MEDIA, on_simulcast, NULL},
    {"sendrecv", ANYWHERE, NULL, on_sendrecv},
    {"sendonly", ANYWHERE, NULL, on_sendonly},
    {"recvonly", ANYWHERE, NULL, on_recvonly},
    {"inactive", ANYWHERE, NULL, on_inactive},
    {"rtcp-mux", IN_MEDIA, NULL, on_rtcp_mux},
    {"rtcp-mux-only", IN_MEDIA, NULL, on_rtcp_mux},
    {"rtcp-rsize", IN_MEDIA, NULL, on_rtcp_rsize},
    {"bundle-only", IN_MEDIA, NULL, on_bundle_only},
    {"ice-ufrag", ANYWHERE, on_ice_ufrag, NULL},
    {"ice-pwd", ANYWHERE, on_ice_pwd, NULL},
    {"ice-lite", IN_SESSION, NULL, on_ice_lite},
    {"fingerprint", ANYWHERE, on_fingerprint, NULL},
    {"setup", ANYWHERE, on_setup, NULL},
    {"crypto", ANYWHERE, NULL, on_crypto},
    {"group", ANYWHERE, on_group, NULL},
    {"extmap-allow-mixed", ANYWHERE, NULL, on_extmap_allow_mixed},
    {"sctp-port", IN_MEDIA, on_sctp_port, NULL},
    {"sctpmap", IN_MEDIA, on_sctpmap, NULL},
    {"max-message-size", IN_MEDIA, on_max_message_size, NULL},
};

int sdp_parse_attribute(struct sdp_parser *parser, char *attribute) {
  size_t name_len = strcspn(attribute, ":");
  int where = parser->section.media != NULL ? IN_MEDIA : IN_SESSION;
  for (size_t i = 0; i < sizeof attributes / sizeof attributes[0]; i++) {
    if (attributes[i].name[0] != attribute[0]) continue; /* cheap, and rules out most */
    if (strncmp(attributes[i].name, attribute, name_len) != 0 || attributes[i].name[name_len] != '\0') continue;
    if ((attributes[i].where & where) == 0) return SDP_OK;
    char *value = attribute + name_len;
    if (*value == ':') value++;
    value += strspn(value, " ");
    if (!sdp_text_is_visible(value, SDP_MAX_LINE_BYTES)) return SDP_ERROR_CHARACTER;
    return attributes[i].value != NULL ? attributes[i].value(parser, value) : attributes[i].flag(parser);
  }
  return SDP_OK;
}
