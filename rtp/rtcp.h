/* rtp/rtcp.h: RTCP packets, read and written.
 *
 * Reading: rtcp_begin() checks the whole datagram, rtcp_next() hands out its packets, a parse function reads one of them.
 * Writing: each rtcp_write_*() appends one packet at `out` and returns its length in bytes (a multiple of 4) or a negative
 * enum rtp_error (NO_SPACE when it needs more than `cap`); a compound packet is several of them behind one another.
 * Pointers in parsed structs point into the datagram. Nothing allocates. Times are NTP or microseconds, as named.
 *
 * Sources: RFC 3550 §6 and A.2, RFC 5506 (reduced size), RFC 4585 §6 (NACK, PLI), RFC 5104 §4.3.1 (FIR),
 * draft-alvestrand-rmcat-remb-03, draft-holmer-rmcat-transport-wide-cc-extensions-01 §3, RFC 3611 §4.4, §4.5 (XR).
 */
#ifndef RTP_RTCP_H
#define RTP_RTCP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rtp/error.h"

enum rtcp_type {
  RTCP_SR = 200,
  RTCP_RR = 201,
  RTCP_SDES = 202,
  RTCP_BYE = 203,
  RTCP_APP = 204,
  RTCP_RTPFB = 205,
  RTCP_PSFB = 206,
  RTCP_XR = 207,
};

enum rtcp_rtpfb_format { RTCP_RTPFB_NACK = 1, RTCP_RTPFB_TRANSPORT_CC = 15 };
enum rtcp_psfb_format { RTCP_PSFB_PLI = 1, RTCP_PSFB_FIR = 4, RTCP_PSFB_AFB = 15 };

/* ---- a compound packet ---- */

struct rtcp_packet {
  const uint8_t *body; /* after the 4-byte header                      */
  size_t body_len;     /* without padding: not always a multiple of 4  */
  uint8_t type;        /* enum rtcp_type, or one we do not know        */
  uint8_t count;       /* RC, SC, FMT or subtype: the header's 5 bits  */
};

struct rtcp_iterator {
  const uint8_t *at, *end;
};

/* Checks all headers of a datagram (RFC 3550 A.2): version, lengths that add up exactly, padding that fits its packet, packet
 * types 192..223. Reduced size is accepted (RFC 5506): the first packet may be of any type.
 * Errors: SHORT, VERSION, TYPE, LENGTH, PADDING. On an error the whole datagram is to be dropped. */
int rtcp_begin(struct rtcp_iterator *it, const uint8_t *data, size_t len);

/* The next packet; false after the last. Skip types you do not know. */
bool rtcp_next(struct rtcp_iterator *it, struct rtcp_packet *out);

/* ---- reports ---- */

#define RTCP_MAX_BLOCKS 31 /* RC, SC have five bits */

struct rtcp_report_block {
  uint32_t ssrc;
  uint8_t fraction_lost;   /* of 256, since the last report                        */
  int32_t cumulative_lost; /* 24 bits signed; clamped when written                 */
  uint32_t extended_seq;   /* highest received: cycles in the upper 16 bits        */
  uint32_t jitter;         /* RTP clock units                                      */
  uint32_t last_sr;        /* middle 32 bits of the last SR's NTP time; 0: none    */
  uint32_t delay_since_sr; /* 1/65536 s                                            */
};

struct rtcp_sender_info {
  uint64_t ntp; /* Q32.32 seconds since 1900 */
  uint32_t rtp_timestamp;
  uint32_t packets;
  uint32_t octets;
};

struct rtcp_report {
  uint32_t ssrc;  /* who sent it                         */
  bool is_sender; /* SR: `sender` is valid              */
  uint8_t count;
  struct rtcp_sender_info sender;
  struct rtcp_report_block blocks[RTCP_MAX_BLOCKS];
};

/* SR or RR. Profile-specific extensions after the blocks are ignored. Errors: TYPE, SHORT. */
int rtcp_parse_report(const struct rtcp_packet *p, struct rtcp_report *out);

/* An SR when r->is_sender, else an RR. Uses r->count blocks (TOO_MANY over 31). */
int rtcp_write_report(uint8_t *out, size_t cap, const struct rtcp_report *r);

/* The middle 32 bits of an NTP time, as LSR carries it (RFC 3550 §6.4.1). */
uint32_t rtcp_ntp_middle(uint64_t ntp);

