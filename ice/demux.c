/* ice/demux.c: RFC 7983 §7 as a table of ranges, RFC 5761 §4 for RTCP. */
#include "ice/demux.h"

/* RFC 5761 §4: "the RTCP packet types in the range 64-95 [with the marker bit: 192-223] SHOULD NOT be used" as RTP
 * payload types, so the second byte tells the two apart. */
#define RTCP_FIRST_TYPE 192
#define RTCP_LAST_TYPE  223

static enum ice_packet_kind media_kind(const uint8_t *data, size_t len) {
  if (len < 2) return ICE_PACKET_UNKNOWN;
  if (data[1] >= RTCP_FIRST_TYPE && data[1] <= RTCP_LAST_TYPE) {
    return len >= ICE_RTCP_HEADER_BYTES ? ICE_PACKET_RTCP : ICE_PACKET_UNKNOWN;
  }
  return len >= ICE_RTP_HEADER_BYTES ? ICE_PACKET_RTP : ICE_PACKET_UNKNOWN;
}

enum ice_packet_kind ice_demux(const uint8_t *data, size_t len) {
  if (len == 0) return ICE_PACKET_UNKNOWN;
  const uint8_t first = data[0];
  if (first >= 128 && first <= 191) return media_kind(data, len);
  if (first >= 20 && first <= 63) return len >= ICE_DTLS_RECORD_BYTES ? ICE_PACKET_DTLS : ICE_PACKET_UNKNOWN;
  if (first <= 3) return len >= ICE_STUN_HEADER_BYTES ? ICE_PACKET_STUN : ICE_PACKET_UNKNOWN;
  return ICE_PACKET_UNKNOWN;
}
