/* ice/candidates.c: the host candidates of the answer (RFC 8445 §5.1, RFC 8421 §4). */
#include <stdio.h>
#include <string.h>

#include "ice/ice_agent.h"

/* RFC 8445 §5.1.2.2: "The RECOMMENDED values for type preferences are 126 for host candidates". */
#define TYPE_PREFERENCE_HOST 126
#define COMPONENT_RTP        1

/* RFC 8445 §5.1.2.1. */
static uint32_t priority_of(uint32_t local_preference) {
  return (uint32_t)TYPE_PREFERENCE_HOST << 24 | local_preference << 8 | (256 - COMPONENT_RTP);
}

static bool is_unspecified(const struct ice_address *a) {
  if (a->any.sa_family == AF_INET) return a->v4.sin_addr.s_addr == INADDR_ANY;
  return IN6_IS_ADDR_UNSPECIFIED(&a->v6.sin6_addr);
}

static bool is_known(const struct ice_address *list, size_t n, const struct ice_address *a) {
  for (size_t i = 0; i < n; i++) {
    if (ice_address_equal(&list[i], a)) return true;
  }
  return false;
}

/* The usable addresses of one family, in the order given. */
static size_t collect(struct ice_address *out, int family, const char *const *ips, size_t n, uint16_t port) {
  size_t count = 0;
  for (size_t i = 0; i < n && count < ICE_MAX_CANDIDATES; i++) {
    struct ice_address a;
    if (!ice_address_parse(&a, ips[i], port) || a.any.sa_family != family) continue;
    if (is_unspecified(&a) || is_known(out, count, &a)) continue;
    out[count++] = a;
  }
  return count;
}

size_t ice_candidates_make(struct ice_candidate *out, size_t max, const char *const *ips, size_t n, uint16_t port) {
  struct ice_address v6[ICE_MAX_CANDIDATES], v4[ICE_MAX_CANDIDATES];
  const size_t v6_count = collect(v6, AF_INET6, ips, n, port);
  const size_t v4_count = collect(v4, AF_INET, ips, n, port);
  size_t count = 0, next_v6 = 0, next_v4 = 0;
  while (count < max && count < ICE_MAX_CANDIDATES && (next_v6 < v6_count || next_v4 < v4_count)) {
    const bool take_v6 = next_v6 < v6_count && (next_v6 <= next_v4 || next_v4 == v4_count);
    struct ice_candidate *c = &out[count];
    memset(c, 0, sizeof(*c));
    c->address = take_v6 ? v6[next_v6++] : v4[next_v4++];
    c->priority = priority_of(65535 - (uint32_t)count);
    snprintf(c->foundation, sizeof(c->foundation), "%u", (unsigned)count + 1);
    count++;
  }
  return count;
}
