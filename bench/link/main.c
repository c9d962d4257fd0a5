/* bench/link/main.c: consilium-wan: runs a command behind an emulated link: see bench/README.md.
 *
 * Two TUN devices, one here and one in the network namespace of the command, and between them the emulator. SIGUSR1 starts the
 * profile's steps again; from SIGUSR2 to the next SIGUSR1 nothing is lost and nothing varies; SIGTERM and SIGINT go to the
 * command. The exit status is the command's.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "bench/link/emulator.h"
#include "bench/link/tunnel.h"

static volatile sig_atomic_t restart_asked, calm_asked, end_asked, child_ended;
static int devices[2]; /* where packets of a direction come out: WAN_DOWN inside, WAN_UP outside */

static int64_t clock_us(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static void on_signal(int number) {
  if (number == SIGUSR1) restart_asked = 1;
  if (number == SIGUSR2) calm_asked = 1;
  if (number == SIGCHLD) child_ended = 1;
  if (number == SIGTERM || number == SIGINT) end_asked = number;
}

static void deliver(void *arg, enum wan_direction d, const uint8_t *packet, size_t len) {
  (void)arg;
  if (write(devices[d], packet, len) < 0 && errno != EAGAIN && errno != EIO) perror("wan: write");
}

static int usage(void) {
  fprintf(stderr,
          "usage: wan run PROFILE [--seed N] [--number N] -- COMMAND …\n"
          "The command is at 10.77.NUMBER.2, we are at 10.77.NUMBER.1 (NUMBER 0 to 255, several links at once).\n");
  const struct wan_profile *p;
  for (size_t i = 0; (p = wan_profile_at(i)); i++)
    fprintf(stderr, "  %-11s %s\n", p->name, p->what);
  return 2;
}

static int open_devices(int number) {
  char outside[32], inside[32], name[16];
  snprintf(outside, sizeof outside, TUNNEL_OUTSIDE, number);
  snprintf(inside, sizeof inside, TUNNEL_INSIDE, number);
  snprintf(name, sizeof name, "wan%d", number);
  devices[WAN_UP] = tunnel_open(name, outside, inside);
  if (devices[WAN_UP] < 0 || tunnel_leave_network()) return -1;
  devices[WAN_DOWN] = tunnel_open(name, inside, outside);
  return devices[WAN_DOWN] < 0 ? -1 : tunnel_default_route(outside);
}

static void read_device(struct emulator *e, enum wan_direction d, int fd) {
  uint8_t packet[2048];
  for (ssize_t n; (n = read(fd, packet, sizeof packet)) > 0;)
    emulator_send(e, d, packet, (size_t)n, clock_us());
}

/* Until the command has ended; returns its status. */
static int forward(struct emulator *e, pid_t child) {
  int status = 0;
  while (!child_ended || waitpid(child, &status, WNOHANG) != child) {
    struct pollfd fds[2] = {{.fd = devices[WAN_UP], .events = POLLIN}, {.fd = devices[WAN_DOWN], .events = POLLIN}};
    int64_t wait_us = emulator_deadline(e) - clock_us();
    if (wait_us > 100000) wait_us = 100000;
    struct timespec wait = {.tv_nsec = wait_us > 0 ? wait_us * 1000 : 0};
    ppoll(fds, 2, &wait, NULL);
    emulator_advance(e, clock_us());
    /* What is read outside is on its way down, to the command. */
    read_device(e, WAN_DOWN, devices[WAN_UP]);
    read_device(e, WAN_UP, devices[WAN_DOWN]);
    if (calm_asked) emulator_calm(e);
    calm_asked = 0;
    if (restart_asked) emulator_restart_steps(e, clock_us());
    restart_asked = 0;
    if (end_asked) kill(child, end_asked);
    end_asked = 0;
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static void report(const struct emulator *e) {
  static const char *const names[] = {"down", "up"};
  for (int d = WAN_DOWN; d <= WAN_UP; d++) {
    struct emulator_stats s;
    emulator_get_stats(e, (enum wan_direction)d, &s);
    fprintf(stderr, "wan: %s %llu packets, %llu delivered, %llu lost, %llu overflowed\n", names[d],
            (unsigned long long)s.entered, (unsigned long long)s.delivered, (unsigned long long)s.lost,
            (unsigned long long)s.overflowed);
  }
}

int main(int argc, char **argv) {
  if (argc < 5 || strcmp(argv[1], "run") != 0) return usage();
  const struct wan_profile *profile = wan_profile_find(argv[2]);
  uint64_t seed = 1;
  int number = 0, at = 3;
  for (; at + 1 < argc && strcmp(argv[at], "--") != 0; at += 2) {
    if (strcmp(argv[at], "--seed") == 0)
      seed = strtoull(argv[at + 1], NULL, 10);
    else if (strcmp(argv[at], "--number") == 0)
      number = (int)strtol(argv[at + 1], NULL, 10);
    else
      return usage();
  }
  if (!profile || at + 1 >= argc || number < 0 || number > 255) return usage();
  if (open_devices(number)) return 1;
  struct sigaction action = {.sa_handler = on_signal};
  static const int numbers[] = {SIGUSR1, SIGUSR2, SIGCHLD, SIGTERM, SIGINT};
  for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
    sigaction(numbers[i], &action, NULL);
  struct emulator *e = emulator_create(profile, seed, deliver, NULL, clock_us());
  pid_t child = e ? fork() : -1;
  if (child == 0) {
    execvp(argv[at + 1], argv + at + 1);
    perror(argv[at + 1]);
    _exit(127);
  }
  if (child < 0) return 1;
  int status = forward(e, child);
  report(e);
  emulator_free(e);
  return status;
}
