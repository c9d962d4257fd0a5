/* tests/signaling/sdp_names_test.c */
#include "tests/signaling/sdp_build.h"

static void every_error_has_its_own_name(void **state) {
  (void)state;
  for (int error = SDP_OK; error >= SDP_ERROR_ANSWER; error--) {
    assert_string_not_equal(sdp_error_name(error), "unknown");
    assert_string_not_equal(sdp_error_text(error), "unknown error");
    for (int other = error - 1; other >= SDP_ERROR_ANSWER; other--) {
      assert_string_not_equal(sdp_error_name(error), sdp_error_name(other));
    }
  }
  assert_string_equal(sdp_error_name(SDP_ERROR_ANSWER - 1), "unknown");
  assert_string_equal(sdp_error_name(1), "unknown");
  assert_string_equal(sdp_error_name(INT32_MIN), "unknown");
  assert_string_equal(sdp_error_name(SDP_ERROR_TOO_MANY_RIDS), "too_many_rids");
  assert_string_equal(sdp_error_name(SDP_ERROR_SDES), "sdes");
}

static void names_go_both_ways(void **state) {
  (void)state;
  for (int kind = SDP_AUDIO; kind <= SDP_OTHER; kind++) {
    assert_int_equal(sdp_kind_from_name(sdp_kind_name((enum sdp_kind)kind)), kind);
  }
  for (int d = SDP_INACTIVE; d <= SDP_SENDRECV; d++) {
    assert_int_equal(sdp_direction_from_name(sdp_direction_name((enum sdp_direction)d)), d);
  }
  for (int setup = SDP_SETUP_ACTPASS; setup <= SDP_SETUP_PASSIVE; setup++) {
    assert_int_equal(sdp_setup_from_name(sdp_setup_name((enum sdp_setup)setup)), setup);
  }
  for (int i = 0; i < SDP_FEEDBACK_COUNT; i++) {
    assert_int_equal(sdp_feedback_from_name(sdp_feedback_name((enum sdp_feedback)(1 << i))), 1 << i);
  }
  assert_string_equal(sdp_feedback_name(SDP_FEEDBACK_NACK_PLI), "nack pli");
  assert_string_equal(sdp_direction_name(SDP_SENDONLY), "sendonly");
  assert_string_equal(sdp_unusable_name(SDP_UNUSABLE_NO_RTCP_MUX), "no_rtcp_mux");
  assert_int_equal(sdp_kind_from_name("Audio"), -1);
  assert_int_equal(sdp_feedback_from_name("nack "), -1);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(every_error_has_its_own_name),
                                     cmocka_unit_test(names_go_both_ways)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
