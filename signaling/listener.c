/* signaling/listener.c: the life of a listener, its endpoints, and the callback that libwebsockets calls for everything. */
#include "signaling/listener.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "signaling/listener_internal.h"
#include "signaling/message.h"

#define CLOSING_TURNS 4 /* one more than it takes */

static struct listener *log_owner; /* libwebsockets has one log hook for the process */

void listener_log(struct listener *l, int level, const char *format, ...) {
  char line[400];
  if (!l || !l->events.on_log) return;
  va_list args;
  va_start(args, format);
  (void)vsnprintf(line, sizeof(line), format, args);
  va_end(args);
  line[strcspn(line, "\r\n")] = '\0';
  l->events.on_log(level, line, l->arg);
}

static void emit(int level, const char *line) {
  listener_log(log_owner, level == LLL_ERR ? 0 : level == LLL_WARN ? 1 : 2, "%s", line);
}

static int connection_callback(struct listener_connection *c, enum lws_callback_reasons reason, void *in, size_t len) {
  switch (reason) {
    case LWS_CALLBACK_HTTP_CONFIRM_UPGRADE:
      return websocket_confirm_upgrade(c);
    case LWS_CALLBACK_ESTABLISHED:
      return websocket_established(c);
    case LWS_CALLBACK_RECEIVE:
      return websocket_receive(c, in, len);
    case LWS_CALLBACK_SERVER_WRITEABLE:
      return websocket_writable(c);
    case LWS_CALLBACK_WS_PEER_INITIATED_CLOSE:
      return websocket_peer_closes(c, in, len);
    case LWS_CALLBACK_CLOSED:
      websocket_closed(c);
      return 0;
    case LWS_CALLBACK_HTTP:
      return http_request(c);
    case LWS_CALLBACK_HTTP_BODY:
      return http_body(c, in, len);
    case LWS_CALLBACK_HTTP_BODY_COMPLETION:
      return http_body_complete(c);
    case LWS_CALLBACK_HTTP_WRITEABLE:
      return response_writable(c);
    case LWS_CALLBACK_TIMER:
      return http_timer(c);
    case LWS_CALLBACK_CLOSED_HTTP:
      http_closed(c);
      return 0;
    case LWS_CALLBACK_WSI_DESTROY:
      connection_destroy(c);
      return 0;
    case LWS_CALLBACK_RAW_ADOPT: /* a CONNECT request turns the socket raw */
    case LWS_CALLBACK_RAW_RX:
      return -1;
    default:
      return 0;
  }
}

static int callback(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t len) {
  struct endpoint *e;
  switch (reason) {
    case LWS_CALLBACK_OPENSSL_LOAD_EXTRA_SERVER_VERIFY_CERTS: /* user: the vhost's SSL_CTX, in: the vhost */
      e = lws_vhost_user(in);
      e->tls = user;
      char why[256];
      return endpoint_load_certificate(e, e->tls, why, sizeof(why));
    case LWS_CALLBACK_FILTER_NETWORK_CONNECTION:
      return connection_filter(lws_vhost_user(lws_get_vhost(wsi)), user);
    case LWS_CALLBACK_SERVER_NEW_CLIENT_INSTANTIATED:
      return connection_adopt(wsi);
    /* These come with a pretended or unfinished wsi. */
    case LWS_CALLBACK_PROTOCOL_INIT:
    case LWS_CALLBACK_PROTOCOL_DESTROY:
    case LWS_CALLBACK_GET_THREAD_ID:
    case LWS_CALLBACK_EVENT_WAIT_CANCELLED:
    case LWS_CALLBACK_WSI_CREATE:
      return 0;
    default:
      break;
  }
  struct listener_connection *c = wsi ? lws_get_opaque_user_data(wsi) : NULL;
  return c ? connection_callback(c, reason, in, len) : 0;
}

static const struct lws_protocols protocols[] = {{"consilium", callback, 0, 0, 0, NULL, 0}, {0}};

/* -- endpoints -- */

static char *copy(const char *text, bool *failed) {
  if (!text) return NULL;
  char *out = strdup(text);
  if (!out) *failed = true;
  return out;
}

