/* bench/load/run.c: see the header. The phases of a run; figures are made of them in result.c. */
#include "bench/load/run.h"

#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "bench/load/progress.h"
#include "bench/load/run_internal.h"
#include "bench/load/scenario.h"
#include "bench/load/syscall_counter.h"

#define SAMPLE_US         1000000
#define SHOW_US           200000
#define DRAIN_US          500000
#define JOIN_PATIENCE_S   20
/* Of an interrupted run this much must have been measured for a report. */
#define LEAST_MEASURED_S  1
/* To stop counting system calls blocks us for some 40 ms: what was due meanwhile leaves late, and must have left before the
 * measurement. */
#define AFTER_COUNTING_US 300000

static volatile sig_atomic_t interrupted;

static void on_interrupt(int number) {
  (void)number;
  interrupted = 1;
}

void run_turn_until(struct run *run, const char *phase, int64_t until_us, bool until_settled) {
  int64_t from_us = event_loop_clock_us();
  for (;;) {
    int64_t now_us = event_loop_clock_us();
    if (now_us >= until_us || interrupted) return;
    if (until_settled && (crowd_is_settled(run->crowd) || crowd_is_hopeless(run->crowd))) return;
    if (now_us - run->tick.at_us >= SAMPLE_US) {
      run_refresh_clock_offset(run);
      run_add_sample(run, now_us);
    }
    if (now_us - run->shown_us >= SHOW_US) {
      run->shown_us = now_us;
      unsigned seats = crowd_seats(run->crowd), ready = crowd_ready(run->crowd);
      double fraction =
          until_settled ? (double)ready / seats : (double)(now_us - from_us) / (double)(until_us - from_us);
      const struct run_result *r = run->result;
      const struct run_sample *last = r->sample_count ? &r->samples[r->sample_count - 1] : NULL;
      if (!run->options->quiet) progress_show(stderr, &(struct progress){phase, fraction, ready, seats, last});
    }
    int64_t pause_us = now_us + 20000;
    event_loop_turn(run->shared.loop, pause_us < until_us ? pause_us : until_us);
  }
}

void run_join(struct run *run, unsigned seats) {
  int64_t now_us = event_loop_clock_us();
  unsigned before = crowd_ready(run->crowd), more = seats > before ? seats - before : 0;
  crowd_set_target(run->crowd, seats, now_us);
  double patience_s = more / run->options->join_rate + JOIN_PATIENCE_S;
  run_turn_until(run, "joining", now_us + (int64_t)(patience_s * 1e6), true);
}

static void reset_window(struct run *run) {
  struct load_counters *c = &run->counters;
  histogram_reset(&c->latency_us);
  histogram_reset(&c->lateness_us);
  histogram_reset(&c->data_latency_us);
  run->shared.window++;
  crowd_mark(run->crowd);
  memset(&run->tick, 0, sizeof run->tick);
  run_take_tick(run, &run->tick, event_loop_clock_us());
  run->at_mark = *c;
}

/* Counters since the mark; histograms of latency were emptied there, those of joining belong to the whole run. */
static void subtract_counters(struct load_counters *now, const struct load_counters *before) {
  uint64_t *a = &now->rtp_in;
  const uint64_t *b = &before->rtp_in;
  size_t count = offsetof(struct load_counters, joins) / sizeof *a;
  for (size_t i = 0; i < count; i++)
    a[i] -= b[i];
  now->sampled -= before->sampled;
}

static uint64_t delivered(const struct run *run) {
  return run->counters.rtp_in + run->counters.rtx_in;
}

/* Counting costs the server something at every call: it is done in the warm-up, so that the figures after it are free of it; in
 * the measured window itself only with --count-syscalls. */
