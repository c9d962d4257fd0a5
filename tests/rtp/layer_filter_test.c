/* Tests of rtp/layer_filter.c: streams as libwebrtc's scalability modes make them, and a receiver that knows what each frame refers
 * to: whatever is asked for and whenever, nothing that is forwarded may refer to what was not. */
#include "rtp/layer_filter.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define LAYERS 3
#define UNITS  20000
#define NOBODY 0

/* A publisher: spatial layers, three temporal ones in the pattern 0 2 1 2, frames numbered from 1. */
struct stream {
  int spatial, temporal;
  bool key_only; /* L3T3_KEY: layers are predicted from each other in key frames alone */
  struct rtp_dependency_structure structure;
  uint32_t unit;   /* since the last key frame */
  uint16_t number; /* of the newest frame      */
  uint32_t timestamp;
  int last_of_chain[LAYERS]; /* distance is counted from it; NOBODY: none since the key frame */
  int last_base[LAYERS], last_middle[LAYERS];
};

struct frame {
  struct rtp_frame_marks marks;
  int refers[2], refer_count;
  bool keyframe;
  uint32_t timestamp;
};

/* libwebrtc's rule for a frame of (s, t) and a target of (ts, tt); `key`: of the first picture. */
static enum rtp_dti dti_of(const struct stream *v, bool key, int s, int t, int ts, int tt) {
  if (v->key_only && !key && ts != s) return RTP_DTI_NOT_PRESENT;
  if (ts < s || tt < t) return RTP_DTI_NOT_PRESENT;
  if (key) return RTP_DTI_SWITCH;
  if (ts > s) return RTP_DTI_REQUIRED;
  return t > 0 && tt == t ? RTP_DTI_DISCARDABLE : RTP_DTI_SWITCH;
}

static struct stream stream_of(int spatial, int temporal, bool key_only) {
  struct stream v = {.spatial = spatial, .temporal = temporal, .key_only = key_only};
  struct rtp_dependency_structure *d = &v.structure;
  d->valid = true;
  d->spatial_layers = (uint8_t)spatial;
  d->temporal_layers = (uint8_t)temporal;
  d->target_count = (uint8_t)(spatial * temporal);
  d->chain_count = (uint8_t)spatial;
  d->active_targets = (1U << d->target_count) - 1;
  for (int target = 0; target < d->target_count; target++) {
    d->target_spatial_id[target] = (uint8_t)(target / temporal);
    d->target_temporal_id[target] = (uint8_t)(target % temporal);
    d->target_chain[target] = (uint8_t)(target / temporal);
  }
  for (int s = 0; s < spatial; s++) {
    for (int t = 0; t < temporal; t++) {
      for (int key = 0; key < (t == 0 ? 2 : 1); key++) {
        struct rtp_dependency_template *p = &d->templates[d->template_count++];
        p->spatial_id = (uint8_t)s;
        p->temporal_id = (uint8_t)t;
        for (int target = 0; target < d->target_count; target++)
          p->dti[target] = (uint8_t)dti_of(&v, key, s, t, target / temporal, target % temporal);
      }
    }
  }
  return v;
}

/* The frames of the next picture, smallest first; returns how many. */
static int next_unit(struct stream *v, bool key, struct frame out[LAYERS]) {
  static const int pattern[3][4] = {{0, 0, 0, 0}, {0, 1, 0, 1}, {0, 2, 1, 2}};
  if (key) v->unit = 0;
  key = v->unit == 0;
  const int t = pattern[v->temporal - 1][v->unit++ % 4];
  v->timestamp += 3000;
  for (int s = 0; s < v->spatial; s++) {
    struct frame *f = &out[s];
    *f = (struct frame){.timestamp = v->timestamp, .keyframe = key && s == 0};
    const int number = ++v->number;
    struct rtp_dependency_descriptor d = {.frame_number = (uint16_t)number,
                                          .frame_end = true,
                                          .spatial_id = (uint8_t)s,
                                          .temporal_id = (uint8_t)t,
                                          .target_count = v->structure.target_count,
                                          .chain_count = v->structure.chain_count};
    for (int target = 0; target < d.target_count; target++)
      d.dti[target] = (uint8_t)dti_of(v, key, s, t, target / v->temporal, target % v->temporal);
    for (int c = 0; c < v->spatial; c++) {
      if (key && s == 0) v->last_of_chain[c] = NOBODY;
      d.chain_fdiffs[c] = v->last_of_chain[c] == NOBODY ? 0 : (uint8_t)(number - v->last_of_chain[c]);
      bool member = t == 0 && (v->key_only && !key ? c == s : c >= s);
      if (member) v->last_of_chain[c] = number;
    }
    if (s > 0 && (key || !v->key_only)) f->refers[f->refer_count++] = number - 1;
    int before = t == 2 && v->last_middle[s] > v->last_base[s] ? v->last_middle[s] : v->last_base[s];
    if (!key) f->refers[f->refer_count++] = before;
    if (t == 0) v->last_base[s] = number;
    if (t == 1) v->last_middle[s] = number;
    f->marks = layer_filter_marks(&v->structure, &d);
    assert_true(f->marks.layered);
  }
  return v->spatial;
}

