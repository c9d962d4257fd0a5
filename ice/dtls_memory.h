/* ice/dtls_memory.h (internal): gives back what OpenSSL keeps of a handshake that is over.
 *
 * For DTLS, OpenSSL 3.0 keeps its handshake buffer (BUF_MEM of 21 848 bytes) as long as the SSL lives, in case the last flight must be
 * sent again. It is scratch space: flights that wait for an answer lie elsewhere. No interface gives it back, so blocks of that
 * size are noted while a handshake runs, and afterwards their whole pages go back to the kernel; should OpenSSL write there again, it
 * finds empty ones.
 */
#ifndef ICE_DTLS_MEMORY_H
#define ICE_DTLS_MEMORY_H

#include <stdbool.h>
#include <stddef.h>

#define DTLS_MEMORY_BLOCKS 4

/* What one handshake has allocated and not freed. Zeros: nothing. */
struct dtls_memory {
  struct {
    void *at;
    size_t bytes;
  } blocks[DTLS_MEMORY_BLOCKS];
  size_t count;
};

/* OpenSSL's blocks are seen from here on. Once per process, before OpenSSL allocates anything; false: too late, and nothing is ever noted. */
bool dtls_memory_install(void);

/* Between the two, large blocks that OpenSSL allocates are noted in `m`. They do not nest. */
void dtls_memory_begin(struct dtls_memory *m);
void dtls_memory_end(void);

/* Gives back the whole pages of what was noted, and forgets it. Their contents are gone. */
void dtls_memory_rest(struct dtls_memory *m);
/* How many bytes all of that was so far, in this process. */
size_t dtls_memory_given(void);

/* Forgets what was noted: it has been freed. */
void dtls_memory_forget(struct dtls_memory *m);

#endif
