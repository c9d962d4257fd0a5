/* The shared ring: what it keeps, what it forgets, and that bytes are never mixed up. */
#include "rtp/packet_history.h"

#include <sys/mman.h>
#include <unistd.h>

#include "tests/rtp/stream_fixture.h"

static void put(struct packet_history *h, uint32_t seq, size_t len, int64_t now_us) {
  uint8_t payload[RTP_MEDIA_MAX_PAYLOAD + 1];
  memset(payload, (int)(seq * 7 & 0xff), sizeof payload);
  uint8_t descriptor[5] = {(uint8_t)seq, 1, 2, 3, 4};
  struct rtp_media_packet m = {.payload = payload,
                               .payload_len = (uint16_t)len,
                               .seq = seq,
                               .arrival_us = now_us,
                               .dependency_descriptor = descriptor,
                               .dependency_descriptor_len = seq % 3 ? sizeof descriptor : 0};
  packet_history_put(h, &m);
}

static void check(struct packet_history *h, uint32_t seq, size_t len) {
  const struct rtp_media_packet *m = packet_history_find(h, seq, -1);
  assert_non_null(m);
  assert_int_equal(m->payload_len, len);
  for (size_t i = 0; i < len; i++)
    assert_int_equal(m->payload[i], seq * 7 & 0xff);
  if (seq % 3) {
    assert_int_equal(m->dependency_descriptor_len, 5);
    assert_int_equal(m->dependency_descriptor[0], (uint8_t)seq);
    assert_int_equal(m->dependency_descriptor[4], 4);
  } else {
    assert_null(m->dependency_descriptor);
  }
}

static void sizes_out_of_range_are_refused(void **state) {
  (void)state;
  struct packet_history *h = NULL;
  assert_int_equal(packet_history_create(&h, 100, 65536, 1), -1); /* not a power of two */
  assert_int_equal(packet_history_create(&h, 0, 65536, 1), -1);
  assert_int_equal(packet_history_create(&h, 8192, 65536, 1), -1);
  assert_int_equal(packet_history_create(&h, 64, 100, 1), -1);
  assert_int_equal(packet_history_create(&h, 64, PACKET_HISTORY_MAX_BYTES + 1, 1), -1);
  assert_null(h);
  packet_history_free(NULL);
}

static void packets_are_found_until_numbers_time_or_bytes_run_out(void **state) {
  (void)state;
  struct packet_history *h;
  assert_int_equal(packet_history_create(&h, 64, 65536, 1000000), 0);
  assert_null(packet_history_find(h, 5, -1));
  for (uint32_t i = 0; i < 100; i++)
    put(h, 0xfffffff0U + i, 100, i);
  assert_null(packet_history_find(h, 0xfffffff0U + 35, -1)); /* 64 newest: 36..99, over the wrap of 32 bits */
  for (uint32_t i = 36; i < 100; i++)
    check(h, 0xfffffff0U + i, 100);
  assert_non_null(packet_history_find(h, 0xfffffff0U + 99, 1000099));
  assert_null(packet_history_find(h, 0xfffffff0U + 99, 1000100));
  put(h, 1000, RTP_MEDIA_MAX_PAYLOAD + 1, 0);
  assert_null(packet_history_find(h, 1000, -1));
  packet_history_clear(h);
  assert_null(packet_history_find(h, 0xfffffff0U + 99, -1));
  packet_history_free(h);
}

static void random_sizes_never_corrupt_a_packet(void **state) {
  (void)state;
  struct packet_history *h;
  uint64_t random = 42;
  assert_int_equal(packet_history_create(&h, 128, 16384, 1000000), 0);
  static size_t lens[20000];
  for (uint32_t i = 0; i < 20000; i++) {
    lens[i] = fixture_random(&random) % (RTP_MEDIA_MAX_PAYLOAD + 1);
    put(h, i, lens[i], 0);
    check(h, i, lens[i]);
    size_t found = 0;
    for (uint32_t k = i > 40 ? i - 40 : 0; k <= i; k++) {
      if (!packet_history_find(h, k, -1)) continue;
      check(h, k, lens[k]);
      found++;
    }
    assert_true(found >= (i < 8 ? i + 1 : 8)); /* 16 KiB hold at least this many of the largest */
  }
  packet_history_free(h);
}

