/* tests/server/worker/egress_batch_test.c: what is committed arrives, whole, in order, in as few messages as the sizes allow. */
#include "server/worker/egress_batch.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

struct pair {
  int sender, receivers[2];
  struct egress_destination to[2];
  struct egress_batch *batch;
};

static void open_pair(struct pair *pair, int use_gso) {
  memset(pair, 0, sizeof *pair);
  pair->sender = socket(AF_INET, SOCK_DGRAM, 0);
  for (int i = 0; i < 2; i++) {
    pair->receivers[i] = socket(AF_INET, SOCK_DGRAM, 0);
    struct timeval limit = {.tv_sec = 5};
    int room = 4 << 20;
    setsockopt(pair->receivers[i], SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    setsockopt(pair->receivers[i], SOL_SOCKET, SO_RCVBUF, &room, sizeof room);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    assert_int_equal(bind(pair->receivers[i], (struct sockaddr *)&address, sizeof address), 0);
    pair->to[i].address_len = sizeof pair->to[i].address;
    getsockname(pair->receivers[i], (struct sockaddr *)&pair->to[i].address, &pair->to[i].address_len);
  }
  assert_int_equal(egress_batch_create(&pair->batch, pair->sender, use_gso), 0);
}

static void close_pair(struct pair *pair) {
  egress_batch_free(pair->batch);
  close(pair->sender);
  for (int i = 0; i < 2; i++)
    close(pair->receivers[i]);
}

static void put(struct pair *pair, int to, size_t len, uint8_t mark) {
  uint8_t *place = egress_batch_reserve(pair->batch);
  memset(place, mark, len);
  if (len >= 12) memset(place + 8, 7, 4); /* one stream: the place of RTP's SSRC */
  egress_batch_commit(pair->batch, &pair->to[to], len);
}

static void expect(struct pair *pair, int at, size_t len, uint8_t mark) {
  uint8_t got[2048];
  ssize_t n = recv(pair->receivers[at], got, sizeof got, 0);
  assert_int_equal(n, len);
  for (size_t i = 0; i < len; i++)
    if (i < 8 || i >= 12) assert_int_equal(got[i], mark);
}

static void equal_packets_are_one_message(void **state) {
  (void)state;
  struct pair pair;
  open_pair(&pair, 1);
  for (uint8_t i = 0; i < 8; i++)
    put(&pair, 0, i == 7 ? 900 : 1200, i);
  egress_batch_flush(pair.batch);
  for (uint8_t i = 0; i < 8; i++)
    expect(&pair, 0, i == 7 ? 900 : 1200, i);
  const struct egress_counters *c = egress_batch_counters(pair.batch);
  assert_int_equal(c->packets, 8);
  assert_int_equal(c->bytes, 7 * 1200 + 900);
  assert_int_equal(c->messages, 1);
  assert_int_equal(c->system_calls, 1);
  close_pair(&pair);
}

static void a_shorter_packet_ends_the_run(void **state) {
  (void)state;
  struct pair pair;
  open_pair(&pair, 1);
  const size_t sizes[] = {1000, 1000, 500, 500, 600, 600};
  for (uint8_t i = 0; i < 6; i++)
    put(&pair, 0, sizes[i], i);
  egress_batch_flush(pair.batch);
  for (uint8_t i = 0; i < 6; i++)
    expect(&pair, 0, sizes[i], i);
  assert_int_equal(egress_batch_counters(pair.batch)->messages, 3); /* 1000 1000 500 | 500 | 600 600 */
  close_pair(&pair);
}

static void destinations_are_interleaved_and_keep_their_order(void **state) {
  (void)state;
  struct pair pair;
  open_pair(&pair, 1);
  for (uint8_t i = 0; i < 5; i++) {
    put(&pair, 0, 1100, i);
    put(&pair, 1, 1100, (uint8_t)(100 + i));
  }
  egress_batch_flush(pair.batch);
  for (uint8_t i = 0; i < 5; i++) {
    expect(&pair, 0, 1100, i);
    expect(&pair, 1, 1100, (uint8_t)(100 + i));
  }
  assert_int_equal(egress_batch_counters(pair.batch)->messages, 2);
  assert_int_equal(egress_batch_counters(pair.batch)->system_calls, 1);
  close_pair(&pair);
}

static void without_gso_every_packet_is_a_message(void **state) {
  (void)state;
  struct pair pair;
  open_pair(&pair, 0);
  for (uint8_t i = 0; i < 4; i++)
    put(&pair, 0, 300, i);
  egress_batch_flush(pair.batch);
  for (uint8_t i = 0; i < 4; i++)
    expect(&pair, 0, 300, i);
  assert_int_equal(egress_batch_counters(pair.batch)->messages, 4);
  assert_int_equal(egress_batch_counters(pair.batch)->system_calls, 1);
  close_pair(&pair);
}

static void a_full_slab_flushes_itself(void **state) {
  (void)state;
  struct pair pair;
  open_pair(&pair, 1);
  for (int i = 0; i < 3000; i++) {
    put(&pair, 0, 1400, (uint8_t)i);
    if (i % 100 == 99) {
      egress_batch_flush(pair.batch);
      for (int k = i - 99; k <= i; k++)
        expect(&pair, 0, 1400, (uint8_t)k);
    }
  }
  /* One datagram before segmentation stays under 64 KiB: a hundred of 1400 bytes are at least three messages. */
  assert_int_equal(egress_batch_counters(pair.batch)->packets, 3000);
  assert_in_range(egress_batch_counters(pair.batch)->messages, 90, 300);
  int queued = 0;
  while (egress_batch_counters(pair.batch)->packets == 3000 && queued < 10000) {
    put(&pair, 1, 1400, 7); /* nobody reads: the slab must empty by itself, not overflow */
    queued++;
  }
  assert_in_range(queued, 500,
                  6u * 1024 * 1024 / 1400 + 1); /* the slab's size, or its packets, whichever is full first */
  close_pair(&pair);
}

static void a_refused_destination_harms_no_other(void **state) {
  (void)state;
  struct pair pair;
  open_pair(&pair, 1);
  struct egress_destination nowhere = pair.to[0];
  ((struct sockaddr_in *)&nowhere.address)->sin_port = 0; /* EINVAL */
  put(&pair, 0, 200, 1);
  egress_batch_add(pair.batch, &nowhere, (const uint8_t *)"xx", 2);
  put(&pair, 1, 200, 2);
  egress_batch_flush(pair.batch);
  expect(&pair, 0, 200, 1);
  expect(&pair, 1, 200, 2);
  assert_int_equal(egress_batch_counters(pair.batch)->drop_error, 1);
  assert_int_equal(egress_batch_counters(pair.batch)->gso_refused, 0);
  close_pair(&pair);
}

static void reserve_without_commit_sends_nothing(void **state) {
  (void)state;
  struct pair pair;
  open_pair(&pair, 1);
  uint8_t *first = egress_batch_reserve(pair.batch);
  assert_ptr_equal(egress_batch_reserve(pair.batch), first);
  egress_batch_flush(pair.batch);
  egress_batch_add(pair.batch, &pair.to[0], (const uint8_t *)"", 0);
  egress_batch_flush(pair.batch);
  assert_int_equal(egress_batch_counters(pair.batch)->system_calls, 0);
  close_pair(&pair);
}

static void put_rtp(struct pair *pair, size_t len, uint8_t ssrc) {
  uint8_t *place = egress_batch_reserve(pair->batch);
  memset(place, ssrc, len);
  egress_batch_commit(pair->batch, &pair->to[0], len);
}

static void a_voice_does_not_end_the_run_of_a_picture(void **state) {
  (void)state;
  struct pair pair;
  open_pair(&pair, 1);
  put_rtp(&pair, 1000, 1);
  put_rtp(&pair, 100, 2);
  put_rtp(&pair, 1000, 1);
  put_rtp(&pair, 1000, 1);
  egress_batch_flush(pair.batch);
  assert_int_equal(egress_batch_counters(pair.batch)->messages, 1);
  for (int i = 0; i < 3; i++)
    expect(&pair, 0, 1000, 1);
  expect(&pair, 0, 100, 2);
  close_pair(&pair);
}

static uint64_t flush_and_count(struct pair *pair) {
  const uint64_t before = egress_batch_counters(pair->batch)->messages;
  egress_batch_flush(pair->batch);
  return egress_batch_counters(pair->batch)->messages - before;
}

static void a_voice_does_not_wait_for_the_picture_after_it(void **state) {
  (void)state;
  struct pair pair;
  open_pair(&pair, 1);
  put_rtp(&pair, 100, 2);
  for (int i = 0; i < 3; i++)
    put_rtp(&pair, 1000, 1);
  assert_int_equal(flush_and_count(&pair), 2);
  expect(&pair, 0, 100, 2);
  for (int i = 0; i < 3; i++)
    expect(&pair, 0, 1000, 1);
  put_rtp(&pair, 1000, 1);
  put_rtp(&pair, 1000, 1);
  put_rtp(&pair, 1100, 3); /* ends the run, which has room for one */
  put_rtp(&pair, 100, 2);
  assert_int_equal(flush_and_count(&pair), 2);
  expect(&pair, 0, 1000, 1);
  expect(&pair, 0, 1000, 1);
  expect(&pair, 0, 100, 2);
  expect(&pair, 0, 1100, 3);
  assert_int_equal(egress_batch_counters(pair.batch)->packets, 8);
  assert_int_equal(egress_batch_counters(pair.batch)->bytes, 6300);
  close_pair(&pair);
}

/* The bits that stand for SSRCs are few: 1 and 33 share one. */
static void streams_that_look_alike_share_a_message_too(void **state) {
  (void)state;
  struct pair pair;
  open_pair(&pair, 1);
  put_rtp(&pair, 1000, 1);
  put_rtp(&pair, 100, 33);
  put_rtp(&pair, 1000, 1);
  assert_int_equal(flush_and_count(&pair), 1);
  expect(&pair, 0, 1000, 1);
  expect(&pair, 0, 1000, 1);
  expect(&pair, 0, 100, 33);
  close_pair(&pair);
}

static void voices_of_one_size_follow_one_picture(void **state) {
  (void)state;
  struct pair pair;
  open_pair(&pair, 1);
  static const size_t voices[] = {100, 100, 90, 100, 80};
  put_rtp(&pair, 1000, 1);
  for (uint8_t i = 0; i < 5; i++)
    put_rtp(&pair, voices[i], (uint8_t)(2 + i));
  put_rtp(&pair, 1000, 1);
  /* 1000 1000 and one of the voices; the others: as many messages as sizes at most. */
  assert_in_range(flush_and_count(&pair), 1, 3);
  size_t got[7];
  for (size_t i = 0; i < 7; i++) {
    uint8_t packet[2048];
    const ssize_t n = recv(pair.receivers[0], packet, sizeof packet, 0);
    assert_true(n > 0);
    got[i] = (size_t)n;
    if (packet[0] > 1) assert_int_equal(n, voices[packet[0] - 2]);
    for (ssize_t k = 0; k < n; k++)
      assert_int_equal(packet[k], packet[0]);
  }
  size_t bytes = 0;
  for (size_t i = 0; i < 7; i++)
    bytes += got[i];
  assert_int_equal(bytes, 2 * 1000 + 3 * 100 + 90 + 80);
  close_pair(&pair);
}

static void two_small_pictures_share_a_message(void **state) {
  (void)state;
  struct pair pair;
  open_pair(&pair, 1);
  put_rtp(&pair, 700, 1);
  put_rtp(&pair, 900, 2);
  assert_int_equal(flush_and_count(&pair), 1);
  expect(&pair, 0, 900, 2);
  expect(&pair, 0, 700, 1);
  close_pair(&pair);
}

static void an_ended_run_takes_nothing_more(void **state) {
  (void)state;
  struct pair pair;
  open_pair(&pair, 1);
  put_rtp(&pair, 1000, 1);
  put_rtp(&pair, 999, 1);
  put_rtp(&pair, 100, 2);
  assert_int_equal(flush_and_count(&pair), 2);
  expect(&pair, 0, 1000, 1);
  expect(&pair, 0, 999, 1);
  expect(&pair, 0, 100, 2);
  close_pair(&pair);
}

static void put_numbered(struct pair *pair, size_t len, uint8_t ssrc, uint8_t number) {
  uint8_t *place = egress_batch_reserve(pair->batch);
  memset(place, ssrc, len);
  place[0] = number;
  egress_batch_commit(pair->batch, &pair->to[0], len);
}

/* All that waits: each stream's numbers must rise. */
static void expect_order(struct pair *pair, size_t packets) {
  uint8_t last[256] = {0};
  for (size_t i = 0; i < packets; i++) {
    uint8_t packet[2048];
    const ssize_t n = recv(pair->receivers[0], packet, sizeof packet, 0);
    assert_in_range(n, 12, 2000);
    assert_true(packet[0] > last[packet[8]]);
    last[packet[8]] = packet[0];
  }
}

static void what_went_aside_is_not_overtaken_by_its_own_stream(void **state) {
  (void)state;
  struct pair pair;
  open_pair(&pair, 1);
  put_numbered(&pair, 120, 1, 1);
  put_numbered(&pair, 100, 2, 1); /* aside */
  put_numbered(&pair, 120, 2, 2); /* as long as the run's: not into what leaves before */
  put_numbered(&pair, 120, 1, 2);
  egress_batch_flush(pair.batch);
  expect_order(&pair, 4);
  close_pair(&pair);
}

static void any_mixture_keeps_the_order_of_its_streams(void **state) {
  (void)state;
  struct pair pair;
  open_pair(&pair, 1);
  uint32_t random = 12345;
  for (int round = 0; round < 300; round++) {
    uint8_t numbers[6] = {0};
    for (int i = 0; i < 40; i++) {
      random = random * 1664525 + 1013904223;
      const uint8_t stream = (uint8_t)(random >> 24) % 6;
      static const size_t sizes[] = {1000, 1000, 1000, 999, 120, 110, 1200, 90};
      put_numbered(&pair, sizes[random >> 16 & 7], (uint8_t)(stream + 1), ++numbers[stream]);
    }
    egress_batch_flush(pair.batch);
    expect_order(&pair, 40);
  }
  assert_int_equal(egress_batch_counters(pair.batch)->packets, 300 * 40);
  close_pair(&pair);
}

static void no_message_is_more_than_the_kernel_takes(void **state) {
  (void)state;
  struct pair pair;
  open_pair(&pair, 1);
  for (int i = 0; i < 63; i++)
    put_rtp(&pair, 100, 1);
  put_rtp(&pair, 200, 2); /* ends the run, which has room for one */
  for (int i = 0; i < 5; i++)
    put_rtp(&pair, 100, 3);
  put_rtp(&pair, 50, 4);
  put_rtp(&pair, 50, 5);
  for (int i = 0; i < 54; i++)
    put_rtp(&pair, 1200, 6); /* 64 800 bytes */
  put_rtp(&pair, 60, 7);
  egress_batch_flush(pair.batch);
  for (int i = 0; i < 63 + 1 + 5 + 2 + 54 + 1; i++) {
    uint8_t packet[2048];
    assert_true(recv(pair.receivers[0], packet, sizeof packet, 0) > 0);
  }
  assert_int_equal(egress_batch_counters(pair.batch)->drop_error, 0);
  assert_int_equal(egress_batch_counters(pair.batch)->gso_refused, 0);
  close_pair(&pair);
}

static void a_stream_keeps_its_order(void **state) {
  (void)state;
  struct pair pair;
  open_pair(&pair, 1);
  put_rtp(&pair, 1000, 1);
  put_rtp(&pair, 999, 1); /* ends the run: nothing of this stream may overtake it */
  put_rtp(&pair, 1000, 1);
  egress_batch_flush(pair.batch);
  assert_int_equal(egress_batch_counters(pair.batch)->messages, 2);
  expect(&pair, 0, 1000, 1);
  expect(&pair, 0, 999, 1);
  expect(&pair, 0, 1000, 1);
  close_pair(&pair);
}

static void padding_makes_a_frame_one_run(void **state) {
  (void)state;
  struct pair pair;
  open_pair(&pair, 1);
  /* As Chromium cuts a frame: the later ones one byte longer. */
  static const size_t frame[] = {1000, 1000, 1001, 1001};
  for (size_t i = 0; i < 4; i++) {
    size_t padding = egress_batch_padding(pair.batch, &pair.to[0], frame[i], i < 3);
    assert_int_equal(frame[i] + padding, 1001);
    put_rtp(&pair, frame[i] + padding, 1);
  }
  egress_batch_flush(pair.batch);
  assert_int_equal(egress_batch_counters(pair.batch)->messages, 1);
  for (size_t i = 0; i < 4; i++)
    expect(&pair, 0, 1001, 1);
  close_pair(&pair);
}

static void padding_is_below_one_percent(void **state) {
  (void)state;
  struct pair pair;
  open_pair(&pair, 1);
  assert_int_equal(egress_batch_padding(pair.batch, &pair.to[0], 1000, false), 0); /* the whole of a frame */
  assert_int_equal(egress_batch_padding(pair.batch, &pair.to[0], 100, true), 0);
  assert_int_equal(egress_batch_padding(pair.batch, &pair.to[0], EGRESS_PACKET_MAX_BYTES, true), 0);
  put_rtp(&pair, 1000, 1);
  assert_int_equal(egress_batch_padding(pair.batch, &pair.to[0], 1000, true), 0);
  assert_int_equal(egress_batch_padding(pair.batch, &pair.to[0], 991, true), 9);
  assert_int_equal(egress_batch_padding(pair.batch, &pair.to[0], 990, true), 0);
  assert_int_equal(egress_batch_padding(pair.batch, &pair.to[1], 990, true), 1); /* another run */
  close_pair(&pair);
  open_pair(&pair, 0);
  assert_int_equal(egress_batch_padding(pair.batch, &pair.to[0], 1000, true), 0); /* without runs, what for? */
  close_pair(&pair);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(equal_packets_are_one_message),
      cmocka_unit_test(a_shorter_packet_ends_the_run),
      cmocka_unit_test(destinations_are_interleaved_and_keep_their_order),
      cmocka_unit_test(without_gso_every_packet_is_a_message),
      cmocka_unit_test(a_full_slab_flushes_itself),
      cmocka_unit_test(a_refused_destination_harms_no_other),
      cmocka_unit_test(reserve_without_commit_sends_nothing),
      cmocka_unit_test(a_voice_does_not_end_the_run_of_a_picture),
      cmocka_unit_test(a_voice_does_not_wait_for_the_picture_after_it),
      cmocka_unit_test(streams_that_look_alike_share_a_message_too),
      cmocka_unit_test(voices_of_one_size_follow_one_picture),
      cmocka_unit_test(two_small_pictures_share_a_message),
      cmocka_unit_test(an_ended_run_takes_nothing_more),
      cmocka_unit_test(what_went_aside_is_not_overtaken_by_its_own_stream),
      cmocka_unit_test(any_mixture_keeps_the_order_of_its_streams),
      cmocka_unit_test(no_message_is_more_than_the_kernel_takes),
      cmocka_unit_test(a_stream_keeps_its_order),
      cmocka_unit_test(padding_makes_a_frame_one_run),
      cmocka_unit_test(padding_is_below_one_percent),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
