/* A publisher's stream: duplicates, RTX, holes, restart, history, key frames. */
#include "rtp/incoming_stream.h"

#include "tests/rtp/stream_fixture.h"

static struct rtp_media_packet media;

static enum rtp_drop_reason receive(struct fixture_source *s, struct fixture_packet *p, int64_t now_us) {
  return rtp_incoming_stream_receive(s->stream, &p->packet, NULL, now_us, &media);
}

static void bad_configurations_are_refused(void **state) {
  (void)state;
  struct rtp_incoming_stream *s = NULL;
  struct rtp_incoming_config good = {.ssrc = 1, .video = true, .format_count = 2};
  good.formats[0] = (struct rtp_incoming_format){.payload_type = 96, .rtx_payload_type = 97, .codec = RTP_CODEC_VP8};
  good.formats[1] =
      (struct rtp_incoming_format){.payload_type = 98, .rtx_payload_type = 99, .format = 1, .codec = RTP_CODEC_H264};
  struct rtp_incoming_config c = good;
  c.format_count = 0;
  assert_int_equal(rtp_incoming_stream_create(&s, &c), RTP_ERROR_VALUE);
  c.format_count = RTP_MAX_FORMATS + 1;
  assert_int_equal(rtp_incoming_stream_create(&s, &c), RTP_ERROR_VALUE);
  c = good;
  c.formats[1].payload_type = 97; /* the first one's RTX */
  assert_int_equal(rtp_incoming_stream_create(&s, &c), RTP_ERROR_VALUE);
  c = good;
  c.formats[1].payload_type = 128;
  assert_int_equal(rtp_incoming_stream_create(&s, &c), RTP_ERROR_VALUE);
  c = good;
  c.formats[1].codec = RTP_CODEC_OPUS;
  assert_int_equal(rtp_incoming_stream_create(&s, &c), RTP_ERROR_VALUE);
  c = good;
  c.formats[1].format = RTP_MAX_FORMATS;
  assert_int_equal(rtp_incoming_stream_create(&s, &c), RTP_ERROR_VALUE);
  c = good;
  c.history_packets = 100;
  assert_int_equal(rtp_incoming_stream_create(&s, &c), RTP_ERROR_NO_SPACE);
  assert_null(s);
  assert_int_equal(rtp_incoming_stream_create(&s, &good), RTP_OK);
  rtp_incoming_stream_free(s);
  rtp_incoming_stream_free(NULL);
}

static void packets_come_out_once_with_their_descriptor(void **state) {
  (void)state;
  struct fixture_source s = {
      .stream = fixture_incoming(true, 500, 2, NULL), .ssrc = 500, .seq = 65535, .picture_id = 9};
  struct fixture_packet p[3];
  fixture_vp8_frame(&s, p, 3, true);
  for (int i = 0; i < 3; i++) {
    assert_int_equal(receive(&s, &p[i], 1000), RTP_DROP_NONE);
    assert_ptr_equal(media.stream, s.stream);
    assert_ptr_equal(media.payload, p[i].packet.payload);
    assert_int_equal(media.seq, 65536 + 65535 + i);
    assert_int_equal(media.info.keyframe, i == 0);
    assert_int_equal(media.info.picture_id, 10);
    assert_int_equal(media.marker, i == 2);
    assert_int_equal(media.codec, RTP_CODEC_VP8);
    assert_false(media.padding_only);
  }
  assert_int_equal(receive(&s, &p[1], 1000), RTP_DROP_DUPLICATE);
  struct rtp_incoming_stats stats;
  rtp_incoming_stream_stats(s.stream, 1000, &stats);
  assert_int_equal(stats.keyframes, 1);
  assert_int_equal(stats.frames, 1);
  assert_int_equal(stats.duplicates, 1);
  assert_int_equal(stats.width, 320);
  assert_int_equal(stats.height, 180);
  const struct rtp_media_packet *kept = rtp_incoming_stream_find(s.stream, 65536 + 65536, 2000);
  assert_non_null(kept);
  assert_memory_equal(kept->payload, p[1].packet.payload, p[1].packet.payload_len);
  assert_ptr_not_equal(kept->payload, p[1].packet.payload);
  rtp_incoming_stream_free(s.stream);
}

