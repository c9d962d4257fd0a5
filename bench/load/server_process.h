/* bench/load/server_process.h: what a server on this machine costs: its processes, read from /proc.
 *
 * CPU is the scheduler's own account (schedstat, nanoseconds) over all threads of all descendants of one pid. On loopback it
 * includes the kernel's delivery to our sockets, which runs in the sender's context.
 */
#ifndef BENCH_LOAD_SERVER_PROCESS_H
#define BENCH_LOAD_SERVER_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define SERVER_PROCESSES_MAX 64

struct server_process {
  pid_t pid;
  char name[32];            /* "supervisor", "gateway", "worker 0": the words of its command line that say so */
  uint64_t cpu_ns, wait_ns; /* ran; was runnable but did not run */
  uint64_t rss_bytes, pss_bytes;
  uint64_t own_bytes; /* of the PSS, what is no file: files are shared with whatever else runs on the machine */
  uint64_t voluntary, involuntary; /* context switches */
};

struct server_snapshot {
  size_t count;
  struct server_process processes[SERVER_PROCESSES_MAX];
  struct server_process total; /* pid 0 */
};

/* All of `root` and its descendants. `memory`: PSS too, which makes the kernel walk page tables: not within a measurement.
 * False when there is no such process. */
bool server_snapshot_take(struct server_snapshot *out, pid_t root, bool memory);

/* CPU time of those processes now, ns: of who was there at the take, without looking for others, which takes milliseconds. */
uint64_t server_snapshot_cpu_ns(const struct server_snapshot *s);

/* How long the threads of `pid` itself, without its children, were runnable but did not run. 0: no such process. */
uint64_t server_process_wait_ns(pid_t pid);

/* b.total - a.total of times and switches; a process that ended in between counts as far as it was seen. */
struct server_process server_snapshot_difference(const struct server_snapshot *a, const struct server_snapshot *b);

#endif
