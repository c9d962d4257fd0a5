/* server/worker/egress_batch.h: datagrams on their way out, gathered into UDP_SEGMENT runs and few system calls.
 *
 * The forwarding path seals each packet straight into this batch's slab: reserve, write, commit. Packets of equal size to
 * one destination become one message that the kernel cuts into datagrams (UDP_SEGMENT: all but the last equally long, the
 * last not longer); a flush puts single packets behind longer ones to the same destination and hands all messages to sendmmsg.
 * Packets of one SSRC to one destination keep their order; different SSRCs have none.
 *
 * Measured reason: a run of 8 costs 0.8 µs a packet on loopback where a sendto of one costs 3.0 (design §3).
 * Memory: fixed at create. One loop, no locks. Sources: Linux udp(7) UDP_SEGMENT; sendmmsg(2).
 */
#ifndef SERVER_WORKER_EGRESS_BATCH_H
#define SERVER_WORKER_EGRESS_BATCH_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

/* The largest datagram that we build: an Ethernet MTU's worth. */
#define EGRESS_PACKET_MAX_BYTES 1500

struct egress_batch;

/* A sockaddr_storage has a hundred bytes that nobody uses: two cache lines of every message. */
union egress_address {
  struct sockaddr any;
  struct sockaddr_in v4;
  struct sockaddr_in6 v6;
};

/* Where a peer's packets go. Embed one per selected 5-tuple; zero `open` when the address changes. */
struct egress_destination {
  uint64_t open; /* message that takes more, and the flush in which it was made: others are stale */
  socklen_t address_len;
  union egress_address address;
};

struct egress_counters {
  uint64_t packets;
  uint64_t bytes;
  uint64_t messages;     /* sendmmsg entries: packets ÷ messages is the mean run                   */
  uint64_t system_calls; /* sendmmsg calls                                                         */
  uint64_t drop_full;    /* the socket's buffer was full: dropped, as a router would               */
  uint64_t drop_error;   /* the kernel refused the destination (unreachable, no route, not allowed) */
  uint64_t gso_refused;  /* 1 once the kernel refused UDP_SEGMENT and single sends are used for good */
};

/* Makes a batch for the UDP socket `fd` (borrowed: the caller closes it after egress_batch_free). `use_gso` false never
 * tries UDP_SEGMENT. Returns 0 or -ENOMEM. */
int egress_batch_create(struct egress_batch **out, int fd, int use_gso);
void egress_batch_free(struct egress_batch *batch);

/* `finish` is called before what was committed leaves: it may still write to those packets. NULL: nothing does. */
void egress_batch_set_finish(struct egress_batch *batch, void (*finish)(void *arg), void *arg);

/* Room for one packet of at most EGRESS_PACKET_MAX_BYTES; flushes first when the slab is full. Never NULL. Nothing is
 * queued until the commit; another reserve without a commit gives the same place again. */
uint8_t *egress_batch_reserve(struct egress_batch *batch);

/* How many bytes longer a packet of `len` should be so that the run to this destination goes on: 0 when it fits as it is, begins no
 * run or would take a hundredth of its size or more. When it would begin a run: one byte if `more` of its frame will follow, for
 * Chromium makes the later packets of a frame one byte longer than the first, and a run ends with a longer one. */
size_t egress_batch_padding(struct egress_batch *batch, const struct egress_destination *destination, size_t len,
                            bool more);

/* Queues the `len` bytes written at the place that egress_batch_reserve gave. `len` 1…EGRESS_PACKET_MAX_BYTES. */
void egress_batch_commit(struct egress_batch *batch, struct egress_destination *destination, size_t len);

/* Copies and queues one datagram: for STUN, DTLS and RTCP, which are rare. */
void egress_batch_add(struct egress_batch *batch, struct egress_destination *destination, const uint8_t *data,
                      size_t len);

/* Sends what is queued. Cheap when nothing is. */
void egress_batch_flush(struct egress_batch *batch);

const struct egress_counters *egress_batch_counters(const struct egress_batch *batch);

#endif
