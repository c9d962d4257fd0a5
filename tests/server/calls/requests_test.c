/* server/calls/requests.c: what is refused, which room it is, and how much one may ask for. */
#include "tests/server/calls/harness.h"

#include <stdio.h>

static void test_refusals(void **state) {
  (void)state;
  struct world w;
  struct calls_invitation in = {.to = (const char *const[]){"bob"}, .to_count = 1, .room = "elsewhere"};
  struct calls_invited out;
  char many[128] = "";
  world_start(&w, 3);
  struct page *ann = page_open(&w, 0, "ann", 'h'), *pat = page_open(&w, 1, "pat", 'p'),
              *bob = page_open(&w, 2, "bob", 'c');
  assert_int_equal(page_invite(&w, pat, "ann", NULL), SIGNALING_FORBIDDEN);
  assert_int_equal(page_invite(&w, ann, "", NULL), SIGNALING_BAD_REQUEST);
  assert_int_equal(page_invite(&w, ann, "ann", NULL), SIGNALING_BAD_REQUEST);
  assert_int_equal(page_invite(&w, ann, "bob,pat,bob", NULL), SIGNALING_BAD_REQUEST);
  for (size_t i = 0; i < 17; i++)
    snprintf(many + strlen(many), sizeof many - strlen(many), "u%zu,", i);
  assert_int_equal(page_invite(&w, ann, many, NULL), SIGNALING_BAD_REQUEST);
  assert_int_equal(calls_invite(w.calls, "s_x", &in, &out, w.now_us), SIGNALING_FORBIDDEN);
  assert_int_equal(calls_invite(w.calls, ann->id, &in, &out, w.now_us), SIGNALING_FORBIDDEN);
  page_lost(&w, ann);
  assert_int_equal(page_invite(&w, ann, "bob", NULL), SIGNALING_FORBIDDEN);
  page_resumed(&w, ann);
  page_join(&w, bob);
  assert_int_equal(page_invite(&w, bob, "ann", NULL), SIGNALING_FORBIDDEN); /* no host, in a call */
  assert_int_equal(page_accept(&w, bob, "c_x"), SIGNALING_CALL_NOT_FOUND);
  assert_int_equal(page_decline(&w, bob, "c_x"), SIGNALING_CALL_NOT_FOUND);
  assert_int_equal(page_cancel(&w, bob, "c_x"), SIGNALING_CALL_NOT_FOUND);
  world_end(&w);
}

static void test_only_whom_it_concerns(void **state) {
  (void)state;
  struct world w;
  struct calls_invited call;
  world_start(&w, 3);
  struct page *ann = page_open(&w, 0, "ann", 'h'), *bob = page_open(&w, 1, "bob", 'h'),
              *cid = page_open(&w, 2, "cid", 'p');
  page_invite(&w, ann, "cid", &call);
  assert_int_equal(page_accept(&w, bob, call.call), SIGNALING_CALL_NOT_FOUND);
  assert_int_equal(page_accept(&w, ann, call.call), SIGNALING_CALL_NOT_FOUND);
  assert_int_equal(page_decline(&w, bob, call.call), SIGNALING_CALL_NOT_FOUND);
  assert_int_equal(page_cancel(&w, bob, call.call), SIGNALING_CALL_NOT_FOUND);
  assert_int_equal(page_cancel(&w, cid, call.call), SIGNALING_CALL_NOT_FOUND);
  assert_int_equal(page_cancel(&w, ann, call.call), SIGNALING_OK);
  assert_int_equal(page_cancel(&w, ann, call.call), SIGNALING_CALL_NOT_FOUND);
  assert_int_equal(page_accept(&w, cid, call.call), SIGNALING_CALL_NOT_FOUND);
  world_end(&w);
}

static void test_rooms(void **state) {
  (void)state;
  struct world w;
  struct calls_invited first, second, third;
  world_start(&w, 3);
  struct page *ann = page_open(&w, 0, "ann", 'H'), *bob = page_open(&w, 1, "bob", 'h'),
              *pat = page_open(&w, 2, "pat", 'P');
  page_invite(&w, ann, "pat", &first);
  assert_int_equal(strncmp(first.room, CALLS_ROOM_PREFIX, strlen(CALLS_ROOM_PREFIX)), 0);
  assert_int_equal(strlen(first.room), strlen(CALLS_ROOM_PREFIX) + 22);
  page_invite(&w, ann, "dan", &second);
  assert_string_equal(first.room, second.room); /* while one rings, another joins it */
  page_accept(&w, pat, first.call);
  page_join(&w, pat);
  page_join(&w, ann);
  page_cancel(&w, ann, second.call);
  page_invite(&w, ann, "dan", &third); /* into the consultation */
  assert_string_equal(third.room, first.room);
  page_leave(&w, ann);
  page_leave(&w, pat);
  page_invite(&w, ann, "pat", &third); /* a new call: not the room of the last one */
  assert_string_not_equal(third.room, first.room);
  page_cancel(&w, ann, third.call);
  page_invite(&w, bob, "pat", &third);
  assert_string_equal(third.room, "ward"); /* the token's */
  page_accept(&w, pat, third.call);
  assert_string_equal(pat->room, "ward");
  page_leave(&w, pat);
  world_end(&w);
}

