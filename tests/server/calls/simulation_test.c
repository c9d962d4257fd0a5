/* tests/server/calls/simulation_test.c: two dozen pages of eight people call, answer, lose their sockets and come back in
 * random order; the harness holds every notice against what the page knows. A failure names its seed: CONSILIUM_SEED. */
#include <stdio.h>
#include <stdlib.h>

#include "tests/server/calls/harness.h"

#define STEPS 600

static const char *const people[] = {"ann", "bob", "cid", "dan", "eve", "fay", "gus", "hal"};

static const char *anybody(struct world *w) {
  return people[world_random(w, 8)];
}

static void open_page(struct world *w, size_t i) {
  static const char kinds[] = "hhHHcCCpPo";
  page_open(w, i, anybody(w), kinds[world_random(w, sizeof kinds - 1)]);
}

static void invite(struct world *w, struct page *p) {
  char to[128] = "";
  size_t length = 0;
  for (uint32_t n = 1 + world_random(w, 4); n > 0; n--) /* sometimes oneself, sometimes one twice */
    length += (size_t)snprintf(to + length, sizeof to - length, "%s,", anybody(w));
  if (world_random(w, 10) == 0) w->refuse_enter = 1;
  (void)page_invite(w, p, to, NULL);
  w->refuse_enter = 0;
}

static void answer(struct world *w, struct page *p) {
  char call[CALLS_ID_BYTES];
  /* What rings here; or, rarely, what rings somewhere else. */
  const struct page *other = world_random(w, 10) ? p : &w->pages[world_random(w, PAGES)];
  snprintf(call, sizeof call, "%s", *other->incoming ? other->incoming : "c_nothing");
  bool here = strcmp(call, p->incoming) == 0;
  if (world_random(w, 10) == 0) w->refuse_enter = 1;
  bool refused = w->refuse_enter > 0;
  enum signaling_error error = world_random(w, 3) ? page_accept(w, p, call) : page_decline(w, p, call);
  if (!here)
    assert_int_equal(error, SIGNALING_CALL_NOT_FOUND);
  else if (!refused)
    assert_int_equal(error, SIGNALING_OK);
  w->refuse_enter = 0;
}

static void cancel(struct world *w, struct page *p) {
  struct page *other = world_random(w, 10) ? p : &w->pages[world_random(w, PAGES)];
  char call[CALLS_ID_BYTES] = "c_nothing";
  if (other->outgoing_count)
    snprintf(call, sizeof call, "%s", other->outgoing[world_random(w, (uint32_t)other->outgoing_count)].call);
  (void)page_cancel(w, p, call);
}

static void connected_step(struct world *w, struct page *p) {
  switch (world_random(w, 16)) {
    case 0:
    case 1:
    case 2:
      invite(w, p);
      break;
    case 3:
    case 4:
    case 5:
    case 6:
      answer(w, p);
      break;
    case 7:
      cancel(w, p);
      break;
    case 8:
    case 9:
      if (*p->room) page_join(w, p);
      break;
    case 10:
    case 11:
    case 12:
      page_leave(w, p);
      break;
    case 13:
      page_close(w, p);
      break;
    default:
      page_lost(w, p);
  }
}

static void step(struct world *w) {
  size_t i = world_random(w, PAGES);
  struct page *p = &w->pages[i];
  if (world_random(w, 8) == 0)
    world_pass(w, world_random(w, 4) ? (int64_t)world_random(w, 3 * SECOND) : (int64_t)world_random(w, 60 * SECOND));
  if (!p->open)
    open_page(w, i);
  else if (p->connected)
    connected_step(w, p);
  else if (world_random(w, 3))
    page_resumed(w, p);
  else if (world_random(w, 3) == 0)
    page_close(w, p);
}

static uint64_t last_seed;

static void run(uint64_t seed, uint64_t *outcomes) {
  struct world w;
  last_seed = seed;
  world_start(&w, seed);
  for (int i = 0; i < STEPS; i++)
    step(&w);
  struct calls_counts counts = calls_counts(w.calls);
  for (size_t i = 0; i < CALLS_END_COUNT; i++)
    outcomes[i] += counts.ended[i];
  world_end(&w);
}

static void test_interleavings(void **state) {
  (void)state;
  const char *one = getenv("CONSILIUM_SEED");
  uint64_t seeds = getenv("CONSILIUM_LONG") ? 20000 : 300, outcomes[CALLS_END_COUNT] = {0};
  if (one) {
    run(strtoull(one, NULL, 0), outcomes);
    return;
  }
  for (uint64_t seed = 1; seed <= seeds; seed++)
    run(seed, outcomes);
  for (size_t i = 0; i < CALLS_END_COUNT; i++) /* the simulation reaches every end a caller can see */
    if (i != CALLS_END_ACCEPTED_ELSEWHERE) assert_true(outcomes[i] > seeds / 3);
}

static int say_seed(void **state) {
  (void)state;
  fprintf(stderr, "last seed: %llu\n", (unsigned long long)last_seed);
  return 0;
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test_teardown(test_interleavings, say_seed)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
