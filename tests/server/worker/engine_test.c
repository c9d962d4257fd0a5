/* tests/server/worker/engine_test.c: datagrams find their peer and only their peer; members forward to one another; whoever
 * leaves leaves nothing behind. */
#include "tests/server/worker/engine_harness.h"

static void names_every_drop(void **state) {
  (void)state;
  for (int i = 0; i < ENGINE_DROP_COUNT; i++) {
    const char *name = engine_drop_name((enum engine_drop)i);
    assert_non_null(name);
    for (int k = 0; k < i; k++)
      assert_string_not_equal(name, engine_drop_name((enum engine_drop)k));
  }
  assert_string_equal(engine_drop_name(ENGINE_DROP_COUNT), "unknown");
  assert_string_equal(engine_drop_name((enum engine_drop) - 1), "unknown");
  assert_int_not_equal(engine_random32(), 0);
}

/* Whoever gives a peer something to do finds its place, whoever has left in between. */
static void each_peer_has_its_place_among_the_due(void **state) {
  (void)state;
  struct harness *h = harness_new();
  struct browser *b[4];
  for (size_t i = 0; i < 4; i++)
    b[i] = harness_connect(h, i ? "patient" : "doctor");
  browser_leave(b[1]);
  browser_leave(b[3]);
  harness_advance(h, SECOND);
  const struct engine *engine = h->engine;
  assert_int_equal(engine->due_count, 2);
  for (size_t i = 0; i < 4; i += 2) {
    struct peer *peer = browser_peer(b[i]);
    assert_ptr_equal(engine->dues[peer->place].peer, peer);
    assert_true(engine->dues[peer->place].due_us > h->now_us);
    peer_hurry(peer);
    assert_int_equal(engine->dues[peer->place].due_us, 0);
  }
  harness_advance(h, 5 * MILLISECOND);
  for (size_t i = 0; i < engine->due_count; i++)
    assert_true(engine->dues[i].due_us > 0);
  harness_free(h);
}

/* Media alone does not ask the transport when it is due; that it stays away is noticed all the same, and that it is back. */
static void a_silent_transport_is_noticed_at_its_time(void **state) {
  (void)state;
  struct harness *h = harness_new();
  struct browser *a = harness_connect(h, "doctor");
  harness_connect(h, "patient");
  browser_publish(a, "0", "microphone");
  struct source mic = source_audio(a, "0");
  const struct peer *peer = browser_peer(a);
  for (int round = 0; round < 2; round++) {
    for (int i = 0; i < 5; i++) {
      source_send(&mic, false);
      harness_advance(h, 20 * MILLISECOND);
      assert_int_equal(peer_transport_state(peer->transport), PEER_CONNECTED);
    }
    const int64_t silent_us = h->now_us;
    while (peer_transport_state(peer->transport) == PEER_CONNECTED && h->now_us < silent_us + 10 * SECOND)
      engine_tick(h->engine, h->now_us += 5 * MILLISECOND); /* and nobody sends checks */
    assert_int_equal(peer_transport_state(peer->transport), PEER_DISCONNECTED);
    assert_in_range(h->now_us - silent_us, ICE_DISCONNECTED_US - 25 * MILLISECOND,
                    ICE_DISCONNECTED_US + 10 * MILLISECOND);
  }
  harness_free(h);
}

/* With AES-CM, whose tags wait for each other until a batch leaves, as with GCM. */
static void forward_to_one_another(const char *srtp_profiles) {
  struct harness *h = harness_new();
  h->srtp_profiles = srtp_profiles;
  static const char *const roles[] = {"doctor", "patient", "interpreter"};
  static const char *const offers[] = {"chromium", "firefox",
                                       "chromium"}; /* other payload types, other extension ids */
  struct browser *b[3];
  struct source mics[3];
  char tracks[3][ROOM_ID_BYTES];
  for (size_t i = 0; i < 3; i++) {
    b[i] = harness_join(h, roles[i]);
    browser_offer(b[i], offers[i]);
    browser_connect(b[i]);
  }
  for (size_t i = 0; i < 3; i++) {
    snprintf(tracks[i], sizeof tracks[i], "%s", browser_publish(b[i], "0", "microphone"));
    mics[i] = source_audio(b[i], "0");
  }
  for (int n = 0; n < 10; n++) {
    for (size_t i = 0; i < 3; i++)
      source_send(&mics[i], false);
    harness_advance(h, 20 * MILLISECOND);
  }
  for (size_t i = 0; i < 3; i++) {
    for (size_t k = 0; k < 3; k++) {
      if (i == k) continue;
      const char *mid = browser_slot_of(b[i], tracks[k]);
      assert_non_null(mid);
      const uint32_t ssrc = browser_slot_ssrc(b[i], mid).ssrc;
      assert_int_equal(browser_count_ssrc(b[i], ssrc), 10);
      for (size_t n = 0; n < 10; n++) {
        const struct got *got = browser_nth(b[i], ssrc, n);
        assert_int_equal(got_ssrc(got), mics[k].ssrc);
        assert_int_equal(got_seq(got), 1000 + n);
        assert_int_equal(got->p.payload_type, browser_pt(b[i], mid, "opus"));
        assert_int_equal(got->x.mid.len, strlen(mid));
        assert_memory_equal(got->x.mid.data, mid, strlen(mid));
        const struct got *before = n ? browser_nth(b[i], ssrc, n - 1) : NULL;
        if (before) assert_int_equal(got->p.seq, (uint16_t)(before->p.seq + 1));
        if (before) assert_int_equal(got->p.timestamp, before->p.timestamp + 960);
      }
    }
    assert_null(browser_slot_of(b[i], tracks[i])); /* nobody hears himself */
    assert_int_equal(b[i]->rtp_count, 20);
    assert_int_equal(b[i]->undecryptable, 0);
  }
  assert_int_equal(h->engine->counters.rtp_in, 30);
  assert_int_equal(h->engine->counters.rtp_out, 60);
  harness_free(h);
}

