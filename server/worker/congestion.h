/* server/worker/congestion.h (internal to the worker): a receiver's link, as the engine drives it.
 *
 * rtp/downlink.h estimates, paces, repairs and probes; rtp/bandwidth_allocator.h says which layer each slot gets. Here they meet
 * the peer's slots: every packet sent passes a run of the downlink or is stamped, what the receiver reports comes in, and
 * the shares are worked out again every 200 ms, at once when the estimate falls, and whenever a slot changes.
 *
 * A receiver that never reports (no transport-wide feedback, no REMB) cannot be governed: after ENGINE_FEEDBACK_PATIENCE_US its
 * layers follow the sizes it asks for alone, and nothing waits.
 *
 * Memory: one allocation at the first slot; nothing per packet. Owned by the peer.
 */
#ifndef SERVER_WORKER_CONGESTION_H
#define SERVER_WORKER_CONGESTION_H

#include "rtp/downlink.h"

#define ENGINE_FEEDBACK_PATIENCE_US 2000000

struct peer;
struct slot;

struct congestion {
  struct downlink *downlink; /* NULL: nothing was ever sent to it */
  bool governed;
  bool audio_only;               /* pictures are wanted, and the link carries none */
  bool audio_only_told;          /* to the room */
  enum allocation_reason reason; /* why, when audio_only */
  int64_t audio_only_us;         /* since when */
  int64_t reported_us;           /* when its feedback began, 0: not yet */
  int64_t allocate_us;           /* when the shares are due */
  uint64_t used_bps, wanted_bps; /* of the last shares: what flows, what all that is wanted would take */
  uint64_t feedback_statuses;    /* what its feedback spoke of so far */
  struct allocation_memory_all memory;
};

/* A new slot (false: no memory), and one that goes. One too many for the downlink is sent to unpaced, but counted. */
bool congestion_add_slot(struct slot *slot);
void congestion_remove_slot(struct slot *slot);
void congestion_free(struct peer *peer);

/* Packets that rtp_outgoing_stream_forward() makes for one slot now: each passes downlink_run_pass(). */
static inline void congestion_begin_run(struct congestion *c, uint16_t link_slot, struct downlink_run *run,
                                        int64_t now_us) {
  downlink_run_begin(run, c->downlink, link_slot, c->governed, now_us);
}

/* Answers a NACK, now or when its turn comes. */
void congestion_nack(struct slot *slot, const uint16_t *seqs, size_t count, int64_t now_us);
void congestion_feedback(struct peer *peer, struct rtcp_transport_feedback *feedback, int64_t now_us);
void congestion_remb(struct peer *peer, uint64_t bps, int64_t now_us);
void congestion_report(struct peer *peer, uint8_t fraction_lost, int64_t now_us);

/* What waits, probes, shares. Every few milliseconds and after input. */
void congestion_service(struct peer *peer, int64_t now_us);
/* The shares of all its slots, now. */
void congestion_allocate(struct peer *peer, int64_t now_us);

#endif
