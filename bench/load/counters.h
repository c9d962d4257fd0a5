/* bench/load/counters.h: what all participants count together. One set in the run; every participant adds to it. */
#ifndef BENCH_LOAD_COUNTERS_H
#define BENCH_LOAD_COUNTERS_H

#include <stdint.h>

#include "bench/load/histogram.h"

struct load_counters {
  /* received from the server */
  uint64_t rtp_in, rtp_in_bytes; /* media, RTX not included */
  uint64_t video_in, audio_in;
  uint64_t rtx_in;
  uint64_t rtcp_in;
  uint64_t nacks_in; /* sequence numbers the server asked for */
  uint64_t plis_in;
  uint64_t feedback_in;   /* transport-cc messages */
  uint64_t open_failures; /* SRTP or SRTCP that did not authenticate */
  uint64_t unknown_ssrc;
  uint64_t foreign_payload; /* decrypted, but not what we sent */
  uint64_t kernel_drops;    /* at our own sockets: the generator was too slow */
  /* sent to it */
  uint64_t rtp_out, rtp_out_bytes, rtx_out;
  uint64_t rtcp_out, nacks_out, plis_out;
  uint64_t send_failures; /* the kernel refused a datagram of ours */
  uint64_t frames_out, keyframes_out;
  /* data channels */
  uint64_t data_sent, data_received;
  uint64_t data_expected; /* receivers of what was sent, as they were when it was sent */
  /* life */
  uint64_t joins, joined, leaves, failed;
  uint64_t data_opened; /* participants whose two channels opened */
  uint64_t sampled;     /* packets whose latency was taken */

  struct histogram latency_us;      /* intended send → arrival in the kernel of a sampled receiver */
  struct histogram lateness_us;     /* intended send → actual send: the generator's own share      */
  struct histogram join_us;         /* WebSocket opened → media transport connected, or join answered without media */
  struct histogram data_latency_us; /* message sent → message received                                       */
  struct histogram first_media_us; /* WebSocket opened → first key frame whole (first audio packet without video)   */
};

#endif
