/* tests/signaling/listener_response_test.c: the bytes of an answer: its head, what may stand in it, its body in pieces, and
 * which statuses have none. */
#include "tests/signaling/listener_fixture.h"

#include <jansson.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define H         " HTTP/1.1\r\nHost: a\r\n\r\n"

#define LINE      "// a line that says the same again and again\n"
#define LONG_TEXT LINE LINE LINE LINE LINE LINE LINE LINE

static const char *const paths[] = {"/api/"};
static char folder[64], page_file[96], text_file[96], sdk_folder[80], sdk_file[96];
static struct listener_mount mount = {"/", folder};
static const struct listener_endpoint endpoint = {.name = "public",
                                                  .websocket_path = "/ws",
                                                  .shared_path = "/sdk/",
                                                  .request_paths = paths,
                                                  .request_path_count = 1,
                                                  .mounts = &mount,
                                                  .mount_count = 1};
static struct listener_response response;
static struct loop_client client;
static const char *body;
static size_t body_len;

static void answer(struct listener_request *request, const struct listener_request_view *view) {
  (void)view;
  listener_respond(request, &response);
}

static int ask(const char *request) {
  return fixture_ask(&client, request, &body, &body_len);
}

static void expect_line(const char *line) {
  const char *end = strstr(client.in, "\r\n\r\n"), *at = strstr(client.in, line);
  if (!at || at > end) fail_msg("%s is not in %s", line, client.in);
}

static void write_file(const char *path, const char *text) {
  FILE *f = fopen(path, "w");
  assert_non_null(f);
  (void)fputs(text, f);
  (void)fclose(f);
}

static int setup(void **state) {
  (void)state;
  (void)snprintf(folder, sizeof folder, "/tmp/consilium-pages-XXXXXX");
  assert_non_null(mkdtemp(folder));
  (void)snprintf(page_file, sizeof page_file, "%s/index.html", folder);
  (void)snprintf(sdk_folder, sizeof sdk_folder, "%s/sdk", folder);
  (void)snprintf(sdk_file, sizeof sdk_file, "%s/x.js", sdk_folder);
  assert_int_equal(mkdir(sdk_folder, 0700), 0);
  write_file(page_file, "<p>page</p>");
  write_file(sdk_file, "export {};");
  (void)snprintf(text_file, sizeof text_file, "%s/long.js", folder);
  write_file(text_file, LONG_TEXT);
  if (fixture_start(&endpoint, 1, NULL)) fail_msg("%s", fixture.why);
  fixture.answer = answer;
  response = (struct listener_response){.status = 200, .content_type = "text/plain", .body = "hello", .body_len = 5};
  return 0;
}

static int teardown(void **state) {
  unlink(sdk_file);
  unlink(text_file);
  rmdir(sdk_folder);
  unlink(page_file);
  rmdir(folder);
  return fixture_stop(state);
}

static void test_every_head_is_safe(void **state) {
  (void)state;
  static const char *const always[] = {"X-Content-Type-Options: nosniff\r\n",
                                       "Referrer-Policy: no-referrer\r\n",
                                       "X-Frame-Options: DENY\r\n",
                                       "Cross-Origin-Opener-Policy: same-origin\r\n",
                                       "Cross-Origin-Resource-Policy: same-origin\r\n",
                                       "Content-Security-Policy: ",
                                       "frame-ancestors 'none'",
                                       "Connection: close\r\n"};
  static const struct {
    const char *request, *cache, *policy;
    int status;
  } cases[] = {
      {"GET /api/x" H, "no-store", "default-src 'none'", 200},
      {"GET /" H, "no-cache", "default-src 'self'", 200},
      {"GET /nothing" H, "no-store", "default-src 'none'", 404},
      {"POST /index.html HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n", "no-store", "default-src 'none'", 405}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    char line[64];
    assert_int_equal(ask(cases[i].request), cases[i].status);
    for (size_t k = 0; k < sizeof always / sizeof *always; k++)
      expect_line(always[k]);
    (void)snprintf(line, sizeof line, "Cache-Control: %s\r\n", cases[i].cache);
    expect_line(line);
    (void)snprintf(line, sizeof line, "Content-Security-Policy: %s", cases[i].policy);
    expect_line(line);
    if (cases[i].status == 405) expect_line("Allow: GET, HEAD\r\n");
    loop_client_close(&client);
  }
}

