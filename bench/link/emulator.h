/* bench/link/emulator.h: both directions of a link, fed with IP packets and with time: the model of tests/sim/link.h under the real
 * clock, or, in its tests, under none.
 *
 * Memory: a copy of each packet under way. One thread.
 */
#ifndef BENCH_LINK_EMULATOR_H
#define BENCH_LINK_EMULATOR_H

#include "bench/link/link_profiles.h"

enum wan_direction { WAN_DOWN = 0, WAN_UP };

struct emulator;

/* `deliver` is called from emulator_advance(). The same seed and the same packets at the same instants give the same result. */
struct emulator *emulator_create(const struct wan_profile *profile, uint64_t seed,
                                 void (*deliver)(void *arg, enum wan_direction d, const uint8_t *packet, size_t len),
                                 void *arg, int64_t now_us);
void emulator_free(struct emulator *e);

/* A whole IP packet of at most 1600 bytes; larger ones are dropped. */
void emulator_send(struct emulator *e, enum wan_direction d, const uint8_t *packet, size_t len, int64_t now_us);
/* Delivers what has arrived by now. */
void emulator_advance(struct emulator *e, int64_t now_us);
/* The next delivery; INT64_MAX: nothing is under way. */
int64_t emulator_deadline(const struct emulator *e);
/* The profile's steps count from now on and its trace begins again; a calm link has loss, jitter and pauses again. */
void emulator_restart_steps(struct emulator *e, int64_t now_us);

/* Neither loss nor jitter nor pauses until the steps are started again: people arrive before the network turns bad. */
void emulator_calm(struct emulator *e);

struct emulator_stats {
  uint64_t entered, delivered, lost, overflowed;
};
void emulator_get_stats(const struct emulator *e, enum wan_direction d, struct emulator_stats *out);

#endif
