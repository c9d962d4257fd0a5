/* sd_notify without libsystemd. */
#include "server/supervisor/notify.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

void notify_open(struct notify *n, const char *path, const char *watchdog_usec, const char *watchdog_pid) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  *n = (struct notify){.fd = -1};
  size_t length = path ? strlen(path) : 0;
  if (length < 2 || length >= sizeof address.sun_path || (*path != '/' && *path != '@')) return;
  memcpy(address.sun_path, path, length);
  if (*path == '@') address.sun_path[0] = '\0';
  n->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length + (*path == '/'));
  if (n->fd < 0 || connect(n->fd, (const struct sockaddr *)&address, size) != 0) {
    notify_close(n);
    return;
  }
  if (watchdog_usec && (!watchdog_pid || strtol(watchdog_pid, NULL, 10) == getpid()))
    n->watchdog_us = strtoll(watchdog_usec, NULL, 10) / 2;
}

void notify_close(struct notify *n) {
  if (n->fd >= 0) close(n->fd);
  n->fd = -1;
}

void notify_send(struct notify *n, const char *lines) {
  if (n->fd >= 0) (void)!send(n->fd, lines, strlen(lines), MSG_NOSIGNAL);
}

void notify_reloading(struct notify *n) {
  char lines[80];
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  snprintf(lines, sizeof lines, "RELOADING=1\nMONOTONIC_USEC=%" PRId64,
           (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000);
  notify_send(n, lines);
}
