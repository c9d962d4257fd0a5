/* server/supervisor/process.c: the child that is started is this very program, asked for its descriptors. */
#include "tests/server/check.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "server/child.h"
#include "server/supervisor/process.h"

/* Runs in the child: says what it found over the status socket. */
static int child(int argc, char **argv) {
  char text[128], message[CONFIG_MESSAGE_BYTES];
  struct config *c = NULL;
  int open_fds = 0;
  if (child_begin("test") != 0 || child_read_config(&c, message) != CONFIG_OK) return 9;
  for (int fd = CHILD_STATUS_FD + 1; fd < 64; fd++)
    open_fds += fcntl(fd, F_GETFD) >= 0;
  sigset_t blocked;
  sigprocmask(SIG_BLOCK, NULL, &blocked);
  snprintf(text, sizeof text, "%s %s %d port=%d open=%d group=%d blocked=%d", argv[1], argc > 2 ? argv[2] : "-", argc,
           (int)c->media.port, open_fds, getpgrp() == getpid(), sigismember(&blocked, SIGTERM));
  child_tell(text);
  config_free(c);
  return 7;
}

static void expect(int index, bool dev, const char *words) {
  static const char yaml[] = "media: {port: 1234}\n";
  char got[128] = "";
  int how = 0;
  struct process p;
  const struct process_inheritance inherit = {process_raise_fd(memfd_create("t", MFD_CLOEXEC)), -1, -1, dev};
  assert_int_equal(write(inherit.config_fd, yaml, strlen(yaml)), strlen(yaml));
  process_init(&p, index, 5);
  assert_int_equal(p.start_us, 5);
  assert_int_equal(process_start(&p, &inherit, 1000), 0);
  assert_true(p.pid > 0 && p.start_us == INT64_MAX);
  assert_int_equal(waitpid(p.pid, &how, 0), p.pid);
  assert_true(WIFEXITED(how));
  assert_int_equal(WEXITSTATUS(how), 7);
  assert_true(recv(p.status_fd, got, sizeof got - 1, MSG_DONTWAIT) > 0);
  assert_string_equal(got, words);
  process_died(&p, 2000);
  assert_int_equal(p.start_us, 2000 + BACKOFF_FIRST_US);
  assert_true(p.pid == 0 && p.status_fd == -1 && p.restarts == 1);
  process_signal(&p, SIGKILL); /* nobody is hit */
  close(inherit.config_fd);
}

static void test_children(void **state) {
  (void)state;
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigprocmask(SIG_BLOCK, &set, NULL); /* as the supervisor does; not for the children */
  assert_true(dup(0) >= 0);           /* inherited by us, not meant for them */
  expect(PROCESS_GATEWAY, false, "gateway - 2 port=1234 open=0 group=1 blocked=0");
  expect(PROCESS_GATEWAY, true, "gateway --dev 3 port=1234 open=0 group=1 blocked=0");
  expect(12, false, "worker 12 3 port=1234 open=0 group=1 blocked=0");
}

int main(int argc, char **argv) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_children)};
  if (argc > 1) return child(argc, argv);
  return cmocka_run_group_tests(tests, NULL, NULL);
}
