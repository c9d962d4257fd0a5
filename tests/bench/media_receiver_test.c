/* In virtual time, on packets that the other end of the SRTP session sealed: first key frame, latency, loss and its repair,
 * feedback, and slots that get nothing. */
#include "bench/load/media_receiver.h"

#include "tests/bench/srtp_pair.h"

#define T0     INT64_C(5000000)
#define OWN    0xabcdu
#define VOICE  100u
#define CAMERA 200u
#define REPAIR 201u

static struct srtp_pair pair;
static struct load_counters counters;
static struct media_receiver *receiver;
static uint8_t data[2048];
static uint16_t audio_seq, rtx_seq;

static const struct answer_slot slots[] = {{.mid = 2, .ssrc = VOICE}, {3, CAMERA, REPAIR, true}};

static void make(size_t first, size_t count, bool sampled) {
  media_receiver_free(receiver);
  receiver = NULL;
  memset(&counters, 0, sizeof counters);
  assert_int_equal(media_receiver_create(&receiver, slots + first, count, sampled, &counters), 0);
}

static int set_up(void **state) {
  (void)state;
  srtp_pair_open(&pair);
  audio_seq = rtx_seq = 1000;
  make(0, 2, false);
  return 0;
}

static int tear_down(void **state) {
  (void)state;
  media_receiver_free(receiver);
  receiver = NULL;
  srtp_pair_close(&pair);
  return 0;
}

static void take(const struct sent_packet *packet, int64_t arrival_us, int64_t now_us) {
  size_t len = srtp_pair_seal(&pair, packet, data, sizeof data);
  media_receiver_rtp(receiver, pair.client, &(struct media_arrival){data, len, arrival_us, now_us});
}

/* Piece `piece` of `count` of a frame. */
static void take_video(uint16_t seq, uint32_t frame, bool key, unsigned piece, unsigned count, int64_t now_us) {
  const struct sent_packet packet = {.ssrc = CAMERA,
                                     .timestamp = frame * 3000,
                                     .seq = seq,
                                     .video = true,
                                     .stamp = {.intended_us = now_us - 3000,
                                               .frame = frame,
                                               .packet = (uint16_t)piece,
                                               .count = (uint16_t)count,
                                               .key = key}};
  take(&packet, now_us, now_us);
}

static void take_audio(int64_t intended_us, int64_t arrival_us, int64_t now_us) {
  const struct sent_packet packet = {.ssrc = VOICE,
                                     .timestamp = audio_seq * 960U,
                                     .seq = audio_seq,
                                     .stamp = {.intended_us = intended_us, .frame = audio_seq, .count = 1}};
  audio_seq++;
  take(&packet, arrival_us, now_us);
}

static void take_repair(uint16_t original, uint32_t frame, unsigned piece, unsigned count, int64_t now_us) {
  const struct sent_packet packet = {.ssrc = REPAIR,
                                     .seq = rtx_seq++,
                                     .video = true,
                                     .rtx = true,
                                     .original = original,
                                     .stamp = {.intended_us = now_us - 90000,
                                               .frame = frame,
                                               .packet = (uint16_t)piece,
                                               .count = (uint16_t)count,
                                               .key = true}};
  take(&packet, now_us, now_us);
}

static void the_first_key_frame_counts_when_its_last_piece_is_there(void **state) {
  (void)state;
  take_audio(T0, T0, T0); /* a voice is no picture */
  take_video(500, 1, false, 0, 1, T0 + 1000);
  take_video(503, 2, true, 2, 3, T0 + 2000); /* in any order, once each */
  take_video(501, 2, true, 0, 3, T0 + 3000);
  assert_int_equal(media_receiver_first_media_us(receiver), 0);
  take_video(502, 2, true, 1, 3, T0 + 4000);
  assert_int_equal(media_receiver_first_media_us(receiver), T0 + 4000);
  take_video(504, 3, true, 0, 1, T0 + 5000);
  assert_int_equal(media_receiver_first_media_us(receiver), T0 + 4000);
  assert_int_equal(counters.open_failures + counters.foreign_payload + counters.unknown_ssrc, 0);
}

static void pieces_of_two_key_frames_make_no_picture(void **state) {
  (void)state;
  take_video(500, 1, true, 0, 2, T0);
  take_video(502, 2, true, 1, 2, T0);
  assert_int_equal(media_receiver_first_media_us(receiver), 0);
  take_video(501, 2, true, 0, 2, T0 + 10);
  assert_int_equal(media_receiver_first_media_us(receiver), T0 + 10);
}

static void without_pictures_the_first_voice_counts(void **state) {
  (void)state;
  make(0, 1, false);
  assert_false(media_receiver_has_video(receiver));
  take_audio(T0 - 500, T0, T0 + 20);
  assert_int_equal(media_receiver_first_media_us(receiver), T0);
}

