/* server/calls/calls.c: pages that come, get lost, return and go; who is busy; what time ends. */
#include "tests/server/calls/harness.h"

static void test_all_pages_ring_and_late_ones_too(void **state) {
  (void)state;
  struct world w;
  struct calls_invited call;
  world_start(&w, 1);
  struct page *ann = page_open(&w, 0, "ann", 'H'), *one = page_open(&w, 1, "bob", 'p'),
              *two = page_open(&w, 2, "bob", 'p');
  assert_int_equal(page_invite(&w, ann, "bob", &call), SIGNALING_OK);
  struct page *late = page_open(&w, 3, "bob", 'p'), *observer = page_open(&w, 4, "bob", 'o');
  assert_string_equal(one->incoming, call.call);
  assert_string_equal(two->incoming, call.call);
  assert_string_equal(late->incoming, call.call);
  assert_string_equal(observer->incoming, "");
  assert_int_equal(page_accept(&w, two, call.call), SIGNALING_OK);
  assert_int_equal(two->last_end, CALLS_END_ANSWERED);
  assert_int_equal(one->last_end, CALLS_END_ACCEPTED_ELSEWHERE);
  assert_int_equal(late->last_end, CALLS_END_ACCEPTED_ELSEWHERE);
  assert_int_equal(ann->last_end, CALLS_END_ANSWERED);
  assert_int_equal(page_accept(&w, one, call.call), SIGNALING_CALL_NOT_FOUND); /* a moment too late */
  assert_int_equal(observer->notices, 0);
  world_end(&w);
}

static void test_who_is_away_rings_on_arrival(void **state) {
  (void)state;
  struct world w;
  struct calls_invited call;
  world_start(&w, 1);
  struct page *ann = page_open(&w, 0, "ann", 'h'), *cid = page_open(&w, 1, "cid", 'h');
  assert_int_equal(page_invite(&w, ann, "bob", &call), SIGNALING_OK);
  assert_int_equal(page_invite(&w, cid, "bob", NULL), SIGNALING_OK);
  assert_int_equal(ann->notices + cid->notices, 0);
  struct page *bob = page_open(&w, 2, "bob", 'p');
  assert_string_equal(bob->incoming, call.call); /* who called first */
  assert_int_equal(ann->last, CALLS_RINGS);
  assert_int_equal(cid->last_end, CALLS_END_BUSY);
  assert_int_equal(cid->last_states[0], CALLS_BUSY);
  world_end(&w);
}

static void test_end_in_an_absence_is_told_at_the_return(void **state) {
  (void)state;
  struct world w;
  struct calls_invited call;
  world_start(&w, 1);
  struct page *ann = page_open(&w, 0, "ann", 'h'), *bob = page_open(&w, 1, "bob", 'p');
  page_invite(&w, ann, "bob", &call);
  page_lost(&w, bob);
  page_cancel(&w, ann, call.call);
  assert_int_equal(bob->ends, 0);
  page_resumed(&w, bob);
  assert_int_equal(bob->ends, 1);
  assert_int_equal(bob->last_end, CALLS_END_CANCELLED);
  page_lost(&w, bob);
  page_resumed(&w, bob);
  assert_int_equal(bob->ends, 1); /* once */
  page_invite(&w, ann, "bob", &call);
  page_lost(&w, ann);
  page_accept(&w, bob, call.call);
  assert_int_equal(ann->ends, 1);
  page_resumed(&w, ann);
  assert_int_equal(ann->ends, 2);
  assert_int_equal(ann->last_end, CALLS_END_ANSWERED);
  assert_int_equal(ann->last_states[0], CALLS_ACCEPTED);
  world_end(&w);
}

static void test_time_out(void **state) {
  (void)state;
  struct world w;
  world_start(&w, 1);
  struct page *ann = page_open(&w, 0, "ann", 'h'), *bob = page_open(&w, 1, "bob", 'p');
  page_invite(&w, ann, "bob,nobody", NULL);
  world_pass(&w, 45 * SECOND - 1);
  assert_int_equal(bob->ends, 0);
  assert_true(calls_deadline(w.calls) == w.now_us + 1);
  world_pass(&w, 1);
  assert_int_equal(bob->last_end, CALLS_END_TIMED_OUT);
  assert_int_equal(ann->last_end, CALLS_END_TIMED_OUT);
  assert_int_equal(ann->last_states[1], CALLS_TIMED_OUT);
  world_end(&w);
}

static void test_caller_gone(void **state) {
  (void)state;
  struct world w;
  world_start(&w, 1);
  struct page *ann = page_open(&w, 0, "ann", 'h'), *bob = page_open(&w, 1, "bob", 'p'),
              *cid = page_open(&w, 2, "cid", 'p');
  page_invite(&w, ann, "bob", NULL);
  page_lost(&w, ann);
  world_pass(&w, 14 * SECOND);
  assert_int_equal(bob->ends, 0); /* a reload is no hanging up */
  page_resumed(&w, ann);
  assert_int_equal(ann->outgoing_count, 1);
  page_lost(&w, ann);
  world_pass(&w, 15 * SECOND);
  assert_int_equal(bob->last_end, CALLS_END_CALLER_GONE);
  page_resumed(&w, ann);
  assert_int_equal(ann->last_end, CALLS_END_CALLER_GONE);
  page_invite(&w, ann, "bob,cid", NULL);
  page_accept(&w, cid, cid->incoming);
  page_close(&w, ann); /* its session ends: at once */
  assert_int_equal(bob->last_end, CALLS_END_CALLER_GONE);
  assert_int_equal(cid->last_end, CALLS_END_ANSWERED);
  world_end(&w);
}

