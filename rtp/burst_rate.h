/* rtp/burst_rate.h: how fast a burst may go to one receiver without standing in a queue, learnt from bursts that went.
 *
 * A frame leaves as a burst. Its last packet's wait, above the shortest way known, covers all of its bytes: they went over the path
 * at least as fast as their sum over that wait, whatever else delayed them. So each burst proves a rate from below, no extra packet
 * is needed, and a path that has barely room for the media (a frame waits for itself) proves nothing beyond. A wait that people
 * could notice takes the proof away.
 *
 * Memory: fixed, no allocation.
 */
#ifndef RTP_BURST_RATE_H
#define RTP_BURST_RATE_H

#include <stdint.h>

#include "rtp/transport_feedback.h"

#define BURST_SPAN_US   1000    /* packets sent within so long are one burst */
#define BURST_MIN_BYTES 900     /* fewer say little */
#define BURST_BLUR_US   500     /* arrival times come in steps of 250 us */
#define BURST_WAIT_US   10000   /* a wait that takes the proof away … */
#define BURST_REST_US   3000000 /* … for so long */
#define BURST_LEAST_BPS 8000000 /* a path that was not seen to carry so much has no room to spare: its proof is 0 */
#define BURST_WINDOW_US 3000000 /* what was proven counts for one to two of these */

struct burst_rate {
  uint64_t best_bps[2]; /* of the running window and of the one before */
  int64_t window;
  int64_t waited_us; /* when a wait was last seen; -1 never */
};

void burst_rate_init(struct burst_rate *b);

/* One feedback message. `base_us`: the least one-way delay known (rtp/queue_delay.h), INT64_MAX none. */
void burst_rate_feedback(struct burst_rate *b, const struct transport_results *r, int64_t base_us, int64_t now_us);

/* The link just turned out to be slower than thought. */
void burst_rate_congested(struct burst_rate *b, int64_t now_us);

/* Proven lately; 0: nothing. */
uint64_t burst_rate_bps(const struct burst_rate *b, int64_t now_us);

#endif
