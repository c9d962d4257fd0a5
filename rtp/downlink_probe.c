/* Probe clusters of a downlink: packets of known rate, from what was sent lately (it may even be of use) or padding. */
#include "rtp/downlink_internal.h"

#define PADDING_BYTES 255
#define SILENCE_US    200000

static uint16_t probe_slot(const struct downlink *d) {
  for (uint16_t i = 0; i < d->slot_count; i++) {
    const struct downlink_slot *s = &d->slots[i];
    if (s->out && s->video && rtp_outgoing_stream_rtx_ssrc(s->out)) return i;
  }
  return DOWNLINK_NO_SLOT;
}

/* One packet of the cluster. Returns its bytes on the wire; 0: nothing can be sent. */
static uint32_t send_one(struct downlink *d, struct downlink_slot *s, int64_t now_us) {
  uint8_t packet[DOWNLINK_PACKET_MAX];
  struct rtp_rtx_result r = {.reason = RTP_DROP_NOT_SENT};
  bool small =
      d->cluster.bytes < PADDING_BYTES * 2 * PROBE_MIN_PACKETS; /* large packets would overshoot a slow cluster */
  if (s->any_sent && !small)
    rtp_outgoing_stream_probe_media(s->out, (uint16_t)(s->last_sent - d->cluster_back++), now_us, packet, sizeof packet,
                                    &r);
  if (r.reason != RTP_DROP_NONE || r.len < PADDING_BYTES)
    rtp_outgoing_stream_probe(s->out, PADDING_BYTES, now_us, packet, sizeof packet, &r);
  if (r.reason != RTP_DROP_NONE || r.transport_seq_offset == 0) return 0;
  uint32_t bytes = (uint32_t)r.len + d->overhead_bytes;
  pacer_charge(&d->pacer, bytes, now_us);
  d->listener.send(d->listener.arg, s->arg, true, packet, r.header_len, r.len, r.transport_seq_offset);
  return bytes;
}

/* With no sound and no picture nothing is sent and nothing is reported: the queue that was seen last would stand for ever, and
 * forbid every probe. */
static bool wants_news(const struct downlink *d, int64_t now_us) {
  const struct transport_send_history *h = &d->history;
  uint32_t stamped_us = h->ring[(h->next - 1) & h->mask].sent_us;
  return d->estimator.has_feedback && d->estimator.probes.next_bps > 0 && (uint32_t)now_us - stamped_us >= SILENCE_US;
}

/* Bytes that the cluster's rate allows by now. */
static uint64_t owed(const struct downlink *d, int64_t now_us) {
  return d->cluster.bps * (uint64_t)(now_us - d->cluster_started_us) / 8 / 1000000;
}

void downlink_probe(struct downlink *d, int64_t now_us) {
  uint16_t slot = probe_slot(d);
  if (slot == DOWNLINK_NO_SLOT) {
    d->cluster.id = 0;
    return;
  }
  if (d->cluster.id == 0) {
    if (pacer_deadline(&d->pacer) != INT64_MAX) return;
    if (!bandwidth_estimator_probe(&d->estimator, now_us, &d->cluster)) {
      if (wants_news(d, now_us)) send_one(d, &d->slots[slot], now_us);
      return;
    }
    d->cluster_bytes = d->cluster_packets = 0;
    d->cluster_started_us = now_us;
    d->cluster_back = 0;
    d->stats.probe_clusters++;
  }
  bool sent = true, enough = false;
  while (sent && !enough && d->cluster_bytes <= owed(d, now_us)) {
    uint32_t bytes = send_one(d, &d->slots[slot], now_us);
    sent = bytes > 0;
    d->stats.probe_packets += sent;
    d->stats.probe_bytes += bytes;
    enough = d->cluster_bytes >= d->cluster.bytes && d->cluster_packets >= d->cluster.packets;
  }
  if (sent && !enough) return;
  bandwidth_estimator_probe_end(&d->estimator, d->cluster.id);
  d->cluster.id = 0;
}

int64_t downlink_probe_deadline(const struct downlink *d) {
  if (d->cluster.id == 0) return INT64_MAX;
  return d->cluster_started_us + (int64_t)((uint64_t)d->cluster_bytes * 8 * 1000000 / d->cluster.bps);
}
