/* ice/address.h: a transport address (IPv4 or IPv6, with port) in 28 bytes, comparable, hashable, printable.
 *
 * An IPv4-mapped IPv6 address (::ffff:a.b.c.d, what a dual-stack socket reports) is always kept as IPv4, so that one
 * peer has one address and XOR-MAPPED-ADDRESS tells it the truth. The owner of a dual-stack socket maps it back when
 * it sends. The bytes a caller did not set are zero, so two equal addresses are equal as memory.
 */
#ifndef ICE_ADDRESS_H
#define ICE_ADDRESS_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

struct ice_address {
  union {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
  };
};

#define ICE_ADDRESS_TEXT_BYTES 64 /* "[" IPv6 "%scope]:port" and a NUL */

/* From what recvmsg() reported. False (and *out all zero) unless `from` is a complete AF_INET or AF_INET6 address. */
bool ice_address_from_sockaddr(struct ice_address *out, const struct sockaddr *from, socklen_t len);

/* From a numeric "192.0.2.1" or "2001:db8::1" and a port. False when it is neither. Never resolves names. */
bool ice_address_parse(struct ice_address *out, const char *ip, uint16_t port);

/* The length to hand to sendmsg() with `&a->any`; 0 for a zeroed address. */
socklen_t ice_address_length(const struct ice_address *a);

bool ice_address_is_set(const struct ice_address *a);
bool ice_address_equal(const struct ice_address *a, const struct ice_address *b);
uint16_t ice_address_port(const struct ice_address *a);

/* A 64-bit hash for tables that a peer's address indexes; `seed` is a per-process random, against chosen collisions. */
uint64_t ice_address_hash(const struct ice_address *a, uint64_t seed);

/* "192.0.2.1:5000" or "[2001:db8::1]:5000"; without the port when `with_port` is false (and then no brackets).
 * Returns `text`; "?" for a zeroed address. */
const char *ice_address_text(const struct ice_address *a, bool with_port, char text[ICE_ADDRESS_TEXT_BYTES]);

#endif
