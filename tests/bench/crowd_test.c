/* In virtual time, with people who do what the test says: who joins when, who is counted, who leaves, who speaks. */
#include "bench/load/crowd.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "bench/load/scenario.h"
#include "tests/bench/check.h"
#include "tests/bench/fake_participants.h"
#include "tests/bench/virtual_loop.h"

#define SECOND INT64_C(1000000)

static struct load_options o;
static struct load_counters counters;
static struct participant_shared shared;
static struct crowd *crowd;

static void open_crowd(enum scenario_kind kind, unsigned members) {
  o = (struct load_options){.scenario = kind,
                            .of = SCENARIO_CONSULT,
                            .rooms = 2,
                            .members = members,
                            .join_rate = 10,
                            .video_bps = 1000,
                            .sample = 2,
                            .layers = 1,
                            .data_interval_s = 2};
  memset(&counters, 0, sizeof counters);
  memset(&shared, 0, sizeof shared);
  shared.counters = &counters;
  assert_int_equal(event_loop_create(&shared.loop), 0);
  assert_int_equal(crowd_create(&crowd, &o, &shared), 0);
}

static int tear_down(void **state) {
  (void)state;
  crowd_free(crowd);
  assert_int_equal(virtual_loop_timers(shared.loop), 0);
  event_loop_free(shared.loop);
  crowd = NULL;
  fake_reset();
  return 0;
}

static void run_for(int64_t us) {
  virtual_loop_run(shared.loop, virtual_loop_now_us + us);
}

static void fill(unsigned seats) {
  crowd_set_target(crowd, seats, virtual_loop_now_us);
  run_for(seats * SECOND / 10 + SECOND);
  fake_all_ready();
}

static void people_come_at_the_rate(void **state) {
  (void)state;
  open_crowd(SCENARIO_CONSULT, 4);
  int64_t began_us = virtual_loop_now_us;
  crowd_set_target(crowd, 8, began_us);
  run_for(SECOND / 2 - 1);
  assert_int_equal(fake_created, 5); /* at 0, 100, … 400 ms */
  run_for(SECOND);
  assert_int_equal(fake_created, 8);
  for (unsigned i = 0; i < 8; i++)
    assert_int_equal(fake_present[i]->created_us, began_us + i * SECOND / 10);
  assert_false(crowd_is_settled(crowd)); /* they are on their way */
  assert_string_equal(fake_present[3]->plan.room, fake_present[0]->plan.room);
  assert_string_not_equal(fake_present[4]->plan.room, fake_present[0]->plan.room);
  fake_all_ready();
  assert_true(crowd_is_settled(crowd));
  assert_int_equal(crowd_ready(crowd), 8);
  assert_true(fake_present[0]->media_on);
}

static void two_of_all_receivers_are_sampled(void **state) {
  (void)state;
  unsigned sampled = 0;
  open_crowd(SCENARIO_LECTURE, 20);
  fill(21);
  for (unsigned i = 0; i < fake_present_count; i++)
    sampled += fake_present[i]->plan.sampled;
  assert_int_equal(sampled, 2);
  assert_false(fake_present[0]->plan.sampled); /* the lecturer receives nothing */
}

static void who_fails_is_counted_once_and_named(void **state) {
  (void)state;
  open_crowd(SCENARIO_CONSULT, 4);
  fill(4);
  fake_first_media(fake_present[0]);
  fake_first_media(fake_present[0]); /* said twice */
  fake_first_media(fake_present[1]);
  assert_int_equal(crowd_seeing(crowd), 2);
  fake_failed(fake_present[0], "the first reason");
  fake_failed(fake_present[0], "the second");
  assert_int_equal(crowd_failed(crowd), 2);
  assert_int_equal(crowd_ready(crowd), 2);
  assert_int_equal(crowd_seeing(crowd), 0);
  assert_string_equal(crowd_first_failure(crowd), "the first reason");
  assert_true(crowd_is_settled(crowd)); /* nobody is on the way any more */
  assert_false(crowd_is_hopeless(crowd));
}

