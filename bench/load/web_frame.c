/* bench/load/web_frame.c: see the header. */
#include "bench/load/web_frame.h"

#include <string.h>

size_t web_frame_write(uint8_t *out, enum web_opcode opcode, uint32_t mask, const void *payload, size_t len) {
  uint8_t *at = out;
  *at++ = (uint8_t)(0x80 | opcode);
  if (len < 126) {
    *at++ = (uint8_t)(0x80 | len);
  } else {
    int bytes = len > UINT16_MAX ? 8 : 2;
    *at++ = (uint8_t)(0x80 | (bytes == 8 ? 127 : 126));
    for (int i = bytes - 1; i >= 0; i--)
      *at++ = (uint8_t)((uint64_t)len >> (8 * i));
  }
  uint8_t key[4];
  memcpy(key, &mask, sizeof key);
  memcpy(at, key, sizeof key);
  at += sizeof key;
  const uint8_t *from = payload;
  for (size_t i = 0; i < len; i++)
    at[i] = from[i] ^ key[i % 4];
  return (size_t)(at - out) + len;
}

// NOLINTNEXTLINE(readability-non-const-parameter): the payload is handed out as writable
long web_frame_read(struct web_frame *out, uint8_t *data, size_t len, size_t limit) {
  if (len < 2) return 0;
  bool control = data[0] & 0x08;
  uint64_t size = data[1] & 0x7f;
  size_t head = 2, extra = size == 127 ? 8 : size == 126 ? 2 : 0;
  if (data[0] & 0x70 || data[1] & 0x80) return -1;
  if (control && (!(data[0] & 0x80) || size > 125)) return -1;
  if (len < head + extra) return 0;
  if (extra) size = 0;
  for (size_t i = 0; i < extra; i++)
    size = size << 8 | data[head + i];
  head += extra;
  if (size > limit) return -1;
  if (len - head < size) return 0;
  *out = (struct web_frame){(enum web_opcode)(data[0] & 0x0f), data[0] & 0x80, data + head, (size_t)size};
  return (long)(head + size);
}
