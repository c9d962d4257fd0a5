/* bench/load/run_world.c: what a run needs around it: address and tokens of the server, a core, files, loop, ciphers. */
#include <errno.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include "bench/load/run_internal.h"
#include "bench/load/secret_file.h"
#include "bench/load/syscall_counter.h"

#define RECEIVE_BUFFER (2 << 20)
#define SPARE_FILES    64

const char *run_words(struct run *run, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  // NOLINTNEXTLINE(clang-analyzer-valist.*): it was started above
  vsnprintf(run->words, sizeof run->words, format, arguments);
  va_end(arguments);
  return run->words;
}

/* Two per participant: WebSocket and media. */
const char *run_raise_file_limit(struct run *run, unsigned seats) {
  struct rlimit limit;
  rlim_t wanted = 2 * (rlim_t)seats + SPARE_FILES;
  if (getrlimit(RLIMIT_NOFILE, &limit) || limit.rlim_cur >= wanted) return NULL;
  struct rlimit raised = {.rlim_cur = wanted, .rlim_max = limit.rlim_max > wanted ? limit.rlim_max : wanted};
  if (setrlimit(RLIMIT_NOFILE, &raised) == 0) return NULL;
  return run_words(
      run,
      "%u participants need %llu file descriptors, but only %llu are allowed here: run `ulimit -n %llu` first, as "
      "root or with a higher hard limit",
      seats, (unsigned long long)wanted, (unsigned long long)limit.rlim_max, (unsigned long long)wanted);
}

static const char *pin(struct run *run, int cpu) {
  cpu_set_t set;
  if (cpu < 0) return NULL;
  CPU_ZERO(&set);
  CPU_SET((unsigned)cpu, &set);
  if (sched_setaffinity(0, sizeof set, &set) == 0) return NULL;
  return errno == EINVAL ? run_words(run, "--pin %d: this machine has no such CPU for us", cpu)
                         : run_words(run, "--pin %d: %s", cpu, strerror(errno));
}

static const char *read_media_address(struct run *run, const char *text) {
  char host[64];
  const char *colon = strrchr(text, ':');
  unsigned long port = colon ? strtoul(colon + 1, NULL, 10) : 0;
  if (colon && port > 0 && port < 65536 && (size_t)(colon - text) < sizeof host) {
    memcpy(host, text, (size_t)(colon - text));
    host[colon - text] = '\0';
    if (ice_address_parse(&run->shared.media, host, (uint16_t)port)) return NULL;
  }
  return run_words(run, "--media %s: it must look like 127.0.0.1:40000", text);
}

/* Better said now than missed at the end. */
static const char *try_syscall_counter(const struct run *run) {
  if (!run->options->pid) return "--count-syscalls: whose? It needs --pid";
  struct syscall_counter *counter = syscall_counter_open(&run->idle);
  if (!counter)
    return "--count-syscalls: not possible here; it needs root, tracefs (/sys/kernel/tracing) and perf events";
  syscall_counter_close(counter);
  return NULL;
}

const char *run_open(struct run *run) {
  const struct load_options *o = run->options;
  const char *why = web_address_parse(&run->gateway, o->url);
  if (why) return run_words(run, "--url %s: %s", o->url, why);
  if (o->secret_file) {
    if ((why = secret_file_read(o->secret_file, run->secret, sizeof run->secret, &run->shared.key.len))) {
      return run_words(run, "--secret-file %s: %s", o->secret_file, why);
    }
    run->shared.key.bytes = run->secret;
  } else if (!run->gateway.loopback) {
    return "tokens without a secret are only for a server on this machine: give --secret-file";
  }
  if (o->media && (why = read_media_address(run, o->media))) return why;
  if ((why = pin(run, o->pin))) return why;
  prctl(PR_SET_TIMERSLACK, 1UL);
  if (o->pid && !server_snapshot_take(&run->idle, o->pid, true))
    return run_words(run, "--pid %d: there is no such process", o->pid);
  if (o->count_syscalls && (why = try_syscall_counter(run))) return why;
  if ((why = transport_context_create(&run->shared.transport, o->suite))) return why;
  if (event_loop_create(&run->shared.loop)) return "epoll is not available";
  run_refresh_clock_offset(run);
  run->shared.gateway = &run->gateway;
  run->shared.counters = &run->counters;
  run->shared.receive_buffer_bytes = RECEIVE_BUFFER;
  if (o->data && sctp_stack_create(&run->shared.sctp)) return "SCTP does not start";
  return crowd_create(&run->crowd, o, &run->shared) ? "out of memory" : NULL;
}

void run_close(struct run *run) {
  crowd_free(run->crowd);
  if (run->shared.sctp) event_loop_stop(run->shared.loop, &run->shared.sctp_timer);
  sctp_stack_free(run->shared.sctp);
  event_loop_free(run->shared.loop);
  transport_context_free(run->shared.transport);
  explicit_bzero(run->secret, sizeof run->secret);
}