static void latency_runs_from_the_plan_to_the_socket(void **state) {
  (void)state;
  make(0, 2, true);
  take_audio(T0, T0 + 700, T0 + 9000); /* read late: not the server's doing */
  take_audio(T0 + 20000, T0 + 20900, T0 + 29000);
  assert_int_equal(counters.sampled, 2);
  assert_int_equal(counters.latency_us.min, 700);
  assert_int_equal(counters.latency_us.max, 900);
  make(0, 2, false);
  take_audio(T0, T0 + 700, T0 + 700);
  assert_int_equal(counters.sampled, 0);
}

static void what_is_not_sampled_is_not_opened_after_the_first_picture(void **state) {
  (void)state;
  take_video(500, 1, true, 0, 1, T0);
  for (uint16_t seq = 501; seq < 511; seq++) {
    const struct sent_packet packet = {.ssrc = CAMERA, .seq = seq, .video = true, .stamp.count = 1};
    size_t len = srtp_pair_seal(&pair, &packet, data, sizeof data);
    data[len - 1] ^= 1;
    media_receiver_rtp(receiver, pair.client, &(struct media_arrival){data, len, T0, T0});
  }
  assert_int_equal(counters.open_failures, 0);
  assert_int_equal(counters.video_in, 11);
}

static void what_is_wrong_is_counted_by_kind(void **state) {
  (void)state;
  struct sent_packet packet = {.ssrc = VOICE, .seq = 5, .stamp.count = 1};
  size_t len = srtp_pair_seal(&pair, &packet, data, sizeof data);
  data[len - 1] ^= 1;
  media_receiver_rtp(receiver, pair.client, &(struct media_arrival){data, len, T0, T0});
  assert_int_equal(counters.open_failures, 1);
  packet.ssrc = 999;
  take(&packet, T0, T0);
  assert_int_equal(counters.unknown_ssrc, 1);
  media_receiver_rtp(receiver, pair.client, &(struct media_arrival){data, 11, T0, T0});
  assert_int_equal(counters.foreign_payload, 1);
  data[0] = 0x90; /* an extension that runs over the end */
  data[14] = 0xff;
  media_receiver_rtp(receiver, pair.client, &(struct media_arrival){data, 20, T0, T0});
  assert_int_equal(counters.foreign_payload, 2);
  assert_int_equal(counters.rtp_in, 1);
}

static struct sequence_counts counts_now(void) {
  struct sequence_counts c = {0};
  media_receiver_counts(receiver, &c);
  return c;
}

static void a_gap_is_asked_for_and_its_repair_counted(void **state) {
  (void)state;
  uint8_t out[1200];
  struct rtcp_iterator it;
  struct rtcp_packet rtcp;
  struct rtcp_nack nack;
  take_video(65534, 1, true, 0, 1, T0);
  take_video(1, 2, false, 0, 1, T0); /* 65535 and 0 are missing: over the wrap */
  int64_t due_us = media_receiver_nack_deadline(receiver);
  assert_true(due_us < T0 + 1000000);
  size_t len = media_receiver_nacks(receiver, OWN, out, sizeof out, due_us);
  assert_int_equal(rtcp_begin(&it, out, len), 0);
  assert_true(rtcp_next(&it, &rtcp));
  assert_int_equal(rtcp_parse_nack(&rtcp, &nack), 0);
  assert_int_equal(nack.media_ssrc, CAMERA);
  assert_int_equal(nack.count, 2);
  assert_int_equal(nack.seqs[0], 65535);
  assert_int_equal(nack.seqs[1], 0);
  assert_int_equal(counters.nacks_out, 2);
  take_repair(65535, 1, 0, 1, due_us + 30000);
  struct sequence_counts c = counts_now();
  assert_int_equal(c.expected, 4);
  assert_int_equal(sequence_lost(&c), 2);
  assert_int_equal(sequence_missing(&c), 1);
  assert_int_equal(counters.rtx_in, 1);
  assert_int_equal(counters.rtp_in, 2); /* what RTX brought is no media of its own */
  take_repair(0, 1, 0, 1, due_us + 40000);
  c = counts_now();
  assert_int_equal(sequence_missing(&c), 0);
}

static void a_repair_may_complete_the_first_key_frame(void **state) {
  (void)state;
  take_video(500, 1, true, 0, 2, T0);
  take_video(502, 2, false, 0, 1, T0);
  assert_int_equal(media_receiver_first_media_us(receiver), 0);
  take_repair(501, 1, 1, 2, T0 + 50000);
  assert_int_equal(media_receiver_first_media_us(receiver), T0 + 50000);
}

