/* Transport-wide feedback, from arrivals over the wire format to per-packet results.
 * Covers: rtp/transport_recorder.c rtp/transport_history.c */
#include "rtp/transport_feedback.h"

#include "tests/rtp/stream_fixture.h"

static struct transport_feedback_recorder recorder;
static struct transport_send_history history;
static struct transport_result array[TRANSPORT_HISTORY_PACKETS];
static struct transport_results results = {.results = array, .capacity = TRANSPORT_HISTORY_PACKETS};

/* Carries one feedback from the recorder to the history. False when there was none. */
static bool exchange(int64_t now_us) {
  uint8_t bytes[1200];
  int len = transport_feedback_build(&recorder, 1, 2, bytes, sizeof bytes, now_us);
  assert_true(len >= 0);
  if (len == 0) return false;
  struct rtcp_iterator it;
  struct rtcp_packet packet;
  struct rtcp_transport_feedback f;
  assert_int_equal(rtcp_begin(&it, bytes, (size_t)len), RTP_OK);
  assert_true(rtcp_next(&it, &packet));
  assert_int_equal(rtcp_parse_transport_feedback(&packet, &f), RTP_OK);
  transport_send_history_feedback(&history, &f, now_us, &results);
  return true;
}

static struct transport_content content(uint32_t n) {
  return (struct transport_content){(uint16_t)(n >> 16), (uint16_t)n};
}

static void setup(uint32_t first) {
  transport_feedback_recorder_init(&recorder);
  transport_send_history_init(&history);
  history.next = history.first = history.reported = first;
}

static void each_packet_is_reported_once_over_the_wrap(void **state) {
  (void)state;
  setup(65536 + 65000);
  uint64_t random = 3;
  static uint8_t lost[4000], reported[4000];
  memset(reported, 0, sizeof reported);
  uint32_t first = history.next;
  int64_t offset = -1; /* between the two clocks, constant after the first message */
  for (uint32_t i = 0; i < 4000; i++) {
    int64_t now = 1000000 + (int64_t)i * 3000;
    uint16_t seq =
        transport_send_history_sent(&history, (uint16_t)(100 + i % 1000), (uint16_t)(i / 16), content(i), now);
    lost[i] = fixture_random(&random) % 8 == 0;
    if (!lost[i]) transport_feedback_arrived(&recorder, seq, now + 20000);
    if (transport_feedback_deadline(&recorder) > now + 20000) continue;
    assert_true(exchange(now + 20000));
    assert_false(exchange(now + 20000));
    for (size_t k = 0; k < results.count; k++) {
      const struct transport_result *r = &array[k];
      uint32_t n = r->seq - first;
      assert_int_equal(r->packets, 1); /* 3 ms apart: no run */
      assert_int_equal(r->tag, (uint16_t)(n / 16));
      assert_true(r->bytes == 100 + n % 1000 && r->first_bytes == r->bytes && r->last_bytes == r->bytes);
      assert_int_equal(r->sent_us, 1000000 + (int64_t)n * 3000);
      assert_int_equal(r->arrival_us < 0, lost[n]);
      assert_int_equal(reported[n]++, 0);
      if (lost[n]) assert_int_equal(r->content.seq, (uint16_t)n);
      if (lost[n]) continue;
      int64_t delay = r->arrival_us - r->sent_us;
      if (offset < 0) offset = delay;
      assert_in_range(delay - offset + 500, 0, 1000); /* ticks of 250 us on either side */
    }
    assert_true(results.received > 0);
    assert_true(results.newest_sent_us >= 0);
  }
  uint32_t open = 0, known = 0;
  for (uint32_t i = 0; i < 4000; i++)
    known += reported[i];
  open = 4000 - known;
  assert_true(open < 60); /* those after the last feedback */
  assert_int_equal(history.acked + history.lost, known);
  assert_int_equal(history.unknown, 0);
}

