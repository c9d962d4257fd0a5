/* The shared ring of one incoming stream's packets: see rtp/packet_history.h.
 *
 * Bytes are written at an ever-growing position; an entry is intact while its bytes are less than one ring behind it.
 *
 * All memory is taken at the beginning, but only as much of it is used, and thereby made real by the kernel, as the stream needs to
 * keep what receivers ask for: both rings begin small and grow, in place, before they overwrite something younger than that. The
 * ring of bytes gets shorter, too: the key frames of the beginning, when everybody joins, are many times what it needs later.
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
/* The ring of bytes is as many segments long; of each is known when it was written last. */
#define SEGMENT             4096U
#define SEGMENTS(bytes)     (((bytes) + SEGMENT - 1) / SEGMENT * SEGMENT)
#define LARGEST             (RTP_MEDIA_MAX_PAYLOAD + RTP_MEDIA_MAX_DEPENDENCY)
/* A ring begins with a sixteenth of the bytes and packets that it may have: a key frame of video, 0.16 s of audio. */
#define FIRST_BYTES(most)   SEGMENTS((most) / 16 > LARGEST * 4 ? (most) / 16 : LARGEST * 4)
#define FIRST_PACKETS(most) ((most) > 16 ? (most) / 16 : (most))
#define WORTH_GIVING_BACK   (4 * SEGMENT)
#define NEVER               (INT64_MIN / 2)

struct packet_history {
  int64_t max_age_us, keep_us;
  int64_t lap_began_us;
  uint64_t position;               /* next byte to write */
  uint64_t capacity, max_capacity; /* of bytes: in use, taken; whole segments */
  size_t wanted_bytes;             /* as given to packet_history_create() */
  uint32_t mask, max_mask;
  int64_t *written_us; /* by segment */
  uint8_t *bytes;
  struct entry entries[];
};

int packet_history_create(struct packet_history **out, size_t packets, size_t bytes, int64_t max_age_us) {
  if (packets == 0 || packets > PACKET_HISTORY_MAX_PACKETS || (packets & (packets - 1)) != 0) return -1;
  if (bytes < (size_t)4 * LARGEST || bytes > PACKET_HISTORY_MAX_BYTES) return -1;
  const size_t whole = SEGMENTS(bytes), segments = whole / SEGMENT;
  struct packet_history *h = calloc(1, sizeof *h + packets * sizeof(struct entry) + segments * sizeof(int64_t) + whole);
  if (!h) return -1;
  h->max_age_us = max_age_us;
  h->keep_us = KEEP_FIRST_US;
  h->wanted_bytes = bytes;
  h->max_capacity = whole;
  h->max_mask = (uint32_t)packets - 1;
  h->capacity = FIRST_BYTES(bytes) < whole ? FIRST_BYTES(bytes) : whole;
  h->mask = FIRST_PACKETS((uint32_t)packets) - 1;
  h->written_us = (int64_t *)(void *)(h->entries + packets);
  h->bytes = (uint8_t *)(h->written_us + segments);
  for (size_t i = 0; i < segments; i++)
    h->written_us[i] = NEVER;
  *out = h;
  return 0;
}

void packet_history_free(struct packet_history *h) {
  free(h);
}

/* Whether writing here would overwrite something that may still be asked for. */
static bool is_young(const struct packet_history *h, uint64_t offset, size_t need, int64_t now_us) {
  for (uint64_t i = (offset + SEGMENT - 1) / SEGMENT; i * SEGMENT < offset + need; i++) {
    if (now_us - h->written_us[i] < h->keep_us) return true;
  }
  return false;
}

/* Makes room before what was written in the lap before this one, which moves to the new end. */
static void grow_bytes(struct packet_history *h, uint64_t offset) {
  const uint64_t old = h->capacity, grown = old + SEGMENTS(old / 2 > WORTH_GIVING_BACK ? old / 2 : WORTH_GIVING_BACK);
  const uint64_t capacity = grown < h->max_capacity ? grown : h->max_capacity, by = capacity - old;
  const uint64_t base = h->position - offset; /* of this lap: a multiple of the capacity, from now on of the new one */
  const uint64_t segment = offset / SEGMENT, segments = by / SEGMENT;
  memmove(h->bytes + offset + by, h->bytes + offset, old - offset);
  memmove(h->written_us + segment + segments, h->written_us + segment, (old / SEGMENT - segment) * sizeof(int64_t));
  for (uint64_t i = SEGMENTS(offset) / SEGMENT; i < segment + segments; i++)
    h->written_us[i] = NEVER;
  for (uint32_t i = 0; i <= h->mask; i++) {
    struct entry *e = &h->entries[i];
    e->used = e->used && h->position - e->position <= old;
    if (!e->used) continue;
    if (e->position < base) {
      e->packet.payload += by;
      if (e->packet.dependency_descriptor) e->packet.dependency_descriptor += by;
    }
    e->position += capacity - base;
  }
  h->position += capacity - base;
  h->capacity = capacity;
}

/* In the middle of a lap that has lasted long enough: the ring ends here, and what is behind it goes back. */
static void shorten(struct packet_history *h, uint64_t offset, uint64_t capacity) {
  const uint64_t base = h->position - offset;
  for (uint32_t i = 0; i <= h->mask; i++) {
    struct entry *e = &h->entries[i];
    e->used = e->used && e->position >= base;
    e->position -= e->used ? base : 0;
  }
  h->position = offset;
  const uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE) - 1;
  uint8_t *from = (uint8_t *)(((uintptr_t)h->bytes + capacity + page) & ~page);
  const uint8_t *to = (const uint8_t *)((uintptr_t)(h->bytes + h->capacity) & ~page);
  if (to > from) (void)madvise(from, (size_t)(to - from), MADV_DONTNEED);
  h->capacity = capacity;
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

/* Where the packet's bytes go: in one piece. */
static uint64_t place_for(struct packet_history *h, size_t need, int64_t now_us) {
  uint64_t offset = h->position % h->capacity;
  if (offset + need > h->capacity) { /* skip the rest of the ring */
    h->position += h->capacity - offset;
    offset = 0;
  }
  if (offset == 0) h->lap_began_us = now_us;
  while (h->capacity < h->max_capacity && is_young(h, offset, need, now_us))
    grow_bytes(h, offset);
  if (h->capacity - SEGMENTS(offset + need) >= WORTH_GIVING_BACK && offset >= FIRST_BYTES(h->wanted_bytes) &&
      now_us - h->lap_began_us > h->keep_us * 3 / 2)
    shorten(h, offset, SEGMENTS(offset + need));
  for (uint64_t i = offset / SEGMENT; i * SEGMENT < offset + need; i++)
    h->written_us[i] = now_us;
  return offset;
}

void packet_history_put(struct packet_history *h, const struct rtp_media_packet *m) {
  if (m->padding_only || m->payload_len > RTP_MEDIA_MAX_PAYLOAD ||
      m->dependency_descriptor_len > RTP_MEDIA_MAX_DEPENDENCY) {
    return;
  }
  const size_t need = (size_t)m->payload_len + m->dependency_descriptor_len;
  const uint64_t offset = place_for(h, need, m->arrival_us);
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
  if (old->position && packet_history_create(h, (size_t)old->max_mask + 1, old->wanted_bytes, old->max_age_us) == 0)
    packet_history_free(old);
}

void packet_history_clear(struct packet_history *h) {
  for (uint32_t i = 0; i <= h->mask; i++)
    h->entries[i].used = false;
}
