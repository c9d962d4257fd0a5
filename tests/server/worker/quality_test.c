/* tests/server/worker/quality_test.c: how connections are judged, each way, and whom the verdict blames. */
#include "tests/server/worker/engine_harness.h"

struct stage {
  struct harness *h;
  struct browser *a, *b;
  struct source camera;
  int frame;
};

/* `a` films, `b` watches over a link of 600 kbit/s that is fast enough. */
static struct stage open_stage(void) {
  struct stage s = {.h = harness_new_governed(0)};
  s.a = harness_connect(s.h, "doctor");
  s.b = harness_connect(s.h, "patient");
  browser_link(s.b, 2000000, 300 * MILLISECOND, 20 * MILLISECOND);
  browser_publish(s.a, "1", "camera");
  s.camera = source_video(s.a, "1", "q", 320, 180);
  return s;
}

static void film_frame(struct stage *s, int fps, int lost) {
  uint8_t packet[1600];
  if (s->frame % 100 < lost) {
    (void)source_write(&s->camera, false, packet);
  } else {
    source_send(&s->camera, s->frame % 50 == 0 || s->frame % 100 == lost);
  }
  harness_advance(s->h, SECOND / fps);
  s->a->rtp_count = s->a->rtcp_count = s->b->rtp_count = s->b->rtcp_count = 0;
  s->frame++;
}

/* Seconds of video; of a hundred packets `lost` never reach the engine. */
static void film(struct stage *s, int seconds, int fps, int lost) {
  for (int i = 0; i < seconds * fps; i++)
    film_frame(s, fps, lost);
}

static const char *word(struct browser *to, struct browser *about, const char *key) {
  const char *found = NULL;
  size_t i;
  json_t *event;
  json_array_foreach(to->events, i, event) {
    if (strcmp(json_string_value(json_object_get(event, "event")), "quality") != 0) continue;
    if (strcmp(json_string_value(json_object_get(event, "participant")), about->id) != 0) continue;
    found = json_string_value(json_object_get(json_object_get(event, "quality"), key));
  }
  return found ? found : "";
}

static void expect(const struct stage *s, struct browser *about, const char *up, const char *down, const char *cause) {
  struct browser *both[] = {s->a, s->b};
  for (size_t i = 0; i < 2; i++) {
    assert_string_equal(word(both[i], about, "uplink"), up);
    assert_string_equal(word(both[i], about, "downlink"), down);
    assert_string_equal(word(both[i], about, "cause"), cause);
  }
}

static void all_is_well(void **state) {
  (void)state;
  struct stage s = open_stage();
  film(&s, 5, 25, 0);
  expect(&s, s.a, "excellent", "excellent", "none");
  expect(&s, s.b, "excellent", "excellent", "none");
  assert_int_equal(browser_event_count(s.a, "quality"), 2); /* once each, not every second */
  harness_free(s.h);
}

static void a_lossy_uplink_is_its_own_fault_and_the_others_know(void **state) {
  (void)state;
  struct stage s = open_stage();
  film(&s, 3, 50, 0);
  film(&s, 15, 50, 20);
  expect(&s, s.a, "poor", "excellent", "uplink");
  expect(&s, s.b, "excellent", "excellent", "otherUplink");
  film(&s, 40, 50, 0);
  expect(&s, s.a, "excellent", "excellent", "none");
  expect(&s, s.b, "excellent", "excellent", "none");
  harness_free(s.h);
}

static void a_link_without_room_for_a_picture_is_poor(void **state) {
  (void)state;
  struct stage s = open_stage();
  film(&s, 5, 25, 0);
  browser_link(s.b, 60000, 300 * MILLISECOND, 20 * MILLISECOND);
  film(&s, 15, 25, 0);
  expect(&s, s.b, "excellent", "poor", "downlink");
  expect(&s, s.a, "excellent", "excellent", "none");
  const json_t *told = browser_event_last(s.b, "audioOnly");
  assert_non_null(told);
  assert_true(json_is_true(json_object_get(told, "on")));
  assert_string_equal(json_string_value(json_object_get(told, "reason")), "bandwidth");
  assert_int_equal(browser_event_count(s.a, "audioOnly"), 0);
  browser_link(s.b, 2000000, 300 * MILLISECOND, 20 * MILLISECOND);
  film(&s, 25, 25, 0);
  assert_true(json_is_false(json_object_get(browser_event_last(s.b, "audioOnly"), "on")));
  expect(&s, s.b, "excellent", "excellent", "none");
  harness_free(s.h);
}

static void a_link_that_does_not_answer_is_lost(void **state) {
  (void)state;
  struct stage s = open_stage();
  film(&s, 5, 25, 0);
  s.b->link.cut = true;
  film(&s, 4, 25, 0);
  assert_string_equal(word(s.a, s.b, "downlink"), "lost");
  assert_string_equal(json_string_value(json_object_get(browser_event_last(s.b, "audioOnly"), "reason")), "stalled");
  harness_free(s.h);
}

