/* Bottleneck and path: see tests/sim/link.h. */
#include "tests/sim/link.h"

#include <stdlib.h>
#include <string.h>

#define TRACE_STEP_US 100000
#define SLOW_STEP_US  20000
#define INSTANT_BPS   1e9

/* ---- rate ---- */

/* A cell: the logarithm of the rate wanders; handovers stop it for a moment. */
static void make_trace(struct sim_link *l, double duration_s) {
  const struct link_profile *p = &l->profile;
  double mean = p->steps[0].bps, deviation = p->trace == TRACE_LTE ? 0.5 : 0.35, wander = 0;
  double handover_s = p->trace == TRACE_LTE ? 15 : 25;
  l->trace_count = (size_t)(duration_s * 10) + 20;
  l->trace_bps = calloc(l->trace_count, sizeof *l->trace_bps);
  if (!l->trace_bps) abort();
  double next_handover = sim_exponential(&l->random, handover_s);
  for (size_t i = 0; i < l->trace_count; i++) {
    wander = 0.95 * wander + 0.31 * sim_gauss(&l->random);
    l->trace_bps[i] = mean * exp(deviation * wander - deviation * deviation / 2);
    if ((double)i / 10 >= next_handover) {
      l->trace_bps[i] = 1000; /* held back, not lost */
      if (sim_chance(&l->random, 0.5)) next_handover += sim_exponential(&l->random, handover_s);
    }
  }
}

/* Steps that were started anew begin between two microseconds: a rounded instant would still be in the step before, for ever. */
static double rate_at(const struct sim_link *l, double at_us) {
  if (l->trace_bps) {
    size_t i = (size_t)((at_us - l->trace_from_us) / TRACE_STEP_US);
    return l->trace_bps[i < l->trace_count ? i : l->trace_count - 1];
  }
  double bps = l->profile.step_count ? l->profile.steps[0].bps : INSTANT_BPS;
  for (size_t i = 1; i < l->profile.step_count; i++) {
    if (at_us >= l->profile.steps[i].at_s * 1e6) bps = l->profile.steps[i].bps;
  }
  return bps;
}

double link_rate_bps(const struct sim_link *l, int64_t at_us) {
  if (l->constant_bps > 0) return l->constant_bps;
  return rate_at(l, (double)at_us);
}

/* The next instant at which the rate may change. */
static double next_change_us(const struct sim_link *l, double at_us) {
  if (l->trace_bps) return (floor((at_us - l->trace_from_us) / TRACE_STEP_US) + 1) * TRACE_STEP_US + l->trace_from_us;
  double next = INFINITY;
  for (size_t i = 1; i < l->profile.step_count; i++) {
    double step_us = l->profile.steps[i].at_s * 1e6;
    if (step_us > at_us && step_us < next) next = step_us;
  }
  return next;
}

double link_capacity_bits(const struct sim_link *l, int64_t from_us, int64_t to_us) {
  double bits = 0, at = (double)from_us;
  while (at < (double)to_us) {
    double end = fmin(next_change_us(l, at), (double)to_us);
    bits += rate_at(l, at) * (end - at) / 1e6;
    at = end;
  }
  return bits;
}

/* When the last of `bits` has left a bottleneck that begins with them at `start_us`. */
static double transmit(const struct sim_link *l, double start_us, double bits) {
  if (l->constant_bps >= 1) return start_us + bits * 1e6 / l->constant_bps;
  for (;;) {
    double bps = fmax(rate_at(l, start_us), 1), end = next_change_us(l, start_us);
    double done = start_us + bits * 1e6 / bps;
    if (done <= end) return done;
    bits -= bps * (end - start_us) / 1e6;
    start_us = end;
  }
}

/* ---- life ---- */

