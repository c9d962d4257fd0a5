/* signaling/schema.c: the request table of PROTOCOL.md and the one function that checks a message against it. */
#include "signaling/schema.h"

#include <stdio.h>
#include <string.h>

#define TRACKS_MAX      16  /* tracks of one publish or unpublish                          */
#define VIEWS_MAX       256 /* entries of one view: every track of a large room            */
#define PIXELS_MAX      16384
#define TOKEN_MAX       4096
#define CANDIDATE_MAX   1024
#define MID_MAX         32
#define RESUME_KEY_SIZE 64
#define DIRECT_SDP_MAX  (48L * 1024) /* a browser's SDP for a call of two has 6 to 12 KiB                */
#define GAP_MS_MAX      600000
#define INVITEES_MAX    16
#define GUEST_TTL_MIN   60 /* seconds */
#define GUEST_TTL_MAX   86400

static const char *const topologies[] = {"auto", "never", NULL};
static const char *const sources[] = {"microphone", "camera", "screen", "screenAudio", NULL};
static const char *const priorities[] = {"high", "normal", "low", NULL};
static const char *const ice_policies[] = {"all", "relay", NULL};
static const char *const sdp_types[] = {"offer", "answer", NULL};
static const char *const direct_states[] = {"connected", "failed", "stalled", "sending", "swapped", NULL};
static const char *const guest_roles[] = {"patient", "interpreter", "observer", NULL};
static const char *const candidate_pairs[] = {"host", "srflx", "relay", NULL};

static const struct schema_field nothing[] = {{0}};
static const struct schema_field resume[] = {
    {.name = "session", .kind = SCHEMA_IDENTIFIER, .required = true},
    {.name = "key", .kind = SCHEMA_OPAQUE, .required = true, .min = RESUME_KEY_SIZE, .max = RESUME_KEY_SIZE},
    {0}};
static const struct schema_field hello[] = {
    {.name = "version", .kind = SCHEMA_INTEGER, .required = true, .min = 0, .max = INT32_MAX},
    {.name = "token", .kind = SCHEMA_OPAQUE, .min = 1, .max = TOKEN_MAX},
    {.name = "resume", .kind = SCHEMA_OBJECT, .children = resume},
    {0}};
static const struct schema_field check[] = {{.name = "room", .kind = SCHEMA_IDENTIFIER, .required = true}, {0}};
static const struct schema_field join[] = {
    {.name = "topology", .kind = SCHEMA_ENUM, .choices = topologies}, {.name = "hidden", .kind = SCHEMA_BOOLEAN}, {0}};
static const struct schema_field offer[] = {
    {.name = "sdp", .kind = SCHEMA_OPAQUE, .required = true, .min = 1, .max = 256L * 1024}, {0}};
static const struct schema_field candidate[] = {
    {.name = "candidate", .kind = SCHEMA_OPAQUE, .required = true, .min = 0, .max = CANDIDATE_MAX},
    {.name = "mid", .kind = SCHEMA_MID},
    {0}};
static const struct schema_field published[] = {
    {.name = "mid", .kind = SCHEMA_MID, .required = true},
    {.name = "source", .kind = SCHEMA_ENUM, .required = true, .choices = sources},
    {.name = "muted", .kind = SCHEMA_BOOLEAN},
    {.name = "width", .kind = SCHEMA_INTEGER, .min = 1, .max = PIXELS_MAX},
    {.name = "height", .kind = SCHEMA_INTEGER, .min = 1, .max = PIXELS_MAX},
    {0}};
static const struct schema_field publish[] = {
    {.name = "tracks", .kind = SCHEMA_OBJECTS, .required = true, .min = 1, .max = TRACKS_MAX, .children = published},
    {0}};
static const struct schema_field unpublish[] = {
    {.name = "tracks", .kind = SCHEMA_STRINGS, .required = true, .min = 1, .max = TRACKS_MAX}, {0}};
static const struct schema_field mute[] = {{.name = "track", .kind = SCHEMA_IDENTIFIER, .required = true},
                                           {.name = "muted", .kind = SCHEMA_BOOLEAN, .required = true},
                                           {0}};
static const struct schema_field viewed[] = {
    {.name = "track", .kind = SCHEMA_IDENTIFIER, .required = true},
    {.name = "width", .kind = SCHEMA_INTEGER, .required = true, .min = 0, .max = PIXELS_MAX},
    {.name = "height", .kind = SCHEMA_INTEGER, .required = true, .min = 0, .max = PIXELS_MAX},
    {.name = "visible", .kind = SCHEMA_BOOLEAN, .required = true},
    {.name = "priority", .kind = SCHEMA_ENUM, .choices = priorities},
    {0}};
