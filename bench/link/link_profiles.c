/* bench/link/link_profiles.c: see the header. Times of steps count from the start, or from SIGUSR1. */
#include "bench/link/link_profiles.h"

#include <string.h>

#define RATE(bps) .steps = {{0, bps}}, .step_count = 1
#define DROP      .steps = {{0, 3e6}, {15, 500e3}, {35, 3e6}}, .step_count = 3, .delay_ms = 25

static const struct wan_profile profiles[] = {
    {"clean", "10 Mbit/s, 20 ms", {RATE(10e6), .delay_ms = 10}, {RATE(10e6), .delay_ms = 10}},
    {"wifi",
     "20 Mbit/s; now and then nothing gets through for up to 150 ms",
     {RATE(20e6), .delay_ms = 8, .wifi_every_s = 2, .wifi_max_ms = 150, .loss = 0.003},
     {RATE(20e6), .delay_ms = 8, .wifi_every_s = 2, .wifi_max_ms = 150, .loss = 0.003}},
    {"lte",
     "about 6 Mbit/s down and 3 up, wandering, with handovers",
     {RATE(6e6), .trace = TRACE_LTE, .delay_ms = 30, .jitter_ms = 10, .queue_ms = 500},
     {RATE(3e6), .trace = TRACE_LTE, .delay_ms = 30, .jitter_ms = 10, .queue_ms = 500}},
    {"3g",
     "about 780 kbit/s down and 400 up, wandering",
     {RATE(780e3), .trace = TRACE_3G, .delay_ms = 80, .jitter_ms = 10, .queue_ms = 500},
     {RATE(400e3), .trace = TRACE_3G, .delay_ms = 80, .jitter_ms = 10, .queue_ms = 500}},
    {"dsl", "6 Mbit/s down, 800 kbit/s up, 30 ms", {RATE(6e6), .delay_ms = 15}, {RATE(800e3), .delay_ms = 15}},
    {"satellite",
     "4 Mbit/s down, 1 up, 560 ms, 0.3 % loss",
     {RATE(4e6), .delay_ms = 280, .loss = 0.003},
     {RATE(1e6), .delay_ms = 280, .loss = 0.003}},
    {"loss10",
     "10 % random loss both ways, 50 ms",
     {RATE(10e6), .delay_ms = 25, .loss = 0.1},
     {RATE(10e6), .delay_ms = 25, .loss = 0.1}},
    {"loss30",
     "30 % random loss both ways, 50 ms each way and 40 ms of jitter",
     {RATE(10e6), .delay_ms = 50, .loss = 0.3, .jitter_ms = 40},
     {RATE(10e6), .delay_ms = 50, .loss = 0.3, .jitter_ms = 40}},
    {"drop", "3 Mbit/s, from 15 to 35 s 500 kbit/s, then 3 again", {DROP}, {DROP}},
    {"blackout3s",
     "3 Mbit/s; from 15 to 18 s nothing gets through",
     {.steps = {{0, 3e6}, {15, 0}, {18, 3e6}}, .step_count = 3, .delay_ms = 25},
     {.steps = {{0, 3e6}, {15, 0}, {18, 3e6}}, .step_count = 3, .delay_ms = 25}},
    {"jitter200",
     "3 Mbit/s, up to 200 ms of slow jitter",
     {RATE(3e6), .delay_ms = 25, .jitter_ms = 200, .jitter_slow = true},
     {RATE(3e6), .delay_ms = 25, .jitter_ms = 200, .jitter_slow = true}},
    {"rate780", "780 kbit/s, 50 ms, queue of 300 ms", {RATE(780e3), .delay_ms = 25}, {RATE(780e3), .delay_ms = 25}},
};

const struct wan_profile *wan_profile_at(size_t n) {
  return n < sizeof profiles / sizeof *profiles ? &profiles[n] : NULL;
}

const struct wan_profile *wan_profile_find(const char *name) {
  for (size_t i = 0; i < sizeof profiles / sizeof *profiles; i++)
    if (strcmp(profiles[i].name, name) == 0) return &profiles[i];
  return NULL;
}
