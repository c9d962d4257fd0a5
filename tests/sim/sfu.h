/* tests/sim/sfu.h: the server of the simulation: the real rtp/ put together as server/worker does it, with a null cipher, a timer of
 * five milliseconds, one publisher and up to four receivers. */
#ifndef TESTS_SIM_SFU_H
#define TESTS_SIM_SFU_H

#include "rtp/downlink.h"
#include "rtp/incoming_stream.h"
#include "tests/sim/control.h"
#include "tests/sim/link.h"
#include "tests/sim/publisher.h"
#include "tests/sim/receiver.h"
#include "tests/sim/wire.h"

#define SFU_RECEIVERS 4

struct sfu_receiver {
  struct sfu *sfu;
  struct receiver *browser; /* for what signaling would say: paused or not */
  struct sim_link *down;
  uint8_t flow;
  struct downlink *downlink;
  struct rtp_outgoing_stream *video, *audio;
  uint16_t video_slot, audio_slot;
  struct allocation_memory memory;
  struct allocation_memory_all all;
  int64_t allocate_us;
  int layer, temporal; /* allocated */
  bool audio_only;
  bool has_camera;        /* the room put it into the slot … */
  uint32_t width, height; /* … and shows it so large; 0 by 0: not at all */
  enum allocation_reason reason;
  uint64_t forwarded_frames; /* pictures handed to the pacer */
  uint64_t layer_changes, sent_bytes;
  uint32_t last_frame;
};

struct sfu {
  struct sim_clock *clock;
  struct publisher *publisher;
  void (*to_publisher)(void *arg, const uint8_t *data, size_t len);
  void *arg;
  bool elastic;
  struct sim_control control; /* not with elastic encoders: those are not a room's */
  struct rtp_incoming_stream *video[SIM_LAYERS], *audio;
  struct sfu_receiver receivers[SFU_RECEIVERS];
  int receiver_count;
  int64_t publisher_rtt_us;
  uint64_t plis;
};

void sfu_init(struct sfu *s, struct sim_clock *clock, struct publisher *publisher, bool elastic, uint64_t seed);
void sfu_close(struct sfu *s);
struct sfu_receiver *sfu_add_receiver(struct sfu *s, struct receiver *browser, struct sim_link *down, uint8_t flow,
                                      uint64_t seed, bool red);
/* A packet from the publisher, parsed in place; RTCP from a receiver. */
void sfu_receive(struct sfu *s, uint8_t *data, size_t len);
void sfu_receive_rtcp(struct sfu_receiver *r, const uint8_t *data, size_t len);

#endif
