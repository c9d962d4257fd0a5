/* Renumbering of pictures: see rtp/outgoing_internal.h.
 *
 * Receivers infer lost frames from gaps in VP8's picture id (RFC 7741 §4.2), so temporal layers left out must not leave gaps,
 * and a new source must go on where the old one ended.
 */
#include "rtp/outgoing_internal.h"

#define DROPPED 0x8000U
#define ID_MASK 0x7fffU /* 15 bits on the wire; with 7 bits the upper ones are cut off when written */

void picture_map_begin(struct picture_map *p) {
  p->started = false;
}

static uint32_t *slot(struct picture_map *p, uint32_t id) {
  return &p->ring[id & (PICTURE_RING - 1)];
}

static uint32_t word(const struct picture_map *p, uint32_t id) {
  return (id & 0xffffU) << 16 | ((id - p->offset) & ID_MASK);
}

/* `id` is new and ahead. The ones skipped are reserved: they may come late. */
static bool append(struct picture_map *p, uint32_t id, bool unwanted, uint16_t *ours) {
  uint32_t gap = id - p->highest - 1;
  for (uint32_t i = id - (gap < PICTURE_RING ? gap : PICTURE_RING - 1); i != id; i++)
    *slot(p, i) = word(p, i);
  p->highest = id;
  *slot(p, id) = word(p, id) | (unwanted ? DROPPED : 0);
  if (unwanted) {
    p->offset++;
    return false;
  }
  *ours = p->last = (uint16_t)((id - p->offset) & ID_MASK);
  return true;
}

bool picture_map_place(struct picture_map *p, uint16_t id, uint8_t bits, bool unwanted, uint16_t *ours) {
  if (!p->started) {
    p->started = true;
    p->highest = 0x10000U + id - 1;
    p->offset = 0x10000U + id - (p->last + 1U);
    return append(p, 0x10000U + id, unwanted, ours);
  }
  /* The distance to the newest, as a signed number of `bits` bits. */
  uint32_t shift = 32U - bits;
  int32_t delta = (int32_t)((id - p->highest) << shift) >> shift;
  uint32_t extended = p->highest + (uint32_t)delta;
  if (delta > 0) return append(p, extended, unwanted, ours);
  uint32_t found = *slot(p, extended);
  if (found >> 16 != (extended & 0xffffU)) {
    *ours = (uint16_t)((extended - p->offset) & ID_MASK); /* before the epoch or the ring: as good a guess as any */
    return true;
  }
  *ours = (uint16_t)(found & ID_MASK);
  return !(found & DROPPED);
}