static const struct schema_field view[] = {
    {.name = "requests", .kind = SCHEMA_OBJECTS, .required = true, .min = 0, .max = VIEWS_MAX, .children = viewed},
    {0}};
static const struct schema_field chat[] = {
    {.name = "text", .kind = SCHEMA_LINES, .required = true, .min = 1, .max = SIGNALING_CHAT_BYTES},
    {.name = "to", .kind = SCHEMA_IDENTIFIER},
    {0}};
static const struct schema_field kick[] = {{.name = "participant", .kind = SCHEMA_IDENTIFIER, .required = true},
                                           {.name = "reason", .kind = SCHEMA_TEXT, .min = 0, .max = 200},
                                           {0}};
static const struct schema_field lock[] = {{.name = "locked", .kind = SCHEMA_BOOLEAN, .required = true}, {0}};
static const struct schema_field set_name[] = {
    {.name = "name", .kind = SCHEMA_TEXT, .required = true, .min = 1, .max = SIGNALING_NAME_BYTES}, {0}};
static const struct schema_field raise_hand[] = {{.name = "raised", .kind = SCHEMA_BOOLEAN, .required = true}, {0}};
static const struct schema_field admit[] = {{.name = "waiting", .kind = SCHEMA_IDENTIFIER, .required = true}, {0}};
static const struct schema_field decline_waiting[] = {{.name = "waiting", .kind = SCHEMA_IDENTIFIER, .required = true},
                                                      {.name = "reason", .kind = SCHEMA_TEXT, .min = 0, .max = 200},
                                                      {0}};
static const struct schema_field send_back[] = {{.name = "participant", .kind = SCHEMA_IDENTIFIER, .required = true},
                                                {.name = "reason", .kind = SCHEMA_TEXT, .min = 0, .max = 200},
                                                {0}};
static const struct schema_field set_policy[] = {
    {.name = "topology", .kind = SCHEMA_ENUM, .choices = topologies},
    {.name = "iceTransportPolicy", .kind = SCHEMA_ENUM, .choices = ice_policies},
    {.name = "patientsWait", .kind = SCHEMA_BOOLEAN},
    {0}};
static const struct schema_field description[] = {
    {.name = "type", .kind = SCHEMA_ENUM, .required = true, .choices = sdp_types},
    {.name = "sdp", .kind = SCHEMA_OPAQUE, .required = true, .min = 1, .max = DIRECT_SDP_MAX},
    {0}};
static const struct schema_field peer_candidate[] = {
    {.name = "candidate", .kind = SCHEMA_OPAQUE, .required = true, .min = 0, .max = CANDIDATE_MAX},
    {.name = "sdpMid", .kind = SCHEMA_MID},
    {.name = "sdpMLineIndex", .kind = SCHEMA_INTEGER, .min = 0, .max = 255},
    {.name = "usernameFragment", .kind = SCHEMA_OPAQUE, .min = 0, .max = 256}, /* RFC 8839 §5.4: 4*256ice-char */
    {0}};
static const struct schema_field signal_peer[] = {
    {.name = "attempt", .kind = SCHEMA_INTEGER, .required = true, .min = 1, .max = INT32_MAX},
    {.name = "description", .kind = SCHEMA_OBJECT, .children = description},
    {.name = "candidate", .kind = SCHEMA_OBJECT, .children = peer_candidate},
    {0}};
static const struct schema_field direct_state[] = {
    {.name = "attempt", .kind = SCHEMA_INTEGER, .required = true, .min = 1, .max = INT32_MAX},
    {.name = "state", .kind = SCHEMA_ENUM, .required = true, .choices = direct_states},
    {.name = "pair", .kind = SCHEMA_ENUM, .choices = candidate_pairs},
    {.name = "gapMs", .kind = SCHEMA_INTEGER, .min = 0, .max = GAP_MS_MAX},
    {0}};
static const struct schema_field invite[] = {
    {.name = "to", .kind = SCHEMA_STRINGS, .required = true, .min = 1, .max = INVITEES_MAX},
    {.name = "room", .kind = SCHEMA_IDENTIFIER},
    {.name = "message", .kind = SCHEMA_TEXT, .min = 0, .max = 200},
    {.name = "video", .kind = SCHEMA_BOOLEAN},
    {0}};
static const struct schema_field accept_call[] = {
    {.name = "call", .kind = SCHEMA_IDENTIFIER, .required = true}, {.name = "video", .kind = SCHEMA_BOOLEAN}, {0}};