static void count_syscalls(struct run *run, int64_t until_us, struct run_window *counted) {
  struct syscall_counter *c = NULL;
  if (server_snapshot_take(&run->scratch, run->options->pid, false)) c = syscall_counter_open(&run->scratch);
  if (!c) return;
  const uint64_t before = delivered(run);
  run_turn_until(run, "warming up", until_us, false);
  counted->has_syscalls = true;
  counted->syscalls = syscall_counter_read(c);
  counted->syscall_packets = delivered(run) - before;
  syscall_counter_close(c);
}

static void warm_up(struct run *run, struct run_window *counted) {
  const struct load_options *o = run->options;
  int64_t until_us = event_loop_clock_us() + (int64_t)(o->warmup_s * 1e6);
  const int64_t count_us = o->warmup_s < 2 ? (int64_t)(o->warmup_s * 5e5) : 1000000;
  memset(counted, 0, sizeof *counted);
  if (o->pid && !o->count_syscalls && count_us > 0) {
    run_turn_until(run, "warming up", until_us - count_us - AFTER_COUNTING_US, false);
    count_syscalls(run, event_loop_clock_us() + count_us, counted);
    const int64_t calm_us = event_loop_clock_us() + AFTER_COUNTING_US;
    if (until_us < calm_us) until_us = calm_us;
  }
  run_turn_until(run, "warming up", until_us, false);
}

void run_measure(struct run *run, double seconds, struct run_window *w) {
  const struct load_options *o = run->options;
  memset(w, 0, sizeof *w);
  reset_window(run);
  w->has_server = o->pid && server_snapshot_take(&w->server_before, o->pid, false);
  struct syscall_counter *syscalls =
      o->count_syscalls && w->has_server ? syscall_counter_open(&w->server_before) : NULL;
  int64_t from_us = event_loop_clock_us(), cpu_before_us = run_cpu_us(), wait_before_ns = run_wait_ns();
  if (o->scenario == SCENARIO_CHURN) crowd_set_churn(run->crowd, true, from_us);
  run_turn_until(run, "measuring", from_us + (int64_t)(seconds * 1e6), false);
  int64_t until_us = event_loop_clock_us();
  if (o->scenario == SCENARIO_CHURN) crowd_set_churn(run->crowd, false, until_us);
  if (syscalls) {
    w->has_syscalls = true;
    w->syscalls = syscall_counter_read(syscalls);
    w->syscall_packets = delivered(run) - (run->at_mark.rtp_in + run->at_mark.rtx_in);
    syscall_counter_close(syscalls);
  }
  if (w->has_server) server_snapshot_take(&w->server_after, o->pid, false);
  w->seconds = (double)(until_us - from_us) / 1e6;
  w->generator_cpu_percent = (double)(run_cpu_us() - cpu_before_us) / (double)(until_us - from_us) * 100;
  w->generator_wait_percent = (double)(run_wait_ns() - wait_before_ns) / 1e3 / (double)(until_us - from_us) * 100;
  w->counters = run->counters;
  subtract_counters(&w->counters, &run->at_mark);
  w->seats = crowd_seats(run->crowd);
  w->ready = crowd_ready(run->crowd) / scenario_transports(o);
  w->seeing = crowd_seeing(run->crowd);
  w->starved = crowd_starved(run->crowd, &w->assigned, until_us);
  w->server_idle = run->idle;
}

/* What is still on its way must not count as lost: sending stops, receiving goes on for a moment. */
static void drain(struct run *run, struct run_window *w) {
  crowd_stop_media(run->crowd);
  run_turn_until(run, "draining", event_loop_clock_us() + DRAIN_US, false);
  crowd_counts(run->crowd, &w->sequence);
  w->counters.data_received = run->counters.data_received - run->at_mark.data_received;
  w->counters.data_latency_us = run->counters.data_latency_us;
  /* PSS walks page tables: taken when nothing is measured any more, but everybody is still there. */
  struct server_snapshot full;
  if (w->has_server && server_snapshot_take(&full, run->options->pid, true)) {
    w->server_after.total.rss_bytes = full.total.rss_bytes;
    w->server_after.total.pss_bytes = full.total.pss_bytes;
    w->server_after.total.own_bytes = full.total.own_bytes;
    for (size_t i = 0; i < w->server_after.count && i < full.count; i++) {
      w->server_after.processes[i].rss_bytes = full.processes[i].rss_bytes;
      w->server_after.processes[i].pss_bytes = full.processes[i].pss_bytes;
    }
  }
}

