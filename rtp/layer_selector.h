/* rtp/layer_selector.h: which simulcast layer, and how many of its temporal layers, one receiver should get.
 *
 * A pure function of what is live, what the viewer can show and what its link carries: no state, no clock. The smallest
 * layer that fills the requested box is enough; without one the largest live layer is. The bitrate cap then pushes down:
 * first temporal layers of the chosen layer, then the next smaller layer. A dead layer is never chosen, so that calling it
 * again after a layer died is the fallback.
 */
#ifndef RTP_LAYER_SELECTOR_H
#define RTP_LAYER_SELECTOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LAYER_MAX          4
#define LAYER_TEMPORAL_MAX 4
#define LAYER_NO_CAP       UINT64_MAX
#define LAYER_NONE         (-1)

/* One simulcast layer, smallest first in the array. */
struct layer_state {
  bool live;              /* packets came within the last moments, and the publisher did not stop it           */
  uint16_t width, height; /* from its key frames, or announced; 0: unknown, then halves of the largest are assumed */
  uint64_t bitrate_bps;   /* measured, all temporal layers; 0: unknown, counts as fitting                      */
  uint8_t temporal_count; /* 1..4; 0 counts as 1                                                              */
};

struct layer_request {
  uint32_t width, height;   /* device pixels of the viewer's box; 0×0: nothing is wanted  */
  uint64_t max_bitrate_bps; /* what the link leaves for this slot; LAYER_NO_CAP          */
  uint8_t max_temporal;     /* highest temporal id wanted, LAYER_TEMPORAL_MAX - 1 for all */
  int current;              /* layer flowing now, LAYER_NONE: a margin keeps it from flapping */
};

struct layer_choice {
  int layer;            /* index, or LAYER_NONE: send nothing                                                 */
  uint8_t max_temporal; /* highest temporal id to send                                                        */
  uint64_t bitrate_bps; /* what the choice is expected to cost; 0 unknown                                     */
  bool capped;          /* a better layer was live and wanted, but the bitrate cap forbade it                 */
};

/* With a cap below the base temporal layer of the smallest live layer nothing is chosen: LAYER_NONE and capped, the slot goes
 * without video. */
struct layer_choice layer_selector_choose(const struct layer_state *layers, size_t count,
                                          const struct layer_request *request);

/* The layers somebody could still want, given all receivers' requested boxes: bit n for layer n. For pausing the others at
 * the publisher; judges by size only, live or not, and always keeps the smallest. */
uint32_t layer_selector_needed(const struct layer_state *layers, size_t count, const struct layer_request *requests,
                               size_t request_count);

#endif
