#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "tests/sim/room.h"
/* trace tool: sim_trace RATE RTT elastic seconds [loss] */
int main(int argc, char **argv) {
  struct room_config c = {.seed = argc > 6 ? (uint64_t)atoi(argv[6]) : 1,
                          .seconds = atof(argv[4]),
                          .measure_from_s = 3,
                          .receivers = 1,
                          .elastic = atoi(argv[3])};
  c.uplink.delay_ms = 10;
  c.links[0].delay_ms = atof(argv[2]) / 2;
  c.links[0].loss = argc > 5 ? atof(argv[5]) : 0;
  double rate = atof(argv[1]);
  c.links[0].steps[0].bps = rate;
  c.links[0].step_count = 1;
  if (rate == 3000) {
    c.links[0].steps[0].bps = 3e6;
    c.links[0].steps[1].at_s = 20;
    c.links[0].steps[1].bps = 5e5;
    c.links[0].steps[2].at_s = 40;
    c.links[0].steps[2].bps = 3e6;
    c.links[0].step_count = 3;
  }
  static struct room_result r;
  room_run(&c, &r);
  struct leg_result *l = &r.legs[0];
  if (!getenv("QUIET"))
    for (size_t i = 0; i < l->sample_count; i++)
      printf("%.1f target %.0f wire %.0f queue %.0f layer %d.%d %s\n", l->samples[i].at_s,
             l->samples[i].target_bps / 1000, l->samples[i].wire_bps / 1000, l->samples[i].queue_ms,
             l->samples[i].layer, l->samples[i].temporal, l->samples[i].audio_only ? "AUDIO" : "");
  printf(
      "use %.3f target %.3f p95 %.0f max %.0f intime %.4f frozen %.4f longest %.0f concealed %.4f plis %lu kf %lu "
      "changes %lu probe %lu cut %lu delayed %lu frames %lu dec %lu\n",
      l->use, l->target_share, l->wait_p95_ms, l->wait_max_ms, l->frames_in_time, l->frozen_share, l->longest_freeze_ms,
      l->concealed, l->plis, l->keyframe_requests, l->layer_changes, l->probe_bytes, l->cut, l->delayed, l->frames,
      l->decreases);
}
