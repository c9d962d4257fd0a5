/* The estimate of one downlink: see rtp/bandwidth_estimator.h. */
#include "rtp/bandwidth_estimator.h"

#include <string.h>

/* A message that lost more than so many times what chance takes: congestion, when somebody fills the queue. */
#define CHANCE_LOSSES    3
/* A queue of so much, and losses: it overflows. */
#define FULL_QUEUE_US    150000
/* With a queue a probe would measure its share of somebody else's path, and lengthen it. */
#define PROBE_QUEUE_US   25000
/* The queue of a drop is still being reported for so long. */
#define DRAIN_MIN_US     250000
#define DRAIN_PERCENT    85 /* of what arrived meanwhile */
/* Jitter may hide a short cluster: probe for this many mean variations, at most so long. */
#define JITTER_SPANS     4
#define JITTERY_SPANS    6 /* where a decrease has been undone: there jitter is not of our making */
/* A sudden drop makes a wait longer than this many of the mean variations before it. */
#define DROP_SPANS       14
/* … and a queue of ours stands higher than so many. */
#define WITNESS_SPANS    8
/* So much variation is made by frames, ours and those of others at the same bottleneck. */
#define FRAMES_VARY_US   8000
/* Flows that share a bottleneck make less variation than this. */
#define JITTERY_US       14000
/* Before the jitter of a path is known it looks like a drop; but what arrives is carried. */
#define OPENING_US       3000000
#define PROBE_MAX_US     150000
/* So long after a decrease, and with hardly a queue, what arrives is what the path carries at least. */
#define CARRIED_AFTER_US 1000000
#define CARRIED_QUEUE_US 5000
/* Who shares a bottleneck finds his share by growing: not before he has passed what he met there by so much, or was left in peace
 * for so long, may a cluster take from the others; after a drop it says where the link is now. */
#define SHARED_PASSED    1.02
#define SHARED_PEACE_US  10000000
#define SHARED_DROP_US   3000000

const char *bandwidth_limit_name(enum bandwidth_limit limit) {
  static const char *const names[] = {"delay", "loss", "remb", "stalled"};
  return (unsigned)limit < 4 ? names[limit] : "unknown";
}

/* The least of all that limits. */
static void settle(struct bandwidth_estimator *e) {
  uint64_t bps = rate_control_bps(&e->control);
  if (loss_bound_bps(&e->loss) < bps) bps = loss_bound_bps(&e->loss);
  if (!e->has_feedback && e->remb_bps && e->remb_bps < bps) bps = e->remb_bps;
  e->target_bps = bps < e->control.min_bps ? e->control.min_bps : bps;
}

void bandwidth_estimator_init(struct bandwidth_estimator *e, const struct bandwidth_config *c) {
  memset(e, 0, sizeof *e);
  arrival_groups_init(&e->groups);
  trendline_init(&e->trend);
  queue_delay_init(&e->queue);
  link_drop_init(&e->drop);
  calm_link_init(&e->calm);
  competition_init(&e->competition);
  acknowledged_rate_init(&e->acknowledged);
  loss_bound_init(&e->loss);
  application_limit_init(&e->application);
  probe_results_init(&e->results);
  probe_controller_init(&e->probes);
  e->start_bps = c && c->start_bps ? c->start_bps : BANDWIDTH_START_BPS;
  rate_control_init(&e->control, e->start_bps, c && c->min_bps ? c->min_bps : BANDWIDTH_MIN_BPS,
                    c && c->max_bps ? c->max_bps : BANDWIDTH_MAX_BPS);
  e->first_feedback_us = e->proven_us = e->feedback_us = e->waiting_us = e->sent_us = e->dropped_us = -1;
  settle(e);
}

/* ---- sending ---- */

/* The link is back. Trend and losses from before the outage say nothing about it; the estimate is the best guess there is. */
static void resume(struct bandwidth_estimator *e, int64_t now_us) {
  e->stalled = false;
  e->ignore_before_us = now_us;
  loss_bound_forget(&e->loss);
  arrival_groups_init(&e->groups);
  trendline_init(&e->trend);
  calm_link_init(&e->calm);
  acknowledged_rate_init(&e->acknowledged);
}

/* Nothing is under way, so nothing could be answered: whether the link is there shows with the next packets. */
static void forget_outage(struct bandwidth_estimator *e, int64_t now_us) {
  e->waiting_us = -1;
  if (e->stalled) resume(e, now_us);
}

