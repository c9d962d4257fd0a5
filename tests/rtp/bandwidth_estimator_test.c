/* The estimate as a whole: links of known rate, drops, outages, random loss, REMB; what must hold whatever arrives. */
#include "rtp/bandwidth_estimator.h"
#include "tests/rtp/estimator_path.h"

static struct path p;

static void it_finds_the_link_within_three_seconds(void **state) {
  (void)state;
  static const double links[] = {300e3, 500e3, 1e6, 2e6, 5e6}, rtts[] = {20, 100, 300};
  for (size_t i = 0; i < COUNT(links); i++) {
    for (size_t k = 0; k < COUNT(rtts); k++) {
      path_open(&p, links[i], rtts[k]);
      path_run(&p, 3);
      if (path_share(&p) < 0.8 || path_share(&p) > 1.2)
        fail_msg("%.0f bit/s, %.0f ms: %.2f of it", links[i], rtts[k], path_share(&p));
      double sum = 0;
      p.worst_queue_us = 0;
      for (int s = 0; s < 100; s++) {
        path_run(&p, 0.3);
        sum += path_share(&p);
      }
      assert_true(sum / 100 > 0.85 && sum / 100 < 1.1);
      assert_true(p.worst_queue_us < 200000);
    }
  }
}

static void a_drop_is_followed_within_a_second_and_the_return_within_five(void **state) {
  (void)state;
  path_open(&p, 3e6, 50);
  p.demand_bps = 2.5e6;
  path_run(&p, 20);
  assert_true(bandwidth_estimator_bps(&p.e) >= 2400000);
  p.link_bps = 500e3;
  path_run(&p, 1);
  assert_true(path_share(&p) < 1);
  assert_true(p.e.drops >= 1);
  path_run(&p, 15);
  p.link_bps = 3e6;
  path_run(&p, 5);
  assert_true(bandwidth_estimator_bps(&p.e) >= 2000000);
}

static void random_loss_does_not_collapse_it(void **state) {
  (void)state;
  static const double shares[] = {0.02, 0.05, 0.1, 0.3};
  for (size_t i = 0; i < COUNT(shares); i++) {
    path_open(&p, 3e6, 100);
    p.loss = shares[i];
    p.demand_bps = 2e6;
    path_run(&p, 10);
    double sum = 0;
    for (int s = 0; s < 60; s++) {
      path_run(&p, 1);
      sum += (double)bandwidth_estimator_bps(&p.e);
    }
    assert_true(sum / 60 > 1.4e6);
    struct bandwidth_state s;
    bandwidth_estimator_state(&p.e, p.now_us, &s);
    assert_true(s.random_loss > shares[i] / 2 && s.random_loss < shares[i] * 2);
  }
}

static void an_outage_stalls_and_keeps_the_estimate(void **state) {
  (void)state;
  path_open(&p, 2e6, 50);
  path_run(&p, 10);
  uint64_t before = bandwidth_estimator_bps(&p.e);
  double link = p.link_bps;
  p.link_bps = 0;
  path_run(&p, 1.5);
  assert_true(p.e.stalled);
  struct bandwidth_state s;
  bandwidth_estimator_state(&p.e, p.now_us, &s);
  assert_int_equal(s.limit, BANDWIDTH_STALLED);
  assert_string_equal(bandwidth_limit_name(s.limit), "stalled");
  path_run(&p, 1.5);
  p.link_bps = link;
  p.free_us = 0;
  path_run(&p, 0.5);
  assert_false(p.e.stalled);
  assert_true(bandwidth_estimator_bps(&p.e) > before * 8 / 10);
  assert_int_equal(p.e.stalls, 1);
}

/* What comes back carries a tenth, and its queue is full from the first moment: its length shows no trend, and what it drops is lost as
 * steadily as by chance. */
static void an_outage_that_ends_on_a_slower_link(void **state) {
  (void)state;
  path_open(&p, 3e6, 60);
  path_run(&p, 10);
  p.link_bps = 0;
  path_run(&p, 1.5);
  assert_true(p.e.stalled);
  p.link_bps = 300e3;
  path_run(&p, 3);
  assert_true(path_share(&p) < 1.3);
  uint64_t before = p.lost, sent = p.next;
  path_run(&p, 10);
  assert_true(p.lost - before < (p.next - sent) / 20);
  assert_true(path_share(&p) > 0.5);
}

static void send_nothing(double seconds) {
  for (int64_t until_us = p.now_us + (int64_t)(seconds * 1e6); p.now_us < until_us; p.now_us += 50000)
    bandwidth_estimator_sent(&p.e, 0, p.now_us);
}

