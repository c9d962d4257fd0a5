/* The header as the receiver reads it: its own ids, equal lengths, both forms, passed-through values. */
#include "tests/rtp/outgoing_fixture.h"

static struct rtp_extension_map map;

static void bind(uint8_t id, enum rtp_extension extension) {
  assert_int_equal(rtp_extension_map_add(&map, id, extension), RTP_OK);
}

/* Everything a browser negotiates for video, ids as it may choose them. */
static void bind_all(uint8_t base) {
  rtp_extension_map_init(&map);
  bind((uint8_t)(base + 1), RTP_EXTENSION_MID);
  bind((uint8_t)(base + 2), RTP_EXTENSION_TRANSPORT_SEQUENCE);
  bind((uint8_t)(base + 3), RTP_EXTENSION_ABS_SEND_TIME);
  bind((uint8_t)(base + 4), RTP_EXTENSION_VIDEO_ORIENTATION);
  bind((uint8_t)(base + 5), RTP_EXTENSION_PLAYOUT_DELAY);
  bind((uint8_t)(base + 6), RTP_EXTENSION_DEPENDENCY_DESCRIPTOR);
  bind((uint8_t)(base + 7), RTP_EXTENSION_ABS_CAPTURE_TIME);
  bind((uint8_t)(base + 8), RTP_EXTENSION_AUDIO_LEVEL);
}

static uint8_t descriptor[RTP_MEDIA_MAX_DEPENDENCY];

/* One packet with the given extensions through a fresh slot. */
static struct rtp_extension_values through(const struct rtp_extension_values *x, bool two_byte, struct receiver **out) {
  struct fixture_source s = {.stream = fixture_incoming(true, 1000, 0, NULL), .ssrc = 1000};
  struct receiver *r = fixture_receiver(true, &map);
  if (!two_byte) {
    rtp_outgoing_stream_free(r->out);
    struct rtp_outgoing_config c = {.ssrc = 0xAAAA0001, .video = true, .mid = "7", .extensions = &map};
    c.formats[VP8_FORMAT].payload_type = 120;
    assert_int_equal(rtp_outgoing_stream_create(&r->out, &c), RTP_OK);
  }
  rtp_outgoing_stream_select(r->out, s.stream);
  struct fixture_packet p;
  struct rtp_media_packet m;
  fixture_vp8_frame(&s, &p, 1, true);
  assert_int_equal(rtp_incoming_stream_receive(s.stream, &p.packet, x, 64000000 + 500000, &m), RTP_DROP_NONE);
  assert_int_equal(fixture_forward(r, &m, 64000000 + 500000), RTP_DROP_NONE);
  struct rtp_extension_values v;
  rtp_extension_read(&r->last, &map, &v);
  assert_int_equal(v.malformed, 0);
  rtp_incoming_stream_free(s.stream);
  *out = r;
  return v;
}

static void values_pass_through_in_both_forms(void **state) {
  (void)state;
  for (int form = 0; form < 3; form++) {
    bind_all(form == 2 ? 20 : 0); /* ids over 14 force the two-byte form */
    memset(descriptor, 0x5A, sizeof descriptor);
    struct rtp_extension_values x = {
        .present = 1U << RTP_EXTENSION_VIDEO_ORIENTATION | 1U << RTP_EXTENSION_PLAYOUT_DELAY |
                   1U << RTP_EXTENSION_DEPENDENCY_DESCRIPTOR | 1U << RTP_EXTENSION_ABS_CAPTURE_TIME,
        .orientation = {.rotation = 270, .flip = true},
        .playout_delay = {.min_ms = 10, .max_ms = 200},
        .dependency_descriptor = {.data = descriptor, .len = form == 0 ? 16 : RTP_MEDIA_MAX_DEPENDENCY},
        .capture_time = {.ntp = 0x123456789ABCULL, .clock_offset = -5, .has_offset = true}};
    struct receiver *r;
    struct rtp_extension_values v = through(&x, true, &r);
    assert_int_equal(r->last.extension_profile, form == 0 ? 0xBEDE : 0x1000);
    assert_int_equal(v.mid.len, 1);
    assert_int_equal(v.mid.data[0], '7');
    assert_int_equal(v.orientation.rotation, 270);
    assert_true(v.orientation.flip);
    assert_int_equal(v.playout_delay.max_ms, 200);
    assert_int_equal(v.capture_time.ntp, 0x123456789ABCULL);
    assert_int_equal(v.capture_time.clock_offset, -5);
    assert_int_equal(v.dependency_descriptor.len, x.dependency_descriptor.len);
    assert_int_equal(fixture_u16(v.dependency_descriptor.data + 1), 1); /* frame numbers are ours */
    assert_memory_equal(v.dependency_descriptor.data + 3, descriptor + 3, v.dependency_descriptor.len - 3);
    assert_int_equal(v.abs_send_time, (uint32_t)(1 << 17)); /* half a second after a turn of the 64 s circle */
    assert_false(RTP_EXTENSION_HAS(&v, AUDIO_LEVEL));       /* not on video */
    /* the sender fills the transport-wide number where it is told */
    rtp_transport_sequence_encode(r->bytes + r->result.transport_seq_offset, 0xABCD);
    rtp_extension_read(&r->last, &map, &v);
    assert_int_equal(v.transport_sequence, 0xABCD);
    fixture_receiver_free(r);
  }
}

