/* server/room/topology.c: see topology.h. */
#include "server/room/topology.h"

#include <utlist.h>

#include "server/room/internal.h"

enum room_topology room_topology_decide(const struct room_topology_input *input) {
  (void)input;
  return ROOM_TOPOLOGY_SFU;
}

const char *room_topology_name(enum room_topology topology) {
  return topology == ROOM_TOPOLOGY_P2P ? "p2p" : "sfu";
}

struct room_topology_input room_topology_inputs(const struct room *r) {
  struct room_topology_input input = {.members = r->visible_count + r->hidden_count};
  const struct member *member;
  DL_FOREACH(r->members, member) input.never_direct |= member->never_direct;
  return input;
}

enum room_topology room_topology(const struct room *r) {
  struct room_topology_input input = room_topology_inputs(r);
  return room_topology_decide(&input);
}
