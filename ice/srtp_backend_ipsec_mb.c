/* ice/srtp_backend_ipsec_mb.c: SRTP packets by Intel's multi-buffer library: VAES where the CPU has it, AES-NI else.
 *
 * GCM is one call per packet. AES-CM is a counter-mode job and a hash; alone, one packet is hashed by OpenSSL (SHA
 * extensions), since a single lane of the multi-buffer hash takes as long as all of them; a batch fills the lanes, and so do packets
 * whose tags may wait for each other (seal_later).
 */
#include <endian.h>
#include <intel-ipsec-mb.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

#include "ice/secret_memory.h"
#include "ice/srtp_backend.h"
#include "ice/srtp_hmac.h"

/* The library fills it; hardening would clear it for each packet. */
#define UNCLEARED __attribute__((uninitialized))

/* With fewer packets than this the lanes cost more than OpenSSL one by one. */
#define LANES_MIN 6

struct mb_cipher;

/* An encrypted packet that has no tag yet. */
struct mb_hash {
  const struct mb_cipher *cipher;
  uint8_t *packet;
  size_t len; /* without the tag */
  uint32_t roc;
};

struct mb_library {
  IMB_MGR *mgr;
  IMB_JOB jobs[SRTP_BACKEND_BATCH];
  size_t waiting_count;
  struct mb_hash waiting[SRTP_BACKEND_BATCH];
};

struct mb_cipher {
  struct gcm_key_data gcm;                        /* AES-GCM; aligned to 64 by its type, the memory to a page */
  DECLARE_ALIGNED(uint8_t schedule[16 * 15], 16); /* AES-CM */
  struct srtp_hmac hmac;
  IMB_MGR *mgr;
  struct mb_library *library;
  aes_gcm_enc_dec_t gcm_seal, gcm_open;
  size_t key_bytes;
  size_t tag_bytes;
  int aead;
};

static void library_free(void *arg) {
  struct mb_library *library = arg;
  if (library == NULL) return;
  free_mb_mgr(library->mgr);
  free(library);
}

static int library_create(void **out) {
  struct mb_library *library = calloc(1, sizeof *library);
  if (library == NULL) return SRTP_NO_MEMORY;
  library->mgr = alloc_mb_mgr(0);
  if (library->mgr == NULL) {
    free(library);
    return SRTP_NO_MEMORY;
  }
  /* Without AES-NI the library would emulate, in tables that leak the key through the cache: EVP does better. */
  const uint64_t needed = IMB_FEATURE_AESNI | IMB_FEATURE_PCLMULQDQ;
  if ((library->mgr->features & needed) == needed) init_mb_mgr_auto(library->mgr, NULL);
  if ((library->mgr->features & needed) != needed || imb_get_errno(library->mgr) != 0) {
    library_free(library);
    return SRTP_UNAVAILABLE;
  }
  *out = library;
  return SRTP_OK;
}

static void finish(void *arg);

static void cipher_free(void *arg) {
  struct mb_cipher *cipher = arg;
  if (cipher != NULL) finish(cipher->library); /* a packet may wait for this key */
  secret_memory_free(cipher, sizeof *cipher);
}

static int cipher_create(void **out, void *arg, const struct srtp_profile_info *info,
                         const struct srtp_session_keys *keys, int sealing) {
  (void)sealing;
  struct mb_library *library = arg;
  IMB_MGR *mgr = library->mgr;
  struct mb_cipher *cipher = secret_memory_alloc(sizeof *cipher);
  if (cipher == NULL) return SRTP_NO_MEMORY;
  cipher->library = library;
  cipher->mgr = mgr;
  cipher->aead = info->aead;
  cipher->key_bytes = info->key_bytes;
  cipher->tag_bytes = info->tag_bytes;
  if (!info->aead) {
    uint8_t unused[16 * 15] __attribute__((aligned(16)));
    IMB_AES_KEYEXP_128(mgr, keys->cipher, cipher->schedule, unused);
    OPENSSL_cleanse(unused, sizeof unused);
    srtp_hmac_init(&cipher->hmac, keys->auth, sizeof keys->auth);
  } else if (info->key_bytes == 32) {
    IMB_AES256_GCM_PRE(mgr, keys->cipher, &cipher->gcm);
    cipher->gcm_seal = mgr->gcm256_enc;
    cipher->gcm_open = mgr->gcm256_dec;
  } else {
    IMB_AES128_GCM_PRE(mgr, keys->cipher, &cipher->gcm);
    cipher->gcm_seal = mgr->gcm128_enc;
    cipher->gcm_open = mgr->gcm128_dec;
  }
  *out = cipher;
  return SRTP_OK;
}