void bandwidth_estimator_sent(struct bandwidth_estimator *e, uint32_t bytes, int64_t now_us) {
  if (e->proven_us < 0) { /* until something is known the first guess counts */
    e->proven_us = now_us;
    e->proven_bps = e->start_bps;
  }
  e->sent_bytes += bytes;
  if (e->sent_us >= 0 && now_us - e->sent_us > BANDWIDTH_IDLE_US) forget_outage(e, now_us);
  if (bytes) {
    e->sent_us = now_us;
    if (e->waiting_us < 0) e->waiting_us = now_us;
  }
  if (!e->has_feedback || e->stalled || e->waiting_us < 0) return;
  bool went_on = e->sent_us - e->waiting_us >= BANDWIDTH_STALL_US / 2; /* not only the last packets are missing */
  if (went_on && now_us - e->waiting_us > BANDWIDTH_STALL_US + e->rtt_us) {
    e->stalled = true;
    e->stalls++;
    probe_controller_congested(&e->probes, now_us);
  }
}

void bandwidth_estimator_want(struct bandwidth_estimator *e, uint64_t next_bps, uint64_t most_bps, int64_t now_us) {
  probe_controller_want(&e->probes, next_bps, most_bps);
  probe_controller_start(&e->probes, e->start_bps, now_us);
}

static int64_t beyond_frames(int64_t jitter_us) {
  return jitter_us > FRAMES_VARY_US ? jitter_us - FRAMES_VARY_US : 0;
}

int64_t bandwidth_estimator_usual_wait_us(const struct bandwidth_estimator *e) {
  return queue_delay_jitter_us(&e->queue) + WITNESS_SPANS * beyond_frames(e->jitter_us);
}

/* The clusters of several senders make the queues, and the decreases of all of them: whoever fills what he has needs none. */
static bool leaves_it_to_growth(const struct bandwidth_estimator *e, int64_t now_us) {
  const struct rate_control *r = &e->control;
  if (!probe_controller_shares(&e->probes, now_us) || e->application.limited || r->capacity_kbps <= 0) return false;
  if (e->undone) return false;
  if (e->dropped_us >= 0 && now_us - e->dropped_us <= SHARED_DROP_US) return false;
  return now_us - r->decreased_us < SHARED_PEACE_US && r->bps < SHARED_PASSED * 1000 * r->capacity_kbps;
}

bool bandwidth_estimator_probe(struct bandwidth_estimator *e, int64_t now_us, struct probe_cluster *out) {
  if (e->stalled || probe_controller_idle(&e->probes, now_us)) return false;
  int64_t usual_us = e->undone ? bandwidth_estimator_usual_wait_us(e) : queue_delay_jitter_us(&e->queue);
  if (queue_delay_standing_us(&e->queue) > PROBE_QUEUE_US + usual_us) return false;
  if (leaves_it_to_growth(e, now_us)) return false;
  int64_t duration_us = e->jitter_us * (e->undone ? JITTERY_SPANS : JITTER_SPANS);
  probe_controller_set_duration(&e->probes, duration_us < PROBE_MAX_US ? duration_us : PROBE_MAX_US);
  if (!probe_controller_next(&e->probes, bandwidth_estimator_bps(e), bandwidth_estimator_proven_bps(e, now_us), now_us,
                             out)) {
    return false;
  }
  probe_results_begin(&e->results, out->id, out->bps);
  return true;
}

void bandwidth_estimator_probe_sent(struct bandwidth_estimator *e, uint16_t id, uint32_t bytes, int64_t now_us) {
  probe_results_sent(&e->results, id, bytes, now_us);
}

void bandwidth_estimator_probe_end(struct bandwidth_estimator *e, uint16_t id) {
  probe_results_end(&e->results, id);
}

/* ---- feedback ---- */

static void note_jitter(struct bandwidth_estimator *e, const struct arrival_delta *d) {
  int64_t variation_us = d->first_us < 0 ? -d->first_us : d->first_us;
  e->jitter_us += (variation_us - e->jitter_us) / 16;
}

/* A bottleneck's queue that drops what it cannot hold is as long in every message: there is no trend to see in it. */
static bool is_full(const struct bandwidth_estimator *e) {
  return queue_delay_standing_us(&e->queue) > FULL_QUEUE_US + bandwidth_estimator_usual_wait_us(e);
}

