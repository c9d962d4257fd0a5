/* rtp/bandwidth_allocator.h: who of a receiver's slots gets how much of its downlink.
 *
 * Audio is taken off first, then what repairs will need. Of the rest every picture gets its smallest step, in order of importance
 * (screen share or pinned camera, speaker, thumbnails); then, in the same order, each is raised as far as it is wanted and the
 * link carries. A picture's steps are its layers in turn, each with its temporal layers; a half-rate picture of the next layer
 * is a step, a quarter-rate one only of the smallest (or for a screen share). With more budget no picture disappears but for a more
 * important one, and none gets worse but for a more important one or one that appears.
 *
 * Steps down come at once when the link says so, after a moment's patience when no queue stands, or when the publisher was asked to
 * send less of what is too much. Steps up need the rate proven
 * (rtp/bandwidth_estimator.h) and some headroom; a step up that had to be taken back is tried again later and later.
 *
 * Units: bits per second on the wire.   Memory: the caller's array; nothing allocated. Pure but for the slots' memory.
 */
#ifndef RTP_BANDWIDTH_ALLOCATOR_H
#define RTP_BANDWIDTH_ALLOCATOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rtp/layer_selector.h"

#define ALLOCATION_SLOTS            32
#define ALLOCATION_INTERVAL_US      200000 /* run at least so often, and whenever the target fell or a slot changed */

#define ALLOCATION_UP_PERCENT       110 /* of the need must be there for a step up … */
#define ALLOCATION_BASE_PERCENT     125 /* … and for the first step: video that comes and goes is worse than none */
#define ALLOCATION_PATIENCE_US      1000000 /* a little over budget without a queue is borne for so long */
#define ALLOCATION_PATIENCE_PERCENT 130
#define ALLOCATION_CHEAP_PERCENT    50 /* of what a step cost that failed: it is another step, not kept waiting for that */
#define ALLOCATION_CHEAPER_PERCENT  85       /* … and so is the same step when its publisher has made it smaller */
#define ALLOCATION_SETTLING_PERCENT 65       /* of the budget while a queue is left over: it must go too */
#define ALLOCATION_GRACE_US         1500000  /* after a step up: its key frame makes a queue of its own */
#define ALLOCATION_FAILED_US        12000000 /* a step taken back within this had failed */
#define ALLOCATION_CHANGED_PERCENT  140      /* of its need proven: it may be tried at once … */
#define ALLOCATION_CHANGED_US       20000000 /* … unless it has failed so often that it is not tried for longer than this */
#define ALLOCATION_BACKOFF_US       5000000 /* then it is not tried for so long, twice as long after each failure … */
#define ALLOCATION_BACKOFF_MAX_US   40000000 /* … at most */
#define ALLOCATION_GONE_US          8000000  /* no picture at all is tried again after so long */

/* A frame is whole in time when each of its packets came in three attempts. Above this share of frames that are not, a layer of
 * smaller frames is the better picture: few of one packet freeze where many of five do. */
#define ALLOCATION_BROKEN_SHARE     0.06
#define ALLOCATION_BROKEN_SHARE_UP  0.03 /* for a step up to it */
#define ALLOCATION_LOSS_SMOOTHING   0.1
#define ALLOCATION_FRAME_RATE       30

enum allocation_class { ALLOCATION_PINNED = 0, ALLOCATION_SPEAKER, ALLOCATION_THUMBNAIL };

enum allocation_reason {
  ALLOCATION_FULL = 0,  /* gets what it wants                                  */
  ALLOCATION_HIDDEN,    /* nobody looks                                        */
  ALLOCATION_NO_SOURCE, /* no live layer                                       */
  ALLOCATION_BANDWIDTH, /* less than wanted, or nothing: the link is too slow  */
  ALLOCATION_STALLED,   /* nothing: the link does not answer                   */
};
const char *allocation_reason_name(enum allocation_reason reason);

/* What a slot remembers between runs; zero it when another track flows there. */
struct allocation_memory {
  int8_t layer, temporal; /* granted last, each plus one; 0: nothing */
  int64_t raised_us, retry_us, backoff_us;
  int64_t gone_us;             /* the last picture went */
  uint64_t failed_bps;         /* what the step cost that failed last */
  double layer_bps[LAYER_MAX]; /* smoothed */
};

struct allocation_slot {
  enum allocation_class importance;
  bool screen; /* sharp and slow is better than smooth and blurred */
  struct layer_state layers[LAYER_MAX];
  size_t layer_count;
  uint32_t width, height; /* viewer's box in device pixels; 0×0: hidden */
  bool held_back;         /* its publisher was asked to send no more than this link carries … */
  int held;               /* … of this layer: those above it come whole or not at all. LAYER_NONE: of none */
  struct allocation_memory *memory;
  /* out */
  int layer; /* index, or LAYER_NONE: send nothing */
  uint8_t max_temporal;
  enum allocation_reason reason;
  uint64_t bps; /* what that is expected to cost */
  int wanted;   /* the layer that its box would have, LAYER_NONE */
  /* What a picture here may cost: its own share and, for the most important slot that gets less than it wants or is held back,
   * what is left over: of the target, and of what is proven. 0: nothing is known just now. */
  uint64_t room_bps, proven_room_bps;
};

struct allocation_memory_all { /* per receiver */
  int64_t over_since_us;       /* 0: within budget       */
  int64_t raised_us;           /* last step up of any slot */
  double loss;                 /* smoothed */
};

struct allocation {
  /* in */
  uint64_t target_bps, proven_bps, audio_bps;
  double loss; /* share of packets lost: repairs will take about as much */
  bool stalled;
  bool queue;    /* a queue stands: no patience */
  bool settling; /* a queue stands after a sudden drop: it must go first */
  bool draining; /* the link has dropped; if it does not carry what flows, nothing flows until its queue is gone */
  struct allocation_slot *slots;
  size_t slot_count;
  struct allocation_memory_all *memory;
  /* out: totals on the wire, audio included */
  uint64_t used_bps;
  uint64_t next_bps,
      most_bps;    /* what the next refused step and all steps would need: rtp/probe_controller.h; 0: all have all */
  bool audio_only; /* pictures are wanted and none is sent */
  enum allocation_reason reason; /* why, when audio_only */
};

void bandwidth_allocator_run(struct allocation *a, int64_t now_us);

/* What a stream of this media rate takes on the wire, our headers, SRTP, UDP and IP included. */
uint64_t bandwidth_allocator_wire_bps(uint64_t media_bps);

#endif
