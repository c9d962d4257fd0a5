/* ice/srtp_hmac.c: HMAC-SHA1 without allocation. See srtp_hmac.h. */
/* SHA1_Update and friends are deprecated, not removed: the only SHA-1 of OpenSSL 3 whose state is a plain structure. */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "ice/srtp_hmac.h"

#include <openssl/crypto.h>
#include <openssl/sha.h>
#include <string.h>

static void load_state(SHA_CTX *ctx, const uint32_t state[5]) {
  SHA1_Init(ctx);
  ctx->h0 = state[0];
  ctx->h1 = state[1];
  ctx->h2 = state[2];
  ctx->h3 = state[3];
  ctx->h4 = state[4];
  ctx->Nl = 8 * SHA_CBLOCK; /* one block is hashed already */
}

static void hash_key_block(const uint8_t *key, size_t key_len, uint8_t pad, uint32_t state[5]) {
  uint8_t block[SHA_CBLOCK];
  SHA_CTX ctx;
  memset(block, pad, sizeof block);
  for (size_t i = 0; i < key_len && i < sizeof block; i++)
    block[i] ^= key[i];
  SHA1_Init(&ctx);
  SHA1_Update(&ctx, block, sizeof block);
  state[0] = ctx.h0;
  state[1] = ctx.h1;
  state[2] = ctx.h2;
  state[3] = ctx.h3;
  state[4] = ctx.h4;
  OPENSSL_cleanse(block, sizeof block);
  OPENSSL_cleanse(&ctx, sizeof ctx);
}

void srtp_hmac_init(struct srtp_hmac *h, const uint8_t *key, size_t key_len) {
  hash_key_block(key, key_len, 0x36, h->inner);
  hash_key_block(key, key_len, 0x5c, h->outer);
}

void srtp_hmac_packet(const struct srtp_hmac *h, const uint8_t *packet, size_t len, uint32_t roc,
                      uint8_t tag[SRTP_HMAC_BYTES]) {
  uint8_t roc_be[4] = {(uint8_t)(roc >> 24), (uint8_t)(roc >> 16), (uint8_t)(roc >> 8), (uint8_t)roc};
  uint8_t digest[SHA_DIGEST_LENGTH];
  SHA_CTX ctx;
  load_state(&ctx, h->inner);
  SHA1_Update(&ctx, packet, len);
  SHA1_Update(&ctx, roc_be, sizeof roc_be);
  SHA1_Final(digest, &ctx);
  load_state(&ctx, h->outer);
  SHA1_Update(&ctx, digest, sizeof digest);
  SHA1_Final(tag, &ctx);
}