/* Microseconds to the Q32.32 format and back; both truncate. `us` counts from the NTP epoch or any other, ≥ 0. */
uint64_t rtcp_ntp_from_us(int64_t us);
int64_t rtcp_ntp_to_us(uint64_t ntp);

/* ---- source description and goodbye ---- */

struct rtcp_cname {
  uint32_t ssrc;
  const char *cname; /* NULL: the chunk has none; not terminated */
  uint8_t len;
};

struct rtcp_sdes {
  uint8_t count;
  struct rtcp_cname chunks[RTCP_MAX_BLOCKS];
};

/* Errors: TYPE, SHORT, LENGTH (an item or the chunk's terminating zero is missing). */
int rtcp_parse_sdes(const struct rtcp_packet *p, struct rtcp_sdes *out);
/* One chunk with a CNAME of at most 255 bytes. */
int rtcp_write_sdes(uint8_t *out, size_t cap, uint32_t ssrc, const char *cname, size_t len);

struct rtcp_bye {
  uint8_t count;
  uint32_t ssrcs[RTCP_MAX_BLOCKS];
  const char *reason; /* NULL: none; not terminated */
  uint8_t reason_len;
};

int rtcp_parse_bye(const struct rtcp_packet *p, struct rtcp_bye *out);
int rtcp_write_bye(uint8_t *out, size_t cap, const uint32_t *ssrcs, size_t count, const char *reason);

/* ---- feedback ---- */

#define RTCP_MAX_NACKS 1024 /* sequence numbers of one NACK packet that are read; a 1500-byte packet could hold 6300 */

struct rtcp_nack {
  uint32_t sender_ssrc, media_ssrc;
  size_t count;
  bool truncated;                /* there were more than RTCP_MAX_NACKS */
  uint16_t seqs[RTCP_MAX_NACKS]; /* in the packet's order; a hostile peer may repeat them */
};

int rtcp_parse_nack(const struct rtcp_packet *p, struct rtcp_nack *out);

/* Packs `count` sequence numbers, oldest first, into PID/BLP pairs. *written (may be NULL) says how many of them fitted:
 * fewer than count is not an error as long as one did. VALUE when count is 0. */
int rtcp_write_nack(uint8_t *out, size_t cap, uint32_t sender_ssrc, uint32_t media_ssrc, const uint16_t *seqs,
                    size_t count, size_t *written);

struct rtcp_pli {
  uint32_t sender_ssrc, media_ssrc;
};

int rtcp_parse_pli(const struct rtcp_packet *p, struct rtcp_pli *out);
int rtcp_write_pli(uint8_t *out, size_t cap, uint32_t sender_ssrc, uint32_t media_ssrc);

#define RTCP_MAX_FIRS 32

struct rtcp_fir_entry {
  uint32_t ssrc;
  uint8_t seq; /* a repeated number is a repeated request (RFC 5104 §4.3.1.1): ignore it */
};

struct rtcp_fir {
  uint32_t sender_ssrc;
  uint8_t count;
  struct rtcp_fir_entry entries[RTCP_MAX_FIRS];
};

/* Errors: TYPE, SHORT, LENGTH, TOO_MANY. The same holds for REMB below. */
int rtcp_parse_fir(const struct rtcp_packet *p, struct rtcp_fir *out);
int rtcp_write_fir(uint8_t *out, size_t cap, const struct rtcp_fir *fir);

#define RTCP_MAX_REMB_SSRCS 64

struct rtcp_remb {
  uint32_t sender_ssrc;
  uint64_t bitrate_bps; /* saturates at INT64_MAX: exponent 63 is legal on the wire */
  uint8_t count;
  uint32_t ssrcs[RTCP_MAX_REMB_SSRCS];
};

/* TYPE also for an application layer feedback that is not "REMB". */
int rtcp_parse_remb(const struct rtcp_packet *p, struct rtcp_remb *out);
/* The mantissa has 18 bits: a bitrate is rounded down to what it can say. */
int rtcp_write_remb(uint8_t *out, size_t cap, const struct rtcp_remb *remb);

/* ---- transport-wide congestion control ---- */

#define RTCP_TRANSPORT_TICK_US      250   /* one delta unit                              */
#define RTCP_TRANSPORT_REFERENCE_US 64000 /* one unit of the reference time              */
#define RTCP_TRANSPORT_MAX_STATUSES 16384 /* more in one feedback is refused (TOO_MANY)  */

