/* ice/demux.h: which protocol a datagram of the shared port belongs to, by its first byte (RFC 7983 §7).
 *
 *        [0..3]  STUN            [64..79]   TURN channel: never valid here
 *      [16..19]  ZRTP: refused   [128..191] RTP or RTCP, told apart by the second byte (RFC 5761 §4)
 *      [20..63]  DTLS            all others unknown
 *
 * Pure, total, allocates nothing. Says what a datagram claims to be, not that it is well formed.
 */
#ifndef ICE_DEMUX_H
#define ICE_DEMUX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum ice_packet_kind {
  ICE_PACKET_UNKNOWN = 0, /* nothing we speak, or too short to be what its first byte says */
  ICE_PACKET_STUN,
  ICE_PACKET_DTLS,
  ICE_PACKET_RTP,
  ICE_PACKET_RTCP,
};

/* Shorter datagrams are ICE_PACKET_UNKNOWN: the fixed header of each protocol. */
#define ICE_STUN_HEADER_BYTES 20 /* RFC 8489 §5  */
#define ICE_DTLS_RECORD_BYTES 13 /* RFC 6347 §4.1 */
#define ICE_RTP_HEADER_BYTES  12 /* RFC 3550 §5.1 */
#define ICE_RTCP_HEADER_BYTES 8  /* RFC 3550 §6.4.2, an empty receiver report */

/* `data` may be NULL when `len` is 0. */
enum ice_packet_kind ice_demux(const uint8_t *data, size_t len);

/* The first look, where most datagrams are media: false, and it is no STUN. */
static inline bool ice_may_be_stun(const uint8_t *data, size_t len) {
  return len > 0 && data[0] <= 3;
}

#endif
