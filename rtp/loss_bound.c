/* Random loss or a bottleneck: see rtp/loss_bound.h. */
#include "rtp/loss_bound.h"

#include <math.h>
#include <string.h>

#define RECENT       4  /* observations of about a second */
#define BISECTIONS   12 /* of p: to 0.0001 */
#define CANDIDATES   12 /* bottlenecks tried, from half to all of the highest rate */
/* While losses stay as they are, they are explained once a second; at once when an observation lost much more. */
#define STEADY_US    1000000
#define SUDDEN_TIMES 2
#define SUDDEN_SHARE 0.03
#define TINY         1e-6

void loss_bound_init(struct loss_bound *l) {
  memset(l, 0, sizeof *l);
  l->first_sent_us = l->last_sent_us = -1;
  l->bound_bps = LOSS_BOUND_NONE;
}

void loss_bound_forget(struct loss_bound *l) {
  uint64_t bound_bps = l->bound_bps;
  loss_bound_init(l);
  l->bound_bps = bound_bps;
}

uint64_t loss_bound_bps(const struct loss_bound *l) {
  return l->bound_bps;
}

double loss_bound_random(const struct loss_bound *l) {
  return l->random_loss;
}

static const struct loss_observation *observation(const struct loss_bound *l, uint32_t age) {
  return &l->done[(l->next + LOSS_BOUND_OBSERVATIONS - 1 - age) % LOSS_BOUND_OBSERVATIONS];
}

double loss_bound_recent(const struct loss_bound *l) {
  double packets = l->packets, lost = l->lost;
  for (uint32_t i = 0; i < l->count && i < RECENT; i++) {
    packets += observation(l, i)->packets;
    lost += observation(l, i)->lost;
  }
  return packets > 0 && lost > 0 ? fmin(lost / packets, 1) : 0;
}

/* ---- the model ---- */

static double excess(double bps, double bottleneck_bps) {
  return bps > bottleneck_bps ? 1 - bottleneck_bps / bps : 0;
}

static double loss_at(double excess_share, double p) {
  return fmin(fmax(excess_share + (1 - excess_share) * p, TINY), 1 - TINY);
}

/* The p under which the observations are likeliest, given a bottleneck. The likelihood is concave in p: halve the interval by
 * the sign of its derivative. */
static double best_random_loss(const struct loss_bound *l, double bottleneck_bps) {
  double low = 0, high = LOSS_BOUND_RANDOM_MAX;
  for (int step = 0; step < BISECTIONS; step++) {
    double p = (low + high) / 2, slope = 0, weight = 1;
    for (uint32_t i = 0; i < l->count; i++) {
      const struct loss_observation *o = observation(l, i);
      double e = excess(o->bps, bottleneck_bps);
      slope += weight * (o->lost * (1 - e) / loss_at(e, p) - (o->packets - o->lost) / (1 - p));
      weight *= LOSS_BOUND_FORGET;
    }
    if (slope > 0)
      low = p;
    else
      high = p;
  }
  return low <= 0 ? 0 : (low + high) / 2;
}

struct fit {
  double likelihood, dispersion, p;
};

static struct fit fit_model(const struct loss_bound *l, double bottleneck_bps) {
  struct fit f = {.p = best_random_loss(l, bottleneck_bps)};
  double weight = 1, chi = 0, weights = 0;
  for (uint32_t i = 0; i < l->count; i++) {
    const struct loss_observation *o = observation(l, i);
    double q = loss_at(excess(o->bps, bottleneck_bps), f.p);
    double error = o->lost - o->packets * q;
    f.likelihood += weight * (o->lost * log(q) + (o->packets - o->lost) * log(1 - q));
    chi += weight * error * error / fmax(o->packets * q * (1 - q), 0.5);
    weights += weight;
    weight *= LOSS_BOUND_FORGET;
  }
  f.dispersion = fmax(chi / fmax(weights, 1), 1);
  return f;
}

static double highest_bps(const struct loss_bound *l) {
  double highest = 0;
  for (uint32_t i = 0; i < l->count; i++)
    highest = fmax(highest, observation(l, i)->bps);
  return highest;
}

static bool any_lost(const struct loss_bound *l) {
  for (uint32_t i = 0; i < l->count; i++) {
    if (l->done[i].lost > 0) return true;
  }
  return false;
}

/* Nothing speaks for the bound now. */
static void release(struct loss_bound *l, double highest_bps, double elapsed_s) {
  if (l->bound_bps == LOSS_BOUND_NONE) return;
  l->bound_bps = (uint64_t)((double)l->bound_bps * pow(LOSS_BOUND_RELEASE, elapsed_s));
  if ((double)l->bound_bps > 2 * highest_bps) l->bound_bps = LOSS_BOUND_NONE;
}

static void judge(struct loss_bound *l, int64_t now_us) {
  double elapsed_s = l->updated_us ? fmin((double)(now_us - l->updated_us) / 1e6, 1) : 0;
  l->updated_us = now_us;
  double highest = highest_bps(l);
  if (!any_lost(l)) { /* the usual case: nothing to explain */
    l->random_loss = 0;
    release(l, highest, elapsed_s);
    return;
  }
  struct fit none = fit_model(l, INFINITY), best = none;
  double bottleneck = 0;
  for (int i = 0; i < CANDIDATES; i++) {
    double candidate = highest * pow(0.5, (double)(i + 1) / CANDIDATES);
    struct fit f = fit_model(l, candidate);
    if (f.likelihood <= best.likelihood) continue;
    best = f;
    bottleneck = candidate;
  }
  double evidence = (best.likelihood - none.likelihood) / best.dispersion;
  if (bottleneck > 0 && evidence > LOSS_BOUND_EVIDENCE && l->count >= RECENT) {
    l->bound_bps = (uint64_t)bottleneck;
    l->random_loss = best.p;
    return;
  }
  l->random_loss = none.p;
  release(l, highest, elapsed_s);
}

void loss_bound_packets(struct loss_bound *l, int64_t first_sent_us, int64_t last_sent_us, uint32_t packets,
                        int32_t lost, uint64_t bytes, int64_t now_us) {
  l->lost += lost;
  if (packets) {
    if (l->first_sent_us < 0) l->first_sent_us = first_sent_us;
    if (last_sent_us > l->last_sent_us) l->last_sent_us = last_sent_us;
  }
  l->packets += packets;
  l->bytes += (double)bytes;
  int64_t span_us = l->last_sent_us - l->first_sent_us;
  if (l->packets < LOSS_BOUND_PACKETS || span_us < LOSS_BOUND_SPAN_US) return;
  l->done[l->next] = (struct loss_observation){
      .bps = l->bytes * 8e6 / (double)span_us, .packets = l->packets, .lost = fmin(fmax(l->lost, 0), l->packets)};
  l->next = (l->next + 1) % LOSS_BOUND_OBSERVATIONS;
  if (l->count < LOSS_BOUND_OBSERVATIONS) l->count++;
  l->packets = l->lost = l->bytes = 0;
  l->first_sent_us = l->last_sent_us;
  const struct loss_observation *newest = observation(l, 0);
  bool sudden = newest->lost > newest->packets * (SUDDEN_TIMES * l->random_loss + SUDDEN_SHARE);
  if (sudden || now_us - l->updated_us >= STEADY_US || !l->updated_us || !any_lost(l)) judge(l, now_us);
}
