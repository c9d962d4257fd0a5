/* Tests of rtp/rtcp_transport.c: reading transport-wide feedback. */
#include "tests/rtp/rtcp_packets.h"

/* "seq@µs " of each status, "seq- " of a lost one; the times are after the reference time. */
static int list_statuses(const char *hex, char *out, size_t cap) {
  struct bytes b = bytes_hex(hex);
  struct rtcp_packet p = first_packet(&b);
  struct rtcp_transport_feedback f;
  struct rtcp_transport_status s;
  size_t n = 0;
  out[0] = '\0';
  int error = rtcp_parse_transport_feedback(&p, &f);
  if (!error) {
    int64_t base = (int64_t)f.reference * RTCP_TRANSPORT_REFERENCE_US;
    unsigned received = 0, statuses = 0;
    while (rtcp_transport_feedback_next(&f, &s)) {
      received += s.received;
      statuses++;
      if (s.received) n += (size_t)snprintf(out + n, cap - n, "%u@%lld ", s.seq, (long long)(s.arrival_us - base));
      if (!s.received) n += (size_t)snprintf(out + n, cap - n, "%u- ", s.seq);
    }
    assert_int_equal(received, f.received_count);
    assert_int_equal(statuses, f.status_count);
  }
  bytes_free(&b);
  return error;
}

static void header_of_a_chromium_feedback(void **state) {
  (void)state;
  /* One packet; the message ends with one byte of padding, as Chromium writes it. */
  struct bytes b = bytes_hex("afcd0005 fa17fa17 43032fa0 00990001 3de80217 20019401");
  struct rtcp_packet p = first_packet(&b);
  struct rtcp_transport_feedback f;
  struct rtcp_transport_status s;
  assert_int_equal(rtcp_parse_transport_feedback(&p, &f), RTP_OK);
  assert_int_equal(f.sender_ssrc, 0xfa17fa17);
  assert_int_equal(f.media_ssrc, 0x43032fa0);
  assert_int_equal(f.base_seq, 153);
  assert_int_equal(f.status_count, 1);
  assert_int_equal(f.reference, 4057090);
  assert_int_equal(f.feedback_seq, 23);
  assert_true(rtcp_transport_feedback_next(&f, &s));
  assert_true(s.received && s.seq == 153);
  assert_true(s.arrival_us == 4057090LL * 64000 + 0x94 * 250LL);
  assert_false(rtcp_transport_feedback_next(&f, &s));
  bytes_free(&b);
}

#define HEAD(words, base_and_count) "8fcd00" words " 00000001 00000002 " base_and_count " 000001 00 "

static void all_kinds_of_chunks(void **state) {
  (void)state;
  const struct {
    const char *hex, *statuses;
  } cases[] = {
      {HEAD("06", "fffe0003") "2003 010203 000000 ", "65534@250 65535@750 0@1500 "}, /* a run, over the wrap          */
      {HEAD("06", "00010002") "4002 ffff 0001 0000", "1@-250 2@0 "},                 /* large deltas, one negative    */
      {HEAD("06", "00010004") "0002 2002 0a00 0000", "1- 2- 3@2500 4@2500 "},        /* two runs                      */
      {HEAD("06", "0001000e") "a001 04 05 00000000",
       "1@1000 2- 3- 4- 5- 6- 7- 8- 9- 10- 11- 12- 13- 14@2250 "}, /* one-bit vector                */
      /* 11 01 10 00 01 00 00 00: the two-bit symbols 1 2 0 1 0 0 0, of which five count. */
      {HEAD("06", "00010005") "d840 04 7fff 00 0000", "1@1000 2@8192750 3- 4@8192750 5- "},
      {HEAD("06", "00010002") "3fff 0101 00000000", "1@250 2@500 "}, /* the run is longer than needed */
  };
  for (size_t i = 0; i < COUNT(cases); i++) {
    char found[256];
    assert_int_equal(list_statuses(cases[i].hex, found, sizeof found), RTP_OK);
    assert_string_equal(found, cases[i].statuses);
  }
}

