/* The application limited region: see rtp/application_limit.h. */
#include "rtp/application_limit.h"

void application_limit_init(struct application_limit *a) {
  *a = (struct application_limit){.updated_us = -1};
}

bool application_limit_sent(struct application_limit *a, uint32_t bytes, uint64_t target_bps, int64_t now_us) {
  double per_us = APPLICATION_LIMIT_SHARE * (double)target_bps / 8e6;
  double most = per_us * APPLICATION_LIMIT_WINDOW_US;
  if (a->updated_us < 0) a->updated_us = now_us;
  if (now_us > a->updated_us) {
    a->budget_bytes += per_us * (double)(now_us - a->updated_us);
    a->updated_us = now_us;
  }
  a->budget_bytes -= bytes;
  if (a->budget_bytes > most) a->budget_bytes = most;
  if (a->budget_bytes < -most) a->budget_bytes = -most;
  bool before = a->limited;
  if (a->budget_bytes > APPLICATION_LIMIT_START * most) a->limited = true;
  if (a->budget_bytes < APPLICATION_LIMIT_STOP * most) a->limited = false;
  if (a->limited != before) a->since_us = now_us;
  return a->limited;
}