/* Everybody else leaves, or talks directly from now on, and the last packet is lost: of that link nothing bad is known. */
static void a_lost_last_packet_is_no_outage(void **state) {
  (void)state;
  path_open(&p, 2e6, 50);
  path_run(&p, 5);
  bandwidth_estimator_sent(&p.e, 1200, p.now_us);
  send_nothing(5);
  assert_false(p.e.stalled);
  path_run(&p, 1);
  assert_false(p.e.stalled);
  assert_int_equal(p.e.stalls, 0);
}

/* Nothing that is sent, nothing that could be answered: whether the link is back shows with the next packets. */
static void an_outage_is_not_remembered_by_an_idle_link(void **state) {
  (void)state;
  path_open(&p, 2e6, 50);
  path_run(&p, 5);
  uint64_t before = bandwidth_estimator_bps(&p.e);
  p.link_bps = 0;
  path_run(&p, 1.5);
  assert_true(p.e.stalled);
  send_nothing(1);
  assert_true(p.e.stalled);
  send_nothing(1.5);
  assert_false(p.e.stalled);
  assert_in_range(bandwidth_estimator_bps(&p.e), before * 9 / 10, before * 11 / 10);
  path_run(&p, 1.5); /* still away */
  assert_true(p.e.stalled);
  assert_int_equal(p.e.stalls, 2);
}

/* A wrong alarm: sound alone is more than the estimate, and arrives without a queue. */
static void what_is_carried_is_believed(void **state) {
  (void)state;
  path_open(&p, 5e6, 50);
  p.demand_bps = p.sound_bps = 200e3;
  path_run(&p, 5);
  rate_control_drop(&p.e.control, 30000, p.now_us);
  p.e.probes.started = false;
  assert_true(rate_control_bps(&p.e.control) < 40000);
  path_run(&p, 2);
  assert_true(bandwidth_estimator_bps(&p.e) > 150000);
}

/* The bottleneck is faster from now on, for what waits in it, too. */
static void hurry(double link_bps) {
  for (uint32_t i = 0; i < PATH_IN_FLIGHT; i++) {
    double left_us = (double)(p.packets[i].arrival_us - p.now_us) - p.delay_us;
    if (p.packets[i].arrival_us >= 0 && left_us > 0)
      p.packets[i].arrival_us = p.now_us + (int64_t)(p.delay_us + left_us * p.link_bps / link_bps);
  }
  if (p.free_us > (double)p.now_us)
    p.free_us = (double)p.now_us + (p.free_us - (double)p.now_us) * p.link_bps / link_bps;
  p.link_bps = link_bps;
}

/* A radio changes its cell. What comes out of its queue afterwards says what the link carries. */
static void a_moment_without_a_link_is_no_slow_link(void **state) {
  (void)state;
  path_open(&p, 800e3, 160);
  p.demand_bps = 550e3;
  p.sound_bps = 64e3;
  path_run(&p, 20);
  assert_true(bandwidth_estimator_bps(&p.e) >= 500000);
  p.link_bps = 60e3;
  path_run(&p, 0.3);
  hurry(600e3);
  path_run(&p, 1.2);
  assert_true(p.e.drops >= 1);
  assert_true(bandwidth_estimator_bps(&p.e) >= 300000);
}

static void what_is_not_sent_is_not_believed(void **state) {
  (void)state;
  path_open(&p, 50e6, 50);
  p.demand_bps = 400e3;
  path_run(&p, 60);
  /* gcc-02 §5.5: 1.5 times what arrives, or what a probe for the demand showed; never the 50 Mbit/s nobody tried. */
  assert_true(bandwidth_estimator_bps(&p.e) < 1500000);
  assert_true(bandwidth_estimator_bps(&p.e) >= 400000);
}

static void remb_and_reports_count_until_there_is_feedback(void **state) {
  (void)state;
  struct bandwidth_estimator e;
  bandwidth_estimator_init(&e, NULL);
  assert_int_equal(bandwidth_estimator_bps(&e), BANDWIDTH_START_BPS);
  bandwidth_estimator_remb(&e, 200000);
  assert_int_equal(bandwidth_estimator_bps(&e), 200000);
  bandwidth_estimator_remb(&e, 5000000);
  for (int i = 0; i < 20; i++)
    bandwidth_estimator_reported_loss(&e, 0, i * 1000000); /* 1.05 each */
  uint64_t grown = bandwidth_estimator_bps(&e);
  assert_in_range(grown, 790000, 800000);
  bandwidth_estimator_reported_loss(&e, 13, 30000000); /* 5 %: kept */
  assert_int_equal(bandwidth_estimator_bps(&e), grown);
  bandwidth_estimator_reported_loss(&e, 128, 31000000); /* 50 %: × 0.75 */
  assert_in_range(bandwidth_estimator_bps(&e), grown * 3 / 4 - 1, grown * 3 / 4 + 1);
  struct bandwidth_state s;
  bandwidth_estimator_state(&e, 31000000, &s);
  assert_int_equal(s.limit, BANDWIDTH_BY_REMB);
}

