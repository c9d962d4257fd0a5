/* tests/ice/sctp_channels_test.c: opening and closing channels, the caps, and a peer that breaks DCEP. */
#include "tests/ice/sctp_fixture.h"

static void opens_from_either_side_with_its_own_parity(void **state) {
  (void)state;
  struct link *l = link_open_connected();
  uint16_t c = link_open_channel(l, "reliable", 0, DATA_CHANNEL_RELIABLE, 0);
  assert_int_equal(c, 0);
  assert_int_equal(l->server.opened, 1);
  assert_string_equal(l->server.label, "reliable");
  assert_string_equal(l->server.protocol, "p");
  assert_string_equal(l->client.label, "reliable");
  assert_int_equal(l->server.last_options.priority, 256);
  assert_int_equal(link_open_channel(l, "timed", 1, DATA_CHANNEL_MAX_LIFETIME, 300), 2);
  assert_int_equal(l->server.last_options.reliability, DATA_CHANNEL_MAX_LIFETIME);
  assert_int_equal(l->server.last_options.reliability_value, 300);

  const struct data_channel_options options = {.label = "from server", .label_len = 11};
  uint16_t s = 0;
  assert_int_equal(sctp_association_open_channel(l->server.association, &options, &s), SCTP_OK);
  /* Sending need not wait for the ACK, and the first message counts as one. */
  assert_int_equal(sctp_association_send(l->server.association, s, DATA_CHANNEL_TEXT, (const uint8_t *)"hi", 2),
                   SCTP_OK);
  link_run(l, 50);
  assert_int_equal(s, 1);
  assert_int_equal(l->client.messages, 1);
  assert_string_equal(l->client.label, "from server");
  assert_int_equal(l->server.opened, 3);
  link_close(l);
}

static void closes_from_either_side_and_the_id_comes_back(void **state) {
  (void)state;
  struct link *l = link_open_connected();
  for (int round = 0; round < 6; round++) {
    uint16_t c = link_open_channel(l, "again", 0, DATA_CHANNEL_RELIABLE, 0);
    assert_int_equal(c, 0);
    struct end *closer = round % 2 ? &l->server : &l->client;
    /* What was queued before the close still arrives. */
    assert_int_equal(sctp_association_send(closer->association, c, DATA_CHANNEL_TEXT, (const uint8_t *)"last", 4),
                     SCTP_OK);
    assert_int_equal(sctp_association_close_channel(closer->association, c), SCTP_OK);
    assert_int_equal(sctp_association_close_channel(closer->association, c), SCTP_NOT_OPEN);
    assert_int_equal(sctp_association_send(closer->association, c, DATA_CHANNEL_TEXT, (const uint8_t *)"no", 2),
                     SCTP_NOT_OPEN);
    link_run(l, 500);
    assert_int_equal(closer->peer->messages, round / 2 + 1);
    assert_int_equal(l->server.closed, round + 1);
    assert_int_equal(l->client.closed, round + 1);
  }
  link_close(l);
}

static void closes_many_at_once(void **state) {
  (void)state;
  struct link *l = link_open_connected();
  uint16_t ids[10];
  for (int i = 0; i < 10; i++)
    ids[i] = link_open_channel(l, "many", 0, DATA_CHANNEL_RELIABLE, 0);
  for (int i = 0; i < 10; i++)
    assert_int_equal(sctp_association_close_channel(i % 2 ? l->server.association : l->client.association, ids[i]),
                     SCTP_OK);
  link_run(l, 3000);
  assert_int_equal(l->server.closed, 10);
  assert_int_equal(l->client.closed, 10);
  link_close(l);
}

static void caps_channels(void **state) {
  (void)state;
  struct link *l = link_open_connected();
  for (int i = 0; i < SCTP_MAX_CHANNELS; i++)
    assert_int_equal(link_open_channel(l, "n", 0, DATA_CHANNEL_RELIABLE, 0), 2 * i);
  const struct data_channel_options options = {.label = "n", .label_len = 1};
  uint16_t c;
  assert_int_equal(sctp_association_open_channel(l->client.association, &options, &c), SCTP_CHANNEL_LIMIT);
  assert_int_equal(sctp_association_open_channel(l->server.association, &options, &c), SCTP_CHANNEL_LIMIT);
  struct sctp_association_stats stats;
  sctp_association_get_stats(l->server.association, &stats);
  assert_int_equal(stats.channels, SCTP_MAX_CHANNELS);
  /* A peer that believes it has room: closing one locally on its side only is not enough to try, so forge the OPEN. */
  uint8_t open[DCEP_MAX_OPEN_BYTES];
  size_t len = dcep_write_open(&options, open);
  l->client.association->channels[0].state = CHANNEL_FREE;
  assert_int_equal(sctp_association_send_raw(l->client.association, 0, SCTP_PPID_DCEP, open, len), SCTP_OK);
  link_run(l, 50);
  assert_int_equal(drops_of(&l->server, SCTP_DROP_DCEP_IN_USE), 1);
  link_close(l);
}

/* Sends raw bytes from the client and gives the server's counter for `reason`. */
static uint64_t provoke(struct link *l, uint16_t stream, uint32_t ppid, const void *data, size_t len,
                        enum sctp_drop reason) {
  uint64_t before = drops_of(&l->server, reason);
  assert_int_equal(sctp_association_send_raw(l->client.association, stream, ppid, data, len), SCTP_OK);
  link_run(l, 200);
  return drops_of(&l->server, reason) - before;
}

