/* tests/sim/link.h: one direction of a network path: a bottleneck with a queue, then a way with delay, jitter, loss, reordering
 * and duplicates. Several flows may share it. */
#ifndef TESTS_SIM_LINK_H
#define TESTS_SIM_LINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "rtp/packet.h"
#include "tests/sim/clock.h"
#include "tests/sim/random.h"

#define LINK_STEPS   12
#define LINK_FLOWS   8
#define LINK_QUEUED  8192 /* a power of two */
#define LINK_CARRIED 128  /* of a media packet: nobody looks at its payload behind the descriptor */
#define IP_UDP_SRTP  44   /* IPv4 20, UDP 8, AES-GCM tag 16: what a packet is longer on the wire than here */

enum link_trace { TRACE_NONE = 0, TRACE_LTE, TRACE_3G };

struct link_profile {
  struct {
    double at_s, bps; /* from this instant; bps 0: an outage that loses everything */
  } steps[LINK_STEPS];
  size_t step_count;     /* 0: as fast as light */
  enum link_trace trace; /* varies around steps[0].bps */
  double delay_ms;
  double queue_ms;                  /* limit of the queue, at steps[0].bps; 0: 300 ms */
  double jitter_ms;                 /* Gaussian, never negative */
  bool jitter_slow;                 /* correlated over 100 ms, uniform in 0…jitter_ms: a busy cell */
  double wifi_every_s, wifi_max_ms; /* Wi-Fi: now and then nothing gets through for up to so long; then all at once */
  double loss;                      /* random, after the bottleneck */
  double burst_every, burst_length; /* Gilbert-Elliott: mean packets between bursts, and of a burst (all lost) */
  double reorder, duplicate;        /* shares; reordered: 10 to 40 ms late */
};

struct sim_packet {
  struct sim_packet *next; /* on the way, or spare */
  int64_t sent_us, at_us;  /* leaves, arrives */
  uint64_t order;
  uint16_t len;
  uint8_t flow;
  uint8_t data[1600];
};

struct link_flow {
  void (*deliver)(void *arg, struct sim_packet *p); /* whose bytes may be changed: it is gone afterwards */
  void (*dropped)(void *arg,
                  const struct sim_packet *p); /* NULL: nobody cares; called when the queue was full or it got lost */
  void *arg;
  uint64_t delivered_bytes; /* on the wire, since counting began */
};

#define LINK_WAIT_BINS 4000 /* of a millisecond */

struct sim_link {
  struct sim_clock *clock;
  struct link_profile profile;
  struct sim_random random;
  uint32_t overhead_bytes; /* IP_UDP_SRTP; 0 when whole IP packets are sent */
  struct link_flow flows[LINK_FLOWS];
  double *trace_bps; /* by 100 ms; NULL: none */
  size_t trace_count;
  double trace_from_us; /* it begins then */
  double constant_bps;  /* the rate never changes; 0: it may */
  int64_t delay_us;
  double free_us; /* when the bottleneck is idle again */
  uint64_t queue_limit_bytes, queued_bytes;
  struct link_queued {
    double done_us;
    uint32_t bytes;
  } * queue; /* LINK_QUEUED */
  uint32_t queue_head, queue_tail;
  double slow_jitter; /* 0…1 */
  int64_t slow_jitter_us, wifi_next_us, wifi_until_us, last_delivery_us;
  bool bad;                                       /* Gilbert-Elliott */
  struct sim_packet *way_head, *way_tail, *spare; /* in order of arrival */
  int64_t count_from_us;                          /* statistics begin here */
  uint64_t entered, lost, overflowed, waits;
  uint32_t wait_ms[LINK_WAIT_BINS]; /* histogram of queueing delay, of flows `waits_of` */
  uint32_t waits_of;                /* bit mask of flows */
  int64_t capacity_bits;            /* of what passed, since counting began: see link_capacity_bits */
};

void link_init(struct sim_link *l, struct sim_clock *clock, const struct link_profile *profile, uint64_t seed,
               uint64_t place, double duration_s);
void link_close(struct sim_link *l);
void link_send(struct sim_link *l, uint8_t flow, const uint8_t *data, size_t len);

/* Copies a datagram, of media what a link carries. Padding says at its end how long it is, so that it is carried whole. */
static inline void link_copy(uint8_t *to, const uint8_t *data, size_t len) {
  const bool rtcp = data[1] >= 192 && data[1] <= 223;
  if (len > LINK_CARRIED && data[0] >> 6 == 2 && !(data[0] & RTP_PADDING_BIT) && !rtcp)
    memcpy(to, data, LINK_CARRIED);
  else
    memcpy(to, data, len);
}

/* What the bottleneck could carry between two instants, in bits. */
double link_capacity_bits(const struct sim_link *l, int64_t from_us, int64_t to_us);
double link_rate_bps(const struct sim_link *l, int64_t at_us);
/* Wait in the queue that a packet entering now would have, ms. */
double link_queue_ms(const struct sim_link *l);
/* Quantile of the queueing delay counted so far, ms. */
double link_wait_quantile(const struct sim_link *l, double q);

#endif