static void three_members_forward_to_one_another(void **state) {
  (void)state;
  forward_to_one_another(NULL);
  forward_to_one_another("SRTP_AES128_CM_SHA1_80");
}

static void strangers_reach_nobody(void **state) {
  (void)state;
  struct harness *h = harness_new();
  struct browser *b = harness_join(h, "doctor");
  browser_offer(b, "chromium");
  uint8_t rtp[40] = {0x80, 111}, dtls[40] = {22, 0xfe, 0xff}, request[512];
  browser_send_datagram(b, rtp, sizeof rtp); /* before any check: not an address we know */
  browser_send_datagram(b, dtls, sizeof dtls);
  struct stun_client stranger;
  stun_client_init(&stranger, "somebody", BROWSER_PWD, "nosuchufrag", "nosuchpasswordnosuchpassword");
  browser_send_datagram(b, request, stun_client_check(&stranger, NULL, request, sizeof request));
  harness_pump(h);
  assert_int_equal(harness_drops(h, ENGINE_DROP_UNKNOWN_ADDRESS), 2);
  assert_int_equal(harness_drops(h, ENGINE_DROP_UNKNOWN_UFRAG), 1);
  assert_int_equal(address_map_size(h->engine->addresses), 0);
  /* The right name with the wrong password: known, refused, and still no address. */
  stun_client_init(&stranger, b->ufrag, BROWSER_PWD, b->server_ufrag, "nosuchpasswordnosuchpassword");
  browser_send_datagram(b, request, stun_client_check(&stranger, NULL, request, sizeof request));
  harness_pump(h);
  assert_int_equal(h->engine->counters.ice_drops[ICE_DROP_STUN_INTEGRITY], 1);
  assert_int_equal(address_map_size(h->engine->addresses), 0);
  harness_free(h);
}

static void media_follows_a_nominated_address(void **state) {
  (void)state;
  struct harness *h = harness_new();
  struct browser *a = harness_join(h, "doctor"), *b = harness_join(h, "patient");
  browser_offer(a, "chromium");
  browser_offer(b, "chromium");
  browser_connect(a);
  browser_connect(b);
  browser_publish(a, "0", "microphone");
  struct source mic = source_audio(a, "0");
  source_send(&mic, false);
  assert_int_equal(b->rtp_count, 1);
  browser_move(b);
  source_send(&mic, false); /* nothing came from there yet: media goes where it went */
  assert_int_equal(b->rtp_count, 1);
  assert_int_equal(b->stray, 1);
  browser_check(b, false); /* a check alone moves nothing */
  harness_pump(h);
  source_send(&mic, false);
  assert_int_equal(b->rtp_count, 1);
  browser_check(b, true);
  harness_pump(h);
  source_send(&mic, false);
  assert_int_equal(b->rtp_count, 2);
  /* … and what it sends from there is its own. */
  browser_publish(b, "0", "microphone");
  struct source other = source_audio(b, "0");
  source_send(&other, false);
  assert_int_equal(a->rtp_count, 1);
  assert_int_equal(address_map_size(h->engine->addresses), 3);
  harness_free(h);
}

static void a_retired_name_leads_nowhere_after_leaving(void **state) {
  (void)state;
  struct harness *h = harness_new();
  struct browser *a = harness_join(h, "doctor"), *b = harness_join(h, "patient");
  browser_offer(a, "chromium");
  browser_connect(a);
  uint8_t request[512];
  const size_t len = stun_client_check(&a->ice, NULL, request, sizeof request); /* with the first names */
  json_t *offer = browser_offer_make(a, "chromium");
  json_object_set_new(json_object_get(offer, "ice"), "ufrag", json_string("restarted"));
  assert_string_equal(browser_offer_json(a, offer),
                      ""); /* ICE restart: both names are valid until the new one is used */
  browser_leave(a);
  assert_null(h->engine->ufrags);
  browser_send_datagram(b, request, len);
  harness_pump(h);
  assert_int_equal(harness_drops(h, ENGINE_DROP_UNKNOWN_UFRAG), 1);
  harness_free(h);
}

