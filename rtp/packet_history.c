/* The shared ring of one incoming stream's packets: see rtp/packet_history.h.
 *
 * Bytes are written at an ever-growing position; an entry is intact while its bytes are less than one ring behind it.
 *
 * All memory is taken at the beginning, but only as much of it is used, and thereby made real by the kernel, as the stream needs to
 * keep what receivers ask for: both rings begin small and grow, in place, when they would lose something younger than that. The ring
 * of bytes gets shorter, too: its key frames at the beginning, when everybody joins, are many times what it needs later.
 */
#include "rtp/packet_history.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

struct entry {
  uint64_t position; /* where its bytes begin, counted from the start of time */
  bool used;
  struct rtp_media_packet packet;
};

/* How long packets are kept: at first (round trips up to 150 ms ask twice in that time), and once somebody asked for older ones. A
 * thumbnail keeps seconds in the smallest ring. */
#define KEEP_FIRST_US       300000
#define KEEP_MOST_US        600000
/* A ring begins with a sixteenth of the bytes it may have and a sixteenth of the packets: a key frame of video, 0.16 s of audio. */
#define FIRST_BYTES(most)   ((most) / 16 > LARGEST * 4 ? (most) / 16 : LARGEST * 4)
#define FIRST_PACKETS(most) ((most) > 16 ? (most) / 16 : (most))
#define WORTH_GIVING_BACK   16384
#define LARGEST             (RTP_MEDIA_MAX_PAYLOAD + RTP_MEDIA_MAX_DEPENDENCY)

struct packet_history {
  int64_t max_age_us, keep_us;
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
  h->keep_us = KEEP_FIRST_US;
  begin_small(h);
  h->bytes = (uint8_t *)(h->entries + packets);
  *out = h;
  return 0;
}

void packet_history_free(struct packet_history *h) {
  free(h);
}

/* What lies at `offset` or behind it and is of the lap before is overwritten, or will not be found again. Positions count from the
 * beginning of this lap from now on. */
static void forget_last_lap(struct packet_history *h, uint64_t offset) {
  const uint64_t base = h->position - offset;
  for (uint32_t i = 0; i <= h->mask; i++) {
    struct entry *e = &h->entries[i];
    if (e->position < base) e->used = false;
    e->position -= e->used ? base : 0;
  }
  h->position = offset;
}

/* At the end of a lap: instead of beginning the next one, the ring gets longer. What lies in it stays where it is. */
static void grow_bytes(struct packet_history *h, uint64_t offset, int64_t now_us) {
  forget_last_lap(h, offset);
  /* As much longer as the lap was too short: doubling would leave half of the ring there for nothing. */
  const int64_t lap_us = now_us - h->lap_began_us;
  uint64_t needed = lap_us > h->keep_us / 2 ? h->capacity * (uint64_t)h->keep_us / (uint64_t)lap_us : 2 * h->capacity;
  if (needed < h->capacity + LARGEST) needed = h->capacity + LARGEST;
  h->capacity = needed < h->max_capacity ? needed : h->max_capacity;
}

/* In the middle of a lap that has lasted long enough: it ends here, and what is behind it goes back to the kernel. */
static void shorten(struct packet_history *h, uint64_t offset) {
  forget_last_lap(h, offset);
  const uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE) - 1;
  uint8_t *from = (uint8_t *)(((uintptr_t)h->bytes + offset + page) & ~page);
  const uint8_t *to = (const uint8_t *)((uintptr_t)(h->bytes + h->capacity) & ~page);
  if (to > from) (void)madvise(from, (size_t)(to - from), MADV_DONTNEED);
  h->capacity = offset;
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
  while (e->used && h->mask < h->max_mask && m->arrival_us - e->packet.arrival_us < h->keep_us) {
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
  uint64_t offset = h->position % h->capacity;
  if (offset == 0) h->lap_began_us = m->arrival_us;
  while (offset + need > h->capacity && h->capacity < h->max_capacity && m->arrival_us - h->lap_began_us < h->keep_us)
    grow_bytes(h, offset, m->arrival_us);
  if (offset >= FIRST_BYTES(h->max_capacity) && h->capacity - offset >= WORTH_GIVING_BACK &&
      m->arrival_us - h->lap_began_us > h->keep_us * 3 / 2)
    shorten(h, offset);
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

const struct rtp_media_packet *packet_history_find(struct packet_history *h, uint32_t seq, int64_t now_us) {
  const struct entry *e = &h->entries[seq & h->mask];
  if (!e->used || e->packet.seq != seq || h->position - e->position > h->capacity) {
    if (now_us >= 0) h->keep_us = KEEP_MOST_US;
    return NULL;
  }
  if (now_us < 0) return &e->packet;
  const int64_t age_us = now_us - e->packet.arrival_us;
  if (age_us > h->max_age_us) return NULL;
  if (age_us > h->keep_us / 2) h->keep_us = KEEP_MOST_US; /* before somebody asks in vain */
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
