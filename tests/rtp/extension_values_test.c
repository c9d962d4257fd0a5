/* Tests of rtp/extension_values.c: the coding of each value. */
#include "rtp/extension.h"
#include "tests/rtp/bytes.h"

static void small_values_round_trip(void **state) {
  (void)state;
  uint8_t at[16];
  for (unsigned i = 0; i < 256; i++) {
    struct rtp_audio_level level = {.level = (uint8_t)(i & 127), .voice = i > 127}, level_back;
    rtp_audio_level_encode(at, level);
    assert_int_equal(at[0], i);
    assert_int_equal(rtp_audio_level_decode(at, 1, &level_back), RTP_OK);
    assert_int_equal(level_back.level, level.level);
    assert_int_equal(level_back.voice, level.voice);

    uint8_t content = 0;
    rtp_content_type_encode(at, (uint8_t)i);
    assert_int_equal(rtp_content_type_decode(at, 1, &content), RTP_OK);
    assert_int_equal(content, i);
  }
  struct rtp_audio_level level;
  rtp_audio_level_encode(at, (struct rtp_audio_level){.level = 200});
  assert_int_equal(at[0], 127);
  assert_int_equal(rtp_audio_level_decode(at, 2, &level), RTP_OK);
  assert_int_equal(rtp_audio_level_decode(at, 0, &level), RTP_ERROR_LENGTH);
  assert_int_equal(rtp_audio_level_decode(at, 3, &level), RTP_ERROR_LENGTH);

  const uint16_t rotations[] = {0, 90, 180, 270};
  for (unsigned i = 0; i < 16; i++) {
    struct rtp_video_orientation o = {.rotation = rotations[i & 3], .flip = i & 4, .back_camera = i & 8}, back;
    rtp_video_orientation_encode(at, o);
    assert_int_equal(at[0], i);
    assert_int_equal(rtp_video_orientation_decode(at, 1, &back), RTP_OK);
    assert_int_equal(back.rotation, o.rotation);
    assert_int_equal(back.flip, o.flip);
    assert_int_equal(back.back_camera, o.back_camera);
  }
}

static void abs_send_time_wraps_every_64_seconds(void **state) {
  (void)state;
  uint8_t at[3];
  uint32_t v;
  assert_int_equal(rtp_abs_send_time_from_us(1000000), 1 << 18);
  assert_int_equal(rtp_abs_send_time_from_us(500000), 1 << 17);
  assert_int_equal(rtp_abs_send_time_from_us(64000000), 0);
  assert_int_equal(rtp_abs_send_time_from_us(64000000LL * 1000000 + 1000000), 1 << 18);
  assert_int_equal(rtp_abs_send_time_from_us(63999999), 0); /* rounds up, and around */
  rtp_abs_send_time_encode(at, 0xABCDEF);
  assert_hex(at, 3, "abcdef");
  assert_int_equal(rtp_abs_send_time_decode(at, 3, &v), RTP_OK);
  assert_int_equal(v, 0xABCDEF);
  assert_int_equal(rtp_abs_send_time_decode(at, 2, &v), RTP_ERROR_LENGTH);

  assert_int_equal(rtp_abs_send_time_delta_us(1 << 18, 0), 1000000);
  assert_int_equal(rtp_abs_send_time_delta_us(0, 1 << 18), -1000000);
  assert_int_equal(rtp_abs_send_time_delta_us(1 << 17, 0xFE0000), 1000000); /* across the wrap */
  assert_int_equal(rtp_abs_send_time_delta_us(0xFE0000, 1 << 17), -1000000);
}

