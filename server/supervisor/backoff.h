/* server/supervisor/backoff.h: how long to wait before a dead child is started again. Pure: the caller knows the time.
 *
 * The first death costs 200 ms; a child that dies again within BACKOFF_CALM_US of its start waits twice as long as last
 * time, up to 5 s, so that a worker killed by one bad packet is back at once and one that cannot live does not eat a core.
 */
#ifndef SERVER_SUPERVISOR_BACKOFF_H
#define SERVER_SUPERVISOR_BACKOFF_H

#include <stdint.h>

#define BACKOFF_FIRST_US 200000
#define BACKOFF_MAX_US   5000000
#define BACKOFF_CALM_US  10000000 /* a life at least this long clears the record */

struct backoff {
  int64_t delay_us; /* of the last death, 0: none yet */
};

/* A child that started at `started_us` died at `died_us`. Returns how long to wait from then. */
int64_t backoff_after_death(struct backoff *b, int64_t started_us, int64_t died_us);

#endif
