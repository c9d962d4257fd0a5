/* tests/signaling/listener_test.c: what a listener refuses to begin with, in words an operator can act on; its ports; reloading;
 * and its end. */
#include "tests/signaling/listener_fixture.h"

#include <arpa/inet.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define H " HTTP/1.1\r\nHost: a\r\n\r\n"

static char folder[64];

static void expect_error(const struct listener_endpoint *endpoints, size_t count, int error, const char *words) {
  int got = fixture_start(endpoints, count, NULL);
  if (got == 0) fixture_stop(NULL);
  if (got != error) fail_msg("%d, not %s: %s", got, listener_error_name(error), fixture.why);
  if (!strstr(fixture.why, words)) fail_msg("\"%s\" is not in \"%s\"", words, fixture.why);
  assert_null(fixture.listener);
}

static void write_file(const char *name, const char *text) {
  char path[160];
  (void)snprintf(path, sizeof path, "%s/%s", folder, name);
  FILE *f = fopen(path, "w");
  assert_non_null(f);
  (void)fputs(text, f);
  (void)fclose(f);
}

static void test_settings_that_cannot_work(void **state) {
  (void)state;
  struct listener_endpoint nine[LISTENER_ENDPOINTS_MAX + 1] = {0};
  expect_error(nine, 0, LISTENER_CONFIG, "1 to 8 endpoints");
  expect_error(nine, LISTENER_ENDPOINTS_MAX + 1, LISTENER_CONFIG, "1 to 8 endpoints");
  struct listener_endpoint e = {.name = "public", .certificate_pem = "x"};
  expect_error(&e, 1, LISTENER_CONFIG, "public: TLS needs one certificate and one key");
  e = (struct listener_endpoint){.key_file = "x"};
  expect_error(&e, 1, LISTENER_CONFIG, "TLS needs one certificate and one key");
  e = (struct listener_endpoint){.certificate_file = "x", .certificate_pem = "x", .key_pem = "x"};
  expect_error(&e, 1, LISTENER_CONFIG, "TLS needs one certificate and one key");
  e = (struct listener_endpoint){.websocket_path = "ws"};
  expect_error(&e, 1, LISTENER_CONFIG, "must begin with");
  static const struct listener_mount mounts[] = {{"pages/", "/tmp"}, {"/pages", "/tmp"}, {NULL, "/tmp"}, {"/", NULL}};
  for (size_t i = 0; i < sizeof mounts / sizeof *mounts; i++) {
    e = (struct listener_endpoint){.mounts = &mounts[i], .mount_count = 1};
    expect_error(&e, 1, LISTENER_CONFIG, "a folder's path must begin and end with");
  }
}

/* libwebsockets would let two share one socket, and answer with whichever it finds first. */
static void test_two_on_one_port(void **state) {
  (void)state;
  static const char *const pairs[][2] = {{"127.0.0.1", "127.0.0.1"}, {"0.0.0.0", "127.0.0.1"}, {"127.0.0.1", "::"}};
  for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
    const struct listener_endpoint two[] = {{.name = "a", .address = pairs[i][0], .port = 47111},
                                            {.name = "b", .address = pairs[i][1], .port = 47111}};
    expect_error(two, 2, LISTENER_CONFIG, "b: another endpoint has the same address and port");
  }
}

static void test_addresses_that_cannot_be_bound(void **state) {
  (void)state;
  struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
  socklen_t length = sizeof at;
  int taken = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  assert_int_equal(bind(taken, (struct sockaddr *)&at, sizeof at), 0);
  assert_int_equal(listen(taken, 1), 0);
  assert_int_equal(getsockname(taken, (struct sockaddr *)&at, &length), 0);
  char words[128];
  struct listener_endpoint e = {.name = "public", .port = ntohs(at.sin_port)};
  (void)snprintf(words, sizeof words, "public: cannot listen on 127.0.0.1 port %u: address already in use", e.port);
  expect_error(&e, 1, LISTENER_BIND, words);
  close(taken);
  e = (struct listener_endpoint){.name = "far", .address = "192.0.2.1", .port = 47112}; /* RFC 5737: nobody's */
  expect_error(&e, 1, LISTENER_BIND, "far: cannot listen on 192.0.2.1 port 47112: ");
  e = (struct listener_endpoint){.name = "far", .address = "no-such-interface", .port = 47112};
  expect_error(&e, 1, LISTENER_BIND, "no such address or interface");
  /* The first one was open already: it is given back. */
  const struct listener_endpoint two[] = {{.name = "near"}, e};
  expect_error(two, 2, LISTENER_BIND, "no such address or interface");
}