static void rtx_is_unwrapped_and_counts_as_the_original(void **state) {
  (void)state;
  struct fixture_source s = {.stream = fixture_incoming(true, 500, 0, NULL), .ssrc = 500, .seq = 65533};
  struct fixture_packet p[6], rtx;
  uint16_t seqs[8];
  fixture_vp8_frame(&s, p, 6, true);
  fixture_to_rtx(&rtx, &p[0], 1);
  assert_int_equal(rtp_incoming_stream_receive(s.stream, &rtx.packet, NULL, 0, &media),
                   RTP_DROP_RTX_UNKNOWN); /* no media yet */
  receive(&s, &p[0], 0);
  receive(&s, &p[5], 1000);
  assert_int_equal(rtp_incoming_stream_nack(s.stream, seqs, 8, 6000), 4);
  for (int i = 1; i < 5; i++) {
    assert_int_equal(seqs[i - 1], p[i].packet.seq);
    fixture_to_rtx(&rtx, &p[i], (uint16_t)i);
    assert_int_equal(rtp_incoming_stream_receive(s.stream, &rtx.packet, NULL, 7000, &media), RTP_DROP_NONE);
    assert_true(media.retransmitted);
    assert_int_equal(media.seq, 65536 + 65533 + i);
    assert_int_equal(media.payload_type, 96);
    assert_int_equal(media.payload_len, p[i].packet.payload_len);
    assert_memory_equal(media.payload, p[i].packet.payload, p[i].packet.payload_len);
    assert_int_equal(rtp_incoming_stream_receive(s.stream, &rtx.packet, NULL, 7000, &media), RTP_DROP_DUPLICATE);
  }
  assert_int_equal(rtp_incoming_stream_deadline(s.stream), INT64_MAX);
  rtx.packet.payload_len = 2;
  assert_int_equal(rtp_incoming_stream_receive(s.stream, &rtx.packet, NULL, 7000, &media), RTP_DROP_RTX_EMPTY);
  rtx.packet.payload_len = 0;
  assert_int_equal(rtp_incoming_stream_receive(s.stream, &rtx.packet, NULL, 7000, &media), RTP_DROP_RTX_EMPTY);
  rtx.packet.payload_len = 20;
  rtx.packet.payload_type = 96;
  assert_int_equal(rtp_incoming_stream_receive(s.stream, &rtx.packet, NULL, 7000, &media), RTP_DROP_RTX_UNKNOWN);
  rtx.packet.payload_type = 97;
  rtx.packet.payload[0] = 0x40; /* an original far ahead of the media */
  assert_int_equal(rtp_incoming_stream_receive(s.stream, &rtx.packet, NULL, 7000, &media), RTP_DROP_SEQUENCE_JUMP);
  rtx.packet.payload[0] = 0xf0; /* an original older than the history */
  assert_int_equal(rtp_incoming_stream_receive(s.stream, &rtx.packet, NULL, 7000, &media), RTP_DROP_TOO_OLD);
  rtp_incoming_stream_free(s.stream);
}

static void refused_content_still_takes_its_number(void **state) {
  (void)state;
  struct fixture_source s = {.stream = fixture_incoming(true, 500, 0, NULL), .ssrc = 500, .seq = 10};
  struct fixture_packet p[2];
  uint16_t seqs[4];
  fixture_vp8_frame(&s, p, 1, true);
  receive(&s, &p[0], 0);
  fixture_padding(&s, &p[0]);
  assert_int_equal(receive(&s, &p[0], 0), RTP_DROP_NONE);
  assert_true(media.padding_only);
  assert_int_equal(media.hole, RTP_DROP_PADDING_ONLY);
  fixture_vp8_frame(&s, p, 2, false);
  p[0].packet.payload_type = 50;
  receive(&s, &p[0], 0);
  assert_int_equal(media.hole, RTP_DROP_UNKNOWN_PAYLOAD_TYPE);
  p[1].packet.payload_len = 1; /* a descriptor and nothing behind it */
  receive(&s, &p[1], 0);
  assert_int_equal(media.hole, RTP_DROP_BAD_PAYLOAD);
  assert_int_equal(rtp_incoming_stream_nack(s.stream, seqs, 4, 100000), 0); /* nothing to ask for */
  static uint8_t large[RTP_MEDIA_MAX_PAYLOAD + 1] = {0x10, 1};
  p[0].packet.seq = s.seq++;
  p[0].packet.payload_type = 96;
  p[0].packet.payload = large;
  p[0].packet.payload_len = sizeof large;
  receive(&s, &p[0], 0);
  assert_int_equal(media.hole, RTP_DROP_OVERSIZED);
  assert_null(rtp_incoming_stream_find(s.stream, media.seq, -1));
  rtp_incoming_stream_free(s.stream);
}

