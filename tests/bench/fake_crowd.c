/* tests/bench/fake_crowd.c: see the header. */
#include "tests/bench/fake_crowd.h"

#include <signal.h>
#include <stdlib.h>

#include "tests/bench/check.h"

#define TICK_US 10000

struct fake_crowd fake_crowd;

struct crowd {
  struct participant_shared *shared;
  struct loop_timer timer;
  unsigned target, ready;
  uint64_t failed, failed_now; /* ever; of this target */
  bool media;
  struct sequence_counts counts, at_mark;
};

static bool overloaded(const struct crowd *c) {
  return fake_crowd.capacity && c->ready > fake_crowd.capacity;
}

static void pass(struct crowd *c, unsigned packets, int64_t late_us) {
  struct load_counters *counters = c->shared->counters;
  for (unsigned i = 0; i < packets; i++) {
    bool lost = overloaded(c) && ++c->counts.expected % 100 == 0;
    if (!overloaded(c)) c->counts.expected++;
    if (lost) continue;
    c->counts.received++;
    counters->rtp_in++;
    counters->rtp_in_bytes += 1000;
    counters->sampled++;
    histogram_add(&counters->latency_us, late_us + (overloaded(c) ? 50000 : 1000));
    histogram_add(&counters->lateness_us, overloaded(c) && fake_crowd.generator_late ? 49000 : late_us + 10);
  }
}

static void on_tick(void *arg, int64_t now_us) {
  struct crowd *c = arg;
  if (fake_crowd.interrupt_at_us && now_us >= fake_crowd.interrupt_at_us) {
    fake_crowd.interrupt_at_us = 0;
    raise(SIGINT);
  }
  unsigned most = c->target < fake_crowd.admitted ? c->target : fake_crowd.admitted;
  if (c->ready < most) {
    c->ready++;
    histogram_add(&c->shared->counters->join_us, 5000);
  } else if (c->ready + c->failed_now < c->target) {
    c->failed++;
    c->failed_now++;
  }
  if (c->media) {
    pass(c, c->ready * FAKE_PACKETS_PER_SECOND * TICK_US / 1000000, now_us - c->timer.at_us);
  } else if (fake_crowd.late_packets) {
    c->counts.received += fake_crowd.late_packets;
    fake_crowd.late_packets = 0;
  }
  event_loop_set(c->shared->loop, &c->timer, now_us + TICK_US);
}

int crowd_create(struct crowd **out, const struct load_options *options, struct participant_shared *shared) {
  struct crowd *c = calloc(1, sizeof *c);
  (void)options;
  assert_non_null(c);
  c->shared = shared;
  c->media = true;
  c->timer = (struct loop_timer){.due = on_tick, .arg = c};
  event_loop_set(shared->loop, &c->timer, event_loop_clock_us());
  *out = c;
  return 0;
}

void crowd_free(struct crowd *c) {
  if (!c) return;
  event_loop_stop(c->shared->loop, &c->timer);
  free(c);
}

void crowd_set_target(struct crowd *c, unsigned seats, int64_t now_us) {
  (void)now_us;
  assert_true(fake_crowd.target_count < 64);
  fake_crowd.targets[fake_crowd.target_count++] = seats;
  c->target = seats;
  c->failed_now = 0;
  if (c->ready > seats) c->ready = seats;
}

bool crowd_is_settled(const struct crowd *c) {
  return c->ready + c->failed_now >= c->target;
}

bool crowd_is_hopeless(const struct crowd *c) {
  return c->ready == 0 && c->failed >= 3;
}

void crowd_set_churn(struct crowd *c, bool on, int64_t now_us) {
  (void)c, (void)now_us;
  fake_crowd.churns += on;
}

void crowd_stop_media(struct crowd *c) {
  c->media = false;
  fake_crowd.stops++;
  c->counts.expected += fake_crowd.late_packets; /* somebody has seen a later one already */
}

unsigned crowd_ready(const struct crowd *c) {
  return c->ready;
}

unsigned crowd_seeing(const struct crowd *c) {
  return c->ready;
}

unsigned crowd_seats(const struct crowd *c) {
  return c->target;
}

uint64_t crowd_failed(const struct crowd *c) {
  return c->failed;
}

const char *crowd_first_failure(const struct crowd *c) {
  return c->failed && fake_crowd.words ? fake_crowd.words : "";
}

void crowd_mark(struct crowd *c) {
  c->at_mark = c->counts;
}

void crowd_counts(const struct crowd *c, struct sequence_counts *out) {
  *out = c->counts;
  sequence_counts_subtract(out, &c->at_mark);
}

unsigned crowd_starved(const struct crowd *c, unsigned *assigned, int64_t now_us) {
  (void)now_us;
  *assigned = c->ready;
  return 0;
}
