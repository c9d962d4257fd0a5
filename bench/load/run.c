/* bench/load/run.c: see the header. The phases of a run; figures are made of them in result.c. */
#include "bench/load/run.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "bench/load/crowd.h"
#include "bench/load/knee_search.h"
#include "bench/load/progress.h"
#include "bench/load/run_internal.h"
#include "bench/load/scenario.h"
#include "bench/load/secret_file.h"

#define SAMPLE_US       1000000
#define DRAIN_US        500000
#define JOIN_PATIENCE_S 20
#define RECEIVE_BUFFER  (2 << 20)
#define SPARE_FILES     64

static volatile sig_atomic_t interrupted;

static void on_interrupt(int number) {
  (void)number;
  interrupted = 1;
}

/* ---- the world around ---- */

__attribute__((format(printf, 2, 3))) static const char *words(struct run *run, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  // NOLINTNEXTLINE(clang-analyzer-valist.*): it was started above
  vsnprintf(run->words, sizeof run->words, format, arguments);
  va_end(arguments);
  return run->words;
}

/* Two per participant: WebSocket and media. */
static const char *raise_file_limit(struct run *run, unsigned seats) {
  struct rlimit limit;
  rlim_t wanted = 2 * (rlim_t)seats + SPARE_FILES;
  if (getrlimit(RLIMIT_NOFILE, &limit) || limit.rlim_cur >= wanted) return NULL;
  struct rlimit raised = {.rlim_cur = wanted, .rlim_max = limit.rlim_max > wanted ? limit.rlim_max : wanted};
  if (setrlimit(RLIMIT_NOFILE, &raised) == 0) return NULL;
  return words(
      run,
      "%u participants need %llu file descriptors, but only %llu are allowed here: run `ulimit -n %llu` first, as "
      "root or with a higher hard limit",
      seats, (unsigned long long)wanted, (unsigned long long)limit.rlim_max, (unsigned long long)wanted);
}

static void refresh_clock_offset(struct run *run) {
  struct timespec wall;
  int64_t before_us = event_loop_clock_us();
  clock_gettime(CLOCK_REALTIME, &wall);
  int64_t after_us = event_loop_clock_us();
  run->shared.clock_offset_us = (int64_t)wall.tv_sec * 1000000 + wall.tv_nsec / 1000 - (before_us + after_us) / 2;
}

static const char *pin(struct run *run, int cpu) {
  cpu_set_t set;
  if (cpu < 0) return NULL;
  CPU_ZERO(&set);
  CPU_SET((unsigned)cpu, &set);
  if (sched_setaffinity(0, sizeof set, &set) == 0) return NULL;
  return words(run, "--pin %d: %s", cpu, strerror(errno));
}

static const char *read_media_address(struct run *run, const char *text) {
  char host[64];
  const char *colon = strrchr(text, ':');
  unsigned long port = colon ? strtoul(colon + 1, NULL, 10) : 0;
  if (colon && port > 0 && port < 65536 && (size_t)(colon - text) < sizeof host) {
    memcpy(host, text, (size_t)(colon - text));
    host[colon - text] = '\0';
    if (ice_address_parse(&run->shared.media, host, (uint16_t)port)) return NULL;
  }
  return words(run, "--media %s: it must look like 127.0.0.1:40000", text);
}

static const char *open_run(struct run *run) {
  const struct load_options *o = run->options;
  const char *why = web_address_parse(&run->gateway, o->url);
  if (why) return words(run, "--url %s: %s", o->url, why);
  if (o->secret_file) {
    if ((why = secret_file_read(o->secret_file, run->secret, sizeof run->secret, &run->shared.key.len))) {
      return words(run, "--secret-file %s: %s", o->secret_file, why);
    }
    run->shared.key.bytes = run->secret;
  } else if (!run->gateway.loopback) {
    return "tokens without a secret are only for a server on this machine: give --secret-file";
  }
  if (o->media && (why = read_media_address(run, o->media))) return why;
  if ((why = pin(run, o->pin))) return why;
  prctl(PR_SET_TIMERSLACK, 1UL);
  if (o->pid && !server_snapshot_take(&run->idle, o->pid, true)) return "--pid: there is no such process";
  if ((why = transport_context_create(&run->shared.transport, o->suite))) return why;
  if (event_loop_create(&run->shared.loop)) return "epoll is not available";
  refresh_clock_offset(run);
  run->shared.gateway = &run->gateway;
  run->shared.counters = &run->counters;
  run->shared.receive_buffer_bytes = RECEIVE_BUFFER;
  return crowd_create(&run->crowd, o, &run->shared) ? "out of memory" : NULL;
}

