/* conf/position.c: lines of keys. */
#include "tests/conf/expect.h"

#include "conf/position.h"

static void test_lines(void **state) {
  (void)state;
  static const char text[] = "a: 1\nb:\n  c: 2\n\n  d: [x,\n    y]\na: 3\n";
  size_t line = 0;
  char why[64];
  struct position *p = position_create(text, strlen(text), &line, why, sizeof why);
  assert_non_null(p);
  assert_int_equal(position_line(p, "", "b"), 2);
  assert_int_equal(position_line(p, "b", "c"), 3);
  assert_int_equal(position_line(p, "b", "d"), 5);
  assert_int_equal(position_line(p, "", "a"), 7); /* the last of two */
  assert_int_equal(position_line(p, "b", "a"), 0);
  assert_int_equal(position_line(p, "a", "c"), 0); /* a is no mapping */
  assert_int_equal(position_line(p, "x", "c"), 0);
  position_free(p);
}

static void test_broken_and_empty_text(void **state) {
  (void)state;
  size_t line = 0;
  char why[64] = "";
  assert_null(position_create("a: 1\nb: }\n", 10, &line, why, sizeof why));
  assert_int_equal(line, 2);
  assert_true(*why);
  struct position *p = position_create("", 0, &line, why, sizeof why);
  assert_non_null(p);
  assert_int_equal(position_line(p, "", "a"), 0);
  position_free(p);
  position_free(NULL);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_lines), cmocka_unit_test(test_broken_and_empty_text)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
