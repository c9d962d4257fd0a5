/* tests/server/room/track_test.c: published, muted, gone. */
#include <stdio.h>

#include "tests/server/room/harness.h"

static void published_muted_is_never_forwarded(void **state) {
  (void)state;
  struct harness *h = harness_new(1);
  struct seat *a = harness_connect(h, 0, "doctor", 1, 1), *b = harness_connect(h, 1, "patient", 1, 1);
  (void)harness_request(h, a, "publish",
                        json_pack("{s:[{s:s, s:s, s:b}]}", "tracks", "mid", "mic", "source", "microphone", "muted", 1));
  assert_false(h->tracks[0].forwarding);
  const char *id = h->m->tracks->id;
  assert_string_equal(harness_request(h, a, "mute", json_pack("{s:s, s:b}", "track", id, "muted", 1)), "");
  assert_int_equal(harness_count(b, "trackMuted"), 0); /* it was already */
  assert_string_equal(harness_request(h, a, "mute", json_pack("{s:s, s:b}", "track", id, "muted", 0)), "");
  assert_int_equal(harness_count(b, "trackMuted"), 1);
  assert_int_equal(harness_count(a, "trackMuted"), 0);
  assert_true(h->tracks[0].forwarding);
  harness_check(h);
  harness_free(h);
}

static void unpublished_and_published_again(void **state) {
  (void)state;
  struct harness *h = harness_new(1);
  struct seat *a = harness_connect(h, 0, "doctor", 1, 1), *b = harness_connect(h, 1, "patient", 1, 1);
  char id[ROOM_ID_BYTES];
  (void)snprintf(id, sizeof id, "%s", harness_publish(h, a, "cam", "camera"));
  uint32_t first = room_manager_find_track(h->m, id);
  assert_string_equal(harness_request(h, a, "unpublish", json_pack("{s:[s, s]}", "tracks", id, id)), "");
  assert_int_equal(harness_count(b, "trackUnpublished"), 1);
  assert_int_equal(room_manager_find_track(h->m, id), 0);
  assert_int_equal(h->track_count + h->slot_count, 0);
  uint32_t second = room_manager_find_track(h->m, harness_publish(h, a, "cam", "camera"));
  assert_int_not_equal(first, second); /* a handle is used once */
  assert_int_equal(harness_member(h, a)->track_count, 1);
  harness_check(h);
  harness_free(h);
}

static void senders_by_mid(void **state) {
  (void)state;
  struct harness *h = harness_new(1);
  const struct seat *a = harness_connect(h, 0, "doctor", 1, 1);
  assert_int_equal(member_sender(harness_member(h, a), "cam")->kind, ROOM_VIDEO);
  assert_null(member_sender(harness_member(h, a), "v0"));
  harness_free(h);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(published_muted_is_never_forwarded),
                                     cmocka_unit_test(unpublished_and_published_again),
                                     cmocka_unit_test(senders_by_mid)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
