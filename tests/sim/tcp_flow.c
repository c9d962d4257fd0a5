/* A greedy flow: see tests/sim/tcp_flow.h. */
#include "tests/sim/tcp_flow.h"

#include <string.h>

#define SEGMENT_BYTES 1400
#define WINDOW_MAX    2000

static void fill(struct tcp_flow *t) {
  static const uint8_t segment[SEGMENT_BYTES];
  while (t->in_flight < (int)t->window) {
    t->in_flight++;
    link_send(t->link, t->flow, segment, sizeof segment);
  }
}

static void on_ack(void *arg, void *data) {
  struct tcp_flow *t = arg;
  (void)data;
  t->in_flight--;
  t->window += t->window < t->threshold ? 1 : 1 / t->window;
  if (t->window > WINDOW_MAX) t->window = WINDOW_MAX;
  fill(t);
}

static void on_missed(void *arg, void *data) {
  struct tcp_flow *t = arg;
  (void)data;
  t->in_flight--;
  if (t->clock->now_us - t->halved_us > t->rtt_us) {
    t->halved_us = t->clock->now_us;
    t->threshold = t->window = t->window / 2 < 2 ? 2 : t->window / 2;
  }
  fill(t);
}

static void delivered(void *arg, struct sim_packet *p) {
  struct tcp_flow *t = arg;
  int64_t back_us = t->base_rtt_us / 2;
  t->rtt_us = (7 * t->rtt_us + t->clock->now_us - p->sent_us + back_us) / 8;
  sim_at(t->clock, t->clock->now_us + back_us, on_ack, t, NULL);
}

static void dropped(void *arg, const struct sim_packet *p) {
  struct tcp_flow *t = arg;
  (void)p;
  sim_at(t->clock, t->clock->now_us + t->rtt_us, on_missed, t, NULL);
}

static void on_start(void *arg, void *data) {
  (void)data;
  fill(arg);
}

void tcp_flow_init(struct tcp_flow *t, struct sim_clock *clock, struct sim_link *link, uint8_t flow,
                   int64_t base_rtt_us, int64_t start_us) {
  *t = (struct tcp_flow){.clock = clock,
                         .link = link,
                         .flow = flow,
                         .window = 10,
                         .threshold = WINDOW_MAX,
                         .rtt_us = base_rtt_us,
                         .base_rtt_us = base_rtt_us};
  link->flows[flow] = (struct link_flow){.deliver = delivered, .dropped = dropped, .arg = t};
  sim_at(clock, start_us, on_start, t, NULL);
}
