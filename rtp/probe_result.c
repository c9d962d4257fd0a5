/* Measurements by probe clusters: see rtp/probe_result.h. */
#include "rtp/probe_result.h"

#include <stddef.h>
#include <string.h>

#define SPAN_MAX_US   1000000
#define SPAN_ERROR_US 2000 /* packets of different sizes, feedback in steps of 250 us */

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

void probe_results_run(struct probe_results *r, const struct transport_result *run) {
  struct probe_measurement *c = find(r, run->tag);
  if (!c) return;
  if (run->arrival_us < 0) {
    c->lost += run->packets;
    c->lost_bytes += run->bytes;
    return;
  }
  if (run->again) { /* counted as lost by an earlier message */
    c->lost -= run->packets;
    c->lost_bytes -= run->bytes;
  }
  bool any = c->packets > 0;
  c->packets += run->packets;
  c->bytes += run->bytes;
  if (!any || run->sent_us < c->first_sent_us) c->first_sent_us = run->sent_us;
  if (!any || run->last_sent_us >= c->last_sent_us) {
    c->last_sent_us = run->last_sent_us;
    c->last_sent_bytes = run->last_bytes;
  }
  if (!any || run->arrival_us < c->first_arrival_us) {
    c->first_arrival_us = run->arrival_us;
    c->first_arrival_bytes = run->first_bytes;
  }
  if (!any || run->last_arrival_us > c->last_arrival_us) c->last_arrival_us = run->last_arrival_us;
}

static uint64_t rate_bps(uint64_t bytes, int64_t interval_us) {
  return interval_us > 0 ? bytes * 8 * 1000000 / (uint64_t)interval_us : UINT64_MAX;
}

/* Packets have different sizes, so the times at both ends are compared, not the rates: at the sender the last packet's bytes came after
 * the time, at the receiver the first one's before it. */
static uint64_t measure(const struct probe_measurement *c, double random_loss, int64_t base_us,
                        struct probe_result *out) {
  if (c->packets < PROBE_RESULT_MIN_PACKETS) return 0;
  double kept = 1 - random_loss; /* lost ones took their time on the path too */
  out->holed = c->bytes < PROBE_RESULT_MIN_SHARE * kept * (c->bytes + c->lost_bytes);
  if (out->holed) kept = 1;
  int64_t sent_us = c->last_sent_us - c->first_sent_us, arrival_us = c->last_arrival_us - c->first_arrival_us;
  if (sent_us <= 0 || sent_us > SPAN_MAX_US || arrival_us > SPAN_MAX_US) return 0;
  uint64_t bytes = c->bytes - c->last_sent_bytes;
  int64_t span_us = arrival_us > sent_us ? arrival_us : sent_us;
  if ((double)arrival_us * PROBE_RESULT_MAX_RATIO < (double)sent_us) {
    /* Held up and then let go at once. From the first packet's earliest possible arrival on, the path had that long at most. */
    if (base_us == INT64_MAX) return 0;
    int64_t longest_us = c->last_arrival_us - c->first_sent_us - base_us;
    if (longest_us > span_us) span_us = longest_us;
  }
  out->saturated = (double)arrival_us * PROBE_RESULT_SATURATED > (double)(sent_us + SPAN_ERROR_US);
  if (out->saturated) {
    bytes = c->bytes - c->first_arrival_bytes;
    kept /= PROBE_RESULT_MARGIN;
  }
  return (uint64_t)((double)rate_bps(bytes, span_us) / kept);
}

bool probe_results_take(struct probe_results *r, double random_loss, int64_t base_us, int64_t newest_sent_us,
                        int64_t now_us, struct probe_result *out) {
  for (size_t i = 0; i < PROBE_RESULT_CLUSTERS; i++) {
    struct probe_measurement *c = &r->clusters[i];
    if (!c->id || !c->complete) continue;
    bool over = now_us - c->sent_until_us > PROBE_RESULT_TIMEOUT_US ||
                newest_sent_us - c->sent_until_us > PROBE_RESULT_PASSED_US;
    bool unheard = c->packets + c->lost < c->sent_packets;
    if (!over && unheard) continue;
    *out = (struct probe_result){.asked_bps = c->asked_bps, .unheard = unheard};
    out->measured_bps = measure(c, random_loss, base_us, out);
    c->id = 0;
    return true;
  }
  return false;
}