static void test_callee_gone_may_come_back(void **state) {
  (void)state;
  struct world w;
  struct calls_invited call;
  world_start(&w, 1);
  struct page *ann = page_open(&w, 0, "ann", 'h'), *bob = page_open(&w, 1, "bob", 'p');
  page_invite(&w, ann, "bob", &call);
  page_close(&w, bob);
  assert_int_equal(ann->ends, 0);
  bob = page_open(&w, 1, "bob", 'p');
  assert_string_equal(bob->incoming, call.call);
  page_close(&w, bob);
  world_pass(&w, 45 * SECOND);
  assert_int_equal(ann->last_end, CALLS_END_TIMED_OUT);
  world_end(&w);
}

static void presence(const struct world *w, const char *identity, bool online, bool busy) {
  struct calls_presence p = calls_presence(w->calls, identity, w->now_us);
  assert_int_equal(p.online, online);
  assert_int_equal(p.busy, busy);
}

static void test_presence(void **state) {
  (void)state;
  struct world w;
  world_start(&w, 1);
  struct page *ann = page_open(&w, 0, "ann", 'h');
  presence(&w, "bob", false, false);
  struct page *bob = page_open(&w, 1, "bob", 'p');
  presence(&w, "bob", true, false);
  page_invite(&w, ann, "bob", NULL);
  presence(&w, "bob", true, true);
  presence(&w, "ann", true, true);
  page_accept(&w, bob, bob->incoming);
  presence(&w, "bob", true, true); /* on the way into the room */
  page_join(&w, bob);
  world_pass(&w, CALLS_ENGAGED_US);
  presence(&w, "bob", true, true);
  presence(&w, "ann", true, false); /* never came */
  page_leave(&w, bob);
  presence(&w, "bob", true, false);
  page_join(&w, bob);
  page_lost(&w, bob);
  presence(&w, "bob", false, false);
  page_open(&w, 2, "bob", 'o');
  presence(&w, "bob", false, false); /* observers are not there */
  page_open(&w, 3, "bob", 'p');
  presence(&w, "bob", true, false); /* the lost page was the one before the reload */
  page_resumed(&w, bob);
  presence(&w, "bob", true, true);
  world_end(&w);
}

static void test_leaving_hangs_up(void **state) {
  (void)state;
  struct world w;
  world_start(&w, 1);
  struct page *ann = page_open(&w, 0, "ann", 'h'), *bob = page_open(&w, 1, "bob", 'p');
  page_join(&w, ann);
  page_invite(&w, ann, "bob", NULL);
  calls_session_left(w.calls, ann->id, false, w.now_us); /* the media process died: it will join again */
  ann->joined = false;
  assert_int_equal(bob->ends, 0);
  page_join(&w, ann);
  page_leave(&w, ann);
  assert_int_equal(bob->last_end, CALLS_END_CANCELLED);
  world_end(&w);
}

static void test_unknown_sessions_are_ignored(void **state) {
  (void)state;
  struct world w;
  world_start(&w, 1);
  page_open(&w, 0, "ann", 'h');
  const struct calls_session_info again = {.session = "s_0", .identity = "x", .name = "x", .role = "x", .home = ""};
  assert_int_equal(calls_session_open(w.calls, &again, w.now_us), -1);
  calls_session_lost(w.calls, "s_x", w.now_us);
  calls_session_resumed(w.calls, "s_x", w.now_us);
  calls_session_joined(w.calls, "s_x");
  calls_session_left(w.calls, "s_x", true, w.now_us);
  calls_session_close(w.calls, "s_x", w.now_us);
  assert_int_equal(calls_counts(w.calls).sessions, 1);
  assert_int_equal(calls_counts(w.calls).people, 1);
  world_end(&w);
  calls_free(NULL);
}

static void test_free_in_the_middle(void **state) {
  (void)state;
  struct world w;
  world_start(&w, 1);
  struct page *ann = page_open(&w, 0, "ann", 'h'), *bob = page_open(&w, 1, "bob", 'h');
  page_open(&w, 2, "cid", 'p');
  page_invite(&w, ann, "cid,dan", NULL);
  page_invite(&w, bob, "eve", NULL);
  page_lost(&w, bob);
  world_pass(&w, 16 * SECOND); /* an end that nobody has heard of yet */
  page_close(&w, &w.pages[2]);
  calls_free(w.calls); /* the leak checker looks at the rest */
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_all_pages_ring_and_late_ones_too),
      cmocka_unit_test(test_who_is_away_rings_on_arrival),
      cmocka_unit_test(test_end_in_an_absence_is_told_at_the_return),
      cmocka_unit_test(test_time_out),
      cmocka_unit_test(test_caller_gone),
      cmocka_unit_test(test_callee_gone_may_come_back),
      cmocka_unit_test(test_presence),
      cmocka_unit_test(test_leaving_hangs_up),
      cmocka_unit_test(test_unknown_sessions_are_ignored),
      cmocka_unit_test(test_free_in_the_middle),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
