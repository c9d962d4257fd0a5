/* rtp/acknowledged_rate.h: how much arrived per second at the receiver, in the receiver's own time.
 *
 * Over a saturated link this is the link's capacity, measured; otherwise it is what was sent.
 *
 * Source: draft-ietf-rmcat-gcc-02 §5.5 (R_hat, "measured over a window of 500 ms").   Memory: fixed, no allocation.
 */
#ifndef RTP_ACKNOWLEDGED_RATE_H
#define RTP_ACKNOWLEDGED_RATE_H

#include <stdint.h>

#define ACKNOWLEDGED_RUNS      256    /* a power of two; with more in half a second the window gets shorter          */
#define ACKNOWLEDGED_WINDOW_US 500000 /* the usual window                                                            */
#define ACKNOWLEDGED_BUSY_US   200000 /* what a queue lets through, when there is one                                */

struct acknowledged_rate {
  uint32_t next;         /* counts on */
  uint32_t first[2];     /* oldest run within the usual window, within the busy one */
  uint32_t bytes, total; /* received, packets of it: modulo 2^32 */
  struct acknowledged_run {
    int64_t arrival_us;
    uint32_t bytes, packets; /* received until then, this one included */
  } runs[ACKNOWLEDGED_RUNS];
};

void acknowledged_rate_init(struct acknowledged_rate *a);

/* Packets that arrived together, the last one at `arrival_us`. What arrived before the newest counts as arrived with it. */
void acknowledged_rate_run(struct acknowledged_rate *a, int64_t arrival_us, uint32_t bytes, uint32_t packets);

/* Bits per second over the last `window_us` (one of the two above) before the newest arrival; 0 while fewer than five packets, or less than a quarter of
 * the window, are known. The first run of the window only starts the clock: its own bits came before. */
uint64_t acknowledged_rate_bps(const struct acknowledged_rate *a, int64_t window_us);

#endif
