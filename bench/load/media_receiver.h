/* bench/load/media_receiver.h: the slots of one participant: what arrives in them, and the feedback a browser would send.
 *
 * Reads RTP headers, which SRTP leaves in the clear; decrypts only where it must know the payload: at sampled receivers,
 * until a slot's first key frame is whole, and retransmissions. Keeps loss, transport-cc arrivals, report blocks and NACKs.
 */
#ifndef BENCH_LOAD_MEDIA_RECEIVER_H
#define BENCH_LOAD_MEDIA_RECEIVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bench/load/counters.h"
#include "bench/load/description.h"
#include "bench/load/sequence_tracker.h"
#include "ice/srtp_session.h"
#include "rtp/rtcp.h"

struct media_receiver;

/* `arrival_us`: when the datagram was queued, `now_us`: when it was read. */
struct media_arrival {
  uint8_t *data;
  size_t len;
  int64_t arrival_us, now_us;
};

/* `sampled`: every packet is decrypted and its latency counted. 0, or -1. */
int media_receiver_create(struct media_receiver **out, const struct answer_slot *slots, size_t count, bool sampled,
                          struct load_counters *counters);
void media_receiver_free(struct media_receiver *r);

void media_receiver_rtp(struct media_receiver *r, struct srtp_session *srtp, const struct media_arrival *a);

/* When the first key frame (or, without video slots, the first audio packet) was whole; 0: not yet. */
int64_t media_receiver_first_media_us(const struct media_receiver *r);
bool media_receiver_has_video(const struct media_receiver *r);

/* The server's clock for LSR: a sender report about `ssrc` came. */
void media_receiver_sender_report(struct media_receiver *r, uint32_t ssrc, const struct rtcp_sender_info *info,
                                  int64_t now_us);

/* ---- feedback: each writes one piece into `out` and returns its length; 0 when nothing is due ---- */

size_t media_receiver_transport_feedback(struct media_receiver *r, uint32_t own_ssrc, uint8_t *out, size_t cap,
                                         int64_t now_us);
/* When nacks() has something to write; INT64_MAX: nothing is missing. */
int64_t media_receiver_nack_deadline(const struct media_receiver *r);
size_t media_receiver_nacks(struct media_receiver *r, uint32_t own_ssrc, uint8_t *out, size_t cap, int64_t now_us);
size_t media_receiver_plis(struct media_receiver *r, uint32_t own_ssrc, uint8_t *out, size_t cap, int64_t now_us);
/* Blocks about the slots that received something; starts their next interval. */
size_t media_receiver_report_blocks(struct media_receiver *r, struct rtcp_report_block *out, size_t max,
                                    int64_t now_us);

/* ---- counts ---- */

/* Adds what all slots counted so far. */
void media_receiver_counts(const struct media_receiver *r, struct sequence_counts *into);
/* Slots with a track according to the server, and how many of them got nothing since media_receiver_mark(), although they
 * had their track for MEDIA_STARVED_US. */
#define MEDIA_STARVED_US 2000000
void media_receiver_assign(struct media_receiver *r, unsigned mid, bool assigned, int64_t now_us);
void media_receiver_mark(struct media_receiver *r);
unsigned media_receiver_starved(const struct media_receiver *r, unsigned *assigned, int64_t now_us);

#endif
