/* Layer choice by size, bitrate, temporal limit and liveness. */
#include "rtp/layer_selector.h"

#include "tests/rtp/stream_fixture.h"

static const struct layer_state hd[3] = {
    {true, 320, 180, 150000, 3}, {true, 640, 360, 500000, 3}, {true, 1280, 720, 1500000, 3}};

static struct layer_choice choose(const struct layer_state *l, uint32_t w, uint32_t h, uint64_t cap, int current) {
  struct layer_request r = {.width = w, .height = h, .max_bitrate_bps = cap, .max_temporal = 3, .current = current};
  return layer_selector_choose(l, 3, &r);
}

static void the_smallest_layer_that_fills_the_box_wins(void **state) {
  (void)state;
  assert_int_equal(choose(hd, 160, 90, LAYER_NO_CAP, -1).layer, 0);
  assert_int_equal(choose(hd, 320, 180, LAYER_NO_CAP, -1).layer, 0);
  assert_int_equal(choose(hd, 340, 190, LAYER_NO_CAP, -1).layer, 0); /* a little enlarged is fine */
  assert_int_equal(choose(hd, 400, 225, LAYER_NO_CAP, -1).layer, 1);
  assert_int_equal(choose(hd, 1920, 1080, LAYER_NO_CAP, -1).layer, 2); /* none fills: the largest */
  assert_int_equal(choose(hd, 180, 2000, LAYER_NO_CAP, -1).layer, 0);  /* a tall box: its width decides */
  assert_int_equal(choose(hd, 0, 0, LAYER_NO_CAP, -1).layer, LAYER_NONE);
  assert_int_equal(choose(hd, 380, 380, LAYER_NO_CAP, 0).layer, 0); /* flowing already: more patience */
  assert_int_equal(choose(hd, 380, 380, LAYER_NO_CAP, 1).layer, 1);
  assert_false(choose(hd, 1280, 720, LAYER_NO_CAP, -1).capped);
  assert_int_equal(choose(hd, 1280, 720, LAYER_NO_CAP, -1).max_temporal, 2);
}

static void dead_layers_are_never_chosen(void **state) {
  (void)state;
  struct layer_state l[3];
  memcpy(l, hd, sizeof l);
  l[2].live = false;
  assert_int_equal(choose(l, 1280, 720, LAYER_NO_CAP, 2).layer, 1); /* falls back */
  l[0].live = false;
  assert_int_equal(choose(l, 100, 100, LAYER_NO_CAP, -1).layer, 1);
  l[1].live = false;
  assert_int_equal(choose(l, 1280, 720, LAYER_NO_CAP, -1).layer, LAYER_NONE);
  assert_false(choose(l, 1280, 720, LAYER_NO_CAP, -1).capped);
}

static void the_cap_takes_temporal_layers_then_the_layer(void **state) {
  (void)state;
  struct layer_choice c = choose(hd, 1280, 720, 1000000, 2);
  assert_int_equal(c.layer, 2);
  assert_int_equal(c.max_temporal, 1); /* 60 % of 1.5 Mbit/s */
  assert_int_equal(c.bitrate_bps, 900000);
  assert_true(c.capped);
  c = choose(hd, 1280, 720, 550000, 2);
  assert_int_equal(c.layer, 1);
  assert_int_equal(c.max_temporal, 2);
  assert_int_equal(choose(hd, 1280, 720, 550000, 0).max_temporal, 1); /* going up wants headroom */
  c = choose(hd, 1280, 720, 59999, 2);
  assert_int_equal(c.layer, LAYER_NONE); /* audio only */
  assert_true(c.capped);
  assert_int_equal(choose(hd, 1280, 720, 60000, -1).layer, 0);
  struct layer_request r = {
      .width = 1280, .height = 720, .max_bitrate_bps = LAYER_NO_CAP, .max_temporal = 0, .current = -1};
  assert_int_equal(layer_selector_choose(hd, 3, &r).max_temporal, 0);
}

static void unknown_sizes_are_halves_of_known_ones(void **state) {
  (void)state;
  struct layer_state l[3] = {{.live = true}, {.live = true}, {.live = true, .width = 1280, .height = 720}};
  assert_int_equal(choose(l, 640, 360, LAYER_NO_CAP, -1).layer, 1);
  l[2].width = 0;
  l[0] = (struct layer_state){.live = true, .width = 160, .height = 90};
  assert_int_equal(choose(l, 640, 360, LAYER_NO_CAP, -1).layer, 2);
  l[0].width = 0; /* nothing known at all */
  assert_int_equal(choose(l, 300, 150, LAYER_NO_CAP, -1).layer, 0);
  assert_int_equal(choose(l, 300, 150, 1, -1).layer, 0); /* unknown bitrate counts as fitting */
}

static void needed_layers_are_those_somebody_would_get(void **state) {
  (void)state;
  struct layer_request r[3] = {
      {.width = 100, .height = 100, .current = -1}, {.current = -1}, {.width = 900, .height = 900, .current = -1}};
  assert_int_equal(layer_selector_needed(hd, 3, r, 2), 1);
  assert_int_equal(layer_selector_needed(hd, 3, r, 3), 1 | 4);
  assert_int_equal(layer_selector_needed(hd, 3, NULL, 0), 1);
  assert_int_equal(layer_selector_needed(hd, 0, r, 3), 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(the_smallest_layer_that_fills_the_box_wins),
                                     cmocka_unit_test(dead_layers_are_never_chosen),
                                     cmocka_unit_test(the_cap_takes_temporal_layers_then_the_layer),
                                     cmocka_unit_test(unknown_sizes_are_halves_of_known_ones),
                                     cmocka_unit_test(needed_layers_are_those_somebody_would_get)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
