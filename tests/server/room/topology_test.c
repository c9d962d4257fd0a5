/* tests/server/room/topology_test.c: the machine alone: every way through it, stale and senseless reports, retries, counters. */
#include "server/room/topology.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define SECOND INT64_C(1000000)

static struct {
  struct topology t;
  struct topology_input in;
  struct topology_settings settings;
  struct topology_stats stats;
  int64_t now_us;
} w;

static int fresh(void **state) {
  (void)state;
  memset(&w, 0, sizeof w);
  topology_init(&w.t);
  topology_settings_init(&w.settings);
  w.now_us = 100 * SECOND;
  w.in = (struct topology_input){.wanted = {1, 2}, .ready = true, .present = {true, true}, .reachable = {true, true}};
  return 0;
}

/* The next action; after it nothing may be left to do, unless it was an end. */
static enum topology_action next(void) {
  enum topology_action action = topology_next(&w.t, &w.in, &w.settings, w.now_us, &w.stats);
  if (action != TOPOLOGY_NOTHING && action != TOPOLOGY_END)
    assert_int_equal(topology_next(&w.t, &w.in, &w.settings, w.now_us, &w.stats), TOPOLOGY_NOTHING);
  return action;
}

static void say(unsigned side, enum topology_report report) {
  topology_report(&w.t, side, w.t.attempt, report, -1, -1, &w.stats);
}

static void both(enum topology_report report) {
  say(0, report);
  say(1, report);
}

static void go_direct(void) {
  assert_int_equal(next(), TOPOLOGY_BEGIN);
  both(TOPOLOGY_CONNECTED);
  assert_int_equal(next(), TOPOLOGY_SWITCH);
  assert_true(topology_is_direct(&w.t));
}

/* Nothing happens until `us` have passed, then `action`. */
static void after(int64_t us, enum topology_action action) {
  assert_int_equal(next(), TOPOLOGY_NOTHING);
  assert_int_equal(topology_deadline(&w.t), w.now_us + us);
  w.now_us += us - 1;
  assert_int_equal(next(), TOPOLOGY_NOTHING);
  w.now_us++;
  assert_int_equal(next(), action);
}

static void there_and_back(void **state) {
  (void)state;
  assert_false(topology_is_direct(&w.t));
  assert_int_equal(next(), TOPOLOGY_BEGIN);
  assert_int_equal(w.t.attempt, 1);
  assert_false(topology_is_direct(&w.t));
  say(1, TOPOLOGY_CONNECTED);
  assert_int_equal(next(), TOPOLOGY_NOTHING);
  say(0, TOPOLOGY_CONNECTED);
  assert_int_equal(next(), TOPOLOGY_SWITCH);
  assert_int_equal(topology_deadline(&w.t), INT64_MAX);
  w.in.wanted[0] = w.in.wanted[1] = 0; /* a third: at once */
  w.in.crowded = true;
  assert_int_equal(next(), TOPOLOGY_RETURN);
  assert_int_equal(w.t.cause, TOPOLOGY_CAUSE_ROOM);
  assert_true(topology_is_direct(&w.t)); /* until it is over */
  say(0, TOPOLOGY_SWAPPED);
  assert_int_equal(next(), TOPOLOGY_NOTHING);
  say(1, TOPOLOGY_SWAPPED);
  assert_int_equal(next(), TOPOLOGY_END);
  assert_true(w.t.had_switched);
  assert_false(topology_is_direct(&w.t));
  w.now_us += 60 * SECOND;
  assert_int_equal(next(), TOPOLOGY_NOTHING);
  w.in.wanted[0] = 1; /* the third leaves */
  w.in.wanted[1] = 2;
  w.in.crowded = false;
  after(5 * SECOND, TOPOLOGY_BEGIN);
  assert_int_equal(w.t.attempt, 2);
  assert_int_equal(w.stats.connected, 1);
  assert_int_equal(w.stats.returned, 1);
  assert_int_equal(w.stats.causes[TOPOLOGY_CAUSE_ROOM], 1);
}

