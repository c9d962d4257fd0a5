/* server/worker/address_map.h: which peer a datagram's source address belongs to.
 *
 * One look-up per received datagram. Keys are the remote address and port (the local side is the worker's only port per
 * family). Entries come and go with the tuples that ICE validated. Memory: one node per entry, from malloc at insert.
 */
#ifndef SERVER_WORKER_ADDRESS_MAP_H
#define SERVER_WORKER_ADDRESS_MAP_H

#include <stddef.h>
#include <sys/socket.h>

struct address_map;
struct peer;

/* Returns 0 or -ENOMEM. */
int address_map_create(struct address_map **out);
void address_map_free(struct address_map *map);

/* Adds or replaces. Returns 0, -ENOMEM, or -EAFNOSUPPORT for anything but IPv4 and IPv6. */
int address_map_put(struct address_map *map, const struct sockaddr *address, struct peer *peer);

/* Removes the entry when it belongs to `peer`; another peer's entry stays (the address changed hands meanwhile). */
void address_map_remove(struct address_map *map, const struct sockaddr *address, const struct peer *peer);

/* NULL when unknown. */
struct peer *address_map_find(struct address_map *map, const struct sockaddr *address);

size_t address_map_size(const struct address_map *map);

#endif
