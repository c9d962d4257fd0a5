/* The supervisor's loop: one poll() over signals and status sockets; every duty is a short function of its own. */
#include "server/supervisor/supervisor.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "server/child.h"
#include "server/log.h"
#include "server/supervisor/development.h"
#include "server/supervisor/notify.h"
#include "server/supervisor/process.h"
#include "server/supervisor/runtime_directory.h"

#define WORKERS_MAX  256
#define END_GRACE_US 1200000 /* between SIGTERM and SIGKILL: the whole end stays under 2 s */

struct supervisor {
  struct options *options;
  struct config *config;
  struct development_addresses addresses;
  struct notify notify;
  struct runtime_directory directory;
  struct process_inheritance inherit;
  struct process processes[1 + WORKERS_MAX]; /* [0] is the gateway */
  size_t count;
  int signal_fd;
  bool ready, draining, ending;
  int64_t kill_us, watchdog_us; /* when to do so next */
  int status;
};

static int64_t now_us(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static int core_count(void) {
  cpu_set_t set;
  int count = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
  return count < 1 ? 1 : count > WORKERS_MAX ? WORKERS_MAX : count;
}

/* Puts the settings into the memfd that every child has open or will inherit. */
static int publish_config(struct supervisor *s, struct config *c) {
  char *text = NULL, assignment[64], message[CONFIG_MESSAGE_BYTES];
  size_t length = 0;
  if (c->media.workers == 0) {
    snprintf(assignment, sizeof assignment, "media.workers=%d", core_count());
    if (config_set(c, assignment, message)) return -1;
  }
  FILE *to = open_memstream(&text, &length);
  if (!to) return -1;
  config_print(c, CONFIG_SECRETS_SHOWN, to);
  fclose(to);
  bool ok = text && pwrite(s->inherit.config_fd, text, length, 0) == (ssize_t)length &&
            ftruncate(s->inherit.config_fd, (off_t)length) == 0;
  if (text) explicit_bzero(text, length);
  free(text);
  return ok ? 0 : -1;
}

static void signal_all(struct supervisor *s, int signal) {
  for (size_t i = 0; i < s->count; i++)
    process_signal(&s->processes[i], signal);
}

static void end_now(struct supervisor *s, int status) {
  if (s->ending) {
    s->kill_us = 0;
    return;
  }
  s->ending = true;
  s->status = status;
  s->kill_us = now_us() + END_GRACE_US;
  notify_send(&s->notify, "STOPPING=1\nSTATUS=ending");
  signal_all(s, SIGTERM);
}

static void begin_end(struct supervisor *s) {
  if (s->draining || !s->ready || s->config->limits.drain_seconds == 0) {
    end_now(s, s->status);
    return;
  }
  s->draining = true;
  s->kill_us = now_us() + s->config->limits.drain_seconds * 1000000;
  log_info("draining", log_number("seconds", s->config->limits.drain_seconds));
  notify_send(&s->notify, "STOPPING=1\nSTATUS=waiting for calls to end");
  process_signal(&s->processes[0], SIGTERM);
}

static void reload(struct supervisor *s) {
  char message[CONFIG_MESSAGE_BYTES], names[512];
  struct config *fresh = NULL;
  notify_reloading(&s->notify);
  if (options_load_config(s->options, &fresh, message) != CONFIG_OK) {
    log_error("reload_failed", log_text("reason", message));
  } else {
    if (fresh->media.workers == 0) fresh->media.workers = s->config->media.workers;
    if (config_difference(s->config, fresh, names, sizeof names) > 0)
      log_warn("restart_needed", log_text("settings", names));
    /* What needs a restart keeps its old value in no place: a restarted child takes the new one. */
    if (publish_config(s, fresh) == 0) {
      config_free(s->config);
      s->config = fresh;
      log_configure(fresh->log.level, fresh->log.format, "supervisor");
      signal_all(s, SIGHUP);
      log_info("reloaded");
    } else {
      config_free(fresh);
      log_error("reload_failed", log_text("reason", "cannot write the settings"));
    }
  }
  notify_send(&s->notify, "READY=1");
}

static void report_death(struct supervisor *s, const struct process *p, int how) {
  const struct log_field fields[] = {log_text("process", p->index == PROCESS_GATEWAY ? "gateway" : "worker"),
                                     log_number("index", p->index),
                                     log_number("exit", WIFEXITED(how) ? WEXITSTATUS(how) : -1),
                                     log_number("signal", WIFSIGNALED(how) ? WTERMSIG(how) : 0),
                                     log_number("restart_ms", (p->start_us - now_us() + 999) / 1000),
                                     {.kind = LOG_FIELD_END}};
  bool crash = WIFSIGNALED(how) && WTERMSIG(how) != SIGKILL && WTERMSIG(how) != SIGTERM;
  if (!s->ending || crash) log_write(CONFIG_LOG_ERROR, "process_died", fields);
}

static void reap(struct supervisor *s) {
  for (size_t i = 0; i < s->count; i++) {
    struct process *p = &s->processes[i];
    int how = 0;
    if (p->pid == 0 || waitpid(p->pid, &how, WNOHANG) != p->pid) continue;
    process_died(p, now_us());
    if (s->draining && i == 0 && !s->ending) { /* the gateway has seen the last call off */
      p->start_us = INT64_MAX;
      end_now(s, 0);
    } else if (!s->ready && !s->ending && WIFEXITED(how) && WEXITSTATUS(how) != 0) {
      end_now(s, 1); /* it said why */
    } else {
      report_death(s, p, how);
    }
  }
}

static void become_ready(struct supervisor *s) {
  char url[128];
  if (s->ready) return;
  s->ready = true;
  development_base_url(s->config, url, sizeof url);
  printf("ready %s\n", url);
  if (s->options->dev) {
    development_print_links(s->config, url, stdout);
    for (size_t i = 0; s->options->lan && i < s->addresses.count; i++) {
      bool six = strchr(s->addresses.text[i], ':');
      printf("  %-14s %s%s%s%s%s\n", i ? "" : "network", "https://", six ? "[" : "", s->addresses.text[i],
             six ? "]" : "", strrchr(url, ':'));
    }
  }
  fflush(stdout);
  notify_send(&s->notify, "READY=1\nSTATUS=ready");
}

static void hear_gateway(struct supervisor *s) {
  char text[128], status[160];
  struct process *gateway = &s->processes[0];
  ssize_t length;
  while (gateway->status_fd >= 0 && (length = recv(gateway->status_fd, text, sizeof text - 1, MSG_DONTWAIT)) > 0) {
    text[length] = '\0';
    gateway->heard_us = now_us();
    if (strcmp(text, "ready") == 0) {
      become_ready(s);
    } else if (strncmp(text, "alive ", 6) == 0 && s->ready && !s->ending) {
      char *end = NULL;
      unsigned long rooms = strtoul(text + 6, &end, 10), people = strtoul(end, NULL, 10);
      snprintf(status, sizeof status, "STATUS=%lu rooms, %lu participants", rooms, people);
      notify_send(&s->notify, status);
    } else if (strncmp(text, "stalled ", 8) == 0) {
      char *end = NULL;
      unsigned long worker = strtoul(text + 8, &end, 10);
      if (end == text + 8 || *end || worker >= s->count - 1) continue; /* count: the gateway and the workers */
      log_error("worker_stalled", log_number("worker", worker));
      process_signal(&s->processes[worker + 1], SIGKILL);
    }
  }
}

static void hear_signals(struct supervisor *s) {
  struct signalfd_siginfo info;
  while (read(s->signal_fd, &info, sizeof info) == sizeof info) {
    if (info.ssi_signo == SIGCHLD)
      reap(s);
    else if (info.ssi_signo == SIGHUP)
      reload(s);
    else
      begin_end(s);
  }
}

static int64_t earlier(int64_t a, int64_t b) {
  return a < b ? a : b;
}

/* Does what is due and returns when the next thing will be. */
static int64_t tick(struct supervisor *s, int64_t now) {
  const int64_t silence_us = CHILD_SILENCE_SECONDS * INT64_C(1000000);
  int64_t next = INT64_MAX;
  for (size_t i = 0; i < s->count && !s->ending; i++) {
    struct process *p = &s->processes[i];
    if (p->pid == 0 && p->start_us <= now) {
      int error = process_start(p, &s->inherit, now);
      if (error) {
        log_error("process_not_started", log_text("reason", strerror(error)));
        p->started_us = now;
        process_died(p, now);
      }
    }
    next = earlier(next, p->start_us);
  }
  struct process *gateway = &s->processes[0];
  if (gateway->pid && !s->ending) {
    if (now - gateway->heard_us >= silence_us) {
      log_error("gateway_stalled");
      process_signal(gateway, SIGKILL);
      gateway->heard_us = now;
    }
    next = earlier(next, gateway->heard_us + silence_us);
  }
  if (s->kill_us != INT64_MAX && now >= s->kill_us) {
    s->kill_us = INT64_MAX;
    if (s->ending)
      signal_all(s, SIGKILL);
    else
      end_now(s, 0); /* the drain's time is over */
  }
  next = earlier(next, s->kill_us);
  if (s->notify.watchdog_us > 0) {
    if (now >= s->watchdog_us) {
      notify_send(&s->notify, "WATCHDOG=1");
      s->watchdog_us = now + s->notify.watchdog_us;
    }
    next = earlier(next, s->watchdog_us);
  }
  return next;
}

static bool anybody(const struct supervisor *s) {
  for (size_t i = 0; i < s->count; i++)
    if (s->processes[i].pid) return true;
  return false;
}

static void run(struct supervisor *s) {
  while (!s->ending || anybody(s)) {
    int64_t now = now_us(), next = tick(s, now);
    int64_t wait_ms = next == INT64_MAX ? 60000 : next <= now ? 0 : (next - now) / 1000 + 1;
    struct pollfd fds[2] = {{.fd = s->signal_fd, .events = POLLIN},
                            {.fd = s->processes[0].status_fd, .events = POLLIN}};
    if (poll(fds, 2, (int)earlier(wait_ms, 60000)) < 0 && errno != EINTR) end_now(s, 1);
    if (fds[1].revents & POLLIN) hear_gateway(s);
    if (fds[1].revents & POLLHUP && !(fds[1].revents & POLLIN)) { /* it is dying: SIGCHLD tells the rest */
      close(s->processes[0].status_fd);
      s->processes[0].status_fd = -1;
    }
    if (fds[0].revents) hear_signals(s);
  }
}

static void harden(void) {
  struct rlimit files;
  if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
  }
#ifndef __SANITIZE_ADDRESS__ /* the leak checker needs ptrace */
  prctl(PR_SET_DUMPABLE, 0);
#endif
}

