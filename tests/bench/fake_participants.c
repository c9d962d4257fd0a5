/* tests/bench/fake_participants.c: see the header. */
#include "tests/bench/fake_participants.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/bench/check.h"
#include "tests/bench/virtual_loop.h"

struct participant *fake_present[FAKE_MAX];
unsigned fake_present_count, fake_created, fake_freed;
int fake_create_error;

void fake_reset(void) {
  assert_int_equal(fake_present_count, 0); /* everybody was let go */
  fake_created = fake_freed = 0;
  fake_create_error = 0;
}

int participant_create(struct participant **out, struct participant_shared *shared,
                       const struct participant_plan *plan) {
  int error = fake_create_error;
  fake_create_error = 0;
  if (error) return error;
  struct participant *p = calloc(1, sizeof *p);
  assert_non_null(p);
  assert_true(fake_present_count < FAKE_MAX);
  p->shared = shared;
  p->plan = *plan;
  p->created_us = virtual_loop_now_us;
  snprintf(p->track, sizeof p->track, "t_%.40s", plan->identity);
  fake_present[fake_present_count++] = p;
  fake_created++;
  shared->counters->joins++;
  *out = p;
  return 0;
}

void participant_free(struct participant *p) {
  unsigned at = 0;
  if (!p) return;
  while (at < fake_present_count && fake_present[at] != p)
    at++;
  assert_true(at < fake_present_count);
  memmove(fake_present + at, fake_present + at + 1, (--fake_present_count - at) * sizeof *fake_present);
  fake_freed++;
  free(p);
}

void fake_ready(struct participant *p) {
  p->ready = true;
  p->shared->counters->joined++;
  p->shared->listener.ready(p->shared->listener.arg, p, virtual_loop_now_us);
}

void fake_first_media(struct participant *p) {
  p->shared->listener.first_media(p->shared->listener.arg, p, virtual_loop_now_us);
}

void fake_failed(struct participant *p, const char *why) {
  p->shared->counters->failed++;
  p->shared->listener.failed(p->shared->listener.arg, p, why);
}

void fake_all_ready(void) {
  for (unsigned i = 0; i < fake_present_count; i++)
    if (!fake_present[i]->ready) fake_ready(fake_present[i]);
}

void *participant_owner(const struct participant *p) {
  return p->plan.owner;
}

bool participant_is_ready(const struct participant *p) {
  return p->ready;
}

const char *participant_camera_track(const struct participant *p) {
  return p->track;
}

void participant_start_media(struct participant *p, int64_t now_us) {
  (void)now_us;
  p->media_on = true;
}

void participant_stop_media(struct participant *p) {
  p->media_on = false;
}

void participant_set_level(struct participant *p, uint8_t level) {
  p->level = level;
}

void participant_view(struct participant *p, const struct participant_view *views, size_t count) {
  (void)views;
  p->views++;
  p->view_count = (unsigned)count;
}

bool participant_has_data(const struct participant *p) {
  return p->has_data;
}

bool participant_say(struct participant *p, int64_t now_us) {
  (void)now_us;
  p->said++;
  p->shared->counters->data_sent++;
  return true;
}

void participant_counts(const struct participant *p, struct sequence_counts *into) {
  sequence_counts_add(into, &p->counts);
}

void participant_mark(struct participant *p) {
  (void)p;
}

unsigned participant_starved(const struct participant *p, unsigned *assigned, int64_t now_us) {
  (void)now_us;
  *assigned += 2;
  return p->counts.received == 0;
}
