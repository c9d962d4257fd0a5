/* tests/server/room/names_test.c: every enum has its wire word. */
#include "tests/server/room/harness.h"

static void words(void **state) {
  (void)state;
  assert_string_equal(room_kind_name(ROOM_AUDIO), "audio");
  assert_string_equal(room_kind_name(ROOM_VIDEO), "video");
  static const char *const sources[] = {"microphone", "camera", "screen", "screenAudio"};
  for (int i = 0; i < 4; i++)
    assert_string_equal(room_source_name((enum room_source)i), sources[i]);
  static const char *const priorities[] = {"low", "normal", "high"};
  for (int i = 0; i < 3; i++)
    assert_string_equal(room_priority_name((enum room_priority)i), priorities[i]);
  assert_string_equal(room_source_name((enum room_source)9), "unknown");
}

static void errors(void **state) {
  (void)state;
  assert_string_equal(room_error_name(ROOM_OK), "ok");
  assert_string_equal(room_error_name(ROOM_ERROR_ROOM), "room");
  assert_string_equal(room_error_name(ROOM_ERROR_SESSION), "session");
  assert_string_equal(room_error_name(1), "unknown");
  assert_string_equal(room_error_name(-8), "unknown");
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(words), cmocka_unit_test(errors)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
