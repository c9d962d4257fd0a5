/* server/room/topology.c: see topology.h. */
#include "server/room/topology.h"

#include <string.h>

#define NEVER INT64_MAX

const char *topology_phase_name(enum topology_phase phase) {
  static const char *const names[] = {"sfu", "connecting", "connected", "returning"};
  return (unsigned)phase < 4 ? names[phase] : "unknown";
}

static const char *const causes[TOPOLOGY_CAUSES] = {"room", "failed", "stalled", "timeout", "lost", "left"};

const char *topology_cause_name(enum topology_cause cause) {
  return (unsigned)cause < TOPOLOGY_CAUSES ? causes[cause] : "unknown";
}

int topology_report_parse(const char *name, enum topology_report *out) {
  static const char *const names[] = {"connected", "failed", "stalled", "sending", "swapped"};
  for (unsigned i = 0; i < TOPOLOGY_REPORTS; i++) {
    if (strcmp(names[i], name) != 0) continue;
    *out = (enum topology_report)i;
    return 0;
  }
  return -1;
}

void topology_settings_init(struct topology_settings *settings) {
  *settings = (struct topology_settings){.settle_us = 5000000,
                                         .connect_us = 3000000,
                                         .sending_us = 500000,
                                         .return_us = 4500000,
                                         .retry_us = {30000000, 120000000},
                                         .proven_us = 60000000};
}

void topology_init(struct topology *t) {
  *t = (struct topology){.settle_us = INT64_MIN, .retry_us = INT64_MIN, .return_due_us = NEVER, .deadline_us = NEVER};
}

int64_t topology_deadline(const struct topology *t) {
  return t->deadline_us;
}

bool topology_is_direct(const struct topology *t) {
  return t->phase == TOPOLOGY_DIRECT || (t->phase == TOPOLOGY_RETURNING && t->had_switched);
}

/* ---- statistics --------------------------------------------------------------------------------------------------- */

/* A picture at 30 fps stays 33 ms; 67 is one missed frame. */
static const int gap_bounds_ms[TOPOLOGY_GAP_BUCKETS - 1] = {33, 50, 67, 100, 150, 250, 500, 1000};

#define GAP_MAX_MS 10000 /* one client's word must not move everybody's mean; beyond it something else has happened */

void topology_stats_gap(struct topology_stats *stats, enum topology_way way, int64_t gap_ms) {
  size_t bucket = 0;
  if (gap_ms > GAP_MAX_MS) gap_ms = GAP_MAX_MS;
  while (bucket < TOPOLOGY_GAP_BUCKETS - 1 && gap_ms > gap_bounds_ms[bucket])
    bucket++;
  stats->gaps[way][bucket]++;
  stats->gap_sum_ms[way] += (uint64_t)gap_ms;
  stats->gap_count[way]++;
}

static json_t *gaps_json(const struct topology_stats *stats, enum topology_way way) {
  json_t *bounds = json_array(), *counts = json_array();
  for (size_t i = 0; i < TOPOLOGY_GAP_BUCKETS; i++) {
    if (i < TOPOLOGY_GAP_BUCKETS - 1) json_array_append_new(bounds, json_integer(gap_bounds_ms[i]));
    json_array_append_new(counts, json_integer((json_int_t)stats->gaps[way][i]));
  }
  return json_pack("{s:o, s:o, s:I, s:I}", "le", bounds, "counts", counts, "sum", (json_int_t)stats->gap_sum_ms[way],
                   "count", (json_int_t)stats->gap_count[way]);
}

