/* tests/ice/drop_reason_test.c: every reason has a name of its own, fit for a metric label. */
#include "ice/drop_reason.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
// cmocka.h needs those above
#include <cmocka.h>

static void names_are_unique_labels(void **state) {
  (void)state;
  for (int i = 0; i < ICE_DROP_REASONS; i++) {
    const char *name = ice_drop_reason_name((enum ice_drop_reason)i);
    assert_string_not_equal(name, "invalid");
    assert_int_equal(strspn(name, "abcdefghijklmnopqrstuvwxyz_"), strlen(name));
    for (int j = 0; j < i; j++)
      assert_string_not_equal(name, ice_drop_reason_name((enum ice_drop_reason)j));
  }
  assert_string_equal(ice_drop_reason_name(ICE_DROP_REASONS), "invalid");
  assert_string_equal(ice_drop_reason_name((enum ice_drop_reason) - 1), "invalid");
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(names_are_unique_labels)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
