/* rtp/downlink.h: everything towards one receiver that has to do with its link: numbers and remembers what is sent, estimates,
 * paces, repairs within limits, probes.
 *
 *   forward() gave a packet      downlink_run_pass(): true, seal it now, with this transport-wide number; false, it waits here (or was
 *                                dropped). Between downlink_run_begin() and _end(), for what one slot gets at one moment
 *   sealing any other packet     downlink_stamp(): its transport-wide sequence number
 *   NACK                         downlink_nack()
 *   feedback, REMB, report       downlink_feedback(), downlink_remb(), downlink_report(). Feedback says what was lost, retransmissions
 *                                included: it is answered like a NACK, so that a lost NACK costs no round trip
 *   every 5 ms, and after input  downlink_service(): what waited and probes come out through the listener
 *   every 200 ms, and when downlink_changed()   bandwidth_allocator_run(), then downlink_want()
 *
 * The listener is called from downlink_service(), downlink_nack() and downlink_feedback() only; it seals and sends, and must call
 * nothing else here but downlink_stamp().
 *
 * Memory: one allocation of about 75 KiB at create; nothing per packet. Slots are borrowed: remove before freeing them.
 */
#ifndef RTP_DOWNLINK_H
#define RTP_DOWNLINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rtp/bandwidth_allocator.h"
#include "rtp/bandwidth_estimator.h"
#include "rtp/outgoing_stream.h"
#include "rtp/pacer.h"
#include "rtp/rtcp.h"
#include "rtp/transport_feedback.h"

#define DOWNLINK_SLOTS               64
#define DOWNLINK_NO_SLOT             UINT16_MAX
/* What waits longer than this is late anyway: the slot is cut and asks for a key frame. */
#define DOWNLINK_LATE_US             500000
/* … and its turn may never come, when sound alone is more than the pace. */
#define DOWNLINK_STUCK_US            1000000
/* At a step down, what is left of the old layer is thrown away when it would take longer than this. */
#define DOWNLINK_STALE_US            120000

/* On a lossy path a frame is whole only after some round trips. With this much loss, receivers are asked (playout-delay extension)
 * to wait for them, at most so long: smooth and a little later is better than frozen. */
#define DOWNLINK_LOSSY               0.012
#define DOWNLINK_PLAYOUT_MAX_MS      400
#define DOWNLINK_CALM_US             30000000 /* without loss, before the delay is given back */

/* Where a repair takes longer than receivers hold frames back, and there is room for it, the base temporal layer goes twice: two fifths
 * more. Higher layers that are missing are left out, a missing base layer is a freeze. */
#define DOWNLINK_REPEAT_RTT_US       250000
#define DOWNLINK_REPEAT_LOSS         0.001
#define DOWNLINK_REPEAT_LOSS_MOST    0.15 /* more: the budget of retransmissions is for those that are asked for */
#define DOWNLINK_REPEAT_ROOM_PERCENT 145  /* the target, of what flows */
#define DOWNLINK_REPEAT_CALM_US      15000000

/* Opus is sent again with the next packets (RED, RFC 2198) of receivers that take it, once or twice by the loss, if the link can bear
 * it; the older frames of a microphone take about so much. */
#define DOWNLINK_RED_ONCE            0.01
#define DOWNLINK_RED_TWICE           0.06
#define DOWNLINK_RED_BPS             36000
#define DOWNLINK_RED_SHARE           2 /* … at most this part of the target … */
#define DOWNLINK_RED_ALWAYS \
  0.15 /* … but what is lost whatever is sent, without a queue, is not lost for too much audio */
#define DOWNLINK_RED_CALM_US   15000000

/* Above this share lost, key frames are asked for more rarely (rtp/keyframe_requests.h). */
#define DOWNLINK_KEYFRAME_LOSS 0.15

struct downlink;

struct downlink_listener {
  void *arg;
  /* One packet to seal and send on the slot's media or RTX SSRC. `packet` is writable; stamp it at transport_seq_offset (0: none). */
  void (*send)(void *arg, void *slot, bool rtx, uint8_t *packet, size_t header_len, size_t len,
               size_t transport_seq_offset);
  /* A retransmission that was asked for and is not sent, and why. NULL: nobody counts. */
  void (*refused)(void *arg, enum rtp_drop_reason reason);
};

struct downlink_config {
  struct bandwidth_config bandwidth;
  uint16_t overhead_bytes; /* of each packet on the wire that we do not see: SRTP tag, UDP, IP */
  struct downlink_listener listener;
};

struct downlink_stats {
  uint64_t offered, sent, delayed, cut, repairs, repairs_refused, repairs_early, probe_packets, probe_bytes,
      probe_clusters;
  int64_t backlog_us;
  uint64_t carried; /* missing audio frames that went along with a later packet */
  uint16_t playout_ms;
  uint8_t redundancy;           /* older frames in each audio packet */
  uint64_t redundancy_most_bps; /* that these may take on the wire */
};

/* RTP_ERROR_NO_SPACE without memory. */
int downlink_create(struct downlink **out, const struct downlink_config *config);
void downlink_free(struct downlink *d); /* accepts NULL */

/* ---- slots ---- */

