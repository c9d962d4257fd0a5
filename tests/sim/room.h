/* tests/sim/room.h: one run of the laboratory: publishers, servers, receivers and the links between them, from a description and a
 * seed to numbers. */
#ifndef TESTS_SIM_ROOM_H
#define TESTS_SIM_ROOM_H

#include "tests/sim/sfu.h"
#include "tests/sim/tcp_flow.h"
#include "tests/sim/worker.h"

#define ROOM_LEGS    4
#define ROOM_SAMPLES 2400 /* ten a second */

/* A receiver's page changes the size of the picture. */
struct room_view_step {
  double at_s;
  int receiver;
  uint32_t width, height;
};

struct room_config {
  uint64_t seed;
  double seconds, measure_from_s;       /* statistics begin after start-up */
  double join_s;                        /* receivers join so late, when the publisher is at its rate */
  int receivers;                        /* of one publisher, each behind a link of its own, unless … */
  bool shared;                          /* … all behind links[0], with a publisher each */
  bool elastic;                         /* encoders that follow the estimate, instead of layers */
  bool fixed;                           /* encoders that stay at their rates, whatever they are asked */
  bool everybody;                       /* each receiver is a member that sends, too, and sees and hears all others */
  bool tcp;                             /* a download shares links[0] */
  bool red;                             /* receivers take redundant audio, as Chromium and Firefox do */
  struct link_profile links[ROOM_LEGS]; /* server to receiver */
  struct link_profile uplink;           /* publisher to server */
  struct room_view_step views[4];
  size_t view_count;
};

struct room_sample {
  float at_s, target_bps, queue_ms, wire_bps;
  float shown_s, heard_s; /* last picture, last audio that was not concealed, of the first stream */
  int8_t layer; /* what flows; -1 nothing; of several streams, a number that tells each combination from the others */
  bool audio_only;
};

struct leg_result {
  double use; /* delivered to the receiver, of what the link could carry while measured */
  double wait_p95_ms, wait_max_ms;
  double target_share; /* mean of min(target, link) / link while measured */
  double frames_in_time, frozen_share, longest_freeze_ms, concealed;
  double shown_fps, first_shown_s; /* from the first counted picture on; of the first stream */
  /* The longest freeze that the link does not explain: it neither stood nor held packets up for 150 ms; a loss explains one and a
   * half round trips. */
  double longest_own_freeze_ms;
  double wire_bps;
  double repair_share;        /* bytes of pictures sent again, of those sent */
  uint64_t repeated_soon;     /* packets sent again twice within a round trip */
  uint64_t keyframe_requests; /* to the source that was asked most */
  uint64_t plis, layer_changes, probe_bytes, cut, delayed, frames, decreases;
  size_t sample_count;
  struct room_sample samples[ROOM_SAMPLES];
  int64_t first_freeze_from_us[VIDEO_FREEZES], first_freeze_until_us[VIDEO_FREEZES];
  size_t freeze_count;
};

struct room_result {
  struct leg_result legs[ROOM_LEGS];
  int leg_count;
  double tcp_share, jain;
  double paused_s, resumed_s; /* the publisher sends its smallest layer alone, sends all again; 0 never */
  uint64_t audio_only_told;   /* `audioOnly` events */
};

void room_run(const struct room_config *config, struct room_result *out);

/* Of rooms, in all runs so far. */
double room_simulated_s(void);

/* Helpers for rows: the first instant at or after `from_s` from which on `layer` flows for at least `hold_s`; -1: never. */
double room_layer_reached_s(const struct leg_result *leg, int layer, double from_s, double hold_s);
/* Changes of layer within [from_s, until_s). */
int room_layer_changes(const struct leg_result *leg, double from_s, double until_s);
/* Of those, to the layer that flowed before the last change. */
int room_layer_returns(const struct leg_result *leg, double from_s, double until_s);
/* The first picture, and the first audio, after `from_s`; -1: none. */
double room_shown_s(const struct leg_result *leg, double from_s);
double room_heard_s(const struct leg_result *leg, double from_s);
double room_queue_below_s(const struct leg_result *leg, double ms, double from_s, double hold_s);

#endif
