/* bench/link/tunnel.c: see the header. */
#include "bench/link/tunnel.h"

#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

static int run_ip(char *const arguments[]) {
  pid_t child = fork();
  if (child == 0) {
    execvp("ip", arguments);
    _exit(127);
  }
  int status = -1;
  if (child < 0 || waitpid(child, &status, 0) != child || status != 0) {
    fprintf(stderr, "wan: ip %s %s failed\n", arguments[1], arguments[2]);
    return -1;
  }
  return 0;
}

int tunnel_open(const char *name, const char *address, const char *peer) {
  int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
  struct ifreq request = {.ifr_flags = IFF_TUN | IFF_NO_PI};
  strncpy(request.ifr_name, name, IFNAMSIZ - 1);
  if (fd < 0 || ioctl(fd, TUNSETIFF, &request) < 0) {
    perror("wan: /dev/net/tun");
    if (fd >= 0) close(fd);
    return -1;
  }
  char *add[] = {"ip", "address", "add", (char *)address, "peer", (char *)peer, "dev", (char *)name, NULL};
  char *up[] = {"ip", "link", "set", (char *)name, "up", "mtu", "1500", NULL};
  if (run_ip(add) || run_ip(up)) {
    close(fd);
    return -1;
  }
  return fd;
}

int tunnel_leave_network(void) {
  if (unshare(CLONE_NEWNET)) {
    perror("wan: network namespace");
    return -1;
  }
  char *up[] = {"ip", "link", "set", "lo", "up", NULL};
  return run_ip(up);
}

int tunnel_default_route(const char *gateway) {
  char *add[] = {"ip", "route", "add", "default", "via", (char *)gateway, NULL};
  return run_ip(add);
}
