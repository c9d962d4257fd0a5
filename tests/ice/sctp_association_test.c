/* tests/ice/sctp_association_test.c: two associations over a virtual link: connecting, messages, loss, queue, closing. */
#include "tests/ice/sctp_fixture.h"

static void connects_when_both_sides_send_init(void **state) {
  (void)state;
  struct link *l = link_open();
  assert_int_equal(sctp_association_state(l->server.association), SCTP_STATE_NEW);
  assert_int_equal(sctp_association_connect(l->server.association), SCTP_OK);
  assert_int_equal(sctp_association_state(l->server.association), SCTP_STATE_CONNECTING);
  assert_int_equal(sctp_association_connect(l->server.association), SCTP_BAD_ARGUMENT);
  assert_int_equal(sctp_association_connect(l->client.association), SCTP_OK);
  link_run(l, 20);
  assert_int_equal(sctp_association_state(l->server.association), SCTP_STATE_CONNECTED);
  assert_int_equal(sctp_association_state(l->client.association), SCTP_STATE_CONNECTED);
  assert_int_equal(l->server.states, 1);
  link_close(l);
}

/* One INIT is enough, and its loss is repaired by the timer. */
static void repeats_a_lost_init(void **state) {
  (void)state;
  struct link *l = link_open();
  l->loss_percent = 100;
  assert_int_equal(sctp_association_connect(l->server.association), SCTP_OK);
  assert_int_equal(sctp_association_connect(l->client.association), SCTP_OK);
  link_run(l, 500);
  assert_int_equal(sctp_association_state(l->server.association), SCTP_STATE_CONNECTING);
  l->loss_percent = 0;
  link_run(l, 1500);
  assert_int_equal(sctp_association_state(l->server.association), SCTP_STATE_CONNECTED);
  assert_int_equal(sctp_association_state(l->client.association), SCTP_STATE_CONNECTED);
  link_close(l);
}

static void carries_messages_of_every_kind_both_ways(void **state) {
  (void)state;
  struct link *l = link_open_connected();
  uint16_t c = link_open_channel(l, "chat", 0, DATA_CHANNEL_RELIABLE, 0);
  static uint8_t large[SCTP_MAX_MESSAGE_BYTES];
  for (size_t i = 0; i < sizeof large; i++)
    large[i] = (uint8_t)(i * 7 + (i >> 8));
  static const struct {
    enum data_channel_message kind;
    size_t len;
  } cases[] = {{DATA_CHANNEL_TEXT, 5},     {DATA_CHANNEL_BINARY, 5},
               {DATA_CHANNEL_TEXT, 0},     {DATA_CHANNEL_BINARY, 0},
               {DATA_CHANNEL_BINARY, 1},   {DATA_CHANNEL_BINARY, 1200},
               {DATA_CHANNEL_TEXT, 30000}, {DATA_CHANNEL_BINARY, SCTP_MAX_MESSAGE_BYTES}};
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    for (int direction = 0; direction < 2; direction++) {
      struct end *from = direction ? &l->server : &l->client, *to = from->peer;
      assert_int_equal(sctp_association_send(from->association, c, cases[i].kind, large, cases[i].len), SCTP_OK);
      link_run(l, 100);
      assert_int_equal(to->messages, i + 1);
      assert_int_equal(to->last_channel, c);
      assert_int_equal(to->last_kind, cases[i].kind);
      assert_int_equal(to->last_len, cases[i].len);
      assert_memory_equal(to->last_message, large, cases[i].len);
    }
  }
  assert_true(l->largest <= SCTP_DEFAULT_PACKET_BYTES);
  assert_true(l->largest > SCTP_DEFAULT_PACKET_BYTES - 32); /* and the packets are full */
  link_close(l);
}

