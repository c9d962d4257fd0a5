/* server/worker/negotiation.c: a client's offer becomes sections, slots and an answer (design §4).
 *
 * Every offer describes the whole connection: known m-lines keep what they have, new ones are added, stopped ones and those that
 * are in it no more (their place in the SDP went to a new mid) are dropped. A slot whose m-line receives no more is closed and
 * keeps its SSRC for the day it receives again.
 * What a client receives it may get in any codec that both sides have; what it sends is what the whole room can decode.
 */
#include <stdlib.h>
#include <string.h>

#include "ice/cache_line.h"
#include "server/worker/engine.h"
#include "signaling/sdp_json.h"

static struct section *get_section(struct peer *peer, const struct sdp_media *media) {
  struct section *section = peer_find_section(peer, media->mid, strlen(media->mid));
  if (section || peer->section_count == ENGINE_MAX_SECTIONS) return section;
  section = calloc(1, sizeof *section);
  if (!section) return NULL;
  strncpy(section->mid, media->mid, sizeof section->mid - 1);
  section->kind = media->kind == SDP_AUDIO ? ROOM_AUDIO : ROOM_VIDEO;
  peer->sections[peer->section_count++] = section;
  return section;
}

static const struct sdp_codec *find_codec(const struct sdp_media *media, int pt) {
  for (size_t i = 0; i < media->codec_count; i++) {
    if (media->codecs[i].pt == pt) return &media->codecs[i];
  }
  return NULL;
}

/* Layers that we would not know to tell apart are not accepted: the answer loses them. */
static void read_rids(struct section *section, struct sdp_answer_media *answer) {
  section->rid_count = 0;
  memset(section->rids, 0, sizeof section->rids);
  for (size_t i = 0; i < answer->rid_count && section->rid_count < ROOM_RIDS; i++) {
    if (strlen(answer->rids[i]) >= sizeof section->rids[0]) continue;
    answer->rids[section->rid_count] = answer->rids[i];
    strncpy(section->rids[section->rid_count++], answer->rids[i], sizeof section->rids[0] - 1);
  }
  answer->rid_count = section->rid_count;
}

static void read_sender(struct section *section, const struct sdp_media *media, struct sdp_answer_media *answer) {
  read_rids(section, answer);
  section->format_count = 0;
  memset(section->formats, 0, sizeof section->formats);
  for (size_t i = 0; i < answer->pt_count && section->format_count < RTP_MAX_FORMATS; i++) {
    const struct sdp_codec *codec = find_codec(media, answer->pts[i]);
    int format = codec ? media_format_of(media->kind, codec) : -1;
    if (format < 0) continue;
    if (section->format_count == 0) section->nack = codec->feedback & SDP_FEEDBACK_NACK;
    section->formats[section->format_count++] = (struct rtp_incoming_format){
        .payload_type = codec->pt,
        .rtx_payload_type = codec->rtx_pt == SDP_NO_PT ? 0 : (uint8_t)codec->rtx_pt,
        .format = (uint8_t)format,
        .codec = media_format_codec((enum media_format)format),
    };
  }
  section->announced_count = 0;
  for (size_t i = 0; i < media->ssrc_count && section->announced_count + 2 <= ENGINE_MAX_ANNOUNCED; i++) {
    section->announced[section->announced_count++] = media->ssrcs[i].ssrc;
    section->announced[section->announced_count++] = media->ssrcs[i].rtx_ssrc;
  }
  section->sends = section->format_count > 0;
}

static bool same_formats(const struct section *a, const struct section *b) {
  for (size_t i = 0; i < RTP_MAX_FORMATS; i++) {
    const struct rtp_incoming_format *x = &a->formats[i], *y = &b->formats[i];
    if (x->payload_type != y->payload_type || x->rtx_payload_type != y->rtx_payload_type || x->format != y->format)
      return false;
  }
  return a->format_count == b->format_count && a->nack == b->nack;
}

