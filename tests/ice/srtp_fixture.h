/* tests/ice/srtp_fixture.h: keys, packets and the oracle (libsrtp2) for the tests of SRTP. */
#ifndef TESTS_ICE_SRTP_FIXTURE_H
#define TESTS_ICE_SRTP_FIXTURE_H

/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
/* clang-format on */
#include <srtp2/srtp.h>
#include <stdbool.h>
#include <string.h>

#include "ice/srtp_keys.h"
#include "ice/srtp_session.h"

static const enum srtp_profile all_profiles[] = {SRTP_PROFILE_AEAD_AES_128_GCM, SRTP_PROFILE_AEAD_AES_256_GCM,
                                                 SRTP_PROFILE_AES128_CM_SHA1_80};
#ifdef ICE_HAVE_IPSEC_MB
static const enum srtp_backend all_backends[] = {SRTP_BACKEND_EVP, SRTP_BACKEND_IPSEC_MB};
#else
static const enum srtp_backend all_backends[] = {SRTP_BACKEND_EVP};
#endif
#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* A seeded generator (xorshift64*), so that every failure repeats. */
static inline uint32_t next_random(uint64_t *state) {
  *state ^= *state >> 12;
  *state ^= *state << 25;
  *state ^= *state >> 27;
  return (uint32_t)((*state * UINT64_C(2685821657736338717)) >> 32);
}

static inline void fill_random(uint64_t *state, uint8_t *at, size_t len) {
  for (size_t i = 0; i < len; i++)
    at[i] = (uint8_t)next_random(state);
}

/* An RTP header with `csrcs` CSRCs and, when `words` ≥ 0, an extension of that many words. Returns its length. */
static inline size_t write_header(uint8_t *p, uint32_t ssrc, uint16_t seq, int csrcs, int words) {
  size_t n = 12 + 4 * (size_t)csrcs;
  memset(p, 0, n);
  p[0] = (uint8_t)(0x80 | csrcs | (words >= 0 ? 0x10 : 0));
  p[1] = 96;
  p[2] = (uint8_t)(seq >> 8);
  p[3] = (uint8_t)seq;
  p[4] = 0x11;
  for (int i = 0; i < 4; i++)
    p[8 + i] = (uint8_t)(ssrc >> (24 - 8 * i));
  for (size_t i = 12; i < n; i++)
    p[i] = (uint8_t)i;
  if (words < 0) return n;
  p[n] = 0xbe;
  p[n + 1] = 0xde;
  p[n + 2] = (uint8_t)(words >> 8);
  p[n + 3] = (uint8_t)words;
  for (size_t i = 0; i < 4 * (size_t)words; i++)
    p[n + 4 + i] = (uint8_t)(0x30 + i);
  return n + 4 + 4 * (size_t)words;
}

/* Both ends of one association and, with the same keys, the oracle in the client's place. */
struct pair {
  struct srtp_engine *engine;
  struct srtp_session *server, *client;
  srtp_t oracle_out, oracle_in; /* what the client would send with, and receive with */
  uint8_t exported[SRTP_MAX_EXPORTED_BYTES];
};

static inline srtp_t open_oracle(const struct srtp_profile_info *info, const struct srtp_master *m,
                                 srtp_ssrc_type_t direction) {
  uint8_t key[46];
  srtp_policy_t policy;
  srtp_t oracle = NULL;
  static bool started;
  if (!started) assert_int_equal(srtp_init(), srtp_err_status_ok);
  started = true;
  memset(&policy, 0, sizeof policy);
  if (!info->aead)
    srtp_crypto_policy_set_rtp_default(&policy.rtp);
  else if (info->key_bytes == 32)
    srtp_crypto_policy_set_aes_gcm_256_16_auth(&policy.rtp);
  else
    srtp_crypto_policy_set_aes_gcm_128_16_auth(&policy.rtp);
  policy.rtcp = policy.rtp;
  memcpy(key, m->key, info->key_bytes);
  memcpy(key + info->key_bytes, m->salt, info->salt_bytes);
  policy.key = key;
  policy.ssrc.type = direction;
  policy.window_size = SRTP_WINDOW_PACKETS;
  assert_int_equal(srtp_create(&oracle, &policy), srtp_err_status_ok);
  return oracle;
}

static inline void pair_open(struct pair *p, enum srtp_backend backend, enum srtp_profile profile) {
  const struct srtp_profile_info *info = srtp_profile_info(profile);
  struct srtp_master sending, receiving;
  uint64_t seed = 0x5eed + (uint64_t)profile;
  size_t len = srtp_profile_exported_bytes(profile);
  memset(p, 0, sizeof *p);
  fill_random(&seed, p->exported, len);
  assert_int_equal(srtp_engine_create(&p->engine, backend), SRTP_OK);
  assert_int_equal(srtp_session_create(&p->server, p->engine, profile, SRTP_ROLE_SERVER, p->exported, len), SRTP_OK);
  assert_int_equal(srtp_session_create(&p->client, p->engine, profile, SRTP_ROLE_CLIENT, p->exported, len), SRTP_OK);
  assert_int_equal(srtp_keys_split(info, SRTP_ROLE_CLIENT, p->exported, len, &sending, &receiving), SRTP_OK);
  p->oracle_out = open_oracle(info, &sending, ssrc_any_outbound);
  p->oracle_in = open_oracle(info, &receiving, ssrc_any_inbound);
}

static inline void pair_close(struct pair *p) {
  srtp_dealloc(p->oracle_out);
  srtp_dealloc(p->oracle_in);
  srtp_session_free(p->server);
  srtp_session_free(p->client);
  srtp_engine_free(p->engine);
}

/* Runs `body` for every profile on every back-end. */
static inline void for_each_pair(void (*body)(struct pair *p)) {
  for (size_t b = 0; b < COUNT(all_backends); b++) {
    for (size_t i = 0; i < COUNT(all_profiles); i++) {
      struct pair p;
      pair_open(&p, all_backends[b], all_profiles[i]);
      body(&p);
      pair_close(&p);
    }
  }
}

/* Seals `payload` under `seq` on `sender`; no CSRC, no extension. Returns srtp_seal_packet()'s result. */
/* NOLINTNEXTLINE(readability-non-const-parameter): it is written through the structure */
static inline int seal_simple(struct srtp_sender *sender, uint16_t seq, const void *payload, size_t len, uint8_t *out,
                              size_t cap) {
  uint8_t header[12];
  struct srtp_seal seal = {.sender = sender, .header = header, .payload = payload, .payload_len = len, .out = out};
  seal.header_len = write_header(header, srtp_sender_ssrc(sender), seq, 0, -1);
  seal.cap = cap;
  return srtp_seal_packet(&seal);
}

#endif
