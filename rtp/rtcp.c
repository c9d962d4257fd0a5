/* The RTCP compound packet and its headers. */
#include "rtp/rtcp.h"

#include "rtp/rtcp_fields.h"

/* RFC 5761 §4: with RTP on the same port, RTCP packet types lie in 192..223. */
#define TYPE_MIN 192
#define TYPE_MAX 223

/* Reads the packet at r. The padding of a packet that has some is checked and taken off. */
static int read_packet(struct rtp_reader *r, struct rtcp_packet *out) {
  uint8_t first = rtp_read_u8(r);
  out->type = rtp_read_u8(r);
  size_t body_len = (size_t)rtp_read_u16(r) * 4;
  if (r->failed) return RTP_ERROR_SHORT;
  if (first >> 6 != 2) return RTP_ERROR_VERSION;
  if (out->type < TYPE_MIN || out->type > TYPE_MAX) return RTP_ERROR_TYPE;
  out->count = first & 0x1F;
  out->body = rtp_read_bytes(r, body_len);
  if (r->failed) return RTP_ERROR_LENGTH;
  out->body_len = body_len;
  if (!(first & 0x20)) return RTP_OK;
  /* RFC 3550 §6.4.1 wants padding in the last packet only and in multiples of four. Chromium pads each transport-wide
   * feedback by 1 to 3 bytes and puts several of them into one datagram, so the count is all that is checked. */
  uint8_t padding = body_len > 0 ? out->body[body_len - 1] : 0;
  if (padding == 0 || padding > body_len) return RTP_ERROR_PADDING;
  out->body_len -= padding;
  return RTP_OK;
}

int rtcp_begin(struct rtcp_iterator *it, const uint8_t *data, size_t len) {
  struct rtp_reader r = rtp_reader_of(data, len);
  *it = (struct rtcp_iterator){.at = data, .end = data};
  if (len < RTCP_HEADER_SIZE) return RTP_ERROR_SHORT;
  while (rtp_reader_left(&r) > 0) {
    struct rtcp_packet p;
    int error = read_packet(&r, &p);
    if (error) return error;
  }
  it->end = data + len;
  return RTP_OK;
}

bool rtcp_next(struct rtcp_iterator *it, struct rtcp_packet *out) {
  if (it->at == it->end) return false;
  struct rtp_reader r = rtp_reader_of(it->at, (size_t)(it->end - it->at));
  if (read_packet(&r, out) != RTP_OK) {
    it->at = it->end;
    return false;
  }
  it->at = r.at;
  return true;
}