/* `arg` comes back in the listener. DOWNLINK_NO_SLOT: there are too many; then offer() always says true. */
uint16_t downlink_add_slot(struct downlink *d, struct rtp_outgoing_stream *out, void *arg, bool video);
void downlink_remove_slot(struct downlink *d, uint16_t slot);

/* The slot goes down a layer, or to nothing, because the link cannot carry it: what waits of it is thrown away if it is much. */
void downlink_stepped_down(struct downlink *d, uint16_t slot);

/* ---- sending ---- */

/* A packet that rtp_outgoing_stream_forward() just made: `bytes` of header and payload. True: the next downlink_stamp() is its. */
bool downlink_offer(struct downlink *d, uint16_t slot, uint16_t seq, uint32_t bytes, int64_t now_us);

/* Every packet with a transport-wide number, when it is sealed. */
uint16_t downlink_stamp(struct downlink *d, uint32_t bytes, int64_t now_us);

/* A packet that was sent on an m-line without transport-wide numbers. */
void downlink_unnumbered(struct downlink *d, uint32_t bytes);

/* Both of the above for packets that one slot gets at one moment, as a frame comes: what they need is taken out once and put back
 * once. Until downlink_run_end() nothing else may be asked of the downlink. */
struct downlink_run {
  struct downlink *downlink;
  struct transport_sent *ring;
  uint32_t mask; /* of the ring */
  int64_t now_us;
  int64_t level_us, most_us; /* of the pacer's bucket; beyond `most_us` packets wait */
  uint64_t us_per_byte_q16;
  uint32_t first, number; /* extended transport-wide numbers: of the first packet, of the next */
  uint32_t bytes, unnumbered_bytes;
  uint32_t overhead_bytes;
  struct transport_content content; /* of the last packet */
  struct downlink_slot *to;         /* NULL: nothing waits */
};

/* A run begins soon: what it will need begins to come into the cache. First the one, and a while later, when that is there, the other. */
void downlink_prefetch(const struct downlink *d, uint16_t slot);
void downlink_prefetch_ring(const struct downlink *d);
/* `paced` false: the receiver never reports, nothing waits. A slot that is DOWNLINK_NO_SLOT is not paced either. */
void downlink_run_begin(struct downlink_run *r, struct downlink *d, uint16_t slot, bool paced, int64_t now_us);
void downlink_run_end(struct downlink_run *r);

/* What happens when anything waits, or a cluster runs. */
bool downlink_run_wait(struct downlink_run *r, uint16_t seq, uint32_t bytes, bool numbered, uint16_t *number);

/* `bytes` of header and payload; `numbered`: it has an element for a transport-wide number, which is written to *number. */
static inline bool downlink_run_pass(struct downlink_run *r, uint16_t seq, uint32_t bytes, bool numbered,
                                     uint16_t *number) {
  if (__builtin_expect(r->level_us > r->most_us, 0)) {
    struct downlink_run run = *r; /* so that *r may stay in registers */
    const bool now = downlink_run_wait(&run, seq, bytes, numbered, number);
    *r = run;
    return now;
  }
  bytes += r->overhead_bytes;
  r->level_us += (int64_t)((bytes * r->us_per_byte_q16) >> 16);
  r->content.seq = seq;
  if (__builtin_expect(!numbered, 0)) {
    r->unnumbered_bytes += bytes;
    return true;
  }
  struct transport_sent *sent = &r->ring[r->number & r->mask];
  sent->sent_us = (uint32_t)r->now_us;
  sent->bytes_before = r->bytes;
  sent->content = r->content;
  sent->tag = 0;
  r->bytes += bytes;
  *number = (uint16_t)r->number++;
  return true;
}

/* Answers, or queues, what the receiver misses. Returns how many cannot be repaired any more: a key frame is due. */
size_t downlink_nack(struct downlink *d, uint16_t slot, const uint16_t *seqs, size_t count, int64_t now_us);

/* ---- the receiver's word ---- */

/* `f` is consumed. */
void downlink_feedback(struct downlink *d, struct rtcp_transport_feedback *f, int64_t now_us);
void downlink_remb(struct downlink *d, uint64_t bps);
void downlink_report(struct downlink *d, uint8_t fraction_lost, int64_t now_us);

/* ---- time ---- */

void downlink_service(struct downlink *d, int64_t now_us);
int64_t downlink_deadline(const struct downlink *d);

/* ---- allocation ---- */

/* Fills in what the link says: target, proven, loss, stalled, queue. */
void downlink_fill_allocation(struct downlink *d, struct allocation *a, int64_t now_us);
/* What the allocation left to wish for. */
void downlink_want(struct downlink *d, const struct allocation *a, int64_t now_us);
/* The target fell, or rose by a quarter while there is no picture at all, or the link went away, came back or has drained, since the last
 * allocation: do not wait for the next. */
bool downlink_changed(const struct downlink *d, int64_t now_us);

const struct bandwidth_estimator *downlink_estimator(const struct downlink *d);
/* Packets with a number: `sent` of the statistics. */
uint64_t downlink_sent(const struct downlink *d);
void downlink_get_stats(const struct downlink *d, struct downlink_stats *out);

#endif
