/* tests/sim/worker.h: the media worker of the simulation: the real engine, glue and rooms of server/worker and server/room, with a
 * null cipher (null_transport.h) and without sockets. It wakes up WORKER_WAKE_US after a packet and takes what has come by then as
 * one batch; its timers tick every five milliseconds.
 *
 * Every member is one browser: it may send (a camera in three layers, a microphone), receive (as many cameras and microphones as it
 * has slots), or both. Signaling takes WORKER_SIGNALING_US and is never lost; an error reply aborts the run: it is a bug. */
#ifndef TESTS_SIM_WORKER_H
#define TESTS_SIM_WORKER_H

#include "server/worker/engine.h"
#include "server/worker/room_glue.h"
#include "tests/sim/link.h"
#include "tests/sim/publisher.h"
#include "tests/sim/receiver.h"

#define WORKER_MEMBERS      5
#define WORKER_WAKE_US      50
#define WORKER_TICK_US      5000
#define WORKER_SIGNALING_US 20000
#define WORKER_ENCODER_US   200000 /* an encoder that was given another rate keeps to it after so long */
#define WORKER_BATCH        UDP_BATCH
#define WORKER_REPAIRS      1024

struct sim_worker;

struct sim_member {
  struct sim_worker *worker;
  struct publisher *publisher; /* NULL: only receives */
  struct receiver *browser;    /* NULL: only sends */
  struct sim_link *down;
  uint8_t flow;
  char session[8], camera[ROOM_ID_BYTES], microphone[ROOM_ID_BYTES];
  uint32_t handle;
  struct ice_address address;
  struct peer *peer;
  struct slot *video[RECEIVER_STREAMS];                 /* its slots: there is no second offer */
  uint64_t sent_bytes, forwarded_frames, layer_changes; /* RTP; pictures and changes of all slots */
  uint32_t last_frame[RECEIVER_STREAMS];
  int64_t rtt_us; /* of the path without queues */
  uint64_t media_bytes, repair_bytes,
      repeated_soon; /* pictures; sent again; of those, sent again within a round trip, too */
  struct {
    int64_t sent_us;
    uint16_t seq;
  } repairs[RECEIVER_STREAMS][WORKER_REPAIRS]; /* by sequence number */
  int8_t share[RECEIVER_STREAMS];
  uint8_t wanted;                /* layers, as the publisher was told last */
  double limit_bps[SIM_LAYERS];  /* 0: none */
  int64_t paused_us, resumed_us; /* when it followed: to the smallest alone, to all; 0 never */
  uint64_t audio_only_told;
  bool fixed;
};

struct sim_worker {
  struct room_glue glue; /* first: the listener's `arg` */
  struct sim_clock *clock;
  struct room_manager *manager;
  struct engine *engine;
  struct udp_socket *socket;
  struct room_listener listener;
  struct sim_random random;
  struct sim_member members[WORKER_MEMBERS];
  int member_count;
  int64_t next_id;
  size_t batched;
  bool awake;
  uint8_t slab[WORKER_BATCH][UDP_DATAGRAM_BYTES];
};

void worker_open(struct sim_worker *w, struct sim_clock *clock, uint64_t seed);
void worker_close(struct sim_worker *w);

struct sim_joining {
  const char *role;
  struct publisher *publisher; /* of what it publishes at once; NULL: nothing */
  struct receiver *browser;    /* NULL: receives nothing */
  int streams;                 /* cameras, and microphones, that it has slots for */
  bool red;                    /* takes redundant audio */
  bool fixed;                  /* its encoders stay at their rates */
  struct sim_link *down;       /* media and RTCP towards it */
  uint8_t flow;
  int64_t rtt_us; /* as ICE's checks measure it */
};
struct sim_member *worker_join(struct sim_worker *w, const struct sim_joining *how);
/* Its page shows the cameras of all others in this size; 0 by 0 hides them. */
void worker_show(struct sim_member *m, uint32_t width, uint32_t height);
/* A datagram of this member's, RTP or RTCP. */
void worker_receive(struct sim_member *m, const uint8_t *data, size_t len);

/* The member's nth slot for video. */
struct slot *worker_video(struct sim_member *m, int stream);
/* Requests for key frames to the layer of this member's camera that was asked most. */
uint64_t worker_keyframes_asked(const struct sim_member *m);

#endif
