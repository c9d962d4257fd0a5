/* conf/load.c: values, absent and empty ones, and every mistake with the line where it stands. */
#include "tests/conf/expect.h"

#include <stdlib.h>
#include <unistd.h>

static void test_values_of_each_kind(void **state) {
  (void)state;
  struct config *c = from_yaml(
      "# comment\n"
      "runtime_directory: /tmp/c\n"
      "http:\n"
      "  listen: [\"127.0.0.1:1\", '[::1]:2']\n"
      "  trust_proxy: true\n"
      "media: {port: 5000, address: 10.0.0.1}\n"
      "rooms:\n"
      "  topology: never\n"
      "ice_servers:\n"
      "  - urls: [stun:a, stun:b]\n"
      "  - urls: [turn:c]\n"
      "    username: u\n"
      "    credential: p\n");
  assert_string_equal(c->runtime_directory, "/tmp/c");
  assert_int_equal(c->http.listen.count, 2);
  assert_string_equal(c->http.listen.items[1], "[::1]:2");
  assert_true(c->http.trust_proxy);
  assert_int_equal(c->media.port, 5000);
  assert_string_equal(c->media.address, "10.0.0.1");
  assert_int_equal(c->rooms.topology, CONFIG_TOPOLOGY_NEVER);
  assert_int_equal(c->rooms.max_participants, 100); /* absent: its default */
  assert_int_equal(c->ice_servers.count, 2);
  assert_int_equal(c->ice_servers.items[0].urls.count, 2);
  assert_null(c->ice_servers.items[0].username);
  assert_string_equal(c->ice_servers.items[1].credential, "p");
  config_free(c);
}

static void test_empty_list_is_not_an_absent_one(void **state) {
  (void)state;
  struct config *c = from_yaml("http:\n  admin_listen: []\n");
  assert_int_equal(c->http.admin_listen.count, 0);
  config_free(c);
  c = from_yaml("http:\n  listen: [\"127.0.0.1:9\"]\n");
  assert_int_equal(c->http.admin_listen.count, 1);
  config_free(c);
}

static void test_sections_and_files_without_content(void **state) {
  (void)state;
  config_free(from_yaml(""));
  config_free(from_yaml("# only a comment\n"));
  config_free(from_yaml("http:\nmedia:\n"));
}

static void test_mistakes_name_their_line(void **state) {
  (void)state;
  expect_refused("# c\nhttp:\n  listen: [a, b]\n  bogus: 1\n", CONFIG_ERR_KEY,
                 "test.yaml:4: http.bogus: no such setting");
  expect_refused("\n\nbogus: 1\n", CONFIG_ERR_KEY, "test.yaml:3: bogus: no such setting");
  expect_refused("http:\n\nmedia:\n  port: many\n", CONFIG_ERR_VALUE, "test.yaml:4: media.port: is not a whole number");
  expect_refused("media:\n  port: 0\n", CONFIG_ERR_VALUE, "test.yaml:2: media.port: 0 is not between 1 and 65535");
  expect_refused("media:\n  port: 1\n  port: 2\n", CONFIG_ERR_VALUE, "test.yaml:3: media.port: is here twice");
  expect_refused("log:\n  level: loud\n", CONFIG_ERR_VALUE,
                 "test.yaml:2: log.level: \"loud\" is none of error, warn, info, debug");
  expect_refused("http:\n  trust_proxy: maybe\n", CONFIG_ERR_VALUE,
                 "test.yaml:2: http.trust_proxy: \"maybe\" is none of false, true");
  expect_refused("rooms:\n  video_codecs:\n  - VP8\n  - H265\n", CONFIG_ERR_VALUE,
                 "test.yaml:2: rooms.video_codecs: \"H265\" is none of VP8, H264, VP9, AV1");
  expect_refused("http:\n  listen: 127.0.0.1:1\n", CONFIG_ERR_VALUE,
                 "test.yaml:2: http.listen: Expecting SEQUENCE, got event: SCALAR");
  expect_refused("http:\n  listen: [\"\"]\n", CONFIG_ERR_VALUE, "test.yaml:2: http.listen: entry 1 is empty");
}

