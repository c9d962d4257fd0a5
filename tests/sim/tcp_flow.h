/* tests/sim/tcp_flow.h: a bulk download over the same bottleneck: slow start, additive increase, halving at a loss, once a round
 * trip (RFC 5681, without its timers: a loss is noticed one round trip later). */
#ifndef TESTS_SIM_TCP_FLOW_H
#define TESTS_SIM_TCP_FLOW_H

#include "tests/sim/link.h"

struct tcp_flow {
  struct sim_clock *clock;
  struct sim_link *link;
  uint8_t flow;
  double window, threshold; /* packets */
  int in_flight;
  int64_t rtt_us, base_rtt_us, halved_us;
};

/* Begins at `start_us`. Takes the link's flow number `flow`. */
void tcp_flow_init(struct tcp_flow *t, struct sim_clock *clock, struct sim_link *link, uint8_t flow,
                   int64_t base_rtt_us, int64_t start_us);

#endif