/* What the m-line may send from now on. Streams that were bound under other rules are bound anew by their next packet. */
static void update_sender(struct peer *peer, struct section *section, const struct sdp_media *media,
                          struct sdp_answer_media *answer) {
  const struct section before = *section;
  section->sends = false;
  if (answer->accepted && (media->direction & SDP_SENDONLY)) read_sender(section, media, answer);
  bool same = section->rid_count == before.rid_count && memcmp(section->rids, before.rids, sizeof before.rids) == 0 &&
              same_formats(section, &before);
  if (before.sends && !(section->sends && same)) peer_forget_incoming(peer, section);
}

/* Puts the codecs that the room can decode in front, and leaves the others away, in what the client will send. */
static void prefer_room_codecs(struct peer *peer, struct section *section, const struct sdp_media *media,
                               struct sdp_answer_media *answer) {
  const char *names[SDP_VIDEO_CODECS];
  char list[64] = "";
  if (section->kind == ROOM_VIDEO) {
    size_t count = room_manager_codecs(peer->engine->manager, peer->participant, ROOM_VIDEO, names, SDP_VIDEO_CODECS);
    for (size_t i = 0; i < count; i++) {
      if (i) strncat(list, ",", sizeof list - strlen(list) - 1);
      strncat(list, names[i], sizeof list - strlen(list) - 1);
    }
    struct sdp_policy policy = peer->engine->policy;
    uint8_t pts[SDP_MAX_PTS];
    if (count && sdp_policy_set_video(&policy, list) == 0) {
      size_t chosen = sdp_choose_codecs(media, &policy, pts);
      if (chosen) {
        memcpy(answer->pts, pts, chosen);
        answer->pt_count = chosen;
      }
    }
  }
  const struct sdp_codec *first = find_codec(media, answer->pts[0]);
  memset(section->codec, 0, sizeof section->codec);
  if (first) strncpy(section->codec, first->name, sizeof section->codec - 1);
}

static bool uses_ssrc(const struct peer *peer, uint32_t ssrc) {
  for (size_t i = 0; i < peer->section_count; i++) {
    const struct slot *slot = peer->sections[i]->slot;
    if (slot && (slot->ssrc == ssrc || slot->rtx_ssrc == ssrc)) return true;
  }
  for (size_t i = 0; i < peer->incoming_count; i++) {
    if (peer->incoming[i].ssrc == ssrc) return true;
  }
  return peer->ssrc == ssrc;
}

/* RFC 3550 §8: one SSRC space per RTP session, which is the whole bundle, both ways. */
static uint32_t fresh_ssrc(const struct peer *peer, uint32_t but_not) {
  uint32_t ssrc;
  do {
    ssrc = engine_random32();
  } while (ssrc == but_not || uses_ssrc(peer, ssrc));
  return ssrc;
}

static void add_extensions(struct rtp_extension_map *map, const struct sdp_answer_media *answer) {
  for (size_t i = 0; i < answer->extension_count; i++) {
    const struct sdp_extension *extension = &answer->extensions[i];
    enum rtp_extension known = rtp_extension_from_uri(extension->uri, strlen(extension->uri));
    if (known != RTP_EXTENSION_NONE) rtp_extension_map_add(map, extension->id, known);
  }
}

