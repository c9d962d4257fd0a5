/* rtp/transport_feedback.h: transport-wide congestion control's book-keeping, both ends.
 *
 * Receiving end (`transport_feedback_recorder`): notes when each packet of a peer arrived, over all its SSRCs, and writes
 * feedback about them every 50 to 100 ms. Sending end (`transport_send_history`): notes when each packet was sent to a peer
 * and turns the peer's feedback into per-packet results, the food of a bandwidth estimator.
 *
 * Source: draft-holmer-rmcat-transport-wide-cc-extensions-01.
 * Memory: fixed structs (recorder 4 KiB, history 32 KiB, of which only what is in flight is touched), embed by value or allocate once;
 * nothing is allocated later.
 */
#ifndef RTP_TRANSPORT_FEEDBACK_H
#define RTP_TRANSPORT_FEEDBACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rtp/rtcp.h"

/* ---- receiving end ---- */

#define TRANSPORT_RECORDER_PACKETS 1024 /* span kept until reported; at 50 ms that is 20 000 packets a second */
#define TRANSPORT_FEEDBACK_MIN_US  50000
#define TRANSPORT_FEEDBACK_MAX_US  100000
/* A reordered packet this far behind is still reported, in the next feedback, when it was not covered as received. */
#define TRANSPORT_REORDER_PACKETS  500

struct transport_feedback_recorder {
  bool started;
  uint8_t feedback_seq;
  uint32_t base;               /* extended: first number the next feedback covers */
  uint32_t next;               /* extended: one past the newest that arrived      */
  uint32_t unreported;         /* arrivals noted since the last feedback      */
  int64_t first_unreported_us; /* INT64_MAX: nothing to report         */
  int64_t last_built_us;
  uint64_t arrived, dropped;                       /* dropped: too old, or a jump that emptied the ring */
  uint32_t arrival_us[TRANSPORT_RECORDER_PACKETS]; /* by number & mask, modulo 2^32; 0: not arrived */
};

void transport_feedback_recorder_init(struct transport_feedback_recorder *r);

/* A packet with this transport-wide sequence number arrived. O(1) plus the length of the gap before it. */
void transport_feedback_arrived(struct transport_feedback_recorder *r, uint16_t seq, int64_t now_us);

/* Whether `seq` is where the next numbers are: what an unauthenticated packet says is believed no further. */
static inline bool transport_feedback_expects(const struct transport_feedback_recorder *r, uint16_t seq) {
  const int16_t step = (int16_t)(uint16_t)(seq - (uint16_t)r->next);
  return r->started && step < TRANSPORT_REORDER_PACKETS && step > -TRANSPORT_REORDER_PACKETS;
}

/* When to build next: 50 ms after the first unreported arrival (100 ms after the last feedback while few packets come, so that
 * an audio-only peer costs ten small packets a second); INT64_MAX when there is nothing to say. */
int64_t transport_feedback_deadline(const struct transport_feedback_recorder *r);

/* Writes one RTPFB packet about what arrived, at most `cap` bytes. Returns its length, 0 when there is nothing to report;
 * call again until 0: a wide span takes several. A negative enum rtp_error when `cap` holds nothing useful. */
int transport_feedback_build(struct transport_feedback_recorder *r, uint32_t sender_ssrc, uint32_t media_ssrc,
                             uint8_t *out, size_t cap, int64_t now_us);

/* ---- sending end ---- */

#define TRANSPORT_HISTORY_PACKETS 2048 /* in flight and unreported: at 10 000 packets a second, 200 ms */
/* The ring begins with so many, and grows in place before a packet is overwritten that may be unreported. */
#define TRANSPORT_HISTORY_FIRST   256
/* Most that are written into it by hand at one time. */
#define TRANSPORT_HISTORY_BY_HAND 64

/* Extended number of the first packet. */
#define TRANSPORT_HISTORY_BEGIN   65536U

/* What a number carried, the caller's: comes back when it is lost. */
struct transport_content {
  uint16_t slot, seq;
};

/* One packet, 16 bytes, written once. Sizes are the distances of `bytes_before`; times and byte counts are modulo 2^32. */
struct transport_sent {
  uint32_t sent_us;
  uint32_t bytes_before; /* of all packets before this one */
  struct transport_content content;
  uint32_t tag;
};

#define TRANSPORT_HISTORY_WORDS (TRANSPORT_HISTORY_PACKETS / 64)

