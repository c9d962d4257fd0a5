/* server/gateway/worker_link.c against a worker of our own on the same loop: lines in pieces, nonsense, comings and goings. */
#include "tests/server/check.h"

#include <stdlib.h>
#include <unistd.h>

#include "server/gateway/worker_link.h"

static struct {
  uv_loop_t loop;
  uv_pipe_t server;
  uv_pipe_t *peer;
  uv_timer_t limit;
  char path[64], log[4096], received[256];
  int events, stop_after;
} t;

static void note(const char *text) {
  strcat(t.log, text);
  strcat(t.log, ";");
  if (++t.events == t.stop_after) uv_stop(&t.loop);
}

static void on_up(void *arg, size_t worker, const json_t *hello) {
  (void)arg;
  assert_int_equal(worker, 3);
  assert_int_equal(json_integer_value(json_object_get(hello, "pid")), 9);
  note("up");
}

static void on_message(void *arg, size_t worker, json_t *message) {
  (void)arg;
  (void)worker;
  note(json_string_value(json_object_get(message, "op")));
}

static void on_down(void *arg, size_t worker) {
  (void)arg;
  (void)worker;
  note("down");
}

static void on_absent(void *arg, size_t worker) {
  (void)arg;
  (void)worker;
  note("absent");
}

static const struct worker_link_listener listener = {on_up, on_message, on_down, on_absent, NULL};

static void free_handle(uv_handle_t *handle) {
  free(handle);
}

static void give(uv_handle_t *handle, size_t suggested, uv_buf_t *out) {
  static char bytes[256];
  (void)handle;
  (void)suggested;
  *out = uv_buf_init(bytes, sizeof bytes - 1);
}

static void take(uv_stream_t *stream, ssize_t count, const uv_buf_t *buffer) {
  (void)stream;
  if (count > 0) strncat(t.received, buffer->base, (size_t)count);
  if (count > 0 && strchr(t.received, '\n')) note("sent");
}

static void accepted(uv_stream_t *server, int status) {
  assert_int_equal(status, 0);
  t.peer = malloc(sizeof *t.peer);
  uv_pipe_init(&t.loop, t.peer, 0);
  assert_int_equal(uv_accept(server, (uv_stream_t *)t.peer), 0);
  uv_read_start((uv_stream_t *)t.peer, give, take);
  note("accepted");
}

static void say(const char *text) {
  uv_buf_t buffer = uv_buf_init((char *)(uintptr_t)text, (unsigned)strlen(text));
  assert_int_equal(uv_try_write((uv_stream_t *)t.peer, &buffer, 1), strlen(text));
}

static void hang_up(void) {
  uv_close((uv_handle_t *)t.peer, free_handle);
}

static void too_late(uv_timer_t *timer) {
  (void)timer;
  fail_msg("waited in vain after: %s", t.log);
}

static void wait_for(int events, const char *log) {
  t.events = 0;
  t.log[0] = '\0';
  t.stop_after = events;
  uv_run(&t.loop, UV_RUN_DEFAULT);
  assert_string_equal(t.log, log);
}

static void serve(void) {
  unlink(t.path);
  uv_pipe_init(&t.loop, &t.server, 0);
  assert_int_equal(uv_pipe_bind(&t.server, t.path), 0);
  assert_int_equal(uv_listen((uv_stream_t *)&t.server, 4, accepted), 0);
}

static void test_a_worker_s_life(void **state) {
  (void)state;
  struct worker_link *link = NULL;
  snprintf(t.path, sizeof t.path, "/tmp/consilium-link-%d.sock", (int)getpid());
  uv_loop_init(&t.loop);
  uv_timer_init(&t.loop, &t.limit);
  uv_timer_start(&t.limit, too_late, 20000, 0);
  assert_int_equal(worker_link_create(&link, &t.loop, 3, t.path, &listener), 0);
  assert_int_equal(worker_link_silent_since_ms(link), INT64_MAX);
  wait_for(1, "absent;"); /* nobody there yet, told once */
  serve();
  wait_for(1, "accepted;");
  assert_false(worker_link_is_up(link));
  assert_int_equal(worker_link_send(link, json_pack("{s:s}", "op", "early")), -1);
  say("{\"op\":\"hello\",\"pi");
  say("d\":9}\n{\"op\":\"one\"}\n{\"op\":\"two\"}\n{\"op\":\"th");
  wait_for(3, "up;one;two;");
  assert_true(worker_link_is_up(link));
  say("ree\"}\n");
  wait_for(1, "three;");
  assert_int_equal(worker_link_send(link, json_pack("{s:s}", "op", "request")), 0);
  wait_for(1, "sent;");
  assert_string_equal(t.received, "{\"op\":\"request\"}\n");

  hang_up(); /* it comes back at once */
  wait_for(2, "down;accepted;");
  say("{\"op\":\"hello\",\"pid\":9}\n");
  wait_for(1, "up;");
  say("no JSON\n");
  wait_for(2, "down;accepted;");
  say("{\"op\":\"event\"}\n"); /* not a hello: not up, tried again */
  wait_for(1, "accepted;");
  uv_close((uv_handle_t *)&t.server, NULL);
  unlink(t.path);
  say("{\"op\":\"hello\",\"pid\":9}\n");
  wait_for(1, "up;");
  hang_up();
  wait_for(2, "down;absent;"); /* the process is dead */

  worker_link_close(link);
  uv_close((uv_handle_t *)&t.limit, NULL);
  uv_run(&t.loop, UV_RUN_NOWAIT);
  uv_run(&t.loop, UV_RUN_NOWAIT);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_a_worker_s_life)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