static void test_files_and_certificates_that_are_not_there(void **state) {
  (void)state;
  static const struct listener_mount nowhere = {"/", "/nowhere/at/all"};
  struct listener_endpoint e = {.name = "public", .mounts = &nowhere, .mount_count = 1};
  expect_error(&e, 1, LISTENER_FILES, "public: cannot read");
  e = (struct listener_endpoint){.certificate_file = "/nowhere/c.pem", .key_file = "/nowhere/k.pem"};
  expect_error(&e, 1, LISTENER_TLS, "cannot use the certificate /nowhere/c.pem");
}

static void test_one_a_process(void **state) {
  (void)state;
  const struct listener_endpoint e = {.name = "public"};
  const struct listener_config config = {.endpoints = &e, .endpoint_count = 1};
  const struct listener_events none = {0};
  struct listener *second = NULL;
  char why[128], small[6] = "xxxxx";
  assert_int_equal(fixture_start(&e, 1, NULL), LISTENER_OK);
  assert_int_equal(listener_create(&second, &fixture.loop, &config, &none, NULL, why, sizeof why), LISTENER_CONFIG);
  assert_non_null(strstr(why, "there is a listener in this process"));
  assert_null(second);
  assert_int_equal(listener_create(&second, &fixture.loop, &config, &none, NULL, NULL, 0), LISTENER_CONFIG);
  assert_int_equal(listener_create(&second, &fixture.loop, &config, &none, NULL, small, 3), LISTENER_CONFIG);
  assert_string_equal(small, "th"); /* cut to its space */
  assert_int_equal(small[3], 'x');
  assert_int_equal(fixture_stop(NULL), 0);
  assert_int_equal(fixture_start(&e, 1, NULL), LISTENER_OK); /* one after the other is fine */
}

static void test_ports_and_texts_are_its_own(void **state) {
  (void)state;
  char address[] = "127.0.0.1", path[] = "/hello", name[] = "first";
  const char *paths[] = {path};
  const struct listener_endpoint two[] = {
      {.name = name, .address = address, .request_paths = paths, .request_path_count = 1},
      {.name = "second", .address = "localhost"}};
  struct loop_client c;
  const char *body;
  size_t length;
  assert_int_equal(fixture_start(two, 2, NULL), LISTENER_OK);
  memset(path, 'x', 5); /* what it was told is copied */
  memset(address, 'x', 5);
  paths[0] = NULL;
  assert_true(listener_port(fixture.listener, 0) != 0 && listener_port(fixture.listener, 1) != 0);
  assert_int_not_equal(listener_port(fixture.listener, 0), listener_port(fixture.listener, 1));
  assert_int_equal(listener_port(fixture.listener, 2), 0);
  assert_int_equal(fixture_ask(&c, "GET /hello" H, &body, &length), 200);
  loop_client_close(&c);
}

static void expect_page(int status, const char *text) {
  struct loop_client c;
  const char *body;
  size_t length;
  assert_int_equal(fixture_ask(&c, "GET /page.txt" H, &body, &length), status);
  if (text) assert_memory_equal(body, text, length);
  loop_client_close(&c);
}

