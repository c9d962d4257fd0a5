/* server/calls/ring.c: states of invitees and the one end of a call. */
#include "tests/server/calls/harness.h"

static void test_each_invitee_on_its_own(void **state) {
  (void)state;
  struct world w;
  struct calls_invited call;
  world_start(&w, 2);
  struct page *ann = page_open(&w, 0, "ann", 'H'), *bob = page_open(&w, 1, "bob", 'p'),
              *cid = page_open(&w, 2, "cid", 'p'), *dan = page_open(&w, 3, "dan", 'p');
  page_join(&w, dan);
  assert_int_equal(page_invite(&w, ann, "bob,cid,dan,eve", &call), SIGNALING_OK);
  assert_int_equal(ann->last, CALLS_DECLINE); /* dan */
  assert_true(ann->last_busy);
  assert_string_equal(ann->last_identity, "dan");
  assert_string_equal(dan->incoming, "");
  page_decline(&w, bob, call.call);
  assert_int_equal(ann->last, CALLS_DECLINE);
  assert_false(ann->last_busy);
  assert_string_equal(ann->last_reason, "not now");
  assert_int_equal(bob->last_end, CALLS_END_DECLINED);
  page_accept(&w, cid, call.call);
  assert_int_equal(ann->last, CALLS_ACCEPT);
  assert_true(ann->last_video);
  assert_int_equal(ann->ends, 0); /* eve may still come */
  page_cancel(&w, ann, call.call);
  assert_int_equal(ann->ends, 1);
  assert_int_equal(ann->last_end, CALLS_END_ANSWERED);
  static const enum calls_state states[] = {CALLS_DECLINED, CALLS_ACCEPTED, CALLS_BUSY, CALLS_CANCELLED};
  assert_memory_equal(ann->last_states, states, sizeof states);
  assert_string_equal(ann->room, cid->room);
  world_end(&w);
}

static void test_ends_when_nobody_comes(void **state) {
  (void)state;
  struct world w;
  struct calls_invited call;
  world_start(&w, 2);
  struct page *ann = page_open(&w, 0, "ann", 'h'), *bob = page_open(&w, 1, "bob", 'p'),
              *cid = page_open(&w, 2, "cid", 'p');
  page_join(&w, cid);
  assert_int_equal(page_invite(&w, ann, "cid", NULL), SIGNALING_OK);
  assert_int_equal(ann->last_end, CALLS_END_BUSY);
  page_invite(&w, ann, "cid,bob", &call);
  page_decline(&w, bob, call.call);
  assert_int_equal(ann->last_end, CALLS_END_DECLINED);
  assert_int_equal(calls_counts(w.calls).ended[CALLS_END_BUSY], 1);
  assert_int_equal(calls_counts(w.calls).ended[CALLS_END_DECLINED], 1);
  world_end(&w);
}

/* Both call each other at the same moment: one rings, the other is busy, and the one that rings can be answered. */
static void test_two_call_each_other(void **state) {
  (void)state;
  struct world w;
  struct calls_invited first;
  world_start(&w, 2);
  struct page *ann = page_open(&w, 0, "ann", 'H'), *bob = page_open(&w, 1, "bob", 'H');
  page_invite(&w, ann, "bob", &first);
  page_invite(&w, bob, "ann", NULL);
  assert_int_equal(bob->last_end, CALLS_END_BUSY);
  assert_string_equal(bob->incoming, first.call);
  assert_int_equal(page_accept(&w, bob, first.call), SIGNALING_OK);
  assert_string_equal(ann->room, bob->room);
  world_end(&w);
}

static void test_others_reach_hosts_only(void **state) {
  (void)state;
  struct world w;
  world_start(&w, 2);
  struct page *pat = page_open(&w, 0, "pat", 'C'), *kim = page_open(&w, 1, "kim", 'p'),
              *doc = page_open(&w, 2, "doc", 'h');
  page_join(&w, kim);
  page_invite(&w, pat, "kim,doc", NULL);
  assert_string_equal(kim->incoming, "");
  assert_string_equal(doc->incoming, pat->outgoing[0].call);
  page_decline(&w, doc, doc->incoming);
  page_leave(&w, kim);
  page_lost(&w, kim);
  page_resumed(&w, kim);
  assert_string_equal(kim->incoming, "");
  assert_int_equal(pat->ends, 0); /* it cannot be told from somebody who is not there */
  page_invite(&w, doc, "kim", NULL);
  assert_string_not_equal(kim->incoming, ""); /* and does not keep others from calling */
  world_end(&w);
}

static void test_accepting_cancels_own_calls(void **state) {
  (void)state;
  struct world w;
  world_start(&w, 2);
  struct page *ann = page_open(&w, 0, "ann", 'H'), *bob = page_open(&w, 1, "bob", 'H'),
              *cid = page_open(&w, 2, "cid", 'p'), *other = page_open(&w, 3, "bob", 'H');
  page_invite(&w, ann, "bob", NULL);
  page_invite(&w, other, "cid", NULL);
  assert_string_not_equal(cid->incoming, "");
  page_accept(&w, bob, bob->incoming);
  assert_int_equal(cid->last_end, CALLS_END_CANCELLED);
  assert_int_equal(other->outgoing_count, 0);
  world_end(&w);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_each_invitee_on_its_own),     cmocka_unit_test(test_ends_when_nobody_comes),
      cmocka_unit_test(test_two_call_each_other),         cmocka_unit_test(test_others_reach_hosts_only),
      cmocka_unit_test(test_accepting_cancels_own_calls),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
