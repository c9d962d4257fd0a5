/* bench/load/syscall_counter.c: see the header. */
#include "bench/load/syscall_counter.h"

#include <ctype.h>
#include <dirent.h>
#include <linux/perf_event.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

struct syscall_counter {
  size_t count;
  int fds[SERVER_PROCESSES_MAX * 4];
};

static bool read_number(const char *path, unsigned long long *out) {
  FILE *file = fopen(path, "re");
  if (!file) return false;
  const bool is_read = fscanf(file, "%llu", out) == 1;
  fclose(file);
  return is_read;
}

static int open_counter(unsigned long long tracepoint, pid_t thread) {
  struct perf_event_attr attr = {.type = PERF_TYPE_TRACEPOINT, .size = sizeof attr, .config = tracepoint};
  return (int)syscall(SYS_perf_event_open, &attr, thread, -1, -1, PERF_FLAG_FD_CLOEXEC);
}

struct syscall_counter *syscall_counter_open(const struct server_snapshot *snapshot) {
  unsigned long long tracepoint;
  if (!read_number("/sys/kernel/tracing/events/raw_syscalls/sys_enter/id", &tracepoint) &&
      !read_number("/sys/kernel/debug/tracing/events/raw_syscalls/sys_enter/id", &tracepoint))
    return NULL;
  struct syscall_counter *c = calloc(1, sizeof *c);
  for (size_t i = 0; c && i < snapshot->count; i++) {
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/task", snapshot->processes[i].pid);
    DIR *tasks = opendir(path);
    for (const struct dirent *d; tasks && (d = readdir(tasks));) {
      if (!isdigit((unsigned char)d->d_name[0]) || c->count == sizeof c->fds / sizeof *c->fds) continue;
      int fd = open_counter(tracepoint, (pid_t)strtol(d->d_name, NULL, 10));
      if (fd >= 0) c->fds[c->count++] = fd;
    }
    if (tasks) closedir(tasks);
  }
  if (c && c->count) return c;
  free(c);
  return NULL;
}

uint64_t syscall_counter_read(const struct syscall_counter *c) {
  uint64_t sum = 0;
  for (size_t i = 0; i < c->count; i++) {
    uint64_t value = 0;
    if (read(c->fds[i], &value, sizeof value) == (ssize_t)sizeof value) sum += value;
  }
  return sum;
}

void syscall_counter_close(struct syscall_counter *c) {
  if (!c) return;
  for (size_t i = 0; i < c->count; i++)
    close(c->fds[i]);
  free(c);
}
