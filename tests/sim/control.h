/* tests/sim/control.h: the room logic of one simulated server: the real server/room, told what browsers ask for and obeyed by the real
 * rtp/ in sfu.c.
 *
 * The publisher is a doctor with a microphone and a camera in three layers, each receiver a patient with one slot of either kind.
 * Who joins, which track flows into which slot, in what size it is shown and which layers the publisher may stop sending are the
 * room's decisions. Signaling takes CONTROL_SIGNALING_US and is never lost. An error reply aborts the run: it is a bug.
 */
#ifndef TESTS_SIM_CONTROL_H
#define TESTS_SIM_CONTROL_H

#include "server/room/room_manager.h"
#include "tests/sim/random.h"

#define CONTROL_SIGNALING_US 20000
#define CONTROL_MEMBERS      5 /* the publisher and four receivers */

struct sfu;

struct sim_control {
  struct sfu *sfu;
  struct room_manager *manager;
  struct sim_random random;
  uint32_t members[CONTROL_MEMBERS]; /* handles: 0 the publisher, then the receivers in their order */
  int member_count;
  uint32_t camera, microphone;
  char camera_id[ROOM_ID_BYTES];
  int64_t next_id;
  uint8_t wanted;                /* layers in use, as the publisher was told last */
  int64_t paused_us, resumed_us; /* when it followed: to the smallest alone, to all; 0 never */
  uint64_t audio_only_told;      /* to receivers */
};

/* The publisher joins and publishes. */
void control_open(struct sim_control *c, struct sfu *sfu, uint64_t seed);
void control_close(struct sim_control *c);

/* A receiver joins; it shows the camera in 1280 by 720. */
void control_join(struct sim_control *c);
/* The receiver's page shows the camera in another size; 0 by 0 hides it. */
void control_show(struct sim_control *c, int receiver, uint32_t width, uint32_t height);
/* The receiver's link carries no picture, and why; NULL: it does again. */
void control_audio_only(struct sim_control *c, int receiver, const char *reason);

void control_tick(struct sim_control *c);

#endif
