/* tests/server/room/settle_test.c: what waited runs in order, and what left is gone when the call ends. */
#include <stdio.h>

#include "tests/server/room/harness.h"

static void what_waited_runs_in_order(void **state) {
  (void)state;
  struct harness *h = harness_new(1);
  struct seat *a = harness_join(h, 0, "doctor"), *b = harness_join(h, 1, "patient");
  h->defer_answers = true;
  assert_null(harness_send_offer(h, a, 1, 1));
  for (int i = 0; i < 3; i++) {
    char text[16];
    (void)snprintf(text, sizeof text, "%d", i);
    assert_null(harness_request(h, a, "chat", json_pack("{s:s}", "text", text)));
  }
  assert_null(harness_send_offer(h, a, 2, 2)); /* a second one: holds back what follows it, again */
  assert_null(harness_request(h, a, "chat", json_pack("{s:s}", "text", "3")));
  assert_int_equal(harness_count(b, "chat"), 0);
  harness_answer(h, a);
  assert_int_equal(harness_count(b, "chat"), 3);
  assert_string_equal(json_string_value(json_object_get(harness_last(b, "chat"), "text")), "2");
  harness_answer(h, a);
  assert_string_equal(json_string_value(json_object_get(harness_last(b, "chat"), "text")), "3");
  harness_check(h);
  harness_free(h);
}

static void leaving_with_an_offer_open(void **state) {
  (void)state;
  struct harness *h = harness_new(1);
  struct seat *a = harness_join(h, 0, "doctor"), *b = harness_join(h, 1, "patient");
  h->defer_answers = true;
  uint32_t handle = b->handle;
  assert_null(harness_send_offer(h, b, 1, 1));
  assert_null(harness_request(h, b, "ping", NULL));
  (void)harness_request(h, a, "kick", json_pack("{s:s}", "participant", b->participant));
  assert_int_equal(json_object_size(b->outstanding), 0); /* both answered before the socket went */
  struct room_negotiation none = {0};
  assert_int_equal(room_manager_media_negotiated(h->m, handle, NULL, &none, h->now_us), ROOM_ERROR_PARTICIPANT);
  harness_check(h);
  harness_free(h);
}

static void tracks_go_before_their_owner(void **state) {
  (void)state;
  struct harness *h = harness_new(1); /* the harness fails when media_close comes before track_closed */
  struct seat *s[3];
  for (size_t i = 0; i < 3; i++) {
    s[i] = harness_connect(h, i, "doctor", 4, 4);
    (void)harness_publish(h, s[i], "mic", "microphone");
    (void)harness_publish(h, s[i], "cam", "camera");
  }
  harness_end(h, s[1]);
  assert_int_equal(h->member_count, 2);
  assert_int_equal(h->track_count, 4);
  assert_int_equal(h->slot_count, 4);
  harness_check(h);
  harness_free(h); /* with members inside: nothing leaks, nothing is said */
}

static void views_of_gone_tracks_are_forgotten(void **state) {
  (void)state;
  struct harness *h = harness_new(1);
  struct seat *a = harness_connect(h, 0, "doctor", 1, 1), *b = harness_connect(h, 1, "doctor", 1, 1);
  for (int i = 0; i < ROOM_MAX_VIEWS + 10; i++) {
    char id[ROOM_ID_BYTES];
    (void)snprintf(id, sizeof id, "%s", harness_publish(h, b, "cam", "camera"));
    (void)harness_request(
        h, a, "view",
        json_pack("{s:[{s:s, s:i, s:i, s:b}]}", "requests", "track", id, "width", 9, "height", 9, "visible", 1));
    assert_int_equal(HASH_COUNT(harness_member(h, a)->views), 1);
    (void)harness_request(h, b, "unpublish", json_pack("{s:[s]}", "tracks", id));
  }
  assert_int_equal(HASH_COUNT(harness_member(h, a)->views), 0);
  harness_free(h);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(what_waited_runs_in_order), cmocka_unit_test(leaving_with_an_offer_open),
      cmocka_unit_test(tracks_go_before_their_owner), cmocka_unit_test(views_of_gone_tracks_are_forgotten)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
