/* ice/srtp_backend_evp.c: SRTP packets by OpenSSL's EVP: one context per direction, only the IV is set per packet. */
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <string.h>

#include "ice/secret_memory.h"
#include "ice/srtp_backend.h"
#include "ice/srtp_hmac.h"

/* Fetching a cipher by name walks OpenSSL's provider tables under locks: once per process, not once per session. */
struct evp_library {
  EVP_CIPHER *gcm128, *gcm256, *ctr128;
};

struct evp_cipher {
  EVP_CIPHER_CTX *ctx;
  struct srtp_hmac hmac;
  size_t tag_bytes;
  int aead;
};

static void library_free(void *arg) {
  struct evp_library *library = arg;
  if (library == NULL) return;
  EVP_CIPHER_free(library->gcm128);
  EVP_CIPHER_free(library->gcm256);
  EVP_CIPHER_free(library->ctr128);
  OPENSSL_free(library);
}

static int library_create(void **out) {
  struct evp_library *library = OPENSSL_zalloc(sizeof *library);
  if (library == NULL) return SRTP_NO_MEMORY;
  library->gcm128 = EVP_CIPHER_fetch(NULL, "AES-128-GCM", NULL);
  library->gcm256 = EVP_CIPHER_fetch(NULL, "AES-256-GCM", NULL);
  library->ctr128 = EVP_CIPHER_fetch(NULL, "AES-128-CTR", NULL);
  if (!library->gcm128 || !library->gcm256 || !library->ctr128) {
    library_free(library);
    return SRTP_UNAVAILABLE;
  }
  *out = library;
  return SRTP_OK;
}

static void cipher_free(void *arg) {
  struct evp_cipher *cipher = arg;
  if (cipher == NULL) return;
  EVP_CIPHER_CTX_free(cipher->ctx); /* cleanses its key schedule */
  secret_memory_free(cipher, sizeof *cipher);
}

static int cipher_create(void **out, void *arg, const struct srtp_profile_info *info,
                         const struct srtp_session_keys *keys, int sealing) {
  struct evp_library *library = arg;
  struct evp_cipher *cipher = secret_memory_alloc(sizeof *cipher);
  if (cipher == NULL) return SRTP_NO_MEMORY;
  cipher->aead = info->aead;
  cipher->tag_bytes = info->tag_bytes;
  const EVP_CIPHER *type = info->aead ? (info->key_bytes == 32 ? library->gcm256 : library->gcm128) : library->ctr128;
  cipher->ctx = EVP_CIPHER_CTX_new();
  /* Counter mode encrypts in both directions. */
  if (!cipher->ctx || !EVP_CipherInit_ex(cipher->ctx, type, NULL, keys->cipher, NULL, sealing || !info->aead)) {
    cipher_free(cipher);
    return SRTP_CRYPTO_ERROR;
  }
  if (!info->aead) srtp_hmac_init(&cipher->hmac, keys->auth, sizeof keys->auth);
  *out = cipher;
  return SRTP_OK;
}

static int seal_gcm(struct evp_cipher *cipher, const struct srtp_seal_job *job) {
  uint8_t *out = job->packet + job->header_len;
  int written = 0, tail = 0;
  if (!EVP_EncryptInit_ex(cipher->ctx, NULL, NULL, NULL, job->iv) ||
      !EVP_EncryptUpdate(cipher->ctx, NULL, &written, job->packet, (int)job->header_len) ||
      !EVP_EncryptUpdate(cipher->ctx, out, &written, job->payload, (int)job->payload_len) ||
      !EVP_EncryptFinal_ex(cipher->ctx, out + written, &tail) ||
      !EVP_CIPHER_CTX_ctrl(cipher->ctx, EVP_CTRL_AEAD_GET_TAG, (int)cipher->tag_bytes, out + job->payload_len))
    return SRTP_CRYPTO_ERROR;
  return SRTP_OK;
}

static int seal_cm(struct evp_cipher *cipher, const struct srtp_seal_job *job) {
  uint8_t *out = job->packet + job->header_len;
  uint8_t tag[SRTP_HMAC_BYTES];
  int written = 0;
  if (!EVP_EncryptInit_ex(cipher->ctx, NULL, NULL, NULL, job->iv) ||
      !EVP_EncryptUpdate(cipher->ctx, out, &written, job->payload, (int)job->payload_len))
    return SRTP_CRYPTO_ERROR;
  srtp_hmac_packet(&cipher->hmac, job->packet, job->header_len + job->payload_len, job->roc, tag);
  memcpy(out + job->payload_len, tag, cipher->tag_bytes);
  return SRTP_OK;
}

static int seal(const struct srtp_seal_job *job) {
  struct evp_cipher *cipher = job->cipher;
  return cipher->aead ? seal_gcm(cipher, job) : seal_cm(cipher, job);
}

static int open_gcm(struct evp_cipher *cipher, const struct srtp_open_job *job) {
  uint8_t *payload = job->packet + job->header_len;
  int written = 0, tail = 0;
  if (!EVP_DecryptInit_ex(cipher->ctx, NULL, NULL, NULL, job->iv) ||
      !EVP_CIPHER_CTX_ctrl(cipher->ctx, EVP_CTRL_AEAD_SET_TAG, (int)cipher->tag_bytes, payload + job->payload_len) ||
      !EVP_DecryptUpdate(cipher->ctx, NULL, &written, job->packet, (int)job->header_len) ||
      !EVP_DecryptUpdate(cipher->ctx, payload, &written, payload, (int)job->payload_len))
    return SRTP_CRYPTO_ERROR;
  return EVP_DecryptFinal_ex(cipher->ctx, payload + written, &tail) > 0 ? SRTP_OK : SRTP_AUTH_FAILED;
}

static int open_cm(struct evp_cipher *cipher, const struct srtp_open_job *job) {
  uint8_t *payload = job->packet + job->header_len;
  uint8_t tag[SRTP_HMAC_BYTES];
  int written = 0;
  srtp_hmac_packet(&cipher->hmac, job->packet, job->header_len + job->payload_len, job->roc, tag);
  if (CRYPTO_memcmp(tag, payload + job->payload_len, cipher->tag_bytes) != 0) return SRTP_AUTH_FAILED;
  if (!EVP_EncryptInit_ex(cipher->ctx, NULL, NULL, NULL, job->iv) ||
      !EVP_EncryptUpdate(cipher->ctx, payload, &written, payload, (int)job->payload_len))
    return SRTP_CRYPTO_ERROR;
  return SRTP_OK;
}

static int open_packet(const struct srtp_open_job *job) {
  struct evp_cipher *cipher = job->cipher;
  return cipher->aead ? open_gcm(cipher, job) : open_cm(cipher, job);
}

const struct srtp_backend_ops srtp_backend_evp = {
    .name = "evp",
    .library_create = library_create,
    .library_free = library_free,
    .cipher_create = cipher_create,
    .cipher_free = cipher_free,
    .seal = seal,
    .open = open_packet,
};
