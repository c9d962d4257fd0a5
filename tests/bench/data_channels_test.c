/* Against another association of the same SCTP stack, in memory: both channels as PROTOCOL.md §11 names them, messages to all,
 * and what is not one of ours. */
#include "bench/load/data_channels.h"

#include <stdlib.h>

#include "tests/bench/check.h"

#define QUEUE 256

static struct sctp_stack *stack;
static struct sctp_association *server;
static struct data_channels *client;
static struct packet {
  bool to_server;
  size_t len;
  uint8_t data[1500];
} queue[QUEUE];
static unsigned queued, opened, heard, labels;
static struct data_stamp last;
static uint16_t last_channel;
static uint8_t received[256];
static size_t received_len;
static bool lossy_is_lossy;

static void put(bool to_server, const uint8_t *data, size_t len) {
  assert_true(queued < QUEUE && len <= sizeof queue[0].data);
  queue[queued].to_server = to_server;
  queue[queued].len = len;
  memcpy(queue[queued++].data, data, len);
}

static void to_server(void *arg, const uint8_t *data, size_t len) {
  (void)arg;
  put(true, data, len);
}

static void to_client(const uint8_t *data, size_t len, void *arg) {
  (void)arg;
  put(false, data, len);
}

static void on_opened(void *arg) {
  (void)arg;
  opened++;
}

static void on_message(void *arg, const struct data_stamp *stamp) {
  (void)arg;
  heard++;
  last = *stamp;
}

static void at_server_opened(uint16_t channel, const struct data_channel_options *o, void *arg) {
  (void)channel, (void)arg;
  if (o->label_len == 8 && memcmp(o->label, "reliable", 8) == 0 && !o->unordered &&
      o->reliability == DATA_CHANNEL_RELIABLE)
    labels |= 1;
  if (o->label_len == 5 && memcmp(o->label, "lossy", 5) == 0) labels |= 2;
  if (o->label_len == 5)
    lossy_is_lossy = o->unordered && o->reliability == DATA_CHANNEL_MAX_RETRANSMITS && o->reliability_value == 0;
}

static void at_server_message(uint16_t channel, enum data_channel_message kind, const uint8_t *data, size_t len,
                              void *arg) {
  (void)arg;
  assert_int_equal(kind, DATA_CHANNEL_BINARY);
  assert_true(len <= sizeof received);
  last_channel = channel;
  memcpy(received, data, received_len = len);
}

/* Until nothing is on its way. */
static void pump(void) {
  for (unsigned i = 0; i < queued; i++) {
    struct packet p = queue[i];
    if (p.to_server)
      (void)sctp_association_receive(server, p.data, p.len);
    else
      data_channels_receive(client, p.data, p.len);
  }
  queued = 0;
}

static int set_up(void **state) {
  (void)state;
  static const struct sctp_association_config config = {0};
  static const struct sctp_association_listener at_server = {
      .send_packet = to_client, .channel_opened = at_server_opened, .channel_message = at_server_message};
  static const struct data_channels_listener at_client = {NULL, to_server, on_opened, on_message};
  queued = opened = heard = labels = 0;
  assert_int_equal(sctp_stack_create(&stack), SCTP_OK);
  assert_int_equal(sctp_association_create(&server, stack, &config, &at_server), SCTP_OK);
  assert_int_equal(sctp_association_connect(server), SCTP_OK);
  assert_int_equal(data_channels_create(&client, stack, 5000, &at_client), SCTP_OK);
  return 0;
}

static int tear_down(void **state) {
  (void)state;
  data_channels_free(client);
  sctp_association_free(server);
  sctp_stack_free(stack);
  return 0;
}

static void both_open_once_and_as_they_are_named(void **state) {
  (void)state;
  assert_false(data_channels_open(client));
  assert_false(data_channels_say(client, &(struct data_stamp){1, 1}));
  pump();
  assert_true(data_channels_open(client));
  assert_int_equal(opened, 1);
  assert_int_equal(labels, 3);
  assert_true(lossy_is_lossy);
}

static void messages_go_to_all_and_by_turns(void **state) {
  (void)state;
  pump();
  assert_true(data_channels_say(client, &(struct data_stamp){1, 1}));
  pump();
  uint16_t first = last_channel;
  assert_int_equal(received_len, DATA_MESSAGE_BYTES);
  assert_int_equal(received[0], 0); /* nobody in particular */
  assert_true(data_channels_say(client, &(struct data_stamp){1, 1}));
  pump();
  assert_int_not_equal(last_channel, first);
}

static void a_stamp_survives_the_way_through_the_server(void **state) {
  (void)state;
  uint8_t forwarded[256] = {6, 'p', '_', 'a', 'b', 'c', 'd'};
  pump();
  assert_true(data_channels_say(client, &(struct data_stamp){.sent_us = 1234567890123, .window = 7}));
  pump();
  memcpy(forwarded + 7, received + 1, received_len - 1);
  assert_int_equal(sctp_association_send(server, last_channel, DATA_CHANNEL_BINARY, forwarded, received_len + 6),
                   SCTP_OK);
  pump();
  assert_int_equal(heard, 1);
  assert_int_equal(last.sent_us, 1234567890123);
  assert_int_equal(last.window, 7);
}

static void what_is_not_ours_is_not_counted(void **state) {
  (void)state;
  static const uint8_t foreign[64] = {4, 'a', 'b', 'c', 'd', 'n', 'o'}, overlong[] = {200, 1, 2},
                       cut[] = {2, 'a', 'b', 1};
  pump();
  assert_true(data_channels_say(client, &(struct data_stamp){1, 1}));
  pump();
  sctp_association_send(server, last_channel, DATA_CHANNEL_BINARY, foreign, sizeof foreign);
  sctp_association_send(server, last_channel, DATA_CHANNEL_BINARY, overlong, sizeof overlong);
  sctp_association_send(server, last_channel, DATA_CHANNEL_BINARY, cut, sizeof cut);
  sctp_association_send(server, last_channel, DATA_CHANNEL_TEXT, foreign, sizeof foreign);
  sctp_association_send(server, last_channel, DATA_CHANNEL_BINARY, foreign, 0);
  pump();
  assert_int_equal(heard, 0);
}

static void after_the_servers_end_nothing_can_be_said(void **state) {
  (void)state;
  pump();
  sctp_association_free(server); /* ABORT */
  server = NULL;
  for (unsigned i = 0; i < queued; i++)
    if (!queue[i].to_server) data_channels_receive(client, queue[i].data, queue[i].len);
  assert_false(data_channels_open(client));
  assert_false(data_channels_say(client, &(struct data_stamp){1, 1}));
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
  const struct CMUnitTest tests[] = {
      CASE(both_open_once_and_as_they_are_named),        CASE(messages_go_to_all_and_by_turns),
      CASE(a_stamp_survives_the_way_through_the_server), CASE(what_is_not_ours_is_not_counted),
      CASE(after_the_servers_end_nothing_can_be_said),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
