/* server/calls/notice.c: the events as PROTOCOL.md shows them. */
#include <stdlib.h>

#include "server/calls/calls.h"
#include "tests/server/check.h"

static void expect(const struct calls_notice *n, const char *text) {
  json_t *json = calls_notice_json(n, INT64_C(1790000000000000));
  char *written = json_dumps(json, JSON_COMPACT);
  assert_string_equal(written, text);
  free(written);
  json_decref(json);
}

static void test_events(void **state) {
  (void)state;
  const struct calls_invitee invitees[] = {{"bob", CALLS_ACCEPTED}, {"cid", CALLS_TIMED_OUT}};
  const struct calls_view view = {.call = "c_1",
                                  .room = "r",
                                  .identity = "ann",
                                  .name = "Ann",
                                  .role = "doctor",
                                  .video = true,
                                  .expires_us = 45000000,
                                  .invitees = invitees,
                                  .invitee_count = 2};
  expect(&(struct calls_notice){.kind = CALLS_INCOMING, .call = "c_1", .view = &view},
         "{\"event\":\"incomingCall\",\"call\":\"c_1\",\"from\":{\"identity\":\"ann\",\"name\":\"Ann\",\"role\":"
         "\"doctor\"},"
         "\"room\":\"r\",\"video\":true,\"expiresAt\":1790000045000}");
  expect(&(struct calls_notice){.kind = CALLS_RINGS, .call = "c_1", .identity = "bob"},
         "{\"event\":\"callRinging\",\"call\":\"c_1\",\"to\":\"bob\"}");
  expect(&(struct calls_notice){.kind = CALLS_ACCEPT, .call = "c_1", .identity = "bob", .name = "Bob", .video = true},
         "{\"event\":\"callAccepted\",\"call\":\"c_1\",\"by\":\"bob\",\"name\":\"Bob\",\"video\":true}");
  expect(&(struct calls_notice){.kind = CALLS_DECLINE, .call = "c_1", .identity = "bob", .busy = true},
         "{\"event\":\"callDeclined\",\"call\":\"c_1\",\"by\":\"bob\",\"busy\":true}");
  expect(&(struct calls_notice){.kind = CALLS_DECLINE, .call = "c_1", .identity = "bob", .reason = "later"},
         "{\"event\":\"callDeclined\",\"call\":\"c_1\",\"by\":\"bob\",\"busy\":false,\"reason\":\"later\"}");
  expect(&(struct calls_notice){.kind = CALLS_ENDED, .call = "c_1", .end = CALLS_END_ACCEPTED_ELSEWHERE},
         "{\"event\":\"callEnded\",\"call\":\"c_1\",\"reason\":\"accepted_elsewhere\"}");
  expect(&(struct calls_notice){.kind = CALLS_ENDED, .call = "c_1", .end = CALLS_END_ANSWERED, .view = &view},
         "{\"event\":\"callEnded\",\"call\":\"c_1\",\"reason\":\"answered\",\"to\":[{\"identity\":\"bob\",\"state\":"
         "\"accepted\"},{\"identity\":\"cid\",\"state\":\"timed_out\"}]}");
  expect(&(struct calls_notice){.kind = CALLS_SYNC}, "{\"event\":\"callSync\",\"incoming\":[],\"outgoing\":[]}");
  expect(&(struct calls_notice){.kind = CALLS_SYNC, .outgoing = &view, .outgoing_count = 1},
         "{\"event\":\"callSync\",\"incoming\":[],\"outgoing\":[{\"call\":\"c_1\",\"room\":\"r\",\"video\":true,"
         "\"expiresAt\":"
         "1790000045000,\"to\":[{\"identity\":\"bob\",\"state\":\"accepted\"},{\"identity\":\"cid\",\"state\":\"timed_"
         "out\"}]}]}");
}

static void test_names(void **state) {
  (void)state;
  for (int i = 0; i < CALLS_STATE_COUNT; i++)
    for (int j = 0; j < i; j++)
      assert_string_not_equal(calls_state_name((enum calls_state)i), calls_state_name((enum calls_state)j));
  for (int i = 0; i < CALLS_END_COUNT; i++)
    for (int j = 0; j < i; j++)
      assert_string_not_equal(calls_end_name((enum calls_end)i), calls_end_name((enum calls_end)j));
  assert_string_equal(calls_state_name(CALLS_STATE_COUNT), "unknown");
  assert_string_equal(calls_end_name(CALLS_END_COUNT), "unknown");
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_events), cmocka_unit_test(test_names)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