static void test_what_is_no_yaml(void **state) {
  (void)state;
  expect_refused("http:\n\tport: 1\n", CONFIG_ERR_SYNTAX, "test.yaml:2: found character that cannot start any token");
  expect_refused("http: [\n", CONFIG_ERR_SYNTAX, "test.yaml:2: did not find expected node content");
}

static void test_hostile_shapes_are_errors_not_crashes(void **state) {
  (void)state;
  static const char *const texts[] = {"- a\n- b\n",
                                      "just text",
                                      "http: &a {listen: [x]}\nmedia: *a\n",
                                      "? [a]\n: b\n",
                                      "ice_servers: [{username: u}]\n",
                                      "ice_servers: [x]\n",
                                      "http: 3\n",
                                      "media:\n  port: 99999999999999999999\n",
                                      "{}\n--- {}\n: :\n"};
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
    char message[CONFIG_MESSAGE_BYTES] = "";
    struct config *c = fresh();
    assert_int_not_equal(config_load_text(c, texts[i], strlen(texts[i]), "t", message), CONFIG_OK);
    assert_memory_equal(message, "t:", 2);
    config_free(c);
  }
}

static void test_files(void **state) {
  (void)state;
  char message[CONFIG_MESSAGE_BYTES] = "", path[] = "/tmp/consilium-load-XXXXXX";
  struct config *c = fresh();
  assert_int_equal(config_load_file(c, "/nonexistent/x.yaml", message), CONFIG_ERR_FILE);
  assert_string_equal(message, "/nonexistent/x.yaml: cannot be opened");
  assert_int_equal(config_load_file(c, "/tmp", message), CONFIG_ERR_FILE);
  int fd = mkstemp(path);
  assert_true(fd >= 0 && write(fd, "media:\n  port: 77\n", 18) == 18 && close(fd) == 0);
  assert_int_equal(config_load_file(c, path, message), CONFIG_OK);
  assert_int_equal(c->media.port, 77);
  unlink(path);
  config_free(c);
}

/* The sample file mentions every setting, with its default. */
static void test_sample_file_equals_the_defaults(void **state) {
  (void)state;
  char message[CONFIG_MESSAGE_BYTES] = "", *keys = NULL, *sample = NULL, *plain = NULL, names[256];
  size_t length = 0;
  struct config *loaded = fresh(), *defaults = fresh();
  if (config_load_file(loaded, SAMPLE, message) != CONFIG_OK) fail_msg("%s", message);
  assert_int_equal(config_difference(defaults, loaded, names, sizeof names), 0);
  FILE *to = open_memstream(&sample, &length);
  config_print(loaded, CONFIG_SECRETS_SHOWN, to);
  fclose(to);
  to = open_memstream(&plain, &length);
  config_print(defaults, CONFIG_SECRETS_SHOWN, to);
  fclose(to);
  assert_string_equal(sample, plain);
  to = open_memstream(&keys, &length);
  config_print_keys(to);
  fclose(to);
  FILE *file = fopen(SAMPLE, "r");
  static char text[32768];
  assert_non_null(file);
  text[fread(text, 1, sizeof text - 1, file)] = '\0';
  fclose(file);
  for (char *rest = NULL, *line = strtok_r(keys, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
    char key[64];
    line[strcspn(line, " ")] = '\0';
    char *dot = strchr(line, '.');
    snprintf(key, sizeof key, "\n%s%s:", dot ? "  " : "", dot ? dot + 1 : line);
    if (!strstr(text, key)) fail_msg("the sample file lacks %s", line);
  }
  free(keys);
  free(sample);
  free(plain);
  config_free(loaded);
  config_free(defaults);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_values_of_each_kind),
      cmocka_unit_test(test_empty_list_is_not_an_absent_one),
      cmocka_unit_test(test_sections_and_files_without_content),
      cmocka_unit_test(test_mistakes_name_their_line),
      cmocka_unit_test(test_what_is_no_yaml),
      cmocka_unit_test(test_hostile_shapes_are_errors_not_crashes),
      cmocka_unit_test(test_files),
      cmocka_unit_test(test_sample_file_equals_the_defaults),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
