/* conf/print.c: what is printed reads back the same, secrets are masked, differences are named. */
#include "tests/conf/expect.h"

#include <stdlib.h>

static char *print(const struct config *c, enum config_secrets secrets) {
  char *text = NULL;
  size_t length = 0;
  FILE *to = open_memstream(&text, &length);
  assert_int_equal(config_print(c, secrets, to), CONFIG_OK);
  fclose(to);
  return text;
}

static void test_reads_back_the_same(void **state) {
  (void)state;
  struct config *c = from_yaml(
      "runtime_directory: \"/tmp/a \\\"b\\\" \\\\ \\x07 \\u00e9\"\n"
      "http: {admin_listen: [], allowed_origins: [\"https://a\", \"https://b: #c\"], trust_proxy: true}\n"
      "tokens: {secret: \"" SECRET
      ": [x] # y\", secret_file: /nowhere}\n"
      "ice_servers: [{urls: [\"turn:a\"], username: u, credential: \"p\\\"q\"}]\n");
  char *text = print(c, CONFIG_SECRETS_SHOWN);
  struct config *back = from_yaml(text);
  assert_string_equal(back->runtime_directory, c->runtime_directory);
  assert_string_equal(back->tokens.secret, SECRET ": [x] # y");
  assert_string_equal(back->tokens.secret_file, ""); /* its content is the secret already */
  assert_string_equal(back->ice_servers.items[0].credential, "p\"q");
  char *again = print(back, CONFIG_SECRETS_SHOWN);
  assert_string_equal(text, again);
  free(text);
  free(again);
  config_free(c);
  config_free(back);
}

static void test_no_secret_is_printed_masked(void **state) {
  (void)state;
  struct config *c = from_yaml(
      "tokens: {secret: canary-1}\nadmin: {token: canary-2}\nturn: {secret: canary-3}\n"
      "ice_servers: [{urls: [\"turn:a\"], username: u, credential: canary-4}]\n");
  char *text = print(c, CONFIG_SECRETS_MASKED);
  assert_null(strstr(text, "canary"));
  assert_non_null(strstr(text, "  secret: \"********\""));
  config_free(c);
  free(text);
  c = fresh(); /* an empty secret is not shown as a set one */
  text = print(c, CONFIG_SECRETS_MASKED);
  assert_null(strstr(text, "****"));
  config_free(c);
  free(text);
}

static void test_difference_names_what_needs_a_restart(void **state) {
  (void)state;
  char names[128];
  struct config *a = from_yaml("media: {port: 1}\nlog: {level: debug}\n");
  struct config *b = from_yaml("media: {port: 2}\nhttp: {listen: [x]}\nlog: {level: info}\ntokens: {secret: z}\n");
  assert_int_equal(config_difference(a, b, names, sizeof names), 2);
  assert_string_equal(names, "http.listen, media.port");
  assert_int_equal(config_difference(a, a, names, sizeof names), 0);
  assert_string_equal(names, "");
  assert_int_equal(config_difference(a, b, names, 6), 2); /* cut, not overrun */
  assert_string_equal(names, "http.");
  config_free(a);
  config_free(b);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_reads_back_the_same),
                                     cmocka_unit_test(test_no_secret_is_printed_masked),
                                     cmocka_unit_test(test_difference_names_what_needs_a_restart)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