static char **copy_list(const char *const *list, size_t count, bool *failed) {
  char **out = calloc(count ? count : 1, sizeof(*out));
  if (!out) *failed = true;
  for (size_t i = 0; out && i < count; i++)
    out[i] = copy(list[i], failed);
  return out;
}

static void free_list(char **list, size_t count) {
  for (size_t i = 0; list && i < count; i++)
    free(list[i]);
  free(list);
}

static void endpoint_free(struct endpoint *e) {
  char *texts[] = {e->name,     e->address,         e->websocket_path, e->shared_path,    e->certificate_file,
                   e->key_file, e->certificate_pem, e->key_pem,        e->frame_ancestors};
  for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
    free(texts[i]);
  free_list(e->origins, e->origin_count);
  free_list(e->request_paths, e->request_path_count);
  free_list(e->mount_paths, e->mount_count);
  free_list(e->mount_folders, e->mount_count);
  web_files_free(e->files);
}

/* "'self' https://a https://b". */
static char *join_ancestors(const char *const *origins, size_t count, bool *failed) {
  size_t bytes = sizeof "'self'";
  for (size_t i = 0; i < count; i++)
    bytes += strlen(origins[i]) + 1;
  char *text = count ? malloc(bytes) : NULL;
  if (count && !text) *failed = true;
  size_t at = text ? (size_t)snprintf(text, bytes, "'self'") : 0;
  for (size_t i = 0; text && i < count; i++)
    at += (size_t)snprintf(text + at, bytes - at, " %s", origins[i]);
  return text;
}

static int endpoint_copy(struct listener *l, struct endpoint *e, const struct listener_endpoint *in) {
  bool failed = false;
  *e = (struct endpoint){.listener = l,
                         .name = copy(in->name ? in->name : "endpoint", &failed),
                         .address = copy(in->address ? in->address : "127.0.0.1", &failed),
                         .websocket_path = copy(in->websocket_path, &failed),
                         .shared_path = copy(in->shared_path, &failed),
                         .certificate_file = copy(in->certificate_file, &failed),
                         .key_file = copy(in->key_file, &failed),
                         .certificate_pem = copy(in->certificate_pem, &failed),
                         .key_pem = copy(in->key_pem, &failed),
                         .origins = copy_list(in->origins, in->origin_count, &failed),
                         .request_paths = copy_list(in->request_paths, in->request_path_count, &failed),
                         .frame_ancestors = join_ancestors(in->frame_ancestors, in->frame_ancestor_count, &failed),
                         .mount_paths = calloc(in->mount_count + 1, sizeof(char *)),
                         .mount_folders = calloc(in->mount_count + 1, sizeof(char *)),
                         .origin_count = in->origin_count,
                         .request_path_count = in->request_path_count,
                         .mount_count = in->mount_count,
                         .port = in->port,
                         .trust_proxy = in->trust_proxy,
                         .use_tls = in->certificate_file || in->certificate_pem};
  for (size_t i = 0; e->mount_paths && e->mount_folders && i < in->mount_count; i++) {
    e->mount_paths[i] = copy(in->mounts[i].path, &failed);
    e->mount_folders[i] = copy(in->mounts[i].folder, &failed);
  }
  return failed || !e->mount_paths || !e->mount_folders ? LISTENER_NO_MEMORY : 0;
}

int endpoint_load_files(const struct endpoint *e, struct web_files **out, char *why, size_t why_cap) {
  struct web_files *files;
  char name[256] = "";
  if (web_files_create(&files)) return LISTENER_NO_MEMORY;
  for (size_t i = 0; i < e->mount_count; i++) {
    int error = web_files_add_folder(files, e->mount_paths[i], e->mount_folders[i], name, sizeof(name));
    if (!error) continue;
    web_files_free(files);
    (void)snprintf(why, why_cap, "%s: cannot read \"%s\"%s", e->name, name,
                   error == WEB_FILES_TOO_LARGE ? ": too many or too large files" : "");
    return error == WEB_FILES_NO_MEMORY ? LISTENER_NO_MEMORY : LISTENER_FILES;
  }
  web_files_compress(files, e->files);
  *out = files;
  return 0;
}