static void without_anybody_in_it_is_hopeless_after_three(void **state) {
  (void)state;
  open_crowd(SCENARIO_CONSULT, 4);
  crowd_set_target(crowd, 8, virtual_loop_now_us);
  run_for(SECOND / 4);
  fake_failed(fake_present[0], "no");
  fake_failed(fake_present[0], "no");
  assert_false(crowd_is_hopeless(crowd));
  fake_failed(fake_present[0], "no");
  assert_true(crowd_is_hopeless(crowd));
}

static void without_file_descriptors_it_says_how_many(void **state) {
  (void)state;
  open_crowd(SCENARIO_CONSULT, 4);
  fake_create_error = -EMFILE;
  fill(4);
  assert_int_equal(fake_present_count, 3);
  assert_non_null(strstr(crowd_first_failure(crowd), "ulimit -n 72")); /* 2 for each of 4, 64 to spare */
}

static void who_fell_out_comes_back_with_the_next_target(void **state) {
  (void)state;
  open_crowd(SCENARIO_CONSULT, 4);
  fill(8);
  fake_failed(fake_present[2], "overload");
  fake_failed(fake_present[5], "overload");
  assert_int_equal(crowd_ready(crowd), 6);
  crowd_set_target(crowd, 4, virtual_loop_now_us); /* a ramp goes back: room 0 lacks one */
  assert_false(crowd_is_settled(crowd));
  run_for(SECOND);
  fake_all_ready();
  assert_true(crowd_is_settled(crowd));
  assert_int_equal(crowd_ready(crowd), 4);
  for (unsigned i = 0; i < 4; i++)
    assert_string_equal(fake_present[i]->plan.room, fake_present[0]->plan.room);
}

static void a_smaller_target_empties_the_last_rooms(void **state) {
  (void)state;
  open_crowd(SCENARIO_CONSULT, 4);
  fill(8);
  crowd_set_target(crowd, 4, virtual_loop_now_us);
  assert_int_equal(fake_present_count, 4);
  assert_int_equal(crowd_ready(crowd), 4);
  assert_int_equal(fake_freed, 4);
}

static void churn_replaces_the_oldest_at_the_rate(void **state) {
  (void)state;
  open_crowd(SCENARIO_CHURN, 4);
  fill(8);
  char last[SIGNALING_IDENTIFIER_BYTES + 1];
  snprintf(last, sizeof last, "%s", fake_present[7]->plan.identity);
  crowd_set_churn(crowd, true, virtual_loop_now_us);
  run_for(SECOND - 1);
  assert_int_equal(fake_created, 8 + 10);
  assert_int_equal(fake_present_count, 8);
  for (unsigned i = 0; i < 8; i++)
    assert_string_not_equal(fake_present[i]->plan.identity, last); /* all eight went, the last one last */
  crowd_set_churn(crowd, false, virtual_loop_now_us);
  run_for(5 * SECOND);
  assert_int_equal(fake_created, 8 + 10);
}

static void counts_go_on_when_somebody_leaves(void **state) {
  (void)state;
  struct sequence_counts c;
  open_crowd(SCENARIO_CONSULT, 4);
  fill(4);
  for (unsigned i = 0; i < 4; i++)
    fake_present[i]->counts = (struct sequence_counts){.expected = 100, .received = 100};
  crowd_mark(crowd);
  for (unsigned i = 0; i < 4; i++)
    fake_present[i]->counts = (struct sequence_counts){.expected = 150, .received = 149};
  fake_failed(fake_present[1], "gone");
  crowd_counts(crowd, &c);
  assert_int_equal(c.expected, 4 * 50);
  assert_int_equal(c.received, 4 * 49);
  crowd_mark(crowd);
  crowd_counts(crowd, &c);
  assert_int_equal(c.expected, 0);
}

static void starved_slots_are_added_up(void **state) {
  (void)state;
  unsigned assigned = 99;
  open_crowd(SCENARIO_CONSULT, 4);
  fill(4);
  fake_present[0]->counts.received = 1;
  assert_int_equal(crowd_starved(crowd, &assigned, virtual_loop_now_us), 3);
  assert_int_equal(assigned, 8);
}