static struct slot *open_slot(struct peer *peer, struct section *section, const struct sdp_media *media,
                              const struct sdp_answer_media *answer) {
  /* This m-line's own: a number of transport-cc on packets whose receiver counts none would look like loss. */
  struct rtp_extension_map extensions;
  rtp_extension_map_init(&extensions);
  add_extensions(&extensions, answer);
  struct rtp_outgoing_config config = {
      .ssrc = fresh_ssrc(peer, 0),
      .video = section->kind == ROOM_VIDEO,
      .two_byte = peer->two_byte_extensions,
      .mid = section->mid,
      .extensions = &extensions,
      .first_seq =
          (uint16_t)(engine_random32() & 0x7fff), /* RFC 3711 §3.3.1: a start far from the wrap keeps the ROC certain */
      .first_rtx_seq = (uint16_t)(engine_random32() & 0x7fff),
      .first_timestamp = engine_random32(),
      .red_format = MEDIA_FORMAT_RED,
      .red_inner = MEDIA_FORMAT_OPUS,
  };
  bool takes_red = false;
  uint32_t formats = 0;
  for (size_t i = 0; i < answer->pt_count; i++) {
    const struct sdp_codec *codec = find_codec(media, answer->pts[i]);
    int have = codec ? media_format_of(media->kind, codec) : -1;
    for (int sent = 0; have >= 0 && sent < MEDIA_FORMAT_COUNT; sent++) {
      if (!media_format_decodes((enum media_format)have, (enum media_format)sent)) continue;
      if (config.formats[sent].payload_type && have != sent) continue;
      if (sent == MEDIA_FORMAT_RED) takes_red = true;
      formats |= 1u << sent;
      config.formats[sent].payload_type = codec->pt;
      config.formats[sent].rtx_payload_type = codec->rtx_pt == SDP_NO_PT ? 0 : (uint8_t)codec->rtx_pt;
      if (codec->rtx_pt != SDP_NO_PT && !config.rtx_ssrc) config.rtx_ssrc = fresh_ssrc(peer, config.ssrc);
    }
  }
  struct slot *slot = cache_line_alloc(sizeof *slot);
  if (!slot) return NULL;
  slot->peer = peer;
  slot->section = section;
  slot->ssrc = config.ssrc;
  slot->rtx_ssrc = config.rtx_ssrc;
  slot->takes_red = takes_red;
  slot->formats = formats;
  slot->view.visible = true;
  slot->share = LAYER_NONE;
  slot->link_slot = DOWNLINK_NO_SLOT;
  if (rtp_outgoing_stream_create(&slot->out, &config) || !congestion_add_slot(slot) ||
      peer_transport_add_sender(peer->transport, slot->ssrc, &slot->sender) ||
      (slot->rtx_ssrc && peer_transport_add_sender(peer->transport, slot->rtx_ssrc, &slot->rtx_sender))) {
    if (slot->out) congestion_remove_slot(slot);
    rtp_outgoing_stream_free(slot->out);
    if (slot->sender) peer_transport_remove_sender(peer->transport, slot->sender);
    free(slot);
    return NULL;
  }
  section->slot = slot;
  return slot;
}

static size_t read_fingerprints(const struct sdp_offer *offer, struct ice_fingerprint *out) {
  size_t count = 0;
  for (size_t i = 0; i < offer->fingerprint_count; i++)
    count += ice_fingerprint_parse(&out[count], offer->fingerprints[i].algorithm, offer->fingerprints[i].value);
  return count;
}

/* The DTLS association lives on through every later offer, so its certificate does. Another fingerprint is another client (or
 * somebody in the signaling's way), and answering it would say that we talk to that one. */
static bool same_fingerprints(const struct peer *peer, const struct sdp_offer *offer) {
  struct ice_fingerprint given[SDP_MAX_FINGERPRINTS];
  size_t count = read_fingerprints(offer, given), known = 0;
  for (size_t i = 0; i < count; i++) {
    for (size_t k = 0; k < peer->fingerprint_count; k++) {
      const struct ice_fingerprint *f = &peer->fingerprints[k];
      if (strcmp(f->algorithm, given[i].algorithm) != 0 || memcmp(f->bytes, given[i].bytes, f->len) != 0) continue;
      known++;
      break;
    }
  }
  return count > 0 && known == count;
}