/* The share that is lost at random. What overflows for long is lost so steadily that it looks like it. */
static double chance_of(const struct bandwidth_estimator *e) {
  double random = loss_bound_random(&e->loss);
  return random > 0 && (e->competition.on || is_full(e)) ? competition_chance(&e->competition, random) : random;
}

static uint64_t with_lost(const struct bandwidth_estimator *e, uint64_t bps) {
  return (uint64_t)((double)bps / (1 - chance_of(e)));
}

/* What one message says of losses. */
struct tally {
  uint32_t packets;
  int32_t lost;
  uint64_t bytes;
  int64_t first_us, last_us;
};

static void count_run(struct tally *t, const struct transport_result *run) {
  if (t->first_us < 0) t->first_us = run->sent_us;
  if (run->last_sent_us > t->last_us) t->last_us = run->last_sent_us;
  if (run->again) { /* counted as lost by an earlier message, here after all */
    t->lost -= (int32_t)run->packets;
    return;
  }
  t->packets += run->packets;
  t->bytes += run->bytes;
  if (run->arrival_us < 0) t->lost += (int32_t)run->packets;
}

/* The trend's part of a run. Returns whether it is overuse. */
static bool follow_trend(struct bandwidth_estimator *e, const struct transport_result *run) {
  struct arrival_delta delta;
  if (!arrival_groups_run(&e->groups, run, &delta)) return false;
  note_jitter(e, &delta);
  return trendline_update(&e->trend, &delta) == LINK_OVERUSED;
}

/* Everybody's part of a run that arrived, but for the trend's. */
static void note_arrival(struct bandwidth_estimator *e, const struct transport_result *run) {
  acknowledged_rate_run(&e->acknowledged, run->last_arrival_us, run->bytes, run->packets);
  queue_delay_packet(&e->queue, run->sent_us, run->arrival_us, run->sent_us < e->drain_until_us);
  link_drop_run(&e->drop, run);
}

/* It is calm no longer: the trend learns what was kept from it. */
static void catch_up(struct bandwidth_estimator *e) {
  size_t kept = calm_link_kept(&e->calm);
  for (size_t i = 0; i < kept; i++) {
    struct transport_result run = calm_link_run(&e->calm, i);
    follow_trend(e, &run);
  }
  e->calm.kept = 0;
}

static bool is_calm(struct bandwidth_estimator *e, const struct transport_results *r, struct transport_result *sum) {
  if (e->trend.usage == LINK_OVERUSED || e->competition.on) e->calm.messages = 0;
  if (!calm_link_message(&e->calm, r, queue_delay_base_us(&e->queue), sum)) return false;
  e->trend.usage = LINK_NORMAL; /* a queue that shrinks was none */
  return true;
}

/* Feeds one message's runs to everybody. Returns whether any part of it was overuse. */
static bool feed(struct bandwidth_estimator *e, const struct transport_results *r, bool *lossy, int64_t now_us) {
  struct tally tally = {.first_us = -1, .last_us = -1};
  struct transport_result sum;
  bool overused = false;
  if (is_calm(e, r, &sum)) {
    count_run(&tally, &sum);
    note_arrival(e, &sum);
    *lossy = false;
    loss_bound_packets(&e->loss, tally.first_us, tally.last_us, tally.packets, 0, tally.bytes, now_us);
    return false;
  }
  if (e->calm.kept) catch_up(e);
  for (size_t i = 0; i < r->count; i++) {
    const struct transport_result *run = &r->results[i];
    if (run->tag) probe_results_run(&e->results, run);
    if (run->sent_us < e->ignore_before_us) continue; /* the backlog of an outage */
    count_run(&tally, run);
    if (run->arrival_us < 0) continue;
    note_arrival(e, run);
    if (!run->tag) overused |= follow_trend(e, run);
  }
  *lossy = tally.lost > CHANCE_LOSSES * chance_of(e) * tally.packets;
  loss_bound_packets(&e->loss, tally.first_us, tally.last_us, tally.packets, tally.lost, tally.bytes, now_us);
  return overused;
}

static void take_probes(struct bandwidth_estimator *e, int64_t newest_sent_us, int64_t now_us) {
  struct probe_result result;
  while (probe_results_take(&e->results, loss_bound_random(&e->loss), queue_delay_base_us(&e->queue), newest_sent_us,
                            now_us, &result)) {
    uint64_t measured_bps = result.measured_bps;
    uint64_t target_bps = rate_control_bps(&e->control);
    if (measured_bps > target_bps) {
      rate_control_set(&e->control, measured_bps, now_us);
      probe_controller_claimed(&e->probes, measured_bps, now_us);
    }
    if (measured_bps && (measured_bps >= e->proven_bps || now_us - e->proven_us > BANDWIDTH_PROOF_US)) {
      e->proven_bps = measured_bps;
      e->proven_us = now_us;
    }
    probe_controller_result(&e->probes, &result, now_us);
  }
}

