/* The shared ring of one incoming stream's packets: see rtp/packet_history.h.
 *
 * Bytes are written at an ever-growing position; an entry is intact while its bytes are less than one ring behind it.
 *
 * All memory is taken at the beginning, but only as much of it is used, and thereby made real by the kernel, as the stream needs to
 * keep KEEP_US: both rings begin small and grow, in place, when they would lose something younger than that.
 */
#include "rtp/packet_history.h"

#include <stdlib.h>
#include <string.h>

struct entry {
  uint64_t position; /* where its bytes begin, counted from the start of time */
  bool used;
  struct rtp_media_packet packet;
};

/* Answers for round trips up to half a second; a thumbnail keeps seconds in the smallest ring. */
#define KEEP_US             600000
/* A ring begins with a sixteenth of the bytes it may have and an eighth of the packets: a key frame of video, half a second of audio. */
#define FIRST_BYTES(most)   ((most) / 16 > LARGEST * 4 ? (most) / 16 : LARGEST * 4)
#define FIRST_PACKETS(most) ((most) > 8 ? (most) / 8 : (most))
#define LARGEST             (RTP_MEDIA_MAX_PAYLOAD + RTP_MEDIA_MAX_DEPENDENCY)

struct packet_history {
  int64_t max_age_us;
  int64_t lap_began_us;
  uint64_t position;               /* next byte to write */
  uint64_t capacity, max_capacity; /* of bytes: in use, taken */
  uint32_t mask, max_mask;
  uint8_t *bytes;
  struct entry entries[];
};

static void begin_small(struct packet_history *h) {
  h->capacity = FIRST_BYTES(h->max_capacity);
  h->mask = FIRST_PACKETS(h->max_mask + 1) - 1;
  h->position = 0;
}

int packet_history_create(struct packet_history **out, size_t packets, size_t bytes, int64_t max_age_us) {
  if (packets == 0 || packets > PACKET_HISTORY_MAX_PACKETS || (packets & (packets - 1)) != 0) return -1;
  if (bytes < (size_t)4 * LARGEST || bytes > PACKET_HISTORY_MAX_BYTES) return -1;
  struct packet_history *h = calloc(1, sizeof *h + packets * sizeof(struct entry) + bytes);
  if (!h) return -1;
  h->max_age_us = max_age_us;
  h->max_capacity = bytes;
  h->max_mask = (uint32_t)packets - 1;
  begin_small(h);
  h->bytes = (uint8_t *)(h->entries + packets);
  *out = h;
  return 0;
}

void packet_history_free(struct packet_history *h) {
  free(h);
}

/* At the end of a lap: instead of beginning the next one, the ring gets longer. What lies in it stays where it is. */
static void grow_bytes(struct packet_history *h, uint64_t offset, int64_t now_us) {
  const uint64_t base = h->position - offset;
  for (uint32_t i = 0; i <= h->mask; i++) {
    struct entry *e = &h->entries[i];
    if (e->position < base) e->used = false; /* of the lap before: overwritten by now */
    e->position -= e->used ? base : 0;
  }
  h->position = offset;
  /* As much longer as the lap was too short: doubling would leave half of the ring there for nothing. */
  const int64_t lap_us = now_us - h->lap_began_us;
  uint64_t needed = lap_us > KEEP_US / 2 ? h->capacity * KEEP_US / (uint64_t)lap_us : 2 * h->capacity;
  if (needed < h->capacity + LARGEST) needed = h->capacity + LARGEST;
  h->capacity = needed < h->max_capacity ? needed : h->max_capacity;
}

static void grow_entries(struct packet_history *h) {
  const uint32_t count = h->mask + 1;
  for (uint32_t i = 0; i < count; i++) {
    struct entry *e = &h->entries[i];
    if (!e->used || !(e->packet.seq & count)) continue;
    h->entries[i + count] = *e;
    e->used = false;
  }
  h->mask = h->mask * 2 + 1;
}

static struct entry *entry_for(struct packet_history *h, const struct rtp_media_packet *m) {
  struct entry *e = &h->entries[m->seq & h->mask];
  while (e->used && h->mask < h->max_mask && m->arrival_us - e->packet.arrival_us < KEEP_US) {
    grow_entries(h);
    e = &h->entries[m->seq & h->mask];
  }
  return e;
}

void packet_history_put(struct packet_history *h, const struct rtp_media_packet *m) {
  if (m->padding_only || m->payload_len > RTP_MEDIA_MAX_PAYLOAD ||
      m->dependency_descriptor_len > RTP_MEDIA_MAX_DEPENDENCY) {
    return;
  }
  size_t need = (size_t)m->payload_len + m->dependency_descriptor_len;
  if (h->position == 0) h->lap_began_us = m->arrival_us;
  uint64_t offset = h->position % h->capacity;
  while (offset + need > h->capacity && h->capacity < h->max_capacity && m->arrival_us - h->lap_began_us < KEEP_US)
    grow_bytes(h, offset, m->arrival_us);
  if (offset + need > h->capacity) {
    h->lap_began_us = m->arrival_us;
    h->position += h->capacity - offset; /* a packet lies in one piece: skip the rest of the ring */
    offset = 0;
  }
  struct entry *e = entry_for(h, m);
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

void packet_history_rest(struct packet_history **h) {
  struct packet_history *old = *h;
  if (old->position && packet_history_create(h, (size_t)old->max_mask + 1, old->max_capacity, old->max_age_us) == 0)
    packet_history_free(old);
}

void packet_history_clear(struct packet_history *h) {
  for (uint32_t i = 0; i <= h->mask; i++)
    h->entries[i].used = false;
}
