/* server/worker/rtp_ingress.c: an RTP packet's way from its peer to its track: whose SSRC is it, which layer, what is in it.
 *
 * An SSRC is bound to an m-line by what its packets say (mid, rid, repaired-rid: RFC 9143, RFC 8852) or by the offer's a=ssrc
 * lines (RFC 5576); without either it is dropped. Bindings are capped, and made only from authenticated packets.
 */
#include <endian.h>
#include <stdlib.h>
#include <string.h>

#include "rtp/packet.h"
#include "server/worker/engine.h"

#define REBIND_BURST      8
#define REBIND_REFILL_US  INT64_C(1000000)
#define REBIND_REST_US    2000000
/* Who begins to receive an idle stream says so (layers.c); that nobody does any more is noticed so late. */
#define IDLE_REVIEW_US    INT64_C(200000)

/* What says which m-line and layer an SSRC belongs to: of interest until it is known. */
#define NAMING_EXTENSIONS (1U << RTP_EXTENSION_MID | 1U << RTP_EXTENSION_RID | 1U << RTP_EXTENSION_REPAIRED_RID)
/* What nobody here looks at. */
#define UNREAD_EXTENSIONS                                                                                           \
  (1U << RTP_EXTENSION_ABS_SEND_TIME | 1U << RTP_EXTENSION_TRANSMISSION_OFFSET | 1U << RTP_EXTENSION_VIDEO_TIMING | \
   1U << RTP_EXTENSION_VIDEO_CONTENT_TYPE | 1U << RTP_EXTENSION_VIDEO_LAYERS_ALLOCATION)

__attribute__((noinline)) static struct incoming *search_incoming(struct peer *peer, uint32_t ssrc) {
  for (size_t i = 0; i < peer->incoming_count; i++) {
    if (peer->incoming[i].ssrc != ssrc) continue;
    peer->incoming_last = i;
    return &peer->incoming[i];
  }
  return NULL;
}

static inline struct incoming *find_incoming(struct peer *peer, uint32_t ssrc) {
  if (peer->incoming_last < peer->incoming_count && peer->incoming[peer->incoming_last].ssrc == ssrc)
    return &peer->incoming[peer->incoming_last];
  return search_incoming(peer, ssrc);
}

static int layer_of_rid(const struct section *section, const struct rtp_text *rid) {
  for (int i = 0; i < section->rid_count; i++) {
    if (strlen(section->rids[i]) == rid->len && memcmp(section->rids[i], rid->data, rid->len) == 0) return i;
  }
  return -1;
}

/* The m-line whose offer announced this SSRC; *rtx_of is the media SSRC when it was announced as a repair. Several SSRCs of one
 * m-line without rids are simulcast as browsers did it before rids: *layer is the place in the list. */
static struct section *find_announced(const struct peer *peer, uint32_t ssrc, uint32_t *rtx_of, int *layer) {
  if (ssrc == 0) return NULL; /* 0 stands for "no RTX" in the list */
  for (size_t i = 0; i < peer->section_count; i++) {
    struct section *section = peer->sections[i];
    for (size_t k = 0; k + 1 < section->announced_count; k += 2) {
      *rtx_of = section->announced[k + 1] == ssrc ? section->announced[k] : 0;
      *layer = (int)(k / 2) < ENGINE_MAX_LAYERS ? (int)(k / 2) : ENGINE_MAX_LAYERS - 1;
      if (section->announced[k] == ssrc || *rtx_of) return section;
    }
  }
  return NULL;
}

static struct incoming *media_of_layer(struct peer *peer, const struct section *section, int layer) {
  for (size_t i = 0; i < peer->incoming_count; i++) {
    struct incoming *incoming = &peer->incoming[i];
    if (incoming->section == section && incoming->layer == layer && incoming->stream) return incoming;
  }
  return NULL;
}

/* A microphone, a camera and its repairs: most have no more. */
#define FIRST_INCOMING 4

static void relink(struct peer *peer);

