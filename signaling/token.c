/* signaling/token.c: libjwt with everything pinned that a token could otherwise choose. */
#include "signaling/token.h"

#include <errno.h>
#include <jwt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "signaling/json_limits.h"

/* A member of the signed claims as one of ours. */
static int copy_claim(const json_t *claims, const char *name, char *out, size_t cap) {
  const json_t *value = json_object_get(claims, name);
  if (!json_is_string(value)) return TOKEN_CLAIMS;
  const char *text = json_string_value(value);
  size_t len = json_string_length(value);
  if (len + 1 > cap || !signaling_identifier_valid(text, len)) return TOKEN_CLAIMS;
  memcpy(out, text, len + 1);
  return 0;
}

static int copy_name(const json_t *claims, struct token_claims *out) {
  const json_t *value = json_object_get(claims, "name");
  if (!json_is_string(value)) return TOKEN_CLAIMS;
  const char *text = json_string_value(value);
  size_t len = json_string_length(value);
  if (len == 0 || len > SIGNALING_NAME_BYTES || !signaling_text_valid(text, len, false)) return TOKEN_CLAIMS;
  memcpy(out->name, text, len + 1);
  return 0;
}

/* JSON's own true and false: "false" would be true for some and false for others. */
static int copy_flag(const json_t *claims, const char *name, bool *out) {
  const json_t *value = json_object_get(claims, name);
  if (value && !json_is_boolean(value)) return TOKEN_CLAIMS;
  *out = json_is_true(value);
  return 0;
}

/* Who may call may wait for a call without a room. */
static int copy_room(const json_t *claims, struct token_claims *out) {
  const json_t *value = json_object_get(claims, "room");
  bool none = !value || (json_is_string(value) && json_string_length(value) == 0);
  return none && out->calls ? 0 : copy_claim(claims, "room", out->room, sizeof(out->room));
}

static int read_claims(const json_t *claims, int64_t now_s, struct token_claims *out) {
  struct token_claims c = {0};
  const char *role = json_string_value(json_object_get(claims, "role"));
  if (copy_flag(claims, "wait", &c.wait) || copy_flag(claims, "calls", &c.calls) ||
      copy_flag(claims, "guest", &c.guest) || copy_room(claims, &c) ||
      copy_claim(claims, "identity", c.identity, sizeof(c.identity)) ||
      copy_claim(claims, "jti", c.jti, sizeof(c.jti)) || copy_name(claims, &c) || !role ||
      signaling_role_parse(role, &c.role) || json_limits_integer(claims, "exp", 1, INT64_MAX, &c.expires_s))
    return TOKEN_CLAIMS;
  if (json_object_get(claims, "nbf") && json_limits_integer(claims, "nbf", 0, INT64_MAX - 1, &c.not_before_s))
    return TOKEN_CLAIMS;
  /* RFC 7519 §4.1.4: "the current date/time MUST be before the expiration date/time". */
  if (now_s >= c.expires_s) return TOKEN_EXPIRED;
  if (c.not_before_s > now_s + TOKEN_LEEWAY_S) return TOKEN_NOT_YET;
  *out = c;
  return 0;
}

/* The signature is right: is everything else what we sign ourselves? */
static int read_token(jwt_t *jwt, int64_t now_s, struct token_claims *out) {
  /* RFC 8725 §3.1: the algorithm is ours to choose; libjwt would accept HS384 and HS512 with the same key. */
  if (jwt_get_alg(jwt) != JWT_ALG_HS256) return TOKEN_INVALID;
  /* RFC 7515 §4.1.11: "If any of the listed extension Header Parameters are not understood ... the JWS is invalid." */
  char *crit = jwt_get_headers_json(jwt, "crit");
  free(crit);
  if (crit) return TOKEN_INVALID;
  char *text = jwt_get_grants_json(jwt, NULL);
  if (!text) return TOKEN_NO_MEMORY;
  json_t *claims;
  int result = json_limits_parse(text, strlen(text), TOKEN_BYTES_MAX, &claims);
  free(text);
  if (result) return result == JSON_LIMITS_NO_MEMORY ? TOKEN_NO_MEMORY : TOKEN_CLAIMS;
  result = read_claims(claims, now_s, out);
  json_decref(claims);
  return result;
}

static bool keys_long_enough(const struct token_key *keys, size_t count) {
  for (size_t i = 0; i < count; i++)
    if (keys[i].len < TOKEN_KEY_BYTES_MIN || keys[i].len > INT_MAX) return false;
  return count > 0;
}

