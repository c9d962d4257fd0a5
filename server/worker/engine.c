/* server/worker/engine.c: the packet's way in: datagram → peer; and the registers that find one. */
#include "server/worker/engine.h"

#include <openssl/rand.h>
#include <stdlib.h>
#include <string.h>

#include "ice/demux.h"

struct ufrag_entry {
  char ufrag[ICE_UFRAG_CHARS + 1];
  struct peer *peer;
  UT_hash_handle hh;
};

static const char *const drop_names[ENGINE_DROP_COUNT] = {
    [ENGINE_DROP_NONE] = "none",
    [ENGINE_DROP_UNKNOWN_ADDRESS] = "unknown_address",
    [ENGINE_DROP_UNKNOWN_UFRAG] = "unknown_ufrag",
    [ENGINE_DROP_BAD_RTP] = "bad_rtp",
    [ENGINE_DROP_BAD_RTCP] = "bad_rtcp",
    [ENGINE_DROP_UNKNOWN_SSRC] = "unknown_ssrc",
    [ENGINE_DROP_SSRC_LIMIT] = "ssrc_limit",
    [ENGINE_DROP_NO_TRACK] = "no_track",
    [ENGINE_DROP_MUTED] = "muted",
    [ENGINE_DROP_NO_DESTINATION] = "no_destination",
    [ENGINE_DROP_SEAL] = "seal",
    [ENGINE_DROP_DATA_TARGET] = "data_target",
    [ENGINE_DROP_ADDRESS_TAKEN] = "address_taken",
    [ENGINE_DROP_FEEDBACK_FLOOD] = "feedback_flood",
};

const char *engine_drop_name(enum engine_drop reason) {
  return (unsigned)reason < ENGINE_DROP_COUNT ? drop_names[reason] : "unknown";
}

uint32_t engine_random32(void) {
  uint32_t value = 0;
  while (value == 0) {
    if (RAND_bytes((unsigned char *)&value, sizeof value) != 1) abort(); /* without randomness nothing here is safe */
  }
  return value;
}

static void finish_sealing(void *arg) {
  peer_transport_context_finish(arg);
}

int engine_create(struct engine **out, const struct engine_settings *settings) {
  struct engine *engine = calloc(1, sizeof *engine);
  if (!engine) return -1;
  for (size_t i = 0; i < settings->socket_count && i < ENGINE_MAX_SOCKETS; i++) {
    engine->sockets[engine->socket_count++] = settings->sockets[i];
  }
  engine->port = udp_socket_port(engine->sockets[0]);
  for (size_t i = 0; i < settings->candidate_count && i < ENGINE_MAX_ANNOUNCED; i++) {
    engine->candidate_addresses[engine->candidate_count++] = settings->candidate_addresses[i];
  }
  sdp_policy_default(&engine->policy);
  /* Whoever sends RED may; it is passed to receivers that take it and stripped for the others. We never ask for it: redundancy
   * that no loss calls for doubles the audio. */
  engine->policy.red = SDP_RED_ACCEPT;
  if (settings->video_codecs) sdp_policy_set_video(&engine->policy, settings->video_codecs);
  engine->bandwidth = settings->bandwidth;
  engine->feedback_patience_us =
      settings->feedback_patience_us ? settings->feedback_patience_us : ENGINE_FEEDBACK_PATIENCE_US;
  if (address_map_create(&engine->addresses) ||
      peer_transport_context_create(&engine->transports, settings->unix_now_s)) {
    engine_free(engine);
    return -1;
  }
  for (size_t i = 0; i < engine->socket_count; i++)
    egress_batch_set_finish(udp_socket_egress(engine->sockets[i]), finish_sealing, engine->transports);
  *out = engine;
  return 0;
}

