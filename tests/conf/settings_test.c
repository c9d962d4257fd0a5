/* conf/settings.c: the table itself, and values given as text. */
#include "tests/conf/expect.h"

#include "conf/settings.h"

static void test_table_is_sound(void **state) {
  (void)state;
  char name[96];
  struct config *c = fresh(); /* every default is accepted by its own row */
  for (size_t i = 0; i < settings_count; i++) {
    const struct setting *s = &settings[i];
    setting_name(s, name, sizeof name);
    assert_ptr_equal(setting_find(name), s); /* no name twice */
    assert_true(s->offset < sizeof(struct config));
    if (s->flags & SETTING_SECRET_FILE) { /* finish.c relies on the twin before it */
      assert_true(i > 0 && (settings[i - 1].flags & SETTING_SECRET));
      assert_string_equal(settings[i - 1].section, s->section);
    }
    for (size_t j = 0; j < i; j++)
      assert_int_not_equal(settings[j].offset, s->offset);
  }
  assert_null(setting_find("http"));
  assert_null(setting_find(""));
  config_free(c);
}

static void refuse(const char *name, const char *text, const char *words) {
  char why[256] = "";
  struct config *c = fresh();
  assert_int_equal(setting_assign_text(c, setting_find(name), CONFIG_FLAG, text, why, sizeof why), CONFIG_ERR_VALUE);
  assert_string_equal(why, words);
  config_free(c);
}

static void test_wrong_text(void **state) {
  (void)state;
  refuse("media.port", "", "\"\" is not a whole number");
  refuse("media.port", "80x", "\"80x\" is not a whole number");
  refuse("media.port", " 80", "\" 80\" is not a whole number");
  refuse("media.port", "99999999999999999999", "\"99999999999999999999\" is not a whole number");
  refuse("media.port", "-1", "-1 is not between 1 and 65535");
  refuse("calls.ring_seconds", "0", "0 is not between 1 and 600");
  refuse("rooms.topology", "AUTO", "\"AUTO\" is none of auto, never");
  refuse("http.trust_proxy", "1", "\"1\" is none of false, true");
  refuse("ice_servers", "a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p,q", "has more than 16 entries");
  refuse("http.listen", "a,  ,b", "entry 2 is empty");
}

static void test_weaker_layer_is_checked_but_not_stored(void **state) {
  (void)state;
  char why[64];
  struct config *c = fresh();
  const struct setting *port = setting_find("media.port");
  assert_int_equal(setting_assign_text(c, port, CONFIG_FLAG, "1", why, sizeof why), CONFIG_OK);
  assert_int_equal(setting_assign_text(c, port, CONFIG_FILE, "2", why, sizeof why), CONFIG_OK);
  assert_int_equal(c->media.port, 1);
  assert_int_equal(setting_layer(c, port), CONFIG_FLAG);
  assert_int_equal(setting_assign_text(c, port, CONFIG_FILE, "x", why, sizeof why), CONFIG_ERR_VALUE);
  config_free(c);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_table_is_sound), cmocka_unit_test(test_wrong_text),
                                     cmocka_unit_test(test_weaker_layer_is_checked_but_not_stored)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
