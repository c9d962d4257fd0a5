/* tests/signaling/listener_http_test.c: files, requests, limits and TLS of the listener over real loopback sockets. */
#include <fcntl.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/signaling/listener_fixture.h"

static struct {
  uv_loop_t loop;
  struct listener *listener;
  struct listener_request *pending;
  char folder[64], seen[256], body[70000], value[64], authorization[64];
  volatile int requests, gone;
  bool later;
} s;

static void answer(struct listener_request *r, const char *text) {
  static const struct listener_header headers[] = {{"X-Test", "yes"}, {"X-Bad", "a\r\nSet-Cookie: b"}};
  struct listener_response response = {.status = 200,
                                       .content_type = "text/plain",
                                       .body = text,
                                       .body_len = strlen(text),
                                       .headers = headers,
                                       .header_count = 2};
  listener_respond(r, &response);
}

static void on_request(struct listener_request *r, const struct listener_request_view *v, void *arg) {
  (void)arg;
  (void)snprintf(s.seen, sizeof(s.seen), "%s %s %s", v->endpoint, v->method, v->path);
  (void)snprintf(s.authorization, sizeof(s.authorization), "%s", v->authorization);
  assert_true(v->body_len < sizeof(s.body));
  memcpy(s.body, v->body, v->body_len + 1);
  const char *q = listener_request_query(r, "q");
  (void)snprintf(s.value, sizeof(s.value), "%s", q ? q : "(none)");
  s.requests++;
  if (s.later)
    s.pending = r;
  else if (strcmp(v->path, "/api/v1/problem") == 0)
    listener_respond_problem(r, 404, "room_not_found", "There is no room \"x\".");
  else
    answer(r, "hello");
}

static void on_gone(void *arg) {
  (void)arg;
  s.gone++;
}

static void write_file(const char *name, const char *text) {
  char path[160];
  (void)snprintf(path, sizeof(path), "%s/%s", s.folder, name);
  FILE *f = fopen(path, "w");
  assert_non_null(f);
  (void)fputs(text, f);
  (void)fclose(f);
}

static void make_folder(void) {
  char path[160], target[160];
  (void)snprintf(s.folder, sizeof(s.folder), "/tmp/consilium-test-XXXXXX");
  assert_non_null(mkdtemp(s.folder));
  (void)snprintf(path, sizeof(path), "%s/web", s.folder);
  assert_int_equal(mkdir(path, 0700), 0);
  (void)snprintf(path, sizeof(path), "%s/web/admin", s.folder);
  assert_int_equal(mkdir(path, 0700), 0);
  write_file("secret.txt", "secret");
  write_file("web/index.html", "<!doctype html><title>x</title>");
  write_file("web/app.mjs", "export {};");
  write_file("web/admin/index.html", "admin");
  write_file("web/.hidden", "hidden");
  (void)snprintf(path, sizeof(path), "%s/web/out", s.folder);
  (void)snprintf(target, sizeof(target), "%s/secret.txt", s.folder);
  assert_int_equal(symlink(target, path), 0);
}

static void remove_folder(void) {
  static const char *const names[] = {
      "web/out",        "web/.hidden", "web/admin/index.html", "web/admin", "web/app.mjs",
      "web/index.html", "web",         "secret.txt",           "big",       ""};
  char path[160];
  for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
    (void)snprintf(path, sizeof(path), "%s/%s", s.folder, names[i]);
    (void)remove(path);
  }
}

static void start(const char *certificate, const char *key) {
  static const struct listener_events events = {.on_request = on_request};
  static const char *const paths[] = {"/healthz", "/api/"};
  char web[100], why[256];
  memset(&s, 0, sizeof(s));
  make_folder();
  (void)snprintf(web, sizeof(web), "%s/web", s.folder);
  static const char *const framers[] = {"https://clinic.example", "https://b.example:8443"};
  struct listener_mount mount = {"/", web};
  struct listener_endpoint endpoints[] = {{.name = "public",
                                           .mounts = &mount,
                                           .mount_count = 1,
                                           .request_paths = paths,
                                           .request_path_count = 2,
                                           .frame_ancestors = framers,
                                           .frame_ancestor_count = 2,
                                           .certificate_pem = certificate,
                                           .key_pem = key},
                                          {.name = "admin", .request_paths = paths, .request_path_count = 2}};
  struct listener_config config = {.endpoints = endpoints, .endpoint_count = 2};
  assert_int_equal(uv_loop_init(&s.loop), 0);
  int error = listener_create(&s.listener, &s.loop, &config, &events, &s, why, sizeof(why));
  if (error) fail_msg("%s", why);
}

