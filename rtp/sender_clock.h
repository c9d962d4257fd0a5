/* rtp/sender_clock.h: one publisher's clock, as its sender reports show it, laid onto ours.
 *
 * A receiver plays a voice and a face together when their sender reports speak of one clock (RFC 3550 §6.4.1). Each browser has a
 * clock of its own; a slot that passes from one publisher to another must not make the receiver believe that time jumped by
 * seconds. So all that one publisher sends is moved by one offset, and everything that we report is on our clock. It counts
 * microseconds of `now_us` from SENDER_CLOCK_EPOCH: "any other" reference will do.
 *
 * The offset is that of the report that travelled fastest. It follows a clock that runs slower than ours, and one that was set anew.
 */
#ifndef RTP_SENDER_CLOCK_H
#define RTP_SENDER_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

#define SENDER_CLOCK_EPOCH (UINT64_C(0xe0000000) << 32)

/* Zero is a clock of which nothing is known yet. */
struct sender_clock {
  bool known;
  uint64_t offset;      /* Q32.32 seconds, two's complement */
  int64_t updated_us;   /* when the last report came        */
  int64_t late_from_us; /* since when all reports have been later than any queue explains; 0: the last one was not */
};

/* A sender report of any of its streams came at `now_us`. */
void sender_clock_report(struct sender_clock *c, uint64_t ntp, int64_t now_us);

/* Its time `ntp` on our clock; `ntp` itself while nothing is known. */
uint64_t sender_clock_ours(const struct sender_clock *c, uint64_t ntp);

#endif