static void fill_counter_job(IMB_JOB *job, const struct mb_cipher *cipher, const uint8_t *iv, const uint8_t *in,
                             uint8_t *out, size_t len) {
  memset(job, 0, sizeof *job);
  job->enc_keys = job->dec_keys = cipher->schedule;
  job->key_len_in_bytes = cipher->key_bytes;
  job->src = in;
  job->dst = out;
  job->msg_len_to_cipher_in_bytes = len;
  job->iv = iv;
  job->iv_len_in_bytes = 16;
  job->cipher_mode = IMB_CIPHER_CNTR;
  job->cipher_direction = IMB_DIR_ENCRYPT;
  job->chain_order = IMB_ORDER_CIPHER_HASH;
  job->hash_alg = IMB_AUTH_NULL;
}

static int run_counter_jobs(struct mb_library *library, size_t count) {
  uint32_t done = IMB_SUBMIT_CIPHER_BURST_NOCHECK(library->mgr, library->jobs, (uint32_t)count, IMB_CIPHER_CNTR,
                                                  IMB_DIR_ENCRYPT, IMB_KEY_128_BYTES);
  return done == count ? SRTP_OK : SRTP_CRYPTO_ERROR;
}

static int counter_mode(const struct mb_cipher *cipher, const uint8_t *iv, const uint8_t *in, uint8_t *out,
                        size_t len) {
  if (len == 0) return SRTP_OK;
  fill_counter_job(&cipher->library->jobs[0], cipher, iv, in, out, len);
  return run_counter_jobs(cipher->library, 1);
}

static void hash_one(const struct mb_hash *h) {
  uint8_t tag[SRTP_HMAC_BYTES] UNCLEARED;
  srtp_hmac_packet(&h->cipher->hmac, h->packet, h->len, h->roc, tag);
  memcpy(h->packet + h->len, tag, h->cipher->tag_bytes);
}

static int seal(const struct srtp_seal_job *job) {
  struct mb_cipher *cipher = job->cipher;
  uint8_t *out = job->packet + job->header_len;
  if (cipher->aead) {
    struct gcm_context_data context UNCLEARED;
    cipher->gcm_seal(&cipher->gcm, &context, out, job->payload, job->payload_len, job->iv, job->packet, job->header_len,
                     out + job->payload_len, cipher->tag_bytes);
    return SRTP_OK;
  }
  int rc = counter_mode(cipher, job->iv, job->payload, out, job->payload_len);
  if (rc == SRTP_OK) hash_one(&(struct mb_hash){cipher, job->packet, job->header_len + job->payload_len, job->roc});
  return rc;
}

static int open_packet(const struct srtp_open_job *job) {
  struct mb_cipher *cipher = job->cipher;
  uint8_t *payload = job->packet + job->header_len;
  uint8_t tag[SRTP_HMAC_BYTES] UNCLEARED;
  if (cipher->aead) {
    struct gcm_context_data context UNCLEARED;
    cipher->gcm_open(&cipher->gcm, &context, payload, payload, job->payload_len, job->iv, job->packet, job->header_len,
                     tag, cipher->tag_bytes);
    return CRYPTO_memcmp(tag, payload + job->payload_len, cipher->tag_bytes) ? SRTP_AUTH_FAILED : SRTP_OK;
  }
  srtp_hmac_packet(&cipher->hmac, job->packet, job->header_len + job->payload_len, job->roc, tag);
  if (CRYPTO_memcmp(tag, payload + job->payload_len, cipher->tag_bytes) != 0) return SRTP_AUTH_FAILED;
  return counter_mode(cipher, job->iv, payload, payload, job->payload_len);
}

