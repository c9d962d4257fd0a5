/* AIMD: see rtp/rate_control.h. */
#include "rtp/rate_control.h"

#include <math.h>
#include <string.h>

#define CAPACITY_SMOOTHING    0.05
#define CAPACITY_VARIANCE     0.4 /* of kbit/s, relative to the capacity */
#define CAPACITY_VARIANCE_MAX 2.5
#define CAPACITY_DEVIATIONS   3
#define PACKET_BITS           9600.0 /* 1200 bytes */
#define INTERVAL_MIN_US       10000
#define INTERVAL_MAX_US       200000
#define WINDOWS_AGREE         1.15
#define DEEP_DROP             0.5 /* arrivals below half of the rate: decrease again without waiting */

/* fmin() and fmax() are calls, for the sake of numbers that are none. */
static double least(double a, double b) {
  return a < b ? a : b;
}

static double most(double a, double b) {
  return a > b ? a : b;
}

const char *rate_control_state_name(enum rate_control_state state) {
  static const char *const names[] = {"hold", "increase", "decrease"};
  return (unsigned)state < 3 ? names[state] : "unknown";
}

static void set_bps(struct rate_control *r, double bps) {
  r->bps = least(most(bps, (double)r->min_bps), (double)r->max_bps);
}

void rate_control_init(struct rate_control *r, uint64_t start_bps, uint64_t min_bps, uint64_t max_bps) {
  memset(r, 0, sizeof *r);
  r->min_bps = min_bps;
  r->max_bps = max_bps;
  r->rtt_us = RATE_CONTROL_DEFAULT_RTT_US;
  r->changed_us = r->decreased_us = -1;
  set_bps(r, (double)start_bps);
}

void rate_control_set(struct rate_control *r, uint64_t bps, int64_t now_us) {
  set_bps(r, (double)bps);
  r->changed_us = now_us;
}

/* ---- the capacity met before ---- */

static double deviation_kbps(const struct rate_control *r) {
  return sqrt(r->capacity_variance * r->capacity_kbps);
}

static void note_capacity(struct rate_control *r, double bps) {
  double kbps = bps / 1000;
  if (r->capacity_kbps <= 0) {
    r->capacity_kbps = kbps;
    r->capacity_variance = CAPACITY_VARIANCE;
    return;
  }
  r->capacity_kbps += CAPACITY_SMOOTHING * (kbps - r->capacity_kbps);
  double error = r->capacity_kbps - kbps;
  r->capacity_variance =
      (1 - CAPACITY_SMOOTHING) * r->capacity_variance + CAPACITY_SMOOTHING * error * error / most(r->capacity_kbps, 1);
  r->capacity_variance = least(most(r->capacity_variance, CAPACITY_VARIANCE), CAPACITY_VARIANCE_MAX);
}

/* ---- changes ---- */

/* gcc-02 §5.5: "expected_packet_size_bits … response_time_ms = 100 + rtt_ms": one packet per response time, twice as careful. A full
 * packet, however small those of a slow stream are: growth that is less for whoever has less makes him have less for ever. */
static double additive_bps_per_second(const struct rate_control *r) {
  double response_s = 2 * ((double)r->rtt_us / 1e6 + 0.1);
  return most(PACKET_BITS / response_s, RATE_CONTROL_NEAR_MIN_BPS);
}

/* RATE_CONTROL_ETA to the power of `elapsed_s`, up to one second, minus one; wrong by two millionths at most. */
static double growth(double elapsed_s) {
  double x = RATE_CONTROL_LN_ETA * elapsed_s;
  return x * (1 + x / 2 * (1 + x / 3));
}

