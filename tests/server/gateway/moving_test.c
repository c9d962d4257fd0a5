/* server/gateway/moving.c: a session goes from room to room; nothing of the old one reaches it in the new one. */
#include "tests/server/gateway/world.h"

#include <stdio.h>

static struct session *session_of(const struct page *p) {
  struct session *s = session_table_find(&world.g.sessions, p->session);
  assert_non_null(s);
  return s;
}

static void say_event(int worker, const struct page *p, const char *name) {
  world_worker_say(worker, "{'op':'event','session':'%s','msg':{'event':'%s'}}", p->session, name);
}

static void test_to_another_worker(void **state) {
  (void)state;
  struct page p, other;
  world_open(NULL);
  assert_int_equal(page_enter(&p, "old", "ann", SIGNALING_ROLE_DOCTOR), 0);
  page_join(&p, 0);
  /* "new" is known to live on worker 1. */
  assert_int_equal(page_enter(&other, "new", "ben", SIGNALING_ROLE_PATIENT), 1);
  page_send(&p, "{'id':8,'type':'chat','text':'on its way'}");
  page_send(&p, "{'id':9,'type':'chat','text':'this, too'}");
  world_worker_line(0, "request");
  world_worker_line(0, "request");
  assert_int_equal(sessions_move(&world.g, session_of(&p), "new", true), SIGNALING_OK);
  assert_int_equal(number_at(page_take(&p), "re"), 8);
  assert_string_equal(text_at(p.last, "error.code"), "not_joined");
  assert_int_equal(number_at(page_take(&p), "re"), 9);
  assert_string_equal(text_at(world_worker_line(0, "end"), "session"), p.session);
  json_t *open = world_worker_line(1, "open");
  assert_string_equal(text_at(open, "session"), p.session);
  assert_string_equal(text_at(open, "room"), "new");
  assert_string_equal(text_at(open, "keep.home"), "old");
  assert_true(json_is_true(at(open, "admitted")));
  assert_true(json_is_false(at(open, "wait")));
  assert_false(session_of(&p)->joined);
  assert_int_equal(session_of(&p)->worker, 1);
  /* What worker 0 still says of it is not for it; what worker 1 says is. No barrier was needed. */
  say_event(0, &p, "chat");
  page_sync(&p);
  say_event(1, &p, "roomLocked");
  assert_string_equal(text_at(page_take(&p), "event"), "roomLocked");
  assert_int_equal(world_worker_lines(1, "query"), 0);
  room_directory_expire(world.g.directory, gateway_now_us() + 1000000, 0); /* nobody is left in the old room */
  assert_int_equal(room_directory_find(world.g.directory, "old"), -1);
  assert_int_equal(room_directory_find(world.g.directory, "new"), 1);
  page_drop(&p);
  page_drop(&other);
}

static void test_on_the_same_worker_nothing_stale_gets_through(void **state) {
  (void)state;
  struct page p;
  world_open(NULL);
  int worker = page_enter(&p, "old", "ann", SIGNALING_ROLE_DOCTOR);
  page_join(&p, worker);
  /* The only worker that can take a room. */
  world_worker_die(!worker);
  assert_int_equal(sessions_move(&world.g, session_of(&p), "new", false), SIGNALING_OK);
  assert_int_equal(session_of(&p)->worker, worker);
  /* In this order: it ends there, the question that marks the place, it begins anew. */
  const json_t *lines = world.workers[worker].lines;
  world_turn();
  static const char *const ops[] = {"end", "query", "open"};
  for (size_t i = 0; i < 3; i++)
    assert_string_equal(text_at(json_array_get(lines, i), "op"), ops[i]);
  json_t *query = world_worker_line(worker, "query");
  assert_string_equal(text_at(query, "what"), "barrier");
  json_int_t ref = number_at(query, "ref");
  say_event(worker, &p, "kicked");
  world_worker_say(worker, "{'op':'close','session':'%s','code':4001,'reason':'kicked'}", p.session);
  page_sync(&p);
  assert_int_equal(session_of(&p)->deaf, 1);
  world_worker_say(worker, "{'op':'result','ref':%d,'value':{}}", (int)ref);
  say_event(worker, &p, "sync");
  assert_string_equal(text_at(page_take(&p), "event"), "sync");
  assert_int_equal(session_of(&p)->deaf, 0);
  page_drop(&p);
}