static const struct schema_field decline[] = {{.name = "call", .kind = SCHEMA_IDENTIFIER, .required = true},
                                              {.name = "reason", .kind = SCHEMA_TEXT, .min = 0, .max = 200},
                                              {0}};
static const struct schema_field cancel[] = {{.name = "call", .kind = SCHEMA_IDENTIFIER, .required = true}, {0}};
static const struct schema_field check_user[] = {{.name = "identity", .kind = SCHEMA_IDENTIFIER, .required = true},
                                                 {0}};
static const struct schema_field create_guest_link[] = {
    {.name = "role", .kind = SCHEMA_ENUM, .required = true, .choices = guest_roles},
    {.name = "name", .kind = SCHEMA_TEXT, .min = 1, .max = SIGNALING_NAME_BYTES},
    {.name = "ttl", .kind = SCHEMA_INTEGER, .min = GUEST_TTL_MIN, .max = GUEST_TTL_MAX},
    {.name = "wait", .kind = SCHEMA_BOOLEAN},
    {0}};
static const struct schema_field revoke_guest_link[] = {{.name = "link", .kind = SCHEMA_IDENTIFIER, .required = true},
                                                        {0}};

const struct schema_field *schema_of(enum signaling_type type) {
  static const struct schema_field *const table[SIGNALING_TYPE_COUNT] = {
      [SIGNALING_HELLO] = hello,
      [SIGNALING_CHECK] = check,
      [SIGNALING_JOIN] = join,
      [SIGNALING_LEAVE] = nothing,
      [SIGNALING_OFFER] = offer,
      [SIGNALING_CANDIDATE] = candidate,
      [SIGNALING_PUBLISH] = publish,
      [SIGNALING_UNPUBLISH] = unpublish,
      [SIGNALING_MUTE] = mute,
      [SIGNALING_VIEW] = view,
      [SIGNALING_CHAT] = chat,
      [SIGNALING_KICK] = kick,
      [SIGNALING_LOCK] = lock,
      [SIGNALING_CLOSE] = nothing,
      [SIGNALING_PING] = nothing,
      [SIGNALING_SET_NAME] = set_name,
      [SIGNALING_RAISE_HAND] = raise_hand,
      [SIGNALING_ADMIT] = admit,
      [SIGNALING_ADMIT_ALL] = nothing,
      [SIGNALING_DECLINE_WAITING] = decline_waiting,
      [SIGNALING_SEND_BACK] = send_back,
      [SIGNALING_SET_POLICY] = set_policy,
      [SIGNALING_SIGNAL] = signal_peer,
      [SIGNALING_DIRECT_STATE] = direct_state,
      [SIGNALING_INVITE] = invite,
      [SIGNALING_ACCEPT] = accept_call,
      [SIGNALING_DECLINE] = decline,
      [SIGNALING_CANCEL] = cancel,
      [SIGNALING_CHECK_USER] = check_user,
      [SIGNALING_CREATE_GUEST_LINK] = create_guest_link,
      [SIGNALING_REVOKE_GUEST_LINK] = revoke_guest_link,
  };
  return (unsigned)type < SIGNALING_TYPE_COUNT ? table[type] : nothing;
}

static bool is_identifier(const char *text, size_t len, const char *more) {
  for (size_t i = 0; i < len; i++) {
    char c = text[i];
    if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9')) continue;
    if (!c || !strchr(more, c)) return false;
  }
  return len > 0;
}

bool signaling_identifier_valid(const char *text, size_t len) {
  return len <= SIGNALING_IDENTIFIER_BYTES && is_identifier(text, len, "_-.~@:");
}

/* Decodes one code point of UTF-8 that jansson has checked; returns its length, 0 at a broken sequence. */
static size_t code_point(const unsigned char *s, size_t len, uint32_t *out) {
  size_t n = s[0] < 0x80 ? 1 : s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : 4;
  if (n > len || (s[0] >= 0x80 && s[0] < 0xc2) || s[0] > 0xf4) return 0;
  uint32_t c = n == 1 ? s[0] : s[0] & (0xffu >> (n + 1));
  for (size_t i = 1; i < n; i++) {
    if ((s[i] & 0xc0) != 0x80) return 0;
    c = c << 6 | (s[i] & 0x3f);
  }
  *out = c;
  return n;
}

bool signaling_text_valid(const char *text, size_t len, bool multiline) {
  uint32_t c;
  for (size_t i = 0, n; i < len; i += n) {
    n = code_point((const unsigned char *)text + i, len - i, &c);
    if (!n) return false;
    if (multiline && (c == '\n' || c == '\t')) continue;
    if (c < 0x20 || (c >= 0x7f && c < 0xa0)) return false;
    /* Unicode UAX #9: LRE RLE PDF LRO RLO, LRI RLI FSI PDI; and the line and paragraph separators. */
    if ((c >= 0x202a && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069) || c == 0x2028 || c == 0x2029) return false;
  }
  return true;
}

