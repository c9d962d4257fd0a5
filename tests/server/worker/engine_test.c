/* tests/server/worker/engine_test.c: datagrams find their peer; three browsers forward to one another; nothing stays behind. */
#include "tests/server/worker/engine_harness.h"

static void three_members_forward_to_one_another(void **state) {
  (void)state;
  struct harness *h = harness_new();
  static const char *const roles[] = {"doctor", "patient", "interpreter"};
  static const char *const offers[] = {"chromium", "firefox", "chromium"};
  struct browser *m[3];
  struct source mics[3];
  const char *tracks[3];
  for (size_t i = 0; i < 3; i++) {
    m[i] = harness_join(h, roles[i]);
    browser_offer(m[i], offers[i]);
    browser_connect(m[i]);
  }
  for (size_t i = 0; i < 3; i++) {
    tracks[i] = strdup(browser_publish(m[i], "0", "microphone"));
    mics[i] = source_audio(m[i], "0");
  }
  for (int n = 0; n < 10; n++) {
    for (size_t i = 0; i < 3; i++)
      source_send(&mics[i], false);
    harness_advance(h, 20 * MILLISECOND);
  }
  for (size_t i = 0; i < 3; i++) {
    for (size_t k = 0; k < 3; k++) {
      if (i == k) continue;
      const char *mid = browser_slot_of(m[i], tracks[k]);
      assert_non_null(mid);
      const struct sdp_ssrc ssrc = browser_slot_ssrc(m[i], mid);
      assert_int_equal(browser_count_ssrc(m[i], ssrc.ssrc), 10);
      for (size_t n = 0; n < 10; n++) {
        const struct got *got = browser_nth(m[i], ssrc.ssrc, n);
        assert_int_equal(got_ssrc(got), mics[k].ssrc);
        assert_int_equal(got_seq(got), 1000 + n);
        assert_int_equal(got->p.payload_type, browser_pt(m[i], mid, "opus"));
        assert_int_equal(got->x.mid.len, strlen(mid));
        assert_memory_equal(got->x.mid.data, mid, strlen(mid));
        if (n) assert_int_equal(got->p.seq, (uint16_t)(browser_nth(m[i], ssrc.ssrc, n - 1)->p.seq + 1));
      }
    }
    assert_int_equal(m[i]->rtp_count, 20);
    assert_int_equal(m[i]->undecryptable, 0);
  }
  for (size_t i = 0; i < 3; i++)
    free((void *)(uintptr_t)tracks[i]);
  harness_free(h);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(three_members_forward_to_one_another),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
