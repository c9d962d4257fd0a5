/* ice/stun_view.c: bounds-checked walk over the attributes of a Binding message, and the peek at its USERNAME. */
#include "ice/stun_view.h"

#include <string.h>

#include "ice/ice_agent.h"

#define HEADER_BYTES 20
#define COOKIE       0x2112A442u
#define BINDING      0x001u

enum {
  ATTRIBUTE_USERNAME = 0x0006,
  ATTRIBUTE_MESSAGE_INTEGRITY = 0x0008,
  ATTRIBUTE_USE_CANDIDATE = 0x0025,
  ATTRIBUTE_FINGERPRINT = 0x8028,
  ATTRIBUTE_NOMINATION = 0xC001,
};

static uint16_t get16(const uint8_t *p) {
  return (uint16_t)(p[0] << 8 | p[1]);
}

static uint32_t get32(const uint8_t *p) {
  return (uint32_t)get16(p) << 16 | get16(p + 2);
}

/* One attribute of `len` value bytes. False when its shape is impossible. */
static bool take_attribute(struct stun_view *v, uint16_t type, const uint8_t *value, size_t len) {
  if (v->has_fingerprint) return false; /* RFC 8489 §14.7: FINGERPRINT "MUST be the last attribute" */
  if (type == ATTRIBUTE_FINGERPRINT) {
    v->has_fingerprint = true;
    return len == 4;
  }
  if (v->has_integrity) return true; /* RFC 8489 §14.5: what follows MESSAGE-INTEGRITY is ignored */
  switch (type) {
    case ATTRIBUTE_USERNAME:
      if (v->username != NULL || len == 0 || len > STUN_MAX_USERNAME_BYTES) return false;
      v->username = (const char *)value;
      v->username_len = len;
      return true;
    case ATTRIBUTE_MESSAGE_INTEGRITY:
      v->has_integrity = true;
      return len == 20;
    case ATTRIBUTE_USE_CANDIDATE:
      v->use_candidate = true;
      return len == 0;
    case ATTRIBUTE_NOMINATION:
      if (len != 4) return true; /* optional and not ours to judge */
      v->has_nomination = true;
      v->nomination = get32(value);
      return true;
    default:
      return true;
  }
}

enum ice_drop_reason stun_view_parse(struct stun_view *v, const uint8_t *data, size_t len) {
  memset(v, 0, sizeof(*v));
  if (len < HEADER_BYTES || len % 4 != 0 || (data[0] & 0xC0) != 0) return ICE_DROP_STUN_MALFORMED;
  if ((size_t)get16(data + 2) + HEADER_BYTES != len || get32(data + 4) != COOKIE) return ICE_DROP_STUN_MALFORMED;
  const unsigned type = get16(data);
  if ((type & ~0x0110u) != BINDING) return ICE_DROP_STUN_METHOD;
  v->class = (enum stun_view_class)((type >> 7 & 2u) | (type >> 4 & 1u));
  v->transaction = data + 8;

  size_t at = HEADER_BYTES;
  while (at < len) { /* both are multiples of four, so an attribute header is always whole */
    const size_t value_len = get16(data + at + 2);
    const size_t padded = (value_len + 3) & ~(size_t)3;
    if (padded > len - at - 4) return ICE_DROP_STUN_MALFORMED;
    if (!take_attribute(v, get16(data + at), data + at + 4, value_len)) return ICE_DROP_STUN_MALFORMED;
    at += 4 + padded;
  }
  return ICE_DROP_NONE;
}

bool ice_stun_peek_ufrag(const uint8_t *data, size_t len, const char **ufrag, size_t *ufrag_len) {
  struct stun_view v;
  if (stun_view_parse(&v, data, len) != ICE_DROP_NONE) return false;
  if (v.class != STUN_VIEW_REQUEST || v.username == NULL || !v.has_integrity || !v.has_fingerprint) return false;
  const char *colon = memchr(v.username, ':', v.username_len);
  if (colon == NULL || colon == v.username) return false;
  *ufrag = v.username;
  *ufrag_len = (size_t)(colon - v.username);
  return true;
}