static void a_restarted_source_begins_anew_and_asks_for_a_keyframe(void **state) {
  (void)state;
  struct fixture_source s = {.stream = fixture_incoming(true, 500, 0, NULL), .ssrc = 500, .seq = 30000};
  struct fixture_packet p[4];
  fixture_vp8_frame(&s, p, 4, true);
  for (int i = 0; i < 4; i++)
    receive(&s, &p[i], 0);
  uint32_t before = rtp_incoming_stream_highest(s.stream);
  s.seq = 100;
  fixture_vp8_frame(&s, p, 4, false);
  assert_int_equal(receive(&s, &p[0], 0), RTP_DROP_SEQUENCE_JUMP);
  assert_false(rtp_incoming_stream_keyframe_due(s.stream, 0));
  assert_int_equal(receive(&s, &p[1], 0), RTP_DROP_NONE);
  assert_true((int32_t)(media.seq - before) > 0);
  assert_null(rtp_incoming_stream_find(s.stream, before, -1));
  assert_int_equal(rtp_incoming_stream_deadline(s.stream), 0);
  assert_true(rtp_incoming_stream_keyframe_due(s.stream, 0));
  assert_false(rtp_incoming_stream_keyframe_due(s.stream, 0));
  fixture_vp8_frame(&s, p, 1, true);
  p[0].packet.seq = 102;
  receive(&s, &p[0], 10000); /* granted */
  assert_false(rtp_incoming_stream_keyframe_due(s.stream, 10000000));
  rtp_incoming_stream_free(s.stream);
}

static void too_much_loss_asks_for_a_keyframe_but_not_for_audio(void **state) {
  (void)state;
  struct fixture_source v = {.stream = fixture_incoming(true, 500, 0, NULL), .ssrc = 500};
  struct fixture_source a = {.stream = fixture_incoming(false, 600, 0, NULL), .ssrc = 600};
  struct fixture_packet p;
  fixture_vp8_frame(&v, &p, 1, true);
  receive(&v, &p, 0);
  v.seq += 700;
  fixture_vp8_frame(&v, &p, 1, false);
  receive(&v, &p, 0);
  assert_true(rtp_incoming_stream_keyframe_due(v.stream, 0));
  fixture_opus(&a, &p);
  assert_int_equal(receive(&a, &p, 0), RTP_DROP_NONE);
  a.seq += 700;
  fixture_opus(&a, &p);
  receive(&a, &p, 0);
  rtp_incoming_stream_wish_keyframe(a.stream, 0);
  assert_false(rtp_incoming_stream_keyframe_due(a.stream, 0));
  rtp_incoming_stream_free(v.stream);
  rtp_incoming_stream_free(a.stream);
}

static void header_extensions_are_carried_over(void **state) {
  (void)state;
  struct fixture_source a = {.stream = fixture_incoming(false, 600, 0, NULL), .ssrc = 600};
  struct fixture_packet p;
  uint8_t descriptor[3] = {0x80, 0, 7};
  struct rtp_extension_values x = {.present = 1U << RTP_EXTENSION_AUDIO_LEVEL | 1U << RTP_EXTENSION_ABS_CAPTURE_TIME |
                                              1U << RTP_EXTENSION_DEPENDENCY_DESCRIPTOR,
                                   .audio_level = {.level = 33, .voice = true},
                                   .capture_time = {.ntp = 99},
                                   .dependency_descriptor = {.data = descriptor, .len = 3}};
  fixture_opus(&a, &p);
  rtp_incoming_stream_receive(a.stream, &p.packet, &x, 0, &media);
  assert_true(media.has_audio_level && media.has_capture_time);
  assert_false(media.has_orientation || media.has_playout_delay);
  assert_int_equal(media.audio_level.level, 33);
  assert_int_equal(media.dependency_descriptor_len, 3);
  const struct rtp_media_packet *kept = rtp_incoming_stream_find(a.stream, media.seq, -1);
  assert_memory_equal(kept->dependency_descriptor, descriptor, 3);
  x.dependency_descriptor.len = 2; /* shorter than its mandatory fields */
  fixture_opus(&a, &p);
  rtp_incoming_stream_receive(a.stream, &p.packet, &x, 0, &media);
  assert_int_equal(media.dependency_descriptor_len, 0);
  rtp_incoming_stream_free(a.stream);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(bad_configurations_are_refused),
                                     cmocka_unit_test(packets_come_out_once_with_their_descriptor),
                                     cmocka_unit_test(rtx_is_unwrapped_and_counts_as_the_original),
                                     cmocka_unit_test(refused_content_still_takes_its_number),
                                     cmocka_unit_test(a_restarted_source_begins_anew_and_asks_for_a_keyframe),
                                     cmocka_unit_test(too_much_loss_asks_for_a_keyframe_but_not_for_audio),
                                     cmocka_unit_test(header_extensions_are_carried_over)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
