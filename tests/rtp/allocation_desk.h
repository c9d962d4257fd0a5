/* tests/rtp/allocation_desk.h: all that the allocator knows of one receiver, for its tests. */
#ifndef TESTS_RTP_ALLOCATION_DESK_H
#define TESTS_RTP_ALLOCATION_DESK_H

#include "rtp/bandwidth_allocator.h"

#define DESK_SLOTS 6
#define DESK_AUDIO 68000 /* bit/s */

struct desk {
  struct allocation a;
  struct allocation_slot slots[DESK_SLOTS];
  struct allocation_memory memory[DESK_SLOTS];
  struct allocation_memory_all all;
  int64_t now_us;
};

/* A run at a target that is proven. */
static inline void desk_run(struct desk *d, uint64_t bps) {
  d->now_us += ALLOCATION_INTERVAL_US;
  d->a.target_bps = d->a.proven_bps = bps;
  bandwidth_allocator_run(&d->a, d->now_us);
}

#endif
