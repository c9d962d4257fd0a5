/* Tests of rtp/rtcp.c: compound packets and their headers.
 * Covers: rtp/error.c */
#include "rtp/rtcp.h"

#include "tests/rtp/bytes.h"

/* The types of a datagram's packets as "200:28 202:12 " (type:body bytes), or the error's name. */
static void list_packets(const char *hex, char *out, size_t cap) {
  struct bytes b = bytes_hex(hex);
  struct rtcp_iterator it;
  struct rtcp_packet p;
  size_t n = 0;
  out[0] = '\0';
  int error = rtcp_begin(&it, b.data, b.len);
  if (error) {
    snprintf(out, cap, "%s", rtp_error_name(error));
    assert_false(rtcp_next(&it, &p)); /* nothing is handed out of a broken datagram */
  }
  while (rtcp_next(&it, &p))
    n += (size_t)snprintf(out + n, cap - n, "%u/%u:%zu ", p.type, p.count, p.body_len);
  bytes_free(&b);
}

static void compound_is_checked_whole(void **state) {
  (void)state;
  const struct {
    const char *hex, *packets;
  } cases[] = {
      {"80c90001 00000001", "201/0:4 "},
      {"80c90001 00000001 81ca0002 00000001 00000000", "201/0:4 202/1:8 "},
      {"81ce0002 00000001 00000002", "206/1:8 "}, /* RFC 5506: a lone PLI            */
      {"80cc0002 00000001 6e616d65", "204/0:8 "}, /* APP                             */
      {"80df0000 80c00000", "223/0:0 192/0:0 "},  /* unknown types are handed out    */
      {"a0c90002 00000001 00000004", "201/0:4 "}, /* padding of four                 */
      {"afcd0005 fa17fa17 43032fa0 00990001 3de80217 20019401 80c90001 00000001", "205/15:19 201/0:4 "},
      {"", "short"},
      {"80c900", "short"},
      {"80c90001 00000001 80", "short"}, /* trailing bytes                  */
      {"40c90001 00000001", "version"},
      {"80c90001 00000001 00000000", "version"}, /* trailing zeros                  */
      {"80600001 00000001", "type"},
      {"80e00000", "type"},
      {"80c90002 00000001", "length"},
      {"80c9ffff 00000001", "length"},
      {"80c90001 00000001 80c90001", "length"}, /* the second one is cut           */
      {"a0c90000", "padding"},
      {"a0c90001 00000000", "padding"},
      {"a0c90001 000000ff", "padding"},
  };
  for (size_t i = 0; i < COUNT(cases); i++) {
    char found[64];
    list_packets(cases[i].hex, found, sizeof found);
    assert_string_equal(found, cases[i].packets);
  }
}

static void errors_have_names(void **state) {
  (void)state;
  for (int i = 0; i < RTP_ERROR_COUNT; i++) {
    assert_string_not_equal(rtp_error_name(-i), "unknown");
    for (int j = 0; j < i; j++)
      assert_string_not_equal(rtp_error_name(-i), rtp_error_name(-j));
  }
  assert_string_equal(rtp_error_name(1), "unknown");
  assert_string_equal(rtp_error_name(-RTP_ERROR_COUNT), "unknown");
  assert_string_equal(rtp_error_name(RTP_ERROR_NO_SPACE), "no_space");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(compound_is_checked_whole),
      cmocka_unit_test(errors_have_names),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
