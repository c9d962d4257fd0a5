/* Retransmission: the exact original, as it was sent; its budget and its limits. */
#include "tests/rtp/outgoing_fixture.h"

static uint8_t packet[2048];
static struct rtp_rtx_result result;

static bool ask(struct rtp_outgoing_stream *out, uint16_t seq, int64_t now_us) {
  struct rtp_rtx_iterator it;
  rtp_outgoing_stream_nack(out, &seq, 1, now_us, &it);
  bool any = rtp_rtx_next(&it, packet, sizeof packet, &result);
  assert_false(rtp_rtx_next(&it, packet, sizeof packet, &(struct rtp_rtx_result){0}));
  return any && result.reason == RTP_DROP_NONE;
}

/* The RTX packet in `packet` is what was sent under `seq`. */
static void assert_original(const struct receiver *r, uint16_t seq, uint16_t rtx_seq) {
  struct rtp_packet p;
  const struct received *sent = &r->received[seq];
  assert_int_equal(rtp_packet_parse(&p, packet, result.len), RTP_OK);
  assert_int_equal(p.ssrc, 0xAAAA0002);
  assert_int_equal(p.seq, rtx_seq);
  assert_int_equal(p.payload_type, 121);
  assert_int_equal(fixture_u16(p.payload), seq);
  assert_int_equal(p.payload_len - 2, sent->filler ? 0 : sent->payload_len);
  if (sent->filler) return;
  assert_memory_equal(p.payload + 2, sent->payload, sent->payload_len);
  assert_int_equal(p.timestamp, sent->timestamp);
  assert_int_equal(p.marker, sent->marker);
}

/* Two cameras, switches, temporal layers, loss: every packet of the last second is answered with exactly what was sent. */
static void every_nack_gets_the_exact_original(void **state) {
  (void)state;
  for (uint64_t seed = 1; seed <= 10; seed++) {
    uint64_t random = seed;
    struct fixture_source s[2] = {
        {.stream = fixture_incoming(true, 1000, 0, NULL), .ssrc = 1000, .seq = 65000},
        {.stream = fixture_incoming(true, 2000, 0, NULL), .ssrc = 2000, .picture_id = 32760, .tl0 = 250}};
    struct receiver *r = fixture_receiver(true, NULL);
    uint16_t rtx_seq = 65535;
    int64_t now = 1000000;
    uint32_t answered = 0, misses = 0;
    for (int i = 0; i < 500; i++, now += FRAME_US) {
      if (fixture_random(&random) % 40 == 0) rtp_outgoing_stream_select(r->out, s[fixture_random(&random) & 1].stream);
      if (fixture_random(&random) % 40 == 0)
        rtp_outgoing_stream_set_temporal(r->out, (uint8_t)(fixture_random(&random) % 3));
      struct fixture_packet p[3];
      for (int k = 0; k < 2; k++) {
        fixture_vp8_frame(&s[k], p, 3, fixture_random(&random) % 20 == 0);
        uint32_t order = fixture_random(&random) & 1; /* the first two swapped */
        for (uint32_t n = 0; n < 3; n++)
          fixture_pass(r, &s[k], &p[n < 2 ? n ^ order : n], now);
      }
      if (r->packets < 60 || i % 3) continue;
      uint16_t seq = (uint16_t)(r->highest - fixture_random(&random) % 50);
      if (!r->received[seq].seen || !ask(r->out, seq, now)) {
        assert_true(!r->received[seq].seen || result.reason == RTP_DROP_RTX_TOO_SOON ||
                    result.reason == RTP_DROP_HISTORY_MISS);
        /* Paused so long that it is too old; or the first who asks for what is so old, once a source. */
        misses += result.reason == RTP_DROP_HISTORY_MISS && i <= 60;
        assert_true(misses <= 2);
        continue;
      }
      assert_original(r, seq, rtx_seq++);
      answered++;
    }
    assert_true(answered > 20);
    fixture_receiver_free(r);
    rtp_incoming_stream_free(s[0].stream);
    rtp_incoming_stream_free(s[1].stream);
  }
}

static struct fixture_source source;
static struct receiver *receiver;

static int begin(void **state) {
  (void)state;
  source = (struct fixture_source){.stream = fixture_incoming(true, 1000, 0, NULL), .ssrc = 1000};
  receiver = fixture_receiver(true, NULL);
  rtp_outgoing_stream_select(receiver->out, source.stream);
  struct fixture_packet p[4];
  for (int i = 0; i < 10; i++) {
    fixture_vp8_frame(&source, p, 4, i == 0);
    for (int k = 0; k < 4; k++)
      fixture_pass(receiver, &source, &p[k], 1000000);
  }
  return 0;
}

static int end(void **state) {
  (void)state;
  fixture_receiver_free(receiver);
  if (source.stream) rtp_incoming_stream_free(source.stream);
  return 0;
}

static void never_twice_within_a_round_trip(void **state) {
  (void)state;
  rtp_outgoing_stream_set_rtt(receiver->out, 50000);
  assert_true(ask(receiver->out, 65530, 1000000));
  assert_false(ask(receiver->out, 65530, 1000000));
  assert_int_equal(result.reason, RTP_DROP_RTX_TOO_SOON);
  assert_false(ask(receiver->out, 65530, 1050000));
  assert_true(ask(receiver->out, 65530, 1052000));
}

