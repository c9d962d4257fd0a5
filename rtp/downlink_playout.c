/* What a lossy path needs: delay at the receiver for pictures, redundancy for audio. See DOWNLINK_LOSSY in rtp/downlink.h.
 *
 * A frame of eight packets is whole in time unless one of them is lost more often than there is time to ask again. NACKs get lost
 * as packets do. */
#include <math.h>

#include "rtp/downlink_internal.h"

#define REVIEW_US     1000000
#define FRAME_PACKETS 8
#define BROKEN_FRAMES 0.002 /* that we accept */
#define TRIES_MAX     4
#define ANSWER_US     35000 /* until a gap is noticed and asked for: feedback comes every 50 ms */
#define RAMP_MS       100   /* at once: a longer pause would be seen as a freeze */
#define RAMP_EVERY_US 250000
#define STEP_MS       20

static uint16_t needed_ms(double loss, int64_t rtt_us) {
  double again = 1 - (1 - loss) * (1 - loss), broken = FRAME_PACKETS * loss;
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
  double loss = loss_bound_recent(&d->estimator.loss), usual = loss_bound_random(&d->estimator.loss);
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

void downlink_review_playout(struct downlink *d, int64_t now_us) {
  d->playout_due_us = now_us + REVIEW_US;
  review_redundancy(d, now_us);
  downlink_review_repeats(d, now_us);
  double loss = loss_bound_random(&d->estimator.loss);
  uint16_t wanted_ms = 0;
  if (loss >= DOWNLINK_LOSSY) {
    wanted_ms = needed_ms(loss, d->estimator.least_rtt_us);
    d->playout_lossy_us = now_us;
  }
  /* Up soon, down only when it has been calm: every change is seen. */
  bool calm = now_us - d->playout_lossy_us > DOWNLINK_CALM_US;
  if (wanted_ms > d->playout_ms + RAMP_MS) {
    d->playout_ms = (uint16_t)(d->playout_ms + RAMP_MS);
    d->playout_due_us = now_us + RAMP_EVERY_US;
  } else if (wanted_ms > d->playout_ms || calm) {
    d->playout_ms = wanted_ms;
  }
  for (uint16_t i = 0; i < d->slot_count; i++) {
    if (!d->slots[i].out || !d->slots[i].video) continue;
    rtp_outgoing_stream_set_playout_delay(d->slots[i].out, d->playout_ms);
    rtp_outgoing_stream_set_lossy(d->slots[i].out, loss >= DOWNLINK_KEYFRAME_LOSS);
  }
}