/* A feedback message being read. Fields down to `feedback_seq` are the message's; the rest belongs to the iterator. */
struct rtcp_transport_feedback {
  uint32_t sender_ssrc, media_ssrc;
  uint16_t base_seq;
  uint16_t status_count;
  uint16_t received_count; /* of those, how many arrived */
  int32_t reference;       /* 24 bits signed, units of 64 ms; wraps: compare modulo 2^24 */
  uint8_t feedback_seq;    /* gaps: feedback got lost   */
  const uint8_t *chunk, *delta, *end;
  int64_t ticks; /* arrival of the last received packet, in delta units */
  uint16_t bits; /* of the current chunk, next symbol first             */
  uint16_t run;  /* symbols left in the current chunk                   */
  uint16_t seq, left;
  uint8_t coding;
};

struct rtcp_transport_status {
  int64_t arrival_us; /* the sender's clock, modulo 2^24 * 64 ms; 0 when not received */
  uint16_t seq;
  bool received;
};

/* Checks the whole message, chunks and deltas, before anything is handed out, in time linear in its bytes.
 * Errors: TYPE, SHORT, LENGTH (fewer deltas than statuses say), VALUE (no statuses, reserved symbol), TOO_MANY. */
int rtcp_parse_transport_feedback(const struct rtcp_packet *p, struct rtcp_transport_feedback *out);

/* The next status, in order of sequence numbers; false after status_count of them. */
bool rtcp_transport_feedback_next(struct rtcp_transport_feedback *f, struct rtcp_transport_status *out);

/* The next statuses that have one symbol, as many as the coding shows at once: how many, 0 at the end. *symbol is the number of
 * bytes of each one's delta (0: not received): the caller takes them off `delta`, in order, before it asks for more. */
uint32_t rtcp_transport_feedback_run(struct rtcp_transport_feedback *f, int *symbol);

struct rtcp_transport_arrival {
  int64_t arrival_us; /* any epoch, ≥ 0; rounded down to RTCP_TRANSPORT_TICK_US */
  uint16_t seq;
};

/* Writes one message about arrivals[0..count), which are in rising sequence order (modulo 2^16, each once; gaps count as
 * lost). *consumed says how many it covers: a message ends early at `cap` (2048 at most), at a delta over ±8.19 s, or past
 * RTCP_TRANSPORT_MAX_STATUSES; call again with the rest. The message's base is `base_seq`, at or before the first arrival,
 * so that losses in front of it are reported too. Errors: NO_SPACE, VALUE (no arrival, or the first one lies
 * RTCP_TRANSPORT_MAX_STATUSES or more after the base). */
int rtcp_write_transport_feedback(uint8_t *out, size_t cap, uint32_t sender_ssrc, uint32_t media_ssrc,
                                  uint8_t feedback_seq, uint16_t base_seq,
                                  const struct rtcp_transport_arrival *arrivals, size_t count, size_t *consumed);

/* Arrival times in a ring: of `packets` numbers from `base` on, whose place is the number & mask; modulo 2^32 and less than 35 minutes
 * before `now_us`; 0: not arrived. */
struct rtcp_transport_times {
  const uint32_t *ring_us;
  uint32_t mask;
  uint32_t base, packets;
  int64_t now_us;
};

/* The same message at a fraction of the price, when none of them is missing and each came at most 64 ms after the one before. 0, and
 * whatever in `out`: it is not so, or there is no room for all of them. */
int rtcp_write_whole_transport_feedback(uint8_t *out, size_t cap, uint32_t sender_ssrc, uint32_t media_ssrc,
                                        uint8_t feedback_seq, const struct rtcp_transport_times *times);

/* ---- extended reports ---- */

struct rtcp_xr {
  uint32_t sender_ssrc;
  bool has_reference; /* RRTR (RFC 3611 §4.4): the receiver's clock */
  uint64_t reference_ntp;
  bool has_dlrr; /* DLRR (§4.5): the first sub-block about dlrr_ssrc */
  uint32_t dlrr_ssrc, last_rr, delay_since_rr;
};

/* Other blocks are skipped. Errors: TYPE, SHORT, LENGTH. */
int rtcp_parse_xr(const struct rtcp_packet *p, struct rtcp_xr *out);

#endif
