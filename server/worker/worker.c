/* server/worker/worker.c: the worker process: its loop, its handles, their order of opening and closing.
 *
 * Open:  sockets → engine → room manager → control socket → timer.   Close: in reverse; the loop runs until it is empty.
 */
#include "server/worker/worker.h"

#include <arpa/inet.h>
#include <errno.h>
#include <ifaddrs.h>
#include <malloc.h>
#include <openssl/rand.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/time.h>
#include <time.h>
#include <uv.h>

#include "server/child.h"
#include "server/log.h"
#include "server/worker/control.h"
#include "server/worker/engine.h"

/* Timers of media (NACK spacing, feedback, DTLS) are of the order of tens of milliseconds. */
#define TICK_MS        5
#define IDLE_TICK_MS   100
/* Batches of 64 before timers and control get their turn: about 2 ms of forwarding to one receiver. */
#define MAX_BATCHES    16
#define MAX_CANDIDATES 16
#define TIDY_AFTER_US  3000000

struct worker {
  const struct worker_options *options;
  uv_loop_t loop;
  uv_poll_t polls[ENGINE_MAX_SOCKETS];
  uv_timer_t timer;
  uv_signal_t signals[2], hangup;
  uint64_t tick_ms;
  uint64_t came_and_went; /* people, as tidy_memory() has seen it */
  int64_t tidy_us;        /* when memory is tidied; 0: nobody came or went since */
  bool behind;            /* the last drain left datagrams in the queue */
  struct udp_socket *sockets[ENGINE_MAX_SOCKETS];
  size_t socket_count, poll_count;
  char candidates[MAX_CANDIDATES][INET6_ADDRSTRLEN];
  const char *candidate_list[MAX_CANDIDATES];
  size_t candidate_count;
  struct engine *engine;
  struct room_manager *manager;
  struct room_glue glue;
  struct control control;
};

static int64_t clock_us(void) {
  return (int64_t)(uv_hrtime() / 1000);
}

static int64_t unix_us(void) {
  struct timeval now;
  gettimeofday(&now, NULL);
  return (int64_t)now.tv_sec * 1000000 + now.tv_usec;
}

static void fill_random(void *arg, void *out, size_t bytes) {
  (void)arg;
  if (RAND_bytes(out, (int)bytes) != 1) abort();
}

/* ---- events of the loop ---- */

static void on_datagram(void *arg, const struct sockaddr *from, socklen_t from_len, uint8_t *data, size_t len) {
  struct worker *worker = arg;
  engine_receive(worker->engine, from, from_len, data, len, worker->engine->now_us);
}

static void on_batch_over(void *arg) {
  struct worker *worker = arg;
  engine_batch_over(worker->engine);
}

static void note_work(struct worker *worker, int64_t from_us) {
  struct engine *engine = worker->engine;
  gather_worked(&engine->gather, from_us, clock_us(), engine->counters.rtp_in, engine->counters.rtp_out);
}

/* libuv's timers count in milliseconds, so the loop sleeps here. */
static void sleep_us(int64_t us) {
  struct timespec window = {.tv_nsec = (long)us * 1000};
  nanosleep(&window, NULL);
}

/* Reads and forwards what has come to any socket. Returns how many datagrams. */
static size_t forward(struct worker *worker) {
  size_t handled = 0;
  int64_t from_us = worker->engine->now_us = clock_us();
  gather_reads(&worker->engine->gather, from_us);
  worker->behind = false;
  for (size_t i = 0; i < worker->socket_count; i++) {
    size_t count = udp_socket_drain(worker->sockets[i], MAX_BATCHES, on_datagram, on_batch_over, worker);
    worker->behind |= count >= (size_t)MAX_BATCHES * UDP_BATCH;
    handled += count;
  }
  engine_service_touched(worker->engine, worker->engine->now_us);
  engine_flush(worker->engine);
  note_work(worker, from_us);
  return handled;
}

/* A loaded worker lets packets gather, and while they keep coming it does not ask the kernel to be woken by the next one: that would
 * be another sleep and another system call for each batch. Timers and control get their turn after a tick's time at the latest.
 * What was left in the queue last time has waited long enough. */
