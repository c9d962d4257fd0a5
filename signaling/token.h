/* signaling/token.h: the signed token that says who a client is: JWT, HMAC-SHA-256, one room.
 *
 * {"alg":"HS256","typ":"JWT"} . {"room":"r1","identity":"dr-lee","name":"Dr. Lee","role":"doctor","jti":"…","exp":…}
 * room, identity, name, role, jti and exp are required; nbf is checked when present; wait, calls and guest are booleans, false
 * when absent. With calls:true the room may be absent or "": the client is in the lobby until a call gives it one. The
 * algorithm is pinned: a token cannot choose `none` or anything else. Whether a jti was used before is the gateway's to
 * remember, until expires_s.
 *
 * Sources: RFC 7519 §4.1 (claims), RFC 7515 §4.1 (header; unknown `crit` is refused), RFC 7518 §3.2 (HS256: "A key of
 * the same size as the hash output ... or larger MUST be used"), RFC 8725 §3.1 (pin the algorithm).
 */
#ifndef SIGNALING_TOKEN_H
#define SIGNALING_TOKEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "signaling/message.h"
#include "signaling/role.h"

#define TOKEN_KEY_BYTES_MIN 32
#define TOKEN_BYTES_MAX     4096
#define TOKEN_LEEWAY_S      30 /* nbf only: an issuer's clock may run ahead of ours; exp is exact */

enum token_error {
  TOKEN_OK = 0,
  TOKEN_INVALID = -1,   /* not a JWT, wrong algorithm, wrong signature: one answer for all of them     */
  TOKEN_EXPIRED = -2,   /* exp <= now; said only of a token whose signature is right                   */
  TOKEN_NOT_YET = -3,   /* nbf > now + TOKEN_LEEWAY_S                                                  */
  TOKEN_CLAIMS = -4,    /* signed, but a claim is missing or has the wrong form                        */
  TOKEN_KEY_SHORT = -5, /* a key under TOKEN_KEY_BYTES_MIN: a mistake in the configuration             */
  TOKEN_NO_MEMORY = -6,
};

struct token_key {
  const uint8_t *bytes;
  size_t len;
};

struct token_claims {
  char room[SIGNALING_IDENTIFIER_BYTES + 1]; /* "": the lobby */
  char identity[SIGNALING_IDENTIFIER_BYTES + 1];
  char jti[SIGNALING_IDENTIFIER_BYTES + 1];
  char name[SIGNALING_NAME_BYTES + 1]; /* shown to others; signaling_text_valid() */
  enum signaling_role role;
  bool wait;            /* begins in the waiting room                */
  bool calls;           /* may invite others                         */
  bool guest;           /* made by a guest link: invites nobody      */
  int64_t expires_s;    /* exp, seconds since 1970                   */
  int64_t not_before_s; /* nbf, 0 when absent; on minting 0 leaves it out */
};

/* Verifies `token` (need not be terminated) against each of `keys` in turn, newest first, so that keys can be rotated.
 * `now_s` is the wall clock, seconds since 1970. Every key is tried whatever the result, so time does not tell which
 * one fits. Returns 0 and fills *out, or an enum token_error and leaves *out alone. */
int token_verify(const char *token, size_t len, const struct token_key *keys, size_t key_count, int64_t now_s,
                 struct token_claims *out);

/* Signs a token; *out is malloc'd, the caller's. Errors: CLAIMS (it would not verify), KEY_SHORT, NO_MEMORY. */
int token_mint(const struct token_claims *claims, const struct token_key *key, char **out);

/* "expired" and so on; never NULL. */
const char *token_error_name(int error);

/* What a client is told: token_expired, token_invalid, or internal. */
enum signaling_error token_error_to_signaling(int error);

#endif
