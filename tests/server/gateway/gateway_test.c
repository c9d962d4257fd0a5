/* server/gateway/gateway.c: the process itself, run as the supervisor runs it: when it listens, what it says, what a reload
 * changes, and how it ends. The worker on the other side is this test. */
#include "tests/server/check.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <jansson.h>

#include "server/child.h"
#include "server/gateway/gateway.h"
#include "server/log.h"

#define SECRET   "0123456789abcdef0123456789abcdef"
#define PATIENCE 20000 /* ms; no wait takes longer */

static struct {
  char folder[48], path[80];
  int port, admin_port;
  int config, status, err; /* its settings, our end of its status socket, its stderr */
  int listening, worker;   /* the worker's socket and connection */
  char in[65536];          /* from the gateway, not yet taken */
  size_t length;
  pid_t pid;
} t;

static int free_port(void) {
  struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
  socklen_t length = sizeof at;
  int s = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  assert_int_equal(bind(s, (struct sockaddr *)&at, sizeof at), 0);
  assert_int_equal(getsockname(s, (struct sockaddr *)&at, &length), 0);
  close(s);
  return ntohs(at.sin_port);
}

static void settings(const char *more) {
  char yaml[1024];
  int n = snprintf(yaml, sizeof yaml,
                   "runtime_directory: %s\ntokens: {secret: %s}\nadmin: {token: %s}\nmedia: {workers: 1}\n"
                   "http: {listen: [\"localhost:%d\"], admin_listen: [\"127.0.0.1:%d\"]}\n%s",
                   t.folder, SECRET, SECRET, t.port, t.admin_port, more);
  assert_int_equal(pwrite(t.config, yaml, (size_t)n, 0), n);
  assert_int_equal(ftruncate(t.config, n), 0);
}

static void wait_readable(int fd, const char *what) {
  struct pollfd p = {.fd = fd, .events = POLLIN};
  if (poll(&p, 1, PATIENCE) != 1) fail_msg("%s did not come", what);
}

static void run_gateway(int status_fd) {
  struct config *c = NULL;
  char message[CONFIG_MESSAGE_BYTES];
  int config = fcntl(t.config, F_DUPFD, 31), status = fcntl(status_fd, F_DUPFD, 32);
  dup2(t.err, 2);
  for (int fd = 3; fd < 31; fd++)
    close(fd);
  dup2(config, CHILD_CONFIG_FD);
  dup2(status, CHILD_STATUS_FD);
  close(config);
  close(status);
  if (child_begin("gateway") != 0 || child_read_config(&c, message) != CONFIG_OK) _exit(99);
  log_configure(c->log.level, c->log.format, "gateway");
  int end = gateway_main(c, false);
  fflush(NULL);
  _exit(end);
}

static void start(const char *more) {
  int pair[2];
  settings(more);
  assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
  t.pid = fork();
  assert_true(t.pid >= 0);
  if (t.pid == 0) run_gateway(pair[1]);
  close(pair[1]);
  t.status = pair[0];
}

static const char *errors(void) {
  static char text[65536];
  ssize_t n = pread(t.err, text, sizeof text - 1, 0);
  text[n > 0 ? n : 0] = '\0';
  return text;
}

/* Waits for a status line that begins so; others are dropped. */
static void expect_status(const char *words) {
  char text[64];
  for (;;) {
    wait_readable(t.status, words);
    ssize_t n = recv(t.status, text, sizeof text - 1, 0);
    if (n <= 0) fail_msg("it is gone, not \"%s\":\n%s", words, errors());
    text[n] = '\0';
    if (strcmp(text, words) == 0) return;
  }
}

static void listen_as_worker(void) {
  struct sockaddr_un at = {.sun_family = AF_UNIX};
  t.listening = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  (void)snprintf(at.sun_path, sizeof at.sun_path, "%s", t.path);
  assert_int_equal(bind(t.listening, (struct sockaddr *)&at, sizeof at), 0);
  assert_int_equal(listen(t.listening, 4), 0);
}

static void accept_gateway(void) {
  wait_readable(t.listening, "the gateway's connection");
  t.worker = accept4(t.listening, NULL, NULL, SOCK_CLOEXEC);
  assert_true(t.worker >= 0);
}

