/* tests/ice/peer_transport_test.c: the composite in virtual time against a scripted browser, and under attack. */
#include "ice/peer_transport.h"

#include "tests/ice/peer_world.h"

static void connects_and_moves_media_in_each_profile(void **state) {
  const struct {
    const char *offer;
    uint16_t id;
  } rows[] = {
      {ICE_SRTP_PROFILES, 7}, {"SRTP_AES128_CM_SHA1_80:SRTP_AEAD_AES_256_GCM", 8}, {"SRTP_AES128_CM_SHA1_80", 1}};
  for (size_t i = 0; i < 3; i++) {
    struct world *w = *state;
    struct peer_sender *before, *after;
    uint8_t packet[256];
    const struct dtls_client_options o = {.srtp_profiles = rows[i].offer, .hello_padding = 1216};
    assert_int_equal(peer_transport_add_sender(w->t, SERVER_SSRC, &before), PEER_OK);
    world_connect(w, &o);
    assert_int_equal(w->state_count, 2);
    assert_int_equal(w->states[0], PEER_CONNECTING);
    assert_int_equal(w->states[1], PEER_CONNECTED);
    assert_int_equal(peer_transport_stats(w->t)->srtp_profile, rows[i].id);
    assert_int_equal(peer_transport_add_sender(w->t, SERVER_SSRC + 1, &after), PEER_OK);
    for (int n = 0; n < 100; n++) {
      world_expect_rtp_in(w);
      world_expect_rtp_out(w, before);
    }
    size_t len = media_client_rtcp(&w->media, BROWSER_SSRC, packet);
    const struct peer_packet got = world_send(w, packet, len);
    assert_int_equal(got.kind, PEER_PACKET_RTCP);
    assert_int_equal(got.len, 8);
    const uint8_t report[8] = {0x80, 201, 0, 1, 0, 0, 0x22, 0x22};
    const int sealed = peer_transport_seal_rtcp(w->t, report, 8, packet, sizeof(packet));
    assert_true(sealed > 8 && sealed <= 8 + PEER_SEAL_OVERHEAD_BYTES);
    assert_int_equal(media_client_open_rtcp(&w->media, packet, (size_t)sealed), 8);
    peer_transport_remove_sender(w->t, after);
    if (i == 2) break;
    assert_int_equal(world_teardown(state), 0);
    assert_int_equal(world_setup(state), 0);
  }
}

static void strangers_are_not_heard(void **state) {
  struct world *w = *state;
  struct ice_address stranger;
  world_negotiate(w, &world_browser, false);
  assert_true(ice_address_parse(&stranger, "198.51.100.9", 9));
  dtls_client_run(&w->dtls);
  uint8_t rtp[64] = {0x80, 96}, rtcp[64] = {0x80, 200}, odd[64] = {0xFF}, huge[ICE_MAX_DATAGRAM_BYTES + 1] = {0x80};
  assert_int_equal(world_send(w, w->dtls.queue[0].data, w->dtls.queue[0].len).drop, ICE_DROP_UNVALIDATED);
  assert_int_equal(world_send(w, rtp, sizeof(rtp)).drop, ICE_DROP_UNVALIDATED);
  assert_int_equal(world_send(w, rtcp, sizeof(rtcp)).drop, ICE_DROP_UNVALIDATED);
  assert_int_equal(world_send(w, odd, sizeof(odd)).drop, ICE_DROP_UNKNOWN_PROTOCOL);
  assert_int_equal(world_send(w, huge, sizeof(huge)).drop, ICE_DROP_TOO_LARGE);
  assert_int_equal(world_send(w, odd, 0).drop, ICE_DROP_UNKNOWN_PROTOCOL);
  assert_int_equal(world_check(w, true), ICE_DROP_NONE);
  assert_int_equal(world_send_from(w, &stranger, w->dtls.queue[0].data, w->dtls.queue[0].len).drop,
                   ICE_DROP_UNVALIDATED);
  assert_int_equal(world_send(w, rtp, sizeof(rtp)).drop, ICE_DROP_SRTP_NO_KEYS);
  assert_int_equal(world_send(w, rtcp, sizeof(rtcp)).drop, ICE_DROP_SRTP_NO_KEYS);
  const struct peer_transport_stats *stats = peer_transport_stats(w->t);
  assert_int_equal(stats->drops[ICE_DROP_UNVALIDATED], 4);
  assert_int_equal(stats->packets_received, 10);
}