static bool is_any(const char *address) {
  return strcmp(address, "0.0.0.0") == 0 || strcmp(address, "::") == 0;
}

/* Refuses what would go wrong silently: libwebsockets lets two vhosts of one port share one socket. */
static int check_endpoint(const struct listener *l, const struct endpoint *e, char *why, size_t cap) {
  const char *wrong = NULL;
  bool cert = e->certificate_file || e->certificate_pem, key = e->key_file || e->key_pem;
  if (cert != key || (e->certificate_file && e->certificate_pem)) wrong = "TLS needs one certificate and one key";
  if (e->websocket_path && e->websocket_path[0] != '/') wrong = "the WebSocket path must begin with \"/\"";
  for (size_t i = 0; i < e->mount_count; i++) {
    const char *p = e->mount_paths[i];
    if (!p || p[0] != '/' || p[strlen(p) - 1] != '/' || !e->mount_folders[i])
      wrong = "a folder's path must begin and end with \"/\"";
  }
  for (const struct endpoint *o = l->endpoints; o < e; o++)
    if (e->port && e->port == o->port &&
        (strcmp(e->address, o->address) == 0 || is_any(e->address) || is_any(o->address)))
      wrong = "another endpoint has the same address and port";
  if (!wrong) return 0;
  (void)snprintf(why, cap, "%s: %s", e->name, wrong);
  return LISTENER_CONFIG;
}