static void increase(struct rate_control *r, uint64_t acknowledged_bps, int64_t now_us) {
  double elapsed_s = r->changed_us < 0 ? 0 : least((double)(now_us - r->changed_us) / 1e6, 1);
  double wanted;
  double above = r->capacity_kbps + CAPACITY_DEVIATIONS * deviation_kbps(r);
  if (r->capacity_kbps > 0 && acknowledged_bps && (double)acknowledged_bps / 1000 > above)
    r->capacity_kbps = 0; /* faster than ever met: the link changed */
  if (r->capacity_kbps > 0)
    wanted = r->bps + additive_bps_per_second(r) * elapsed_s;
  else
    wanted = r->bps + most(r->bps * growth(elapsed_s), additive_bps_per_second(r) * elapsed_s);
  if (acknowledged_bps) {
    double limit = RATE_CONTROL_AHEAD * (double)acknowledged_bps + RATE_CONTROL_AHEAD_BPS;
    wanted = least(wanted, most(limit, r->bps)); /* the limit stops growth; it does not take away */
  }
  set_bps(r, wanted);
  r->changed_us = now_us;
}

static void decrease(struct rate_control *r, double arrived_bps, int64_t now_us) {
  if (r->capacity_kbps > 0 && arrived_bps / 1000 < r->capacity_kbps - CAPACITY_DEVIATIONS * deviation_kbps(r))
    r->capacity_kbps = 0; /* slower than ever met */
  double wanted = RATE_CONTROL_BETA * arrived_bps;
  if (wanted > r->bps && r->capacity_kbps > 0) wanted = RATE_CONTROL_BETA * r->capacity_kbps * 1000;
  set_bps(r, least(wanted, r->bps));
  note_capacity(r, arrived_bps);
  r->changed_us = r->decreased_us = now_us;
}

/* Less was sent than allowed, so what arrived is not what the link carries: step by step. */
static void back_off(struct rate_control *r, int64_t now_us) {
  set_bps(r, RATE_CONTROL_BETA * r->bps);
  r->changed_us = r->decreased_us = now_us;
}

void rate_control_drop(struct rate_control *r, uint64_t bps, int64_t now_us) {
  decrease(r, (double)bps, now_us);
  r->state = RATE_HOLD;
}

/* A decrease needs a round trip to show. */
static bool may_decrease(const struct rate_control *r, double arrived_bps, int64_t now_us) {
  if (r->decreased_us < 0) return true;
  int64_t interval_us = r->rtt_us < INTERVAL_MIN_US ? INTERVAL_MIN_US : r->rtt_us;
  if (interval_us > INTERVAL_MAX_US) interval_us = INTERVAL_MAX_US;
  return now_us - r->decreased_us >= interval_us || arrived_bps < DEEP_DROP * r->bps;
}

bool rate_control_update(struct rate_control *r, enum link_usage usage, uint64_t acknowledged_bps, uint64_t busy_bps,
                         bool app_limited, int64_t now_us) {
  if (usage == LINK_OVERUSED) {
    r->state = RATE_DECREASE;
  } else if (usage == LINK_UNDERUSED) {
    r->state = RATE_HOLD;
  } else if (r->state != RATE_INCREASE) {
    r->state = RATE_INCREASE;
    r->changed_us = now_us;
  }
  if (r->state == RATE_INCREASE) {
    if (app_limited)
      r->changed_us = now_us;
    else
      increase(r, acknowledged_bps, now_us);
    return false;
  }
  if (r->state == RATE_HOLD) return false;
  /* The short window is the capacity when there is a queue, give or take a packet; the long one is it too, unless the link has
   * just become slower. */
  double arrived_bps = (double)(busy_bps ? busy_bps : acknowledged_bps), longer_bps = (double)acknowledged_bps;
  if (longer_bps > arrived_bps && longer_bps < WINDOWS_AGREE * arrived_bps) arrived_bps = longer_bps;
  bool decreased = false;
  if (arrived_bps <= 0) {
    decreased = may_decrease(r, r->bps, now_us);
    if (decreased) decrease(r, r->bps / 2 / RATE_CONTROL_BETA, now_us);
  } else if (may_decrease(r, app_limited ? r->bps : arrived_bps, now_us)) {
    double before = r->bps;
    if (app_limited)
      back_off(r, now_us);
    else
      decrease(r, arrived_bps, now_us);
    decreased = r->bps < before;
  }
  r->state = RATE_HOLD;
  return decreased;
}
