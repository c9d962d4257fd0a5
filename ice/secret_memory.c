/* ice/secret_memory.c: memory for keys. See secret_memory.h.
 *
 * Pages of one peer's own would be mostly empty: a peer's keyed states are one to two KiB each. So blocks are cut from mappings that
 * all peers share, in steps of GRANULE; a freed block waits, cleansed, in the list of its size.
 */
#include "ice/secret_memory.h"

#include <openssl/crypto.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

#define GRANULE      256
#define LARGEST      8192 /* larger ones get a mapping of their own */
#define MAPPING      65536
#define SIZE_CLASSES (LARGEST / GRANULE + 1)

#ifdef __has_feature /* clang */
#if __has_feature(address_sanitizer)
#define __SANITIZE_ADDRESS__ 1
#endif
#endif

#ifdef __SANITIZE_ADDRESS__
enum { SHARED = 0 }; /* each block in a mapping of its own: a use after free is seen */
#else
enum { SHARED = 1 };
#endif

struct free_block {
  struct free_block *next;
};

static struct free_block *free_blocks[SIZE_CLASSES];
static uint8_t *rest; /* of the newest mapping: untouched, zero */
static size_t rest_bytes;

static void *map(size_t size) {
  void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return NULL;
  /* Best effort: a kernel that refuses still gives usable memory, and the process is not dumpable anyway. */
  (void)madvise(memory, size, MADV_DONTDUMP);
  return memory;
}

static size_t class_of(size_t size) {
  return (size + GRANULE - 1) / GRANULE;
}

static void keep(void *memory, size_t class) {
  struct free_block *block = memory;
  block->next = free_blocks[class];
  free_blocks[class] = block;
}

static void *cut(size_t class) {
  const size_t bytes = class * GRANULE;
  if (rest_bytes < bytes) {
    uint8_t *mapping = map(MAPPING);
    if (mapping == NULL) return NULL;
    if (rest_bytes) keep(rest, rest_bytes / GRANULE);
    rest = mapping;
    rest_bytes = MAPPING;
  }
  uint8_t *block = rest;
  rest += bytes;
  rest_bytes -= bytes;
  return block;
}

void *secret_memory_alloc(size_t size) {
  if (!SHARED || size > LARGEST || size == 0) return map(size);
  const size_t class = class_of(size);
  struct free_block *block = free_blocks[class];
  if (block == NULL) return cut(class);
  free_blocks[class] = block->next;
  block->next = NULL; /* the rest is zero since it was freed */
  return block;
}

void secret_memory_free(void *memory, size_t size) {
  if (memory == NULL) return;
  if (!SHARED || size > LARGEST || size == 0) {
    OPENSSL_cleanse(memory, size);
    (void)munmap(memory, size);
    return;
  }
  OPENSSL_cleanse(memory, class_of(size) * GRANULE);
  keep(memory, class_of(size));
}
