/* tests/server/worker/control_test.c: the gateway's lines, through a real socket: sessions, requests, queries, nonsense. */
#include "server/worker/control.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

struct world {
  uv_loop_t loop;
  char folder[64], path[96];
  struct udp_socket *udp;
  struct engine *engine;
  struct room_manager *manager;
  struct room_glue glue;
  struct control control;
  int fd;
  bool connected;
  char text[1 << 20];
  size_t used;
  json_t *last;
};

static void on_connected(void *arg) {
  struct world *world = arg;
  world->connected = true;
  control_say_hello(&world->control, 1000000);
}

static void on_lost(void *arg) {
  (void)arg;
}

static void on_message(void *arg, json_t *message) {
  struct world *world = arg;
  control_handle(&world->control, message, 2000000);
}

static void fill_random(void *arg, void *out, size_t bytes) {
  uint8_t *next = arg;
  for (size_t i = 0; i < bytes; i++)
    ((uint8_t *)out)[i] = (*next)++;
}

static int set_up(void **state) {
  static uint8_t seed;
  struct world *world = calloc(1, sizeof *world);
  *state = world;
  snprintf(world->folder, sizeof world->folder, "%s", "/tmp/consilium-test-XXXXXX");
  assert_non_null(mkdtemp(world->folder));
  snprintf(world->path, sizeof world->path, "%s/worker-3.sock", world->folder);
  assert_int_equal(udp_socket_open(&world->udp, "127.0.0.1", 0, 0), 0);
  const struct engine_settings settings = {.sockets = &world->udp, .socket_count = 1, .unix_now_s = 1795334400};
  assert_int_equal(engine_create(&world->engine, &settings), 0);
  struct room_settings rooms;
  room_settings_init(&rooms);
  rooms.random = fill_random;
  rooms.random_arg = &seed;
  world->glue.engine = world->engine;
  assert_int_equal(room_manager_create(&world->manager, &rooms, &room_glue_listener, &world->glue), ROOM_OK);
  world->engine->manager = world->manager;
  world->control = (struct control){.glue = &world->glue, .manager = world->manager, .worker_index = 3};
  assert_int_equal(uv_loop_init(&world->loop), 0);
  const struct control_listener listener = {on_connected, on_lost, on_message, world};
  assert_int_equal(control_socket_open(&world->glue.control, &world->loop, world->path, &listener), 0);
  world->fd = socket(AF_UNIX, SOCK_STREAM, 0);
  struct sockaddr_un to = {.sun_family = AF_UNIX};
  snprintf(to.sun_path, sizeof to.sun_path, "%s", world->path);
  assert_int_equal(connect(world->fd, (struct sockaddr *)&to, sizeof to), 0);
  while (!world->connected)
    uv_run(&world->loop, UV_RUN_ONCE);
  return 0;
}

static int tear_down(void **state) {
  struct world *world = *state;
  close(world->fd);
  control_socket_close(world->glue.control);
  uv_run(&world->loop, UV_RUN_DEFAULT);
  assert_int_equal(uv_loop_close(&world->loop), 0);
  room_manager_free(world->manager);
  engine_free(world->engine);
  udp_socket_close(world->udp);
  json_decref(world->last);
  unlink(world->path);
  rmdir(world->folder);
  free(world);
  return 0;
}

/* The next line from the worker that has this op; borrowed until the next call. */
static json_t *expect_line(struct world *world, const char *op) {
  while (true) {
    char *end = memchr(world->text, '\n', world->used);
    if (!end) {
      uv_run(&world->loop, UV_RUN_NOWAIT); /* what the loop has queued */
      const ssize_t n = recv(world->fd, world->text + world->used, sizeof world->text - world->used, 0);
      assert_true(n > 0);
      world->used += (size_t)n;
      continue;
    }
    json_decref(world->last);
    world->last = json_loadb(world->text, (size_t)(end - world->text), 0, NULL);
    world->used -= (size_t)(end + 1 - world->text);
    memmove(world->text, end + 1, world->used);
    assert_non_null(world->last);
    if (strcmp(json_string_value(json_object_get(world->last, "op")), op) == 0) return world->last;
  }
}

/* Through the socket and back: a query behind it shows that it was handled. */
static void say(struct world *world, json_t *line) {
  char *text = json_dumps(line, JSON_COMPACT);
  assert_int_equal(write(world->fd, text, strlen(text)), strlen(text));
  assert_int_equal(write(world->fd, "\n", 1), 1);
  free(text);
  json_decref(line);
  uv_run(&world->loop, UV_RUN_ONCE);
}

static void open_session(struct world *world, const char *session, const char *role) {
  say(world, json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:i}", "op", "open", "session", session, "room", "visit",
                       "identity", session, "name", session, "role", role, "exp", 2000000000));
}

static void request(struct world *world, const char *session, json_t *message) {
  say(world, json_pack("{s:s, s:s, s:o}", "op", "request", "session", session, "msg", message));
}

static json_t *query(struct world *world, const char *what, const char *room, const char *participant) {
  static int ref;
  json_t *line = json_pack("{s:s, s:i, s:s}", "op", "query", "ref", ++ref, "what", what);
  if (room) json_object_set_new(line, "room", json_string(room));
  if (participant) json_object_set_new(line, "participant", json_string(participant));
  say(world, line);
  json_t *result = expect_line(world, "result");
  assert_int_equal(json_integer_value(json_object_get(result, "ref")), ref);
  return result;
}

static const char *error_of(json_t *result) {
  return json_string_value(json_object_get(json_object_get(result, "error"), "code"));
}

