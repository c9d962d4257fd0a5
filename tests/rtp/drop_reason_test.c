/* Every drop reason has a name of its own. */
#include "rtp/drop_reason.h"

#include "tests/rtp/stream_fixture.h"

static void names_are_complete_and_distinct(void **state) {
  (void)state;
  for (int a = 0; a < RTP_DROP_COUNT; a++) {
    assert_string_not_equal(rtp_drop_reason_name((enum rtp_drop_reason)a), "unknown");
    for (int b = 0; b < a; b++) {
      assert_string_not_equal(rtp_drop_reason_name((enum rtp_drop_reason)a),
                              rtp_drop_reason_name((enum rtp_drop_reason)b));
    }
  }
  assert_string_equal(rtp_drop_reason_name(RTP_DROP_COUNT), "unknown");
  assert_string_equal(rtp_drop_reason_name((enum rtp_drop_reason) - 1), "unknown");
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(names_are_complete_and_distinct)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
