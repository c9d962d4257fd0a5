/* ice/srtp_seal.c: sealing of outgoing RTP, out of place, one packet or many. See srtp_session.h. */
#include <string.h>

#include "ice/srtp_session_internal.h"

/* The index of a packet that is not the one after the highest. */
__attribute__((cold, noinline)) static int take_other(struct srtp_index *x, uint16_t seq, uint64_t *index) {
  int64_t estimate = srtp_index_estimate(x, seq);
  if (estimate < 0) return (int)estimate;
  int rc = srtp_index_check(x, (uint64_t)estimate);
  if (rc != SRTP_OK) return rc == SRTP_REPLAYED ? SRTP_INDEX_USED : rc;
  srtp_index_commit(x, (uint64_t)estimate);
  *index = (uint64_t)estimate;
  return SRTP_OK;
}

/* Before the cipher runs: whatever happens then, this nonce is not used again. */
static inline int claim(struct srtp_sender *sender, uint16_t seq, uint64_t *index) {
  if (__builtin_expect(srtp_index_take_next(&sender->index, seq, index), 1)) return SRTP_OK;
  return take_other(&sender->index, seq, index);
}

static inline void write_iv(const struct srtp_sender *sender, uint64_t index, uint8_t iv[16]) {
  uint64_t words[2] = {sender->iv[0], sender->iv[1]}; /* srtp_keys_write_iv() has done the rest, with index 0 */
  if (sender->aead) {                                 /* the index lies in bytes 6 to 11, else in 8 to 13 */
    words[0] ^= htobe64(index >> 32);
    words[1] ^= htobe64(index << 32);
  } else {
    words[1] ^= htobe64(index << 16);
  }
  memcpy(iv, words, sizeof words);
}

/* RFC 3550 §5.1: "The last octet of the padding contains a count of how many padding octets should be ignored". */
__attribute__((noinline)) static void pad(uint8_t *packet, size_t header_len, const uint8_t *payload,
                                          size_t payload_len, uint8_t padding) {
  uint8_t *plain = packet + header_len;
  packet[0] |= 0x20;
  if (payload_len > 0) memcpy(plain, payload, payload_len);
  memset(plain + payload_len, 0, padding);
  plain[payload_len + padding - 1] = padding;
}

/* Checks one packet, claims its index and writes the header (and, with padding, the padded plaintext) to the output.
 * Fills `job` and the IV it points to. Nothing is claimed unless SRTP_OK is returned. */
static inline int prepare(const struct srtp_seal *seal, struct srtp_seal_job *job, uint8_t iv[16]) {
  struct srtp_sender *sender = seal->sender;
  struct srtp_session *s = sender->session;
  struct srtp_rtp_header header;
  size_t padded_len = seal->payload_len + seal->padding;
  if (srtp_rtp_header_parse(&header, seal->header, seal->header_len) != SRTP_OK || header.bytes != seal->header_len ||
      header.ssrc != sender->ssrc || padded_len > UINT16_MAX || (seal->padding > 0 && seal->header[0] & 0x20))
    return SRTP_MALFORMED;
  if (seal->cap < seal->header_len + padded_len + s->info->tag_bytes) return SRTP_NO_SPACE;
  uint64_t index;
  int rc = claim(sender, header.seq, &index);
  if (rc != SRTP_OK) return rc;

  if (seal->out != seal->header) memcpy(seal->out, seal->header, seal->header_len);
  write_iv(sender, index, iv);
  if (seal->padding > 0) pad(seal->out, seal->header_len, seal->payload, seal->payload_len, seal->padding);
  job->cipher = s->seal_cipher;
  job->iv = iv;
  job->payload = seal->padding > 0 ? seal->out + seal->header_len : seal->payload;
  job->payload_len = padded_len;
  job->packet = seal->out;
  job->header_len = seal->header_len;
  job->roc = (uint32_t)(index >> 16);
  return SRTP_OK;
}

static int sealed_bytes(const struct srtp_seal *seal) {
  return (int)(seal->header_len + seal->payload_len + seal->padding + seal->sender->session->info->tag_bytes);
}

int srtp_seal_packet(struct srtp_seal *seal) {
  struct srtp_seal_job job __attribute__((uninitialized)); /* prepare() fills both, or they are not used */
  uint8_t iv[16] __attribute__((uninitialized));
  int rc = prepare(seal, &job, iv);
  if (rc == SRTP_OK) rc = seal->sender->session->engine->ops->seal(&job);
  seal->result = rc == SRTP_OK ? sealed_bytes(seal) : rc;
  return seal->result;
}

int srtp_seal_written(struct srtp_sender *sender, uint8_t *packet, size_t header_len, const uint8_t *payload,
                      size_t payload_len, uint8_t padding, size_t cap) {
  const size_t padded_len = payload_len + padding, whole = header_len + padded_len + sender->tag_bytes;
  if (cap < whole) return SRTP_NO_SPACE;
  uint16_t seq;
  memcpy(&seq, packet + 2, sizeof seq);
  uint64_t index;
  int rc = claim(sender, be16toh(seq), &index);
  if (__builtin_expect(rc != SRTP_OK, 0)) return rc;
  uint8_t iv[16] __attribute__((uninitialized));
  write_iv(sender, index, iv);
  if (__builtin_expect(padding > 0, 0)) {
    pad(packet, header_len, payload, payload_len, padding);
    payload = packet + header_len;
  }
  struct srtp_seal_job job __attribute__((uninitialized));
  job.cipher = sender->cipher;
  job.iv = iv;
  job.payload = payload;
  job.payload_len = padded_len;
  job.packet = packet;
  job.header_len = header_len;
  job.roc = (uint32_t)(index >> 16);
  rc = sender->seal(&job);
  return __builtin_expect(rc == SRTP_OK, 1) ? (int)whole : rc;
}

static size_t flush(struct srtp_engine *engine, struct srtp_pending *p) {
  size_t count = p->count;
  p->count = 0;
  if (count == 0 || engine->ops->seal_cm_batch == NULL) return 0;
  int rc = engine->ops->seal_cm_batch(engine->library, p->jobs, count);
  for (size_t i = 0; i < count; i++)
    p->seals[i]->result = rc == SRTP_OK ? sealed_bytes(p->seals[i]) : rc;
  return rc == SRTP_OK ? count : 0;
}

size_t srtp_seal_batch(struct srtp_engine *engine, struct srtp_seal *seals, size_t count) {
  struct srtp_pending *pending = &engine->pending;
  size_t sealed = 0;
  for (size_t i = 0; i < count; i++) {
    struct srtp_seal *seal = &seals[i];
    if (seal->sender->session->info->aead || engine->ops->seal_cm_batch == NULL) {
      sealed += srtp_seal_packet(seal) > 0;
      continue;
    }
    size_t at = pending->count;
    int rc = prepare(seal, &pending->jobs[at], pending->ivs[at]);
    if (rc != SRTP_OK) {
      seal->result = rc;
      continue;
    }
    pending->seals[at] = seal;
    if (++pending->count == SRTP_BACKEND_BATCH) sealed += flush(engine, pending);
  }
  return sealed + flush(engine, pending);
}
