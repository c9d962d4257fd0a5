/* tests/signaling/sdp_answer_test.c: the answer struct, and that an answer which does not fit its offer is never written. */
#include "signaling/sdp_answer.h"

#include <stdlib.h>

#include "signaling/sdp_choose.h"
#include "tests/signaling/sdp_build.h"

struct pair {
  struct sdp_offer *offer;
  struct sdp_answer *answer;
};

static int make_pair(void **state) {
  struct pair *p = calloc(1, sizeof *p);
  struct sdp_policy policy;
  sdp_policy_default(&policy);
  assert_non_null(p);
  p->offer = offer_of(HEAD "a=group:BUNDLE 0 1 2\r\n" AUDIO("0") VIDEO(
      "1") "a=rid:q send\r\na=simulcast:send q\r\n"
           "a=extmap:1 urn:ietf:params:rtp-hdrext:sdes:mid\r\n" DATA("2"));
  assert_int_equal(sdp_choose_answer(&p->answer, p->offer, &policy), SDP_OK);
  p->answer->ice_ufrag = "srvr";
  p->answer->ice_pwd = "0123456789012345678901";
  p->answer->fingerprint = (struct sdp_fingerprint){.algorithm = "sha-256", .value = PRINT};
  p->answer->candidates[0] =
      (struct sdp_candidate){.address = "192.0.2.9", .foundation = "1", .port = 40000, .priority = 2130706431};
  p->answer->candidate_count = 1;
  *state = p;
  return 0;
}

static int free_pair(void **state) {
  struct pair *p = *state;
  sdp_offer_free(p->offer);
  sdp_answer_free(p->answer);
  free(p);
  return 0;
}

static void expect_fault(const struct pair *p, const char *mid) {
  const char *fault = "untouched";
  assert_int_equal(sdp_answer_check(p->answer, p->offer, &fault), SDP_ERROR_ANSWER);
  if (mid == NULL) assert_null(fault);
  if (mid != NULL) assert_string_equal(fault, mid);
}

static void a_chosen_answer_fits(void **state) {
  struct pair *p = *state;
  const char *fault = NULL;
  assert_int_equal(sdp_answer_check(p->answer, p->offer, &fault), SDP_OK);
  assert_ptr_equal(sdp_answer_find(p->answer, "1"), &p->answer->media[1]);
  assert_null(sdp_answer_find(p->answer, "x"));
  assert_null(sdp_answer_find(p->answer, ""));
}

static void the_transport_must_be_whole(void **state) {
  struct pair *p = *state;
  struct sdp_answer *a = p->answer;
  a->ice_ufrag = NULL;
  expect_fault(p, NULL);
  a->ice_ufrag = "srvr";
  a->ice_pwd = "short";
  expect_fault(p, NULL);
  a->ice_pwd = "0123456789012345678901";
  a->fingerprint.value = "00";
  expect_fault(p, NULL);
  a->fingerprint.value = PRINT;
  a->candidates[0].address = "192.0.2.9\r\na=x";
  expect_fault(p, NULL);
  a->candidates[0].address = "192.0.2.9";
  a->candidates[0].foundation = NULL;
  expect_fault(p, NULL);
  for (size_t i = 0; i < a->media_count; i++)
    a->media[i].accepted = false;
  const char *fault = NULL;
  assert_int_equal(sdp_answer_check(a, p->offer, &fault), SDP_OK); /* rejecting everything needs no transport */
}

static void what_was_not_offered_is_refused(void **state) {
  struct pair *p = *state;
  struct sdp_answer_media *video = sdp_answer_find(p->answer, "1");
  const struct sdp_answer_media good = *video;
  video->pts[video->pt_count++] = 100;
  expect_fault(p, "1");
  *video = good;
  video->pts[1] = video->pts[0]; /* twice */
  expect_fault(p, "1");
  *video = good;
  video->pts[0] = video->pts[1]; /* RTX alone */
  video->pt_count = 1;
  expect_fault(p, "1");
  *video = good;
  video->pt_count = 0;
  expect_fault(p, "1");
  *video = good;
  video->extensions[0].id = 2;
  expect_fault(p, "1");
  *video = good;
  video->extensions[0].uri = "urn:other";
  expect_fault(p, "1");
  *video = good;
  video->rids[0] = "h";
  expect_fault(p, "1");
  *video = good;
  video->direction = SDP_SENDRECV; /* the client only sends */
  expect_fault(p, "1");
  *video = good;
  video->cname = "a b";
  expect_fault(p, "1");
  *video = good;
  video->mid = "7";
  expect_fault(p, "7");
  *video = good;
  p->offer->media[1].unusable = SDP_UNUSABLE_NO_RTCP_MUX;
  expect_fault(p, "1");
  p->offer->media[1].unusable = SDP_USABLE;
  p->answer->sctp.mid = "1";
  expect_fault(p, "2");
}

static void directions_mirror(void **state) {
  (void)state;
  assert_int_equal(sdp_direction_mirror(SDP_SENDONLY), SDP_RECVONLY);
  assert_int_equal(sdp_direction_mirror(SDP_RECVONLY), SDP_SENDONLY);
  assert_int_equal(sdp_direction_mirror(SDP_SENDRECV), SDP_SENDRECV);
  assert_int_equal(sdp_direction_mirror(SDP_INACTIVE), SDP_INACTIVE);
}

static void new_answers_are_bounded(void **state) {
  (void)state;
  assert_null(sdp_answer_new(SDP_MAX_MEDIA + 1));
  struct sdp_answer *answer = sdp_answer_new(SDP_MAX_MEDIA);
  assert_non_null(answer);
  assert_string_equal(answer->media[SDP_MAX_MEDIA - 1].mid, "");
  sdp_answer_free(answer);
  sdp_answer_free(NULL);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(a_chosen_answer_fits, make_pair, free_pair),
      cmocka_unit_test_setup_teardown(the_transport_must_be_whole, make_pair, free_pair),
      cmocka_unit_test_setup_teardown(what_was_not_offered_is_refused, make_pair, free_pair),
      cmocka_unit_test(directions_mirror),
      cmocka_unit_test(new_answers_are_bounded),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