static void before_the_offer_nothing_is_taken(void **state) {
  struct world *w = *state;
  uint8_t m[64] = {0};
  world_learn(w, "browserufrag");
  assert_int_equal(world_check(w, true), ICE_DROP_CLOSED);
  assert_int_equal(world_send(w, m, sizeof(m)).drop, ICE_DROP_CLOSED);
  const struct ice_fingerprint f = {"sha-256", {0}, 32};
  struct peer_remote remote = {"browserufrag", "short", &f, 1, 0};
  assert_int_equal(peer_transport_set_remote(w->t, &remote, w->now), PEER_BAD_CREDENTIALS);
  remote.fingerprint_count = 0;
  assert_int_equal(peer_transport_set_remote(w->t, &remote, w->now), PEER_BAD_FINGERPRINT);
  assert_int_equal(world_check(w, true), ICE_DROP_CLOSED);
}

static void a_wrong_fingerprint_closes_without_keys(void **state) {
  struct world *w = *state;
  struct peer_sender *sender;
  uint8_t header[12], out[256];
  assert_int_equal(peer_transport_add_sender(w->t, SERVER_SSRC, &sender), PEER_OK);
  world_negotiate(w, &world_browser, true);
  assert_int_equal(world_check(w, true), ICE_DROP_NONE);
  world_pump(w);
  dtls_client_run(&w->dtls);
  world_pump(w);
  assert_int_equal(peer_transport_state(w->t), PEER_CLOSED);
  assert_int_equal(w->reason, PEER_REASON_FINGERPRINT);
  assert_int_equal(peer_transport_stats(w->t)->srtp_profile, 0);
  write_rtp_header(header, SERVER_SSRC, 1);
  assert_int_equal(peer_transport_seal_rtp(w->t, sender, header, 12, header, 12, out, sizeof(out)), PEER_NOT_CONNECTED);
  assert_int_equal(peer_transport_seal_rtcp(w->t, header, 12, out, sizeof(out)), PEER_NOT_CONNECTED);
  assert_int_equal(world_check(w, true), ICE_DROP_CLOSED);
  assert_int_equal(peer_transport_deadline(w->t), INT64_MAX);
}

/* The browser's address is claimed but silent: three times what came from it, never more, in thirty seconds of trying. */
static void an_unproven_address_is_not_flooded(void **state) {
  struct world *w = *state;
  world_negotiate(w, &world_browser, false);
  w->deaf = true;
  assert_int_equal(world_check(w, true), ICE_DROP_NONE);
  dtls_client_run(&w->dtls);
  for (size_t i = 0; i < w->dtls.queued; i++)
    (void)world_send(w, w->dtls.queue[i].data, w->dtls.queue[i].len);
  w->dtls.queued = 0;
  while (peer_transport_state(w->t) == PEER_CONNECTING) {
    assert_true(w->bytes_to_browser <= 3 * w->bytes_to_server);
    w->now = peer_transport_deadline(w->t);
    peer_transport_tick(w->t, w->now);
    w->queued = 0;
  }
  assert_true(w->bytes_to_browser <= 3 * w->bytes_to_server);
  assert_true(peer_transport_stats(w->t)->drops[ICE_DROP_OUT_UNPROVEN] > 0);
}