struct transport_send_history {
  struct transport_sent ring[TRANSPORT_HISTORY_PACKETS];
  uint64_t was_acked[TRANSPORT_HISTORY_WORDS], was_lost[TRANSPORT_HISTORY_WORDS]; /* a bit each */
  bool has_reference;
  uint32_t reference;            /* last message's reference time, 24 bits */
  int64_t reference_us;          /* unwrapped, the peer's clock            */
  uint64_t acked, lost, unknown; /* counters; unknown: feedback about packets we no longer know */
  /* What sending asks for, last: beside what its owner keeps for that. */
  uint32_t mask;     /* of the ring, as it is */
  uint32_t next;     /* extended number of the next packet */
  uint32_t bytes;    /* sent, modulo 2^32 */
  uint32_t tagged;   /* one past the last packet with a tag */
  uint32_t reported; /* one past the highest number any feedback covered */
  uint32_t first;    /* the first one that may be known */
};

void transport_send_history_init(struct transport_send_history *h);

/* Twice as long, once. */
void transport_send_history_grow(struct transport_send_history *h);

/* Whether with `more` packets one would be forgotten that is not reported yet, or one of as many before those, which may have been
 * reported too early. Marks are cleared a word at a time, so the oldest 64 of a full ring are forgotten early. */
static inline bool transport_send_history_is_short(const struct transport_send_history *h, uint32_t more) {
  return __builtin_expect(
      (h->next - h->reported) * 2 + more > h->mask + 1 - 64 && h->mask < TRANSPORT_HISTORY_PACKETS - 1, 0);
}

/* So that it is not. */
static inline void transport_send_history_reserve(struct transport_send_history *h, uint32_t more) {
  while (transport_send_history_is_short(h, more))
    transport_send_history_grow(h);
}

/* Takes the next number for a packet of `size` bytes about to leave; write it into the header's transport sequence element. */
static inline uint16_t transport_send_history_sent(struct transport_send_history *h, uint16_t size, uint16_t tag,
                                                   struct transport_content content, int64_t now_us) {
  transport_send_history_reserve(h, 1);
  uint32_t n = h->next, place = n & h->mask;
  if (place % 64 == 0) h->was_acked[place / 64] = h->was_lost[place / 64] = 0;
  if (tag) h->tagged = n + 1;
  h->ring[place] =
      (struct transport_sent){.sent_us = (uint32_t)now_us, .bytes_before = h->bytes, .content = content, .tag = tag};
  h->bytes += size;
  h->next = n + 1;
  return (uint16_t)n;
}

/* Packets were written into the ring by hand, up to `next` and `bytes`, none of them with a tag; room was reserved for them. */
static inline void transport_send_history_advance(struct transport_send_history *h, uint32_t next, uint32_t bytes) {
  if (__builtin_expect(((next - 1) ^ (h->next - 1)) >= 64, 0)) { /* the marks of the next 64 are old */
    for (uint32_t n = (h->next + 63) & ~63U; (int32_t)(next - n) > 0; n += 64) {
      h->was_acked[(n & h->mask) / 64] = 0;
      h->was_lost[(n & h->mask) / 64] = 0;
    }
  }
  h->next = next;
  h->bytes = bytes;
}

/* Bytes sent that no feedback has covered yet. */
uint32_t transport_send_history_in_flight(const struct transport_send_history *h);

/* Packets are reported in runs: of neighbouring numbers and one tag, sent within a millisecond, arrived in order within five. A
 * frame that was forwarded in one burst is mostly one run, and costs what one packet costs. A lost packet is a run by itself. */
#define TRANSPORT_RUN_SENT_US    1000
#define TRANSPORT_RUN_ARRIVAL_US 5000

struct transport_result {
  int64_t sent_us, last_sent_us;       /* of the first and last packet, our clock */
  int64_t arrival_us, last_arrival_us; /* the peer's clock, monotone across messages; -1: lost (may still come) */
  uint32_t seq;                        /* extended, of the first */
  uint32_t packets, bytes;
  uint16_t first_bytes, last_bytes;
  uint16_t tag;
  bool again;                       /* it was reported lost before, and is here after all */
  struct transport_content content; /* of a lost packet */
};

struct transport_results {
  struct transport_result *results; /* caller's array … */
  size_t capacity;                  /* … and its size; TRANSPORT_HISTORY_PACKETS always suffices */
  size_t count;                     /* runs, in order of sequence numbers */
  size_t received, lost;            /* packets */
  uint32_t newest;                  /* extended number of the newest packet reported received */
  int64_t newest_sent_us;           /* when it was sent; for RTT: now - this; -1 none */
};

/* Matches one feedback message. Packets already reported as received are not reported again; a packet reported lost earlier may
 * come back as received. `f` is consumed (iterated). Hostile numbers cost at most the statuses of the message. */
void transport_send_history_feedback(struct transport_send_history *h, struct rtcp_transport_feedback *f,
                                     int64_t now_us, struct transport_results *out);

#endif