static void say(const char *line) {
  assert_int_equal(send(t.worker, line, strlen(line), MSG_NOSIGNAL), strlen(line));
}

#define HELLO "{\"op\":\"hello\",\"worker\":0,\"pid\":1,\"port\":1,\"rooms\":[],\"sessions\":[],\"spent\":[]}\n"

/* The next line with this op; a new reference. Questions for statistics are answered on the way. */
static json_t *expect_line(const char *op) {
  for (;;) {
    char *end = memchr(t.in, '\n', t.length);
    if (!end) {
      wait_readable(t.worker, op);
      ssize_t n = recv(t.worker, t.in + t.length, sizeof t.in - t.length, 0);
      if (n <= 0) fail_msg("the gateway hung up before \"%s\"", op);
      t.length += (size_t)n;
      continue;
    }
    json_t *line = json_loadb(t.in, (size_t)(end - t.in), 0, NULL);
    t.length -= (size_t)(end + 1 - t.in);
    memmove(t.in, end + 1, t.length);
    assert_non_null(line);
    const char *got = json_string_value(json_object_get(line, "op"));
    if (strcmp(got, op) == 0) return line;
    if (strcmp(got, "query") == 0) {
      char text[128];
      (void)snprintf(text, sizeof text, "{\"op\":\"result\",\"ref\":%lld,\"value\":{\"rooms\":2,\"participants\":5}}\n",
                     (long long)json_integer_value(json_object_get(line, "ref")));
      say(text);
    }
    json_decref(line);
  }
}

static int dial(int port) {
  struct sockaddr_in to = {
      .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr = {htonl(INADDR_LOOPBACK)}};
  int s = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (connect(s, (struct sockaddr *)&to, sizeof to) == 0) return s;
  close(s);
  return -1;
}

/* The status of GET `path`; -1 when nobody listens. */
static int get(int port, const char *path) {
  char text[4096];
  int s = dial(port);
  if (s < 0) return -1;
  int n = snprintf(text, sizeof text, "GET %s HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer " SECRET "\r\n\r\n", path);
  assert_int_equal(send(s, text, (size_t)n, 0), n);
  size_t length = 0;
  ssize_t got;
  while (length < sizeof text - 1 && (got = recv(s, text + length, sizeof text - 1 - length, 0)) > 0)
    length += (size_t)got;
  text[length] = '\0';
  close(s);
  return (int)strtol(text + strlen("HTTP/1.1 "), NULL, 10);
}

/* An open WebSocket, before hello. */
static int open_page(void) {
  static const char request[] =
      "GET /v1/ws HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
      "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";
  char text[2048];
  size_t length = 0;
  int s = dial(t.port);
  assert_true(s >= 0);
  assert_int_equal(send(s, request, sizeof request - 1, 0), sizeof request - 1);
  do {
    wait_readable(s, "the upgrade");
    ssize_t n = recv(s, text + length, sizeof text - 1 - length, 0);
    assert_true(n > 0);
    length += (size_t)n;
    text[length] = '\0';
  } while (!strstr(text, "\r\n\r\n"));
  assert_non_null(strstr(text, " 101 "));
  return s;
}

/* The next frame is a close with this code. */
static void expect_closed(int s, int code) {
  uint8_t frame[256];
  wait_readable(s, "a close frame");
  assert_true(recv(s, frame, sizeof frame, 0) >= 4);
  assert_int_equal(frame[0], 0x88);
  assert_int_equal(frame[2] << 8 | frame[3], code);
}

static int status_at_end(void) {
  int how = 0;
  assert_int_equal(waitpid(t.pid, &how, 0), t.pid);
  t.pid = 0;
  return WIFEXITED(how) ? WEXITSTATUS(how) : 1000 + WTERMSIG(how);
}

static int make(void **state) {
  (void)state;
  memset(&t, 0, sizeof t);
  t.worker = t.listening = t.status = -1;
  (void)snprintf(t.folder, sizeof t.folder, "/tmp/consilium-gateway-XXXXXX");
  if (!mkdtemp(t.folder)) return -1;
  (void)snprintf(t.path, sizeof t.path, "%s/worker-0.sock", t.folder);
  t.port = free_port();
  t.admin_port = free_port();
  t.config = memfd_create("settings", MFD_CLOEXEC);
  t.err = memfd_create("err", MFD_CLOEXEC);
  return 0;
}

