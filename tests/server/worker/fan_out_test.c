/* tests/server/worker/fan_out_test.c: a receive batch reaches every subscriber whole, in order, and in few messages. */
#include "tests/server/worker/engine_harness.h"

#define MANY (2 * FAN_OUT_PACKETS + 5)

struct room {
  struct harness *h;
  struct browser *a, *b, *receivers[2];
  struct source cameras[2];
};

struct kept_datagram {
  uint8_t data[1600];
  size_t len;
};

static struct browser *connect_member(struct harness *h, const char *role) {
  struct browser *b = harness_join(h, role);
  browser_offer(b, "chromium");
  browser_connect(b);
  harness_advance(h, 5 * MILLISECOND);
  return b;
}

/* `a` and `b` publish cameras that flow already; the others receive both. */
static struct room open_room(void) {
  struct room r = {.h = harness_new()};
  r.a = connect_member(r.h, "doctor");
  r.b = connect_member(r.h, "doctor");
  r.receivers[0] = connect_member(r.h, "patient");
  r.receivers[1] = connect_member(r.h, "patient");
  browser_publish(r.a, "1", "camera");
  browser_publish(r.b, "1", "camera");
  r.cameras[0] = source_video(r.a, "1", "f", 1280, 720);
  r.cameras[1] = source_video(r.b, "1", "f", 1280, 720);
  for (size_t i = 0; i < 2; i++)
    source_send(&r.cameras[i], true);
  harness_forget(r.h);
  return r;
}

/* The next packet of a camera, protected, as it comes from the network. */
static struct kept_datagram next_datagram(struct source *s) {
  struct kept_datagram d;
  int len = (int)source_write(s, false, d.data);
  assert_int_equal(srtp_protect(s->member->media.out, d.data, &len), srtp_err_status_ok);
  d.len = (size_t)len;
  return d;
}

static void receive(struct harness *h, const struct browser *from, struct kept_datagram *d) {
  engine_receive(h->engine, &from->address.any, ice_address_length(&from->address), d->data, d->len, h->now_us);
}

static void expect_in_order(const struct browser *b, const struct source *s, size_t count) {
  size_t found = 0;
  uint16_t seq = 0, out = 0;
  for (size_t i = 0; i < b->rtp_count; i++) {
    if (got_ssrc(&b->rtp[i]) != s->ssrc) continue;
    if (found++) {
      assert_int_equal(got_seq(&b->rtp[i]), (uint16_t)(seq + 1));
      assert_int_equal(b->rtp[i].p.seq, (uint16_t)(out + 1));
    }
    seq = got_seq(&b->rtp[i]);
    out = b->rtp[i].p.seq;
  }
  assert_int_equal(found, count);
}

static void packets_of_two_tracks_part_by_receiver(void **state) {
  (void)state;
  struct room r = open_room();
  const struct egress_counters *egress = egress_batch_counters(udp_socket_egress(r.h->socket));
  const uint64_t messages = egress->messages, out = r.h->engine->counters.rtp_out;
  struct kept_datagram d[2][6];
  for (size_t i = 0; i < 6; i++) {
    for (size_t k = 0; k < 2; k++) {
      d[k][i] = next_datagram(&r.cameras[k]);
      receive(r.h, r.cameras[k].member, &d[k][i]);
    }
  }
  assert_int_equal(r.h->engine->counters.rtp_out, out); /* they wait for the end of the batch */
  engine_batch_over(r.h->engine);
  assert_int_equal(r.h->engine->counters.rtp_out, out + (uint64_t)6 * 2 * 3);
  engine_flush(r.h->engine);
  if (!egress->gso_refused)
    assert_true(egress->messages - messages <= (uint64_t)2 * 3); /* a run per track and receiver */
  harness_pump(r.h);
  for (size_t i = 0; i < 2; i++) {
    expect_in_order(r.receivers[i], &r.cameras[0], 6);
    expect_in_order(r.receivers[i], &r.cameras[1], 6);
  }
  harness_free(r.h);
}

/* What comes between the packets of a frame is the last of its message. */
static void sound_and_a_frame_are_one_message(void **state) {
  (void)state;
  struct room r = open_room();
  browser_publish(r.a, "0", "microphone");
  struct source microphone = source_audio(r.a, "0");
  source_send(&microphone, false);
  harness_forget(r.h);
  const struct egress_counters *egress = egress_batch_counters(udp_socket_egress(r.h->socket));
  const uint64_t messages = egress->messages;
  struct kept_datagram d[7];
  for (size_t i = 0; i < 7; i++) {
    d[i] = next_datagram(i == 3 ? &microphone : &r.cameras[0]);
    receive(r.h, r.a, &d[i]);
  }
  engine_batch_over(r.h->engine);
  engine_flush(r.h->engine);
  if (!egress->gso_refused) assert_int_equal(egress->messages - messages, 3);
  harness_pump(r.h);
  for (size_t i = 0; i < 2; i++) {
    expect_in_order(r.receivers[i], &r.cameras[0], 6);
    expect_in_order(r.receivers[i], &microphone, 1);
  }
  harness_free(r.h);
}

