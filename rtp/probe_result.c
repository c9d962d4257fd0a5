/* Measurements by probe clusters: see rtp/probe_result.h. */
#include "rtp/probe_result.h"

#include <stddef.h>
#include <string.h>

void probe_results_init(struct probe_results *r) {
  memset(r, 0, sizeof *r);
}

static struct probe_measurement *find(struct probe_results *r, uint16_t id) {
  for (size_t i = 0; id && i < PROBE_RESULT_CLUSTERS; i++) {
    if (r->clusters[i].id == id) return &r->clusters[i];
  }
  return NULL;
}

void probe_results_begin(struct probe_results *r, uint16_t id, uint64_t bps) {
  struct probe_measurement *place = &r->clusters[0];
  for (size_t i = 1; i < PROBE_RESULT_CLUSTERS && place->id; i++) {
    struct probe_measurement *c = &r->clusters[i];
    if (c->id == 0 || (int16_t)(uint16_t)(c->id - place->id) < 0) place = c;
  }
  *place = (struct probe_measurement){.id = id, .asked_bps = bps, .first_sent_us = -1, .first_arrival_us = -1};
}

void probe_results_sent(struct probe_results *r, uint16_t id, uint32_t bytes, int64_t now_us) {
  struct probe_measurement *c = find(r, id);
  if (!c) return;
  c->sent_packets++;
  c->sent_bytes += bytes;
  c->sent_until_us = now_us;
}

void probe_results_end(struct probe_results *r, uint16_t id) {
  struct probe_measurement *c = find(r, id);
  if (c) c->complete = true;
}

void probe_results_packet(struct probe_results *r, uint16_t id, int64_t sent_us, int64_t arrival_us, uint32_t bytes) {
  struct probe_measurement *c = find(r, id);
  if (!c) return;
  if (arrival_us < 0) {
    c->lost++;
    return;
  }
  c->packets++;
  c->bytes += bytes;
  if (c->first_sent_us < 0 || sent_us < c->first_sent_us) c->first_sent_us = sent_us;
  if (c->packets == 1 || sent_us >= c->last_sent_us) {
    c->last_sent_us = sent_us;
    c->last_sent_bytes = bytes;
  }
  if (c->first_arrival_us < 0 || arrival_us < c->first_arrival_us) {
    c->first_arrival_us = arrival_us;
    c->first_arrival_bytes = bytes;
  }
  if (c->packets == 1 || arrival_us > c->last_arrival_us) c->last_arrival_us = arrival_us;
}

static uint64_t rate_bps(uint64_t bytes, int64_t interval_us) {
  return interval_us > 0 ? bytes * 8 * 1000000 / (uint64_t)interval_us : UINT64_MAX;
}

static uint64_t measure(const struct probe_measurement *c, double random_loss, bool *saturated) {
  if (c->packets < PROBE_RESULT_MIN_PACKETS) return 0;
  if ((double)c->bytes < PROBE_RESULT_MIN_SHARE * (1 - random_loss) * c->sent_bytes) return 0;
  int64_t sent_span_us = c->last_sent_us - c->first_sent_us, arrival_span_us = c->last_arrival_us - c->first_arrival_us;
  if (sent_span_us <= 0 || sent_span_us > 1000000 || arrival_span_us > 1000000) return 0;
  uint64_t sent_bps = rate_bps(c->bytes - c->last_sent_bytes, sent_span_us);
  uint64_t arrived_bps = rate_bps(c->bytes - c->first_arrival_bytes, arrival_span_us);
  /* Lost ones took their time on the path too. */
  double kept = 1 - random_loss;
  sent_bps = (uint64_t)((double)sent_bps / kept);
  if (arrived_bps != UINT64_MAX) arrived_bps = (uint64_t)((double)arrived_bps / kept);
  if ((double)arrived_bps > PROBE_RESULT_MAX_RATIO * (double)sent_bps) return 0;
  *saturated = (double)arrived_bps < PROBE_RESULT_SATURATED * (double)sent_bps;
  if (*saturated) return (uint64_t)(PROBE_RESULT_MARGIN * (double)arrived_bps);
  return arrived_bps < sent_bps ? arrived_bps : sent_bps;
}

bool probe_results_take(struct probe_results *r, double random_loss, int64_t now_us, struct probe_result *out) {
  for (size_t i = 0; i < PROBE_RESULT_CLUSTERS; i++) {
    struct probe_measurement *c = &r->clusters[i];
    if (!c->id || !c->complete) continue;
    bool late = now_us - c->sent_until_us > PROBE_RESULT_TIMEOUT_US;
    if (!late && c->packets + c->lost < c->sent_packets) continue;
    *out = (struct probe_result){.asked_bps = c->asked_bps};
    out->measured_bps = measure(c, random_loss, &out->saturated);
    c->id = 0;
    return true;
  }
  return false;
}