/* Whatever the rate: as much as was told is kept as far as the memory reaches, and a slow stream uses little of it. */
static void the_ring_is_as_long_as_the_rate_needs(void **state) {
  (void)state;
  static const struct {
    int64_t gap_us;
    uint32_t kept;
  } rates[] = {{100000, 6}, {20000, 30}, {5000, 120}, {2000, 300}, {100, 400}};
  for (size_t r = 0; r < sizeof rates / sizeof *rates; r++) {
    struct packet_history *h;
    assert_int_equal(packet_history_create(&h, 1024, 512 << 10, 2000000), 0);
    packet_history_keep(h, 600000);
    for (uint32_t i = 0; i < 3000; i++) {
      put(h, i, 1100, 1000000 + i * rates[r].gap_us);
      if (i < rates[r].kept || i % 97) continue;
      for (uint32_t back = 0; back < rates[r].kept; back += 1 + rates[r].kept / 20)
        check(h, i - back, 1100);
    }
    /* 16 KiB are 14 packets: the slowest stream has lost what a long ring would still have. */
    if (r == 0) assert_null(packet_history_find(h, 2999 - 15, -1));
    packet_history_free(h);
  }
}

/* A camera of 1.5 Mbit/s for `seconds`; now and then somebody asks for what is `age_us` old (0: nobody does). How far back it reaches. */
static int64_t reach_us(struct packet_history *h, uint32_t *seq, int seconds, int64_t age_us) {
  enum { GAP_US = 6000 };
  for (int i = 0; i < seconds * (1000000 / GAP_US); i++) {
    const int64_t now_us = (int64_t)++ * seq * GAP_US;
    put(h, *seq, 1100, now_us);
    if (age_us && i % 100 == 0) (void)packet_history_find(h, *seq - (uint32_t)(age_us / GAP_US), now_us);
  }
  int64_t reach = 0;
  while (packet_history_find(h, *seq - (uint32_t)(reach / GAP_US) - 1, -1))
    reach += GAP_US;
  return reach;
}

/* What must be kept is what the receivers' round trips ask for, and twice what is really asked for, for as long as that goes on. */
static void the_ring_is_as_long_as_receivers_ask_back(void **state) {
  (void)state;
  struct packet_history *h;
  uint32_t seq = 1000;
  assert_int_equal(packet_history_create(&h, 1024, 512 << 10, 2000000), 0);
  assert_in_range(reach_us(h, &seq, 4, 0), 290000, 460000); /* nothing is known */
  packet_history_keep(h, 20000);
  assert_in_range(reach_us(h, &seq, 10, 0), 95000, 260000);       /* a near receiver: the least */
  assert_in_range(reach_us(h, &seq, 10, 145000), 285000, 500000); /* whose queue is long */
  assert_in_range(reach_us(h, &seq, 10, 0), 95000, 260000);
  assert_in_range(reach_us(h, &seq, 10, 1500000), 590000, 1000000); /* asks for what is gone */
  assert_in_range(reach_us(h, &seq, 10, -600000), 95000,
                  190000);          /* … and for what never came: no reason to keep more */
  packet_history_expect(h, 200000); /* a pacer lets it wait */
  assert_in_range(reach_us(h, &seq, 1, 0), 395000, 700000);
  assert_in_range(reach_us(h, &seq, 10, 0), 95000, 260000);
  packet_history_keep(h, 450000);
  assert_in_range(reach_us(h, &seq, 4, 0), 440000, 700000); /* a far one */
  packet_history_rest(&h);
  assert_in_range(reach_us(h, &seq, 4, 0), 440000, 700000); /* still far */
  packet_history_keep(h, INT64_MAX);
  assert_in_range(reach_us(h, &seq, 4, 0), 590000, 1000000);
  packet_history_free(h);
}

/* A camera that speeds up is followed: nothing younger than 300 ms is missing once a ring's length has passed. */
static void the_ring_follows_a_rising_rate(void **state) {
  (void)state;
  struct packet_history *h;
  int64_t now_us = 1000000;
  uint32_t seq = 0;
  assert_int_equal(packet_history_create(&h, 1024, 512 << 10, 2000000), 0);
  for (int64_t gap_us = 40000; gap_us >= 2500; gap_us /= 2) {
    for (uint32_t i = 0; i < 1500; i++, now_us += gap_us)
      put(h, seq++, 1100, now_us);
    for (uint32_t back = 1; back * gap_us < 300000; back++)
      check(h, seq - back, 1100);
  }
  packet_history_free(h);
}