/* What a first failure means, where its words alone do not say it. */
static const char *hint_of(const char *why) {
  if (strcmp(why, "Connection refused") == 0)
    return "; nobody listens there: does the server run, and is --url its address?";
  if (strcmp(why, "Connection reset by peer") == 0)
    return "; from one address a server takes only so many (limits.connections_per_address)";
  return "";
}

const char *run_check_entry(struct run *run) {
  if (interrupted) return "interrupted before anything was measured";
  if (crowd_ready(run->crowd)) return NULL;
  const char *why = crowd_first_failure(run->crowd);
  if (!*why)
    return run_words(run, "nobody got in within %d s, and %s did not say why", JOIN_PATIENCE_S, run->options->url);
  if (run->counters.joined)
    return run_words(run, "everybody was in at %s and fell out again: %s", run->options->url, why);
  return run_words(run, "nobody got in at %s: %s%s", run->options->url, why, hint_of(why));
}

static const char *run_once(struct run *run) {
  const struct load_options *o = run->options;
  unsigned seats = o->rooms * scenario_room_size(o);
  const char *why = run_raise_file_limit(run, seats);
  if (why) return why;
  run_join(run, seats);
  if ((why = run_check_entry(run))) return why;
  struct run_window *w = &run->result->window, *counted = &run->step_window;
  warm_up(run, counted);
  run->result->measured_from_s = (double)(event_loop_clock_us() - run->began_us) / 1e6;
  run_measure(run, o->duration_s, w);
  run->result->measured_to_s = run->result->measured_from_s + w->seconds;
  if (counted->has_syscalls) {
    w->has_syscalls = true;
    w->syscalls = counted->syscalls;
    w->syscall_packets = counted->syscall_packets;
  }
  if (!interrupted) drain(run, &run->result->window);
  run->result->interrupted = interrupted && run->result->window.seconds >= LEAST_MEASURED_S;
  return run->result->interrupted ? NULL : run_check_entry(run);
}

const char *run_load(struct run_result *out, const struct load_options *options) {
  static struct run run; /* large, and there is one */
  static char last_words[RUN_WORDS_BYTES];
  memset(out, 0, sizeof *out);
  memset(&run, 0, sizeof run);
  interrupted = 0;
  run.options = options;
  run.result = out;
  signal(SIGPIPE, SIG_IGN);
  const sighandler_t before_int = signal(SIGINT, on_interrupt), before_term = signal(SIGTERM, on_interrupt);
  const char *why = run_open(&run);
  run.began_us = event_loop_clock_us();
  if (!why) {
    run_take_tick(&run, &run.tick, run.began_us);
    why = options->scenario == SCENARIO_RAMP ? run_ramp(&run) : run_once(&run);
    out->cipher_backend = transport_context_backend(run.shared.transport);
    if (crowd_failed(run.crowd))
      snprintf(out->note, sizeof out->note, "%llu of %llu joins failed; the first: %s%s",
               (unsigned long long)crowd_failed(run.crowd), (unsigned long long)run.counters.joins,
               crowd_first_failure(run.crowd), hint_of(crowd_first_failure(run.crowd)));
  }
  progress_clear(stderr);
  if (!why) run_judge(out, options);
  if (why) snprintf(last_words, sizeof last_words, "%s", why);
  run_close(&run);
  signal(SIGINT, before_int);
  signal(SIGTERM, before_term);
  return why ? last_words : NULL;
}
