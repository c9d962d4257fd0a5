/* server/options.c: flags, and the order of the layers as the program applies them. */
#include "tests/server/check.h"

#include <stdlib.h>
#include <unistd.h>

#include "server/options.h"

#define SECRET "0123456789abcdef0123456789abcdef"

static void parse(struct options *o, const char *const *words) {
  char *argv[16] = {(char *)(uintptr_t) "consilium"};
  int argc = 1;
  for (; words[argc - 1]; argc++)
    argv[argc] = (char *)(uintptr_t)words[argc - 1];
  options_parse(o, argc, argv);
}

static void test_flags_over_environment_over_file(void **state) {
  (void)state;
  char path[] = "/tmp/consilium-options-XXXXXX", message[CONFIG_MESSAGE_BYTES];
  static const char yaml[] =
      "tokens: {secret: " SECRET "}\nmedia: {port: 1000, workers: 1}\nrooms: {max_participants: 5}\n";
  struct options o;
  struct config *c = NULL;
  int fd = mkstemp(path);
  assert_true(fd >= 0 && write(fd, yaml, strlen(yaml)) == (ssize_t)strlen(yaml));
  close(fd);
  setenv("CONSILIUM_MEDIA_PORT", "2000", 1);
  setenv("CONSILIUM_MEDIA_WORKERS", "2", 1);
  parse(&o, (const char *const[]){"-c", path, "--media-port", "3000", "--set", "log.level=debug", NULL});
  assert_int_equal(options_load_config(&o, &c, message), CONFIG_OK);
  assert_int_equal(c->media.port, 3000);
  assert_int_equal(c->media.workers, 2);
  assert_int_equal(c->rooms.max_participants, 5);
  assert_int_equal(c->log.level, CONFIG_LOG_DEBUG);
  config_free(c);
  options_free(&o);
  unsetenv("CONSILIUM_MEDIA_PORT");
  unsetenv("CONSILIUM_MEDIA_WORKERS");

  parse(&o, (const char *const[]){"-c", path, NULL}); /* --dev's settings are weaker than the file's only by order: */
  o.dev_settings = strdup("media: {port: 4000}\nlimits: {rooms: 7}\n");
  assert_int_equal(options_load_config(&o, &c, message), CONFIG_OK);
  assert_int_equal(c->media.port, 1000);
  assert_int_equal(c->limits.rooms, 7);
  config_free(c);
  options_free(&o);
  unlink(path);
}

static void test_shapes(void **state) {
  (void)state;
  struct options o;
  char message[CONFIG_MESSAGE_BYTES];
  struct config *c = NULL;
  parse(&o, (const char *const[]){"--lan", "--http", "127.0.0.1:1", NULL});
  assert_true(o.dev && o.lan);
  assert_null(options_config_file(&o));
  assert_string_equal(o.sets[0], "http.listen=127.0.0.1:1");
  options_free(&o);
  parse(&o, (const char *const[]){"--check-config", "--set", "nonsense", NULL});
  assert_int_equal(o.action, OPTIONS_CHECK_CONFIG);
  assert_int_equal(options_load_config(&o, &c, message), CONFIG_ERR_SYNTAX);
  options_free(&o);
  parse(&o, (const char *const[]){"token", "--room", "r", "--identity", "i", "--ttl", "5", NULL});
  assert_int_equal(o.action, OPTIONS_TOKEN);
  assert_string_equal(o.token.name, "i");
  assert_string_equal(o.token.role, "patient");
  assert_int_equal(o.token.ttl_seconds, 5);
  assert_false(o.token.calls || o.token.wait);
  options_free(&o);
  parse(&o, (const char *const[]){"token", "--identity", "i", "--calls", "--wait", NULL});
  assert_null(o.token.room);
  assert_true(o.token.calls && o.token.wait);
  options_free(&o);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_flags_over_environment_over_file),
                                     cmocka_unit_test(test_shapes)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
