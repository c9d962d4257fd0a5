/* tests/ice/peer_transport_send_test.c: data channels of the composite against an SCTP client inside the browser's DTLS, and
 * sealing in batches. */
#include "ice/peer_transport_internal.h"
#include "tests/ice/peer_world.h"

static void browser_sctp_send(const uint8_t *data, size_t len, void *arg) {
  struct world *w = arg;
  (void)dtls_client_send(&w->dtls, data, len);
}

static void browser_message(uint16_t channel, enum data_channel_message kind, const uint8_t *data, size_t len,
                            void *arg) {
  struct world *w = arg;
  (void)channel, (void)kind;
  w->message_len = len < sizeof(w->message) ? len : sizeof(w->message);
  memcpy(w->message, data, w->message_len);
  w->browser_messages++;
}

/* Lets both ends' SCTP timers and datagrams run for a while. */
static void run(struct world *w, int64_t for_us) {
  const int64_t until = w->now + for_us;
  while (w->now < until) {
    world_pump(w);
    w->now += 10000;
    peer_transport_context_tick(w->context, w->now);
    if (peer_transport_deadline(w->t) <= w->now) peer_transport_tick(w->t, w->now);
  }
}

static void connect_with_sctp(struct world *w) {
  const struct sctp_association_config config = {.dtls_client = 1};
  const struct sctp_association_listener on = {
      .send_packet = browser_sctp_send, .channel_message = browser_message, .arg = w};
  world_connect(w, &world_browser);
  assert_int_equal(sctp_association_create(&w->sctp, w->context->sctp, &config, &on), SCTP_OK);
  assert_int_equal(sctp_association_connect(w->sctp), SCTP_OK);
  run(w, SECOND / 2);
  assert_int_equal(sctp_association_state(w->sctp), SCTP_STATE_CONNECTED);
}

static void channels_open_carry_and_close(void **state) {
  struct world *w = *state;
  uint16_t reliable, lossy;
  const struct data_channel_options r = {.label = "reliable", .label_len = 8};
  const struct data_channel_options l = {
      .label = "lossy", .label_len = 5, .unordered = 1, .reliability = DATA_CHANNEL_MAX_RETRANSMITS};
  connect_with_sctp(w);
  assert_int_equal(sctp_association_open_channel(w->sctp, &r, &reliable), SCTP_OK);
  run(w, SECOND / 10);
  assert_int_equal(w->opened, 1);
  assert_string_equal(w->label, "reliable");
  assert_true(w->channel == reliable && w->channel_ordered && w->channel_reliable);
  assert_int_equal(sctp_association_open_channel(w->sctp, &l, &lossy), SCTP_OK);
  run(w, SECOND / 10);
  assert_string_equal(w->label, "lossy");
  assert_true(w->channel == lossy && !w->channel_ordered && !w->channel_reliable);

  assert_int_equal(sctp_association_send(w->sctp, reliable, DATA_CHANNEL_BINARY, (const uint8_t *)"up", 2), SCTP_OK);
  run(w, SECOND / 10);
  assert_int_equal(w->messages, 1);
  assert_memory_equal(w->message, "up", 2);
  assert_int_equal(peer_transport_send_message(w->t, reliable, true, (const uint8_t *)"down", 4, w->now), PEER_OK);
  run(w, SECOND / 10);
  assert_int_equal(w->browser_messages, 1);
  assert_memory_equal(w->message, "down", 4);

  assert_int_equal(sctp_association_close_channel(w->sctp, reliable), SCTP_OK);
  run(w, SECOND / 10);
  assert_int_equal(w->channels_closed, 1);
  assert_int_equal(peer_transport_send_message(w->t, reliable, true, (const uint8_t *)"x", 1, w->now), PEER_NO_CHANNEL);
}

static void messages_have_limits(void **state) {
  struct world *w = *state;
  static uint8_t big[SCTP_MAX_MESSAGE_BYTES + 1];
  uint16_t channel;
  const struct data_channel_options r = {.label = "reliable", .label_len = 8};
  assert_int_equal(peer_transport_send_message(w->t, 0, true, big, 1, w->now), PEER_NOT_CONNECTED);
  connect_with_sctp(w);
  assert_int_equal(peer_transport_send_message(w->t, 7, true, big, 1, w->now), PEER_NO_CHANNEL);
  assert_int_equal(sctp_association_open_channel(w->sctp, &r, &channel), SCTP_OK);
  run(w, SECOND / 10);
  assert_int_equal(peer_transport_send_message(w->t, channel, true, big, sizeof(big), w->now), PEER_TOO_LARGE);
  int error = PEER_OK;
  size_t taken = 0;
  while (error == PEER_OK && taken <= (size_t)2 * SCTP_MAX_QUEUED_BYTES) { /* nothing arrives: the queue fills */
    error = peer_transport_send_message(w->t, channel, true, big, SCTP_MAX_MESSAGE_BYTES, w->now);
    if (error == PEER_OK) taken += SCTP_MAX_MESSAGE_BYTES;
    w->queued = 0;
  }
  assert_int_equal(error, PEER_LIMIT);
  assert_true(taken <= SCTP_MAX_QUEUED_BYTES);
}

