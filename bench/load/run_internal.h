/* bench/load/run_internal.h: the state of a run. Large, static: histograms and snapshots are in it. */
#ifndef BENCH_LOAD_RUN_INTERNAL_H
#define BENCH_LOAD_RUN_INTERNAL_H

#include "bench/load/crowd.h"
#include "bench/load/run.h"

/* What a sample is the difference of. */
struct run_tick {
  int64_t at_us, cpu_us;
  uint64_t rtp_in, rtp_in_bytes, server_cpu_ns;
  struct sequence_counts sequence;
  struct histogram latency;
};

struct run {
  const struct load_options *options;
  struct run_result *result;
  struct web_address gateway;
  struct participant_shared shared;
  struct load_counters counters, at_mark;
  struct crowd *crowd;
  struct server_snapshot idle, scratch;
  struct run_window step_window;
  struct run_tick tick, tick_now;
  struct histogram interval;
  int64_t began_us, shown_us;
  uint8_t secret[4096];
  char words[RUN_WORDS_BYTES];
};

/* run_world.c: each NULL, or what is wrong, in words */
__attribute__((format(printf, 2, 3))) const char *run_words(struct run *run, const char *format, ...);
const char *run_open(struct run *run);
void run_close(struct run *run);
/* Room for two per participant: WebSocket and media. */
const char *run_raise_file_limit(struct run *run, unsigned seats);

/* run_samples.c */
void run_refresh_clock_offset(struct run *run);
int64_t run_cpu_us(void);  /* of this process */
int64_t run_wait_ns(void); /* it was runnable but did not run */
void run_take_tick(struct run *run, struct run_tick *t, int64_t now_us);
void run_add_sample(struct run *run, int64_t now_us);

/* run.c */
void run_turn_until(struct run *run, const char *phase, int64_t until_us, bool until_settled);
void run_join(struct run *run, unsigned seats);
void run_measure(struct run *run, double seconds, struct run_window *w);
/* Somebody is in; or why nobody is. */
const char *run_check_entry(struct run *run);

/* run_ramp.c */
const char *run_ramp(struct run *run);

#endif
