/* rtp/competition.h: a queue that does not go away when we slow down belongs to somebody else.
 *
 * A download fills its bottleneck's queue whatever we do; whoever backs off before every queue ends up with nothing. When the
 * queue has stood for seconds through several decreases of ours, the rate is governed as the competitor's is: one packet more per
 * round trip, a third less at a loss, or what still arrives. After each loss it stays down long enough for a queue of our own to drain; if it does,
 * there was no competitor, or he is gone, and delay governs again. The delay is then the competitor's queue, no more.
 *
 * Source: the mode switch of Copa (Arun, Balakrishnan 2018, §2.2), the increase of RFC 5681 §3.1.   Memory: fixed.
 */
#ifndef RTP_COMPETITION_H
#define RTP_COMPETITION_H

#include <stdbool.h>
#include <stdint.h>

#define COMPETITION_EMPTY_US    25000 /* less standing queue than this is none */
#define COMPETITION_AFTER_US    3000000
#define COMPETITION_DECREASES   3
#define COMPETITION_PACKET_BITS 9600
#define COMPETITION_DECREASE    0.7
#define COMPETITION_REST_US     1200000

struct competition {
  bool on;
  int64_t queued_since_us; /* -1: no queue */
  uint32_t decreases;      /* of ours, meanwhile */
  double usual;            /* share lost at random while there was no queue, smoothed */
  double chance;           /* when the queue came: what is lost beyond that is lost to it */
  int64_t rest_until_us, updated_us;
  uint64_t begun; /* counter */
};

void competition_init(struct competition *c);

/* One feedback message: the standing queue, the share that is lost at random, whether delay made us decrease. Returns c->on. */
bool competition_update(struct competition *c, int64_t queue_us, double chance, bool decreased, int64_t now_us);

/* The share that chance takes, when a queue may be what takes more: as it was before that queue. */
static inline double competition_chance(const struct competition *c, double chance) {
  return c->queued_since_us >= 0 && c->chance < chance ? c->chance : chance;
}

/* The rate while it is on. `lost`: packets were lost, more than chance explains. */
uint64_t competition_rate(struct competition *c, uint64_t bps, uint64_t acknowledged_bps, bool lost, bool app_limited,
                          int64_t rtt_us, int64_t now_us);

#endif
