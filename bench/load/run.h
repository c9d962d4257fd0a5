/* bench/load/run.h: one run: join, warm up, measure, drain; or, for a ramp, that again and again. */
#ifndef BENCH_LOAD_RUN_H
#define BENCH_LOAD_RUN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bench/load/counters.h"
#include "bench/load/metric.h"
#include "bench/load/options.h"
#include "bench/load/sequence_tracker.h"
#include "bench/load/server_process.h"

#define RUN_SAMPLES_MAX 1024
#define RUN_REASONS_MAX 8
#define RUN_STEPS_MAX   64
#define RUN_WORDS_BYTES 256

/* One point of the plots. */
struct run_sample {
  double at_s;
  double packets_per_second, bits_per_second, loss_percent;
  double latency_p99_us;
  double server_cpu_percent, generator_cpu_percent;
  unsigned participants;
};

/* Everything about one measured window, as taken. */
struct run_window {
  double seconds;
  unsigned seats, ready, seeing, starved, assigned;
  struct load_counters counters; /* of the window; joins and first media: of the whole run */
  struct sequence_counts sequence;
  double generator_cpu_percent, generator_wait_percent;
  bool has_server;
  struct server_snapshot server_idle, server_before, server_after; /* idle: before anybody joined */
  bool has_syscalls;
  uint64_t syscalls, syscall_packets; /* of the server, while so many packets were delivered */
};

/* A step of a ramp. */
struct run_step {
  unsigned load, participants;
  double loss_percent, latency_p99_us, packets_per_second, cpu_us_per_packet, server_cpu_percent;
  bool borne, all_in, generator_limited;
  const char *because; /* it is not borne, in words; "" */
};

struct run_result {
  struct metric_list metrics;
  struct run_window window; /* of a ramp: the knee's */
  struct run_sample samples[RUN_SAMPLES_MAX];
  size_t sample_count;
  struct run_step steps[RUN_STEPS_MAX];
  size_t step_count;
  double measured_from_s, measured_to_s; /* on the samples' clock; 0, 0: a ramp */
  unsigned knee;                         /* highest load that was borne; 0: none, or not a ramp */
  bool knee_is_limit;                    /* nothing failed up to --ramp-limit */
  bool interrupted;                      /* the window is shorter than asked for */
  bool valid;
  char reasons[RUN_REASONS_MAX][RUN_WORDS_BYTES]; /* why it is not */
  size_t reason_count;
  char note[RUN_WORDS_BYTES]; /* "3 of 40 did not get in: …" or "" */
  const char *cipher_backend;
};

/* Runs what the options say. NULL, or why there was no run, in words. */
const char *run_load(struct run_result *out, const struct load_options *options);

/* result.c: judges a window (valid, reasons) and fills the metrics. */
void run_judge(struct run_result *r, const struct load_options *o);
/* The generator, not the server, may be what the window shows. */
bool run_generator_limited(const struct run_window *w);
double run_loss_percent(const struct sequence_counts *c);
double run_process_cpu_percent(const struct run_window *w,
                               const struct server_process *after); /* one of server_after's */
double run_cpu_us_per_packet(const struct run_window *w);           /* NaN without --pid or packets */

#endif