static int setup(void **state) {
  (void)state;
  start(NULL, NULL);
  return 0;
}

static int teardown(void **state) {
  (void)state;
  listener_close(s.listener, on_gone, NULL);
  assert_true(loop_run_until(&s.loop, &s.gone, 1));
  if (s.pending) answer(s.pending, "too late");
  assert_int_equal(uv_run(&s.loop, UV_RUN_DEFAULT), 0);
  assert_int_equal(uv_loop_close(&s.loop), 0);
  remove_folder();
  return 0;
}

static void dial(struct loop_client *c) {
  loop_client_open(c, &s.loop, listener_port(s.listener, 0));
}

/* One request on a connection of its own; the head stays in `c`, the body is compared. */
static void expect(const char *request, int status, const char *body) {
  struct loop_client c;
  const char *got;
  size_t len, end;
  dial(&c);
  loop_client_text(&c, request);
  int result = loop_client_response(&c, strncmp(request, "HEAD", 4) == 0, &got, &len, &end);
  if (result != status) fail_msg("%.60s: %d, expected %d", request, result, status);
  if (body) {
    assert_int_equal(len, strlen(body));
    assert_memory_equal(got, body, len);
  }
  assert_non_null(strstr(c.in, "X-Content-Type-Options: nosniff\r\n"));
  loop_client_close(&c);
}

#define H " HTTP/1.1\r\nHost: a\r\n"

static void test_files(void **state) {
  (void)state;
  expect("GET /" H "\r\n", 200, "<!doctype html><title>x</title>");
  expect("GET /index.html?x=1" H "\r\n", 200, "<!doctype html><title>x</title>");
  expect("HEAD /app.mjs" H "\r\n", 200, "");
  expect("GET /admin/" H "\r\n", 200, "admin");
  expect("GET /admin" H "\r\n", 308, "");
  expect("GET /nothing" H "\r\n", 404, NULL);
  expect("DELETE /index.html" H "\r\n", 405, NULL);
  expect("POST /index.html" H "Content-Length: 3\r\n\r\nabc", 405, NULL);
  assert_int_equal(s.requests, 0);
}

static void test_headers_of_a_page(void **state) {
  (void)state;
  struct loop_client c;
  const char *body;
  size_t len, end;
  dial(&c);
  loop_client_text(&c, "GET /app.mjs" H "\r\n");
  assert_int_equal(loop_client_response(&c, false, &body, &len, &end), 200);
  static const char *const lines[] = {"Content-Type: text/javascript; charset=utf-8\r\n",
                                      "Content-Security-Policy: default-src 'self'; ",
                                      "frame-ancestors 'none'",
                                      "Referrer-Policy: no-referrer\r\n",
                                      "Permissions-Policy: camera=(self), microphone=(self), display-capture=(self)",
                                      "Cross-Origin-Opener-Policy: same-origin\r\n",
                                      "Cache-Control: no-cache\r\n"};
  for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++)
    assert_non_null(strstr(c.in, lines[i]));
  assert_null(strcasestr(c.in, "\r\nserver:"));
  char request[256];
  const char *etag = strstr(c.in, "ETag: ");
  assert_non_null(etag);
  (void)snprintf(request, sizeof(request), "GET /app.mjs" H "If-None-Match: %.*s\r\n\r\n", 34, etag + 6);
  assert_non_null(strstr(c.in, "Connection: close\r\n"));
  loop_client_close(&c);
  dial(&c);
  loop_client_text(&c, request);
  assert_int_equal(loop_client_response(&c, true, &body, &len, &end), 304);
  assert_null(strstr(c.in, "Content-Length"));
  loop_client_close(&c);
}

