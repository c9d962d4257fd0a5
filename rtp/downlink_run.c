/* Packets that one slot gets at one moment: see rtp/downlink.h. */
#include "rtp/downlink_internal.h"

#define NEVER_WAITS (INT64_MAX / 2)

/* Takes out what the next packets need. A level above the most sends each of them through downlink_run_wait(). */
static void take_out(struct downlink_run *r) {
  struct downlink *d = r->downlink;
  struct pacer *p = &d->pacer;
  transport_send_history_reserve(&d->history, TRANSPORT_HISTORY_BY_HAND);
  r->mask = d->history.mask;
  r->first = r->number = d->history.next;
  r->bytes = d->history.bytes;
  r->level_us = p->level_until_us > r->now_us ? p->level_until_us - r->now_us : 0;
  r->most_us = NEVER_WAITS;
  if (r->paced && d->slots[r->slot].video) r->most_us = pacer_is_empty(p) ? PACER_BURST_US : -1;
  if (d->cluster.id) r->most_us = -1; /* its packets are counted one by one */
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
  r->slot = slot;
  r->paced = paced && slot < d->slot_count;
  r->us_per_byte_q16 = r->paced ? d->pacer.us_per_byte_q16 : 0;
  r->content.slot = r->paced ? slot : DOWNLINK_NO_SLOT;
  r->content.seq = r->paced ? d->slots[slot].last_sent : 0;
  r->unnumbered_bytes = 0;
  take_out(r);
}

void downlink_run_end(struct downlink_run *r) {
  struct downlink *d = r->downlink;
  uint32_t numbered = r->number - r->first;
  transport_send_history_advance(&d->history, r->number, r->bytes);
  d->unnumbered_bytes += r->unnumbered_bytes;
  if (!r->paced || (numbered == 0 && r->unnumbered_bytes == 0)) return;
  struct downlink_slot *s = &d->slots[r->slot];
  if (!s->any_sent || (int16_t)(uint16_t)(r->content.seq - s->last_sent) > 0) s->last_sent = r->content.seq;
  s->any_sent = true;
  d->offered += numbered;
  pacer_set_level(&d->pacer, r->level_us, r->now_us);
}

bool downlink_run_wait(struct downlink_run *r, uint16_t seq, uint32_t bytes, bool numbered, uint16_t *number) {
  struct downlink *d = r->downlink;
  downlink_run_end(r);
  bool now = !r->paced || downlink_offer(d, r->slot, seq, bytes, r->now_us);
  if (now && numbered) *number = downlink_stamp(d, bytes, r->now_us);
  if (now && !numbered) downlink_unnumbered(d, bytes);
  r->unnumbered_bytes = 0;
  take_out(r);
  return now;
}
