/* server/supervisor/process.h: one child: started from our own binary, told to end, counted when it dies.
 */
#ifndef SERVER_SUPERVISOR_PROCESS_H
#define SERVER_SUPERVISOR_PROCESS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "server/supervisor/backoff.h"

#define PROCESS_GATEWAY (-1)

struct process {
  int index;     /* of a worker, or PROCESS_GATEWAY */
  pid_t pid;     /* 0: not running */
  int status_fd; /* our end of its CHILD_STATUS_FD; -1: not running */
  int64_t started_us;
  int64_t start_us; /* when to start it next; INT64_MAX: runs, or never again */
  int64_t heard_us; /* when it last said something */
  uint64_t restarts;
  struct backoff backoff;
};

/* What children inherit, each -1 when there is none (child.h has their numbers). */
struct process_inheritance {
  int config_fd, certificate_fd, key_fd; /* above those numbers: process_raise_fd() */
  bool dev;
};

/* Moves a descriptor out of the way of the numbers that children get: dup2 onto itself would keep close-on-exec, and one
 * dup2 could overwrite the source of the next. Closes `fd`; returns the new one, -1 when that fails or `fd` is -1. */
int process_raise_fd(int fd);

void process_init(struct process *p, int index, int64_t now_us);

/* Starts it now. It gets its own process group, so that Ctrl-C reaches only the supervisor, no blocked signals, and no
 * descriptor but those of child.h. Returns 0 or an errno. */
int process_start(struct process *p, const struct process_inheritance *inherit, int64_t now_us);

void process_signal(const struct process *p, int signal);

/* It is dead (reaped): closes its status socket and sets start_us by the back-off rule. */
void process_died(struct process *p, int64_t now_us);

#endif