/* The call page alone, and only by those whom the operator named. */
static void test_frame_ancestors(void **state) {
  (void)state;
  static const char *const paths[] = {"/", "/index.html", "/admin/", "/app.mjs", "/healthz"};
  for (size_t i = 0; i < sizeof(paths) / sizeof(*paths); i++) {
    struct loop_client c;
    const char *body;
    size_t len, end;
    char request[128];
    dial(&c);
    (void)snprintf(request, sizeof(request), "GET %s" H "\r\n", paths[i]);
    loop_client_text(&c, request);
    assert_int_equal(loop_client_response(&c, false, &body, &len, &end), 200);
    bool framed = i == 0;
    assert_int_equal(strstr(c.in, "frame-ancestors 'self' https://clinic.example https://b.example:8443\r\n") != NULL,
                     framed);
    assert_int_equal(strstr(c.in, "frame-ancestors 'none'") != NULL, !framed);
    assert_int_equal(strstr(c.in, "X-Frame-Options: DENY\r\n") != NULL, !framed);
    loop_client_close(&c);
  }
}

static void test_traversal(void **state) {
  (void)state;
  static const char *const paths[] = {"/../secret.txt",   "/%2e%2e/secret.txt",      "/admin/../../secret.txt",
                                      "/..%2fsecret.txt", "/%2e%2e%2fsecret.txt",    "/out",
                                      "/.hidden",         "/..\\secret.txt",         "//etc/passwd",
                                      "/admin/..%00/x",   "/%c0%ae%c0%ae/secret.txt"};
  for (size_t i = 0; i < sizeof(paths) / sizeof(*paths); i++) {
    struct loop_client c;
    char request[128];
    dial(&c);
    (void)snprintf(request, sizeof(request), "GET %s HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", paths[i]);
    loop_client_text(&c, request);
    (void)loop_client_wait_closed(&c);
    assert_true(c.closed);
    assert_true(!c.in || (!strstr(c.in, "secret") && !strstr(c.in, "hidden") && !strstr(c.in, " 200 ")));
    loop_client_close(&c);
  }
}

static void test_requests(void **state) {
  (void)state;
  expect("GET /healthz" H "\r\n", 200, "hello");
  assert_string_equal(s.seen, "public GET /healthz");
  assert_string_equal(s.value, "(none)");
  expect("GET /api/v1/rooms?a=1&q=x%26y%3Dz+1&b" H "Authorization: Bearer abc\r\n\r\n", 200, "hello");
  assert_string_equal(s.seen, "public GET /api/v1/rooms");
  assert_string_equal(s.value, "x&y=z 1");
  assert_string_equal(s.authorization, "Bearer abc");
  expect("POST /api/v1/rooms" H "Content-Length: 7\r\n\r\n{\"a\":1}", 200, "hello");
  assert_string_equal(s.body, "{\"a\":1}");
  expect("POST /api/v1/rooms" H "Content-Length: 0\r\n\r\n", 200, "hello");
  assert_string_equal(s.body, "");
  expect("PUT /api/v1/rooms" H "Content-Length: 0\r\n\r\n", 200, "hello");
  expect("DELETE /api/v1/rooms/1" H "\r\n", 200, "hello");
  assert_string_equal(s.seen, "public DELETE /api/v1/rooms/1");
  expect("HEAD /healthz" H "\r\n", 200, "");
  assert_string_equal(s.seen, "public GET /healthz");
  expect("GET /api/v1/problem" H "\r\n", 404,
         "{\"type\":\"about:blank\",\"title\":\"Not Found\",\"status\":404,\"code\":\"room_not_found\","
         "\"detail\":\"There is no room \\\"x\\\".\"}");
  expect("GET /healthz/" H "\r\n", 404, NULL); /* exact, not a prefix */
  assert_int_equal(s.requests, 8);
}

static void test_no_header_injection(void **state) {
  (void)state;
  struct loop_client c;
  const char *body;
  size_t len, end;
  dial(&c);
  loop_client_text(&c, "GET /healthz" H "\r\n");
  assert_int_equal(loop_client_response(&c, false, &body, &len, &end), 200);
  assert_non_null(strstr(c.in, "X-Test: yes\r\n"));
  assert_null(strstr(c.in, "Set-Cookie"));
  assert_non_null(strstr(c.in, "Cache-Control: no-store\r\n"));
  loop_client_close(&c);
}

