/* server/worker/address_map.c: see the header. */
#include "server/worker/address_map.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

struct key {
  uint8_t ip[16];
  uint16_t port;
  uint16_t family;
};

struct entry {
  struct key key;
  struct peer *peer;
  UT_hash_handle hh;
};

struct address_map {
  struct entry *entries;
  struct entry *last; /* found: datagrams come in runs; NULL: none */
};

static int make_key(const struct sockaddr *address, struct key *key) {
  memset(key, 0, sizeof *key);
  key->family = address->sa_family;
  if (address->sa_family == AF_INET) {
    const struct sockaddr_in *v4 = (const struct sockaddr_in *)(const void *)address;
    memcpy(key->ip, &v4->sin_addr, sizeof v4->sin_addr);
    key->port = v4->sin_port;
    return 0;
  }
  if (address->sa_family == AF_INET6) {
    const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)(const void *)address;
    memcpy(key->ip, &v6->sin6_addr, sizeof v6->sin6_addr);
    key->port = v6->sin6_port;
    return 0;
  }
  return -EAFNOSUPPORT;
}

/* What most keys are, without making one of `address`. */
static inline bool is_v4_of(const struct key *key, const struct sockaddr *address) {
  const struct sockaddr_in *v4 = (const struct sockaddr_in *)(const void *)address;
  return address->sa_family == AF_INET && key->family == AF_INET && v4->sin_port == key->port &&
         memcmp(&v4->sin_addr, key->ip, sizeof v4->sin_addr) == 0;
}

static struct entry *find(const struct address_map *map, const struct key *key) {
  struct entry *entry;
  HASH_FIND(hh, map->entries, key, sizeof *key, entry);
  return entry;
}

int address_map_create(struct address_map **out) {
  struct address_map *map = calloc(1, sizeof *map);
  if (!map) return -ENOMEM;
  *out = map;
  return 0;
}

void address_map_free(struct address_map *map) {
  if (!map) return;
  struct entry *entry, *next;
  HASH_ITER(hh, map->entries, entry, next) {
    HASH_DEL(map->entries, entry); /* NOLINT(clang-analyzer-*): uthash's last-item case confuses it */
    free(entry);
  }
  free(map);
}

int address_map_put(struct address_map *map, const struct sockaddr *address, struct peer *peer) {
  struct key key;
  int error = make_key(address, &key);
  if (error) return error;
  struct entry *entry = find(map, &key);
  if (!entry) {
    entry = calloc(1, sizeof *entry);
    if (!entry) return -ENOMEM;
    entry->key = key;
    HASH_ADD(hh, map->entries, key, sizeof entry->key, entry);
  }
  entry->peer = peer;
  return 0;
}

void address_map_remove(struct address_map *map, const struct sockaddr *address, const struct peer *peer) {
  struct key key;
  if (make_key(address, &key)) return;
  struct entry *entry = find(map, &key);
  if (!entry || entry->peer != peer) return;
  if (map->last == entry) map->last = NULL;
  HASH_DEL(map->entries, entry);
  free(entry);
}

struct peer *address_map_find(struct address_map *map, const struct sockaddr *address) {
  if (map->last && is_v4_of(&map->last->key, address)) return map->last->peer;
  struct key key;
  if (make_key(address, &key)) return NULL;
  if (map->last && memcmp(&map->last->key, &key, sizeof key) == 0) return map->last->peer;
  struct entry *entry = find(map, &key);
  if (entry) map->last = entry;
  return entry ? entry->peer : NULL;
}

size_t address_map_size(const struct address_map *map) {
  return HASH_COUNT(map->entries);
}