static int clean(void **state) {
  (void)state;
  if (t.pid > 0) {
    kill(t.pid, SIGKILL);
    waitpid(t.pid, NULL, 0);
  }
  const int fds[] = {t.config, t.status, t.err, t.listening, t.worker};
  for (size_t i = 0; i < sizeof fds / sizeof *fds; i++)
    if (fds[i] >= 0) close(fds[i]);
  unlink(t.path);
  return rmdir(t.folder);
}

static void start_whole(const char *more) {
  listen_as_worker();
  start(more);
  accept_gateway();
  say(HELLO);
  expect_status("ready");
}

/* Who resumes must find its session: nobody is let in before the worker has said who is there. */
static void test_listens_when_the_workers_have_said_hello(void **state) {
  (void)state;
  listen_as_worker();
  start("");
  accept_gateway();
  assert_int_equal(get(t.port, "/healthz"), -1);
  say(HELLO);
  expect_status("ready");
  assert_int_equal(get(t.port, "/readyz"), 200);
  json_decref(expect_line("query"));
  char text[64];
  struct pollfd p = {.fd = t.status, .events = POLLIN};
  assert_int_equal(poll(&p, 1, PATIENCE), 1); /* signs of life follow; `ready` is told once */
  assert_true(recv(t.status, text, sizeof text, 0) >= 6);
  assert_memory_equal(text, "alive ", 6);
}

/* Without a worker it waits no longer than START_PATIENCE_US: whoever comes is told so. */
static void test_its_patience_ends(void **state) {
  (void)state;
  start("");
  for (int status; (status = get(t.port, "/readyz")) != 503;) {
    assert_int_equal(status, -1);
    expect_status("alive 0 0"); /* once a second; the first listening second ends this */
  }
  assert_int_equal(get(t.port, "/healthz"), 200);
  listen_as_worker();
  accept_gateway();
  say(HELLO);
  expect_status("ready"); /* now it is whole */
}

static void test_two_addresses(void **state) {
  (void)state;
  start_whole("");
  assert_int_equal(get(t.port, "/healthz"), 200);
  assert_int_equal(get(t.port, "/metrics"), 404); /* behind the other address only, token or not */
  assert_int_equal(get(t.port, "/api/v1/rooms/r"), 404);
  assert_int_equal(get(t.port, "/dev/token"), 404);
  assert_int_equal(get(t.admin_port, "/metrics"), 200);
  assert_int_equal(get(t.admin_port, "/healthz"), 200);
  assert_int_equal(get(t.admin_port, "/v1/ws"), 404);
}

static void test_signs_of_life(void **state) {
  (void)state;
  start_whole("");
  json_t *query = expect_line("query");
  assert_string_equal(json_string_value(json_object_get(query, "what")), "stats");
  char text[128];
  (void)snprintf(text, sizeof text, "{\"op\":\"result\",\"ref\":%lld,\"value\":{\"rooms\":2,\"participants\":5}}\n",
                 (long long)json_integer_value(json_object_get(query, "ref")));
  json_decref(query);
  say(text);
  expect_status("alive 2 5");
}

/* Until it has written this; its question of every second wakes us. */
static void expect_error_line(const char *words) {
  for (int seconds = 0; !strstr(errors(), words); seconds++) {
    if (seconds == PATIENCE / 1000) fail_msg("\"%s\" is not in %s", words, errors());
    json_decref(expect_line("query"));
  }
}

static void test_reload(void **state) {
  (void)state;
  start_whole("log: {level: info}\n");
  settings("log: {level: nonsense}\n");
  kill(t.pid, SIGHUP);
  expect_error_line("reload_failed");
  assert_null(strstr(errors(), "gateway reloaded"));
  assert_int_equal(get(t.port, "/readyz"), 200);
  settings("log: {format: json}\n");
  kill(t.pid, SIGHUP);
  expect_error_line("\"event\":\"reloaded\"");
  assert_int_equal(get(t.port, "/readyz"), 200);
  kill(t.pid, SIGTERM);
  assert_int_equal(status_at_end(), 0);
}

