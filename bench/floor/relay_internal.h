/* bench/floor/relay_internal.h: what the relay and its load share: sockets, keys, counters in shared memory. */
#ifndef BENCH_FLOOR_RELAY_INTERNAL_H
#define BENCH_FLOOR_RELAY_INTERNAL_H

#include <netinet/in.h>
#include <poll.h>
#include <stdatomic.h>

#include "bench/floor/relay.h"
#include "ice/srtp_backend.h"

#define RELAY_MEMBERS  1024
#define RELAY_DATAGRAM 1536
#define RELAY_TAG      16
/* The RTP header that consilium-load writes; the relay copies it as it is. */
#define RELAY_HEADER   24

enum relay_phase { RELAY_WAIT, RELAY_RUN, RELAY_OVER };

struct relay_shared {
  atomic_int phase;
  atomic_ulong delivered, cpu_us; /* of the load's process */
};

struct relay_world {
  int fd; /* the relay's */
  int members[RELAY_MEMBERS];
  struct sockaddr_in address[RELAY_MEMBERS];
  struct relay_shared *shared;
  const struct srtp_backend_ops *ops;
  void *library;
  void *seal[RELAY_MEMBERS], *open[RELAY_MEMBERS]; /* by member: towards it, from it */
};

int relay_world_open(struct relay_world *w, const struct relay_plan *plan); /* 0, or -errno */
void relay_world_close(struct relay_world *w, const struct relay_plan *plan);

/* The other process: sends and receives until the phase says over. Its exit status. */
int relay_load(struct relay_world *w, const struct relay_plan *plan);

/* Whether what member `from` of a room sends goes to member `to`. */
bool relay_flows(const struct relay_plan *p, unsigned from, unsigned to, bool audio);

int64_t relay_clock_us(void);

#endif