static void third_for_a_moment(void **state) {
  (void)state;
  go_direct();
  memset(w.in.wanted, 0, sizeof w.in.wanted);
  w.in.crowded = true;
  assert_int_equal(next(), TOPOLOGY_RETURN);
  w.now_us += SECOND / 5;
  w.in.wanted[0] = 1;
  w.in.wanted[1] = 2;
  w.in.crowded = false;
  assert_int_equal(next(), TOPOLOGY_NOTHING); /* what has begun is finished */
  both(TOPOLOGY_SWAPPED);
  assert_int_equal(next(), TOPOLOGY_END);
  after(5 * SECOND, TOPOLOGY_BEGIN);
}

static bool held(bool first, bool second) {
  return w.t.held[0] == first && w.t.held[1] == second;
}

static void a_third_comes(void) {
  memset(w.in.wanted, 0, sizeof w.in.wanted);
  w.in.crowded = true;
  assert_int_equal(next(), TOPOLOGY_RETURN);
}

/* Nobody gets pictures of somebody who may not have heard yet that it should stop, and then that it should not. */
static void held_until_sending(void **state) {
  (void)state;
  go_direct();
  assert_true(held(true, true));
  both(TOPOLOGY_SENDING); /* nobody has asked */
  both(TOPOLOGY_SWAPPED);
  assert_int_equal(next(), TOPOLOGY_NOTHING);
  assert_true(held(true, true));
  a_third_comes();
  assert_true(held(true, true));
  say(0, TOPOLOGY_SENDING);
  assert_true(held(false, true));
  topology_report(&w.t, 1, 7, TOPOLOGY_SENDING, -1, -1, &w.stats); /* of another attempt */
  after(SECOND / 2, TOPOLOGY_NOTHING);                             /* who does not say it is let through all the same */
  assert_true(held(false, false));
  after(w.settings.return_us - SECOND / 2, TOPOLOGY_END);
}

static void trouble_lets_through(void **state) {
  (void)state;
  go_direct();
  say(1, TOPOLOGY_STALLED); /* so it sends to the server already */
  assert_true(held(true, false));
  assert_int_equal(next(), TOPOLOGY_RETURN);
  say(0, TOPOLOGY_SWAPPED);
  assert_true(held(false, false));
  (void)fresh(NULL);
  go_direct();
  w.in.reachable[0] = false; /* cannot be asked: sends or not */
  assert_int_equal(next(), TOPOLOGY_NOTHING);
  assert_true(held(true, true));
  a_third_comes();
  assert_true(held(false, true));
}

/* One leaves: the other one's last pictures are held back from whoever comes now, and no attempt begins meanwhile. */
static void held_after_the_end(void **state) {
  (void)state;
  for (int says = 0; says < 2; says++) {
    (void)fresh(NULL);
    go_direct();
    w.in.present[0] = w.in.reachable[0] = false;
    w.in.wanted[0] = 2;
    w.in.wanted[1] = 3;
    assert_int_equal(next(), TOPOLOGY_END);
    assert_int_equal(topology_next(&w.t, &w.in, &w.settings, w.now_us, &w.stats), TOPOLOGY_NOTHING);
    assert_true(held(false, true));
    w.in.present[0] = w.in.reachable[0] = true; /* the next pair */
    if (!says) {
      after(SECOND / 2, TOPOLOGY_BEGIN);
    } else {
      say(1, TOPOLOGY_SENDING);
      assert_int_equal(next(), TOPOLOGY_BEGIN);
    }
    assert_true(held(false, false));
  }
}

static void forced(void **state) {
  (void)state;
  for (int swap = 0; swap < 2; swap++) {
    (void)fresh(NULL);
    go_direct();
    a_third_comes();
    both(TOPOLOGY_SENDING);
    if (swap) both(TOPOLOGY_SWAPPED);
    if (!swap) w.now_us += w.settings.return_us;
    assert_int_equal(next(), TOPOLOGY_END);
    assert_int_equal(w.t.forced, !swap);
  }
}

static void nobody_swaps(void **state) {
  (void)state;
  go_direct();
  say(0, TOPOLOGY_STALLED);
  assert_int_equal(next(), TOPOLOGY_RETURN);
  assert_int_equal(w.t.cause, TOPOLOGY_CAUSE_STALLED);
  say(0, TOPOLOGY_SWAPPED);
  say(1, TOPOLOGY_SENDING);
  after(w.settings.return_us, TOPOLOGY_END);
  assert_int_equal(w.stats.return_timed_out, 1);
  assert_int_equal(w.stats.returned, 0);
}

