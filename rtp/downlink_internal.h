/* rtp/downlink_internal.h: the layout of struct downlink, shared by downlink.c (packets) and downlink_probe.c (probe clusters). */
#ifndef RTP_DOWNLINK_INTERNAL_H
#define RTP_DOWNLINK_INTERNAL_H

#include "rtp/burst_rate.h"
#include "rtp/downlink.h"

#define DOWNLINK_PACKET_MAX (RTP_MEDIA_MAX_PAYLOAD + RTP_OUTGOING_HEADER_MAX + 2)

struct downlink_slot {
  struct rtp_outgoing_stream *out; /* NULL: free */
  void *arg;
  bool video, any_sent;
  uint16_t last_sent;         /* highest number of the slot that was handed on */
  uint16_t repeated, settled; /* behind it: what went twice where it had to; what goes twice next */
};

struct downlink {
  struct downlink_listener listener;
  uint16_t playout_ms;   /* asked of the receiver's jitter buffers */
  uint16_t cluster_back; /* how far back the running cluster has gone for packets to repeat */
  uint32_t told_bytes;   /* of those in the history, what the estimator knows of */
  /* What the next stamp is for, so that it can be repaired without a NACK. Slot: DOWNLINK_NO_SLOT for padding; seq: the slot's
   * number, of a retransmission the one it repeats. */
  struct transport_content stamping;
  bool allocated_stalled, allocated_draining;
  bool allocated_no_picture;          /* although one is wanted */
  uint8_t redundancy;                 /* of audio */
  uint64_t redundancy_most_bps;       /* that it may cost */
  int64_t service_us;                 /* nothing is due before; 0: look at once */
  uint64_t allocated_bps;             /* target at the last allocation */
  uint64_t used_bps;                  /* of it */
  int64_t repeat_us, repeat_until_us; /* next look, INT64_MAX: nothing goes twice; last needed */
  int64_t playout_due_us, playout_rest_us, playout_lossy_us;
  int64_t redundancy_us; /* last needed */
  struct downlink_slot slots[DOWNLINK_SLOTS];
  uint32_t cluster_bytes, cluster_packets;
  int64_t cluster_started_us;
  struct downlink_stats stats;
  struct bandwidth_estimator estimator;
  struct burst_rate bursts;
  uint64_t decreases; /* of the estimator that the bursts know of */
  struct transport_send_history history;
  /* What a run asks for, side by side: the end of the history, these, and the beginning of the pacer. */
  uint16_t overhead_bytes;
  uint16_t slot_count;
  uint32_t unnumbered_bytes;    /* that the estimator does not know of */
  struct probe_cluster cluster; /* that runs; id 0: none */
  uint64_t offered;             /* for the statistics */
  struct pacer pacer;
};

/* A queue stands: even the least of the last waits is longer than this, and than what jitter explains. */
#define DOWNLINK_QUEUE_US 60000
static inline bool downlink_queue_stands(const struct downlink *d) {
  const struct bandwidth_estimator *e = &d->estimator;
  return queue_delay_standing_us(&e->queue) > DOWNLINK_QUEUE_US + bandwidth_estimator_usual_wait_us(e);
}

/* Sends what the running cluster owes by now, beginning one when the estimator asks for it. */
void downlink_probe(struct downlink *d, int64_t now_us);
/* Once a second: how long receivers should hold frames back, so that lost packets can be sent again in time; how often audio is
 * sent. */
/* The first losses were reported: what they need is not put off. */
void downlink_hurry_playout(struct downlink *d, int64_t now_us);
void downlink_review_playout(struct downlink *d, int64_t now_us);

/* With it: whether the base temporal layer goes twice. And the look at what has settled. */
void downlink_review_repeats(struct downlink *d, int64_t now_us);
void downlink_repeat(struct downlink *d, int64_t now_us);

/* When it owes more; INT64_MAX: no cluster runs. */
int64_t downlink_probe_deadline(const struct downlink *d);

#endif
