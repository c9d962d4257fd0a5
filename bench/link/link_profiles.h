/* bench/link/link_profiles.h: named networks, both directions of each, in the words of tests/sim/link.h. */
#ifndef BENCH_LINK_LINK_PROFILES_H
#define BENCH_LINK_LINK_PROFILES_H

#include "tests/sim/link.h"

struct wan_profile {
  const char *name, *what;
  struct link_profile down, up; /* towards the command that runs behind the link, and from it */
};

/* NULL: no such profile. */
const struct wan_profile *wan_profile_find(const char *name);
/* The nth, NULL after the last. */
const struct wan_profile *wan_profile_at(size_t n);

#endif
