/* ice/srtp_hmac.h: HMAC-SHA1 of one packet with the key's two first blocks hashed beforehand (RFC 2104 §4).
 *
 * OpenSSL 3.0's EVP_MAC and EVP_MD allocate each time a keyed state is copied; the packet path may not allocate. */
#ifndef ICE_SRTP_HMAC_H
#define ICE_SRTP_HMAC_H

#include <stddef.h>
#include <stdint.h>

#define SRTP_HMAC_BYTES 20

struct srtp_hmac {
  uint32_t inner[5], outer[5]; /* SHA-1 chaining values after key XOR ipad, key XOR opad */
};

void srtp_hmac_init(struct srtp_hmac *h, const uint8_t *key, size_t key_len); /* key_len ≤ 64 */

/* RFC 3711 §4.2: the authenticated portion followed by the roll-over counter. */
void srtp_hmac_packet(const struct srtp_hmac *h, const uint8_t *packet, size_t len, uint32_t roc,
                      uint8_t tag[SRTP_HMAC_BYTES]);

#endif
