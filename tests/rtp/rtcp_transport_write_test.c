/* Tests of rtp/rtcp_transport_write.c: what is written reads back the same, whatever the losses and gaps in time. */
#include "tests/rtp/rtcp_packets.h"

#define MAX_ARRIVALS 2000

/* Reads one message back against the arrivals it covers. */
static void check_message(const uint8_t *data, int len, uint16_t base, const struct rtcp_transport_arrival *a,
                          size_t count) {
  struct rtcp_packet p = only_packet(data, len);
  struct rtcp_transport_feedback f;
  struct rtcp_transport_status s = {0};
  assert_int_equal(rtcp_parse_transport_feedback(&p, &f), RTP_OK);
  assert_int_equal(f.base_seq, base);
  assert_int_equal(f.received_count, count);
  assert_int_equal(f.status_count, (uint16_t)(a[count - 1].seq - base) + 1);
  int64_t wrap = (int64_t)RTCP_TRANSPORT_REFERENCE_US << 24;
  size_t i = 0;
  while (rtcp_transport_feedback_next(&f, &s)) {
    if (!s.received) continue;
    assert_int_equal(s.seq, a[i].seq);
    int64_t want = a[i].arrival_us / RTCP_TRANSPORT_TICK_US * RTCP_TRANSPORT_TICK_US;
    assert_true((want - s.arrival_us) % wrap == 0);
    i++;
  }
  assert_int_equal(i, count);
}

/* Writes all arrivals in as many messages as it takes; returns how many. */
static unsigned write_all(const struct rtcp_transport_arrival *a, size_t count, uint16_t base, size_t cap) {
  uint8_t out[1500];
  unsigned messages = 0;
  while (count > 0) {
    size_t consumed;
    memset(out, 0xEE, sizeof out);
    int n = rtcp_write_transport_feedback(out, cap, 1, 2, (uint8_t)messages, base, a, count, &consumed);
    assert_true(n > 0 && (size_t)n <= cap && consumed > 0 && consumed <= count);
    if (consumed == 0) return 0; /* asserted above; the analyser does not know that asserts end a test */
    for (size_t i = cap; i < sizeof out; i++)
      assert_int_equal(out[i], 0xEE);
    check_message(out, n, base, a, consumed);
    base = (uint16_t)(a[consumed - 1].seq + 1);
    a += consumed;
    count -= consumed;
    messages++;
  }
  return messages;
}

static void known_bytes(void **state) {
  (void)state;
  uint8_t out[64];
  size_t consumed;
  const struct rtcp_transport_arrival a[] = {{64000 + 1000, 1}, {64000 + 1250, 2}, {64000 + 1250, 4}};
  int n = rtcp_write_transport_feedback(out, sizeof out, 1, 2, 9, 1, a, 3, &consumed);
  assert_int_equal(consumed, 3);
  /* 1 1 0 1 as a two-bit vector: 11 01 01 00 01 000000 */
  assert_hex(out, (size_t)n, "8fcd0006 00000001 00000002 00010004 000001 09 d440 04 01 00 000000");
}

static void random_arrivals_round_trip(void **state) {
  (void)state;
  static struct rtcp_transport_arrival a[MAX_ARRIVALS];
  uint64_t seed = 20261122;
  for (unsigned round = 0; round < 300; round++) {
    unsigned loss = random_next(&seed) % 100, big = random_next(&seed) % 40, burst = random_next(&seed) % 200;
    uint16_t base = (uint16_t)random_next(&seed), seq = base;
    int64_t at = (int64_t)random_next(&seed) * 1000;
    size_t count = 1 + random_next(&seed) % MAX_ARRIVALS;
    for (size_t i = 0; i < count; i++) {
      if (random_next(&seed) % 100 < loss) seq = (uint16_t)(seq + 1 + (burst > 190 ? random_next(&seed) % 300 : 0));
      a[i] = (struct rtcp_transport_arrival){.arrival_us = at, .seq = seq++};
      at += random_next(&seed) % 5000;
      if (random_next(&seed) % 100 < big) at += (int64_t)(random_next(&seed) % 200000) - 60000;
      if (random_next(&seed) % 1000 < 2) at += 10000000; /* a delta no message can say */
      if (at < 0) at = 0;
    }
    write_all(a, count, base, 64 + random_next(&seed) % 1400);
  }
}