static void a_peer_that_breaks_dcep_loses_the_channel_only(void **state) {
  (void)state;
  struct link *l = link_open_connected();
  uint16_t good = link_open_channel(l, "good", 0, DATA_CHANNEL_RELIABLE, 0);
  uint8_t open[300] = {0x03, 0x00, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};
  static const uint8_t ack = 2;
  int opened = l->server.opened;

  open[9] = 200; /* a label that is not there, then one that is there and too long */
  assert_int_equal(provoke(l, 10, SCTP_PPID_DCEP, open, 12, SCTP_DROP_DCEP_MALFORMED), 1);
  assert_int_equal(provoke(l, 12, SCTP_PPID_DCEP, open, 212, SCTP_DROP_DCEP_TOO_LONG), 1);
  open[9] = 0;
  open[1] = 0x7f;
  assert_int_equal(provoke(l, 14, SCTP_PPID_DCEP, open, 12, SCTP_DROP_DCEP_MALFORMED), 1);
  open[1] = 0;
  assert_int_equal(provoke(l, 15, SCTP_PPID_DCEP, open, 12, SCTP_DROP_DCEP_PARITY), 1);
  assert_int_equal(provoke(l, 16, SCTP_PPID_DCEP, &ack, 1, SCTP_DROP_DCEP_UNEXPECTED), 1);
  assert_int_equal(provoke(l, 18, SCTP_PPID_BINARY, open, 12, SCTP_DROP_UNKNOWN_CHANNEL), 1);
  assert_int_equal(provoke(l, good, 52, open, 12, SCTP_DROP_UNKNOWN_PPID), 1);
  assert_int_equal(provoke(l, good, 0, open, 12, SCTP_DROP_UNKNOWN_PPID), 1);
  assert_int_equal(l->server.opened, opened);
  assert_int_equal(l->server.closed, 0);

  /* The good one still works, until OPEN is sent on it again: then it closes, and it alone. */
  uint16_t other = link_open_channel(l, "other", 0, DATA_CHANNEL_RELIABLE, 0);
  assert_int_equal(sctp_association_send(l->client.association, good, DATA_CHANNEL_TEXT, &ack, 1), SCTP_OK);
  link_run(l, 50);
  assert_int_equal(l->server.messages, 1);
  assert_int_equal(provoke(l, good, SCTP_PPID_DCEP, open, 12, SCTP_DROP_DCEP_IN_USE), 1);
  link_run(l, 500);
  assert_int_equal(l->server.closed, 1);
  assert_int_equal(l->client.closed, 1);
  assert_int_equal(sctp_association_send(l->client.association, other, DATA_CHANNEL_TEXT, &ack, 1), SCTP_OK);
  link_run(l, 50);
  assert_int_equal(l->server.messages, 2);
  assert_int_equal(sctp_association_state(l->server.association), SCTP_STATE_CONNECTED);
  link_close(l);
}

static void an_oversized_message_closes_its_channel(void **state) {
  (void)state;
  static uint8_t huge[3 * SCTP_MAX_MESSAGE_BYTES];
  struct link *l = link_open_connected();
  uint16_t c = link_open_channel(l, "c", 0, DATA_CHANNEL_RELIABLE, 0);
  uint16_t d = link_open_channel(l, "d", 0, DATA_CHANNEL_RELIABLE, 0);
  assert_int_equal(provoke(l, c, SCTP_PPID_BINARY, huge, SCTP_MAX_MESSAGE_BYTES + 1, SCTP_DROP_MESSAGE_TOO_LARGE), 1);
  assert_int_equal(provoke(l, d, SCTP_PPID_BINARY, huge, sizeof huge, SCTP_DROP_MESSAGE_TOO_LARGE), 1);
  link_run(l, 500);
  assert_int_equal(l->server.messages, 0);
  assert_int_equal(l->server.closed, 2);
  c = link_open_channel(l, "next", 0, DATA_CHANNEL_RELIABLE, 0);
  assert_int_equal(sctp_association_send(l->client.association, c, DATA_CHANNEL_BINARY, huge, SCTP_MAX_MESSAGE_BYTES),
                   SCTP_OK);
  link_run(l, 200);
  assert_int_equal(l->server.messages, 1);
  assert_int_equal(l->server.last_len, SCTP_MAX_MESSAGE_BYTES);
  link_close(l);
}

/* An OPEN, a close, a hundred times, over a link that loses packets: nothing is left behind. */
static void churn_leaves_nothing_behind(void **state) {
  (void)state;
  struct link *l = link_open_connected();
  l->loss_percent = 10;
  const struct data_channel_options options = {.label = "churn", .label_len = 5};
  for (int i = 0; i < 60; i++) {
    uint16_t c;
    if (sctp_association_open_channel(l->client.association, &options, &c) != SCTP_OK) break;
    link_run(l, 20 * (i % 5));
    (void)sctp_association_close_channel(i % 3 ? l->client.association : l->server.association, c);
    link_run(l, 300);
  }
  l->loss_percent = 0;
  link_run(l, 30000);
  for (uint16_t c = 0; c < SCTP_MAX_STREAMS; c += 2)
    (void)sctp_association_close_channel(l->client.association, c);
  link_run(l, 30000);
  struct sctp_association_stats stats;
  sctp_association_get_stats(l->client.association, &stats);
  assert_int_equal(stats.channels, 0);
  sctp_association_get_stats(l->server.association, &stats);
  assert_int_equal(stats.channels, 0);
  assert_int_equal(l->server.closed, l->server.opened);
  link_close(l);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(opens_from_either_side_with_its_own_parity),
      cmocka_unit_test(closes_from_either_side_and_the_id_comes_back),
      cmocka_unit_test(closes_many_at_once),
      cmocka_unit_test(caps_channels),
      cmocka_unit_test(a_peer_that_breaks_dcep_loses_the_channel_only),
      cmocka_unit_test(an_oversized_message_closes_its_channel),
      cmocka_unit_test(churn_leaves_nothing_behind),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
