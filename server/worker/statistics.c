/* server/worker/statistics.c: see the header. */
#include "server/worker/statistics.h"

#include <string.h>

static void set_number(json_t *object, const char *key, uint64_t value) {
  json_object_set_new(object, key, json_integer((json_int_t)value));
}

static json_t *incoming_json(const struct incoming *incoming, int64_t now_us) {
  struct rtp_incoming_stats stats;
  rtp_incoming_stream_stats(incoming->stream, now_us, &stats);
  const struct section *section = incoming->section;
  return json_pack("{s:s, s:b, s:s, s:I, s:I, s:i, s:i, s:i, s:i, s:f, s:I, s:I, s:I}", "rid",
                   section->rid_count ? section->rids[incoming->layer] : "", "live",
                   rtp_incoming_stream_is_live(incoming->stream, now_us), "codec",
                   rtp_codec_name((enum rtp_codec)stats.codec), "bitrateBps", (json_int_t)stats.bitrate_bps, "packets",
                   (json_int_t)stats.packets, "lost", stats.lost, "width", stats.width, "height", stats.height, "fps",
                   stats.fps, "lossFraction", stats.fraction_lost / 256.0, "jitterUs", (json_int_t)stats.jitter_us,
                   "keyframes", (json_int_t)stats.keyframes, "nacks", (json_int_t)stats.nacks_sent);
}

static void decorate_track(void *arg, uint32_t handle, json_t *object) {
  struct engine *engine = arg;
  struct track *track = engine_find_track(engine, handle);
  if (!track) return;
  json_t *layers = json_array();
  uint64_t bitrate = 0;
  for (size_t i = 0; i < ENGINE_MAX_LAYERS; i++) {
    if (!track->layers[i]) continue;
    struct rtp_incoming_stats stats;
    rtp_incoming_stream_stats(track->layers[i]->stream, engine->now_us, &stats);
    bitrate += stats.bitrate_bps;
    json_array_append_new(layers, incoming_json(track->layers[i], engine->now_us));
  }
  json_object_set_new(object, "received", layers);
  set_number(object, "bitrateBps", bitrate);
  set_number(object, "receivers", track->subscriber_count);
}

static json_t *slot_json(const struct slot *slot, int64_t now_us) {
  struct rtp_outgoing_stats stats;
  rtp_outgoing_stream_stats(slot->out, now_us, &stats);
  int layer = rtp_outgoing_stream_wanted_layer(slot->out);
  const struct section *source = slot->track->section;
  const char *rid = source && layer >= 0 && layer < source->rid_count ? source->rids[layer] : "";
  bool shared = slot->peer->link.governed && slot->section->kind == ROOM_VIDEO;
  return json_pack("{s:s, s:s, s:s*, s:i, s:I, s:I, s:i, s:f, s:I, s:I, s:I}", "mid", slot->section->mid, "layer", rid,
                   "limitedBy", shared ? allocation_reason_name(slot->share_reason) : NULL, "temporal",
                   slot->share_memory.temporal - 1, "bitrateBps", (json_int_t)stats.bitrate_bps, "packets",
                   (json_int_t)stats.packets, "lost", stats.lost, "lossFraction", stats.fraction_lost / 256.0, "rttUs",
                   (json_int_t)stats.rtt_us, "jitterUs", (json_int_t)stats.jitter_us, "rtxPackets",
                   (json_int_t)stats.rtx_packets);
}

