/* bench/link/emulator.c: see the header. */
#include "bench/link/emulator.h"

#include <stdlib.h>

/* Longer runs repeat the last rate of their trace. */
#define TRACE_S 900.0

struct way {
  struct emulator *emulator;
  enum wan_direction direction;
  struct link_profile profile;
  struct sim_link link;
  uint64_t delivered;
};

struct emulator {
  struct sim_clock clock;
  struct way ways[2];
  void (*deliver)(void *arg, enum wan_direction d, const uint8_t *packet, size_t len);
  void *arg;
  int64_t zero_us; /* the model's time begins at 0 */
};

static void on_delivery(void *arg, struct sim_packet *p) {
  struct way *way = arg;
  way->delivered++;
  way->emulator->deliver(way->emulator->arg, way->direction, p->data, p->len);
}

struct emulator *emulator_create(const struct wan_profile *profile, uint64_t seed,
                                 void (*deliver)(void *arg, enum wan_direction d, const uint8_t *packet, size_t len),
                                 void *arg, int64_t now_us) {
  struct emulator *e = calloc(1, sizeof *e);
  if (!e) return NULL;
  e->deliver = deliver;
  e->arg = arg;
  e->zero_us = now_us;
  sim_clock_init(&e->clock, 0);
  for (int d = WAN_DOWN; d <= WAN_UP; d++) {
    struct way *way = &e->ways[d];
    way->emulator = e;
    way->direction = (enum wan_direction)d;
    way->profile = d == WAN_DOWN ? profile->down : profile->up;
    link_init(&way->link, &e->clock, &way->profile, seed, 10 + (uint64_t)d, TRACE_S);
    way->link.overhead_bytes = 0; /* these packets are whole */
    way->link.flows[0] = (struct link_flow){.deliver = on_delivery, .arg = way};
  }
  return e;
}

void emulator_free(struct emulator *e) {
  if (!e) return;
  for (int d = WAN_DOWN; d <= WAN_UP; d++)
    link_close(&e->ways[d].link);
  sim_clock_close(&e->clock);
  free(e);
}

void emulator_advance(struct emulator *e, int64_t now_us) {
  if (now_us - e->zero_us > e->clock.now_us) sim_run_until(&e->clock, now_us - e->zero_us);
}

void emulator_send(struct emulator *e, enum wan_direction d, const uint8_t *packet, size_t len, int64_t now_us) {
  emulator_advance(e, now_us);
  if (len > sizeof((struct sim_packet *)0)->data) return;
  link_send(&e->ways[d].link, 0, packet, len);
}

int64_t emulator_deadline(const struct emulator *e) {
  return e->clock.count ? e->zero_us + e->clock.heap[0].at_us : INT64_MAX;
}

void emulator_calm(struct emulator *e) {
  for (int d = WAN_DOWN; d <= WAN_UP; d++) {
    struct link_profile *p = &e->ways[d].link.profile;
    p->loss = p->jitter_ms = p->burst_every = p->reorder = p->duplicate = p->wifi_max_ms = 0;
  }
}

void emulator_restart_steps(struct emulator *e, int64_t now_us) {
  emulator_advance(e, now_us);
  for (int d = WAN_DOWN; d <= WAN_UP; d++) {
    struct way *way = &e->ways[d];
    way->link.profile = way->profile;
    way->link.trace_from_us = (double)(now_us - e->zero_us);
    for (size_t i = 1; i < way->profile.step_count; i++)
      way->link.profile.steps[i].at_s = way->profile.steps[i].at_s + (double)(now_us - e->zero_us) / 1e6;
  }
}

void emulator_get_stats(const struct emulator *e, enum wan_direction d, struct emulator_stats *out) {
  const struct way *way = &e->ways[d];
  *out = (struct emulator_stats){.entered = way->link.entered,
                                 .delivered = way->delivered,
                                 .lost = way->link.lost,
                                 .overflowed = way->link.overflowed};
}
