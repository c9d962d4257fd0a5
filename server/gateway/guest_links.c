/* Names of guest links. */
#include "server/gateway/guest_links.h"

#include <inttypes.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "signaling/message.h"

#define MAC_BYTES 12
#define MAC_CHARS 16

static void base64url(const uint8_t *bytes, size_t length, char *out) {
  int n = EVP_EncodeBlock((unsigned char *)out, bytes, (int)length);
  while (n > 0 && out[n - 1] == '=')
    out[--n] = '\0';
  for (int i = 0; i < n; i++)
    out[i] = (char)(out[i] == '+' ? '-' : out[i] == '/' ? '_' : out[i]);
}

/* The key also signs tokens: the first words keep the two apart, because no token's header begins so. */
static int sign(const char *secret, const char *room, const char *name, size_t length, char mac[MAC_CHARS + 1]) {
  char text[GUEST_LINKS_BYTES + SIGNALING_IDENTIFIER_BYTES + 32];
  uint8_t digest[EVP_MAX_MD_SIZE];
  unsigned digest_length = 0;
  int n = snprintf(text, sizeof text, "consilium guest link\n%s\n%.*s", room, (int)length, name);
  if (n < 0 || (size_t)n >= sizeof text ||
      !HMAC(EVP_sha256(), secret, (int)strlen(secret), (const unsigned char *)text, (size_t)n, digest, &digest_length))
    return -1;
  base64url(digest, MAC_BYTES, mac);
  return 0;
}

int guest_links_make(const char *secret, const char *room, int64_t expires_s, const uint8_t random[16],
                     char link[GUEST_LINKS_BYTES]) {
  char text[25], mac[MAC_CHARS + 1];
  base64url(random, 16, text);
  int n = snprintf(link, GUEST_LINKS_BYTES, "g_%" PRId64 "_%s", expires_s, text);
  if (n < 0 || n + 1 + MAC_CHARS >= GUEST_LINKS_BYTES || sign(secret, room, link, (size_t)n, mac) != 0) return -1;
  (void)snprintf(link + n, GUEST_LINKS_BYTES - (size_t)n, "_%s", mac);
  return 0;
}

bool guest_links_check(const char *secret, const char *room, const char *link, int64_t *expires_s) {
  char mac[MAC_CHARS + 1], *end = NULL;
  size_t length = strlen(link);
  if (length >= GUEST_LINKS_BYTES || length < MAC_CHARS + 4 || strncmp(link, "g_", 2) != 0) return false;
  const char *given = link + length - MAC_CHARS;
  if (given[-1] != '_' || sign(secret, room, link, length - MAC_CHARS - 1, mac) != 0 ||
      CRYPTO_memcmp(given, mac, MAC_CHARS) != 0)
    return false;
  *expires_s = strtoll(link + 2, &end, 10);
  return *end == '_';
}
