/* bench/load/crowd.c: see the header. */
#include "bench/load/crowd.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/load/scenario.h"

#define TICK_US        250000
#define TURN_US        3000000 /* how long a person speaks */
#define LOUD           20      /* RFC 6464: -20 dBov */
#define SILENT         127
#define HOPELESS_AFTER 3
#define SPARE_FILES    64

struct seat {
  struct crowd *crowd;
  struct participant *participant; /* NULL: empty */
  unsigned number;                 /* room * size + index */
  bool ready, seeing;
  int64_t message_due_us;
  struct sequence_counts at_mark;
};

struct crowd {
  const struct load_options *options;
  struct participant_shared *shared;
  struct seat **seats;
  unsigned room_size, count, target, filled; /* count: allocated; filled: seats that a first participant was put into */
  unsigned again, again_end;                 /* of those, where to look for people who fell out and may come back */
  unsigned ready, seeing;
  uint64_t serial, failed;
  bool churning, changed, quiet;
  unsigned churn_next;
  int64_t join_due_us, began_us;
  struct loop_timer join_timer, tick_timer;
  struct sequence_counts departed;
  char first_failure[PARTICIPANT_WORDS_BYTES];
};

/* ---- one seat ---- */

static void count_departure(struct crowd *c, struct seat *seat) {
  struct sequence_counts now = {0};
  participant_counts(seat->participant, &now);
  sequence_counts_subtract(&now, &seat->at_mark);
  sequence_counts_add(&c->departed, &now);
}

static void empty_seat(struct crowd *c, struct seat *seat) {
  if (!seat->participant) return;
  count_departure(c, seat);
  participant_free(seat->participant);
  seat->participant = NULL;
  c->ready -= seat->ready;
  c->seeing -= seat->seeing;
  seat->ready = seat->seeing = false;
  seat->message_due_us = 0;
  memset(&seat->at_mark, 0, sizeof seat->at_mark);
}

/* Receivers whose latency is measured, evenly over all seats. */
static bool is_sampled(const struct crowd *c, unsigned number) {
  unsigned sample = c->options->sample, seats = c->target;
  if (!sample) return false;
  unsigned step = seats / sample;
  return step < 2 || number % step == step / 2;
}

static void note_failure(struct crowd *c, const char *why) {
  c->failed++;
  if (!*c->first_failure) snprintf(c->first_failure, sizeof c->first_failure, "%s", why);
}

static void fill_seat(struct crowd *c, struct seat *seat) {
  struct participant_plan plan;
  scenario_plan(c->options, seat->number / c->room_size, seat->number % c->room_size, ++c->serial, &plan);
  plan.sampled = is_sampled(c, seat->number) && (plan.audio_slots || plan.video_slots);
  plan.owner = seat;
  int error = participant_create(&seat->participant, c->shared, &plan);
  if (!error) return;
  seat->participant = NULL;
  char why[PARTICIPANT_WORDS_BYTES];
  if (error == -EMFILE || error == -ENFILE)
    snprintf(why, sizeof why, "no file descriptors left; raise the limit (ulimit -n %u)", 2 * c->target + SPARE_FILES);
  else
    snprintf(why, sizeof why, "a participant cannot be made: %s", strerror(-error));
  note_failure(c, why);
}

/* ---- what participants say ---- */

static void set_level(const struct crowd *c, const struct seat *seat, int64_t now_us) {
  unsigned turn = (unsigned)((now_us - c->began_us) / TURN_US);
  bool speaks = scenario_speaks(c->options, seat->number % c->room_size, turn);
  participant_set_level(seat->participant, speaks ? LOUD : SILENT);
}

static void on_ready(void *arg, struct participant *p, int64_t now_us) {
  struct crowd *c = arg;
  struct seat *seat = participant_owner(p);
  seat->ready = true;
  c->ready++;
  c->changed = true;
  set_level(c, seat, now_us);
  participant_start_media(p, now_us);
}

static void on_first_media(void *arg, struct participant *p, int64_t now_us) {
  struct crowd *c = arg;
  struct seat *seat = participant_owner(p);
  (void)now_us;
  if (seat->seeing) return;
  seat->seeing = true;
  c->seeing++;
}