void engine_free(struct engine *engine) {
  if (!engine) return;
  struct track *track, *next_track; /* first: a track points to its publisher */
  HASH_ITER(hh, engine->tracks, track, next_track) track_close(track);
  struct peer *peer, *next_peer;
  HASH_ITER(hh, engine->peers, peer, next_peer) peer_close(peer, engine->now_us);
  engine_flush(engine); /* their close_notify */
  for (size_t i = 0; i < engine->socket_count; i++)
    egress_batch_set_finish(udp_socket_egress(engine->sockets[i]), NULL, NULL);
  struct ufrag_entry *entry, *next;
  HASH_ITER(hh, engine->ufrags, entry, next) {
    HASH_DEL(engine->ufrags, entry); /* NOLINT(clang-analyzer-*): uthash's last-item case confuses it */
    free(entry);
  }
  free(engine->dues);
  peer_transport_context_free(engine->transports);
  address_map_free(engine->addresses);
  free(engine);
}

struct peer *engine_find_peer(const struct engine *engine, uint32_t participant) {
  struct peer *peer;
  HASH_FIND(hh, engine->peers, &participant, sizeof participant, peer);
  return peer;
}

struct track *engine_find_track(const struct engine *engine, uint32_t handle) {
  struct track *track;
  HASH_FIND(hh, engine->tracks, &handle, sizeof handle, track);
  return track;
}

bool engine_add_due(struct engine *engine, struct peer *peer) {
  if (engine->due_count == engine->due_room) {
    const size_t room = engine->due_room ? engine->due_room * 2 : 16;
    struct engine_due *dues = realloc(engine->dues, room * sizeof *dues);
    if (!dues) return false;
    engine->dues = dues;
    engine->due_room = room;
  }
  peer->place = engine->due_count++;
  engine->dues[peer->place] = (struct engine_due){.peer = peer};
  return true;
}

void engine_remove_due(struct engine *engine, const struct peer *peer) {
  const struct engine_due *last = &engine->dues[--engine->due_count];
  last->peer->place = peer->place;
  engine->dues[peer->place] = *last;
}

static struct ufrag_entry *find_ufrag(const struct engine *engine, const char *ufrag, size_t len) {
  struct ufrag_entry *entry;
  HASH_FIND(hh, engine->ufrags, ufrag, len, entry);
  return entry;
}

__attribute__((cold, noinline)) struct peer *engine_find_ufrag(const struct engine *engine, const char *ufrag,
                                                               size_t len) {
  struct ufrag_entry *entry = find_ufrag(engine, ufrag, len);
  return entry ? entry->peer : NULL;
}

int engine_put_ufrag(struct engine *engine, const char *ufrag, struct peer *peer) {
  struct ufrag_entry *entry = find_ufrag(engine, ufrag, strlen(ufrag));
  if (!entry) {
    entry = calloc(1, sizeof *entry);
    if (!entry || strlen(ufrag) >= sizeof entry->ufrag) {
      free(entry);
      return -1;
    }
    memcpy(entry->ufrag, ufrag, strlen(ufrag));
    HASH_ADD_KEYPTR(hh, engine->ufrags, entry->ufrag, strlen(entry->ufrag), entry);
  }
  entry->peer = peer;
  return 0;
}

void engine_remove_ufrag(struct engine *engine, const char *ufrag, const struct peer *peer) {
  struct ufrag_entry *entry = find_ufrag(engine, ufrag, strlen(ufrag));
  if (!entry || entry->peer != peer) return;
  HASH_DEL(engine->ufrags, entry);
  free(entry);
}

void engine_remove_ufrags(struct engine *engine, const struct peer *peer) {
  struct ufrag_entry *entry, *next;
  HASH_ITER(hh, engine->ufrags, entry, next) {
    if (entry->peer != peer) continue;
    HASH_DEL(engine->ufrags, entry); /* NOLINT(clang-analyzer-*): uthash's last-item case confuses it */
    free(entry);
  }
}

/* A check proves who sent it, not from where: whoever may spoof source addresses could take a connected peer's datagrams away
 * from it. So an address at which a peer lives stays with it; one that a peer left behind goes to who is there now. */
static bool lives_at(const struct peer *peer, const struct ice_address *address) {
  const struct ice_address *selected = peer_transport_selected(peer->transport);
  return selected && peer_transport_state(peer->transport) == PEER_CONNECTED && ice_address_equal(selected, address);
}

