/* bench/load/result.c: from a measured window to named figures, and whether they mean anything. */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "bench/load/run.h"
#include "bench/load/scenario.h"

/* Above these the figures say more about the generator than about the server. */
#define MAX_OWN_CPU_PERCENT  90
#define MAX_OWN_WAIT_PERCENT 10
#define MAX_LATENESS_US      5000
/* With more people missing, this is another load than was asked for. */
#define MAX_MISSING_PERCENT  2

double run_loss_percent(const struct sequence_counts *c) {
  return c->expected ? (double)sequence_lost(c) / (double)c->expected * 100 : 0;
}

static double delivered(const struct run_window *w) {
  return (double)(w->counters.rtp_in + w->counters.rtx_in);
}

double run_process_cpu_percent(const struct run_window *w, const struct server_process *after) {
  uint64_t before_ns = 0;
  for (size_t i = 0; i < w->server_before.count; i++)
    if (w->server_before.processes[i].pid == after->pid) before_ns = w->server_before.processes[i].cpu_ns;
  return (double)(after->cpu_ns - before_ns) / 1e7 / w->seconds;
}

double run_cpu_us_per_packet(const struct run_window *w) {
  if (!w->has_server || delivered(w) < 1) return NAN;
  struct server_process d = server_snapshot_difference(&w->server_before, &w->server_after);
  return (double)d.cpu_ns / 1e3 / delivered(w);
}

/* ---- valid? ---- */

__attribute__((format(printf, 2, 3))) static void doubt(struct run_result *r, const char *format, ...) {
  char words[RUN_WORDS_BYTES];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(words, sizeof words, format, arguments); /* NOLINT(clang-analyzer-valist.*): it was started above */
  va_end(arguments);
  r->valid = false;
  if (r->reason_count < RUN_REASONS_MAX) memcpy(r->reasons[r->reason_count++], words, sizeof words);
}

bool run_generator_limited(const struct run_window *w) {
  const struct load_counters *c = &w->counters;
  return w->generator_cpu_percent > MAX_OWN_CPU_PERCENT || w->generator_wait_percent > MAX_OWN_WAIT_PERCENT ||
         histogram_percentile(&c->lateness_us, 99) > MAX_LATENESS_US || c->kernel_drops || c->send_failures;
}

/* A knee is the server's when the load above it was too much for the server, and nothing else. */
static void judge_knee(struct run_result *r, const struct load_options *o) {
  const struct run_step *above = NULL;
  for (size_t i = 0; i < r->step_count; i++) {
    const struct run_step *s = &r->steps[i];
    if (!s->borne && s->load > r->knee && (!above || s->load <= above->load)) above = s;
  }
  const char *unit = o->of == SCENARIO_CONSULT ? "rooms" : "members";
  if (!above) return;
  if (above->generator_limited)
    doubt(r, "at %u %s the generator was at its limit, not the server: the knee is its own", above->load, unit);
  else if (!above->all_in)
    doubt(r, "at %u %s not everybody got in: raise what the note names, or this is a knee of joining", above->load,
          unit);
}

static void judge_generator(struct run_result *r) {
  const struct run_window *w = &r->window;
  const struct load_counters *c = &w->counters;
  char late[32];
  double late_us = (double)histogram_percentile(&c->lateness_us, 99);
  r->valid = true;
  if (w->generator_cpu_percent > MAX_OWN_CPU_PERCENT)
    doubt(r, "the generator used %.0f %% of its core: use fewer participants, or several generators",
          w->generator_cpu_percent);
  if (w->generator_wait_percent > MAX_OWN_WAIT_PERCENT)
    doubt(r, "other programs kept the generator off its core for %.0f %% of the time: let it have one (--pin)",
          w->generator_wait_percent);
  if (late_us > MAX_LATENESS_US)
    doubt(r, "its packets left %s late (p99)", metric_format(METRIC_US, late_us, late, sizeof late));
  if (c->kernel_drops)
    doubt(r, "%llu packets were dropped at its own sockets: it read too slowly; they count as lost",
          (unsigned long long)c->kernel_drops);
  if (c->send_failures) doubt(r, "the kernel refused %llu of its datagrams", (unsigned long long)c->send_failures);
}

/* In a churn somebody is always on the way in. */
static void judge_people(struct run_result *r, const struct load_options *o) {
  const struct run_window *w = &r->window;
  const unsigned people = w->seats / scenario_transports(o);
  if (o->scenario == SCENARIO_CHURN || w->ready * 100.0 >= people * (100.0 - MAX_MISSING_PERCENT)) return;
  doubt(r, "only %u of %u participants were in: this is another load than was asked for", w->ready, people);
}

/* ---- figures ---- */