static void on_failed(void *arg, struct participant *p, const char *why) {
  struct crowd *c = arg;
  note_failure(c, why);
  empty_seat(c, participant_owner(p));
}

/* ---- joining ---- */

static int64_t join_interval_us(const struct crowd *c) {
  return (int64_t)(1e6 / c->options->join_rate);
}

/* The next of the old seats that is empty; NULL when there is none any more. */
static struct seat *next_empty(struct crowd *c) {
  while (c->again < c->again_end && c->seats[c->again]->participant)
    c->again++;
  return c->again < c->again_end ? c->seats[c->again++] : NULL;
}

static void on_join_timer(void *arg, int64_t now_us) {
  struct crowd *c = arg;
  while (c->join_due_us <= now_us) {
    struct seat *empty = next_empty(c);
    if (empty) {
      fill_seat(c, empty);
    } else if (c->filled < c->target) {
      fill_seat(c, c->seats[c->filled++]);
    } else if (c->churning && c->target) {
      struct seat *seat = c->seats[c->churn_next++ % c->target];
      empty_seat(c, seat);
      fill_seat(c, seat);
    } else {
      return;
    }
    c->join_due_us += join_interval_us(c);
  }
  event_loop_set(c->shared->loop, &c->join_timer, c->join_due_us);
}

static bool grow(struct crowd *c, unsigned count) {
  struct seat **seats = realloc(c->seats, count * sizeof(struct seat *));
  if (!seats) return false;
  c->seats = seats;
  for (; c->count < count; c->count++) {
    struct seat *seat = calloc(1, sizeof *seat);
    if (!seat) return false;
    seat->crowd = c;
    seat->number = c->count;
    c->seats[c->count] = seat;
  }
  return true;
}

void crowd_set_target(struct crowd *c, unsigned seats, int64_t now_us) {
  if (seats > c->count && !grow(c, seats)) return;
  c->target = seats;
  while (c->filled > seats)
    empty_seat(c, c->seats[--c->filled]);
  c->again = 0;
  c->again_end = c->filled;
  c->join_due_us = now_us;
  event_loop_set(c->shared->loop, &c->join_timer, now_us);
}

bool crowd_is_settled(const struct crowd *c) {
  if (c->filled < c->target || c->again < c->again_end) return false;
  for (unsigned i = 0; i < c->target; i++)
    if (c->seats[i]->participant && !c->seats[i]->ready) return false;
  return true;
}

bool crowd_is_hopeless(const struct crowd *c) {
  unsigned enough = c->target < HOPELESS_AFTER ? c->target : HOPELESS_AFTER;
  return c->ready == 0 && c->failed >= enough;
}

void crowd_set_churn(struct crowd *c, bool on, int64_t now_us) {
  c->churning = on;
  c->join_due_us = now_us;
  if (on) event_loop_set(c->shared->loop, &c->join_timer, now_us);
}

/* ---- views and voices ---- */

#define MAX_VIEWS 16

static void send_views(struct crowd *c) {
  for (unsigned i = 0; i < c->filled; i++) {
    const struct seat *seat = c->seats[i];
    unsigned members[MAX_VIEWS], first = i - i % c->room_size;
    struct participant_view views[MAX_VIEWS];
    size_t wanted = scenario_views(c->options, i % c->room_size, members, MAX_VIEWS), count = 0;
    if (!seat->ready || !wanted) continue;
    for (size_t k = 0; k < wanted; k++) {
      const struct seat *other = first + members[k] < c->filled ? c->seats[first + members[k]] : NULL;
      if (other && other->ready)
        views[count++] = (struct participant_view){participant_camera_track(other->participant), 320, 180};
    }
    participant_view(seat->participant, views, count);
  }
}

/* ---- data channels ---- */

/* Others of the room who can hear a message now. */
static unsigned listeners_of(const struct crowd *c, unsigned number) {
  unsigned first = number - number % c->room_size, count = 0;
  for (unsigned i = first; i < first + c->room_size && i < c->filled; i++)
    count += i != number && c->seats[i]->ready && participant_has_data(c->seats[i]->participant);
  return count;
}

