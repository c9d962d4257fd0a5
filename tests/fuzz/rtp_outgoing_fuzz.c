/* Fuzzes the way of a packet through two incoming streams and one slot, and the NACKs on it, with a script of operations.
 *
 * Checks along the way: what forward() writes parses as RTP with the slot's SSRC, no number is sent twice within the window,
 * every answered NACK parses and carries the number asked for, RTX stays within half of the media.
 */
#include <stdlib.h>
#include <string.h>

#include "rtp/incoming_stream.h"
#include "rtp/outgoing_stream.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CHECK(condition)                \
  do {                                  \
    if (!(condition)) __builtin_trap(); \
  } while (0)

struct script {
  const uint8_t *at, *end;
};

static uint8_t next8(struct script *s) {
  return s->at < s->end ? *s->at++ : 0;
}

static uint16_t next16(struct script *s) {
  uint8_t high = next8(s);
  return (uint16_t)(high << 8 | next8(s));
}

struct world {
  struct rtp_incoming_stream *sources[2];
  struct rtp_outgoing_stream *out;
  struct sender_clock clock;
  struct rtp_extension_map map;
  int64_t now_us;
  uint16_t seq[2];
  uint32_t timestamp[2];
  uint64_t sent_total;
  uint64_t sent_at[65536]; /* count of packets when the number was last sent, 0: never */
};

static struct rtp_incoming_stream *make_source(uint32_t ssrc, const void *track) {
  struct rtp_incoming_config c = {.ssrc = ssrc,
                                  .rtx_ssrc = ssrc + 1,
                                  .video = true,
                                  .nack = true,
                                  .source = track,
                                  .history_packets = 64,
                                  .history_bytes = 16384};
  static const enum rtp_codec codecs[4] = {RTP_CODEC_VP8, RTP_CODEC_VP9, RTP_CODEC_H264, RTP_CODEC_AV1};
  for (uint8_t i = 0; i < 4; i++) {
    c.formats[c.format_count++] = (struct rtp_incoming_format){.payload_type = (uint8_t)(96 + 2 * i),
                                                               .rtx_payload_type = (uint8_t)(97 + 2 * i),
                                                               .format = i,
                                                               .codec = codecs[i]};
  }
  struct rtp_incoming_stream *s = NULL;
  CHECK(rtp_incoming_stream_create(&s, &c) == RTP_OK);
  return s;
}

static void make_world(struct world *w) {
  rtp_extension_map_init(&w->map);
  for (uint8_t i = 1; i < RTP_EXTENSION_COUNT && i < 15; i++)
    rtp_extension_map_add(&w->map, i, (enum rtp_extension)i);
  for (int i = 0; i < 2; i++)
    w->sources[i] = make_source((uint32_t)(100 + 10 * i), w);
  struct rtp_outgoing_config c = {
      .ssrc = 1, .rtx_ssrc = 2, .video = true, .two_byte = true, .mid = "a", .extensions = &w->map};
  for (uint8_t i = 0; i < 3; i++) { /* AV1 is not negotiated */
    c.formats[i].payload_type = (uint8_t)(96 + 2 * i);
    c.formats[i].rtx_payload_type = (uint8_t)(97 + 2 * i);
  }
  CHECK(rtp_outgoing_stream_create(&w->out, &c) == RTP_OK);
  w->now_us = 1000000;
}

static void forward(struct world *w, const struct rtp_media_packet *m) {
  uint8_t header[RTP_OUTGOING_HEADER_MAX], packet[RTP_OUTGOING_HEADER_MAX + 1500];
  struct rtp_forward_result r;
  if (rtp_outgoing_stream_forward(w->out, m, w->now_us, header, &r) != RTP_DROP_NONE) return;
  CHECK(r.header_len <= RTP_OUTGOING_HEADER_MAX && r.payload_len <= RTP_MEDIA_MAX_PAYLOAD);
  memcpy(packet, header, r.header_len);
  memcpy(packet + r.header_len, r.payload, r.payload_len);
  struct rtp_packet p;
  CHECK(rtp_packet_parse(&p, packet, (size_t)r.header_len + r.payload_len) == RTP_OK);
  CHECK(p.ssrc == 1 && p.seq == r.seq && p.header_len == r.header_len);
  w->sent_total++;
  CHECK(w->sent_at[p.seq] == 0 || w->sent_total - w->sent_at[p.seq] > 1024);
  w->sent_at[p.seq] = w->sent_total;
}

