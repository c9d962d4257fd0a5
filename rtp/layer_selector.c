/* Choice of simulcast and temporal layer: see rtp/layer_selector.h. */
#include "rtp/layer_selector.h"

/* A layer is enough when it need not be enlarged by more than this to fill the box, in percent. The layer that already flows
 * may be enlarged a little more, so that dragging a window does not flap between two. */
#define ENLARGE_PERCENT         110
#define ENLARGE_CURRENT_PERCENT 125

/* Going up must leave this much of the cap free: the estimate is noisy and each switch costs a key frame. */
#define HEADROOM_DIVISOR        8

/* Share of a stream's bitrate up to each temporal layer, percent: libwebrtc's allocation for VP8 and the usual one for SVC. */
static const uint8_t temporal_share[LAYER_TEMPORAL_MAX][LAYER_TEMPORAL_MAX] = {
    {100, 100, 100, 100}, {60, 100, 100, 100}, {40, 60, 100, 100}, {25, 40, 60, 100}};

struct size {
  uint32_t width, height;
};

/* The layer's size; unknown ones are taken as the nearest known one, halved or doubled for each step. */
static struct size size_of(const struct layer_state *layers, size_t count, size_t layer) {
  for (size_t i = layer; i < count; i++) {
    if (layers[i].width && layers[i].height) {
      return (struct size){layers[i].width >> (i - layer), layers[i].height >> (i - layer)};
    }
  }
  for (size_t i = layer; i-- > 0;) {
    if (layers[i].width && layers[i].height) {
      return (struct size){(uint32_t)layers[i].width << (layer - i), (uint32_t)layers[i].height << (layer - i)};
    }
  }
  return (struct size){320U << layer, 180U << layer};
}

/* Whether the picture, fitted into the box, is enlarged by at most `percent`. The tighter side decides. */
static bool fills(struct size size, const struct layer_request *r, uint64_t percent) {
  return (uint64_t)r->width * 100 <= size.width * percent || (uint64_t)r->height * 100 <= size.height * percent;
}

/* The smallest layer that fills the box, among live ones or all; the largest when none does; LAYER_NONE without any. */
static int wanted_layer(const struct layer_state *layers, size_t count, const struct layer_request *r, bool only_live) {
  int wanted = LAYER_NONE;
  for (size_t i = 0; i < count; i++) {
    if (only_live && !layers[i].live) continue;
    wanted = (int)i;
    uint64_t percent = r->current == (int)i ? ENLARGE_CURRENT_PERCENT : ENLARGE_PERCENT;
    if (fills(size_of(layers, count, i), r, percent)) break;
  }
  return wanted;
}

static uint8_t top_temporal(const struct layer_state *l, const struct layer_request *r) {
  uint8_t count = l->temporal_count == 0 ? 1 : l->temporal_count;
  if (count > LAYER_TEMPORAL_MAX) count = LAYER_TEMPORAL_MAX;
  return r->max_temporal < count - 1 ? r->max_temporal : (uint8_t)(count - 1);
}

static uint64_t cost_of(const struct layer_state *l, uint8_t temporal) {
  uint8_t count = l->temporal_count == 0 ? 1 : l->temporal_count;
  if (count > LAYER_TEMPORAL_MAX) count = LAYER_TEMPORAL_MAX;
  return l->bitrate_bps / 100 * temporal_share[count - 1][temporal];
}

struct layer_choice layer_selector_choose(const struct layer_state *layers, size_t count,
                                          const struct layer_request *request) {
  struct layer_choice none = {.layer = LAYER_NONE};
  if (count > LAYER_MAX) count = LAYER_MAX;
  if (request->width == 0 || request->height == 0) return none;
  int wanted = wanted_layer(layers, count, request, true);
  for (int i = wanted; i >= 0; i--) {
    const struct layer_state *l = &layers[i];
    if (!l->live) continue;
    uint8_t top = top_temporal(l, request);
    for (int t = top; t >= 0; t--) {
      uint64_t cost = cost_of(l, (uint8_t)t);
      uint64_t needed = i > request->current && request->current != LAYER_NONE ? cost + cost / HEADROOM_DIVISOR : cost;
      if (needed <= request->max_bitrate_bps) {
        return (struct layer_choice){
            .layer = i, .max_temporal = (uint8_t)t, .bitrate_bps = cost, .capped = i != wanted || t != top};
      }
    }
  }
  none.capped = wanted != LAYER_NONE;
  return none;
}

uint32_t layer_selector_needed(const struct layer_state *layers, size_t count, const struct layer_request *requests,
                               size_t request_count) {
  if (count > LAYER_MAX) count = LAYER_MAX;
  if (count == 0) return 0;
  uint32_t needed = 1; /* the smallest always runs: a new viewer then sees something at once */
  for (size_t i = 0; i < request_count; i++) {
    if (requests[i].width == 0 || requests[i].height == 0) continue;
    needed |= 1U << wanted_layer(layers, count, &requests[i], false);
  }
  return needed;
}