/* Everything in flight beyond what a round trip holds is queue, and leaves at the link's new rate. */
static bool check_drop(struct bandwidth_estimator *e, uint64_t acknowledged_bps, uint64_t in_flight_bytes,
                       int64_t now_us) {
  uint64_t bps;
  int64_t usual_us = queue_delay_jitter_us(&e->queue) + DROP_SPANS * beyond_frames(e->jitter_before_us);
  e->jitter_before_us = e->jitter_us;
  if (!link_drop_message(&e->drop, queue_delay_base_us(&e->queue) + usual_us, now_us, &bps)) return false;
  bps = with_lost(e, bps);
  if (now_us - e->first_feedback_us < OPENING_US && bps < acknowledged_bps) bps = acknowledged_bps;
  if (bps >= rate_control_bps(&e->control) || bps == 0) return false;
  e->drops++;
  e->dropped_us = now_us;
  rate_control_drop(&e->control, bps, now_us);
  acknowledged_rate_init(&e->acknowledged);
  int64_t drain_us = (int64_t)(in_flight_bytes * 8 * 1000000 / bps) - e->least_rtt_us - BANDWIDTH_DRAINED_US;
  if (drain_us > BANDWIDTH_DRAIN_MAX_US) drain_us = BANDWIDTH_DRAIN_MAX_US;
  e->drain_until_us = now_us + drain_us;
  return true;
}

static void note_feedback(struct bandwidth_estimator *e, const struct transport_results *r, int64_t now_us) {
  if (e->stalled && r->received > 0) resume(e, now_us);
  if (r->received == 0) return;
  e->has_feedback = true;
  e->feedback_us = now_us;
  if (e->first_feedback_us < 0) e->first_feedback_us = now_us;
  e->waiting_us = -1;
  int64_t sample_us = now_us - r->newest_sent_us;
  if (e->least_rtt_us == 0 || sample_us < e->least_rtt_us) e->least_rtt_us = sample_us;
  e->least_rtt_us += e->least_rtt_us / 4096; /* forgotten slowly: a path may become longer */
  e->rtt_us = e->rtt_us ? (7 * e->rtt_us + sample_us) / 8 : sample_us;
  rate_control_set_rtt(&e->control, e->rtt_us);
}

/* A message with overuse anywhere counts as overuse; but a queue must stand, above what comes and goes, or it was jitter. */
static enum link_usage usage_of(const struct bandwidth_estimator *e, bool overused, bool overflows, int64_t queue_us) {
  if (overflows) return LINK_OVERUSED;
  if (overused && queue_us >= BANDWIDTH_WITNESS_US + bandwidth_estimator_usual_wait_us(e)) return LINK_OVERUSED;
  return e->trend.usage == LINK_OVERUSED ? LINK_NORMAL : e->trend.usage;
}

/* Sound goes on whatever the estimate says: when it arrives without a queue, an estimate far below it was wrong. */
static void believe_what_is_carried(struct bandwidth_estimator *e, uint64_t acknowledged_bps, int64_t queue_us,
                                    int64_t now_us) {
  if (queue_us > CARRIED_QUEUE_US || acknowledged_bps * 4 < rate_control_bps(&e->control) * 5) return;
  if (e->control.decreased_us < 0 || now_us - e->control.decreased_us < CARRIED_AFTER_US) return;
  rate_control_set(&e->control, acknowledged_bps, now_us);
}

/* While a queue drains, what arrives is what the path carries: a radio that stood still for a moment is not slow for that. */
static void believe_the_drain(struct bandwidth_estimator *e, uint64_t acknowledged_bps, int64_t now_us) {
  uint64_t bps = acknowledged_bps * DRAIN_PERCENT / 100;
  if (bps > rate_control_bps(&e->control)) rate_control_set(&e->control, bps, now_us);
}

/* ---- second thoughts ---- */

/* After a decrease a queue of ours leaves no faster than what we send less than the path carries. One that has gone far sooner was
 * none of ours. */
#define DOUBT_US       400000
#define DOUBT_LEAST_US 80000
#define DOUBT_PERCENT  70

