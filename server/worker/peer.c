/* server/worker/peer.c: one member's transport: its life, its timers, and the sealing of what it is sent. */
#include "ice/cache_line.h"
#include "ice/srtp_session.h"
#include "server/worker/engine.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>

/* Chromium's own interval for reports about video. RFC 3550 §6.2 allows less than 5 s for small groups. */
#define REPORT_INTERVAL_US 1000000
/* Media timers are exact; what has no deadline of its own may be late by so much. */
#define SERVICE_LIMIT_US   25000
/* Thumbnails and audio are alone in their frames: nothing to make equal. */
#define PADDED_MIN_BYTES   300
/* RFC 3550 §5.1: P in the first byte, M in the second. */
#define RTP_MARKER_BIT     0x80

static struct udp_socket *socket_for(const struct engine *engine, int family) {
  for (size_t i = 0; i < engine->socket_count; i++) {
    if (udp_socket_family(engine->sockets[i]) == family) return engine->sockets[i];
  }
  return NULL;
}

/* ---- what the transport says ---- */

static void on_send(void *arg, const struct ice_address *to, const uint8_t *data, size_t len) {
  struct peer *peer = arg;
  struct udp_socket *socket = socket_for(peer->engine, to->any.sa_family);
  if (!socket) return;
  struct egress_destination destination = {.address_len = ice_address_length(to)};
  memcpy(&destination.address, &to->any, destination.address_len);
  egress_batch_add(udp_socket_egress(socket), &destination, data, len);
}

static void on_tuple_added(void *arg, const struct ice_address *remote) {
  struct peer *peer = arg;
  engine_claim_address(peer->engine, remote, peer);
}

static void on_tuple_removed(void *arg, const struct ice_address *remote) {
  struct peer *peer = arg;
  address_map_remove(peer->engine->addresses, &remote->any, peer);
}

static void on_selected(void *arg, const struct ice_address *remote) {
  struct peer *peer = arg;
  peer->socket = socket_for(peer->engine, remote->any.sa_family);
  memset(&peer->destination, 0, sizeof peer->destination);
  peer->destination.address_len = ice_address_length(remote);
  memcpy(&peer->destination.address, &remote->any, peer->destination.address_len);
}

static void on_ufrag_retired(void *arg, const char *ufrag) {
  struct peer *peer = arg;
  engine_remove_ufrag(peer->engine, ufrag, peer);
}

static void on_channel_opened(void *arg, const struct peer_channel *channel) {
  peer_channel_opened(arg, channel);
}

static void on_channel_message(void *arg, uint16_t channel, bool binary, const uint8_t *data, size_t len) {
  struct peer *peer = arg;
  (void)binary; /* frames are binary whatever the PPID says */
  peer_channel_message(peer, channel, data, len, peer->engine->now_us);
}

static void on_channel_closed(void *arg, uint16_t channel) {
  peer_channel_closed(arg, channel);
}

static bool on_wants_rtp(void *arg, const uint8_t *packet, size_t len) {
  struct peer *peer = arg;
  return peer_wants_rtp(peer, packet, len, peer->engine->now_us);
}

/* ---- life ---- */

struct peer *peer_open(struct engine *engine, const struct room_participant *participant) {
  struct peer *peer = cache_line_alloc(sizeof *peer);
  if (!peer) return NULL;
  peer->engine = engine;
  peer->participant = participant->participant;
  strncpy(peer->id, participant->id, sizeof peer->id - 1);
  peer->hidden = participant->hidden;
  peer->reliable_channel = peer->lossy_channel = -1;
  peer->ssrc = engine_random32();
  rtp_extension_map_init(&peer->extensions);
  peer->room = engine_room_enter(engine, participant->room);
  if (!peer->room || !engine_add_due(engine, peer)) {
    if (peer->room) engine_room_leave(engine, peer->room);
    free(peer);
    return NULL;
  }
  HASH_ADD(hh, engine->peers, participant, sizeof peer->participant, peer);
  engine->peers_opened++;
  return peer;
}

int peer_open_transport(struct peer *peer, int64_t now_us) {
  struct peer_transport_listener listener = {
      .arg = peer,
      .send = on_send,
      .tuple_added = on_tuple_added,
      .tuple_removed = on_tuple_removed,
      .selected = on_selected,
      .ufrag_retired = on_ufrag_retired,
      .channel_opened = on_channel_opened,
      .channel_message = on_channel_message,
      .channel_closed = on_channel_closed,
      .wants_rtp = on_wants_rtp,
  };
  int error = peer_transport_create(&peer->transport, peer->engine->transports, &listener, now_us);
  if (error) return error;
  if (engine_put_ufrag(peer->engine, peer_transport_local_ufrag(peer->transport), peer)) {
    peer_close_transport(peer);
    return PEER_NO_MEMORY;
  }
  peer->report_due_us = now_us + REPORT_INTERVAL_US;
  return PEER_OK;
}

void peer_close_transport(struct peer *peer) {
  engine_remove_ufrags(peer->engine, peer);
  peer_transport_free(peer->transport);
  peer->transport = NULL;
  peer->remote_ufrag[0] = '\0';
  peer->fingerprint_count = 0;
}

