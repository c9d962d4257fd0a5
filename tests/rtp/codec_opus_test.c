/* Tests of rtp/codec_opus.c: Opus and RED. */
#include "rtp/codec.h"
#include "tests/rtp/bytes.h"

static void silence_is_two_bytes(void **state) {
  (void)state;
  struct rtp_codec_info i;
  const uint8_t data[3] = {0x78, 0, 0};
  for (size_t len = 1; len <= 3; len++) {
    assert_int_equal(rtp_opus_parse(data, len, false, &i), RTP_OK);
    assert_int_equal(i.dtx, len <= 2);
    assert_true(i.keyframe && i.frame_start && i.frame_end);
  }
}

static void durations_of_rfc_6716(void **state) {
  (void)state;
  const struct {
    size_t len;
    uint32_t samples;
    uint8_t toc, count;
  } cases[] = {
      {1, 480, 0 << 3, 0},
      {1, 960, 1 << 3, 0},
      {1, 2880, 3 << 3, 0},
      {1, 5760, 11 << 3 | 1, 0},
      {1, 480, 12 << 3, 0},
      {1, 960, 15 << 3, 0},
      {1, 120, 16 << 3, 0},
      {1, 240, 17 << 3, 0},
      {1, 960, 31 << 3, 0},
      {1, 1920, 31 << 3 | 1, 0},
      {1, 1920, 31 << 3 | 2, 0},
      {2, 2880, 31 << 3 | 3, 3},
      {2, 5760, 16 << 3 | 3, 48},
      {2, 0, 16 << 3 | 3, 49},
      {2, 5760, 3 << 3 | 3, 0x42},
      {2, 0, 3 << 3 | 3, 3},
      {1, 0, 16 << 3 | 3, 0},
      {2, 0, 16 << 3 | 3, 0},
      {0, 0, 0, 0},
  };
  for (size_t i = 0; i < COUNT(cases); i++) {
    const uint8_t data[2] = {cases[i].toc, cases[i].count};
    struct bytes b = bytes_copy(data, cases[i].len);
    assert_int_equal(rtp_opus_duration(b.data, b.len), cases[i].samples);
    bytes_free(&b);
  }
}

static void red_splits_and_joins(void **state) {
  (void)state;
  /* Two older blocks (960 and 1920 samples), the first of them lost; payload type 111. */
  const char *hex = "ef 1e0000 ef 0f0003 6f 010203 0405";
  struct bytes b = bytes_hex(hex);
  struct rtp_red red;
  assert_int_equal(rtp_red_parse(b.data, b.len, &red), RTP_OK);
  assert_int_equal(red.count, 3);
  assert_int_equal(red.blocks[0].timestamp_offset, 1920);
  assert_int_equal(red.blocks[0].len, 0);
  assert_int_equal(red.blocks[1].timestamp_offset, 960);
  assert_int_equal(red.blocks[1].payload_type, 111);
  assert_hex(red.blocks[1].data, red.blocks[1].len, "010203");
  assert_int_equal(red.blocks[2].timestamp_offset, 0);
  assert_hex(red.blocks[2].data, red.blocks[2].len, "0405");
  uint8_t out[32];
  int n = rtp_red_write(out, sizeof out, &red);
  assert_hex(out, (size_t)n, hex);
  for (int cap = 0; cap < n; cap++)
    assert_int_equal(rtp_red_write(out, (size_t)cap, &red), RTP_ERROR_NO_SPACE);
  bytes_free(&b);
}

static void red_refuses_lies(void **state) {
  (void)state;
  const struct {
    const char *hex;
    int error;
  } cases[] = {
      {"", RTP_ERROR_SHORT},
      {"ef", RTP_ERROR_SHORT},
      {"ef 0f00", RTP_ERROR_SHORT},
      {"ef 0f0003", RTP_ERROR_SHORT}, /* no primary header   */
      {"ef 0f0003 6f 0102", RTP_ERROR_LENGTH},
      {"ef 0f03ff 6f 010203", RTP_ERROR_LENGTH},
      {"ef 0f0003 6f 010203", RTP_OK}, /* an empty primary    */
      {"6f", RTP_OK},
  };
  struct rtp_red red;
  for (size_t i = 0; i < COUNT(cases); i++) {
    struct bytes b = bytes_hex(cases[i].hex);
    assert_int_equal(rtp_red_parse(b.data, b.len, &red), cases[i].error);
    bytes_free(&b);
  }
  uint8_t many[4 * RTP_RED_MAX_BLOCKS + 1];
  for (size_t i = 0; i < sizeof many; i++)
    many[i] = i % 4 == 0 ? 0xef : 0;
  many[sizeof many - 1] = 0x6f;
  assert_int_equal(rtp_red_parse(many, sizeof many, &red), RTP_ERROR_TOO_MANY);
  many[sizeof many - 5] = 0x6f; /* one less */
  assert_int_equal(rtp_red_parse(many, sizeof many, &red), RTP_OK);
  assert_int_equal(red.count, RTP_RED_MAX_BLOCKS);

  uint8_t out[64], data[4] = {0};
  struct rtp_red bad = {.count = 2, .blocks = {{data, 1, 16384, 111}, {data, 1, 0, 111}}};
  assert_int_equal(rtp_red_write(out, sizeof out, &bad), RTP_ERROR_VALUE);
  bad.blocks[0] = (struct rtp_red_block){data, 1024, 960, 111};
  assert_int_equal(rtp_red_write(out, sizeof out, &bad), RTP_ERROR_VALUE);
  bad.blocks[0] = (struct rtp_red_block){data, 1, 960, 128};
  assert_int_equal(rtp_red_write(out, sizeof out, &bad), RTP_ERROR_VALUE);
  bad.blocks[0] = (struct rtp_red_block){data, 1, 960, 111};
  bad.blocks[1].timestamp_offset = 1;
  assert_int_equal(rtp_red_write(out, sizeof out, &bad), RTP_ERROR_VALUE);
  bad.count = 0;
  assert_int_equal(rtp_red_write(out, sizeof out, &bad), RTP_ERROR_VALUE);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(silence_is_two_bytes),
      cmocka_unit_test(durations_of_rfc_6716),
      cmocka_unit_test(red_splits_and_joins),
      cmocka_unit_test(red_refuses_lies),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
