/* tests/server/worker/room_glue_test.c: the room's orders, also those that come too late or for somebody who is not there. */
#include "tests/server/worker/engine_harness.h"

static void orders_about_nobody_change_nothing(void **state) {
  (void)state;
  struct harness *h = harness_new();
  struct room_glue *glue = &h->glue;
  const struct room_view view = {.visible = true};
  const struct room_track track = {.track = 901, .participant = 900, .id = "t_x", .mid = "0"};
  room_glue_listener.media_close(glue, 900);
  room_glue_listener.track_opened(glue, &track);
  room_glue_listener.track_forwarding(glue, 901, false);
  room_glue_listener.slot_assign(glue, 900, "3", 901);
  room_glue_listener.track_view(glue, 900, 901, &view);
  room_glue_listener.layers_wanted(glue, 901, 7);
  room_glue_listener.track_closed(glue, 901);
  /* Nobody listens at the control socket: what would be said is lost, not an error. */
  json_t *message = json_pack("{s:s}", "event", "x");
  const char *const sessions[] = {"s_x", "s_y"};
  room_glue_listener.event(glue, sessions, 1, message);
  room_glue_listener.event(glue, sessions, 2, message);
  room_glue_listener.reply(glue, "s_x", message);
  room_glue_listener.close(glue, "s_x", 4001, "kicked");
  json_decref(message);
  assert_null(h->engine->tracks);
  harness_free(h);
}

/* peer_open() found no memory: the room has a member that the engine does not know. */
static void a_member_that_the_engine_could_not_open(void **state) {
  (void)state;
  struct harness *h = harness_new();
  struct browser *a = harness_join(h, "doctor"), *b = harness_connect(h, "patient");
  peer_close(browser_peer(a), h->now_us);
  assert_string_equal(browser_offer_json(a, browser_offer_make(a, "chromium")), "busy");
  assert_string_equal(
      browser_request(a, "publish", json_pack("{s:[{s:s, s:s}]}", "tracks", "mid", "0", "source", "microphone")),
      "track_not_found");
  browser_publish(b, "0", "microphone");
  struct source mic = source_audio(b, "0");
  source_send(&mic, false);
  assert_int_equal(h->engine->counters.rtp_out, 0);
  harness_free(h);
}

static void nobody_sees_an_observer(void **state) {
  (void)state;
  struct harness *h = harness_new();
  struct browser *a = harness_connect(h, "doctor"), *b = harness_connect(h, "patient");
  harness_forget(h);
  struct browser *o = harness_connect(h, "observer");
  assert_int_equal(json_array_size(a->events), 0);
  assert_int_equal(json_array_size(b->events), 0);
  browser_publish(a, "0", "microphone");
  struct source mic = source_audio(a, "0"), own = source_audio(o, "0");
  source_send(&mic, false);
  assert_int_equal(o->rtp_count, 1);
  assert_string_equal(
      browser_request(o, "publish", json_pack("{s:[{s:s, s:s}]}", "tracks", "mid", "0", "source", "microphone")),
      "forbidden");
  source_send(&own, false); /* it may send; nothing is made of it */
  assert_int_equal(a->rtp_count + b->rtp_count - 1, 0);
  assert_int_equal(harness_drops(h, ENGINE_DROP_NO_TRACK), 1);
  browser_leave(o);
  assert_int_equal(browser_event_count(a, "participantLeft"), 0);
  harness_free(h);
}

static void kicked_means_gone(void **state) {
  (void)state;
  struct harness *h = harness_new();
  struct browser *a = harness_connect(h, "doctor"), *b = harness_connect(h, "patient");
  browser_publish(a, "0", "microphone");
  browser_publish(b, "0", "microphone");
  struct source mic = source_audio(a, "0");
  source_send(&mic, false);
  assert_int_equal(b->rtp_count, 1);
  assert_string_equal(browser_request(a, "kick", json_pack("{s:s}", "participant", b->id)), "");
  harness_pump(h);
  assert_int_equal(b->closed_code, 4001);
  assert_null(browser_peer(b));
  assert_false(b->dtls.connected);
  assert_int_equal(address_map_size(h->engine->addresses), 1);
  assert_int_equal(HASH_COUNT(h->engine->tracks), 1);
  source_send(&mic, false);
  assert_int_equal(b->rtp_count, 1);
  harness_free(h);
}

static void of_a_paused_sender_nothing_flows(void **state) {
  (void)state;
  struct harness *h = harness_new();
  struct browser *a = harness_connect(h, "doctor"), *b = harness_connect(h, "patient");
  browser_publish(a, "0", "microphone");
  struct source mic = source_audio(a, "0");
  source_send(&mic, false);
  room_glue_listener.forwarding_pause(&h->glue, a->handle, true);
  source_send(&mic, false);
  assert_int_equal(b->rtp_count, 1);
  room_glue_listener.forwarding_pause(&h->glue, b->handle, true); /* what b receives is no matter of this */
  room_glue_listener.forwarding_pause(&h->glue, a->handle, false);
  source_send(&mic, false);
  assert_int_equal(b->rtp_count, 2);
  assert_int_equal(b->rtp[1].p.seq, (uint16_t)(b->rtp[0].p.seq + 1));
  room_glue_listener.forwarding_pause(&h->glue, 12345, true);
  harness_free(h);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(orders_about_nobody_change_nothing),
      cmocka_unit_test(a_member_that_the_engine_could_not_open),
      cmocka_unit_test(nobody_sees_an_observer),
      cmocka_unit_test(kicked_means_gone),
      cmocka_unit_test(of_a_paused_sender_nothing_flows),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
