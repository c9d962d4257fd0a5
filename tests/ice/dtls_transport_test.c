/* tests/ice/dtls_transport_test.c: the DTLS server against an OpenSSL client, in virtual time, with loss and attackers. */
#include "ice/dtls_transport.h"

#include <openssl/srtp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ice/dtls_memory.h"
#include "tests/ice/dtls_client.h"
// cmocka.h needs those above
#include <cmocka.h>

#define SECOND ((int64_t)1000000)

struct world {
  struct ice_certificate *certificate;
  struct dtls_transport *server;
  struct dtls_client client;
  struct dtls_client_datagram queue[DTLS_CLIENT_QUEUE]; /* from the server */
  size_t queued, sent, largest;
  uint8_t received[2048];
  size_t received_len;
  unsigned connected;
  size_t given_when_connected; /* dtls_memory_given() when the listener heard of it */
  bool allocating;             /* on_send takes a block like OpenSSL's handshake buffer, once */
  uint8_t *block;
  int64_t now;
};

#define BLOCK_BYTES 21848 /* what OpenSSL's handshake buffer has: ice/dtls_memory.h */

static void on_send(void *arg, const uint8_t *data, size_t len) {
  struct world *w = arg;
  assert_true(len <= sizeof(w->queue[0].data) && w->queued < DTLS_CLIENT_QUEUE);
  memcpy(w->queue[w->queued].data, data, len);
  w->queue[w->queued++].len = len;
  w->sent++;
  if (len > w->largest) w->largest = len;
  if (!w->allocating || w->block) return;
  w->block = OPENSSL_malloc(BLOCK_BYTES);
  memset(w->block, 0xff, BLOCK_BYTES);
}

static void on_connected(void *arg) {
  struct world *w = arg;
  w->connected++;
  w->given_when_connected = dtls_memory_given();
}

static void on_receive(void *arg, const uint8_t *data, size_t len) {
  struct world *w = arg;
  memcpy(w->received, data, len);
  w->received_len = len;
}

static int setup(void **state) {
  struct world *w = calloc(1, sizeof(*w));
  const struct dtls_listener on = {w, on_send, on_connected, on_receive};
  w->now = 5000 * SECOND;
  if (ice_certificate_create(&w->certificate, 1795334400) != 0) return -1;
  if (dtls_transport_create(&w->server, w->certificate, &on) != 0) return -1;
  *state = w;
  return 0;
}

static int teardown(void **state) {
  struct world *w = *state;
  dtls_client_free(&w->client);
  dtls_transport_free(w->server);
  ice_certificate_free(w->certificate);
  OPENSSL_free(w->block);
  free(w);
  return 0;
}

static void start(struct world *w, const struct dtls_client_options *options, const char *algorithm) {
  assert_true(dtls_client_init(&w->client, options));
  const struct ice_fingerprint f = dtls_client_fingerprint(&w->client, algorithm);
  assert_true(dtls_transport_set_fingerprints(w->server, &f, 1));
  dtls_client_run(&w->client);
}

static void to_server(struct world *w) {
  const size_t n = w->client.queued;
  static struct dtls_client_datagram copy[DTLS_CLIENT_QUEUE];
  memcpy(copy, w->client.queue, n * sizeof(copy[0]));
  w->client.queued = 0;
  for (size_t i = 0; i < n; i++)
    (void)dtls_transport_receive(w->server, copy[i].data, copy[i].len, w->now);
}

static void to_client(struct world *w) {
  const size_t n = w->queued;
  static struct dtls_client_datagram copy[DTLS_CLIENT_QUEUE];
  memcpy(copy, w->queue, n * sizeof(copy[0]));
  w->queued = 0;
  for (size_t i = 0; i < n; i++)
    dtls_client_receive(&w->client, copy[i].data, copy[i].len);
}

static void exchange(struct world *w) {
  for (int i = 0; i < 10; i++) {
    to_server(w);
    to_client(w);
  }
}

static const struct dtls_client_options browser = {.srtp_profiles = ICE_SRTP_PROFILES};

