/* Sudden drops: see rtp/link_drop.h. */
#include "rtp/link_drop.h"

#include <math.h>
#include <string.h>

#define RAISE   1.3
#define SINK_US 20e6 /* time constant */

void link_drop_init(struct link_drop *d) {
  memset(d, 0, sizeof *d);
  d->wait_us = LINK_DROP_WAIT_US;
}

void link_drop_run(struct link_drop *d, const struct transport_result *run) {
  struct link_drop_span *s = &d->now;
  int64_t delay_us = run->arrival_us - run->sent_us;
  if (s->packets == 0) {
    *s = (struct link_drop_span){.first_sent_us = run->sent_us,
                                 .last_sent_us = run->last_sent_us,
                                 .first_arrival_us = run->arrival_us,
                                 .last_arrival_us = run->last_arrival_us,
                                 .least_delay_us = delay_us,
                                 .bytes = run->bytes - run->first_bytes,
                                 .packets = run->packets};
    return;
  }
  s->packets += run->packets;
  s->bytes += run->bytes;
  int64_t pause_us = run->arrival_us - s->last_arrival_us;
  if (pause_us > s->longest_pause_us) s->longest_pause_us = pause_us;
  if (run->last_sent_us > s->last_sent_us) s->last_sent_us = run->last_sent_us;
  if (run->last_arrival_us > s->last_arrival_us) s->last_arrival_us = run->last_arrival_us;
  if (delay_us < s->least_delay_us) s->least_delay_us = delay_us;
}

/* A radio stood still and gives its packets one by one again: how it does that is its rate, the pause is not. */
static int64_t without_standstill(const struct link_drop_span *s, int64_t arrival_us) {
  int64_t others_us = arrival_us - s->longest_pause_us;
  bool stood = s->packets > 2 && s->longest_pause_us > LINK_DROP_STOOD_US &&
               s->longest_pause_us * (s->packets - 2) > LINK_DROP_STOOD_TIMES * others_us;
  return stood ? others_us : arrival_us;
}

bool link_drop_message(struct link_drop *d, int64_t base_us, int64_t now_us, uint64_t *bps) {
  double elapsed_us = d->updated_us ? (double)(now_us - d->updated_us) : 0;
  d->updated_us = now_us;
  if (d->wait_us > LINK_DROP_WAIT_US)
    d->wait_us = LINK_DROP_WAIT_US + (d->wait_us - LINK_DROP_WAIT_US) * exp(-elapsed_us / SINK_US);
  if (d->now.packets < LINK_DROP_PACKETS) return false;
  struct link_drop_span before = d->before, s = d->now;
  d->before = d->now;
  d->now.packets = 0;
  if (now_us < d->rest_until_us || (double)(s.least_delay_us - base_us) < d->wait_us) return false; /* mostly so */
  if (before.packets) {
    int64_t pause_us = s.first_arrival_us - before.last_arrival_us;
    s.first_sent_us = before.first_sent_us;
    s.first_arrival_us = before.first_arrival_us;
    s.bytes += before.bytes;
    s.packets += before.packets;
    if (before.longest_pause_us > pause_us) pause_us = before.longest_pause_us;
    if (pause_us > s.longest_pause_us) s.longest_pause_us = pause_us;
  }
  int64_t sent_us = s.last_sent_us - s.first_sent_us, arrival_us = s.last_arrival_us - s.first_arrival_us;
  if (arrival_us < LINK_DROP_SPAN_US) return false;
  if ((double)arrival_us < LINK_DROP_RATIO * (double)sent_us) return false;
  if ((double)s.longest_pause_us > LINK_DROP_PAUSE * (double)arrival_us) return false;
  arrival_us = without_standstill(&s, arrival_us);
  if (arrival_us < LINK_DROP_SPAN_US || (double)arrival_us < LINK_DROP_RATIO * (double)sent_us) return false;
  d->rest_until_us = now_us + LINK_DROP_REST_US;
  d->wait_us = fmin(d->wait_us * RAISE, LINK_DROP_WAIT_MAX_US);
  *bps = s.bytes * 8 * 1000000 / (uint64_t)arrival_us;
  return true;
}
