/* tests/ice/sctp_names_test.c: every result and every drop reason has one name of its own, and no other number has one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "ice/sctp_association.h"

static void results(void **state) {
  (void)state;
  static const struct {
    int status;
    const char *name;
  } all[] = {{SCTP_OK, "ok"},
             {SCTP_BAD_ARGUMENT, "bad_argument"},
             {SCTP_NO_MEMORY, "no_memory"},
             {SCTP_NOT_CONNECTED, "not_connected"},
             {SCTP_NOT_OPEN, "not_open"},
             {SCTP_TOO_LARGE, "too_large"},
             {SCTP_QUEUE_FULL, "queue_full"},
             {SCTP_CHANNEL_LIMIT, "channel_limit"},
             {SCTP_LIBRARY_ERROR, "library_error"}};
  for (size_t i = 0; i < sizeof all / sizeof *all; i++)
    assert_string_equal(sctp_result_name(all[i].status), all[i].name);
  static const int none[] = {1, SCTP_LIBRARY_ERROR - 1, INT32_MAX, INT32_MIN};
  for (size_t i = 0; i < sizeof none / sizeof *none; i++)
    assert_string_equal(sctp_result_name(none[i]), "unknown");
}

/* They become label values of the metrics: small letters and underscores, all different. */
static void drop_reasons(void **state) {
  (void)state;
  for (int i = 0; i < SCTP_DROP_COUNT; i++) {
    const char *name = sctp_drop_name((enum sctp_drop)i);
    assert_non_null(name);
    assert_int_equal(strspn(name, "abcdefghijklmnopqrstuvwxyz_"), strlen(name));
    assert_true(*name);
    assert_string_not_equal(name, "unknown");
    for (int k = 0; k < i; k++)
      assert_string_not_equal(name, sctp_drop_name((enum sctp_drop)k));
  }
  assert_string_equal(sctp_drop_name(SCTP_DROP_PACKET_SIZE), "packet_size");
  assert_string_equal(sctp_drop_name(SCTP_DROP_DCEP_PARITY), "dcep_parity");
  assert_string_equal(sctp_drop_name(SCTP_DROP_UNKNOWN_PPID), "unknown_ppid");
  assert_string_equal(sctp_drop_name(SCTP_DROP_NO_MEMORY), "no_memory");
  assert_string_equal(sctp_drop_name(SCTP_DROP_COUNT), "unknown");
  assert_string_equal(sctp_drop_name((enum sctp_drop) - 1), "unknown");
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(results), cmocka_unit_test(drop_reasons)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