static void more_than_may_wait_is_sent_meanwhile(void **state) {
  (void)state;
  struct room r = open_room();
  struct kept_datagram *d = calloc(MANY, sizeof *d);
  assert_non_null(d);
  for (size_t i = 0; i < MANY; i++) {
    d[i] = next_datagram(&r.cameras[0]);
    receive(r.h, r.a, &d[i]);
  }
  engine_batch_over(r.h->engine);
  engine_flush(r.h->engine);
  harness_pump(r.h);
  expect_in_order(r.receivers[0], &r.cameras[0], MANY);
  expect_in_order(r.receivers[1], &r.cameras[0], MANY);
  free(d);
  harness_free(r.h);
}

/* A restarted encoder sends on another SSRC: the stream that goes is named by packets that wait. */
static void a_stream_that_goes_takes_nothing_with_it(void **state) {
  (void)state;
  struct room r = open_room();
  struct source again = source_video(r.a, "1", "f", 1280, 720);
  assert_int_not_equal(again.ssrc, r.cameras[0].ssrc);
  struct kept_datagram d[3];
  for (size_t i = 0; i < 3; i++) {
    d[i] = next_datagram(i == 2 ? &again : &r.cameras[0]);
    receive(r.h, r.a, &d[i]);
  }
  engine_batch_over(r.h->engine);
  engine_flush(r.h->engine);
  harness_pump(r.h);
  expect_in_order(r.receivers[0], &r.cameras[0], 2);
  expect_in_order(r.receivers[1], &r.cameras[0], 2);
  harness_free(r.h);
}

/* Its slots leave it first, so nobody gets them; what matters is that nothing of it is kept. */
static void a_track_that_closes_leaves_nothing_behind(void **state) {
  (void)state;
  struct room r = open_room();
  struct kept_datagram d[2] = {next_datagram(&r.cameras[0]), next_datagram(&r.cameras[1])};
  receive(r.h, r.a, &d[0]);
  receive(r.h, r.b, &d[1]);
  assert_int_equal(r.h->engine->fan_out.count, 2);
  browser_leave(r.a);
  assert_int_equal(r.h->engine->fan_out.count, 0);
  assert_null(r.h->engine->fan_out.first);
  engine_batch_over(r.h->engine);
  engine_flush(r.h->engine);
  harness_pump(r.h);
  expect_in_order(r.receivers[0], &r.cameras[1], 1);
  harness_free(r.h);
}

/* ---- frames that are kept whole ---- */

#define KEEP_US 2000

/* One after the other into one place, each its own batch: what is kept must not point there. */
static void receive_batch(struct room *r, size_t camera) {
  static struct kept_datagram slab;
  slab = next_datagram(&r->cameras[camera]);
  receive(r->h, r->cameras[camera].member, &slab);
  engine_batch_over(r->h->engine);
  memset(&slab, 0xee, sizeof slab);
}

static struct room open_keeping_room(void) {
  struct room r = open_room();
  for (size_t i = 0; i < 2; i++)
    r.cameras[i].frame_packets = 4;
  r.h->engine->gather.whole_us = KEEP_US;
  return r;
}

static uint64_t sent(const struct room *r) {
  return r->h->engine->counters.rtp_out;
}

static int64_t due_us(const struct room *r) {
  return fan_out_due_us(&r->h->engine->fan_out);
}

static void a_frame_leaves_with_its_last_packet(void **state) {
  (void)state;
  struct room r = open_keeping_room();
  const struct egress_counters *egress = egress_batch_counters(udp_socket_egress(r.h->socket));
  const uint64_t before = sent(&r), messages = egress->messages;
  const int64_t began_us = r.h->now_us;
  assert_true(due_us(&r) == INT64_MAX);
  for (size_t i = 0; i < 3; i++) {
    receive_batch(&r, 0);
    engine_flush(r.h->engine);
    assert_int_equal(sent(&r), before);
    assert_int_equal(due_us(&r), began_us + KEEP_US);
    r.h->now_us += 400;
  }
  receive_batch(&r, 0);
  engine_flush(r.h->engine);
  assert_int_equal(sent(&r), before + (uint64_t)4 * 3);
  assert_true(due_us(&r) == INT64_MAX);
  if (!egress->gso_refused) assert_int_equal(egress->messages - messages, 3);
  harness_pump(r.h);
  expect_in_order(r.receivers[0], &r.cameras[0], 4);
  expect_in_order(r.receivers[1], &r.cameras[0], 4);
  harness_free(r.h);
}

/* Two cameras' packets by turns: what is whole does not wait for what is not. */
static void nobody_waits_for_anothers_frame(void **state) {
  (void)state;
  struct room r = open_keeping_room();
  r.cameras[1].frame_packets = 1;
  const uint64_t before = sent(&r);
  for (size_t i = 1; i <= 3; i++) {
    receive_batch(&r, 0);
    receive_batch(&r, 1);
    assert_int_equal(sent(&r), before + i * 3);
  }
  receive_batch(&r, 0);
  assert_int_equal(sent(&r), before + (uint64_t)(3 + 4) * 3);
  engine_flush(r.h->engine);
  harness_pump(r.h);
  expect_in_order(r.receivers[0], &r.cameras[0], 4);
  expect_in_order(r.receivers[0], &r.cameras[1], 3);
  harness_free(r.h);
}