static void a_picture_that_does_not_come_is_asked_for_once_a_second(void **state) {
  (void)state;
  uint8_t out[1200];
  struct rtcp_iterator it;
  struct rtcp_packet rtcp;
  struct rtcp_pli pli;
  take_video(500, 1, false, 0, 1, T0);
  assert_int_equal(media_receiver_plis(receiver, OWN, out, sizeof out, T0 + 900000), 0);
  size_t len = media_receiver_plis(receiver, OWN, out, sizeof out, T0 + 1100000);
  assert_int_equal(rtcp_begin(&it, out, len), 0);
  assert_true(rtcp_next(&it, &rtcp));
  assert_int_equal(rtcp_parse_pli(&rtcp, &pli), 0);
  assert_int_equal(pli.media_ssrc, CAMERA);
  assert_int_equal(media_receiver_plis(receiver, OWN, out, sizeof out, T0 + 1900000), 0);
  assert_true(media_receiver_plis(receiver, OWN, out, sizeof out, T0 + 2200000) > 0);
  assert_int_equal(counters.plis_out, 2);
  take_video(501, 2, true, 0, 1, T0 + 2300000);
  assert_int_equal(media_receiver_plis(receiver, OWN, out, sizeof out, T0 + 9000000), 0);
}

static void what_arrived_is_fed_back_and_reported(void **state) {
  (void)state;
  uint8_t out[1200];
  struct rtcp_iterator it;
  struct rtcp_packet rtcp;
  struct rtcp_report_block blocks[4];
  assert_int_equal(media_receiver_report_blocks(receiver, blocks, 4, T0), 0); /* nothing came */
  for (uint16_t i = 0; i < 10; i++)
    if (i != 4) take_video((uint16_t)(500 + i), 1, true, i, 10, T0 + i * 1000);
  assert_int_equal(media_receiver_transport_feedback(receiver, OWN, out, sizeof out, T0 + 9000), 0); /* too soon */
  size_t len = media_receiver_transport_feedback(receiver, OWN, out, sizeof out, T0 + 200000);
  assert_int_equal(rtcp_begin(&it, out, len), 0);
  assert_true(rtcp_next(&it, &rtcp));
  assert_int_equal(rtcp.type, RTCP_RTPFB);
  assert_int_equal(rtcp.count, 15); /* transport-cc */
  assert_int_equal(media_receiver_transport_feedback(receiver, OWN, out, sizeof out, T0 + 200000), 0);
  assert_int_equal(media_receiver_report_blocks(receiver, blocks, 4, T0 + 200000), 1);
  assert_int_equal(blocks[0].ssrc, CAMERA);
  assert_int_equal(blocks[0].fraction_lost, 256 / 10);
  struct rtcp_sender_info info = {.ntp = UINT64_C(0x1111222233334444), .rtp_timestamp = 3000};
  media_receiver_sender_report(receiver, CAMERA, &info, T0 + 300000);
  assert_int_equal(media_receiver_report_blocks(receiver, blocks, 4, T0 + 800000), 1);
  assert_int_equal(blocks[0].last_sr, 0x22223333);
}

static void a_slot_with_a_track_and_no_packets_is_starved(void **state) {
  (void)state;
  unsigned assigned = 0;
  media_receiver_assign(receiver, 2, true, T0);
  media_receiver_assign(receiver, 3, true, T0);
  media_receiver_assign(receiver, 9, true, T0); /* not ours */
  assert_int_equal(media_receiver_starved(receiver, &assigned, T0 + MEDIA_STARVED_US), 0);
  assert_int_equal(assigned, 2);
  take_audio(T0, T0, T0 + 100);
  assigned = 0;
  assert_int_equal(media_receiver_starved(receiver, &assigned, T0 + MEDIA_STARVED_US + 1), 1);
  media_receiver_mark(receiver); /* from here on the voice is silent, too */
  assert_int_equal(media_receiver_starved(receiver, &assigned, T0 + MEDIA_STARVED_US + 1), 2);
  media_receiver_assign(receiver, 3, false, T0 + 1);
  assigned = 0;
  assert_int_equal(media_receiver_starved(receiver, &assigned, T0 + MEDIA_STARVED_US + 2), 1);
  assert_int_equal(assigned, 1);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(the_first_key_frame_counts_when_its_last_piece_is_there, set_up, tear_down),
      cmocka_unit_test_setup_teardown(pieces_of_two_key_frames_make_no_picture, set_up, tear_down),
      cmocka_unit_test_setup_teardown(without_pictures_the_first_voice_counts, set_up, tear_down),
      cmocka_unit_test_setup_teardown(latency_runs_from_the_plan_to_the_socket, set_up, tear_down),
      cmocka_unit_test_setup_teardown(what_is_not_sampled_is_not_opened_after_the_first_picture, set_up, tear_down),
      cmocka_unit_test_setup_teardown(what_is_wrong_is_counted_by_kind, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_gap_is_asked_for_and_its_repair_counted, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_repair_may_complete_the_first_key_frame, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_picture_that_does_not_come_is_asked_for_once_a_second, set_up, tear_down),
      cmocka_unit_test_setup_teardown(what_arrived_is_fed_back_and_reported, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_slot_with_a_track_and_no_packets_is_starved, set_up, tear_down),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
