/* tests/bench/srtp_pair.h: the two ends of one SRTP session, and packets from the server's end as consilium-load marks them.
 *
 * Header-only: each test program has at most one pair.
 */
#ifndef TESTS_BENCH_SRTP_PAIR_H
#define TESTS_BENCH_SRTP_PAIR_H

#include <endian.h>

#include "bench/load/description.h"
#include "bench/load/media_payload.h"
#include "ice/srtp_session.h"
#include "rtp/extension.h"
#include "rtp/packet.h"
#include "tests/bench/check.h"

struct srtp_pair {
  struct srtp_engine *engine;
  struct srtp_session *server, *client;
  struct srtp_sender *senders[8];
  size_t sender_count;
  uint16_t transport_seq;
};

/* What one packet of the server is to look like. */
struct sent_packet {
  uint32_t ssrc, timestamp;
  uint16_t seq;
  bool video, rtx; /* rtx: `original` stands before the payload */
  uint16_t original;
  size_t bytes; /* of the payload; 0: enough for the stamp */
  struct media_stamp stamp;
};

static inline void srtp_pair_open(struct srtp_pair *p) {
  uint8_t keys[128];
  memset(p, 0, sizeof *p);
  size_t len = srtp_profile_exported_bytes(SRTP_PROFILE_AEAD_AES_128_GCM);
  assert_true(len <= sizeof keys);
  for (size_t i = 0; i < len; i++)
    keys[i] = (uint8_t)(i * 7 + 1);
  assert_int_equal(srtp_engine_create(&p->engine, SRTP_BACKEND_EVP), SRTP_OK);
  assert_int_equal(
      srtp_session_create(&p->server, p->engine, SRTP_PROFILE_AEAD_AES_128_GCM, SRTP_ROLE_SERVER, keys, len), SRTP_OK);
  assert_int_equal(
      srtp_session_create(&p->client, p->engine, SRTP_PROFILE_AEAD_AES_128_GCM, SRTP_ROLE_CLIENT, keys, len), SRTP_OK);
}

static inline void srtp_pair_close(struct srtp_pair *p) {
  srtp_session_free(p->server);
  srtp_session_free(p->client);
  srtp_engine_free(p->engine);
}

static inline struct srtp_sender *srtp_pair_sender(struct srtp_pair *p, uint32_t ssrc) {
  for (size_t i = 0; i < p->sender_count; i++)
    if (srtp_sender_ssrc(p->senders[i]) == ssrc) return p->senders[i];
  assert_true(p->sender_count < 8);
  assert_int_equal(srtp_sender_open(&p->senders[p->sender_count], p->server, ssrc), SRTP_OK);
  return p->senders[p->sender_count++];
}

/* Writes header and payload of it. Returns the header's length. */
static inline size_t srtp_pair_write(const struct sent_packet *packet, uint16_t transport_seq, uint8_t *header,
                                     size_t cap, uint8_t payload[1500], size_t *payload_len) {
  struct rtp_header_writer w;
  const struct rtp_header h = {.timestamp = packet->timestamp,
                               .ssrc = packet->ssrc,
                               .seq = packet->seq,
                               .payload_type = packet->rtx     ? LOAD_PT_RTX
                                               : packet->video ? LOAD_PT_VP8
                                                               : LOAD_PT_OPUS};
  memset(payload, 0, 1500);
  assert_int_equal(rtp_header_begin(&w, header, cap, &h, 8, false), 0);
  rtp_transport_sequence_encode(rtp_header_add(&w, LOAD_EXT_TRANSPORT_SEQ, RTP_TRANSPORT_SEQUENCE_SIZE), transport_seq);
  size_t at = packet->rtx ? 2 : 0, least = packet->video ? MEDIA_VIDEO_MIN_BYTES : MEDIA_AUDIO_MIN_BYTES;
  uint16_t original = htobe16(packet->original);
  if (packet->rtx) memcpy(payload, &original, sizeof original);
  if (packet->video)
    media_write_video(payload + at, &packet->stamp, 7, 640, 360);
  else
    media_write_audio(payload + at, &packet->stamp, 20);
  *payload_len = at + (packet->bytes > least ? packet->bytes : least);
  return rtp_header_end(&w);
}

/* Seals it at the server's end into `out`. Returns its length. */
// NOLINTNEXTLINE(readability-non-const-parameter): written through the job
static inline size_t srtp_pair_seal(struct srtp_pair *p, const struct sent_packet *packet, uint8_t *out, size_t cap) {
  uint8_t header[64], payload[1500];
  size_t payload_len,
      header_len = srtp_pair_write(packet, p->transport_seq++, header, sizeof header, payload, &payload_len);
  struct srtp_seal seal = {.sender = srtp_pair_sender(p, packet->ssrc),
                           .header = header,
                           .header_len = header_len,
                           .payload = payload,
                           .payload_len = payload_len,
                           .out = out,
                           .cap = cap};
  assert_true(srtp_seal_packet(&seal) > 0);
  return (size_t)seal.result;
}

#endif
