/* ice/srtp_index.h: the 48-bit packet index of one SSRC: estimated from the 16-bit sequence number, and remembered, so
 * that no index is accepted (or sealed) twice.
 *
 * Sources: RFC 3711 §3.3.1 and Appendix A (estimate), §3.3.2 (window).
 * Memory:  sizeof(struct srtp_index), fixed. The same structure serves both directions.
 */
#ifndef ICE_SRTP_INDEX_H
#define ICE_SRTP_INDEX_H

#include <stdint.h>

#include "ice/srtp_session.h"

/* RFC 3711 §3.2.1: the roll-over counter has 32 bits, the sequence number 16. */
#define SRTP_INDEX_BITS 48

struct srtp_index {
  uint64_t highest; /* highest index so far; meaningful once `started` */
  int started;
  uint64_t window[SRTP_WINDOW_PACKETS / 64]; /* bit (index mod SRTP_WINDOW_PACKETS): seen */
};

/* The index that a packet with this sequence number has most probably. Returns it, or SRTP_TOO_OLD for a packet from
 * before the first one, or SRTP_KEY_EXPIRED past 2^48. The first packet has roll-over counter 0. */
int64_t srtp_index_estimate(const struct srtp_index *x, uint16_t seq);

/* SRTP_OK when `index` may be used: never seen and inside the window; else SRTP_REPLAYED or SRTP_TOO_OLD. */
int srtp_index_check(const struct srtp_index *x, uint64_t index);

/* The usual packet: the one after the highest. Its index is highest + 1, as the estimate would say, and it passes the check. */
static inline int srtp_index_is_next(const struct srtp_index *x, uint16_t seq) {
  const uint64_t next = x->highest + 1;
  return x->started && (uint16_t)next == seq && !(next >> SRTP_INDEX_BITS);
}

/* Commits that one. */
static inline void srtp_index_move(struct srtp_index *x) {
  const uint64_t next = ++x->highest;
  x->window[(next % SRTP_WINDOW_PACKETS) / 64] |= UINT64_C(1) << (next % 64);
}

/* Estimate, check and commit of the usual packet. False: it is another, and nothing was done. */
static inline int srtp_index_take_next(struct srtp_index *x, uint16_t seq, uint64_t *index) {
  if (!srtp_index_is_next(x, seq)) return 0;
  srtp_index_move(x);
  *index = x->highest;
  return 1;
}

/* Marks `index` as used, after authentication (incoming) or at sealing (outgoing). It must have passed the check. */
void srtp_index_commit(struct srtp_index *x, uint64_t index);

#endif
