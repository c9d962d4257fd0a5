/* rtp/application_limit.h: whether less is sent than the estimate allows, so that a quiet link proves nothing.
 *
 * A budget fills at 65 % of the target and is used by what is sent. Nearly full: the application is the limit. Half empty: the
 * link may be again.
 *
 * Source: the application limited region detector of libwebrtc, with its constants.   Memory: fixed, no allocation.
 */
#ifndef RTP_APPLICATION_LIMIT_H
#define RTP_APPLICATION_LIMIT_H

#include <stdbool.h>
#include <stdint.h>

#define APPLICATION_LIMIT_SHARE     0.65
#define APPLICATION_LIMIT_START     0.80
#define APPLICATION_LIMIT_STOP      0.50
#define APPLICATION_LIMIT_WINDOW_US 500000

struct application_limit {
  double budget_bytes;
  int64_t updated_us; /* -1 before the first packet */
  bool limited;
  int64_t since_us; /* of the last change of `limited` */
};

void application_limit_init(struct application_limit *a);

/* `bytes` leave at now_us; 0 only lets time pass. Returns a->limited. */
bool application_limit_sent(struct application_limit *a, uint32_t bytes, uint64_t target_bps, int64_t now_us);

#endif
