/* The gateway process: one loop, its listener, a clock that ticks once a second, and how it ends. */
#include "server/gateway/gateway.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "server/child.h"
#include "server/gateway/internal.h"
#include "server/log.h"

#define WEB_INSTALLED "/usr/share/consilium/web"
#define CLOSE_MS      150 /* for the closing handshakes: the whole end has 1.2 s */

int64_t gateway_now_us(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

int64_t gateway_wall_s(void) {
  return time(NULL);
}

bool gateway_workers_up(const struct gateway *g, bool all) {
  size_t up = 0;
  for (size_t i = 0; i < g->worker_count; i++)
    up += worker_link_is_up(g->workers[i].link);
  return all ? up == g->worker_count : up > 0;
}

/* ---- listening ----------------------------------------------------------------------------------------------------- */

/* Installed with any prefix: PREFIX/bin/consilium has its pages in PREFIX/share/consilium/web. */
static const char *installed_web(void) {
  static char path[4096];
  ssize_t len = readlink("/proc/self/exe", path, sizeof path - 64);
  path[len < 0 ? 0 : len] = '\0';
  for (int up = 0; up < 2; up++) {
    char *slash = strrchr(path, '/');
    if (!slash) return WEB_INSTALLED;
    *slash = '\0';
  }
  strncat(path, "/share/consilium/web", 63);
  return access(path, R_OK | X_OK) == 0 ? path : WEB_INSTALLED;
}

/* The pages: configured; or, in --dev, those of the source tree this was built from; or installed; or none (NULL). */
static const char *web_root(const struct gateway *g) {
  if (*g->config->http.web_root) return g->config->http.web_root;
  if (g->dev && access(CONSILIUM_SOURCE_WEB, R_OK | X_OK) == 0) return CONSILIUM_SOURCE_WEB;
  const char *installed = installed_web();
  if (access(installed, R_OK | X_OK) == 0) return installed;
  log_warn("no_pages", log_text("folder", installed));
  return NULL;
}

struct endpoints {
  struct listener_endpoint list[LISTENER_ENDPOINTS_MAX];
  char hosts[LISTENER_ENDPOINTS_MAX][64];
  size_t count;
};

static int add_endpoints(struct endpoints *e, const struct config *c, const struct config_list *addresses,
                         const struct listener_endpoint *model) {
  for (size_t i = 0; i < addresses->count; i++) {
    if (e->count == LISTENER_ENDPOINTS_MAX) return -1;
    struct listener_endpoint *to = &e->list[e->count];
    char *host = e->hosts[e->count++];
    int port = config_split_address(addresses->items[i], host, sizeof e->hosts[0]);
    if (port < 0) return -1;
    if (strcmp(host, "localhost") == 0) snprintf(host, sizeof e->hosts[0], "127.0.0.1");
    *to = *model;
    to->address = host;
    to->port = (uint16_t)port;
    to->origins = (const char *const *)c->http.allowed_origins.items;
    to->origin_count = c->http.allowed_origins.count;
    to->frame_ancestors = (const char *const *)c->http.frame_ancestors.items;
    to->frame_ancestor_count = c->http.frame_ancestors.count;
    to->trust_proxy = c->http.trust_proxy;
    if (*c->http.tls_certificate) {
      to->certificate_file = c->http.tls_certificate;
      to->key_file = c->http.tls_key;
    }
  }
  return 0;
}

static int listen_now(struct gateway *g) {
  static const char *const paths[] = {"/healthz",   "/readyz",  "/version", "/v1/test-room",
                                      "/dev/token", "/metrics", "/api/"};
  const struct config *c = g->config;
  char why[256] = "more than 8 addresses in http.listen and http.admin_listen";
  bool together = c->http.admin_listen.count == 0;
  const struct listener_mount mount = {"/", web_root(g)};
  const struct listener_endpoint public = {.name = "public",
                                           .websocket_path = "/v1/ws",
                                           .shared_path = "/sdk/",
                                           .mounts = &mount,
                                           .mount_count = mount.folder ? 1 : 0,
                                           .request_paths = paths,
                                           .request_path_count = together ? 7
                                                                 : g->dev ? 5
                                                                          : 4};
  const struct listener_endpoint admin = {.name = "admin",
                                          .mounts = &mount,
                                          .mount_count = mount.folder ? 1 : 0,
                                          .request_paths = paths,
                                          .request_path_count = 7};
  struct endpoints e = {.count = 0};
  int error = LISTENER_CONFIG;
  if (add_endpoints(&e, c, &c->http.listen, &public) == 0 && add_endpoints(&e, c, &c->http.admin_listen, &admin) == 0) {
    const struct listener_config config = {.endpoints = e.list,
                                           .endpoint_count = e.count,
                                           .connections_max = (uint32_t)c->limits.connections,
                                           .connections_per_address = (uint32_t)c->limits.connections_per_address,
                                           .queue_bytes_max = (size_t)c->limits.send_queue_bytes,
                                           .reload_files = g->dev};
    error = listener_create(&g->listener, &g->loop, &config, &gateway_listener_events, g, why, sizeof why);
  }
  if (error == LISTENER_OK) {
    g->listening = true;
    log_info("listening", log_number("addresses", e.count));
    return 0;
  }
  log_error("cannot_listen", log_text("error", listener_error_name(error)), log_text("reason", why));
  return -1;
}

/* ---- the end ------------------------------------------------------------------------------------------------------- */

static void close_rest(struct gateway *g) {
  query_close(g);
  workers_close(g);
  uv_close((uv_handle_t *)&g->clock, NULL);
  uv_close((uv_handle_t *)&g->terminate, NULL);
  uv_close((uv_handle_t *)&g->interrupt, NULL);
  uv_close((uv_handle_t *)&g->hangup, NULL);
}

static void close_listener(uv_timer_t *timer) {
  struct gateway *g = timer->data;
  query_close(g); /* requests that wait for a worker must be answered first */
  if (g->listener) listener_close(g->listener, NULL, NULL);
  g->listener = NULL;
  close_rest(g);
}

static void end(struct gateway *g) {
  if (g->ending) return;
  g->ending = true;
  clients_end_all(g);
  uv_timer_start(&g->clock, close_listener, g->clients ? CLOSE_MS : 0, 0);
}

static void drain(uv_signal_t *signal, int number) {
  struct gateway *g = signal->data;
  (void)number;
  if (g->draining || g->config->limits.drain_seconds == 0) {
    end(g);
    return;
  }
  g->draining = true;
  g->drain_until_us = gateway_now_us() + g->config->limits.drain_seconds * 1000000;
  log_info("draining");
  for (size_t i = 0; i < g->worker_count; i++)
    workers_send(g, (int)i, json_pack("{s:s}", "op", "drain"));
}

/* ---- time and signals ---------------------------------------------------------------------------------------------- */

static unsigned sum(const struct gateway *g, const char *key) {
  json_int_t total = 0;
  for (size_t i = 0; i < g->worker_count; i++)
    total += json_integer_value(json_object_get(g->workers[i].stats, key));
  return (unsigned)total;
}

/* Draining waits for calls, not for open pages in the lobby. */
static bool somebody_has_a_room(const struct gateway *g) {
  for (const struct session *s = g->sessions.sessions; s; s = s->hh.next)
    if (*s->room) return true;
  return false;
}

static void tick(uv_timer_t *timer) {
  struct gateway *g = timer->data;
  char text[64];
  int64_t now_us = gateway_now_us();
  clients_tick(g, now_us);
  workers_tick(g, now_us);
  query_tick(g, now_us);
  calls_tick(g->calls, now_us);
  if (++g->ticks % 60 == 0) used_tokens_expire(g->used, gateway_wall_s());
  snprintf(text, sizeof text, "alive %u %u", sum(g, "rooms"), sum(g, "participants"));
  child_tell(text);
  if (g->draining && (!somebody_has_a_room(g) || now_us >= g->drain_until_us)) end(g);
  g->last_tick_us = now_us;
}

/* Until every worker said hello (or patience ends) nobody may connect: a client that resumes must find its session. */
static void start_up(uv_timer_t *timer) {
  struct gateway *g = timer->data;
  bool all = gateway_workers_up(g, true);
  if (!g->listening && (all || gateway_now_us() - g->started_us > START_PATIENCE_US) && listen_now(g) != 0) {
    g->ready_told = true;
    exit(CHILD_EXIT_SETTINGS);
  }
  if (g->listening && all) {
    g->ready_told = true;
    child_tell("ready");
    uv_timer_start(timer, tick, 0, 1000);
  } else if (gateway_now_us() - g->last_tick_us > 1000000) {
    tick(timer);
  }
}

static void hang_up(uv_signal_t *signal, int number) {
  struct gateway *g = signal->data;
  struct config *fresh = child_reload("gateway");
  (void)number;
  if (!fresh) return;
  fresh->rooms.resume_window_seconds = g->config->rooms.resume_window_seconds; /* the workers keep theirs, too */
  fresh->rooms.empty_linger_seconds = g->config->rooms.empty_linger_seconds;
  config_free(g->config);
  g->config = fresh;
  room_directory_set_rooms_max(g->directory, (size_t)fresh->limits.rooms);
  call_requests_reload(g);
  if (g->listener && *fresh->http.tls_certificate && listener_reload_certificates(g->listener) != LISTENER_OK)
    log_error("reload_failed", log_text("reason", "certificate or key"));
  if (g->listener) listener_reload_files(g->listener);
  log_info("reloaded");
}

static int set_up(struct gateway *g) {
  if (uv_loop_init(&g->loop) != 0) return -1;
  uv_timer_init(&g->loop, &g->clock);
  uv_signal_init(&g->loop, &g->terminate);
  uv_signal_init(&g->loop, &g->interrupt);
  uv_signal_init(&g->loop, &g->hangup);
  g->clock.data = g->terminate.data = g->interrupt.data = g->hangup.data = g;
  if (used_tokens_create(&g->used) || call_requests_start(g) ||
      room_directory_create(&g->directory, (size_t)g->config->media.workers, (size_t)g->config->limits.rooms))
    return -1;
  uv_signal_start(&g->terminate, drain, SIGTERM);
  uv_signal_start(&g->interrupt, drain, SIGINT);
  uv_signal_start(&g->hangup, hang_up, SIGHUP);
  child_hear_reload();
  uv_timer_start(&g->clock, start_up, 0, 10);
  return workers_start(g);
}

int gateway_main(struct config *config, bool dev) {
  struct gateway *g = calloc(1, sizeof *g);
  if (!g) return 1;
  g->config = config;
  g->dev = dev;
  g->started_us = g->last_tick_us = gateway_now_us();
  if (set_up(g) != 0) {
    log_error("cannot_start");
    return 1;
  }
  uv_run(&g->loop, UV_RUN_DEFAULT);
  uv_loop_close(&g->loop);
  session_table_clear(&g->sessions);
  calls_free(g->calls);
  used_tokens_free(g->used);
  room_directory_free(g->directory);
  config_free(g->config);
  free(g);
  return 0;
}