/* The four examples of the draft (-01 §3.1.3 and §3.1.4): a run of 221 not received; a vector of 1 not received, 5 received, 3 not, 3
 * received, 2 not; and two with "received, without a delta", which no message here may have. */
static void the_drafts_examples(void **state) {
  (void)state;
  char found[4096], expected[4096];
  size_t n = 0;
  for (unsigned seq = 1; seq <= 235; seq++) {
    unsigned in_vector = seq - 222; /* of the second chunk */
    bool received = seq > 221 && ((in_vector >= 1 && in_vector <= 5) || (in_vector >= 9 && in_vector <= 11));
    unsigned before = in_vector <= 5 ? in_vector : in_vector - 3;
    if (received) n += (size_t)snprintf(expected + n, sizeof expected - n, "%u@%u ", seq, before * 250);
    if (!received) n += (size_t)snprintf(expected + n, sizeof expected - n, "%u- ", seq);
  }
  assert_int_equal(list_statuses(HEAD("07", "000100eb") "00dd 9f1c 01010101 01010101", found, sizeof found), RTP_OK);
  assert_string_equal(found, expected);
  assert_int_equal(list_statuses(HEAD("05", "00010018") "6018 0000", found, sizeof found), RTP_ERROR_VALUE);
  assert_int_equal(list_statuses(HEAD("06", "00010007") "cd50 010101 000000", found, sizeof found), RTP_ERROR_VALUE);
}

static void hostile_messages_are_refused(void **state) {
  (void)state;
  const struct {
    const char *hex;
    int error;
  } bad[] = {
      {"8fcd0003 00000001 00000002 00010001", RTP_ERROR_SHORT},
      {HEAD("04", "00010001"), RTP_ERROR_SHORT},             /* no chunk                        */
      {HEAD("04", "00010000"), RTP_ERROR_VALUE},             /* no statuses                     */
      {HEAD("04", "0001ffff"), RTP_ERROR_TOO_MANY},          /* 65535 of them                   */
      {HEAD("05", "00014000") "1fff1fff", RTP_ERROR_SHORT},  /* 16384 in 16382                  */
      {HEAD("05", "00010004") "20040101", RTP_ERROR_LENGTH}, /* four deltas, two there          */
      {HEAD("05", "00010001") "40010000", RTP_OK},
      {HEAD("05", "00010002") "40020000", RTP_ERROR_LENGTH},
      {HEAD("05", "00010001") "60010000", RTP_ERROR_VALUE}, /* a run of the reserved symbol    */
      {HEAD("05", "00010001") "f0000000", RTP_ERROR_VALUE}, /* the same in a vector            */
      {HEAD("05", "00010001") "00000000", RTP_ERROR_VALUE}, /* a run of nothing                */
      {HEAD("05", "00014000") "20012001", RTP_ERROR_SHORT},
      {"81cd0004 00000001 00000002 00010001 00000000", RTP_ERROR_TYPE},
  };
  for (size_t i = 0; i < COUNT(bad); i++) {
    char found[64];
    assert_int_equal(list_statuses(bad[i].hex, found, sizeof found), bad[i].error);
  }
}

static void reference_time_is_signed(void **state) {
  (void)state;
  struct bytes b = bytes_hex("8fcd0005 00000001 00000002 00010001 ffffff 00 2001 0400");
  struct rtcp_packet p = first_packet(&b);
  struct rtcp_transport_feedback f;
  struct rtcp_transport_status s;
  assert_int_equal(rtcp_parse_transport_feedback(&p, &f), RTP_OK);
  assert_int_equal(f.reference, -1);
  assert_true(rtcp_transport_feedback_next(&f, &s));
  assert_true(s.arrival_us == -63000);
  bytes_free(&b);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(header_of_a_chromium_feedback), cmocka_unit_test(all_kinds_of_chunks),
      cmocka_unit_test(the_drafts_examples),           cmocka_unit_test(hostile_messages_are_refused),
      cmocka_unit_test(reference_time_is_signed),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
