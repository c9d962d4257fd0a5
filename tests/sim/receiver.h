/* tests/sim/receiver.h: a browser that receives one camera and one microphone: parses, repairs, shows, plays, and answers with
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

struct receiver {
  struct sim_clock *clock;
  void (*send)(void *arg, const uint8_t *data, size_t len);
  void *arg;
  bool twcc;
  int64_t rtt_us;
  struct rtp_extension_map extensions;
  struct transport_feedback_recorder recorder;
  struct nack_requester nack; /* of video: no browser offers it for audio */
  struct video_buffer video;
  struct audio_buffer audio;
  uint32_t video_highest, audio_highest; /* extended */
  struct rtp_rate_window rate;
  int64_t show_us, pli_us, feedback_us, count_from_us;
  uint64_t packets, duplicates, plis, nacks;
};

void receiver_init(struct receiver *r, struct sim_clock *clock, int64_t rtt_us);
/* A packet of the server, parsed in place. */
void receiver_packet(struct receiver *r, struct sim_packet *p);
/* Statistics of frames and audio count from now on. */
void receiver_begin_counting(struct receiver *r);

#endif
