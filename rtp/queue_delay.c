/* The standing queue: see rtp/queue_delay.h. */
#include "rtp/queue_delay.h"

#include <math.h>
#include <stddef.h>

void queue_delay_init(struct queue_delay *q) {
  *q = (struct queue_delay){.last_least_us = INT64_MAX, .least_base_us = INT64_MAX, .open_least_us = INT64_MAX};
  for (size_t i = 0; i < QUEUE_DELAY_BASES; i++)
    q->base_us[i] = INT64_MAX;
  for (size_t i = 0; i < QUEUE_DELAY_SLOTS; i++)
    q->least_us[i] = INT64_MAX;
}

/* Moves a ring of windows on to window `now`, emptying those in between. */
static void advance(int64_t *least, int64_t count, int64_t *window, int64_t now) {
  int64_t steps = now - *window;
  if (steps <= 0) return;
  if (steps > count) steps = count;
  for (int64_t i = 0; i < steps; i++)
    least[(now - i) % count] = INT64_MAX;
  *window = now;
}

static int64_t least_of(const int64_t *least, size_t count) {
  int64_t result = INT64_MAX;
  for (size_t i = 0; i < count; i++) {
    if (least[i] < result) result = least[i];
  }
  return result;
}

/* A busy cell's waits do not fall evenly: from any of the windows before, if it is fast enough from there. */
static double fall_from_highest(const struct queue_delay *q, int64_t least_us) {
  double most_us = 0;
  for (int64_t back = 2; back < QUEUE_DELAY_SLOTS && back <= q->slot; back++) {
    int64_t before_us = q->least_us[(q->slot - back) % QUEUE_DELAY_SLOTS];
    if (before_us == INT64_MAX) continue;
    double fall_us = (double)(before_us - least_us);
    bool fast = fall_us > QUEUE_DELAY_RELEASE * (double)(back * QUEUE_DELAY_SLOT_US);
    if (fast && fall_us > most_us) most_us = fall_us;
  }
  return most_us;
}

/* A window is complete: compare its least delay with that of the one before. */
static void note_release(struct queue_delay *q, int64_t slots, bool quiet) {
  double elapsed_us = (double)slots * QUEUE_DELAY_SLOT_US;
  int64_t least_us = q->least_us[q->slot % QUEUE_DELAY_SLOTS];
  if (q->jitter_us > 0) q->jitter_us *= exp(-elapsed_us / QUEUE_DELAY_FORGET_US);
  if (least_us == INT64_MAX) return;
  double drop_us = q->last_least_us == INT64_MAX ? 0 : (double)(q->last_least_us - least_us);
  q->last_least_us = least_us;
  q->released_us = !quiet && drop_us > QUEUE_DELAY_RELEASE * elapsed_us ? q->released_us + drop_us : 0;
  double fall_us = quiet ? 0 : fall_from_highest(q, least_us);
  if (q->released_us > fall_us) fall_us = q->released_us;
  if (fall_us - QUEUE_DELAY_SLOT_US > q->jitter_us) q->jitter_us = fall_us - QUEUE_DELAY_SLOT_US;
}

void queue_delay_open(struct queue_delay *q, int64_t sent_us, bool quiet) {
  int64_t slot = sent_us / QUEUE_DELAY_SLOT_US, window = sent_us / QUEUE_DELAY_BASE_US;
  note_release(q, slot - q->slot, quiet);
  advance(q->least_us, QUEUE_DELAY_SLOTS, &q->slot, slot);
  q->slot_end_us = (slot + 1) * QUEUE_DELAY_SLOT_US;
  q->open_least_us = INT64_MAX;
  if (sent_us < q->base_end_us) return;
  advance(q->base_us, QUEUE_DELAY_BASES, &q->base_window, window);
  q->base_end_us = (window + 1) * QUEUE_DELAY_BASE_US;
  q->least_base_us = least_of(q->base_us, QUEUE_DELAY_BASES);
}

void queue_delay_shorter(struct queue_delay *q, int64_t delay_us) {
  q->open_least_us = delay_us;
  int64_t *least = &q->least_us[(uint64_t)q->slot % QUEUE_DELAY_SLOTS];
  if (delay_us < *least) *least = delay_us;
  if (delay_us < q->least_base_us) q->least_base_us = delay_us;
  int64_t *base = &q->base_us[(uint64_t)q->base_window % QUEUE_DELAY_BASES];
  if (delay_us < *base) *base = delay_us;
}

int64_t queue_delay_standing_us(const struct queue_delay *q) {
  int64_t base_us = q->least_base_us, least_us = least_of(q->least_us, QUEUE_DELAY_SLOTS);
  return least_us == INT64_MAX || least_us < base_us ? 0 : least_us - base_us;
}

void queue_delay_learn(struct queue_delay *q, int64_t wait_us) {
  if ((double)wait_us > q->jitter_us) q->jitter_us = (double)wait_us;
}
