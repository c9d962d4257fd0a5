/* The shared ring of one incoming stream's packets: see rtp/packet_history.h.
 *
 * Bytes are written at an ever-growing position; an entry is intact while its bytes are less than one ring behind it.
 */
#include "rtp/packet_history.h"

#include <stdlib.h>
#include <string.h>

struct entry {
  uint64_t position; /* where its bytes begin, counted from the start of time */
  bool used;
  struct rtp_media_packet packet;
};

struct packet_history {
  int64_t max_age_us;
  uint64_t position; /* next byte to write */
  uint64_t capacity;
  uint32_t mask;
  uint8_t *bytes;
  struct entry entries[];
};

int packet_history_create(struct packet_history **out, size_t packets, size_t bytes, int64_t max_age_us) {
  const size_t largest = RTP_MEDIA_MAX_PAYLOAD + RTP_MEDIA_MAX_DEPENDENCY;
  if (packets == 0 || packets > PACKET_HISTORY_MAX_PACKETS || (packets & (packets - 1)) != 0) return -1;
  if (bytes < 4 * largest || bytes > PACKET_HISTORY_MAX_BYTES) return -1;
  struct packet_history *h = calloc(1, sizeof *h + packets * sizeof(struct entry) + bytes);
  if (!h) return -1;
  h->max_age_us = max_age_us;
  h->capacity = bytes;
  h->mask = (uint32_t)packets - 1;
  h->bytes = (uint8_t *)(h->entries + packets);
  *out = h;
  return 0;
}

void packet_history_free(struct packet_history *h) {
  free(h);
}

void packet_history_put(struct packet_history *h, const struct rtp_media_packet *m) {
  if (m->padding_only || m->payload_len > RTP_MEDIA_MAX_PAYLOAD ||
      m->dependency_descriptor_len > RTP_MEDIA_MAX_DEPENDENCY) {
    return;
  }
  size_t need = (size_t)m->payload_len + m->dependency_descriptor_len;
  uint64_t offset = h->position % h->capacity;
  if (offset + need > h->capacity) {
    h->position += h->capacity - offset; /* a packet lies in one piece: skip the rest of the ring */
    offset = 0;
  }
  struct entry *e = &h->entries[m->seq & h->mask];
  uint8_t *at = h->bytes + offset;
  e->position = h->position;
  e->used = true;
  e->packet = *m;
  e->packet.payload = at;
  memcpy(at, m->payload, m->payload_len);
  e->packet.dependency_descriptor = NULL;
  if (m->dependency_descriptor_len) {
    memcpy(at + m->payload_len, m->dependency_descriptor, m->dependency_descriptor_len);
    e->packet.dependency_descriptor = at + m->payload_len;
  }
  h->position += need;
}

const struct rtp_media_packet *packet_history_find(const struct packet_history *h, uint32_t seq, int64_t now_us) {
  const struct entry *e = &h->entries[seq & h->mask];
  if (!e->used || e->packet.seq != seq || h->position - e->position > h->capacity) return NULL;
  if (now_us >= 0 && now_us - e->packet.arrival_us > h->max_age_us) return NULL;
  return &e->packet;
}

void packet_history_clear(struct packet_history *h) {
  for (uint32_t i = 0; i <= h->mask; i++)
    h->entries[i].used = false;
}
