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

#endif
