/* When to probe: see rtp/probe_controller.h. */
#include "rtp/probe_controller.h"

#include <string.h>

#define REST_US       1000000
#define RARER_BY_PART 4 /* each interval is longer than the last by its fourth part */

void probe_controller_init(struct probe_controller *p) {
  memset(p, 0, sizeof *p);
  p->interval_us = PROBE_INTERVAL_US;
  p->duration_us = PROBE_DURATION_US;
}

void probe_controller_set_duration(struct probe_controller *p, int64_t duration_us) {
  p->duration_us = duration_us > PROBE_DURATION_US ? duration_us : PROBE_DURATION_US;
}

static uint64_t ceiling(const struct probe_controller *p) {
  return (uint64_t)((double)p->most_bps * PROBE_HEADROOM);
}

static void ask(struct probe_controller *p, uint64_t bps) {
  if (p->pending == PROBE_PENDING) return;
  p->pending_bps[p->pending++] = bps;
}

void probe_controller_start(struct probe_controller *p, uint64_t start_bps, int64_t now_us) {
  uint64_t most = ceiling(p);
  if (p->started || most <= start_bps) return;
  p->started = true;
  p->due_us = now_us + p->interval_us;
  uint64_t first = start_bps * PROBE_FIRST_SCALE, second = start_bps * PROBE_SECOND_SCALE;
  ask(p, first < most ? first : most);
  if (first < most) ask(p, second < most ? second : most);
}

void probe_controller_want(struct probe_controller *p, uint64_t next_bps, uint64_t most_bps) {
  p->next_bps = next_bps;
  p->most_bps = most_bps > next_bps ? most_bps : next_bps;
}

void probe_controller_result(struct probe_controller *p, const struct probe_result *r, int64_t now_us) {
  uint64_t asked_bps = r->asked_bps, measured_bps = r->measured_bps;
  if (asked_bps < p->running_bps) return; /* the faster one of the round decides */
  p->running_bps = 0;
  bool confirmed = !r->saturated && (double)measured_bps > PROBE_FURTHER_SHARE * (double)asked_bps;
  if ((measured_bps == 0 || ((r->unheard || r->holed) && !confirmed)) && !p->again) {
    p->again = true;
    p->due_us = now_us + PROBE_AGAIN_US;
    if (r->unheard && p->pending == 0) ask(p, asked_bps);
    return;
  }
  p->again = false;
  if (!confirmed) {
    p->interval_us += p->interval_us / RARER_BY_PART;
    if (p->interval_us > PROBE_INTERVAL_MAX_US) p->interval_us = PROBE_INTERVAL_MAX_US;
    p->due_us = now_us + p->interval_us;
    return;
  }
  p->interval_us = PROBE_INTERVAL_US;
  p->due_us = now_us + p->interval_us;
  uint64_t most = ceiling(p), further = measured_bps * PROBE_FURTHER_SCALE;
  if (measured_bps < p->most_bps && asked_bps < most && p->pending == 0) ask(p, further < most ? further : most);
}

void probe_controller_congested(struct probe_controller *p, int64_t now_us) {
  p->pending = 0;
  p->running_bps = 0;
  if (p->due_us < now_us + REST_US) p->due_us = now_us + REST_US;
}

void probe_controller_claimed(struct probe_controller *p, uint64_t bps, int64_t now_us) {
  p->claimed_bps = bps;
  p->claimed_us = now_us;
}

void probe_controller_fell(struct probe_controller *p, uint64_t bps, int64_t now_us) {
  if (now_us - p->claimed_us >= PROBE_CLAIM_US) p->claimed_bps = 0;
  if (bps * 100 >= p->claimed_bps * PROBE_CLAIM_PERCENT) return;
  p->claimed_bps = 0;
  p->shared_until_us = now_us + PROBE_SHARED_US;
}

bool probe_controller_next(struct probe_controller *p, uint64_t target_bps, uint64_t proven_bps, int64_t now_us,
                           struct probe_cluster *out) {
  if (!p->started) return false;
  if (p->running_bps && now_us >= p->running_until_us) p->running_bps = 0;
  uint64_t known = proven_bps < target_bps ? proven_bps : target_bps;
  if (p->pending == 0 && p->running_bps == 0 && p->next_bps > known && now_us >= p->due_us) {
    uint64_t wanted = (uint64_t)((double)p->next_bps * PROBE_HEADROOM);
    uint64_t most = target_bps * PROBE_FURTHER_SCALE;
    ask(p, wanted < most ? wanted : most);
    p->due_us = now_us + p->interval_us;
  }
  if (p->pending == 0) return false;
  uint64_t bps = p->pending_bps[0];
  p->pending_bps[0] = p->pending_bps[1];
  p->pending--;
  if (++p->last_id == 0) p->last_id = 1;
  if (bps > p->running_bps) p->running_bps = bps;
  p->running_until_us = now_us + PROBE_TIMEOUT_US;
  int64_t duration_us =
      p->last_id == 1 && p->pending && p->duration_us == PROBE_DURATION_US ? PROBE_OPENING_US : p->duration_us;
  *out = (struct probe_cluster){.id = p->last_id,
                                .bps = bps,
                                .bytes = (uint32_t)(bps * (uint64_t)duration_us / 8 / 1000000),
                                .packets = PROBE_MIN_PACKETS};
  return true;
}