/* Descriptors, signals and the runtime directory. */
static int prepare(struct supervisor *s, char why[CONFIG_MESSAGE_BYTES]) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGCHLD);
  sigaddset(&set, SIGHUP);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGTERM);
  sigprocmask(SIG_BLOCK, &set, NULL);
  signal(SIGPIPE, SIG_IGN);
  if (runtime_directory_open(&s->directory, s->config->runtime_directory, s->options->dev, why, CONFIG_MESSAGE_BYTES))
    return -1;
  snprintf(why, CONFIG_MESSAGE_BYTES, "cannot set up: %s", strerror(errno));
  s->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
  s->inherit.config_fd = process_raise_fd(memfd_create("settings", MFD_CLOEXEC));
  if (s->signal_fd < 0 || s->inherit.config_fd < 0 || publish_config(s, s->config)) return -1;
  if (s->options->lan && development_certificate(&s->addresses, &s->inherit.certificate_fd, &s->inherit.key_fd) != 0) {
    snprintf(why, CONFIG_MESSAGE_BYTES, "cannot make a certificate");
    return -1;
  }
  return 0;
}

static int load(struct supervisor *s, char why[CONFIG_MESSAGE_BYTES]) {
  if (s->options->dev) {
    development_find_addresses(&s->addresses);
    s->options->dev_settings = development_settings(&s->addresses, s->options->lan, why, CONFIG_MESSAGE_BYTES);
    if (!s->options->dev_settings) return -1;
  }
  if (options_load_config(s->options, &s->config, why) != CONFIG_OK) return -1;
  return s->options->dev && !s->options->lan ? development_refuse_public(s->config, why, CONFIG_MESSAGE_BYTES) : 0;
}

