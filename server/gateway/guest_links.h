/* server/gateway/guest_links.h: names of guest links: the jti of the guest's token, and what revokes it.
 *
 *   g_EXPIRY_RANDOM_MAC   EXPIRY: seconds since 1970; RANDOM: 128 bits; MAC: 96 bits of HMAC-SHA-256 over room and the rest
 *
 * So the gateway need not remember links: whoever shows one for a room can be believed that it was made for that room, also
 * by a gateway that was started later. Pure.
 */
#ifndef SERVER_GATEWAY_GUEST_LINKS_H
#define SERVER_GATEWAY_GUEST_LINKS_H

#include <stdbool.h>
#include <stdint.h>

#define GUEST_LINKS_BYTES       64 /* the longest name and NUL */
#define GUEST_LINKS_TTL_DEFAULT 3600
#define GUEST_LINKS_TTL_MAX \
  86400 /* also the longest life of a guest's token, whatever tokens.max_lifetime_seconds is */

/* Writes a new name. `random` are 16 unpredictable bytes. 0, or -1 when OpenSSL fails. */
int guest_links_make(const char *secret, const char *room, int64_t expires_s, const uint8_t random[16],
                     char link[GUEST_LINKS_BYTES]);

/* Whether `link` was made with this secret for this room; *expires_s is then its expiry. */
bool guest_links_check(const char *secret, const char *room, const char *link, int64_t *expires_s);

#endif
