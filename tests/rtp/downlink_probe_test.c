/* Probe clusters: at the rate that was asked, of packets that may be of use, only when somebody wants more. */
#include "tests/rtp/downlink_fixture.h"

static void want(struct desk *k, uint64_t next_bps, uint64_t most_bps) {
  struct allocation a = {.next_bps = next_bps, .most_bps = most_bps};
  downlink_want(k->d, &a, k->now_us);
}

/* Bytes of RTX and padding that left within [from, until). */
static uint64_t probe_bytes(const struct desk *k, size_t from) {
  uint64_t bytes = 0;
  for (size_t i = from; i < k->count; i++)
    bytes += k->sent[i].rtx ? (uint64_t)k->sent[i].len + DESK_OVERHEAD : 0;
  return bytes;
}

static void a_start_probes_at_three_and_six_times(void **state) {
  (void)state;
  struct desk *k = desk_open(300000);
  want(k, 2000000, 2000000);
  int64_t from_us = k->now_us;
  while (desk_stats(k).probe_clusters < 2 && k->now_us < from_us + 1000000)
    desk_run(k, 5, false);
  desk_run(k, 60, false);
  struct downlink_stats s = desk_stats(k);
  assert_int_equal(s.probe_clusters, 2);
  /* 15 ms of 900 kbit/s and 25 of 1800 kbit/s, give or take a packet each. */
  assert_in_range(s.probe_bytes, 1687 + 5625, 1687 + 5625 + 4 * 300);
  assert_int_equal(s.probe_bytes, probe_bytes(k, 0));
  for (size_t i = 0; i < k->count; i++)
    assert_true(k->sent[i].rtx && k->sent[i].padding && k->sent[i].payload_type == 97);
  desk_close(k);
}

static void a_cluster_keeps_its_rate(void **state) {
  (void)state;
  struct desk *k = desk_open(300000);
  want(k, 900000, 720000); /* one cluster: 1125 kbit/s at most */
  k->now_us += 5000;
  downlink_service(k->d, k->now_us);
  int64_t from_us = k->now_us;
  uint64_t before_last = 0;
  while (downlink_probe_deadline(k->d) != INT64_MAX) {
    assert_true(downlink_deadline(k->d) <= downlink_probe_deadline(k->d));
    before_last = k->bytes;
    k->now_us = downlink_probe_deadline(k->d) > k->now_us ? downlink_probe_deadline(k->d) : k->now_us + 1;
    downlink_service(k->d, k->now_us);
  }
  uint64_t bps = before_last * 8 * 1000000 / (uint64_t)(k->now_us - from_us);
  assert_in_range(bps, 800000, 1000000);
  desk_close(k);
}

/* The fixture's packets are smaller than padding is, so they are not worth repeating; those of this frame are. Returns how many left
 * at once. */
static int large_frame(struct desk *k, int count, bool keyframe, int64_t every_us) {
  struct fixture_packet small[4];
  fixture_vp8_frame(&k->camera, small, 4, keyframe);
  k->camera.seq = (uint16_t)(k->camera.seq + count - 4);
  static uint8_t bytes[64][RTP_HEADER_SIZE + 1000];
  int at_once = 0;
  for (int i = 0; i < count; i++) {
    struct fixture_packet p = small[i < 4 ? i : 3];
    memcpy(bytes[i], p.bytes, sizeof p.bytes);
    p.packet.data = bytes[i];
    p.packet.payload = bytes[i] + RTP_HEADER_SIZE;
    p.packet.payload_len = 1000;
    p.packet.len = RTP_HEADER_SIZE + 1000;
    p.packet.seq = (uint16_t)(p.packet.seq + (i < 4 ? 0 : i - 3));
    p.packet.marker = i == count - 1;
    k->now_us += every_us;
    at_once += desk_pass(k, &p, true);
  }
  return at_once;
}

