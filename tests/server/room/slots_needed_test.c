/* tests/server/room/slots_needed_test.c: asked for in fours, capped, at most once a second and never twice. */
#include "tests/server/room/harness.h"

static int asked(const struct seat *s, const char *kind) {
  return (int)json_integer_value(json_object_get(harness_last(s, "slotsNeeded"), kind));
}

static void asked_for_when_short(void **state) {
  (void)state;
  struct harness *h = harness_new(1);
  struct seat *me = harness_connect(h, 0, "doctor", 1, 1), *a = harness_connect(h, 1, "patient", 4, 4);
  (void)harness_publish(h, a, "cam", "camera");
  assert_int_equal(harness_count(me, "slotsNeeded"), 0); /* one is enough for one */
  (void)harness_publish(h, a, "screen", "screen");
  assert_int_equal(harness_count(me, "slotsNeeded"), 1);
  assert_int_equal(asked(me, "video"), 4);
  assert_int_equal(asked(me, "audio"), 1);
  harness_advance(h, 20 * SECOND);
  (void)harness_request(h, a, "raiseHand", json_pack("{s:b}", "raised", 1));
  assert_int_equal(harness_count(me, "slotsNeeded"), 1); /* not nagged */
  assert_string_equal(harness_send_offer(h, me, 1, 4), "");
  assert_int_equal(harness_count(me, "slotsNeeded"), 1);
  harness_check(h);
  harness_free(h);
}

static void at_most_once_a_second_and_capped(void **state) {
  (void)state;
  struct harness *h = harness_new(1);
  struct seat *me = harness_connect(h, 0, "doctor", 1, 1);
  for (size_t i = 1; i <= 20; i++) {
    struct seat *s = harness_connect(h, i, "patient", 0, 0);
    (void)harness_publish(h, s, "cam", "camera");
    (void)harness_publish(h, s, "mic", "microphone");
    (void)harness_publish(h, s, "sound", "screenAudio");
  }
  assert_int_equal(harness_count(me, "slotsNeeded"), 1);
  harness_advance(h, SECOND);
  assert_int_equal(harness_count(me, "slotsNeeded"), 2);
  assert_int_equal(asked(me, "video"), 16);
  assert_int_equal(asked(me, "audio"), 10); /* eight voices and two screens */
  harness_advance(h, 10 * SECOND);
  assert_int_equal(harness_count(me, "slotsNeeded"), 2);
  harness_free(h);
}

static void what_is_not_shown_needs_no_slot(void **state) {
  (void)state;
  struct harness *h = harness_new(1);
  struct seat *me = harness_connect(h, 0, "doctor", 1, 1), *a = harness_connect(h, 1, "patient", 0, 0);
  const char *id = harness_publish(h, a, "cam", "camera");
  (void)harness_request(
      h, me, "view",
      json_pack("{s:[{s:s, s:i, s:i, s:b}]}", "requests", "track", id, "width", 0, "height", 0, "visible", 0));
  (void)harness_publish(h, a, "screen", "screen");
  harness_advance(h, 5 * SECOND);
  assert_int_equal(harness_count(me, "slotsNeeded"), 0);
  harness_check(h);
  harness_free(h);
}

static void nobody_is_asked_before_the_first_offer(void **state) {
  (void)state;
  struct harness *h = harness_new(1);
  const struct seat *me = harness_join(h, 0, "doctor");
  struct seat *a = harness_connect(h, 1, "patient", 0, 0);
  (void)harness_publish(h, a, "cam", "camera");
  harness_advance(h, 5 * SECOND);
  assert_int_equal(harness_count(me, "slotsNeeded"), 0);
  harness_free(h);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(asked_for_when_short), cmocka_unit_test(at_most_once_a_second_and_capped),
      cmocka_unit_test(what_is_not_shown_needs_no_slot), cmocka_unit_test(nobody_is_asked_before_the_first_offer)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
