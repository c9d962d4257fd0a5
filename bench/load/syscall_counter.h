/* bench/load/syscall_counter.h: how many system calls a server makes, where perf's tracepoints may be used (root, tracefs). */
#ifndef BENCH_LOAD_SYSCALL_COUNTER_H
#define BENCH_LOAD_SYSCALL_COUNTER_H

#include <stdint.h>

#include "bench/load/server_process.h"

struct syscall_counter;

/* Counts those of all present threads of the snapshot's processes. NULL: not available here. Costs the server some 100 ns a
 * call, so ask for it only when wanted. */
struct syscall_counter *syscall_counter_open(const struct server_snapshot *snapshot);
uint64_t syscall_counter_read(const struct syscall_counter *c);
/* Blocks the caller for tens of milliseconds: the kernel waits until nobody can be in the tracepoint any more. NULL: nothing. */
void syscall_counter_close(struct syscall_counter *c);

#endif