/* A small ClientHello earns too little allowance for repeated flights; the answer to our check releases one at once. */
static void a_held_flight_is_released_by_the_answer(void **state) {
  struct world *w = *state;
  const struct dtls_client_options small = {.srtp_profiles = "SRTP_AEAD_AES_128_GCM"};
  world_negotiate(w, &small, false);
  w->deaf = true;
  assert_int_equal(world_check(w, true), ICE_DROP_NONE);
  uint8_t check[512];
  size_t check_len = 0;
  for (size_t i = 0; i < w->queued; i++) {
    if (stun_class_of(w->queue[i].data, w->queue[i].len) != STUN_REQUEST) continue;
    check_len = w->queue[i].len;
    memcpy(check, w->queue[i].data, check_len);
  }
  assert_true(check_len > 0);
  w->queued = 0;
  dtls_client_run(&w->dtls);
  (void)world_send(w, w->dtls.queue[0].data, w->dtls.queue[0].len);
  w->dtls.queued = 0;
  while (peer_transport_stats(w->t)->drops[ICE_DROP_OUT_UNPROVEN] == 0) {
    w->queued = 0; /* lost: the allowance goes on repetitions */
    w->now = peer_transport_deadline(w->t);
    assert_int_equal(peer_transport_state(w->t), PEER_CONNECTING);
    peer_transport_tick(w->t, w->now);
  }
  w->queued = 0;
  w->deaf = false;
  world_browser_take(w, &w->address, check, check_len);
  world_pump(w);
  assert_int_equal(peer_transport_state(w->t), PEER_CONNECTED); /* no timer was needed */
}

static void media_that_is_not_the_peers_changes_nothing(void **state) {
  struct world *w = *state;
  uint8_t packet[256], copy[256], seen[256];
  world_connect(w, &world_browser);
  world_expect_rtp_in(w);
  const size_t len = media_client_rtp(&w->media, BROWSER_SSRC, w->seq++, "payload", 7, packet);
  for (size_t i = 2; i < len; i++) { /* every byte, from the peer's own address; the first two say what it is */
    memcpy(copy, packet, len);
    copy[i] ^= 0x40;
    assert_int_equal(world_send(w, copy, len).kind, PEER_PACKET_CONSUMED);
  }
  memcpy(seen, packet, len);
  assert_int_equal(world_send(w, seen, len).kind, PEER_PACKET_RTP);
  for (int i = 0; i < 1000; i++) {
    memcpy(copy, packet, len);
    const struct peer_packet again = world_send(w, copy, len);
    assert_int_equal(again.kind, PEER_PACKET_CONSUMED);
    assert_int_equal(again.drop, ICE_DROP_SRTP_REPLAY);
  }
  for (size_t n = 12; n < len; n++) {
    memcpy(copy, packet, len);
    assert_int_equal(world_send(w, copy, n).kind, PEER_PACKET_CONSUMED);
  }
  assert_true(peer_transport_stats(w->t)->drops[ICE_DROP_SRTP_AUTH] > 0);
  assert_int_equal(peer_transport_state(w->t), PEER_CONNECTED);
  world_expect_rtp_in(w);
}

