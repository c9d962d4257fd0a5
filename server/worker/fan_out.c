/* server/worker/fan_out.c: the hot path: what a receive batch brought, to every subscriber, receiver by receiver. See the header. */
#include "server/worker/fan_out.h"

#include "server/worker/engine.h"

struct rtp_media_packet *fan_out_reserve(struct engine *engine, int64_t now_us) {
  if (engine->fan_out.count == FAN_OUT_PACKETS) fan_out_run(engine, now_us);
  return &engine->fan_out.packets[engine->fan_out.count].media;
}

/* RED (RFC 2198) carries the newest Opus frame as its last block: what a receiver without RED gets. False: malformed. */
static bool strip_red(const struct rtp_media_packet *media, struct rtp_media_packet *plain) {
  struct rtp_red red;
  if (rtp_red_parse(media->payload, media->payload_len, &red)) return false;
  const struct rtp_red_block *primary = &red.blocks[red.count - 1];
  *plain = *media;
  plain->payload = media->payload + (primary->data - media->payload);
  plain->payload_len = primary->len;
  plain->codec = RTP_CODEC_OPUS;
  plain->format = MEDIA_FORMAT_OPUS;
  return true;
}

void fan_out_add(struct track *track, struct rtp_media_packet *media) {
  struct fan_out *f = &track->publisher->engine->fan_out;
  struct fan_out_packet *packet = &f->packets[f->count++];
  if (&packet->media != media) packet->media = *media; /* there was a run in between */
  packet->next = NULL;
  packet->stripped =
      packet->media.codec == RTP_CODEC_RED && !packet->media.padding_only && strip_red(&packet->media, &packet->plain);
  track->waiting_count++;
  if (track->waiting) {
    track->waiting_last->next = packet;
    track->waiting_last = packet;
    return;
  }
  track->waiting = track->waiting_last = packet;
  track->next_waiting = NULL;
  if (f->last) {
    f->last->next_waiting = track;
  } else {
    f->first = track;
  }
  f->last = track;
}

/* One packet of a track to one of its slots. Slots that do not want this layer cost one comparison. */
static void send_packet(const struct peer_run *run, struct downlink_run *link, struct slot *slot,
                        const struct rtp_media_packet *media, int64_t now_us) {
  struct peer *peer = run->peer;
  struct rtp_forward_result result;
  uint8_t *header = egress_batch_reserve(run->egress); /* where it will be sealed: no copy */
  enum rtp_drop_reason reason = rtp_outgoing_stream_forward(slot->out, media, now_us, header, &result);
  if (reason != RTP_DROP_NONE) {
    peer->engine->counters.rtp_drops[reason]++;
    if (reason == RTP_DROP_WAITING_KEYFRAME) slot_wish_if_needed(slot, now_us);
    return;
  }
  uint16_t number;
  const size_t numbered_at = result.transport_seq_offset;
  if (!downlink_run_pass(link, result.seq, (uint32_t)result.header_len + result.payload_len, numbered_at > 0,
                         &number)) {
    peer->due_us = 0; /* its pacer has something to do */
    return;
  }
  if (numbered_at) {
    number = htobe16(number);
    memcpy(header + numbered_at, &number, sizeof number);
  }
  slot->sent |= peer_run_send(run, slot->sender, header, result.header_len, result.payload, result.payload_len);
}

/* All that waits on the slot's track. */
__attribute__((flatten)) static void send_to(struct slot *slot, int64_t now_us) {
  const struct track *track = slot->track;
  struct peer_run run;
  struct downlink_run link;
  if (!peer_run_begin(&run, slot->peer, track->waiting_count)) return;
  congestion_begin_run(&slot->peer->link, slot->link_slot, &link, now_us);
  for (const struct fan_out_packet *packet = track->waiting; packet; packet = packet->next)
    send_packet(&run, &link, slot, packet->stripped && !slot->takes_red ? &packet->plain : &packet->media, now_us);
  downlink_run_end(&link);
}

/* ---- everybody ---- */

/* The slots in the order in which they are served. */
struct walk {
  const struct track *track;
  size_t index;
};

static struct slot *next_slot(struct walk *w) {
  while (w->track && w->index == w->track->subscriber_count)
    *w = (struct walk){.track = w->track->next_waiting};
  return w->track ? w->track->subscribers[w->index++] : NULL;
}

/* What one receiver's packets need lies in some fifty cache lines, and the ones of a hundred receivers are gone when the next frame comes.
 * While one is served, those of the next ones are under way: each step follows the pointers that the step before it has brought. */
#define STEPS 4

static void prefetch(unsigned step, const struct slot *slot) {
  const struct peer *peer = slot->peer;
  switch (step) {
    case 4:
      __builtin_prefetch(slot);
      break;
    case 3:
      __builtin_prefetch(peer);
      __builtin_prefetch(&peer->destination, 1);
      __builtin_prefetch(&peer->link);
      __builtin_prefetch(slot->sender);
      rtp_outgoing_stream_prefetch(slot->out);
      break;
    case 2:
      peer_transport_prefetch(peer->transport, slot->sender);
      downlink_prefetch(peer->link.downlink, slot->link_slot);
      rtp_outgoing_stream_prefetch_places(slot->out);
      break;
    default:
      peer_transport_prefetch_keys(peer->transport, slot->sender);
      downlink_prefetch_ring(peer->link.downlink);
  }
}

static void serve_all(const struct track *first, int64_t now_us) {
  struct walk walk = {.track = first};
  struct slot *ahead[STEPS + 1];
  for (unsigned i = 0; i <= STEPS; i++)
    ahead[i] = next_slot(&walk);
  while (ahead[0]) {
    for (unsigned step = STEPS; step > 0; step--)
      if (ahead[step]) prefetch(step, ahead[step]);
    send_to(ahead[0], now_us);
    memmove(ahead, ahead + 1, STEPS * sizeof *ahead);
    ahead[STEPS] = next_slot(&walk);
  }
}

void fan_out_run(struct engine *engine, int64_t now_us) {
  struct fan_out *f = &engine->fan_out;
  if (f->count == 0) return;
  serve_all(f->first, now_us);
  for (struct track *track = f->first; track; track = track->next_waiting) {
    track->waiting = NULL;
    track->waiting_count = 0;
  }
  f->first = f->last = NULL;
  f->count = 0;
}
