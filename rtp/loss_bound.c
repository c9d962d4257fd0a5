/* Random loss or a bottleneck: see rtp/loss_bound.h. */
#include "rtp/loss_bound.h"

#include <math.h>
#include <string.h>

#define RECENT          4 /* observations of about a second */
#define WORSE           3 /* in a row: it only gets worse */
#define STEPS           8 /* of p … */
#define CLOSE           0.0002
#define CANDIDATES      12                  /* bottlenecks tried, from half to all of the highest rate … */
#define CANDIDATE_RATIO 0.94387431268169353 /* … so: its twelfth power is a half */
/* While losses stay as they are, they are explained once a second; at once when an observation lost much more. */
#define STEADY_US       1000000
#define SUDDEN_TIMES    2
#define SUDDEN_SHARE    0.03
#define TINY            1e-6

static double least(double a, double b) {
  return a < b ? a : b;
}

static double most(double a, double b) {
  return a > b ? a : b;
}

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

static const struct loss_observation *observation(const struct loss_bound *l, uint32_t age) {
  return &l->done[(l->next + LOSS_BOUND_OBSERVATIONS - 1 - age) % LOSS_BOUND_OBSERVATIONS];
}

double loss_bound_recent(const struct loss_bound *l) {
  double packets = l->packets, lost = l->lost;
  for (uint32_t i = 0; i < l->count && i < RECENT; i++) {
    packets += observation(l, i)->packets;
    lost += observation(l, i)->lost;
  }
  return packets > 0 && lost > 0 ? least(lost / packets, 1) : 0;
}

double loss_bound_early(const struct loss_bound *l) {
  double packets = l->packets, lost = l->lost;
  for (uint32_t i = 0; i < l->count && packets < LOSS_BOUND_FIRST; i++) {
    packets += observation(l, i)->packets;
    lost += observation(l, i)->lost;
  }
  if (packets >= LOSS_BOUND_FIRST) return l->random_loss;
  return least(most(lost, 0) / (packets + LOSS_BOUND_DOUBT), LOSS_BOUND_RANDOM_MAX);
}

/* ---- the model ---- */

static double excess(double bps, double bottleneck_bps) {
  return bps > bottleneck_bps ? 1 - bottleneck_bps / bps : 0;
}

static double loss_at(double excess_share, double p) {
  return least(most(excess_share + (1 - excess_share) * p, TINY), 1 - TINY);
}

/* What is judged: the observations with their weights, newest first. */
struct sample {
  double bps, packets, lost, weight;
};

struct samples {
  struct sample of[LOSS_BOUND_OBSERVATIONS];
  uint32_t count;
  double weights, highest_bps;
  double likelihood, p; /* of equal loss at every rate */
  double best;          /* likelihood of the model that knows every observation's own loss: no model is better */
  double slope;         /* whether more was lost where more was sent */
};

static double likelihood_of(const struct sample *s, double q) {
  double kept = s->packets - s->lost;
  return s->weight * ((s->lost > 0 ? s->lost * log(q) : 0) + (kept > 0 ? kept * log(1 - q) : 0));
}

static void gather(const struct loss_bound *l, struct samples *all) {
  double weight = 1, packets = 0, lost = 0, rate = 0;
  *all = (struct samples){.count = l->count};
  for (uint32_t i = 0; i < l->count; i++) {
    const struct loss_observation *o = observation(l, i);
    all->of[i] = (struct sample){o->bps, o->packets, o->lost, weight};
    all->weights += weight;
    all->highest_bps = most(all->highest_bps, o->bps);
    packets += weight * o->packets;
    lost += weight * o->lost;
    rate += weight * o->packets * o->bps;
    weight *= LOSS_BOUND_FORGET;
  }
  if (packets <= 0) return;
  all->p = least(lost / packets, LOSS_BOUND_RANDOM_MAX);
  rate /= packets;
  double q = loss_at(0, all->p);
  for (uint32_t i = 0; i < all->count; i++) {
    const struct sample *s = &all->of[i];
    all->likelihood += likelihood_of(s, q);
    all->best += likelihood_of(s, loss_at(0, s->lost / s->packets));
    all->slope += s->weight * (s->bps - rate) * (s->lost - s->packets * all->p);
  }
}

/* The p under which the observations are likeliest, given a bottleneck. The likelihood is concave in p: steps after Newton, kept
 * between where its derivative is positive and where it is negative. */
