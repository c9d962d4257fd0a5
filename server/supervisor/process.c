/* Starting children with posix_spawn: no code of ours runs between fork and exec. */
#include "server/supervisor/process.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "server/child.h"

void process_init(struct process *p, int index, int64_t now_us) {
  *p = (struct process){.index = index, .status_fd = -1, .start_us = now_us};
}

int process_raise_fd(int fd) {
  int high = fd < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, CHILD_KEY_FD + 1);
  if (fd >= 0) close(fd);
  return high;
}

static int spawn(struct process *p, const struct process_inheritance *inherit, int status_fd, pid_t *pid) {
  extern char **environ;
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  sigset_t early, all;
  char number[16];
  char *const gateway[] = {"consilium", "gateway", inherit->dev ? "--dev" : NULL, NULL};
  char *const worker[] = {"consilium", "worker", number, NULL};
  snprintf(number, sizeof number, "%d", p->index);
  sigemptyset(&early);
  sigaddset(&early, SIGHUP); /* until they can hear it (server/child.h) */
  sigfillset(&all);
  int error = posix_spawn_file_actions_init(&actions);
  if (error) return error;
  if ((error = posix_spawnattr_init(&attributes)) != 0) {
    posix_spawn_file_actions_destroy(&actions);
    return error;
  }
  posix_spawn_file_actions_adddup2(&actions, inherit->config_fd, CHILD_CONFIG_FD);
  posix_spawn_file_actions_adddup2(&actions, status_fd, CHILD_STATUS_FD);
  int first_closed = CHILD_STATUS_FD + 1;
  if (p->index == PROCESS_GATEWAY && inherit->certificate_fd >= 0) {
    first_closed = CHILD_KEY_FD + 1;
    posix_spawn_file_actions_adddup2(&actions, inherit->certificate_fd, CHILD_CERTIFICATE_FD);
    posix_spawn_file_actions_adddup2(&actions, inherit->key_fd, CHILD_KEY_FD);
  }
  posix_spawn_file_actions_addclosefrom_np(&actions, first_closed); /* what we inherited is not for them */
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  posix_spawnattr_setsigmask(&attributes, &early);
  posix_spawnattr_setsigdefault(&attributes, &all);
  error = posix_spawn(pid, "/proc/self/exe", &actions, &attributes, p->index == PROCESS_GATEWAY ? gateway : worker,
                      environ);
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&actions);
  return error;
}

int process_start(struct process *p, const struct process_inheritance *inherit, int64_t now_us) {
  int pair[2];
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0) return errno;
  int high = process_raise_fd(pair[1]);
  if (high < 0) {
    close(pair[0]);
    return EMFILE;
  }
  int error = spawn(p, inherit, high, &p->pid);
  close(high);
  if (error) {
    close(pair[0]);
    p->pid = 0;
    return error;
  }
  fcntl(pair[0], F_SETFL, O_NONBLOCK);
  p->status_fd = pair[0];
  p->started_us = p->heard_us = now_us;
  p->start_us = INT64_MAX;
  return 0;
}

void process_signal(const struct process *p, int signal) {
  if (p->pid > 0) kill(p->pid, signal);
}

void process_died(struct process *p, int64_t now_us) {
  if (p->status_fd >= 0) close(p->status_fd);
  p->status_fd = -1;
  p->pid = 0;
  p->restarts++;
  p->start_us = now_us + backoff_after_death(&p->backoff, p->started_us, now_us);
}