static int set_up_transport(struct peer *peer, const struct sdp_offer *offer, int64_t now_us) {
  if (peer->transport) {
    if (peer_transport_state(peer->transport) == PEER_CLOSED || !same_fingerprints(peer, offer)) return -1;
    if (strcmp(peer->remote_ufrag, offer->ice_ufrag) == 0) return 0;
    peer->transport_due_us = 0;
    if (peer_transport_restart_ice(peer->transport, offer->ice_ufrag, offer->ice_pwd, now_us)) return -1;
    strncpy(peer->remote_ufrag, offer->ice_ufrag, sizeof peer->remote_ufrag - 1);
    return engine_put_ufrag(peer->engine, peer_transport_local_ufrag(peer->transport), peer);
  }
  if (peer_open_transport(peer, now_us)) return -1;
  peer->fingerprint_count = read_fingerprints(offer, peer->fingerprints);
  struct peer_remote remote = {
      .ufrag = offer->ice_ufrag,
      .pwd = offer->ice_pwd,
      .fingerprints = peer->fingerprints,
      .fingerprint_count = peer->fingerprint_count,
      .sctp_port = offer->sctp.present ? offer->sctp.port : 0,
  };
  strncpy(peer->remote_ufrag, offer->ice_ufrag, sizeof peer->remote_ufrag - 1);
  peer->two_byte_extensions = offer->extmap_allow_mixed;
  peer->data_channels = offer->sctp.present;
  peer->transport_due_us = 0;
  int error = peer_transport_set_remote(peer->transport, &remote, now_us);
  if (error) peer_close_transport(peer); /* the next offer begins anew */
  return error;
}

static void learn_extensions(struct peer *peer, const struct sdp_answer *answer) {
  for (size_t i = 0; i < answer->media_count; i++) {
    if (answer->media[i].accepted) add_extensions(&peer->extensions, &answer->media[i]);
  }
}

/* The mids that are gone, and whether the others are still what they were: a mid has one kind for ever (RFC 8829 §5.2.2). */
static bool drop_gone_sections(struct peer *peer, const struct sdp_offer *offer, int64_t now_us) {
  for (size_t i = 0; i < peer->section_count; i++) {
    const struct sdp_media *media = sdp_offer_find(offer, peer->sections[i]->mid);
    enum sdp_kind kind = peer->sections[i]->kind == ROOM_AUDIO ? SDP_AUDIO : SDP_VIDEO;
    if (media && media->unusable == SDP_USABLE && media->kind != kind) return false;
  }
  for (size_t i = peer->section_count; i > 0; i--) {
    const struct sdp_media *media = sdp_offer_find(offer, peer->sections[i - 1]->mid);
    if (!media || media->unusable != SDP_USABLE) peer_drop_section(peer, i - 1, now_us);
  }
  return true;
}

/* One m-line of offer and answer. 0, or -1: no memory, or more SSRCs than a session may have. */
static int apply_media(struct peer *peer, const struct sdp_media *media, struct sdp_answer_media *answer,
                       int64_t now_us) {
  if (media->unusable != SDP_USABLE) return 0;
  struct section *section = get_section(peer, media);
  if (!section) return -1;
  update_sender(peer, section, media, answer);
  if (section->sends) prefer_room_codecs(peer, section, media, answer);
  struct slot *slot = section->slot;
  if (!answer->accepted || !(media->direction & SDP_RECVONLY)) {
    if (slot) slot->open = false;
    if (slot) slot_assign(slot, NULL, now_us);
    return 0;
  }
  if (!slot) slot = open_slot(peer, section, media, answer);
  if (!slot) return -1;
  slot->open = true;
  answer->ssrc = (struct sdp_ssrc){.ssrc = slot->ssrc, .rtx_ssrc = slot->rtx_ssrc};
  answer->cname = ENGINE_CNAME;
  return 0;
}

static void describe_transport(const struct peer *peer, struct sdp_answer *answer, struct ice_candidate *candidates,
                               char text[][ICE_ADDRESS_TEXT_BYTES]) {
  const struct engine *engine = peer->engine;
  answer->ice_ufrag = peer_transport_local_ufrag(peer->transport);
  answer->ice_pwd = peer_transport_local_pwd(peer->transport);
  answer->fingerprint = (struct sdp_fingerprint){"sha-256", peer_transport_context_fingerprint(engine->transports)};
  answer->candidate_count = ice_candidates_make(candidates, ICE_MAX_CANDIDATES, engine->candidate_addresses,
                                                engine->candidate_count, engine->port);
  for (size_t i = 0; i < answer->candidate_count; i++) {
    answer->candidates[i] = (struct sdp_candidate){
        .address = ice_address_text(&candidates[i].address, false, text[i]),
        .foundation = candidates[i].foundation,
        .port = engine->port,
        .priority = candidates[i].priority,
    };
  }
}