void link_init(struct sim_link *l, struct sim_clock *clock, const struct link_profile *profile, uint64_t seed,
               uint64_t place, double duration_s) {
  memset(l, 0, sizeof *l);
  l->clock = clock;
  l->overhead_bytes = IP_UDP_SRTP;
  l->profile = *profile;
  l->delay_us = (int64_t)(profile->delay_ms * 1000);
  if (!profile->trace && profile->step_count < 2)
    l->constant_bps = profile->step_count ? profile->steps[0].bps : INSTANT_BPS;
  l->queue = malloc(LINK_QUEUED * sizeof *l->queue);
  if (!l->queue) abort();
  sim_random_init(&l->random, seed, place);
  if (profile->trace) make_trace(l, duration_s);
  double queue_ms = profile->queue_ms > 0 ? profile->queue_ms : 300;
  double nominal = profile->step_count ? profile->steps[0].bps : INSTANT_BPS;
  l->queue_limit_bytes = (uint64_t)fmax(nominal * queue_ms / 8000, 3000);
  l->wifi_next_us =
      profile->wifi_every_s > 0 ? (int64_t)(sim_exponential(&l->random, profile->wifi_every_s) * 1e6) : INT64_MAX;
  l->waits_of = UINT32_MAX;
}

static void free_all(struct sim_packet *p) {
  while (p) {
    struct sim_packet *next = p->next;
    free(p);
    p = next;
  }
}

void link_close(struct sim_link *l) {
  free_all(l->way_head);
  free_all(l->spare);
  free(l->trace_bps);
  free(l->queue);
}

/* ---- the way after the bottleneck ---- */

/* Of numbers that are not negative. */
static int64_t round_up(double x) {
  int64_t whole = (int64_t)x;
  return whole + ((double)whole < x);
}

static int64_t jitter_us(struct sim_link *l, int64_t at_us) {
  const struct link_profile *p = &l->profile;
  if (!p->jitter_slow) return p->jitter_ms > 0 ? (int64_t)fabs(sim_gauss(&l->random) * p->jitter_ms * 1000) : 0;
  while (l->slow_jitter_us < at_us) {
    l->slow_jitter_us += SLOW_STEP_US;
    l->slow_jitter += 0.2 * (sim_uniform(&l->random) * 3 - 1 - l->slow_jitter);
  }
  return (int64_t)(fmin(fmax(l->slow_jitter, 0), 1) * p->jitter_ms * 1000);
}

static int64_t after_wifi(struct sim_link *l, int64_t at_us) {
  while (at_us >= l->wifi_next_us) {
    l->wifi_until_us = l->wifi_next_us + (int64_t)(sim_uniform(&l->random) * l->profile.wifi_max_ms * 1000);
    l->wifi_next_us = l->wifi_until_us + (int64_t)(sim_exponential(&l->random, l->profile.wifi_every_s) * 1e6);
  }
  return at_us < l->wifi_until_us ? l->wifi_until_us : at_us;
}

static bool is_lost(struct sim_link *l) {
  const struct link_profile *p = &l->profile;
  if (p->burst_every > 0) {
    l->bad = l->bad ? !sim_chance(&l->random, 1 / p->burst_length) : sim_chance(&l->random, 1 / p->burst_every);
    if (l->bad) return true;
  }
  return sim_chance(&l->random, p->loss);
}

static struct sim_packet *take_packet(struct sim_link *l) {
  struct sim_packet *p = l->spare;
  if (p) {
    l->spare = p->next;
    return p;
  }
  p = calloc(1, sizeof *p);
  if (!p) abort();
  return p;
}

static void give_packet(struct sim_link *l, struct sim_packet *p) {
  p->next = l->spare;
  l->spare = p;
}

static void deliver(struct sim_link *l, struct sim_packet *p) {
  struct link_flow *f = &l->flows[p->flow];
  if (l->clock->now_us >= l->count_from_us) f->delivered_bytes += p->len + l->overhead_bytes;
  f->deliver(f->arg, p);
}

/* One that is not in its place. */
static void arrive(void *arg, void *data) {
  struct sim_packet *p = data;
  struct sim_link *l = arg;
  deliver(l, p);
  give_packet(l, p);
}

static void arrive_next(void *arg, void *data) {
  struct sim_link *l = arg;
  struct sim_packet *p;
  (void)data;
  do {
    p = l->way_head;
    deliver(l, p);
    l->way_head = p->next;
    give_packet(l, p);
    p = l->way_head;
  } while (p && sim_goes_on(l->clock, p->at_us, p->order));
  if (p) sim_at_order(l->clock, p->at_us, p->order, arrive_next, l);
}

