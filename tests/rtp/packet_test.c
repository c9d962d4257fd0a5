/* Tests of rtp/packet.c: the header's view, extension elements, the writer. */
#include "rtp/packet.h"

#include "tests/rtp/bytes.h"

static void kind_follows_rfc_5761(void **state) {
  (void)state;
  const struct {
    size_t len;
    enum rtp_kind kind;
    uint8_t first, second;
  } cases[] = {
      {12, RTP_KIND_RTP, 0x80, 96},   {12, RTP_KIND_RTP, 0x80, 0x80 | 63}, {12, RTP_KIND_RTP, 0x80, 191},
      {12, RTP_KIND_RTCP, 0x80, 192}, {28, RTP_KIND_RTCP, 0x81, 200},      {4, RTP_KIND_RTCP, 0x80, 223},
      {12, RTP_KIND_RTP, 0x80, 224},  {11, RTP_KIND_NONE, 0x80, 96},       {3, RTP_KIND_NONE, 0x80, 200},
      {12, RTP_KIND_NONE, 0x40, 96},  {12, RTP_KIND_NONE, 0xC0, 200},      {1, RTP_KIND_NONE, 0x80, 96},
      {0, RTP_KIND_NONE, 0x80, 96},
  };
  for (size_t i = 0; i < COUNT(cases); i++) {
    uint8_t data[28] = {cases[i].first, cases[i].second};
    struct bytes b = bytes_copy(data, cases[i].len);
    assert_int_equal(rtp_kind_of(b.data, b.len), cases[i].kind);
    bytes_free(&b);
  }
}

static void parse_reads_every_field(void **state) {
  (void)state;
  struct bytes b = bytes_hex(
      "b2 ef 1234 89abcdef deadbeef 00000001 00000002" /* P, X, two CSRCs, marker, type 111 */
      "bede 0002 10aa 2101 02 000000"                  /* ids 1 and 2                        */
      "010203 0003");
  b.data[b.len - 1] = 2;
  struct rtp_packet p;
  assert_int_equal(rtp_packet_parse(&p, b.data, b.len), RTP_OK);
  assert_true(p.marker);
  assert_int_equal(p.payload_type, 111);
  assert_int_equal(p.seq, 0x1234);
  assert_int_equal(p.timestamp, 0x89abcdef);
  assert_int_equal(p.ssrc, 0xdeadbeef);
  assert_int_equal(p.csrc_count, 2);
  assert_int_equal(p.extension_profile, 0xbede);
  assert_int_equal(p.extension_offset, 24);
  assert_int_equal(p.extension_len, 8);
  assert_int_equal(p.header_len, 32);
  assert_ptr_equal(p.payload, b.data + 32);
  assert_int_equal(p.payload_len, 3);
  assert_int_equal(p.padding_len, 2);
  struct rtp_element e;
  assert_true(rtp_packet_find_element(&p, 2, &e));
  assert_hex(e.data, e.len, "0102");
  assert_false(rtp_packet_find_element(&p, 3, &e));
  bytes_free(&b);
}