static void tell_room(struct peer *peer, const struct sdp_answer *answer, int64_t now_us) {
  struct room_sender senders[ROOM_MAX_SENDERS] = {0};
  struct room_slot slots[ROOM_MAX_SLOTS] = {0};
  struct room_negotiation negotiation = {.senders = senders, .slots = slots};
  for (size_t i = 0; i < peer->section_count; i++) {
    const struct section *section = peer->sections[i];
    if (section->sends && negotiation.sender_count < ROOM_MAX_SENDERS) {
      struct room_sender *sender = &senders[negotiation.sender_count++];
      memcpy(sender->mid, section->mid, sizeof sender->mid);
      sender->kind = section->kind;
      sender->rid_count = section->rid_count;
      memcpy(sender->rids, section->rids, sizeof sender->rids);
      memcpy(sender->codec, section->codec, sizeof sender->codec);
    }
    if (section->slot && section->slot->open && negotiation.slot_count < ROOM_MAX_SLOTS) {
      struct room_slot *slot = &slots[negotiation.slot_count++];
      memcpy(slot->mid, section->mid, sizeof slot->mid);
      slot->kind = section->kind;
    }
  }
  json_t *json = sdp_answer_to_json(answer);
  if (json) {
    room_manager_media_negotiated(peer->engine->manager, peer->participant, json, &negotiation, now_us);
  } else {
    room_manager_media_refused(peer->engine->manager, peer->participant, "internal", NULL, now_us);
  }
  json_decref(json);
}

static const char *apply_offer(struct peer *peer, const struct sdp_offer *offer, struct sdp_answer **out,
                               int64_t now_us) {
  if (set_up_transport(peer, offer, now_us) || !drop_gone_sections(peer, offer, now_us)) return "bad_offer";
  struct sdp_answer *answer;
  struct sdp_policy policy = peer->engine->policy;
  if (!peer->data_channels) policy.data = false; /* SCTP begins with DTLS or not at all */
  if (sdp_choose_answer(&answer, offer, &policy)) return "internal";
  *out = answer;
  learn_extensions(peer, answer);
  size_t wanted = 0, usable = 0;
  for (size_t i = 0; i < offer->media_count; i++) {
    const struct sdp_media *media = &offer->media[i];
    struct sdp_answer_media *section = sdp_answer_find(answer, media->mid);
    if (!section || (media->kind != SDP_AUDIO && media->kind != SDP_VIDEO)) continue;
    if (media->unusable == SDP_USABLE) wanted++;
    if (section->accepted) usable++;
    if (apply_media(peer, media, section, now_us)) return "internal";
  }
  return wanted && !usable ? "no_common_codec" : NULL;
}

void peer_negotiate(struct peer *peer, const json_t *json, int64_t now_us) {
  struct room_manager *manager = peer->engine->manager;
  struct sdp_offer *offer;
  struct sdp_json_fault fault = {""};
  if (sdp_offer_from_json(&offer, json, &fault)) {
    room_manager_media_refused(manager, peer->participant, "bad_offer", fault.key, now_us);
    return;
  }
  struct sdp_answer *answer = NULL;
  const char *refusal = apply_offer(peer, offer, &answer, now_us);
  if (refusal) {
    room_manager_media_refused(manager, peer->participant, refusal, NULL, now_us);
  } else {
    struct ice_candidate candidates[ICE_MAX_CANDIDATES];
    char text[ICE_MAX_CANDIDATES][ICE_ADDRESS_TEXT_BYTES];
    describe_transport(peer, answer, candidates, text);
    tell_room(peer, answer, now_us);
  }
  sdp_answer_free(answer);
  sdp_offer_free(offer);
}
