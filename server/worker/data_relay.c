/* server/worker/data_relay.c: data-channel messages between members: [n][n bytes: id][payload], see signaling/PROTOCOL.md.
 *
 * The client opens two channels, "reliable" and "lossy"; a message goes on as it came, with the target replaced by the sender.
 * The server never looks into the payload.
 */
#include <string.h>

#include "server/worker/engine.h"

#define MAX_TARGETS       256
/* PROTOCOL.md: 64 KiB a message; the sender's id may be longer than the target's was. */
#define MAX_MESSAGE_BYTES (65536 + ROOM_ID_BYTES)

void peer_channel_opened(struct peer *peer, const struct peer_channel *channel) {
  if (strcmp(channel->label, "reliable") == 0) peer->reliable_channel = channel->id;
  if (strcmp(channel->label, "lossy") == 0) peer->lossy_channel = channel->id;
}

void peer_channel_closed(struct peer *peer, uint16_t channel) {
  if (peer->reliable_channel == channel) peer->reliable_channel = -1;
  if (peer->lossy_channel == channel) peer->lossy_channel = -1;
}

void peer_channel_message(struct peer *peer, uint16_t channel, const uint8_t *data, size_t len, int64_t now_us) {
  static uint8_t frame[MAX_MESSAGE_BYTES]; /* one loop: scratch space */
  struct engine *engine = peer->engine;
  bool reliable = peer->reliable_channel == channel;
  size_t sender_len = strlen(peer->id);
  if ((!reliable && peer->lossy_channel != channel) || len < 1 || len < 1u + data[0] ||
      len + sender_len > sizeof frame) {
    engine->counters.drops[ENGINE_DROP_DATA_TARGET]++;
    return;
  }
  size_t payload_len = len - 1 - data[0];
  frame[0] = (uint8_t)sender_len;
  memcpy(frame + 1, peer->id, sender_len);
  memcpy(frame + 1 + sender_len, data + 1 + data[0], payload_len);

  uint32_t targets[MAX_TARGETS];
  size_t count = room_manager_data_targets(engine->manager, peer->participant, (const char *)data + 1, data[0], targets,
                                           MAX_TARGETS);
  if (count == 0) engine->counters.drops[ENGINE_DROP_DATA_TARGET]++;
  for (size_t i = 0; i < count; i++) {
    struct peer *target = engine_find_peer(engine, targets[i]);
    int id = !target ? -1 : reliable ? target->reliable_channel : target->lossy_channel;
    if (id < 0 || peer_transport_send_message(target->transport, (uint16_t)id, true, frame,
                                              1 + sender_len + payload_len, now_us)) {
      engine->counters.drops[ENGINE_DROP_DATA_TARGET]++;
      continue;
    }
    peer_hurry(target);
    engine->counters.data_messages++;
  }
}
