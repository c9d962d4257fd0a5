/* ice/srtp_session.c: keys, incoming packets and senders of one peer's SRTP. See srtp_session.h; sealing is srtp_seal.c. */
#include "ice/srtp_session.h"

#include <openssl/crypto.h>
#include <stdlib.h>

#include "ice/cache_line.h"
#include "ice/secret_memory.h"
#include "ice/srtp_session_internal.h"

/* A microphone, a camera and its repairs: most have no more. */
#define FIRST_RECEIVERS 4

static int create_cipher(struct srtp_session *s, const struct srtp_master *master, int sealing, void **cipher,
                         uint8_t salt[14]) {
  struct srtp_session_keys keys;
  int rc = srtp_keys_derive_session(s->info, master, &keys);
  if (rc == SRTP_OK) rc = s->engine->ops->cipher_create(cipher, s->engine->library, s->info, &keys, sealing);
  for (size_t i = 0; i < sizeof keys.salt; i++)
    salt[i] = keys.salt[i];
  OPENSSL_cleanse(&keys, sizeof keys);
  return rc;
}

int srtp_session_create(struct srtp_session **out, struct srtp_engine *engine, enum srtp_profile profile,
                        enum srtp_role role, const uint8_t *exported, size_t exported_len) {
  const struct srtp_profile_info *info = srtp_profile_info(profile);
  struct srtp_master sending, receiving;
  if (info == NULL || exported_len != srtp_profile_exported_bytes(profile)) return SRTP_BAD_ARGUMENT;
  struct srtp_session *s = secret_memory_alloc(sizeof *s);
  if (s == NULL) return SRTP_NO_MEMORY;
  s->engine = engine;
  s->info = info;
  int rc = srtp_keys_split(info, role, exported, exported_len, &sending, &receiving);
  if (rc == SRTP_OK) rc = create_cipher(s, &sending, 1, &s->seal_cipher, s->seal_salt);
  if (rc == SRTP_OK) rc = create_cipher(s, &receiving, 0, &s->open_cipher, s->open_salt);
  if (rc == SRTP_OK) rc = srtcp_create(&s->srtcp, engine->ops, engine->library, info, &sending, &receiving);
  OPENSSL_cleanse(&sending, sizeof sending);
  OPENSSL_cleanse(&receiving, sizeof receiving);
  if (rc != SRTP_OK) {
    srtp_session_free(s);
    return rc;
  }
  *out = s;
  return SRTP_OK;
}

static void free_sender(struct srtp_sender *sender) {
  OPENSSL_cleanse(sender->iv, sizeof sender->iv); /* the salt is in it */
  free(sender);
}

void srtp_session_free(struct srtp_session *s) {
  if (s == NULL) return;
  s->engine->ops->cipher_free(s->seal_cipher);
  s->engine->ops->cipher_free(s->open_cipher);
  srtcp_free(s->srtcp);
  for (size_t i = 0; i < s->sender_count; i++)
    free_sender(s->senders[i]);
  free((void *)s->senders);
  free(s->receivers);
  secret_memory_free(s, sizeof *s);
}

enum srtp_profile srtp_session_profile(const struct srtp_session *s) {
  return s->info->profile;
}

__attribute__((noinline)) static struct srtp_receiver *search_receiver(struct srtp_session *s, uint32_t ssrc) {
  for (size_t i = 0; i < s->receiver_count; i++) {
    if (s->receivers[i].ssrc != ssrc) continue;
    s->last_receiver = i;
    return &s->receivers[i];
  }
  return NULL;
}

/* Finds the receiver of `ssrc`; NULL when there is none. Packets come in bursts of one SSRC: try the last one first. */
static struct srtp_receiver *find_receiver(struct srtp_session *s, uint32_t ssrc) {
  if (s->last_receiver < s->receiver_count && s->receivers[s->last_receiver].ssrc == ssrc)
    return &s->receivers[s->last_receiver];
  return search_receiver(s, ssrc);
}

/* Room for one more: SRTP_OK, SRTP_SSRC_LIMIT, SRTP_NO_MEMORY. */
__attribute__((cold, noinline)) static int grow_receivers(struct srtp_session *s) {
  if (s->receiver_count < s->receiver_cap) return SRTP_OK;
  if (s->receiver_count == SRTP_MAX_RECEIVERS) return SRTP_SSRC_LIMIT;
  const size_t cap = s->receiver_cap ? 2 * s->receiver_cap : FIRST_RECEIVERS;
  struct srtp_receiver *grown = realloc(s->receivers, cap * sizeof *grown);
  if (grown == NULL) return SRTP_NO_MEMORY;
  s->receivers = grown;
  s->receiver_cap = cap;
  return SRTP_OK;
}

__attribute__((cold, noinline)) static struct srtp_receiver *add_receiver(struct srtp_session *s, uint32_t ssrc) {
  s->last_receiver = s->receiver_count++;
  s->receivers[s->last_receiver] = (struct srtp_receiver){.ssrc = ssrc};
  return &s->receivers[s->last_receiver];
}

