/* Tests of rtp/downlink_run.c: a run is what the same packets would be one by one, waits, probes and losses included. */
#include "tests/rtp/downlink_fixture.h"

#define MOST 16

struct made {
  uint16_t seq;
  uint32_t bytes;
};

/* A frame as forward() numbers it for this desk. */
static size_t make(struct desk *k, size_t count, bool keyframe, bool video, struct made *out) {
  struct fixture_packet packets[MOST];
  size_t made = 0;
  if (video)
    fixture_vp8_frame(&k->camera, packets, count, keyframe);
  else
    fixture_opus(&k->microphone, packets);
  for (size_t i = 0; i < count; i++) {
    struct rtp_media_packet m;
    struct rtp_forward_result r;
    uint8_t header[RTP_OUTGOING_HEADER_MAX];
    struct fixture_source *source = video ? &k->camera : &k->microphone;
    assert_int_equal(rtp_incoming_stream_receive(source->stream, &packets[i].packet, NULL, k->now_us, &m),
                     RTP_DROP_NONE);
    if (rtp_outgoing_stream_forward(video ? k->video : k->audio, &m, k->now_us, header, &r) != RTP_DROP_NONE) continue;
    out[made++] = (struct made){r.seq, (uint32_t)r.header_len + r.payload_len};
  }
  return made;
}

static void arrive(struct desk *k, uint16_t number) {
  if (number % 11) transport_feedback_arrived(&k->recorder, number, k->now_us + 20000);
}

static void assert_same(const struct desk *a, const struct desk *b) {
  assert_int_equal(a->d->history.next, b->d->history.next);
  assert_int_equal(a->d->history.bytes, b->d->history.bytes);
  assert_int_equal(a->d->history.lost, b->d->history.lost);
  assert_int_equal(a->d->unnumbered_bytes, b->d->unnumbered_bytes);
  assert_int_equal(a->count, b->count);
  assert_int_equal(downlink_deadline(a->d), downlink_deadline(b->d));
  assert_int_equal(bandwidth_estimator_bps(downlink_estimator(a->d)),
                   bandwidth_estimator_bps(downlink_estimator(b->d)));
  assert_true(a->d->pacer.level_until_us == b->d->pacer.level_until_us ||
              (a->d->pacer.level_until_us <= a->now_us && b->d->pacer.level_until_us <= b->now_us));
  for (size_t i = 0; i < DOWNLINK_SLOTS; i++)
    assert_int_equal(a->d->slots[i].last_sent, b->d->slots[i].last_sent);
}

/* The frame through a run of `a`, and packet by packet through `b`. */
static size_t pass(struct desk *a, struct desk *b, const struct made *frame, size_t count, bool video, bool numbered) {
  struct downlink_run run;
  uint16_t slot = video ? a->video_slot : a->audio_slot;
  size_t left = 0;
  downlink_run_begin(&run, a->d, slot, true, a->now_us);
  for (size_t i = 0; i < count; i++) {
    uint16_t number = 0, expected = 0;
    bool now = downlink_run_pass(&run, frame[i].seq, frame[i].bytes, numbered, &number);
    assert_int_equal(now, downlink_offer(b->d, slot, frame[i].seq, frame[i].bytes, b->now_us));
    if (!now) continue;
    left++;
    if (!numbered) {
      downlink_unnumbered(b->d, frame[i].bytes);
      continue;
    }
    expected = downlink_stamp(b->d, frame[i].bytes, b->now_us);
    assert_int_equal(number, expected);
    arrive(a, number);
    arrive(b, number);
  }
  downlink_run_end(&run);
  return left;
}

static void want_more(struct desk *k) {
  struct allocation a = {.next_bps = 3000000, .most_bps = 3000000, .used_bps = 500000};
  downlink_want(k->d, &a, k->now_us);
}

static void a_run_is_what_its_packets_are(void **state) {
  (void)state;
  struct desk *a = desk_open(60000), *b = desk_open(60000);
  uint64_t random = 20261122;
  size_t left = 0, offered = 0;
  for (int i = 0; i < 600; i++) {
    struct made frame[MOST], same[MOST];
    bool video = i % 3 > 0, numbered = i % 50 != 7;
    size_t count = video ? 1 + fixture_random(&random) % MOST : 1;
    count = make(a, count, i % 100 == 1, video, frame);
    assert_int_equal(make(b, count, i % 100 == 1, video, same), count);
    left += pass(a, b, frame, count, video, numbered);
    offered += count;
    want_more(a);
    want_more(b);
    int ms = 5 * (1 + (int)(fixture_random(&random) % 8));
    desk_run(a, ms, false);
    desk_run(b, ms, false);
    assert_same(a, b);
  }
  assert_true(left > offered / 2 && offered - left > 30); /* some waited */
  assert_true(desk_stats(a).probe_clusters > 2 && a->d->history.lost > 50);
  desk_close(a);
  desk_close(b);
}

/* Who never reports is sent everything at once, and nothing is charged. */
static void nothing_waits_for_who_never_reports(void **state) {
  (void)state;
  struct desk *k = desk_open(30000);
  struct downlink_run run;
  int64_t level_us = k->d->pacer.level_until_us;
  downlink_run_begin(&run, k->d, k->video_slot, false, k->now_us);
  for (uint16_t i = 0; i < 5000; i++) {
    uint16_t number;
    assert_true(downlink_run_pass(&run, i, 1200, true, &number));
    assert_int_equal(number, i);
  }
  downlink_run_end(&run);
  assert_int_equal(k->d->pacer.level_until_us, level_us);
  assert_int_equal(k->d->history.bytes, 5000 * (1200 + DESK_OVERHEAD));
  downlink_run_begin(&run, k->d, DOWNLINK_NO_SLOT, true, k->now_us);
  uint16_t number;
  assert_true(downlink_run_pass(&run, 7, 1200, true, &number));
  downlink_run_end(&run);
  assert_int_equal(k->d->history.ring[5000 & k->d->history.mask].content.slot, DOWNLINK_NO_SLOT);
  desk_close(k);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(a_run_is_what_its_packets_are),
                                     cmocka_unit_test(nothing_waits_for_who_never_reports)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
