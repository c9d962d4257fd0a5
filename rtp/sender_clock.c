/* rtp/sender_clock.c: see rtp/sender_clock.h. */
#include "rtp/sender_clock.h"

#include "rtp/rtcp.h"

/* Clocks of computers differ by less. */
#define SKEW_PPM      200
/* Later than that for so long is no queue: the clock was set anew, or stood still with its computer. */
#define STEP_US       500000
#define STEP_AFTER_US 5000000

void sender_clock_report(struct sender_clock *c, uint64_t ntp, int64_t now_us) {
  const uint64_t offset = SENDER_CLOCK_EPOCH + rtcp_ntp_from_us(now_us) - ntp;
  int64_t since_us = now_us > c->updated_us ? now_us - c->updated_us : 0;
  if (since_us > STEP_AFTER_US) since_us = STEP_AFTER_US; /* a long silence proves nothing */
  c->updated_us = now_us;
  const int64_t later = (int64_t)(offset - c->offset);
  const bool late = c->known && later > (int64_t)rtcp_ntp_from_us(STEP_US);
  if (!late) c->late_from_us = 0;
  if (late && c->late_from_us == 0) c->late_from_us = now_us;
  const bool stepped = late && now_us - c->late_from_us >= STEP_AFTER_US;
  if (!c->known || later < 0 || stepped) {
    c->known = true;
    c->offset = offset;
    c->late_from_us = 0;
    return;
  }
  const uint64_t drift = rtcp_ntp_from_us(since_us * SKEW_PPM / 1000000);
  c->offset += drift < (uint64_t)later ? drift : (uint64_t)later;
}

uint64_t sender_clock_ours(const struct sender_clock *c, uint64_t ntp) {
  return ntp + c->offset;
}
