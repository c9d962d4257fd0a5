/* ice/secret_memory.h: memory for keys: in pages that hold nothing else, left out of core dumps, cleansed when it is freed.
 * One thread.
 */
#ifndef ICE_SECRET_MEMORY_H
#define ICE_SECRET_MEMORY_H

#include <stddef.h>

/* Zeroed, aligned to 64 bytes; NULL when there is none. In steps of 256 bytes, from pages that all peers share and that are kept. */
void *secret_memory_alloc(size_t size);
/* `size` as it was asked for. Accepts NULL. */
void secret_memory_free(void *memory, size_t size);

#endif