static void expect_same_keys(struct world *w, uint16_t profile, size_t len) {
  struct dtls_srtp_keys keys;
  uint8_t block[88];
  size_t client_len = 0;
  assert_int_equal(dtls_transport_state(w->server), DTLS_CONNECTED);
  assert_true(dtls_transport_export_keys(w->server, &keys));
  assert_int_equal(dtls_client_export(&w->client, block, &client_len), profile);
  assert_int_equal(keys.profile, profile);
  assert_int_equal(keys.len, len);
  assert_int_equal(client_len, len);
  assert_memory_equal(keys.block, block, len);
}

static void connects_and_exports_in_each_profile(void **state) {
  struct world *w = *state;
  const struct {
    const char *offer;
    uint16_t profile;
    size_t len;
  } rows[] = {{"SRTP_AES128_CM_SHA1_80:SRTP_AEAD_AES_256_GCM:SRTP_AEAD_AES_128_GCM", SRTP_AEAD_AES_128_GCM, 56},
              {"SRTP_AES128_CM_SHA1_80:SRTP_AEAD_AES_256_GCM", SRTP_AEAD_AES_256_GCM, 88},
              {"SRTP_AES128_CM_SHA1_32:SRTP_AES128_CM_SHA1_80", SRTP_AES128_CM_SHA1_80, 60}};
  for (size_t i = 0; i < 3; i++) {
    const struct dtls_client_options o = {.srtp_profiles = rows[i].offer, .rsa = i == 1};
    start(w, &o, i == 0 ? "sha-256" : i == 1 ? "sha-384" : "sha-512");
    exchange(w);
    expect_same_keys(w, rows[i].profile, rows[i].len);
    assert_int_equal(w->connected, i + 1);
    assert_true(w->largest <= DTLS_MTU_BYTES);
    assert_int_equal(dtls_transport_deadline(w->server), INT64_MAX);
    const struct dtls_listener on = {w, on_send, on_connected, on_receive};
    dtls_client_free(&w->client);
    dtls_transport_free(w->server);
    assert_int_equal(dtls_transport_create(&w->server, w->certificate, &on), 0);
  }
}

/* Chromium 156: 1175 + 238 bytes. The pieces may come in either order, twice, and with loss. */
static void a_fragmented_hello_is_reassembled(void **state) {
  struct world *w = *state;
  const struct dtls_client_options o = {.srtp_profiles = ICE_SRTP_PROFILES, .mtu = 1200, .hello_padding = 1216};
  start(w, &o, "sha-256");
  assert_int_equal(w->client.queued, 2);
  assert_true(w->client.queue[0].len > 1000 && w->client.queue[1].len > 100);
  const struct dtls_client_datagram first = w->client.queue[0];
  const struct dtls_client_datagram second = w->client.queue[1];
  w->client.queued = 0;
  assert_int_equal(dtls_transport_receive(w->server, second.data, second.len, w->now), ICE_DROP_NONE);
  assert_int_equal(dtls_transport_receive(w->server, second.data, second.len, w->now), ICE_DROP_NONE);
  assert_int_equal(w->sent, 0);
  assert_int_equal(dtls_transport_receive(w->server, first.data, first.len, w->now), ICE_DROP_NONE);
  assert_true(w->sent > 0);
  exchange(w);
  expect_same_keys(w, SRTP_AEAD_AES_128_GCM, 56);
}

static void application_data_flows_both_ways(void **state) {
  struct world *w = *state;
  start(w, &browser, "sha-256");
  assert_false(dtls_transport_send(w->server, (const uint8_t *)"x", 1, w->now)); /* not yet */
  exchange(w);
  assert_true(dtls_transport_send(w->server, (const uint8_t *)"from server", 11, w->now));
  to_client(w);
  assert_int_equal(w->client.received_len, 11);
  assert_memory_equal(w->client.received, "from server", 11);
  assert_true(dtls_client_send(&w->client, (const uint8_t *)"from client", 11));
  to_server(w);
  assert_int_equal(w->received_len, 11);
  assert_memory_equal(w->received, "from client", 11);
}

