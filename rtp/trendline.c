/* The queue's trend: see rtp/trendline.h. */
#include "rtp/trendline.h"

#include <math.h>
#include <string.h>

#define NOT_OVER           (-1.0)
#define INSTANT_MS2        1e-6  /* what rounding leaves of no time at all */
#define UPDATE_INTERVAL_MS 100.0 /* longer silences count as this for the threshold */

const char *link_usage_name(enum link_usage usage) {
  static const char *const names[] = {"normal", "overused", "underused"};
  return (unsigned)usage < 3 ? names[usage] : "unknown";
}

void trendline_init(struct trendline *t) {
  memset(t, 0, sizeof *t);
  t->threshold_ms = TRENDLINE_THRESHOLD_MS;
  t->threshold_us = -1;
  t->over_ms = NOT_OVER;
}

/* The sums of the window, once per turn of the ring: about its oldest point, so that they stay small and lose nothing. */
static void sum_up(struct trendline *t) {
  t->origin_ms = t->at_ms[t->next % t->count];
  t->sum_at = t->sum_delay = t->sum_square = t->sum_product = 0;
  for (uint32_t i = 0; i < t->count; i++) {
    double at = t->at_ms[i] - t->origin_ms;
    t->sum_at += at;
    t->sum_delay += t->delay_ms[i];
    t->sum_square += at * at;
    t->sum_product += at * t->delay_ms[i];
  }
}

static void add_point(struct trendline *t, double at_ms, double delay_ms) {
  uint32_t next = t->next;
  if (t->count == TRENDLINE_WINDOW) {
    double at = t->at_ms[next] - t->origin_ms;
    t->sum_at -= at;
    t->sum_delay -= t->delay_ms[next];
    t->sum_square -= at * at;
    t->sum_product -= at * t->delay_ms[next];
  } else {
    t->count++;
  }
  t->at_ms[next] = at_ms;
  t->delay_ms[next] = delay_ms;
  t->next = next + 1 == TRENDLINE_WINDOW ? 0 : next + 1;
  if (t->next == 0 || t->count < TRENDLINE_WINDOW) {
    sum_up(t);
    return;
  }
  double at = at_ms - t->origin_ms;
  t->sum_at += at;
  t->sum_delay += delay_ms;
  t->sum_square += at * at;
  t->sum_product += at * delay_ms;
}

/* Least squares through the points of the window; 0 for points at one instant. */
static double fit(const struct trendline *t) {
  double variance = t->sum_square - t->sum_at * t->sum_at / TRENDLINE_WINDOW;
  double covariance = t->sum_product - t->sum_at * t->sum_delay / TRENDLINE_WINDOW;
  return variance > INSTANT_MS2 ? covariance / variance : 0;
}

static void adapt_threshold(struct trendline *t, int64_t at_us) {
  double magnitude = fabs(t->modified_ms);
  double elapsed_ms = t->threshold_us < 0 ? 0 : (double)(at_us - t->threshold_us) / 1000;
  t->threshold_us = at_us;
  if (magnitude > t->threshold_ms + TRENDLINE_THRESHOLD_SKIP_MS) return; /* a spike says nothing about the usual */
  double k = magnitude < t->threshold_ms ? TRENDLINE_K_DOWN : TRENDLINE_K_UP;
  if (elapsed_ms > UPDATE_INTERVAL_MS) elapsed_ms = UPDATE_INTERVAL_MS;
  t->threshold_ms += k * (magnitude - t->threshold_ms) * elapsed_ms;
  if (t->threshold_ms < TRENDLINE_THRESHOLD_MIN_MS) t->threshold_ms = TRENDLINE_THRESHOLD_MIN_MS;
  if (t->threshold_ms > TRENDLINE_THRESHOLD_MAX_MS) t->threshold_ms = TRENDLINE_THRESHOLD_MAX_MS;
}

static void detect(struct trendline *t, double slope, double sent_ms) {
  uint32_t weight = t->deltas < TRENDLINE_MAX_DELTAS ? t->deltas : TRENDLINE_MAX_DELTAS;
  t->modified_ms = weight * slope * TRENDLINE_GAIN;
  if (t->deltas < 2) {
    t->usage = LINK_NORMAL;
  } else if (t->modified_ms > t->threshold_ms) {
    t->over_ms = t->over_ms < 0 ? sent_ms / 2 : t->over_ms + sent_ms;
    t->over_count++;
    /* gcc-02 §5.4: "for at least overuse_time_th milliseconds. However, if m(i) < m(i-1), over-use will not be signaled" */
    if (t->over_ms > TRENDLINE_OVERUSE_MS && t->over_count > 1 && slope >= t->slope) {
      t->over_ms = 0;
      t->over_count = 0;
      t->usage = LINK_OVERUSED;
    }
  } else {
    t->over_ms = NOT_OVER;
    t->over_count = 0;
    t->usage = t->modified_ms < -t->threshold_ms ? LINK_UNDERUSED : LINK_NORMAL;
  }
  t->slope = slope;
}

enum link_usage trendline_update(struct trendline *t, const struct arrival_delta *d) {
  double delta_ms = (double)(d->arrival_us - d->sent_us) / 1000;
  if (t->deltas++ == 0) t->first_us = d->at_us;
  t->accumulated_ms += delta_ms;
  t->smoothed_ms = TRENDLINE_SMOOTHING * t->smoothed_ms + (1 - TRENDLINE_SMOOTHING) * t->accumulated_ms;
  add_point(t, (double)(d->at_us - t->first_us) / 1000, t->smoothed_ms);
  double slope = t->count == TRENDLINE_WINDOW ? fit(t) : t->slope;
  detect(t, slope, (double)d->sent_us / 1000);
  adapt_threshold(t, d->at_us);
  return t->usage;
}
