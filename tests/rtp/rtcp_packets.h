/* tests/rtp/rtcp_packets.h: one RTCP packet from a hex literal or a builder's output, for the tests of its parser. */
#ifndef TESTS_RTP_RTCP_PACKETS_H
#define TESTS_RTP_RTCP_PACKETS_H

#include "rtp/rtcp.h"
#include "tests/rtp/bytes.h"

/* The first packet of b, which must be a sound compound packet. */
static inline struct rtcp_packet first_packet(const struct bytes *b) {
  struct rtcp_iterator it;
  struct rtcp_packet p = {0};
  assert_int_equal(rtcp_begin(&it, b->data, b->len), RTP_OK);
  assert_true(rtcp_next(&it, &p));
  return p;
}

/* What a builder wrote, as a packet; it must be all there is. */
static inline struct rtcp_packet only_packet(const uint8_t *data, int len) {
  struct rtcp_iterator it;
  struct rtcp_packet p = {0}, more;
  assert_true(len > 0 && len % 4 == 0);
  assert_int_equal(rtcp_begin(&it, data, (size_t)len), RTP_OK);
  assert_true(rtcp_next(&it, &p));
  assert_false(rtcp_next(&it, &more));
  return p;
}

#endif
