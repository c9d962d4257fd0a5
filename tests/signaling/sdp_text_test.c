/* tests/signaling/sdp_text_test.c */
#include "signaling/sdp_text.h"

#include "tests/signaling/sdp_build.h"

static void words_are_cut_at_spaces(void **state) {
  (void)state;
  char text[] = "  a bc   d ";
  char *rest = text;
  assert_string_equal(sdp_text_word(&rest), "a");
  assert_string_equal(sdp_text_word(&rest), "bc");
  assert_string_equal(sdp_text_word(&rest), "d");
  assert_null(sdp_text_word(&rest));
  assert_null(sdp_text_word(&rest));
}

static void numbers_are_whole_and_bounded(void **state) {
  (void)state;
  uint64_t n = 7;
  assert_true(sdp_text_number("0", 127, &n) && n == 0);
  assert_true(sdp_text_number("127", 127, &n) && n == 127);
  assert_true(sdp_text_number("0000000000000000000000000012", 127, &n) && n == 12);
  assert_true(sdp_text_number("18446744073709551615", UINT64_MAX, &n) && n == UINT64_MAX);
  const char *const bad[] = {"", " 1", "1 ", "+1", "-1", "128", "0x1", "1.0", "99999999999999999999999999999999"};
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
    assert_false(sdp_text_number(bad[i], 127, &n));
  assert_false(sdp_text_number("18446744073709551616", UINT64_MAX, &n));
  assert_false(sdp_text_number("9", 5, &n)); /* a digit above the whole range must not wrap */
}

static void character_classes(void **state) {
  (void)state;
  assert_true(sdp_text_is_token("audio-0_x!", 16));
  assert_false(sdp_text_is_token("", 16));
  assert_false(sdp_text_is_token("a b", 16));
  assert_false(sdp_text_is_token("a:b", 16));
  assert_true(sdp_text_is_token("0123456789abcdef", 16));
  assert_false(sdp_text_is_token("0123456789abcdefg", 16));
  assert_true(sdp_text_is_rid("q-1_H"));
  assert_false(sdp_text_is_rid("q;h"));
  assert_false(sdp_text_is_rid(""));
  assert_true(sdp_text_is_ice("aB+/", 4));
  assert_false(sdp_text_is_ice("aB+", 4));
  assert_false(sdp_text_is_ice("aB+=", 4));
  assert_true(sdp_text_is_visible("", 4));
  assert_false(sdp_text_is_visible("a\r\nb", 9));
  assert_false(sdp_text_is_visible("\xc3\xa4", 9));
  assert_false(sdp_text_is_visible("12345", 4));
}

static void fingerprints(void **state) {
  (void)state;
  char text[] = "ab:0f";
  assert_string_equal(sdp_text_hash("SHA-256"), "sha-256");
  assert_null(sdp_text_hash("sha-1")); /* RFC 8122 §5 leaves SHA-1 to the past */
  assert_true(sdp_text_is_fingerprint("sha-256", PRINT));
  assert_false(sdp_text_is_fingerprint("sha-384", PRINT));
  assert_false(sdp_text_is_fingerprint("sha-256", ""));
  char broken[] = PRINT;
  broken[2] = '-';
  assert_false(sdp_text_is_fingerprint("sha-256", broken));
  broken[2] = ':';
  broken[3] = 'g';
  assert_false(sdp_text_is_fingerprint("sha-256", broken));
  sdp_text_upper(text);
  assert_string_equal(text, "AB:0F");
}

static void fmtp_parameters(void **state) {
  (void)state;
  size_t len = 99;
  const char *fmtp = "minptime=10; useinbandfec=1;x;profile-level-id=42e01f ";
  assert_int_equal(sdp_fmtp_number(fmtp, "minptime", -1), 10);
  assert_int_equal(sdp_fmtp_number(fmtp, "UseInBandFEC", -1), 1);
  assert_int_equal(sdp_fmtp_number(fmtp, "min", -1), -1);
  assert_int_equal(sdp_fmtp_number(fmtp, "profile-level-id", -1), -1);
  assert_int_equal(sdp_fmtp_number("apt=99999999999", "apt", -1), -1);
  assert_int_equal(sdp_fmtp_number(NULL, "apt", -1), -1);
  assert_memory_equal(sdp_fmtp_find(fmtp, "profile-level-id", &len), "42e01f", 6);
  assert_int_equal(len, 6);
  assert_non_null(sdp_fmtp_find(fmtp, "x", &len));
  assert_int_equal(len, 0);
  assert_null(sdp_fmtp_find(";;; ;", "x", &len));
  assert_null(sdp_fmtp_find("", "x", &len));
}

static void arena_refuses_what_does_not_fit(void **state) {
  (void)state;
  char room[4];
  struct sdp_arena arena = {.next = room, .end = room + sizeof room};
  assert_string_equal(sdp_arena_copy(&arena, "ab"), "ab");
  assert_null(sdp_arena_copy(&arena, "c"));
  assert_string_equal(sdp_arena_copy(&arena, ""), "");
  assert_null(sdp_arena_copy(&arena, ""));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(words_are_cut_at_spaces), cmocka_unit_test(numbers_are_whole_and_bounded),
      cmocka_unit_test(character_classes),       cmocka_unit_test(fingerprints),
      cmocka_unit_test(fmtp_parameters),         cmocka_unit_test(arena_refuses_what_does_not_fit),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
