/* server/worker/gather.c: see the header. */
#include "server/worker/gather.h"

#include <stddef.h>
#include <string.h>

#define PERIOD_US      100000
#define LOADED_PERCENT 10
#define SPARE_PERCENT  3
/* About six packets a frame (1.5 Mbit/s, 30 a second) of 2.5 µs each per receiver: what a frame costs packet by packet. */
#define RECEIVER_US    15
/* Shorter waits gather nothing: the packets of a frame are further apart. */
#define WORTHWHILE_US  50

/* Between the points in a straight line. A wake-up costs 15 to 25 µs whatever it finds, a packet 3. With little to do the wake-ups
 * are therefore most of the work, and frames gather whole only in about 2 ms: measured, 8 rooms of 4 cost 11.3 µs a packet without
 * waiting, 10.1 with 250 µs, 7.2 with 1 ms and 5.1 with 2 ms (2026-11-22). Towards half of the capacity a batch is worth its
 * wake-up by itself, and what counts is that a packet's way stays below 500 µs; at four fifths below 2 ms. */
static const struct {
  unsigned load_percent;
  int64_t window_us;
} by_load[] = {{25, GATHER_LIMIT_MAX_US}, {33, 800}, {50, 200}, {80, 1000}, {95, GATHER_LIMIT_MAX_US}};
#define POINTS (sizeof by_load / sizeof *by_load)

void gather_init(struct gather *g, int64_t limit_us, int64_t now_us) {
  memset(g, 0, sizeof *g);
  g->limit_us = limit_us < 0 ? 0 : limit_us < GATHER_LIMIT_MAX_US ? limit_us : GATHER_LIMIT_MAX_US;
  g->period_began_us = now_us;
}

static int64_t window_by_load(unsigned load) {
  if (load <= by_load[0].load_percent) return by_load[0].window_us;
  for (size_t i = 1; i < POINTS; i++) {
    if (load > by_load[i].load_percent) continue;
    const int64_t rise = by_load[i].window_us - by_load[i - 1].window_us;
    const int64_t over = load - by_load[i - 1].load_percent;
    return by_load[i - 1].window_us + rise * over / (by_load[i].load_percent - by_load[i - 1].load_percent);
  }
  return by_load[POINTS - 1].window_us;
}

static int64_t choose(const struct gather *g, uint64_t in, uint64_t out) {
  if (!g->loaded || in == 0) return 0;
  int64_t fan_out_us = (int64_t)(out * RECEIVER_US / in);
  int64_t load_us = window_by_load(g->load_percent);
  int64_t window_us = fan_out_us > load_us ? fan_out_us : load_us;
  if (window_us < WORTHWHILE_US) return 0;
  return window_us < g->limit_us ? window_us : g->limit_us;
}

void gather_worked(struct gather *g, int64_t from_us, int64_t to_us, uint64_t in, uint64_t out) {
  g->busy_us += to_us - from_us;
  int64_t period_us = to_us - g->period_began_us;
  if (period_us < PERIOD_US) return;
  g->load_percent = (unsigned)(g->busy_us * 100 / period_us);
  g->loaded = g->load_percent >= (g->loaded ? SPARE_PERCENT : LOADED_PERCENT);
  g->window_us = choose(g, in - g->in, out - g->out);
  g->in = in;
  g->out = out;
  g->busy_us = 0;
  g->period_began_us = to_us;
}
