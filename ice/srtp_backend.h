/* ice/srtp_backend.h: what a cryptographic library must do for the SRTP packet path; two libraries do it.
 *
 * Back-ends know keys, IVs and bytes; indices, windows and headers stay in srtp_session.c. A packet is
 *   header (authenticated only) | payload (encrypted) | tag
 * Sources: RFC 7714 §8-9 (GCM: the header is the associated data), RFC 3711 §4.2 (HMAC over packet || ROC).
 */
#ifndef ICE_SRTP_BACKEND_H
#define ICE_SRTP_BACKEND_H

#include "ice/srtp_keys.h"

/* One packet to encrypt. `packet` starts with the header, already in place, and has room for payload and tag. */
struct srtp_seal_job {
  void *cipher;
  const uint8_t *iv;      /* 12 bytes for GCM, 16 for AES-CM */
  const uint8_t *payload; /* plaintext: elsewhere, or already at packet + header_len */
  size_t payload_len;
  uint8_t *packet;
  size_t header_len;
  uint32_t roc;
};

/* One packet to verify and decrypt in place; payload_len is without the tag. */
struct srtp_open_job {
  void *cipher;
  const uint8_t *iv;
  uint8_t *packet;
  size_t header_len;
  size_t payload_len;
  uint32_t roc;
};

struct srtp_backend_ops {
  const char *name;
  /* Process-wide state of the library; SRTP_UNAVAILABLE when this CPU cannot run it. */
  int (*library_create)(void **library);
  void (*library_free)(void *library);
  /* Keyed state of one direction of one session. */
  int (*cipher_create)(void **cipher, void *library, const struct srtp_profile_info *info,
                       const struct srtp_session_keys *keys, int sealing);
  void (*cipher_free)(void *cipher);
  /* SRTP_OK or SRTP_CRYPTO_ERROR. */
  int (*seal)(const struct srtp_seal_job *job);
  /* SRTP_OK, SRTP_AUTH_FAILED or SRTP_CRYPTO_ERROR. */
  int (*open)(const struct srtp_open_job *job);
  /* Both NULL, or: encrypts a packet of an AES-CM session now and authenticates it together with others, at the latest in finish():
   * until then its last `tag_bytes` are not written, and the packet must stay where it is. Freeing a cipher finishes, too. */
  int (*seal_later)(const struct srtp_seal_job *job);
  void (*finish)(void *library);
  /* NULL, or: seals up to SRTP_BACKEND_BATCH packets of AES-CM sessions together. All or nothing. */
  int (*seal_cm_batch)(void *library, const struct srtp_seal_job *jobs, size_t count);
};

/* As many lanes as AVX-512 multi-buffer SHA-1 has, twice. */
#define SRTP_BACKEND_BATCH 32

extern const struct srtp_backend_ops srtp_backend_evp;
#ifdef ICE_HAVE_IPSEC_MB
extern const struct srtp_backend_ops srtp_backend_ipsec_mb;
#endif

#endif
