/* Fuzzes one receiver's downlink: media, sound, NACKs, hostile feedback, time, steps down; what it says stays within bounds, and no
 * number is sent twice. */
#include <stdlib.h>
#include <string.h>

#include "rtp/downlink.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CHECK(condition)                \
  do {                                  \
    if (!(condition)) __builtin_trap(); \
  } while (0)

#define TRANSPORT_ID 3
#define RED_FORMAT   2

struct desk {
  struct downlink *d;
  struct rtp_incoming_stream *in[2]; /* audio, video */
  struct rtp_outgoing_stream *out[2];
  uint16_t slots[2], seq[2];
  int64_t now_us;
  uint8_t sent[2][8192]; /* bits: our numbers that left */
};

static void leaves(struct desk *k, const uint8_t *packet, size_t transport) {
  uint32_t ssrc = (uint32_t)packet[8] << 24 | (uint32_t)packet[9] << 16 | (uint32_t)packet[10] << 8 | packet[11];
  uint16_t seq = (uint16_t)(packet[2] << 8 | packet[3]);
  CHECK(transport != 0);
  downlink_stamp(k->d, 1000, k->now_us);
  if (ssrc != 100 && ssrc != 101) return; /* RTX */
  uint8_t *bits = k->sent[ssrc - 100];
  CHECK(!(bits[seq >> 3] >> (seq & 7) & 1));
  bits[seq >> 3] = (uint8_t)(bits[seq >> 3] | 1 << (seq & 7));
}

static void on_send(void *arg, void *slot, bool rtx, uint8_t *packet, size_t header_len, size_t len, size_t transport) {
  (void)slot;
  (void)rtx;
  CHECK(header_len <= len && len <= 1500);
  leaves(arg, packet, transport);
}

static void open_desk(struct desk *k) {
  struct rtp_extension_map map;
  rtp_extension_map_init(&map);
  rtp_extension_map_add(&map, TRANSPORT_ID, RTP_EXTENSION_TRANSPORT_SEQUENCE);
  struct downlink_config config = {.overhead_bytes = 44, .listener = {.arg = k, .send = on_send}};
  CHECK(downlink_create(&k->d, &config) == RTP_OK);
  for (uint32_t video = 0; video < 2; video++) {
    struct rtp_incoming_config in = {.ssrc = video, .video = video, .format_count = 1};
    in.formats[0] = (struct rtp_incoming_format){
        .payload_type = 96, .format = (uint8_t)video, .codec = video ? RTP_CODEC_VP8 : RTP_CODEC_OPUS};
    CHECK(rtp_incoming_stream_create(&k->in[video], &in) == RTP_OK);
    struct rtp_outgoing_config out = {.ssrc = 100 + video,
                                      .rtx_ssrc = video ? 200 : 0,
                                      .video = video,
                                      .extensions = &map,
                                      .red_format = RED_FORMAT,
                                      .red_inner = 0};
    out.formats[0].payload_type = 111;
    out.formats[1].payload_type = 96;
    out.formats[1].rtx_payload_type = 97;
    out.formats[RED_FORMAT].payload_type = 63;
    CHECK(rtp_outgoing_stream_create(&k->out[video], &out) == RTP_OK);
    rtp_outgoing_stream_select(k->out[video], k->in[video]);
    k->slots[video] = downlink_add_slot(k->d, k->out[video], k, video);
  }
}

static void close_desk(struct desk *k) {
  downlink_free(k->d);
  for (int video = 0; video < 2; video++) {
    rtp_outgoing_stream_free(k->out[video]);
    rtp_incoming_stream_free(k->in[video]);
  }
}