static void hello_tells_who_and_what_is_here(void **state) {
  struct world *world = *state;
  json_t *hello = expect_line(world, "hello");
  assert_int_equal(json_integer_value(json_object_get(hello, "worker")), 3);
  assert_int_equal(json_integer_value(json_object_get(hello, "pid")), getpid());
  assert_int_equal(json_integer_value(json_object_get(hello, "port")), udp_socket_port(world->udp));
  assert_true(json_is_array(json_object_get(hello, "rooms")));
  assert_true(json_is_array(json_object_get(hello, "sessions")));
}

static void requests_are_answered_to_their_session(void **state) {
  struct world *world = *state;
  open_session(world, "s_1", "doctor");
  open_session(world, "s_2", "patient");
  request(world, "s_1", json_pack("{s:i, s:s}", "id", 1, "type", "join"));
  json_t *reply = expect_line(world, "reply");
  assert_string_equal(json_string_value(json_object_get(reply, "session")), "s_1");
  const json_t *message = json_object_get(reply, "msg");
  assert_int_equal(json_integer_value(json_object_get(message, "re")), 1);
  assert_non_null(json_object_get(json_object_get(message, "ok"), "participant"));
  assert_int_equal(HASH_COUNT(world->engine->peers), 1);
  request(world, "s_2", json_pack("{s:i, s:s}", "id", 9, "type", "join"));
  json_t *event = expect_line(world, "event");
  assert_string_equal(json_string_value(json_object_get(event, "session")), "s_1");
  say(world, json_pack("{s:s, s:s}", "op", "end", "session", "s_2"));
  say(world, json_pack("{s:s, s:s}", "op", "lost", "session", "s_1"));
  say(world, json_pack("{s:s, s:s}", "op", "resumed", "session", "s_1"));
  while (strcmp(json_string_value(json_object_get(json_object_get(expect_line(world, "event"), "msg"), "event")),
                "sync") != 0) {
  }
  assert_int_equal(HASH_COUNT(world->engine->peers), 1);
}

static void unknown_sessions_hear_that_the_worker_was_lost(void **state) {
  struct world *world = *state;
  request(world, "s_gone", json_pack("{s:i, s:s}", "id", 12, "type", "chat"));
  json_t *reply = expect_line(world, "reply");
  assert_string_equal(json_string_value(json_object_get(reply, "session")), "s_gone");
  assert_int_equal(json_integer_value(json_object_get(json_object_get(reply, "msg"), "re")), 12);
  assert_string_equal(error_of(json_object_get(reply, "msg")), "worker_lost");
}

static void queries_have_results(void **state) {
  struct world *world = *state;
  open_session(world, "s_1", "doctor");
  request(world, "s_1", json_pack("{s:i, s:s}", "id", 1, "type", "join"));
  char id[64];
  const json_t *ok = json_object_get(json_object_get(expect_line(world, "reply"), "msg"), "ok");
  snprintf(id, sizeof id, "%s", json_string_value(json_object_get(ok, "participant")));
  assert_int_equal(json_array_size(json_object_get(query(world, "rooms", NULL, NULL), "value")), 1);
  assert_true(json_is_object(json_object_get(query(world, "stats", NULL, NULL), "value")));
  assert_true(json_is_true(json_object_get(json_object_get(query(world, "check", "visit", NULL), "value"), "exists")));
  assert_true(json_is_object(json_object_get(query(world, "room", "visit", NULL), "value")));
  assert_string_equal(error_of(query(world, "room", "nowhere", NULL)), "room_not_found");
  assert_string_equal(error_of(query(world, "closeRoom", "nowhere", NULL)), "room_not_found");
  assert_string_equal(error_of(query(world, "removeParticipant", "visit", "p_x")), "participant_not_found");
  assert_string_equal(error_of(query(world, "removeParticipant", "visit", NULL)), "internal");
  assert_string_equal(error_of(query(world, "room", NULL, NULL)), "internal");
  assert_string_equal(error_of(query(world, "nonsense", "visit", NULL)), "internal");
  assert_null(error_of(query(world, "removeParticipant", "visit", id)));
  assert_null(world->engine->peers);
}

static void nonsense_is_ignored(void **state) {
  struct world *world = *state;
  say(world, json_object());
  say(world, json_pack("{s:i}", "op", 7));
  say(world, json_pack("{s:s}", "op", "dance"));
  say(world, json_pack("{s:s}", "op", "lost"));
  say(world, json_pack("{s:s}", "op", "request"));
  say(world, json_pack("{s:s, s:s}", "op", "open", "session", "s_half"));
  say(world, json_pack("{s:s}", "op", "query"));
  assert_int_equal(json_array_size(json_object_get(query(world, "rooms", NULL, NULL), "value")), 0);
}

static void draining_takes_no_new_rooms(void **state) {
  struct world *world = *state;
  say(world, json_pack("{s:s}", "op", "drain"));
  open_session(world, "s_1", "doctor");
  request(world, "s_1", json_pack("{s:i, s:s}", "id", 1, "type", "join"));
  assert_string_equal(error_of(json_object_get(expect_line(world, "reply"), "msg")), "draining");
  assert_true(world->control.draining);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(hello_tells_who_and_what_is_here, set_up, tear_down),
      cmocka_unit_test_setup_teardown(requests_are_answered_to_their_session, set_up, tear_down),
      cmocka_unit_test_setup_teardown(unknown_sessions_hear_that_the_worker_was_lost, set_up, tear_down),
      cmocka_unit_test_setup_teardown(queries_have_results, set_up, tear_down),
      cmocka_unit_test_setup_teardown(nonsense_is_ignored, set_up, tear_down),
      cmocka_unit_test_setup_teardown(draining_takes_no_new_rooms, set_up, tear_down),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
