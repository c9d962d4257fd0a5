/* tests/fuzz/ice_sctp_fuzz.c: a hostile peer inside an established association.
 *
 * Two associations of this process connect; then records of the input act as the peer: kind byte, two length bytes, data.
 *   kind & 3 = 0  chunks: sent with a correct verification tag and checksum
 *              1  a message of the real peer: stream and PPID from the first two bytes
 *              2  time passes: the length in milliseconds
 *              3  our side acts: opens, closes or sends by the length's low bits
 * The associations live for one input. Everything must end with both freed and nothing leaked. */
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

#include "ice/sctp_internal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int64_t clock_us = 1000000;
int gettimeofday(struct timeval *tv, void *tz) { /* virtual time for usrsctp, see sctp_association.h */
  (void)tz;
  tv->tv_sec = clock_us / 1000000;
  tv->tv_usec = clock_us % 1000000;
  return 0;
}

#define QUEUE 256
struct side {
  struct sctp_association *association;
  struct side *peer;
  uint32_t tag; /* verification tag the other side must use towards us, seen on its packets */
  size_t head, tail;
  uint16_t lengths[QUEUE];
  uint8_t packets[QUEUE][2048];
};
static struct side server, client;
static struct sctp_stack *stack;

static void send_packet(const uint8_t *data, size_t len, void *arg) {
  struct side *to = ((struct side *)arg)->peer;
  if (len > sizeof to->packets[0] || to->tail - to->head == QUEUE) return;
  if (len >= 12 && data[4] | data[5] | data[6] | data[7]) memcpy(&to->tag, data + 4, 4);
  to->lengths[to->tail % QUEUE] = (uint16_t)len;
  memcpy(to->packets[to->tail++ % QUEUE], data, len);
}

static void check_message(uint16_t channel, enum data_channel_message kind, const uint8_t *data, size_t len,
                          void *arg) {
  static volatile uint8_t sum;
  (void)channel;
  (void)kind;
  (void)arg;
  if (len > SCTP_MAX_MESSAGE_BYTES) abort();
  for (size_t i = 0; i < len; i++)
    sum = (uint8_t)(sum + data[i]);
}

static void deliver(void) {
  for (int i = 0; i < 2000 && (server.head != server.tail || client.head != client.tail); i++) {
    struct side *s = server.head != server.tail ? &server : &client;
    size_t at = s->head++ % QUEUE;
    uint8_t packet[2048];
    memcpy(packet, s->packets[at], s->lengths[at]);
    (void)sctp_association_receive(s->association, packet, s->lengths[at]);
  }
}

static void pass(int ms) {
  for (int t = 0; t < ms; t += 50) {
    deliver();
    clock_us += 50000;
    sctp_stack_tick(stack, clock_us);
  }
  deliver();
}

static void inject_chunks(const uint8_t *data, size_t len) {
  uint8_t packet[2048] = {0x13, 0x88, 0x13, 0x88};
  if (len > 1400) len = 1400;
  memcpy(packet + 4, &server.tag, 4);
  memcpy(packet + 12, data, len);
  uint32_t crc = usrsctp_crc32c(packet, 12 + len);
  memcpy(packet + 8, &crc, 4);
  (void)sctp_association_receive(server.association, packet, 12 + len);
}

static void act(size_t what, const uint8_t *data, size_t len) {
  const struct data_channel_options options = {.label = "f", .label_len = 1, .unordered = what >> 3 & 1};
  uint16_t channel = (uint16_t)(what >> 4 & 0x3f);
  if ((what & 3) == 0) (void)sctp_association_open_channel(server.association, &options, &channel);
  if ((what & 3) == 1) (void)sctp_association_close_channel(server.association, channel);
  if ((what & 3) >= 2) (void)sctp_association_send(server.association, channel, DATA_CHANNEL_BINARY, data, len);
}

static void run(const uint8_t *data, size_t size) {
  while (size >= 3) {
    uint8_t kind = data[0] & 3;
    size_t number = (size_t)data[1] << 8 | data[2], len = kind == 2 ? 0 : number;
    data += 3;
    size -= 3;
    if (len > size) len = size;
    if (kind == 0) inject_chunks(data, len);
    if (kind == 1 && len >= 2 && sctp_association_state(client.association) == SCTP_STATE_CONNECTED)
      (void)sctp_association_send_raw(client.association, data[0] & 63, data[1], data + 2, len - 2);
    if (kind == 2) pass((int)(number % 5000));
    if (kind == 3) act(number, data, len);
    deliver();
    data += len;
    size -= len;
  }
}

static void open_side(struct side *s, struct side *peer, int is_client) {
  const struct sctp_association_listener listener = {
      .send_packet = send_packet, .channel_message = check_message, .arg = s};
  const struct sctp_association_config config = {.dtls_client = (uint8_t)is_client};
  s->head = s->tail = 0;
  s->peer = peer;
  if (sctp_association_create(&s->association, stack, &config, &listener) != SCTP_OK) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (stack == NULL && sctp_stack_create(&stack) != SCTP_OK) abort();
  open_side(&server, &client, 0);
  open_side(&client, &server, 1);
  if (sctp_association_connect(server.association) != SCTP_OK ||
      sctp_association_connect(client.association) != SCTP_OK)
    abort();
  pass(50);
  if (sctp_association_state(server.association) != SCTP_STATE_CONNECTED) abort();
  run(data, size);
  sctp_association_free(server.association);
  sctp_association_free(client.association);
  server.head = server.tail = client.head = client.tail = 0;
  clock_us += 2000000; /* usrsctp frees what is closed from its timers */
  sctp_stack_tick(stack, clock_us);
  usrsctp_handle_timers(2000);
  return 0;
}
