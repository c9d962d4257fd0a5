/* tests/server/room/media_test.c: negotiations, transport and track states, data-channel targets. */
#include <stdio.h>
#include <string.h>

#include "tests/server/room/harness.h"

static void slots_that_stay_keep_their_track(void **state) {
  (void)state;
  struct harness *h = harness_new(1);
  struct seat *a = harness_connect(h, 0, "doctor", 1, 2), *b = harness_connect(h, 1, "patient", 0, 0);
  uint32_t cam = room_manager_find_track(h->m, harness_publish(h, b, "cam", "camera"));
  uint32_t screen = room_manager_find_track(h->m, harness_publish(h, b, "screen", "screen"));
  char mid[ROOM_MID_BYTES];
  (void)snprintf(mid, sizeof mid, "%s", harness_slot_of(h, a, screen));
  harness_forget(h);
  assert_string_equal(harness_send_offer(h, a, 1, 6), "");
  assert_int_equal(h->assigns, 0);
  assert_string_equal(harness_slot_of(h, a, screen), mid);
  assert_string_equal(harness_send_offer(h, a, 1, 1), ""); /* fewer: one is enough for the screen only */
  assert_non_null(harness_slot_of(h, a, screen));
  assert_null(harness_slot_of(h, a, cam));
  harness_check(h);
  harness_free(h);
}

static void a_sender_that_is_gone_takes_its_track_along(void **state) {
  (void)state;
  struct harness *h = harness_new(1);
  struct seat *a = harness_connect(h, 0, "doctor", 1, 2), *b = harness_connect(h, 1, "patient", 0, 0);
  (void)harness_publish(h, b, "cam", "camera");
  assert_string_equal(harness_request(h, b, "offer", harness_offer(0, 0, 1, "VP8")), "");
  assert_int_equal(harness_count(a, "trackUnpublished"), 1);
  assert_int_equal(harness_count(b, "trackUnpublished"), 1); /* it did not ask, so it is told */
  assert_int_equal(h->track_count, 0);
  harness_check(h);
  harness_free(h);
}

static void absurd_negotiations_are_cut(void **state) {
  (void)state;
  struct harness *h = harness_new(1);
  struct seat *a = harness_join(h, 0, "doctor");
  h->defer_answers = true;
  (void)harness_send_offer(h, a, 0, 0);
  static struct room_slot slots[200];
  static struct room_sender senders[100];
  for (size_t i = 0; i < 200; i++) {
    memset(slots[i].mid, 'x', sizeof slots[i].mid); /* not even terminated */
    slots[i].mid[0] = (char)('A' + i % 26);
    slots[i].mid[1] = (char)('A' + i / 26);
  }
  memset(senders, 0x7f, sizeof senders);
  struct room_negotiation n = {.senders = senders, .sender_count = 100, .slots = slots, .slot_count = 200};
  for (size_t i = 0; i < 100; i++)
    senders[i].kind = ROOM_VIDEO;
  assert_int_equal(room_manager_media_negotiated(h->m, a->handle, NULL, &n, h->now_us), 0);
  const struct member *member = harness_member(h, a);
  assert_int_equal(member->slot_count, ROOM_MAX_SLOTS);
  assert_int_equal(member->sender_count, ROOM_MAX_SENDERS);
  assert_int_equal(strlen(member->slots[0].mid), ROOM_MID_BYTES - 1);
  assert_int_equal(member->senders[0].rid_count, ROOM_RIDS);
  harness_free(h);
}

static void a_failed_transport_asks_for_an_offer(void **state) {
  (void)state;
  struct harness *h = harness_new(1);
  const struct seat *a = harness_connect(h, 0, "doctor", 1, 1);
  assert_int_equal(room_manager_transport_state(h->m, a->handle, ROOM_TRANSPORT_CONNECTED, h->now_us), 0);
  assert_int_equal(harness_count(a, "negotiate"), 0);
  for (int i = 0; i < 2; i++)
    assert_int_equal(room_manager_transport_state(h->m, a->handle, ROOM_TRANSPORT_FAILED, h->now_us), 0);
  assert_int_equal(harness_count(a, "negotiate"), 1);
  assert_string_equal(json_string_value(json_object_get(harness_last(a, "negotiate"), "reason")), "transport");
  assert_int_equal(room_manager_transport_state(h->m, 4711, ROOM_TRANSPORT_FAILED, h->now_us), ROOM_ERROR_PARTICIPANT);
  harness_free(h);
}

static void the_first_size_is_told_once(void **state) {
  (void)state;
  struct harness *h = harness_new(1);
  struct seat *a = harness_connect(h, 0, "doctor", 1, 1), *b = harness_connect(h, 1, "patient", 0, 0);
  uint32_t cam = room_manager_find_track(h->m, harness_publish(h, b, "cam", "camera"));
  struct room_track_media media = {.flowing = true, .width = 320, .height = 180};
  for (uint32_t i = 1; i < 4; i++) {
    media.width = 320 * i;
    assert_int_equal(room_manager_track_media(h->m, cam, &media, h->now_us), 0);
  }
  assert_int_equal(harness_count(a, "participantUpdated"), 1);
  assert_int_equal(harness_count(b, "participantUpdated"), 1);
  harness_check(h);
  assert_int_equal(room_manager_track_media(h->m, 4711, &media, h->now_us), ROOM_ERROR_TRACK);
  harness_free(h);
}

static void data_goes_to_whom_it_may(void **state) {
  (void)state;
  struct harness *h = harness_new(1);
  struct seat *a = harness_join(h, 0, "doctor"), *b = harness_join(h, 1, "patient"),
              *o = harness_join(h, 2, "observer");
  struct seat *far = harness_open_as(h, 3, "doctor", "elsewhere", "far");
  assert_string_equal(harness_request(h, far, "join", NULL), "");
  uint32_t to[8];
  assert_int_equal(room_manager_data_targets(h->m, a->handle, "", 0, to, 8), 2); /* the observer sees all */
  assert_int_equal(room_manager_data_targets(h->m, a->handle, "", 0, to, 1), 1);
  assert_int_equal(room_manager_data_targets(h->m, a->handle, b->participant, strlen(b->participant), to, 8), 1);
  assert_int_equal(to[0], b->handle);
  assert_int_equal(room_manager_data_targets(h->m, a->handle, b->participant, 5, to, 8), 0);
  assert_int_equal(room_manager_data_targets(h->m, a->handle, o->participant, strlen(o->participant), to, 8), 0);
  assert_int_equal(room_manager_data_targets(h->m, a->handle, a->participant, strlen(a->participant), to, 8), 0);
  assert_int_equal(room_manager_data_targets(h->m, a->handle, far->participant, strlen(far->participant), to, 8), 0);
  assert_int_equal(room_manager_data_targets(h->m, o->handle, "", 0, to, 8), 0); /* it may not talk */
  assert_int_equal(room_manager_data_targets(h->m, 4711, "", 0, to, 8), 0);
  harness_free(h);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(slots_that_stay_keep_their_track), cmocka_unit_test(a_sender_that_is_gone_takes_its_track_along),
      cmocka_unit_test(absurd_negotiations_are_cut),      cmocka_unit_test(a_failed_transport_asks_for_an_offer),
      cmocka_unit_test(the_first_size_is_told_once),      cmocka_unit_test(data_goes_to_whom_it_may)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