static void on_readable(uv_poll_t *poll, int status, int events) {
  struct worker *worker = poll->data;
  (void)events;
  if (status < 0) return;
  struct gather *gather = &worker->engine->gather;
  const int64_t until_us = clock_us() + TICK_MS * 1000;
  int64_t window_us;
  do {
    window_us = gather_window_us(gather);
    const int64_t wait_us =
        window_us > 0 && !worker->behind ? gather_wait_us(gather, worker->engine->fan_out.count > 0, clock_us()) : 0;
    if (wait_us > 0) sleep_us(wait_us);
  } while (forward(worker) > 0 && window_us > 0 && worker->engine->now_us + window_us < until_us);
}

/* What handshakes and offers needed for a moment lies between what stays. Giving the whole pages back takes a millisecond or two: only
 * when people have come or gone, and then seldom. */
static void tidy_memory(struct worker *worker, int64_t now_us) {
  const uint64_t gone = worker->engine->peers_opened - worker->engine->due_count;
  if (worker->engine->peers_opened + gone != worker->came_and_went) {
    worker->came_and_went = worker->engine->peers_opened + gone;
    if (!worker->tidy_us) worker->tidy_us = now_us + TIDY_AFTER_US;
  }
  if (!worker->tidy_us || now_us < worker->tidy_us) return;
  worker->tidy_us = 0;
  malloc_trim(0);
}

static void on_tick(uv_timer_t *timer) {
  struct worker *worker = timer->data;
  int64_t now_us = clock_us();
  engine_tick(worker->engine, now_us);
  if (room_manager_deadline(worker->manager) <= now_us) room_manager_tick(worker->manager, now_us);
  engine_flush(worker->engine);
  note_work(worker, now_us);
  tidy_memory(worker, now_us);
  uint64_t wanted = worker->engine->peers ? TICK_MS : IDLE_TICK_MS;
  if (wanted == worker->tick_ms) return;
  worker->tick_ms = wanted;
  uv_timer_start(timer, on_tick, wanted, wanted);
}

static void on_gateway_connected(void *arg) {
  struct worker *worker = arg;
  control_say_hello(&worker->control, clock_us());
}

static void on_gateway_lost(void *arg) {
  /* Media goes on. Every session's socket went with the gateway: they may resume when it is back. */
  struct worker *worker = arg;
  int64_t now_us = clock_us();
  worker->engine->now_us = now_us;
  json_t *hello = room_manager_hello(worker->manager, now_us);
  size_t index;
  json_t *session;
  json_array_foreach(json_object_get(hello, "sessions"), index, session) {
    const char *id = json_string_value(json_object_get(session, "session"));
    if (id) room_manager_session_lost(worker->manager, id, now_us);
  }
  json_decref(hello);
}

static void on_line(void *arg, json_t *line) {
  struct worker *worker = arg;
  control_handle(&worker->control, line, clock_us());
  engine_flush(worker->engine);
}

static void close_handle(uv_handle_t *handle, void *arg) {
  (void)arg;
  if (!uv_is_closing(handle)) uv_close(handle, NULL);
}

static void begin_close(struct worker *worker) {
  if (uv_is_closing((uv_handle_t *)&worker->timer)) return;
  room_manager_free(worker->manager); /* says nothing to anybody; the engine still has the media */
  worker->manager = worker->engine->manager = NULL;
  engine_flush(worker->engine);
  for (size_t i = 0; i < worker->poll_count; i++)
    uv_close((uv_handle_t *)&worker->polls[i], NULL);
  uv_close((uv_handle_t *)&worker->timer, NULL);
  for (size_t i = 0; i < 2; i++)
    uv_close((uv_handle_t *)&worker->signals[i], NULL);
  uv_close((uv_handle_t *)&worker->hangup, NULL);
  control_socket_close(worker->glue.control);
  worker->glue.control = NULL;
}

static void on_signal(uv_signal_t *handle, int number) {
  (void)number;
  begin_close(handle->data);
}

static void on_hangup(uv_signal_t *handle, int number) {
  const struct worker *worker = handle->data;
  struct config *fresh = child_reload(worker->options->name);
  (void)number;
  if (!fresh) return;
  config_free(fresh);
  log_info("reloaded");
}

/* ---- opening ---- */

