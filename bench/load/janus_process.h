/* bench/load/janus_process.h: a Janus of our own to compare with: Debian's package, configured in a private folder, on loopback.
 *
 * One event loop, ICE-lite, only the videoroom plugin and the WebSocket transport, rooms 1 to `rooms` made beforehand. The
 * folder and the process live until janus_process_stop(). Media goes to the machine's own address (Janus skips the loopback
 * interface), which the kernel routes over loopback.
 */
#ifndef BENCH_LOAD_JANUS_PROCESS_H
#define BENCH_LOAD_JANUS_PROCESS_H

#include <stdint.h>
#include <sys/types.h>

struct janus_process {
  pid_t pid;
  uint16_t port; /* of its WebSocket API */
  char folder[64];
};

/* `cpu` -1: any. NULL, or why it does not run, in words (static). */
const char *janus_process_start(struct janus_process *j, unsigned rooms, int cpu);
/* Harmless when it was not started. */
void janus_process_stop(struct janus_process *j);

#endif