static void doubt(struct bandwidth_estimator *e, double before_bps, int64_t wait_us, uint64_t carried_bps,
                  int64_t newest_sent_us) {
  if (e->doubt.carried_bps || carried_bps == 0 || e->jitter_us < JITTERY_US) return;
  e->doubt = (struct bandwidth_doubt){
      .before_bps = before_bps, .wait_us = wait_us, .sent_us = newest_sent_us, .carried_bps = carried_bps};
}

static void reconsider(struct bandwidth_estimator *e, const struct transport_results *r, int64_t now_us) {
  struct bandwidth_doubt *d = &e->doubt;
  if (!d->carried_bps || r->received == 0) return;
  for (size_t i = 0; i < r->count; i++) {
    const struct transport_result *run =
        &r->results[i]; /* what a full queue drops does not wait; what chance takes has */
    if (run->sent_us > d->sent_us && run->arrival_us >= 0) d->bits += (int64_t)run->bytes * 8;
  }
  int64_t elapsed_us = r->newest_sent_us - d->sent_us;
  if (elapsed_us <= 0) return;
  int64_t wait_us = link_drop_delay_us(&e->drop) - queue_delay_base_us(&e->queue);
  int64_t sent_us = (int64_t)(with_lost(e, (uint64_t)d->bits) * 1000000 / d->carried_bps);
  int64_t left_us = d->wait_us - elapsed_us + sent_us;
  int64_t margin_us = d->wait_us * DOUBT_PERCENT / 100;
  if (margin_us < DOUBT_LEAST_US) margin_us = DOUBT_LEAST_US;
  if (wait_us < left_us - margin_us) {
    if (d->before_bps > (double)rate_control_bps(&e->control)) {
      rate_control_set(&e->control, (uint64_t)d->before_bps, now_us);
      e->drain_until_us = now_us;
      e->undone++;
    }
    queue_delay_learn(&e->queue, ++e->wrong > 1 ? d->wait_us : d->wait_us / 2);
    d->carried_bps = 0;
  } else if (elapsed_us > DOUBT_US) {
    if (e->wrong) e->wrong--;
    d->carried_bps = 0;
  }
}

/* Moves the rate by what the message said. Returns whether it was decreased. */
static bool govern(struct bandwidth_estimator *e, bool overused, bool lossy, uint64_t in_flight_bytes,
                   int64_t newest_sent_us, int64_t now_us) {
  double before_bps = (double)rate_control_bps(&e->control);
  int64_t queue_us = queue_delay_standing_us(&e->queue);
  uint64_t acknowledged_bps = with_lost(e, acknowledged_rate_bps(&e->acknowledged, ACKNOWLEDGED_WINDOW_US));
  uint64_t busy_bps = with_lost(e, acknowledged_rate_bps(&e->acknowledged, ACKNOWLEDGED_BUSY_US));
  if (acknowledged_bps >= e->proven_bps || now_us - e->proven_us > BANDWIDTH_PROOF_US) {
    e->proven_bps = acknowledged_bps;
    e->proven_us = now_us;
  }
  if (competition_update(&e->competition, queue_us, loss_bound_random(&e->loss), false, now_us)) {
    uint64_t bps = rate_control_bps(&e->control);
    rate_control_set(
        &e->control,
        competition_rate(&e->competition, bps, acknowledged_bps, lossy, e->application.limited, e->rtt_us, now_us),
        now_us);
    return false;
  }
  bool dropped = check_drop(e, acknowledged_bps, in_flight_bytes, now_us);
  int64_t newest_us = link_drop_delay_us(&e->drop);
  bool drained = newest_us != INT64_MAX && newest_us - queue_delay_base_us(&e->queue) < BANDWIDTH_DRAINED_US;
  if (drained && now_us - e->dropped_us > DRAIN_MIN_US) {
    if (now_us < e->drain_until_us) believe_the_drain(e, acknowledged_bps, now_us);
    e->drain_until_us = now_us;
  }
  bool overflows = lossy && acknowledged_bps < rate_control_bps(&e->control) && is_full(e);
  bool decreased = rate_control_update(&e->control, usage_of(e, overused, overflows, queue_us), acknowledged_bps,
                                       busy_bps, e->application.limited, now_us);
  if (!decreased && !dropped) believe_what_is_carried(e, acknowledged_bps, queue_us, now_us);
  if (decreased || dropped) {
    competition_update(&e->competition, queue_us, loss_bound_random(&e->loss), true, now_us);
    int64_t wait_us = newest_us == INT64_MAX ? queue_us : newest_us - queue_delay_base_us(&e->queue);
    doubt(e, before_bps, wait_us > queue_us ? wait_us : queue_us, busy_bps, newest_sent_us);
  }
  return decreased || dropped;
}