static void media(struct desk *k, bool video, bool key, uint8_t skip) {
  static const uint8_t vp8[16] = {0x90, 0x80, 0x80, 0x01, 0x10, 0, 0, 0x9d, 0x01, 0x2a, 0x40, 1, 0xB4};
  uint8_t bytes[RTP_HEADER_SIZE + 1000] = {0};
  uint8_t header[RTP_OUTGOING_HEADER_MAX];
  size_t len = video ? 1000 : 80;
  if (video) memcpy(bytes + RTP_HEADER_SIZE, vp8, sizeof vp8);
  if (video && !key) bytes[RTP_HEADER_SIZE + 4] = 0x11;
  if (!video) bytes[RTP_HEADER_SIZE] = 0x78;
  k->seq[video] = (uint16_t)(k->seq[video] + 1 + skip);
  struct rtp_packet p = {.data = bytes,
                         .len = RTP_HEADER_SIZE + len,
                         .payload = bytes + RTP_HEADER_SIZE,
                         .payload_len = len,
                         .timestamp = k->seq[video] * (video ? 3000U : 960U),
                         .ssrc = video,
                         .seq = k->seq[video],
                         .header_len = RTP_HEADER_SIZE,
                         .payload_type = 96,
                         .marker = video};
  struct rtp_media_packet m;
  struct rtp_forward_result r;
  if (rtp_incoming_stream_receive(k->in[video], &p, NULL, k->now_us, &m) != RTP_DROP_NONE) return;
  if (rtp_outgoing_stream_forward(k->out[video], &m, k->now_us, header, &r) != RTP_DROP_NONE) return;
  CHECK(r.payload_len <= RTP_MEDIA_MAX_PAYLOAD);
  if (downlink_offer(k->d, k->slots[video], r.seq, (uint32_t)r.header_len + r.payload_len, k->now_us))
    leaves(k, header, r.transport_seq_offset);
}

static void feedback(struct desk *k, const uint8_t *bytes, size_t len) {
  struct rtcp_iterator it;
  struct rtcp_packet packet;
  struct rtcp_transport_feedback f;
  if (rtcp_begin(&it, bytes, len) != RTP_OK) return;
  while (rtcp_next(&it, &packet)) {
    if (rtcp_parse_transport_feedback(&packet, &f) == RTP_OK) downlink_feedback(k->d, &f, k->now_us);
  }
}

static void step(struct desk *k, uint8_t op, uint16_t value) {
  uint16_t seqs[3] = {value, (uint16_t)(value + 1), (uint16_t)(value - 7)};
  struct allocation a = {.next_bps = (uint64_t)value * 100, .most_bps = (uint64_t)value * 300};
  switch (op & 7) {
    case 0:
    case 1:
      for (int i = 0; i <= value % 8; i++)
        media(k, true, value >> 15, (uint8_t)(value >> 8 & 1));
      return;
    case 2:
      media(k, false, false, value & 3);
      return;
    case 3:
      downlink_nack(k->d, k->slots[op >> 3 & 1], seqs, 3, k->now_us);
      return;
    case 4:
      downlink_stepped_down(k->d, k->slots[1]);
      rtp_outgoing_stream_set_redundancy(k->out[0], (uint8_t)value);
      return;
    case 5:
      downlink_want(k->d, &a, k->now_us);
      return;
    case 6:
      downlink_remb(k->d, value * 100U);
      downlink_report(k->d, op, k->now_us);
      return;
    default:
      k->now_us += value * 100;
      downlink_service(k->d, k->now_us);
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct desk *k = calloc(1, sizeof *k);
  CHECK(k);
  k->now_us = 1000000;
  open_desk(k);
  for (size_t i = 0; i + 3 <= size; i += 3) {
    uint16_t value = (uint16_t)(data[i + 1] << 8 | data[i + 2]);
    if (data[i] >= 240) {
      size_t len = value % 64 < size - i - 3 ? value % 64 : size - i - 3;
      feedback(k, data + i + 3, len);
      i += len;
      continue;
    }
    step(k, data[i], value);
    struct allocation a = {0};
    downlink_fill_allocation(k->d, &a, k->now_us);
    CHECK(a.target_bps >= BANDWIDTH_MIN_BPS && a.target_bps <= BANDWIDTH_MAX_BPS);
    CHECK(a.loss >= 0 && a.loss <= 1);
    struct downlink_stats s;
    downlink_get_stats(k->d, &s);
    CHECK(s.backlog_us >= 0 && s.playout_ms <= DOWNLINK_PLAYOUT_MAX_MS && s.redundancy <= RTP_REDUNDANCY_MAX);
  }
  close_desk(k);
  free(k);
  return 0;
}