static int open_socket(struct worker *worker, const char *address) {
  if (!address[0]) return 0;
  long port = (long)worker->options->config->media.port + worker->options->index;
  int error = udp_socket_open(&worker->sockets[worker->socket_count], address, (uint16_t)port, 1);
  if (error) {
    log_error("media_port_refused", log_number("port", port), log_text("reason", strerror(-error)));
    return -1;
  }
  worker->socket_count++;
  if (!worker->options->config->media.this_machine_only) return 0;
  error = udp_socket_hear_this_machine_only(worker->sockets[worker->socket_count - 1]);
  if (error) log_error("media_filter_refused", log_text("reason", strerror(-error)));
  return error;
}

static void add_candidate(struct worker *worker, const char *address) {
  if (worker->candidate_count == MAX_CANDIDATES) return;
  char *to = worker->candidates[worker->candidate_count];
  snprintf(to, INET6_ADDRSTRLEN, "%s", address);
  worker->candidate_list[worker->candidate_count++] = to;
}

/* A wildcard address is announced as the machine's own addresses, loopback last resort. */
static void add_interface_candidates(struct worker *worker, int family) {
  struct ifaddrs *all;
  if (getifaddrs(&all)) return;
  for (int loopback = 0; loopback < 2; loopback++) {
    size_t before = worker->candidate_count;
    for (struct ifaddrs *i = all; i; i = i->ifa_next) {
      char text[INET6_ADDRSTRLEN];
      if (!i->ifa_addr || i->ifa_addr->sa_family != family) continue;
      const struct sockaddr_in *v4 = (const struct sockaddr_in *)(const void *)i->ifa_addr;
      const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)(const void *)i->ifa_addr;
      bool is_loopback =
          family == AF_INET ? (ntohl(v4->sin_addr.s_addr) >> 24) == 127 : IN6_IS_ADDR_LOOPBACK(&v6->sin6_addr);
      if (family == AF_INET6 && IN6_IS_ADDR_LINKLOCAL(&v6->sin6_addr)) continue;
      if (is_loopback != (loopback == 1)) continue;
      if (inet_ntop(family, family == AF_INET ? (const void *)&v4->sin_addr : (const void *)&v6->sin6_addr, text,
                    sizeof text)) {
        add_candidate(worker, text);
      }
    }
    if (worker->candidate_count > before) break;
  }
  freeifaddrs(all);
}

static void collect_candidates(struct worker *worker) {
  const struct config *config = worker->options->config;
  if (config->media.announced_addresses.count) {
    for (size_t i = 0; i < config->media.announced_addresses.count; i++)
      add_candidate(worker, config->media.announced_addresses.items[i]);
    return;
  }
  const char *bound[] = {config->media.address, config->media.address_ipv6};
  for (int i = 0; i < 2; i++) {
    if (!bound[i][0]) continue;
    if (strcmp(bound[i], "0.0.0.0") == 0 || strcmp(bound[i], "::") == 0) {
      add_interface_candidates(worker, i == 0 ? AF_INET : AF_INET6);
    } else {
      add_candidate(worker, bound[i]);
    }
  }
}

static int open_engine(struct worker *worker) {
  const struct config *config = worker->options->config;
  static char codecs[64];
  static const char *names[5];
  for (size_t i = 0; i < config->rooms.video_codecs.count && i < 4; i++) {
    if (i) strncat(codecs, ",", sizeof codecs - strlen(codecs) - 1);
    strncat(codecs, config->rooms.video_codecs.items[i], sizeof codecs - strlen(codecs) - 1);
    names[i] = config->rooms.video_codecs.items[i];
  }
  struct engine_settings engine_settings = {
      .sockets = worker->sockets,
      .socket_count = worker->socket_count,
      .candidate_addresses = worker->candidate_list,
      .candidate_count = worker->candidate_count,
      .video_codecs = codecs[0] ? codecs : NULL,
      .unix_now_s = unix_us() / 1000000,
  };
  if (engine_create(&worker->engine, &engine_settings)) return -1;
  struct room_settings settings;
  room_settings_init(&settings);
  settings.max_participants = (size_t)config->rooms.max_participants;
  settings.max_rooms = (size_t)config->limits.rooms;
  settings.resume_window_us = config->rooms.resume_window_seconds * 1000000;
  settings.linger_us = config->rooms.empty_linger_seconds * 1000000;
  settings.policy.never_direct = config->rooms.topology == CONFIG_TOPOLOGY_NEVER;
  if (names[0]) memcpy(settings.video_codecs, names, sizeof names);
  settings.wall_us = unix_us() - clock_us();
  settings.random = fill_random;
  worker->glue.engine = worker->engine;
  if (room_manager_create(&worker->manager, &settings, &room_glue_listener, &worker->glue)) return -1;
  worker->engine->manager = worker->manager;
  gather_init(&worker->engine->gather, config->media.gather_us, clock_us());
  worker->control =
      (struct control){.glue = &worker->glue, .manager = worker->manager, .worker_index = worker->options->index};
  return 0;
}

