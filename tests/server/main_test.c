/* server/main.c: which part of the program a command line leads to, and what comes back from it. The real program is run. */
#include "tests/server/check.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "server/child.h"

#define SECRET "0123456789abcdef0123456789abcdef"

static char out[65536], err[65536], folder[48], file[80];

/* Starts the program with stdout and stderr in these, and what children inherit (-1: nothing). */
static pid_t start(const char *const *words, int to_out, int to_err, int config_fd, int status_fd) {
  pid_t pid = fork();
  assert_true(pid >= 0);
  if (pid > 0) return pid;
  char *argv[12] = {(char *)(uintptr_t) "consilium"};
  for (int i = 0; words[i]; i++)
    argv[i + 1] = (char *)(uintptr_t)words[i];
  dup2(to_out, 1);
  dup2(to_err, 2);
  int config = config_fd < 0 ? -1 : fcntl(config_fd, F_DUPFD, 31),
      status = status_fd < 0 ? -1 : fcntl(status_fd, F_DUPFD, 32);
  for (int fd = 3; fd < 31; fd++)
    close(fd);
  if (config >= 0) dup2(config, CHILD_CONFIG_FD);
  if (status >= 0) dup2(status, CHILD_STATUS_FD);
  close(config);
  close(status);
  execv(PROGRAM, argv);
  _exit(127);
}

static void capture(int fd, char *text, size_t capacity) {
  ssize_t n = pread(fd, text, capacity - 1, 0);
  text[n < 0 ? 0 : n] = '\0';
  close(fd);
}

static int run_with(const char *const *words, int config_fd, int status_fd) {
  int to[2] = {memfd_create("out", MFD_CLOEXEC), memfd_create("err", MFD_CLOEXEC)}, how = 0;
  pid_t pid = start(words, to[0], to[1], config_fd, status_fd);
  assert_int_equal(waitpid(pid, &how, 0), pid);
  capture(to[0], out, sizeof out);
  capture(to[1], err, sizeof err);
  return WIFEXITED(how) ? WEXITSTATUS(how) : 1000 + WTERMSIG(how);
}

#define RUN(...) run_with((const char *const[]){__VA_ARGS__, NULL}, -1, -1)

