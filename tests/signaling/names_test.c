/* tests/signaling/names_test.c: the whole role × request matrix, written out a second time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "signaling/role.h"

/* d doctor, p patient, i interpreter, o observer, a admin */
static const char *const allowed[SIGNALING_TYPE_COUNT] = {
    [SIGNALING_HELLO] = "dpioa",
    [SIGNALING_CHECK] = "dpioa",
    [SIGNALING_JOIN] = "dpioa",
    [SIGNALING_LEAVE] = "dpioa",
    [SIGNALING_OFFER] = "dpioa",
    [SIGNALING_CANDIDATE] = "dpioa",
    [SIGNALING_PUBLISH] = "dpia",
    [SIGNALING_UNPUBLISH] = "dpia",
    [SIGNALING_MUTE] = "dpia",
    [SIGNALING_VIEW] = "dpioa",
    [SIGNALING_CHAT] = "dpia",
    [SIGNALING_KICK] = "da",
    [SIGNALING_LOCK] = "da",
    [SIGNALING_CLOSE] = "da",
    [SIGNALING_SET_NAME] = "dpia",
    [SIGNALING_RAISE_HAND] = "dpia",
    [SIGNALING_PING] = "dpioa",
    [SIGNALING_ADMIT] = "da",
    [SIGNALING_ADMIT_ALL] = "da",
    [SIGNALING_DECLINE_WAITING] = "da",
    [SIGNALING_SEND_BACK] = "da",
    [SIGNALING_SET_POLICY] = "da",
    [SIGNALING_SIGNAL] = "dpia",
    [SIGNALING_DIRECT_STATE] = "dpia",
    [SIGNALING_INVITE] = "dpia",
    [SIGNALING_ACCEPT] = "dpia",
    [SIGNALING_DECLINE] = "dpia",
    [SIGNALING_CANCEL] = "dpia",
    [SIGNALING_CHECK_USER] = "da",
    [SIGNALING_CREATE_GUEST_LINK] = "da",
    [SIGNALING_REVOKE_GUEST_LINK] = "da",
};

static void test_matrix(void **state) {
  (void)state;
  for (int role = 0; role < SIGNALING_ROLE_COUNT; role++)
    for (int type = 0; type < SIGNALING_TYPE_COUNT; type++) {
      bool expected = strchr(allowed[type], signaling_role_name((enum signaling_role)role)[0]) != NULL;
      if (signaling_role_may((enum signaling_role)role, (enum signaling_type)type) != expected)
        fail_msg("%s %s", signaling_role_name((enum signaling_role)role),
                 signaling_type_name((enum signaling_type)type));
    }
  assert_false(signaling_role_may(SIGNALING_ROLE_COUNT, SIGNALING_PING));
  assert_false(signaling_role_may(SIGNALING_ROLE_ADMIN, SIGNALING_TYPE_COUNT));
}

static void test_rights(void **state) {
  (void)state;
  static const char *const holders[SIGNALING_RIGHT_COUNT] = {"da", "oa", "da"};
  for (int role = 0; role < SIGNALING_ROLE_COUNT; role++)
    for (int right = 0; right < SIGNALING_RIGHT_COUNT; right++)
      assert_int_equal(signaling_role_has((enum signaling_role)role, (enum signaling_right)right),
                       strchr(holders[right], signaling_role_name((enum signaling_role)role)[0]) != NULL);
  assert_false(signaling_role_has(SIGNALING_ROLE_COUNT, SIGNALING_RIGHT_JOIN_HIDDEN));
}

static void test_role_names(void **state) {
  (void)state;
  enum signaling_role role;
  for (int i = 0; i < SIGNALING_ROLE_COUNT; i++) {
    assert_int_equal(signaling_role_parse(signaling_role_name((enum signaling_role)i), &role), 0);
    assert_int_equal(role, i);
  }
  assert_int_equal(signaling_role_parse("Doctor", &role), -1);
  assert_int_equal(signaling_role_parse("", &role), -1);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_matrix), cmocka_unit_test(test_rights),
                                     cmocka_unit_test(test_role_names)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
