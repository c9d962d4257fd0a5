/* tests/sim/sfu.h: the server of the rows that judge the estimate alone: the real rtp/ between one encoder, which follows the estimate
 * at once as no encoder of simulcast layers can, and one receiver. Rooms run on the real worker: worker.h. */
#ifndef TESTS_SIM_SFU_H
#define TESTS_SIM_SFU_H

#include "rtp/downlink.h"
#include "rtp/incoming_stream.h"
#include "tests/sim/link.h"
#include "tests/sim/publisher.h"
#include "tests/sim/wire.h"

struct sfu {
  struct sim_clock *clock;
  struct publisher *publisher;
  void (*to_publisher)(void *arg, const uint8_t *data, size_t len);
  void *arg;
  struct rtp_incoming_stream *incoming_video, *incoming_audio;
  int64_t publisher_rtt_us;
  struct sim_link *down;
  uint8_t flow;
  struct downlink *downlink;
  struct rtp_outgoing_stream *video, *audio;
  uint16_t video_slot, audio_slot;
  uint64_t forwarded_frames; /* pictures handed to the pacer */
  uint64_t sent_bytes;
  uint32_t last_frame;
};

void sfu_init(struct sfu *s, struct sim_clock *clock, struct publisher *publisher);
void sfu_close(struct sfu *s);
void sfu_add_receiver(struct sfu *s, struct sim_link *down, uint8_t flow, uint64_t seed);
/* A packet from the publisher, parsed in place; RTCP from the receiver. */
void sfu_receive(struct sfu *s, uint8_t *data, size_t len);
void sfu_receive_rtcp(struct sfu *s, const uint8_t *data, size_t len);

#endif
