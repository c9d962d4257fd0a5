/* bench/load/data_channels.c: see the header. */
#include "bench/load/data_channels.h"

#include <stdlib.h>
#include <string.h>

#define MAGIC 0x64617461u /* "data" */

enum { RELIABLE, LOSSY, CHANNELS };

struct wire_stamp {
  uint32_t magic, window;
  int64_t sent_us;
} __attribute__((packed));

struct data_channels {
  struct data_channels_listener on;
  struct sctp_association *association;
  uint16_t ids[CHANNELS];
  unsigned opened, turn;
};

static const struct data_channel_options kinds[CHANNELS] = {
    [RELIABLE] = {.label = "reliable", .label_len = 8, .priority = 256},
    [LOSSY] = {.label = "lossy",
               .label_len = 5,
               .unordered = 1,
               .reliability = DATA_CHANNEL_MAX_RETRANSMITS,
               .reliability_value = 0,
               .priority = 256},
};

static void on_packet(const uint8_t *data, size_t len, void *arg) {
  struct data_channels *d = arg;
  d->on.send(d->on.arg, data, len);
}

static void on_state(enum sctp_state state, void *arg) {
  struct data_channels *d = arg;
  if (state == SCTP_STATE_CLOSED) d->opened = 0;
  for (unsigned i = 0; state == SCTP_STATE_CONNECTED && i < CHANNELS; i++)
    (void)sctp_association_open_channel(d->association, &kinds[i], &d->ids[i]);
}

static void on_opened(uint16_t channel, const struct data_channel_options *options, void *arg) {
  struct data_channels *d = arg;
  (void)channel, (void)options;
  if (++d->opened == CHANNELS) d->on.opened(d->on.arg);
}

/* [u8 n][n bytes: who sent it][payload] */
static void on_message(uint16_t channel, enum data_channel_message kind, const uint8_t *data, size_t len, void *arg) {
  const struct data_channels *d = arg;
  struct wire_stamp w;
  (void)channel;
  if (kind != DATA_CHANNEL_BINARY || len < 1 || len - 1 < data[0] + sizeof w) return;
  memcpy(&w, data + 1 + data[0], sizeof w);
  if (w.magic != MAGIC) return;
  d->on.message(d->on.arg, &(struct data_stamp){.sent_us = w.sent_us, .window = w.window});
}

static void on_closed(uint16_t channel, void *arg) {
  struct data_channels *d = arg;
  (void)channel;
  d->opened = 0;
}

int data_channels_create(struct data_channels **out, struct sctp_stack *stack, uint16_t server_port,
                         const struct data_channels_listener *listener) {
  struct data_channels *d = calloc(1, sizeof *d);
  if (!d) return SCTP_NO_MEMORY;
  d->on = *listener;
  const struct sctp_association_config config = {.remote_port = server_port, .dtls_client = 1};
  const struct sctp_association_listener own = {.send_packet = on_packet,
                                                .state_changed = on_state,
                                                .channel_opened = on_opened,
                                                .channel_message = on_message,
                                                .channel_closed = on_closed,
                                                .arg = d};
  int error = sctp_association_create(&d->association, stack, &config, &own);
  if (!error) error = sctp_association_connect(d->association);
  if (error) {
    data_channels_free(d);
    return error;
  }
  *out = d;
  return 0;
}

void data_channels_free(struct data_channels *d) {
  if (!d) return;
  sctp_association_free(d->association);
  free(d);
}

void data_channels_receive(struct data_channels *d, const uint8_t *packet, size_t len) {
  (void)sctp_association_receive(d->association, packet, len);
}

bool data_channels_open(const struct data_channels *d) {
  return d->opened == CHANNELS;
}

bool data_channels_say(struct data_channels *d, const struct data_stamp *stamp) {
  uint8_t message[DATA_MESSAGE_BYTES] = {0}; /* n = 0: to everybody */
  const struct wire_stamp w = {.magic = MAGIC, .window = stamp->window, .sent_us = stamp->sent_us};
  memcpy(message + 1, &w, sizeof w);
  return data_channels_open(d) && sctp_association_send(d->association, d->ids[d->turn++ % CHANNELS],
                                                        DATA_CHANNEL_BINARY, message, sizeof message) == SCTP_OK;
}