static int hash_lanes(struct mb_library *library, const struct mb_hash *hashes, size_t count) {
  uint8_t tags[SRTP_BACKEND_BATCH][SRTP_HMAC_BYTES] UNCLEARED;
  for (size_t i = 0; i < count; i++) {
    const struct mb_hash *h = &hashes[i];
    /* The counter is hashed after the packet: it stands where the tag will. */
    const uint32_t roc = htobe32(h->roc);
    memcpy(h->packet + h->len, &roc, sizeof roc);
    IMB_JOB *job = &library->jobs[i];
    memset(job, 0, sizeof *job);
    job->src = h->packet;
    job->msg_len_to_hash_in_bytes = h->len + sizeof roc;
    job->auth_tag_output = tags[i];
    job->auth_tag_output_len_in_bytes = SRTP_HMAC_BYTES;
    job->u.HMAC._hashed_auth_key_xor_ipad = (const uint8_t *)h->cipher->hmac.inner;
    job->u.HMAC._hashed_auth_key_xor_opad = (const uint8_t *)h->cipher->hmac.outer;
    job->hash_alg = IMB_AUTH_HMAC_SHA_1;
    job->cipher_mode = IMB_CIPHER_NULL;
    job->chain_order = IMB_ORDER_HASH_CIPHER;
  }
  uint32_t done = IMB_SUBMIT_HASH_BURST_NOCHECK(library->mgr, library->jobs, (uint32_t)count, IMB_AUTH_HMAC_SHA_1);
  if (done != count) return SRTP_CRYPTO_ERROR;
  for (size_t i = 0; i < count; i++)
    memcpy(hashes[i].packet + hashes[i].len, tags[i], hashes[i].cipher->tag_bytes);
  return SRTP_OK;
}

/* Should the lanes ever fail, each is hashed by itself. */
static void finish(void *arg) {
  struct mb_library *library = arg;
  const size_t count = library->waiting_count;
  library->waiting_count = 0;
  if (count >= LANES_MIN && hash_lanes(library, library->waiting, count) == SRTP_OK) return;
  for (size_t i = 0; i < count; i++)
    hash_one(&library->waiting[i]);
}

static int seal_later(const struct srtp_seal_job *job) {
  const struct mb_cipher *cipher = job->cipher;
  struct mb_library *library = cipher->library;
  int rc = counter_mode(cipher, job->iv, job->payload, job->packet + job->header_len, job->payload_len);
  if (rc != SRTP_OK) return rc;
  library->waiting[library->waiting_count++] =
      (struct mb_hash){cipher, job->packet, job->header_len + job->payload_len, job->roc};
  if (library->waiting_count == SRTP_BACKEND_BATCH) finish(library);
  return SRTP_OK;
}

static int seal_cm_batch(void *arg, const struct srtp_seal_job *jobs, size_t count) {
  struct mb_library *library = arg;
  struct mb_hash hashes[SRTP_BACKEND_BATCH] UNCLEARED;
  size_t ciphered = 0;
  for (size_t i = 0; i < count; i++) {
    const struct srtp_seal_job *job = &jobs[i];
    hashes[i] = (struct mb_hash){job->cipher, job->packet, job->header_len + job->payload_len, job->roc};
    if (job->payload_len > 0)
      fill_counter_job(&library->jobs[ciphered++], job->cipher, job->iv, job->payload, job->packet + job->header_len,
                       job->payload_len);
  }
  int rc = ciphered ? run_counter_jobs(library, ciphered) : SRTP_OK;
  return rc == SRTP_OK ? hash_lanes(library, hashes, count) : rc;
}

const struct srtp_backend_ops srtp_backend_ipsec_mb = {
    .name = "ipsec-mb",
    .library_create = library_create,
    .library_free = library_free,
    .cipher_create = cipher_create,
    .cipher_free = cipher_free,
    .seal = seal,
    .open = open_packet,
    .seal_later = seal_later,
    .finish = finish,
    .seal_cm_batch = seal_cm_batch,
};
