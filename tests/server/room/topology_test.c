/* tests/server/room/topology_test.c: the inputs of the decision are kept; the decision is the server for now. */
#include "server/room/topology.h"

#include "tests/server/room/harness.h"

static void always_sfu_for_now(void **state) {
  (void)state;
  for (size_t members = 0; members < 4; members++) {
    struct room_topology_input input = {.members = members};
    assert_int_equal(room_topology_decide(&input), ROOM_TOPOLOGY_SFU);
  }
  assert_string_equal(room_topology_name(ROOM_TOPOLOGY_SFU), "sfu");
  assert_string_equal(room_topology_name(ROOM_TOPOLOGY_P2P), "p2p");
}

static void one_never_is_enough(void **state) {
  (void)state;
  struct harness *h = harness_new(1);
  const struct seat *a = harness_join(h, 0, "doctor");
  struct seat *b = harness_open(h, 1, "patient");
  const struct room *r = harness_member(h, a)->room;
  assert_false(room_topology_inputs(r).never_direct);
  assert_string_equal(harness_request(h, b, "join", json_pack("{s:s}", "topology", "never")), "");
  assert_true(room_topology_inputs(r).never_direct);
  assert_int_equal(room_topology_inputs(r).members, 2);
  (void)harness_request(h, b, "leave", NULL);
  assert_false(room_topology_inputs(r).never_direct);
  harness_free(h);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(always_sfu_for_now), cmocka_unit_test(one_never_is_enough)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