/* One packet: number and timestamp move by what the script says, the payload is the script's. */
static void receive(struct world *w, struct script *s, uint8_t op) {
  uint8_t which = op & 1;
  uint8_t bytes[64];
  size_t len = next8(s) % 48;
  for (size_t i = 0; i < len; i++)
    bytes[i] = next8(s);
  w->seq[which] = (uint16_t)(w->seq[which] + (op & 2 ? next16(s) : (uint16_t)(int16_t)(int8_t)next8(s)));
  w->timestamp[which] += (uint32_t)(next8(s) * 500);
  struct rtp_packet p = {.data = bytes,
                         .len = len + 12,
                         .payload = bytes,
                         .payload_len = len,
                         .timestamp = w->timestamp[which],
                         .ssrc = (uint32_t)(100 + 10 * which + (op & 4 ? 1 : 0)),
                         .seq = w->seq[which],
                         .payload_type = (uint8_t)(96 + (op >> 3 & 7)),
                         .marker = op & 64};
  struct rtp_extension_values x = {0};
  uint8_t descriptor[40];
  if (op & 128) {
    size_t n = next8(s) % sizeof descriptor;
    for (size_t i = 0; i < n; i++)
      descriptor[i] = next8(s);
    x.present = 1U << RTP_EXTENSION_DEPENDENCY_DESCRIPTOR | 1U << RTP_EXTENSION_ABS_CAPTURE_TIME;
    x.dependency_descriptor = (struct rtp_bytes){.data = descriptor, .len = n};
    x.capture_time.has_offset = n & 1;
  }
  struct rtp_media_packet m;
  if (rtp_incoming_stream_receive(w->sources[which], &p, &x, w->now_us, &m) == RTP_DROP_NONE) forward(w, &m);
}

static void nack(struct world *w, struct script *s) {
  uint16_t seqs[16];
  size_t count = next8(s) % 16;
  for (size_t i = 0; i < count; i++)
    seqs[i] = (uint16_t)(next8(s) - 8);
  uint8_t packet[2048];
  struct rtp_rtx_iterator it;
  struct rtp_rtx_result r;
  rtp_outgoing_stream_nack(w->out, seqs, count, w->now_us, &it);
  while (rtp_rtx_next(&it, packet, sizeof packet, &r)) {
    if (r.reason != RTP_DROP_NONE) continue;
    struct rtp_packet p;
    CHECK(rtp_packet_parse(&p, packet, r.len) == RTP_OK);
    CHECK(p.ssrc == 2 && p.payload_len >= 2 && (p.payload[0] << 8 | p.payload[1]) == r.nacked);
    CHECK(w->sent_at[r.nacked] != 0);
  }
  struct rtp_outgoing_stats stats;
  rtp_outgoing_stream_stats(w->out, w->now_us, &stats);
  CHECK(stats.rtx_bytes * 2 <= stats.bytes);
}

static void control(struct world *w, struct script *s) {
  uint8_t op = next8(s), value = next8(s);
  struct rtcp_sender_info sr = {.ntp = (uint64_t)next16(s) << 32, .rtp_timestamp = (uint32_t)value << 24};
  struct rtcp_report_block block = {.last_sr = value, .delay_since_sr = value, .jitter = value};
  uint16_t seqs[32];
  switch (op % 8) {
    case 0:
      rtp_outgoing_stream_select(w->out, value % 3 == 2 ? NULL : w->sources[value % 3]);
      break;
    case 1:
      rtp_outgoing_stream_set_temporal(w->out, value % 8);
      break;
    case 2:
      rtp_outgoing_stream_pause(w->out, value & 1);
      break;
    case 3:
      rtp_incoming_stream_sender_report(w->sources[value & 1], &sr, w->now_us);
      sender_clock_report(&w->clock, sr.ntp, w->now_us);
      break;
    case 4:
      rtp_outgoing_stream_receiver_report(w->out, &block, w->now_us);
      break;
    case 5:
      rtp_outgoing_stream_sender_report(w->out, &w->clock, w->now_us, &sr);
      break;
    case 6:
      rtp_incoming_stream_nack(w->sources[value & 1], seqs, value % 32, w->now_us);
      break;
    default: /* the publisher leaves and another comes */
      rtp_outgoing_stream_forget(w->out, w->sources[value & 1]);
      rtp_incoming_stream_free(w->sources[value & 1]);
      w->sources[value & 1] = make_source((uint32_t)(100 + 10 * (value & 1)), w);
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static struct world w;
  memset(&w, 0, sizeof w);
  make_world(&w);
  struct script s = {.at = data, .end = data + size};
  while (s.at < s.end) {
    uint8_t op = next8(&s);
    w.now_us += op * 200;
    if (op % 5 == 0)
      control(&w, &s);
    else if (op % 5 == 1)
      nack(&w, &s);
    else
      receive(&w, &s, next8(&s));
  }
  rtp_outgoing_stream_free(w.out);
  for (int i = 0; i < 2; i++)
    rtp_incoming_stream_free(w.sources[i]);
  return 0;
}
