/* tests/server/gateway/world.c: see the header. */
#include "tests/server/gateway/world.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct world world;

static uint64_t deadline(void) {
  return uv_hrtime() + LOOP_CLIENT_MS * UINT64_C(1000000);
}

void world_turn(void) {
  for (int i = 0; i < 12; i++)
    uv_run(&world.g.loop, UV_RUN_NOWAIT);
}

/* Turns the loop until the condition holds. */
#define WAIT_FOR(condition, ...)                           \
  do {                                                     \
    uint64_t end = deadline();                             \
    while (!(condition)) {                                 \
      if (uv_hrtime() > end) fail_msg(__VA_ARGS__);        \
      uv_run(&world.g.loop, UV_RUN_NOWAIT);                \
      if (!(condition)) usleep(200); /* others run, too */ \
    }                                                      \
  } while (0)

__attribute__((format(printf, 1, 0))) static char *quoted(const char *format, va_list args) {
  char *text = NULL;
  assert_true(vasprintf(&text, format, args) >= 0);
  for (char *c = text; *c; c++)
    if (*c == '\'') *c = '"';
  return text;
}

/* ---- JSON ------------------------------------------------------------------------------------------------------------ */

json_t *at(const json_t *json, const char *path) {
  char key[64];
  while (json && *path) {
    size_t n = strcspn(path, ".");
    assert_true(n < sizeof key);
    memcpy(key, path, n);
    key[n] = '\0';
    json = json_is_array(json) ? json_array_get(json, (size_t)strtoul(key, NULL, 10)) : json_object_get(json, key);
    path += n + (path[n] == '.');
  }
  return (json_t *)(uintptr_t)json;
}

const char *text_at(const json_t *json, const char *path) {
  const char *text = json_string_value(at(json, path));
  return text ? text : "";
}

json_int_t number_at(const json_t *json, const char *path) {
  if (!json_is_integer(at(json, path))) fail_msg("no integer at %s in %s", path, json_dumps(json, 0));
  return json_integer_value(at(json, path));
}

/* ---- workers --------------------------------------------------------------------------------------------------------- */

static void free_handle(uv_handle_t *handle) {
  free(handle);
}

static void give(uv_handle_t *handle, size_t suggested, uv_buf_t *out) {
  static char bytes[65536];
  (void)handle;
  (void)suggested;
  *out = uv_buf_init(bytes, sizeof bytes);
}

static void drop_peer(struct world_worker *w) {
  if (w->peer) uv_close((uv_handle_t *)w->peer, free_handle);
  w->peer = NULL;
  w->length = 0;
}

static void heard(uv_stream_t *stream, ssize_t count, const uv_buf_t *buffer) {
  struct world_worker *w = stream->data;
  if ((uv_pipe_t *)stream != w->peer) return;
  if (count < 0) {
    drop_peer(w);
    return;
  }
  w->in = realloc(w->in, w->length + (size_t)count + 1);
  memcpy(w->in + w->length, buffer->base, (size_t)count);
  w->length += (size_t)count;
  char *start = w->in, *line;
  while ((line = memchr(start, '\n', w->length - (size_t)(start - w->in))) != NULL) {
    json_t *message = json_loadb(start, (size_t)(line - start), 0, NULL);
    assert_non_null(message); /* every line is whole */
    json_array_append_new(w->lines, message);
    start = line + 1;
  }
  w->length -= (size_t)(start - w->in);
  memmove(w->in, start, w->length);
}

static void accepted(uv_stream_t *server, int status) {
  struct world_worker *w = server->data;
  assert_int_equal(status, 0);
  drop_peer(w);
  w->peer = malloc(sizeof *w->peer);
  uv_pipe_init(&world.g.loop, w->peer, 0);
  w->peer->data = w;
  assert_int_equal(uv_accept(server, (uv_stream_t *)w->peer), 0);
  uv_read_start((uv_stream_t *)w->peer, give, heard);
}

void world_worker_listen(int worker) {
  struct world_worker *w = &world.workers[worker];
  unlink(w->path);
  uv_pipe_init(&world.g.loop, &w->server, 0);
  w->server.data = w;
  assert_int_equal(uv_pipe_bind(&w->server, w->path), 0);
  assert_int_equal(uv_listen((uv_stream_t *)&w->server, 4, accepted), 0);
  w->listening = true;
}