static void signed_and_fixed_point_values(void **state) {
  (void)state;
  uint8_t at[16];
  const int32_t offsets[] = {0, 1, -1, 0x7FFFFF, -0x800000};
  for (size_t i = 0; i < COUNT(offsets); i++) {
    int32_t back = 0;
    rtp_transmission_offset_encode(at, offsets[i]);
    assert_int_equal(rtp_transmission_offset_decode(at, 3, &back), RTP_OK);
    assert_int_equal(back, offsets[i]);
  }
  struct rtp_playout_delay d = {.min_ms = 40950, .max_ms = 65535}, d_back;
  rtp_playout_delay_encode(at, d);
  assert_hex(at, 3, "ffffff");
  assert_int_equal(rtp_playout_delay_decode(at, 3, &d_back), RTP_OK);
  assert_int_equal(d_back.max_ms, 40950);
  rtp_playout_delay_encode(at, (struct rtp_playout_delay){.min_ms = 20, .max_ms = 10});
  assert_int_equal(rtp_playout_delay_decode(at, 3, &d_back), RTP_ERROR_VALUE);
  assert_int_equal(rtp_playout_delay_decode(at, 4, &d_back), RTP_ERROR_LENGTH);
}

static void times_of_capture_and_encoding(void **state) {
  (void)state;
  uint8_t at[16];
  struct rtp_capture_time t = {.ntp = 0xE8F2B5A380000000, .clock_offset = -5, .has_offset = true}, t_back;
  assert_int_equal(rtp_capture_time_encode(at, t), 16);
  assert_hex(at, 16, "e8f2b5a380000000 fffffffffffffffb");
  assert_int_equal(rtp_capture_time_decode(at, 16, &t_back), RTP_OK);
  assert_true(t_back.ntp == t.ntp && t_back.clock_offset == -5 && t_back.has_offset);
  t.has_offset = false;
  assert_int_equal(rtp_capture_time_encode(at, t), 8);
  assert_int_equal(rtp_capture_time_decode(at, 8, &t_back), RTP_OK);
  assert_true(t_back.clock_offset == 0 && !t_back.has_offset);
  for (size_t len = 0; len < 20; len++) {
    if (len == 8 || len == 16) continue;
    assert_int_equal(rtp_capture_time_decode(at, len, &t_back), RTP_ERROR_LENGTH);
  }

  struct rtp_video_timing v, v_back;
  memset(&v, 0, sizeof v); /* padding too: whole structs are compared */
  memset(&v_back, 0, sizeof v_back);
  v.encode_start_ms = 1, v.encode_finish_ms = 2, v.packetized_ms = 3, v.pacer_exit_ms = 4, v.network_ms = 5,
  v.network2_ms = 65535;
  v.flags = 2;
  rtp_video_timing_encode(at, &v);
  assert_hex(at, 13, "02 0001 0002 0003 0004 0005 ffff");
  assert_int_equal(rtp_video_timing_decode(at, 13, &v_back), RTP_OK);
  assert_memory_equal(&v_back, &v, sizeof v);
  assert_int_equal(rtp_video_timing_decode(at, 12, &v_back), RTP_ERROR_LENGTH);
}

static void text_is_checked(void **state) {
  (void)state;
  struct rtp_text t;
  const uint8_t mid[] = "a.b!~", quoted[] = "a\"b", rid[] = "hi_Res-1";
  assert_int_equal(rtp_text_decode(mid, 5, false, &t), RTP_OK);
  assert_int_equal(t.len, 5);
  assert_int_equal(rtp_text_decode(mid, 5, true, &t), RTP_ERROR_VALUE);
  assert_int_equal(rtp_text_decode(quoted, 3, false, &t), RTP_ERROR_VALUE);
  assert_int_equal(rtp_text_decode(rid, 8, true, &t), RTP_OK);
  assert_int_equal(rtp_text_decode(rid, 9, false, &t), RTP_ERROR_VALUE); /* its terminator */
  assert_int_equal(rtp_text_decode(rid, 0, true, &t), RTP_ERROR_LENGTH);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(small_values_round_trip),
      cmocka_unit_test(abs_send_time_wraps_every_64_seconds),
      cmocka_unit_test(signed_and_fixed_point_values),
      cmocka_unit_test(times_of_capture_and_encoding),
      cmocka_unit_test(text_is_checked),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
