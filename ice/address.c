/* ice/address.c: transport addresses as values. */
#include "ice/address.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

static void set_v4(struct ice_address *out, const void *ip, in_port_t port) {
  out->v4.sin_family = AF_INET;
  out->v4.sin_port = port;
  memcpy(&out->v4.sin_addr, ip, sizeof(out->v4.sin_addr));
}

static void set_v6(struct ice_address *out, const struct in6_addr *ip, in_port_t port, uint32_t scope) {
  if (IN6_IS_ADDR_V4MAPPED(ip)) {
    set_v4(out, &ip->s6_addr[12], port);
    return;
  }
  out->v6.sin6_family = AF_INET6;
  out->v6.sin6_port = port;
  out->v6.sin6_addr = *ip;
  out->v6.sin6_scope_id = IN6_IS_ADDR_LINKLOCAL(ip) ? scope : 0;
}

bool ice_address_from_sockaddr(struct ice_address *out, const struct sockaddr *from, socklen_t len) {
  memset(out, 0, sizeof(*out));
  if (from == NULL || len < (socklen_t)sizeof(sa_family_t)) return false;
  if (from->sa_family == AF_INET && len >= (socklen_t)sizeof(struct sockaddr_in)) {
    struct sockaddr_in v4;
    memcpy(&v4, from, sizeof(v4));
    set_v4(out, &v4.sin_addr, v4.sin_port);
    return true;
  }
  if (from->sa_family == AF_INET6 && len >= (socklen_t)sizeof(struct sockaddr_in6)) {
    struct sockaddr_in6 v6;
    memcpy(&v6, from, sizeof(v6));
    set_v6(out, &v6.sin6_addr, v6.sin6_port, v6.sin6_scope_id);
    return true;
  }
  return false;
}

bool ice_address_parse(struct ice_address *out, const char *ip, uint16_t port) {
  struct in_addr v4;
  struct in6_addr v6;
  memset(out, 0, sizeof(*out));
  if (ip == NULL) return false;
  if (inet_pton(AF_INET, ip, &v4) == 1) {
    set_v4(out, &v4, htons(port));
    return true;
  }
  if (inet_pton(AF_INET6, ip, &v6) == 1) {
    set_v6(out, &v6, htons(port), 0);
    return true;
  }
  return false;
}

socklen_t ice_address_length(const struct ice_address *a) {
  switch (a->any.sa_family) {
    case AF_INET:
      return sizeof(a->v4);
    case AF_INET6:
      return sizeof(a->v6);
    default:
      return 0;
  }
}

bool ice_address_is_set(const struct ice_address *a) {
  return ice_address_length(a) != 0;
}

/* The whole value, unused bytes (always zero) included. */
static void words_of(const struct ice_address *a, uint64_t words[4]) {
  words[3] = 0;
  memcpy(words, a, sizeof(*a));
}

bool ice_address_equal(const struct ice_address *a, const struct ice_address *b) {
  uint64_t x[4], y[4];
  words_of(a, x);
  words_of(b, y);
  return ((x[0] ^ y[0]) | (x[1] ^ y[1]) | (x[2] ^ y[2]) | (x[3] ^ y[3])) == 0;
}

uint16_t ice_address_port(const struct ice_address *a) {
  return a->any.sa_family == AF_INET6 ? ntohs(a->v6.sin6_port) : ntohs(a->v4.sin_port);
}

/* The finisher of MurmurHash3: every input bit reaches every output bit. */
static uint64_t mix(uint64_t h) {
  h ^= h >> 33;
  h *= 0xff51afd7ed558ccdULL;
  h ^= h >> 33;
  h *= 0xc4ceb9fe1a85ec53ULL;
  return h ^ (h >> 33);
}

uint64_t ice_address_hash(const struct ice_address *a, uint64_t seed) {
  uint64_t words[4];
  words_of(a, words);
  uint64_t h = seed;
  for (size_t i = 0; i < 4; i++)
    h = mix(h ^ words[i]) + seed;
  return h;
}

const char *ice_address_text(const struct ice_address *a, bool with_port, char text[ICE_ADDRESS_TEXT_BYTES]) {
  char ip[INET6_ADDRSTRLEN];
  const bool v6 = a->any.sa_family == AF_INET6;
  const void *bytes = v6 ? (const void *)&a->v6.sin6_addr : (const void *)&a->v4.sin_addr;
  if (!ice_address_is_set(a) || inet_ntop(a->any.sa_family, bytes, ip, sizeof(ip)) == NULL) {
    snprintf(text, ICE_ADDRESS_TEXT_BYTES, "?");
  } else if (with_port) {
    snprintf(text, ICE_ADDRESS_TEXT_BYTES, v6 ? "[%s]:%u" : "%s:%u", ip, (unsigned)ice_address_port(a));
  } else {
    snprintf(text, ICE_ADDRESS_TEXT_BYTES, "%s", ip);
  }
  return text;
}
