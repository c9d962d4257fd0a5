/* tests/server/room/direct_simulation_test.c: people come, go, reload, lose their sockets and their direct paths at the worst
 * moments, and clients lose, delay and repeat their reports. After every event each receiver sees each sender (direct_world.h);
 * in the end the room has the right topology. 10 seeds, 200 with CONSILIUM_LONG; CONSILIUM_SEED replays one. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/server/room/direct_world.h"

#define ROUNDS 40

enum { DOCTOR, PATIENT, THIRD, OBSERVER };

static void kill_path(struct world *w) {
  for (int i = 0; i < w->link_count; i++) {
    struct link *l = &w->links[i];
    if (!l->connected || l->dead) continue;
    l->dead = true;
    l->dead_us = w->now_us;
    for (int side = 0; side < 2; side++)
      world_later(w, SECOND, POKE, l->seat[side], 0);
  }
}

static void leave(struct world *w, int seat) {
  if (world_random(w, 3) == 0)
    world_unload(w, seat, world_random(w, 2000) * MS); /* the tab is closed */
  else
    client_leave(w, seat);
}

static void come_or_go(struct world *w, int seat) {
  if (!w->pages[seat].alive)
    world_load(w, seat);
  else if (!world_member(w, seat))
    world_request(w, seat, "join", NULL);
  else
    leave(w, seat);
}

static void reload(struct world *w, int seat) {
  world_unload(w, seat, world_random(w, 3000) * MS);
  world_load(w, seat);
}

static void policy(struct world *w, const char *topology, const char *ice) {
  world_request(w, DOCTOR, "setPolicy", json_pack("{s:s, s:s}", "topology", topology, "iceTransportPolicy", ice));
}

static void kick_patient(struct world *w) {
  if (world_member(w, PATIENT))
    world_request(w, DOCTOR, "kick", json_pack("{s:s}", "participant", world_member(w, PATIENT)->id));
}

/* At the same time, or in the middle of what a third's coming or going begins. */
static void share_screens(struct world *w) {
  if (world_random(w, 2)) come_or_go(w, THIRD);
  for (int seat = 0; seat < 3; seat++) {
    if (world_random(w, 2)) continue;
    world_run(w, world_random(w, 300) * MS);
    screen_share(w, seat, !w->pages[seat].screen);
  }
}

/* So that most collisions happen where there is something to lose: the two alone for as long as it takes to be direct. */
static void leave_them_alone(struct world *w) {
  for (int seat = 2; seat < 4; seat++)
    if (world_member(w, seat)) client_leave(w, seat);
  w->blocked = false;
  policy(w, "auto", "all");
  world_run(w, 7 * SECOND);
}

/* A third comes in the moment in which the two have become direct. */
static void collide_with_the_switch(struct world *w) {
  leave_them_alone(w);
  come_or_go(w, THIRD); /* so that the next attempt is 5 s away */
  world_run(w, SECOND);
  if (!world_member(w, THIRD)) return;
  client_leave(w, THIRD);
  size_t switches = w->switches;
  for (int i = 0; i < 10000 && w->switches == switches; i++)
    world_run(w, MS);
  if (world_random(w, 4)) {
    world_later(w, world_random(w, 3) * 10 * MS, TO_SERVER, THIRD, 0); /* its request had been on its way */
    w->queue[w->queue_count - 1].message = json_pack("{s:s}", "type", "join");
  } else {
    reload(w, (int)world_random(w, 2));
  }
  world_run(w, world_random(w, 500) * MS);
}

static void act(struct world *w) {
  int seat = (int)world_random(w, 2);
  switch (world_random(w, 20)) {
    case 0:
    case 1:
    case 2:
      come_or_go(w, THIRD);
      break;
    case 3: /* for a moment only: in and out within 200 ms */
      come_or_go(w, THIRD);
      world_run(w, world_random(w, 200) * MS);
      come_or_go(w, THIRD);
      break;
    case 4:
      come_or_go(w, OBSERVER);
      break;
    case 5:
      reload(w, seat);
      break;
    case 6:
    case 7:
      world_break_socket(w, seat, (100 + world_random(w, world_random(w, 3) ? 7900 : 19900)) * MS);
      break;
    case 8:
      if (w->pages[THIRD].alive) world_break_socket(w, THIRD, (100 + world_random(w, 3000)) * MS);
      break;
    case 14: /* the one who cannot be asked to send to the server is needed there */
      world_break_socket(w, seat, (1000 + world_random(w, world_random(w, 3) ? 7000 : 19000)) * MS);
      world_run(w, world_random(w, 2000) * MS);
      come_or_go(w, THIRD);
      break;
    case 9:
      kill_path(w);
      break;
    case 10:
      w->blocked = !w->blocked;
      break;
    case 11:
      kick_patient(w);
      break;
    case 12:
      policy(w, world_random(w, 3) ? "auto" : "never", world_random(w, 2) ? "all" : "relay");
      break;
    case 13:
      if (world_random(w, 8) == 0) world_request(w, DOCTOR, "close", NULL);
      break;
    case 15:
    case 16:
      collide_with_the_switch(w);
      break;
    default:
      share_screens(w);
  }
  for (int i = 0; i < 2; i++) /* the two come back sooner or later */
    if (!w->pages[i].alive && world_random(w, 3)) world_load(w, i);
}

