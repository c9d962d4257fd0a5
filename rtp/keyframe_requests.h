/* rtp/keyframe_requests.h: merges everybody's wish for a key frame into few requests (PLI or FIR) to the source.
 *
 * One struct keyframe_requests per source; wishes come from slots that wait for a switch, from receivers' PLI and FIR, and
 * from the NACK list giving up. At most two requests a second leave, four sooner after a rest (a key frame costs
 * the publisher ten frames' bits and PLI floods are an attack; but who joins just after somebody else shall not wait), and while the key frame stays away the request is repeated: RTCP gets lost too.
 * One struct keyframe_limiter per receiver (or slot) bounds what a single peer can cause.
 *
 * Sources: RFC 4585 §6.3.1 (PLI), RFC 5104 §4.3.1 (FIR).   Memory: fixed, no allocation.
 */
#ifndef RTP_KEYFRAME_REQUESTS_H
#define RTP_KEYFRAME_REQUESTS_H

#include <stdbool.h>
#include <stdint.h>

#define KEYFRAME_MIN_INTERVAL_US 500000 /* two per second                                                        */
#define KEYFRAME_BURST           4 /* after a rest so many may follow each other …                              */
#define KEYFRAME_SPACING_US      100000 /* … at this distance: the merging of those who come at the same time        */
/* The first repetition comes sooner: browsers pass over what comes within 300 ms of an earlier request, for any of their layers. */
#define KEYFRAME_SECOND_TRY_US   320000
#define KEYFRAME_MAX_INTERVAL_US 4000000 /* a source that never answers is asked more and more rarely, up to this */
#define KEYFRAME_EAGER_TRIES     6       /* so many requests at the normal pace before the interval doubles       */

struct keyframe_requests {
  int64_t rtt_us;
  int64_t last_sent_us;
  int64_t last_keyframe_us;
  int64_t due_us;     /* INT64_MAX: nobody waits */
  int64_t full_at_us; /* generic cell rate: when the burst will be allowed again */
  uint32_t tries;
  uint64_t wished, sent; /* counters */
};

void keyframe_requests_init(struct keyframe_requests *k);

/* Round trip to the source; 0 is ignored. */
void keyframe_requests_set_rtt(struct keyframe_requests *k, int64_t rtt_us);

/* Somebody needs a key frame. A wish that comes too soon after the last requests waits and is merged. */
void keyframe_requests_wish(struct keyframe_requests *k, int64_t now_us);

/* True when one request must be sent now; it is counted as sent. */
bool keyframe_requests_due(struct keyframe_requests *k, int64_t now_us);

/* When keyframe_requests_due() will say true next; INT64_MAX for never. */
int64_t keyframe_requests_deadline(const struct keyframe_requests *k);

/* A key frame began to arrive: all wishes are granted. */
void keyframe_requests_arrived(struct keyframe_requests *k, int64_t now_us);

/* Nobody watches the source any more: stop asking. */
void keyframe_requests_cancel(struct keyframe_requests *k);

/* ---- per receiver ---- */

#define KEYFRAME_LIMITER_BURST     4       /* a receiver that just joined may ask a few times quickly … */
#define KEYFRAME_LIMITER_REFILL_US 1000000 /* … and then once a second                                  */

/* Behind a path that loses a lot, a key frame is likely to need repairs itself: one at once, then one in two seconds. */
#define KEYFRAME_LIMITER_LOSSY_US  2000000

struct keyframe_limiter {
  int64_t full_at_us; /* generic cell rate: the instant at which the bucket will be full again */
  uint64_t refused;
  bool lossy;
};

void keyframe_limiter_init(struct keyframe_limiter *l);

/* Whether this receiver may ask now. */
bool keyframe_limiter_allow(struct keyframe_limiter *l, int64_t now_us);

#endif
