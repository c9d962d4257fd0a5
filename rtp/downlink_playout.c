/* What a lossy path needs: delay at the receiver for pictures, redundancy for audio. See DOWNLINK_LOSSY in rtp/downlink.h.
 *
 * A frame of some packets, eight at most, is whole in time unless one of them is lost more often than there is time to ask again.
 * NACKs get lost as packets do. The first losses are answered when they are reported, in steps that are not seen as a freeze. */
#include <math.h>

#include "rtp/downlink_internal.h"

#define REVIEW_US     1000000
#define FRAME_BPS     270000 /* a packet for each of 30 frames a second */
#define FRAME_MOST    8
#define BROKEN_FRAMES 0.003 /* that we accept */
#define TRIES_MAX     4
#define ANSWER_US     35000 /* until a gap is noticed and asked for: feedback comes every 50 ms */
#define RAMP_MS       60
#define RAMP_EVERY_US 200000
#define STEP_MS       20

static uint16_t needed_ms(double loss, int64_t rtt_us, uint64_t bps) {
  double packets = fmin(1 + (double)bps / FRAME_BPS, FRAME_MOST);
  double again = 1 - (1 - loss) * (1 - loss), broken = packets * loss;
  int tries = 0;
  for (; tries < TRIES_MAX && broken > BROKEN_FRAMES; tries++)
    broken *= again;
  int64_t ms = tries * (rtt_us + ANSWER_US) / 1000;
  if (ms > DOWNLINK_PLAYOUT_MAX_MS) ms = DOWNLINK_PLAYOUT_MAX_MS;
  return (uint16_t)(ms - ms % STEP_MS);
}

static uint8_t needed_redundancy(const struct downlink *d, double loss) {
  uint8_t depth = loss >= DOWNLINK_RED_TWICE ? 2 : loss >= DOWNLINK_RED_ONCE ? 1 : 0;
  while (depth && (uint64_t)depth * DOWNLINK_RED_BPS > d->redundancy_most_bps)
    depth--;
  return depth;
}

static void review_redundancy(struct downlink *d, int64_t now_us) {
  double loss = loss_bound_recent(&d->estimator.loss), usual = loss_bound_early(&d->estimator.loss);
  /* What a full queue drops is not lost whatever is sent. */
  bool full = downlink_queue_stands(d), always = usual >= DOWNLINK_RED_ALWAYS && !full;
  d->redundancy_most_bps = always ? UINT64_MAX : bandwidth_estimator_bps(&d->estimator) / DOWNLINK_RED_SHARE;
  uint8_t depth = needed_redundancy(d, loss > usual ? loss : usual);
  if (depth >= d->redundancy) d->redundancy_us = now_us;
  if (depth > d->redundancy || full || now_us - d->redundancy_us > DOWNLINK_RED_CALM_US) d->redundancy = depth;
  for (uint16_t i = 0; i < d->slot_count; i++) {
    if (d->slots[i].out && !d->slots[i].video) rtp_outgoing_stream_set_redundancy(d->slots[i].out, d->redundancy);
  }
}

void downlink_hurry_playout(struct downlink *d, int64_t now_us) {
  if (loss_bound_early(&d->estimator.loss) < DOWNLINK_LOSSY || d->playout_ms) return;
  d->playout_due_us = now_us > d->playout_rest_us ? now_us : d->playout_rest_us;
}

void downlink_review_playout(struct downlink *d, int64_t now_us) {
  d->playout_due_us = now_us + REVIEW_US;
  review_redundancy(d, now_us);
  downlink_review_repeats(d, now_us);
  double loss = loss_bound_early(&d->estimator.loss);
  uint16_t wanted_ms = 0;
  if (loss >= DOWNLINK_LOSSY) {
    wanted_ms = needed_ms(loss, d->estimator.least_rtt_us, d->used_bps);
    d->playout_lossy_us = now_us;
  }
  /* Up soon, down only when it has been calm: every change is seen. */
  bool calm = now_us - d->playout_lossy_us > DOWNLINK_CALM_US;
  if (wanted_ms > d->playout_ms + RAMP_MS) {
    d->playout_ms = (uint16_t)(d->playout_ms + RAMP_MS);
    d->playout_due_us = d->playout_rest_us = now_us + RAMP_EVERY_US;
  } else if (wanted_ms > d->playout_ms || calm) {
    d->playout_ms = wanted_ms;
  }
  for (uint16_t i = 0; i < d->slot_count; i++) {
    if (!d->slots[i].out || !d->slots[i].video) continue;
    rtp_outgoing_stream_set_playout_delay(d->slots[i].out, d->playout_ms);
    rtp_outgoing_stream_set_lossy(d->slots[i].out, loss >= DOWNLINK_KEYFRAME_LOSS);
  }
}