static void remove_from_registers(struct peer *peer) {
  struct engine *engine = peer->engine;
  for (struct peer **at = &engine->touched; *at; at = &(*at)->next_touched) {
    if (*at != peer) continue;
    *at = peer->next_touched;
    break;
  }
  HASH_DEL(engine->peers, peer);
  engine_remove_due(engine, peer);
  if (!peer->transport) return;
  struct ice_address tuples[ICE_MAX_TUPLES];
  size_t count = peer_transport_tuples(peer->transport, tuples, ICE_MAX_TUPLES);
  for (size_t i = 0; i < count; i++)
    address_map_remove(engine->addresses, &tuples[i].any, peer);
  engine_remove_ufrags(engine, peer); /* during an ICE restart there are two */
}

static void close_slot(struct slot *slot, int64_t now_us) {
  struct peer_transport *transport = slot->peer->transport;
  slot_assign(slot, NULL, now_us);
  congestion_remove_slot(slot);
  rtp_outgoing_stream_free(slot->out);
  peer_transport_remove_sender(transport, slot->sender);
  if (slot->rtx_sender) peer_transport_remove_sender(transport, slot->rtx_sender);
  free(slot->repeat);
  free(slot);
}

void peer_drop_section(struct peer *peer, size_t index, int64_t now_us) {
  struct section *section = peer->sections[index];
  peer_forget_incoming(peer, section);
  if (section->slot) close_slot(section->slot, now_us);
  if (section->track) section->track->section = NULL;
  peer->section_count--;
  memmove(&peer->sections[index], &peer->sections[index + 1], (peer->section_count - index) * sizeof(struct section *));
  free(section);
}

void peer_close(struct peer *peer, int64_t now_us) {
  if (peer->transport) peer_transport_close(peer->transport, now_us);
  remove_from_registers(peer);
  while (peer->section_count)
    peer_drop_section(peer, peer->section_count - 1, now_us);
  peer_transport_free(peer->transport);
  engine_room_leave(peer->engine, peer->room);
  free(peer->recorder);
  congestion_free(peer);
  free(peer->incoming);
  free(peer);
}

void peer_touch(struct peer *peer) {
  if (peer->touched) return;
  peer->touched = true;
  peer->next_touched = peer->engine->touched;
  peer->engine->touched = peer;
}

/* Called where a call back into the room is allowed, not from the transport's listener. */
static void tell_transport_state(struct peer *peer, int64_t now_us) {
  static const enum room_transport states[] = {
      [PEER_NEW] = ROOM_TRANSPORT_NEW,
      [PEER_CONNECTING] = ROOM_TRANSPORT_NEW,
      [PEER_CONNECTED] = ROOM_TRANSPORT_CONNECTED,
      [PEER_DISCONNECTED] = ROOM_TRANSPORT_CONNECTED,
      [PEER_FAILED] = ROOM_TRANSPORT_FAILED,
      [PEER_CLOSED] = ROOM_TRANSPORT_FAILED,
  };
  const enum room_transport state = states[peer_transport_state(peer->transport)];
  if (state == peer->told) return;
  peer->told = state;
  /* What is forwarded before there are keys is lost, and with it the key frame: a slot begins when its peer can hear it, and asks
   * for its key frame then. */
  for (size_t i = 0; i < peer->section_count; i++) {
    if (peer->sections[i]->slot) slot_choose_layer(peer->sections[i]->slot, now_us);
  }
  room_manager_transport_state(peer->engine->manager, peer->participant, state, now_us);
}

static int64_t earlier(int64_t a, int64_t b) {
  return a < b ? a : b;
}

/* A hundred peers asked for everything every 5 ms cost as much as the media of ten. The limit is for what nobody announces. */
static int64_t next_due_us(const struct peer *peer, int64_t now_us) {
  int64_t due_us = earlier(now_us + SERVICE_LIMIT_US, peer->report_due_us);
  due_us = earlier(due_us, peer->transport_due_us);
  for (size_t i = 0; i < peer->incoming_count; i++) {
    const struct incoming *incoming = &peer->incoming[i];
    if (incoming->stream) due_us = earlier(due_us, rtp_incoming_stream_deadline(incoming->stream));
  }
  if (peer->recorder) due_us = earlier(due_us, transport_feedback_deadline(peer->recorder));
  if (peer->link.downlink) due_us = earlier(due_us, downlink_deadline(peer->link.downlink));
  return peer->link.governed ? earlier(due_us, peer->link.allocate_us) : due_us;
}

/* To ask a transport when it is due takes a handful of cold cache lines: only when the answer may be another one. Media moves its
 * deadlines away, and what is looked at too early is asked again. */
static void tick_transport(struct peer *peer, int64_t now_us) {
  struct peer_transport *transport = peer->transport;
  if (peer->transport_due_us > now_us && peer_transport_state(transport) == peer->transport_state) return;
  if (peer_transport_deadline(transport) <= now_us) peer_transport_tick(transport, now_us);
  peer->transport_due_us = peer_transport_deadline(transport);
  peer->transport_state = peer_transport_state(transport);
}