struct receiver {
  struct layer_filter filter;
  uint8_t temporal_max;
  bool *decoded; /* by frame number */
  int top, ends;
};

static struct receiver receiver_of(void) {
  struct receiver r = {.temporal_max = 7, .decoded = calloc(65536 * 2, sizeof(bool))};
  layer_filter_init(&r.filter);
  layer_filter_begin(&r.filter);
  return r;
}

/* A picture comes; what goes on must be decodable, its last frame, and no other, marked. Notes the largest layer. */
static void take(struct receiver *r, struct stream *v, bool key) {
  struct frame frames[LAYERS];
  const int count = next_unit(v, key, frames);
  r->top = -1;
  r->ends = 0;
  for (int i = 0; i < count; i++) {
    const struct frame *f = &frames[i];
    if (!layer_filter_wants(&r->filter, &v->structure, &f->marks, f->timestamp, r->temporal_max, f->keyframe, true))
      continue;
    assert_int_equal(r->ends, 0); /* nothing follows the end */
    r->ends += layer_filter_ends(&r->filter, &v->structure, &f->marks);
    r->top = f->marks.spatial_id;
    for (int k = 0; k < f->refer_count; k++)
      assert_true(r->decoded[f->refers[k]]);
    r->decoded[f->marks.frame_number] = true;
  }
  assert_true(r->top < 0 || r->ends == 1);
}

static void down_in_a_full_pyramid_needs_no_key_frame(void **state) {
  (void)state;
  struct stream v = stream_of(3, 3, false);
  struct receiver r = receiver_of();
  for (int i = 0; i < 9; i++) {
    take(&r, &v, false);
    assert_int_equal(r.top, 2);
  }
  r.filter.spatial_max = 0;
  take(&r, &v, false);
  assert_int_equal(r.top, 0); /* with the very next picture */
  assert_false(r.filter.stuck);
  for (int i = 0; i < 4; i++)
    take(&r, &v, false);
  r.filter.spatial_max = 2;
  for (int i = 0; i < 8; i++) {
    take(&r, &v, false);
    assert_int_equal(r.top, 0); /* what the larger one refers to did not go */
  }
  assert_true(r.filter.stuck);
  take(&r, &v, true);
  assert_int_equal(r.top, 2);
  assert_false(r.filter.stuck);
  free(r.decoded);
}

static void apart_but_for_key_frames(void **state) {
  (void)state;
  struct stream v = stream_of(3, 3, true);
  struct receiver r = receiver_of();
  take(&r, &v, false);
  struct frame frames[LAYERS];
  next_unit(&v, false, frames); /* between key frames only the frames of its own layer go */
  for (int s = 0; s < 3; s++)
    assert_int_equal(layer_filter_wants(&r.filter, &v.structure, &frames[s].marks, frames[s].timestamp, 7, false, true),
                     s == 2);
  r.decoded[v.number] = true;
  for (int i = 0; i < 4; i++)
    take(&r, &v, false);
  r.filter.spatial_max = 1;
  for (int i = 0; i < 8; i++) {
    take(&r, &v, false);
    assert_int_equal(r.top, 2); /* make before break */
  }
  assert_true(r.filter.stuck);
  take(&r, &v, true);
  assert_int_equal(r.top, 1);
  assert_false(r.filter.stuck);
  take(&r, &v, false);
  assert_int_equal(r.top, 1);
  free(r.decoded);
}