/* A member whose network lets it spoof sources sends checks, with its own credentials, from where another one lives. */
static void a_spoofed_check_takes_no_address_away(void **state) {
  (void)state;
  struct harness *h = harness_new();
  struct browser *a = harness_join(h, "doctor"), *b = harness_join(h, "patient");
  browser_offer(a, "chromium");
  browser_offer(b, "chromium");
  browser_connect(a);
  browser_connect(b);
  browser_publish(a, "0", "microphone");
  struct source mic = source_audio(a, "0");
  source_send(&mic, false);
  assert_int_equal(b->rtp_count, 1);
  browser_check_from(b, a->fd, true);
  harness_pump(h);
  assert_true(harness_drops(h, ENGINE_DROP_ADDRESS_TAKEN) > 0);
  source_send(&mic, false);
  assert_int_equal(b->rtp_count, 2);
  /* Once its owner has left, the address is free for whoever proves to be there. */
  browser_leave(a);
  browser_check_from(b, a->fd, true);
  harness_pump(h);
  assert_ptr_equal(address_map_find(h->engine->addresses, &a->address.any), browser_peer(b));
  harness_free(h);
}

static void an_address_left_behind_goes_to_who_is_there_now(void **state) {
  (void)state;
  struct harness *h = harness_new();
  struct browser *a = harness_join(h, "doctor"), *b = harness_join(h, "patient");
  browser_offer(a, "chromium");
  browser_offer(b, "chromium");
  browser_connect(a);
  browser_move(a);
  browser_check(a, true);
  harness_pump(h); /* a lives at the new address; the old one is still in its list */
  browser_check_from(b, a->old_fd, true);
  harness_pump(h);
  struct sockaddr_in old;
  socklen_t len = sizeof old;
  assert_int_equal(getsockname(a->old_fd, (struct sockaddr *)&old, &len), 0);
  assert_ptr_equal(address_map_find(h->engine->addresses, (struct sockaddr *)&old), browser_peer(b));
  harness_free(h);
}

static void garbage_is_counted(void **state) {
  (void)state;
  struct harness *h = harness_new();
  struct browser *a = harness_join(h, "doctor");
  browser_offer(a, "chromium");
  browser_connect(a);
  uint8_t forged[60] = {0x80, 111, 0, 1};
  browser_send_datagram(a, forged, sizeof forged);
  uint8_t bad_rtcp[12] = {0x80, 201, 0, 9}; /* its length reaches past the end */
  browser_send_rtcp(a, bad_rtcp, sizeof bad_rtcp);
  uint8_t padding[40] = {0xa0, 111, 0, 2, [39] = 255}; /* 255 bytes of padding in 28 */
  browser_send_rtp(a, padding, sizeof padding);
  harness_pump(h);
  assert_int_equal(h->engine->counters.ice_drops[ICE_DROP_SRTP_AUTH], 1);
  assert_int_equal(harness_drops(h, ENGINE_DROP_BAD_RTCP), 1);
  assert_int_equal(harness_drops(h, ENGINE_DROP_BAD_RTP), 1);
  harness_free(h);
}

static void clears_away_whoever_is_still_there(void **state) {
  (void)state;
  struct harness *h = harness_new();
  struct browser *a = harness_join(h, "doctor"), *b = harness_join(h, "patient");
  browser_offer(a, "chromium");
  browser_offer(b, "chromium");
  browser_connect(a);
  browser_connect(b);
  browser_publish(a, "0", "microphone");
  browser_publish(b, "1", "camera");
  struct source mic = source_audio(a, "0");
  source_send(&mic, false);
  h->keep = true;
  harness_free(h); /* tracks and subscribers and all: the sanitizer watches */
  engine_free(NULL);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(names_every_drop),
      cmocka_unit_test(each_peer_has_its_place_among_the_due),
      cmocka_unit_test(a_silent_transport_is_noticed_at_its_time),
      cmocka_unit_test(three_members_forward_to_one_another),
      cmocka_unit_test(strangers_reach_nobody),
      cmocka_unit_test(media_follows_a_nominated_address),
      cmocka_unit_test(a_retired_name_leads_nowhere_after_leaving),
      cmocka_unit_test(a_spoofed_check_takes_no_address_away),
      cmocka_unit_test(an_address_left_behind_goes_to_who_is_there_now),
      cmocka_unit_test(garbage_is_counted),
      cmocka_unit_test(clears_away_whoever_is_still_there),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
