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

/* For so long what was asked for counts. */
#define ASKED_US            3000000
/* The ring of bytes is as many segments long; of each is known when it was written last. */
#define SEGMENT             2048U
#define SEGMENTS(bytes)     (((bytes) + SEGMENT - 1) / SEGMENT * SEGMENT)
#define LARGEST             (RTP_MEDIA_MAX_PAYLOAD + RTP_MEDIA_MAX_DEPENDENCY)
/* A ring begins with a part of the bytes and packets that it may have: 16 KiB and 32 of video, 4 KiB and 8 of audio. */
#define FIRST_BYTES(most)   SEGMENTS((most) / 32 > LARGEST * 2 ? (most) / 32 : LARGEST * 2)
#define FIRST_PACKETS(most) ((most) > 256 ? (most) / 32 : (most) > 16 ? (most) / 16 : (most))
#define WORTH_GIVING_BACK   8192
#define NEVER               (INT64_MIN / 2)

struct packet_history {
  int64_t max_age_us;
  int64_t keep_us;                    /* the longest of the next three */
  int64_t told_us;                    /* packet_history_keep() */
  int64_t asked_us, asked_earlier_us; /* what was asked for asks for: lately, before that */
  int64_t asked_since_us;
  int64_t lap_began_us;
  uint64_t position;               /* next byte to write */
  uint64_t capacity, max_capacity; /* of bytes: in use, taken; whole segments */
  size_t wanted_bytes;             /* as given to packet_history_create() */
  uint32_t mask, max_mask;
  uint8_t *bytes; /* from a page's beginning on */
  struct entry *entries;
  int64_t written_us[]; /* by segment; behind it the entries */
};

static size_t page_bytes(void) {
  return (size_t)sysconf(_SC_PAGESIZE);
}

int packet_history_create(struct packet_history **out, size_t packets, size_t bytes, int64_t max_age_us) {
  if (packets == 0 || packets > PACKET_HISTORY_MAX_PACKETS || (packets & (packets - 1)) != 0) return -1;
  if (bytes < (size_t)4 * LARGEST || bytes > PACKET_HISTORY_MAX_BYTES) return -1;
  const size_t whole = SEGMENTS(bytes), segments = whole / SEGMENT, page = page_bytes();
  const size_t before = sizeof(struct packet_history) + segments * sizeof(int64_t) + packets * sizeof(struct entry);
  struct packet_history *h = calloc(1, before + whole + page);
  if (!h) return -1;
  h->max_age_us = max_age_us;
  h->keep_us = h->told_us = PACKET_HISTORY_KEEP_US;
  h->wanted_bytes = bytes;
  h->max_capacity = whole;
  h->max_mask = (uint32_t)packets - 1;
  h->capacity = FIRST_BYTES(bytes) < whole ? FIRST_BYTES(bytes) : whole;
  h->mask = FIRST_PACKETS((uint32_t)packets) - 1;
  h->entries = (struct entry *)(void *)(h->written_us + segments);
  uint8_t *after = (uint8_t *)h + before;
  h->bytes = after + (page - (uintptr_t)after % page) % page;
  for (size_t i = 0; i < segments; i++)
    h->written_us[i] = NEVER;
  *out = h;
  return 0;
}

void packet_history_free(struct packet_history *h) {
  free(h);
}

static void choose_keep(struct packet_history *h) {
  int64_t keep_us = h->told_us;
  if (keep_us < h->asked_us) keep_us = h->asked_us;
  if (keep_us < h->asked_earlier_us) keep_us = h->asked_earlier_us;
  h->keep_us = keep_us;
}

void packet_history_keep(struct packet_history *h, int64_t us) {
  if (us < PACKET_HISTORY_KEEP_LEAST_US) us = PACKET_HISTORY_KEEP_LEAST_US;
  h->told_us = us < PACKET_HISTORY_KEEP_MOST_US ? us : PACKET_HISTORY_KEEP_MOST_US;
  choose_keep(h);
}

/* Twice the age that was asked for is kept, for whoever will ask later. */
static void note_asked(struct packet_history *h, int64_t age_us) {
  int64_t us = age_us < PACKET_HISTORY_KEEP_MOST_US / 2 ? age_us * 2 : PACKET_HISTORY_KEEP_MOST_US;
  if (us <= h->asked_us) return;
  h->asked_us = us;
  choose_keep(h);
}

void packet_history_expect(struct packet_history *h, int64_t age_us) {
  note_asked(h, age_us);
}

