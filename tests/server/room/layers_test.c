/* tests/server/room/layers_test.c: view sizes to layers, pauses after a second, back at once. */
#include <string.h>

#include "tests/server/room/harness.h"

static void view_to_layer(void **state) {
  (void)state;
  static const struct {
    uint32_t width, height;
    int layer;
  } cases[] = {{320, 180, 0}, {319, 179, 0},  {321, 180, 1},  {640, 360, 1},
               {640, 361, 2}, {1280, 720, 2}, {4000, 3000, 2}};
  struct track t = {.kind = ROOM_VIDEO, .rid_count = 3, .full_width = 1280, .full_height = 720};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    struct room_view view = {.visible = true, .width = cases[i].width, .height = cases[i].height};
    assert_int_equal(layers_for_view(&t, &view), cases[i].layer);
  }
  struct room_view hidden = {.visible = false, .width = 1280, .height = 720}, unknown = {.visible = true};
  assert_int_equal(layers_for_view(&t, &hidden), -1);
  assert_int_equal(layers_for_view(&t, &unknown), 2);
  struct room_view small = {.visible = true, .width = 10, .height = 10};
  t.rid_count = 2;
  assert_int_equal(layers_for_view(&t, &small), 0);
  t.rid_count = 0;
  assert_int_equal(layers_for_view(&t, &small), 0);
  t.rid_count = 3;
  t.full_width = 0; /* nothing known yet: no guess */
  assert_int_equal(layers_for_view(&t, &small), 2);
}

static uint8_t told(const struct harness *h, uint32_t track) {
  for (size_t i = 0; i < h->track_count; i++)
    if (h->tracks[i].track == track) return h->tracks[i].rids;
  fail();
  return 0;
}

static void set_view(struct harness *h, struct seat *s, const char *track, int width, int height) {
  assert_string_equal(harness_request(h, s, "view",
                                      json_pack("{s:[{s:s, s:i, s:i, s:b}]}", "requests", "track", track, "width",
                                                width, "height", height, "visible", 1)),
                      "");
}

static void paused_and_resumed(void **state) {
  (void)state;
  struct harness *h = harness_new(1);
  struct seat *a = harness_connect(h, 0, "doctor", 2, 2), *b = harness_connect(h, 1, "patient", 2, 2);
  char id[ROOM_ID_BYTES];
  (void)harness_request(h, a, "publish",
                        json_pack("{s:[{s:s, s:s, s:i, s:i}]}", "tracks", "mid", "cam", "source", "camera", "width",
                                  1280, "height", 720));
  memcpy(id, h->m->tracks->id, sizeof id);
  uint32_t track = h->m->tracks->handle;
  set_view(h, b, id, 320, 180);
  harness_advance(h, ROOM_LAYER_PAUSE_US - 1);
  assert_int_equal(harness_count(a, "layersWanted"), 0);
  harness_advance(h, 1);
  assert_int_equal(harness_count(a, "layersWanted"), 1);
  json_t *expected = json_loads(
      "[{\"rid\":\"q\",\"active\":true},{\"rid\":\"h\",\"active\":false},"
      "{\"rid\":\"f\",\"active\":false}]",
      0, NULL);
  assert_true(json_equal(json_object_get(harness_last(a, "layersWanted"), "layers"), expected));
  json_decref(expected);
  assert_int_equal(told(h, track), 1);
  set_view(h, b, id, 1280, 720); /* back at once */
  assert_int_equal(told(h, track), 7);
  set_view(h, b, id, 0, 0); /* shown nowhere: no slot, nothing wanted */
  assert_null(harness_slot_of(h, b, track));
  harness_advance(h, ROOM_LAYER_PAUSE_US / 2);
  set_view(h, b, id, 640, 360); /* in time for q and h; f goes on waiting for its time */
  assert_int_equal(told(h, track), 7);
  harness_advance(h, ROOM_LAYER_PAUSE_US / 2);
  assert_int_equal(told(h, track), 3);
  (void)harness_request(h, b, "leave", NULL);
  harness_advance(h, ROOM_LAYER_PAUSE_US);
  assert_int_equal(told(h, track), 0); /* nobody is there: the camera's encoder rests */
  assert_int_equal(harness_count(b, "layersWanted"), 0);
  harness_free(h);
}

static void the_size_with_the_top_layer_paused_does_not_count(void **state) {
  (void)state;
  struct harness *h = harness_new(1);
  struct seat *a = harness_connect(h, 0, "doctor", 2, 2), *b = harness_connect(h, 1, "patient", 2, 2);
  char id[ROOM_ID_BYTES];
  memcpy(id, harness_publish(h, a, "cam", "camera"), sizeof "t_" + 22);
  uint32_t track = room_manager_find_track(h->m, id);
  struct room_track_media media = {.flowing = true, .width = 1280, .height = 720};
  (void)room_manager_track_media(h->m, track, &media, h->now_us);
  set_view(h, b, id, 640, 360);
  harness_advance(h, ROOM_LAYER_PAUSE_US);
  assert_int_equal(told(h, track), 3);
  media.width = 640; /* f is off, so the largest live layer is h */
  media.height = 360;
  (void)room_manager_track_media(h->m, track, &media, h->now_us);
  harness_advance(h, SECOND);
  assert_int_equal(told(h, track), 3);
  harness_free(h);
}

static json_int_t limit_told(struct seat *s, size_t layer) {
  json_t *layers = json_object_get(harness_last(s, "layersWanted"), "layers");
  return json_integer_value(json_object_get(json_array_get(layers, layer), "maxBitrate"));
}

static void limits_are_told_on_change(void **state) {
  (void)state;
  struct harness *h = harness_new(1);
  struct seat *a = harness_connect(h, 0, "doctor", 2, 2);
  (void)harness_connect(h, 1, "patient", 2, 2);
  uint32_t track = room_manager_find_track(h->m, harness_publish(h, a, "cam", "camera"));
  const uint32_t limits[ROOM_RIDS] = {0, 0, 600000}, none[ROOM_RIDS] = {0};
  size_t before = harness_count(a, "layersWanted");
  assert_int_equal(room_manager_track_limits(h->m, track, limits, h->now_us), ROOM_OK);
  assert_int_equal(harness_count(a, "layersWanted"), before + 1);
  assert_int_equal(limit_told(a, 2), 600000);
  assert_int_equal(limit_told(a, 1), 0);
  assert_int_equal(room_manager_track_limits(h->m, track, limits, h->now_us), ROOM_OK);
  assert_int_equal(harness_count(a, "layersWanted"), before + 1); /* nothing new */
  assert_int_equal(room_manager_track_limits(h->m, track, none, h->now_us), ROOM_OK);
  assert_int_equal(harness_count(a, "layersWanted"), before + 2);
  assert_int_equal(limit_told(a, 2), 0);
  assert_int_equal(room_manager_track_limits(h->m, track + 100, none, h->now_us), ROOM_ERROR_TRACK);
  harness_free(h);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(view_to_layer), cmocka_unit_test(paused_and_resumed),
                                     cmocka_unit_test(limits_are_told_on_change),
                                     cmocka_unit_test(the_size_with_the_top_layer_paused_does_not_count)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