void world_worker_wait(int worker) {
  WAIT_FOR(world.workers[worker].peer, "the gateway does not connect to worker %d", worker);
}

static void say(int worker, const char *text) {
  struct world_worker *w = &world.workers[worker];
  world_worker_wait(worker);
  size_t length = strlen(text);
  while (length) {
    uv_buf_t buffer = uv_buf_init((char *)(uintptr_t)text, (unsigned)length);
    int n = uv_try_write((uv_stream_t *)w->peer, &buffer, 1);
    if (n > 0) {
      text += n;
      length -= (size_t)n;
    }
    world_turn();
  }
}

void world_worker_say(int worker, const char *format, ...) {
  va_list args;
  va_start(args, format);
  char *text = quoted(format, args), *line = NULL;
  va_end(args);
  assert_true(asprintf(&line, "%s\n", text) > 0);
  say(worker, line);
  free(line);
  free(text);
}

void world_worker_hello(int worker, const char *rooms, const char *sessions) {
  world_worker_say(worker, "{'op':'hello','worker':%d,'pid':%d,'port':1,'rooms':[%s],'sessions':[%s],'spent':[]}",
                   worker, 100 + worker, rooms, sessions);
  WAIT_FOR(worker_link_is_up(world.g.workers[worker].link), "worker %d is not up after its hello", worker);
}

void world_worker_hang_up(int worker) {
  drop_peer(&world.workers[worker]);
  WAIT_FOR(!worker_link_is_up(world.g.workers[worker].link), "the gateway does not notice");
}

void world_worker_die(int worker) {
  struct world_worker *w = &world.workers[worker];
  uint64_t before = world.g.counters.workers_lost;
  if (w->listening) uv_close((uv_handle_t *)&w->server, NULL);
  w->listening = false;
  unlink(w->path);
  drop_peer(w);
  WAIT_FOR(world.g.counters.workers_lost > before, "the gateway does not notice that worker %d is dead", worker);
}

static size_t find_line(const struct world_worker *w, const char *op) {
  size_t i;
  json_t *line;
  json_array_foreach(w->lines, i, line) {
    if (strcmp(text_at(line, "op"), op) == 0) return i;
  }
  return SIZE_MAX;
}

json_t *world_worker_line(int worker, const char *op) {
  struct world_worker *w = &world.workers[worker];
  WAIT_FOR(find_line(w, op) != SIZE_MAX, "worker %d was not told \"%s\"", worker, op);
  size_t i = find_line(w, op);
  json_decref(w->last);
  w->last = json_incref(json_array_get(w->lines, i));
  json_array_remove(w->lines, i);
  return w->last;
}

int world_worker_lines(int worker, const char *op) {
  int count = 0;
  size_t i;
  json_t *line;
  world_turn();
  json_array_foreach(world.workers[worker].lines, i, line) count += strcmp(text_at(line, "op"), op) == 0;
  return count;
}

/* ---- life ------------------------------------------------------------------------------------------------------------ */

static void begin(const char *yaml, bool workers) {
  static const char *const paths[] = {"/healthz",   "/readyz",  "/version", "/v1/test-room",
                                      "/dev/token", "/metrics", "/api/"};
  const struct listener_endpoint endpoint = {
      .name = "public", .websocket_path = "/v1/ws", .request_paths = paths, .request_path_count = 7};
  const struct listener_config config = {.endpoints = &endpoint, .endpoint_count = 1};
  struct gateway *g = &world.g;
  char text[2048], why[CONFIG_MESSAGE_BYTES];
  memset(&world, 0, sizeof world);
  (void)snprintf(world.folder, sizeof world.folder, "/tmp/consilium-world-XXXXXX");
  assert_non_null(mkdtemp(world.folder));
  (void)snprintf(text, sizeof text,
                 "runtime_directory: %s\ntokens: {secret: \"%s\"}\nadmin: {token: \"%s\"}\nmedia: {workers: %d}\n%s",
                 world.folder, WORLD_SECRET, WORLD_ADMIN, WORLD_WORKERS, yaml ? yaml : "");
  assert_int_equal(config_create(&g->config), CONFIG_OK);
  if (config_load_text(g->config, text, strlen(text), "test", why) || config_finish(g->config, why))
    fail_msg("%s", why);
  assert_int_equal(uv_loop_init(&g->loop), 0);
  world.open = true;
  g->started_us = g->last_tick_us = gateway_now_us();
  assert_int_equal(used_tokens_create(&g->used), 0);
  assert_int_equal(call_requests_start(g), 0);
  assert_int_equal(room_directory_create(&g->directory, WORLD_WORKERS, (size_t)g->config->limits.rooms), 0);
  for (int i = 0; i < WORLD_WORKERS; i++) {
    world.workers[i].lines = json_array();
    (void)snprintf(world.workers[i].path, sizeof world.workers[i].path, "%s/worker-%d.sock", world.folder, i);
    if (workers) world_worker_listen(i);
  }
  assert_int_equal(workers_start(g), 0);
  int error = listener_create(&g->listener, &g->loop, &config, &gateway_listener_events, g, why, sizeof why);
  if (error) fail_msg("%s", why);
  for (int i = 0; workers && i < WORLD_WORKERS; i++)
    world_worker_hello(i, "", "");
}

