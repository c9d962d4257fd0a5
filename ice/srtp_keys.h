/* ice/srtp_keys.h: from the block a DTLS handshake exports to the session keys of one direction, and the IVs.
 *
 * Sources: RFC 5764 §4.2 (block), RFC 3711 §4.3 (derivation), RFC 6188 (AES-256 derivation), RFC 7714 §11-12 (GCM),
 * RFC 3711 §4.1.1 and RFC 7714 §8.1 (IVs). Pure functions; the caller cleanses what it was given.
 */
#ifndef ICE_SRTP_KEYS_H
#define ICE_SRTP_KEYS_H

#include "ice/srtp_session.h"

/* The lengths of one profile: RFC 5764 §4.1.2, RFC 7714 §12 and §14.2. */
struct srtp_profile_info {
  enum srtp_profile profile;
  const char *name;
  size_t key_bytes, salt_bytes, tag_bytes;
  int aead;
};

struct srtp_master {
  uint8_t key[32];
  uint8_t salt[14]; /* RFC 7714 §11: a salt of 12 bytes is padded on the right with zeros */
};

struct srtp_session_keys {
  uint8_t cipher[32];
  uint8_t auth[20]; /* AES-CM only */
  uint8_t salt[14]; /* 14 bytes used by AES-CM, 12 by GCM */
};

/* RFC 3711 §4.3.2: "k_e ... <label> = 0x00", "k_a ... 0x01", "k_s ... 0x02"; for SRTCP 0x03, 0x04, 0x05. */
enum srtp_label {
  SRTP_LABEL_CIPHER = 0,
  SRTP_LABEL_AUTH = 1,
  SRTP_LABEL_SALT = 2,
  SRTCP_LABEL_CIPHER = 3,
  SRTCP_LABEL_AUTH = 4,
  SRTCP_LABEL_SALT = 5
};

const struct srtp_profile_info *srtp_profile_info(enum srtp_profile profile); /* NULL = unknown */

/* Splits the exported block: what `role` sends with, and what it receives with. SRTP_BAD_ARGUMENT on a wrong length. */
int srtp_keys_split(const struct srtp_profile_info *info, enum srtp_role role, const uint8_t *exported,
                    size_t exported_len, struct srtp_master *sending, struct srtp_master *receiving);

/* RFC 3711 §4.3.1 with key_derivation_rate 0: `len` bytes for one label. SRTP_OK or SRTP_CRYPTO_ERROR. */
int srtp_keys_derive(const struct srtp_master *master, size_t key_bytes, enum srtp_label label, uint8_t *out,
                     size_t len);

/* All keys of one direction, of SRTP and of SRTCP. */
int srtp_keys_derive_session(const struct srtp_profile_info *info, const struct srtp_master *master,
                             struct srtp_session_keys *keys);
int srtp_keys_derive_srtcp(const struct srtp_profile_info *info, const struct srtp_master *master,
                           struct srtp_session_keys *keys);

/* Writes the IV of one packet: 12 bytes for GCM, 16 for AES-CM. `iv` has room for 16. */
void srtp_keys_write_iv(int aead, const uint8_t salt[14], uint32_t ssrc, uint64_t index, uint8_t iv[16]);

#endif
