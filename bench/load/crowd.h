/* bench/load/crowd.h: all participants of a run: who joins when, who looks at whom, who speaks, who leaves.
 *
 * A seat is a place in a room; a participant sits in it. Seats are numbered room by room, so a crowd of n seats is the first
 * n / size rooms: growing and shrinking needs no plan.
 */
#ifndef BENCH_LOAD_CROWD_H
#define BENCH_LOAD_CROWD_H

#include <stdbool.h>
#include <stdint.h>

#include "bench/load/options.h"
#include "bench/load/participant.h"

struct crowd;

/* Sets itself as listener of `shared`, which must outlive it. 0, or -errno. */
int crowd_create(struct crowd **out, const struct load_options *options, struct participant_shared *shared);
void crowd_free(struct crowd *c); /* everybody leaves */

/* Seats to fill, at the join rate, those first whose people fell out; seats beyond are emptied at once. */
void crowd_set_target(struct crowd *c, unsigned seats, int64_t now_us);
/* Everybody has joined or failed. */
bool crowd_is_settled(const struct crowd *c);
/* Nobody got in and enough have tried: there is no point in waiting. */
bool crowd_is_hopeless(const struct crowd *c);

/* From now on the join rate's worth of seats gets a new participant every second, oldest first. */
void crowd_set_churn(struct crowd *c, bool on, int64_t now_us);
void crowd_stop_media(struct crowd *c); /* and messages */

unsigned crowd_ready(const struct crowd *c);            /* in the rooms now             */
unsigned crowd_seeing(const struct crowd *c);           /* of those, with first media   */
unsigned crowd_seats(const struct crowd *c);            /* the target                   */
uint64_t crowd_failed(const struct crowd *c);           /* over the whole life          */
const char *crowd_first_failure(const struct crowd *c); /* "" without one      */

/* Counting begins anew. */
void crowd_mark(struct crowd *c);
/* What all slots received since the mark, those who left in between included. */
void crowd_counts(const struct crowd *c, struct sequence_counts *out);
unsigned crowd_starved(const struct crowd *c, unsigned *assigned, int64_t now_us);

#endif
