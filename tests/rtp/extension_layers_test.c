/* Tests of rtp/extension_layers.c: video-layers-allocation00. */
#include "rtp/extension.h"
#include "tests/rtp/bytes.h"

static int decode(const char *hex, struct rtp_layers_allocation *v) {
  struct bytes b = bytes_hex(hex);
  int error = rtp_layers_decode(b.data, b.len, v);
  bytes_free(&b);
  return error;
}

static void nothing_is_sent(void **state) {
  (void)state;
  struct rtp_layers_allocation v;
  uint8_t out[4];
  assert_int_equal(decode("00", &v), RTP_OK);
  assert_int_equal(v.count, 0);
  assert_int_equal(v.stream_count, 1);
  assert_int_equal(rtp_layers_encode(out, sizeof out, &v), 1);
  assert_int_equal(out[0], 0);
}

/* Stream 1 of three simulcast streams (q h f), one spatial and three temporal layers each, with sizes. */
static void simulcast_with_sizes(void **state) {
  (void)state;
  const char *hex =
      "61 a8 28 3c 50 64 8c01 c801 b004 d80a d00f 009f 0059 0f 013f 00b3 1e 027f 0167 1e"; /* 0xa8: 3 3 3 layers */
  struct rtp_layers_allocation v;
  assert_int_equal(decode(hex, &v), RTP_OK);
  assert_int_equal(v.stream, 1);
  assert_int_equal(v.stream_count, 3);
  assert_int_equal(v.count, 3);
  assert_true(v.has_resolution);
  assert_int_equal(v.layers[0].temporal_count, 3);
  assert_int_equal(v.layers[0].bitrate_kbps[0], 40);
  assert_int_equal(v.layers[1].bitrate_kbps[2], 200);
  assert_int_equal(v.layers[2].bitrate_kbps[2], 2000);
  assert_int_equal(v.layers[2].stream, 2);
  assert_int_equal(v.layers[0].width, 160);
  assert_int_equal(v.layers[2].height, 360);
  assert_int_equal(v.layers[0].max_fps, 15);
  uint8_t out[64];
  int n = rtp_layers_encode(out, sizeof out, &v);
  assert_true(n > 0);
  assert_hex(out, (size_t)n, hex);
  for (int cap = 0; cap < n; cap++)
    assert_int_equal(rtp_layers_encode(out, (size_t)cap, &v), RTP_ERROR_NO_SPACE);
  /* Cut anywhere, it is refused; without any sizes it is whole again. */
  struct bytes whole = bytes_hex(hex);
  for (size_t len = 0; len < whole.len; len++) {
    struct bytes cut = bytes_copy(whole.data, len);
    int error = rtp_layers_decode(cut.data, cut.len, &v);
    assert_int_equal(error, len == whole.len - 15 ? RTP_OK : RTP_ERROR_SHORT);
    bytes_free(&cut);
  }
  bytes_free(&whole);
}

/* Two streams with different layers: sl_bm is 0 and a byte of masks follows. */
static void separate_masks(void **state) {
  (void)state;
  const char *hex = "10 13 00 05 06 8001";
  struct rtp_layers_allocation v;
  assert_int_equal(decode(hex, &v), RTP_OK);
  assert_int_equal(v.count, 3);
  assert_false(v.has_resolution);
  assert_int_equal(v.layers[1].stream, 1);
  assert_int_equal(v.layers[2].spatial_id, 1);
  assert_int_equal(v.layers[2].bitrate_kbps[0], 128);
  uint8_t out[16];
  int n = rtp_layers_encode(out, sizeof out, &v);
  assert_true(n > 0);
  assert_hex(out, (size_t)n, hex);
}

static void hostile_values_are_refused(void **state) {
  (void)state;
  struct rtp_layers_allocation v;
  uint8_t out[16];
  assert_int_equal(decode("", &v), RTP_ERROR_SHORT);
  assert_int_equal(decode("41 00 05", &v), RTP_ERROR_VALUE);                 /* stream 1 of one       */
  assert_int_equal(decode("01 00 808080808080808001", &v), RTP_ERROR_SHORT); /* endless leb128        */
  assert_int_equal(decode("01 00 ffffffff7f", &v), RTP_ERROR_SHORT);         /* above 32 bits         */
  assert_int_equal(decode("01 00 05 ffff 0001 1e", &v), RTP_ERROR_VALUE);    /* 65536 pixels wide     */
  assert_int_equal(decode("3f ffffffff 00", &v), RTP_ERROR_SHORT);           /* 16 layers, no content */
  v = (struct rtp_layers_allocation){.stream_count = 1, .count = 2};
  v.layers[0] = v.layers[1] = (struct rtp_layer_allocation){.temporal_count = 1};
  assert_int_equal(rtp_layers_encode(out, sizeof out, &v), RTP_ERROR_VALUE); /* twice the same */
  v.count = 17;
  assert_int_equal(rtp_layers_encode(out, sizeof out, &v), RTP_ERROR_VALUE);
  v = (struct rtp_layers_allocation){.stream_count = 5};
  assert_int_equal(rtp_layers_encode(out, sizeof out, &v), RTP_ERROR_VALUE);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(nothing_is_sent),
      cmocka_unit_test(simulcast_with_sizes),
      cmocka_unit_test(separate_masks),
      cmocka_unit_test(hostile_values_are_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