/* Room for one more. What points into the array is told when it moves. */
static bool make_room(struct peer *peer) {
  if (peer->incoming_count < peer->incoming_room) return true;
  const size_t room = peer->incoming_room ? peer->incoming_room * 2 : FIRST_INCOMING;
  struct incoming *grown = room > ENGINE_MAX_INCOMING ? NULL : realloc(peer->incoming, room * sizeof *grown);
  if (!grown) return false;
  peer->incoming = grown;
  peer->incoming_room = room;
  relink(peer);
  return true;
}

static struct incoming *add_incoming(struct peer *peer, struct section *section, uint32_t ssrc, int layer) {
  if (!make_room(peer)) {
    peer->engine->counters.drops[ENGINE_DROP_SSRC_LIMIT]++;
    return NULL;
  }
  struct incoming *incoming = &peer->incoming[peer->incoming_count++];
  *incoming = (struct incoming){.ssrc = ssrc, .section = section, .layer = (uint8_t)layer};
  return incoming;
}

/* No slot keeps a pointer to the stream: only members of the same room can have one. */
static void free_stream(struct peer *peer, struct rtp_incoming_stream *stream) {
  fan_out_run(peer->engine, peer->engine->now_us); /* packets of it may wait */
  struct peer *other, *next;
  HASH_ITER(hh, peer->engine->peers, other, next) {
    for (size_t i = 0; other->room == peer->room && i < other->section_count; i++) {
      if (other->sections[i]->slot) rtp_outgoing_stream_forget(other->sections[i]->slot->out, stream);
    }
  }
  rtp_incoming_stream_free(stream);
}

/* The array moved: tracks and repairs point into it. */
static void relink(struct peer *peer) {
  for (size_t i = 0; i < peer->section_count; i++) {
    struct track *track = peer->sections[i]->track;
    if (track) memset(track->layers, 0, sizeof track->layers);
  }
  for (size_t i = 0; i < peer->incoming_count; i++) {
    struct incoming *incoming = &peer->incoming[i];
    if (incoming->stream && incoming->section->track) incoming->section->track->layers[incoming->layer] = incoming;
    if (!incoming->stream) incoming->media = media_of_layer(peer, incoming->section, incoming->layer);
  }
}

/* Media and repairs of one layer of a section, -1: of all layers. */
static void forget_layer(struct peer *peer, const struct section *section, int layer) {
  size_t kept = 0;
  for (size_t i = 0; i < peer->incoming_count; i++) {
    struct incoming *incoming = &peer->incoming[i];
    if (incoming->section != section || (layer >= 0 && incoming->layer != layer)) {
      peer->incoming[kept++] = *incoming;
    } else if (incoming->stream) {
      free_stream(peer, incoming->stream);
    }
  }
  peer->incoming_count = kept;
  relink(peer);
}

void peer_forget_incoming(struct peer *peer, struct section *section) {
  forget_layer(peer, section, -1);
}

/* An encoder that was restarted sends on a new SSRC. That is rare, and costs us a history; two SSRCs that take each other's
 * place with every packet would cost it every time. Stragglers of the old one must not take it back either. */
static bool may_replace(struct peer *peer, const struct incoming *old, uint32_t ssrc, int64_t now_us) {
  if (ssrc == old->replaced_ssrc && now_us - old->bound_us < REBIND_REST_US) return false;
  int64_t due_us = peer->rebinds_due_us > now_us ? peer->rebinds_due_us : now_us;
  if (due_us - now_us > (REBIND_BURST - 1) * REBIND_REFILL_US) return false;
  peer->rebinds_due_us = due_us + REBIND_REFILL_US;
  return true;
}