static void proof_goes_stale(void **state) {
  (void)state;
  path_open(&p, 2e6, 50);
  path_run(&p, 10);
  assert_true(bandwidth_estimator_proven_bps(&p.e, p.now_us) > 1500000);
  assert_true(bandwidth_estimator_proven_bps(&p.e, p.now_us + BANDWIDTH_PROOF_US + 1000000) == 0);
}

/* Golden traces: the estimate at the end of each second, kbit/s. A change of the estimator that moves them by more than 5 % is meant
 * or a mistake; the test prints what it saw, to be put here when it was meant. */
struct golden {
  const char *name;
  double rtt_ms, loss, demand_bps;
  struct {
    int seconds;
    double bps;
  } links[3];
  int kbps[24];
};

static const struct golden goldens[] = {
    {"constant 1 Mbit/s", 100, 0, 20e6, {{12, 1e6}}, {931, 1005, 850, 954, 976, 999, 1021, 850, 868, 891, 954, 977}},
    {"3 to 0.5 to 3 Mbit/s", 50, 0, 2.5e6, {{8, 3e6}, {8, 0.5e6}, {8, 3e6}}, {2704, 2920, 3154, 3406, 3679, 3764,
                                                                              3767, 3767, 332,  484,  496,  522,
                                                                              445,  501,  425,  439,  1533, 2727,
                                                                              2946, 3181, 3436, 3711, 3764, 3767}},
    {"5 % lost at random",
     100,
     0.05,
     2e6,
     {{12, 3e6}},
     {2584, 2791, 3003, 3003, 3039, 3108, 3108, 3108, 3108, 3108, 3109, 3109}},
};

static void golden_traces(void **state) {
  (void)state;
  int different = 0;
  for (size_t i = 0; i < COUNT(goldens); i++) {
    const struct golden *g = &goldens[i];
    int second = 0, wrong = 0, seen[24];
    path_open(&p, g->links[0].bps, g->rtt_ms);
    p.loss = g->loss;
    p.demand_bps = g->demand_bps;
    for (size_t k = 0; k < COUNT(g->links); k++) {
      p.link_bps = g->links[k].bps;
      for (int s = 0; s < g->links[k].seconds; s++) {
        path_run(&p, 1);
        seen[second] = (int)(bandwidth_estimator_bps(&p.e) / 1000);
        double ratio = (double)seen[second] / g->kbps[second];
        wrong += !(ratio > 0.95 && ratio < 1.05);
        second++;
      }
    }
    if (!wrong) continue;
    printf("%s:", g->name);
    for (int s = 0; s < second; s++)
      printf(" %d,", seen[s]);
    printf("\n");
    different++;
  }
  assert_int_equal(different, 0);
}

static int by_size(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return x < y ? -1 : x > y;
}

/* One trace of a link that comes back says when its next cluster happened to be due: up to 3.5 s later. So: at many instants. */
static void a_better_link_is_noticed_whenever_it_comes_back(void **state) {
  (void)state;
  double seconds[20];
  for (size_t i = 0; i < COUNT(seconds); i++) {
    path_open(&p, 3e6, 50);
    p.demand_bps = 2.5e6;
    path_run(&p, 8);
    p.link_bps = 0.5e6;
    path_run(&p, 10 + 0.19 * (double)i);
    p.link_bps = 3e6;
    for (seconds[i] = 0; seconds[i] < 20 && bandwidth_estimator_bps(&p.e) < 2400000; seconds[i] += 0.05)
      path_run(&p, 0.05);
  }
  qsort(seconds, COUNT(seconds), sizeof seconds[0], by_size);
  assert_true(seconds[COUNT(seconds) / 2] <= 2.6);
  assert_true(seconds[COUNT(seconds) - 1] <= 4);
}

/* Sends what the estimate allows for so long, with everything wanted. Returns the clusters that were begun. */
static uint16_t clusters_within(double seconds) {
  uint16_t before = p.e.probes.last_id;
  path_run(&p, seconds);
  return (uint16_t)(p.e.probes.last_id - before);
}

static void who_shares_a_bottleneck_finds_his_share_by_growing(void **state) {
  (void)state;
  path_open(&p, 1e6, 100);
  path_run(&p, 20);
  assert_true(clusters_within(20) >= 5); /* alone: every few seconds */
  probe_controller_claimed(&p.e.probes, 2000000, p.now_us);
  probe_controller_fell(&p.e.probes, 900000, p.now_us);
  assert_true(probe_controller_shares(&p.e.probes, p.now_us));
  assert_in_range(clusters_within(20), 0, 4);
  p.link_bps = 3e6; /* passes what it met, and asks again */
  path_run(&p, 8);
  assert_true(bandwidth_estimator_bps(&p.e) > 2400000);
}