static json_t *link_json(const struct peer *peer, int64_t now_us) {
  const struct congestion *c = &peer->link;
  struct bandwidth_state state;
  struct downlink_stats stats;
  bandwidth_estimator_state(downlink_estimator(c->downlink), now_us, &state);
  downlink_get_stats(c->downlink, &stats);
  return json_pack("{s:b, s:I, s:I, s:I, s:I, s:I, s:I, s:f, s:s, s:b, s:i, s:I}", "governed", (int)c->governed,
                   "targetBps", (json_int_t)state.target_bps, "usedBps", (json_int_t)c->used_bps, "wantedBps",
                   (json_int_t)c->wanted_bps, "provenBps", (json_int_t)state.proven_bps, "rttUs",
                   (json_int_t)state.rtt_us, "queueUs", (json_int_t)state.queue_us, "lossFraction", state.loss, "limit",
                   bandwidth_limit_name(state.limit), "audioOnly", (int)c->audio_only, "playoutMs",
                   (int)stats.playout_ms, "probes", (json_int_t)stats.probe_clusters);
}

static void decorate_participant(void *arg, uint32_t handle, json_t *object) {
  struct engine *engine = arg;
  struct peer *peer = engine_find_peer(engine, handle);
  if (!peer || !peer->transport) return;
  const struct peer_transport_stats *stats = peer_transport_stats(peer->transport);
  json_t *transport = json_object();
  json_object_set_new(transport, "state", json_string(peer_state_name(peer_transport_state(peer->transport))));
  set_number(transport, "rttUs", (uint64_t)stats->rtt_us);
  set_number(transport, "bytesReceived", stats->bytes_received);
  set_number(transport, "bytesSent", stats->bytes_sent);
  set_number(transport, "packetsReceived", stats->packets_received);
  set_number(transport, "packetsSent", stats->packets_sent);
  json_object_set_new(object, "transport", transport);
  json_t *sent = json_array();
  for (size_t i = 0; i < peer->section_count; i++) {
    const struct slot *slot = peer->sections[i]->slot;
    if (slot && slot->track) json_array_append_new(sent, slot_json(slot, engine->now_us));
  }
  json_object_set_new(object, "sent", sent);
  if (peer->link.downlink) json_object_set_new(object, "link", link_json(peer, engine->now_us));
}

struct room_decorator statistics_decorator(struct engine *engine) {
  return (struct room_decorator){.participant = decorate_participant, .track = decorate_track, .arg = engine};
}

static json_t *drops_json(const struct engine_counters *counters) {
  json_t *drops = json_object();
  for (int i = 1; i < ENGINE_DROP_COUNT; i++)
    set_number(drops, engine_drop_name((enum engine_drop)i), counters->drops[i]);
  for (int i = 1; i < RTP_DROP_COUNT; i++)
    set_number(drops, rtp_drop_reason_name((enum rtp_drop_reason)i), counters->rtp_drops[i]);
  for (int i = 1; i < ICE_DROP_REASONS; i++)
    set_number(drops, ice_drop_reason_name((enum ice_drop_reason)i), counters->ice_drops[i]);
  return drops;
}

static void add_sockets(const struct engine *engine, json_t *drops, json_t *stats) {
  uint64_t in_calls = 0, out_calls = 0, messages = 0, kernel = 0, truncated = 0, full = 0, refused = 0, gso = 0;
  for (size_t i = 0; i < engine->socket_count; i++) {
    const struct udp_counters *udp = udp_socket_counters(engine->sockets[i]);
    const struct egress_counters *egress = egress_batch_counters(udp_socket_egress(engine->sockets[i]));
    in_calls += udp->system_calls;
    kernel += udp->drop_kernel;
    truncated += udp->drop_truncated;
    out_calls += egress->system_calls;
    messages += egress->messages;
    full += egress->drop_full;
    refused += egress->drop_error;
    gso += egress->gso_refused;
  }
  set_number(drops, "kernel_receive_queue", kernel);
  set_number(drops, "truncated", truncated);
  set_number(drops, "socket_full", full);
  set_number(drops, "send_error", refused);
  set_number(stats, "receiveCalls", in_calls);
  set_number(stats, "sendCalls", out_calls);
  set_number(stats, "sendMessages", messages);
  set_number(stats, "gsoRefused", gso);
}

