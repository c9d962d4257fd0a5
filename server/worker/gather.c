/* server/worker/gather.c: see the header. */
#include "server/worker/gather.h"

#include <stddef.h>
#include <string.h>

#define PERIOD_US          100000
/* A worker that does next to nothing has nothing to save. The lower one: because gathering made it cheap is no reason to stop. */
#define WORTH_IT_PERCENT   10
#define NO_MORE_PERCENT    3
/* About six packets a frame (1.5 Mbit/s, 30 a second) of 2.5 µs each per receiver: what a frame costs packet by packet. */
#define RECEIVER_US        15
/* A frame takes about a millisecond to arrive: a shorter wait finds a part of it, and the wake-up is paid all the same. Measured for
 * rooms of ten (2026-11-22): 6.3 µs a packet without waiting, 6.4 with 250 µs, 5.0 with 500, 4.6 with 2 ms. */
#define WORTHWHILE_US      500

/* By how much the wait for a frame is shortened by each that was whole, and how many of those one that was not makes up for. A second of a
 * lecture changes it by a third of a millisecond. */
#define LEARN_US           10
#define LEARN_WHOLE        3

#define NEGLIGIBLE_US      20
/* Rooms of ten at 80 k packets/s (2026-11-22): 6.2 µs a packet, 5.0 with whole frames; at 120 k 5.9 and 4.4. What was a load of 60 % is
 * 45 then, so keeping ends lower than it begins. */
#define WHOLE_FROM_PERCENT 60
#define WHOLE_TO_PERCENT   43

/* Between the points in a straight line. A packet waits for the next reading and then for what is read with it. With 0.7 ms at 80 % and
 * 1.1 at 85 half of all packets waited for 1.2 ms (2026-11-22): batches grow by themselves there, and so little is added. */
static const struct {
  unsigned load_percent;
  int64_t apart_us;
} by_load[] = {{GATHER_SPARE_PERCENT, 0}, {80, 300}, {95, GATHER_LIMIT_MAX_US}};
#define POINTS (sizeof by_load / sizeof *by_load)

void gather_init(struct gather *g, int64_t limit_us, int64_t now_us) {
  memset(g, 0, sizeof *g);
  g->learned_us = WORTHWHILE_US;
  g->limit_us = limit_us < 0 ? 0 : limit_us < GATHER_LIMIT_MAX_US ? limit_us : GATHER_LIMIT_MAX_US;
  g->period_began_us = now_us;
}

int64_t gather_wait_us(const struct gather *g, bool rest, int64_t now_us) {
  const int64_t left_us = g->apart_us - (now_us - g->read_us);
  int64_t frame_us = g->learned_us < g->frame_us ? g->learned_us : g->frame_us;
  if (rest && frame_us > GATHER_REST_US) frame_us = GATHER_REST_US;
  return left_us > frame_us ? left_us : frame_us;
}

/* Rests where one frame of LEARN_WHOLE + 1 comes in two readings. */
void gather_frame_over(struct gather *g, bool at_once) {
  if (g->frame_us == 0) return;
  g->learned_us += at_once ? -LEARN_US : LEARN_US * LEARN_WHOLE;
  if (g->learned_us < GATHER_REST_US) g->learned_us = GATHER_REST_US;
  if (g->learned_us > g->frame_us) g->learned_us = g->frame_us;
}

static int64_t limited(const struct gather *g, int64_t us) {
  return us < g->limit_us ? us : g->limit_us;
}

static int64_t apart_by_load(unsigned load) {
  if (load <= by_load[0].load_percent) return 0;
  for (size_t i = 1; i < POINTS; i++) {
    if (load > by_load[i].load_percent) continue;
    const int64_t rise = by_load[i].apart_us - by_load[i - 1].apart_us;
    const int64_t over = load - by_load[i - 1].load_percent;
    return by_load[i - 1].apart_us + rise * over / (by_load[i].load_percent - by_load[i - 1].load_percent);
  }
  return by_load[POINTS - 1].apart_us;
}

/* By the load of the last two seconds: a burst of joins is no reason to hold packets back. */
static int64_t whole_by_load(struct gather *g) {
  g->load_permille += ((int)g->load_percent * 10 - g->load_permille) / 16;
  const int percent = g->load_permille / 10;
  if (g->frame_us > 0) return g->limit_us;
  return percent >= (g->whole_us > 0 ? WHOLE_TO_PERCENT : WHOLE_FROM_PERCENT) ? g->limit_us : 0;
}

static int64_t frame_by_fan_out(const struct gather *g, uint64_t in, uint64_t out) {
  if (!g->busy_enough || in == 0) return 0;
  const int64_t us = (int64_t)(out * RECEIVER_US / in);
  return us < WORTHWHILE_US ? 0 : limited(g, us);
}

void gather_worked(struct gather *g, int64_t from_us, int64_t to_us, uint64_t in, uint64_t out) {
  g->busy_us += to_us - from_us;
  int64_t period_us = to_us - g->period_began_us;
  if (period_us < PERIOD_US) return;
  g->load_percent = (unsigned)(g->busy_us * 100 / period_us);
  g->busy_enough = g->load_percent >= (g->busy_enough ? NO_MORE_PERCENT : WORTH_IT_PERCENT);
  g->frame_us = frame_by_fan_out(g, in - g->in, out - g->out);
  g->whole_us = whole_by_load(g);
  const int64_t target_us = in == g->in ? 0 : limited(g, apart_by_load(g->load_percent));
  g->apart_us += (target_us - g->apart_us) / 4;
  if (g->apart_us < NEGLIGIBLE_US) g->apart_us = 0;
  g->in = in;
  g->out = out;
  g->busy_us = 0;
  g->period_began_us = to_us;
}
