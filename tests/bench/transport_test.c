/* The client's transport against the product's, in memory and virtual time: both suites, what breaks a connection and in which
 * words, consent, lost datagrams, application data. */
#include "bench/load/transport.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>

#include "ice/peer_transport.h"
#include "tests/bench/check.h"

#define SECOND INT64_C(1000000)
#define QUEUE  256

static struct transport_context *context;
static struct transport *client;
static struct peer_transport_context *server_context;
static struct peer_transport *server;
static struct ice_address address;
static int64_t now_us;
static struct packet {
  bool to_server;
  size_t len;
  uint8_t data[1500];
} queue[QUEUE];
static unsigned queued, connected, failed, sent, lose; /* lose: so many datagrams that come next */
static char why[200];
static struct answer answer;
static struct sockaddr_in remote;

static void put(bool to_server, const uint8_t *data, size_t len) {
  if (lose) {
    lose--;
    return;
  }
  assert_true(queued < QUEUE && len <= sizeof queue[0].data);
  queue[queued].to_server = to_server;
  queue[queued].len = len;
  memcpy(queue[queued++].data, data, len);
}

static void on_send(void *arg, const uint8_t *data, size_t len) {
  (void)arg;
  sent++;
  put(true, data, len);
}

static void on_connected(void *arg, int64_t at_us) {
  (void)arg, (void)at_us;
  connected++;
}

static void on_data(void *arg, const uint8_t *data, size_t len) {
  (void)arg, (void)data, (void)len;
}

static void on_failed(void *arg, const char *words) {
  (void)arg;
  failed++;
  snprintf(why, sizeof why, "%s", words);
}

static void on_server_send(void *arg, const struct ice_address *to, const uint8_t *data, size_t len) {
  (void)arg, (void)to;
  put(false, data, len);
}

static void take(const struct packet *p) {
  struct packet copy = *p;
  struct peer_packet out;
  if (copy.to_server)
    peer_transport_receive(server, &address, copy.data, copy.len, now_us, &out);
  else
    assert_int_equal(transport_receive(client, copy.data, copy.len, now_us), TRANSPORT_CONSUMED);
}

static void pump(void) {
  for (unsigned i = 0; i < queued; i++)
    take(&queue[i]);
  queued = 0;
}

static void run(int64_t us) {
  for (int64_t until_us = now_us + us; now_us < until_us; now_us += 10000) {
    pump();
    if (transport_deadline(client) <= now_us) transport_tick(client, now_us);
    if (peer_transport_deadline(server) <= now_us) peer_transport_tick(server, now_us);
  }
  pump();
}

static void open_both(enum load_suite suite) {
  const struct transport_listener on = {NULL, on_send, on_connected, on_data, on_failed};
  const struct peer_transport_listener at_server = {.send = on_server_send};
  now_us = 77 * SECOND;
  queued = connected = failed = sent = lose = 0;
  assert_null(transport_context_create(&context, suite));
  assert_int_equal(transport_create(&client, context, &on), 0);
  assert_int_equal(peer_transport_context_create(&server_context, 1795334400), PEER_OK);
  assert_int_equal(peer_transport_create(&server, server_context, &at_server, now_us), PEER_OK);
  assert_true(ice_address_parse(&address, "192.0.2.7", 5007));
  remote = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(40000), .sin_addr.s_addr = htonl(0xC0000201)};
  struct ice_fingerprint ours;
  assert_true(ice_fingerprint_parse(&ours, "sha-256", transport_context_fingerprint(context)));
  const struct peer_remote offer = {transport_ufrag(client), transport_pwd(client), &ours, 1, 0};
  assert_int_equal(peer_transport_set_remote(server, &offer, now_us), PEER_OK);
  memset(&answer, 0, sizeof answer);
  snprintf(answer.ufrag, sizeof answer.ufrag, "%s", peer_transport_local_ufrag(server));
  snprintf(answer.pwd, sizeof answer.pwd, "%s", peer_transport_local_pwd(server));
  snprintf(answer.fingerprint_algorithm, sizeof answer.fingerprint_algorithm, "sha-256");
  snprintf(answer.fingerprint, sizeof answer.fingerprint, "%s", peer_transport_context_fingerprint(server_context));
}

static void start(void) {
  transport_start(client, &answer, (const struct sockaddr *)&remote, sizeof remote, now_us);
}

static int set_up(void **state) {
  (void)state;
  open_both(LOAD_SUITE_GCM);
  return 0;
}

static int tear_down(void **state) {
  (void)state;
  transport_free(client);
  transport_context_free(context);
  peer_transport_free(server);
  peer_transport_context_free(server_context);
  return 0;
}

static void each_suite_connects_with_its_profile(void **state) {
  static const uint16_t ids[] = {[LOAD_SUITE_GCM] = 7, [LOAD_SUITE_CM] = 1};
  for (enum load_suite suite = LOAD_SUITE_GCM; suite <= LOAD_SUITE_CM; suite++) {
    tear_down(state);
    open_both(suite);
    assert_null(transport_srtp(client));
    start();
    run(SECOND / 10);
    assert_int_equal(connected, 1);
    assert_int_equal(peer_transport_state(server), PEER_CONNECTED);
    assert_int_equal(peer_transport_stats(server)->srtp_profile, ids[suite]);
    assert_int_equal(srtp_session_profile(transport_srtp(client)), ids[suite]);
    assert_int_equal(failed, 0);
  }
}

