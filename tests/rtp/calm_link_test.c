/* Tests of rtp/calm_link.c: what counts as calm, what is kept, and that an estimate comes out as if nothing had been left out. */
#include "rtp/calm_link.h"

#include "rtp/bandwidth_estimator.h"
#include "tests/rtp/feedback_run.h"
#include "tests/rtp/stream_fixture.h"

#define BASE_US    20000
#define MESSAGE_US 50000
#define APART_US   25000

static struct transport_result runs[8];

/* Two frames in a message, each `wait_us` late. */
static struct transport_results message(int64_t at_us, int64_t wait_us) {
  struct transport_results r = {.results = runs, .capacity = 8, .count = 2};
  for (size_t i = 0; i < r.count; i++) {
    int64_t sent_us = at_us + (int64_t)i * APART_US;
    runs[i] = run_of_one(sent_us, sent_us + BASE_US + wait_us, 1200);
    r.received++;
    r.newest_sent_us = sent_us;
  }
  return r;
}

static void it_takes_a_second_of_calm(void **state) {
  (void)state;
  static struct calm_link c;
  struct transport_result sum;
  calm_link_init(&c);
  for (int i = 0; i < CALM_LINK_MESSAGES; i++) {
    struct transport_results r = message(i * MESSAGE_US, CALM_LINK_WAIT_US);
    assert_false(calm_link_message(&c, &r, BASE_US, &sum));
  }
  assert_int_equal(calm_link_kept(&c), 0);
  struct transport_results r = message(CALM_LINK_MESSAGES * MESSAGE_US, 0);
  runs[0].arrival_us += 300;
  assert_true(calm_link_message(&c, &r, BASE_US, &sum));
  assert_int_equal(calm_link_kept(&c), 2);
  assert_int_equal(sum.packets, 2);
  assert_int_equal(sum.bytes, 2400);
  assert_int_equal(sum.arrival_us - sum.sent_us, BASE_US); /* the least of the two */
  assert_int_equal(sum.last_sent_us, runs[1].last_sent_us);
  assert_int_equal(calm_link_run(&c, 0).arrival_us, runs[0].arrival_us);
}

/* A wait, a loss, a probe, a packet that comes after all, a shorter way than any before: each is worth a look. */
static void anything_unusual_ends_it(void **state) {
  (void)state;
  for (int what = 0; what < 6; what++) {
    static struct calm_link c;
    struct transport_result sum;
    calm_link_init(&c);
    for (int i = 0; i <= CALM_LINK_MESSAGES; i++) {
      struct transport_results r = message(i * MESSAGE_US, 0);
      assert_int_equal(calm_link_message(&c, &r, BASE_US, &sum), i == CALM_LINK_MESSAGES);
    }
    struct transport_results r =
        message(CALM_LINK_MESSAGES * MESSAGE_US + MESSAGE_US, what == 0 ? CALM_LINK_WAIT_US + 1 : 0);
    if (what == 1) r.lost = 1;
    if (what == 2) runs[1].tag = 7;
    if (what == 3) runs[0].again = true;
    if (what == 4) runs[1].last_arrival_us = runs[1].arrival_us -= CALM_LINK_LESS_US + 1;
    assert_false(calm_link_message(&c, &r, what == 5 ? INT64_MAX : BASE_US, &sum));
    assert_int_equal(c.messages, 0);
    assert_int_equal(calm_link_kept(&c), 2); /* for whoever needs them now */
  }
}

static void the_newest_are_kept(void **state) {
  (void)state;
  static struct calm_link c;
  struct transport_result sum;
  calm_link_init(&c);
  for (int i = 0; i < 200; i++) {
    struct transport_results r = message(i * MESSAGE_US, 0);
    calm_link_message(&c, &r, BASE_US, &sum);
  }
  assert_int_equal(calm_link_kept(&c), CALM_LINK_RUNS);
  for (size_t i = 0; i < CALM_LINK_RUNS; i++)
    assert_int_equal(calm_link_run(&c, i).sent_us, 200 * MESSAGE_US - (int64_t)(CALM_LINK_RUNS - i) * APART_US);
}

/* A queue that grows after ten calm seconds, seen by an estimator that was allowed to be calm and by one that never is. */
static void a_queue_is_seen_as_soon_as_ever(void **state) {
  (void)state;
  static struct bandwidth_estimator calm, awake;
  static struct bandwidth_config config = {.start_bps = 2000000};
  bandwidth_estimator_init(&calm, &config);
  bandwidth_estimator_init(&awake, &config);
  int64_t wait_us = 0, decreased_us[2] = {-1, -1};
  uint64_t random = 1;
  for (int i = 0; i < 260; i++) {
    int64_t now_us = 1000000 + i * MESSAGE_US;
    wait_us = i < 200 ? (int64_t)(fixture_random(&random) % 1500) : wait_us + 12000;
    struct transport_results r = message(now_us - MESSAGE_US, wait_us);
    awake.calm.messages = 0;
    bandwidth_estimator_feedback(&calm, &r, 2400, now_us);
    bandwidth_estimator_feedback(&awake, &r, 2400, now_us);
    if (i == 199) assert_true(calm.calm.kept > CALM_LINK_RUNS && awake.calm.kept == 0);
    if (decreased_us[0] < 0 && calm.decreases) decreased_us[0] = now_us;
    if (decreased_us[1] < 0 && awake.decreases) decreased_us[1] = now_us;
  }
  assert_true(decreased_us[1] > 0);
  assert_int_equal(decreased_us[0], decreased_us[1]);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(it_takes_a_second_of_calm),
      cmocka_unit_test(anything_unusual_ends_it),
      cmocka_unit_test(the_newest_are_kept),
      cmocka_unit_test(a_queue_is_seen_as_soon_as_ever),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
