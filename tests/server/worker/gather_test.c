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
  for (int i = 0; i < 100; i++)
    gather_frame_over(&g, false); /* no wait is long enough */
  assert_int_equal(gather_window_us(&g), 1500);
  assert_int_equal(gather_wait_us(&g, false, 1000000), 1500); /* from now on, whenever it was read last */
  assert_int_equal(gather_wait_us(&g, true, 1000000), GATHER_REST_US);
  period(&g, 4, 20, 2000); /* waiting made it cheap: that is no reason to stop */
  assert_int_equal(gather_window_us(&g), 1500);
  period(&g, 2, 20, 2000);
  assert_int_equal(gather_window_us(&g), 0);
  period(&g, 9, 20, 2000); /* and now it takes more to begin again */
  assert_int_equal(gather_window_us(&g), 0);
}

/* Frames that take 0.4 to 1 ms to arrive, all equally often: three of four are whole after 0.85 ms. */
static void a_large_fan_out_learns_how_long_frames_take(void **state) {
  (void)state;
  struct gather g;
  gather_init(&g, 2000, 0);
  period(&g, 45, 20, 2000);
  uint32_t seed = 1;
  int whole = 0, long_waits = 0;
  for (int frame = 0; frame < 4000; frame++) {
    seed = seed * 1664525 + 1013904223;
    const int64_t takes_us = 400 + (seed >> 8) % 601;
    const int64_t wait_us = gather_wait_us(&g, false, 0);
    gather_frame_over(&g, takes_us <= wait_us);
    if (frame < 1000) continue;
    whole += takes_us <= wait_us;
    long_waits += wait_us > 1050;
  }
  assert_in_range(whole, 2100, 2400);
  assert_int_equal(long_waits, 0);
  for (int frame = 0; frame < 1000; frame++)
    gather_frame_over(&g, true);
  assert_int_equal(gather_wait_us(&g, false, 0), GATHER_REST_US);
}

static void a_small_room_waits_for_nothing_before_the_worker_is_loaded(void **state) {
  (void)state;
  static const struct {
    unsigned load;
    int64_t window_us;
  } expected[] = {{9, 0}, {10, 0}, {25, 0}, {50, 0}, {55, 0}, {65, 120}, {80, 300}, {95, 2000}, {100, 2000}, {20, 0}};
  struct gather g;
  gather_init(&g, 2000, 0);
  for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
    for (int k = 0; k < 40; k++)
      period(&g, expected[i].load, 100, 300);
    assert_in_range(gather_window_us(&g) + 4, expected[i].window_us, expected[i].window_us + 8);
  }
  assert_int_equal(gather_window_us(&g), 0);
}

static void what_the_work_took_is_not_waited_for_again(void **state) {
  (void)state;
  struct gather g;
  gather_init(&g, 2000, 0);
  for (int k = 0; k < 40; k++)
    period(&g, 100, 100, 300);
  const int64_t window_us = gather_window_us(&g);
  gather_reads(&g, 10000000);
  assert_int_equal(gather_wait_us(&g, false, 10000000), window_us);
  assert_int_equal(gather_wait_us(&g, false, 10000000 + window_us - 1), 1);
  assert_int_equal(gather_wait_us(&g, false, 10000000 + window_us), 0);
  assert_int_equal(gather_wait_us(&g, false, 20000000), 0);
}

static void seconds(struct gather *g, unsigned percent, int count) {
  for (int k = 0; k < 10 * count; k++)
    period(g, percent, 100, 300);
}

static void a_loaded_worker_keeps_frames_whole(void **state) {
  (void)state;
  struct gather g;
  gather_init(&g, 1800, 0);
  seconds(&g, 57, 10);
  assert_int_equal(g.whole_us, 0);
  period(&g, 100, 100, 300); /* somebody joined */
  assert_int_equal(g.whole_us, 0);
  seconds(&g, 62, 10);
  assert_int_equal(g.whole_us, 1800);
  seconds(&g, 45, 10); /* what it is with whole frames */
  assert_int_equal(g.whole_us, 1800);
  seconds(&g, 41, 10);
  assert_int_equal(g.whole_us, 0);
  gather_init(&g, 0, 0);
  seconds(&g, 90, 10);
  assert_int_equal(g.whole_us, 0);
}

static void a_large_fan_out_keeps_frames_whole(void **state) {
  (void)state;
  struct gather g;
  gather_init(&g, 2000, 0);
  period(&g, 12, 20, 2000);
  assert_int_equal(g.whole_us, 2000);
  period(&g, 2, 20, 2000);
  assert_int_equal(g.whole_us, 0);
}

/* The worker's load as a function of its window: 85 % without, half of that with the longest. A window that chased its own effect
 * would jump between the two. */
static void the_window_comes_to_rest(void **state) {
  (void)state;
  struct gather g;
  gather_init(&g, 2000, 0);
  int64_t before_us = -1;
  for (int k = 0; k < 100; k++) {
    before_us = gather_window_us(&g);
    period(&g, 85 - (unsigned)(before_us * 43 / 2000), 100, 300);
  }
  assert_in_range(before_us, 150, 500);
  assert_in_range(gather_window_us(&g) + 20, before_us, before_us + 40);
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
  for (int i = 0; i < 100; i++)
    gather_frame_over(&g, false);
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
      cmocka_unit_test(a_large_fan_out_learns_how_long_frames_take),
      cmocka_unit_test(a_small_room_waits_for_nothing_before_the_worker_is_loaded),
      cmocka_unit_test(what_the_work_took_is_not_waited_for_again),
      cmocka_unit_test(the_window_comes_to_rest),
      cmocka_unit_test(a_loaded_worker_keeps_frames_whole),
      cmocka_unit_test(a_large_fan_out_keeps_frames_whole),
      cmocka_unit_test(the_limit_is_kept),
      cmocka_unit_test(without_media_there_is_nothing_to_gather),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
