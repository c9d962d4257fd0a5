/* tests/sim/wire.h: what publisher, server and receivers of the simulation agree on: SSRCs, payload types, extension ids. */
#ifndef TESTS_SIM_WIRE_H
#define TESTS_SIM_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SIM_VP8             96
#define SIM_VP8_RTX         97
#define SIM_OPUS            111
#define SIM_RED             63
#define SIM_FORMAT_VP8      0
#define SIM_FORMAT_OPUS     1
#define SIM_FORMAT_RED      2
#define SIM_TRANSPORT_ID    3 /* extension ids towards receivers */
#define SIM_SEND_TIME_ID    4
#define SIM_PLAYOUT_ID      5
#define SIM_MID_ID          6 /* of publishers */
#define SIM_RID_ID          7
#define SIM_REPAIRED_RID_ID 8
#define SIM_LAYERS          3
#define SIM_VIDEO_SSRC      1000U /* publisher: + 10 * layer; RTX one more */
#define SIM_AUDIO_SSRC      2000U
#define SIM_SLOT_VIDEO      5000U /* towards receivers; RTX one more */
#define SIM_SLOT_AUDIO      6000U
#define SIM_FRAME_US        33333
#define SIM_AUDIO_US        20000
#define SIM_AUDIO_STEP      960 /* of its timestamps */

/* A media packet of the server's, as it laid it out: what the simulated browser needs of it, without another look at whether it is one. */
struct wire_packet {
  const uint8_t *extensions, *payload;
  size_t extension_bytes, payload_bytes;
  uint32_t ssrc, timestamp;
  uint16_t seq;
  uint8_t payload_type;
  bool marker, two_byte;
};

static inline uint32_t wire_u32(const uint8_t *at) {
  return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

/* False: it is none. */
static inline bool wire_read(struct wire_packet *w, const uint8_t *data, size_t len) {
  if (len < 12 || data[0] >> 6 != 2 || (data[1] >= 192 && data[1] <= 223)) return false;
  const uint32_t first = wire_u32(data);
  size_t at = 12 + 4 * (size_t)(data[0] & 15);
  w->marker = first >> 23 & 1;
  w->payload_type = first >> 16 & 127;
  w->seq = (uint16_t)first;
  w->timestamp = wire_u32(data + 4);
  w->ssrc = wire_u32(data + 8);
  w->extensions = NULL;
  w->extension_bytes = 0;
  if (data[0] & 0x10) {
    const uint32_t head = wire_u32(data + at);
    w->two_byte = head >> 16 != 0xBEDE;
    w->extensions = data + at + 4;
    w->extension_bytes = 4 * (size_t)(uint16_t)head;
    at += 4 + w->extension_bytes;
  }
  const size_t padding = data[0] & 0x20 ? data[len - 1] : 0;
  if (at + padding > len) return false;
  w->payload = data + at;
  w->payload_bytes = len - at - padding;
  return true;
}

/* RFC 8285: the next element, from `*at` on; 0: there are no more. */
static inline uint8_t wire_element(const struct wire_packet *w, size_t *at, const uint8_t **value, size_t *bytes) {
  const uint8_t *e = w->extensions;
  while (*at < w->extension_bytes && e[*at] == 0)
    ++*at;
  if (*at + 1 >= w->extension_bytes) return 0;
  const uint8_t id = w->two_byte ? e[*at] : e[*at] >> 4;
  *bytes = w->two_byte ? e[*at + 1] : (size_t)(e[*at] & 15) + 1;
  *value = e + *at + 1 + w->two_byte;
  *at += 1 + (size_t)w->two_byte + *bytes;
  return *at <= w->extension_bytes ? id : 0;
}

#endif
