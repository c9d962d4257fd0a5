/* Loss, reordering, duplicates and repair, across the wrap of the sequence number. */
#include "bench/load/sequence_tracker.h"

#include "tests/bench/check.h"

static struct sequence_tracker t;

static struct sequence_counts counts_after(const uint16_t *seqs, size_t count) {
  memset(&t, 0, sizeof t);
  for (size_t i = 0; i < count; i++)
    sequence_tracker_receive(&t, seqs[i], false);
  return sequence_tracker_counts(&t);
}

static void loss_across_the_wrap(void **state) {
  (void)state;
  static const uint16_t seqs[] = {65530, 65531, 65534, 0, 1, 3};
  struct sequence_counts c = counts_after(seqs, 6);
  assert_int_equal(c.expected, 10); /* 65530 … 65535, 0 … 3 */
  assert_int_equal(c.received, 6);
  assert_int_equal(sequence_lost(&c), 4);
  assert_int_equal(sequence_missing(&c), 4);
}

static void many_wraps_lose_nothing(void **state) {
  (void)state;
  memset(&t, 0, sizeof t);
  for (uint32_t i = 0; i < 5 * 65536; i++)
    assert_int_equal(sequence_tracker_receive(&t, (uint16_t)(40000 + i), false), SEQUENCE_NEW);
  struct sequence_counts c = sequence_tracker_counts(&t);
  assert_int_equal(c.expected, 5 * 65536);
  assert_int_equal(sequence_lost(&c), 0);
}

static void late_is_not_lost(void **state) {
  (void)state;
  static const uint16_t seqs[] = {65535, 2, 1, 0, 0};
  struct sequence_counts c = counts_after(seqs, 5);
  assert_int_equal(c.expected, 4);
  assert_int_equal(c.received, 4);
  assert_int_equal(c.reordered, 2);
  assert_int_equal(c.duplicates, 1);
  assert_int_equal(sequence_lost(&c), 0);
}

static void rtx_repairs_but_the_loss_stays_counted(void **state) {
  (void)state;
  memset(&t, 0, sizeof t);
  assert_int_equal(sequence_tracker_receive(&t, 9, true), SEQUENCE_TOO_OLD); /* a stream does not begin with a repair */
  sequence_tracker_receive(&t, 10, false);
  sequence_tracker_receive(&t, 13, false);
  assert_int_equal(sequence_tracker_receive(&t, 11, true), SEQUENCE_LATE);
  assert_int_equal(sequence_tracker_receive(&t, 11, true), SEQUENCE_DUPLICATE);
  assert_int_equal(sequence_tracker_receive(&t, 14, true), SEQUENCE_NEW); /* the tail, by RTX only */
  struct sequence_counts c = sequence_tracker_counts(&t);
  assert_int_equal(c.expected, 5);
  assert_int_equal(sequence_lost(&c), 3);
  assert_int_equal(sequence_missing(&c), 1);
  assert_int_equal(c.reordered, 0);
}

static void old_and_far_numbers(void **state) {
  (void)state;
  memset(&t, 0, sizeof t);
  sequence_tracker_receive(&t, 100, false);
  assert_int_equal(sequence_tracker_receive(&t, 99, false), SEQUENCE_TOO_OLD); /* before the first */
  assert_int_equal(sequence_tracker_receive(&t, 100 + SEQUENCE_DROPOUT, false), SEQUENCE_NEW);
  assert_int_equal(sequence_tracker_receive(&t, 101, false), SEQUENCE_TOO_OLD); /* behind the window */
  struct sequence_counts before = sequence_tracker_counts(&t);
  assert_int_equal(sequence_tracker_receive(&t, (uint16_t)(100 + 3 * SEQUENCE_DROPOUT), false), SEQUENCE_RESTART);
  struct sequence_counts after = sequence_tracker_counts(&t);
  assert_int_equal(after.expected, before.expected + 1); /* the gap of a restart is no loss */
  assert_int_equal(after.restarts, 1);
}

/* What was at the same place of the window a round before says nothing. */
static void gaps_are_gaps_in_every_round(void **state) {
  (void)state;
  memset(&t, 0, sizeof t);
  for (uint32_t i = 0; i < SEQUENCE_WINDOW + 100; i++)
    sequence_tracker_receive(&t, (uint16_t)i, false);
  const uint16_t gap = SEQUENCE_WINDOW + 100;
  sequence_tracker_receive(&t, gap + 3, false);
  for (uint16_t i = 0; i < 3; i++)
    assert_int_equal(sequence_tracker_receive(&t, (uint16_t)(gap + i), i == 1), SEQUENCE_LATE);
  /* And when a gap is longer than the window: */
  const uint16_t far = gap + 3 + SEQUENCE_DROPOUT + 200;
  assert_int_equal(sequence_tracker_receive(&t, far, true), SEQUENCE_NEW); /* a repair is no restart */
  for (uint16_t i = 1; i < SEQUENCE_WINDOW; i++)
    assert_int_equal(sequence_tracker_receive(&t, (uint16_t)(far - i), false), SEQUENCE_LATE);
  assert_int_equal(t.counts.restarts, 0);
}

static void counts_add_up(void **state) {
  (void)state;
  struct sequence_counts a = {10, 8, 1, 2, 3, 1}, sum = a;
  sequence_counts_add(&sum, &a);
  assert_int_equal(sum.expected, 20);
  assert_int_equal(sum.restarts, 2);
  sequence_counts_subtract(&sum, &a);
  assert_memory_equal(&sum, &a, sizeof a);
  const struct sequence_counts more = {.expected = 1, .received = 5}; /* duplicates never make loss negative */
  assert_int_equal(sequence_lost(&more), 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(loss_across_the_wrap), cmocka_unit_test(many_wraps_lose_nothing),
      cmocka_unit_test(late_is_not_lost),     cmocka_unit_test(rtx_repairs_but_the_loss_stays_counted),
      cmocka_unit_test(old_and_far_numbers),  cmocka_unit_test(gaps_are_gaps_in_every_round),
      cmocka_unit_test(counts_add_up),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
