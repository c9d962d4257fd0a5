/* conf/config.c: environment, command line, and which layer wins whatever the order of the calls. */
#include "tests/conf/expect.h"

static char message[CONFIG_MESSAGE_BYTES];

static void load(struct config *c, const char *yaml) {
  assert_int_equal(config_load_text(c, yaml, strlen(yaml), "t", message), CONFIG_OK);
}

static void test_layers_win_in_either_order(void **state) {
  (void)state;
  char *const environment[] = {"CONSILIUM_MEDIA_PORT=2000", "CONSILIUM_MEDIA_WORKERS=2", "PATH=/bin", NULL};
  struct config *up = fresh(), *down = fresh();
  load(up, "media: {port: 1000, workers: 1, address: 10.0.0.1}");
  assert_int_equal(config_load_environment(up, environment, message), CONFIG_OK);
  assert_int_equal(config_set(up, "media.port=3000", message), CONFIG_OK);
  assert_int_equal(config_set(down, "media.port=3000", message), CONFIG_OK);
  assert_int_equal(config_load_environment(down, environment, message), CONFIG_OK);
  load(down, "media: {port: 1000, workers: 1, address: 10.0.0.1}");
  for (struct config *c = up; c; c = c == up ? down : NULL) {
    assert_int_equal(c->media.port, 3000);
    assert_int_equal(c->media.workers, 2);
    assert_string_equal(c->media.address, "10.0.0.1");
  }
  config_free(up);
  config_free(down);
}

static void test_environment_values(void **state) {
  (void)state;
  char *const environment[] = {"CONSILIUM_RUNTIME_DIRECTORY=/tmp/x", "CONSILIUM_HTTP_LISTEN=127.0.0.1:1, [::1]:2",
                               "CONSILIUM_HTTP_ADMIN_LISTEN=", "CONSILIUM_ICE_SERVERS=stun:a,stun:b", NULL};
  struct config *c = fresh();
  assert_int_equal(config_load_environment(c, environment, message), CONFIG_OK);
  assert_string_equal(c->runtime_directory, "/tmp/x");
  assert_int_equal(c->http.listen.count, 2);
  assert_string_equal(c->http.listen.items[1], "[::1]:2");
  assert_int_equal(c->http.admin_listen.count, 0);
  assert_int_equal(c->ice_servers.count, 2);
  assert_string_equal(c->ice_servers.items[1].urls.items[0], "stun:b");
  config_free(c);
}

static void test_environment_mistakes(void **state) {
  (void)state;
  char *const typo[] = {"CONSILIUM_HTTP_LITSEN=x", NULL}, *const value[] = {"CONSILIUM_MEDIA_PORT=x", NULL};
  char *const foreign[] = {"CONSILIUM_FUZZ_SECONDS=20", "CONSILIUM=1", "NOTHING", NULL};
  struct config *c = fresh();
  assert_int_equal(config_load_environment(c, typo, message), CONFIG_ERR_KEY);
  assert_string_equal(message, "environment CONSILIUM_HTTP_LITSEN: no such setting");
  assert_int_equal(config_load_environment(c, value, message), CONFIG_ERR_VALUE);
  assert_string_equal(message, "environment CONSILIUM_MEDIA_PORT: \"x\" is not a whole number");
  assert_int_equal(config_load_environment(c, foreign, message), CONFIG_OK);
  config_free(c);
}

static void test_command_line_mistakes(void **state) {
  (void)state;
  struct config *c = fresh();
  assert_int_equal(config_set(c, "media.port", message), CONFIG_ERR_SYNTAX);
  assert_int_equal(config_set(c, "=5", message), CONFIG_ERR_SYNTAX);
  assert_int_equal(config_set(c, "media.prot=5", message), CONFIG_ERR_KEY);
  assert_string_equal(message, "media.prot: no such setting");
  assert_int_equal(config_set(c, "media.port=65536", message), CONFIG_ERR_VALUE);
  assert_string_equal(message, "media.port: 65536 is not between 1 and 65535");
  assert_int_equal(c->media.port, 40000);
  config_free(c);
}

static void test_free_accepts_null(void **state) {
  (void)state;
  config_free(NULL);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_layers_win_in_either_order), cmocka_unit_test(test_environment_values),
      cmocka_unit_test(test_environment_mistakes),       cmocka_unit_test(test_command_line_mistakes),
      cmocka_unit_test(test_free_accepts_null),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
