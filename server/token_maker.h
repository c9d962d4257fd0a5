/* server/token_maker.h: makes access tokens with this server's own secret: for `consilium token` and for --dev's start page.
 */
#ifndef SERVER_TOKEN_MAKER_H
#define SERVER_TOKEN_MAKER_H

#include <stdint.h>

#include "conf/config.h"

enum token_maker_flags {
  TOKEN_MAKER_CALLS = 1, /* may invite; then `room` may be "", the lobby */
  TOKEN_MAKER_WAIT = 2,  /* begins in the waiting room                   */
};

/* A new token for these claims, malloc'd, with a random jti; NULL when a claim is not acceptable. */
char *token_maker_mint(const struct config *c, const char *room, const char *identity, const char *name,
                       const char *role, int64_t ttl_seconds, unsigned flags);

#endif
