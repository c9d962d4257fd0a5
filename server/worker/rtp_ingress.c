/* server/worker/rtp_ingress.c: an RTP packet's way from its peer to its track: whose SSRC is it, which layer, what is in it.
 *
 * An SSRC is bound to an m-line by what its packets say (mid, rid, repaired-rid: RFC 9143, RFC 8852) or by the offer's a=ssrc
 * lines (RFC 5576); without either it is dropped. Bindings are capped, and made only from authenticated packets.
 */
#include <string.h>

#include "rtp/packet.h"
#include "server/worker/engine.h"

static struct incoming *find_incoming(struct peer *peer, uint32_t ssrc) {
  if (peer->incoming_last < peer->incoming_count && peer->incoming[peer->incoming_last].ssrc == ssrc) {
    return &peer->incoming[peer->incoming_last];
  }
  for (size_t i = 0; i < peer->incoming_count; i++) {
    if (peer->incoming[i].ssrc != ssrc) continue;
    peer->incoming_last = i;
    return &peer->incoming[i];
  }
  return NULL;
}

static int layer_of_rid(const struct section *section, const struct rtp_text *rid) {
  for (int i = 0; i < section->rid_count; i++) {
    if (strlen(section->rids[i]) == rid->len && memcmp(section->rids[i], rid->data, rid->len) == 0) return i;
  }
  return -1;
}

