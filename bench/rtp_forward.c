/* bench/rtp_forward.c: pushes VP8 packets through one incoming stream to many outgoing slots, with a null cipher (nothing is
 * sealed or sent), so that callgrind can count instructions per forwarded packet:
 *
 *   valgrind --tool=callgrind --toggle-collect=forward_to_all build/release/bench/rtp_forward 2000 100
 *
 * Usage: rtp_forward [packets, default 100000] [receivers, default 100, at most 10000]
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "rtp/incoming_stream.h"
#include "rtp/outgoing_stream.h"

#define PACKETS_PER_FRAME 8
#define PAYLOAD           1100
#define MAX_RECEIVERS     10000
#define WARM_PACKETS      1000 /* four seconds: windows have grown to what the stream needs */

static double seconds(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static struct rtp_incoming_stream *make_source(void) {
  struct rtp_incoming_config config = {.ssrc = 1, .rtx_ssrc = 2, .video = true, .nack = true, .format_count = 1};
  config.formats[0] = (struct rtp_incoming_format){.payload_type = 96, .rtx_payload_type = 97, .codec = RTP_CODEC_VP8};
  struct rtp_incoming_stream *s = NULL;
  return rtp_incoming_stream_create(&s, &config) == RTP_OK ? s : NULL;
}

/* A slot as Chromium negotiates it: mid, transport-wide sequence, abs-send-time, orientation, playout delay. */
static struct rtp_outgoing_stream *make_slot(uint32_t ssrc) {
  struct rtp_extension_map map;
  rtp_extension_map_init(&map);
  rtp_extension_map_add(&map, 4, RTP_EXTENSION_MID);
  rtp_extension_map_add(&map, 3, RTP_EXTENSION_TRANSPORT_SEQUENCE);
  rtp_extension_map_add(&map, 2, RTP_EXTENSION_ABS_SEND_TIME);
  rtp_extension_map_add(&map, 13, RTP_EXTENSION_VIDEO_ORIENTATION);
  rtp_extension_map_add(&map, 5, RTP_EXTENSION_PLAYOUT_DELAY);
  struct rtp_outgoing_config config = {
      .ssrc = ssrc, .rtx_ssrc = ssrc + 1, .video = true, .mid = "12", .extensions = &map};
  config.formats[0].payload_type = 96;
  config.formats[0].rtx_payload_type = 97;
  struct rtp_outgoing_stream *s = NULL;
  return rtp_outgoing_stream_create(&s, &config) == RTP_OK ? s : NULL;
}

/* The n-th packet of the stream, three temporal layers (0 2 1 2). */
static void make_packet(struct rtp_packet *p, uint8_t *bytes, uint32_t n) {
  static const uint8_t pattern[4] = {0, 2, 1, 2};
  uint32_t frame = n / PACKETS_PER_FRAME, index = n % PACKETS_PER_FRAME;
  uint8_t *payload = bytes + RTP_HEADER_SIZE;
  const uint8_t descriptor[7] = {index == 0 ? 0x90 : 0x80,
                                 0xE0,
                                 (uint8_t)(0x80 | (frame >> 8 & 0x7f)),
                                 (uint8_t)frame,
                                 (uint8_t)(frame / 4),
                                 (uint8_t)(pattern[frame & 3] << 6 | 0x20),
                                 n == 0 ? 0x10 : 0x11};
  memcpy(payload, descriptor, sizeof descriptor);
  *p = (struct rtp_packet){.data = bytes,
                           .len = RTP_HEADER_SIZE + PAYLOAD,
                           .payload = payload,
                           .payload_len = PAYLOAD,
                           .timestamp = frame * 3000,
                           .ssrc = 1,
                           .seq = (uint16_t)n,
                           .header_len = RTP_HEADER_SIZE,
                           .payload_type = 96,
                           .marker = index == PACKETS_PER_FRAME - 1};
}

static inline unsigned long forward(struct rtp_outgoing_stream **slots, unsigned long receivers,
                                    const struct rtp_media_packet *media, int64_t now_us, unsigned long *sum) {
  uint8_t header[RTP_OUTGOING_HEADER_MAX];
  struct rtp_forward_result result;
  unsigned long forwarded = 0;
  for (unsigned long i = 0; i < receivers; i++) {
    if (rtp_outgoing_stream_forward(slots[i], media, now_us, header, &result) != RTP_DROP_NONE) continue;
    forwarded++;
    *sum += header[3] + (unsigned long)result.payload_len; /* the null cipher: looks at it, so that it cannot vanish */
  }
  return forwarded;
}

/* What callgrind counts; by itself, however much of it the compiler puts into one. */
__attribute__((noinline, noclone)) static unsigned long forward_to_all(struct rtp_outgoing_stream **slots,
                                                                       unsigned long receivers,
                                                                       const struct rtp_media_packet *media,
                                                                       int64_t now_us, unsigned long *sum) {
  return forward(slots, receivers, media, now_us, sum);
}

int main(int argc, char **argv) {
  unsigned long packets = argc > 1 ? strtoul(argv[1], NULL, 10) : 100000;
  unsigned long receivers = argc > 2 ? strtoul(argv[2], NULL, 10) : 100;
  struct rtp_incoming_stream *source = make_source();
  static struct rtp_outgoing_stream *slots[MAX_RECEIVERS];
  if (!source || receivers > MAX_RECEIVERS) return 1;
  for (unsigned long i = 0; i < receivers; i++) {
    slots[i] = make_slot((uint32_t)(100 + 2 * i));
    if (!slots[i]) return 1;
    rtp_outgoing_stream_select(slots[i], source);
  }
  static uint8_t bytes[2048];
  unsigned long forwarded = 0, sum = 0;
  double begin = seconds();
  for (uint32_t n = 0; n < WARM_PACKETS + packets; n++) {
    if (n == WARM_PACKETS) {
      begin = seconds();
      forwarded = 0;
    }
    struct rtp_packet p;
    struct rtp_media_packet media;
    int64_t now_us = (int64_t)n * 4167;
    make_packet(&p, bytes, n);
    if (rtp_incoming_stream_receive(source, &p, NULL, now_us, &media) != RTP_DROP_NONE) continue;
    forwarded += n < WARM_PACKETS ? forward(slots, receivers, &media, now_us, &sum)
                                  : forward_to_all(slots, receivers, &media, now_us, &sum);
  }
  double elapsed = seconds() - begin;
  printf("%lu packets forwarded (%lu in, %lu receivers), %.1f ns each, checksum %lu\n", forwarded, packets, receivers,
         forwarded ? elapsed * 1e9 / (double)forwarded : 0.0, sum);
  for (unsigned long i = 0; i < receivers; i++)
    rtp_outgoing_stream_free(slots[i]);
  rtp_incoming_stream_free(source);
  return 0;
}