static void test_reloaded_files(void **state) {
  (void)state;
  char path[160], web[96], aside[96];
  (void)snprintf(web, sizeof web, "%s/web", folder);
  (void)snprintf(aside, sizeof aside, "%s/aside", folder);
  const struct listener_mount mount = {"/", web};
  const struct listener_endpoint e = {.name = "public", .mounts = &mount, .mount_count = 1};
  assert_int_equal(mkdir(web, 0700), 0);
  write_file("web/page.txt", "old");
  assert_int_equal(fixture_start(&e, 1, NULL), LISTENER_OK);
  write_file("web/page.txt", "new");
  expect_page(200, "old");
  assert_int_equal(listener_reload_files(fixture.listener), 0);
  expect_page(200, "new");
  /* An error keeps what there was, and is told. */
  assert_int_equal(rename(web, aside), 0);
  assert_int_equal(listener_reload_files(fixture.listener), LISTENER_FILES);
  assert_non_null(strstr(fixture.log, "public: cannot read"));
  expect_page(200, "new");
  (void)snprintf(path, sizeof path, "%s/page.txt", aside);
  unlink(path);
  rmdir(aside);
}

static void test_reloaded_certificates(void **state) {
  (void)state;
  static struct fixture_certificate one, two;
  char certificate[96], key[96];
  (void)snprintf(certificate, sizeof certificate, "%s/c.pem", folder);
  (void)snprintf(key, sizeof key, "%s/k.pem", folder);
  fixture_certificate(&one, "one", NULL);
  fixture_certificate(&two, "two", NULL);
  write_file("c.pem", one.certificate);
  write_file("k.pem", one.key);
  const struct listener_endpoint e[] = {{.name = "public", .certificate_file = certificate, .key_file = key},
                                        {.name = "plain"}};
  assert_int_equal(fixture_start(e, 2, NULL), LISTENER_OK);
  assert_int_equal(listener_reload_certificates(fixture.listener), 0);
  write_file("c.pem", two.certificate); /* half of the change */
  assert_int_equal(listener_reload_certificates(fixture.listener), LISTENER_TLS);
  assert_non_null(strstr(fixture.log, "public: cannot use the key"));
  write_file("k.pem", two.key);
  assert_int_equal(listener_reload_certificates(fixture.listener), 0);
  unlink(certificate);
  unlink(key);
}

static void test_names_of_errors(void **state) {
  (void)state;
  static const char *const names[] = {"ok",  "no_memory", "config", "event_library", "bind",
                                      "tls", "files",     "gone",   "slow_reader"};
  static const int errors[] = {LISTENER_OK,  LISTENER_NO_MEMORY, LISTENER_CONFIG, LISTENER_EVENT_LIBRARY, LISTENER_BIND,
                               LISTENER_TLS, LISTENER_FILES,     LISTENER_GONE,   LISTENER_SLOW_READER};
  for (size_t i = 0; i < sizeof errors / sizeof *errors; i++)
    assert_string_equal(listener_error_name(errors[i]), names[i]);
  assert_string_equal(listener_error_name(1), "unknown");
  assert_string_equal(listener_error_name(-99), "unknown");
  listener_close(NULL, NULL, NULL);
}

static int make(void **state) {
  (void)state;
  (void)snprintf(folder, sizeof folder, "/tmp/consilium-listener-XXXXXX");
  return mkdtemp(folder) ? 0 : -1;
}

static int clean(void **state) {
  (void)state;
  return rmdir(folder);
}

#define TEST(f) cmocka_unit_test_teardown(f, fixture_stop)

int main(void) {
  const struct CMUnitTest tests[] = {TEST(test_settings_that_cannot_work),
                                     TEST(test_two_on_one_port),
                                     TEST(test_addresses_that_cannot_be_bound),
                                     TEST(test_files_and_certificates_that_are_not_there),
                                     TEST(test_one_a_process),
                                     TEST(test_ports_and_texts_are_its_own),
                                     TEST(test_reloaded_files),
                                     TEST(test_reloaded_certificates),
                                     TEST(test_names_of_errors)};
  return cmocka_run_group_tests(tests, make, clean);
}