/* Tries the bind once more, only to have the system's own word for what is wrong. */
static void explain_bind(const struct endpoint *e, char *why, size_t cap) {
  struct sockaddr_storage address = {0};
  const char *text = strcmp(e->address, "localhost") == 0 ? "127.0.0.1" : e->address;
  int error = 0;
  if (uv_ip4_addr(text, e->port, (struct sockaddr_in *)&address) &&
      uv_ip6_addr(text, e->port, (struct sockaddr_in6 *)&address)) {
    (void)snprintf(why, cap, "%s: cannot listen on %s port %u: no such address or interface", e->name, text, e->port);
    return;
  }
  int fd = socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  int one = 1;
  if (fd >= 0) (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
  if (fd < 0 || bind(fd, (const struct sockaddr *)&address, sizeof(address)) || listen(fd, 1)) error = errno;
  if (fd >= 0) close(fd);
  (void)snprintf(why, cap, "%s: cannot listen on %s port %u: %s", e->name, text, e->port,
                 error ? uv_strerror(-error) : "libwebsockets could not open it");
}

static int endpoint_open(struct listener *l, struct endpoint *e, char *why, size_t cap) {
  bool v6 = strchr(e->address, ':') != NULL;
  if (e->use_tls) { /* once in the dry, for the sentence */
    SSL_CTX *trial = SSL_CTX_new(TLS_server_method());
    int error = trial ? endpoint_load_certificate(e, trial, why, cap) : LISTENER_NO_MEMORY;
    SSL_CTX_free(trial);
    if (error) return error;
  }
  const char *interface = is_any(e->address) ? NULL : strcmp(e->address, "localhost") == 0 ? "127.0.0.1" : e->address;
  struct lws_context_creation_info info = {
      .port = e->port,
      .iface = interface,
      .protocols = protocols,
      .vhost_name = e->name,
      .user = e,
      .alpn = "http/1.1",
      .server_string = "",
      .retry_and_idle_policy = &l->validity,
      .options = LWS_SERVER_OPTION_FAIL_UPON_UNABLE_TO_BIND | (v6 ? 0 : LWS_SERVER_OPTION_DISABLE_IPV6) |
                 (e->use_tls ? LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT | LWS_SERVER_OPTION_CREATE_VHOST_SSL_CTX : 0)};
  e->vhost = lws_create_vhost(l->context, &info);
  if (!e->vhost) {
    explain_bind(e, why, cap);
    return LISTENER_BIND;
  }
  return 0;
}

/* -- life -- */

static void set_defaults(struct listener *l, const struct listener_config *in) {
  struct listener_config *c = &l->config;
  *c = *in;
  c->endpoints = NULL;
  if (!c->connections_max) c->connections_max = 4096;
  if (!c->connections_per_address) c->connections_per_address = 64;
  if (!c->first_message_bytes) c->first_message_bytes = SIGNALING_FIRST_MESSAGE_BYTES;
  if (!c->queue_bytes_max) c->queue_bytes_max = 1024UL * 1024;
  if (!c->ping_interval_s) c->ping_interval_s = 15;
  if (!c->pong_timeout_s) c->pong_timeout_s = 5;
  if (!c->header_timeout_s) c->header_timeout_s = 10;
  l->validity.secs_since_valid_ping = c->ping_interval_s;
  l->validity.secs_since_valid_hangup = (uint16_t)(c->ping_interval_s + c->pong_timeout_s);
}

/* Opens the libuv plugin ourselves and never closes it: for a plain answer when it is missing, and because
 * libwebsockets unloads it from inside the plugin's own callback when a context on a foreign loop ends. */
static int load_event_library(char *why, size_t cap) {
  static uv_lib_t library;
  static bool loaded;
  if (loaded) return 0;
  if (uv_dlopen(LWS_INSTALL_LIBDIR "/libwebsockets-evlib_uv.so", &library) == 0) {
    loaded = true;
    return 0;
  }
  (void)snprintf(
      why, cap,
      "libwebsockets cannot run on libuv: its plugin is not installed (Debian and Ubuntu: install the package "
      "libwebsockets-evlib-uv): %s",
      uv_dlerror(&library));
  uv_dlclose(&library);
  return LISTENER_EVENT_LIBRARY;
}

static int open_context(struct listener *l) {
  void *loops[] = {l->loop};
  bool tls = false;
  for (size_t i = 0; i < l->endpoint_count; i++)
    tls = tls || l->endpoints[i].use_tls;
  struct lws_context_creation_info info = {
      .port = CONTEXT_PORT_NO_LISTEN,
      .gid = -1,
      .uid = -1,
      .foreign_loops = loops,
      .timeout_secs = l->config.header_timeout_s,
      .max_http_header_data = LISTENER_HEADER_BYTES,
      .options = LWS_SERVER_OPTION_LIBUV | LWS_SERVER_OPTION_EXPLICIT_VHOSTS | LWS_SERVER_OPTION_VALIDATE_UTF8 |
                 LWS_SERVER_OPTION_UV_NO_SIGSEGV_SIGFPE_SPIN | (tls ? LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT : 0)};
  log_owner = l;
  lws_set_log_level(LLL_ERR | LLL_WARN, emit);
  l->context = lws_create_context(&info);
  return l->context ? 0 : LISTENER_NO_MEMORY;
}

static void free_all(struct listener *l) {
  for (size_t i = 0; i < l->endpoint_count; i++)
    endpoint_free(&l->endpoints[i]);
  if (log_owner == l) log_owner = NULL;
  free(l);
}

static void on_watch_closed(uv_handle_t *handle) {
  struct listener *l = handle->data;
  void (*closed)(void *) = l->closed;
  void *arg = l->closed_arg;
  free_all(l);
  if (closed) closed(arg);
}

/* On a foreign loop libwebsockets 4.1 frees its context only when it is asked again after its handles have closed, and
 * does not say when that is. libuv does: handles closed in one turn are gone in the next. The first turn closes the
 * sockets, the second the two handles of the context. */
static void on_watch(uv_idle_t *watch) {
  struct listener *l = watch->data;
  if (l->connections || ++l->turns < CLOSING_TURNS) return;
  if (l->context) lws_context_destroy(l->context);
  uv_close((uv_handle_t *)watch, on_watch_closed);
}

void listener_close(struct listener *l, void (*closed)(void *arg), void *arg) {
  if (!l) return;
  l->closing = true;
  for (struct listener_connection *c = l->connections; c; c = c->next) {
    if (c->announced && !c->close_code) c->close_code = SIGNALING_CLOSE_GOING_AWAY;
    websocket_closed(c);
    http_closed(c);
  }
  memset(&l->events, 0, sizeof(l->events));
  l->closed = closed;
  l->closed_arg = arg;
  uv_idle_init(l->loop, &l->watch);
  l->watch.data = l;
  uv_idle_start(&l->watch, on_watch);
  if (l->context) lws_context_destroy(l->context);
}

int listener_create(struct listener **out, uv_loop_t *loop, const struct listener_config *config,
                    const struct listener_events *events, void *arg, char *why, size_t why_cap) {
  char nowhere[256];
  if (!why || !why_cap) {
    why = nowhere;
    why_cap = sizeof(nowhere);
  }
  (void)snprintf(why, why_cap, "out of memory");
  if (log_owner || !config->endpoint_count || config->endpoint_count > LISTENER_ENDPOINTS_MAX) {
    (void)snprintf(why, why_cap, log_owner ? "there is a listener in this process" : "1 to 8 endpoints are possible");
    return LISTENER_CONFIG;
  }
  int error = load_event_library(why, why_cap);
  if (error) return error;
  struct listener *l = calloc(1, sizeof(*l));
  if (!l) return LISTENER_NO_MEMORY;
  l->loop = loop;
  l->events = *events;
  l->arg = arg;
  set_defaults(l, config);
  for (size_t i = 0; !error && i < config->endpoint_count; i++) {
    struct endpoint *e = &l->endpoints[l->endpoint_count++];
    error = endpoint_copy(l, e, &config->endpoints[i]);
    if (!error) error = check_endpoint(l, e, why, why_cap);
    if (!error) error = endpoint_load_files(e, &e->files, why, why_cap);
  }
  if (error) {
    free_all(l);
    return error;
  }
  error = open_context(l);
  for (size_t i = 0; !error && i < l->endpoint_count; i++)
    error = endpoint_open(l, &l->endpoints[i], why, why_cap);
  if (error) {
    listener_close(l, NULL, NULL); /* frees itself on the loop */
    return error;
  }
  *out = l;
  return 0;
}

uint16_t listener_port(const struct listener *l, size_t index) {
  return index < l->endpoint_count ? (uint16_t)lws_get_vhost_listen_port(l->endpoints[index].vhost) : 0;
}

int listener_reload_files(struct listener *l) {
  struct web_files *fresh[LISTENER_ENDPOINTS_MAX] = {0};
  char why[300];
  int error = 0;
  for (size_t i = 0; !error && i < l->endpoint_count; i++)
    error = endpoint_load_files(&l->endpoints[i], &fresh[i], why, sizeof(why));
  for (size_t i = 0; i < l->endpoint_count; i++) {
    struct web_files *old = error ? fresh[i] : l->endpoints[i].files;
    if (!error) l->endpoints[i].files = fresh[i];
    web_files_free(old);
  }
  if (error == LISTENER_FILES) listener_log(l, 1, "%s", why);
  return error;
}

int listener_reload_certificates(struct listener *l) {
  char why[300];
  for (size_t i = 0; i < l->endpoint_count; i++) {
    struct endpoint *e = &l->endpoints[i];
    if (!e->tls || !e->certificate_file) continue;
    SSL_CTX *trial = SSL_CTX_new(TLS_server_method());
    int error = trial ? endpoint_load_certificate(e, trial, why, sizeof(why)) : LISTENER_TLS;
    SSL_CTX_free(trial);
    if (!error) error = endpoint_load_certificate(e, e->tls, why, sizeof(why));
    if (!error) continue;
    listener_log(l, 1, "%s: %s", e->name, why);
    return LISTENER_TLS;
  }
  return 0;
}

const struct listener_stats *listener_stats(const struct listener *l) {
  return &l->stats;
}

const char *listener_error_name(int error) {
  static const char *const names[] = {"ok",  "no_memory", "config", "event_library", "bind",
                                      "tls", "files",     "gone",   "slow_reader"};
  return error <= 0 && -error < (int)(sizeof(names) / sizeof(*names)) ? names[-error] : "unknown";
}