/* How many have which connection, and what their links cost. */
static void add_links(const struct engine *engine, json_t *stats) {
  uint64_t uplink[4] = {0}, downlink[4] = {0}, causes[5] = {0}, audio_only = 0, probes = 0, delayed = 0, cut = 0,
           target_bps = 0;
  const struct peer *peer;
  for (peer = engine->peers; peer; peer = peer->hh.next) {
    if (peer->quality.begun) {
      uplink[peer->quality.uplink.grade]++;
      downlink[peer->quality.downlink.grade]++;
      causes[peer->quality.cause]++;
    }
    if (!peer->link.downlink) continue;
    struct downlink_stats link;
    downlink_get_stats(peer->link.downlink, &link);
    audio_only += peer->link.audio_only;
    probes += link.probe_bytes;
    delayed += link.delayed;
    cut += link.cut;
    if (peer->link.governed) target_bps += bandwidth_estimator_bps(downlink_estimator(peer->link.downlink));
  }
  json_t *grades[2] = {json_object(), json_object()};
  for (int i = 0; i < 4; i++) {
    set_number(grades[0], room_grade_name((enum room_grade)i), uplink[i]);
    set_number(grades[1], room_grade_name((enum room_grade)i), downlink[i]);
  }
  json_object_set_new(stats, "quality", json_pack("{s:o, s:o}", "uplink", grades[0], "downlink", grades[1]));
  json_t *blamed = json_object();
  for (int i = 0; i < 5; i++)
    set_number(blamed, room_cause_name((enum room_cause)i), causes[i]);
  json_object_set_new(stats, "qualityCauses", blamed);
  set_number(stats, "audioOnly", audio_only);
  set_number(stats, "linkTargetBps", target_bps);
  set_number(stats, "probeBytes", probes);
  set_number(stats, "pacedPackets", delayed);
  set_number(stats, "cutPackets", cut);
}

json_t *statistics_worker(const struct engine *engine) {
  const struct engine_counters *c = &engine->counters;
  json_t *stats = json_object();
  if (!stats) return NULL;
  struct room_counts counts = room_manager_counts(engine->manager);
  set_number(stats, "rooms", counts.rooms);
  set_number(stats, "sessions", counts.sessions);
  set_number(stats, "participants", counts.participants);
  set_number(stats, "tracks", counts.tracks);
  set_number(stats, "waiting", counts.waiting);
  set_number(stats, "roomsDirect", counts.direct);
  set_number(stats, "peers", HASH_COUNT(engine->peers));
  set_number(stats, "addresses", address_map_size(engine->addresses));
  set_number(stats, "rtpPacketsIn", c->rtp_in);
  set_number(stats, "rtpPacketsUnopened", c->rtp_unopened);
  set_number(stats, "rtpPacketsOut", c->rtp_out);
  set_number(stats, "rtpBytesIn", c->rtp_in_bytes);
  set_number(stats, "rtpBytesOut", c->rtp_out_bytes);
  set_number(stats, "rtcpPacketsIn", c->rtcp_in);
  set_number(stats, "rtcpPacketsOut", c->rtcp_out);
  set_number(stats, "rtxPacketsOut", c->rtx_out);
  set_number(stats, "nacksIn", c->nacks_in);
  set_number(stats, "nacksOut", c->nacks_out);
  set_number(stats, "keyframeRequestsIn", c->keyframe_requests_in);
  set_number(stats, "keyframeRequestsOut", c->keyframe_requests_out);
  set_number(stats, "dataMessages", c->data_messages);
  set_number(stats, "busyPercent", gather_load_percent(&engine->gather));
  set_number(stats, "gatherUs", (uint64_t)gather_window_us(&engine->gather));
  json_t *drops = drops_json(c);
  add_sockets(engine, drops, stats);
  add_links(engine, stats);
  json_object_set_new(stats, "drops", drops);
  json_object_set_new(stats, "direct", topology_stats_json(room_manager_direct_stats(engine->manager)));
  return stats;
}
