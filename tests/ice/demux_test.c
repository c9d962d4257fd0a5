/* tests/ice/demux_test.c: every first byte, every boundary, every short datagram. */
#include "ice/demux.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
// cmocka.h needs the three above
#include <cmocka.h>

static enum ice_packet_kind kind(uint8_t first, uint8_t second, size_t len) {
  uint8_t data[64] = {first, second};
  return ice_demux(data, len);
}

/* RFC 7983 §7, figure 3, for all 256 values. */
static void every_first_byte(void **state) {
  (void)state;
  for (unsigned b = 0; b < 256; b++) {
    enum ice_packet_kind expected = ICE_PACKET_UNKNOWN;
    if (b <= 3) expected = ICE_PACKET_STUN;
    if (b >= 20 && b <= 63) expected = ICE_PACKET_DTLS;
    if (b >= 128 && b <= 191) expected = ICE_PACKET_RTP;
    assert_int_equal(kind((uint8_t)b, 0, 64), expected);
  }
}

/* RFC 5761 §4: 192 to 223 in the second byte is RTCP; 96 + marker (224) and 63 + marker (191) are RTP. */
static void every_second_byte_of_media(void **state) {
  (void)state;
  for (unsigned b = 0; b < 256; b++) {
    const enum ice_packet_kind expected = b >= 192 && b <= 223 ? ICE_PACKET_RTCP : ICE_PACKET_RTP;
    assert_int_equal(kind(128, (uint8_t)b, 64), expected);
    assert_int_equal(kind(191, (uint8_t)b, 64), expected);
  }
}

static void short_datagrams_are_unknown(void **state) {
  (void)state;
  assert_int_equal(ice_demux(NULL, 0), ICE_PACKET_UNKNOWN);
  const struct {
    size_t least;
    enum ice_packet_kind kind;
    uint8_t first, second;
  } rows[] = {{20, ICE_PACKET_STUN, 0, 1},
              {13, ICE_PACKET_DTLS, 22, 254},
              {12, ICE_PACKET_RTP, 128, 96},
              {8, ICE_PACKET_RTCP, 128, 200}};
  for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
    for (size_t len = 0; len < rows[i].least; len++) {
      assert_int_equal(kind(rows[i].first, rows[i].second, len), ICE_PACKET_UNKNOWN);
    }
    assert_int_equal(kind(rows[i].first, rows[i].second, rows[i].least), rows[i].kind);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(every_first_byte), cmocka_unit_test(every_second_byte_of_media),
                                     cmocka_unit_test(short_datagrams_are_unknown)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
