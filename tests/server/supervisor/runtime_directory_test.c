/* server/supervisor/runtime_directory.c: private, ours, one server at a time, clean at both ends. */
#include "tests/server/check.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "server/supervisor/runtime_directory.h"

static char why[256];

static void test_makes_locks_and_removes(void **state) {
  (void)state;
  char path[96], socket[128];
  struct runtime_directory one, two;
  struct stat about;
  assert_int_equal(runtime_directory_name_temporary(path, sizeof path, "/nonexistent"), 0);
  assert_memory_equal(path, "/tmp/consilium-", 15);
  umask(0);
  assert_int_equal(runtime_directory_open(&one, path, true, why, sizeof why), 0);
  assert_int_equal(stat(path, &about), 0);
  assert_int_equal(about.st_mode & 07777, 0700);
  assert_int_equal(runtime_directory_open(&two, path, true, why, sizeof why), -1);
  assert_non_null(strstr(why, "another consilium runs there"));
  snprintf(socket, sizeof socket, "%s/worker-0.sock", path);
  close(open(socket, O_CREAT | O_WRONLY, 0600));
  runtime_directory_close(&one);
  assert_int_not_equal(access(path, F_OK), 0);
}

static void test_an_old_one_is_tightened_and_swept(void **state) {
  (void)state;
  char path[] = "/tmp/consilium-rt-XXXXXX", name[64];
  struct runtime_directory r;
  struct stat about;
  assert_non_null(mkdtemp(path));
  assert_int_equal(chmod(path, 0755), 0);
  snprintf(name, sizeof name, "%s/worker-3.sock", path);
  close(open(name, O_CREAT | O_WRONLY, 0600));
  assert_int_equal(runtime_directory_open(&r, path, false, why, sizeof why), 0);
  assert_int_equal(stat(path, &about), 0);
  assert_int_equal(about.st_mode & 07777, 0700);
  assert_int_not_equal(access(name, F_OK), 0);
  runtime_directory_close(&r);
  assert_int_equal(access(path, F_OK), 0); /* not ours to remove */
  assert_int_equal(rmdir(path), 0);
}

static void test_traps(void **state) {
  (void)state;
  char path[] = "/tmp/consilium-rt-XXXXXX", link[64];
  struct runtime_directory r;
  assert_non_null(mkdtemp(path));
  snprintf(link, sizeof link, "%s/link", path);
  assert_int_equal(symlink("/tmp", link), 0);
  assert_int_equal(runtime_directory_open(&r, link, false, why, sizeof why), -1); /* a link is not followed */
  assert_int_equal(runtime_directory_open(&r, "/dev/null", false, why, sizeof why), -1);
  assert_int_equal(runtime_directory_open(&r, "/nonexistent/x", false, why, sizeof why), -1);
  runtime_directory_close(&r); /* after a failure: nothing to do */
  unlink(link);
  rmdir(path);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_makes_locks_and_removes),
                                     cmocka_unit_test(test_an_old_one_is_tightened_and_swept),
                                     cmocka_unit_test(test_traps)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
