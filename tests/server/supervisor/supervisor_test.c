/* server/supervisor/supervisor.c: a real supervisor in a process of its own. The children that it starts are this very program,
 * which tells the test over a socket what it is, what it was given and which signals it got. */
#include "tests/server/check.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "server/child.h"
#include "server/supervisor/supervisor.h"

#define SECRET   "0123456789abcdef0123456789abcdef"
#define PATIENCE 20000 /* ms; no wait takes longer */

static struct {
  char folder[48], settings[80], events[80], notify[80];
  int heard, notified;
  pid_t pid;
  int out, err; /* of the supervisor: pipe and memory */
} t;

/* ---- the children ---------------------------------------------------------------------------------------------------- */

static void report(const char *who, const char *what) {
  struct sockaddr_un to = {.sun_family = AF_UNIX};
  char text[128];
  int s = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  (void)snprintf(to.sun_path, sizeof to.sun_path, "%s", getenv("TEST_EVENTS"));
  (void)snprintf(text, sizeof text, "%s %s %d", who, what, (int)getpid());
  (void)!sendto(s, text, strlen(text), 0, (struct sockaddr *)&to, sizeof to);
  close(s);
}

static void report_settings(const char *who, const char *what) {
  char text[64], message[CONFIG_MESSAGE_BYTES];
  struct config *c = NULL;
  if (child_read_config(&c, message) != CONFIG_OK) _exit(9);
  (void)snprintf(text, sizeof text, "%s port=%d workers=%d secret=%d", what, (int)c->media.port, (int)c->media.workers,
                 strcmp(c->tokens.secret, SECRET) == 0);
  config_free(c);
  report(who, text);
}

static int child(int argc, char **argv) {
  const char *mode = getenv("TEST_MODE");
  bool gateway = strcmp(argv[1], "gateway") == 0;
  char who[32];
  sigset_t set;
  int got = 0;
  (void)snprintf(who, sizeof who, "%s%s", argv[1], argc > 2 ? argv[2] : "");
  if (child_begin(who) != 0) return 8;
  sigfillset(&set);
  sigprocmask(SIG_BLOCK, &set, NULL);
  report_settings(who, "start");
  if (gateway && strcmp(mode, "fails") == 0) return 3;
  if (gateway) {
    child_tell("stalled 7"); /* there is none such */
    child_tell("stalled x"); /* no number, so nobody */
    child_tell("stalled ");
    child_tell("stalled -1");
    child_tell("what is this");
    child_tell("ready");
    child_tell("alive 2 5");
  }
  for (;;) {
    if (sigwait(&set, &got) != 0) return 7;
    if (got == SIGHUP) report_settings(who, "hup");
    if (got == SIGTERM) report(who, "term");
    if (got == SIGUSR1) child_tell("stalled 1");
    if (got == SIGTERM && !(strcmp(mode, "stubborn") == 0 && !gateway) && !(strcmp(mode, "drains") == 0 && gateway))
      return 0;
    if (got == SIGUSR2) return gateway ? 0 : 5;
  }
}

/* ---- the test's end -------------------------------------------------------------------------------------------------- */

static void write_settings(const char *more) {
  FILE *f = fopen(t.settings, "w");
  assert_non_null(f);
  fchmod(fileno(f), 0600);
  fprintf(f, "runtime_directory: %s/run\ntokens: {secret: %s}\n%s", t.folder, SECRET, more);
  fclose(f);
}

static int bind_datagrams(const char *path) {
  struct sockaddr_un at = {.sun_family = AF_UNIX};
  int s = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  (void)snprintf(at.sun_path, sizeof at.sun_path, "%s", path);
  assert_int_equal(bind(s, (struct sockaddr *)&at, sizeof at), 0);
  return s;
}

