/* tests/server/room/codec_policy_test.c: everybody sends what everybody decodes, and is asked when that changes. */
#include "tests/server/room/harness.h"

static void with_vp9(struct room_settings *settings) {
  settings->video_codecs[0] = "VP9";
  settings->video_codecs[1] = "VP8";
  settings->video_codecs[2] = "H264";
}

static size_t codecs(struct harness *h, const struct seat *s, const char **names) {
  return room_manager_codecs(h->m, s->handle, ROOM_VIDEO, names, 4);
}

static void offer(struct harness *h, struct seat *s, const char *names) {
  assert_string_equal(harness_request(h, s, "offer", harness_offer(4, 4, 3, names)), "");
}

static void the_intersection_in_order_of_preference(void **state) {
  (void)state;
  struct harness *h = harness_new_with(1, with_vp9);
  struct seat *a = harness_join(h, 0, "doctor"), *b = harness_join(h, 1, "patient");
  const char *names[4];
  assert_int_equal(codecs(h, a, names), 3); /* nobody has said anything yet */
  offer(h, a, "H264 VP8 VP9");              /* the client's order does not count, the room's does */
  assert_int_equal(codecs(h, a, names), 3);
  assert_string_equal(names[0], "VP9");
  offer(h, b, "vp8 H264"); /* encoding names know no case: RFC 4855 §3 */
  assert_int_equal(codecs(h, a, names), 2);
  assert_string_equal(names[0], "VP8");
  assert_string_equal(names[1], "H264");
  assert_int_equal(room_manager_codecs(h->m, a->handle, ROOM_VIDEO, names, 1), 1);
  assert_int_equal(room_manager_codecs(h->m, a->handle, ROOM_AUDIO, names, 4), 1);
  assert_string_equal(names[0], "opus");
  assert_int_equal(room_manager_codecs(h->m, 9999, ROOM_VIDEO, names, 4), 0);
  harness_free(h);
}

static void negotiate_when_the_codec_must_change(void **state) {
  (void)state;
  struct harness *h = harness_new_with(1, with_vp9);
  struct seat *a = harness_join(h, 0, "doctor"), *b = harness_join(h, 1, "patient");
  offer(h, a, "VP9 VP8");
  (void)harness_publish(h, a, "cam", "camera");
  assert_int_equal(harness_count(a, "negotiate"), 0);
  offer(h, b, "VP8 H264");
  assert_int_equal(harness_count(a, "negotiate"), 1);
  assert_string_equal(json_string_value(json_object_get(harness_last(a, "negotiate"), "reason")), "codec");
  assert_int_equal(harness_count(b, "negotiate"), 0);
  (void)harness_request(h, b, "raiseHand", json_pack("{s:b}", "raised", 1));
  harness_advance(h, 10 * SECOND);
  assert_int_equal(harness_count(a, "negotiate"), 1); /* asked once */
  offer(h, a, "VP9 VP8");
  assert_int_equal(harness_count(a, "negotiate"), 1);
  (void)harness_request(h, b, "leave", NULL); /* the one who could not is gone: the better codec again */
  assert_int_equal(harness_count(a, "negotiate"), 2);
  harness_free(h);
}

static void what_a_receiver_cannot_decode_is_not_sent_to_it(void **state) {
  (void)state;
  struct harness *h = harness_new_with(1, with_vp9);
  struct seat *a = harness_join(h, 0, "doctor"), *b = harness_join(h, 1, "patient");
  offer(h, a, "VP9 VP8");
  uint32_t cam = room_manager_find_track(h->m, harness_publish(h, a, "cam", "camera"));
  offer(h, b, "VP8");
  assert_null(harness_slot_of(h, b, cam)); /* VP9 still */
  struct room_track_media media = {.flowing = true, .codec = "VP8"};
  assert_int_equal(room_manager_track_media(h->m, cam, &media, h->now_us), 0);
  assert_non_null(harness_slot_of(h, b, cam));
  harness_check(h);
  harness_free(h);
}

static void nothing_in_common_is_not_nothing(void **state) {
  (void)state;
  struct harness *h = harness_new_with(1, with_vp9);
  struct seat *a = harness_join(h, 0, "doctor"), *b = harness_join(h, 1, "patient");
  offer(h, a, "VP8");
  offer(h, b, "H264");
  const char *names[4];
  assert_int_equal(codecs(h, a, names), 1);
  assert_string_equal(names[0], "VP8");
  harness_free(h);
}

static void hostile_offers(void **state) {
  (void)state;
  static const char *const texts[] = {
      "{\"media\":7}", "{\"media\":[1,null,[]]}", "{\"media\":[{\"kind\":\"video\",\"direction\":\"recvonly\"}]}",
      "{\"media\":[{\"kind\":3,\"direction\":\"recvonly\",\"codecs\":[{}]}]}",
      "{\"media\":[{\"kind\":\"video\",\"direction\":\"recvonly\",\"codecs\":[1,{\"name\":1}]}]}"};
  struct harness *h = harness_new(1);
  const struct seat *a = harness_join(h, 0, "doctor");
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
    json_t *given = json_loads(texts[i], 0, NULL);
    assert_non_null(given);
    codecs_read_offer(h->m, harness_member(h, a), given);
    const char *names[4];
    assert_true(codecs(h, a, names) > 0);
    json_decref(given);
  }
  assert_int_equal(codec_bit(h->m, ROOM_VIDEO, "red"), 0);
  assert_int_equal(codec_bit(h->m, ROOM_VIDEO, "opus"), 0);
  harness_free(h);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_intersection_in_order_of_preference), cmocka_unit_test(negotiate_when_the_codec_must_change),
      cmocka_unit_test(what_a_receiver_cannot_decode_is_not_sent_to_it),
      cmocka_unit_test(nothing_in_common_is_not_nothing), cmocka_unit_test(hostile_offers)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
