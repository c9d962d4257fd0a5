/* tests/ice/srtp_backend_evp_test.c: the back-end on OpenSSL, which every machine has. */
#include "ice/srtp_backend.h"

static const struct srtp_backend_ops *const ops = &srtp_backend_evp;

#include "tests/ice/srtp_backend_checks.h"

static void is_what_it_says(void **state) {
  (void)state;
  assert_string_equal(ops->name, "evp");
  assert_null(ops->seal_later);
  assert_null(ops->finish);
  assert_null(ops->seal_cm_batch); /* it gains nothing from packets in a row */
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(is_what_it_says), SRTP_BACKEND_CHECKS};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
