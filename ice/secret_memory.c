/* ice/secret_memory.c: memory for keys. See secret_memory.h. */
#include "ice/secret_memory.h"

#include <openssl/crypto.h>
#include <sys/mman.h>

void *secret_memory_alloc(size_t size) {
  void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return NULL;
  /* Best effort: a kernel that refuses still gives usable memory, and the process is not dumpable anyway. */
  (void)madvise(memory, size, MADV_DONTDUMP);
  return memory;
}

void secret_memory_free(void *memory, size_t size) {
  if (memory == NULL) return;
  OPENSSL_cleanse(memory, size);
  (void)munmap(memory, size);
}
