/* tests/sim/null_transport.h: ice/peer_transport.h without a network: no ICE, no DTLS and a cipher that changes nothing. A peer is
 * connected when the simulation says so. */
#ifndef TESTS_SIM_NULL_TRANSPORT_H
#define TESTS_SIM_NULL_TRANSPORT_H

#include "ice/peer_transport.h"

/* The peer is there, at `address`, and its packets take so long. */
void null_transport_connect(struct peer_transport *t, const struct ice_address *address, int64_t rtt_us);

#endif
