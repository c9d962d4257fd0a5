/* ice/srtp_keys.c: SRTP key derivation and IVs. See srtp_keys.h. */
#include "ice/srtp_keys.h"

#include <endian.h>
#include <openssl/evp.h>
#include <string.h>

static const struct srtp_profile_info profiles[] = {
    {SRTP_PROFILE_AEAD_AES_128_GCM, "SRTP_AEAD_AES_128_GCM", 16, 12, 16, 1},
    {SRTP_PROFILE_AEAD_AES_256_GCM, "SRTP_AEAD_AES_256_GCM", 32, 12, 16, 1},
    {SRTP_PROFILE_AES128_CM_SHA1_80, "SRTP_AES128_CM_SHA1_80", 16, 14, 10, 0},
};

const struct srtp_profile_info *srtp_profile_info(enum srtp_profile profile) {
  for (size_t i = 0; i < sizeof profiles / sizeof profiles[0]; i++)
    if (profiles[i].profile == profile) return &profiles[i];
  return NULL;
}

const char *srtp_profile_name(enum srtp_profile p) {
  const struct srtp_profile_info *info = srtp_profile_info(p);
  return info ? info->name : "unknown";
}

size_t srtp_profile_exported_bytes(enum srtp_profile p) {
  const struct srtp_profile_info *info = srtp_profile_info(p);
  return info ? 2 * (info->key_bytes + info->salt_bytes) : 0;
}

size_t srtp_profile_tag_bytes(enum srtp_profile p) {
  const struct srtp_profile_info *info = srtp_profile_info(p);
  return info ? info->tag_bytes : 0;
}

int srtp_keys_split(const struct srtp_profile_info *info, enum srtp_role role, const uint8_t *exported,
                    size_t exported_len, struct srtp_master *sending, struct srtp_master *receiving) {
  if (exported_len != 2 * (info->key_bytes + info->salt_bytes)) return SRTP_BAD_ARGUMENT;
  struct srtp_master *client = role == SRTP_ROLE_CLIENT ? sending : receiving;
  struct srtp_master *server = role == SRTP_ROLE_CLIENT ? receiving : sending;
  memset(client, 0, sizeof *client);
  memset(server, 0, sizeof *server);
  const uint8_t *salts = exported + 2 * info->key_bytes;
  memcpy(client->key, exported, info->key_bytes);
  memcpy(server->key, exported + info->key_bytes, info->key_bytes);
  memcpy(client->salt, salts, info->salt_bytes);
  memcpy(server->salt, salts + info->salt_bytes, info->salt_bytes);
  return SRTP_OK;
}

int srtp_keys_derive(const struct srtp_master *master, size_t key_bytes, enum srtp_label label, uint8_t *out,
                     size_t len) {
  static const uint8_t zeros[32];
  /* x = key_id XOR master_salt, key_id = label || r with r = 0; the label is the 7th byte of the 14. IV = x * 2^16. */
  uint8_t iv[16] = {0};
  memcpy(iv, master->salt, sizeof master->salt);
  iv[7] ^= (uint8_t)label;

  if (len > sizeof zeros) return SRTP_BAD_ARGUMENT;
  EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
  if (ctx == NULL) return SRTP_NO_MEMORY;
  int written = 0;
  int ok = EVP_EncryptInit_ex(ctx, key_bytes == 32 ? EVP_aes_256_ctr() : EVP_aes_128_ctr(), NULL, master->key, iv) &&
           EVP_EncryptUpdate(ctx, out, &written, zeros, (int)len) && (size_t)written == len;
  EVP_CIPHER_CTX_free(ctx);
  return ok ? SRTP_OK : SRTP_CRYPTO_ERROR;
}

/* The three labels of SRTP and of SRTCP follow each other in the same order. */
static int derive_all(const struct srtp_profile_info *info, const struct srtp_master *master, enum srtp_label first,
                      struct srtp_session_keys *keys) {
  const size_t bytes = info->key_bytes;
  memset(keys, 0, sizeof *keys);
  int rc = srtp_keys_derive(master, bytes, first + SRTP_LABEL_CIPHER, keys->cipher, bytes);
  if (rc == SRTP_OK) rc = srtp_keys_derive(master, bytes, first + SRTP_LABEL_SALT, keys->salt, info->salt_bytes);
  if (rc == SRTP_OK && !info->aead)
    rc = srtp_keys_derive(master, bytes, first + SRTP_LABEL_AUTH, keys->auth, sizeof keys->auth);
  return rc;
}

int srtp_keys_derive_session(const struct srtp_profile_info *info, const struct srtp_master *master,
                             struct srtp_session_keys *keys) {
  return derive_all(info, master, SRTP_LABEL_CIPHER, keys);
}

int srtp_keys_derive_srtcp(const struct srtp_profile_info *info, const struct srtp_master *master,
                           struct srtp_session_keys *keys) {
  return derive_all(info, master, SRTCP_LABEL_CIPHER, keys);
}

void srtp_keys_write_iv(int aead, const uint8_t salt[14], uint32_t ssrc, uint64_t index, uint8_t iv[16]) {
  /* RFC 7714 §8.1: 00 00 || SSRC || ROC || SEQ, XOR the salt of 12 bytes.
   * RFC 3711 §4.1.1: IV = (k_s * 2^16) XOR (SSRC * 2^64) XOR (i * 2^16): the same, two bytes further on. */
  const size_t at = aead ? 2 : 4;
  uint32_t ssrc_wire;
  uint64_t tail; /* the eight bytes that end with the index; its upper two stand where the SSRC's lower two do */
  const uint64_t index_wire = htobe64(index);
  memcpy(iv, salt, 14);
  iv[14] = iv[15] = 0;
  memcpy(&ssrc_wire, iv + at, sizeof ssrc_wire);
  ssrc_wire ^= htobe32(ssrc);
  memcpy(iv + at, &ssrc_wire, sizeof ssrc_wire);
  memcpy(&tail, iv + at + 2, sizeof tail);
  tail ^= index_wire; /* 48 bits: the upper two bytes are zero */
  memcpy(iv + at + 2, &tail, sizeof tail);
}