__attribute__((cold, noinline)) void engine_claim_address(struct engine *engine, const struct ice_address *address,
                                                          struct peer *peer) {
  struct peer *owner = address_map_find(engine->addresses, &address->any);
  if (owner == peer) return;
  if (owner && lives_at(owner, address)) {
    engine->counters.drops[ENGINE_DROP_ADDRESS_TAKEN]++;
    return;
  }
  address_map_put(engine->addresses, &address->any, peer);
}

/* A check names its peer by our ufrag, so that a new address is found; everything else by its address. */
static struct peer *find_receiver(struct engine *engine, const struct sockaddr *from, const uint8_t *data, size_t len) {
  const char *ufrag;
  size_t ufrag_len;
  if (ice_may_be_stun(data, len) && ice_demux(data, len) == ICE_PACKET_STUN &&
      ice_stun_peek_ufrag(data, len, &ufrag, &ufrag_len)) {
    struct peer *peer = engine_find_ufrag(engine, ufrag, ufrag_len);
    if (!peer) engine->counters.drops[ENGINE_DROP_UNKNOWN_UFRAG]++;
    return peer;
  }
  struct peer *peer = address_map_find(engine->addresses, from);
  if (!peer) engine->counters.drops[ENGINE_DROP_UNKNOWN_ADDRESS]++;
  return peer;
}

void engine_receive(struct engine *engine, const struct sockaddr *from, socklen_t from_len, uint8_t *data, size_t len,
                    int64_t now_us) {
  engine->now_us = now_us;
  struct peer *peer = find_receiver(engine, from, data, len);
  struct ice_address address;
  if (!peer || !peer->transport || !ice_address_from_sockaddr(&address, from, from_len)) return;
  peer_touch(peer);
  struct peer_packet packet;
  peer_transport_receive(peer->transport, &address, data, len, now_us, &packet);
  if (packet.kind == PEER_PACKET_CONSUMED) peer->transport_due_us = 0;
  if (packet.drop != ICE_DROP_NONE) {
    engine->counters.ice_drops[packet.drop]++;
  } else if (packet.kind == PEER_PACKET_CONSUMED && ice_demux(data, len) == ICE_PACKET_STUN) {
    engine_claim_address(engine, &address, peer); /* it may have been another peer's when the tuple was added */
  } else if (packet.kind == PEER_PACKET_RTP) {
    peer_receive_rtp(peer, data, packet.len, now_us);
  } else if (packet.kind == PEER_PACKET_UNOPENED) {
    peer_note_unopened(peer, data, packet.len, now_us);
  } else if (packet.kind == PEER_PACKET_RTCP) {
    peer_receive_rtcp(peer, data, packet.len, now_us);
  }
}

void engine_batch_over(struct engine *engine) {
  fan_out_run_whole(engine, engine->now_us);
}

void engine_service_touched(struct engine *engine, int64_t now_us) {
  fan_out_run_whole(engine, now_us); /* before what its pacers hold back */
  while (engine->touched) {
    struct peer *peer = engine->touched;
    engine->touched = peer->next_touched;
    peer->touched = false;
    peer_service(peer, now_us);
  }
}

void engine_tick(struct engine *engine, int64_t now_us) {
  engine->now_us = now_us;
  for (size_t i = 0; i < engine->due_count;
       i++) { /* one that goes leaves its place to the last: it has its turn at the next tick */
    if (engine->dues[i].due_us <= now_us) peer_service(engine->dues[i].peer, now_us);
  }
  if (peer_transport_context_deadline(engine->transports) <= now_us)
    peer_transport_context_tick(engine->transports, now_us);
  engine_rooms_update(engine, now_us);
}

void engine_flush(struct engine *engine) {
  fan_out_run_whole(engine, engine->now_us);
  for (size_t i = 0; i < engine->socket_count; i++)
    egress_batch_flush(udp_socket_egress(engine->sockets[i]));
}
