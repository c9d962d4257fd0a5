/* Key-frame requests: merged, limited, repeated; and what one receiver may cause. */
#include "rtp/keyframe_requests.h"

#include "tests/rtp/stream_fixture.h"

static void wishes_merge_and_are_limited_to_two_a_second(void **state) {
  (void)state;
  struct keyframe_requests k;
  keyframe_requests_init(&k);
  assert_int_equal(keyframe_requests_deadline(&k), INT64_MAX);
  assert_false(keyframe_requests_due(&k, 0));
  /* a thousand wishes a second for ten seconds, each request answered at once by a key frame */
  int sent = 0;
  for (int64_t now = 0; now < 10000000; now += 1000) {
    keyframe_requests_wish(&k, now);
    if (keyframe_requests_due(&k, now)) {
      sent++;
      keyframe_requests_arrived(&k, now);
    }
  }
  assert_int_equal(sent, 20 + KEYFRAME_BURST - 1);
  assert_int_equal(k.sent, sent);
}

static void the_first_wish_goes_at_once_and_is_repeated_until_the_keyframe(void **state) {
  (void)state;
  struct keyframe_requests k;
  keyframe_requests_init(&k);
  keyframe_requests_set_rtt(&k, 400000);
  keyframe_requests_wish(&k, 1000);
  assert_true(keyframe_requests_due(&k, 1000));
  assert_int_equal(keyframe_requests_deadline(&k), 1000 + 800000); /* twice the round trip */
  keyframe_requests_wish(&k, 2000);
  assert_false(keyframe_requests_due(&k, 2000));
  assert_true(keyframe_requests_due(&k, 801000));
  keyframe_requests_arrived(&k, 900000);
  assert_int_equal(keyframe_requests_deadline(&k), INT64_MAX);
  keyframe_requests_wish(&k, 850000); /* another one, too soon after the last request */
  assert_false(keyframe_requests_due(&k, 850000));
  assert_int_equal(keyframe_requests_deadline(&k), 801000 + KEYFRAME_SPACING_US);
  int64_t now = 901000;
  for (int i = 1; i < KEYFRAME_BURST; i++, now += KEYFRAME_SPACING_US) {
    assert_true(keyframe_requests_due(&k, now));
    keyframe_requests_arrived(&k, now + 9000);
    keyframe_requests_wish(&k, now + 10000);
    if (i + 1 < KEYFRAME_BURST) assert_int_equal(keyframe_requests_deadline(&k), now + KEYFRAME_SPACING_US);
  }
  assert_int_equal(keyframe_requests_deadline(&k), 801000 + KEYFRAME_MIN_INTERVAL_US); /* the burst is used up */
  keyframe_requests_cancel(&k);
  assert_false(keyframe_requests_due(&k, INT64_MAX - 1));
}

/* Chromium forgets a request that comes within 300 ms of one for another of its layers, as it does when somebody joins. */
static void a_forgotten_request_is_repeated_soon_once(void **state) {
  (void)state;
  struct keyframe_requests k;
  keyframe_requests_init(&k);
  keyframe_requests_set_rtt(&k, 20000);
  keyframe_requests_wish(&k, 0);
  assert_true(keyframe_requests_due(&k, 0));
  assert_int_equal(keyframe_requests_deadline(&k), KEYFRAME_SECOND_TRY_US);
  assert_true(keyframe_requests_due(&k, KEYFRAME_SECOND_TRY_US));
  assert_int_equal(keyframe_requests_deadline(&k), KEYFRAME_SECOND_TRY_US + KEYFRAME_MIN_INTERVAL_US);
}

static void a_silent_source_is_asked_more_and_more_rarely(void **state) {
  (void)state;
  struct keyframe_requests k;
  keyframe_requests_init(&k);
  keyframe_requests_wish(&k, 0);
  int sent = 0;
  int64_t last = 0, gap = 0;
  for (int64_t now = 0; now < 60000000; now += 10000) {
    if (!keyframe_requests_due(&k, now)) continue;
    gap = now - last;
    last = now;
    sent++;
  }
  assert_int_equal(gap, KEYFRAME_MAX_INTERVAL_US);
  assert_in_range(sent, 15, 25);
}

static void one_receiver_is_limited_too(void **state) {
  (void)state;
  struct keyframe_limiter l;
  keyframe_limiter_init(&l);
  int allowed = 0;
  for (int64_t now = 0; now < 10000000; now += 1000)
    allowed += keyframe_limiter_allow(&l, now);
  assert_in_range(allowed, 12, 14); /* the burst, then one a second */
  assert_int_equal(l.refused, 10000 - allowed);
}

/* Under 30 percent of loss: one at once, then one in two seconds. */
static void a_lossy_receiver_is_limited_more(void **state) {
  (void)state;
  struct keyframe_limiter l;
  keyframe_limiter_init(&l);
  l.lossy = true;
  int allowed = 0;
  assert_true(keyframe_limiter_allow(&l, 0));
  for (int64_t now = 1000; now <= 10000000; now += 1000)
    allowed += keyframe_limiter_allow(&l, now);
  assert_int_equal(allowed, 5);
  assert_true(keyframe_limiter_allow(&l, 20000000)); /* after a rest at once, and only one */
  assert_false(keyframe_limiter_allow(&l, 20000100));
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(wishes_merge_and_are_limited_to_two_a_second),
                                     cmocka_unit_test(the_first_wish_goes_at_once_and_is_repeated_until_the_keyframe),
                                     cmocka_unit_test(a_forgotten_request_is_repeated_soon_once),
                                     cmocka_unit_test(a_silent_source_is_asked_more_and_more_rarely),
                                     cmocka_unit_test(one_receiver_is_limited_too),
                                     cmocka_unit_test(a_lossy_receiver_is_limited_more)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
