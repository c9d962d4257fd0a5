/* conf/finish.c: secret files and the checks of the whole. */
#include "tests/conf/expect.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static char message[CONFIG_MESSAGE_BYTES];

static void finish(const char *yaml, int error, const char *words) {
  struct config *c = from_yaml(yaml);
  strcpy(message, "");
  assert_int_equal(config_finish(c, message), error);
  assert_string_equal(message, words);
  config_free(c);
}

#define WITH(yaml) "tokens: {secret: " SECRET "}\n" yaml

static void test_a_sound_config(void **state) {
  (void)state;
  finish(WITH(""), CONFIG_OK, "");
  finish(WITH("http: {listen: [\"0.0.0.0:80\", \"[::]:80\", \"localhost:1\"], allowed_origins: [\"https://a:8443\"]}"),
         CONFIG_OK, "");
}

static void test_what_is_refused(void **state) {
  (void)state;
  static const char listen[] = " is no address:port, such as 127.0.0.1:8080 or [::1]:8080";
  char words[160];
  static const char *const wrong[] = {"8080", "127.0.0.1", "127.0.0.1:65536", "::1:80", "127.0.0.1:", "host:80", ":80"};
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    char yaml[160];
    snprintf(yaml, sizeof yaml, WITH("http: {listen: [\"%s\"]}"), wrong[i]);
    snprintf(words, sizeof words, "http.listen: \"%s\"%s", wrong[i], listen);
    finish(yaml, CONFIG_ERR_VALUE, words);
  }
  finish(WITH("http: {listen: []}"), CONFIG_ERR_VALUE, "http.listen: is empty: nobody could connect");
  finish(WITH("http: {tls_key: /k}"), CONFIG_ERR_VALUE, "http.tls_certificate and http.tls_key: give both or none");
  finish(WITH("http: {allowed_origins: [\"*\"]}"), CONFIG_ERR_VALUE,
         "http.allowed_origins: \"*\" is no origin, such as https://clinic.example (no path, no wildcard)");
  finish(WITH("http: {frame_ancestors: [\"https://a; script-src *\"]}"), CONFIG_ERR_VALUE,
         "http.frame_ancestors: \"https://a; script-src *\" is no origin, such as https://clinic.example (no path, no "
         "wildcard)");
  finish(WITH("http: {allowed_origins: [\"https://a/b\"]}"), CONFIG_ERR_VALUE,
         "http.allowed_origins: \"https://a/b\" is no origin, such as https://clinic.example (no path, no wildcard)");
  static const char *const urls[] = {"meet.clinic.example", "https://",    "https:///x",
                                     "https://a/",          "https://a/#", "http://u@a"};
  for (size_t i = 0; i < sizeof urls / sizeof *urls; i++) {
    char yaml[160];
    snprintf(yaml, sizeof yaml, WITH("http: {public_url: \"%s\"}"), urls[i]);
    snprintf(words, sizeof words,
             "http.public_url: \"%s\" is no address such as https://meet.clinic.example (no slash at the end)",
             urls[i]);
    finish(yaml, CONFIG_ERR_VALUE, words);
  }
  finish(WITH("http: {public_url: \"https://a:8443/meet\"}"), CONFIG_OK, "");
  finish(WITH("calls: {ring_seconds: 1}"), CONFIG_OK, "");
  finish(WITH("limits: {send_queue_bytes: 911360}"), CONFIG_OK, "");
  finish(WITH("limits: {send_queue_bytes: 911359}"), CONFIG_ERR_VALUE,
         "limits.send_queue_bytes: a full room would let nobody in; 100 participants (rooms.max_participants) need "
         "911360");
  finish(WITH("limits: {send_queue_bytes: 660480}\nrooms: {max_participants: 2}"), CONFIG_OK, "");
  finish(WITH("limits: {send_queue_bytes: 1048576}\nrooms: {max_participants: 1000}"), CONFIG_ERR_VALUE,
         "limits.send_queue_bytes: a full room would let nobody in; 1000 participants (rooms.max_participants) need "
         "3215360");
  finish(WITH("media: {address: \"\"}"), CONFIG_ERR_VALUE,
         "media.address and media.address_ipv6: one of them is needed");
  finish(WITH("media: {address: \"::1\"}"), CONFIG_ERR_VALUE, "media.address: is no IPv4 address");
  finish(WITH("media: {port: 65535, workers: 2}"), CONFIG_ERR_VALUE,
         "media.port: leaves no room for a port per worker below 65536");
  finish(WITH("media: {announced_addresses: [host]}"), CONFIG_ERR_VALUE,
         "media.announced_addresses: holds something that is no numeric address");
  finish(WITH("runtime_directory: run"), CONFIG_ERR_VALUE, "runtime_directory: is no absolute path");
}

