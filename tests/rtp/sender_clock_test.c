/* A publisher's clock laid onto ours: where it begins, what moves it and what does not. */
#include "rtp/sender_clock.h"

#include "rtp/rtcp.h"
#include "tests/rtp/stream_fixture.h"

#define SECOND INT64_C(1000000)

static uint64_t at(int64_t us) {
  return rtcp_ntp_from_us(us);
}

/* Where on our clock, in microseconds after its epoch, its time lies. */
static int64_t ours(const struct sender_clock *c, uint64_t ntp) {
  return rtcp_ntp_to_us(sender_clock_ours(c, ntp) - SENDER_CLOCK_EPOCH);
}

static void nothing_known_changes_nothing(void **state) {
  (void)state;
  struct sender_clock c = {0};
  assert_int_equal(sender_clock_ours(&c, UINT64_C(0x1234567890abcdef)), UINT64_C(0x1234567890abcdef));
}

static void one_offset_whatever_the_clock_says(void **state) {
  (void)state;
  const uint64_t clocks[] = {0, at(7 * SECOND), UINT64_C(0xe8f2b5a380000000), UINT64_MAX - at(SECOND / 2)};
  for (size_t i = 0; i < sizeof clocks / sizeof clocks[0]; i++) {
    struct sender_clock c = {0};
    sender_clock_report(&c, clocks[i], 3 * SECOND);
    assert_in_range(ours(&c, clocks[i]), 3 * SECOND - 2, 3 * SECOND);
    /* A second later by its clock, also over the wrap of 2036, is a second later by ours. */
    assert_in_range(ours(&c, clocks[i] + at(SECOND)), 4 * SECOND - 2, 4 * SECOND);
  }
}

static void the_fastest_report_counts(void **state) {
  (void)state;
  struct sender_clock c = {0};
  sender_clock_report(&c, at(10 * SECOND), 100 * SECOND + 80000);
  sender_clock_report(&c, at(11 * SECOND), 101 * SECOND + 20000);
  assert_in_range(ours(&c, at(11 * SECOND)), 101 * SECOND + 20000 - 2, 101 * SECOND + 20000);
  for (int i = 12; i < 20; i++) /* a queue of 300 ms moves it by no more than clocks differ */
    sender_clock_report(&c, at(i * SECOND), (90 + i) * SECOND + 300000);
  assert_in_range(ours(&c, at(20 * SECOND)), 110 * SECOND + 20000 - 2, 110 * SECOND + 22000);
}

static void a_slow_clock_is_followed(void **state) {
  (void)state;
  struct sender_clock c = {0};
  for (int64_t i = 0; i <= 3600; i++) /* 100 ppm: 0.36 s in an hour */
    sender_clock_report(&c, at(i * SECOND - i * 100), (5 + i) * SECOND);
  assert_in_range(ours(&c, at(3600 * SECOND - 360000)), 3605 * SECOND - 1000, 3605 * SECOND);
}

static void a_clock_set_anew_is_believed_after_a_while(void **state) {
  (void)state;
  struct sender_clock c = {0};
  sender_clock_report(&c, at(1000 * SECOND), SECOND);
  for (int i = 0; i < 5; i++) {
    sender_clock_report(&c, at((900 + i) * SECOND), (2 + i) * SECOND); /* set back by a hundred seconds */
    assert_in_range(ours(&c, at(1000 * SECOND)), SECOND - 2, SECOND + 3000);
  }
  sender_clock_report(&c, at(905 * SECOND), 7 * SECOND);
  assert_in_range(ours(&c, at(905 * SECOND)), 7 * SECOND - 2, 7 * SECOND);
  sender_clock_report(&c, at(2000 * SECOND), 8 * SECOND); /* forward: no packet arrives before it was sent */
  assert_in_range(ours(&c, at(2000 * SECOND)), 8 * SECOND - 2, 8 * SECOND);
}

static void one_late_report_is_forgotten(void **state) {
  (void)state;
  struct sender_clock c = {0};
  for (int i = 0; i < 20; i++) /* every other one was held up for a second */
    sender_clock_report(&c, at(i * SECOND), (50 + i + i % 2) * SECOND);
  assert_in_range(ours(&c, at(20 * SECOND)), 70 * SECOND - 2, 70 * SECOND + 5000);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(nothing_known_changes_nothing),
                                     cmocka_unit_test(one_offset_whatever_the_clock_says),
                                     cmocka_unit_test(the_fastest_report_counts),
                                     cmocka_unit_test(a_slow_clock_is_followed),
                                     cmocka_unit_test(a_clock_set_anew_is_believed_after_a_while),
                                     cmocka_unit_test(one_late_report_is_forgotten)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