static void temporal_layers_come_and_go_without_key_frames(void **state) {
  (void)state;
  for (int key_only = 0; key_only < 2; key_only++) {
    struct stream v = stream_of(3, 3, key_only);
    struct receiver r = receiver_of();
    r.filter.spatial_max = 1;
    take(&r, &v, false);
    r.temporal_max = 0;
    int shown = 0;
    for (int i = 0; i < 40; i++) {
      take(&r, &v, false);
      shown += r.top == 1;
    }
    assert_int_equal(shown, 10); /* every fourth */
    r.temporal_max = 1;
    shown = 0;
    for (int i = 0; i < 40; i++) {
      take(&r, &v, false);
      shown += r.top == 1;
    }
    assert_in_range(shown, 18, 20);
    r.temporal_max = 7;
    for (int i = 0; i < 4; i++)
      take(&r, &v, false);
    for (int i = 0; i < 40; i++) {
      take(&r, &v, false);
      assert_int_equal(r.top, 1);
    }
    assert_false(r.filter.stuck);
    free(r.decoded);
  }
}

/* The publisher's own link got thin: the largest layer is not sent any more. */
static void what_is_not_sent_is_not_waited_for(void **state) {
  (void)state;
  struct stream v = stream_of(3, 3, false);
  struct receiver r = receiver_of();
  take(&r, &v, false);
  v.structure.active_targets = 0x3f; /* targets of layers 0 and 1 */
  take(&r, &v, false);
  assert_int_equal(r.top, 1);
  assert_false(r.filter.stuck);
  assert_int_equal(layer_filter_target(&v.structure, 2, 7), 5);
  for (int i = 0; i < 4; i++)
    take(&r, &v, false);
  v.structure.active_targets = 0x1ff;
  for (int i = 0; i < 4; i++)
    take(&r, &v, false);
  assert_true(r.filter.stuck);
  v.structure.active_targets = 0;
  take(&r, &v, false);
  assert_false(r.filter.stuck);
  free(r.decoded);
}

static void late_packets_follow_their_frame(void **state) {
  (void)state;
  struct stream v = stream_of(2, 1, false);
  struct receiver r = receiver_of();
  r.filter.spatial_max = 0;
  struct frame key[LAYERS], next[LAYERS], lost[LAYERS], after[LAYERS];
  next_unit(&v, false, key);
  next_unit(&v, false, next);
  next_unit(&v, false, lost);
  next_unit(&v, false, after);
  const struct frame *in_order[] = {&key[0], &key[1], &next[0], &next[1], &after[0]};
  for (size_t i = 0; i < 5; i++)
    assert_int_equal(
        layer_filter_wants(&r.filter, &v.structure, &in_order[i]->marks, in_order[i]->timestamp, 7, i == 0, true),
        in_order[i]->marks.spatial_id == 0);
  /* A second packet of frames that were decided, and the first of a picture that was lost. */
  assert_true(layer_filter_wants(&r.filter, &v.structure, &next[0].marks, next[0].timestamp, 7, false, false));
  assert_false(layer_filter_wants(&r.filter, &v.structure, &next[1].marks, next[1].timestamp, 7, false, false));
  assert_true(layer_filter_wants(&r.filter, &v.structure, &lost[0].marks, lost[0].timestamp, 7, false, false));
  assert_false(layer_filter_wants(&r.filter, &v.structure, &lost[1].marks, lost[1].timestamp, 7, false, false));
  assert_false(r.filter.broken & 1); /* what did not come was not left out */
  free(r.decoded);
}