static void closing_ends_the_association(void **state) {
  struct world *w = *state;
  connect_with_sctp(w);
  peer_transport_close(w->t, w->now);
  assert_int_equal(peer_transport_send_message(w->t, 0, true, (const uint8_t *)"x", 1, w->now), PEER_NOT_CONNECTED);
  world_pump(w);
  assert_int_equal(sctp_association_state(w->sctp),
                   SCTP_STATE_CLOSED); /* by our ABORT, which went before close_notify */
}

static void garbage_inside_dtls_ends_nothing(void **state) {
  struct world *w = *state;
  uint8_t junk[600];
  connect_with_sctp(w);
  for (unsigned i = 0; i < 500; i++) {
    for (unsigned b = 0; b < sizeof(junk); b++)
      junk[b] = (uint8_t)((i * 37 + b * 11) * 2654435761u >> 24);
    (void)dtls_client_send(&w->dtls, junk, 1 + i % sizeof(junk));
    world_pump(w);
  }
  assert_int_equal(peer_transport_state(w->t), PEER_CONNECTED);
  world_expect_rtp_in(w);
}

/* A peer that offered no m=application has no association; what it sends inside DTLS is counted. */
static void without_an_application_section(void **state) {
  struct world *w = *state;
  world_negotiate(w, &world_browser, false);
  struct ice_fingerprint f = dtls_client_fingerprint(&w->dtls, "sha-256");
  const struct peer_remote remote = {"browserufrag", BROWSER_PWD, &f, 1, 0};
  assert_int_equal(peer_transport_set_remote(w->t, &remote, w->now), PEER_OK);
  assert_int_equal(world_check(w, true), ICE_DROP_NONE);
  world_pump(w);
  dtls_client_run(&w->dtls);
  world_pump(w);
  assert_int_equal(peer_transport_state(w->t), PEER_CONNECTED);
  assert_true(dtls_client_send(&w->dtls, (const uint8_t *)"hello", 5));
  world_pump(w);
  assert_int_equal(peer_transport_stats(w->t)->drops[ICE_DROP_SCTP_REFUSED], 1);
}

static void a_batch_is_sealed_for_the_peer(void **state) {
  struct world *w = *state;
  struct peer_sender *sender;
  struct srtp_seal seals[8];
  static uint8_t headers[8][12], out[8][64];
  assert_int_equal(peer_transport_add_sender(w->t, SERVER_SSRC, &sender), PEER_OK);
  assert_int_equal(peer_transport_begin_seal(w->t, sender, 40, &seals[0]), PEER_NOT_CONNECTED);
  world_connect(w, &world_browser);
  for (uint16_t i = 0; i < 8; i++) {
    write_rtp_header(headers[i], SERVER_SSRC, i);
    seals[i] = (struct srtp_seal){.header = headers[i],
                                  .header_len = 12,
                                  .payload = (const uint8_t *)"batched",
                                  .payload_len = 7,
                                  .padding = 1,
                                  .out = out[i],
                                  .cap = sizeof(out[i])};
    assert_int_equal(peer_transport_begin_seal(w->t, sender, 36, &seals[i]), PEER_OK);
  }
  assert_int_equal(srtp_seal_batch(peer_transport_context_srtp(w->context), seals, 8), 8);
  for (size_t i = 0; i < 8; i++) {
    assert_int_equal(media_client_open_rtp(&w->media, out[i], (size_t)seals[i].result), 20);
    assert_memory_equal(out[i] + 12, "batched\x01", 8);
  }
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, world_setup, world_teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(channels_open_carry_and_close),  TEST(messages_have_limits),
      TEST(closing_ends_the_association),   TEST(garbage_inside_dtls_ends_nothing),
      TEST(without_an_application_section), TEST(a_batch_is_sealed_for_the_peer),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
