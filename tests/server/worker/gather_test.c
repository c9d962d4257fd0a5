/* When a worker waits for packets to gather, and how long. */
#include "server/worker/gather.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

/* One period of a tenth of a second: busy for `percent` of it, with packets in and out. */
static void period(struct gather *g, unsigned percent, uint64_t in, uint64_t out) {
  int64_t from_us = g->period_began_us;
  uint64_t in_now = g->in + in, out_now = g->out + out;
  gather_worked(g, from_us, from_us + percent * 1000, in_now, out_now);
  if (percent < 100) gather_worked(g, from_us + 100000, from_us + 100000, in_now, out_now);
}

static void time_to_spare_waits_for_nothing(void **state) {
  (void)state;
  struct gather g;
  gather_init(&g, 2000, 5000000);
  assert_int_equal(gather_window_us(&g), 0);
  period(&g, 9, 20, 2000);
  assert_int_equal(gather_load_percent(&g), 9);
  assert_int_equal(gather_window_us(&g), 0);
}

static void a_large_fan_out_waits_for_the_frame(void **state) {
  (void)state;
  struct gather g;
  gather_init(&g, 2000, 0);
  period(&g, 45, 20, 2000);
  assert_int_equal(gather_window_us(&g), 1500);
  period(&g, 4, 20, 2000); /* waiting made it cheap: that is no reason to stop */
  assert_int_equal(gather_window_us(&g), 2000);
  period(&g, 2, 20, 200);
  assert_int_equal(gather_window_us(&g), 0);
  period(&g, 9, 20, 2000); /* and now it takes more to begin again */
  assert_int_equal(gather_window_us(&g), 0);
}

static void a_small_room_waits_least_at_half_the_capacity(void **state) {
  (void)state;
  static const struct {
    unsigned load;
    int64_t window_us;
  } expected[] = {{9, 0},    {10, 2000}, {25, 2000}, {29, 1400}, {33, 800},
                  {50, 200}, {65, 600},  {80, 1000}, {95, 2000}, {100, 2000}};
  struct gather g;
  gather_init(&g, 2000, 0);
  for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
    period(&g, expected[i].load, 100, 300);
    assert_int_equal(gather_window_us(&g), expected[i].window_us);
  }
}

static void the_limit_is_kept(void **state) {
  (void)state;
  struct gather g;
  gather_init(&g, 300, 0);
  period(&g, 50, 10, 10000);
  assert_int_equal(gather_window_us(&g), 300);
  gather_init(&g, 0, 0);
  period(&g, 100, 10, 10000);
  assert_int_equal(gather_window_us(&g), 0);
  gather_init(&g, 1000000, 0);
  period(&g, 100, 10, 10000);
  assert_int_equal(gather_window_us(&g), GATHER_LIMIT_MAX_US);
}

static void without_media_there_is_nothing_to_gather(void **state) {
  (void)state;
  struct gather g;
  gather_init(&g, 2000, 0);
  period(&g, 100, 0, 0); /* handshakes only */
  assert_int_equal(gather_window_us(&g), 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(time_to_spare_waits_for_nothing),
      cmocka_unit_test(a_large_fan_out_waits_for_the_frame),
      cmocka_unit_test(a_small_room_waits_least_at_half_the_capacity),
      cmocka_unit_test(the_limit_is_kept),
      cmocka_unit_test(without_media_there_is_nothing_to_gather),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