/* Fetch §3.3.3: scripts of every origin may import what lies in the shared folder, found or known already; nothing else. */
static void test_the_shared_folder_alone_is_for_every_origin(void **state) {
  (void)state;
  static const char *const others[] = {"/", "/api/x", "/sdk/none.js", "/sdkx", "/index.html"};
  char request[200], etag[40];
  assert_int_equal(ask("GET /sdk/x.js HTTP/1.1\r\nHost: a\r\nOrigin: https://app.example\r\n\r\n"), 200);
  expect_line("\r\nAccess-Control-Allow-Origin: *\r\n");
  (void)snprintf(etag, sizeof etag, "%.34s", strstr(client.in, "ETag: ") + 6);
  loop_client_close(&client);
  (void)snprintf(request, sizeof request, "GET /sdk/x.js HTTP/1.1\r\nHost: a\r\nIf-None-Match: %s\r\n\r\n", etag);
  assert_int_equal(ask(request), 304);
  expect_line("\r\nAccess-Control-Allow-Origin: *\r\n");
  loop_client_close(&client);
  for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
    (void)snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: a\r\nOrigin: https://app.example\r\n\r\n",
                   others[i]);
    (void)ask(request);
    assert_null(strcasestr(client.in, "access-control-"));
    loop_client_close(&client);
  }
}

static void test_bodies_and_none(void **state) {
  (void)state;
  assert_int_equal(ask("GET /api/x" H), 200);
  expect_line("Content-Length: 5\r\n");
  expect_line("Content-Type: text/plain\r\n");
  assert_memory_equal(body, "hello", 5);
  assert_true(loop_client_wait_closed(&client)); /* one request a connection */
  loop_client_close(&client);
  assert_int_equal(ask("HEAD /api/x" H), 200);
  expect_line("Content-Length: 5\r\n"); /* what a GET would have had */
  assert_true(loop_client_wait_closed(&client));
  assert_int_equal(strcmp(strstr(client.in, "\r\n\r\n"), "\r\n\r\n"), 0);
  loop_client_close(&client);
  /* RFC 9110 §8.6 */
  for (response.status = 204;; response.status = 304) {
    assert_int_equal(ask("GET /api/x" H), response.status);
    assert_null(strstr(client.in, "Content-Length"));
    assert_true(loop_client_wait_closed(&client));
    assert_int_equal(strcmp(strstr(client.in, "\r\n\r\n"), "\r\n\r\n"), 0);
    loop_client_close(&client);
    if (response.status == 304) break;
  }
  response = (struct listener_response){.status = 200, .body = "hidden", .body_len = 6}; /* no type: no body */
  assert_int_equal(ask("GET /api/x" H), 200);
  expect_line("Content-Length: 0\r\n");
  assert_null(strstr(client.in, "\r\nContent-Type:"));
  assert_null(strstr(client.in, "hidden"));
  loop_client_close(&client);
  response = (struct listener_response){.status = 200, .content_type = "a/b", .body = "\0\r\n\0", .body_len = 4};
  assert_int_equal(ask("GET /api/x" H), 200);
  assert_int_equal(body_len, 4);
  assert_memory_equal(body, "\0\r\n\0", 4);
  loop_client_close(&client);
}

static void test_headers_cannot_be_smuggled(void **state) {
  (void)state;
  static const struct listener_header headers[] = {{"X-Good", "yes; a=\"b\""},
                                                   {"X-Line", "a\r\nSet-Cookie: b"},
                                                   {"X-Feed", "a\nSet-Cookie: b"},
                                                   {"X\r\nSet-Cookie", "b"},
                                                   {"X-Last", "z"}};
  response.headers = headers;
  response.header_count = 5;
  assert_int_equal(ask("GET /api/x" H), 200);
  expect_line("X-Good: yes; a=\"b\"\r\n");
  expect_line("X-Last: z\r\n");
  assert_null(strstr(client.in, "Set-Cookie"));
  assert_null(strstr(client.in, "X-Line"));
  loop_client_close(&client);
  /* A head that is longer than any first guess. */
  static char value[9000];
  memset(value, 'v', sizeof value - 1);
  const struct listener_header longer = {"X-Long", value};
  response.headers = &longer;
  response.header_count = 1;
  assert_int_equal(ask("GET /api/x" H), 200);
  const char *at = strstr(client.in, "X-Long: ");
  assert_non_null(at);
  assert_int_equal(strspn(at + 8, "v"), sizeof value - 1);
  assert_memory_equal(body, "hello", 5);
  loop_client_close(&client);
}

