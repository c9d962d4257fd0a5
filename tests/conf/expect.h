/* Shared by the tests of conf/: cmocka's headers in their order, and a config from YAML text or an error message. */
#ifndef TESTS_CONF_EXPECT_H
#define TESTS_CONF_EXPECT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "conf/config.h"

#define SECRET "0123456789abcdef0123456789abcdef"

static inline struct config *fresh(void) {
  struct config *c = NULL;
  assert_int_equal(config_create(&c), CONFIG_OK);
  return c;
}

static inline struct config *from_yaml(const char *yaml) {
  char message[CONFIG_MESSAGE_BYTES] = "";
  struct config *c = fresh();
  if (config_load_text(c, yaml, strlen(yaml), "test.yaml", message) != CONFIG_OK) fail_msg("%s", message);
  return c;
}

static inline void expect_refused(const char *yaml, int error, const char *words) {
  char message[CONFIG_MESSAGE_BYTES] = "";
  struct config *c = fresh();
  assert_int_equal(config_load_text(c, yaml, strlen(yaml), "test.yaml", message), error);
  assert_string_equal(message, words);
  config_free(c);
}

#endif
