/* bench/load/options.h: the command line of consilium-load. */
#ifndef BENCH_LOAD_OPTIONS_H
#define BENCH_LOAD_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "bench/load/assertion.h"
#include "bench/load/media_sender.h"
#include "bench/load/transport.h"

#define OPTIONS_ASSERTIONS_MAX 32

/* How the program ends. */
enum exit_code {
  EXIT_OK = 0,
  EXIT_ASSERTION = 1, /* a figure missed its --assert                             */
  EXIT_USAGE = 2,
  EXIT_INVALID = 3, /* the generator itself was the bottleneck                  */
  EXIT_NO_RUN = 4,  /* the server could not be reached or took nobody in, or a report not be written */
};

enum scenario_kind {
  SCENARIO_LECTURE,
  SCENARIO_CONSULT,
  SCENARIO_GALLERY,
  SCENARIO_AUDIO,
  SCENARIO_CHURN,
  SCENARIO_RAMP
};

struct load_options {
  enum scenario_kind scenario;
  enum scenario_kind of; /* ramp: what is ramped up */
  unsigned rooms, members;
  double duration_s, warmup_s, join_rate;
  uint32_t video_bps, audio_bps;
  unsigned audio_ms, layers, fps, packet_bytes, keyframe_factor;
  enum media_spacing spacing;
  enum load_suite suite;
  unsigned sample;
  uint32_t seed;
  int pin;        /* CPU; -1: not pinned */
  bool janus;     /* the server is a Janus that this program starts */
  int target_pin; /* its CPU; -1: not pinned                        */
  const char *url, *secret_file;
  const char *media; /* HOST:PORT that media goes to instead of the server's candidate; NULL */
  bool dev;
  pid_t pid; /* 0: no server figures */
  bool count_syscalls;
  unsigned ramp_start, ramp_limit;
  double ramp_loss_percent, ramp_p99_us, ramp_step_s;
  const char *json_file, *html_file;
  struct assertion assertions[OPTIONS_ASSERTIONS_MAX];
  size_t assertion_count;
  bool accept_invalid, quiet;
  bool data;              /* everybody has data channels … */
  double data_interval_s; /* … and sends a message this often */
};

/* Fills *o. Prints help, version or a usage error itself and ends the process then (EXIT_USAGE). */
void load_options_parse(struct load_options *o, int argc, char **argv);

#endif