static void a_frame_without_end_leaves_in_time(void **state) {
  (void)state;
  struct room r = open_keeping_room();
  const uint64_t before = sent(&r);
  receive_batch(&r, 0);
  receive_batch(&r, 0);
  r.h->now_us = r.h->engine->now_us = due_us(&r);
  engine_flush(r.h->engine);
  assert_int_equal(sent(&r), before + (uint64_t)2 * 3);
  assert_true(due_us(&r) == INT64_MAX);
  r.h->now_us += 100;
  receive_batch(&r, 0); /* what comes of it now does not wait again */
  assert_int_equal(sent(&r), before + (uint64_t)3 * 3);
  receive_batch(&r, 0);
  r.h->now_us += 30 * MILLISECOND;
  receive_batch(&r, 0); /* nor does the next frame of so slow a source */
  assert_int_equal(sent(&r), before + (uint64_t)5 * 3);
  for (size_t i = 0; i < 3; i++)
    receive_batch(&r, 0);
  r.h->now_us += 30 * MILLISECOND;
  receive_batch(&r, 0); /* which was fast: this one may */
  assert_int_equal(sent(&r), before + (uint64_t)8 * 3);
  harness_pump(r.h);
  expect_in_order(r.receivers[0], &r.cameras[0], 8);
  harness_free(r.h);
}

static void a_lost_last_packet_frees_with_the_next_frame(void **state) {
  (void)state;
  struct room r = open_keeping_room();
  const uint64_t before = sent(&r);
  for (size_t i = 0; i < 3; i++)
    receive_batch(&r, 0);
  (void)next_datagram(&r.cameras[0]);
  receive_batch(&r, 0);
  assert_int_equal(sent(&r), before + (uint64_t)3 * 3);
  for (size_t i = 0; i < 3; i++)
    receive_batch(&r, 0);
  assert_int_equal(sent(&r), before + (uint64_t)7 * 3);
  engine_flush(r.h->engine);
  harness_pump(r.h);
  assert_int_equal(browser_count_ssrc(r.receivers[0], r.receivers[0]->rtp[0].p.ssrc), 7);
  harness_free(r.h);
}

static void a_stream_that_goes_sends_what_it_kept(void **state) {
  (void)state;
  struct room r = open_keeping_room();
  struct source again = source_video(r.a, "1", "f", 1280, 720);
  const uint64_t before = sent(&r);
  receive_batch(&r, 0);
  receive_batch(&r, 0);
  struct kept_datagram d = next_datagram(&again);
  receive(r.h, r.a, &d);
  assert_int_equal(sent(&r), before + (uint64_t)2 * 3);
  engine_batch_over(r.h->engine);
  receive_batch(&r, 1);
  receive_batch(&r, 1);
  browser_leave(r.b);
  assert_int_equal(r.h->engine->fan_out.count, 0);
  harness_pump(r.h);
  expect_in_order(r.receivers[0], &r.cameras[0], 2);
  harness_free(r.h);
}

static void many_that_are_kept_are_sent_meanwhile(void **state) {
  (void)state;
  struct room r = open_keeping_room();
  r.cameras[0].frame_packets = r.cameras[1].frame_packets = 250;
  for (size_t i = 0; i < 150; i++) {
    receive_batch(&r, 0);
    receive_batch(&r, 1);
    assert_true(r.h->engine->fan_out.count <= FAN_OUT_PACKETS);
  }
  r.h->now_us = r.h->engine->now_us = r.h->now_us + KEEP_US;
  engine_flush(r.h->engine);
  assert_int_equal(r.h->engine->fan_out.count, 0);
  harness_pump(r.h);
  expect_in_order(r.receivers[0], &r.cameras[0], 150);
  expect_in_order(r.receivers[1], &r.cameras[1], 150);
  harness_free(r.h);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(packets_of_two_tracks_part_by_receiver),
      cmocka_unit_test(sound_and_a_frame_are_one_message),
      cmocka_unit_test(more_than_may_wait_is_sent_meanwhile),
      cmocka_unit_test(a_stream_that_goes_takes_nothing_with_it),
      cmocka_unit_test(a_track_that_closes_leaves_nothing_behind),
      cmocka_unit_test(a_frame_leaves_with_its_last_packet),
      cmocka_unit_test(nobody_waits_for_anothers_frame),
      cmocka_unit_test(a_frame_without_end_leaves_in_time),
      cmocka_unit_test(a_lost_last_packet_frees_with_the_next_frame),
      cmocka_unit_test(a_stream_that_goes_sends_what_it_kept),
      cmocka_unit_test(many_that_are_kept_are_sent_meanwhile),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
