/* rtp/rtcp_fields.h: what the RTCP files share. Internal to rtp/. */
#ifndef RTP_RTCP_FIELDS_H
#define RTP_RTCP_FIELDS_H

#include "rtp/cursor.h"
#include "rtp/rtcp.h"

#define RTCP_HEADER_SIZE 4

/* Begins a packet; its length is filled in by rtcp_close(). */
static inline void rtcp_open(struct rtp_writer *w, size_t count, uint8_t type) {
  rtp_write_u8(w, (uint8_t)(2 << 6 | (count & 0x1F)));
  rtp_write_u8(w, type);
  rtp_write_u16(w, 0);
}

/* Pads to 32 bits with zeros and writes the length. RFC 3550 §6.4.1: "The length of this RTCP packet in 32-bit words minus
 * one, including the header and any padding." */
static inline int rtcp_close(struct rtp_writer *w) {
  while (!w->failed && rtp_writer_len(w) % 4 != 0)
    rtp_write_u8(w, 0);
  if (w->failed) return RTP_ERROR_NO_SPACE;
  size_t words = rtp_writer_len(w) / 4 - 1;
  if (words > UINT16_MAX) return RTP_ERROR_TOO_MANY;
  rtp_store(w->start + 2, 2, words);
  return (int)rtp_writer_len(w);
}

#endif
