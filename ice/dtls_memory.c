/* ice/dtls_memory.c: OpenSSL's allocator, which watches for one kind of block. See dtls_memory.h. */
#include "ice/dtls_memory.h"

#include <openssl/crypto.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

/* BUF_MEM_grow() rounds SSL3_RT_MAX_PLAIN_LENGTH up to 21 848. Record buffers (16 to 18 KiB) come and go with every record. */
#define LEAST_BYTES 20000
#define MOST_BYTES  24000

static struct dtls_memory *noting; /* NULL: no handshake runs */
static size_t given_bytes;

static void note(void *block, size_t bytes) {
  if (noting == NULL || block == NULL || bytes < LEAST_BYTES || bytes > MOST_BYTES) return;
  if (noting->count == DTLS_MEMORY_BLOCKS) return;
  noting->blocks[noting->count].at = block;
  noting->blocks[noting->count++].bytes = bytes;
}

static void strike(const void *block) {
  for (size_t i = 0; noting != NULL && i < noting->count; i++) {
    if (noting->blocks[i].at != block) continue;
    noting->blocks[i] = noting->blocks[--noting->count];
    return;
  }
}

static void *allocate(size_t bytes, const char *file, int line) {
  (void)file;
  (void)line;
  void *block = bytes ? malloc(bytes) : NULL;
  note(block, bytes);
  return block;
}

static void release(void *block, const char *file, int line) {
  (void)file;
  (void)line;
  strike(block);
  free(block);
}

static void *resize(void *block, size_t bytes, const char *file, int line) {
  if (bytes == 0) {
    release(block, file, line);
    return NULL;
  }
  strike(block);
  void *moved = realloc(block, bytes);
  note(moved, bytes);
  return moved;
}

bool dtls_memory_install(void) {
  return CRYPTO_set_mem_functions(allocate, resize, release) == 1;
}

void dtls_memory_begin(struct dtls_memory *m) {
  noting = m;
}

void dtls_memory_end(void) {
  noting = NULL;
}

void dtls_memory_rest(struct dtls_memory *m) {
  const uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
  for (size_t i = 0; i < m->count; i++) {
    uint8_t *at = m->blocks[i].at;
    const size_t before = (page - (uintptr_t)at % page) % page, whole = (m->blocks[i].bytes - before) / page * page;
    if (madvise(at + before, whole, MADV_DONTNEED) == 0) given_bytes += whole;
  }
  m->count = 0;
}

size_t dtls_memory_given(void) {
  return given_bytes;
}

void dtls_memory_forget(struct dtls_memory *m) {
  m->count = 0;
}