static void parse_refuses_what_lies(void **state) {
  (void)state;
#define FIXED "0001 00000002 00000003"
  const struct {
    const char *hex;
    int error;
  } cases[] = {
      {"", RTP_ERROR_SHORT},
      {"80 60 0001 00000002 000000", RTP_ERROR_SHORT},
      {"40 60 " FIXED, RTP_ERROR_VERSION},
      {"00 60 " FIXED, RTP_ERROR_VERSION},
      {"81 60 " FIXED, RTP_ERROR_SHORT},            /* a CSRC that is not there          */
      {"8f 60 " FIXED "00000001", RTP_ERROR_SHORT}, /* 15 CSRCs, one there               */
      {"90 60 " FIXED, RTP_ERROR_EXTENSION},        /* X without extension header        */
      {"90 60 " FIXED "bede00", RTP_ERROR_EXTENSION},
      {"90 60 " FIXED "bede0001 000000", RTP_ERROR_EXTENSION}, /* one byte short                    */
      {"90 60 " FIXED "bedeffff 00000000", RTP_ERROR_EXTENSION},
      {"90 60 " FIXED "bede4000 00000000", RTP_ERROR_EXTENSION}, /* 4 * 0x4000 wraps 16 bits to 0     */
      {"a0 60 " FIXED, RTP_ERROR_PADDING},                       /* P without a byte to count in      */
      {"a0 60 " FIXED "aabb00", RTP_ERROR_PADDING},              /* a count of zero                   */
      {"a0 60 " FIXED "aabb04", RTP_ERROR_PADDING},              /* longer than what is there         */
      {"a0 60 " FIXED "aabbff", RTP_ERROR_PADDING},              /* would underflow into the header   */
      {"b0 60 " FIXED "bede0001 00000004", RTP_ERROR_PADDING},   /* the count lies in the extension   */
      {"a0 60 " FIXED "aabb03", RTP_OK},                         /* nothing but padding is legal      */
      {"80 60 " FIXED, RTP_OK},
      {"90 60 " FIXED "bede0000", RTP_OK},
  };
  for (size_t i = 0; i < COUNT(cases); i++) {
    struct bytes b = bytes_hex(cases[i].hex);
    struct rtp_packet p = {.seq = 7777};
    assert_int_equal(rtp_packet_parse(&p, b.data, b.len), cases[i].error);
    if (cases[i].error) assert_int_equal(p.seq, 7777); /* written only on success */
    if (!cases[i].error) assert_int_equal(p.header_len + p.payload_len + p.padding_len, b.len);
    bytes_free(&b);
  }
}

static void parse_refuses_more_than_a_datagram(void **state) {
  (void)state;
  static uint8_t data[65536] = {0x80, 96};
  struct rtp_packet p;
  assert_int_equal(rtp_packet_parse(&p, data, 65536), RTP_ERROR_LENGTH);
  assert_int_equal(rtp_packet_parse(&p, data, 65535), RTP_OK);
  assert_int_equal(p.payload_len, 65523);
}

/* Writes "id:len " of each element into out. */
static void list_elements(const char *hex, char *out, size_t cap) {
  struct bytes b = bytes_hex(hex);
  struct rtp_packet p;
  struct rtp_element_iterator it;
  struct rtp_element e;
  size_t n = 0;
  out[0] = '\0';
  assert_int_equal(rtp_packet_parse(&p, b.data, b.len), RTP_OK);
  rtp_element_begin(&it, &p);
  while (rtp_element_next(&it, &e)) {
    assert_true(e.data >= b.data + p.extension_offset);
    assert_true(e.data + e.len <= b.data + p.header_len);
    n += (size_t)snprintf(out + n, cap - n, "%u:%u ", e.id, e.len);
  }
  assert_false(rtp_element_next(&it, &e));
  bytes_free(&b);
}

static void elements_are_walked_in_both_forms(void **state) {
  (void)state;
#define HEAD "90 60 0001 00000002 00000003 "
  const struct {
    const char *hex, *elements;
  } cases[] = {
      {HEAD "bede0003 10aa 21bbbb 0000 43 dddddddd", "1:1 2:2 4:4 "}, /* RFC 8285 §4.2's figure            */
      {HEAD "bede0005 1f 00112233445566778899aabbccddeeff 000000", "1:16 "},
      {HEAD "bede0002 10aa f0bb 10cc 0000", "1:1 "}, /* id 15 ends the walk               */
      {HEAD "bede0002 10aa 01bb 20cc 0000", "1:1 "}, /* id 0 with a length ends the walk  */
      {HEAD "bede0001 10aa 2fbb", "1:1 "},           /* overruns the block                */
      {HEAD "bede0001 000000 e0", ""},               /* the value would be in the payload */
      {HEAD "bede0001 00000000", ""},
      {HEAD "bede0000", ""},
      {HEAD "10000003 0100 0202 bbbb 00 0f01 cc 0000", "1:0 2:2 15:1 "}, /* §4.3: 0 bytes and id 15 are legal */
      {HEAD "100f0001 ff01 aa 00", "255:1 "},                            /* the application bits are free     */
      {HEAD "10000001 01ff aabb", ""},
      {HEAD "10000001 0101 aa 02", "1:1 "}, /* an id without its length          */
      {HEAD "abcd0001 10aa0000", ""},       /* another profile is opaque         */
      {"80 60 0001 00000002 00000003 bede", ""},
  };
  for (size_t i = 0; i < COUNT(cases); i++) {
    char found[64];
    list_elements(cases[i].hex, found, sizeof found);
    assert_string_equal(found, cases[i].elements);
  }
}

