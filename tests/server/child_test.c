/* server/child.c: what a child finds and does when it starts, in processes of their own with the descriptors it inherits. */
#include "tests/server/check.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "server/child.h"

static char said[1024]; /* what the last child wrote */

static void tell_test(int out, const char *text) {
  if (write(out, text, strlen(text)) < 0) _exit(98);
}

/* Runs `body` in a child that has these at CHILD_CONFIG_FD and CHILD_STATUS_FD (-1: nothing); returns its status. */
static int in_child(void (*body)(int out), int config_fd, int status_fd) {
  int out[2], how = 0;
  size_t length = 0;
  ssize_t n;
  assert_int_equal(pipe2(out, O_CLOEXEC), 0);
  pid_t pid = fork();
  assert_true(pid >= 0);
  if (pid == 0) {
    int high = fcntl(out[1], F_DUPFD_CLOEXEC, 30), config = config_fd < 0 ? -1 : fcntl(config_fd, F_DUPFD, 31);
    int status = status_fd < 0 ? -1 : fcntl(status_fd, F_DUPFD, 32);
    for (int fd = 3; fd < 30; fd++)
      close(fd);
    if (config >= 0) dup2(config, CHILD_CONFIG_FD);
    if (status >= 0) dup2(status, CHILD_STATUS_FD);
    close(config);
    close(status);
    body(high);
    _exit(0);
  }
  close(out[1]);
  while (length < sizeof said - 1 && (n = read(out[0], said + length, sizeof said - 1 - length)) > 0)
    length += (size_t)n;
  said[length] = '\0';
  close(out[0]);
  assert_int_equal(waitpid(pid, &how, 0), pid);
  return WIFEXITED(how) ? WEXITSTATUS(how) : 1000 + WTERMSIG(how);
}

static int settings(const char *text, size_t length) {
  int fd = memfd_create("t", MFD_CLOEXEC);
  assert_true(fd >= 0);
  if (length) assert_int_equal(pwrite(fd, text, length, 0), length);
  return fd;
}

static void begin(int out) {
  char name[17] = "", text[128];
  int number = child_begin("worker-12"), death = 0;
  prctl(PR_GET_PDEATHSIG, &death);
  prctl(PR_GET_NAME, name);
  snprintf(text, sizeof text, "%d %s death=%d dump=%d pipe=%d cloexec=%d%d", number, name, death == SIGKILL,
           (int)prctl(PR_GET_DUMPABLE), signal(SIGPIPE, SIG_DFL) == SIG_IGN,
           fcntl(CHILD_CONFIG_FD, F_GETFD) == FD_CLOEXEC, fcntl(CHILD_STATUS_FD, F_GETFD) == FD_CLOEXEC);
  tell_test(out, text);
}

static void test_begin(void **state) {
  (void)state;
  int pair[2], config = settings("", 0);
  assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
  assert_int_equal(in_child(begin, config, pair[1]), 0);
#ifdef __SANITIZE_ADDRESS__ /* the leak checker needs ptrace */
  assert_string_equal(said, "0 worker-12 death=1 dump=1 pipe=1 cloexec=11");
#else
  assert_string_equal(said, "0 worker-12 death=1 dump=0 pipe=1 cloexec=11");
#endif
  close(pair[0]);
  close(pair[1]);
  close(config);
}

static void only_begin(int out) {
  tell_test(out, child_begin("x") == 0 ? "began" : "refused");
}

static void test_not_by_hand(void **state) {
  (void)state;
  int pair[2], config = settings("", 0);
  assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
  in_child(only_begin, config, pair[1]);
  assert_string_equal(said, "began");
  in_child(only_begin, -1, pair[1]);
  assert_string_equal(said, "refused");
  in_child(only_begin, config, -1);
  assert_string_equal(said, "refused");
  in_child(only_begin, -1, -1);
  assert_string_equal(said, "refused");
  close(pair[0]); /* the supervisor is gone already */
  in_child(only_begin, config, pair[1]);
  assert_string_equal(said, "refused");
  close(pair[1]);
  close(config);
}

/* The one in the middle is the supervisor: it starts a child and dies. The child holds the pipe until it is dead, too. */
static void test_dies_with_its_supervisor(void **state) {
  (void)state;
  int pair[2], life[2], config = settings("", 0);
  char byte;
  assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
  assert_int_equal(pipe2(life, O_CLOEXEC), 0);
  pid_t middle = fork();
  assert_true(middle >= 0);
  if (middle == 0) {
    int high = fcntl(life[1], F_DUPFD, 30), c = fcntl(config, F_DUPFD, 31), s = fcntl(pair[1], F_DUPFD, 32);
    int theirs = fcntl(pair[0], F_DUPFD, 33), from = fcntl(life[0], F_DUPFD, 34);
    (void)theirs;
    for (int fd = 3; fd < 30; fd++)
      close(fd);
    close(from);
    dup2(c, CHILD_CONFIG_FD);
    dup2(s, CHILD_STATUS_FD);
    if (fork() == 0) {
      if (child_begin("x") != 0) _exit(1);
      tell_test(high, "b");
      for (;;)
        pause();
    }
    for (;;)
      pause();
  }
  close(life[1]);
  assert_int_equal(read(life[0], &byte, 1), 1);
  kill(middle, SIGKILL);
  struct pollfd end = {.fd = life[0], .events = POLLIN};
  assert_int_equal(poll(&end, 1, 20000), 1);
  assert_int_equal(read(life[0], &byte, 1), 0); /* nobody holds it any more */
  waitpid(middle, NULL, 0);
  close(life[0]);
  close(pair[0]);
  close(pair[1]);
  close(config);
}

