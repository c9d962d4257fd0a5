/* ice/srtcp.c: SRTCP by libsrtp2. See srtcp.h. */
#include "ice/srtcp.h"

#include <openssl/crypto.h>
#include <srtp2/srtp.h>
#include <stdlib.h>
#include <string.h>

/* RFC 3550 §6.4: common header and sender SSRC, the least an RTCP packet has. */
#define RTCP_MIN_BYTES     8
/* RFC 3711 §3.4: E-flag and SRTCP index, before the tag (AES-CM) or after it (GCM). */
#define SRTCP_INDEX_BYTES  4
#define MAX_DATAGRAM_BYTES 2048

struct srtcp {
  srtp_t in, out;
  size_t tag_bytes;
  size_t in_count, out_count;
  uint32_t in_ssrcs[SRTP_MAX_RECEIVERS];
  uint32_t out_ssrcs[SRTP_MAX_SENDERS];
};

static int library_users;

int srtcp_library_acquire(void) {
  if (library_users == 0 && srtp_init() != srtp_err_status_ok) return SRTP_UNAVAILABLE;
  library_users++;
  return SRTP_OK;
}

void srtcp_library_release(void) {
  if (--library_users == 0) (void)srtp_shutdown();
}

static int status_of(srtp_err_status_t err) {
  switch (err) {
    case srtp_err_status_ok:
      return SRTP_OK;
    case srtp_err_status_auth_fail:
    case srtp_err_status_cant_check:
      return SRTP_AUTH_FAILED;
    case srtp_err_status_replay_fail:
      return SRTP_REPLAYED;
    case srtp_err_status_replay_old:
      return SRTP_TOO_OLD;
    case srtp_err_status_key_expired:
      return SRTP_KEY_EXPIRED;
    case srtp_err_status_alloc_fail:
      return SRTP_NO_MEMORY;
    case srtp_err_status_bad_param:
    case srtp_err_status_parse_err:
      return SRTP_MALFORMED;
    default:
      return SRTP_CRYPTO_ERROR;
  }
}

static int open_context(srtp_t *out, const struct srtp_profile_info *info, const struct srtp_master *master,
                        srtp_ssrc_type_t direction) {
  uint8_t key[32 + 14];
  srtp_policy_t policy;
  memset(&policy, 0, sizeof policy);
  if (!info->aead)
    srtp_crypto_policy_set_rtp_default(&policy.rtp);
  else if (info->key_bytes == 32)
    srtp_crypto_policy_set_aes_gcm_256_16_auth(&policy.rtp);
  else
    srtp_crypto_policy_set_aes_gcm_128_16_auth(&policy.rtp);
  policy.rtcp = policy.rtp;
  memcpy(key, master->key, info->key_bytes);
  memcpy(key + info->key_bytes, master->salt, info->salt_bytes);
  policy.key = key;
  policy.ssrc.type = direction;
  policy.window_size = SRTP_WINDOW_PACKETS;
  int rc = status_of(srtp_create(out, &policy));
  OPENSSL_cleanse(key, sizeof key);
  return rc;
}

int srtcp_create(struct srtcp **out, const struct srtp_profile_info *info, const struct srtp_master *sending,
                 const struct srtp_master *receiving) {
  struct srtcp *s = calloc(1, sizeof *s);
  if (s == NULL) return SRTP_NO_MEMORY;
  s->tag_bytes = info->tag_bytes;
  int rc = open_context(&s->out, info, sending, ssrc_any_outbound);
  if (rc == SRTP_OK) rc = open_context(&s->in, info, receiving, ssrc_any_inbound);
  if (rc != SRTP_OK) {
    srtcp_free(s);
    return rc;
  }
  *out = s;
  return SRTP_OK;
}

void srtcp_free(struct srtcp *s) {
  if (s == NULL) return;
  if (s->in) (void)srtp_dealloc(s->in);
  if (s->out) (void)srtp_dealloc(s->out);
  free(s);
}

static int known(const uint32_t *ssrcs, size_t count, uint32_t ssrc) {
  for (size_t i = 0; i < count; i++)
    if (ssrcs[i] == ssrc) return 1;
  return 0;
}

static uint32_t sender_ssrc(const uint8_t *p) {
  return (uint32_t)p[4] << 24 | (uint32_t)p[5] << 16 | (uint32_t)p[6] << 8 | p[7];
}

int srtcp_seal(struct srtcp *s, const uint8_t *packet, size_t len, uint8_t *out, size_t cap) {
  if (len < RTCP_MIN_BYTES || len > MAX_DATAGRAM_BYTES || packet[0] >> 6 != 2 || len % 4 != 0) return SRTP_MALFORMED;
  if (cap < len + s->tag_bytes + SRTCP_INDEX_BYTES) return SRTP_NO_SPACE;
  uint32_t ssrc = sender_ssrc(packet);
  int is_new = !known(s->out_ssrcs, s->out_count, ssrc);
  if (is_new && s->out_count == SRTP_MAX_SENDERS) return SRTP_SSRC_LIMIT;
  memcpy(out, packet, len);
  int n = (int)len;
  int rc = status_of(srtp_protect_rtcp(s->out, out, &n));
  if (rc != SRTP_OK) return rc;
  if (is_new) s->out_ssrcs[s->out_count++] = ssrc;
  return n;
}

int srtcp_open(struct srtcp *s, uint8_t *packet, size_t len) {
  if (len < RTCP_MIN_BYTES + SRTCP_INDEX_BYTES + s->tag_bytes || len > MAX_DATAGRAM_BYTES || packet[0] >> 6 != 2)
    return SRTP_MALFORMED;
  uint32_t ssrc = sender_ssrc(packet);
  int is_new = !known(s->in_ssrcs, s->in_count, ssrc);
  if (is_new && s->in_count == SRTP_MAX_RECEIVERS) return SRTP_SSRC_LIMIT;
  int n = (int)len;
  int rc = status_of(srtp_unprotect_rtcp(s->in, packet, &n));
  if (rc != SRTP_OK) return rc;
  if (is_new) s->in_ssrcs[s->in_count++] = ssrc;
  return n;
}