static void test_bad_requests(void **state) {
  (void)state;
  expect("POST /api/x" H "\r\n", 411, NULL);
  expect("POST /api/x" H "Content-Length: 65537\r\n\r\n", 413, NULL);
  expect("POST /api/x" H "Content-Length: -5\r\n\r\n", 400, NULL);
  expect("POST /api/x" H "Content-Length: 5x\r\n\r\n", 400, NULL);
  expect("POST /api/x" H "Content-Length: 99999999999999999999\r\n\r\n", 400, NULL);
  expect("POST /api/x" H "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", 501, NULL);
  expect("GET /api/x" H "Content-Length: 5\r\n\r\nhello", 400, NULL);
  expect("GET /api/x?1&2&3&4&5&6&7&8&9&10&11&12&13&14&15&16&17" H "\r\n", 400, NULL);
  assert_int_equal(s.requests, 0);
}

static void test_large_body_and_its_limit(void **state) {
  (void)state;
  static char text[66000];
  int n = snprintf(text, sizeof(text), "POST /api/x" H "Content-Length: 65536\r\n\r\n");
  memset(text + n, 'b', 65536);
  struct loop_client c;
  const char *body;
  size_t len, end;
  dial(&c);
  loop_client_send(&c, text, (size_t)n + 65536);
  assert_int_equal(loop_client_response(&c, false, &body, &len, &end), 200);
  assert_int_equal(strlen(s.body), 65536);
  loop_client_close(&c);
}

/* A request behind another one is not answered; its bytes are not taken for anything either. */
static void test_pipelined(void **state) {
  (void)state;
  struct loop_client c;
  const char *body;
  size_t len, end;
  dial(&c);
  loop_client_text(&c, "GET /api/x" H "\r\nPOST /api/y" H "Content-Length: 3\r\n\r\nabcGET /admin/" H "\r\n");
  assert_int_equal(loop_client_response(&c, false, &body, &len, &end), 200);
  assert_true(loop_client_wait_closed(&c));
  assert_int_equal(c.len, end);
  assert_int_equal(s.requests, 1);
  loop_client_close(&c);
  dial(&c);
  loop_client_text(&c, "POST /api/y" H "Content-Length: 3\r\n\r\nabcGET /admin/" H "\r\n");
  assert_int_equal(loop_client_response(&c, false, &body, &len, &end), 200);
  assert_string_equal(s.body, "abc");
  assert_true(loop_client_wait_closed(&c));
  assert_int_equal(s.requests, 2);
  loop_client_close(&c);
}

static void test_answer_later(void **state) {
  (void)state;
  struct loop_client c;
  const char *body;
  size_t len, end;
  s.later = true;
  dial(&c);
  loop_client_text(&c, "GET /api/x" H "\r\n");
  assert_true(loop_run_until(&s.loop, &s.requests, 1));
  for (int i = 0; i < 20; i++)
    uv_run(&s.loop, UV_RUN_NOWAIT);
  assert_null(c.in);
  answer(s.pending, "late");
  s.pending = NULL;
  assert_int_equal(loop_client_response(&c, false, &body, &len, &end), 200);
  assert_memory_equal(body, "late", 4);
  loop_client_close(&c);
  /* The client goes before its answer. */
  dial(&c);
  loop_client_text(&c, "POST /api/x" H "Content-Length: 1\r\n\r\nx");
  assert_true(loop_run_until(&s.loop, &s.requests, 2));
  loop_client_close(&c);
  for (int i = 0; i < 20; i++)
    uv_run(&s.loop, UV_RUN_NOWAIT);
  answer(s.pending, "late");
  s.pending = NULL;
}

/* What is still unanswered at the end stays valid (teardown answers it). */
static void test_close_with_a_pending_request(void **state) {
  (void)state;
  struct loop_client c;
  s.later = true;
  dial(&c);
  loop_client_text(&c, "GET /api/x" H "\r\n");
  assert_true(loop_run_until(&s.loop, &s.requests, 1));
  loop_client_close(&c);
}

