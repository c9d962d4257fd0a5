/* ice/srtp_session_internal.h: the structures that srtp_engine.c, srtp_session.c and srtp_seal.c share. */
#ifndef ICE_SRTP_SESSION_INTERNAL_H
#define ICE_SRTP_SESSION_INTERNAL_H

#include <endian.h>
#include <stdbool.h>
#include <string.h>

#include "ice/srtcp.h"
#include "ice/srtp_backend.h"
#include "ice/srtp_index.h"
#include "ice/srtp_session.h"

/* Packets of AES-CM sessions waiting to be sealed together; empty between calls of srtp_seal_batch(). */
struct srtp_pending {
  size_t count;
  struct srtp_seal *seals[SRTP_BACKEND_BATCH];
  struct srtp_seal_job jobs[SRTP_BACKEND_BATCH];
  uint8_t ivs[SRTP_BACKEND_BATCH][16];
};

struct srtp_engine {
  const struct srtp_backend_ops *ops;
  void *library;
  struct srtp_pending pending;
};

/* What sealing a packet needs, the session's included: a hundred receivers share a cache. */
struct srtp_sender {
  void *cipher;
  int (*seal)(const struct srtp_seal_job *job);
  uint64_t iv[2]; /* of index 0, as it lies in memory: salt and SSRC never change */
  bool aead;
  uint8_t tag_bytes;
  uint32_t ssrc;
  struct srtp_index index;
  struct srtp_session *session;
};

/* What was left unopened since the last authentic packet of an SSRC, and when the first of it came. */
struct srtp_unopened {
  uint32_t packets;
  int64_t since_us;
};

/* An SSRC that has sent an authentic packet. */
struct srtp_receiver {
  uint32_t ssrc;
  struct srtp_index index;
  struct srtp_unopened unopened;
};

struct srtp_session {
  struct srtp_engine *engine;
  const struct srtp_profile_info *info;
  void *seal_cipher, *open_cipher;
  uint8_t seal_salt[14], open_salt[14];
  struct srtcp *srtcp;
  struct srtp_sender **senders; /* grows by doubling, to SRTP_MAX_SENDERS */
  size_t sender_count, sender_cap;
  struct srtp_receiver *receivers; /* grows by doubling, to SRTP_MAX_RECEIVERS; nothing in it is secret */
  size_t receiver_count, receiver_cap, last_receiver;
};

/* The fixed part of RTP's header that SRTP looks at (RFC 3550 §5.1, §5.3.1). */
struct srtp_rtp_header {
  uint16_t seq;
  uint32_t ssrc;
  size_t bytes; /* fixed header, CSRCs and extension */
};

/* SRTP_MALFORMED when it isn't version 2 or the header alone is longer than `len`. */
static inline int srtp_rtp_header_parse(struct srtp_rtp_header *h, const uint8_t *p, size_t len) {
  uint16_t seq, words;
  uint32_t ssrc;
  if (len < 12 || p[0] >> 6 != 2) return SRTP_MALFORMED;
  size_t bytes = 12 + 4 * (size_t)(p[0] & 0x0f);
  if (p[0] & 0x10) {
    if (len < bytes + 4) return SRTP_MALFORMED;
    memcpy(&words, p + bytes + 2, sizeof words);
    bytes += 4 + 4 * (size_t)be16toh(words);
  }
  if (len < bytes) return SRTP_MALFORMED;
  memcpy(&seq, p + 2, sizeof seq);
  memcpy(&ssrc, p + 8, sizeof ssrc);
  h->seq = be16toh(seq);
  h->ssrc = be32toh(ssrc);
  h->bytes = bytes;
  return SRTP_OK;
}

#endif