/* Two moves, two barriers; a worker whose connection breaks cannot keep anybody deaf for ever. */
static void test_barriers_end_with_the_connection(void **state) {
  (void)state;
  struct page p;
  world_open(NULL);
  int worker = page_enter(&p, "old", "ann", SIGNALING_ROLE_DOCTOR);
  world_worker_die(!worker);
  assert_int_equal(sessions_move(&world.g, session_of(&p), "new", true), SIGNALING_OK);
  assert_int_equal(sessions_move(&world.g, session_of(&p), "newer", true), SIGNALING_OK);
  assert_int_equal(session_of(&p)->deaf, 2);
  world_worker_hang_up(worker);
  assert_int_equal(session_of(&p)->deaf, 0);
  page_drop(&p);
}

/* Each barrier counts for itself: behind the first one there may still be words of the second room. */
static void test_two_barriers(void **state) {
  (void)state;
  struct page p;
  world_open(NULL);
  int worker = page_enter(&p, "old", "ann", SIGNALING_ROLE_DOCTOR);
  world_worker_die(!worker);
  assert_int_equal(sessions_move(&world.g, session_of(&p), "new", true), SIGNALING_OK);
  assert_int_equal(sessions_move(&world.g, session_of(&p), "newer", true), SIGNALING_OK);
  json_int_t ref = number_at(world_worker_line(worker, "query"), "ref");
  json_int_t second = number_at(world_worker_line(worker, "query"), "ref");
  world_worker_say(worker, "{'op':'result','ref':%d,'value':{}}", (int)ref);
  say_event(worker, &p, "kicked");
  page_sync(&p);
  world_worker_say(worker, "{'op':'result','ref':%d,'value':{}}", (int)second);
  say_event(worker, &p, "sync");
  assert_string_equal(text_at(page_take(&p), "event"), "sync");
  page_drop(&p);
}

/* The answer to a barrier finds nobody when the session is gone meanwhile. */
static void test_a_session_that_ends_behind_its_barrier(void **state) {
  (void)state;
  struct page p;
  world_open(NULL);
  int worker = page_enter(&p, "old", "ann", SIGNALING_ROLE_DOCTOR);
  world_worker_die(!worker);
  assert_int_equal(sessions_move(&world.g, session_of(&p), "new", true), SIGNALING_OK);
  json_int_t ref = number_at(world_worker_line(worker, "query"), "ref");
  page_drop(&p);
  workers_tick(&world.g, gateway_now_us() + INT64_C(3600000000));
  assert_int_equal(session_table_count(&world.g.sessions), 0);
  world_worker_say(worker, "{'op':'result','ref':%d,'value':{}}", (int)ref);
  world_turn();
  while (world_worker_lines(worker, "query")) /* the tick's questions */
    world_worker_line(worker, "query");
  query_close(&world.g);
}

static void test_waiting_room_of_the_token(void **state) {
  (void)state;
  struct page p;
  struct token_claims claims;
  world_open(NULL);
  claims = world_claims("old");
  claims.role = SIGNALING_ROLE_PATIENT;
  claims.wait = true;
  page_open(&p);
  page_hello(&p, &claims);
  world_worker_line(0, "open");
  for (int admitted = 0; admitted < 2; admitted++) {
    assert_int_equal(sessions_move(&world.g, session_of(&p), admitted ? "asked-in" : "knocks", admitted), SIGNALING_OK);
    int worker = session_of(&p)->worker;
    json_t *open = world_worker_line(worker, "open");
    assert_int_equal(json_is_true(at(open, "wait")), !admitted);
    assert_int_equal(json_is_true(at(open, "admitted")), admitted);
  }
  page_drop(&p);
}

static void expect_unmoved(const struct page *p, const char *room, int worker) {
  assert_string_equal(session_of(p)->room, room);
  assert_int_equal(session_of(p)->worker, worker);
  for (int i = 0; i < WORLD_WORKERS; i++)
    assert_int_equal(world_worker_lines(i, "end") + world_worker_lines(i, "open"), 0);
}