static void lost_datagrams_only_cost_time(void **state) {
  (void)state;
  start();
  queued = 0; /* the first check */
  lose = 3;
  for (int i = 0; i < 400 && !connected; i++) {
    run(SECOND / 100);
    if (i % 7 == 0) lose = 1;
  }
  assert_int_equal(connected, 1);
}

static void silence_ends_after_ten_seconds(void **state) {
  (void)state;
  lose = 100000;
  start();
  run(SECOND * 99 / 10);
  assert_int_equal(failed, 0);
  assert_in_range(sent, 190, 205); /* a check every 50 ms */
  run(SECOND);
  assert_int_equal(failed, 1);
  assert_string_equal(why, "no answer to ICE checks within 10 s");
  assert_int_equal(transport_deadline(client), INT64_MAX);
}

static void a_server_that_does_not_shake_hands(void **state) {
  (void)state;
  start();
  for (int i = 0; i < 110; i++) { /* STUN passes, DTLS does not */
    for (unsigned k = 0; k < queued; k++)
      if (queue[k].data[0] < 20) take(&queue[k]);
    queued = 0;
    now_us += SECOND / 10;
    if (transport_deadline(client) <= now_us) transport_tick(client, now_us);
  }
  assert_int_equal(failed, 1);
  assert_string_equal(why, "no DTLS handshake within 10 s");
}

static void wrong_fingerprints_are_refused(void **state) {
  (void)state;
  snprintf(answer.fingerprint, sizeof answer.fingerprint, "nonsense");
  start();
  assert_string_equal(why, "the answer's fingerprint is of no use");
  tear_down(state);
  open_both(LOAD_SUITE_GCM);
  answer.fingerprint[0] = answer.fingerprint[0] == 'A' ? 'B' : 'A';
  start();
  run(SECOND / 10);
  assert_int_equal(connected, 0);
  assert_int_equal(failed, 1);
  assert_string_equal(why, "the server's certificate is not the one its answer announced");
}

static void checks_that_are_forged_or_stale_change_nothing(void **state) {
  (void)state;
  start();
  assert_int_equal(queued, 1);
  struct packet p = queue[0];
  queued = 0;
  take(&p);
  struct packet reply = {0};
  for (unsigned i = 0; i < queued; i++)
    if (!queue[i].to_server && queue[i].data[0] == 1) reply = queue[i]; /* a success response */
  assert_true(reply.len > 20);
  queued = sent = 0;
  reply.data[reply.len - 5] ^= 1; /* in FINGERPRINT or MESSAGE-INTEGRITY */
  reply.data[8] ^= 1;             /* another transaction */
  take(&reply);
  assert_int_equal(sent, 0); /* no ClientHello */
}

static void consent_is_asked_for_while_connected(void **state) {
  (void)state;
  start();
  run(SECOND / 10);
  sent = 0;
  run(30 * SECOND);
  assert_in_range(sent, 11, 30); /* every 2.5 s, and answers to the server's own */
  assert_int_equal(peer_transport_state(server), PEER_CONNECTED);
  assert_int_equal(failed, 0);
}

static void goodbye_in_both_directions(void **state) {
  (void)state;
  start();
  run(SECOND / 10);
  transport_close(client);
  pump();
  assert_int_equal(peer_transport_reason(server), PEER_REASON_REMOTE);
  assert_int_equal(transport_deadline(client), INT64_MAX);
  tear_down(state);
  open_both(LOAD_SUITE_GCM);
  start();
  run(SECOND / 10);
  peer_transport_close(server, now_us);
  pump();
  assert_int_equal(failed, 1);
  assert_string_equal(why, "the server closed the DTLS connection");
  transport_send_data(client, (const uint8_t *)"late", 4); /* goes nowhere */
  assert_int_equal(queued, 0);
}

static void media_before_keys_is_dropped_and_after_them_given_back(void **state) {
  (void)state;
  uint8_t rtp[40] = {0x80, 96}, rtcp[40] = {0x80, 200}, odd[4] = {0xff};
  assert_int_equal(transport_receive(client, rtp, sizeof rtp, now_us), TRANSPORT_CONSUMED);
  start();
  run(SECOND / 10);
  assert_int_equal(transport_receive(client, rtp, sizeof rtp, now_us), TRANSPORT_RTP);
  assert_int_equal(transport_receive(client, rtcp, sizeof rtcp, now_us), TRANSPORT_RTCP);
  assert_int_equal(transport_receive(client, odd, sizeof odd, now_us), TRANSPORT_CONSUMED);
}

static void credentials_are_new_for_each(void **state) {
  (void)state;
  struct transport *other = NULL;
  const struct transport_listener on = {NULL, on_send, on_connected, on_data, on_failed};
  assert_int_equal(transport_create(&other, context, &on), 0);
  assert_int_equal(strlen(transport_ufrag(other)), 8);
  assert_int_equal(strlen(transport_pwd(other)), 32);
  assert_string_not_equal(transport_ufrag(other), transport_ufrag(client));
  assert_string_not_equal(transport_pwd(other), transport_pwd(client));
  transport_free(other);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
  const struct CMUnitTest tests[] = {
      CASE(each_suite_connects_with_its_profile),
      CASE(lost_datagrams_only_cost_time),
      CASE(silence_ends_after_ten_seconds),
      CASE(a_server_that_does_not_shake_hands),
      CASE(wrong_fingerprints_are_refused),
      CASE(checks_that_are_forged_or_stale_change_nothing),
      CASE(consent_is_asked_for_while_connected),
      CASE(goodbye_in_both_directions),
      CASE(media_before_keys_is_dropped_and_after_them_given_back),
      CASE(credentials_are_new_for_each),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