static void test_the_end(void **state) {
  (void)state;
  static const int signals[] = {SIGTERM, SIGINT};
  for (int i = 0; i < 2; i++) {
    start_whole("");
    int page = open_page();
    kill(t.pid, signals[i]);
    expect_closed(page, 1001);
    assert_int_equal(status_at_end(), 0);
    assert_int_equal(get(t.port, "/healthz"), -1);
    close(page);
    clean(NULL);
    assert_int_equal(make(NULL), 0);
  }
}

/* A room lives until its people have gone: then the gateway ends by itself. */
static void test_drain(void **state) {
  (void)state;
  listen_as_worker();
  start("limits: {drain_seconds: 60}\n");
  accept_gateway();
  say("{\"op\":\"hello\",\"worker\":0,\"pid\":1,\"port\":1,\"rooms\":[\"r\"],\"spent\":[],\"sessions\":[{\"session\":"
      "\"s_0123456789012345678901\",\"room\":\"r\",\"identity\":\"ann\",\"name\":\"Ann\",\"role\":\"doctor\","
      "\"resumeHash\":\"x\",\"jti\":\"j\",\"exp\":9999999999,\"keep\":{\"home\":\"r\"}}]}\n");
  expect_status("ready");
  kill(t.pid, SIGTERM);
  json_decref(expect_line("drain"));
  assert_int_equal(get(t.port, "/readyz"), 503);
  expect_status("alive 0 0");
  assert_int_equal(waitpid(t.pid, NULL, WNOHANG), 0); /* somebody is in there */
  say("{\"op\":\"close\",\"session\":\"s_0123456789012345678901\",\"code\":4002,\"reason\":\"closed\"}\n");
  assert_int_equal(status_at_end(), 0);
}

static void test_a_second_signal_ends_the_drain(void **state) {
  (void)state;
  listen_as_worker();
  start("limits: {drain_seconds: 60}\n");
  accept_gateway();
  say("{\"op\":\"hello\",\"worker\":0,\"pid\":1,\"port\":1,\"rooms\":[\"r\"],\"spent\":[],\"sessions\":[{\"session\":"
      "\"s_0123456789012345678901\",\"room\":\"r\",\"identity\":\"ann\",\"name\":\"Ann\",\"role\":\"doctor\","
      "\"resumeHash\":\"x\",\"jti\":\"j\",\"exp\":9999999999,\"keep\":{\"home\":\"r\"}}]}\n");
  expect_status("ready");
  kill(t.pid, SIGTERM);
  json_decref(expect_line("drain"));
  kill(t.pid, SIGTERM);
  char text[64];
  int seconds = 0; /* one sign of life each; the drain would go on for as long as the session may be resumed */
  while (recv(t.status, text, sizeof text, 0) > 0)
    assert_true(++seconds < 10);
  assert_int_equal(status_at_end(), 0);
}

static void test_where_it_cannot_listen(void **state) {
  (void)state;
  struct sockaddr_in at = {
      .sin_family = AF_INET, .sin_port = htons((uint16_t)t.port), .sin_addr = {htonl(INADDR_LOOPBACK)}};
  int taken = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  assert_int_equal(bind(taken, (struct sockaddr *)&at, sizeof at), 0);
  assert_int_equal(listen(taken, 1), 0);
  listen_as_worker();
  start("");
  accept_gateway();
  say(HELLO);
  assert_int_equal(status_at_end(), CHILD_EXIT_SETTINGS);
  assert_non_null(strstr(errors(), "cannot_listen"));
  assert_non_null(strstr(errors(), "address already in use"));
  close(taken);
}

static void test_one_address_for_both(void **state) {
  (void)state;
  listen_as_worker();
  t.admin_port = t.port;
  start(""); /* one address for both: refused, not shared */
  accept_gateway();
  say(HELLO);
  assert_int_equal(status_at_end(), CHILD_EXIT_SETTINGS);
  assert_non_null(strstr(errors(), "another endpoint has the same address and port"));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, make, clean)

int main(void) {
  const struct CMUnitTest tests[] = {TEST(test_listens_when_the_workers_have_said_hello),
                                     TEST(test_its_patience_ends),
                                     TEST(test_two_addresses),
                                     TEST(test_signs_of_life),
                                     TEST(test_reload),
                                     TEST(test_the_end),
                                     TEST(test_drain),
                                     TEST(test_a_second_signal_ends_the_drain),
                                     TEST(test_where_it_cannot_listen),
                                     TEST(test_one_address_for_both)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