/* The m-line whose offer announced this SSRC; *rtx_of is the media SSRC when it was announced as a repair. */
static struct section *find_announced(const struct peer *peer, uint32_t ssrc, uint32_t *rtx_of) {
  for (size_t i = 0; i < peer->section_count; i++) {
    struct section *section = peer->sections[i];
    for (size_t k = 0; k + 1 < section->announced_count; k += 2) {
      *rtx_of = section->announced[k + 1] == ssrc ? section->announced[k] : 0;
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

static struct incoming *add_incoming(struct peer *peer, struct section *section, uint32_t ssrc, int layer) {
  if (peer->incoming_count == ENGINE_MAX_INCOMING) {
    peer->engine->counters.drops[ENGINE_DROP_SSRC_LIMIT]++;
    return NULL;
  }
  struct incoming *incoming = &peer->incoming[peer->incoming_count++];
  *incoming = (struct incoming){.ssrc = ssrc, .section = section, .layer = (uint8_t)layer};
  return incoming;
}

static void remove_incoming(struct peer *peer, size_t index) {
  struct incoming *gone = &peer->incoming[index];
  if (gone->stream) {
    struct peer *other, *next;
    HASH_ITER(hh, peer->engine->peers, other, next) {
      if (other->room != peer->room) continue;
      for (size_t i = 0; i < other->section_count; i++) {
        if (other->sections[i]->slot) rtp_outgoing_stream_forget(other->sections[i]->slot->out, gone->stream);
      }
    }
    rtp_incoming_stream_free(gone->stream);
  }
  gone->stream = NULL;
}

void peer_forget_incoming(struct peer *peer, struct section *section) {
  size_t kept = 0;
  for (size_t i = 0; i < peer->incoming_count; i++) {
    if (section && peer->incoming[i].section != section) continue;
    if (peer->incoming[i].section->track)
      memset(peer->incoming[i].section->track->layers, 0, sizeof peer->incoming[i].section->track->layers);
    remove_incoming(peer, i);
    peer->incoming[i].section = NULL;
  }
  for (size_t i = 0; i < peer->incoming_count; i++) {
    if (peer->incoming[i].section) peer->incoming[kept++] = peer->incoming[i];
  }
  peer->incoming_count = kept;
  /* The array moved: tracks and repairs point into it. */
  for (size_t i = 0; i < kept; i++) {
    struct incoming *incoming = &peer->incoming[i];
    if (incoming->stream && incoming->section->track) incoming->section->track->layers[incoming->layer] = incoming;
  }
  for (size_t i = 0; i < kept; i++) {
    struct incoming *incoming = &peer->incoming[i];
    if (!incoming->stream) incoming->media = media_of_layer(peer, incoming->section, incoming->layer);
  }
}

/* A new media SSRC. One that takes over a layer which already has one (the sender restarted its encoder with a new SSRC)
 * replaces it. */
static struct incoming *bind_media(struct peer *peer, struct section *section, uint32_t ssrc, uint32_t rtx_ssrc,
                                   int layer) {
  struct incoming *old = media_of_layer(peer, section, layer);
  if (old) {
    remove_incoming(peer, (size_t)(old - peer->incoming));
    *old = peer->incoming[--peer->incoming_count];
    if (section->track) section->track->layers[layer] = NULL;
    for (size_t i = 0; i < peer->incoming_count; i++) {
      struct incoming *other = &peer->incoming[i];
      if (other->stream && other->section->track) other->section->track->layers[other->layer] = other;
      if (!other->stream) other->media = media_of_layer(peer, other->section, other->layer);
    }
  }
  struct incoming *incoming = add_incoming(peer, section, ssrc, layer);
  if (!incoming) return NULL;
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

static struct incoming *bind_repair(struct peer *peer, struct section *section, uint32_t ssrc, struct incoming *media) {
  size_t media_index = (size_t)(media - peer->incoming);
  struct incoming *incoming = add_incoming(peer, section, ssrc, media->layer);
  if (!incoming) return NULL;
  incoming->media = &peer->incoming[media_index];
  rtp_incoming_stream_set_rtx_ssrc(incoming->media->stream, ssrc);
  return incoming;
}

static struct incoming *bind_ssrc(struct peer *peer, uint32_t ssrc, const struct rtp_extension_values *x) {
  struct section *section = NULL;
  if (x->mid.len) section = peer_find_section(peer, x->mid.data, x->mid.len);
  if (section && section->sends && x->repaired_rid.len) {
    int layer = layer_of_rid(section, &x->repaired_rid);
    struct incoming *media = layer < 0 ? NULL : media_of_layer(peer, section, layer);
    return media ? bind_repair(peer, section, ssrc, media) : NULL;
  }
  if (section && section->sends && x->rid.len) {
    int layer = layer_of_rid(section, &x->rid);
    return layer < 0 ? NULL : bind_media(peer, section, ssrc, 0, layer);
  }
  uint32_t rtx_of = 0;
  struct section *announced = find_announced(peer, ssrc, &rtx_of);
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
  return bind_media(peer, section, ssrc, rtx_ssrc, 0);
}

void peer_receive_rtp(struct peer *peer, uint8_t *data, size_t len, int64_t now_us) {
  struct engine_counters *counters = &peer->engine->counters;
  struct rtp_packet packet;
  if (rtp_packet_parse(&packet, data, len)) {
    counters->drops[ENGINE_DROP_BAD_RTP]++;
    return;
  }
  counters->rtp_in++;
  counters->rtp_in_bytes += len;
  struct rtp_extension_values x;
  rtp_extension_read(&packet, &peer->extensions, &x);
  if (peer->recorder && RTP_EXTENSION_HAS(&x, TRANSPORT_SEQUENCE)) {
    transport_feedback_arrived(peer->recorder, x.transport_sequence, now_us);
  }
  struct incoming *incoming = find_incoming(peer, packet.ssrc);
  if (!incoming) incoming = bind_ssrc(peer, packet.ssrc, &x);
  struct incoming *media = incoming && !incoming->stream ? incoming->media : incoming;
  if (!media || !media->stream) {
    counters->drops[ENGINE_DROP_UNKNOWN_SSRC]++;
    return;
  }
  struct rtp_media_packet out;
  enum rtp_drop_reason reason = rtp_incoming_stream_receive(media->stream, &packet, &x, now_us, &out);
  if (reason != RTP_DROP_NONE) {
    counters->rtp_drops[reason]++;
    return;
  }
  struct track *track = media->section->track;
  if (!track) {
    counters->drops[ENGINE_DROP_NO_TRACK]++;
    return;
  }
  track_forward(track, &out, now_us);
}
