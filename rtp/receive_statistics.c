/* RFC 3550's receiver bookkeeping: see rtp/receive_statistics.h. */
#include "rtp/receive_statistics.h"

#include <string.h>

#define SEQ_MOD          65536U

/* A.1: bad_seq is set to a value no sequence number can have while no jump is suspected. */
#define NO_BAD_SEQ       (SEQ_MOD + 1)

#define SILENCE_US       500000
#define SETTLING_PACKETS 25
#define SETTLED_PACKETS  3
#define EVEN_PER_SECOND  200 /* 5 ms sooner than the one before is early */

void rtp_receive_statistics_init(struct rtp_receive_statistics *s, uint32_t clock_rate) {
  memset(s, 0, sizeof *s);
  s->clock_rate = clock_rate;
  s->bad_seq = NO_BAD_SEQ;
  s->fraction_lost = 0;
  rtp_rate_window_init(&s->rate);
}

static void begin_life(struct rtp_receive_statistics *s, uint32_t extended) {
  s->base = extended;
  s->highest = extended;
  s->bad_seq = NO_BAD_SEQ;
  s->received = 0;
  s->expected_prior = 0;
  s->received_prior = 0;
  s->has_transit = false;
  s->started = true;
}

/* now_us in timestamp units, modulo 2^32: whole seconds and the rest apart, so that no product overflows. */
static uint32_t arrival_in_units(const struct rtp_receive_statistics *s, int64_t now_us) {
  uint64_t seconds = (uint64_t)now_us / 1000000, rest = (uint64_t)now_us % 1000000;
  return (uint32_t)(seconds * s->clock_rate + rest * s->clock_rate / 1000000);
}

/* `sooner`: the packet took less time than the one before it, in timestamp units. */
static void settle(struct rtp_receive_statistics *s, int32_t sooner) {
  s->settling--;
  s->even = sooner > (int32_t)(s->clock_rate / EVEN_PER_SECOND) ? 0 : (uint8_t)(s->even + 1);
  if (s->even == SETTLED_PACKETS) s->settling = 0;
}

/* RFC 3550 A.8, the integer form. */
static void update_jitter(struct rtp_receive_statistics *s, uint32_t timestamp, int64_t now_us) {
  if (now_us != s->last_us) s->last_units = arrival_in_units(s, now_us); /* what is read at once came at one time */
  uint32_t transit = s->last_units - timestamp;
  if (s->has_transit && now_us - s->last_us >= SILENCE_US) {
    s->settling = SETTLING_PACKETS;
    s->even = 0;
  } else if (s->settling) {
    settle(s, (int32_t)(s->transit - transit));
  }
  s->last_us = now_us;
  if (s->has_transit) {
    int32_t difference = (int32_t)(transit - s->transit);
    uint32_t d = difference < 0 ? 0U - (uint32_t)difference : (uint32_t)difference;
    /* A leap of the clock (restart, hostile timestamps) is no jitter; taking it in would hide the real one for minutes. */
    if (d < s->clock_rate * 10) s->jitter_q4 += d - ((s->jitter_q4 + 8) >> 4);
  }
  s->transit = transit;
  s->has_transit = true;
}

bool rtp_receive_statistics_settling(const struct rtp_receive_statistics *s) {
  return s->settling > 0;
}

enum rtp_sequence_verdict rtp_receive_statistics_packet(struct rtp_receive_statistics *s, uint16_t seq,
                                                        uint32_t timestamp, uint32_t bytes, int64_t now_us,
                                                        uint32_t *extended) {
  enum rtp_sequence_verdict verdict = RTP_SEQUENCE_IN_ORDER;
  if (!s->started) {
    begin_life(s, SEQ_MOD + seq);
    *extended = s->highest;
  } else {
    uint16_t delta = (uint16_t)(seq - (uint16_t)s->highest);
    if (delta != 0 && delta < RTP_MAX_DROPOUT) {
      s->highest += delta;
      s->bad_seq = NO_BAD_SEQ;
      *extended = s->highest;
    } else if (delta != 0 && delta <= SEQ_MOD - RTP_MAX_MISORDER) {
      if (seq != s->bad_seq) {
        s->bad_seq = (seq + 1U) & (SEQ_MOD - 1);
        return RTP_SEQUENCE_BAD;
      }
      /* Two in a row: the source restarted. Its numbers go on in the next cycle, so that they are newer than all before. */
      uint32_t next = (s->highest & ~(SEQ_MOD - 1)) + SEQ_MOD + seq;
      begin_life(s, next);
      s->restarts++;
      *extended = next;
      verdict = RTP_SEQUENCE_RESTARTED;
    } else {
      *extended = s->highest - (uint16_t)(0U - delta);
      verdict = RTP_SEQUENCE_LATE;
    }
  }
  s->received++;
  s->packets++;
  s->bytes += bytes;
  rtp_rate_window_add(&s->rate, bytes, now_us);
  update_jitter(s, timestamp, now_us);
  return verdict;
}

uint32_t rtp_receive_statistics_extend(const struct rtp_receive_statistics *s, uint16_t seq) {
  return s->highest + (uint32_t)(int16_t)(uint16_t)(seq - (uint16_t)s->highest);
}

void rtp_receive_statistics_sender_report(struct rtp_receive_statistics *s, uint64_t ntp, uint32_t rtp_timestamp,
                                          int64_t now_us) {
  s->has_sr = true;
  s->sr_ntp = ntp;
  s->sr_rtp = rtp_timestamp;
  s->sr_arrival_us = now_us;
}

/* RFC 3550 A.3 */
static uint32_t expected(const struct rtp_receive_statistics *s) {
  return s->highest - s->base + 1;
}

int32_t rtp_receive_statistics_lost(const struct rtp_receive_statistics *s) {
  return s->started ? (int32_t)(expected(s) - s->received) : 0;
}

bool rtp_receive_statistics_report(struct rtp_receive_statistics *s, uint32_t ssrc, int64_t now_us,
                                   struct rtcp_report_block *out) {
  if (!s->started) return false;
  uint32_t expected_interval = expected(s) - s->expected_prior;
  uint32_t received_interval = s->received - s->received_prior;
  s->expected_prior = expected(s);
  s->received_prior = s->received;
  int32_t lost_interval = (int32_t)(expected_interval - received_interval);
  uint64_t fraction = expected_interval && lost_interval > 0 ? ((uint64_t)lost_interval << 8) / expected_interval : 0;
  s->fraction_lost = (uint8_t)(fraction > 255 ? 255 : fraction);

  /* RFC 3550 A.3: "clamped to 0x7fffff for positive loss or 0x800000 for negative loss" */
  int32_t lost = rtp_receive_statistics_lost(s);
  if (lost > 0x7fffff) lost = 0x7fffff;
  if (lost < -0x800000) lost = -0x800000;
  *out = (struct rtcp_report_block){.ssrc = ssrc,
                                    .fraction_lost = s->fraction_lost,
                                    .cumulative_lost = lost,
                                    .extended_seq = s->highest - SEQ_MOD, /* on the wire cycles count from 0 */
                                    .jitter = s->jitter_q4 >> 4};
  if (s->has_sr) {
    int64_t delay = now_us - s->sr_arrival_us;
    if (delay < 0) delay = 0;
    out->last_sr = rtcp_ntp_middle(s->sr_ntp);
    out->delay_since_sr = (uint32_t)(((uint64_t)delay << 16) / 1000000);
  }
  return true;
}

int64_t rtp_receive_statistics_jitter_us(const struct rtp_receive_statistics *s) {
  return (int64_t)(s->jitter_q4 >> 4) * 1000000 / s->clock_rate;
}
