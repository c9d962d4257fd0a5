/* server/gateway/session.c: ids, and the requests on their way. */
#include "tests/server/check.h"

#include "server/gateway/session.h"

static void test_ids(void **state) {
  (void)state;
  struct session_table t = {0};
  for (int i = 0; i < 200; i++) {
    struct session *s = session_table_add(&t, NULL);
    assert_non_null(s);
    assert_int_equal(strlen(s->id), SESSION_ID_BYTES - 1);
    assert_true(signaling_identifier_valid(s->id, strlen(s->id)));
    assert_int_equal(s->worker, -1);
    assert_true(s->origin_id >> 62 == 0);
    assert_ptr_equal(session_table_find(&t, s->id), s);
  }
  assert_int_equal(session_table_count(&t), 200); /* all different */
  session_table_clear(&t);
  assert_int_equal(session_table_count(&t), 0);
}

static void test_told_ids(void **state) {
  (void)state;
  struct session_table t = {0};
  struct session *s = session_table_add(&t, "s_told");
  assert_non_null(s);
  assert_null(session_table_add(&t, "s_told"));
  assert_null(session_table_add(&t, ""));
  assert_null(session_table_add(&t, "s_this-one-is-longer-than-ours-are"));
  session_table_remove(&t, s);
  assert_null(session_table_find(&t, "s_told"));
}

static struct sdp_offer *offer(void) {
  static const char text[] =
      "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\nm=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\n"
      "c=IN IP4 0.0.0.0\r\na=mid:0\r\na=ice-ufrag:abcd\r\na=ice-pwd:abcdefghijklmnopqrstuvwx\r\na=setup:actpass\r\n"
      "a=fingerprint:sha-256 "
      "00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF\r\n"
      "a=sctp-port:5000\r\n";
  struct sdp_offer *parsed = NULL;
  assert_int_equal(sdp_offer_parse(&parsed, text, strlen(text), NULL), SDP_OK);
  return parsed;
}

static void test_pending(void **state) {
  (void)state;
  struct session_table t = {0};
  struct session *s = session_table_add(&t, NULL);
  struct session_pending taken = {.offer = NULL};
  int64_t ids[SESSION_PENDING_MAX];
  assert_int_equal(session_pending_add(s, 1, SIGNALING_CHAT, NULL), SIGNALING_OK);
  assert_int_equal(session_pending_add(s, 2, SIGNALING_OFFER, offer()), SIGNALING_OK);
  assert_int_equal(session_pending_add(s, 3, SIGNALING_CHAT, NULL), SIGNALING_OK);
  assert_true(session_pending_take(s, 2, &taken));
  assert_non_null(taken.offer);
  assert_int_equal(taken.type, SIGNALING_OFFER);
  sdp_offer_free(taken.offer);
  assert_false(session_pending_take(s, 2, &taken)); /* once only */
  assert_int_equal(session_pending_drop(s, ids), 2);
  assert_true(ids[0] == 1 && ids[1] == 3);
  assert_int_equal(session_pending_drop(s, ids), 0);
  session_table_clear(&t);
}

static void test_pending_limits(void **state) {
  (void)state;
  struct session_table t = {0};
  struct session *s = session_table_add(&t, NULL);
  for (int i = 0; i < SESSION_OFFERS_MAX; i++)
    assert_int_equal(session_pending_add(s, i + 1, SIGNALING_OFFER, offer()), SIGNALING_OK);
  assert_int_equal(session_pending_add(s, 90, SIGNALING_OFFER, offer()), SIGNALING_BUSY); /* freed, not leaked */
  while (s->pending_count < SESSION_PENDING_MAX)
    assert_int_equal(session_pending_add(s, 100 + (int64_t)s->pending_count, SIGNALING_CHAT, NULL), SIGNALING_OK);
  assert_int_equal(session_pending_add(s, 91, SIGNALING_CHAT, NULL), SIGNALING_BUSY);
  session_table_clear(&t); /* with offers still waiting */
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_ids), cmocka_unit_test(test_told_ids),
                                     cmocka_unit_test(test_pending), cmocka_unit_test(test_pending_limits)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
