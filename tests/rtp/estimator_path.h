/* tests/rtp/estimator_path.h: a bottleneck, a sender that sends what the estimate allows, feedback every 50 ms: enough to drive the
 * estimator through known situations without a room around it (tests/sim has the rooms). Deterministic. */
#ifndef TESTS_RTP_ESTIMATOR_PATH_H
#define TESTS_RTP_ESTIMATOR_PATH_H

#include "rtp/bandwidth_estimator.h"
#include "tests/rtp/bytes.h"
#include "tests/rtp/feedback_run.h"

#define PATH_TICK_US   5000
#define PATH_PACKET    1200
#define PATH_IN_FLIGHT 4096
#define PATH_QUEUE_US  500000
#define PATH_CLOCKS_US (-123456789) /* the receiver's clock minus ours */

struct path {
  struct bandwidth_estimator e;
  int64_t now_us;
  double link_bps, delay_us, loss, demand_bps; /* one way delay; what the sender would send at most */
  double sound_bps;                            /* sent whatever the estimate says */
  double free_us, credit_bits;
  uint64_t random;
  uint32_t next, reported;
  struct {
    int64_t sent_us, arrival_us; /* -1: lost */
    uint16_t size, tag;
  } packets[PATH_IN_FLIGHT];
  struct probe_cluster cluster;
  double cluster_from_us;
  uint32_t cluster_bytes, cluster_packets;
  int64_t feedback_us;
  uint64_t lost;
  double worst_queue_us; /* since it was zeroed */
};

static inline void path_open(struct path *p, double link_bps, double rtt_ms) {
  memset(p, 0, sizeof *p);
  bandwidth_estimator_init(&p->e, NULL);
  p->now_us = 1000000;
  p->link_bps = link_bps;
  p->delay_us = rtt_ms * 500;
  p->demand_bps = 20e6;
  p->random = 1;
}

static inline void path_send(struct path *p, uint32_t size, uint16_t tag) {
  double wait_us = p->free_us > (double)p->now_us ? p->free_us - (double)p->now_us : 0;
  p->random = p->random * 6364136223846793005ULL + 1442695040888963407ULL;
  bool lost = (double)(p->random >> 33) / 2147483648.0 < p->loss || wait_us > PATH_QUEUE_US || p->link_bps <= 0;
  if (wait_us <= PATH_QUEUE_US && p->link_bps > 0) p->free_us = (double)p->now_us + wait_us + size * 8e6 / p->link_bps;
  if (wait_us > p->worst_queue_us) p->worst_queue_us = wait_us;
  uint32_t at = p->next++ % PATH_IN_FLIGHT;
  p->packets[at].sent_us = p->now_us;
  p->packets[at].arrival_us = lost ? -1 : (int64_t)(p->free_us + p->delay_us);
  p->packets[at].size = (uint16_t)size;
  p->packets[at].tag = tag;
  p->lost += lost;
  p->credit_bits -= size * 8.0;
  if (tag) {
    p->cluster_bytes += size;
    p->cluster_packets++;
    bandwidth_estimator_probe_sent(&p->e, tag, size, p->now_us);
  }
  bandwidth_estimator_sent(&p->e, size, p->now_us);
}

static inline void path_probe(struct path *p) {
  if (!p->cluster.id) {
    if (!bandwidth_estimator_probe(&p->e, p->now_us, &p->cluster)) return;
    p->cluster_bytes = p->cluster_packets = 0;
    p->cluster_from_us = (double)p->now_us;
  }
  while ((p->cluster_bytes < p->cluster.bytes || p->cluster_packets < p->cluster.packets) &&
         p->cluster_bytes * 8e6 / (double)p->cluster.bps <= (double)p->now_us - p->cluster_from_us)
    path_send(p, 300, p->cluster.id);
  if (p->cluster_bytes < p->cluster.bytes || p->cluster_packets < p->cluster.packets) return;
  bandwidth_estimator_probe_end(&p->e, p->cluster.id);
  p->cluster.id = 0;
}

/* Tells the estimator of everything that arrived until a one-way delay ago, and of the losses before it. */
static inline void path_feedback(struct path *p) {
  static struct transport_result results[PATH_IN_FLIGHT];
  struct transport_results r = {.results = results, .capacity = PATH_IN_FLIGHT, .newest_sent_us = -1};
  uint32_t end = p->reported;
  for (uint32_t i = p->reported; i != p->next; i++) {
    int64_t arrival_us = p->packets[i % PATH_IN_FLIGHT].arrival_us;
    if (arrival_us >= 0 && arrival_us + (int64_t)p->delay_us <= p->now_us) end = i + 1;
  }
  for (uint32_t i = p->reported; i != end; i++) {
    struct transport_result *out = &results[r.count++];
    uint32_t at = i % PATH_IN_FLIGHT;
    int64_t arrival_us = p->packets[at].arrival_us;
    *out = run_of_one(p->packets[at].sent_us, arrival_us < 0 ? -1 : arrival_us + PATH_CLOCKS_US + 1000000000,
                      p->packets[at].size);
    out->seq = 65536 + i;
    out->tag = p->packets[at].tag;
    r.lost += arrival_us < 0;
    if (arrival_us < 0) continue;
    r.received++;
    r.newest_sent_us = out->sent_us;
  }
  p->reported = end;
  uint64_t in_flight = 0;
  for (uint32_t i = p->reported; i != p->next; i++)
    in_flight += p->packets[i % PATH_IN_FLIGHT].size;
  if (r.count) bandwidth_estimator_feedback(&p->e, &r, in_flight, p->now_us);
}

/* The highest demand is what is wanted; media and probes are sent. */
static inline void path_run(struct path *p, double seconds) {
  int64_t end_us = p->now_us + (int64_t)(seconds * 1e6);
  while (p->now_us < end_us) {
    p->now_us += PATH_TICK_US;
    double target = (double)bandwidth_estimator_bps(&p->e), bps = target < p->demand_bps ? target : p->demand_bps;
    if (bps < p->sound_bps) bps = p->sound_bps;
    p->credit_bits += bps * PATH_TICK_US / 1e6;
    uint64_t next = bps < p->demand_bps ? (uint64_t)(2 * target) : 0;
    bandwidth_estimator_want(&p->e, next, next ? (uint64_t)p->demand_bps : 0, p->now_us);
    while (p->credit_bits > PATH_PACKET * 8)
      path_send(p, PATH_PACKET, 0);
    path_probe(p);
    bandwidth_estimator_sent(&p->e, 0, p->now_us);
    if (p->now_us - p->feedback_us < 50000) continue;
    p->feedback_us = p->now_us;
    path_feedback(p);
  }
}

static inline double path_share(const struct path *p) {
  return (double)bandwidth_estimator_bps(&p->e) / p->link_bps;
}

#endif