static void never_connected(void **state) {
  (void)state;
  assert_int_equal(next(), TOPOLOGY_BEGIN);
  say(0, TOPOLOGY_CONNECTED);
  after(3 * SECOND, TOPOLOGY_RETURN);
  assert_int_equal(w.t.cause, TOPOLOGY_CAUSE_TIMEOUT);
  assert_false(topology_is_direct(&w.t));
  say(1, TOPOLOGY_CONNECTED); /* too late */
  assert_int_equal(next(), TOPOLOGY_NOTHING);
  both(TOPOLOGY_SWAPPED);
  assert_int_equal(next(), TOPOLOGY_END);
  assert_false(w.t.had_switched);
  assert_int_equal(w.stats.timed_out, 1);
  assert_int_equal(w.stats.returned, 0); /* there was no way to come back from */
}

static void fail_once(void) {
  say(1, TOPOLOGY_FAILED);
  assert_int_equal(next(), TOPOLOGY_RETURN);
  both(TOPOLOGY_SWAPPED);
  assert_int_equal(next(), TOPOLOGY_END);
}

static void retries(void **state) {
  (void)state;
  assert_int_equal(next(), TOPOLOGY_BEGIN);
  fail_once();
  after(30 * SECOND, TOPOLOGY_BEGIN);
  fail_once();
  after(120 * SECOND, TOPOLOGY_BEGIN);
  fail_once();
  assert_int_equal(next(), TOPOLOGY_NOTHING);
  assert_int_equal(topology_deadline(&w.t), INT64_MAX);
  w.now_us += 86400 * SECOND;
  assert_int_equal(next(), TOPOLOGY_NOTHING);
  w.in.wanted[1] = 3; /* somebody else */
  assert_int_equal(next(), TOPOLOGY_BEGIN);
  fail_once();
  after(30 * SECOND, TOPOLOGY_BEGIN);
  fail_once();
  w.in.crowded = true; /* the same two, but somebody was here meanwhile */
  assert_int_equal(next(), TOPOLOGY_NOTHING);
  w.in.crowded = false;
  after(5 * SECOND, TOPOLOGY_BEGIN);
  assert_int_equal(w.stats.failed, 5);
}

static void a_long_call_forgives(void **state) {
  (void)state;
  assert_int_equal(next(), TOPOLOGY_BEGIN);
  fail_once();
  after(30 * SECOND, TOPOLOGY_BEGIN);
  fail_once();
  w.now_us += 120 * SECOND;
  go_direct();
  w.now_us += 60 * SECOND;
  fail_once();
  after(30 * SECOND, TOPOLOGY_BEGIN); /* as after the first */
}

static void somebody_goes(void **state) {
  (void)state;
  for (int phase = 0; phase < 3; phase++) {
    (void)fresh(NULL);
    assert_int_equal(next(), TOPOLOGY_BEGIN);
    if (phase > 0) both(TOPOLOGY_CONNECTED);
    if (phase > 0) assert_int_equal(next(), TOPOLOGY_SWITCH);
    if (phase > 1) say(0, TOPOLOGY_FAILED);
    if (phase > 1) assert_int_equal(next(), TOPOLOGY_RETURN);
    w.in.present[1] = w.in.reachable[1] = false;
    w.in.wanted[1] = 3; /* the same person with a new page */
    assert_int_equal(next(), TOPOLOGY_END);
    assert_int_equal(w.t.had_switched, phase > 0);
    w.in.present[0] = w.in.present[1] = w.in.reachable[1] = true;
    say(0, TOPOLOGY_SENDING);
    assert_int_equal(next(), TOPOLOGY_BEGIN); /* at once */
    assert_int_equal(w.t.peers[1], 3);
    assert_int_equal(w.stats.abandoned, phase == 0);
    assert_int_equal(w.stats.return_left, phase > 0);
  }
}