json_t *topology_stats_json(const struct topology_stats *stats) {
  json_t *ends = json_object();
  for (int i = 0; i < TOPOLOGY_CAUSES; i++)
    json_object_set_new(ends, causes[i], json_integer((json_int_t)stats->causes[i]));
  return json_pack(
      "{s:I, s:{s:{s:I, s:I, s:I, s:I}, s:{s:I, s:I, s:I}}, s:o, s:{s:I, s:I, s:I}, s:{s:o, s:o}}", "attempts",
      (json_int_t)stats->attempts, "switches", "direct", "connected", (json_int_t)stats->connected, "failed",
      (json_int_t)stats->failed, "timeout", (json_int_t)stats->timed_out, "abandoned", (json_int_t)stats->abandoned,
      "sfu", "swapped", (json_int_t)stats->returned, "timeout", (json_int_t)stats->return_timed_out, "left",
      (json_int_t)stats->return_left, "causes", ends, "pairs", "host", (json_int_t)stats->pairs[TOPOLOGY_PAIR_HOST],
      "srflx", (json_int_t)stats->pairs[TOPOLOGY_PAIR_SRFLX], "relay", (json_int_t)stats->pairs[TOPOLOGY_PAIR_RELAY],
      "gapsMs", "direct", gaps_json(stats, TOPOLOGY_TO_DIRECT), "sfu", gaps_json(stats, TOPOLOGY_TO_SFU));
}

/* ---- reports ------------------------------------------------------------------------------------------------------ */

static void take_pair(struct topology *t, unsigned side, int pair, struct topology_stats *stats) {
  if (pair < 0 || pair >= TOPOLOGY_PAIRS || t->pair_told[side]) return;
  t->pair_told[side] = true;
  stats->pairs[pair]++;
}

static void take_gap(struct topology *t, unsigned side, enum topology_way way, int64_t gap_ms,
                     struct topology_stats *stats) {
  if (gap_ms < 0 || t->gap_told[way][side]) return;
  t->gap_told[way][side] = true;
  topology_stats_gap(stats, way, gap_ms);
}

/* Called back, or not direct at all: no order to stop sending can be under way behind the last one to send. */
static bool coming_back(const struct topology *t) {
  return t->phase == TOPOLOGY_RETURNING || t->phase == TOPOLOGY_SFU;
}

static void trouble(struct topology *t, enum topology_cause cause) {
  if ((t->phase != TOPOLOGY_TRYING && t->phase != TOPOLOGY_DIRECT) || t->troubled) return;
  t->troubled = true;
  t->trouble = cause;
}

void topology_report(struct topology *t, unsigned side, uint32_t attempt, enum topology_report report, int pair,
                     int64_t gap_ms, struct topology_stats *stats) {
  if (attempt != t->attempt || attempt == 0) return;
  /* Each of these promises that it sends to the server and goes on. Before RETURN only trouble is reason to. */
  if (report == TOPOLOGY_FAILED || report == TOPOLOGY_STALLED || (coming_back(t) && report != TOPOLOGY_CONNECTED))
    t->held[side] = false;
  switch (report) {
    case TOPOLOGY_CONNECTED:
      take_pair(t, side, pair, stats);
      take_gap(t, side, TOPOLOGY_TO_DIRECT, gap_ms, stats);
      if (t->phase == TOPOLOGY_TRYING) t->connected[side] = true;
      break;
    case TOPOLOGY_FAILED:
      trouble(t, TOPOLOGY_CAUSE_FAILED);
      break;
    case TOPOLOGY_STALLED:
      trouble(t, TOPOLOGY_CAUSE_STALLED);
      break;
    case TOPOLOGY_SENDING:
    case TOPOLOGY_REPORTS:
      break;
    case TOPOLOGY_SWAPPED:
      if (t->phase == TOPOLOGY_RETURNING) t->swapped[side] = true;
      /* The gap is known when a few pictures have been shown, and the attempt may be over by then. */
      if (t->phase == TOPOLOGY_RETURNING || t->phase == TOPOLOGY_SFU) take_gap(t, side, TOPOLOGY_TO_SFU, gap_ms, stats);
      break;
  }
}

void topology_interrupt(struct topology *t) {
  if (t->phase == TOPOLOGY_TRYING) t->interrupted = true;
}

/* ---- steps -------------------------------------------------------------------------------------------------------- */

static void enter(struct topology *t, enum topology_phase phase, int64_t now_us) {
  t->phase = phase;
  t->since_us = now_us;
}

