/* server/gateway/used_tokens.h: tokens that have opened a session: each does so once, and is remembered until it would be
 * refused as expired anyway. A gateway that starts again learns them from the workers. Pure; times are seconds since 1970.
 */
#ifndef SERVER_GATEWAY_USED_TOKENS_H
#define SERVER_GATEWAY_USED_TOKENS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define USED_TOKENS_MAX 200000 /* beyond: new tokens are refused rather than old ones forgotten */

struct used_tokens;

int used_tokens_create(struct used_tokens **out); /* 0, or -1 without memory */
void used_tokens_free(struct used_tokens *u);

/* Remembers `jti`. Returns 1 when it was new, 0 when it is known, -1 when there is no memory or no room left. */
int used_tokens_add(struct used_tokens *u, const char *jti, int64_t expires_s);

/* Forgets one that opened nothing in the end. */
void used_tokens_remove(struct used_tokens *u, const char *jti);

/* Forgets what has expired at `now_s`. Looks at every token: call it once a minute. */
void used_tokens_expire(struct used_tokens *u, int64_t now_s);

size_t used_tokens_count(const struct used_tokens *u);

#endif