static void add_people(struct metric_list *m, const struct run_window *w) {
  metric_add(m, "People", "participants", "in the rooms", METRIC_COUNT, w->ready, true);
  metric_add(m, "People", "failed", "did not get in, or fell out", METRIC_COUNT, (double)w->counters.failed, true);
  metric_add(m, "People", "joins", "joins begun", METRIC_COUNT, (double)w->counters.joins, true);
  metric_add(m, "People", "joined", "… and done", METRIC_COUNT, (double)w->counters.joined, true);
  metric_add(m, "People", "slots", "slots with a track", METRIC_COUNT, w->assigned, true);
  metric_add(m, "People", "starved", "… that got nothing", METRIC_COUNT, w->starved, true);
}

static void add_percentiles(struct metric_list *m, const char *group, const char *const names[],
                            const char *const titles[], const double *percents, size_t count,
                            const struct histogram *h) {
  for (size_t i = 0; i < count; i++)
    metric_add(m, group, names[i], titles[i], METRIC_US, (double)histogram_percentile(h, percents[i]), h->count > 0);
}

static void add_times(struct metric_list *m, const struct run_window *w) {
  static const double three[] = {50, 95, 99}, five[] = {50, 90, 99, 99.9, 100};
  static const char *const join_names[] = {"join_p50", "join_p95", "join_p99"},
                           *const join_titles[] = {"p50", "p95", "p99"},
                           *const first_names[] = {"first_media_p50", "first_media_p95", "first_media_p99"};
  static const char *const latency_names[] = {"latency_p50", "latency_p90", "latency_p99", "latency_p999",
                                              "latency_max"},
                           *const latency_titles[] = {"p50", "p90", "p99", "p99.9", "longest"},
                           *const late_names[] = {"lateness_p50", "lateness_p90", "lateness_p99", "lateness_p999",
                                                  "lateness_max"};
  add_percentiles(m, "Join (WebSocket to media connected)", join_names, join_titles, three, 3, &w->counters.join_us);
  add_percentiles(m, "First media (join to key frame whole)", first_names, join_titles, three, 3,
                  &w->counters.first_media_us);
  add_percentiles(m, "Latency (meant to leave to arrived)", latency_names, latency_titles, five, 5,
                  &w->counters.latency_us);
  metric_add(m, "Latency (meant to leave to arrived)", "latency_samples", "packets sampled", METRIC_COUNT,
             (double)w->counters.sampled, true);
  add_percentiles(m, "… of which the generator was late", late_names, latency_titles, five, 5,
                  &w->counters.lateness_us);
}

static void add_packets(struct metric_list *m, const struct run_window *w) {
  const struct load_counters *c = &w->counters;
  const struct sequence_counts *q = &w->sequence;
  double expected = q->expected ? (double)q->expected : 1;
  const char *group = "Packets";
  metric_add(m, group, "packets_per_second", "delivered", METRIC_PER_SECOND, delivered(w) / w->seconds, true);
  metric_add(m, group, "bits_per_second", "… SRTP bytes", METRIC_BITS_PER_SECOND,
             (double)c->rtp_in_bytes * 8 / w->seconds, true);
  metric_add(m, group, "sent_per_second", "sent to the server", METRIC_PER_SECOND, (double)c->rtp_out / w->seconds,
             true);
  metric_add(m, group, "delivered", "delivered in all", METRIC_COUNT, delivered(w), true);
  metric_add(m, group, "loss", "lost at first", METRIC_PERCENT, run_loss_percent(q), true);
  metric_add(m, group, "missing", "… and never repaired", METRIC_PERCENT, (double)sequence_missing(q) / expected * 100,
             true);
  metric_add(m, group, "reordered", "reordered", METRIC_PERCENT, (double)q->reordered / expected * 100, true);
  metric_add(m, group, "duplicates", "duplicates", METRIC_COUNT, (double)q->duplicates, true);
  metric_add(m, group, "not_authentic", "not authentic", METRIC_COUNT, (double)c->open_failures, true);
  metric_add(m, group, "unknown_ssrc", "of unknown SSRC", METRIC_COUNT, (double)c->unknown_ssrc, true);
  group = "Repair";
  metric_add(m, group, "nacks_sent", "packets asked of the server (NACK)", METRIC_COUNT, (double)c->nacks_out, true);
  metric_add(m, group, "rtx_received", "… resent by it (RTX)", METRIC_COUNT, (double)c->rtx_in, true);
  metric_add(m, group, "nacks_received", "packets the server asked for", METRIC_COUNT, (double)c->nacks_in, true);
  metric_add(m, group, "rtx_sent", "… resent to it", METRIC_COUNT, (double)c->rtx_out, true);
  metric_add(m, group, "plis_received", "key frames the server asked for (PLI)", METRIC_COUNT, (double)c->plis_in,
             true);
  metric_add(m, group, "plis_sent", "key frames asked of the server", METRIC_COUNT, (double)c->plis_out, true);
  metric_add(m, group, "keyframes", "key frames sent", METRIC_COUNT, (double)c->keyframes_out, true);
  metric_add(m, group, "feedback_received", "transport feedback received", METRIC_COUNT, (double)c->feedback_in, true);
  metric_add(m, group, "rtcp_sent", "RTCP sent", METRIC_COUNT, (double)c->rtcp_out, true);
}

