/* ice/srtcp.c: SRTCP on the SRTP back-ends. See srtcp.h.
 *
 *   AES-CM:   header (8) | ciphertext | E and index (4) | tag        HMAC over everything before the tag (RFC 3711 §3.4)
 *   AES-GCM:  header (8) | ciphertext | tag | E and index (4)        associated data: header, E and index (RFC 7714 §9.2)
 * The back-ends know "header | payload | tag" and a counter that is hashed last. For AES-CM that counter is E and index; for GCM the
 * word is put behind the header while the cipher runs.
 */
#include "ice/srtcp.h"

#include <openssl/crypto.h>
#include <string.h>

#include "ice/secret_memory.h"

/* RFC 3550 §6.4: common header and sender SSRC, the least an RTCP packet has; it stays in the clear. */
#define HEADER_BYTES       8
/* RFC 3711 §3.4: E-flag and SRTCP index. */
#define INDEX_BYTES        4
#define ENCRYPTED          0x80000000U
/* RFC 3711 §9.2: at most 2^31 SRTCP packets under one key. */
#define INDEX_LAST         0x7fffffffU
#define MAX_DATAGRAM_BYTES 2048
/* RFC 3711 §3.3.2: a replay window of at least 64 packets. */
#define WINDOW_PACKETS     64

struct received {
  uint32_t ssrc, highest;
  uint64_t window; /* bit n: highest - n was seen */
};

struct srtcp {
  const struct srtp_backend_ops *ops;
  const struct srtp_profile_info *info;
  void *seal_cipher, *open_cipher;
  uint8_t seal_salt[14], open_salt[14];
  uint32_t next_index;
  size_t received_count;
  struct received received[SRTP_MAX_RECEIVERS];
};

static int create_cipher(const struct srtcp *s, void *library, const struct srtp_master *master, int sealing,
                         void **cipher, uint8_t salt[14]) {
  struct srtp_session_keys keys;
  int rc = srtp_keys_derive_srtcp(s->info, master, &keys);
  if (rc == SRTP_OK) rc = s->ops->cipher_create(cipher, library, s->info, &keys, sealing);
  memcpy(salt, keys.salt, sizeof keys.salt);
  OPENSSL_cleanse(&keys, sizeof keys);
  return rc;
}

int srtcp_create(struct srtcp **out, const struct srtp_backend_ops *ops, void *library,
                 const struct srtp_profile_info *info, const struct srtp_master *sending,
                 const struct srtp_master *receiving) {
  struct srtcp *s = secret_memory_alloc(sizeof *s);
  if (s == NULL) return SRTP_NO_MEMORY;
  s->ops = ops;
  s->info = info;
  int rc = create_cipher(s, library, sending, 1, &s->seal_cipher, s->seal_salt);
  if (rc == SRTP_OK) rc = create_cipher(s, library, receiving, 0, &s->open_cipher, s->open_salt);
  if (rc != SRTP_OK) {
    srtcp_free(s);
    return rc;
  }
  *out = s;
  return SRTP_OK;
}

void srtcp_free(struct srtcp *s) {
  if (s == NULL) return;
  s->ops->cipher_free(s->seal_cipher);
  s->ops->cipher_free(s->open_cipher);
  secret_memory_free(s, sizeof *s);
}