static bool same_pair(const uint32_t a[2], const uint32_t b[2]) {
  return a[0] == b[0] && a[1] == b[1];
}

/* A room that was full of people and is down to two again: give it a moment, and a fresh start. */
static void watch_crowd(struct topology *t, const struct topology_input *in, const struct topology_settings *settings,
                        int64_t now_us) {
  if (!in->crowded && t->crowded) {
    t->settle_us = now_us + settings->settle_us;
    t->failures = 0;
    t->retry_us = INT64_MIN;
  }
  t->crowded = in->crowded;
}

static enum topology_action idle(struct topology *t, const struct topology_input *in, int64_t now_us,
                                 struct topology_stats *stats) {
  if (!in->wanted[0] || !in->ready || t->held[0] || t->held[1]) return TOPOLOGY_NOTHING;
  if (!same_pair(in->wanted, t->peers)) { /* somebody new: what failed before says nothing of these two */
    t->failures = 0;
    t->retry_us = INT64_MIN;
  }
  if (t->failures > TOPOLOGY_RETRIES) return TOPOLOGY_NOTHING;
  int64_t due_us = t->settle_us > t->retry_us ? t->settle_us : t->retry_us;
  if (now_us < due_us) {
    t->deadline_us = due_us;
    return TOPOLOGY_NOTHING;
  }
  enter(t, TOPOLOGY_TRYING, now_us);
  t->attempt++;
  memcpy(t->peers, in->wanted, sizeof t->peers);
  t->relay = in->relay;
  t->had_switched = t->forced = t->troubled = t->interrupted = false;
  memset(t->connected, 0, sizeof t->connected);
  memset(t->swapped, 0, sizeof t->swapped);
  memset(t->pair_told, 0, sizeof t->pair_told);
  memset(t->gap_told, 0, sizeof t->gap_told);
  stats->attempts++;
  return TOPOLOGY_BEGIN;
}

static void count_end_of_trial(const struct topology *t, struct topology_stats *stats) {
  if (t->cause == TOPOLOGY_CAUSE_FAILED || t->cause == TOPOLOGY_CAUSE_STALLED)
    stats->failed++;
  else if (t->cause == TOPOLOGY_CAUSE_TIMEOUT)
    stats->timed_out++;
  else
    stats->abandoned++;
}

/* The attempt will end, for this reason; it stays alive until both have what they need from the server. */
static enum topology_action go_back(struct topology *t, enum topology_cause cause, int64_t now_us,
                                    const struct topology_settings *settings, struct topology_stats *stats) {
  t->cause = cause;
  if (t->phase == TOPOLOGY_TRYING) count_end_of_trial(t, stats);
  if (t->phase == TOPOLOGY_DIRECT) {
    stats->causes[cause]++;
    if (now_us - t->since_us >= settings->proven_us) t->failures = 0;
  }
  t->held_until_us = now_us + settings->sending_us;
  t->return_due_us = NEVER;
  enter(t, TOPOLOGY_RETURNING, now_us);
  return TOPOLOGY_RETURN;
}

static enum topology_action end(struct topology *t, int64_t now_us, const struct topology_settings *settings) {
  bool faulty =
      t->cause == TOPOLOGY_CAUSE_FAILED || t->cause == TOPOLOGY_CAUSE_STALLED || t->cause == TOPOLOGY_CAUSE_TIMEOUT;
  if (faulty) t->failures++;
  bool again = faulty && t->failures <= TOPOLOGY_RETRIES;
  t->retry_us = now_us + (again ? settings->retry_us[t->failures - 1] : settings->settle_us);
  enter(t, TOPOLOGY_SFU, now_us);
  return TOPOLOGY_END;
}

