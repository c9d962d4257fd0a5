/* bench/load/web_frame.h: WebSocket frames as bytes (RFC 6455 §5.2), the client's side. Pure functions. */
#ifndef BENCH_LOAD_WEB_FRAME_H
#define BENCH_LOAD_WEB_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum web_opcode { WEB_CONTINUATION = 0, WEB_TEXT = 1, WEB_BINARY = 2, WEB_CLOSE = 8, WEB_PING = 9, WEB_PONG = 10 };

#define WEB_FRAME_HEAD_BYTES 14 /* the longest: 2 + 8 + mask of 4 */

/* Writes head and masked payload; `out` has room for len + WEB_FRAME_HEAD_BYTES. Returns the bytes written. */
size_t web_frame_write(uint8_t *out, enum web_opcode opcode, uint32_t mask, const void *payload, size_t len);

struct web_frame {
  enum web_opcode opcode;
  bool final;
  uint8_t *payload; /* points into the data */
  size_t len;
};

/* Reads the frame at `data`. Returns its whole length; 0 when more bytes are needed; -1 when it breaks the RFC (a server's
 * frame that is masked, reserved bits, a control frame that is fragmented or over 125 bytes, more than `limit` bytes). */
long web_frame_read(struct web_frame *out, uint8_t *data, size_t len, size_t limit);

#endif
