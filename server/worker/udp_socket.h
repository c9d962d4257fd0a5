/* server/worker/udp_socket.h: one worker's UDP port: batches in by recvmmsg, batches out by an egress_batch.
 *
 * Non-blocking; the owner watches udp_socket_fd() for readability and calls udp_socket_drain(). Each received datagram is
 * handed over in a mutable slab buffer of UDP_DATAGRAM_BYTES, valid until the handler returns.
 * Sources: recvmmsg(2), socket(7) SO_RXQ_OVFL.
 */
#ifndef SERVER_WORKER_UDP_SOCKET_H
#define SERVER_WORKER_UDP_SOCKET_H

#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "server/worker/egress_batch.h"

#define UDP_DATAGRAM_BYTES 2048
#define UDP_BATCH          64 /* datagrams of one receiving system call */

struct udp_socket;

struct udp_counters {
  uint64_t packets;
  uint64_t bytes;
  uint64_t system_calls;
  uint64_t drop_truncated; /* longer than any datagram a browser sends */
  uint64_t drop_kernel;    /* SO_RXQ_OVFL: the receive queue overflowed before we came */
};

/* A datagram lies in the receive slab, for the handler to write into, until the batch's end has been told. */
typedef void (*udp_batch_over_h)(void *arg);
typedef void (*udp_datagram_h)(void *arg, const struct sockaddr *from, socklen_t from_len, uint8_t *data, size_t len);

/* Opens and binds `address` (text, IPv4 or IPv6) and `port` (0: any). Returns 0, or a negative errno: -EADDRINUSE,
 * -EADDRNOTAVAIL, -EINVAL for an address that does not parse, -ENOMEM. */
int udp_socket_open(struct udp_socket **out, const char *address, uint16_t port, int use_gso);

/* From now on only datagrams from this very machine are received: a kernel filter (socket(7) SO_ATTACH_FILTER) drops whatever
 * did not come over the loopback interface, which is how Linux delivers between a machine's own addresses, whichever they are.
 * Returns 0 or a negative errno. */
int udp_socket_hear_this_machine_only(struct udp_socket *socket);
void udp_socket_close(struct udp_socket *socket);

int udp_socket_fd(const struct udp_socket *socket);
int udp_socket_family(const struct udp_socket *socket);
uint16_t udp_socket_port(const struct udp_socket *socket);

/* Receives until the queue is empty or `max_batches` batches were read, so that timers and control stay alive under
 * load; after each batch `over` (NULL: nobody) is told, then the egress is flushed. Returns how many datagrams were handled. */
size_t udp_socket_drain(struct udp_socket *socket, unsigned max_batches, udp_datagram_h handler, udp_batch_over_h over,
                        void *arg);

struct egress_batch *udp_socket_egress(struct udp_socket *socket);
const struct udp_counters *udp_socket_counters(const struct udp_socket *socket);

#endif