static enum topology_action left(struct topology *t, const struct topology_input *in, int64_t now_us,
                                 const struct topology_settings *settings, struct topology_stats *stats) {
  t->cause = t->phase == TOPOLOGY_RETURNING ? t->cause : TOPOLOGY_CAUSE_LEFT;
  if (t->phase == TOPOLOGY_TRYING) stats->abandoned++;
  if (t->phase == TOPOLOGY_DIRECT) {
    stats->causes[TOPOLOGY_CAUSE_LEFT]++;
    t->held_until_us = now_us + settings->sending_us;
  }
  if (t->had_switched) stats->return_left++;
  for (int i = 0; i < 2; i++)
    if (!in->present[i]) t->held[i] = false;
  return end(t, now_us, settings);
}

static enum topology_action alive(struct topology *t, const struct topology_input *in,
                                  const struct topology_settings *settings, int64_t now_us,
                                  struct topology_stats *stats) {
  if (t->troubled) return go_back(t, t->trouble, now_us, settings, stats);
  if (!same_pair(in->wanted, t->peers) || in->relay != t->relay)
    return go_back(t, TOPOLOGY_CAUSE_ROOM, now_us, settings, stats);
  if (t->phase == TOPOLOGY_DIRECT) return TOPOLOGY_NOTHING;
  if (t->interrupted || !in->reachable[0] || !in->reachable[1])
    return go_back(t, TOPOLOGY_CAUSE_LOST, now_us, settings, stats);
  if (t->connected[0] && t->connected[1]) {
    enter(t, TOPOLOGY_DIRECT, now_us);
    t->had_switched = t->held[0] = t->held[1] = true;
    stats->connected++;
    return TOPOLOGY_SWITCH;
  }
  t->deadline_us = t->since_us + settings->connect_us;
  if (now_us >= t->deadline_us) return go_back(t, TOPOLOGY_CAUSE_TIMEOUT, now_us, settings, stats);
  return TOPOLOGY_NOTHING;
}

static enum topology_action returning(struct topology *t, const struct topology_input *in,
                                      const struct topology_settings *settings, int64_t now_us,
                                      struct topology_stats *stats) {
  bool swapped = t->swapped[0] && t->swapped[1];
  if (!swapped) {
    /* Who has lost its socket does not know yet, and may live on the direct connection alone. */
    if (!in->reachable[0] || !in->reachable[1])
      t->return_due_us = NEVER;
    else if (t->return_due_us == NEVER)
      t->return_due_us = now_us + settings->return_us;
    t->deadline_us = t->return_due_us;
    if (now_us < t->return_due_us) return TOPOLOGY_NOTHING;
  }
  t->forced = !swapped;
  if (t->had_switched) *(swapped ? &stats->returned : &stats->return_timed_out) += 1;
  return end(t, now_us, settings);
}

/* Who is not there cannot say anything, and sends or not; who never says it is let through, too. */
static void release(struct topology *t, const struct topology_input *in, int64_t now_us) {
  for (int i = 0; i < 2; i++)
    if (!in->reachable[i] || now_us >= t->held_until_us) t->held[i] = false;
}

static enum topology_action step(struct topology *t, const struct topology_input *in,
                                 const struct topology_settings *settings, int64_t now_us,
                                 struct topology_stats *stats) {
  if (t->phase == TOPOLOGY_SFU) return idle(t, in, now_us, stats);
  if (!in->present[0] || !in->present[1]) return left(t, in, now_us, settings, stats);
  if (t->phase == TOPOLOGY_RETURNING) return returning(t, in, settings, now_us, stats);
  return alive(t, in, settings, now_us, stats);
}

enum topology_action topology_next(struct topology *t, const struct topology_input *in,
                                   const struct topology_settings *settings, int64_t now_us,
                                   struct topology_stats *stats) {
  watch_crowd(t, in, settings, now_us);
  t->deadline_us = NEVER;
  if (coming_back(t)) release(t, in, now_us);
  enum topology_action action = step(t, in, settings, now_us, stats);
  bool held = coming_back(t) && (t->held[0] || t->held[1]);
  if (held && t->held_until_us < t->deadline_us) t->deadline_us = t->held_until_us;
  return action;
}
