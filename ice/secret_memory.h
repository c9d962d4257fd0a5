/* ice/secret_memory.h: memory for keys: whole pages, left out of core dumps, cleansed before they are given back. */
#ifndef ICE_SECRET_MEMORY_H
#define ICE_SECRET_MEMORY_H

#include <stddef.h>

/* Zeroed, page-aligned; NULL when there is none. For state that lives as long as a peer, not for small pieces. */
void *secret_memory_alloc(size_t size);
/* `size` as it was asked for. Accepts NULL. */
void secret_memory_free(void *memory, size_t size);

#endif