/* A new media SSRC. One that takes over a layer which already has one replaces it. */
static struct incoming *bind_media(struct peer *peer, struct section *section, uint32_t ssrc, uint32_t rtx_ssrc,
                                   int layer, int64_t now_us) {
  if (section->format_count == 0) return NULL;
  uint32_t replaced = 0;
  const struct incoming *old = media_of_layer(peer, section, layer);
  if (old) {
    if (!may_replace(peer, old, ssrc, now_us)) {
      peer->engine->counters.drops[ENGINE_DROP_SSRC_LIMIT]++;
      return NULL;
    }
    replaced = old->ssrc;
    forget_layer(peer, section, layer);
  }
  struct incoming *incoming = add_incoming(peer, section, ssrc, layer);
  if (!incoming) return NULL;
  incoming->replaced_ssrc = replaced;
  incoming->bound_us = now_us;
  struct rtp_incoming_config config = {
      .ssrc = ssrc,
      .rtx_ssrc = rtx_ssrc,
      .video = section->kind == ROOM_VIDEO,
      .nack = section->nack,
      .layer = (uint8_t)layer,
      .source = section,
      .format_count = section->format_count,
  };
  memcpy(config.formats, section->formats, sizeof config.formats);
  if (rtp_incoming_stream_create(&incoming->stream, &config)) {
    peer->incoming_count--;
    return NULL;
  }
  if (section->track) section->track->layers[layer] = incoming;
  return incoming;
}

/* A repair SSRC; it takes the place of the one that repaired the same media before. */
static struct incoming *bind_repair(struct peer *peer, struct section *section, uint32_t ssrc, struct incoming *media) {
  const size_t place = (size_t)(media - peer->incoming); /* the array may move */
  struct incoming *incoming = NULL;
  for (size_t i = 0; i < peer->incoming_count; i++) {
    if (peer->incoming[i].media == media) incoming = &peer->incoming[i];
  }
  if (!incoming) incoming = add_incoming(peer, section, ssrc, media->layer);
  if (!incoming) return NULL;
  media = &peer->incoming[place];
  incoming->ssrc = ssrc;
  incoming->media = media;
  rtp_incoming_stream_set_rtx_ssrc(media->stream, ssrc);
  return incoming;
}

__attribute__((cold, noinline)) static struct incoming *bind_ssrc(struct peer *peer, uint32_t ssrc,
                                                                  const struct rtp_extension_values *x,
                                                                  int64_t now_us) {
  struct section *section = NULL;
  if (x->mid.len) section = peer_find_section(peer, x->mid.data, x->mid.len);
  if (section && section->sends && x->repaired_rid.len) {
    int layer = layer_of_rid(section, &x->repaired_rid);
    struct incoming *media = layer < 0 ? NULL : media_of_layer(peer, section, layer);
    return media ? bind_repair(peer, section, ssrc, media) : NULL;
  }
  if (section && section->sends && x->rid.len) {
    int layer = layer_of_rid(section, &x->rid);
    return layer < 0 ? NULL : bind_media(peer, section, ssrc, 0, layer, now_us);
  }
  uint32_t rtx_of = 0;
  int layer = 0;
  struct section *announced = find_announced(peer, ssrc, &rtx_of, &layer);
  if (announced && rtx_of) {
    struct incoming *media = find_incoming(peer, rtx_of);
    return media && media->stream ? bind_repair(peer, announced, ssrc, media) : NULL;
  }
  if (announced) section = announced;
  if (!section || !section->sends || section->rid_count) return NULL;
  uint32_t rtx_ssrc = 0;
  for (size_t k = 0; k + 1 < section->announced_count; k += 2) {
    if (section->announced[k] == ssrc) rtx_ssrc = section->announced[k + 1];
  }
  return bind_media(peer, section, ssrc, rtx_ssrc, layer, now_us);
}

/* Who only receives needs no recorder. */
static void note_arrival(struct peer *peer, uint16_t seq, int64_t now_us) {
  if (!peer->recorder) {
    peer->recorder = malloc(sizeof *peer->recorder);
    if (!peer->recorder) return;
    transport_feedback_recorder_init(peer->recorder);
  }
  transport_feedback_arrived(peer->recorder, seq, now_us);
}

/* Audio is always opened: it is little, and its loudness decides who is heard. */
__attribute__((noinline)) static bool is_received(const struct incoming *media) {
  const struct track *track = media->section->track;
  if (!track || media->section->kind != ROOM_VIDEO || !media->heard) return true;
  if (!track->forwarding) return false;
  for (size_t i = 0; i < track->subscriber_count; i++) {
    if (rtp_outgoing_stream_uses(track->subscribers[i]->out, media->stream)) return true;
  }
  return false;
}

