/* Tests of rtp/dependency_descriptor.c.
 * Covers: rtp/dependency_structure.c */
#include "rtp/dependency_descriptor.h"

#include "tests/rtp/bytes.h"

/* A key frame of Chromium's L3T3 mode, from a traffic capture that several implementations test with. */
#define CAPTURED_L3T3                                                                              \
  "c1017280081485214eafffaaaa863cf0430c10c302afc0aaa0063c00430010c002a000a80006000040001d954926e0" \
  "82b04a0941b820ac1282503157f974000ca864330e222222eca8655304224230eca877530077004200ef008601df010d"

static struct rtp_dependency_structure structure;
static struct rtp_dependency_descriptor d;

static int parse(const char *hex) {
  struct bytes b = bytes_hex(hex);
  int error = rtp_dependency_parse(&structure, b.data, b.len, &d);
  bytes_free(&b);
  return error;
}

static int forget(void **state) {
  (void)state;
  structure = (struct rtp_dependency_structure){0};
  return 0;
}

static void captured_key_frame(void **state) {
  (void)state;
  assert_int_equal(parse(CAPTURED_L3T3), RTP_OK);
  assert_true(d.frame_start && d.frame_end && d.has_structure);
  assert_int_equal(d.template_id, 1);
  assert_int_equal(d.frame_number, 0x172);
  assert_int_equal(d.target_count, 9);
  assert_int_equal(d.chain_count, 3);
  assert_int_equal(d.active_targets, 0x1ff);
  assert_int_equal(d.spatial_id, 0);
  assert_int_equal(d.temporal_id, 0);
  assert_int_equal(d.fdiff_count, 0); /* predicted from nothing */
  assert_int_equal(d.width, 120);
  assert_int_equal(d.height, 67);
  assert_int_equal(structure.spatial_layers, 3);
  assert_int_equal(structure.temporal_layers, 3);
  assert_int_equal(structure.width[2], 480);
  assert_int_equal(structure.height[2], 270);
  for (unsigned i = 0; i < 9; i++) { /* L3T3: target i is spatial layer i / 3 with temporal layers up to i % 3 */
    assert_int_equal(structure.target_spatial_id[i], i / 3);
    assert_int_equal(structure.target_temporal_id[i], i % 3);
    assert_int_equal(structure.target_chain[i], i / 3);
    assert_int_equal(d.dti[i], RTP_DTI_SWITCH);
  }
}

static void captured_later_frames(void **state) {
  (void)state;
  assert_int_equal(parse("860173"), RTP_ERROR_NO_STRUCTURE); /* the key frame was missed */
  assert_int_equal(parse(CAPTURED_L3T3), RTP_OK);
  const struct {
    const char *hex;
    uint16_t frame_number;
    bool start, end;
    uint8_t template_id;
  } frames[] = {
      {"86017340fc", 0x173, true, false, 6}, {"46017340fc", 0x173, false, true, 6},
      {"c3017540fc", 0x175, true, true, 3},  {"88017640fc", 0x176, true, false, 8},
      {"48017640fc", 0x176, false, true, 8}, {"c2017840fc", 0x178, true, true, 2},
      {"860173", 0x173, true, false, 6},     {"8b0174", 0x174, true, false, 11},
      {"0b0174", 0x174, false, false, 11},
  };
  for (size_t i = 0; i < COUNT(frames); i++) {
    assert_int_equal(parse(frames[i].hex), RTP_OK);
    assert_int_equal(d.frame_number, frames[i].frame_number);
    assert_int_equal(d.frame_start, frames[i].start);
    assert_int_equal(d.frame_end, frames[i].end);
    assert_int_equal(d.template_id, frames[i].template_id);
    assert_false(d.has_structure);
    assert_int_equal(d.target_count, 9);
    if (i >= 6) continue;
    /* 40 fc: active targets 0 0 0 1 1 1 1 1 1, most significant first: all but the largest spatial layer. */
    assert_true(d.has_active_targets);
    assert_int_equal(d.active_targets, 0x03f);
  }
  assert_int_equal(d.active_targets, 0x03f);                 /* stays until somebody says otherwise */
  assert_int_equal(parse("fc0173"), RTP_ERROR_NO_STRUCTURE); /* template 60 of a smaller structure */
}

static void captured_bytes_cut_anywhere(void **state) {
  (void)state;
  assert_int_equal(parse(CAPTURED_L3T3), RTP_OK);
  static struct rtp_dependency_structure before;
  before = structure;
  struct bytes b = bytes_hex(CAPTURED_L3T3);
  b.data[3] |= 0x3f; /* another template id offset, so that a replaced structure would show */
  for (size_t len = 0; len < b.len; len++) {
    struct bytes cut = bytes_copy(b.data, len);
    int error = rtp_dependency_parse(&structure, cut.data, cut.len, &d);
    assert_true(error < 0 || len == 3);
    bytes_free(&cut);
  }
  assert_memory_equal(&structure, &before, sizeof before);
  bytes_free(&b);
}

/* ---- structures written bit by bit ---- */

static uint8_t built[256];
static size_t built_bits;

static void put(unsigned n, uint32_t v) {
  for (unsigned i = n; i-- > 0; built_bits++) {
    assert_true(built_bits < sizeof built * 8);
    if (v >> i & 1) built[built_bits / 8] |= (uint8_t)(0x80 >> built_bits % 8);
  }
}

static int parse_built(void) {
  struct bytes b = bytes_copy(built, (built_bits + 7) / 8);
  int error = rtp_dependency_parse(&structure, b.data, b.len, &d);
  bytes_free(&b);
  return error;
}