/* Ever more are under way: the ring grows, at any place in it, and forgets nothing; what was reported once is not reported again. */
static void a_growing_ring_forgets_nothing(void **state) {
  (void)state;
  for (uint32_t at = 0; at < 300; at += 7) {
    setup(65536 + 65300 + at);
    static uint8_t reported[4000];
    memset(reported, 0, sizeof reported);
    uint32_t first = history.next, sent = 0, told = 0;
    int64_t now = 1000000;
    for (uint32_t flight = 20; flight <= 900; flight += flight / 2) {
      for (uint32_t i = 0; i < flight; i++, sent++)
        transport_send_history_sent(&history, (uint16_t)(100 + sent), (uint16_t)(1 + sent % 3), content(sent),
                                    now += 20);
      /* Half of it is reported at first, the newest of that not; the rest later. */
      for (uint32_t end = sent - flight / 2;; end = sent) {
        for (; told < end; told++)
          if (told + 1 != sent - flight / 2)
            transport_feedback_arrived(&recorder, (uint16_t)(first + told), now + told);
        if (end == sent) transport_feedback_arrived(&recorder, (uint16_t)(first + sent - flight / 2 - 1), now + told);
        while (exchange(now)) {
          for (size_t k = 0; k < results.count; k++) {
            for (uint32_t n = array[k].seq - first, c = array[k].packets; c > 0; n++, c--)
              if (array[k].arrival_us >= 0) reported[n]++;
            uint32_t n = array[k].seq - first;
            assert_int_equal(array[k].first_bytes, 100 + n);
            assert_int_equal(array[k].tag, 1 + n % 3);
          }
        }
        if (end == sent) break;
      }
    }
    for (uint32_t n = 0; n < sent; n++)
      assert_int_equal(reported[n], 1);
    assert_int_equal(history.unknown, 0);
    assert_true(history.mask + 1 >= 1024 && history.mask + 1 <= TRANSPORT_HISTORY_PACKETS);
  }
}

static void in_flight_counts_what_is_neither_acknowledged_nor_lost(void **state) {
  (void)state;
  setup(65536);
  for (int i = 0; i < 10; i++)
    transport_send_history_sent(&history, 1000, 0, content(0), i);
  assert_int_equal(transport_send_history_in_flight(&history), 10000);
  transport_feedback_arrived(&recorder, 0, 1000);
  transport_feedback_arrived(&recorder, 3, 2000);
  assert_true(exchange(60000));
  assert_int_equal(results.count, 4);
  assert_int_equal(results.received, 2);
  assert_int_equal(transport_send_history_in_flight(&history), 6000);
  assert_int_equal(history.lost, 2);
  transport_feedback_arrived(&recorder, 1, 3000); /* only late: reported after all */
  transport_feedback_arrived(&recorder, 1, 3000);
  assert_true(exchange(120000));
  assert_int_equal(results.received, 1);
  assert_int_equal(results.count, 1); /* 0 and 3 are repeated on the wire, but not to us */
  assert_int_equal(array[0].seq, 65537);
  assert_int_equal(history.lost, 1);
  assert_int_equal(transport_send_history_in_flight(&history), 6000);
}

/* Frames of ten packets, sent at once and arriving within 2 ms, with numbers across the wrap: each frame is one run, but where a packet
 * is lost, has another tag, or comes too late. */
