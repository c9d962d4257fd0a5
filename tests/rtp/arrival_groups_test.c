/* Groups of packets: what belongs together, what is compared, clocks that jump. */
#include "rtp/arrival_groups.h"
#include "tests/rtp/bytes.h"
#include "tests/rtp/feedback_run.h"

#define MS 1000

static struct arrival_groups groups;
static struct arrival_delta delta;

static int setup(void **state) {
  (void)state;
  arrival_groups_init(&groups);
  return 0;
}

static bool packet(int64_t sent_us, int64_t arrival_us) {
  struct transport_result run = run_of_one(sent_us, arrival_us, 1200);
  return arrival_groups_run(&groups, &run, &delta);
}

static void a_burst_is_one_group(void **state) {
  (void)state;
  assert_false(packet(0, 50 * MS));
  assert_false(packet(1 * MS, 52 * MS));
  assert_false(packet(5 * MS, 56 * MS));  /* gcc-02 §5.2: a burst time of 5 ms, inclusive */
  assert_false(packet(33 * MS, 90 * MS)); /* opens the second */
  assert_false(packet(35 * MS, 93 * MS));
  assert_true(packet(66 * MS, 130 * MS));   /* opens the third: the first two are compared */
  assert_int_equal(delta.sent_us, 30 * MS); /* last to last */
  assert_int_equal(delta.arrival_us, 37 * MS);
  assert_int_equal(delta.at_us, 93 * MS);
  assert_int_equal(delta.first_us, (90 - 50 - 33) * MS); /* first to first: the groups' sizes are not in it */
}

static void a_run_counts_from_its_first_packet_to_its_last(void **state) {
  (void)state;
  struct transport_result run = {.sent_us = 0, .last_sent_us = MS, .arrival_us = 50 * MS, .last_arrival_us = 54 * MS};
  run.bytes = 9600;
  assert_false(arrival_groups_run(&groups, &run, &delta));
  run.sent_us += 33 * MS, run.last_sent_us += 33 * MS, run.arrival_us += 40 * MS, run.last_arrival_us += 41 * MS;
  assert_false(arrival_groups_run(&groups, &run, &delta));
  assert_true(packet(66 * MS, 130 * MS));
  assert_int_equal(delta.sent_us, 33 * MS);
  assert_int_equal(delta.arrival_us, 41 * MS);
  assert_int_equal(delta.first_us, 7 * MS);
  assert_int_equal(groups.previous.bytes, 9600);
}

static void the_backlog_of_an_outage_joins_the_group(void **state) {
  (void)state;
  packet(0, 50 * MS);
  packet(20 * MS, 300 * MS); /* held up … */
  for (int i = 2; i < 12; i++)
    assert_false(packet(i * 20 * MS, 300 * MS + i * 100)); /* … and all at once */
  assert_true(packet(240 * MS, 310 * MS) || packet(260 * MS, 330 * MS));
  assert_int_equal(delta.sent_us, 220 * MS); /* one group of everything that was held up */
}

static void a_long_burst_ends(void **state) {
  (void)state;
  packet(0, 0);
  int completed = 0;
  for (int i = 1; i <= 200; i++)
    completed += packet(i * 20 * MS, 1000 * MS + i * MS); /* each faster than sent, for 200 ms */
  assert_in_range(completed, 1, 3);                       /* ARRIVAL_BURST_MAX_US */
}

static void packets_older_than_the_group_are_ignored(void **state) {
  (void)state;
  packet(100 * MS, 150 * MS);
  assert_false(packet(50 * MS, 151 * MS));
  assert_int_equal(groups.current.bytes, 1200);
}

static void a_jump_of_the_clock_begins_anew(void **state) {
  (void)state;
  packet(0, 0);
  packet(20 * MS, 20 * MS);
  assert_true(packet(40 * MS, 5000 * MS));  /* those before it are fine */
  assert_false(packet(60 * MS, 5020 * MS)); /* 5 s longer at the receiver: forgotten */
  assert_false(packet(80 * MS, 5040 * MS));
  assert_true(packet(100 * MS, 5060 * MS));
  assert_int_equal(delta.sent_us, delta.arrival_us);
}

/* Any order of any numbers: no delta goes back at the sender, none is longer than the jump. */
static void hostile_times_do_no_harm(void **state) {
  (void)state;
  uint64_t random = 99;
  int64_t sent_us = 0;
  for (int i = 0; i < 200000; i++) {
    random = random * 6364136223846793005ULL + 1;
    sent_us += (int64_t)(random >> 50);
    int64_t arrival_us = (int64_t)(random >> 20 & 0xffffffff) - 0x7fffffff;
    if (!packet(sent_us, arrival_us)) continue;
    assert_true(delta.sent_us > 0 && delta.arrival_us >= 0);
    assert_true(delta.arrival_us - delta.sent_us <= ARRIVAL_JUMP_US);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup(a_burst_is_one_group, setup),
      cmocka_unit_test_setup(a_run_counts_from_its_first_packet_to_its_last, setup),
      cmocka_unit_test_setup(the_backlog_of_an_outage_joins_the_group, setup),
      cmocka_unit_test_setup(a_long_burst_ends, setup),
      cmocka_unit_test_setup(packets_older_than_the_group_are_ignored, setup),
      cmocka_unit_test_setup(a_jump_of_the_clock_begins_anew, setup),
      cmocka_unit_test_setup(hostile_times_do_no_harm, setup),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
