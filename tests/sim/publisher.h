/* tests/sim/publisher.h: a browser that sends: a camera in VP8 simulcast with three temporal layers, and a microphone.
 *
 * Frame sizes follow libvpx' habits: the base temporal layer's frames are twice as large as the others, sizes scatter, a key
 * frame is several frames large and the next ones pay it back. RTX answers NACK, PLI makes a key frame. */
#ifndef TESTS_SIM_PUBLISHER_H
#define TESTS_SIM_PUBLISHER_H

#include "rtp/rtcp.h"
#include "tests/sim/clock.h"
#include "tests/sim/link.h"
#include "tests/sim/random.h"
#include "tests/sim/wire.h"

#define PUBLISHER_HISTORY 2048
#define PUBLISHER_HEAD    64

struct publisher_layer {
  double bps;          /* of media; changes take effect with the next frame; 0: not sent */
  double encoding_bps; /* while it is sent … */
  double limit_bps;    /* … unless it was asked for less; 0: it was not */
  uint16_t width, height;
  uint16_t seq, rtx_seq, picture_id;
  uint8_t tl0;
  uint32_t timestamp, frame; /* frame: since the last key frame */
  bool key_wanted;
  uint8_t head[PUBLISHER_HEAD]; /* of its packets, which differ in few places; length 0: not made yet */
  uint8_t head_bytes;
  double debt_bytes;
  uint64_t keyframes;
  struct {
    uint16_t len;
    uint8_t data[LINK_CARRIED];
  } * history; /* by sequence number */
};

struct publisher {
  struct sim_clock *clock;
  struct sim_random random;
  void (*send)(void *arg, const uint8_t *data, size_t len);
  void *arg;
  struct publisher_layer layers[SIM_LAYERS];
  int layer_count;
  uint16_t audio_seq;
  uint32_t audio_timestamp;
  double audio_bps;
  const char *mid; /* of the camera, in each of its packets; NULL: packets say neither mid nor rid */
};

/* Begins to send at once. `elastic`: one layer whose rate the test drives, instead of three. */
void publisher_init(struct publisher *p, struct sim_clock *clock, uint64_t seed, bool elastic);
void publisher_close(struct publisher *p);
/* The page switches one of its encodings off or on; it comes back with a key frame. */
void publisher_use_layer(struct publisher *p, int layer, bool on);
/* It encodes one with so much at most; 0: with what it likes. */
void publisher_limit_layer(struct publisher *p, int layer, double bps);
/* RTCP from the server. */
void publisher_receive(struct publisher *p, const uint8_t *data, size_t len);

#endif