static void what_was_sent_and_came_together_is_one_run(void **state) {
  (void)state;
  setup(65536 + 65530);
  for (int i = 0; i < 30; i++) {
    int64_t frame_us = 1000000 + i / 10 * 33333;
    uint16_t seq = transport_send_history_sent(&history, (uint16_t)(1000 + i), i == 25, content((uint32_t)i),
                                               frame_us + i % 10 * 50);
    if (i == 14) continue;
    transport_feedback_arrived(&recorder, seq, frame_us + 20000 + i % 10 * 200 + (i == 3 ? 6000 : i == 4 ? 6000 : 0));
  }
  assert_true(exchange(1200000));
  static const struct {
    uint32_t first, packets;
    bool lost;
  } runs[] = {{0, 3, false},  {3, 2, false},  {5, 5, false},  {10, 4, false}, {14, 1, true},
              {15, 5, false}, {20, 5, false}, {25, 1, false}, {26, 4, false}};
  assert_int_equal(results.count, sizeof runs / sizeof runs[0]);
  assert_int_equal(results.received, 29);
  assert_int_equal(results.lost, 1);
  for (size_t k = 0; k < sizeof runs / sizeof runs[0]; k++) {
    const struct transport_result *r = &array[k];
    uint32_t first = runs[k].first, last = first + runs[k].packets - 1, bytes = 0;
    for (uint32_t n = first; n <= last; n++)
      bytes += 1000 + n;
    assert_int_equal(r->seq, 65536 + 65530 + first);
    assert_int_equal(r->packets, runs[k].packets);
    assert_int_equal(r->bytes, bytes);
    assert_int_equal(r->first_bytes, 1000 + first);
    assert_int_equal(r->last_bytes, 1000 + last);
    assert_int_equal(r->tag, first == 25);
    assert_int_equal(r->sent_us, 1000000 + first / 10 * 33333 + first % 10 * 50);
    assert_int_equal(r->last_sent_us - r->sent_us, (runs[k].packets - 1) * 50);
    assert_int_equal(r->arrival_us < 0, runs[k].lost);
    if (!runs[k].lost)
      assert_in_range(r->last_arrival_us - r->arrival_us + 250, (runs[k].packets - 1) * 200,
                      (runs[k].packets - 1) * 200 + 500);
  }
  assert_int_equal(transport_send_history_in_flight(&history), 0);
}

/* Nothing lost, bursts and gaps of all lengths: the runs are what the rule says, packet by packet. */
static void runs_follow_the_rule_packet_by_packet(void **state) {
  (void)state;
  setup(65536 + 60000);
  uint64_t random = 11;
  static int64_t sent_us[6000], ticks[6000];
  static uint16_t bytes[6000];
  const uint32_t first = history.next;
  uint32_t told = 0, runs = 0, longest = 0;
  int64_t now_us = 1000000, arrived_us = now_us;
  for (uint32_t n = 0; n < 6000; n++) {
    static const uint16_t pauses_us[] = {0, 0, 0, 100, 400, 999, 1000, 30000};
    static const uint16_t waits_us[] = {0, 0, 250, 250, 700, 4900, 5250, 30000};
    now_us += pauses_us[fixture_random(&random) % 8];
    const int64_t wait_us = waits_us[fixture_random(&random) % 8];
    arrived_us = arrived_us > now_us ? arrived_us : now_us;
    arrived_us += n / 1000 % 2 ? wait_us / 8 : wait_us;
    sent_us[n] = now_us;
    ticks[n] = arrived_us / RTCP_TRANSPORT_TICK_US;
    bytes[n] = (uint16_t)(100 + fixture_random(&random) % 1100);
    uint16_t seq = transport_send_history_sent(&history, bytes[n], 0, content(n), now_us);
    transport_feedback_arrived(&recorder, seq, arrived_us);
    if (transport_feedback_deadline(&recorder) > arrived_us) continue;
    while (exchange(arrived_us)) {
      for (size_t k = 0; k < results.count; k++, runs++) {
        const struct transport_result *r = &array[k];
        assert_int_equal(r->seq, first + told);
        uint32_t count = 1, sum = bytes[told];
        while (count < r->packets || k + 1 < results.count) { /* a message's end is one of a run, too */
          const uint32_t at = told + count;
          const bool small = ticks[at] - ticks[at - 1] <= UINT8_MAX;
          if (sent_us[at] - sent_us[told] > 1000 || ticks[at] - ticks[told] > 20 || !small) break;
          sum += bytes[at];
          count++;
        }
        const uint32_t last = told + count - 1;
        assert_int_equal(r->packets, count);
        assert_int_equal(r->bytes, sum);
        assert_true(r->first_bytes == bytes[told] && r->last_bytes == bytes[last]);
        assert_true(r->sent_us == sent_us[told] && r->last_sent_us == sent_us[last]);
        assert_int_equal(r->last_arrival_us - r->arrival_us, (ticks[last] - ticks[told]) * RTCP_TRANSPORT_TICK_US);
        if (count > longest) longest = count;
        told += count;
      }
    }
  }
  assert_true(runs > 1000 && longest > 8 && told > 5900);
}