/* A message to everybody in the room, every --data-interval; the first after a random part of it. */
static void send_message(struct crowd *c, unsigned number, int64_t now_us) {
  struct seat *seat = c->seats[number];
  int64_t interval_us = (int64_t)(c->options->data_interval_s * 1e6);
  if (!participant_has_data(seat->participant) || !scenario_sends(c->options, number % c->room_size)) return;
  if (!seat->message_due_us) seat->message_due_us = now_us + number * INT64_C(7919) * TICK_US % interval_us;
  if (seat->message_due_us > now_us) return;
  seat->message_due_us += interval_us;
  unsigned listeners = listeners_of(c, number);
  if (participant_say(seat->participant, now_us)) c->shared->counters->data_expected += listeners;
}

static void on_tick(void *arg, int64_t now_us) {
  struct crowd *c = arg;
  for (unsigned i = 0; i < c->filled; i++) {
    if (c->seats[i]->ready) set_level(c, c->seats[i], now_us);
    if (c->seats[i]->ready && c->options->data && !c->quiet) send_message(c, i, now_us);
  }
  if (c->changed) send_views(c);
  c->changed = false;
  event_loop_set(c->shared->loop, &c->tick_timer, now_us + TICK_US);
}

/* ---- life ---- */

int crowd_create(struct crowd **out, const struct load_options *options, struct participant_shared *shared) {
  struct crowd *c = calloc(1, sizeof *c);
  if (!c) return -ENOMEM;
  c->options = options;
  c->shared = shared;
  c->room_size = scenario_room_size(options);
  c->began_us = event_loop_clock_us();
  shared->listener = (struct participant_listener){c, on_ready, on_first_media, on_failed};
  c->join_timer = (struct loop_timer){.due = on_join_timer, .arg = c};
  c->tick_timer = (struct loop_timer){.due = on_tick, .arg = c};
  event_loop_set(shared->loop, &c->tick_timer, c->began_us + TICK_US);
  *out = c;
  return 0;
}

void crowd_free(struct crowd *c) {
  if (!c) return;
  event_loop_stop(c->shared->loop, &c->join_timer);
  event_loop_stop(c->shared->loop, &c->tick_timer);
  for (unsigned i = 0; i < c->count; i++) {
    empty_seat(c, c->seats[i]);
    free(c->seats[i]);
  }
  free(c->seats);
  free(c);
}

void crowd_stop_media(struct crowd *c) {
  c->quiet = true;
  for (unsigned i = 0; i < c->filled; i++)
    if (c->seats[i]->participant) participant_stop_media(c->seats[i]->participant);
}

unsigned crowd_ready(const struct crowd *c) {
  return c->ready;
}

unsigned crowd_seeing(const struct crowd *c) {
  return c->seeing;
}

unsigned crowd_seats(const struct crowd *c) {
  return c->target;
}

uint64_t crowd_failed(const struct crowd *c) {
  return c->failed;
}

const char *crowd_first_failure(const struct crowd *c) {
  return c->first_failure;
}

void crowd_mark(struct crowd *c) {
  memset(&c->departed, 0, sizeof c->departed);
  for (unsigned i = 0; i < c->filled; i++) {
    struct seat *seat = c->seats[i];
    memset(&seat->at_mark, 0, sizeof seat->at_mark);
    if (!seat->participant) continue;
    participant_counts(seat->participant, &seat->at_mark);
    participant_mark(seat->participant);
  }
}

void crowd_counts(const struct crowd *c, struct sequence_counts *out) {
  *out = c->departed;
  for (unsigned i = 0; i < c->filled; i++) {
    const struct seat *seat = c->seats[i];
    struct sequence_counts now = {0};
    if (!seat->participant) continue;
    participant_counts(seat->participant, &now);
    sequence_counts_subtract(&now, &seat->at_mark);
    sequence_counts_add(out, &now);
  }
}

unsigned crowd_starved(const struct crowd *c, unsigned *assigned, int64_t now_us) {
  unsigned starved = 0;
  *assigned = 0;
  for (unsigned i = 0; i < c->filled; i++)
    if (c->seats[i]->participant) starved += participant_starved(c->seats[i]->participant, assigned, now_us);
  return starved;
}