int supervisor_main(struct options *options) {
  static struct supervisor s; /* 20 KiB of processes: not for the stack */
  char why[CONFIG_MESSAGE_BYTES] = "";
  s = (struct supervisor){.options = options,
                          .signal_fd = -1,
                          .kill_us = INT64_MAX,
                          .directory = {.fd = -1},
                          .inherit = {.config_fd = -1, .certificate_fd = -1, .key_fd = -1, .dev = options->dev}};
  harden();
  if (load(&s, why)) {
    fprintf(stderr, "consilium: %s\n", why);
    config_free(s.config);
    return CHILD_EXIT_SETTINGS;
  }
  log_configure(s.config->log.level, s.config->log.format, "supervisor");
  notify_open(&s.notify, getenv("NOTIFY_SOCKET"), getenv("WATCHDOG_USEC"), getenv("WATCHDOG_PID"));
  unsetenv("NOTIFY_SOCKET");
  if (prepare(&s, why) == 0) {
    int64_t now = now_us();
    s.count = 1 + (size_t)s.config->media.workers;
    for (size_t i = 0; i < s.count; i++)
      process_init(&s.processes[i], (int)i - 1, now);
    log_info("starting", log_number("workers", s.config->media.workers));
    run(&s);
    log_info("ended");
  } else {
    fprintf(stderr, "consilium: %s\n", why);
    s.status = 1;
  }
  notify_close(&s.notify);
  runtime_directory_close(&s.directory);
  config_free(s.config);
  return s.status;
}
