/* tests/server/worker/peer_test.c: a member's transport: its state for the room, its end, and what happens before it is up. */
#include "tests/server/worker/engine_harness.h"

static void before_the_handshake_nothing_flows(void **state) {
  (void)state;
  struct harness *h = harness_new();
  struct browser *a = harness_join(h, "doctor"), *b = harness_join(h, "patient");
  browser_offer(a, "chromium");
  browser_offer(b, "chromium");
  browser_connect(a);
  browser_publish(a, "1", "camera");
  struct source camera = source_video(a, "1", "q", 320, 180);
  source_send(&camera, true);
  assert_int_equal(b->rtp_count, 0);
  assert_int_equal(h->engine->counters.rtp_out, 0);
  /* Once it can hear, it is given a beginning it can decode: a key frame is asked for. */
  harness_forget(h);
  browser_connect(b);
  harness_advance(h, 10 * MILLISECOND);
  struct rtcp_packet packet;
  assert_true(browser_find_rtcp(a, RTCP_PSFB, RTCP_PSFB_PLI, 0, &packet));
  source_send(&camera, false);
  assert_int_equal(b->rtp_count, 0);
  source_send(&camera, true);
  assert_int_equal(b->rtp_count, 1);
  harness_free(h);
}

static void the_room_hears_of_each_failure_once(void **state) {
  (void)state;
  struct harness *h = harness_new();
  struct browser *a = harness_join(h, "doctor");
  browser_offer(a, "chromium");
  browser_connect(a);
  browser_forget(a);
  a->media.profile = 0; /* its checks stop: consent runs out after 30 s */
  harness_advance(h, 31 * SECOND);
  assert_int_equal(browser_event_count(a, "negotiate"), 1);
  assert_string_equal(json_string_value(json_object_get(browser_event_last(a, "negotiate"), "reason")), "transport");
  /* An ICE restart repairs it … */
  json_t *offer = browser_offer_make(a, "chromium");
  json_object_set_new(json_object_get(offer, "ice"), "ufrag", json_string("again"));
  snprintf(a->ufrag, sizeof a->ufrag, "%s", "again");
  assert_string_equal(browser_offer_json(a, offer), "");
  browser_check(a, true);
  harness_pump(h);
  harness_advance(h, 20 * MILLISECOND);
  assert_int_equal(peer_transport_state(browser_peer(a)->transport), PEER_CONNECTED);
  /* … and the next failure is news again. */
  harness_advance(h, 31 * SECOND);
  assert_int_equal(browser_event_count(a, "negotiate"), 2);
  harness_free(h);
}

static void leaving_closes_the_association(void **state) {
  (void)state;
  struct harness *h = harness_new();
  struct browser *a = harness_join(h, "doctor");
  browser_offer(a, "chromium");
  browser_connect(a);
  assert_true(a->dtls.connected);
  browser_leave(a);
  assert_false(a->dtls.connected); /* close_notify came */
  assert_null(browser_peer(a));
  harness_free(h);
}

static void a_closed_transport_is_final(void **state) {
  (void)state;
  struct harness *h = harness_new();
  struct browser *a = harness_join(h, "doctor");
  browser_offer(a, "chromium");
  browser_connect(a);
  browser_forget(a);
  SSL_shutdown(a->dtls.ssl);
  dtls_client_run(&a->dtls);
  harness_pump(h);
  harness_advance(h, 10 * MILLISECOND);
  assert_int_equal(browser_event_count(a, "negotiate"), 1);
  assert_string_equal(browser_offer_json(a, browser_offer_make(a, "chromium")), "bad_offer");
  harness_free(h);
}

static void sections_are_found_by_whole_mids(void **state) {
  (void)state;
  struct harness *h = harness_new();
  struct browser *a = harness_join(h, "doctor");
  browser_offer(a, "chromium");
  const struct peer *peer = browser_peer(a);
  assert_non_null(peer_find_section(peer, "1", 1));
  assert_null(peer_find_section(peer, "1", 0));
  assert_null(peer_find_section(peer, "11", 2));
  assert_null(peer_find_section(peer, "7", 1)); /* data is no section of media */
  harness_free(h);
}

/* The listener of a hostile browser: it never answers our checks, so it is worth three times its bytes and no more. */
static void an_unproven_address_gets_little(void **state) {
  (void)state;
  struct harness *h = harness_new();
  struct browser *a = harness_join(h, "doctor"), *b = harness_join(h, "patient");
  browser_offer(a, "chromium");
  browser_offer(b, "chromium");
  browser_connect(a);
  b->deaf = true;
  browser_check(b, true);
  harness_pump(h);
  browser_give_keys(b);
  harness_advance(h, 30 * MILLISECOND); /* nothing was received: it is noticed when the peer is looked at anyway */
  browser_publish(a, "0", "microphone");
  struct source mic = source_audio(a, "0");
  for (int i = 0; i < 100; i++)
    source_send(&mic, false);
  const struct peer_transport_stats *stats = peer_transport_stats(browser_peer(b)->transport);
  assert_true(stats->bytes_sent <= 3 * stats->bytes_received);
  assert_true(harness_drops(h, ENGINE_DROP_SEAL) > 80);
  harness_free(h);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(before_the_handshake_nothing_flows), cmocka_unit_test(the_room_hears_of_each_failure_once),
      cmocka_unit_test(leaving_closes_the_association),     cmocka_unit_test(a_closed_transport_is_final),
      cmocka_unit_test(sections_are_found_by_whole_mids),   cmocka_unit_test(an_unproven_address_gets_little),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