static const struct rtp_header header = {
    .timestamp = 0xffffffff, .ssrc = 0x01020304, .seq = 0xfffe, .payload_type = 127, .marker = true, .padding = false};

static void writer_makes_a_header_of_fixed_length(void **state) {
  (void)state;
  uint8_t out[32];
  struct rtp_header_writer w;
  for (unsigned elements = 0; elements < 3; elements++) {
    memset(out, 0xEE, sizeof out);
    assert_int_equal(rtp_header_begin(&w, out, 24, &header, 8, false), RTP_OK);
    uint8_t *first = NULL;
    if (elements > 0) {
      first = rtp_header_add(&w, 3, 2);
      assert_non_null(first);
    }
    if (elements > 1) {
      uint8_t *second = rtp_header_add(&w, 14, 4);
      assert_ptr_equal(second, out + 12 + 4 + 3 + 1);
      memset(second, 0x55, 4);
      assert_null(rtp_header_add(&w, 1, 1)); /* full */
    }
    assert_int_equal(rtp_header_end(&w), 24);
    if (first) memset(first, 0x44, 2); /* may still be filled */
    assert_int_equal(out[24], 0xEE);
  }
  assert_hex(out, 24, "90 ff fffe ffffffff 01020304 bede0002 31 4444 e3 55555555");
}

static void writer_forms_and_limits(void **state) {
  (void)state;
  uint8_t out[512];
  struct rtp_header_writer w;
  assert_int_equal(rtp_header_begin(&w, out, 12, &header, 0, false), RTP_OK);
  assert_null(rtp_header_add(&w, 1, 1));
  assert_int_equal(rtp_header_end(&w), 12);
  assert_hex(out, 12, "80 ff fffe ffffffff 01020304");

  assert_int_equal(rtp_header_begin(&w, out, 11, &header, 0, false), RTP_ERROR_NO_SPACE);
  assert_int_equal(rtp_header_begin(&w, out, 19, &header, 4, false), RTP_ERROR_NO_SPACE);
  assert_int_equal(rtp_header_begin(&w, out, 64, &header, 6, false), RTP_ERROR_VALUE);
  struct rtp_header bad = header;
  bad.payload_type = 128;
  assert_int_equal(rtp_header_begin(&w, out, 64, &bad, 4, false), RTP_ERROR_VALUE);

  assert_int_equal(rtp_header_begin(&w, out, sizeof out, &header, 24, false), RTP_OK);
  assert_null(rtp_header_add(&w, 0, 1));
  assert_null(rtp_header_add(&w, 15, 1));
  assert_null(rtp_header_add(&w, 1, 0));
  assert_null(rtp_header_add(&w, 1, 17));
  assert_non_null(rtp_header_add(&w, 1, 16));

  struct rtp_header padded = header;
  padded.padding = true;
  assert_int_equal(rtp_header_begin(&w, out, sizeof out, &padded, 264, true), RTP_OK);
  assert_null(rtp_header_add(&w, 0, 1));
  assert_null(rtp_header_add(&w, 1, 256));
  assert_non_null(rtp_header_add(&w, 255, 255));
  assert_non_null(rtp_header_add(&w, 15, 0));
  assert_int_equal(rtp_header_end(&w), 280);
  out[280] = 1;
  struct rtp_packet p;
  struct rtp_element e;
  assert_int_equal(rtp_packet_parse(&p, out, 281), RTP_OK);
  assert_int_equal(p.padding_len, 1);
  assert_int_equal(p.payload_len, 0);
  assert_true(rtp_packet_find_element(&p, 255, &e) && e.len == 255);
  assert_true(rtp_packet_find_element(&p, 15, &e) && e.len == 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(kind_follows_rfc_5761),
      cmocka_unit_test(parse_reads_every_field),
      cmocka_unit_test(parse_refuses_what_lies),
      cmocka_unit_test(parse_refuses_more_than_a_datagram),
      cmocka_unit_test(elements_are_walked_in_both_forms),
      cmocka_unit_test(writer_makes_a_header_of_fixed_length),
      cmocka_unit_test(writer_forms_and_limits),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