__attribute__((noinline)) bool srtp_session_may_skip(struct srtp_session *s, const uint8_t *packet, size_t len,
                                                     int64_t now_us) {
  struct srtp_rtp_header header;
  if (srtp_rtp_header_parse(&header, packet, len) != SRTP_OK || len < header.bytes + s->info->tag_bytes) return false;
  struct srtp_receiver *receiver = find_receiver(s, header.ssrc);
  if (receiver == NULL) return false;
  const int16_t step = (int16_t)(uint16_t)(header.seq - (uint16_t)receiver->index.highest);
  if (step > SRTP_SAMPLE_MAX_STEP || step < -SRTP_SAMPLE_MAX_STEP) return false;
  struct srtp_unopened *unopened = &receiver->unopened;
  if (unopened->packets == 0) unopened->since_us = now_us;
  if (unopened->packets == SRTP_SAMPLE_PACKETS - 1 || now_us - unopened->since_us >= SRTP_SAMPLE_US) return false;
  unopened->packets++;
  return true;
}

int srtp_session_open_rtp(struct srtp_session *s, uint8_t *packet, size_t len) {
  static const struct srtp_index fresh;
  struct srtp_rtp_header header;
  size_t tag_bytes = s->info->tag_bytes;
  if (len > INT32_MAX || srtp_rtp_header_parse(&header, packet, len) != SRTP_OK || len < header.bytes + tag_bytes)
    return SRTP_MALFORMED;
  struct srtp_receiver *receiver = find_receiver(s, header.ssrc);
  const struct srtp_index *known = receiver ? &receiver->index : &fresh;
  int rc = receiver ? SRTP_OK : grow_receivers(s);
  if (rc != SRTP_OK) return rc;

  const bool next = srtp_index_is_next(known, header.seq);
  int64_t index = next ? (int64_t)(known->highest + 1) : srtp_index_estimate(known, header.seq);
  if (index < 0) return (int)index;
  rc = next ? SRTP_OK : srtp_index_check(known, (uint64_t)index);
  if (rc != SRTP_OK) return rc;

  uint8_t iv[16];
  srtp_keys_write_iv(s->info->aead, s->open_salt, header.ssrc, (uint64_t)index, iv);
  struct srtp_open_job job = {
      .cipher = s->open_cipher,
      .iv = iv,
      .packet = packet,
      .header_len = header.bytes,
      .payload_len = len - header.bytes - tag_bytes,
      .roc = (uint32_t)(index >> 16),
  };
  rc = s->engine->ops->open(&job);
  if (rc != SRTP_OK) return rc;
  /* Only an authenticated packet changes anything (RFC 3711 §3.3, step 7). */
  if (receiver == NULL) receiver = add_receiver(s, header.ssrc);
  if (next)
    srtp_index_move(&receiver->index);
  else
    srtp_index_commit(&receiver->index, (uint64_t)index);
  receiver->unopened.packets = 0;
  return (int)(len - tag_bytes);
}

int srtp_session_open_rtcp(struct srtp_session *s, uint8_t *packet, size_t len) {
  return srtcp_open(s->srtcp, packet, len);
}

int srtp_session_seal_rtcp(struct srtp_session *s, const uint8_t *packet, size_t len, uint8_t *out, size_t cap) {
  return srtcp_seal(s->srtcp, packet, len, out, cap);
}

static int grow_senders(struct srtp_session *s) {
  if (s->sender_count < s->sender_cap) return SRTP_OK;
  if (s->sender_count == SRTP_MAX_SENDERS) return SRTP_SSRC_LIMIT;
  size_t cap = s->sender_cap ? 2 * s->sender_cap : 16;
  struct srtp_sender **grown = (struct srtp_sender **)realloc((void *)s->senders, cap * sizeof(struct srtp_sender *));
  if (grown == NULL) return SRTP_NO_MEMORY;
  s->senders = grown;
  s->sender_cap = cap;
  return SRTP_OK;
}

int srtp_sender_open(struct srtp_sender **out, struct srtp_session *s, uint32_t ssrc) {
  for (size_t i = 0; i < s->sender_count; i++) {
    if (s->senders[i]->ssrc != ssrc) continue;
    *out = s->senders[i];
    return SRTP_OK;
  }
  int rc = grow_senders(s);
  if (rc != SRTP_OK) return rc;
  struct srtp_sender *sender = cache_line_alloc(sizeof *sender);
  if (sender == NULL) return SRTP_NO_MEMORY;
  sender->session = s;
  sender->cipher = s->seal_cipher;
  const struct srtp_backend_ops *ops = s->engine->ops;
  sender->seal = !s->info->aead && ops->seal_later ? ops->seal_later : ops->seal;
  sender->tag_bytes = (uint8_t)s->info->tag_bytes;
  sender->ssrc = ssrc;
  srtp_keys_write_iv(s->info->aead, s->seal_salt, ssrc, 0, (uint8_t *)sender->iv);
  sender->aead = s->info->aead;
  s->senders[s->sender_count++] = sender;
  *out = sender;
  return SRTP_OK;
}

/* As much of a cipher's keyed state as a packet of a full datagram needs. */
#define CIPHER_BYTES 1024

void srtp_sender_prefetch(const struct srtp_sender *sender) {
#pragma GCC unroll 16
  for (size_t at = 0; at < CIPHER_BYTES; at += 64)
    __builtin_prefetch((const uint8_t *)sender->cipher + at);
}

uint32_t srtp_sender_ssrc(const struct srtp_sender *sender) {
  return sender->ssrc;
}

struct srtp_session *srtp_sender_session(const struct srtp_sender *sender) {
  return sender->session;
}
