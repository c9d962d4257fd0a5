/* tests/ice/candidates_test.c: host candidates from configured addresses. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "ice/ice_agent.h"
// cmocka.h needs those above
#include <cmocka.h>

static void orders_families_and_priorities(void **state) {
  (void)state;
  const char *const ips[] = {"192.0.2.1", "192.0.2.2", "2001:db8::1", "192.0.2.3"};
  const char *const expected[] = {"[2001:db8::1]:9", "192.0.2.1:9", "192.0.2.2:9", "192.0.2.3:9"};
  struct ice_candidate c[ICE_MAX_CANDIDATES];
  char text[ICE_ADDRESS_TEXT_BYTES];
  assert_int_equal(ice_candidates_make(c, ICE_MAX_CANDIDATES, ips, 4, 9), 4);
  for (size_t i = 0; i < 4; i++) {
    assert_string_equal(ice_address_text(&c[i].address, true, text), expected[i]);
    if (i > 0) assert_true(c[i].priority < c[i - 1].priority);
    for (size_t j = 0; j < i; j++)
      assert_string_not_equal(c[i].foundation, c[j].foundation);
  }
  /* RFC 8445 §5.1.2.1: 2^24·126 + 2^8·65535 + (256 − 1), the number every host candidate of a single address shows. */
  assert_int_equal(c[0].priority, 2130706431);
}

static void skips_what_is_no_candidate(void **state) {
  (void)state;
  const char *const ips[] = {"0.0.0.0", "::", "example.org", "", "192.0.2.1", "::ffff:192.0.2.1", "192.0.2.1"};
  struct ice_candidate c[ICE_MAX_CANDIDATES];
  assert_int_equal(ice_candidates_make(c, ICE_MAX_CANDIDATES, ips, 7, 9), 1);
  assert_int_equal(ice_candidates_make(c, 0, ips, 7, 9), 0);
  assert_int_equal(ice_candidates_make(c, ICE_MAX_CANDIDATES, NULL, 0, 9), 0);
}

static void keeps_its_limit(void **state) {
  (void)state;
  char text[40][24];
  const char *ips[40];
  struct ice_candidate c[40];
  for (int i = 0; i < 40; i++) {
    snprintf(text[i], sizeof(text[i]), "10.0.0.%d", i + 1);
    ips[i] = text[i];
  }
  assert_int_equal(ice_candidates_make(c, 40, ips, 40, 9), ICE_MAX_CANDIDATES);
  assert_int_equal(ice_candidates_make(c, 3, ips, 40, 9), 3);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(orders_families_and_priorities),
                                     cmocka_unit_test(skips_what_is_no_candidate), cmocka_unit_test(keeps_its_limit)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