static void a_wrong_fingerprint_yields_no_keys(void **state) {
  struct world *w = *state;
  struct dtls_srtp_keys keys;
  memset(&keys, 0xEE, sizeof(keys));
  const struct dtls_srtp_keys untouched = keys;
  assert_true(dtls_client_init(&w->client, &browser));
  struct ice_fingerprint f = dtls_client_fingerprint(&w->client, "sha-256");
  f.bytes[31] ^= 1;
  assert_true(dtls_transport_set_fingerprints(w->server, &f, 1));
  dtls_client_run(&w->client);
  exchange(w);
  assert_int_equal(dtls_transport_state(w->server), DTLS_FAILED);
  assert_int_equal(dtls_transport_failure(w->server), DTLS_FAILURE_FINGERPRINT);
  assert_int_equal(w->connected, 0);
  assert_false(dtls_transport_export_keys(w->server, &keys));
  assert_memory_equal(&keys, &untouched, sizeof(keys));
  assert_true(w->client.failed); /* it was told */
}

static void any_of_several_fingerprints_will_do(void **state) {
  struct world *w = *state;
  assert_true(dtls_client_init(&w->client, &browser));
  struct ice_fingerprint f[DTLS_MAX_FINGERPRINTS + 1];
  for (size_t i = 0; i <= DTLS_MAX_FINGERPRINTS; i++) {
    f[i] = dtls_client_fingerprint(&w->client, "sha-512");
    if (i != 2) f[i].bytes[0] ^= 1;
  }
  assert_false(dtls_transport_set_fingerprints(w->server, f, 0));
  assert_false(dtls_transport_set_fingerprints(w->server, f, DTLS_MAX_FINGERPRINTS + 1));
  assert_true(dtls_transport_set_fingerprints(w->server, f, DTLS_MAX_FINGERPRINTS));
  dtls_client_run(&w->client);
  exchange(w);
  assert_int_equal(dtls_transport_state(w->server), DTLS_CONNECTED);
}

static void no_certificate_and_no_profile_are_refused(void **state) {
  struct world *w = *state;
  const struct dtls_client_options anonymous = {.srtp_profiles = ICE_SRTP_PROFILES, .no_certificate = true};
  start(w, &anonymous, "sha-256");
  exchange(w);
  assert_int_not_equal(dtls_transport_state(w->server), DTLS_CONNECTED);
  assert_int_equal(w->connected, 0);
  dtls_client_free(&w->client);
  const struct dtls_client_options plain = {.srtp_profiles = NULL};
  start(w, &plain, "sha-256");
  exchange(w);
  assert_int_equal(dtls_transport_state(w->server), DTLS_FAILED);
  assert_int_equal(dtls_transport_failure(w->server), DTLS_FAILURE_NO_PROFILE);
}

static void nothing_is_taken_before_the_fingerprint_is_known(void **state) {
  struct world *w = *state;
  assert_true(dtls_client_init(&w->client, &browser));
  dtls_client_run(&w->client);
  assert_int_equal(dtls_transport_receive(w->server, w->client.queue[0].data, w->client.queue[0].len, w->now),
                   ICE_DROP_CLOSED);
  assert_int_equal(dtls_transport_state(w->server), DTLS_NEW);
}

/* The server's flight is lost again and again; its timer, in virtual time only, repeats it with doubling gaps. */
static void lost_flights_are_repeated_in_virtual_time(void **state) {
  struct world *w = *state;
  start(w, &browser, "sha-256");
  to_server(w);
  assert_true(w->queued > 0);
  int64_t gap = DTLS_INITIAL_RTO_US;
  for (int i = 0; i < 4; i++) {
    w->queued = 0;
    const int64_t deadline = dtls_transport_deadline(w->server);
    assert_int_equal(deadline, w->now + gap);
    dtls_transport_tick(w->server, deadline - 1);
    assert_int_equal(w->queued, 0);
    w->now = deadline;
    dtls_transport_tick(w->server, w->now);
    assert_true(w->queued > 0);
    gap *= 2;
  }
  exchange(w);
  expect_same_keys(w, SRTP_AEAD_AES_128_GCM, 56);
}