static void refuses_what_it_may_not_send(void **state) {
  (void)state;
  struct link *l = link_open();
  uint8_t byte = 1;
  struct sctp_association *a = l->client.association;
  static uint8_t too_large[SCTP_MAX_MESSAGE_BYTES + 1];
  assert_int_equal(sctp_association_send(a, 0, DATA_CHANNEL_BINARY, &byte, 1), SCTP_NOT_CONNECTED);
  assert_int_equal(sctp_association_close_channel(a, 0), SCTP_NOT_CONNECTED);
  link_close(l);
  l = link_open_connected();
  a = l->client.association;
  uint16_t c = link_open_channel(l, "x", 0, DATA_CHANNEL_RELIABLE, 0);
  assert_int_equal(sctp_association_send(a, (uint16_t)(c + 2), DATA_CHANNEL_BINARY, &byte, 1), SCTP_NOT_OPEN);
  assert_int_equal(sctp_association_send(a, 65535, DATA_CHANNEL_BINARY, &byte, 1), SCTP_NOT_OPEN);
  assert_int_equal(sctp_association_send(a, c, DATA_CHANNEL_BINARY, too_large, sizeof too_large), SCTP_TOO_LARGE);
  assert_int_equal(sctp_association_close_channel(a, 63), SCTP_NOT_OPEN);
  assert_int_equal(sctp_association_close_channel(a, 64), SCTP_NOT_OPEN);
  assert_int_equal(sctp_association_receive(a, too_large, 11), SCTP_BAD_ARGUMENT);
  assert_int_equal(sctp_association_receive(a, too_large, 2049), SCTP_BAD_ARGUMENT);
  assert_int_equal(drops_of(&l->client, SCTP_DROP_PACKET_SIZE), 2);
  link_close(l);
}

/* Message i carries i and is (i * 997) % 20000 + 4 bytes long. */
static int expected_number;
static void check_number(struct end *e, uint16_t channel, const uint8_t *data, size_t len) {
  (void)e;
  (void)channel;
  int number = data[0] << 8 | data[1];
  assert_int_equal(number, expected_number);
  assert_int_equal(len, (size_t)(number * 997 % 20000 + 4));
  assert_int_equal(data[len - 1], (uint8_t)number);
  expected_number++;
}

static void is_reliable_and_ordered_over_a_lossy_link(void **state) {
  (void)state;
  static uint8_t message[20004];
  struct link *l = link_open_connected();
  uint16_t c = link_open_channel(l, "file", 0, DATA_CHANNEL_RELIABLE, 0);
  l->loss_percent = 20;
  l->server.on_message = check_number;
  expected_number = 0;
  for (int sent = 0; sent < 150;) {
    size_t len = (size_t)(sent * 997 % 20000 + 4);
    memset(message, sent, len);
    message[0] = (uint8_t)(sent >> 8);
    message[1] = (uint8_t)sent;
    if (sctp_association_send(l->client.association, c, DATA_CHANNEL_BINARY, message, len) == SCTP_OK)
      sent++;
    else
      link_run(l, 100);
  }
  for (int i = 0; i < 3000 && l->server.messages < 150; i++)
    link_run(l, 100);
  assert_int_equal(l->server.messages, 150);
  l->loss_percent = 0;
  link_run(l, 15000);
  assert_int_equal(sctp_association_queued_bytes(l->client.association), 0);
  link_close(l);
}

/* maxRetransmits 0: what the link loses stays lost, and neither side waits for it. */
static void gives_up_lost_messages_of_a_lossy_channel(void **state) {
  (void)state;
  struct link *l = link_open_connected();
  uint16_t c = link_open_channel(l, "lossy", 1, DATA_CHANNEL_MAX_RETRANSMITS, 0);
  assert_int_equal(l->server.last_options.unordered, 1);
  assert_int_equal(l->server.last_options.reliability, DATA_CHANNEL_MAX_RETRANSMITS);
  l->loss_percent = 25;
  uint8_t message[600];
  memset(message, 7, sizeof message);
  for (int i = 0; i < 300; i++) {
    (void)sctp_association_send(l->client.association, c, DATA_CHANNEL_BINARY, message, sizeof message);
    link_run(l, 20);
  }
  l->loss_percent = 0;
  link_run(l, 20000);
  assert_true(l->server.messages > 100 && l->server.messages < 290);
  assert_int_equal(sctp_association_queued_bytes(l->client.association), 0);
  int before = l->server.messages;
  assert_int_equal(sctp_association_send(l->client.association, c, DATA_CHANNEL_TEXT, message, 10), SCTP_OK);
  link_run(l, 50);
  assert_int_equal(l->server.messages, before + 1);
  link_close(l);
}

static void pushes_back_when_the_queue_is_full(void **state) {
  (void)state;
  static uint8_t message[20000];
  struct link *l = link_open_connected();
  uint16_t c = link_open_channel(l, "bulk", 0, DATA_CHANNEL_RELIABLE, 0);
  struct sctp_association *a = l->client.association;
  int sent = 0, rc;
  while ((rc = sctp_association_send(a, c, DATA_CHANNEL_BINARY, message, sizeof message)) == SCTP_OK)
    sent++;
  assert_int_equal(rc, SCTP_QUEUE_FULL);
  assert_true(sent > 40);
  assert_true(sctp_association_queued_bytes(a) <= SCTP_MAX_QUEUED_BYTES);
  assert_true(sctp_association_queued_bytes(a) > SCTP_MAX_QUEUED_BYTES - 40000);
  assert_int_equal(l->client.lows, 0);
  link_run(l, 5000);
  assert_int_equal(l->client.lows, 1); /* once, not per acknowledgement */
  assert_int_equal(l->server.messages, sent);
  assert_int_equal(sctp_association_queued_bytes(a), 0);
  assert_int_equal(sctp_association_send(a, c, DATA_CHANNEL_BINARY, message, sizeof message), SCTP_OK);
  link_close(l);
}

