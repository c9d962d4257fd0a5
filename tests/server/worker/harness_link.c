/* tests/server/worker/harness_link.c: the bottleneck between the engine and a scripted browser, and the browser's reports about it. */
#include "tests/server/worker/harness_internal.h"

#define WIRE_BYTES 28 /* UDP and IPv4 */

void browser_link(struct browser *m, uint64_t bps, int64_t queue_us, int64_t delay_us) {
  struct member_link *l = &m->link;
  if (!l->bps) transport_feedback_recorder_init(&l->recorder);
  l->bps = bps;
  l->queue_us = queue_us;
  l->delay_us = delay_us;
}

bool link_carries(struct browser *m, const struct rtp_extension_values *x, size_t len) {
  struct member_link *l = &m->link;
  if (!l->bps) return true;
  int64_t now_us = m->harness->now_us;
  int64_t begin_us = l->free_us > now_us ? l->free_us : now_us;
  bool lost = l->lose_every && ++l->offered % l->lose_every == 0;
  if (l->cut || lost || begin_us - now_us > l->queue_us) {
    l->dropped++;
    return false;
  }
  l->free_us = begin_us + (int64_t)((len + WIRE_BYTES) * 8 * 1000000 / l->bps);
  l->bytes += len + WIRE_BYTES;
  if (!RTP_EXTENSION_HAS(x, TRANSPORT_SEQUENCE)) return true;
  assert_true(l->tail - l->head < LINK_PACKETS);
  l->under_way[l->tail % LINK_PACKETS].arrival_us = l->free_us + l->delay_us + l->down_us;
  l->under_way[l->tail++ % LINK_PACKETS].seq = x->transport_sequence;
  return true;
}

static void build(struct browser *m) {
  struct member_link *l = &m->link;
  int64_t now_us = m->harness->now_us;
  while (transport_feedback_deadline(&l->recorder) <= now_us) {
    assert_true(l->report_tail - l->report_head < 8);
    const size_t at = l->report_tail % 8;
    const int len =
        transport_feedback_build(&l->recorder, 1, 0, l->reports[at].data, sizeof l->reports[at].data, now_us);
    if (len <= 0) return;
    l->reports[at].len = (size_t)len;
    l->reports[at].due_us = now_us + l->delay_us + l->up_us;
    l->report_tail++;
  }
}

void link_report(struct browser *m) {
  struct member_link *l = &m->link;
  int64_t now_us = m->harness->now_us;
  if (!l->bps) return;
  for (; l->head < l->tail && l->under_way[l->head % LINK_PACKETS].arrival_us <= now_us; l->head++) {
    transport_feedback_arrived(&l->recorder, l->under_way[l->head % LINK_PACKETS].seq,
                               l->under_way[l->head % LINK_PACKETS].arrival_us);
  }
  build(m);
  for (; l->report_head < l->report_tail && l->reports[l->report_head % 8].due_us <= now_us; l->report_head++) {
    const size_t at = l->report_head % 8;
    if (!l->cut) browser_send_rtcp(m, l->reports[at].data, l->reports[at].len);
  }
}