bool peer_wants_rtp(struct peer *peer, const uint8_t *packet, size_t len, int64_t now_us) {
  uint32_t ssrc;
  if (len < RTP_HEADER_SIZE) return true;
  memcpy(&ssrc, packet + 8, sizeof ssrc);
  struct incoming *incoming = find_incoming(peer, be32toh(ssrc));
  struct incoming *media = incoming && !incoming->stream ? incoming->media : incoming;
  if (!media || !media->stream) return true;
  if (now_us < media->idle_due_us) return !media->idle;
  media->idle_due_us = now_us + IDLE_REVIEW_US;
  media->idle = !is_received(media);
  /* Nobody waits for its key frame any more, and nobody would see it come. */
  if (media->idle) rtp_incoming_stream_cancel_keyframe(media->stream);
  return !media->idle;
}

/* The publisher's estimate of its link needs each packet's arrival, opened or not. Of its repairs nothing else is of interest here. */
__attribute__((noinline)) void peer_note_unopened(struct peer *peer, uint8_t *data, size_t len, int64_t now_us) {
  struct engine_counters *counters = &peer->engine->counters;
  struct rtp_packet packet;
  data[0] &= (uint8_t)~RTP_PADDING_BIT; /* how much of it is padding is encrypted */
  if (rtp_packet_parse(&packet, data, len)) {
    counters->drops[ENGINE_DROP_BAD_RTP]++;
    return;
  }
  counters->rtp_in++;
  counters->rtp_in_bytes += len;
  counters->rtp_unopened++;
  const struct incoming *incoming = find_incoming(peer, packet.ssrc);
  if (!incoming || (incoming->stream && !rtp_incoming_stream_note_unopened(incoming->stream, &packet, now_us))) {
    counters->drops[ENGINE_DROP_UNKNOWN_SSRC]++;
    return;
  }
  struct rtp_extension_values x;
  rtp_extension_read_some(&packet, &peer->extensions, 1U << RTP_EXTENSION_TRANSPORT_SEQUENCE, &x);
  if (RTP_EXTENSION_HAS(&x, TRANSPORT_SEQUENCE) && peer->recorder &&
      transport_feedback_expects(peer->recorder, x.transport_sequence))
    note_arrival(peer, x.transport_sequence, now_us);
}

void peer_receive_rtp(struct peer *peer, uint8_t *data, size_t len, int64_t now_us) {
  struct engine_counters *counters = &peer->engine->counters;
  struct rtp_packet packet __attribute__((uninitialized));
  if (rtp_packet_parse(&packet, data, len)) {
    counters->drops[ENGINE_DROP_BAD_RTP]++;
    return;
  }
  counters->rtp_in++;
  counters->rtp_in_bytes += len;
  struct rtp_extension_values x __attribute__((uninitialized)); /* the reader fills all of it */
  struct incoming *incoming = find_incoming(peer, packet.ssrc);
  rtp_extension_read_some(&packet, &peer->extensions,
                          incoming ? ~(NAMING_EXTENSIONS | UNREAD_EXTENSIONS) : ~UNREAD_EXTENSIONS, &x);
  if (RTP_EXTENSION_HAS(&x, TRANSPORT_SEQUENCE)) note_arrival(peer, x.transport_sequence, now_us);
  if (!incoming) incoming = bind_ssrc(peer, packet.ssrc, &x, now_us);
  struct incoming *media = incoming && !incoming->stream ? incoming->media : incoming;
  if (!media || !media->stream) {
    counters->drops[ENGINE_DROP_UNKNOWN_SSRC]++;
    return;
  }
  struct rtp_media_packet *out = fan_out_reserve(peer->engine, now_us);
  enum rtp_drop_reason reason = rtp_incoming_stream_receive(media->stream, &packet, &x, now_us, out);
  if (reason != RTP_DROP_NONE) {
    counters->rtp_drops[reason]++;
    return;
  }
  struct track *track = media->section->track;
  if (!track) {
    counters->drops[ENGINE_DROP_NO_TRACK]++;
    return;
  }
  if (!media->heard && !out->padding_only) {
    media->heard_us = now_us;
    media->heard = true; /* a layer begins, usually with a key frame: whoever wants it shall have this very packet */
    track_note_format(track, out, now_us);
  }
  track_forward(track, media->layer, out, now_us);
}
