/* bench/load/media_payload.h: what is inside our media packets: valid VP8 and Opus on the outside, a stamp within.
 *
 * The stamp says when the packet was meant to leave, so that a receiver on the same machine knows its one-way latency, and
 * which piece of which frame it is, so that it knows when a key frame is complete. Sources: RFC 7741 §4.2, §4.3; RFC 6386 §9.1.
 */
#ifndef BENCH_LOAD_MEDIA_PAYLOAD_H
#define BENCH_LOAD_MEDIA_PAYLOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct media_stamp {
  int64_t intended_us; /* CLOCK_MONOTONIC, when the schedule wanted it to leave */
  uint32_t late_us;    /* how much later it left                                */
  uint32_t frame;
  uint16_t packet, count; /* of the frame */
  uint8_t layer;
  bool key;
};

#define MEDIA_STAMP_BYTES      28
#define MEDIA_VP8_HEAD_BYTES   14 /* descriptor with a picture id of 15 bits (4), key frame header (10)         */
#define MEDIA_VIDEO_MIN_BYTES  (MEDIA_VP8_HEAD_BYTES + MEDIA_STAMP_BYTES)
#define MEDIA_AUDIO_MIN_BYTES  (1 + MEDIA_STAMP_BYTES)
#define MEDIA_MAX_PACKET_BYTES 1400

/* Writes the beginning of a VP8 payload; what follows, up to the payload's length, may be anything. */
void media_write_video(uint8_t *out, const struct media_stamp *stamp, uint16_t picture_id, uint16_t width,
                       uint16_t height);
void media_write_audio(uint8_t *out, const struct media_stamp *stamp, unsigned ms); /* ms: 20, 40, 60 */

/* False for a payload that is too short or not ours. */
bool media_read_stamp(const uint8_t *payload, size_t len, bool video, struct media_stamp *out);

/* How libwebrtc cuts a frame: as few packets as fit, as equal as can be, the last ones one byte longer (SplitAboutEqually).
 * Returns how many for `bytes` at most `max` each; media_packet_bytes() the length of one of them. */
unsigned media_packet_count(size_t bytes, size_t max);
size_t media_packet_bytes(size_t bytes, unsigned count, unsigned index);

#endif
