/* A participant's life: made, ready once, silent on demand, and gone without a trace. */
#include "bench/load/participant.h"

#include <errno.h>

#include "tests/bench/participant_world.h"

#define SECOND 1000000

static void a_connection_that_cannot_begin_is_an_error(void **state) {
  (void)state;
  scripted.next_error = -EMFILE;
  assert_int_equal(world_create(), -EMFILE);
  assert_int_equal(world.counters.joins, 0);
  assert_int_equal(world.failed, 0); /* nobody who could fail was made */
}

static void it_is_ready_once_and_knows_its_owner(void **state) {
  (void)state;
  int owner;
  world.plan.owner = &owner;
  world_join();
  assert_ptr_equal(participant_owner(world.p), &owner);
  assert_true(participant_is_ready(world.p));
  scripted_text("{\"re\":4,\"ok\":{\"tracks\":[]}}"); /* said again */
  world_run(SECOND);
  assert_int_equal(world.ready, 1);
  assert_int_equal(world.counters.joined, 1);
  assert_int_equal(world.counters.joins, 1);
}

static void media_starts_once_and_stops(void **state) {
  (void)state;
  world_join();
  unsigned before = world.voice_packets;
  participant_start_media(world.p, virtual_loop_now_us); /* it runs already */
  world_run(SECOND);
  assert_in_range(world.voice_packets - before, 49, 51);
  participant_stop_media(world.p);
  world_run(10000);
  before = world.rtp;
  world_run(SECOND);
  assert_int_equal(world.rtp, before);
}

static void its_voice_has_the_level_it_is_told(void **state) {
  (void)state;
  world_join();
  for (unsigned level = 20; level <= 127; level += 107) {
    struct rtp_packet packet;
    struct rtp_element element;
    participant_set_level(world.p, (uint8_t)level);
    world_run(SECOND / 10);
    while ((world.last_rtp.data[1] & 0x7f) != LOAD_PT_OPUS)
      world_run(1000);
    assert_int_equal(rtp_packet_parse(&packet, world.last_rtp.data, world.last_rtp.len), 0);
    assert_true(rtp_packet_find_element(&packet, LOAD_EXT_AUDIO_LEVEL, &element));
    assert_int_equal(element.data[0] & 0x7f, level);
  }
}

static void who_leaves_ends_the_connection_at_once(void **state) {
  (void)state;
  world_join();
  participant_free(world.p);
  world.p = NULL;
  virtual_loop_settle(world.shared.loop);
  assert_int_equal(world.counters.leaves, 1);
  assert_int_equal(peer_transport_state(world.server), PEER_CLOSED);
  assert_int_equal(peer_transport_reason(world.server), PEER_REASON_REMOTE);
  participant_free(NULL);
}

static void a_connection_that_the_server_ends_is_a_failure(void **state) {
  (void)state;
  world_join();
  peer_transport_close(world.server, virtual_loop_now_us);
  world_run(SECOND);
  assert_int_equal(world.failed, 1);
  assert_string_equal(world.why, "no media connection: the server closed the DTLS connection");
  assert_int_equal(world.counters.failed, 1);
}

static void before_there_is_a_receiver_nothing_is_counted(void **state) {
  (void)state;
  struct sequence_counts c = {0};
  unsigned assigned = 0;
  assert_int_equal(world_create(), 0);
  participant_counts(world.p, &c);
  participant_mark(world.p);
  assert_int_equal(c.expected, 0);
  assert_int_equal(participant_starved(world.p, &assigned, virtual_loop_now_us), 0);
  assert_int_equal(assigned, 0);
  assert_string_equal(participant_camera_track(world.p), "");
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, world_set_up, world_tear_down)

int main(void) {
  const struct CMUnitTest tests[] = {
      CASE(a_connection_that_cannot_begin_is_an_error),
      CASE(it_is_ready_once_and_knows_its_owner),
      CASE(media_starts_once_and_stops),
      CASE(its_voice_has_the_level_it_is_told),
      CASE(who_leaves_ends_the_connection_at_once),
      CASE(a_connection_that_the_server_ends_is_a_failure),
      CASE(before_there_is_a_receiver_nothing_is_counted),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
