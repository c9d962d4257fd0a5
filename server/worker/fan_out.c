/* server/worker/fan_out.c: the hot path: what a receive batch brought, to every subscriber, receiver by receiver. See the header. */
#include "server/worker/fan_out.h"

#include "server/worker/audio_repeat.h"
#include "server/worker/engine.h"

struct rtp_media_packet *fan_out_reserve(struct engine *engine, int64_t now_us) {
  struct fan_out *f = &engine->fan_out;
  if (f->count == FAN_OUT_PACKETS) fan_out_run(engine, now_us);
  return f->unused ? &f->unused->media : &f->packets[f->touched].media;
}

static struct fan_out_packet *take(struct fan_out *f) {
  struct fan_out_packet *packet = f->unused;
  if (packet)
    f->unused = packet->next;
  else
    packet = &f->packets[f->touched++];
  f->count++;
  return packet;
}

static void give_back(struct fan_out *f, struct fan_out_packet *packet) {
  packet->next = f->unused;
  f->unused = packet;
  f->count--;
}

/* RED (RFC 2198) carries the newest Opus frame as its last block: what a receiver without RED gets. False: malformed. */
__attribute__((noinline)) static bool strip_red(const struct rtp_media_packet *media, struct rtp_media_packet *plain) {
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

static void append(struct fan_out *f, struct track *track) {
  track->next_waiting = NULL;
  if (f->last) {
    f->last->next_waiting = track;
  } else {
    f->first = track;
  }
  f->last = track;
}

/* A clock that goes back by more belongs to a restarted source. */
#define LATE_TICKS (5 * 90000)

static void note_frame(struct fan_out_frame *frame, const struct rtp_media_packet *media, struct gather *gather) {
  const int32_t later = (int32_t)(media->timestamp - frame->timestamp);
  if (media->retransmitted || (frame->begun && later < 0 && later > -LATE_TICKS)) return;
  const bool first = !frame->begun || later != 0;
  if (first) {
    frame->timestamp = media->timestamp;
    frame->began_us = media->arrival_us;
    frame->begun = frame->open = true;
  }
  if (!media->marker || !frame->open) return;
  frame->open = false;
  frame->took_us = media->arrival_us - frame->began_us;
  if (!first) gather_frame_over(gather, frame->took_us == 0);
}

void fan_out_add(struct track *track, uint8_t layer, struct rtp_media_packet *media) {
  struct fan_out *f = &track->publisher->engine->fan_out;
  struct fan_out_packet *packet = take(f);
  if (__builtin_expect(&packet->media != media, 0)) packet->media = *media; /* there was a run in between */
  if (track->kind == ROOM_VIDEO) note_frame(&track->frames[layer], media, &track->publisher->engine->gather);
  packet->next = NULL;
  packet->layer = layer;
  packet->kept = false;
  packet->stripped = false;
  if (packet->media.codec == RTP_CODEC_RED && !packet->media.padding_only)
    packet->stripped = strip_red(&packet->media, &packet->plain);
  if (track->waiting) {
    track->waiting_last->next = packet;
    track->waiting_last = packet;
    return;
  }
  track->waiting = track->waiting_last = packet;
  append(f, track);
}

struct passed {
  uint32_t packets, bytes; /* of payload */
};

/* One packet of a track to one of its slots. Slots that do not want this layer cost one comparison. */
static void send_packet(struct peer_run *run, struct downlink_run *link, struct slot *slot,
                        const struct rtp_media_packet *media, int64_t now_us, struct passed *passed) {
  struct peer *peer = run->peer;
  struct rtp_forward_result result __attribute__((uninitialized)); /* read only when it was filled */
  uint8_t *header = egress_batch_reserve(run->egress);             /* where it will be sealed: no copy */
  enum rtp_drop_reason reason = rtp_outgoing_stream_pass(slot->out, media, now_us, header, &result);
  if (reason != RTP_DROP_NONE) {
    peer->engine->counters.rtp_drops[reason]++;
    if (reason == RTP_DROP_WAITING_KEYFRAME) slot_wish_if_needed(slot, now_us);
    return;
  }
  passed->packets++;
  passed->bytes += result.filler ? 0 : result.payload_len;
  uint16_t number;
  const size_t numbered_at = result.transport_seq_offset;
  if (!downlink_run_pass(link, result.seq, (uint32_t)result.header_len + result.payload_len, numbered_at > 0,
                         &number)) {
    peer_hurry(peer); /* its pacer has something to do */
    return;
  }
  if (numbered_at) {
    number = htobe16(number);
    memcpy(header + numbered_at, &number, sizeof number);
  }
  const size_t sent = peer_run_send(run, slot->sender, header, result.header_len, result.payload, result.payload_len);
  if (__builtin_expect(slot->repeats > 0, 0) && sent > 0) {
    struct peer_run repeating = *run; /* so that *run may stay in registers */
    link->unnumbered_bytes += (uint32_t)audio_repeat_sent(&repeating, slot, header, sent);
    *run = repeating;
  }
}

/* All that waits on the slot's track. */
__attribute__((flatten)) static void send_to(struct slot *slot, int64_t now_us) {
  const struct track *track = slot->track;
  struct peer_run run __attribute__((uninitialized)); /* the two begin functions fill them */
  struct downlink_run link __attribute__((uninitialized));
  if (!peer_run_begin(&run, slot->peer, track->waiting_count)) return;
  congestion_begin_run(&slot->peer->link, slot->link_slot, &link, now_us);
  struct passed passed = {0};
  for (const struct fan_out_packet *packet = track->waiting; packet; packet = packet->next)
    send_packet(&run, &link, slot, packet->stripped && !slot->takes_red ? &packet->plain : &packet->media, now_us,
                &passed);
  if (passed.packets) rtp_outgoing_stream_count(slot->out, passed.packets, passed.bytes, now_us);
  downlink_run_end(&link);
  slot->sent |= peer_run_end(&run);
}

/* ---- everybody ---- */

/* The slots in the order in which they are served. */
struct walk {
  const struct track *track;
  size_t index;
};

static struct slot *next_slot(struct walk *w) {
  while (w->track && (w->index == w->track->subscriber_count || !w->track->waiting))
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
      peer_transport_prefetch_keys(slot->sender);
      downlink_prefetch_ring(peer->link.downlink);
  }
}