static void absent_values_are_absent_and_the_length_stays(void **state) {
  (void)state;
  bind_all(0);
  struct receiver *with, *without;
  struct rtp_extension_values x = {.present = 1U << RTP_EXTENSION_VIDEO_ORIENTATION, .orientation = {.rotation = 90}};
  struct rtp_extension_values none = {0};
  struct rtp_extension_values a = through(&x, true, &with);
  struct rtp_extension_values b = through(&none, true, &without);
  assert_true(RTP_EXTENSION_HAS(&a, VIDEO_ORIENTATION));
  assert_false(RTP_EXTENSION_HAS(&b, VIDEO_ORIENTATION));
  assert_false(RTP_EXTENSION_HAS(&b, PLAYOUT_DELAY));
  assert_int_equal(with->result.header_len, without->result.header_len);
  fixture_receiver_free(with);
  fixture_receiver_free(without);
}

static void a_long_descriptor_is_left_out_where_the_form_forbids_it(void **state) {
  (void)state;
  bind_all(0);
  struct receiver *r;
  struct rtp_extension_values x = {.present = 1U << RTP_EXTENSION_DEPENDENCY_DESCRIPTOR,
                                   .dependency_descriptor = {.data = descriptor, .len = 17}};
  struct rtp_extension_values v = through(&x, false, &r);
  assert_false(RTP_EXTENSION_HAS(&v, DEPENDENCY_DESCRIPTOR));
  assert_int_equal(v.mid.len, 1);
  fixture_receiver_free(r);
}

static void without_extensions_there_is_no_block(void **state) {
  (void)state;
  rtp_extension_map_init(&map);
  struct receiver *r;
  through(NULL, true, &r);
  assert_int_equal(r->result.header_len, RTP_HEADER_SIZE);
  assert_int_equal(r->result.transport_seq_offset, 0);
  assert_int_equal(r->result.abs_send_time_offset, 0);
  fixture_receiver_free(r);
}

static void audio_carries_its_level(void **state) {
  (void)state;
  bind_all(0);
  struct fixture_source s = {.stream = fixture_incoming(false, 1000, 0, NULL), .ssrc = 1000};
  struct receiver *r = fixture_receiver(false, &map);
  struct fixture_packet p;
  struct rtp_media_packet m;
  struct rtp_extension_values v,
      x = {.present = 1U << RTP_EXTENSION_AUDIO_LEVEL, .audio_level = {.level = 42, .voice = true}};
  rtp_outgoing_stream_select(r->out, s.stream);
  fixture_opus(&s, &p);
  assert_int_equal(rtp_incoming_stream_receive(s.stream, &p.packet, &x, 0, &m), RTP_DROP_NONE);
  assert_int_equal(fixture_forward(r, &m, 0), RTP_DROP_NONE);
  rtp_extension_read(&r->last, &map, &v);
  assert_int_equal(v.audio_level.level, 42);
  assert_true(v.audio_level.voice);
  fixture_receiver_free(r);
  rtp_incoming_stream_free(s.stream);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(values_pass_through_in_both_forms),
                                     cmocka_unit_test(absent_values_are_absent_and_the_length_stays),
                                     cmocka_unit_test(a_long_descriptor_is_left_out_where_the_form_forbids_it),
                                     cmocka_unit_test(without_extensions_there_is_no_block),
                                     cmocka_unit_test(audio_carries_its_level)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
