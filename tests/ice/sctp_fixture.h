/* tests/ice/sctp_fixture.h: two associations of one process joined by a virtual link with loss, in virtual time. */
#ifndef TESTS_ICE_SCTP_FIXTURE_H
#define TESTS_ICE_SCTP_FIXTURE_H

/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
/* clang-format on */
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

#include "ice/sctp_internal.h"

#define LINK_PACKETS 4096

struct end {
  struct link *link;
  struct sctp_association *association;
  struct end *peer;
  int opened, closed, messages, lows, states;
  uint16_t last_channel;
  enum data_channel_message last_kind;
  size_t last_len;
  uint8_t last_message[SCTP_MAX_MESSAGE_BYTES];
  struct data_channel_options last_options;
  char label[SCTP_MAX_LABEL_BYTES + 1], protocol[SCTP_MAX_PROTOCOL_BYTES + 1];
  void (*on_message)(struct end *e, uint16_t channel, const uint8_t *data, size_t len);
};

struct packet {
  struct end *to;
  size_t len;
  uint8_t data[2048];
};

struct link {
  struct sctp_stack *stack;
  struct end server, client; /* the client is the DTLS client: even stream ids */
  struct packet *packets;    /* ring */
  size_t head, tail;
  uint64_t seed;
  unsigned loss_percent;
  size_t largest;
  int64_t now_us;
};

/* usrsctp asks this clock how old an unacknowledged chunk is. The program's symbol goes before the C library's, so the
 * tests run in virtual time throughout. */
static int64_t virtual_now_us = 1000000;
int gettimeofday(struct timeval *tv, void *tz) {
  (void)tz;
  tv->tv_sec = virtual_now_us / 1000000;
  tv->tv_usec = virtual_now_us % 1000000;
  return 0;
}

static inline uint32_t link_random(struct link *l) {
  l->seed ^= l->seed >> 12;
  l->seed ^= l->seed << 25;
  l->seed ^= l->seed >> 27;
  return (uint32_t)((l->seed * UINT64_C(2685821657736338717)) >> 32);
}

static inline void link_send(const uint8_t *data, size_t len, void *arg) {
  struct end *from = arg;
  struct link *l = from->link;
  if (len > l->largest) l->largest = len;
  if (len > sizeof l->packets[0].data || l->tail - l->head == LINK_PACKETS) return;
  if (l->loss_percent && link_random(l) % 100 < l->loss_percent) return;
  struct packet *p = &l->packets[l->tail++ % LINK_PACKETS];
  p->to = from->peer;
  p->len = len;
  memcpy(p->data, data, len);
}

static inline void end_state(enum sctp_state state, void *arg) {
  (void)state;
  ((struct end *)arg)->states++;
}

static inline void end_opened(uint16_t channel, const struct data_channel_options *options, void *arg) {
  struct end *e = arg;
  e->opened++;
  e->last_channel = channel;
  e->last_options = *options;
  memcpy(e->label, options->label, options->label_len);
  e->label[options->label_len] = 0;
  memcpy(e->protocol, options->protocol, options->protocol_len);
  e->protocol[options->protocol_len] = 0;
}

static inline void end_message(uint16_t channel, enum data_channel_message kind, const uint8_t *data, size_t len,
                               void *arg) {
  struct end *e = arg;
  e->messages++;
  e->last_channel = channel;
  e->last_kind = kind;
  e->last_len = len;
  memcpy(e->last_message, data, len);
  if (e->on_message) e->on_message(e, channel, data, len);
}

static inline void end_closed(uint16_t channel, void *arg) {
  struct end *e = arg;
  e->closed++;
  e->last_channel = channel;
}

static inline void end_low(void *arg) {
  ((struct end *)arg)->lows++;
}

static inline void end_create(struct link *l, struct end *e, struct end *peer, int client) {
  const struct sctp_association_listener listener = {.send_packet = link_send,
                                                     .state_changed = end_state,
                                                     .channel_opened = end_opened,
                                                     .channel_message = end_message,
                                                     .channel_closed = end_closed,
                                                     .queue_low = end_low,
                                                     .arg = e};
  const struct sctp_association_config config = {.dtls_client = (uint8_t)client};
  e->link = l;
  e->peer = peer;
  assert_int_equal(sctp_association_create(&e->association, l->stack, &config, &listener), SCTP_OK);
}

/* Delivers everything on its way, what that causes included. */
static inline void link_deliver(struct link *l) {
  while (l->head != l->tail) {
    struct packet p = l->packets[l->head++ % LINK_PACKETS];
    if (p.to->association) (void)sctp_association_receive(p.to->association, p.data, p.len);
  }
}

/* Lets `ms` of virtual time pass. */
static inline void link_run(struct link *l, int ms) {
  for (int t = 0; t < ms; t += 10) {
    link_deliver(l);
    l->now_us += 10000;
    virtual_now_us = l->now_us;
    sctp_stack_tick(l->stack, l->now_us);
  }
  link_deliver(l);
}

static inline struct link *link_open(void) {
  struct link *l = calloc(1, sizeof *l);
  assert_non_null(l);
  l->packets = calloc(LINK_PACKETS, sizeof *l->packets);
  assert_non_null(l->packets);
  l->seed = 42;
  l->now_us = virtual_now_us;
  assert_int_equal(sctp_stack_create(&l->stack), SCTP_OK);
  end_create(l, &l->server, &l->client, 0);
  end_create(l, &l->client, &l->server, 1);
  return l;
}

static inline struct link *link_open_connected(void) {
  struct link *l = link_open();
  assert_int_equal(sctp_association_connect(l->server.association), SCTP_OK);
  assert_int_equal(sctp_association_connect(l->client.association), SCTP_OK);
  link_run(l, 50);
  assert_int_equal(sctp_association_state(l->server.association), SCTP_STATE_CONNECTED);
  assert_int_equal(sctp_association_state(l->client.association), SCTP_STATE_CONNECTED);
  return l;
}

static inline void link_close(struct link *l) {
  sctp_association_free(l->server.association);
  l->server.association = NULL;
  sctp_association_free(l->client.association);
  sctp_stack_free(l->stack);
  free(l->packets);
  free(l);
}

/* Opens a channel from the client and waits until both ends know it. */
static inline uint16_t link_open_channel(struct link *l, const char *label, int unordered,
                                         enum data_channel_reliability reliability, uint32_t value) {
  const struct data_channel_options options = {.label = label,
                                               .label_len = strlen(label),
                                               .protocol = "p",
                                               .protocol_len = 1,
                                               .unordered = (uint8_t)unordered,
                                               .reliability = reliability,
                                               .reliability_value = value,
                                               .priority = 256};
  uint16_t channel = 0xffff;
  int before = l->client.opened;
  assert_int_equal(sctp_association_open_channel(l->client.association, &options, &channel), SCTP_OK);
  link_run(l, 50);
  assert_int_equal(l->client.opened, before + 1);
  return channel;
}

static inline uint64_t drops_of(const struct end *e, enum sctp_drop reason) {
  struct sctp_association_stats stats;
  sctp_association_get_stats(e->association, &stats);
  return stats.drops[reason];
}

#endif