static void sockets(void **state) {
  (void)state;
  w.in.ready = false;
  assert_int_equal(next(), TOPOLOGY_NOTHING);
  w.in.ready = true;
  assert_int_equal(next(), TOPOLOGY_BEGIN);
  w.in.reachable[0] = false; /* while connecting */
  assert_int_equal(next(), TOPOLOGY_RETURN);
  assert_int_equal(w.t.cause, TOPOLOGY_CAUSE_LOST);
  say(1, TOPOLOGY_SWAPPED);
  w.now_us += 20 * SECOND; /* who is away is waited for: it may live on the direct connection alone */
  assert_int_equal(next(), TOPOLOGY_NOTHING);
  assert_int_equal(topology_deadline(&w.t), INT64_MAX);
  w.in.reachable[0] = true;
  after(w.settings.return_us, TOPOLOGY_END);
  after(5 * SECOND, TOPOLOGY_BEGIN);
  both(TOPOLOGY_CONNECTED);
  assert_int_equal(next(), TOPOLOGY_SWITCH);
  w.in.reachable[1] = w.in.ready = false; /* while direct: the call goes on */
  assert_int_equal(next(), TOPOLOGY_NOTHING);
  topology_interrupt(&w.t);
  assert_int_equal(next(), TOPOLOGY_NOTHING);
  assert_true(topology_is_direct(&w.t));
}

static void exchanged_socket(void **state) {
  (void)state;
  assert_int_equal(next(), TOPOLOGY_BEGIN);
  topology_interrupt(&w.t);
  assert_int_equal(next(), TOPOLOGY_RETURN);
  both(TOPOLOGY_SWAPPED);
  assert_int_equal(next(), TOPOLOGY_END);
  after(5 * SECOND, TOPOLOGY_BEGIN);
  assert_int_equal(next(), TOPOLOGY_NOTHING); /* the interruption was the last attempt's */
}

static void ice_policy_changes(void **state) {
  (void)state;
  go_direct();
  w.in.relay = true;
  assert_int_equal(next(), TOPOLOGY_RETURN);
  both(TOPOLOGY_SWAPPED);
  assert_int_equal(next(), TOPOLOGY_END);
  after(5 * SECOND, TOPOLOGY_BEGIN);
  assert_true(w.t.relay);
}

static void stale_and_senseless(void **state) {
  (void)state;
  topology_report(&w.t, 0, 0, TOPOLOGY_CONNECTED, 0, 5, &w.stats);
  assert_int_equal(next(), TOPOLOGY_BEGIN);
  both(TOPOLOGY_SWAPPED); /* nobody has asked */
  topology_report(&w.t, 0, 2, TOPOLOGY_FAILED, -1, -1, &w.stats);
  topology_report(&w.t, 0, 0, TOPOLOGY_FAILED, -1, -1, &w.stats);
  assert_int_equal(next(), TOPOLOGY_NOTHING);
  both(TOPOLOGY_CONNECTED);
  assert_int_equal(next(), TOPOLOGY_SWITCH);
  both(TOPOLOGY_SWAPPED);
  assert_int_equal(next(), TOPOLOGY_NOTHING);
  say(0, TOPOLOGY_FAILED);
  say(1, TOPOLOGY_STALLED); /* the first one counts */
  assert_int_equal(next(), TOPOLOGY_RETURN);
  assert_int_equal(w.t.cause, TOPOLOGY_CAUSE_FAILED);
  say(0, TOPOLOGY_SWAPPED); /* what was said too early did not count: the other one is still awaited */
  assert_int_equal(next(), TOPOLOGY_NOTHING);
  say(1, TOPOLOGY_SWAPPED);
  assert_int_equal(next(), TOPOLOGY_END);
  say(1, TOPOLOGY_FAILED); /* over */
  after(30 * SECOND, TOPOLOGY_BEGIN);
  topology_report(&w.t, 0, 1, TOPOLOGY_CONNECTED, 0, 5, &w.stats);
  topology_report(&w.t, 1, 1, TOPOLOGY_CONNECTED, 0, 5, &w.stats);
  assert_int_equal(next(), TOPOLOGY_NOTHING);
  assert_int_equal(w.stats.gap_count[TOPOLOGY_TO_DIRECT], 0);
}

static void names(void **state) {
  (void)state;
  enum topology_report report;
  assert_int_equal(topology_report_parse("swapped", &report), 0);
  assert_int_equal(report, TOPOLOGY_SWAPPED);
  assert_int_equal(topology_report_parse("sending", &report), 0);
  assert_int_equal(report, TOPOLOGY_SENDING);
  assert_int_equal(topology_report_parse("swap", &report), -1);
  assert_string_equal(topology_cause_name(TOPOLOGY_CAUSE_LEFT), "left");
  assert_string_equal(topology_cause_name(TOPOLOGY_CAUSES), "unknown");
  assert_string_equal(topology_phase_name(TOPOLOGY_RETURNING), "returning");
  assert_string_equal(topology_phase_name((enum topology_phase)4), "unknown");
}