static uint32_t get32(const uint8_t *p) {
  return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static void put32(uint8_t *p, uint32_t v) {
  for (int i = 0; i < 4; i++)
    p[i] = (uint8_t)(v >> (24 - 8 * i));
}

/* ---- out ---- */

int srtcp_seal(struct srtcp *s, const uint8_t *packet, size_t len, uint8_t *out, size_t cap) {
  if (len < HEADER_BYTES || len > MAX_DATAGRAM_BYTES || packet[0] >> 6 != 2 || len % 4 != 0) return SRTP_MALFORMED;
  const size_t tag_bytes = s->info->tag_bytes, sealed = len + tag_bytes + INDEX_BYTES;
  if (cap < sealed) return SRTP_NO_SPACE;
  if (s->next_index > INDEX_LAST) return SRTP_KEY_EXPIRED;
  const uint32_t index = s->next_index++, word = ENCRYPTED | index;
  uint8_t iv[16];
  srtp_keys_write_iv(s->info->aead, s->seal_salt, get32(packet + 4), index, iv);
  memcpy(out, packet, HEADER_BYTES);
  const size_t header_len = s->info->aead ? HEADER_BYTES + INDEX_BYTES : HEADER_BYTES;
  if (s->info->aead) put32(out + HEADER_BYTES, word);
  const struct srtp_seal_job job = {
      .cipher = s->seal_cipher,
      .iv = iv,
      .payload = packet + HEADER_BYTES,
      .payload_len = len - HEADER_BYTES,
      .packet = out,
      .header_len = header_len,
      .roc = word,
  };
  int rc = s->ops->seal(&job);
  if (rc != SRTP_OK) return rc;
  if (s->info->aead) {
    memmove(out + HEADER_BYTES, out + header_len, job.payload_len + tag_bytes);
    put32(out + sealed - INDEX_BYTES, word);
  } else {
    memmove(out + len + INDEX_BYTES, out + len, tag_bytes);
    put32(out + len, word);
  }
  return (int)sealed;
}

/* ---- in ---- */

static struct received *find_received(struct srtcp *s, uint32_t ssrc) {
  for (size_t i = 0; i < s->received_count; i++)
    if (s->received[i].ssrc == ssrc) return &s->received[i];
  return NULL;
}

static int check_index(const struct received *r, uint32_t index) {
  if (r == NULL || index > r->highest) return SRTP_OK;
  if (r->highest - index >= WINDOW_PACKETS) return SRTP_TOO_OLD;
  return r->window >> (r->highest - index) & 1 ? SRTP_REPLAYED : SRTP_OK;
}

static void note_index(struct received *r, uint32_t index) {
  if (index > r->highest) {
    uint32_t step = index - r->highest;
    r->window = step < WINDOW_PACKETS ? r->window << step : 0;
    r->highest = index;
  }
  r->window |= UINT64_C(1) << (r->highest - index);
}

__attribute__((noinline)) int srtcp_open(struct srtcp *s, uint8_t *packet, size_t len) {
  const size_t tag_bytes = s->info->tag_bytes;
  if (len < HEADER_BYTES + INDEX_BYTES + tag_bytes || len > MAX_DATAGRAM_BYTES || packet[0] >> 6 != 2)
    return SRTP_MALFORMED;
  const size_t plain = len - INDEX_BYTES - tag_bytes;
  const uint32_t ssrc = get32(packet + 4), word = get32(packet + (s->info->aead ? len - INDEX_BYTES : plain));
  const uint32_t index = word & ~ENCRYPTED;
  if (!(word & ENCRYPTED)) return SRTP_AUTH_FAILED; /* all profiles of RFC 5764 and RFC 7714 encrypt SRTCP */
  struct received *received = find_received(s, ssrc);
  if (received == NULL && s->received_count == SRTP_MAX_RECEIVERS) return SRTP_SSRC_LIMIT;
  int rc = check_index(received, index);
  if (rc != SRTP_OK) return rc;

  uint8_t iv[16];
  srtp_keys_write_iv(s->info->aead, s->open_salt, ssrc, index, iv);
  const size_t header_len = s->info->aead ? HEADER_BYTES + INDEX_BYTES : HEADER_BYTES;
  if (s->info->aead) {
    memmove(packet + header_len, packet + HEADER_BYTES, plain - HEADER_BYTES + tag_bytes);
    put32(packet + HEADER_BYTES, word);
  } else {
    memmove(packet + plain, packet + plain + INDEX_BYTES, tag_bytes);
  }
  const struct srtp_open_job job = {
      .cipher = s->open_cipher,
      .iv = iv,
      .packet = packet,
      .header_len = header_len,
      .payload_len = plain - HEADER_BYTES,
      .roc = word,
  };
  rc = s->ops->open(&job);
  if (rc != SRTP_OK) return rc;
  if (s->info->aead) memmove(packet + HEADER_BYTES, packet + header_len, plain - HEADER_BYTES);
  if (received == NULL) {
    received = &s->received[s->received_count++];
    *received = (struct received){.ssrc = ssrc, .highest = index};
  }
  note_index(received, index);
  return (int)plain;
}
