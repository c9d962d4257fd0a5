/* bench/rtp_downlink.c: what congestion control costs per forwarded packet: one camera, many receivers, each with its downlink and
 * its feedback every 50 ms. Run under callgrind by downlink_cost.py, once with the downlinks and once with the receivers' half of
 * the work alone, which is not the server's; the difference is what estimation, pacing, allocation and feedback cost.
 *
 * Usage: rtp_downlink with|without [seconds, default 5] [receivers, default 10] [one packet in so many is lost, default 0: none]
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rtp/downlink.h"
#include "rtp/transport_feedback.h"

#define RECEIVERS_MAX     100
#define PACKETS_PER_FRAME 8
#define FRAME_US          33333
#define PAYLOAD           1000
#define TICK_US           5000
#define FEEDBACK_US       50000

struct receiver {
  struct downlink *downlink; /* NULL: without */
  struct rtp_outgoing_stream *out;
  uint16_t slot, next_seq; /* next_seq: without a downlink */
  struct allocation_memory memory;
  struct allocation_memory_all all;
  struct transport_feedback_recorder recorder;
};

static struct receiver receivers[RECEIVERS_MAX];
static struct rtp_incoming_stream *source;
static unsigned long receiver_count = 10, lost_of, forwarded, repaired;
static int64_t now_us;

static void arrive(struct receiver *r, uint16_t seq) {
  if (lost_of == 0 || (seq * 2654435761U >> 7) % lost_of) transport_feedback_arrived(&r->recorder, seq, now_us + 20000);
}

// NOLINTNEXTLINE(readability-non-const-parameter): the listener's type
static void on_send(void *arg, void *slot, bool rtx, uint8_t *packet, size_t header_len, size_t len, size_t transport) {
  (void)slot;
  (void)packet;
  (void)header_len;
  (void)transport;
  repaired += rtx;
  struct receiver *r = arg;
  arrive(r, downlink_stamp(r->downlink, (uint32_t)len, now_us));
}

static bool open_receiver(struct receiver *r, uint32_t ssrc, bool with) {
  struct rtp_extension_map map;
  rtp_extension_map_init(&map);
  rtp_extension_map_add(&map, 3, RTP_EXTENSION_TRANSPORT_SEQUENCE);
  struct rtp_outgoing_config config = {.ssrc = ssrc, .rtx_ssrc = ssrc + 1, .video = true, .extensions = &map};
  config.formats[0].payload_type = 96;
  config.formats[0].rtx_payload_type = 97;
  if (rtp_outgoing_stream_create(&r->out, &config)) return false;
  rtp_outgoing_stream_select(r->out, source);
  transport_feedback_recorder_init(&r->recorder);
  struct downlink_config c = {
      .bandwidth = {.start_bps = 4000000}, .overhead_bytes = 44, .listener = {.arg = r, .send = on_send}};
  if (!with) return true;
  if (downlink_create(&r->downlink, &c)) return false;
  r->slot = downlink_add_slot(r->downlink, r->out, r, true);
  return true;
}

/* One packet of the camera. False: refused. */
static bool receive(uint32_t n, uint8_t *bytes, struct rtp_media_packet *media) {
  static const uint8_t descriptor[6] = {0x90, 0x80, 0x00, 0x10};
  memcpy(bytes + RTP_HEADER_SIZE, descriptor, sizeof descriptor);
  bytes[RTP_HEADER_SIZE] = n % PACKETS_PER_FRAME ? 0x80 : 0x90;
  bytes[RTP_HEADER_SIZE + 3] = n ? 0x11 : 0x10;
  if (n == 0) memcpy(bytes + RTP_HEADER_SIZE + 6, (const uint8_t[]){0x9d, 0x01, 0x2a, 0, 5, 0xD0, 2}, 7);
  struct rtp_packet p = {.data = bytes,
                         .len = RTP_HEADER_SIZE + PAYLOAD,
                         .payload = bytes + RTP_HEADER_SIZE,
                         .payload_len = PAYLOAD,
                         .timestamp = n / PACKETS_PER_FRAME * 3000,
                         .ssrc = 1,
                         .seq = (uint16_t)n,
                         .header_len = RTP_HEADER_SIZE,
                         .payload_type = 96,
                         .marker = n % PACKETS_PER_FRAME == PACKETS_PER_FRAME - 1};
  return rtp_incoming_stream_receive(source, &p, NULL, now_us, media) == RTP_DROP_NONE;
}