static void test_endpoints_are_separate(void **state) {
  (void)state;
  struct loop_client c;
  const char *body;
  size_t len, end;
  loop_client_open(&c, &s.loop, listener_port(s.listener, 1));
  loop_client_text(&c, "GET /healthz" H "\r\n");
  assert_int_equal(loop_client_response(&c, false, &body, &len, &end), 200);
  assert_string_equal(s.seen, "admin GET /healthz");
  loop_client_close(&c);
  loop_client_open(&c, &s.loop, listener_port(s.listener, 1));
  /* A Host header that names the other endpoint changes nothing. */
  loop_client_text(&c, "GET /index.html HTTP/1.1\r\nHost: public\r\n\r\n");
  assert_int_equal(loop_client_response(&c, false, &body, &len, &end), 404);
  loop_client_close(&c);
  assert_int_equal(listener_port(s.listener, 2), 0);
}

static void test_large_file_and_reload(void **state) {
  (void)state;
  static char big[300001];
  struct loop_client c;
  const char *body;
  size_t len, end;
  memset(big, 'z', sizeof(big) - 1);
  write_file("web/big", big);
  expect("GET /big" H "\r\n", 404, NULL);
  assert_int_equal(listener_reload_files(s.listener), 0);
  dial(&c);
  loop_client_text(&c, "GET /big" H "\r\n");
  assert_int_equal(loop_client_response(&c, false, &body, &len, &end), 200);
  assert_int_equal(len, 300000);
  assert_memory_equal(body, big, len);
  loop_client_close(&c);
  char path[160];
  (void)snprintf(path, sizeof(path), "%s/web/big", s.folder);
  (void)remove(path);
}

static int setup_tls(void **state) {
  static struct fixture_certificate c;
  (void)state;
  fixture_certificate(&c, "localhost", NULL); /* self-signed, as --lan makes one */
  start(c.certificate, c.key);
  return 0;
}

/* Repeats a TLS call until it is through, turning the server's loop in between. */
static bool tls_step(SSL *tls, int result) {
  int error = SSL_get_error(tls, result);
  uv_run(&s.loop, UV_RUN_NOWAIT);
  return error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE;
}

static void test_tls_speaks_http1_only(void **state) {
  (void)state;
  static const unsigned char alpn[] = "\x02h2\x08http/1.1";
  static const char request[] = "GET /app.mjs" H "\r\n";
  struct loop_client c;
  SSL_CTX *context = SSL_CTX_new(TLS_client_method());
  SSL *tls = SSL_new(context);
  char text[4096] = "";
  const unsigned char *chosen = NULL;
  unsigned chosen_len = 0;
  int n, turns = 0;
  dial(&c);
  assert_int_equal(fcntl(c.fd, F_SETFL, O_NONBLOCK), 0);
  assert_int_equal(SSL_set_alpn_protos(tls, alpn, sizeof(alpn) - 1), 0);
  assert_int_equal(SSL_set_fd(tls, c.fd), 1);
  while ((n = SSL_connect(tls)) != 1 && turns++ < 1000 && tls_step(tls, n))
    continue;
  assert_int_equal(n, 1);
  SSL_get0_alpn_selected(tls, &chosen, &chosen_len);
  assert_int_equal(chosen_len, 8);
  assert_memory_equal(chosen, "http/1.1", 8);
  assert_true(SSL_version(tls) >= TLS1_2_VERSION);
  assert_int_equal(SSL_write(tls, request, sizeof(request) - 1), sizeof(request) - 1);
  for (size_t len = 0; !strstr(text, "export {};") && turns++ < 5000;) {
    n = SSL_read(tls, text + len, (int)(sizeof(text) - 1 - len));
    if (n > 0)
      len += (size_t)n;
    else if (!tls_step(tls, n))
      break;
  }
  assert_memory_equal(text, "HTTP/1.1 200 ", 13);
  assert_non_null(strstr(text, "export {};"));
  SSL_free(tls);
  SSL_CTX_free(context);
  loop_client_close(&c);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(test_files),
      TEST(test_headers_of_a_page),
      TEST(test_frame_ancestors),
      TEST(test_traversal),
      TEST(test_requests),
      TEST(test_no_header_injection),
      TEST(test_bad_requests),
      TEST(test_large_body_and_its_limit),
      TEST(test_pipelined),
      TEST(test_answer_later),
      TEST(test_close_with_a_pending_request),
      TEST(test_endpoints_are_separate),
      TEST(test_large_file_and_reload),
      cmocka_unit_test_setup_teardown(test_tls_speaks_http1_only, setup_tls, teardown),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
