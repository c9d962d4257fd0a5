/* bench/load/run_samples.c: what passed from one second to the next: the points of the plots and of the progress line. */
#include <time.h>
#include <unistd.h>

#include "bench/load/run_internal.h"

void run_refresh_clock_offset(struct run *run) {
  struct timespec wall;
  int64_t before_us = event_loop_clock_us();
  clock_gettime(CLOCK_REALTIME, &wall);
  int64_t after_us = event_loop_clock_us();
  run->shared.clock_offset_us = (int64_t)wall.tv_sec * 1000000 + wall.tv_nsec / 1000 - (before_us + after_us) / 2;
}

int64_t run_cpu_us(void) {
  struct timespec t;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

int64_t run_wait_ns(void) {
  return (int64_t)server_process_wait_ns(
      getpid()); /* without the Janus that is a child of ours: its threads wait, too */
}

void run_take_tick(struct run *run, struct run_tick *t, int64_t now_us) {
  t->at_us = now_us;
  t->cpu_us = run_cpu_us();
  t->rtp_in = run->counters.rtp_in + run->counters.rtx_in;
  t->rtp_in_bytes = run->counters.rtp_in_bytes;
  crowd_counts(run->crowd, &t->sequence);
  t->latency = run->counters.latency_us;
  t->server_cpu_ns = run->options->pid ? server_snapshot_cpu_ns(&run->idle) : 0;
}

void run_add_sample(struct run *run, int64_t now_us) {
  struct run_tick *before = &run->tick, *now = &run->tick_now;
  run_take_tick(run, now, now_us);
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