__attribute__((cold, noinline)) static void forget_asked(struct packet_history *h, int64_t now_us) {
  h->asked_since_us = now_us;
  h->asked_earlier_us = h->asked_us;
  h->asked_us = 0;
  choose_keep(h);
}

/* Whether writing here would overwrite something that may still be asked for. */
static bool is_young(const struct packet_history *h, uint64_t offset, size_t need, int64_t now_us) {
  for (uint64_t i = (offset + SEGMENT - 1) / SEGMENT; i * SEGMENT < offset + need; i++) {
    if (now_us - h->written_us[i] < h->keep_us) return true;
  }
  return false;
}

/* Makes room before what was written in the lap before this one, which moves to the new end. */
__attribute__((cold, noinline)) static void grow_bytes(struct packet_history *h, uint64_t offset) {
  const uint64_t old = h->capacity, grown = old + SEGMENTS(old / 2);
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

/* The pages from there to the end of a ring, behind which nothing is in use. */
static void give_back(uint8_t *begin, const uint8_t *end) {
  const uintptr_t page = page_bytes() - 1;
  uint8_t *from = begin + (((page + 1) - (uintptr_t)begin) & page);
  const uint8_t *to = end + (((page + 1) - (uintptr_t)end) & page);
  if (to > from) (void)madvise(from, (size_t)(to - from), MADV_DONTNEED);
}

/* In the middle of a lap that has lasted long enough: the ring ends here, and what is behind it goes back. */
__attribute__((cold, noinline)) static void shorten(struct packet_history *h, uint64_t offset, uint64_t capacity) {
  const uint64_t base = h->position - offset;
  for (uint32_t i = 0; i <= h->mask; i++) {
    struct entry *e = &h->entries[i];
    e->used = e->used && e->position >= base;
    e->position -= e->used ? base : 0;
  }
  h->position = offset;
  give_back(h->bytes + capacity, h->bytes + h->capacity);
  h->capacity = capacity;
}

/* Half of the packets, when none of the others must be kept. */
__attribute__((cold, noinline)) static void shorten_entries(struct packet_history *h, int64_t now_us) {
  const uint32_t count = (h->mask + 1) / 2;
  uint32_t young = 0;
  for (uint32_t i = 0; i <= h->mask; i++)
    young += h->entries[i].used && now_us - h->entries[i].packet.arrival_us < h->keep_us;
  if (count < FIRST_PACKETS(h->max_mask + 1) || young > count / 2) return;
  for (uint32_t i = 0; i < count; i++) {
    struct entry *low = &h->entries[i], *high = &h->entries[i + count];
    if (high->used && (!low->used || (int32_t)(high->packet.seq - low->packet.seq) > 0)) *low = *high;
    high->used = false;
  }
  h->mask = count - 1;
  give_back((uint8_t *)(h->entries + count), (uint8_t *)(h->entries + count * 2));
}

__attribute__((cold, noinline)) static void grow_entries(struct packet_history *h) {
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
  if (offset == 0) {
    shorten_entries(h, now_us);
    h->lap_began_us = now_us;
  }
  while (h->capacity < h->max_capacity && is_young(h, offset, need, now_us))
    grow_bytes(h, offset);
  if (h->capacity - SEGMENTS(offset + need) >= WORTH_GIVING_BACK && offset >= FIRST_BYTES(h->wanted_bytes) &&
      now_us - h->lap_began_us > h->keep_us * 5 / 4) {
    shorten(h, offset, SEGMENTS(offset + need));
  }
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
  if (m->arrival_us - h->asked_since_us > ASKED_US) forget_asked(h, m->arrival_us);
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
  const bool here = e->used && e->packet.seq == seq && h->position - e->position <= h->capacity;
  if (now_us < 0) return here ? &e->packet : NULL;
  const bool never_came = e->used && (int32_t)(seq - e->packet.seq) > 0;
  const int64_t age_us = here ? now_us - e->packet.arrival_us : INT64_MAX;
  if (!never_came) note_asked(h, age_us);
  return here && age_us <= h->max_age_us ? &e->packet : NULL;
}

void packet_history_rest(struct packet_history **h) {
  struct packet_history *old = *h;
  if (!old->position || packet_history_create(h, (size_t)old->max_mask + 1, old->wanted_bytes, old->max_age_us) < 0)
    return;
  packet_history_keep(*h, old->told_us);
  packet_history_free(old);
}

void packet_history_clear(struct packet_history *h) {
  for (uint32_t i = 0; i <= h->mask; i++)
    h->entries[i].used = false;
}
