/* tests/bench/fake_participants.h: bench/load/participant.h without a server: linked in its place, people do what a test says. */
#ifndef TESTS_BENCH_FAKE_PARTICIPANTS_H
#define TESTS_BENCH_FAKE_PARTICIPANTS_H

#include "bench/load/participant.h"

#define FAKE_MAX 512

struct participant {
  struct participant_shared *shared;
  struct participant_plan plan;
  struct sequence_counts counts;
  bool ready, media_on, has_data;
  uint8_t level;
  unsigned views, view_count, said;
  char track[SIGNALING_IDENTIFIER_BYTES + 1];
  int64_t created_us;
};

/* Those who are there, in the order in which they came. */
extern struct participant *fake_present[FAKE_MAX];
extern unsigned fake_present_count;
extern unsigned fake_created, fake_freed;
extern int fake_create_error; /* what the next participant_create() returns, once */

/* Their events. */
void fake_ready(struct participant *p);
void fake_first_media(struct participant *p);
void fake_failed(struct participant *p, const char *why);
/* Everybody who is there and not ready becomes so. */
void fake_all_ready(void);
void fake_reset(void);

#endif