/* Properties: never below the minimum, never negative, never above what was ever carried or proven by a probe, with the growth that
 * gcc-02 allows; whatever the link does. */
static void never_above_what_the_link_and_the_probes_showed(void **state) {
  (void)state;
  for (uint64_t seed = 1; seed <= 20; seed++) {
    path_open(&p, 1e6, (double)(20 + seed * 13));
    p.random = seed;
    double highest = 0;
    for (int k = 0; k < 40; k++) {
      p.link_bps = 100e3 * (double)(1 + (p.random >> 40) % 40);
      p.loss = (p.random >> 50) % 3 ? 0 : 0.1;
      if (p.link_bps > highest) highest = p.link_bps;
      path_run(&p, 1);
      uint64_t bps = bandwidth_estimator_bps(&p.e);
      assert_true(bps >= BANDWIDTH_MIN_BPS);
      double most = highest * RATE_CONTROL_AHEAD / (1 - loss_bound_random(&p.e.loss)) + BANDWIDTH_START_BPS;
      if ((double)bps > most) fail_msg("seed %lu, second %d: %lu on links of at most %.0f", seed, k, bps, highest);
      /* A proof counts what was lost at random then, which may have been thought more than it is now. */
      most = highest * RATE_CONTROL_AHEAD / (1 - LOSS_BOUND_RANDOM_MAX) + BANDWIDTH_START_BPS;
      assert_true(bandwidth_estimator_proven_bps(&p.e, p.now_us) <= (uint64_t)most);
    }
  }
}

/* Results that no honest receiver sends. */
static void hostile_results_do_no_harm(void **state) {
  (void)state;
  struct bandwidth_estimator e;
  bandwidth_estimator_init(&e, NULL);
  uint64_t random = 17;
  static struct transport_result results[64];
  int64_t now_us = 1000000;
  uint32_t seq = 65536;
  for (int i = 0; i < 20000; i++) {
    struct transport_results r = {.results = results, .capacity = 64};
    random = random * 6364136223846793005ULL + 1442695040888963407ULL;
    now_us += (int64_t)(random >> 46);
    bandwidth_estimator_sent(&e, (uint32_t)(random >> 52), now_us);
    size_t count = random >> 58;
    for (size_t k = 0; k < count; k++) {
      random = random * 6364136223846793005ULL + 1442695040888963407ULL;
      bool lost = random >> 62 == 0;
      results[k] = run_of_one(now_us - (int64_t)(random >> 44 & 0xfffff), lost ? -1 : (int64_t)(random >> 20),
                              (uint32_t)(random >> 50));
      results[k].seq = seq++;
      results[k].tag = (uint16_t)(random >> 13 & 3);
      results[k].again = random >> 9 & 1;
      results[k].packets += (uint32_t)(random >> 30 & 7);
      r.received += !lost;
    }
    r.count = count;
    r.newest_sent_us = now_us;
    bandwidth_estimator_feedback(&e, &r, random >> 40, now_us);
    struct probe_cluster cluster;
    bandwidth_estimator_want(&e, random >> 40, random >> 38, now_us);
    bandwidth_estimator_probe(&e, now_us, &cluster);
    assert_in_range(bandwidth_estimator_bps(&e), BANDWIDTH_MIN_BPS, BANDWIDTH_MAX_BPS);
    struct bandwidth_state s;
    bandwidth_estimator_state(&e, now_us, &s);
    assert_true(s.loss >= 0 && s.loss <= 1 && s.queue_us >= 0);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(it_finds_the_link_within_three_seconds),
      cmocka_unit_test(a_drop_is_followed_within_a_second_and_the_return_within_five),
      cmocka_unit_test(random_loss_does_not_collapse_it),
      cmocka_unit_test(an_outage_stalls_and_keeps_the_estimate),
      cmocka_unit_test(an_outage_that_ends_on_a_slower_link),
      cmocka_unit_test(a_lost_last_packet_is_no_outage),
      cmocka_unit_test(an_outage_is_not_remembered_by_an_idle_link),
      cmocka_unit_test(what_is_carried_is_believed),
      cmocka_unit_test(a_moment_without_a_link_is_no_slow_link),
      cmocka_unit_test(what_is_not_sent_is_not_believed),
      cmocka_unit_test(remb_and_reports_count_until_there_is_feedback),
      cmocka_unit_test(proof_goes_stale),
      cmocka_unit_test(golden_traces),
      cmocka_unit_test(a_better_link_is_noticed_whenever_it_comes_back),
      cmocka_unit_test(who_shares_a_bottleneck_finds_his_share_by_growing),
      cmocka_unit_test(never_above_what_the_link_and_the_probes_showed),
      cmocka_unit_test(hostile_results_do_no_harm),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
