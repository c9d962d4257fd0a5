/* The back-off rule. */
#include "server/supervisor/backoff.h"

int64_t backoff_after_death(struct backoff *b, int64_t started_us, int64_t died_us) {
  if (b->delay_us == 0 || died_us - started_us >= BACKOFF_CALM_US)
    b->delay_us = BACKOFF_FIRST_US;
  else if (b->delay_us < BACKOFF_MAX_US)
    b->delay_us = b->delay_us * 2 > BACKOFF_MAX_US ? BACKOFF_MAX_US : b->delay_us * 2;
  return b->delay_us;
}
