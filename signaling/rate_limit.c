/* signaling/rate_limit.c: a token bucket in millionths of a point, so that microseconds need no division. */
#include "signaling/rate_limit.h"

#define MICRO 1000000
#define FULL  ((int64_t)RATE_LIMIT_BURST * MICRO)

void rate_limit_init(struct rate_limit *limit, int64_t now_us) {
  *limit = (struct rate_limit){.points_micro = FULL, .last_us = now_us};
}

static void refill(struct rate_limit *limit, int64_t now_us) {
  int64_t passed = now_us - limit->last_us;
  if (passed <= 0) return;
  limit->last_us = now_us;
  if (passed >= FULL / RATE_LIMIT_PER_SECOND || limit->points_micro + passed * RATE_LIMIT_PER_SECOND > FULL)
    limit->points_micro = FULL;
  else
    limit->points_micro += passed * RATE_LIMIT_PER_SECOND;
}

static int64_t price_of(uint32_t cost) {
  int64_t price = (int64_t)cost * MICRO;
  return price > FULL ? FULL : price;
}

int64_t rate_limit_wait_us(const struct rate_limit *limit, uint32_t cost) {
  int64_t missing = price_of(cost) - limit->points_micro;
  return missing <= 0 ? 0 : (missing + RATE_LIMIT_PER_SECOND - 1) / RATE_LIMIT_PER_SECOND;
}

enum rate_limit_verdict rate_limit_take(struct rate_limit *limit, uint32_t cost, int64_t now_us) {
  refill(limit, now_us);
  int64_t price = price_of(cost);
  if (limit->points_micro >= price) {
    limit->points_micro -= price;
    return RATE_LIMIT_PASS;
  }
  if (limit->refused && now_us - limit->last_refused_us >= MICRO) limit->refused = 0;
  limit->last_refused_us = now_us;
  return ++limit->refused >= RATE_LIMIT_REFUSALS ? RATE_LIMIT_CLOSE : RATE_LIMIT_REFUSE;
}

uint32_t rate_limit_cost(enum signaling_type type, size_t bytes) {
  uint32_t price;
  switch (type) {
    case SIGNALING_HELLO: /* a signature */
    case SIGNALING_OFFER: /* an SDP parse, an answer, a transport */
      price = 10;
      break;
    case SIGNALING_CHECK:
    case SIGNALING_JOIN:
    case SIGNALING_PUBLISH:
    case SIGNALING_UNPUBLISH:
    case SIGNALING_INVITE: /* makes pages ring */
    case SIGNALING_CREATE_GUEST_LINK:
      price = 5;
      break;
    case SIGNALING_CHAT: /* goes out to everybody */
    case SIGNALING_SET_NAME:
    case SIGNALING_RAISE_HAND:
    case SIGNALING_LOCK:
    case SIGNALING_ADMIT_ALL:
    case SIGNALING_SET_POLICY:
    case SIGNALING_ACCEPT:
    case SIGNALING_CHECK_USER:
      price = 3;
      break;
    default:
      price = 1;
  }
  return price + (uint32_t)(bytes / 4096 > RATE_LIMIT_BURST ? RATE_LIMIT_BURST : bytes / 4096);
}