static void test_named_room(void **state) {
  (void)state;
  struct world w;
  const char *const to[] = {"bob"};
  struct calls_invitation in = {.to = to, .to_count = 1, .room = "ward"};
  struct calls_invited out;
  world_start(&w, 3);
  struct page *ann = page_open(&w, 0, "ann", 'h'), *cid = page_open(&w, 1, "cid", 'H');
  w.inviting = ann;
  assert_int_equal(calls_invite(w.calls, ann->id, &in, &out, w.now_us), SIGNALING_OK);
  assert_string_equal(out.room, "ward");
  assert_int_equal(calls_cancel(w.calls, ann->id, out.call, w.now_us), SIGNALING_OK);
  assert_int_equal(calls_invite(w.calls, cid->id, &in, &out, w.now_us),
                   SIGNALING_FORBIDDEN); /* nobody gave it that room */
  world_end(&w);
}

static void test_what_enter_refuses_has_not_happened(void **state) {
  (void)state;
  struct world w;
  struct calls_invited call;
  world_start(&w, 3);
  struct page *ann = page_open(&w, 0, "ann", 'H'), *bob = page_open(&w, 1, "bob", 'P');
  w.refuse_enter = 1;
  assert_int_equal(page_invite(&w, ann, "bob,nobody", &call), SIGNALING_WORKER_LOST);
  assert_string_equal(ann->room, "");
  assert_string_equal(bob->incoming, "");
  assert_int_equal(calls_counts(w.calls).people, 2);
  assert_int_equal(page_invite(&w, ann, "bob", &call), SIGNALING_OK);
  w.refuse_enter = 1;
  assert_int_equal(page_accept(&w, bob, call.call), SIGNALING_WORKER_LOST);
  assert_string_equal(bob->incoming, call.call); /* rings on */
  assert_int_equal(page_accept(&w, bob, call.call), SIGNALING_OK);
  world_end(&w);
}

static void test_caps(void **state) {
  (void)state;
  struct world w;
  world_start(&w, 3);
  struct page *ann = page_open(&w, 0, "ann", 'h');
  for (int i = 0; i < CALLS_OPEN_MAX; i++)
    assert_int_equal(page_invite(&w, ann, "x1", NULL), SIGNALING_OK);
  assert_int_equal(page_invite(&w, ann, "x1", NULL), SIGNALING_BUSY);
  assert_int_equal(page_invite(&w, page_open(&w, 1, "ann", 'h'), "x1", NULL),
                   SIGNALING_BUSY); /* a person, not a page */
  world_end(&w);
}

static void test_flood(void **state) {
  (void)state;
  struct world w;
  struct calls_invited call;
  world_start(&w, 3);
  struct page *ann = page_open(&w, 0, "ann", 'h');
  page_open(&w, 1, "bob", 'p');
  for (int i = 0; i < CALLS_BURST; i++) {
    assert_int_equal(page_invite(&w, ann, "bob", &call), SIGNALING_OK);
    page_cancel(&w, ann, call.call);
  }
  assert_int_equal(page_invite(&w, ann, "bob", &call), SIGNALING_RATE_LIMITED);
  page_close(&w, ann);
  ann = page_open(&w, 0, "ann", 'h'); /* a new page is no new person */
  assert_int_equal(page_invite(&w, ann, "bob", &call), SIGNALING_RATE_LIMITED);
  world_pass(&w, CALLS_REFILL_US);
  assert_int_equal(page_invite(&w, ann, "bob", &call), SIGNALING_OK);
  page_cancel(&w, ann, call.call);
  assert_int_equal(page_invite(&w, ann, "bob", &call), SIGNALING_RATE_LIMITED);
  world_pass(&w, CALLS_REFILL_US);
  assert_int_equal(page_invite(&w, ann, "bob,cid", &call), SIGNALING_RATE_LIMITED); /* people count */
  assert_int_equal(calls_counts(w.calls).rate_limited, 4);
  world_end(&w);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_refusals), cmocka_unit_test(test_only_whom_it_concerns),
      cmocka_unit_test(test_rooms),    cmocka_unit_test(test_named_room),
      cmocka_unit_test(test_caps),     cmocka_unit_test(test_what_enter_refuses_has_not_happened),
      cmocka_unit_test(test_flood),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