/* Whenever a burst comes, also when the ring has just begun anew: nothing younger than 300 ms is overwritten. */
static void a_burst_at_any_place_is_kept(void **state) {
  (void)state;
  for (uint32_t before = 0; before < 120; before++) {
    struct packet_history *h;
    int64_t now_us = 1000000;
    uint32_t seq = 0;
    assert_int_equal(packet_history_create(&h, 1024, 512 << 10, 2000000), 0);
    for (uint32_t i = 0; i < 60 + before; i++, now_us += 33000)
      put(h, seq++, 900 + i * 37 % 300, now_us);
    const uint32_t first = seq;
    for (uint32_t i = 0; i < 300; i++)
      put(h, seq, 900 + seq * 37 % 300, now_us), seq++;
    for (uint32_t at = first - 8; at != seq; at++)
      assert_non_null(packet_history_find(h, at, -1));
    for (uint32_t at = first; at != seq; at++)
      check(h, at, 900 + at * 37 % 300);
    packet_history_free(h);
  }
}

/* How much of the block is there in pages. */
static size_t resident(const struct packet_history *h, size_t bytes) {
  static unsigned char pages[1024];
  const uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE), from = (uintptr_t)h & ~(page - 1);
  const size_t count = ((uintptr_t)h + bytes - from) / page;
  assert_true(count <= sizeof pages);
  assert_int_equal(mincore((void *)from, count * page, pages), 0); /* NOLINT(performance-no-int-to-ptr) */
  size_t there = 0;
  for (size_t i = 0; i < count; i++)
    there += (pages[i] & 1) * page;
  return there;
}

/* Key frames at the beginning fill the whole ring; an ordinary rate afterwards needs a ninth of it, and the rest goes back. */
static void what_a_burst_needed_is_given_back(void **state) {
  (void)state;
  enum { RING = 512 << 10, BLOCK = RING + 1024 * 128 };
  struct packet_history *h;
  int64_t now_us = 1000000;
  uint32_t seq = 0;
  assert_int_equal(packet_history_create(&h, 1024, RING, 2000000), 0);
  for (int i = 0; i < 460; i++, now_us += 400)
    put(h, seq++, 1100, now_us);
  const size_t before = resident(h, BLOCK);
  assert_true(before > (size_t)450 * 1024);
  for (int i = 0; i < 1000; i++, now_us += 6700) {
    put(h, seq++, 1100, now_us);
    for (uint32_t back = 1; back < 44; back += 6)
      check(h, seq - back, 1100);
  }
  assert_true(resident(h, BLOCK) + 350 * 1024 < before);
  packet_history_free(h);
}

/* A layer that nobody watches stops: its pages go back, and it can begin again. */
static void a_rest_forgets_everything_and_the_ring_works_again(void **state) {
  (void)state;
  struct packet_history *h = NULL;
  assert_int_equal(packet_history_create(&h, 1024, 512U << 10, 2000000), 0);
  for (uint32_t seq = 0; seq < 400; seq++)
    put(h, seq, 1000, (int64_t)seq * 1000);
  check(h, 399, 1000);
  packet_history_rest(&h);
  for (uint32_t seq = 0; seq < 400; seq++)
    assert_null(packet_history_find(h, seq, -1));
  for (uint32_t seq = 5000; seq < 5400; seq++)
    put(h, seq, 1000, (int64_t)seq * 1000);
  for (uint32_t seq = 5100; seq < 5400; seq++)
    check(h, seq, 1000);
  packet_history_free(h);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(sizes_out_of_range_are_refused),
                                     cmocka_unit_test(packets_are_found_until_numbers_time_or_bytes_run_out),
                                     cmocka_unit_test(random_sizes_never_corrupt_a_packet),
                                     cmocka_unit_test(the_ring_is_as_long_as_the_rate_needs),
                                     cmocka_unit_test(the_ring_is_as_long_as_receivers_ask_back),
                                     cmocka_unit_test(the_ring_follows_a_rising_rate),
                                     cmocka_unit_test(a_burst_at_any_place_is_kept),
                                     cmocka_unit_test(what_a_burst_needed_is_given_back),
                                     cmocka_unit_test(a_rest_forgets_everything_and_the_ring_works_again)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
