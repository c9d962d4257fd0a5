/* ice/cache_line.h: memory that begins with a cache line.
 *
 * What a packet asks for lies in front of the structures that it passes. Where malloc() puts them, sixteen bytes apart, that part
 * lies in two lines more often than in one, and for each of a hundred receivers both must come from memory.
 */
#ifndef ICE_CACHE_LINE_H
#define ICE_CACHE_LINE_H

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define CACHE_LINE_BYTES 64

/* Zeroed, as calloc() gives it; for free(). NULL: there is none. */
static inline void *cache_line_alloc(size_t bytes) {
  bytes = (bytes + CACHE_LINE_BYTES - 1) / CACHE_LINE_BYTES * CACHE_LINE_BYTES;
  void *memory = aligned_alloc(CACHE_LINE_BYTES, bytes);
  return memory ? memset(memory, 0, bytes) : NULL;
}

#endif