static void three_speak_at_a_time_and_by_turns(void **state) {
  (void)state;
  open_crowd(SCENARIO_GALLERY, 9);
  fill(9);
  unsigned spoke[9] = {0};
  for (int second = 0; second < 30; second++) {
    unsigned loud = 0;
    run_for(SECOND);
    for (unsigned i = 0; i < 9; i++) {
      spoke[i] += fake_present[i]->level < 60;
      loud += fake_present[i]->level < 60;
    }
    assert_int_equal(loud, 3);
  }
  for (unsigned i = 0; i < 9; i++)
    assert_in_range(spoke[i], 6, 15);
}

static void a_gallery_says_whom_it_looks_at_when_people_change(void **state) {
  (void)state;
  open_crowd(SCENARIO_GALLERY, 12);
  fill(12);
  run_for(SECOND);
  assert_int_equal(fake_present[0]->view_count, 9);
  unsigned views = fake_present[0]->views;
  run_for(5 * SECOND);
  assert_int_equal(fake_present[0]->views, views); /* nobody came or went */
}

static void messages_are_expected_by_those_who_can_hear(void **state) {
  (void)state;
  open_crowd(SCENARIO_CONSULT, 4);
  o.data = true;
  fill(8);
  for (unsigned i = 0; i < 7; i++) /* the last one's channels did not open */
    fake_present[i]->has_data = true;
  run_for(10 * SECOND);
  for (unsigned i = 0; i < 7; i++)
    assert_in_range(fake_present[i]->said, 4, 6); /* every other second */
  assert_int_equal(fake_present[7]->said, 0);
  uint64_t first = 0, second = 0;
  for (unsigned i = 0; i < 4; i++)
    first += fake_present[i]->said;
  for (unsigned i = 4; i < 7; i++)
    second += fake_present[i]->said;
  assert_int_equal(counters.data_expected, first * 3 + second * 2);
  crowd_stop_media(crowd);
  assert_false(fake_present[0]->media_on);
  run_for(10 * SECOND);
  assert_int_equal(counters.data_sent, first + second);
}

static void who_listens_to_a_lecture_sends_no_messages(void **state) {
  (void)state;
  open_crowd(SCENARIO_LECTURE, 4);
  o.data = true;
  fill(5);
  for (unsigned i = 0; i < 5; i++)
    fake_present[i]->has_data = true;
  run_for(10 * SECOND);
  assert_true(fake_present[0]->said >= 4);
  assert_int_equal(counters.data_sent, fake_present[0]->said);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_teardown(people_come_at_the_rate, tear_down),
      cmocka_unit_test_teardown(two_of_all_receivers_are_sampled, tear_down),
      cmocka_unit_test_teardown(who_fails_is_counted_once_and_named, tear_down),
      cmocka_unit_test_teardown(without_anybody_in_it_is_hopeless_after_three, tear_down),
      cmocka_unit_test_teardown(without_file_descriptors_it_says_how_many, tear_down),
      cmocka_unit_test_teardown(who_fell_out_comes_back_with_the_next_target, tear_down),
      cmocka_unit_test_teardown(a_smaller_target_empties_the_last_rooms, tear_down),
      cmocka_unit_test_teardown(churn_replaces_the_oldest_at_the_rate, tear_down),
      cmocka_unit_test_teardown(counts_go_on_when_somebody_leaves, tear_down),
      cmocka_unit_test_teardown(starved_slots_are_added_up, tear_down),
      cmocka_unit_test_teardown(three_speak_at_a_time_and_by_turns, tear_down),
      cmocka_unit_test_teardown(a_gallery_says_whom_it_looks_at_when_people_change, tear_down),
      cmocka_unit_test_teardown(messages_are_expected_by_those_who_can_hear, tear_down),
      cmocka_unit_test_teardown(who_listens_to_a_lecture_sends_no_messages, tear_down),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
