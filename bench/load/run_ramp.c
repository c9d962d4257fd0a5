/* bench/load/run_ramp.c: the same crowd, larger and smaller, until the highest load that is borne is known. */
#include <stdio.h>

#include "bench/load/knee_search.h"
#include "bench/load/progress.h"
#include "bench/load/run_internal.h"
#include "bench/load/scenario.h"

/* In lectures, galleries and audio rooms a unit of load is a member, in consultations a room. */
static unsigned seats_of(struct run *run, unsigned load) {
  if (run->options->of == SCENARIO_CONSULT) return load * scenario_room_size(run->options);
  return load + (run->options->of == SCENARIO_LECTURE ? 1 : 0);
}

/* Why a step is not borne, most telling first; "": it is. */
static const char *why_not(const struct run_step *step, const struct load_options *o, unsigned starved) {
  if (!step->all_in) return "not everybody got in";
  if (starved) return "somebody got nothing of a stream";
  if (step->loss_percent > o->ramp_loss_percent) return "loss";
  if (step->latency_p99_us > o->ramp_p99_us) return "latency";
  return "";
}

static bool ramp_step(struct run *run, unsigned load) {
  const struct load_options *o = run->options;
  struct run_window *w = &run->step_window;
  uint64_t failed = crowd_failed(run->crowd);
  run_join(run, seats_of(run, load));
  run_turn_until(run, "warming up", event_loop_clock_us() + 1000000, false);
  run_measure(run, o->ramp_step_s, w);
  crowd_counts(run->crowd, &w->sequence);
  double latency_us = (double)histogram_percentile(&w->counters.latency_us, 99);
  struct run_step step = {
      .load = load,
      .participants = w->ready,
      .loss_percent = run_loss_percent(&w->sequence),
      .latency_p99_us = latency_us,
      .packets_per_second = (double)(w->counters.rtp_in + w->counters.rtx_in) / w->seconds,
      .cpu_us_per_packet = run_cpu_us_per_packet(w),
      .all_in = crowd_is_settled(run->crowd) && crowd_failed(run->crowd) == failed,
      .generator_limited = run_generator_limited(w),
  };
  if (w->has_server)
    step.server_cpu_percent =
        (double)server_snapshot_difference(&w->server_before, &w->server_after).cpu_ns / 1e7 / w->seconds;
  step.because = why_not(&step, o, w->starved);
  step.borne = !*step.because;
  struct run_result *r = run->result;
  if (r->step_count < RUN_STEPS_MAX) r->steps[r->step_count++] = step;
  if (step.borne) r->window = *w;
  if (!o->quiet) {
    progress_clear(stderr);
    fprintf(stderr,
            "  load %-5u %5u in  %8.0f packets/s  loss %.3f %%  p99 %.2f ms  server %.0f %%  self %.0f %%  %s%s\n",
            load, step.participants, step.packets_per_second, step.loss_percent, latency_us / 1e3,
            step.server_cpu_percent, w->generator_cpu_percent, step.borne ? "borne" : "not borne: ", step.because);
  }
  return step.borne;
}

const char *run_ramp(struct run *run) {
  const struct load_options *o = run->options;
  struct run_result *r = run->result;
  struct knee_search search;
  const char *why = run_raise_file_limit(run, seats_of(run, o->ramp_limit));
  if (why) return why;
  knee_search_init(&search, o->ramp_start, o->ramp_limit);
  for (unsigned load; (load = knee_search_next(&search)) != 0;) {
    knee_search_report(&search, ramp_step(run, load));
    if ((why = run_check_entry(run))) return why;
  }
  r->knee = search.good;
  r->knee_is_limit = search.bad == 0;
  if (!search.good) r->window = run->step_window;
  return NULL;
}
