/* Packets that one slot gets at one moment: see rtp/downlink.h. */
#include "rtp/downlink_internal.h"

#define NEVER_WAITS (INT64_MAX / 2)

/* Takes out what the next packets need. A level above the most sends each of them through downlink_run_wait(). */
static inline void take_out(struct downlink_run *r, const struct downlink *d, int64_t now_us) {
  const struct pacer *p = &d->pacer;
  int64_t level_us = p->level_until_us - now_us, most_us = NEVER_WAITS;
  r->mask = d->history.mask;
  r->first = r->number = d->history.next;
  r->bytes = d->history.bytes;
  r->unnumbered_bytes = 0;
  r->level_us = level_us > 0 ? level_us : 0;
  if (r->to && r->to->video) most_us = pacer_is_empty(p) ? PACER_BURST_US : -1;
  if (d->cluster.id) most_us = -1; /* its packets are counted one by one */
  r->most_us = most_us;
}

/* Apart, so that a run that needs no more room saves no registers for it. */
__attribute__((noinline)) static void grow(struct downlink_run *r) {
  struct downlink *d = r->downlink;
  transport_send_history_reserve(&d->history, TRANSPORT_HISTORY_BY_HAND);
  r->mask = d->history.mask;
}

void downlink_prefetch(const struct downlink *d, uint16_t slot) {
  if (slot < DOWNLINK_SLOTS) __builtin_prefetch(&d->slots[slot], 1);
  __builtin_prefetch(&d->history.next, 1);
  __builtin_prefetch(&d->cluster);
  __builtin_prefetch(&d->pacer, 1);
}

void downlink_prefetch_ring(const struct downlink *d) {
  __builtin_prefetch(&d->history.ring[d->history.next & d->history.mask], 1);
}

void downlink_run_begin(struct downlink_run *r, struct downlink *d, uint16_t slot, bool paced, int64_t now_us) {
  r->downlink = d;
  r->ring = d->history.ring;
  r->now_us = now_us;
  r->overhead_bytes = d->overhead_bytes;
  r->to = NULL;
  r->us_per_byte_q16 = 0;
  r->content.slot = DOWNLINK_NO_SLOT;
  if (paced && slot < d->slot_count) {
    r->to = &d->slots[slot];
    r->us_per_byte_q16 = d->pacer.us_per_byte_q16;
    r->content.slot = slot;
  }
  take_out(r, d, now_us);
  if (transport_send_history_is_short(&d->history, TRANSPORT_HISTORY_BY_HAND)) grow(r);
}

void downlink_run_end(struct downlink_run *r) {
  struct downlink *d = r->downlink;
  struct downlink_slot *s = r->to;
  uint32_t numbered = r->number - r->first;
  transport_send_history_advance(&d->history, r->number, r->bytes);
  d->unnumbered_bytes += r->unnumbered_bytes;
  if (!s || (numbered == 0 && r->unnumbered_bytes == 0)) return;
  if (!s->any_sent || (int16_t)(uint16_t)(r->content.seq - s->last_sent) > 0) s->last_sent = r->content.seq;
  s->any_sent = true;
  d->offered += numbered;
  pacer_set_level(&d->pacer, r->level_us, r->now_us);
}

__attribute__((noinline)) bool downlink_run_wait(struct downlink_run *r, uint16_t seq, uint32_t bytes, bool numbered,
                                                 uint16_t *number) {
  struct downlink *d = r->downlink;
  downlink_run_end(r);
  bool now = !r->to || downlink_offer(d, r->content.slot, seq, bytes, r->now_us);
  if (now && numbered) *number = downlink_stamp(d, bytes, r->now_us);
  if (now && !numbered) downlink_unnumbered(d, bytes);
  grow(r);
  take_out(r, d, r->now_us);
  return now;
}
