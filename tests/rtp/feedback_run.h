/* tests/rtp/feedback_run.h: a run of feedback that is one packet, for tests of whatever eats runs. */
#ifndef TESTS_RTP_FEEDBACK_RUN_H
#define TESTS_RTP_FEEDBACK_RUN_H

#include "rtp/transport_feedback.h"

/* arrival_us -1: lost. */
static inline struct transport_result run_of_one(int64_t sent_us, int64_t arrival_us, uint32_t bytes) {
  return (struct transport_result){.sent_us = sent_us,
                                   .last_sent_us = sent_us,
                                   .arrival_us = arrival_us,
                                   .last_arrival_us = arrival_us,
                                   .packets = 1,
                                   .bytes = bytes,
                                   .first_bytes = (uint16_t)bytes,
                                   .last_bytes = (uint16_t)bytes};
}

#endif