static int open_handles(struct worker *worker) {
  char path[4096];
  snprintf(path, sizeof path, "%s/worker-%d.sock", worker->options->config->runtime_directory, worker->options->index);
  struct control_listener listener = {on_gateway_connected, on_gateway_lost, on_line, worker};
  int error = control_socket_open(&worker->glue.control, &worker->loop, path, &listener);
  if (error) {
    log_error("control_socket_refused", log_text("path", path), log_text("reason", uv_strerror(error)));
    return -1;
  }
  for (size_t i = 0; i < worker->socket_count; i++) {
    uv_poll_init(&worker->loop, &worker->polls[i], udp_socket_fd(worker->sockets[i]));
    worker->polls[i].data = worker;
    worker->poll_count++;
    uv_poll_start(&worker->polls[i], UV_READABLE, on_readable);
  }
  uv_timer_init(&worker->loop, &worker->timer);
  worker->timer.data = worker;
  worker->tick_ms = IDLE_TICK_MS;
  uv_timer_start(&worker->timer, on_tick, IDLE_TICK_MS, IDLE_TICK_MS);
  static const int numbers[] = {SIGTERM, SIGINT};
  for (size_t i = 0; i < 2; i++) {
    uv_signal_init(&worker->loop, &worker->signals[i]);
    worker->signals[i].data = worker;
    uv_signal_start(&worker->signals[i], on_signal, numbers[i]);
  }
  uv_signal_init(&worker->loop, &worker->hangup);
  worker->hangup.data = worker;
  uv_signal_start(&worker->hangup, on_hangup, SIGHUP);
  child_hear_reload();
  return 0;
}

/* A member's large structures (streams, slots, histories, downlink) get mappings of their own: what they do not use is never made real, and what leaves
 * with them goes back to the kernel. By itself the C library stops doing so at the first large block that is freed. */
static void set_up_memory(void) {
  if (!peer_transport_save_memory()) log_debug("handshakes_keep_their_memory");
  mallopt(M_MMAP_THRESHOLD, 18 << 10); /* above OpenSSL's record buffers, which come and go with every message */
  mallopt(M_TOP_PAD, 0);               /* what lies ready at the top would be given out before any mapping is made */
  mallopt(M_TRIM_THRESHOLD, 128 << 10);
  mallopt(M_ARENA_MAX, 1); /* usrsctp's timer is no thread worth one */
  /* Where huge pages are given to all who do not object, one used page of a history makes two megabytes real. */
  prctl(PR_SET_THP_DISABLE, 1UL, 0UL, 0UL, 0UL);
}

int worker_main(const struct worker_options *options) {
  set_up_memory();
  static struct worker worker;
  worker.options = options;
  uv_loop_init(&worker.loop);
  signal(SIGPIPE, SIG_IGN);
  prctl(PR_SET_TIMERSLACK, 1000UL); /* nanoseconds: the default of 50 µs is as long as a short wait */
  int status = 1;
  collect_candidates(&worker);
  if (open_socket(&worker, options->config->media.address) ||
      open_socket(&worker, options->config->media.address_ipv6) || worker.socket_count == 0) {
    log_error("worker_has_no_media_port");
  } else if (open_engine(&worker)) {
    log_error("worker_out_of_memory");
  } else if (open_handles(&worker) == 0) {
    log_info("worker_ready", log_number("port", udp_socket_port(worker.sockets[0])));
    uv_run(&worker.loop, UV_RUN_DEFAULT);
    status = 0;
  }
  uv_walk(&worker.loop, close_handle, NULL);
  uv_run(&worker.loop, UV_RUN_DEFAULT);
  room_manager_free(worker.manager);
  engine_free(worker.engine);
  for (size_t i = 0; i < worker.socket_count; i++)
    udp_socket_close(worker.sockets[i]);
  uv_loop_close(&worker.loop);
  return status;
}
