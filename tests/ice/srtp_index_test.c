/* tests/ice/srtp_index_test.c: index estimate around wraps, and the window of used indices. */
#include "ice/srtp_index.h"

#include "tests/ice/srtp_fixture.h"

static void the_first_packet_has_roll_over_counter_zero(void **state) {
  (void)state;
  struct srtp_index x = {0};
  assert_int_equal(srtp_index_estimate(&x, 0), 0);
  assert_int_equal(srtp_index_estimate(&x, 65535), 65535);
}

static void estimates_around_a_wrap(void **state) {
  (void)state;
  static const struct {
    uint64_t highest;
    uint16_t seq;
    int64_t expected;
  } cases[] = {
      {65535, 0, 65536},                     /* forward over the wrap     */
      {65535, 32766, 65536 + 32766},         /* as far as it goes         */
      {65535, 32767, 32767},                 /* Appendix A: exactly 2^15 back is old */
      {65536, 65535, 65535},                 /* late, before the wrap     */
      {65536 + 32767, 65535, 65536 + 65535}, /* exactly 2^15 ahead        */
      {65536 + 100, 65000, 65000},           /* late by 636               */
      {0, 32768, 32768},                     /* ahead, not from before 0  */
      {0, 32769, SRTP_TOO_OLD},              /* before the first packet   */
      {100, 65535, SRTP_TOO_OLD},            /* the same                  */
      {UINT64_C(0xffffffffffff), 0, SRTP_KEY_EXPIRED},
      {UINT64_C(0xffffffff0000), 5, INT64_C(0xffffffff0005)},
  };
  for (size_t i = 0; i < COUNT(cases); i++) {
    struct srtp_index x = {.highest = cases[i].highest, .started = 1};
    assert_int_equal(srtp_index_estimate(&x, cases[i].seq), cases[i].expected);
  }
}

static void refuses_what_was_used_and_what_is_too_old(void **state) {
  (void)state;
  struct srtp_index x = {0};
  srtp_index_commit(&x, 1000);
  assert_int_equal(srtp_index_check(&x, 1000), SRTP_REPLAYED);
  assert_int_equal(srtp_index_check(&x, 1001), SRTP_OK);
  assert_int_equal(srtp_index_check(&x, 999), SRTP_OK);
  assert_int_equal(srtp_index_check(&x, 1000 - SRTP_WINDOW_PACKETS + 1), SRTP_OK);
  assert_int_equal(srtp_index_check(&x, 1000 - SRTP_WINDOW_PACKETS), SRTP_TOO_OLD);
  srtp_index_commit(&x, 999);
  assert_int_equal(srtp_index_check(&x, 999), SRTP_REPLAYED);
  assert_int_equal(x.highest, 1000);
}

static void a_jump_past_the_window_forgets_everything_in_it(void **state) {
  (void)state;
  struct srtp_index x = {0};
  for (uint64_t i = 0; i < SRTP_WINDOW_PACKETS; i++)
    srtp_index_commit(&x, i);
  srtp_index_commit(&x, UINT64_C(10) * SRTP_WINDOW_PACKETS);
  for (uint64_t i = UINT64_C(9) * SRTP_WINDOW_PACKETS + 1; i < UINT64_C(10) * SRTP_WINDOW_PACKETS; i++)
    assert_int_equal(srtp_index_check(&x, i), SRTP_OK);
}

/* Against a plain table: random steps forward and back, every index accepted at most once. */
static void agrees_with_a_plain_table(void **state) {
  (void)state;
  enum { SPAN = 200000 };
  static uint8_t used[SPAN];
  struct srtp_index x = {0};
  uint64_t seed = 7, front = 700;
  memset(used, 0, sizeof used);
  srtp_index_commit(&x, front);
  used[front] = 1;
  for (int i = 0; i < 100000; i++) {
    uint64_t at = front + 3 - next_random(&seed) % 600;
    if (next_random(&seed) % 1000 == 0) at = front + next_random(&seed) % 2000;
    if (at >= SPAN) break;
    int expected = at > front                          ? SRTP_OK
                   : front - at >= SRTP_WINDOW_PACKETS ? SRTP_TOO_OLD
                   : used[at]                          ? SRTP_REPLAYED
                                                       : SRTP_OK;
    assert_int_equal(srtp_index_check(&x, at), expected);
    assert_int_equal(srtp_index_estimate(&x, (uint16_t)at), at);
    assert_int_equal(srtp_index_is_next(&x, (uint16_t)at), at == front + 1);
    if (expected != SRTP_OK) continue;
    if (at == front + 1) /* what commit would do */
      srtp_index_move(&x);
    else
      srtp_index_commit(&x, at);
    used[at] = 1;
    if (at > front) front = at;
  }
  assert_true(front > 65536);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_first_packet_has_roll_over_counter_zero), cmocka_unit_test(estimates_around_a_wrap),
      cmocka_unit_test(refuses_what_was_used_and_what_is_too_old),
      cmocka_unit_test(a_jump_past_the_window_forgets_everything_in_it), cmocka_unit_test(agrees_with_a_plain_table)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