/* base64url without padding in three parts (RFC 7515 §7.1); libjwt itself also takes the plain alphabet. */
static bool looks_compact(const char *token, size_t len) {
  int dots = 0;
  for (size_t i = 0; i < len; i++) {
    char c = token[i];
    bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
    dots += c == '.';
    if (!plain && c != '.') return false;
  }
  return len > 0 && len <= TOKEN_BYTES_MAX && dots == 2;
}

int token_verify(const char *token, size_t len, const struct token_key *keys, size_t key_count, int64_t now_s,
                 struct token_claims *out) {
  if (!keys_long_enough(keys, key_count)) return TOKEN_KEY_SHORT;
  if (!looks_compact(token, len)) return TOKEN_INVALID;
  char *text = malloc(len + 1);
  if (!text) return TOKEN_NO_MEMORY;
  memcpy(text, token, len);
  text[len] = '\0';
  int result = TOKEN_INVALID;
  bool decided = false;
  for (size_t i = 0; i < key_count; i++) {
    jwt_t *jwt = NULL;
    int error = jwt_decode(&jwt, text, keys[i].bytes, (int)keys[i].len);
    if (error == ENOMEM && !decided) result = TOKEN_NO_MEMORY;
    if (error == 0 && !decided) {
      result = read_token(jwt, now_s, out);
      decided = true;
    }
    jwt_free(jwt);
  }
  free(text);
  return result;
}

static int add_claims(jwt_t *jwt, const struct token_claims *c) {
  return (*c->room && jwt_add_grant(jwt, "room", c->room)) || jwt_add_grant(jwt, "identity", c->identity) ||
         jwt_add_grant(jwt, "name", c->name) || jwt_add_grant(jwt, "role", signaling_role_name(c->role)) ||
         jwt_add_grant(jwt, "jti", c->jti) || jwt_add_grant_int(jwt, "exp", (long)c->expires_s) ||
         (c->not_before_s && jwt_add_grant_int(jwt, "nbf", (long)c->not_before_s)) ||
         (c->wait && jwt_add_grant_bool(jwt, "wait", 1)) || (c->calls && jwt_add_grant_bool(jwt, "calls", 1)) ||
         (c->guest && jwt_add_grant_bool(jwt, "guest", 1));
}

int token_mint(const struct token_claims *claims, const struct token_key *key, char **out) {
  if (!keys_long_enough(key, 1)) return TOKEN_KEY_SHORT;
  size_t name_len = strnlen(claims->name, sizeof(claims->name));
  size_t room_len = strnlen(claims->room, sizeof(claims->room));
  if ((!signaling_identifier_valid(claims->room, room_len) && (room_len > 0 || !claims->calls)) ||
      !signaling_identifier_valid(claims->identity, strnlen(claims->identity, sizeof(claims->identity))) ||
      !signaling_identifier_valid(claims->jti, strnlen(claims->jti, sizeof(claims->jti))) || name_len == 0 ||
      name_len > SIGNALING_NAME_BYTES || !signaling_text_valid(claims->name, name_len, false) ||
      (unsigned)claims->role >= SIGNALING_ROLE_COUNT || claims->expires_s < 1 || claims->not_before_s < 0)
    return TOKEN_CLAIMS;
  jwt_t *jwt = NULL;
  if (jwt_new(&jwt)) return TOKEN_NO_MEMORY;
  char *text = NULL;
  if (!add_claims(jwt, claims) && !jwt_set_alg(jwt, JWT_ALG_HS256, key->bytes, (int)key->len))
    text = jwt_encode_str(jwt);
  jwt_free(jwt);
  if (!text) return TOKEN_NO_MEMORY;
  *out = text;
  return 0;
}

const char *token_error_name(int error) {
  static const char *const names[] = {"ok", "invalid", "expired", "not_yet", "claims", "key_short", "no_memory"};
  return error <= 0 && -error < (int)(sizeof(names) / sizeof(*names)) ? names[-error] : "unknown";
}

enum signaling_error token_error_to_signaling(int error) {
  switch (error) {
    case TOKEN_OK:
      return SIGNALING_OK;
    case TOKEN_EXPIRED:
      return SIGNALING_TOKEN_EXPIRED;
    case TOKEN_KEY_SHORT:
    case TOKEN_NO_MEMORY:
      return SIGNALING_INTERNAL;
    default:
      return SIGNALING_TOKEN_INVALID;
  }
}
