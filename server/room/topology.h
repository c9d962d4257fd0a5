/* server/room/topology.h: does a room's media go through the server or straight between two members (design §5)?
 *
 * The decision alone, without the switch-over: today every room is `sfu`. What members asked for at `join` ("auto" or
 * "never") is kept, so that the two-member decision finds its inputs here when it comes.
 */
#ifndef SERVER_ROOM_TOPOLOGY_H
#define SERVER_ROOM_TOPOLOGY_H

#include <stdbool.h>
#include <stddef.h>

enum room_topology { ROOM_TOPOLOGY_SFU, ROOM_TOPOLOGY_P2P };

struct room_topology_input {
  size_t members;    /* hidden ones too: a direct call would have nothing for them   */
  bool never_direct; /* some member must not show its address to the others         */
};

/* ROOM_TOPOLOGY_SFU, whatever the input: the direct connection does not exist yet. */
enum room_topology room_topology_decide(const struct room_topology_input *input);

/* "sfu", "p2p" */
const char *room_topology_name(enum room_topology topology);

struct room;
/* What the members of `r` ask for, and the decision for it. */
struct room_topology_input room_topology_inputs(const struct room *r);
enum room_topology room_topology(const struct room *r);

#endif