/* Spoofed ClientHellos, STUN, alerts and noise, from strangers and with the peer's own address, at every stage. */
static void attack(struct world *w, unsigned seed) {
  uint8_t noise[200];
  struct ice_address stranger;
  struct dtls_client hostile;
  const struct dtls_client_options bad = {.ciphers = "ECDHE-RSA-AES128-GCM-SHA256"};
  assert_true(dtls_client_init(&hostile, &bad));
  dtls_client_run(&hostile);
  assert_true(ice_address_parse(&stranger, "198.51.100.1", (uint16_t)(1000 + seed)));
  const size_t before = w->bytes_to_browser;
  for (unsigned i = 0; i < 500; i++) {
    for (unsigned b = 0; b < sizeof(noise); b++)
      noise[b] = (uint8_t)((i * 31 + b * 7 + seed * 13) * 2654435761u >> 24);
    (void)world_send_from(w, &stranger, hostile.queue[0].data, hostile.queue[0].len);
    (void)world_send_from(w, &stranger, noise, sizeof(noise));
    noise[0] = (uint8_t)(20 + i % 44);
    (void)world_send(w, noise, sizeof(noise));
    noise[0] = (uint8_t)(128 + i % 64);
    (void)world_send(w, noise, sizeof(noise));
    noise[0] = (uint8_t)(i % 4);
    (void)world_send(w, noise, sizeof(noise));
    uint8_t alert[] = {21, 254, 253, 0, 0, 0, 0, 0, 0, 0, (uint8_t)i, 0, 2, 2, 40};
    (void)world_send(w, alert, sizeof(alert));
    struct stun_client forger = w->ice;
    uint8_t request[512];
    const struct stun_check_options o = {.use_candidate = true, .wrong_pwd = "guessguessguessguessguess"};
    const size_t len = stun_client_check(&forger, &o, request, sizeof(request));
    assert_int_equal(world_send_from(w, &stranger, request, len).drop, ICE_DROP_STUN_INTEGRITY);
  }
  assert_int_equal(w->bytes_to_browser, before); /* not a byte out */
  w->bytes_to_server = 0;
  dtls_client_free(&hostile);
}

static void floods_do_not_disturb(void **state) {
  struct world *w = *state;
  struct peer_sender *sender;
  assert_int_equal(peer_transport_add_sender(w->t, SERVER_SSRC, &sender), PEER_OK);
  world_negotiate(w, &world_browser, false);
  attack(w, 1);
  assert_int_equal(world_check(w, true), ICE_DROP_NONE);
  world_pump(w);
  attack(w, 2);
  dtls_client_run(&w->dtls);
  assert_int_equal(w->dtls.queued, 2); /* between the two halves of the ClientHello */
  (void)world_send(w, w->dtls.queue[0].data, w->dtls.queue[0].len);
  attack(w, 3);
  (void)world_send(w, w->dtls.queue[1].data, w->dtls.queue[1].len);
  w->dtls.queued = 0;
  attack(w, 4);
  world_pump(w);
  assert_int_equal(peer_transport_state(w->t), PEER_CONNECTED);
  assert_true(media_client_open(&w->media, &w->dtls));
  for (unsigned i = 0; i < 5; i++) {
    attack(w, 5 + i);
    world_expect_rtp_in(w);
    world_expect_rtp_out(w, sender);
  }
  assert_int_equal(w->state_count, 2);
  assert_int_equal(w->added, 1);
}

static void the_address_may_change(void **state) {
  struct world *w = *state;
  struct peer_sender *sender;
  assert_int_equal(peer_transport_add_sender(w->t, SERVER_SSRC, &sender), PEER_OK);
  world_connect(w, &world_browser);
  for (uint16_t i = 0; i < 100; i++) { /* Wi-Fi, LTE, Wi-Fi, … by nomination alone */
    const struct ice_address old = *peer_transport_selected(w->t);
    world_move(w, i % 2 == 0 ? "2001:db8::7" : "192.0.2.1", (uint16_t)(50001 + i));
    assert_int_equal(world_check(w, true), ICE_DROP_NONE);
    assert_true(ice_address_equal(peer_transport_selected(w->t), &old));
    w->now += 30000;
    world_pump(w);
    assert_true(ice_address_equal(peer_transport_selected(w->t), &w->address));
    world_expect_rtp_in(w);
    world_expect_rtp_out(w, sender);
  }
  struct ice_address tuples[16];
  assert_int_equal(peer_transport_tuples(w->t, tuples, 16), ICE_MAX_TUPLES);
  assert_int_equal(w->added - w->removed, ICE_MAX_TUPLES);
  assert_int_equal(peer_transport_stats(w->t)->rtt_us, 30000);
}