static void media_is_repeated_before_padding_is_made(void **state) {
  (void)state;
  struct desk *k = desk_open(2000000);
  assert_int_equal(large_frame(k, 12, true, 10000), 12);
  size_t before = k->count;
  want(k, 20000000, 20000000);
  desk_run(k, 5, false);
  assert_true(k->count > before);
  assert_true(k->sent[before].rtx && !k->sent[before].padding);
  assert_true(k->sent[before].len > 1000);
  desk_close(k);
}

static bool was_sent_before(const struct desk *k, size_t until, uint16_t seq) {
  for (size_t i = 0; i < until; i++) {
    if (!k->sent[i].rtx && k->sent[i].seq == seq) return true;
  }
  return false;
}

/* A key frame comes while a cluster runs, and waits. Its numbers are free again when it is cut: a receiver that had got one of them
 * before would take what comes under it later for a duplicate. */
static void what_waits_is_not_repeated(void **state) {
  (void)state;
  struct desk *k = desk_open(1000000);
  large_frame(k, 5, true, 40000);
  want(k, 6000000, 6000000);
  desk_run(k, 5, false);
  assert_int_not_equal(k->d->cluster.id, 0);
  assert_true(large_frame(k, 40, true, 0) < 30);
  uint16_t waiting = (uint16_t)(k->d->slots[k->video_slot].last_sent + 3);
  downlink_nack(k->d, k->video_slot, &waiting, 1, k->now_us);
  desk_run(k, 20, false);
  downlink_stepped_down(k->d, k->video_slot);
  assert_true(desk_stats(k).cut > 0);
  desk_run(k, 300, false);
  size_t repeats = 0;
  for (size_t i = 0; i < k->count; i++) {
    if (!k->sent[i].rtx || k->sent[i].padding) continue;
    assert_true(was_sent_before(k, i, k->sent[i].repeats));
    repeats++;
  }
  assert_true(repeats > 3);
  desk_close(k);
}

static void nobody_wants_nobody_probes(void **state) {
  (void)state;
  struct desk *k = desk_open(300000);
  desk_run(k, 3000, true);
  want(k, 0, 100000);
  desk_run(k, 10000, true);
  assert_int_equal(desk_stats(k).probe_clusters, 0);
  desk_close(k);
}

static void without_rtx_there_is_no_probe(void **state) {
  (void)state;
  struct desk *k = desk_open(300000);
  downlink_remove_slot(k->d, k->video_slot);
  want(k, 2000000, 2000000);
  desk_run(k, 3000, true);
  assert_int_equal(desk_stats(k).probe_packets, 0);
  assert_int_equal(downlink_probe_deadline(k->d), INT64_MAX);
  desk_close(k);
}

static void what_waits_goes_before_a_probe(void **state) {
  (void)state;
  struct desk *k = desk_open(60000);
  desk_frame(k, 16, true);
  desk_frame(k, 16, false);
  want(k, 2000000, 2000000);
  k->now_us += 5000;
  downlink_service(k->d, k->now_us);
  assert_int_equal(desk_stats(k).probe_clusters, 0);
  desk_run(k, 1000, false);
  assert_true(desk_stats(k).probe_clusters > 0);
  desk_close(k);
}

/* Probes that arrive raise the target as far as it is wanted. */
static void what_probes_show_is_the_target(void **state) {
  (void)state;
  struct desk *k = desk_open(300000);
  for (int i = 0; i < 10; i++) {
    want(k, 2000000, 2000000);
    desk_run(k, 100, true);
  }
  uint64_t bps = bandwidth_estimator_bps(downlink_estimator(k->d));
  assert_in_range(bps, 2000000, 3000000);
  desk_close(k);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_start_probes_at_three_and_six_times),
      cmocka_unit_test(a_cluster_keeps_its_rate),
      cmocka_unit_test(media_is_repeated_before_padding_is_made),
      cmocka_unit_test(what_waits_is_not_repeated),
      cmocka_unit_test(nobody_wants_nobody_probes),
      cmocka_unit_test(without_rtx_there_is_no_probe),
      cmocka_unit_test(what_waits_goes_before_a_probe),
      cmocka_unit_test(what_probes_show_is_the_target),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
