/* /proc as it is on this machine: our own process and a child of ours. */
#include "bench/load/server_process.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/bench/check.h"

static struct server_snapshot before, after;

static void burn(uint64_t until_ns) {
  do {
    for (volatile int i = 0; i < 1000000; i++)
      ;
    assert_true(server_snapshot_take(&after, getpid(), false));
  } while (after.processes[0].cpu_ns - before.processes[0].cpu_ns < until_ns);
}

static void cpu_time_grows_with_work(void **state) {
  (void)state;
  assert_true(server_snapshot_take(&before, getpid(), true));
  assert_int_equal(before.processes[0].pid, getpid());
  assert_true(before.total.rss_bytes > 100000);
  assert_true(before.total.pss_bytes <= before.total.rss_bytes);
  assert_true(before.total.own_bytes > 0 && before.total.own_bytes < before.total.pss_bytes);
  burn(20000000);
  assert_true(server_snapshot_cpu_ns(&before) >= after.total.cpu_ns); /* later, of the same processes */
  struct server_process d = server_snapshot_difference(&before, &after);
  assert_true(d.cpu_ns >= 20000000);
  assert_true(d.cpu_ns < UINT64_C(60000000000));
}

static void children_belong_to_it(void **state) {
  (void)state;
  int gate[2];
  assert_int_equal(pipe(gate), 0);
  pid_t child = fork();
  if (child == 0) {
    char byte;
    close(gate[1]);
    _exit(read(gate[0], &byte, 1) == 0 ? 0 : 1); /* ends when the parent closes its end */
  }
  close(gate[0]);
  assert_true(server_snapshot_take(&before, getpid(), false));
  bool found = false;
  for (size_t i = 0; i < before.count; i++)
    found |= before.processes[i].pid == child;
  assert_true(found);
  close(gate[1]);
  assert_int_equal(waitpid(child, NULL, 0), child);
  assert_true(server_snapshot_take(&after, getpid(), false));
  assert_int_equal(after.count, before.count - 1);
}

static void nobody_there(void **state) {
  (void)state;
  assert_false(server_snapshot_take(&before, 4194305, false)); /* above the largest pid */
  assert_int_equal(server_process_wait_ns(4194305), 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(cpu_time_grows_with_work),
      cmocka_unit_test(children_belong_to_it),
      cmocka_unit_test(nobody_there),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