void peer_service(struct peer *peer, int64_t now_us) {
  if (!peer->transport) return;
  tick_transport(peer, now_us);
  peer_send_feedback(peer, now_us);
  if (peer->report_due_us <= now_us) {
    peer_send_reports(peer, now_us);
    peer->report_due_us = now_us + REPORT_INTERVAL_US;
  }
  tell_transport_state(peer, now_us);
  congestion_service(peer, now_us);
  peer->engine->dues[peer->place].due_us = next_due_us(peer, now_us);
}

struct section *peer_find_section(const struct peer *peer, const char *mid, size_t len) {
  for (size_t i = 0; i < peer->section_count; i++) {
    struct section *section = peer->sections[i];
    if (strlen(section->mid) == len && memcmp(section->mid, mid, len) == 0) return section;
  }
  return NULL;
}

/* ---- sending ---- */

/* A loaded worker makes the packets of a frame equally long, so that they leave as one run; one with time to spare leaves them as
 * they are. Bytes per packet, below 1 % of it. */
__attribute__((noinline)) static uint8_t padding_for(const struct peer_run *run, const uint8_t *header, size_t len) {
  if (len < PADDED_MIN_BYTES || header[0] & RTP_PADDING_BIT) return 0;
  return (uint8_t)egress_batch_padding(run->egress, &run->peer->destination, len + run->seal.tag_bytes,
                                       !(header[1] & RTP_MARKER_BIT));
}

bool peer_run_begin(struct peer_run *run, struct peer *peer, size_t packets) {
  struct engine *engine = peer->engine;
  if (!peer->socket) {
    engine->counters.drops[ENGINE_DROP_NO_DESTINATION] += packets;
    return false;
  }
  if (peer_transport_begin_run(peer->transport, &run->seal) != PEER_OK) {
    engine->counters.drops[ENGINE_DROP_SEAL] += packets;
    return false;
  }
  run->peer = peer;
  run->egress = udp_socket_egress(peer->socket);
  run->packets = run->bytes = 0;
  run->pads = gather_window_us(&engine->gather) > 0 || engine->gather.whole_us > 0;
  return true;
}

size_t peer_run_send(struct peer_run *run, struct peer_sender *sender, uint8_t *packet, size_t header_len,
                     const uint8_t *payload, size_t payload_len) {
  uint8_t padding = 0;
  if (__builtin_expect(run->pads, 0)) padding = padding_for(run, packet, header_len + payload_len);
  int len = peer_transport_seal_next(&run->seal, sender, packet, header_len, payload, payload_len, padding,
                                     EGRESS_PACKET_MAX_BYTES);
  if (__builtin_expect(len <= 0, 0)) {
    run->peer->engine->counters.drops[ENGINE_DROP_SEAL]++;
    return 0;
  }
  egress_batch_commit(run->egress, &run->peer->destination, (size_t)len);
  run->packets++;
  run->bytes += (uint64_t)len;
  return (size_t)len;
}

bool peer_run_end(const struct peer_run *run) {
  struct engine_counters *counters = &run->peer->engine->counters;
  counters->rtp_out += run->packets;
  counters->rtp_out_bytes += run->bytes;
  peer_transport_end_run(&run->seal, run->packets, run->bytes);
  return run->packets > 0;
}

bool peer_send_rtp(struct peer *peer, struct peer_sender *sender, const uint8_t *header, size_t header_len,
                   const uint8_t *payload, size_t payload_len, size_t transport_seq_offset, int64_t now_us) {
  struct peer_run run;
  if (!peer_run_begin(&run, peer, 1)) return false;
  if (header_len > EGRESS_PACKET_MAX_BYTES) {
    peer->engine->counters.drops[ENGINE_DROP_SEAL]++;
    return false;
  }
  uint8_t *packet = egress_batch_reserve(run.egress);
  memcpy(packet, header, header_len);
  uint32_t bytes = (uint32_t)(header_len + payload_len);
  if (transport_seq_offset) {
    uint16_t wire = htobe16(downlink_stamp(peer->link.downlink, bytes, now_us));
    memcpy(packet + transport_seq_offset, &wire, sizeof wire);
  } else {
    downlink_unnumbered(peer->link.downlink, bytes);
  }
  (void)peer_run_send(&run, sender, packet, header_len, payload, payload_len);
  return peer_run_end(&run);
}

void peer_send_rtcp(struct peer *peer, const uint8_t *rtcp, size_t len) {
  struct engine *engine = peer->engine;
  if (!peer->socket || len == 0) return;
  struct egress_batch *egress = udp_socket_egress(peer->socket);
  int sealed =
      peer_transport_seal_rtcp(peer->transport, rtcp, len, egress_batch_reserve(egress), EGRESS_PACKET_MAX_BYTES);
  if (sealed <= 0) {
    engine->counters.drops[ENGINE_DROP_SEAL]++;
    return;
  }
  egress_batch_commit(egress, &peer->destination, (size_t)sealed);
  engine->counters.rtcp_out++;
}