static void queue_up(struct sim_link *l, struct sim_packet *p, int64_t at_us) {
  p->at_us = at_us;
  p->order = sim_take_order(l->clock);
  p->next = NULL;
  if (l->way_head) {
    l->way_tail->next = p;
  } else {
    l->way_head = p;
    sim_at_order(l->clock, at_us, p->order, arrive_next, l);
  }
  l->way_tail = p;
}

static void lose(struct sim_link *l, struct sim_packet *p) {
  struct link_flow *f = &l->flows[p->flow];
  if (f->dropped) f->dropped(f->arg, p);
  give_packet(l, p);
}

/* ---- the bottleneck ---- */

static void drain(struct sim_link *l) {
  while (l->queue_head != l->queue_tail && l->queue[l->queue_head % LINK_QUEUED].done_us <= (double)l->clock->now_us) {
    l->queued_bytes -= l->queue[l->queue_head++ % LINK_QUEUED].bytes;
  }
  if (l->queue_head == l->queue_tail) l->queue_head = l->queue_tail = 0; /* where memory is warm */
}

double link_queue_ms(const struct sim_link *l) {
  double wait = l->free_us - (double)l->clock->now_us;
  return wait > 0 ? wait / 1000 : 0;
}

double link_wait_quantile(const struct sim_link *l, double q) {
  uint64_t seen = 0;
  for (int i = 0; i < LINK_WAIT_BINS; i++) {
    seen += l->wait_ms[i];
    if ((double)seen >= q * (double)l->waits && l->waits) return i;
  }
  return 0;
}

static void count_wait(struct sim_link *l, uint8_t flow) {
  if (l->clock->now_us < l->count_from_us || !(l->waits_of >> flow & 1)) return;
  int ms = (int)link_queue_ms(l);
  l->wait_ms[ms < LINK_WAIT_BINS ? ms : LINK_WAIT_BINS - 1]++;
  l->waits++;
}

void link_send(struct sim_link *l, uint8_t flow, const uint8_t *data, size_t len) {
  struct sim_packet *p = take_packet(l);
  if (len > sizeof p->data) abort();
  p->sent_us = l->clock->now_us;
  p->len = (uint16_t)len;
  p->flow = flow;
  link_copy(p->data, data, len);
  l->entered++;
  drain(l);
  uint32_t bytes = (uint32_t)len + l->overhead_bytes;
  bool full = l->queued_bytes + bytes > l->queue_limit_bytes || l->queue_tail - l->queue_head == LINK_QUEUED;
  if (full || (l->constant_bps <= 0 && link_rate_bps(l, l->clock->now_us) <= 0)) {
    l->overflowed++;
    lose(l, p);
    return;
  }
  count_wait(l, flow);
  double start = (double)l->clock->now_us;
  if (l->free_us > start) start = l->free_us;
  l->free_us = transmit(l, start, bytes * 8.0);
  l->queue[l->queue_tail % LINK_QUEUED].done_us = l->free_us;
  l->queue[l->queue_tail++ % LINK_QUEUED].bytes = bytes;
  l->queued_bytes += bytes;
  if (is_lost(l)) {
    l->lost++;
    lose(l, p);
    return;
  }
  int64_t at_us = round_up(l->free_us) + l->delay_us;
  at_us = after_wifi(l, at_us + jitter_us(l, at_us));
  if (at_us < l->last_delivery_us) at_us = l->last_delivery_us; /* in order, but for those reordered */
  bool in_order = true;
  if (sim_chance(&l->random, l->profile.reorder)) {
    at_us += 10000 + (int64_t)(sim_uniform(&l->random) * 30000);
    in_order = false;
  } else {
    l->last_delivery_us = at_us;
  }
  if (sim_chance(&l->random, l->profile.duplicate)) {
    struct sim_packet *twin = take_packet(l);
    *twin = *p;
    sim_at(l->clock, at_us + 1000, arrive, l, twin);
  }
  if (in_order)
    queue_up(l, p, at_us);
  else
    sim_at(l->clock, at_us, arrive, l, p);
}
