/* Competing with flows that fill queues: see rtp/competition.h. */
#include "rtp/competition.h"

#include <math.h>

/* Per message: a share that an overflow has left behind, before it is forgotten, is not taken for the usual one. */
#define USUAL_SMOOTHING 0.02
#define AHEAD           1.5 /* of what arrives: as rtp/rate_control.h */

void competition_init(struct competition *c) {
  *c = (struct competition){.queued_since_us = -1};
}

bool competition_update(struct competition *c, int64_t queue_us, double chance, bool decreased, int64_t now_us) {
  if (queue_us < COMPETITION_EMPTY_US) {
    c->queued_since_us = -1;
    c->decreases = 0;
    c->on = false;
    c->usual += USUAL_SMOOTHING * (chance - c->usual);
    return false;
  }
  if (c->queued_since_us < 0) {
    c->queued_since_us = now_us;
    c->chance = c->usual < chance ? c->usual : chance;
  }
  c->decreases += decreased;
  if (!c->on && c->decreases >= COMPETITION_DECREASES && now_us - c->queued_since_us >= COMPETITION_AFTER_US) {
    c->on = true;
    c->begun++;
    c->updated_us = now_us;
  }
  return c->on;
}

uint64_t competition_rate(struct competition *c, uint64_t bps, uint64_t acknowledged_bps, bool lost, bool app_limited,
                          int64_t rtt_us, int64_t now_us) {
  double elapsed_s = fmin((double)(now_us - c->updated_us) / 1e6, 1), rate = (double)bps;
  c->updated_us = now_us;
  if (now_us < c->rest_until_us) return bps;
  if (lost) {
    c->rest_until_us = now_us + COMPETITION_REST_US;
    rate *= COMPETITION_DECREASE;
    return acknowledged_bps && (double)acknowledged_bps < rate ? acknowledged_bps
                                                               : (uint64_t)rate; /* all of it fell, not his share */
  }
  if (app_limited) return bps;
  double rtt_s = fmax((double)rtt_us / 1e6, 0.02);
  rate += COMPETITION_PACKET_BITS / rtt_s / rtt_s * elapsed_s;
  if (acknowledged_bps) rate = fmin(rate, fmax(AHEAD * (double)acknowledged_bps, (double)bps));
  return (uint64_t)rate;
}