static void write_settings(const char *yaml) {
  int fd = open(file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  assert_true(fd >= 0 && write(fd, yaml, strlen(yaml)) == (ssize_t)strlen(yaml));
  close(fd);
}

static int settings(const char *yaml) {
  int fd = memfd_create("t", MFD_CLOEXEC);
  assert_int_equal(pwrite(fd, yaml, strlen(yaml), 0), strlen(yaml));
  return fd;
}

static void test_children_need_a_supervisor(void **state) {
  (void)state;
  assert_int_equal(RUN("gateway"), 1);
  assert_string_equal(err, "consilium: \"gateway\" is started by the supervisor only\n");
  assert_int_equal(RUN("worker", "3"), 1);
  assert_string_equal(err, "consilium: \"worker\" is started by the supervisor only\n");
  assert_int_equal(RUN("worker"), 1);
  assert_string_equal(out, "");
}

static void test_children_with_bad_settings(void **state) {
  (void)state;
  int pair[2], fd = settings("media: {prot: 1}\n");
  assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
  assert_int_equal(run_with((const char *const[]){"worker", "3", NULL}, fd, pair[1]), CHILD_EXIT_SETTINGS);
  assert_int_equal(strncmp(err, "consilium: worker-3: settings:1: media.prot", 43), 0);
  assert_int_equal(run_with((const char *const[]){"gateway", "--dev", NULL}, fd, pair[1]), CHILD_EXIT_SETTINGS);
  assert_int_equal(strncmp(err, "consilium: gateway: settings:1: media.prot", 42), 0);
  close(fd);
  close(pair[0]);
  close(pair[1]);
}

/* The number is the worker's: its socket, and what it says of itself. */
static void test_a_worker_of_that_number(void **state) {
  (void)state;
  char yaml[256], line[4096] = "", byte[512], comm[32];
  struct sockaddr_un at = {.sun_family = AF_UNIX};
  int pair[2], how = 0, watch = inotify_init1(IN_CLOEXEC);
  assert_true(inotify_add_watch(watch, folder, IN_CREATE | IN_MOVED_TO) >= 0);
  (void)snprintf(yaml, sizeof yaml, "runtime_directory: %s\nmedia: {address: 127.0.0.1, port: %d, workers: 2}\n",
                 folder, 20000 + (int)getpid() % 20000);
  int fd = settings(yaml), sink = memfd_create("e", MFD_CLOEXEC);
  assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
  pid_t pid = start((const char *const[]){"worker", "1", NULL}, sink, sink, fd, pair[1]);
  (void)snprintf(at.sun_path, sizeof at.sun_path, "%s/worker-1.sock", folder);
  int s = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  struct pollfd wait = {.fd = watch, .events = POLLIN};
  while (connect(s, (struct sockaddr *)&at, sizeof at) != 0 && poll(&wait, 1, 100) >= 0) {
    if (wait.revents) assert_true(read(watch, byte, sizeof byte) > 0);
    if (waitpid(pid, &how, WNOHANG) == pid) {
      capture(sink, err, sizeof err);
      fail_msg("it ended: %s", err);
    }
  }
  wait.fd = s;
  for (size_t n = 0; !strchr(line, '\n'); n = strlen(line)) {
    assert_int_equal(poll(&wait, 1, 20000), 1);
    ssize_t got = recv(s, line + n, sizeof line - 1 - n, 0);
    assert_true(got > 0);
    line[n + (size_t)got] = '\0';
  }
  assert_non_null(strstr(line, "\"op\":\"hello\""));
  assert_non_null(strstr(line, "\"worker\":1"));
  (void)snprintf(comm, sizeof comm, "/proc/%d/comm", (int)pid);
  FILE *f = fopen(comm, "r");
  assert_non_null(f);
  assert_non_null(fgets(comm, sizeof comm, f));
  fclose(f);
  assert_string_equal(comm, "worker-1\n");
  kill(pid, SIGTERM);
  assert_int_equal(waitpid(pid, &how, 0), pid);
  assert_true(WIFEXITED(how) && WEXITSTATUS(how) == 0);
  unlink(at.sun_path);
  close(s);
  close(sink);
  close(watch);
  close(fd);
  close(pair[0]);
  close(pair[1]);
}

static void test_settings_checked_and_printed(void **state) {
  (void)state;
  char words[160];
  write_settings("tokens: {secret: " SECRET "}\nmedia: {port: 4242}\n");
  assert_int_equal(RUN("-c", file, "--check-config"), 0);
  (void)snprintf(words, sizeof words, "%s: the settings are good\n", file);
  assert_string_equal(out, words);
  assert_int_equal(RUN("-c", file, "--print-config"), 0);
  assert_non_null(strstr(out, "port: 4242\n"));
  assert_non_null(strstr(out, "********"));
  assert_null(strstr(out, SECRET));
  assert_string_equal(err, "");
  write_settings("tokens: {secret: " SECRET "}\nmedia: {prot: 4242}\n");
  (void)snprintf(words, sizeof words, "consilium: %s:2: media.prot", file);
  static const char *const actions[] = {"--check-config", "--print-config"};
  for (int i = 0; i < 2; i++) {
    assert_int_equal(RUN("-c", file, actions[i]), 2);
    assert_int_equal(strncmp(err, words, strlen(words)), 0);
    assert_string_equal(out, "");
  }
}

/* --dev makes its settings before they are shown: without a file there is a secret, and it is masked. */
static void test_development_settings(void **state) {
  (void)state;
  assert_int_equal(RUN("--dev", "--print-config"), 0);
  assert_non_null(strstr(out, "********"));
  assert_int_equal(RUN("--dev", "--check-config"), 0);
  assert_string_equal(out, "no file: the settings are good\n");
  assert_int_equal(RUN("--dev", "--http", "0.0.0.0:0"), 2); /* the supervisor's own status */
  assert_non_null(strstr(err, "--lan"));
}

static void test_the_other_ways(void **state) {
  (void)state;
  write_settings("tokens: {secret: " SECRET "}\n");
  assert_int_equal(RUN("token", "-c", file, "--room", "r", "--identity", "i"), 0);
  const char *dot = strchr(out, '.');
  assert_non_null(dot);
  assert_non_null(strchr(dot + 1, '.'));
  assert_int_equal(RUN("token", "-c", file, "--room", "r", "--identity", "i", "--role", "king"), 1);
  assert_int_equal(RUN("--version"), 0);
  assert_int_equal(strncmp(out, "consilium ", 10), 0);
  assert_int_equal(RUN("--no-such-option"), 64); /* sysexits.h, as argp has it */
  assert_non_null(strstr(err, "--no-such-option"));
}

static int make(void **state) {
  (void)state;
  unsetenv("CONSILIUM_CONFIG");
  (void)snprintf(folder, sizeof folder, "/tmp/consilium-main-XXXXXX");
  if (!mkdtemp(folder)) return -1;
  (void)snprintf(file, sizeof file, "%s/c.yaml", folder);
  return 0;
}

static int clean(void **state) {
  (void)state;
  unlink(file);
  return rmdir(folder);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_children_need_a_supervisor), cmocka_unit_test(test_children_with_bad_settings),
      cmocka_unit_test(test_a_worker_of_that_number),    cmocka_unit_test(test_settings_checked_and_printed),
      cmocka_unit_test(test_development_settings),       cmocka_unit_test(test_the_other_ways)};
  return cmocka_run_group_tests(tests, make, clean);
}
