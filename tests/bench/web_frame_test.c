/* Frames of RFC 6455 §5.7, every length form, and what a server must not send. */
#include "bench/load/web_frame.h"

#include <stdlib.h>

#include "tests/bench/check.h"

static void a_masked_text_as_in_the_rfc(void **state) {
  (void)state;
  /* §5.7: "A single-frame masked text message … contains "Hello"" */
  static const uint8_t wanted[] = {0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58};
  static const uint8_t key[] = {0x37, 0xfa, 0x21, 0x3d};
  uint8_t out[32];
  uint32_t mask;
  memcpy(&mask, key, sizeof mask);
  assert_int_equal(web_frame_write(out, WEB_TEXT, mask, "Hello", 5), sizeof wanted);
  assert_memory_equal(out, wanted, sizeof wanted);
}

static void every_length_survives_the_way(void **state) {
  (void)state;
  static const size_t lengths[] = {0, 1, 125, 126, 65535, 65536, 70001};
  for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
    size_t len = lengths[i];
    uint8_t *payload = malloc(len + 1), *frame = malloc(len + WEB_FRAME_HEAD_BYTES);
    memset(payload, 'x', len);
    size_t whole = web_frame_write(frame, WEB_TEXT, 0, payload, len);
    assert_true(whole <= len + WEB_FRAME_HEAD_BYTES);
    struct web_frame read;
    assert_int_equal(web_frame_read(&read, frame, whole, 1 << 20), -1); /* a server's frame is not masked */
    frame[1] &= 0x7f;                                                   /* take the mask out */
    memmove(frame + whole - len - 4, frame + whole - len, len);
    whole -= 4;
    for (size_t part = 0; part < whole && part < 12; part++)
      assert_int_equal(web_frame_read(&read, frame, part, 1 << 20), 0);
    assert_int_equal(web_frame_read(&read, frame, whole, 1 << 20), whole);
    assert_int_equal(read.len, len);
    assert_true(read.final && read.opcode == WEB_TEXT);
    assert_memory_equal(read.payload, payload, len);
    if (len > 10) assert_int_equal(web_frame_read(&read, frame, whole, len - 1), -1); /* over the limit */
    free(payload);
    free(frame);
  }
}

static void broken_frames(void **state) {
  (void)state;
  struct web_frame f;
  uint8_t reserved[] = {0xc1, 0}, fragmented_ping[] = {0x09, 0}, long_ping[] = {0x89, 126, 0, 126};
  assert_int_equal(web_frame_read(&f, reserved, 2, 100), -1);
  assert_int_equal(web_frame_read(&f, fragmented_ping, 2, 100), -1);
  assert_int_equal(web_frame_read(&f, long_ping, 4, 1000), -1);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_masked_text_as_in_the_rfc),
      cmocka_unit_test(every_length_survives_the_way),
      cmocka_unit_test(broken_frames),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
