/* rtp/receive_statistics.h: what a receiver counts about one SSRC, and the report block made of it.
 *
 * Feed it every packet of the SSRC; it extends the sequence number, notices a restarted source, keeps the interarrival
 * jitter, and remembers the last sender report. Packets are authenticated (SRTP) before they come here, so the probation
 * of RFC 3550 A.1 (MIN_SEQUENTIAL) is left out: it would drop the first packet of a key frame.
 *
 * Sources: RFC 3550 §6.4.1, A.1 (sequence), A.3 (loss), A.8 (jitter).
 * Memory:  sizeof(struct rtp_receive_statistics), fixed.
 */
#ifndef RTP_RECEIVE_STATISTICS_H
#define RTP_RECEIVE_STATISTICS_H

#include <stdbool.h>
#include <stdint.h>

#include "rtp/rate_window.h"
#include "rtp/rtcp.h"

/* RFC 3550 A.1: "MAX_DROPOUT = 3000" and "MAX_MISORDER = 100". The latter is wider here: a change from Wi-Fi to LTE delivers the
 * old path's packets hundreds late, and two of them must not look like a restart (which SRTP makes next to impossible). */
#define RTP_MAX_DROPOUT  3000
#define RTP_MAX_MISORDER 1000

enum rtp_sequence_verdict {
  RTP_SEQUENCE_IN_ORDER,  /* newest so far (there may be a gap before it)                                 */
  RTP_SEQUENCE_LATE,      /* older than the newest, or a duplicate: the history knows which               */
  RTP_SEQUENCE_RESTARTED, /* the source began anew; the extended number jumps to the next cycle           */
  RTP_SEQUENCE_BAD,       /* far away from everything; drop it. Two in a row make a restart               */
};

struct rtp_receive_statistics {
  uint32_t clock_rate;
  uint32_t base;    /* first extended number of this life of the source */
  uint32_t highest; /* extended                                         */
  uint32_t bad_seq;
  uint32_t received; /* of this life, duplicates included: RFC 3550 §6.4.1 */
  uint32_t expected_prior, received_prior;
  uint32_t transit;
  uint32_t jitter_q4; /* timestamp units × 16 */
  bool started, has_transit;
  uint8_t settling, even; /* after a silence: packets that it may still take; packets in a row that were not early */
  int64_t last_us;        /* when the last packet came                                                         */
  uint32_t last_units;    /* … in timestamp units                                                              */
  uint8_t fraction_lost;  /* of the last report block */
  /* the last sender report */
  bool has_sr;
  uint64_t sr_ntp;
  uint32_t sr_rtp;
  int64_t sr_arrival_us;
  /* totals over all lives */
  uint64_t packets, bytes, restarts;
  struct rtp_rate_window rate;
};

/* `clock_rate` in Hz, not 0. Cannot fail. */
void rtp_receive_statistics_init(struct rtp_receive_statistics *s, uint32_t clock_rate);

/* One packet with `bytes` of RTP arrived. *extended is written unless the verdict is BAD. Extended numbers start at
 * 65536 + the first sequence number, so that a packet from before the first one has a place too; compare them by
 * subtraction, int32_t(a - b). */
enum rtp_sequence_verdict rtp_receive_statistics_packet(struct rtp_receive_statistics *s, uint16_t seq,
                                                        uint32_t timestamp, uint32_t bytes, int64_t now_us,
                                                        uint32_t *extended);

/* True after half a second without a packet, for as long as each comes sooner than the one before let expect: what begins to
 * send again sends what has piled up in one burst, whose first packets are late. At most 25 packets. */
bool rtp_receive_statistics_settling(const struct rtp_receive_statistics *s);

/* The extended number nearest to the newest one: for sequence numbers that came by another way (RTX). */
uint32_t rtp_receive_statistics_extend(const struct rtp_receive_statistics *s, uint16_t seq);

/* A sender report for this SSRC: `ntp` Q32.32 seconds of the sender's clock, `rtp_timestamp` at the same instant. */
void rtp_receive_statistics_sender_report(struct rtp_receive_statistics *s, uint64_t ntp, uint32_t rtp_timestamp,
                                          int64_t now_us);

/* Fills a report block about `ssrc` and starts the next reporting interval (fraction lost). False before the first packet. */
bool rtp_receive_statistics_report(struct rtp_receive_statistics *s, uint32_t ssrc, int64_t now_us,
                                   struct rtcp_report_block *out);

/* Packets missing so far (RFC 3550 A.3); negative with duplicates. */
int32_t rtp_receive_statistics_lost(const struct rtp_receive_statistics *s);

/* Interarrival jitter in microseconds. */
int64_t rtp_receive_statistics_jitter_us(const struct rtp_receive_statistics *s);

#endif