void world_open(const char *yaml) {
  begin(yaml, true);
}

void world_open_alone(const char *yaml) {
  begin(yaml, false);
}

static void gone(void *arg) {
  *(volatile int *)arg = 1;
}

int world_close(void **state) {
  struct gateway *g = &world.g;
  volatile int closed = 0;
  (void)state;
  if (!world.open) return 0;
  world.open = false;
  query_close(g);
  listener_close(g->listener, gone, (void *)(uintptr_t)&closed);
  workers_close(g);
  for (int i = 0; i < WORLD_WORKERS; i++) {
    struct world_worker *w = &world.workers[i];
    if (w->listening) uv_close((uv_handle_t *)&w->server, NULL);
    drop_peer(w);
    json_decref(w->lines);
    json_decref(w->last);
    free(w->in);
    unlink(w->path);
  }
  uint64_t end = deadline();
  while (uv_run(&g->loop, UV_RUN_NOWAIT) && uv_hrtime() < end)
    usleep(200);
  int left = uv_loop_close(&g->loop);
  session_table_clear(&g->sessions);
  calls_free(g->calls);
  used_tokens_free(g->used);
  room_directory_free(g->directory);
  config_free(g->config);
  rmdir(world.folder);
  if (left || !closed) print_error("a handle is left\n");
  return left || !closed ? -1 : 0;
}

/* ---- clients --------------------------------------------------------------------------------------------------------- */

struct token_claims world_claims(const char *room) {
  struct token_claims claims = {.role = SIGNALING_ROLE_DOCTOR, .expires_s = gateway_wall_s() + 3600};
  (void)snprintf(claims.room, sizeof claims.room, "%s", room);
  (void)snprintf(claims.identity, sizeof claims.identity, "ann");
  (void)snprintf(claims.name, sizeof claims.name, "Dr. Ann");
  (void)snprintf(claims.jti, sizeof claims.jti, "j_%d", ++world.tokens);
  return claims;
}

char *world_token(const struct token_claims *claims) {
  const struct token_key key = {(const uint8_t *)WORLD_SECRET, strlen(WORLD_SECRET)};
  char *token = NULL;
  assert_int_equal(token_mint(claims, &key, &token), TOKEN_OK);
  return token;
}

void page_open(struct page *p) {
  memset(p, 0, sizeof *p);
  loop_client_open(&p->client, &world.g.loop, listener_port(world.g.listener, 0));
  assert_true(loop_client_upgrade(&p->client, "/v1/ws", ""));
}

static int open_pages(void) {
  int count = 0;
  for (const struct client *c = world.g.clients; c; c = c->next)
    count++;
  return count;
}

void page_drop(struct page *p) {
  int before = open_pages();
  json_decref(p->last);
  p->last = NULL;
  loop_client_close(&p->client);
  if (!p->client.closed) WAIT_FOR(open_pages() < before, "the gateway does not notice that a page is gone");
}

void page_send(struct page *p, const char *format, ...) {
  va_list args;
  va_start(args, format);
  char *text = quoted(format, args);
  va_end(args);
  loop_client_frame(&p->client, 0x81, text, strlen(text));
  free(text);
}

