/* The base temporal layer twice: where, for how long, and nothing else. */
#include "tests/rtp/downlink_fixture.h"

#define FAR_US  600000
#define NEAR_US 80000
#define USED    1000000

static uint32_t one_in; /* is lost */
static uint64_t chance;

static bool loses(uint16_t seq) {
  (void)seq;
  return one_in && fixture_random(&chance) % one_in == 0;
}

/* A picture for so long, one packet in `lost` lost, over a path that is so long. Returns how many packets went again. */
static uint64_t run(struct desk *k, int seconds, uint32_t lost, int64_t rtt_us, uint64_t used_bps) {
  uint64_t before = k->d->stats.repairs;
  one_in = lost;
  k->loses = loses;
  k->far_us = rtt_us;
  for (int i = 0; i < seconds * 30; i++) {
    desk_frame(k, 4, i == 0);
    k->d->used_bps = used_bps;
    desk_run(k, 35, false);
    k->count = 0;
  }
  return k->d->stats.repairs - before;
}

static void a_far_lossy_path_gets_the_base_layer_twice(void **state) {
  (void)state;
  struct desk *k = desk_open(2000000);
  chance = 3;
  assert_int_equal(run(k, 5, 0, FAR_US, USED), 0);
  run(k, 6, 50, FAR_US, USED);
  assert_in_range(run(k, 10, 0, FAR_US, USED), 290, 315); /* of 300 frames one in four, of four packets */
  run(k, 20, 0, FAR_US, USED);
  assert_int_equal(run(k, 5, 0, FAR_US, USED), 0); /* calm again */
  desk_close(k);
}

static void a_near_path_gets_what_it_asks_for(void **state) {
  (void)state;
  struct desk *k = desk_open(2000000);
  chance = 3;
  run(k, 6, 50, NEAR_US, USED);
  assert_in_range(run(k, 5, 0, NEAR_US, USED), 0, 2); /* the last losses */
  desk_close(k);
}

static void without_room_nothing_goes_twice(void **state) {
  (void)state;
  struct desk *k = desk_open(2000000);
  chance = 3;
  run(k, 6, 50, FAR_US, 90000000);
  assert_in_range(run(k, 5, 0, FAR_US, 90000000), 0, 2);
  desk_close(k);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_far_lossy_path_gets_the_base_layer_twice),
      cmocka_unit_test(a_near_path_gets_what_it_asks_for),
      cmocka_unit_test(without_room_nothing_goes_twice),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