static double best_random_loss(const struct samples *all, const double *excesses, double start) {
  double low = 0, high = LOSS_BOUND_RANDOM_MAX, p = start;
  for (int step = 0; step < STEPS; step++) {
    double slope = 0, curve = TINY;
    for (uint32_t i = 0; i < all->count; i++) {
      const struct sample *s = &all->of[i];
      double kept = 1 - excesses[i], q = loss_at(excesses[i], p), rest = 1 / (1 - p);
      double from_lost = s->lost > 0 ? s->lost * kept / q : 0, from_kept = (s->packets - s->lost) * rest;
      slope += s->weight * (from_lost - from_kept);
      curve += s->weight * (from_lost * kept / q + from_kept * rest);
    }
    if (slope > 0)
      low = p;
    else
      high = p;
    double next = p + slope / curve;
    if (next <= low || next >= high) next = (low + high) / 2;
    if (next - p < CLOSE && p - next < CLOSE) return next;
    p = next;
  }
  return p < CLOSE ? 0 : p;
}

struct fit {
  double likelihood, dispersion, p;
};

static struct fit fit_model(const struct samples *all, double bottleneck_bps, double start) {
  double excesses[LOSS_BOUND_OBSERVATIONS] = {0}, chi = 0;
  for (uint32_t i = 0; i < all->count; i++)
    excesses[i] = excess(all->of[i].bps, bottleneck_bps);
  struct fit f = {.p = best_random_loss(all, excesses, start)};
  for (uint32_t i = 0; i < all->count; i++) {
    const struct sample *s = &all->of[i];
    double q = loss_at(excesses[i], f.p), error = s->lost - s->packets * q;
    f.likelihood += likelihood_of(s, q);
    chi += s->weight * error * error / most(s->packets * q * (1 - q), 0.5);
  }
  f.dispersion = most(chi / most(all->weights, 1), 1);
  return f;
}

static double highest_bps(const struct loss_bound *l) {
  double highest = 0;
  for (uint32_t i = 0; i < l->count; i++)
    highest = most(highest, l->done[i].bps);
  return highest;
}

/* Nothing speaks for the bound now. */
static void release(struct loss_bound *l, double highest_bps, double elapsed_s) {
  if (l->bound_bps == LOSS_BOUND_NONE) return;
  l->bound_bps = (uint64_t)((double)l->bound_bps * pow(LOSS_BOUND_RELEASE, elapsed_s));
  if ((double)l->bound_bps > 2 * highest_bps) l->bound_bps = LOSS_BOUND_NONE;
}

/* The likeliest bottleneck; 0: none is likelier than none by enough. */
static double find_bottleneck(const struct samples *all, struct fit *best) {
  /* No model explains more than everything, and none of these where less was lost of more. */
  if (all->slope <= 0 || all->best - all->likelihood <= LOSS_BOUND_EVIDENCE) return 0;
  double bottleneck = 0, candidate = all->highest_bps;
  best->likelihood = all->likelihood;
  struct fit f = {.likelihood = all->likelihood, .p = all->p};
  for (int i = 0, worse = 0; i < CANDIDATES && worse < WORSE; i++) {
    double before = f.likelihood;
    candidate *= CANDIDATE_RATIO;
    f = fit_model(all, candidate, f.p);
    worse = f.likelihood < before ? worse + 1 : 0;
    if (f.likelihood <= best->likelihood) continue;
    *best = f;
    bottleneck = candidate;
  }
  if (bottleneck <= 0) return 0;
  return (best->likelihood - all->likelihood) / best->dispersion > LOSS_BOUND_EVIDENCE ? bottleneck : 0;
}

static void judge(struct loss_bound *l, int64_t now_us) {
  double elapsed_s = l->updated_us ? least((double)(now_us - l->updated_us) / 1e6, 1) : 0;
  l->updated_us = now_us;
  if (!l->lossy) { /* the usual case: nothing to explain */
    l->random_loss = 0;
    if (l->bound_bps != LOSS_BOUND_NONE) release(l, highest_bps(l), elapsed_s);
    return;
  }
  struct samples all;
  gather(l, &all);
  l->random_loss = all.p;
  struct fit best = {0};
  double bottleneck = l->count >= RECENT ? find_bottleneck(&all, &best) : 0;
  if (bottleneck > 0) {
    l->bound_bps = (uint64_t)bottleneck;
    l->random_loss = best.p;
    return;
  }
  release(l, all.highest_bps, elapsed_s);
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
  l->lossy -= l->done[l->next].lost > 0;
  l->done[l->next] = (struct loss_observation){
      .bps = l->bytes * 8e6 / (double)span_us, .packets = l->packets, .lost = least(most(l->lost, 0), l->packets)};
  l->lossy += l->done[l->next].lost > 0;
  l->next = (l->next + 1) % LOSS_BOUND_OBSERVATIONS;
  if (l->count < LOSS_BOUND_OBSERVATIONS) l->count++;
  l->packets = l->lost = l->bytes = 0;
  l->first_sent_us = l->last_sent_us;
  const struct loss_observation *newest = observation(l, 0);
  bool sudden = newest->lost > newest->packets * (SUDDEN_TIMES * l->random_loss + SUDDEN_SHARE);
  if (sudden || now_us - l->updated_us >= STEADY_US || !l->updated_us || !l->lossy) judge(l, now_us);
}
