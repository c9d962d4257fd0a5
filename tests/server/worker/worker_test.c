/* tests/server/worker/worker_test.c: the process from outside: it starts, says hello, answers, outlives its gateway, and ends. */
#include "server/worker/worker.h"

#include <jansson.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define LIMIT_MS 20000

struct world {
  char folder[64], path[96];
  struct config *config;
  pid_t pid;
  int fd;
  char text[1 << 16];
  size_t used;
};

static int set_up(void **state) {
  struct world *world = calloc(1, sizeof *world);
  *state = world;
  world->fd = -1;
  snprintf(world->folder, sizeof world->folder, "%s", "/tmp/consilium-test-XXXXXX");
  assert_non_null(mkdtemp(world->folder));
  snprintf(world->path, sizeof world->path, "%s/worker-0.sock", world->folder);
  assert_int_equal(config_create(&world->config), 0);
  char message[CONFIG_MESSAGE_BYTES];
  free(world->config->runtime_directory);
  world->config->runtime_directory = strdup(world->folder);
  assert_int_equal(config_set(world->config, "media.address=127.0.0.1", message), 0);
  assert_int_equal(config_set(world->config, "media.address_ipv6=", message), 0);
  world->config->media.port = 0; /* any: nothing here needs to know it beforehand */
  return 0;
}

static int tear_down(void **state) {
  struct world *world = *state;
  if (world->fd >= 0) close(world->fd);
  if (world->pid > 0) kill(world->pid, SIGKILL);
  config_free(world->config);
  unlink(world->path);
  rmdir(world->folder);
  free(world);
  return 0;
}

static void start(struct world *world) {
  world->pid = fork();
  assert_true(world->pid >= 0);
  if (world->pid == 0) {
    const struct worker_options options = {.index = 0, .config = world->config, .name = "worker-0"};
    _exit(worker_main(&options));
  }
}

static void connect_gateway(struct world *world) {
  struct sockaddr_un to = {.sun_family = AF_UNIX};
  snprintf(to.sun_path, sizeof to.sun_path, "%s", world->path);
  world->used = 0;
  world->fd = socket(AF_UNIX, SOCK_STREAM, 0);
  for (int ms = 0; connect(world->fd, (struct sockaddr *)&to, sizeof to) < 0; ms += 5) {
    assert_true(ms < LIMIT_MS); /* it is still opening its socket */
    poll(NULL, 0, 5);
  }
}

static json_t *read_line(struct world *world) {
  char *end;
  while (!(end = memchr(world->text, '\n', world->used))) {
    struct pollfd p = {.fd = world->fd, .events = POLLIN};
    assert_int_equal(poll(&p, 1, LIMIT_MS), 1);
    const ssize_t n = recv(world->fd, world->text + world->used, sizeof world->text - world->used, 0);
    assert_true(n > 0);
    world->used += (size_t)n;
  }
  json_t *line = json_loadb(world->text, (size_t)(end - world->text), 0, NULL);
  assert_non_null(line);
  world->used -= (size_t)(end + 1 - world->text);
  memmove(world->text, end + 1, world->used);
  return line;
}

static void write_line(struct world *world, const char *text) {
  assert_int_equal(write(world->fd, text, strlen(text)), strlen(text));
}

static int wait_for_end(struct world *world) {
  int status = 0;
  assert_int_equal(waitpid(world->pid, &status, 0), world->pid);
  world->pid = 0;
  assert_true(WIFEXITED(status));
  return WEXITSTATUS(status);
}

static void expect_op(struct world *world, const char *op) {
  json_t *line = read_line(world);
  assert_string_equal(json_string_value(json_object_get(line, "op")), op);
  json_decref(line);
}

static void starts_answers_and_ends(void **state) {
  struct world *world = *state;
  start(world);
  connect_gateway(world);
  json_t *hello = read_line(world);
  assert_int_equal(json_integer_value(json_object_get(hello, "pid")), world->pid);
  assert_true(json_integer_value(json_object_get(hello, "port")) > 0);
  json_decref(hello);
  write_line(world, "{\"op\":\"query\",\"ref\":1,\"what\":\"stats\"}\n");
  expect_op(world, "result");
  kill(world->pid, SIGTERM);
  assert_int_equal(wait_for_end(world), 0);
}

static void outlives_its_gateway_with_rooms_and_members(void **state) {
  struct world *world = *state;
  start(world);
  connect_gateway(world);
  expect_op(world, "hello");
  write_line(world,
             "{\"op\":\"open\",\"session\":\"s_1\",\"room\":\"visit\",\"identity\":\"lee\",\"role\":\"doctor\",\"exp\":"
             "2000000000}\n"
             "{\"op\":\"request\",\"session\":\"s_1\",\"msg\":{\"id\":1,\"type\":\"join\"}}\n");
  expect_op(world, "reply");
  close(world->fd);
  connect_gateway(world);
  json_t *hello = read_line(world);
  assert_string_equal(json_string_value(json_array_get(json_object_get(hello, "rooms"), 0)), "visit");
  assert_int_equal(json_array_size(json_object_get(hello, "sessions")), 1);
  json_decref(hello);
  kill(world->pid, SIGINT); /* with a member inside */
  assert_int_equal(wait_for_end(world), 0);
}

static void without_a_port_it_does_not_start(void **state) {
  struct world *world = *state;
  char message[CONFIG_MESSAGE_BYTES];
  assert_int_equal(config_set(world->config, "media.address=192.0.2.77", message), 0); /* nobody's address (RFC 5737) */
  start(world);
  assert_int_equal(wait_for_end(world), 1);
}

static void without_its_directory_it_does_not_start(void **state) {
  struct world *world = *state;
  free(world->config->runtime_directory);
  world->config->runtime_directory = strdup("/nonexistent/consilium");
  start(world);
  assert_int_equal(wait_for_end(world), 1);
}

int main(void) {
  signal(SIGPIPE, SIG_IGN);
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(starts_answers_and_ends, set_up, tear_down),
      cmocka_unit_test_setup_teardown(outlives_its_gateway_with_rooms_and_members, set_up, tear_down),
      cmocka_unit_test_setup_teardown(without_a_port_it_does_not_start, set_up, tear_down),
      cmocka_unit_test_setup_teardown(without_its_directory_it_does_not_start, set_up, tear_down),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