/* There is no sound that would tell when the link is back: the picture itself finds out. */
static void a_link_that_answers_again_is_found_by_the_picture(void **state) {
  (void)state;
  struct stage s = open_stage();
  film(&s, 5, 25, 0);
  s.b->link.cut = true;
  film(&s, 4, 25, 0);
  assert_string_equal(word(s.a, s.b, "downlink"), "lost");
  s.b->link.cut = false;
  film(&s, 20, 25, 0);
  assert_true(json_is_false(json_object_get(browser_event_last(s.b, "audioOnly"), "on")));
  expect(&s, s.b, "excellent", "excellent", "none");
  harness_free(s.h);
}

/* The other one left during the outage: nothing is sent any more, and nothing is wrong with a connection that stands. */
static void alone_after_an_outage_all_is_well_again(void **state) {
  (void)state;
  struct stage s = open_stage();
  film(&s, 5, 25, 0);
  s.b->link.cut = true;
  film(&s, 4, 25, 0);
  assert_string_equal(word(s.b, s.b, "downlink"), "lost");
  browser_leave(s.a);
  s.b->link.cut = false;
  harness_advance(s.h, 12 * SECOND);
  assert_string_equal(word(s.b, s.b, "downlink"), "excellent");
  assert_string_equal(word(s.b, s.b, "cause"), "none");
  harness_free(s.h);
}

/* Seconds of video while somebody else keeps `queue_us` of b's way down full. */
static void film_beside_a_download(struct stage *s, int seconds, int64_t queue_us) {
  for (int i = 0; i < seconds * 25; i++) {
    if (s->b->link.free_us < s->h->now_us + queue_us) s->b->link.free_us = s->h->now_us + queue_us;
    film_frame(s, 25, 0);
  }
}

/* Its way up is as short as before: what waits on the way down is not its fault, however long it makes the round trip. */
static void a_queue_on_the_way_down_is_not_the_uplinks(void **state) {
  (void)state;
  struct stage s = open_stage();
  film(&s, 5, 25, 0);
  browser_link(s.b, 2000000, 1500 * MILLISECOND, 20 * MILLISECOND);
  film_beside_a_download(&s, 12, 700 * MILLISECOND);
  expect(&s, s.b, "excellent", "poor", "downlink");
  expect(&s, s.a, "excellent", "excellent", "none");
  harness_free(s.h);
}

/* A satellite: both ways are long. */
static void a_long_way_is_the_uplinks_too(void **state) {
  (void)state;
  struct stage s = open_stage();
  browser_link(s.b, 2000000, 300 * MILLISECOND, 300 * MILLISECOND);
  film(&s, 12, 25, 0);
  expect(&s, s.b, "poor", "poor", "uplink");
  expect(&s, s.a, "excellent", "excellent", "none");
  harness_free(s.h);
}

static void a_camera_that_stutters_is_the_devices_fault(void **state) {
  (void)state;
  struct stage s = open_stage();
  film(&s, 10, 8, 0);
  expect(&s, s.a, "good", "excellent", "device");
  harness_free(s.h);
}

/* Others' downloads fill the buffer of the line, one way or the other: the round trip alone does not tell which. */
static void what_waits_on_the_way_down_is_not_the_uplinks_fault(void **state) {
  (void)state;
  struct stage s = open_stage();
  film(&s, 5, 25, 0);
  expect(&s, s.b, "excellent", "excellent", "none");
  s.b->link.down_us = 350 * MILLISECOND;
  film(&s, 4, 25, 0);
  expect(&s, s.b, "excellent", "good", "downlink");
  s.b->link.down_us = 0;
  film(&s, 20, 25, 0);
  expect(&s, s.b, "excellent", "excellent", "none");
  harness_free(s.h);
}

static void what_waits_on_the_way_up_is_not_the_downlinks_fault(void **state) {
  (void)state;
  struct stage s = open_stage();
  film(&s, 5, 25, 0);
  s.b->link.up_us = 350 * MILLISECOND;
  film(&s, 6, 25, 0);
  expect(&s, s.b, "good", "excellent", "uplink");
  s.b->link.up_us = 0;
  film(&s, 20, 25, 0);
  expect(&s, s.b, "excellent", "excellent", "none");
  harness_free(s.h);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(all_is_well),
      cmocka_unit_test(a_lossy_uplink_is_its_own_fault_and_the_others_know),
      cmocka_unit_test(a_link_without_room_for_a_picture_is_poor),
      cmocka_unit_test(a_link_that_does_not_answer_is_lost),
      cmocka_unit_test(a_link_that_answers_again_is_found_by_the_picture),
      cmocka_unit_test(alone_after_an_outage_all_is_well_again),
      cmocka_unit_test(a_queue_on_the_way_down_is_not_the_uplinks),
      cmocka_unit_test(a_long_way_is_the_uplinks_too),
      cmocka_unit_test(a_camera_that_stutters_is_the_devices_fault),
      cmocka_unit_test(what_waits_on_the_way_down_is_not_the_uplinks_fault),
      cmocka_unit_test(what_waits_on_the_way_up_is_not_the_downlinks_fault),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