/* Quiet: whatever is on its way ends, everything works again. */
static void heal(struct world *w) {
  w->blocked = w->careless = false;
  world_run(w, 40 * SECOND);
  for (int seat = 0; seat < 2; seat++)
    if (!w->pages[seat].alive) world_load(w, seat);
  world_run(w, 2 * SECOND);
  for (int seat = 0; seat < 2; seat++)
    if (!world_member(w, seat)) world_request(w, seat, "join", NULL);
  policy(w, "auto", "all");
  for (int seat = 2; seat < 4; seat++)
    if (world_member(w, seat)) client_leave(w, seat);
  world_run(w, 40 * SECOND); /* sessions that nobody took up again are forgotten */
}

static void expect(const struct world *w, bool direct, size_t members) {
  const struct member *a = world_member(w, DOCTOR), *b = world_member(w, PATIENT);
  assert_true(a && b);
  const struct room *r = a->room;
  assert_int_equal(r->visible_count, members);
  assert_int_equal(r->topology.phase, direct ? TOPOLOGY_DIRECT : TOPOLOGY_SFU);
  assert_int_equal(w->paused_count, direct ? 2 : 0);
  for (int seat = 0; seat < 2; seat++) {
    const struct page *p = &w->pages[seat];
    int open = 0;
    for (int i = 0; i < WORLD_PCS; i++)
      open += p->pcs[i].open;
    assert_int_equal(open, direct); /* no connection is left behind */
    assert_int_equal(p->shows != 0, direct);
    assert_int_equal(p->sending, !direct);
    assert_int_equal(p->told_p2p, direct);
  }
}

static void run(uint64_t seed) {
  struct world *w = world_new(seed);
  w->act = act;
  w->careless = seed % 2 == 0;
  world_load(w, DOCTOR);
  world_load(w, PATIENT);
  world_run(w, 4 * SECOND);
  for (int i = 0; i < ROUNDS; i++) {
    if (world_random(w, 2)) leave_them_alone(w);
    for (uint32_t n = 1 + world_random(w, 3); n > 0; n--) {
      act(w);
      world_run(w, world_random(w, 3) ? world_random(w, 400) * MS : world_random(w, 5000) * MS);
    }
  }
  heal(w);
  /* A third comes and goes, so that earlier failures are forgiven: sfu while it is here, then direct. */
  if (!w->pages[THIRD].alive) world_load(w, THIRD);
  world_run(w, SECOND);
  if (!world_member(w, THIRD)) world_request(w, THIRD, "join", NULL);
  world_run(w, 8 * SECOND);
  expect(w, false, 3);
  client_leave(w, THIRD);
  world_run(w, 8 * SECOND);
  expect(w, true, 2);
  /* The count of what happened agrees with itself. */
  const struct topology_stats *s = room_manager_direct_stats(w->m);
  assert_int_equal(s->attempts, s->connected + s->failed + s->timed_out + s->abandoned);
  assert_int_equal(s->connected, s->returned + s->return_timed_out + s->return_left + 1);
  assert_true(s->connected >= 2); /* or the run has tested little */
  world_request(w, DOCTOR, "close", NULL);
  world_run(w, 40 * SECOND);
  struct room_counts counts = room_manager_counts(w->m);
  assert_int_equal(counts.rooms + counts.participants, 0);
  world_free(w);
}

static void interleavings(void **state) {
  (void)state;
  const char *given = getenv("CONSILIUM_SEED");
  uint64_t first = given ? strtoull(given, NULL, 10) : 1, last = given ? first : getenv("CONSILIUM_LONG") ? 200 : 10;
  for (uint64_t seed = first; seed <= last; seed++) {
    print_message("seed %llu\n", (unsigned long long)seed);
    run(seed);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(interleavings)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
