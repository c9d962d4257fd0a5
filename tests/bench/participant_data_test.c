/* A participant's data channels against the product's own end of them: offered, opened, a message there and one back. */
#include "tests/bench/participant_world.h"

#define SECOND 1000000

static void both_channels_open(void **state) {
  (void)state;
  world.plan.data = true;
  world_join();
  assert_int_equal(world.channels, 2);
  assert_true(participant_has_data(world.p));
  assert_int_equal(world.counters.data_opened, 1);
}

static void a_message_goes_out_and_one_is_counted(void **state) {
  (void)state;
  world.plan.data = true;
  world_join();
  world.shared.window = 3;
  for (unsigned i = 1; i <= 4; i++) { /* by turns over both */
    assert_true(participant_say(world.p, virtual_loop_now_us));
    world_run(SECOND / 10);
    assert_int_equal(world.messages, i);
  }
  assert_int_equal(world.counters.data_sent, 4);
  assert_int_equal(world.counters.data_received, 4);
  assert_int_equal(world.counters.data_latency_us.count, 4);
  assert_true(world.counters.data_latency_us.max < SECOND / 10);
  assert_true(participant_say(world.p, virtual_loop_now_us));
  world.shared.window = 4; /* another measurement has begun: it is not of that one */
  world_run(SECOND / 10);
  assert_int_equal(world.messages, 5);
  assert_int_equal(world.counters.data_received, 4);
}

static void without_the_option_there_are_none(void **state) {
  (void)state;
  world_join();
  assert_int_equal(world.channels, 0);
  assert_false(participant_has_data(world.p));
  assert_false(participant_say(world.p, virtual_loop_now_us));
  assert_int_equal(world.counters.data_sent, 0);
}

static void who_leaves_with_open_channels_leaves_nothing(void **state) {
  (void)state;
  world.plan.data = true;
  world_join();
  participant_free(world.p);
  world.p = NULL;
  world_run(SECOND);
  assert_int_equal(peer_transport_state(world.server), PEER_CLOSED);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, world_set_up, world_tear_down)

int main(void) {
  const struct CMUnitTest tests[] = {
      CASE(both_channels_open),
      CASE(a_message_goes_out_and_one_is_counted),
      CASE(without_the_option_there_are_none),
      CASE(who_leaves_with_open_channels_leaves_nothing),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