/* Not measured without --data. */
static void add_data(struct metric_list *m, const struct run_window *w, bool has) {
  const struct load_counters *c = &w->counters;
  const char *group = "Data channels (both, of every participant)";
  uint64_t lost = c->data_expected > c->data_received ? c->data_expected - c->data_received : 0;
  metric_add(m, group, "data_opened", "participants whose channels opened", METRIC_COUNT, (double)c->data_opened, has);
  metric_add(m, group, "data_sent", "messages sent", METRIC_COUNT, (double)c->data_sent, has);
  metric_add(m, group, "data_delivered", "… received by others", METRIC_COUNT, (double)c->data_received, has);
  metric_add(m, group, "data_lost", "… that never came", METRIC_COUNT, (double)lost, has);
  metric_add(m, group, "data_latency_p50", "sent to received, p50", METRIC_US,
             (double)histogram_percentile(&c->data_latency_us, 50), has && c->data_latency_us.count);
  metric_add(m, group, "data_latency_p99", "… p99", METRIC_US, (double)histogram_percentile(&c->data_latency_us, 99),
             has && c->data_latency_us.count);
}

static double grown(uint64_t now, uint64_t before, unsigned people) {
  return people && now > before ? (double)(now - before) / people : 0;
}

static void add_server(struct metric_list *m, const struct run_window *w) {
  const char *group = "Server";
  bool has = w->has_server;
  struct server_process d = server_snapshot_difference(&w->server_before, &w->server_after);
  double packets = delivered(w) < 1 ? 1 : delivered(w);
  const struct server_process *idle = &w->server_idle.total, *full = &w->server_after.total;
  metric_add(m, group, "cpu_us_per_packet", "CPU per delivered packet", METRIC_US, (double)d.cpu_ns / 1e3 / packets,
             has);
  metric_add(m, group, "server_cpu", "CPU", METRIC_PERCENT, (double)d.cpu_ns / 1e7 / w->seconds, has);
  metric_add(m, group, "server_waited", "runnable, but without a core", METRIC_PERCENT,
             (double)d.wait_ns / 1e7 / w->seconds, has);
  metric_add(m, group, "switches_per_packet", "context switches per packet", METRIC_COUNT,
             (double)(d.voluntary + d.involuntary) / packets, has);
  metric_add(m, group, "syscalls_per_packet", "system calls per packet", METRIC_COUNT,
             (double)w->syscalls / (double)w->syscall_packets, w->has_syscalls && w->syscall_packets > 0);
  /* Of others' processes RSS may be read, and PSS only by root. */
  const bool has_pss = has && full->pss_bytes > 0;
  metric_add(m, group, "rss", "RSS", METRIC_BYTES, (double)full->rss_bytes, has);
  metric_add(m, group, "pss", "PSS", METRIC_BYTES, (double)full->pss_bytes, has_pss);
  metric_add(m, group, "rss_per_participant", "RSS per participant", METRIC_BYTES,
             grown(full->rss_bytes, idle->rss_bytes, w->ready), has);
  metric_add(m, group, "pss_own", "PSS without files", METRIC_BYTES, (double)full->own_bytes, has_pss);
  metric_add(m, group, "pss_per_participant", "PSS per participant", METRIC_BYTES,
             grown(full->pss_bytes, idle->pss_bytes, w->ready), has_pss);
}

void run_judge(struct run_result *r, const struct load_options *o) {
  struct run_window *w = &r->window;
  struct metric_list *m = &r->metrics;
  m->count = 0;
  judge_generator(r);
  if (r->interrupted) doubt(r, "interrupted after %.0f s", w->seconds);
  if (o->scenario == SCENARIO_RAMP)
    judge_knee(r, o);
  else
    judge_people(r, o);
  if (o->scenario == SCENARIO_RAMP) metric_add(m, "Knee", "knee", "highest load borne", METRIC_COUNT, r->knee, true);
  add_people(m, w);
  add_packets(m, w);
  add_times(m, w);
  add_data(m, w, o->data);
  add_server(m, w);
  metric_add(m, "Generator", "generator_cpu", "CPU", METRIC_PERCENT, w->generator_cpu_percent, true);
  metric_add(m, "Generator", "generator_waited", "runnable, but without a core", METRIC_PERCENT,
             w->generator_wait_percent, true);
  metric_add(m, "Generator", "generator_drops", "dropped at its sockets", METRIC_COUNT,
             (double)w->counters.kernel_drops, true);
  metric_add(m, "Generator", "valid", "valid (1) or not (0)", METRIC_COUNT, r->valid, true);
}
