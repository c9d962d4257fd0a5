/* tests/fuzz/signaling_token_fuzz.c: any text as a token, against two keys. First byte 1: the rest are claims that are
 * signed first, so that the claims behind a right signature are reached too. */
#include <jansson.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "signaling/token.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct token_key keys[] = {{(const uint8_t *)"0123456789abcdef0123456789abcdef", 32},
                                        {(const uint8_t *)"fedcba9876543210fedcba9876543210", 32}};

static void check(const char *token, size_t len) {
  struct token_claims c;
  int error = token_verify(token, len, keys, 2, 1790000000, &c);
  if (error > 0 || error < TOKEN_NO_MEMORY || error == TOKEN_KEY_SHORT) abort();
  if (error) return;
  if (!c.room[0] || !c.identity[0] || !c.jti[0] || !c.name[0] || c.expires_s <= 1790000000) abort();
  char *again = NULL;
  if (token_mint(&c, &keys[0], &again)) abort();
  free(again);
}

static size_t append(char *out, const void *bytes, size_t len) {
  int n = EVP_EncodeBlock((unsigned char *)out, bytes, (int)len);
  while (n > 0 && out[n - 1] == '=')
    n--;
  for (int i = 0; i < n; i++)
    out[i] = (char)(out[i] == '+' ? '-' : out[i] == '/' ? '_' : out[i]);
  return (size_t)n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size == 0 || data[0] != 1 || size > 2000) {
    check((const char *)data, size);
    return 0;
  }
  char token[4096] = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.";
  unsigned char mac[EVP_MAX_MD_SIZE];
  unsigned mac_len = 0;
  size_t len = strlen(token);
  len += append(token + len, data + 1, size - 1);
  HMAC(EVP_sha256(), keys[0].bytes, 32, (const unsigned char *)token, len, mac, &mac_len);
  token[len++] = '.';
  len += append(token + len, mac, mac_len);
  check(token, len);
  return 0;
}
