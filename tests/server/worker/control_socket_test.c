/* tests/server/worker/control_socket_test.c: lines in and out, whole, whatever pieces they come in; one gateway at a time. */
#include "server/worker/control_socket.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
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
  struct control_socket *socket;
  int connected, disconnected, messages;
  json_int_t sum;
};

static void on_connected(void *arg) {
  struct world *world = arg;
  world->connected++;
}

static void on_disconnected(void *arg) {
  struct world *world = arg;
  world->disconnected++;
}

static void on_message(void *arg, json_t *message) {
  struct world *world = arg;
  world->messages++;
  world->sum += json_integer_value(json_object_get(message, "n"));
}

static int set_up(void **state) {
  struct world *world = calloc(1, sizeof *world);
  *state = world;
  snprintf(world->folder, sizeof world->folder, "%s", "/tmp/consilium-test-XXXXXX");
  assert_non_null(mkdtemp(world->folder));
  snprintf(world->path, sizeof world->path, "%s/worker-0.sock", world->folder);
  assert_int_equal(uv_loop_init(&world->loop), 0);
  struct control_listener listener = {on_connected, on_disconnected, on_message, world};
  assert_int_equal(control_socket_open(&world->socket, &world->loop, world->path, &listener), 0);
  return 0;
}

static int tear_down(void **state) {
  struct world *world = *state;
  control_socket_close(world->socket);
  uv_run(&world->loop, UV_RUN_DEFAULT);
  assert_int_equal(uv_loop_close(&world->loop), 0); /* nothing is left open */
  unlink(world->path);
  rmdir(world->folder);
  free(world);
  return 0;
}

static int connect_gateway(struct world *world) {
  int fd = socket(AF_UNIX, SOCK_STREAM, 0);
  struct sockaddr_un to = {.sun_family = AF_UNIX};
  snprintf(to.sun_path, sizeof to.sun_path, "%s", world->path);
  assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof to), 0);
  int before = world->connected;
  while (world->connected == before)
    uv_run(&world->loop, UV_RUN_ONCE);
  return fd;
}

static void write_all(int fd, const char *text, size_t len) {
  while (len) {
    ssize_t n = write(fd, text, len);
    assert_true(n > 0);
    text += n;
    len -= (size_t)n;
  }
}

static void lines_come_whole(void **state) {
  struct world *world = *state;
  int fd = connect_gateway(world);
  const char text[] = "{\"n\":1}\n{\"n\":20}\n{\"n\":300}\n";
  for (size_t i = 0; i < sizeof text - 1; i++) { /* one byte at a time, then all at once */
    write_all(fd, text + i, 1);
    uv_run(&world->loop, UV_RUN_NOWAIT);
  }
  write_all(fd, text, sizeof text - 1);
  while (world->messages < 6)
    uv_run(&world->loop, UV_RUN_ONCE);
  assert_int_equal(world->sum, 642);
  json_t *out = json_pack("{s:s}", "op", "hello");
  control_socket_send(world->socket, out);
  json_decref(out);
  uv_run(&world->loop, UV_RUN_NOWAIT);
  char got[64] = "";
  assert_int_equal(read(fd, got, sizeof got), 15);
  assert_string_equal(got, "{\"op\":\"hello\"}\n");
  close(fd);
  while (!world->disconnected)
    uv_run(&world->loop, UV_RUN_ONCE);
  assert_false(control_socket_is_connected(world->socket));
}

#define LONG_LINE 300000

/* Writes one long line and then a line without end, until the other side has had enough. */
static void write_endlessly(void *arg) {
  int fd = *(int *)arg;
  char *line = malloc(LONG_LINE);
  memset(line, ' ', LONG_LINE);
  memcpy(line, "{\"n\":5}", 7);
  line[LONG_LINE - 1] = '\n';
  bool open = write(fd, line, LONG_LINE) == LONG_LINE;
  line[LONG_LINE - 1] = ' ';
  while (open)
    open = write(fd, line, LONG_LINE) > 0;
  free(line);
}

static void a_long_line_passes_and_an_endless_one_closes(void **state) {
  struct world *world = *state;
  int fd = connect_gateway(world);
  uv_thread_t writer;
  assert_int_equal(uv_thread_create(&writer, write_endlessly, &fd), 0);
  while (!world->disconnected)
    uv_run(&world->loop, UV_RUN_ONCE);
  uv_run(&world->loop, UV_RUN_NOWAIT); /* the close itself */
  uv_thread_join(&writer);
  assert_int_equal(world->messages, 1);
  assert_int_equal(world->sum, 5);
  close(fd);
}

static void nonsense_closes(void **state) {
  struct world *world = *state;
  int fd = connect_gateway(world);
  write_all(fd, "[1,2]\n{\"n\":1}\n", 14);
  while (!world->disconnected)
    uv_run(&world->loop, UV_RUN_ONCE);
  assert_int_equal(world->messages, 0);
  close(fd);
}

static void a_new_gateway_replaces_the_old(void **state) {
  struct world *world = *state;
  int first = connect_gateway(world), second = connect_gateway(world);
  assert_int_equal(world->disconnected, 1);
  write_all(second, "{\"n\":7}\n", 8);
  while (!world->messages)
    uv_run(&world->loop, UV_RUN_ONCE);
  assert_int_equal(world->sum, 7);
  char got;
  assert_int_equal(read(first, &got, 1), 0);
  close(first);
  close(second);
}

/* A gateway that reads no more must not cost memory without end; and what it missed it asks for when it comes again. */
static void a_gateway_that_reads_nothing_is_cut_off(void **state) {
  struct world *world = *state;
  int fd = connect_gateway(world);
  char *text = calloc(1, 1 << 20);
  memset(text, 'x', (1 << 20) - 1);
  json_t *line = json_pack("{s:s}", "text", text);
  for (int i = 0; i < 64 && !world->disconnected; i++) { /* 64 MiB */
    control_socket_send(world->socket, line);
    assert_int_equal(world->disconnected, 0); /* never from inside the call: the room may be in the middle of one */
  }
  while (!world->disconnected)
    uv_run(&world->loop, UV_RUN_ONCE);
  assert_false(control_socket_is_connected(world->socket));
  control_socket_send(world->socket, line);
  control_socket_send(NULL, line);
  int again = connect_gateway(world);
  assert_true(control_socket_is_connected(world->socket));
  json_decref(line);
  free(text);
  close(fd);
  close(again);
}

int main(void) {
  signal(SIGPIPE, SIG_IGN);
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(lines_come_whole, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_long_line_passes_and_an_endless_one_closes, set_up, tear_down),
      cmocka_unit_test_setup_teardown(nonsense_closes, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_new_gateway_replaces_the_old, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_gateway_that_reads_nothing_is_cut_off, set_up, tear_down),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