static void test_secrets_by_length(void **state) {
  (void)state;
  finish("", CONFIG_ERR_SECRET,
         "tokens.secret (or tokens.secret_file): is needed; `openssl rand -base64 48` makes one");
  finish("tokens: {secret: short}", CONFIG_ERR_SECRET, "tokens.secret: is shorter than 32 bytes");
  finish(WITH("admin: {token: short}"), CONFIG_ERR_SECRET, "admin.token: is shorter than 16 bytes");
  finish(WITH("turn: {secret: s}"), CONFIG_ERR_SECRET, "turn.urls: is empty though turn.secret is set");
  finish(WITH("turn: {urls: [\"turn:a\"]}"), CONFIG_ERR_SECRET, "turn.secret: is needed for turn.urls");
}

static void test_secret_files(void **state) {
  (void)state;
  char path[] = "/tmp/consilium-secret-XXXXXX", assignment[80], words[200];
  int fd = mkstemp(path);
  assert_true(fd >= 0 && write(fd, SECRET "\n", strlen(SECRET) + 1) > 0);
  snprintf(assignment, sizeof assignment, "tokens.secret_file=%s", path);
  struct config *c = fresh();
  assert_int_equal(config_set(c, assignment, message), CONFIG_OK);
  assert_int_equal(config_finish(c, message), CONFIG_OK);
  assert_string_equal(c->tokens.secret, SECRET);
  config_free(c);

  c = from_yaml("tokens: {secret: the-secret-of-the-file-is-weaker-than-this}"); /* flag over file: the flag wins */
  assert_int_equal(config_set(c, assignment, message), CONFIG_OK);
  assert_int_equal(config_finish(c, message), CONFIG_OK);
  assert_string_equal(c->tokens.secret, SECRET);
  config_free(c);

  c = fresh(); /* both in one layer: which one is meant? */
  assert_int_equal(config_set(c, assignment, message), CONFIG_OK);
  assert_int_equal(config_set(c, "tokens.secret=" SECRET, message), CONFIG_OK);
  assert_int_equal(config_finish(c, message), CONFIG_ERR_SECRET);
  assert_string_equal(message, "tokens.secret_file: its secret is given as text too: leave one out");
  config_free(c);

  assert_int_equal(fchmod(fd, 0644), 0);
  c = fresh();
  assert_int_equal(config_set(c, assignment, message), CONFIG_OK);
  assert_int_equal(config_finish(c, message), CONFIG_ERR_SECRET);
  snprintf(words, sizeof words, "tokens.secret_file: %s: can be read or written by everybody: chmod o-rwx", path);
  assert_string_equal(message, words);
  config_free(c);
  close(fd);
  unlink(path);
  finish("tokens: {secret_file: /nonexistent/s}", CONFIG_ERR_SECRET,
         "tokens.secret_file: /nonexistent/s: cannot be opened");
  finish("tokens: {secret_file: /tmp}", CONFIG_ERR_SECRET, "tokens.secret_file: /tmp: is no regular file");
}

static void test_addresses(void **state) {
  (void)state;
  char host[16];
  assert_int_equal(config_split_address("[::1]:443", host, sizeof host), 443);
  assert_string_equal(host, "::1");
  assert_int_equal(config_split_address("a-host-name-that-is-too-long:1", host, sizeof host), CONFIG_ERR_VALUE);
  assert_true(config_address_is_loopback("127.9.9.9"));
  assert_true(config_address_is_loopback("::1"));
  assert_true(config_address_is_loopback("localhost"));
  assert_false(config_address_is_loopback("0.0.0.0"));
  assert_false(config_address_is_loopback("::"));
  assert_false(config_address_is_loopback("127.evil.example"));
}

/* The queue follows the people unless it was set itself. */
static void test_the_queue_for_a_large_room(void **state) {
  (void)state;
  struct config *c = from_yaml(WITH("rooms: {max_participants: 1000}"));
  assert_int_equal(config_finish(c, message), CONFIG_OK);
  assert_int_equal(c->limits.send_queue_bytes, 3215360);
  config_free(c);
  c = from_yaml(WITH("rooms: {max_participants: 10}"));
  assert_int_equal(config_finish(c, message), CONFIG_OK);
  assert_int_equal(c->limits.send_queue_bytes, 1048576);
  config_free(c);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_the_queue_for_a_large_room),
                                     cmocka_unit_test(test_a_sound_config),
                                     cmocka_unit_test(test_what_is_refused),
                                     cmocka_unit_test(test_secrets_by_length),
                                     cmocka_unit_test(test_secret_files),
                                     cmocka_unit_test(test_addresses)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
