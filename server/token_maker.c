/* Claims, a random jti, and signaling/token's signature. */
#include "server/token_maker.h"

#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "signaling/token.h"

char *token_maker_mint(const struct config *c, const char *room, const char *identity, const char *name,
                       const char *role, int64_t ttl_seconds, unsigned flags) {
  struct token_claims claims = {.expires_s = time(NULL) + ttl_seconds,
                                .calls = (flags & TOKEN_MAKER_CALLS) != 0,
                                .wait = (flags & TOKEN_MAKER_WAIT) != 0};
  const struct token_key key = {(const uint8_t *)c->tokens.secret, strlen(c->tokens.secret)};
  unsigned char raw[16];
  char *token = NULL;
  if (strlen(room) >= sizeof claims.room || strlen(identity) >= sizeof claims.identity ||
      strlen(name) >= sizeof claims.name || signaling_role_parse(role, &claims.role) != 0 ||
      getrandom(raw, sizeof raw, 0) != sizeof raw)
    return NULL;
  snprintf(claims.room, sizeof claims.room, "%s", room);
  snprintf(claims.identity, sizeof claims.identity, "%s", identity);
  snprintf(claims.name, sizeof claims.name, "%s", name);
  for (size_t i = 0; i < sizeof raw; i++)
    snprintf(claims.jti + 2 * i, 3, "%02x", raw[i]);
  return token_mint(&claims, &key, &token) == TOKEN_OK ? token : NULL;
}
