/* Our payloads as the server's codec parsers read them, the stamp, and how a frame is cut. */
#include "bench/load/media_payload.h"

#include "rtp/codec.h"
#include "tests/bench/check.h"

static uint8_t payload[MEDIA_MAX_PACKET_BYTES];

static void a_key_frame_is_one(void **state) {
  (void)state;
  struct media_stamp stamp = {.intended_us = 123456789, .frame = 7, .count = 3, .key = true, .layer = 2}, read;
  struct rtp_codec_info info;
  media_write_video(payload, &stamp, 0x7fff, 1280, 720);
  assert_int_equal(rtp_vp8_parse(payload, 1000, false, &info), 0);
  assert_true(info.keyframe && info.frame_start);
  assert_int_equal(info.width, 1280);
  assert_int_equal(info.height, 720);
  assert_int_equal(info.picture_id, 0x7fff);
  assert_int_equal(info.picture_id_bits, 15);
  assert_int_equal(info.descriptor_len, 4);
  rtp_codec_patch_picture(payload, &info, 5, 0); /* the server's patch leaves the stamp alone */
  assert_true(media_read_stamp(payload, 1000, true, &read));
  assert_int_equal(read.intended_us, 123456789);
  assert_int_equal(read.frame, 7);
  assert_int_equal(read.layer, 2);
  assert_true(read.key);
}

static void later_packets_and_frames_are_none(void **state) {
  (void)state;
  struct media_stamp stamp = {.packet = 1, .count = 3, .key = true};
  struct rtp_codec_info info;
  media_write_video(payload, &stamp, 1, 1280, 720);
  assert_int_equal(rtp_vp8_parse(payload, 1000, false, &info), 0);
  assert_false(info.keyframe || info.frame_start);
  stamp = (struct media_stamp){.packet = 0, .count = 3};
  media_write_video(payload, &stamp, 1, 1280, 720);
  assert_int_equal(rtp_vp8_parse(payload, 1000, true, &info), 0);
  assert_true(info.frame_start && !info.keyframe && info.frame_end);
}

static void audio_is_opus(void **state) {
  (void)state;
  struct media_stamp stamp = {.intended_us = -1, .late_us = 77, .count = 1}, read;
  for (unsigned ms = 60; ms >= 20; ms -= 20) {
    media_write_audio(payload, &stamp, ms);
    assert_int_equal(rtp_opus_duration(payload, 80), ms * 48);
  }
  assert_true(media_read_stamp(payload, 80, false, &read));
  assert_int_equal(read.late_us, 77);
  assert_false(media_read_stamp(payload, MEDIA_AUDIO_MIN_BYTES - 1, false, &read));
  payload[1] ^= 1;
  assert_false(media_read_stamp(payload, 80, false, &read)); /* not ours */
}

static void frames_are_cut_about_equally(void **state) {
  (void)state;
  for (size_t bytes = 1; bytes < 20000; bytes += 37) {
    unsigned count = media_packet_count(bytes, 1160);
    size_t sum = 0, before = 0;
    for (unsigned i = 0; i < count; i++) {
      size_t one = media_packet_bytes(bytes, count, i);
      assert_true(one <= 1160 && one > 0);
      assert_true(i == 0 || one == before || one == before + 1); /* later ones one byte longer, never shorter */
      before = one;
      sum += one;
    }
    assert_int_equal(sum, bytes);
    assert_true(count == 1 || (size_t)(count - 1) * 1160 < bytes); /* no more packets than needed */
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_key_frame_is_one),
      cmocka_unit_test(later_packets_and_frames_are_none),
      cmocka_unit_test(audio_is_opus),
      cmocka_unit_test(frames_are_cut_about_equally),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
