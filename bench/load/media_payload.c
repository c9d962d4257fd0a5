/* bench/load/media_payload.c: see the header. */
#include "bench/load/media_payload.h"

#include <string.h>

#define MAGIC 0x6c6f6164u /* "load" */

struct wire_stamp {
  uint32_t magic;
  uint32_t late_us;
  int64_t intended_us;
  uint32_t frame;
  uint16_t packet, count;
  uint8_t layer, key;
  uint8_t pad[2];
} __attribute__((packed));

_Static_assert(sizeof(struct wire_stamp) == MEDIA_STAMP_BYTES, "the stamp's size is part of the packet sizes");

static void write_stamp(uint8_t *out, const struct media_stamp *s) {
  struct wire_stamp w = {.magic = MAGIC,
                         .late_us = s->late_us,
                         .intended_us = s->intended_us,
                         .frame = s->frame,
                         .packet = s->packet,
                         .count = s->count,
                         .layer = s->layer,
                         .key = s->key};
  memcpy(out, &w, sizeof w);
}

void media_write_video(uint8_t *out, const struct media_stamp *stamp, uint16_t picture_id, uint16_t width,
                       uint16_t height) {
  bool first = stamp->packet == 0;
  out[0] = (uint8_t)(0x80 | (first ? 0x10 : 0)); /* X, S; partition 0 */
  out[1] = 0x80;                                 /* I */
  out[2] = (uint8_t)(0x80 | (picture_id >> 8 & 0x7f));
  out[3] = (uint8_t)picture_id;
  memset(out + 4, 0xa5, 10);
  if (first) {
    /* Frame tag: bit 0 is 0 in a key frame, bit 4 show_frame, then 19 bits of first partition size. */
    out[4] = (uint8_t)((stamp->key ? 0 : 1) | 1 << 4 | 1 << 5);
    out[5] = out[6] = 0;
  }
  if (first && stamp->key) {
    static const uint8_t start_code[] = {0x9d, 0x01, 0x2a};
    memcpy(out + 7, start_code, sizeof start_code);
    out[10] = (uint8_t)width;
    out[11] = (uint8_t)(width >> 8 & 0x3f);
    out[12] = (uint8_t)height;
    out[13] = (uint8_t)(height >> 8 & 0x3f);
  }
  write_stamp(out + MEDIA_VP8_HEAD_BYTES, stamp);
}

void media_write_audio(uint8_t *out, const struct media_stamp *stamp, unsigned ms) {
  /* RFC 6716 §3.1: configurations 15 (hybrid, full band, 20 ms), 10 and 11 (SILK, wide band, 40 and 60 ms); mono, one frame */
  out[0] = ms == 60 ? 11 << 3 : ms == 40 ? 10 << 3 : 15 << 3;
  write_stamp(out + 1, stamp);
}

bool media_read_stamp(const uint8_t *payload, size_t len, bool video, struct media_stamp *out) {
  size_t at = video ? MEDIA_VP8_HEAD_BYTES : 1;
  struct wire_stamp w;
  if (len < at + sizeof w) return false;
  memcpy(&w, payload + at, sizeof w);
  if (w.magic != MAGIC) return false;
  *out = (struct media_stamp){.intended_us = w.intended_us,
                              .late_us = w.late_us,
                              .frame = w.frame,
                              .packet = w.packet,
                              .count = w.count,
                              .layer = w.layer,
                              .key = w.key};
  return true;
}

unsigned media_packet_count(size_t bytes, size_t max) {
  return bytes <= max ? 1 : (unsigned)((bytes + max - 1) / max);
}

size_t media_packet_bytes(size_t bytes, unsigned count, unsigned index) {
  size_t longer = bytes % count;
  return bytes / count + (index >= count - longer ? 1 : 0);
}
