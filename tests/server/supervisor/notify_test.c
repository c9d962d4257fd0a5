/* server/supervisor/notify.c: what systemd would receive. */
#include "tests/server/check.h"

#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "server/supervisor/notify.h"

static int listen_at(const char *name, socklen_t length) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  memcpy(address.sun_path, name, length);
  int fd = socket(AF_UNIX, SOCK_DGRAM, 0);
  assert_int_equal(bind(fd, (struct sockaddr *)&address, (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length)),
                   0);
  return fd;
}

static void test_messages(void **state) {
  (void)state;
  char name[64], got[256] = "";
  struct notify n;
  int length = snprintf(name, sizeof name, "@consilium-notify-test-%d", (int)getpid());
  char abstract[64];
  memcpy(abstract, name, sizeof abstract);
  abstract[0] = '\0';
  int fd = listen_at(abstract, (socklen_t)length);
  notify_open(&n, name, "10000000", NULL);
  assert_int_equal(n.watchdog_us, 5000000);
  notify_send(&n, "READY=1\nSTATUS=x");
  assert_int_equal(recv(fd, got, sizeof got - 1, MSG_DONTWAIT), strlen("READY=1\nSTATUS=x"));
  assert_string_equal(got, "READY=1\nSTATUS=x");
  notify_reloading(&n);
  memset(got, 0, sizeof got);
  assert_true(recv(fd, got, sizeof got - 1, MSG_DONTWAIT) > 0);
  long long usec = 0;
  assert_int_equal(sscanf(got, "RELOADING=1\nMONOTONIC_USEC=%lld", &usec), 1);
  assert_true(usec > 0);
  close(fd);
  notify_send(&n, "STATUS=nobody hears it"); /* must not kill us */
  notify_close(&n);
}

static void test_nobody(void **state) {
  (void)state;
  struct notify n;
  static const char *const paths[] = {NULL, "", "@", "relative", "/nonexistent/notify"};
  for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
    notify_open(&n, paths[i], "1000", NULL);
    assert_int_equal(n.fd, -1);
    notify_send(&n, "READY=1");
    notify_close(&n);
  }
}

static void test_watchdog_of_another_process(void **state) {
  (void)state;
  struct notify n;
  static const char name[] = "\0consilium-notify-test-other";
  int fd = listen_at(name, sizeof name - 1);
  notify_open(&n, "@consilium-notify-test-other", "1000", "1");
  assert_true(n.fd >= 0);
  assert_int_equal(n.watchdog_us, 0);
  notify_close(&n);
  close(fd);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_messages), cmocka_unit_test(test_nobody),
                                     cmocka_unit_test(test_watchdog_of_another_process)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