static void rtx_takes_at_most_half_of_the_media(void **state) {
  (void)state;
  struct rtp_outgoing_stats stats;
  uint16_t seqs[3000];
  for (size_t i = 0; i < 3000; i++)
    seqs[i] = (uint16_t)(65530 + i % 40);
  for (int64_t now = 1000000; now < 2000000; now += 1000) { /* a maximal flood: a thousand long NACKs a second */
    struct rtp_rtx_iterator it;
    rtp_outgoing_stream_set_rtt(receiver->out, 1000);
    rtp_outgoing_stream_nack(receiver->out, seqs, 3000, now, &it);
    while (rtp_rtx_next(&it, packet, sizeof packet, &result)) {
    }
  }
  assert_int_equal(result.reason, RTP_DROP_RTX_BUDGET);
  rtp_outgoing_stream_stats(receiver->out, 2000000, &stats);
  assert_true(stats.rtx_bytes * 2 <= stats.bytes);
  assert_true(stats.rtx_bytes * 2 + 100 > stats.bytes);
  rtp_outgoing_stream_probe_media(receiver->out, receiver->result.seq, 3000000, packet, sizeof packet, &result);
  assert_int_equal(result.reason, RTP_DROP_RTX_BUDGET); /* it would be one more: padding probes as well */
}

/* What was numbered and never sent is no media that repairs could be half of, and no report counts it. */
static void what_was_cut_does_not_count(void **state) {
  (void)state;
  struct rtp_outgoing_stats before, after;
  rtp_outgoing_stream_stats(receiver->out, 1000000, &before);
  rtp_outgoing_stream_cut(receiver->out, (uint16_t)(receiver->result.seq - 5));
  rtp_outgoing_stream_stats(receiver->out, 1000000, &after);
  assert_int_equal(before.packets - after.packets, 5);
  assert_in_range(before.bytes - after.bytes, 5 * 16, 5 * 40);
}

static void what_cannot_be_answered_says_why(void **state) {
  (void)state;
  assert_false(ask(receiver->out, 65000, 1000000));
  assert_int_equal(result.reason, RTP_DROP_NOT_SENT);
  assert_false(ask(receiver->out, 65530, 1000000 + 3000000)); /* the history's age */
  assert_int_equal(result.reason, RTP_DROP_HISTORY_MISS);
  struct rtp_rtx_iterator it;
  uint16_t seq = 65531;
  rtp_outgoing_stream_nack(receiver->out, &seq, 1, 1000000, &it);
  assert_true(rtp_rtx_next(&it, packet, 100, &result));
  assert_int_equal(result.reason, RTP_DROP_NO_SPACE);
  rtp_outgoing_stream_forget(receiver->out, source.stream); /* the publisher left: no pointer may be followed */
  rtp_incoming_stream_free(source.stream);
  source.stream = NULL;
  assert_false(ask(receiver->out, 65531, 1000000));
  assert_int_equal(result.reason, RTP_DROP_HISTORY_MISS);
  struct rtp_outgoing_config config = {.ssrc = 1, .video = true};
  struct rtp_outgoing_stream *without;
  assert_int_equal(rtp_outgoing_stream_create(&without, &config), RTP_OK);
  assert_false(ask(without, 0, 1000000));
  assert_int_equal(result.reason, RTP_DROP_NO_RTX);
  rtp_outgoing_stream_free(without);
}

static void a_filler_is_answered_with_an_empty_packet(void **state) {
  (void)state;
  struct fixture_packet padding, p[2];
  fixture_padding(&source, &padding);
  fixture_vp8_frame(&source, p, 1, false);
  fixture_pass(receiver, &source, &p[0], 1000000);
  fixture_pass(receiver, &source, &padding, 1000000);
  assert_true(receiver->result.filler);
  assert_true(ask(receiver->out, receiver->result.seq, 1000000));
  assert_original(receiver, receiver->result.seq, 65535);
}

static void probes_are_padding_on_the_rtx_ssrc(void **state) {
  (void)state;
  struct rtp_packet p;
  rtp_outgoing_stream_probe(receiver->out, 255, 1000000, packet, sizeof packet, &result);
  assert_int_equal(result.reason, RTP_DROP_NONE);
  assert_int_equal(rtp_packet_parse(&p, packet, result.len), RTP_OK);
  assert_int_equal(p.ssrc, 0xAAAA0002);
  assert_int_equal(p.padding_len, 255);
  assert_int_equal(p.payload_len, 0);
  assert_true(ask(receiver->out, 65530, 1000000));
  assert_original(receiver, 65530, 0); /* one sequence for both */
  rtp_outgoing_stream_probe(receiver->out, 0, 1000000, packet, sizeof packet, &result);
  assert_int_equal(result.reason, RTP_DROP_NO_SPACE);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_nack_gets_the_exact_original),
      cmocka_unit_test_setup_teardown(never_twice_within_a_round_trip, begin, end),
      cmocka_unit_test_setup_teardown(rtx_takes_at_most_half_of_the_media, begin, end),
      cmocka_unit_test_setup_teardown(what_was_cut_does_not_count, begin, end),
      cmocka_unit_test_setup_teardown(what_cannot_be_answered_says_why, begin, end),
      cmocka_unit_test_setup_teardown(a_filler_is_answered_with_an_empty_packet, begin, end),
      cmocka_unit_test_setup_teardown(probes_are_padding_on_the_rtx_ssrc, begin, end)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
