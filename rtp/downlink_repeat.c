/* Pictures that go on where a repair would come too late: the base temporal layer twice. See DOWNLINK_REPEAT in rtp/downlink.h.
 *
 * The copy is a retransmission before anybody asked, under the same budget, after what one burst of losses lasts. A frame of a
 * higher layer that is missing is left out; one of the base layer stops the picture until it comes. */
#include "rtp/downlink_internal.h"

/* What waits longer than two of these goes again, so the copies come 25 to 50 ms after the packets. */
#define LOOK_US  25000
#define MOST     512 /* packets behind: the slot was switched */
#define QUEUE_US 25000

static bool is_needed(const struct downlink *d) {
  const struct bandwidth_estimator *e = &d->estimator;
  double recent = loss_bound_recent(&e->loss), usual = loss_bound_random(&e->loss),
         loss = recent > usual ? recent : usual;
  return e->least_rtt_us >= DOWNLINK_REPEAT_RTT_US && loss >= DOWNLINK_REPEAT_LOSS && loss < DOWNLINK_REPEAT_LOSS_MOST;
}

static bool is_affordable(const struct downlink *d) {
  const struct bandwidth_estimator *e = &d->estimator;
  if (d->used_bps == 0 || e->stalled) return false;
  if (queue_delay_standing_us(&e->queue) > QUEUE_US + bandwidth_estimator_usual_wait_us(e)) return false;
  return bandwidth_estimator_bps(e) * 100 >= d->used_bps * DOWNLINK_REPEAT_ROOM_PERCENT;
}

void downlink_review_repeats(struct downlink *d, int64_t now_us) {
  if (is_needed(d)) d->repeat_until_us = now_us + DOWNLINK_REPEAT_CALM_US;
  bool on = now_us < d->repeat_until_us && is_affordable(d);
  if (on == (d->repeat_us != INT64_MAX)) return;
  d->repeat_us = on ? now_us + LOOK_US : INT64_MAX;
  for (uint16_t i = 0; on && i < d->slot_count; i++)
    d->slots[i].repeated = d->slots[i].settled = d->slots[i].last_sent;
}

static void repeat(struct downlink *d, uint16_t slot, int64_t now_us) {
  struct downlink_slot *s = &d->slots[slot];
  struct rtp_incoming_stats source = {0};
  if (!s->out || !s->video || !s->any_sent) return;
  struct rtp_incoming_stream *current = rtp_outgoing_stream_current(s->out);
  if (current) rtp_incoming_stream_stats(current, now_us, &source);
  uint16_t behind = (uint16_t)(s->settled - s->repeated);
  if (behind > MOST || source.temporal_layers < 2) s->repeated = s->settled;
  while (s->repeated != s->settled) {
    s->repeated++;
    if (rtp_outgoing_stream_is_base(s->out, s->repeated, now_us)) downlink_nack(d, slot, &s->repeated, 1, now_us);
  }
  s->settled = s->last_sent;
}

void downlink_repeat(struct downlink *d, int64_t now_us) {
  d->repeat_us = now_us + LOOK_US;
  for (uint16_t i = 0; i < d->slot_count; i++)
    repeat(d, i, now_us);
}