static int make(void **state) {
  (void)state;
  memset(&t, 0, sizeof t);
  (void)snprintf(t.folder, sizeof t.folder, "/tmp/consilium-super-XXXXXX");
  if (!mkdtemp(t.folder)) return -1;
  (void)snprintf(t.settings, sizeof t.settings, "%s/c.yaml", t.folder);
  (void)snprintf(t.events, sizeof t.events, "%s/events", t.folder);
  (void)snprintf(t.notify, sizeof t.notify, "%s/notify", t.folder);
  t.heard = bind_datagrams(t.events);
  t.notified = bind_datagrams(t.notify);
  t.err = open(t.folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
  return t.err >= 0 ? 0 : -1;
}

static int clean(void **state) {
  char run[80];
  (void)state;
  if (t.pid > 0) {
    kill(t.pid, SIGKILL); /* its children die with it */
    waitpid(t.pid, NULL, 0);
  }
  (void)snprintf(run, sizeof run, "%s/run", t.folder);
  rmdir(run);
  unlink(t.settings);
  unlink(t.events);
  unlink(t.notify);
  close(t.heard);
  close(t.notified);
  close(t.err);
  if (t.out > 0) close(t.out);
  return rmdir(t.folder);
}

static void start(const char *mode) {
  int out[2];
  assert_int_equal(pipe2(out, O_CLOEXEC), 0);
  t.pid = fork();
  assert_true(t.pid >= 0);
  if (t.pid == 0) {
    struct options o = {.action = OPTIONS_RUN, .file = t.settings};
    setenv("TEST_MODE", mode, 1);
    setenv("TEST_EVENTS", t.events, 1);
    setenv("NOTIFY_SOCKET", t.notify, 1);
    dup2(out[1], 1);
    dup2(t.err, 2);
    int status = supervisor_main(&o);
    fflush(NULL);
    _exit(status);
  }
  t.out = out[0];
  close(out[1]);
}

static const char *receive(int s) {
  static char text[512];
  struct pollfd p = {.fd = s, .events = POLLIN};
  if (poll(&p, 1, PATIENCE) != 1) return NULL;
  ssize_t n = recv(s, text, sizeof text - 1, 0);
  text[n > 0 ? n : 0] = '\0';
  return text;
}

static const char *errors(void) {
  static char text[65536];
  ssize_t n = pread(t.err, text, sizeof text - 1, 0);
  text[n > 0 ? n : 0] = '\0';
  return text;
}

/* The next event that begins like this (others are dropped); returns the pid it came from. */
static pid_t expect(const char *words) {
  for (const char *text; (text = receive(t.heard)) != NULL;)
    if (strncmp(text, words, strlen(words)) == 0) return (pid_t)strtol(strrchr(text, ' '), NULL, 10);
  fail_msg("\"%s\" did not come; stderr:\n%s", words, errors());
  return -1;
}

static void expect_notice(const char *words) {
  for (const char *text; (text = receive(t.notified)) != NULL;)
    if (strstr(text, words)) return;
  fail_msg("systemd was not told %s", words);
}

/* All three are there and it has said so; their pids. */
static void expect_start(pid_t pids[3]) {
  int missing = 3;
  static const char *const who[] = {"gateway", "worker0", "worker1"};
  pids[0] = pids[1] = pids[2] = 0;
  while (missing) {
    const char *text = receive(t.heard);
    if (!text) fail_msg("not all started; stderr:\n%s", errors());
    for (int i = 0; i < 3; i++)
      if (strncmp(text, who[i], 7) == 0 && strncmp(text + 7, " start", 6) == 0 && !pids[i]) {
        pids[i] = (pid_t)strtol(strrchr(text, ' '), NULL, 10);
        missing--;
      }
  }
  expect_notice("READY=1");
}

static int status_at_end(void) {
  int how = 0;
  assert_int_equal(waitpid(t.pid, &how, 0), t.pid);
  t.pid = 0;
  return WIFEXITED(how) ? WEXITSTATUS(how) : 1000 + WTERMSIG(how);
}

static void start_all(const char *mode, const char *more, pid_t pids[3]) {
  char text[256];
  (void)snprintf(text, sizeof text, "media: {workers: 2, port: 1234}\n%s", more);
  write_settings(text);
  start(mode);
  expect_start(pids);
}

static void test_a_life(void **state) {
  (void)state;
  pid_t pids[3];
  char line[128] = "";
  write_settings("media: {workers: 2, port: 1234}\nhttp: {listen: [\"127.0.0.1:8099\"]}\n");
  start("works");
  assert_true(expect("gateway start port=1234 workers=2 secret=1") > 0);
  kill(t.pid, SIGTERM);
  assert_int_equal(status_at_end(), 0);
  (void)!read(t.out, line, sizeof line - 1); /* it may have ended before it was ready */
  close(t.out);
  memset(line, 0, sizeof line);
  start("works");
  expect_start(pids);
  struct pollfd p = {.fd = t.out, .events = POLLIN};
  assert_int_equal(poll(&p, 1, PATIENCE), 1);
  assert_true(read(t.out, line, sizeof line - 1) > 0);
  assert_string_equal(line, "ready http://localhost:8099\n");
  expect_notice("STATUS=2 rooms, 5 participants");
  kill(t.pid, SIGINT);
  expect_notice("STOPPING=1");
  assert_int_equal(status_at_end(), 0);
  for (int i = 0; i < 3; i++)
    assert_int_equal(kill(pids[i], 0), -1); /* nobody is left */
  assert_null(strstr(errors(), SECRET));
}

static void test_what_dies_comes_back(void **state) {
  (void)state;
  pid_t pids[3];
  start_all("works", "", pids);
  kill(pids[2], SIGKILL);
  pid_t again = expect("worker1 start port=1234");
  assert_true(again > 0 && again != pids[2]);
  kill(again, SIGUSR2); /* exits with an error: only before the first `ready` that ends the server */
  assert_true(expect("worker1 start") != again);
  kill(pids[0], SIGKILL);
  pid_t gateway = expect("gateway start");
  assert_true(gateway != pids[0]);
  assert_non_null(strstr(errors(), "process_died process=worker index=1 exit=-1 signal=9"));
  assert_non_null(strstr(errors(), "process_died process=worker index=1 exit=5 signal=0"));
  assert_non_null(strstr(errors(), "process_died process=gateway"));
  assert_int_equal(kill(t.pid, 0), 0);
  kill(t.pid, SIGTERM);
  assert_int_equal(status_at_end(), 0);
}

static void test_a_stalled_worker(void **state) {
  (void)state;
  pid_t pids[3];
  start_all("works", "", pids);
  kill(pids[0], SIGUSR1); /* the gateway tells of worker 1 */
  assert_true(expect("worker1 start") != pids[2]);
  assert_non_null(strstr(errors(), "worker_stalled worker=1"));
  const char *first = strstr(errors(), "worker_stalled");
  assert_null(strstr(first + 1, "worker_stalled")); /* nobody but it */
  assert_int_equal(kill(pids[1], 0), 0);            /* the other one lives on */
  kill(t.pid, SIGTERM);
  assert_int_equal(status_at_end(), 0);
}

/* Silent for CHILD_SILENCE_SECONDS: this gateway says `alive` once and is then stopped. */
static void test_a_silent_gateway(void **state) {
  (void)state;
  pid_t pids[3];
  start_all("works", "", pids);
  kill(pids[0], SIGSTOP);
  assert_true(expect("gateway start") != pids[0]);
  assert_non_null(strstr(errors(), "gateway_stalled"));
  kill(t.pid, SIGTERM);
  assert_int_equal(status_at_end(), 0);
}

/* Before the first `ready` a child that exits with an error has said what is wrong. */
static void test_a_start_that_fails(void **state) {
  (void)state;
  write_settings("media: {workers: 1}\n");
  start("fails");
  assert_int_equal(status_at_end(), 1);
  char line[8];
  assert_int_equal(read(t.out, line, sizeof line), 0); /* never ready */
}

static void test_reload(void **state) {
  (void)state;
  pid_t pids[3];
  start_all("works", "", pids);
  write_settings("media: {workers: 2, port: 4321}\nlog: {level: debug}\n");
  kill(t.pid, SIGHUP);
  assert_int_equal(expect("gateway hup port=4321 workers=2 secret=1"), pids[0]);
  expect_notice("RELOADING=1");
  expect_notice("READY=1");
  assert_non_null(strstr(errors(), "restart_needed settings=media.port"));
  /* Shorter than before, so nothing of the old text may stay behind; and the number of workers that was chosen stays. */
  write_settings("media: {port: 55}\n");
  kill(t.pid, SIGHUP);
  assert_int_equal(expect("gateway hup port=55 workers=2 secret=1"), pids[0]);
  expect_notice("RELOADING=1");
  expect_notice("READY=1");
  write_settings("media: {prot: 1}\n");
  kill(t.pid, SIGHUP);
  expect_notice("RELOADING=1");
  expect_notice("READY=1");
  assert_non_null(strstr(errors(), "reload_failed"));
  kill(pids[2], SIGKILL); /* who starts now gets what is valid */
  expect("worker1 start port=55");
  kill(t.pid, SIGTERM);
  assert_int_equal(status_at_end(), 0);
  assert_int_equal(recv(t.heard, pids, sizeof pids, MSG_DONTWAIT | MSG_TRUNC) > 0,
                   true); /* `term`, not another `hup` */
}

/* A child that does not end when it is told to. */
static void test_the_stubborn_are_killed(void **state) {
  (void)state;
  pid_t pids[3];
  start_all("stubborn", "", pids);
  kill(t.pid, SIGTERM);
  expect("worker1 term");
  assert_int_equal(status_at_end(), 0);
  assert_int_equal(kill(pids[1], 0), -1);
  assert_int_equal(kill(pids[2], 0), -1);
}

static void test_calls_may_end_first(void **state) {
  (void)state;
  pid_t pids[3];
  start_all("drains", "limits: {drain_seconds: 60}\n", pids);
  kill(t.pid, SIGTERM);
  assert_int_equal(expect("gateway term"), pids[0]);
  expect_notice("waiting for calls to end");
  for (int i = 1; i < 3; i++)
    assert_int_equal(kill(pids[i], 0), 0);
  kill(pids[0], SIGUSR2); /* the last call is over: the gateway ends, and with it all the others */
  expect("worker0 term");
  assert_int_equal(status_at_end(), 0);
  assert_null(strstr(errors(), "process_died process=gateway"));
}

static void test_a_second_signal_ends_at_once(void **state) {
  (void)state;
  pid_t pids[3];
  start_all("drains", "limits: {drain_seconds: 60}\n", pids);
  kill(t.pid, SIGTERM);
  expect("gateway term");
  kill(t.pid, SIGTERM);
  expect("worker1 term");
  assert_int_equal(status_at_end(), 0); /* the gateway is killed: it would wait on */
}

static void test_settings_that_cannot_work(void **state) {
  (void)state;
  char run[80];
  write_settings("media: {prot: 1}\n");
  start("works");
  assert_int_equal(status_at_end(), CHILD_EXIT_SETTINGS);
  assert_non_null(strstr(errors(), "media.prot"));
  /* The runtime directory cannot be one: there is a file. */
  (void)snprintf(run, sizeof run, "%s/run", t.folder);
  int fd = open(run, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
  assert_true(fd >= 0);
  close(fd);
  close(t.out);
  write_settings("");
  start("works");
  assert_int_equal(status_at_end(), 1);
  assert_non_null(strstr(errors(), run));
  unlink(run);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, make, clean)

int main(int argc, char **argv) {
  const struct CMUnitTest tests[] = {TEST(test_a_life),
                                     TEST(test_what_dies_comes_back),
                                     TEST(test_a_stalled_worker),
                                     TEST(test_a_silent_gateway),
                                     TEST(test_a_start_that_fails),
                                     TEST(test_reload),
                                     TEST(test_the_stubborn_are_killed),
                                     TEST(test_calls_may_end_first),
                                     TEST(test_a_second_signal_ends_at_once),
                                     TEST(test_settings_that_cannot_work)};
  if (argc > 1) return child(argc, argv);
  unsetenv("WATCHDOG_USEC");
  return cmocka_run_group_tests(tests, NULL, NULL);
}