/* Frame start and end, template id, frame number, and the five flags of A.8.1. */
static void begin(unsigned template_id, unsigned frame_number, unsigned flags) {
  memset(built, 0, sizeof built);
  built_bits = 0;
  put(2, 3);
  put(6, template_id);
  put(16, frame_number);
  put(5, flags);
}

/* L1T2 with two targets and one chain; templates 62 (T0 key), 63 (T0), 0 (T1). */
static void put_l1t2(void) {
  put(6, 62); /* offset: ids wrap at 64 */
  put(5, 1);
  put(2, 0); /* the same layer again */
  put(2, 1); /* next temporal        */
  put(2, 3);
  put(2, 2), put(2, 2);            /* SS */
  put(2, 2), put(2, 3);            /* SR */
  put(2, 0), put(2, 1);            /* -D */
  put(1, 0);                       /* key: no fdiff */
  put(1, 1), put(4, 1), put(1, 0); /* 2 back        */
  put(1, 1), put(4, 0), put(1, 0); /* 1 back        */
  put(2, 2);                       /* one chain: ns(3) codes 1 as 10 */
  put(4, 0), put(4, 2), put(4, 1); /* chain fdiffs; ns(1) of both targets takes no bits */
  put(1, 0);                       /* no resolutions */
}

static void templates_wrap_and_customs_replace(void **state) {
  (void)state;
  begin(62, 65535, 0x10);
  put_l1t2();
  assert_int_equal(parse_built(), RTP_OK);
  assert_int_equal(structure.template_count, 3);
  assert_int_equal(d.chain_count, 1);
  assert_int_equal(d.active_targets, 3);
  assert_int_equal(d.width, 0);
  assert_int_equal(d.chain_fdiffs[0], 0);
  assert_int_equal(structure.target_temporal_id[0], 0);
  assert_int_equal(structure.target_temporal_id[1], 1);

  begin(0, 1, 0); /* template 0 is the third */
  built_bits = 24;
  assert_int_equal(parse_built(), RTP_OK);
  assert_int_equal(d.temporal_id, 1);
  assert_int_equal(d.dti[0], RTP_DTI_NOT_PRESENT);
  assert_int_equal(d.dti[1], RTP_DTI_DISCARDABLE);
  assert_int_equal(d.fdiffs[0], 1);
  assert_int_equal(d.chain_fdiffs[0], 1);

  begin(0, 1, 0x0f); /* active targets, and all three customs */
  put(2, 1);
  put(2, 3), put(2, 0);
  put(2, 1), put(4, 15), put(2, 2), put(8, 255), put(2, 3), put(12, 4095), put(2, 0);
  put(8, 200);
  assert_int_equal(parse_built(), RTP_OK);
  assert_int_equal(d.active_targets, 1);
  assert_int_equal(d.dti[0], RTP_DTI_REQUIRED);
  assert_int_equal(d.fdiff_count, 3);
  assert_int_equal(d.fdiffs[0], 16);
  assert_int_equal(d.fdiffs[1], 256);
  assert_int_equal(d.fdiffs[2], 4096);
  assert_int_equal(d.chain_fdiffs[0], 200);
  assert_int_equal(structure.active_targets, 1);

  begin(1, 1, 0);
  built_bits = 24;
  assert_int_equal(parse_built(), RTP_ERROR_NO_STRUCTURE);
}

static void caps_hold(void **state) {
  (void)state;
  begin(0, 0, 0x10); /* 65 templates of one layer */
  put(6, 0), put(5, 0);
  for (unsigned i = 0; i < 64; i++)
    put(2, 0);
  put(2, 3);
  assert_int_equal(parse_built(), RTP_ERROR_TOO_MANY);
  begin(0, 0, 0x10); /* nine temporal layers */
  put(6, 0), put(5, 0);
  for (unsigned i = 0; i < 8; i++)
    put(2, 1);
  assert_int_equal(parse_built(), RTP_ERROR_TOO_MANY);
  begin(0, 0, 0x10); /* five spatial layers */
  put(6, 0), put(5, 0);
  for (unsigned i = 0; i < 4; i++)
    put(2, 2);
  assert_int_equal(parse_built(), RTP_ERROR_TOO_MANY);
  begin(0, 0, 0x10); /* seventeen fdiffs in a template */
  put(6, 0), put(5, 0), put(2, 3), put(2, 0);
  for (unsigned i = 0; i < 17; i++)
    put(5, 0x10);
  assert_int_equal(parse_built(), RTP_ERROR_TOO_MANY);
  assert_false(structure.valid);

  begin(62, 0, 0x10);
  put_l1t2();
  assert_int_equal(parse_built(), RTP_OK);
  begin(62, 0, 0x02); /* seventeen fdiffs in a frame */
  for (unsigned i = 0; i < 17; i++)
    put(6, 0x10);
  assert_int_equal(parse_built(), RTP_ERROR_TOO_MANY);
  begin(62, 0, 0x02); /* a list that never ends */
  put(6, 0x10);
  built_bits = 32;
  assert_int_equal(parse_built(), RTP_ERROR_SHORT);
}

static void frame_numbers_are_patched_in_place(void **state) {
  (void)state;
  struct bytes b = bytes_hex("86017340fc");
  rtp_dependency_patch_frame_number(b.data, 0xfffe);
  assert_hex(b.data, b.len, "86fffe40fc");
  bytes_free(&b);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup(captured_key_frame, forget),
      cmocka_unit_test_setup(captured_later_frames, forget),
      cmocka_unit_test_setup(captured_bytes_cut_anywhere, forget),
      cmocka_unit_test_setup(templates_wrap_and_customs_replace, forget),
      cmocka_unit_test_setup(caps_hold, forget),
      cmocka_unit_test(frame_numbers_are_patched_in_place),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