static unsigned int fifty_milliseconds(SSL *ssl, unsigned int previous_us) {
  (void)ssl;
  (void)previous_us;
  return 50000;
}

/* The buffer that OpenSSL keeps is empty by then, and is used once more. */
static void the_last_flight_is_repeated_from_memory_given_back(void **state) {
  struct world *w = *state;
  const size_t given = dtls_memory_given();
  start(w, &browser, "sha-256");
  DTLS_set_timer_cb(w->client.ssl, fifty_milliseconds); /* the client's clock is the system's */
  for (int i = 0; i < 10 && !w->connected; i++) {
    to_client(w);
    to_server(w);
  }
  assert_int_equal(w->connected, 1);
  assert_true(dtls_memory_given() >= given + 16384);
  assert_false(w->client.connected);
  w->queued = 0; /* the server's Finished is lost */
  while (!w->client.connected && w->now < 5010 * SECOND) {
    struct timeval wait;
    assert_int_equal(DTLSv1_get_timeout(w->client.ssl, &wait), 1);
    usleep((useconds_t)(wait.tv_sec * 1000000 + wait.tv_usec));
    assert_true(DTLSv1_handle_timeout(w->client.ssl) >= 0);
    w->now += SECOND;
    exchange(w);
  }
  assert_true(w->client.connected);
  expect_same_keys(w, SRTP_AEAD_AES_128_GCM, 56);
}

/* The listener may begin whatever it likes: SCTP, another handshake, an end. */
static void memory_is_given_back_before_the_listener_hears_of_it(void **state) {
  struct world *w = *state;
  const size_t given = dtls_memory_given();
  start(w, &browser, "sha-256");
  exchange(w);
  assert_int_equal(w->connected, 1);
  assert_true(w->given_when_connected >= given + 16384);
  assert_int_equal(dtls_memory_given(), w->given_when_connected);
}

/* What is taken or freed while OpenSSL repeats a flight belongs to the handshake, as what it takes while it reads. */
static void memory_of_a_repeated_flight_is_noted(void **state) {
  struct world *w = *state;
  const size_t given = dtls_memory_given();
  start(w, &browser, "sha-256");
  to_server(w);
  w->queued = 0; /* lost */
  w->now = dtls_transport_deadline(w->server);
  w->allocating = true;
  dtls_transport_tick(w->server, w->now);
  w->allocating = false;
  assert_non_null(w->block);
  exchange(w);
  assert_int_equal(w->connected, 1);
  assert_true(w->given_when_connected >= given + 2 * 16384);
  size_t left = 0;
  for (size_t i = 0; i < BLOCK_BYTES; i++)
    left += w->block[i] == 0xff;
  assert_true(left <= BLOCK_BYTES - 16384);
}

static void resend_and_rtt(void **state) {
  struct world *w = *state;
  dtls_transport_set_rtt(w->server, 100000);
  start(w, &browser, "sha-256");
  to_server(w);
  assert_int_equal(dtls_transport_deadline(w->server), w->now + 200000);
  w->queued = 0;
  dtls_transport_resend(w->server, w->now);
  assert_true(w->queued > 0);
  exchange(w);
  assert_int_equal(dtls_transport_state(w->server), DTLS_CONNECTED);
  w->queued = 0;
  dtls_transport_resend(w->server, w->now);
  assert_int_equal(w->queued, 0);
}

static void a_handshake_that_hangs_ends_after_thirty_seconds(void **state) {
  struct world *w = *state;
  start(w, &browser, "sha-256");
  to_server(w);
  const int64_t begun = w->now;
  while (dtls_transport_state(w->server) == DTLS_CONNECTING) {
    w->queued = 0;
    w->now = dtls_transport_deadline(w->server);
    assert_true(w->now <= begun + DTLS_HANDSHAKE_TIMEOUT_US);
    dtls_transport_tick(w->server, w->now);
  }
  assert_int_equal(dtls_transport_failure(w->server), DTLS_FAILURE_TIMEOUT);
  assert_int_equal(w->now, begun + DTLS_HANDSHAKE_TIMEOUT_US);
  assert_int_equal(dtls_transport_deadline(w->server), INT64_MAX);
}

