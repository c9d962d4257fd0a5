/* signaling/rate_limit.h: how many requests one connection may send: a token bucket, and when enough is enough.
 *
 * A normal client sends some tens of messages while it joins and one or two a second afterwards; the burst covers the
 * first, the refill the second. Requests that cost the server more, cost more (rate_limit_cost()).
 * Fixed size, no allocation, no clock: now_us is the caller's monotonic microseconds.
 */
#ifndef SIGNALING_RATE_LIMIT_H
#define SIGNALING_RATE_LIMIT_H

#include <stddef.h>
#include <stdint.h>

#include "signaling/message.h"

#define RATE_LIMIT_BURST      120 /* points a connection starts with and can save up            */
#define RATE_LIMIT_PER_SECOND 20  /* points that come back each second                          */
#define RATE_LIMIT_REFUSALS   100 /* refused requests without a second of peace: close 4006     */

enum rate_limit_verdict {
  RATE_LIMIT_PASS = 0,
  RATE_LIMIT_REFUSE = -1, /* answer `rate_limited`                           */
  RATE_LIMIT_CLOSE = -2,  /* the client does not listen: close the connection */
};

struct rate_limit {
  int64_t points_micro; /* millionths of a point */
  int64_t last_us;
  int64_t last_refused_us;
  uint32_t refused;
};

void rate_limit_init(struct rate_limit *limit, int64_t now_us);

/* Takes `cost` points. A clock that steps back gives nothing and costs nothing. */
enum rate_limit_verdict rate_limit_take(struct rate_limit *limit, uint32_t cost, int64_t now_us);

/* After how many microseconds of silence `cost` points will be there; 0: now. At most that of a full bucket, 6 s. */
int64_t rate_limit_wait_us(const struct rate_limit *limit, uint32_t cost);

/* What a request of this type and size costs: its type's price and one point more for each 4 KiB. */
uint32_t rate_limit_cost(enum signaling_type type, size_t bytes);

#endif
