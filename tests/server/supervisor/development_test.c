/* server/supervisor/development.c: the settings of --dev and --lan pass the loader, and links are what they say. */
#include "tests/server/check.h"

#include <stdlib.h>

#include "server/supervisor/development.h"

static char why[CONFIG_MESSAGE_BYTES];

static struct config *load(bool lan) {
  const struct development_addresses addresses = {{"192.0.2.7", "2001:db8::7"}, 2};
  struct config *c = NULL;
  char *yaml = development_settings(&addresses, lan, why, sizeof why);
  assert_non_null(yaml);
  assert_int_equal(config_create(&c), CONFIG_OK);
  if (config_load_text(c, yaml, strlen(yaml), "dev", why) || config_finish(c, why)) fail_msg("%s", why);
  free(yaml);
  return c;
}

static void test_dev(void **state) {
  (void)state;
  char url[64], *links = NULL;
  size_t length;
  struct config *c = load(false), *again = load(false);
  assert_int_equal(development_refuse_public(c, why, sizeof why), 0);
  assert_string_not_equal(c->tokens.secret, again->tokens.secret);
  assert_string_not_equal(c->runtime_directory, again->runtime_directory);
  assert_int_equal(c->http.admin_listen.count, 0);
  /* Other addresses are told for Firefox's sake; nobody from elsewhere is heard on them. */
  assert_true(c->media.this_machine_only);
  assert_int_equal(c->media.announced_addresses.count, 2);
  assert_string_equal(c->media.announced_addresses.items[0], "127.0.0.1");
  assert_string_equal(c->media.announced_addresses.items[1], "192.0.2.7");
  development_base_url(c, url, sizeof url);
  assert_string_equal(url, "http://localhost:8080");
  FILE *to = open_memstream(&links, &length);
  development_print_links(c, url, to);
  fclose(to);
  assert_non_null(strstr(links, "http://localhost:8080/?room=demo&name=Second%20doctor&role=doctor&autojoin=1\n"));
  assert_non_null(strstr(links, "http://localhost:8080/admin/#token="));
  free(links);
  assert_int_equal(config_set(c, "http.listen=127.0.0.1:1,0.0.0.0:8080", why), CONFIG_OK);
  assert_int_equal(development_refuse_public(c, why, sizeof why), -1);
  assert_non_null(strstr(why, "0.0.0.0:8080"));
  config_free(c);
  config_free(again);
}

static void test_lan(void **state) {
  (void)state;
  char url[64];
  struct config *c = load(true);
  assert_false(c->media.this_machine_only);
  assert_int_equal(c->media.announced_addresses.count, 3);
  assert_string_equal(c->media.announced_addresses.items[2], "2001:db8::7");
  assert_string_equal(c->media.address, "0.0.0.0");
  assert_string_equal(c->media.address_ipv6, "::");
  assert_int_equal(c->http.listen.count, 1);
  assert_string_equal(c->http.listen.items[0], "[::]:8443");
  development_base_url(c, url, sizeof url);
  assert_string_equal(url, "https://localhost:8443");
  config_free(c);
}

static void test_base_url_of_other_addresses(void **state) {
  (void)state;
  static const char *const cases[][2] = {{"http.listen=192.0.2.1:80", "http://192.0.2.1:80"},
                                         {"http.listen=[2001:db8::1]:81", "http://[2001:db8::1]:81"},
                                         {"http.listen=[::]:82", "http://localhost:82"},
                                         {"http.listen=[::1]:83", "http://localhost:83"}};
  char url[64];
  struct config *c = load(false);
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    assert_int_equal(config_set(c, cases[i][0], why), CONFIG_OK);
    development_base_url(c, url, sizeof url);
    assert_string_equal(url, cases[i][1]);
  }
  config_free(c);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_dev), cmocka_unit_test(test_lan),
                                     cmocka_unit_test(test_base_url_of_other_addresses)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
