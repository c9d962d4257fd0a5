/* Counts the calls of this very process, where the machine allows it. */
#include "bench/load/syscall_counter.h"

#include <sys/syscall.h>
#include <unistd.h>

#include "tests/bench/check.h"

static void calls_are_counted(void **state) {
  (void)state;
  struct server_snapshot self, nobody = {0};
  assert_true(server_snapshot_take(&self, getpid(), false));
  assert_null(syscall_counter_open(&nobody));
  struct syscall_counter *c = syscall_counter_open(&self);
  if (!c) skip();
  for (int i = 0; i < 500; i++)
    syscall(SYS_getppid);
  const uint64_t count = syscall_counter_read(c);
  assert_in_range(count, 500, 520);
  syscall_counter_close(c);
  syscall_counter_close(NULL);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(calls_are_counted)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