json_t *page_take(struct page *p) {
  static char payload[1 << 20];
  size_t length;
  int first = loop_client_take_frame(&p->client, payload, sizeof payload, &length);
  json_decref(p->last);
  p->last = first == 0x81 ? json_loadb(payload, length, 0, NULL) : NULL;
  if (!p->last) fail_msg("no message but frame %d", first);
  return p->last;
}

void page_sync(struct page *p) {
  world_turn();
  page_send(p, "{'id':999999,'type':'ping'}");
  json_t *reply = page_take(p);
  if (!at(reply, "ok.at")) fail_msg("expected silence, got %s", json_dumps(reply, 0));
}

int page_close_code(struct page *p, char reason[128]) {
  static char payload[1 << 20];
  size_t length;
  int first;
  while ((first = loop_client_take_frame(&p->client, payload, sizeof payload, &length)) >= 0)
    if (first == 0x88 && length >= 2) {
      (void)snprintf(reason, 128, "%.123s", payload + 2);
      return (uint8_t)payload[0] << 8 | (uint8_t)payload[1];
    }
  return 0;
}

static json_t *welcomed(struct page *p) {
  json_t *reply = page_take(p);
  (void)snprintf(p->session, sizeof p->session, "%s", text_at(reply, "ok.session"));
  (void)snprintf(p->key, sizeof p->key, "%s", text_at(reply, "ok.resumeKey"));
  return reply;
}

json_t *page_hello(struct page *p, const struct token_claims *claims) {
  char *token = world_token(claims);
  page_send(p, "{'id':1,'type':'hello','version':1,'token':'%s'}", token);
  free(token);
  return welcomed(p);
}

json_t *page_resume(struct page *p, const struct page *old) {
  page_send(p, "{'id':1,'type':'hello','version':1,'resume':{'session':'%s','key':'%s'}}", old->session, old->key);
  return welcomed(p);
}

int page_enter(struct page *p, const char *room, const char *identity, enum signaling_role role) {
  struct token_claims claims = world_claims(room);
  (void)snprintf(claims.identity, sizeof claims.identity, "%s", identity);
  claims.role = role;
  page_open(p);
  json_t *reply = page_hello(p, &claims);
  if (!*p->session) fail_msg("hello: %s", text_at(reply, "error.code"));
  int worker = session_table_find(&world.g.sessions, p->session)->worker;
  assert_string_equal(text_at(world_worker_line(worker, "open"), "session"), p->session);
  return worker;
}

void page_join(struct page *p, int worker) {
  page_send(p, "{'id':2,'type':'join'}");
  assert_string_equal(text_at(world_worker_line(worker, "request"), "msg.type"), "join");
  world_worker_say(worker, "{'op':'reply','session':'%s','msg':{'re':2,'ok':{'participant':'p_1','room':{}}}}",
                   p->session);
  assert_string_equal(text_at(page_take(p), "ok.participant"), "p_1");
  assert_true(session_table_find(&world.g.sessions, p->session)->joined);
}

void page_expect_error(struct page *p, const char *code) {
  assert_string_equal(text_at(page_take(p), "error.code"), code);
}

/* ---- HTTP ------------------------------------------------------------------------------------------------------------ */

void http_ask(struct loop_client *c, const char *request, const char *authorization) {
  char text[8192];
  (void)snprintf(text, sizeof text, "%s HTTP/1.1\r\nHost: a\r\n%s%s%s%s\r\n", request,
                 strncmp(request, "PUT", 3) == 0 ? "Content-Length: 0\r\n" : "",
                 authorization && !*authorization ? "" : "Authorization: ",
                 authorization ? authorization : "Bearer " WORLD_ADMIN, authorization && !*authorization ? "" : "\r\n");
  loop_client_open(c, &world.g.loop, listener_port(world.g.listener, 0));
  loop_client_text(c, text);
}

int http_take(struct loop_client *c, const char **body) {
  size_t length, end;
  int status = loop_client_response(c, false, body, &length, &end);
  if (!status) fail_msg("no answer");
  return status;
}

int http_get(const char *request, json_t **json) {
  static json_t *kept;
  struct loop_client c;
  const char *body = NULL;
  http_ask(&c, request, NULL);
  int status = http_take(&c, &body);
  json_decref(kept);
  kept = json_loads(body, 0, NULL);
  loop_client_close(&c);
  if (json) *json = kept;
  return status;
}