static const char *check_string(const struct schema_field *f, const json_t *value) {
  if (!json_is_string(value)) return "must be a string";
  const char *text = json_string_value(value);
  size_t len = json_string_length(value);
  switch (f->kind) {
    case SCHEMA_IDENTIFIER:
      return signaling_identifier_valid(text, len) ? NULL : "must be an identifier";
    case SCHEMA_MID:
      /* RFC 4566 §9: token-char. */
      return len <= MID_MAX && is_identifier(text, len, "!#$%&'*+-.^_`{|}~") ? NULL : "must be a mid";
    case SCHEMA_ENUM:
      for (const char *const *c = f->choices; *c; c++)
        if (strlen(*c) == len && memcmp(*c, text, len) == 0) return NULL; /* a NUL within does not end it */
      return "is not one of the allowed words";
    default:
      break;
  }
  if ((int64_t)len < f->min) return "is too short";
  if ((int64_t)len > f->max) return "is too long";
  if (f->kind != SCHEMA_OPAQUE && !signaling_text_valid(text, len, f->kind == SCHEMA_LINES))
    return "has a control character";
  return NULL;
}

static const char *check_scalar(const struct schema_field *f, const json_t *value) {
  if (f->kind == SCHEMA_BOOLEAN) return json_is_boolean(value) ? NULL : "must be true or false";
  if (f->kind != SCHEMA_INTEGER) return check_string(f, value);
  if (!json_is_integer(value)) return "must be an integer";
  json_int_t n = json_integer_value(value);
  return n >= f->min && n <= f->max ? NULL : "is out of range";
}

/* Depth of recursion is the depth of the table, three, not of the message. */
static int check_field(const struct schema_field *f, json_t *value, json_t **copy, char *why, size_t cap);

static int check_array(const struct schema_field *f, const json_t *value, json_t **copy, char *why, size_t cap) {
  if (!json_is_array(value) || (int64_t)json_array_size(value) < f->min || (int64_t)json_array_size(value) > f->max) {
    (void)snprintf(why, cap, "\"%s\" must be an array of %d to %d elements.", f->name, (int)f->min, (int)f->max);
    return SIGNALING_BAD_REQUEST;
  }
  struct schema_field element = *f;
  element.kind = f->kind == SCHEMA_OBJECTS ? SCHEMA_OBJECT : SCHEMA_IDENTIFIER;
  json_t *array = json_array();
  int result = array ? 0 : SIGNALING_INTERNAL;
  for (size_t i = 0; !result && i < json_array_size(value); i++) {
    json_t *one = NULL;
    result = check_field(&element, json_array_get(value, i), &one, why, cap);
    if (!result && json_array_append_new(array, one)) result = SIGNALING_INTERNAL;
  }
  if (result)
    json_decref(array);
  else
    *copy = array;
  return result;
}

static int check_field(const struct schema_field *f, json_t *value, json_t **copy, char *why, size_t cap) {
  if (f->kind == SCHEMA_OBJECTS || f->kind == SCHEMA_STRINGS) return check_array(f, value, copy, why, cap);
  if (f->kind == SCHEMA_OBJECT) {
    if (json_is_object(value)) return schema_check(f->children, value, copy, why, cap);
    (void)snprintf(why, cap, "\"%s\" must be an object.", f->name);
    return SIGNALING_BAD_REQUEST;
  }
  const char *wrong = check_scalar(f, value);
  if (wrong) {
    (void)snprintf(why, cap, "\"%s\" %s.", f->name, wrong);
    return SIGNALING_BAD_REQUEST;
  }
  *copy = json_incref(value);
  return 0;
}

int schema_check(const struct schema_field *fields, const json_t *object, json_t **out, char *why, size_t why_cap) {
  json_t *result = json_object();
  if (!result) return SIGNALING_INTERNAL;
  for (const struct schema_field *f = fields; f->name; f++) {
    json_t *value = json_object_get(object, f->name);
    json_t *copy = NULL;
    int error = 0;
    if (value) {
      error = check_field(f, value, &copy, why, why_cap);
      if (!error && json_object_set_new(result, f->name, copy)) error = SIGNALING_INTERNAL;
    } else if (f->required) {
      (void)snprintf(why, why_cap, "\"%s\" is missing.", f->name);
      error = SIGNALING_BAD_REQUEST;
    }
    if (error) {
      json_decref(result);
      return error;
    }
  }
  *out = result;
  return 0;
}