static void close_run(struct run *run) {
  crowd_free(run->crowd);
  event_loop_free(run->shared.loop);
  transport_context_free(run->shared.transport);
  explicit_bzero(run->secret, sizeof run->secret);
}

/* ---- samples ---- */

static int64_t cpu_us(void) {
  struct timespec t;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

/* Nanoseconds that this process was runnable but did not run. */
static int64_t own_wait_ns(void) {
  static struct server_snapshot self;
  return server_snapshot_take(&self, getpid(), false) ? (int64_t)self.total.wait_ns : 0;
}

static void take_tick(struct run *run, struct run_tick *t, int64_t now_us) {
  t->at_us = now_us;
  t->cpu_us = cpu_us();
  t->rtp_in = run->counters.rtp_in + run->counters.rtx_in;
  t->rtp_in_bytes = run->counters.rtp_in_bytes;
  crowd_counts(run->crowd, &t->sequence);
  t->latency = run->counters.latency_us;
  t->server_cpu_ns = 0;
  if (run->options->pid && server_snapshot_take(&run->scratch, run->options->pid, false))
    t->server_cpu_ns = run->scratch.total.cpu_ns;
}

static void add_sample(struct run *run, int64_t now_us) {
  struct run_tick *before = &run->tick, *now = &run->tick_now;
  take_tick(run, now, now_us);
  double seconds = (double)(now->at_us - before->at_us) / 1e6;
  struct sequence_counts sequence = now->sequence;
  sequence_counts_subtract(&sequence, &before->sequence);
  histogram_difference(&run->interval, &now->latency, &before->latency);
  struct run_sample s = {
      .at_s = (double)(now_us - run->began_us) / 1e6,
      .packets_per_second = (double)(now->rtp_in - before->rtp_in) / seconds,
      .bits_per_second = (double)(now->rtp_in_bytes - before->rtp_in_bytes) * 8 / seconds,
      .loss_percent = run_loss_percent(&sequence),
      .latency_p99_us = (double)histogram_percentile(&run->interval, 99),
      .server_cpu_percent = (double)(now->server_cpu_ns - before->server_cpu_ns) / 1e7 / seconds,
      .generator_cpu_percent = (double)(now->cpu_us - before->cpu_us) / 1e4 / seconds,
      .participants = crowd_ready(run->crowd),
  };
  if (!before->server_cpu_ns) s.server_cpu_percent = 0;
  struct run_result *r = run->result;
  if (r->sample_count == RUN_SAMPLES_MAX) { /* a long run: keep every second one */
    for (size_t i = 0; i < RUN_SAMPLES_MAX / 2; i++)
      r->samples[i] = r->samples[2 * i];
    r->sample_count = RUN_SAMPLES_MAX / 2;
  }
  r->samples[r->sample_count++] = s;
  run->tick = *now;
}

/* ---- phases ---- */

static void turn_until(struct run *run, const char *phase, int64_t until_us, bool until_settled) {
  int64_t from_us = event_loop_clock_us();
  for (;;) {
    int64_t now_us = event_loop_clock_us();
    if (now_us >= until_us || interrupted) return;
    if (until_settled && (crowd_is_settled(run->crowd) || crowd_is_hopeless(run->crowd))) return;
    if (now_us - run->tick.at_us >= SAMPLE_US) {
      refresh_clock_offset(run);
      add_sample(run, now_us);
    }
    if (now_us - run->shown_us >= 200000) {
      run->shown_us = now_us;
      unsigned seats = crowd_seats(run->crowd), ready = crowd_ready(run->crowd);
      double fraction =
          until_settled ? (double)ready / seats : (double)(now_us - from_us) / (double)(until_us - from_us);
      const struct run_result *r = run->result;
      progress_show(run->options->quiet, phase, fraction, ready, seats,
                    r->sample_count ? &r->samples[r->sample_count - 1] : NULL);
    }
    int64_t pause_us = now_us + 20000;
    event_loop_turn(run->shared.loop, pause_us < until_us ? pause_us : until_us);
  }
}

static void join(struct run *run, unsigned seats) {
  int64_t now_us = event_loop_clock_us();
  unsigned before = crowd_ready(run->crowd), more = seats > before ? seats - before : 0;
  crowd_set_target(run->crowd, seats, now_us);
  double patience_s = more / run->options->join_rate + JOIN_PATIENCE_S;
  turn_until(run, "joining", now_us + (int64_t)(patience_s * 1e6), true);
}

static void reset_window(struct run *run) {
  struct load_counters *c = &run->counters;
  histogram_reset(&c->latency_us);
  histogram_reset(&c->lateness_us);
  crowd_mark(run->crowd);
  memset(&run->tick, 0, sizeof run->tick);
  take_tick(run, &run->tick, event_loop_clock_us());
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

static void measure(struct run *run, double seconds, struct run_window *w) {
  const struct load_options *o = run->options;
  memset(w, 0, sizeof *w);
  reset_window(run);
  w->has_server = o->pid && server_snapshot_take(&w->server_before, o->pid, false);
  struct syscall_counter *syscalls =
      o->count_syscalls && w->has_server ? syscall_counter_open(&w->server_before) : NULL;
  int64_t from_us = event_loop_clock_us(), cpu_before_us = cpu_us(), wait_before_ns = own_wait_ns();
  if (o->scenario == SCENARIO_CHURN) crowd_set_churn(run->crowd, true, from_us);
  turn_until(run, "measuring", from_us + (int64_t)(seconds * 1e6), false);
  int64_t until_us = event_loop_clock_us();
  if (o->scenario == SCENARIO_CHURN) crowd_set_churn(run->crowd, false, until_us);
  if (syscalls) {
    w->has_syscalls = true;
    w->syscalls = syscall_counter_read(syscalls);
    syscall_counter_close(syscalls);
  }
  if (w->has_server) server_snapshot_take(&w->server_after, o->pid, false);
  w->seconds = (double)(until_us - from_us) / 1e6;
  w->generator_cpu_percent = (double)(cpu_us() - cpu_before_us) / (double)(until_us - from_us) * 100;
  w->generator_wait_percent = (double)(own_wait_ns() - wait_before_ns) / 1e3 / (double)(until_us - from_us) * 100;
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
  turn_until(run, "draining", event_loop_clock_us() + DRAIN_US, false);
  crowd_counts(run->crowd, &w->sequence);
  /* PSS walks page tables: taken when nothing is measured any more, but everybody is still there. */
  struct server_snapshot full;
  if (w->has_server && server_snapshot_take(&full, run->options->pid, true)) {
    w->server_after.total.rss_bytes = full.total.rss_bytes;
    w->server_after.total.pss_bytes = full.total.pss_bytes;
    for (size_t i = 0; i < w->server_after.count && i < full.count; i++) {
      w->server_after.processes[i].rss_bytes = full.processes[i].rss_bytes;
      w->server_after.processes[i].pss_bytes = full.processes[i].pss_bytes;
    }
  }
}

static const char *check_entry(struct run *run) {
  if (interrupted) return "interrupted";
  if (crowd_ready(run->crowd)) return NULL;
  const char *why = crowd_first_failure(run->crowd);
  if (!*why) return words(run, "nobody got in within %d s, and %s did not say why", JOIN_PATIENCE_S, run->options->url);
  return words(run, "nobody got in at %s: %s", run->options->url, why);
}

static const char *run_once(struct run *run) {
  const struct load_options *o = run->options;
  unsigned seats = o->rooms * scenario_room_size(o);
  const char *why = raise_file_limit(run, seats);
  if (why) return why;
  join(run, seats);
  if ((why = check_entry(run))) return why;
  turn_until(run, "warming up", event_loop_clock_us() + (int64_t)(o->warmup_s * 1e6), false);
  measure(run, o->duration_s, &run->result->window);
  drain(run, &run->result->window);
  return check_entry(run);
}

/* ---- ramp ---- */

/* In lectures, galleries and audio rooms a unit of load is a member, in consultations a room. */
static unsigned seats_of(struct run *run, unsigned load) {
  if (run->options->of == SCENARIO_CONSULT) return load * scenario_room_size(run->options);
  return load + (run->options->of == SCENARIO_LECTURE ? 1 : 0);
}

static bool ramp_step(struct run *run, unsigned load) {
  const struct load_options *o = run->options;
  struct run_window *w = &run->step_window;
  uint64_t failed = crowd_failed(run->crowd);
  join(run, seats_of(run, load));
  turn_until(run, "warming up", event_loop_clock_us() + 1000000, false);
  measure(run, o->ramp_step_s, w);
  crowd_counts(run->crowd, &w->sequence);
  double latency_us = (double)histogram_percentile(&w->counters.latency_us, 99);
  bool all_in = crowd_is_settled(run->crowd) && crowd_failed(run->crowd) == failed;
  struct run_step step = {
      .load = load,
      .participants = w->ready,
      .loss_percent = run_loss_percent(&w->sequence),
      .latency_p99_us = latency_us,
      .packets_per_second = (double)(w->counters.rtp_in + w->counters.rtx_in) / w->seconds,
      .cpu_us_per_packet = run_cpu_us_per_packet(w),
      .generator_limited = w->generator_cpu_percent > 90 || w->counters.kernel_drops > 0,
  };
  if (w->has_server)
    step.server_cpu_percent =
        (double)server_snapshot_difference(&w->server_before, &w->server_after).cpu_ns / 1e7 / w->seconds;
  step.borne = all_in && step.loss_percent <= o->ramp_loss_percent && latency_us <= o->ramp_p99_us && w->starved == 0;
  struct run_result *r = run->result;
  if (r->step_count < RUN_STEPS_MAX) r->steps[r->step_count++] = step;
  if (step.borne) r->window = *w;
  if (!o->quiet) {
    progress_clear();
    fprintf(stderr,
            "  load %-5u %5u in  %8.0f packets/s  loss %.3f %%  p99 %.2f ms  server %.0f %%  self %.0f %%  %s\n", load,
            step.participants, step.packets_per_second, step.loss_percent, latency_us / 1e3, step.server_cpu_percent,
            w->generator_cpu_percent, step.borne ? "borne" : "not borne");
  }
  return step.borne;
}

static const char *run_ramp(struct run *run) {
  const struct load_options *o = run->options;
  struct run_result *r = run->result;
  struct knee_search search;
  const char *why = raise_file_limit(run, seats_of(run, o->ramp_limit));
  if (why) return why;
  knee_search_init(&search, o->ramp_start, o->ramp_limit);
  for (unsigned load; (load = knee_search_next(&search)) != 0;) {
    knee_search_report(&search, ramp_step(run, load));
    if ((why = check_entry(run))) return why;
  }
  r->knee = search.good;
  r->knee_is_limit = search.bad == 0;
  if (!search.good) r->window = run->step_window;
  return NULL;
}

const char *run_load(struct run_result *out, const struct load_options *options) {
  static struct run run; /* large, and there is one */
  static char last_words[RUN_WORDS_BYTES];
  memset(out, 0, sizeof *out);
  run.options = options;
  run.result = out;
  signal(SIGPIPE, SIG_IGN);
  signal(SIGINT, on_interrupt);
  signal(SIGTERM, on_interrupt);
  const char *why = open_run(&run);
  run.began_us = event_loop_clock_us();
  if (!why) {
    take_tick(&run, &run.tick, run.began_us);
    why = options->scenario == SCENARIO_RAMP ? run_ramp(&run) : run_once(&run);
    out->cipher_backend = transport_context_backend(run.shared.transport);
    if (crowd_failed(run.crowd))
      snprintf(out->note, sizeof out->note, "%llu of %llu joins failed; the first: %s",
               (unsigned long long)crowd_failed(run.crowd), (unsigned long long)run.counters.joins,
               crowd_first_failure(run.crowd));
  }
  progress_clear();
  if (!why) run_judge(out, options);
  if (why) snprintf(last_words, sizeof last_words, "%s", why);
  close_run(&run);
  return why ? last_words : NULL;
}