/* A message that goes on, chunk after chunk, about numbers that were never given. */
static void what_was_never_sent_is_unknown(void **state) {
  (void)state;
  setup(65536);
  for (int i = 0; i < 3; i++)
    transport_send_history_sent(&history, 1000, 0, content(0), 1000 * i);
  struct rtcp_transport_arrival arrivals[60];
  for (uint16_t i = 0; i < 60; i++)
    arrivals[i] = (struct rtcp_transport_arrival){.arrival_us = 50000 + 1000 * i, .seq = (uint16_t)(i + i / 10)};
  uint8_t bytes[400];
  size_t consumed;
  int len = rtcp_write_transport_feedback(bytes, sizeof bytes, 1, 2, 0, 0, arrivals, 60, &consumed);
  assert_int_equal(consumed, 60);
  struct rtcp_iterator it;
  struct rtcp_packet packet;
  struct rtcp_transport_feedback f;
  assert_int_equal(rtcp_begin(&it, bytes, (size_t)len), RTP_OK);
  assert_true(rtcp_next(&it, &packet));
  assert_int_equal(rtcp_parse_transport_feedback(&packet, &f), RTP_OK);
  transport_send_history_feedback(&history, &f, 100000, &results);
  assert_int_equal(results.received, 3);
  assert_int_equal(results.lost, 0);
  assert_int_equal(history.unknown, 57);
  assert_int_equal(history.reported, history.next);
  assert_int_equal(transport_send_history_in_flight(&history), 0);
  transport_send_history_sent(&history, 1000, 0, content(0), 200000);
  assert_int_equal(transport_send_history_in_flight(&history), 1000);
}

static void the_pace_is_50_to_100_ms(void **state) {
  (void)state;
  setup(65536);
  assert_int_equal(transport_feedback_deadline(&recorder), INT64_MAX);
  int built = 0;
  for (int64_t now = 0; now < 10000000; now += 1000) { /* a thousand packets a second */
    transport_feedback_arrived(&recorder, (uint16_t)(now / 1000), now);
    if (transport_feedback_deadline(&recorder) <= now) {
      uint8_t bytes[1200];
      assert_true(transport_feedback_build(&recorder, 1, 2, bytes, sizeof bytes, now) > 0);
      built++;
    }
  }
  assert_in_range(built, 180, 201);
  built = 0;
  for (int64_t now = 10000000; now < 20000000; now += 20000) { /* only audio */
    transport_feedback_arrived(&recorder, (uint16_t)(10000 + (now - 10000000) / 20000), now);
    if (transport_feedback_deadline(&recorder) <= now) {
      uint8_t bytes[1200];
      assert_true(transport_feedback_build(&recorder, 1, 2, bytes, sizeof bytes, now) > 0);
      built++;
    }
  }
  assert_in_range(built, 80, 101);
}

static void hostile_numbers_do_no_harm(void **state) {
  (void)state;
  setup(65536);
  uint64_t random = 9;
  for (int i = 0; i < 20000; i++) {
    transport_feedback_arrived(&recorder, (uint16_t)fixture_random(&random), (int64_t)i * 100);
    if (i % 7 == 0) transport_send_history_sent(&history, 0xffff, 0, content(0), i);
    if (i % 50 == 0) {
      int limit = 20;
      while (exchange((int64_t)i * 100) && limit-- > 0)
        assert_true(results.count <= results.capacity);
    }
  }
  uint8_t small[8];
  transport_feedback_arrived(&recorder, (uint16_t)(recorder.next + 1), 3000000);
  assert_int_equal(transport_feedback_build(&recorder, 1, 2, small, sizeof small, 3000000), RTP_ERROR_NO_SPACE);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(each_packet_is_reported_once_over_the_wrap),
                                     cmocka_unit_test(runs_follow_the_rule_packet_by_packet),
                                     cmocka_unit_test(a_growing_ring_forgets_nothing),
                                     cmocka_unit_test(in_flight_counts_what_is_neither_acknowledged_nor_lost),
                                     cmocka_unit_test(what_was_sent_and_came_together_is_one_run),
                                     cmocka_unit_test(what_was_never_sent_is_unknown),
                                     cmocka_unit_test(the_pace_is_50_to_100_ms),
                                     cmocka_unit_test(hostile_numbers_do_no_harm)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