static void read_twice(int out) {
  char message[CONFIG_MESSAGE_BYTES], text[CONFIG_MESSAGE_BYTES + 64];
  struct config *untouched = (struct config *)(uintptr_t)8, *c = untouched;
  int error = 0;
  for (int i = 0; i < 2 && error == CONFIG_OK; i++) /* a reload reads the same descriptor again */
    error = child_read_config(&c, message);
  if (error)
    snprintf(text, sizeof text, "%d %s%s", error, message, c == untouched ? "" : " and touched");
  else
    snprintf(text, sizeof text, "port %d", (int)c->media.port);
  tell_test(out, text);
}

static void test_settings(void **state) {
  (void)state;
  static const char good[] = "media: {port: 4321}\n", unknown[] = "media: {prot: 1}\n", broken[] = "media: [\n";
  char words[64];
  int fd = settings(good, strlen(good));
  in_child(read_twice, fd, -1);
  assert_string_equal(said, "port 4321");
  close(fd);
  fd = settings(unknown, strlen(unknown));
  in_child(read_twice, fd, -1);
  snprintf(words, sizeof words, "%d settings:1: media.prot", CONFIG_ERR_KEY);
  assert_int_equal(strncmp(said, words, strlen(words)), 0);
  close(fd);
  fd = settings(broken, strlen(broken));
  in_child(read_twice, fd, -1);
  assert_int_equal(strtol(said, NULL, 10), CONFIG_ERR_SYNTAX);
  close(fd);
  /* Empty, not there, no file, and larger than settings can be. */
  snprintf(words, sizeof words, "%d the settings cannot be read", CONFIG_ERR_FILE);
  fd = settings("", 0);
  in_child(read_twice, fd, -1);
  assert_string_equal(said, words);
  assert_int_equal(ftruncate(fd, (1 << 22) + 1), 0);
  in_child(read_twice, fd, -1);
  assert_string_equal(said, words);
  close(fd);
  in_child(read_twice, -1, -1);
  assert_string_equal(said, words);
  int pair[2];
  assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
  in_child(read_twice, pair[0], -1);
  assert_string_equal(said, words);
  close(pair[0]);
  close(pair[1]);
}

static void talk(int out) {
  child_tell("ready");
  child_tell("alive 1 2");
  for (int i = 0; i < 20000; i++) /* more than any socket holds: nothing waits */
    child_tell("alive 3 4");
  tell_test(out, "said");
}

static void test_tell(void **state) {
  (void)state;
  int pair[2];
  char text[32] = "";
  assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
  assert_int_equal(in_child(talk, -1, pair[1]), 0);
  assert_string_equal(said, "said");
  assert_int_equal(recv(pair[0], text, sizeof text, MSG_DONTWAIT), 5); /* one text a packet */
  assert_memory_equal(text, "ready", 5);
  assert_int_equal(recv(pair[0], text, sizeof text, MSG_DONTWAIT), 9);
  assert_memory_equal(text, "alive 1 2", 9);
  close(pair[0]);
  assert_int_equal(in_child(talk, -1, pair[1]), 0); /* nobody listens: no signal either */
  assert_int_equal(in_child(talk, -1, -1), 0);
  close(pair[1]);
}

static volatile sig_atomic_t heard;

static void hear(int number) {
  (void)number;
  heard = 1;
}

/* As the supervisor starts it: blocked; a reload comes before there is a handler. */
static void early_reload(int out) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGHUP);
  sigprocmask(SIG_BLOCK, &set, NULL);
  raise(SIGHUP);
  signal(SIGHUP, hear);
  tell_test(out, heard ? "too early" : "waits, ");
  child_hear_reload();
  tell_test(out, heard ? "heard" : "lost");
}

static void test_a_reload_that_comes_early_is_heard(void **state) {
  (void)state;
  assert_int_equal(in_child(early_reload, -1, -1), 0);
  assert_string_equal(said, "waits, heard");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_begin),       cmocka_unit_test(test_a_reload_that_comes_early_is_heard),
      cmocka_unit_test(test_not_by_hand), cmocka_unit_test(test_dies_with_its_supervisor),
      cmocka_unit_test(test_settings),    cmocka_unit_test(test_tell)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
