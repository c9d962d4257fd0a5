/* signaling/resume_key.c: random keys, and their hashes compared in constant time. */
#include "signaling/resume_key.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <string.h>

#define KEY_BYTES 32

static void to_hex(const unsigned char bytes[KEY_BYTES], char out[RESUME_KEY_CHARS + 1]) {
  static const char digits[] = "0123456789abcdef";
  for (size_t i = 0; i < KEY_BYTES; i++) {
    out[2 * i] = digits[bytes[i] >> 4];
    out[2 * i + 1] = digits[bytes[i] & 15];
  }
  out[RESUME_KEY_CHARS] = '\0';
}

int resume_key_generate(char key[RESUME_KEY_CHARS + 1]) {
  unsigned char bytes[KEY_BYTES];
  key[0] = '\0';
  if (RAND_bytes(bytes, sizeof(bytes)) != 1) return -1;
  to_hex(bytes, key);
  OPENSSL_cleanse(bytes, sizeof(bytes));
  return 0;
}

int resume_key_hash(const char *key, size_t len, char hash[RESUME_KEY_CHARS + 1]) {
  unsigned char digest[KEY_BYTES];
  hash[0] = '\0';
  if (EVP_Digest(key, len, digest, NULL, EVP_sha256(), NULL) != 1) return -1;
  to_hex(digest, hash);
  return 0;
}

bool resume_key_matches(const char *key, size_t len, const char *hash) {
  char own[RESUME_KEY_CHARS + 1];
  if (resume_key_hash(key, len, own) || strlen(hash) != RESUME_KEY_CHARS) return false;
  return CRYPTO_memcmp(own, hash, RESUME_KEY_CHARS) == 0;
}