static void ice_restarts_without_a_gap(void **state) {
  struct world *w = *state;
  struct peer_sender *sender;
  char old[64];
  assert_int_equal(peer_transport_add_sender(w->t, SERVER_SSRC, &sender), PEER_OK);
  world_connect(w, &world_browser);
  snprintf(old, sizeof(old), "%s", w->ufrag);
  assert_int_equal(peer_transport_restart_ice(w->t, "x", BROWSER_PWD, w->now), PEER_BAD_CREDENTIALS);
  assert_int_equal(peer_transport_restart_ice(w->t, "secondufrag", BROWSER_PWD, w->now), PEER_OK);
  world_expect_rtp_in(w);
  world_expect_rtp_out(w, sender);
  world_learn(w, "secondufrag");
  assert_string_not_equal(w->ufrag, old);
  world_move(w, "192.0.2.77", 7);
  assert_int_equal(world_check(w, true), ICE_DROP_NONE);
  world_pump(w);
  assert_string_equal(w->retired, old);
  assert_true(ice_address_equal(peer_transport_selected(w->t), &w->address));
  world_expect_rtp_in(w);
  world_expect_rtp_out(w, sender);
  assert_int_equal(w->state_count, 2); /* nobody noticed */
}

static void consent_runs_out_in_thirty_seconds_and_a_restart_revives(void **state) {
  struct world *w = *state;
  struct peer_sender *sender;
  uint8_t header[12], out[64];
  assert_int_equal(peer_transport_add_sender(w->t, SERVER_SSRC, &sender), PEER_OK);
  world_connect(w, &world_browser);
  const int64_t last = w->now;
  while (peer_transport_state(w->t) != PEER_FAILED) {
    w->now = peer_transport_deadline(w->t);
    assert_true(w->now <= last + 30 * SECOND);
    peer_transport_tick(w->t, w->now);
  }
  assert_int_equal(w->now, last + 30 * SECOND);
  assert_int_equal(w->reason, PEER_REASON_CONSENT);
  assert_int_equal(w->states[2], PEER_DISCONNECTED);
  assert_null(peer_transport_selected(w->t));
  assert_int_equal(w->added, w->removed);
  write_rtp_header(header, SERVER_SSRC, 9);
  assert_int_equal(peer_transport_seal_rtp(w->t, sender, header, 12, header, 12, out, sizeof(out)), PEER_NOT_CONNECTED);
  assert_int_equal(world_check(w, true), ICE_DROP_CLOSED);

  assert_int_equal(peer_transport_restart_ice(w->t, "secondufrag", BROWSER_PWD, w->now), PEER_OK);
  world_learn(w, "secondufrag");
  assert_int_equal(world_check(w, true), ICE_DROP_NONE);
  world_pump(w);
  assert_int_equal(peer_transport_state(w->t), PEER_CONNECTED);
  world_expect_rtp_in(w); /* same keys, no new handshake */
  world_expect_rtp_out(w, sender);
}

static void a_peer_that_never_checks_fails(void **state) {
  struct world *w = *state;
  world_negotiate(w, &world_browser, false);
  assert_int_equal(peer_transport_deadline(w->t), w->now + PEER_CONNECT_TIMEOUT_US);
  w->now += PEER_CONNECT_TIMEOUT_US;
  peer_transport_tick(w->t, w->now);
  assert_int_equal(peer_transport_state(w->t), PEER_FAILED);
  assert_int_equal(w->reason, PEER_REASON_NO_CHECKS);
  assert_int_equal(world_check(w, true), ICE_DROP_NONE); /* late, but here */
  assert_int_equal(peer_transport_state(w->t), PEER_CONNECTING);
}

static void closing(void **state) {
  struct world *w = *state;
  world_connect(w, &world_browser);
  peer_transport_close(w->t, w->now);
  peer_transport_close(w->t, w->now);
  assert_int_equal(w->state_count, 3);
  assert_int_equal(w->states[2], PEER_CLOSED);
  assert_int_equal(w->reason, PEER_REASON_LOCAL);
  world_pump(w);
  assert_false(w->dtls.connected); /* it was told */
  assert_int_equal(world_check(w, true), ICE_DROP_CLOSED);
  assert_int_equal(peer_transport_restart_ice(w->t, "secondufrag", BROWSER_PWD, w->now), PEER_NOT_CONNECTED);
  peer_transport_tick(w->t, w->now + 100 * SECOND);
  assert_int_equal(w->state_count, 3);
}

