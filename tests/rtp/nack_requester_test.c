/* What is asked for again, when, how often, and when not any more. */
#include "rtp/nack_requester.h"

#include "tests/rtp/stream_fixture.h"

static struct nack_requester n;
static uint16_t seqs[NACK_CAPACITY];

static void gaps_are_asked_for_after_the_reordering_time(void **state) {
  (void)state;
  nack_requester_init(&n, 50000);
  assert_int_equal(nack_requester_deadline(&n), INT64_MAX);
  nack_requester_packet(&n, 65533, false, 0);
  nack_requester_packet(&n, 2, false, 1000); /* 65534 65535 0 1 missing, over the wrap */
  assert_int_equal(nack_requester_missing(&n), 4);
  assert_int_equal(nack_requester_deadline(&n), 1000 + NACK_REORDER_US);
  assert_int_equal(nack_requester_due(&n, seqs, 64, 1000), 0);
  assert_int_equal(nack_requester_packet(&n, 65535, false, 2000), NACK_NONE); /* only swapped: never asked for */
  assert_int_equal(nack_requester_due(&n, seqs, 64, 6000), 3);
  assert_int_equal(seqs[0], 65534);
  assert_int_equal(seqs[1], 0);
  assert_int_equal(seqs[2], 1);
  assert_int_equal(nack_requester_due(&n, seqs, 64, 6000), 0);
  assert_int_equal(nack_requester_deadline(&n), 6000 + 55000); /* a round trip and a tenth */
  assert_int_equal(nack_requester_packet(&n, 0, false, 50000), NACK_RECOVERED);
  assert_int_equal(nack_requester_packet(&n, 0, false, 50000), NACK_NONE);
  assert_int_equal(n.duplicates, 1);
  assert_int_equal(nack_requester_due(&n, seqs, 64, 61000), 2);
  assert_int_equal(nack_requester_packet(&n, 65534, false, 62000), NACK_RECOVERED);
  assert_int_equal(nack_requester_packet(&n, 1, false, 62000), NACK_RECOVERED);
  assert_int_equal(nack_requester_deadline(&n), INT64_MAX);
  assert_int_equal(n.recovered, 3);
}

static void tries_and_age_are_limited(void **state) {
  (void)state;
  nack_requester_init(&n, 1); /* a LAN: the minimum interval holds */
  nack_requester_packet(&n, 10, false, 0);
  nack_requester_packet(&n, 12, false, 0);
  int asked = 0;
  int64_t last = -NACK_MIN_RETRY_US;
  for (int64_t now = 0; now < 3000000; now += 1000) {
    if (nack_requester_due(&n, seqs, 64, now) == 0) continue;
    assert_true(now - last >= NACK_MIN_RETRY_US);
    last = now;
    asked++;
  }
  assert_int_equal(asked, NACK_MAX_TRIES);
  assert_int_equal(n.given_up, 1);
  nack_requester_init(&n, 900000); /* a satellite: age ends it first */
  nack_requester_packet(&n, 10, false, 0);
  nack_requester_packet(&n, 12, false, 0);
  asked = 0;
  for (int64_t now = 0; now < 9000000; now += 1000)
    asked += (int)nack_requester_due(&n, seqs, 64, now);
  assert_int_equal(asked, 3);
  assert_int_equal(nack_requester_missing(&n), 0);
}

static void the_caller_may_take_few_at_a_time(void **state) {
  (void)state;
  nack_requester_init(&n, 0);
  nack_requester_packet(&n, 0, false, 0);
  nack_requester_packet(&n, 11, false, 0);
  assert_int_equal(nack_requester_due(&n, seqs, 4, 5000), 4);
  assert_int_equal(seqs[3], 4);
  assert_true(nack_requester_deadline(&n) <= 5000);
  assert_int_equal(nack_requester_due(&n, seqs, 4, 5000), 4);
  assert_int_equal(seqs[0], 5);
  assert_int_equal(nack_requester_due(&n, seqs, 4, 5000), 2);
}

static void a_keyframe_forgets_and_too_much_asks_for_one(void **state) {
  (void)state;
  nack_requester_init(&n, 0);
  nack_requester_packet(&n, 0, false, 0);
  nack_requester_packet(&n, 5, false, 0);
  assert_int_equal(nack_requester_packet(&n, 9, true, 0), NACK_NONE);
  assert_int_equal(nack_requester_missing(&n), 0);
  assert_int_equal(nack_requester_packet(&n, (uint16_t)(9 + NACK_CAPACITY + 1), false, 0),
                   NACK_NONE); /* exactly full */
  assert_int_equal(nack_requester_missing(&n), NACK_CAPACITY);
  assert_int_equal(nack_requester_packet(&n, (uint16_t)(9 + NACK_CAPACITY + 3), false, 0), NACK_NEED_KEYFRAME);
  assert_int_equal(nack_requester_missing(&n), 0);
  assert_int_equal(nack_requester_deadline(&n), INT64_MAX);
  assert_int_equal(nack_requester_packet(&n, (uint16_t)(9 + NACK_CAPACITY + 4 + NACK_MAX_DROPOUT), false, 0),
                   NACK_NEED_KEYFRAME);
}

/* Random loss and reordering: what was never delivered is exactly what gets asked for. */
static void random_runs_ask_for_what_is_missing_and_nothing_else(void **state) {
  (void)state;
  for (uint64_t seed = 1; seed <= 20; seed++) {
    uint64_t random = seed;
    static bool arrived[65536];
    memset(arrived, 0, sizeof arrived);
    nack_requester_init(&n, 40000);
    uint16_t first = (uint16_t)fixture_random(&random);
    for (uint32_t i = 0; i < 3000; i++) {
      int64_t now = (int64_t)i * 2000;
      uint16_t seq = (uint16_t)(first + i);
      if (i == 0 || fixture_random(&random) % 10 != 0) {
        nack_requester_packet(&n, seq, false, now);
        arrived[seq] = true;
      }
      size_t count = nack_requester_due(&n, seqs, NACK_CAPACITY, now);
      for (size_t k = 0; k < count; k++) {
        assert_false(arrived[seqs[k]]);
        if (fixture_random(&random) % 3 == 0) continue; /* the answer is lost too */
        assert_int_equal(nack_requester_packet(&n, seqs[k], false, now), NACK_RECOVERED);
        arrived[seqs[k]] = true;
      }
    }
    size_t missing = 0;
    for (uint32_t i = 0; i < 2800; i++)
      missing += !arrived[(uint16_t)(first + i)]; /* the tail may still be open */
    assert_int_equal(missing, n.given_up);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(gaps_are_asked_for_after_the_reordering_time),
                                     cmocka_unit_test(tries_and_age_are_limited),
                                     cmocka_unit_test(the_caller_may_take_few_at_a_time),
                                     cmocka_unit_test(a_keyframe_forgets_and_too_much_asks_for_one),
                                     cmocka_unit_test(random_runs_ask_for_what_is_missing_and_nothing_else)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
