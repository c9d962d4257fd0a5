/* bench/floor/relay.h: the composed floor of a scenario: the least program that could do a server's work, at the same load.
 *
 * It receives, opens, writes a new header, seals once per receiver and sends, and nothing else: no signaling, no statistics, no
 * feedback, no choice of layers; addresses and keys are known before it starts. The packets are those of consilium-load (same sizes,
 * same spacing), it waits for the whole of a frame, and a frame to one receiver is one UDP_SEGMENT message from contiguous memory.
 * Load and receivers are a process on another core that is not woken by packets, as in consilium-load.
 */
#ifndef BENCH_FLOOR_RELAY_H
#define BENCH_FLOOR_RELAY_H

#include <stdbool.h>
#include <stdint.h>

#include "bench/load/media_sender.h"

struct relay_plan {
  unsigned rooms, members; /* members of a room, senders included */
  bool lecture;            /* only the first member of a room sends */
  unsigned pictures;       /* each sees so many of the next members; UINT32_MAX: all */
  unsigned voices;         /* each hears the first so many others; UINT32_MAX: all */
  uint32_t video_bps, audio_bps;
  enum media_spacing spacing;
  unsigned gather_us; /* how long packets gather before they are read */
  double warmup_s, duration_s;
  int cpu, load_cpu; /* -1: any */
};

struct relay_result {
  double cpu_us_per_packet;
  double packets_per_second, run; /* delivered; mean packets a message */
  double loss_percent;
  double load_cpu_percent;
};

/* 0, or -errno. */
int relay_measure(struct relay_result *out, const struct relay_plan *plan);

#endif