/* Much larger than a piece and than the socket's buffers; to somebody who reads slowly. */
static void test_a_large_body(void **state) {
  (void)state;
  static char big[1 << 20];
  for (size_t i = 0; i < sizeof big; i++)
    big[i] = (char)('a' + i * 7 / 3 % 26);
  response.body = big;
  response.body_len = sizeof big;
  int small = 32768;
  fixture_dial(&client, 0);
  (void)setsockopt(client.fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
  loop_client_text(&client, "GET /api/x" H);
  assert_true(loop_run_until(&fixture.loop, &fixture.requests, 1));
  fixture_turn();
  memset(big, 'X', 100); /* it was copied */
  size_t end;
  assert_int_equal(loop_client_response(&client, false, &body, &body_len, &end), 200);
  assert_int_equal(body_len, sizeof big);
  for (size_t i = 0; i < sizeof big; i++)
    if (body[i] != (char)('a' + i * 7 / 3 % 26)) fail_msg("byte %zu", i);
  assert_true(loop_client_wait_closed(&client));
  assert_int_equal(client.len, end);
  loop_client_close(&client);
  assert_int_equal(listener_stats(fixture.listener)->requests, 1);
}

/* It goes while most of the body is still to come. */
static void test_a_reader_that_goes(void **state) {
  (void)state;
  static char big[3 << 20];
  response.body = big;
  response.body_len = sizeof big;
  fixture_dial(&client, 0);
  loop_client_text(&client, "GET /api/x" H);
  assert_true(loop_client_wait(&client, "\r\n\r\n"));
  loop_client_close(&client);
  uint64_t end = uv_hrtime() + LOOP_CLIENT_MS * UINT64_C(1000000);
  while (listener_stats(fixture.listener)->connections && uv_hrtime() < end)
    fixture_turn();
  assert_int_equal(listener_stats(fixture.listener)->connections, 0);
}

static void test_files(void **state) {
  (void)state;
  char request[256];
  assert_int_equal(ask("GET /" H), 200);
  assert_memory_equal(body, "<p>page</p>", body_len);
  const char *etag = strstr(client.in, "ETag: ");
  assert_non_null(etag);
  (void)snprintf(request, sizeof request, "GET / HTTP/1.1\r\nHost: a\r\nIf-None-Match: %.*s\r\n\r\n",
                 (int)strcspn(etag + 6, "\r"), etag + 6);
  loop_client_close(&client);
  assert_int_equal(ask(request), 304);
  assert_null(strstr(client.in, "\r\nContent-Type:"));
  expect_line("ETag: ");
  loop_client_close(&client);
  assert_int_equal(ask("HEAD /" H), 200);
  expect_line("Content-Length: 11\r\n");
  loop_client_close(&client);
  assert_int_equal(listener_stats(fixture.listener)->files, 3);
  assert_int_equal(fixture.requests, 0);
}

static bool has_line(const char *line) {
  const char *end = strstr(client.in, "\r\n\r\n"), *at = strstr(client.in, line);
  return at && at < end;
}

/* RFC 9110 §12.5.3 and §8.8.3.3: who accepts gzip gets less, under a tag of its own, with HEAD and 304 as they are without. */
static void test_compressed_files(void **state) {
  (void)state;
  char request[256], tags[2][40], plain[32];
  static const char *const accept[] = {"", "Accept-Encoding: gzip, br\r\n"};
  for (size_t gzip = 0; gzip < 2; gzip++) {
    (void)snprintf(request, sizeof request, "GET /long.js HTTP/1.1\r\nHost: a\r\n%s\r\n", accept[gzip]);
    assert_int_equal(ask(request), 200);
    expect_line("Vary: Accept-Encoding\r\n");
    expect_line("Content-Type: text/javascript");
    assert_int_equal(has_line("Content-Encoding: gzip\r\n"), gzip);
    (void)snprintf(tags[gzip], sizeof tags[gzip], "%.*s", (int)strcspn(strstr(client.in, "ETag: ") + 6, "\r"),
                   strstr(client.in, "ETag: ") + 6);
    if (gzip) {
      assert_true(body_len < sizeof(LONG_TEXT) / 3);
      assert_memory_equal(body, "\x1f\x8b\x08", 3); /* RFC 1952 §2.3.1 */
    } else {
      assert_int_equal(body_len, sizeof(LONG_TEXT) - 1);
    }
    (void)snprintf(plain, sizeof plain, "Content-Length: %zu\r\n", body_len);
    loop_client_close(&client);
    (void)snprintf(request, sizeof request, "HEAD /long.js HTTP/1.1\r\nHost: a\r\n%s\r\n", accept[gzip]);
    assert_int_equal(ask(request), 200);
    expect_line(plain);
    assert_int_equal(has_line("Content-Encoding: gzip\r\n"), gzip);
    loop_client_close(&client);
  }
  assert_string_not_equal(tags[0], tags[1]);
  for (size_t known = 0; known < 2; known++)
    for (size_t gzip = 0; gzip < 2; gzip++) {
      (void)snprintf(request, sizeof request,
                     "GET /long.js HTTP/1.1\r\nHost: a\r\nIf-None-Match: \"x\", W/%s\r\n%s\r\n", tags[known],
                     accept[gzip]);
      assert_int_equal(ask(request), known == gzip ? 304 : 200);
      expect_line("Vary: Accept-Encoding\r\n");
      expect_line(tags[gzip]);
      if (known == gzip) assert_false(has_line("Content-Encoding"));
      loop_client_close(&client);
    }
  /* What is no smaller has one form. */
  assert_int_equal(ask("GET /sdk/x.js HTTP/1.1\r\nHost: a\r\nAccept-Encoding: gzip\r\n\r\n"), 200);
  assert_memory_equal(body, "export {};", body_len);
  assert_false(has_line("Vary"));
  loop_client_close(&client);
}

static void problem(struct listener_request *request, const struct listener_request_view *view) {
  bool bare = strcmp(view->path, "/api/bare") == 0;
  listener_respond_problem(request, bare ? 503 : 404, bare ? NULL : "room_not_found",
                           bare ? NULL : "No room \"a\\b\"\r\nSet-Cookie: x");
}

/* RFC 9457 §3 */
static void test_problems(void **state) {
  (void)state;
  fixture.answer = problem;
  assert_int_equal(ask("GET /api/x" H), 404);
  expect_line("Content-Type: application/problem+json\r\n");
  json_t *json = json_loadb(body, body_len, 0, NULL);
  assert_string_equal(json_string_value(json_object_get(json, "type")), "about:blank");
  assert_string_equal(json_string_value(json_object_get(json, "title")), "Not Found");
  assert_int_equal(json_integer_value(json_object_get(json, "status")), 404);
  assert_string_equal(json_string_value(json_object_get(json, "code")), "room_not_found");
  assert_string_equal(json_string_value(json_object_get(json, "detail")), "No room \"a\\b\"\r\nSet-Cookie: x");
  json_decref(json);
  loop_client_close(&client);
  assert_int_equal(ask("GET /api/bare" H), 503);
  json = json_loadb(body, body_len, 0, NULL);
  assert_int_equal(json_object_size(json), 3);
  json_decref(json);
  loop_client_close(&client);
}

/* What is refused before there is a request: a foreign page's WebSocket. */
static void test_refused_at_once(void **state) {
  (void)state;
  fixture_dial(&client, 0);
  assert_false(loop_client_upgrade(&client, "/ws", "Origin: https://elsewhere.example\r\n"));
  assert_int_equal(strncmp(client.in, "HTTP/1.1 403 Forbidden\r\n", 24), 0);
  expect_line("X-Content-Type-Options: nosniff\r\n");
  expect_line("Content-Length: 0\r\n");
  expect_line("Connection: close\r\n");
  assert_true(loop_client_wait_closed(&client));
  assert_int_equal(fixture.opened, 0);
  loop_client_close(&client);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void) {
  const struct CMUnitTest tests[] = {TEST(test_every_head_is_safe),
                                     TEST(test_the_shared_folder_alone_is_for_every_origin),
                                     TEST(test_bodies_and_none),
                                     TEST(test_headers_cannot_be_smuggled),
                                     TEST(test_a_large_body),
                                     TEST(test_a_reader_that_goes),
                                     TEST(test_files),
                                     TEST(test_compressed_files),
                                     TEST(test_problems),
                                     TEST(test_refused_at_once)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
