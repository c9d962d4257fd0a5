/* signaling/resume_key.h: the secret with which a client takes up its session again after its WebSocket broke.
 *
 * The client gets 256 random bits as hex; server and workers keep only the SHA-256, so that neither a log line nor a
 * worker's memory gives a session away.
 */
#ifndef SIGNALING_RESUME_KEY_H
#define SIGNALING_RESUME_KEY_H

#include <stdbool.h>
#include <stddef.h>

#define RESUME_KEY_CHARS 64 /* both the key and its hash, hex without terminator */

/* Writes a new key, terminated. Returns 0, or -1 when the system gives no randomness (key is then empty). */
int resume_key_generate(char key[RESUME_KEY_CHARS + 1]);

/* Writes hex(SHA-256(key)), terminated, for any `len` bytes. Returns 0, or -1 when OpenSSL fails (hash is then empty). */
int resume_key_hash(const char *key, size_t len, char hash[RESUME_KEY_CHARS + 1]);

/* Is `hash` (lower-case hex) the hash of `key`? Takes the same time wherever they differ. */
bool resume_key_matches(const char *key, size_t len, const char *hash);

#endif
