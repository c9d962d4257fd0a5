/* Fuzzes transport-wide feedback. Input: a datagram; or, when the first byte's highest bit is clear, arrivals to write: the
 * base's low byte, then two bytes each (gap in sequence numbers, time step). */
#include "rtp/rtcp.h"
#include "tests/fuzz/rtp_fuzz.h"

#define MAX_ARRIVALS 1024

static size_t read_arrivals(const uint8_t *data, size_t size, uint16_t seq, struct rtcp_transport_arrival *a) {
  int64_t at = 1000000000;
  size_t count = 0;
  for (; size >= 2 && count < MAX_ARRIVALS; data += 2, size -= 2) {
    /* Mostly no gap or a small one, rarely a huge one. */
    unsigned gap = data[0] < 192 ? data[0] / 64U : (data[0] - 191U) * 2;
    seq = (uint16_t)(seq + (data[0] == 255 ? 500 : gap));
    int step = data[1] - 128;
    at += (int64_t)step * step * step * 20;
    if (at < 0) at = 0;
    a[count++] = (struct rtcp_transport_arrival){.arrival_us = at, .seq = seq++};
  }
  return count;
}

static void check_message(const uint8_t *data, size_t len, uint16_t base, const struct rtcp_transport_arrival *a,
                          size_t count) {
  struct rtcp_iterator it;
  struct rtcp_packet p = {0};
  struct rtcp_transport_feedback f;
  struct rtcp_transport_status s;
  HOLDS(rtcp_begin(&it, data, len) == RTP_OK && rtcp_next(&it, &p) && rtcp_parse_transport_feedback(&p, &f) == RTP_OK);
  HOLDS(f.base_seq == base && f.received_count == count);
  size_t i = 0;
  while (rtcp_transport_feedback_next(&f, &s)) {
    if (!s.received) continue;
    HOLDS(i < count && s.seq == a[i].seq);
    HOLDS((a[i].arrival_us / RTCP_TRANSPORT_TICK_US * RTCP_TRANSPORT_TICK_US - s.arrival_us) % (64000LL << 24) == 0);
    i++;
  }
  HOLDS(i == count);
}

static void fuzz_writer(const uint8_t *data, size_t size) {
  static struct rtcp_transport_arrival arrivals[MAX_ARRIVALS];
  uint8_t out[1200];
  uint16_t base = (uint16_t)(0xff00 | data[0]);
  size_t cap = 24 + (size_t)data[0] * 4;
  const struct rtcp_transport_arrival *a = arrivals;
  size_t count = read_arrivals(data + 1, size - 1, base, arrivals);
  while (count > 0) {
    size_t consumed;
    int n = rtcp_write_transport_feedback(out, cap, 1, 2, 3, base, a, count, &consumed);
    if (n < 0) { /* a gap of losses too long for a small buffer: report from the arrival itself */
      HOLDS(n == RTP_ERROR_NO_SPACE && base != a->seq && consumed == 0);
      base = a->seq;
      continue;
    }
    HOLDS((size_t)n <= cap && consumed >= 1 && consumed <= count);
    check_message(out, (size_t)n, base, a, consumed);
    base = (uint16_t)(a[consumed - 1].seq + 1);
    a += consumed;
    count -= consumed;
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size > 0 && !(data[0] & 0x80)) {
    fuzz_writer(data, size);
    return 0;
  }
  uint8_t *copy = malloc(size ? size : 1);
  HOLDS(copy != NULL);
  if (size > 0) memcpy(copy, data, size);
  struct rtcp_iterator it;
  struct rtcp_packet p;
  if (rtcp_begin(&it, copy, size) != RTP_OK) size = 0;
  while (size > 0 && rtcp_next(&it, &p)) {
    struct rtcp_transport_feedback f;
    struct rtcp_transport_status s;
    if (rtcp_parse_transport_feedback(&p, &f) != RTP_OK) continue;
    unsigned statuses = 0, received = 0;
    uint16_t seq = f.base_seq;
    while (rtcp_transport_feedback_next(&f, &s)) {
      HOLDS(s.seq == seq++);
      statuses++;
      received += s.received;
    }
    HOLDS(statuses == f.status_count && received == f.received_count && statuses <= RTCP_TRANSPORT_MAX_STATUSES);
  }
  free(copy);
  return 0;
}