static void counters(void **state) {
  (void)state;
  static const int64_t gaps[] = {0, 33, 34, 67, 1000, 1001, 600000};
  for (size_t i = 0; i < sizeof gaps / sizeof *gaps; i++)
    topology_stats_gap(&w.stats, TOPOLOGY_TO_SFU, gaps[i]);
  static const uint64_t expected[TOPOLOGY_GAP_BUCKETS] = {2, 1, 1, 0, 0, 0, 0, 1, 2};
  assert_memory_equal(w.stats.gaps[TOPOLOGY_TO_SFU], expected, sizeof expected);
  assert_int_equal(next(), TOPOLOGY_BEGIN);
  for (int i = 0; i < 3; i++) { /* said again with the gap; counted once for each side */
    topology_report(&w.t, 0, 1, TOPOLOGY_CONNECTED, TOPOLOGY_PAIR_RELAY, i ? 40 : -1, &w.stats);
    topology_report(&w.t, 1, 1, TOPOLOGY_CONNECTED, TOPOLOGY_PAIR_HOST, 66, &w.stats);
  }
  topology_report(&w.t, 1, 1, TOPOLOGY_CONNECTED, 99, -1, &w.stats);
  assert_int_equal(next(), TOPOLOGY_SWITCH);
  fail_once();
  topology_report(&w.t, 1, 1, TOPOLOGY_SWAPPED, -1, 70, &w.stats); /* known when it was over */
  json_t *json = topology_stats_json(&w.stats);
  json_t *expected_json = json_pack(
      "{s:i, s:{s:{s:i,s:i,s:i,s:i}, s:{s:i,s:i,s:i}}, s:{s:i,s:i,s:i,s:i,s:i,s:i}, s:{s:i,s:i,s:i},"
      " s:{s:{s:[i,i,i,i,i,i,i,i], s:[i,i,i,i,i,i,i,i,i], s:i, s:i}, s:{s:[i,i,i,i,i,i,i,i], s:[i,i,i,i,i,i,i,i,i], "
      "s:i, s:i}}}",
      "attempts", 1, "switches", "direct", "connected", 1, "failed", 0, "timeout", 0, "abandoned", 0, "sfu", "swapped",
      1, "timeout", 0, "left", 0, "causes", "room", 0, "failed", 1, "stalled", 0, "timeout", 0, "lost", 0, "left", 0,
      "pairs", "host", 1, "srflx", 0, "relay", 1, "gapsMs", "direct", "le", 33, 50, 67, 100, 150, 250, 500, 1000,
      "counts", 0, 1, 1, 0, 0, 0, 0, 0, 0, "sum", 106, "count", 2, "sfu", "le", 33, 50, 67, 100, 150, 250, 500, 1000,
      "counts", 2, 1, 1, 1, 0, 0, 0, 1, 2, "sum", 12205, "count", 8);
  assert_true(json_equal(json, expected_json));
  json_decref(json);
  json_decref(expected_json);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test_setup(there_and_back, fresh),
                                     cmocka_unit_test_setup(third_for_a_moment, fresh),
                                     cmocka_unit_test_setup(nobody_swaps, fresh),
                                     cmocka_unit_test_setup(never_connected, fresh),
                                     cmocka_unit_test_setup(retries, fresh),
                                     cmocka_unit_test_setup(a_long_call_forgives, fresh),
                                     cmocka_unit_test_setup(somebody_goes, fresh),
                                     cmocka_unit_test_setup(sockets, fresh),
                                     cmocka_unit_test_setup(exchanged_socket, fresh),
                                     cmocka_unit_test_setup(ice_policy_changes, fresh),
                                     cmocka_unit_test_setup(stale_and_senseless, fresh),
                                     cmocka_unit_test_setup(counters, fresh),
                                     cmocka_unit_test_setup(held_until_sending, fresh),
                                     cmocka_unit_test_setup(trouble_lets_through, fresh),
                                     cmocka_unit_test(held_after_the_end),
                                     cmocka_unit_test(forced),
                                     cmocka_unit_test(names)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