static void serve_all(const struct track *first, int64_t now_us) {
  struct walk walk = {.track = first};
  struct slot *ahead[STEPS + 1];
  for (unsigned i = 0; i <= STEPS; i++)
    ahead[i] = next_slot(&walk);
  while (ahead[0]) {
#pragma GCC unroll 4
    for (unsigned step = STEPS; step > 0; step--)
      if (ahead[step]) prefetch(step, ahead[step]);
    send_to(ahead[0], now_us);
#pragma GCC unroll 4
    for (unsigned step = 0; step < STEPS; step++)
      ahead[step] = ahead[step + 1];
    ahead[STEPS] = next_slot(&walk);
  }
}

/* ---- frames ---- */

static bool is_kept(const struct track *track, const struct fan_out_packet *packet, int64_t now_us, int64_t limit_us) {
  const struct fan_out_frame *frame = &track->frames[packet->layer];
  return frame->open && packet->media.timestamp == frame->timestamp && frame->took_us < limit_us &&
         now_us - frame->began_us < limit_us;
}

/* Kept packets are in the history, unless the source has begun anew meanwhile. */
__attribute__((noinline)) static bool fetch(struct fan_out_packet *packet) {
  if (!packet->kept || packet->media.padding_only) return true;
  const struct rtp_media_packet *found = rtp_incoming_stream_find(packet->media.stream, packet->media.seq, -1);
  if (!found) return false;
  packet->media.payload = found->payload;
  packet->media.dependency_descriptor = found->dependency_descriptor;
  return true;
}

/* Leaves in track->waiting what is to be sent, in track->kept what is not. */
static void part(struct fan_out *f, struct track *track, int64_t now_us, int64_t limit_us) {
  struct fan_out_packet **ready = &track->waiting, **kept = &track->kept, *next;
  track->waiting_count = 0;
  for (struct fan_out_packet *packet = track->waiting; packet; packet = next) {
    next = packet->next;
    if (is_kept(track, packet, now_us, limit_us)) {
      const int64_t due_us = track->frames[packet->layer].began_us + limit_us;
      if (due_us < f->due_us) f->due_us = due_us;
      packet->kept = true;
      *kept = packet;
      kept = &packet->next;
      track->waiting_last = packet;
    } else if (fetch(packet)) {
      *ready = packet;
      ready = &packet->next;
      track->waiting_count++;
    } else {
      track->publisher->engine->counters.rtp_drops[RTP_DROP_HISTORY_MISS]++;
      give_back(f, packet);
    }
  }
  *ready = *kept = NULL;
}

/* What was sent goes back, what was kept waits. */
static void join(struct fan_out *f, struct track *track) {
  struct fan_out_packet *next;
  for (struct fan_out_packet *packet = track->waiting; packet; packet = next) {
    next = packet->next;
    give_back(f, packet);
  }
  track->waiting = track->kept;
}

static void run(struct engine *engine, int64_t now_us, int64_t limit_us) {
  struct fan_out *f = &engine->fan_out;
  if (f->count == 0) return;
  f->due_us = INT64_MAX;
  for (struct track *track = f->first; track; track = track->next_waiting)
    part(f, track, now_us, limit_us);
  serve_all(f->first, now_us);
  struct track *track = f->first, *next;
  f->first = f->last = NULL;
  for (; track; track = next) {
    next = track->next_waiting;
    join(f, track);
    if (track->waiting) append(f, track);
  }
}

void fan_out_run(struct engine *engine, int64_t now_us) {
  run(engine, now_us, 0);
}

void fan_out_run_whole(struct engine *engine, int64_t now_us) {
  run(engine, now_us, engine->gather.whole_us);
}
