/* Groups of packets and their delay variation: see rtp/arrival_groups.h. */
#include "rtp/arrival_groups.h"

#include <string.h>

void arrival_groups_init(struct arrival_groups *g) {
  memset(g, 0, sizeof *g);
}

/* gcc-02 §5.2: "a packet which has an inter-arrival time less than burst_time and an inter-group delay variation d(i) less than
 * 0 is considered being part of the current group": an outage ended and its backlog comes at once. */
static bool ends_outage(const struct arrival_group *c, int64_t sent_us, int64_t arrival_us) {
  int64_t arrival_delta = arrival_us - c->last_arrival_us;
  int64_t variation = arrival_delta - (sent_us - c->last_sent_us);
  return variation < 0 && arrival_delta <= ARRIVAL_BURST_US && arrival_us - c->first_arrival_us < ARRIVAL_BURST_MAX_US;
}

static bool compare(struct arrival_groups *g, struct arrival_delta *out) {
  const struct arrival_group *a = &g->previous, *b = &g->current;
  *out = (struct arrival_delta){.sent_us = b->last_sent_us - a->last_sent_us,
                                .arrival_us = b->last_arrival_us - a->last_arrival_us,
                                .at_us = b->last_arrival_us};
  out->first_us = (b->first_arrival_us - a->first_arrival_us) - (b->first_sent_us - a->first_sent_us);
  int64_t jump = out->arrival_us - out->sent_us;
  if (jump > ARRIVAL_JUMP_US || jump < -ARRIVAL_JUMP_US) {
    arrival_groups_init(g);
    return false;
  }
  if (out->arrival_us < 0) {
    if (++g->reordered >= ARRIVAL_REORDERED) arrival_groups_init(g);
    return false;
  }
  g->reordered = 0;
  return true;
}

bool arrival_groups_run(struct arrival_groups *g, const struct transport_result *run, struct arrival_delta *out) {
  struct arrival_group *c = &g->current;
  bool complete = false;
  if (c->used) {
    if (run->sent_us < c->first_sent_us) return false;
    bool same = run->sent_us - c->first_sent_us <= ARRIVAL_BURST_US || ends_outage(c, run->sent_us, run->arrival_us);
    if (same) {
      if (run->last_sent_us > c->last_sent_us) c->last_sent_us = run->last_sent_us;
      if (run->last_arrival_us > c->last_arrival_us) c->last_arrival_us = run->last_arrival_us;
      c->bytes += run->bytes;
      return false;
    }
    if (g->previous.used) complete = compare(g, out);
    g->previous = g->current;
  }
  *c = (struct arrival_group){.first_sent_us = run->sent_us,
                              .last_sent_us = run->last_sent_us,
                              .first_arrival_us = run->arrival_us,
                              .last_arrival_us = run->last_arrival_us,
                              .bytes = run->bytes,
                              .used = true};
  return complete;
}