/* A hello no cipher of which suits us, before the real one: ES2023-01 and its kin. No alert reaches the peer. */
static void a_hostile_hello_does_not_end_the_handshake(void **state) {
  struct world *w = *state;
  struct dtls_client hostile;
  const struct dtls_client_options bad = {.srtp_profiles = ICE_SRTP_PROFILES, .ciphers = "ECDHE-RSA-AES128-GCM-SHA256"};
  assert_true(dtls_client_init(&hostile, &bad));
  dtls_client_run(&hostile);
  start(w, &browser, "sha-256");
  for (unsigned i = 0; i < DTLS_MAX_ATTEMPTS - 1; i++) {
    assert_int_equal(dtls_transport_receive(w->server, hostile.queue[0].data, hostile.queue[0].len, w->now),
                     ICE_DROP_DTLS_ERROR);
  }
  assert_int_equal(w->sent, 0);
  exchange(w);
  expect_same_keys(w, SRTP_AEAD_AES_128_GCM, 56);
  dtls_client_free(&hostile);
}

static void attempts_and_bytes_are_capped(void **state) {
  struct world *w = *state;
  struct dtls_client hostile;
  const struct dtls_client_options bad = {.ciphers = "ECDHE-RSA-AES128-GCM-SHA256"};
  assert_true(dtls_client_init(&hostile, &bad));
  dtls_client_run(&hostile);
  start(w, &browser, "sha-256");
  for (unsigned i = 0; i < DTLS_MAX_ATTEMPTS; i++) {
    (void)dtls_transport_receive(w->server, hostile.queue[0].data, hostile.queue[0].len, w->now);
  }
  assert_int_equal(dtls_transport_failure(w->server), DTLS_FAILURE_LIMIT);
  dtls_client_free(&hostile);

  const struct dtls_listener on = {w, on_send, on_connected, on_receive};
  struct dtls_transport *other;
  const struct ice_fingerprint f = dtls_client_fingerprint(&w->client, "sha-256");
  assert_int_equal(dtls_transport_create(&other, w->certificate, &on), 0);
  assert_true(dtls_transport_set_fingerprints(other, &f, 1));
  size_t fed = 0;
  while (dtls_transport_state(other) != DTLS_FAILED && fed < (size_t)10 * DTLS_MAX_HANDSHAKE_BYTES) {
    (void)dtls_transport_receive(other, w->client.queue[0].data, w->client.queue[0].len, w->now);
    fed += w->client.queue[0].len;
    w->queued = 0;
  }
  assert_int_equal(dtls_transport_failure(other), DTLS_FAILURE_LIMIT);
  assert_true(fed <= DTLS_MAX_HANDSHAKE_BYTES + 2048);
  dtls_transport_free(other);
}

