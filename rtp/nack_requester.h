/* rtp/nack_requester.h: which packets of one incoming stream to ask for again, and when.
 *
 * Feed it every sequence number that arrives; ask it what to request. It keeps no packet, owns no timer and reads no
 * clock: the caller passes now_us (monotonic microseconds) and comes back at nack_requester_deadline().
 *
 * Sources: RFC 4585 §6.2.1 (Generic NACK); RFC 3550 Appendix A.1 (sequence numbers).
 * Memory:  sizeof(struct nack_requester), fixed; nothing is allocated after init. One stream, one loop, no locks.
 */
#ifndef RTP_NACK_REQUESTER_H
#define RTP_NACK_REQUESTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* RFC 3550 A.1: "MAX_DROPOUT = 3000". A larger jump is a restarted source: the list is dropped, a key frame is due. */
#define NACK_MAX_DROPOUT  3000

/* Past this many tries a packet is given up; at an RTT of 100 ms that is one second of waiting. */
#define NACK_MAX_TRIES    10

/* A packet missing for longer is of no use to a conversation any more, whatever the RTT. */
#define NACK_MAX_AGE_US   2000000

/* Wi-Fi and load balancers swap neighbours; asking at once would fetch packets that are on their way. */
#define NACK_REORDER_US   5000

/* Never ask more often than this, even on a LAN: the sender's pacer needs a moment too. */
#define NACK_MIN_RETRY_US 20000

/* Most packets missing at once (a power of two). More than that is beyond repair: NACK_NEED_KEYFRAME. */
#define NACK_CAPACITY     512

enum nack_event {
  NACK_NONE = 0,
  NACK_RECOVERED,     /* the packet had been asked for and is here now                      */
  NACK_NEED_KEYFRAME, /* too much is missing to repair: ask for a key frame, list is empty  */
};

struct nack_missing {
  int64_t since_us, next_us;
  uint16_t seq;
  uint8_t tries;
  bool done; /* arrived or given up; its place is freed when it is the oldest */
};

/* Embedded by value; the fields are the requester's own. The list is in sequence order. */
struct nack_requester {
  int64_t retry_us;
  int64_t deadline_us;
  uint32_t head, tail; /* list[head & mask] is the oldest, tail one past the newest */
  uint16_t highest;
  bool started;
  uint64_t requested, recovered, given_up, duplicates; /* counters, for statistics */
  struct nack_missing list[NACK_CAPACITY];
};

/* Makes `n` ready for a stream. `rtt_us` is a first guess, 0 for "unknown" (100 ms is assumed). Cannot fail. */
void nack_requester_init(struct nack_requester *n, int64_t rtt_us);

/* The stream began anew: the list is forgotten, the next packet is the first. RTT and counters stay. */
void nack_requester_restart(struct nack_requester *n);

/* A new measurement of the round trip; later requests use it. 0 or less is ignored. */
void nack_requester_set_rtt(struct nack_requester *n, int64_t rtt_us);

/* One packet of the stream has arrived (RTX already unwrapped). `keyframe` (its first packet) lets it forget everything
 * older. Returns what the caller must act on. Duplicates and old packets are counted and otherwise ignored. */
enum nack_event nack_requester_packet(struct nack_requester *n, uint16_t seq, bool keyframe, int64_t now_us);

/* Writes at most `max` sequence numbers that are due at `now_us`, oldest first, each at most once per RTT.
 * Returns how many were written: 0 when nothing is due. Ask again while it returns `max`. */
size_t nack_requester_due(struct nack_requester *n, uint16_t *seqs, size_t max, int64_t now_us);

/* When to call nack_requester_due() next, in now_us's time; INT64_MAX when nothing is missing. */
int64_t nack_requester_deadline(const struct nack_requester *n);

/* How many packets are missing now. */
size_t nack_requester_missing(const struct nack_requester *n);

#endif