static void messages_end_where_they_must(void **state) {
  (void)state;
  uint8_t out[1500];
  size_t consumed;
  struct rtcp_transport_arrival a[] = {{1000000, 10}, {1000000 + 32767 * 250, 11}, {20000000, 12}, {20000000, 9}};
  /* The third is more than 32767 ticks later; the fourth goes backwards. */
  assert_int_equal(write_all(a, 3, 10, sizeof out), 2);
  assert_true(rtcp_write_transport_feedback(out, sizeof out, 1, 2, 0, 12, a + 2, 2, &consumed) > 0);
  assert_int_equal(consumed, 1);
  /* The base: far before the first arrival, as far as allowed, one further. */
  assert_true(rtcp_write_transport_feedback(out, sizeof out, 1, 2, 0, (uint16_t)(10 - 16383), a, 1, &consumed) > 0);
  assert_int_equal(rtcp_write_transport_feedback(out, sizeof out, 1, 2, 0, (uint16_t)(10 - 16384), a, 1, &consumed),
                   RTP_ERROR_VALUE);
  assert_int_equal(consumed, 0);
  assert_int_equal(rtcp_write_transport_feedback(out, sizeof out, 1, 2, 0, 10, a, 0, &consumed), RTP_ERROR_VALUE);
  for (size_t cap = 0; cap < 24; cap++) {
    assert_int_equal(rtcp_write_transport_feedback(out, cap, 1, 2, 0, 10, a, 1, &consumed), RTP_ERROR_NO_SPACE);
  }
  assert_int_equal(rtcp_write_transport_feedback(out, 24, 1, 2, 0, 10, a, 1, &consumed), 24);
}

static void full_rate_needs_few_bytes(void **state) {
  (void)state;
  static struct rtcp_transport_arrival a[1000];
  for (size_t i = 0; i < COUNT(a); i++)
    a[i] = (struct rtcp_transport_arrival){(int64_t)i * 1000, (uint16_t)i};
  uint8_t out[1500];
  size_t consumed;
  int n = rtcp_write_transport_feedback(out, sizeof out, 1, 2, 0, 0, a, COUNT(a), &consumed);
  assert_int_equal(consumed, COUNT(a));
  assert_int_equal(n, 20 + 2 + 1000 + 2); /* one run chunk, a byte each, rounded up */
}

/* A larger buffer than any datagram makes no longer message. */
static void messages_have_a_longest(void **state) {
  (void)state;
  static struct rtcp_transport_arrival a[5000];
  for (size_t i = 0; i < COUNT(a); i++)
    a[i] = (struct rtcp_transport_arrival){(int64_t)i * 100000, (uint16_t)i}; /* two bytes each */
  static uint8_t out[20000];
  size_t consumed;
  int n = rtcp_write_transport_feedback(out, sizeof out, 1, 2, 0, 0, a, COUNT(a), &consumed);
  assert_in_range(n, 2040, 2048);
  check_message(out, n, 0, a, consumed);
}

/* The short way writes the same bytes, or nothing. */
static void whole_messages_are_the_same(void **state) {
  (void)state;
  enum { PLACES = 1024 };
  static uint32_t ring_us[PLACES];
  static struct rtcp_transport_arrival a[PLACES];
  uint64_t seed = 7;
  unsigned written = 0;
  for (unsigned round = 0; round < 2000; round++) {
    static const unsigned ranges_us[] = {1, 300, 63000, 70000};
    const unsigned range_us = ranges_us[round % 4];
    const uint32_t count = 1 + random_next(&seed) % (round % 8 == 0 ? PLACES : 40), base = (uint32_t)random_next(&seed);
    const uint32_t missing = random_next(&seed) % 2 ? random_next(&seed) % count : UINT32_MAX;
    const size_t cap = round % 5 == 0 ? 20 + random_next(&seed) % 30 : 1400;
    int64_t at = (int64_t)(random_next(&seed) % 3 ? (1ULL << 32) - 2000 : 1 + random_next(&seed) % 100000000), now = at;
    bool whole = true;
    size_t arrivals = 0, consumed = 0;
    for (uint32_t i = 0; i < count; i++) {
      if (i > 0) at += random_next(&seed) % range_us;
      if ((uint32_t)at == 0) at++; /* the recorder has no such time */
      ring_us[(base + i) % PLACES] = i == missing ? 0 : (uint32_t)at;
      if (i == missing) continue;
      if (arrivals > 0) whole &= at / 250 - a[arrivals - 1].arrival_us / 250 <= 255;
      a[arrivals++] = (struct rtcp_transport_arrival){at, (uint16_t)(base + i)};
      now = at;
    }
    whole &= missing == UINT32_MAX && (size_t)22 + count <= cap - cap % 4;
    uint8_t out[1500], other[1500];
    memset(out, 0xEE, sizeof out);
    const struct rtcp_transport_times times = {ring_us, PLACES - 1, base, count, now + 30000};
    const int n = rtcp_write_whole_transport_feedback(out, cap, 1, 2, (uint8_t)round, &times);
    assert_int_equal(n > 0, whole);
    for (size_t i = cap; i < sizeof out; i++)
      assert_int_equal(out[i], 0xEE);
    if (!whole) continue;
    assert_int_equal(
        rtcp_write_transport_feedback(other, cap, 1, 2, (uint8_t)round, (uint16_t)base, a, arrivals, &consumed), n);
    assert_memory_equal(out, other, (size_t)n);
    written++;
  }
  assert_in_range(written, 300, 1500);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(known_bytes),
      cmocka_unit_test(random_arrivals_round_trip),
      cmocka_unit_test(messages_end_where_they_must),
      cmocka_unit_test(full_rate_needs_few_bytes),
      cmocka_unit_test(messages_have_a_longest),
      cmocka_unit_test(whole_messages_are_the_same),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