/* A frame to one receiver, as server/worker/fan_out.c does it. */
static void forward(struct receiver *r, const struct rtp_media_packet *frame) {
  struct downlink_run run;
  const bool governed = r->downlink != NULL;
  if (governed) downlink_run_begin(&run, r->downlink, r->slot, true, now_us);
  for (size_t i = 0; i < PACKETS_PER_FRAME; i++) {
    uint8_t header[RTP_OUTGOING_HEADER_MAX];
    struct rtp_forward_result f;
    if (rtp_outgoing_stream_forward(r->out, &frame[i], now_us, header, &f) != RTP_DROP_NONE) continue;
    forwarded++;
    uint16_t seq = 0;
    if (!governed) seq = r->next_seq++;
    if (!governed || downlink_run_pass(&run, f.seq, (uint32_t)f.header_len + f.payload_len, true, &seq)) arrive(r, seq);
  }
  if (governed) downlink_run_end(&run);
}

static void forward_frame(uint32_t first) {
  static uint8_t bytes[PACKETS_PER_FRAME][2048];
  struct rtp_media_packet frame[PACKETS_PER_FRAME];
  for (uint32_t i = 0; i < PACKETS_PER_FRAME; i++) {
    if (!receive(first + i, bytes[i], &frame[i])) return;
  }
  for (unsigned long i = 0; i < receiver_count; i++)
    forward(&receivers[i], frame);
}

/* The receiver's message, and our reading of it. */
static void feedback(struct receiver *r) {
  uint8_t bytes[1200];
  int len;
  while ((len = transport_feedback_build(&r->recorder, 1, 2, bytes, sizeof bytes, now_us + 20000)) > 0) {
    struct rtcp_iterator it;
    struct rtcp_packet packet;
    struct rtcp_transport_feedback f;
    if (!r->downlink || rtcp_begin(&it, bytes, (size_t)len)) continue;
    while (rtcp_next(&it, &packet)) {
      if (rtcp_parse_transport_feedback(&packet, &f) == RTP_OK) downlink_feedback(r->downlink, &f, now_us);
    }
  }
}

static void allocate(struct receiver *r) {
  struct allocation_slot slot = {
      .importance = ALLOCATION_SPEAKER, .layer_count = 1, .width = 1280, .height = 720, .memory = &r->memory};
  slot.layers[0] = (struct layer_state){
      .live = true, .width = 1280, .height = 720, .bitrate_bps = PAYLOAD * 8 * 240, .temporal_count = 1};
  struct allocation a = {.audio_bps = 68000, .slots = &slot, .slot_count = 1, .memory = &r->all};
  downlink_fill_allocation(r->downlink, &a, now_us);
  bandwidth_allocator_run(&a, now_us);
  downlink_want(r->downlink, &a, now_us);
}

int main(int argc, char **argv) {
  bool with = argc > 1 && strcmp(argv[1], "with") == 0;
  unsigned long seconds = argc > 2 ? strtoul(argv[2], NULL, 10) : 5;
  if (argc > 3) receiver_count = strtoul(argv[3], NULL, 10);
  if (argc > 4) lost_of = strtoul(argv[4], NULL, 10);
  struct rtp_incoming_config config = {.ssrc = 1, .video = true, .format_count = 1};
  config.formats[0] = (struct rtp_incoming_format){.payload_type = 96, .codec = RTP_CODEC_VP8};
  if (receiver_count > RECEIVERS_MAX || rtp_incoming_stream_create(&source, &config)) return 1;
  for (unsigned long i = 0; i < receiver_count; i++) {
    if (!open_receiver(&receivers[i], (uint32_t)(100 + 2 * i), with)) return 1;
  }
  uint32_t n = 0;
  for (now_us = 1000000; now_us < 1000000 + (int64_t)seconds * 1000000; now_us += TICK_US) {
    for (; (int64_t)(n / PACKETS_PER_FRAME) * FRAME_US <= now_us - 1000000; n += PACKETS_PER_FRAME)
      forward_frame(n);
    for (unsigned long i = 0; i < receiver_count; i++) {
      if (now_us % FEEDBACK_US == 0) feedback(&receivers[i]);
      if (!with) continue;
      if (now_us % ALLOCATION_INTERVAL_US == 0) allocate(&receivers[i]);
      downlink_service(receivers[i].downlink, now_us);
    }
  }
  printf("%lu forwarded, %lu sent again or to probe\n", forwarded, repaired);
  for (unsigned long i = 0; i < receiver_count; i++) {
    downlink_free(receivers[i].downlink);
    rtp_outgoing_stream_free(receivers[i].out);
  }
  rtp_incoming_stream_free(source);
  return 0;
}