void bandwidth_estimator_feedback(struct bandwidth_estimator *e, const struct transport_results *r,
                                  uint64_t in_flight_bytes, int64_t now_us) {
  if (r->count == 0) return;
  application_limit_sent(&e->application, e->sent_bytes, e->target_bps, now_us);
  e->sent_bytes = 0;
  note_feedback(e, r, now_us);
  bool lossy = false, overused = feed(e, r, &lossy, now_us);
  if (e->calm.kept && !e->doubt.carried_bps && now_us - e->calm.governed_us < CALM_LINK_GOVERN_US)
    return; /* nothing has happened */
  e->calm.governed_us = now_us;
  if (govern(e, overused, lossy, in_flight_bytes, r->newest_sent_us, now_us)) {
    e->decreases++;
    if (e->proven_bps > rate_control_bps(&e->control)) e->proven_bps = rate_control_bps(&e->control);
    probe_controller_congested(&e->probes, now_us);
    probe_controller_fell(&e->probes, rate_control_bps(&e->control), now_us);
  }
  reconsider(e, r, now_us);
  take_probes(e, r->newest_sent_us, now_us);
  settle(e);
}

/* ---- receivers without transport-wide feedback ---- */

void bandwidth_estimator_remb(struct bandwidth_estimator *e, uint64_t bps) {
  if (e->has_feedback) return;
  e->remb_bps = bps;
  settle(e);
}

/* gcc-02 §6: "If the packet loss ratio is between 2% and 10%, As_hat is kept; more than 10%: As_hat(i-1)(1-0.5p); less than 2%:
 * 1.05(As_hat(i-1))". Without feedback per packet there is nothing better. */
void bandwidth_estimator_reported_loss(struct bandwidth_estimator *e, uint8_t fraction_lost, int64_t now_us) {
  if (e->has_feedback || e->remb_bps == 0) return;
  double p = fraction_lost / 256.0, bps = (double)rate_control_bps(&e->control);
  if (p > 0.10) bps *= 1 - 0.5 * p;
  if (p < 0.02) bps *= 1.05;
  if (bps > (double)e->remb_bps) bps = (double)e->remb_bps;
  rate_control_set(&e->control, (uint64_t)bps, now_us);
  settle(e);
}

/* ---- what follows ---- */

uint64_t bandwidth_estimator_proven_bps(const struct bandwidth_estimator *e, int64_t now_us) {
  if (e->proven_us < 0) return e->start_bps; /* nothing was sent yet: the first guess counts */
  return e->proven_us >= 0 && now_us - e->proven_us <= BANDWIDTH_PROOF_US ? e->proven_bps : 0;
}

bool bandwidth_estimator_draining(const struct bandwidth_estimator *e, int64_t now_us) {
  return now_us < e->drain_until_us;
}

void bandwidth_estimator_state(const struct bandwidth_estimator *e, int64_t now_us, struct bandwidth_state *out) {
  *out = (struct bandwidth_state){
      .target_bps = bandwidth_estimator_bps(e),
      .delay_bps = rate_control_bps(&e->control),
      .loss_bps = loss_bound_bps(&e->loss),
      .acknowledged_bps = acknowledged_rate_bps(&e->acknowledged, ACKNOWLEDGED_WINDOW_US),
      .proven_bps = bandwidth_estimator_proven_bps(e, now_us),
      .rtt_us = e->rtt_us,
      .queue_us = queue_delay_standing_us(&e->queue),
      .jitter_us = e->jitter_us,
      .loss = loss_bound_recent(&e->loss),
      .random_loss = loss_bound_random(&e->loss),
      .trend_ms = e->trend.modified_ms,
      .threshold_ms = e->trend.threshold_ms,
      .usage = e->trend.usage,
      .control = e->control.state,
      .app_limited = e->application.limited,
      .competing = e->competition.on,
      .stalled = e->stalled,
  };
  if (e->stalled)
    out->limit = BANDWIDTH_STALLED;
  else if (!e->has_feedback && e->remb_bps)
    out->limit = BANDWIDTH_BY_REMB;
  else if (out->loss_bps < out->delay_bps)
    out->limit = BANDWIDTH_BY_LOSS;
}
