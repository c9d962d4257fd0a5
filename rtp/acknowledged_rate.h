/* rtp/acknowledged_rate.h: how much arrived per second at the receiver, in the receiver's own time.
 *
 * Over a saturated link this is the link's capacity, measured; otherwise it is what was sent.
 *
 * Source: draft-ietf-rmcat-gcc-02 §5.5 (R_hat, "measured over a window of 500 ms").   Memory: fixed, no allocation.
 */
#ifndef RTP_ACKNOWLEDGED_RATE_H
#define RTP_ACKNOWLEDGED_RATE_H

#include <stdint.h>

#define ACKNOWLEDGED_PACKETS   512    /* a power of two; above 10 Mbit/s the window gets shorter than half a second */
#define ACKNOWLEDGED_WINDOW_US 500000 /* the usual window                                                            */
#define ACKNOWLEDGED_BUSY_US   200000 /* what a queue lets through, when there is one                                */

struct acknowledged_rate {
  uint32_t next, count;
  struct {
    uint32_t first; /* oldest packet within; counts on, as next does */
    uint64_t bytes;
  } windows[2]; /* the usual one and the busy one */
  struct {
    int64_t arrival_us;
    uint32_t size;
  } packets[ACKNOWLEDGED_PACKETS];
};

void acknowledged_rate_init(struct acknowledged_rate *a);

/* One received packet. A packet that arrived before the newest counts as arrived with it. */
void acknowledged_rate_packet(struct acknowledged_rate *a, int64_t arrival_us, uint32_t size);

/* Bits per second over the last `window_us` (one of the two above) before the newest arrival; 0 while fewer than five packets, or less than a quarter of
 * the window, are known. The first packet of the window only starts the clock: its own bits came before. */
uint64_t acknowledged_rate_bps(const struct acknowledged_rate *a, int64_t window_us);

#endif