static void plain_alerts_and_garbage_are_dropped(void **state) {
  struct world *w = *state;
  const uint8_t alert[] = {21, 254, 253, 0, 0, 0, 0, 0, 0, 0, 9, 0, 2, 2, 40};
  uint8_t garbage[200];
  memset(garbage, 22, sizeof(garbage));
  start(w, &browser, "sha-256");
  assert_int_equal(dtls_transport_receive(w->server, alert, sizeof(alert), w->now), ICE_DROP_DTLS_PLAIN_ALERT);
  assert_int_equal(dtls_transport_receive(w->server, garbage, sizeof(garbage), w->now), ICE_DROP_DTLS_MALFORMED);
  assert_int_equal(dtls_transport_receive(w->server, alert, 12, w->now), ICE_DROP_DTLS_MALFORMED);
  assert_int_equal(dtls_transport_state(w->server), DTLS_NEW);
  to_server(w); /* mid-handshake */
  assert_int_equal(dtls_transport_receive(w->server, alert, sizeof(alert), w->now), ICE_DROP_DTLS_PLAIN_ALERT);
  exchange(w);
  expect_same_keys(w, SRTP_AEAD_AES_128_GCM, 56);
  (void)dtls_transport_receive(w->server, alert, sizeof(alert), w->now);
  for (unsigned i = 0; i < 1000; i++) {
    for (size_t b = 13; b < sizeof(garbage); b++)
      garbage[b] = (uint8_t)(i * b);
    memcpy(garbage, (const uint8_t[]){23, 254, 253, 0, 1, 0, 0, 0, 0, 1, (uint8_t)i, 0, 187}, 13);
    (void)dtls_transport_receive(w->server, garbage, sizeof(garbage), w->now);
  }
  assert_int_equal(dtls_transport_state(w->server), DTLS_CONNECTED);
  assert_int_equal(w->received_len, 0);
  assert_true(dtls_client_send(&w->client, (const uint8_t *)"alive", 5));
  to_server(w);
  assert_int_equal(w->received_len, 5);
}

static void close_notify_both_ways(void **state) {
  struct world *w = *state;
  start(w, &browser, "sha-256");
  exchange(w);
  dtls_transport_close(w->server, w->now);
  assert_int_equal(dtls_transport_state(w->server), DTLS_CLOSED);
  to_client(w);
  assert_false(w->client.connected);
  assert_false(dtls_transport_send(w->server, (const uint8_t *)"x", 1, w->now));
  struct dtls_srtp_keys keys;
  assert_false(dtls_transport_export_keys(w->server, &keys));
  assert_int_equal(dtls_transport_receive(w->server, (const uint8_t *)"", 0, w->now), ICE_DROP_CLOSED);
}

static void the_peer_may_close(void **state) {
  struct world *w = *state;
  start(w, &browser, "sha-256");
  exchange(w);
  (void)SSL_shutdown(w->client.ssl);
  to_server(w);
  assert_int_equal(dtls_transport_state(w->server), DTLS_CLOSED);
  assert_int_equal(dtls_transport_failure(w->server), DTLS_FAILURE_NONE);
}

/* Renegotiation is refused; the association lives. */
static void renegotiation_is_refused(void **state) {
  struct world *w = *state;
  start(w, &browser, "sha-256");
  exchange(w);
  (void)SSL_renegotiate(w->client.ssl);
  (void)SSL_do_handshake(w->client.ssl);
  w->sent = 0;
  to_server(w);
  assert_true(w->sent <= 1); /* at most the no_renegotiation alert */
  assert_int_equal(w->connected, 1);
  assert_true(dtls_transport_send(w->server, (const uint8_t *)"alive", 5, w->now));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(connects_and_exports_in_each_profile),
      TEST(a_fragmented_hello_is_reassembled),
      TEST(application_data_flows_both_ways),
      TEST(a_wrong_fingerprint_yields_no_keys),
      TEST(any_of_several_fingerprints_will_do),
      TEST(no_certificate_and_no_profile_are_refused),
      TEST(nothing_is_taken_before_the_fingerprint_is_known),
      TEST(lost_flights_are_repeated_in_virtual_time),
      TEST(the_last_flight_is_repeated_from_memory_given_back),
      TEST(memory_is_given_back_before_the_listener_hears_of_it),
      TEST(memory_of_a_repeated_flight_is_noted),
      TEST(resend_and_rtt),
      TEST(a_handshake_that_hangs_ends_after_thirty_seconds),
      TEST(a_hostile_hello_does_not_end_the_handshake),
      TEST(attempts_and_bytes_are_capped),
      TEST(plain_alerts_and_garbage_are_dropped),
      TEST(close_notify_both_ways),
      TEST(the_peer_may_close),
      TEST(renegotiation_is_refused),
  };
  if (!dtls_memory_install()) return 1; /* before OpenSSL allocates */
  return cmocka_run_group_tests(tests, NULL, NULL);
}
