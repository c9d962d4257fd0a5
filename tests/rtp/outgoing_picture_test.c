/* Picture numbers: closed up over dropped ones, reserved for lost ones, wrapping in 7 and 15 bits. */
#include "rtp/outgoing_internal.h"

#include "tests/rtp/stream_fixture.h"

static void dropped_pictures_leave_no_gap_and_lost_ones_do(void **state) {
  (void)state;
  struct picture_map p = {.last = 99};
  uint16_t ours = 0;
  assert_true(picture_map_place(&p, 5, 15, false, &ours));
  assert_int_equal(ours, 100);
  assert_true(picture_map_place(&p, 5, 15, true, &ours)); /* later packet: the first one decided */
  assert_int_equal(ours, 100);
  assert_false(picture_map_place(&p, 6, 15, true, &ours));
  assert_false(picture_map_place(&p, 6, 15, false, &ours));
  assert_true(picture_map_place(&p, 7, 15, false, &ours));
  assert_int_equal(ours, 101);
  assert_true(picture_map_place(&p, 10, 15, false, &ours)); /* 8 and 9 are missing: 102 and 103 wait for them */
  assert_int_equal(ours, 104);
  assert_false(picture_map_place(&p, 11, 15, true, &ours));
  assert_true(picture_map_place(&p, 12, 15, false, &ours));
  assert_int_equal(ours, 105);
  assert_true(picture_map_place(&p, 8, 15, true, &ours));
  assert_int_equal(ours, 102);
  assert_true(picture_map_place(&p, 9, 15, false, &ours));
  assert_int_equal(ours, 103);
  picture_map_begin(&p);
  assert_true(picture_map_place(&p, 30000, 15, false, &ours));
  assert_int_equal(ours, 106);
}

static void numbers_wrap_in_both_widths(void **state) {
  (void)state;
  for (uint8_t bits = 7; bits <= 15; bits = (uint8_t)(bits + 8)) {
    struct picture_map p = {.last = 32760};
    uint16_t mask = (uint16_t)((1U << bits) - 1), ours = 0;
    for (uint32_t i = 0; i < 70000; i++) {
      assert_true(picture_map_place(&p, (uint16_t)((mask - 3 + i) & mask), bits, false, &ours));
      assert_int_equal(ours, (32761 + i) & 0x7fff);
      if (i >= 50) { /* still remembered */
        assert_true(picture_map_place(&p, (uint16_t)((mask - 3 + i - 50) & mask), bits, false, &ours));
        assert_int_equal(ours, (32761 + i - 50) & 0x7fff);
      }
    }
  }
}

static void hostile_numbers_stay_in_range(void **state) {
  (void)state;
  uint64_t random = 5;
  struct picture_map p = {0};
  for (int i = 0; i < 100000; i++) {
    uint16_t ours = 0;
    uint8_t bits = fixture_random(&random) & 1 ? 15 : 7;
    uint16_t id = (uint16_t)(fixture_random(&random) & ((1U << bits) - 1));
    if (picture_map_place(&p, id, bits, fixture_random(&random) & 1, &ours)) assert_true(ours <= 0x7fff);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(dropped_pictures_leave_no_gap_and_lost_ones_do),
                                     cmocka_unit_test(numbers_wrap_in_both_widths),
                                     cmocka_unit_test(hostile_numbers_stay_in_range)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