/* Wishes change at any time, key frames come when they are needed and now and then: twenty thousand pictures, numbers wrap around. */
static void whatever_is_asked_for_can_be_decoded(void **state) {
  (void)state;
  const struct {
    int spatial, temporal;
    bool key_only;
  } modes[] = {{3, 3, false}, {3, 3, true}, {2, 2, false}, {2, 1, true}, {3, 1, false}};
  for (size_t mode = 0; mode < sizeof modes / sizeof *modes; mode++) {
    struct stream v = stream_of(modes[mode].spatial, modes[mode].temporal, modes[mode].key_only);
    struct receiver r = receiver_of();
    uint64_t random = 20261122 + mode;
    r.filter.spatial_max = (uint8_t)(v.spatial - 1);
    int shown = 0, stuck_for = 0, patience = 0;
    for (int i = 0; i < UNITS; i++) {
      random = random * 6364136223846793005ULL + 1442695040888963407ULL;
      const uint32_t dice = (uint32_t)(random >> 33);
      if (dice % 13 == 0) {
        r.filter.spatial_max = (uint8_t)(dice / 13 % (uint32_t)v.spatial);
        patience = 0;
      }
      if (dice % 7 == 0) r.temporal_max = (uint8_t)(dice / 91 % 4);
      stuck_for = r.filter.stuck ? stuck_for + 1 : 0;
      bool key = dice % 401 == 0 || stuck_for > 5;
      if (v.number > 65500 && !key) {
        memset(r.decoded, 0, 65536);
        v.number = 0;
        for (int s = 0; s < v.spatial; s++)
          v.last_middle[s] = v.last_base[s] = 0;
        layer_filter_begin(&r.filter);
        key = true;
      }
      take(&r, &v, key);
      shown += r.top >= 0;
      patience = r.top == (int)r.filter.spatial_max || r.top < 0 ? 0 : patience + 1;
      assert_true(patience < 30); /* what is wanted comes */
    }
    assert_true(shown > UNITS / 4);
    free(r.decoded);
  }
}

static void what_the_filter_does_not_know_is_left_alone(void **state) {
  (void)state;
  struct stream v = stream_of(3, 3, false);
  struct rtp_dependency_descriptor d = {.frame_number = 7};
  v.structure.spatial_layers = 1;
  assert_false(layer_filter_marks(&v.structure, &d).layered);
  v.structure.spatial_layers = 3;
  v.structure.target_count = LAYER_FILTER_TARGETS + 1;
  assert_false(layer_filter_fits(&v.structure));
  v.structure.target_count = 9;
  v.structure.chain_count = LAYER_FILTER_CHAINS + 1;
  assert_false(layer_filter_fits(&v.structure));
  v.structure.chain_count = 3;
  assert_true(layer_filter_fits(&v.structure));
  v.structure.valid = false;
  assert_false(layer_filter_fits(&v.structure));
}

/* Packets are read a batch before they are forwarded: what the filter is told of may be newer than their marks. */
static void a_larger_structure_than_a_packets_is_left_alone(void **state) {
  (void)state;
  struct stream v = stream_of(3, 3, false);
  struct frame frames[LAYERS];
  next_unit(&v, true, frames);
  struct rtp_dependency_structure larger = v.structure;
  larger.target_count = RTP_DD_MAX_TARGETS;
  larger.active_targets = UINT32_MAX;
  larger.chain_count = RTP_DD_MAX_CHAINS;
  for (int target = v.structure.target_count; target < RTP_DD_MAX_TARGETS; target++) {
    larger.target_spatial_id[target] = 2;
    larger.target_temporal_id[target] = 7;
    larger.target_chain[target] = RTP_DD_MAX_CHAINS - 1;
  }
  struct layer_filter f;
  layer_filter_init(&f);
  assert_false(layer_filter_wants(&f, &larger, &frames[0].marks, frames[0].timestamp, 7, true, true));
  assert_true(f.target < LAYER_FILTER_TARGETS);
  layer_filter_init(&f);
  assert_true(layer_filter_wants(&f, &v.structure, &frames[0].marks, frames[0].timestamp, 7, true, true));
  next_unit(&v, false, frames);
  assert_true(layer_filter_wants(&f, &larger, &frames[0].marks, frames[0].timestamp, 7, false, true));
  assert_true(f.target < LAYER_FILTER_TARGETS);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(down_in_a_full_pyramid_needs_no_key_frame),
      cmocka_unit_test(a_larger_structure_than_a_packets_is_left_alone),
      cmocka_unit_test(apart_but_for_key_frames),
      cmocka_unit_test(temporal_layers_come_and_go_without_key_frames),
      cmocka_unit_test(what_is_not_sent_is_not_waited_for),
      cmocka_unit_test(late_packets_follow_their_frame),
      cmocka_unit_test(whatever_is_asked_for_can_be_decoded),
      cmocka_unit_test(what_the_filter_does_not_know_is_left_alone),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