static void the_peer_closes(void **state) {
  struct world *w = *state;
  world_connect(w, &world_browser);
  (void)SSL_shutdown(w->dtls.ssl);
  world_pump(w);
  assert_int_equal(peer_transport_state(w->t), PEER_CLOSED);
  assert_int_equal(w->reason, PEER_REASON_REMOTE);
}

static void senders_are_limited(void **state) {
  struct world *w = *state;
  struct peer_sender *s[SRTP_MAX_SENDERS], *more;
  uint8_t header[12], out[64];
  for (uint32_t i = 0; i < SRTP_MAX_SENDERS; i++) {
    assert_int_equal(peer_transport_add_sender(w->t, SERVER_SSRC + i, &s[i]), PEER_OK);
  }
  assert_int_equal(peer_transport_add_sender(w->t, 1, &more), PEER_LIMIT);
  write_rtp_header(header, SERVER_SSRC, 1);
  assert_int_equal(peer_transport_seal_rtp(w->t, s[0], header, 12, header, 12, out, sizeof(out)), PEER_NOT_CONNECTED);
  world_connect(w, &world_browser);
  world_expect_rtp_out(w, s[0]);
  write_rtp_header(header, SERVER_SSRC, w->seq);
  assert_int_equal(peer_transport_seal_rtp(w->t, s[0], header, 12, header, 12, out, 30), PEER_TOO_LARGE);
  peer_transport_remove_sender(w->t, s[0]);
  assert_int_equal(peer_transport_add_sender(w->t, SERVER_SSRC, &s[0]), PEER_OK);
  write_rtp_header(header, SERVER_SSRC, (uint16_t)(w->seq - 1)); /* sealed before the removal */
  assert_int_equal(peer_transport_seal_rtp(w->t, s[0], header, 12, header, 12, out, sizeof(out)), PEER_LIMIT);
  world_expect_rtp_out(w, s[0]);
}

static void names(void **state) {
  (void)state;
  for (int e = PEER_CRYPTO; e <= PEER_OK; e++)
    assert_string_not_equal(peer_transport_error_name(e), "invalid");
  for (int s = PEER_NEW; s <= PEER_CLOSED; s++) {
    assert_string_not_equal(peer_state_name((enum peer_state)s), "invalid");
  }
  for (int r = PEER_REASON_NONE; r <= PEER_REASON_INTERNAL; r++) {
    assert_string_not_equal(peer_reason_name((enum peer_reason)r), "invalid");
  }
  assert_string_equal(peer_state_name((enum peer_state)99), "invalid");
  assert_string_equal(peer_transport_error_name(-99), "invalid");
  assert_string_equal(peer_transport_error_name(PEER_UNPROVEN), "unproven");
  assert_string_equal(peer_reason_name(PEER_REASON_LOCAL), "local");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, world_setup, world_teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(connects_and_moves_media_in_each_profile),
      TEST(strangers_are_not_heard),
      TEST(before_the_offer_nothing_is_taken),
      TEST(a_wrong_fingerprint_closes_without_keys),
      TEST(an_unproven_address_is_not_flooded),
      TEST(a_held_flight_is_released_by_the_answer),
      TEST(media_that_is_not_the_peers_changes_nothing),
      TEST(floods_do_not_disturb),
      TEST(the_address_may_change),
      TEST(ice_restarts_without_a_gap),
      TEST(consent_runs_out_in_thirty_seconds_and_a_restart_revives),
      TEST(a_peer_that_never_checks_fails),
      TEST(closing),
      TEST(the_peer_closes),
      TEST(senders_are_limited),
      TEST(names),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
