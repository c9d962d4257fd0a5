/* bench/load/scenario.h: the scenarios by name: how large they are by default, and who does what in them. */
#ifndef BENCH_LOAD_SCENARIO_H
#define BENCH_LOAD_SCENARIO_H

#include "bench/load/options.h"
#include "bench/load/participant.h"

struct scenario {
  const char *name;
  const char *summary; /* for --help */
  unsigned rooms, members;
  double duration_s;
  unsigned layers;
  bool video;
};

const struct scenario *scenario_of(enum scenario_kind kind);
/* -1: no such name. */
int scenario_from_name(const char *name);

/* Participants that are one person: two with Janus, but for a lecture. */
unsigned scenario_transports(const struct load_options *o);

/* The scenario whose people are in the rooms: that of --of for a ramp, consult for churn. */
enum scenario_kind scenario_people(const struct load_options *o);

/* Participants of one room; of a lecture one more than `members`: the lecturer. With Janus, where everybody who sends and receives
 * has two transports, the senders come first and then as many receivers; a lecture's people do only one of both. */
unsigned scenario_room_size(const struct load_options *o);

/* Fills what member `index` of room `room` sends and receives. `serial` makes its identity unique. */
void scenario_plan(const struct load_options *o, unsigned room, unsigned index, uint64_t serial,
                   struct participant_plan *out);

/* Members who send; the listeners of a lecture only receive. */
bool scenario_sends(const struct load_options *o, unsigned index);

/* Who of a room speaks at a moment: up to three at a time, in turns of three seconds. */
bool scenario_speaks(const struct load_options *o, unsigned index, unsigned turn);

/* Thumbnails: whom member `index` looks at. Writes member numbers, returns how many; 0: the server chooses. */
size_t scenario_views(const struct load_options *o, unsigned index, unsigned *members, size_t max);

#endif
