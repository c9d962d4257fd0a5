/* tests/ice/media_client.c: libsrtp2 sessions out of an exporter block. */
#include "tests/ice/media_client.h"

#include <string.h>

static void put32(uint8_t *p, uint32_t v) {
  for (int i = 0; i < 4; i++)
    p[i] = (uint8_t)(v >> (24 - 8 * i));
}

static srtp_t open_session(uint16_t profile, const uint8_t *key, size_t key_len, const uint8_t *salt, size_t salt_len,
                           srtp_ssrc_type_t direction) {
  uint8_t joined[64];
  srtp_policy_t policy;
  srtp_t session = NULL;
  memset(&policy, 0, sizeof(policy));
  if (profile == 7) {
    srtp_crypto_policy_set_aes_gcm_128_16_auth(&policy.rtp);
  } else if (profile == 8) {
    srtp_crypto_policy_set_aes_gcm_256_16_auth(&policy.rtp);
  } else {
    srtp_crypto_policy_set_rtp_default(&policy.rtp);
  }
  policy.rtcp = policy.rtp;
  memcpy(joined, key, key_len);
  memcpy(joined + key_len, salt, salt_len);
  policy.key = joined;
  policy.ssrc.type = direction;
  policy.window_size = 1024;
  static bool started;
  if (!started && srtp_init() != srtp_err_status_ok) return NULL;
  started = true;
  return srtp_create(&session, &policy) == srtp_err_status_ok ? session : NULL;
}

bool media_client_open(struct media_client *m, struct dtls_client *dtls) {
  uint8_t block[88];
  size_t len = 0;
  memset(m, 0, sizeof(*m));
  m->profile = dtls_client_export(dtls, block, &len);
  if (m->profile == 0) return false;
  const size_t key = m->profile == 8 ? 32 : 16, salt = m->profile == 1 ? 14 : 12;
  if (len != 2 * (key + salt)) return false;
  m->out = open_session(m->profile, block, key, block + 2 * key, salt, ssrc_any_outbound);
  m->in = open_session(m->profile, block + key, key, block + 2 * key + salt, salt, ssrc_any_inbound);
  return m->out != NULL && m->in != NULL;
}

void media_client_close(struct media_client *m) {
  if (m->out != NULL) srtp_dealloc(m->out);
  if (m->in != NULL) srtp_dealloc(m->in);
  memset(m, 0, sizeof(*m));
}

void write_rtp_header(uint8_t header[12], uint32_t ssrc, uint16_t seq) {
  memset(header, 0, 12);
  header[0] = 0x80;
  header[1] = 96;
  header[2] = (uint8_t)(seq >> 8);
  header[3] = (uint8_t)seq;
  put32(header + 8, ssrc);
}

size_t media_client_rtp(struct media_client *m, uint32_t ssrc, uint16_t seq, const void *payload, size_t len,
                        uint8_t *out) {
  int total = (int)(12 + len);
  write_rtp_header(out, ssrc, seq);
  memcpy(out + 12, payload, len);
  return srtp_protect(m->out, out, &total) == srtp_err_status_ok ? (size_t)total : 0;
}

size_t media_client_rtcp(struct media_client *m, uint32_t ssrc, uint8_t *out) {
  int total = 8;
  memcpy(out, (const uint8_t[]){0x80, 201, 0, 1}, 4);
  put32(out + 4, ssrc);
  return srtp_protect_rtcp(m->out, out, &total) == srtp_err_status_ok ? (size_t)total : 0;
}

size_t media_client_open_rtp(struct media_client *m, uint8_t *data, size_t len) {
  int total = (int)len;
  return srtp_unprotect(m->in, data, &total) == srtp_err_status_ok ? (size_t)total : 0;
}

size_t media_client_open_rtcp(struct media_client *m, uint8_t *data, size_t len) {
  int total = (int)len;
  return srtp_unprotect_rtcp(m->in, data, &total) == srtp_err_status_ok ? (size_t)total : 0;
}
