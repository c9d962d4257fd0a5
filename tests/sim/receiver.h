/* tests/sim/receiver.h: a browser that receives cameras and microphones: parses, repairs, shows, plays, and answers with
 * transport-wide feedback, NACK and PLI. */
#ifndef TESTS_SIM_RECEIVER_H
#define TESTS_SIM_RECEIVER_H

#include "rtp/extension.h"
#include "rtp/nack_requester.h"
#include "rtp/rate_window.h"
#include "rtp/transport_feedback.h"
#include "tests/sim/audio_buffer.h"
#include "tests/sim/clock.h"
#include "tests/sim/link.h"
#include "tests/sim/video_buffer.h"

#define RECEIVER_STREAMS 3

/* A camera and a microphone; not necessarily the same person's. */
struct receiver_stream {
  struct receiver *receiver;
  uint32_t video_ssrc, rtx_ssrc, audio_ssrc;
  struct nack_requester nack; /* of video: no browser offers it for audio */
  struct video_buffer video;
  struct audio_buffer audio;
  uint32_t video_highest, audio_highest; /* extended */
  int64_t show_us, pli_us;
};

struct receiver {
  struct sim_clock *clock;
  void (*send)(void *arg, const uint8_t *data, size_t len);
  void *arg;
  bool twcc;
  int64_t rtt_us;
  struct transport_feedback_recorder recorder;
  struct rtp_rate_window rate;
  int64_t feedback_us, count_from_us;
  uint64_t packets, duplicates, plis, nacks;
  int stream_count; /* 1 by default */
  struct receiver_stream streams[RECEIVER_STREAMS];
};

/* `r` is zeros. */
void receiver_init(struct receiver *r, struct sim_clock *clock, int64_t rtt_us);
void receiver_close(struct receiver *r);
/* A packet of the server's. */
void receiver_packet(struct receiver *r, struct sim_packet *p);
/* Statistics of frames and audio count from now on. */
void receiver_begin_counting(struct receiver *r);

#endif
