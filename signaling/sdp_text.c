/* signaling/sdp_text.c: character classes and small grammars of SDP. */
#include "signaling/sdp_text.h"

#include <string.h>
#include <strings.h>

#include "signaling/sdp.h"

static bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

static bool is_alphanumeric(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

const char *sdp_arena_copy(struct sdp_arena *arena, const char *text) {
  size_t size = strlen(text) + 1;
  if (size > (size_t)(arena->end - arena->next)) return NULL;
  char *copy = arena->next;
  memcpy(copy, text, size);
  arena->next += size;
  return copy;
}

char *sdp_text_word(char **rest) {
  char *p = *rest;
  while (*p == ' ')
    p++;
  if (*p == '\0') {
    *rest = p;
    return NULL;
  }
  char *word = p;
  p += strcspn(p, " ");
  if (*p == ' ') *p++ = '\0';
  *rest = p;
  return word;
}

bool sdp_text_number(const char *text, uint64_t max, uint64_t *out) {
  uint64_t value = 0;
  if (*text == '\0') return false;
  for (; *text != '\0'; text++) {
    if (!is_digit(*text)) return false;
    uint64_t digit = (uint64_t)(*text - '0');
    if (digit > max || value > (max - digit) / 10) return false;
    value = value * 10 + digit;
  }
  *out = value;
  return true;
}

/* Whether each character is alphanumeric or in `others`, and the length is min to max. */
static bool is_made_of(const char *text, const char *others, size_t min, size_t max) {
  size_t n = 0;
  for (; text[n] != '\0'; n++) {
    if (n == max || (!is_alphanumeric(text[n]) && strchr(others, text[n]) == NULL)) return false;
  }
  return n >= min;
}

bool sdp_text_is_token(const char *text, size_t max) {
  return is_made_of(text, "!#$%&'*+-.^_`{|}~", 1, max);
}

bool sdp_text_is_rid(const char *text) {
  return is_made_of(text, "-_", 1, SDP_MAX_ID_BYTES);
}

bool sdp_text_is_ice(const char *text, size_t min) {
  return is_made_of(text, "+/", min, 256);
}

bool sdp_text_is_visible(const char *text, size_t max) {
  size_t n = 0;
  for (; text[n] != '\0'; n++) {
    if (n == max || text[n] < ' ' || text[n] > '~') return false;
  }
  return true;
}

static const struct {
  const char *name;
  size_t bytes;
} hashes[] = {{"sha-256", 32}, {"sha-384", 48}, {"sha-512", 64}};

const char *sdp_text_hash(const char *algorithm) {
  for (size_t i = 0; i < sizeof hashes / sizeof hashes[0]; i++) {
    if (strcasecmp(algorithm, hashes[i].name) == 0) return hashes[i].name;
  }
  return NULL;
}

static bool is_hex(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

bool sdp_text_is_fingerprint(const char *algorithm, const char *value) {
  size_t bytes = 0;
  for (size_t i = 0; i < sizeof hashes / sizeof hashes[0]; i++) {
    if (strcasecmp(algorithm, hashes[i].name) == 0) bytes = hashes[i].bytes;
  }
  if (bytes == 0 || strlen(value) != bytes * 3 - 1) return false;
  for (size_t i = 0; value[i] != '\0'; i++) {
    if (i % 3 == 2 ? value[i] != ':' : !is_hex(value[i])) return false;
  }
  return true;
}

void sdp_text_upper(char *text) {
  for (; *text != '\0'; text++) {
    if (*text >= 'a' && *text <= 'z') *text = (char)(*text - 'a' + 'A');
  }
}

const char *sdp_fmtp_find(const char *fmtp, const char *key, size_t *len) {
  size_t key_len = strlen(key);
  for (const char *p = fmtp; p != NULL && *p != '\0';) {
    p += strspn(p, "; ");
    size_t item = strcspn(p, ";");
    size_t name = strcspn(p, "=;");
    if (name == key_len && strncasecmp(p, key, name) == 0) {
      const char *value = p + name + (name < item ? 1 : 0);
      *len = (size_t)(p + item - value);
      while (*len > 0 && value[*len - 1] == ' ')
        (*len)--;
      return value;
    }
    p += item;
  }
  return NULL;
}

long sdp_fmtp_number(const char *fmtp, const char *key, long fallback) {
  size_t len = 0;
  const char *value = sdp_fmtp_find(fmtp, key, &len);
  char digits[11];
  uint64_t number = 0;
  if (value == NULL || len == 0 || len >= sizeof digits) return fallback;
  memcpy(digits, value, len);
  digits[len] = '\0';
  return sdp_text_number(digits, INT32_MAX, &number) ? (long)number : fallback;
}