/* A reader that is gone costs us the queue and no more, also with the smallest messages. */
static void the_queue_is_bounded_for_tiny_messages(void **state) {
  (void)state;
  struct link *l = link_open_connected();
  uint16_t c = link_open_channel(l, "tiny", 0, DATA_CHANNEL_RELIABLE, 0);
  uint8_t byte = 0;
  int sent = 0;
  l->loss_percent = 100;
  while (sent < 100000 && sctp_association_send(l->client.association, c, DATA_CHANNEL_BINARY, &byte, 1) == SCTP_OK)
    sent++;
  assert_true(sent >= 900 && sent <= SCTP_MAX_QUEUED_MESSAGES);
  link_close(l);
}

static void an_abort_closes_the_other_side(void **state) {
  (void)state;
  struct link *l = link_open_connected();
  (void)link_open_channel(l, "x", 0, DATA_CHANNEL_RELIABLE, 0);
  sctp_association_free(l->client.association);
  l->client.association = NULL;
  link_deliver(l);
  assert_int_equal(sctp_association_state(l->server.association), SCTP_STATE_CLOSED);
  assert_int_equal(l->server.states, 2);
  uint8_t packet[64] = {0};
  assert_int_equal(sctp_association_receive(l->server.association, packet, sizeof packet), SCTP_OK);
  assert_int_equal(sctp_association_send(l->server.association, 0, DATA_CHANNEL_TEXT, packet, 1), SCTP_NOT_CONNECTED);
  link_close(l);
}

/* A peer that has gone silent is given up in the end. */
static void times_out_when_the_peer_is_gone(void **state) {
  (void)state;
  struct link *l = link_open_connected();
  uint16_t c = link_open_channel(l, "x", 0, DATA_CHANNEL_RELIABLE, 0);
  l->loss_percent = 100;
  assert_int_equal(sctp_association_send(l->client.association, c, DATA_CHANNEL_TEXT, (const uint8_t *)"?", 1),
                   SCTP_OK);
  link_run(l, 20000);
  assert_int_equal(sctp_association_state(l->client.association), SCTP_STATE_CONNECTED);
  link_run(l, 180000);
  assert_int_equal(sctp_association_state(l->client.association), SCTP_STATE_CLOSED);
  link_close(l);
}

static void free_itself(struct end *e, uint16_t channel, const uint8_t *data, size_t len) {
  (void)channel;
  (void)data;
  (void)len;
  sctp_association_free(e->association);
  e->association = NULL;
}

static void may_be_freed_from_the_listener(void **state) {
  (void)state;
  struct link *l = link_open_connected();
  uint16_t c = link_open_channel(l, "x", 0, DATA_CHANNEL_RELIABLE, 0);
  l->server.on_message = free_itself;
  for (int i = 0; i < 5; i++)
    assert_int_equal(sctp_association_send(l->client.association, c, DATA_CHANNEL_TEXT, (const uint8_t *)"bye", 3),
                     SCTP_OK);
  link_run(l, 50);
  assert_int_equal(l->server.messages, 1);
  assert_null(l->server.association);
  assert_int_equal(sctp_association_state(l->client.association), SCTP_STATE_CLOSED);
  link_close(l);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(connects_when_both_sides_send_init),
      cmocka_unit_test(repeats_a_lost_init),
      cmocka_unit_test(carries_messages_of_every_kind_both_ways),
      cmocka_unit_test(refuses_what_it_may_not_send),
      cmocka_unit_test(is_reliable_and_ordered_over_a_lossy_link),
      cmocka_unit_test(gives_up_lost_messages_of_a_lossy_channel),
      cmocka_unit_test(pushes_back_when_the_queue_is_full),
      cmocka_unit_test(the_queue_is_bounded_for_tiny_messages),
      cmocka_unit_test(an_abort_closes_the_other_side),
      cmocka_unit_test(times_out_when_the_peer_is_gone),
      cmocka_unit_test(may_be_freed_from_the_listener),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
