/* server/worker/negotiation.c: a client's offer becomes sections, slots and an answer (design §4).
 *
 * Every offer describes the whole connection: known m-lines keep what they have, new ones are added, stopped ones are emptied.
 * What a client receives it may get in any codec that both sides have; what it sends is what the whole room can decode.
 */
#include <stdlib.h>
#include <string.h>

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

static void read_sender(struct section *section, const struct sdp_media *media, const struct sdp_answer_media *answer) {
  section->sends = true;
  section->rid_count = 0;
  for (size_t i = 0; i < answer->rid_count && i < ROOM_RIDS; i++) {
    if (strlen(answer->rids[i]) >= sizeof section->rids[0]) continue;
    strncpy(section->rids[section->rid_count++], answer->rids[i], sizeof section->rids[0] - 1);
  }
  section->format_count = 0;
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

static int open_slot(struct peer *peer, struct section *section, const struct sdp_media *media,
                     const struct sdp_answer_media *answer) {
  struct rtp_outgoing_config config = {
      .ssrc = engine_random32(),
      .video = section->kind == ROOM_VIDEO,
      .two_byte = peer->two_byte_extensions,
      .mid = section->mid,
      .extensions = &peer->extensions,
      .first_seq =
          (uint16_t)(engine_random32() & 0x7fff), /* RFC 3711 §3.3.1: a start far from the wrap keeps the ROC certain */
      .first_rtx_seq = (uint16_t)(engine_random32() & 0x7fff),
      .first_timestamp = engine_random32(),
  };
  bool takes_red = false;
  for (size_t i = 0; i < answer->pt_count; i++) {
    const struct sdp_codec *codec = find_codec(media, answer->pts[i]);
    int have = codec ? media_format_of(media->kind, codec) : -1;
    for (int sent = 0; have >= 0 && sent < MEDIA_FORMAT_COUNT; sent++) {
      if (!media_format_decodes((enum media_format)have, (enum media_format)sent)) continue;
      if (config.formats[sent].payload_type && have != sent) continue;
      if (sent == MEDIA_FORMAT_RED) takes_red = true;
      config.formats[sent].payload_type = codec->pt;
      config.formats[sent].rtx_payload_type = codec->rtx_pt == SDP_NO_PT ? 0 : (uint8_t)codec->rtx_pt;
      if (codec->rtx_pt != SDP_NO_PT && !config.rtx_ssrc) config.rtx_ssrc = engine_random32();
    }
  }
  struct slot *slot = calloc(1, sizeof *slot);
  if (!slot) return -1;
  slot->peer = peer;
  slot->section = section;
  slot->ssrc = config.ssrc;
  slot->rtx_ssrc = config.rtx_ssrc;
  slot->takes_red = takes_red;
  slot->view.visible = true;
  if (rtp_outgoing_stream_create(&slot->out, &config) ||
      peer_transport_add_sender(peer->transport, slot->ssrc, &slot->sender) ||
      (slot->rtx_ssrc && peer_transport_add_sender(peer->transport, slot->rtx_ssrc, &slot->rtx_sender))) {
    rtp_outgoing_stream_free(slot->out);
    if (slot->sender) peer_transport_remove_sender(peer->transport, slot->sender);
    free(slot);
    return -1;
  }
  section->slot = slot;
  return 0;
}

static int set_up_transport(struct peer *peer, const struct sdp_offer *offer, int64_t now_us) {
  if (peer->transport) {
    if (strcmp(peer->remote_ufrag, offer->ice_ufrag) == 0) return 0;
    if (peer_transport_restart_ice(peer->transport, offer->ice_ufrag, offer->ice_pwd, now_us)) return -1;
    strncpy(peer->remote_ufrag, offer->ice_ufrag, sizeof peer->remote_ufrag - 1);
    return engine_put_ufrag(peer->engine, peer_transport_local_ufrag(peer->transport), peer);
  }
  if (peer_open_transport(peer, now_us)) return -1;
  struct ice_fingerprint fingerprints[SDP_MAX_FINGERPRINTS];
  size_t count = 0;
  for (size_t i = 0; i < offer->fingerprint_count; i++) {
    count +=
        ice_fingerprint_parse(&fingerprints[count], offer->fingerprints[i].algorithm, offer->fingerprints[i].value);
  }
  struct peer_remote remote = {
      .ufrag = offer->ice_ufrag,
      .pwd = offer->ice_pwd,
      .fingerprints = fingerprints,
      .fingerprint_count = count,
      .sctp_port = offer->sctp.present ? offer->sctp.port : 0,
  };
  strncpy(peer->remote_ufrag, offer->ice_ufrag, sizeof peer->remote_ufrag - 1);
  peer->two_byte_extensions = offer->extmap_allow_mixed;
  return peer_transport_set_remote(peer->transport, &remote, now_us);
}

static void learn_extensions(struct peer *peer, const struct sdp_answer *answer) {
  for (size_t m = 0; m < answer->media_count; m++) {
    for (size_t i = 0; answer->media[m].accepted && i < answer->media[m].extension_count; i++) {
      const struct sdp_extension *extension = &answer->media[m].extensions[i];
      enum rtp_extension known = rtp_extension_from_uri(extension->uri, strlen(extension->uri));
      if (known != RTP_EXTENSION_NONE) rtp_extension_map_add(&peer->extensions, extension->id, known);
    }
  }
  if (peer->extensions.id_of[RTP_EXTENSION_TRANSPORT_SEQUENCE] == 0 || peer->recorder) return;
  peer->recorder = malloc(sizeof *peer->recorder);
  peer->history = malloc(sizeof *peer->history);
  if (peer->recorder) transport_feedback_recorder_init(peer->recorder);
  if (peer->history) transport_send_history_init(peer->history);
}

/* One m-line of offer and answer. 0, or -1 without memory. */
static int apply_media(struct peer *peer, const struct sdp_media *media, struct sdp_answer_media *answer) {
  struct section *section = get_section(peer, media);
  if (!section) return -1;
  if (!answer->accepted) {
    section->sends = false;
    if (section->slot) rtp_outgoing_stream_pause(section->slot->out, true);
    return 0;
  }
  section->sends = media->direction & SDP_SENDONLY;
  if (section->sends) {
    read_sender(section, media, answer);
    prefer_room_codecs(peer, section, media, answer);
  }
  if (!(media->direction & SDP_RECVONLY)) return 0;
  if (!section->slot && open_slot(peer, section, media, answer)) return -1;
  answer->ssrc = (struct sdp_ssrc){.ssrc = section->slot->ssrc, .rtx_ssrc = section->slot->rtx_ssrc};
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
    if (section->slot && negotiation.slot_count < ROOM_MAX_SLOTS) {
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
  if (set_up_transport(peer, offer, now_us)) return "bad_offer";
  struct sdp_answer *answer;
  if (sdp_choose_answer(&answer, offer, &peer->engine->policy)) return "internal";
  *out = answer;
  learn_extensions(peer, answer);
  size_t wanted = 0, usable = 0;
  for (size_t i = 0; i < offer->media_count; i++) {
    const struct sdp_media *media = &offer->media[i];
    struct sdp_answer_media *section = sdp_answer_find(answer, media->mid);
    if (!section || (media->kind != SDP_AUDIO && media->kind != SDP_VIDEO)) continue;
    if (media->unusable == SDP_USABLE) wanted++;
    if (section->accepted) usable++;
    if (apply_media(peer, media, section)) return "internal";
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