static void test_refusals_change_nothing(void **state) {
  (void)state;
  struct page p;
  world_open("limits: {rooms: 1}");
  int worker = page_enter(&p, "old", "ann", SIGNALING_ROLE_DOCTOR);
  page_join(&p, worker);
  struct session *s = session_of(&p);
  assert_int_equal(sessions_move(&world.g, s, "new", true), SIGNALING_BUSY);
  expect_unmoved(&p, "old", worker);
  assert_int_equal(sessions_move(&world.g, s, "old", true), SIGNALING_OK); /* it is in there */
  expect_unmoved(&p, "old", worker);
  assert_true(s->joined);
  room_directory_set_rooms_max(world.g.directory, 9);
  world.g.draining = true;
  assert_int_equal(sessions_move(&world.g, s, "new", true), SIGNALING_DRAINING);
  expect_unmoved(&p, "old", worker);
  /* A room that exists takes people in while the server drains. */
  assert_int_equal(room_directory_learn(world.g.directory, "there", (size_t)!worker), 0);
  assert_int_equal(sessions_move(&world.g, s, "there", true), SIGNALING_OK);
  assert_int_equal(s->worker, !worker);
  page_drop(&p);
}

static void test_without_any_worker(void **state) {
  (void)state;
  struct page p;
  world_open(NULL);
  int worker = page_enter(&p, "old", "ann", SIGNALING_ROLE_DOCTOR);
  world_worker_die(worker);
  world_worker_die(!worker);
  assert_string_equal(text_at(page_take(&p), "event"), "mediaLost");
  assert_int_equal(sessions_move(&world.g, session_of(&p), "new", true), SIGNALING_WORKER_LOST);
  assert_string_equal(session_of(&p)->room, "old");
  page_sync(&p);
  page_drop(&p);
}

/* A doctor ends the call for all: who came from the lobby keeps the WebSocket and rings again; who came for the room does not. */
static void test_a_closed_room(void **state) {
  (void)state;
  struct page caller, guest;
  char reason[128];
  world_open(NULL);
  struct token_claims claims = world_claims("");
  claims.calls = true;
  page_open(&caller);
  page_hello(&caller, &claims);
  int worker = session_of(&caller)->worker;
  world_worker_line(worker, "open");
  assert_int_equal(sessions_move(&world.g, session_of(&caller), "call", true), SIGNALING_OK);
  worker = session_of(&caller)->worker;
  if (session_of(&caller)->deaf) /* the lobby's worker has the room, too */
    world_worker_say(worker, "{'op':'result','ref':%d,'value':{}}",
                     (int)number_at(world_worker_line(worker, "query"), "ref"));
  assert_string_equal(text_at(world_worker_line(worker, "open"), "room"), "call");
  page_join(&caller, worker);
  assert_int_equal(page_enter(&guest, "call", "ben", SIGNALING_ROLE_PATIENT), worker);
  page_join(&guest, worker);
  const struct page *const both[] = {&caller, &guest};
  for (size_t i = 0; i < 2; i++) {
    say_event(worker, both[i], "closed");
    world_worker_say(worker, "{'op':'close','session':'%s','code':4002,'reason':'closed'}", both[i]->session);
  }
  assert_string_equal(text_at(page_take(&caller), "event"), "closed");
  page_sync(&caller);
  struct session *s = session_of(&caller);
  assert_string_equal(s->room, "");
  assert_false(s->joined);
  assert_false(s->admitted);
  assert_true(s->worker >= 0);
  json_t *open = world_worker_line(s->worker, "open");
  assert_string_equal(text_at(open, "session"), caller.session);
  assert_string_equal(text_at(open, "room"), "~lobby");
  page_send(&caller, "{'id':7,'type':'join'}");
  page_expect_error(&caller, "room_not_found");
  assert_int_equal(page_close_code(&guest, reason), 4002);
  assert_null(session_table_find(&world.g.sessions, guest.session));
  page_drop(&caller);
  page_drop(&guest);
}

int main(void) {
  const struct CMUnitTest tests[] = {WORLD_TEST(test_to_another_worker),
                                     WORLD_TEST(test_on_the_same_worker_nothing_stale_gets_through),
                                     WORLD_TEST(test_barriers_end_with_the_connection),
                                     WORLD_TEST(test_a_session_that_ends_behind_its_barrier),
                                     WORLD_TEST(test_two_barriers),
                                     WORLD_TEST(test_waiting_room_of_the_token),
                                     WORLD_TEST(test_a_closed_room),
                                     WORLD_TEST(test_refusals_change_nothing),
                                     WORLD_TEST(test_without_any_worker)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
