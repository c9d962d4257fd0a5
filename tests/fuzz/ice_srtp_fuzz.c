/* tests/fuzz/ice_srtp_fuzz.c: hostile SRTP and SRTCP into a session whose keys are known.
 *
 * Input: a selector byte (bits 0-1 profile, bit 2 back-end), then records of a kind byte, a length byte pair and that many
 * bytes: kind bit 0: the bytes are opened as they are, else they are sealed by the peer first (so that what lies behind
 * the authentication is reached); bit 1: RTCP. What was sealed must open to the same bytes, and not a second time. */
#include <stdlib.h>
#include <string.h>

#include "ice/srtp_session.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const enum srtp_profile profiles[] = {SRTP_PROFILE_AEAD_AES_128_GCM, SRTP_PROFILE_AES128_CM_SHA1_80,
                                             SRTP_PROFILE_AEAD_AES_256_GCM, SRTP_PROFILE_AEAD_AES_128_GCM};

static void open_sealed(struct srtp_session *ours, uint8_t *packet, int len, const uint8_t *plain, int plain_len) {
  uint8_t again[2048];
  memcpy(again, packet, (size_t)len);
  int opened = srtp_session_open_rtp(ours, packet, (size_t)len);
  /* Sequence numbers may jump such that the two ends disagree about the roll-over counter; nothing else may fail. */
  if (opened < 0) return;
  if (opened != plain_len || memcmp(packet, plain, (size_t)plain_len) != 0) abort();
  if (srtp_session_open_rtp(ours, again, (size_t)len) >= 0) abort();
}

static void seal_then_open(struct srtp_session *ours, struct srtp_session *peer, const uint8_t *p, size_t len) {
  uint8_t out[2048];
  if (len < 12) return;
  size_t header_len = 12 + 4 * (size_t)(p[0] & 0x0f);
  if ((p[0] & 0x10) && len >= header_len + 4)
    header_len += 4 + 4 * ((size_t)p[header_len + 2] << 8 | p[header_len + 3]);
  if (header_len > len) return;
  struct srtp_seal seal = {.header = p,
                           .header_len = header_len,
                           .payload = p + header_len,
                           .payload_len = len - header_len,
                           .out = out,
                           .cap = sizeof out};
  uint32_t ssrc = (uint32_t)p[8] << 24 | (uint32_t)p[9] << 16 | (uint32_t)p[10] << 8 | p[11];
  if (srtp_sender_open(&seal.sender, peer, ssrc) != SRTP_OK) return;
  int n = srtp_seal_packet(&seal);
  if (n < 0) return;
  open_sealed(ours, out, n, p, (int)len);
}

static void run(struct srtp_session *ours, struct srtp_session *peer, const uint8_t *data, size_t size) {
  uint8_t packet[2048], sealed[2048];
  while (size >= 3) {
    uint8_t kind = data[0];
    size_t len = ((size_t)data[1] << 8 | data[2]) % 1500;
    data += 3;
    size -= 3;
    if (len > size) len = size;
    memcpy(packet, data, len);
    if (kind & 2) {
      int n = (kind & 1) ? -1 : srtp_session_seal_rtcp(peer, packet, len, sealed, sizeof sealed);
      if (n > 0 && srtp_session_open_rtcp(ours, sealed, (size_t)n) > (int)len) abort();
      (void)srtp_session_open_rtcp(ours, packet, len);
    } else if (kind & 1) {
      if (srtp_session_open_rtp(ours, packet, len) >= 0) abort(); /* a forgery */
    } else {
      seal_then_open(ours, peer, packet, len);
    }
    data += len;
    size -= len;
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static struct srtp_engine *engines[2];
  uint8_t exported[SRTP_MAX_EXPORTED_BYTES];
  struct srtp_session *ours = NULL, *peer = NULL;
  if (engines[0] == NULL && (srtp_engine_create(&engines[0], SRTP_BACKEND_AUTO) != SRTP_OK ||
                             srtp_engine_create(&engines[1], SRTP_BACKEND_EVP) != SRTP_OK))
    abort();
  if (size < 1) return 0;
  enum srtp_profile profile = profiles[data[0] & 3];
  struct srtp_engine *engine = engines[data[0] >> 2 & 1];
  for (size_t i = 0; i < sizeof exported; i++)
    exported[i] = (uint8_t)(i * 5 + 1);
  size_t n = srtp_profile_exported_bytes(profile);
  if (srtp_session_create(&ours, engine, profile, SRTP_ROLE_SERVER, exported, n) != SRTP_OK ||
      srtp_session_create(&peer, engine, profile, SRTP_ROLE_CLIENT, exported, n) != SRTP_OK)
    abort();
  run(ours, peer, data + 1, size - 1);
  srtp_session_free(ours);
  srtp_session_free(peer);
  return 0;
}
