/* In virtual time: rates, spacing, key frames, simulcast, retransmission, and intended times that do not drift. */
#include "bench/load/media_sender.h"

#include <stdlib.h>

#include "bench/load/media_payload.h"
#include "rtp/extension.h"
#include "rtp/packet.h"
#include "tests/bench/check.h"

#define MAX_PACKETS 8192

static struct seen {
  int64_t intended_us;
  size_t payload_len;
  struct rtp_packet header;
  struct media_stamp stamp;
  unsigned stream;
  bool has_mid, has_rid;
} seen[MAX_PACKETS];
static size_t count;

static void note(void *arg, const struct media_packet *p, int64_t now_us) {
  static uint8_t bytes[2000];
  struct rtp_element element;
  (void)arg, (void)now_us;
  assert_true(count < MAX_PACKETS);
  struct seen *s = &seen[count++];
  memcpy(bytes, p->header, p->header_len);
  memcpy(bytes + p->header_len, p->payload, p->payload_len);
  assert_int_equal(rtp_packet_parse(&s->header, bytes, p->header_len + p->payload_len), 0);
  s->stream = p->stream;
  s->intended_us = p->intended_us;
  s->payload_len = p->payload_len;
  s->has_mid = rtp_packet_find_element(&s->header, LOAD_EXT_MID, &element);
  s->has_rid = rtp_packet_find_element(&s->header, LOAD_EXT_RID, &element) ||
               rtp_packet_find_element(&s->header, LOAD_EXT_REPAIRED_RID, &element);
  size_t skip = p->stream >= MEDIA_RTX ? 2 : 0;
  assert_true(media_read_stamp(p->payload + skip, p->payload_len - skip, p->stream != MEDIA_AUDIO, &s->stamp));
}

static struct media_plan plan_of(unsigned layers, enum media_spacing spacing) {
  return (struct media_plan){.microphone = true,
                             .camera = true,
                             .spacing = spacing,
                             .layers = layers,
                             .fps = 30,
                             .video_bps = 1500000,
                             .audio_bps = 32000,
                             .width = 1280,
                             .height = 720,
                             .packet_bytes = 1160,
                             .keyframe_factor = 6,
                             .microphone_mid = 0,
                             .camera_mid = 1,
                             .audio_ssrc = 1,
                             .video_ssrc = {2, 3, 4},
                             .rtx_ssrc = {5, 6, 7}};
}

static struct media_sender *sender_of(const struct media_plan *plan) {
  struct media_sender *s = NULL;
  assert_int_equal(media_sender_create(&s, plan, 42), 0);
  media_sender_start(s, 0);
  count = 0;
  return s;
}

/* Exactly at each deadline, as a loop with nothing else to do. */
static void run_until(struct media_sender *s, int64_t until_us) {
  for (int64_t at; (at = media_sender_deadline(s)) <= until_us;)
    media_sender_run(s, note, NULL, at);
}

static void rates_are_as_asked(void **state) {
  (void)state;
  struct media_plan plan = plan_of(1, SPACING_CHROMIUM);
  struct media_sender *s = sender_of(&plan);
  run_until(s, 10000000);
  size_t audio = 0, video_bytes = 0;
  for (size_t i = 0; i < count; i++) {
    audio += seen[i].stream == MEDIA_AUDIO;
    if (seen[i].stream == MEDIA_VIDEO) video_bytes += seen[i].payload_len;
  }
  assert_true(audio >= 499 && audio <= 501);
  assert_true(video_bytes > 1500000 / 8 * 10 * 95 / 100 && video_bytes < 1500000 / 8 * 10 * 108 / 100);
  assert_int_equal(media_sender_keyframes(s), 1);
  assert_true(media_sender_frames(s) >= 299 && media_sender_frames(s) <= 301);
  media_sender_free(s);
}

static void longer_sounds_are_fewer_packets(void **state) {
  (void)state;
  struct media_plan plan = plan_of(1, SPACING_CHROMIUM);
  plan.camera = false;
  plan.audio_ms = 60;
  struct media_sender *s = sender_of(&plan);
  run_until(s, 6000000);
  assert_in_range(count, 99, 101);
  for (size_t i = 1; i < count; i++) {
    assert_int_equal(seen[i].header.timestamp - seen[i - 1].header.timestamp, 60 * 48);
    assert_int_equal(seen[i].payload_len, 240); /* 32 kbit/s */
  }
  media_sender_free(s);
}

static void chromium_bursts_and_even_spreads(void **state) {
  (void)state;
  for (int even = 0; even < 2; even++) {
    struct media_plan plan = plan_of(1, even ? SPACING_EVEN : SPACING_CHROMIUM);
    struct media_sender *s = sender_of(&plan);
    run_until(s, 5000000);
    const struct seen *before = NULL;
    for (size_t i = 0; i < count; i++) {
      if (seen[i].stream != MEDIA_VIDEO || seen[i].stamp.key) continue;
      if (before && before->stamp.frame == seen[i].stamp.frame) {
        int64_t gap_us = seen[i].intended_us - before->intended_us;
        assert_true(even ? gap_us >= 3000 && gap_us <= 34000 : gap_us >= 10 && gap_us <= 1000);
        assert_true(seen[i].payload_len >= before->payload_len && seen[i].payload_len <= before->payload_len + 1);
      }
      before = &seen[i];
    }
    media_sender_free(s);
  }
}

static int ascending(const void *a, const void *b) {
  const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
  return x < y ? -1 : x > y;
}

/* bench/spacing.mjs on Chromium: p25 26, p50 74, p75 142, p95 353 us. */
static void gaps_are_those_of_the_capture(void **state) {
  (void)state;
  static int64_t found[MAX_PACKETS];
  size_t gap_count = 0;
  struct media_plan plan = plan_of(1, SPACING_CHROMIUM);
  struct media_sender *s = sender_of(&plan);
  run_until(s, 30000000);
  const struct seen *before = NULL;
  for (size_t i = 0; i < count; i++) {
    if (seen[i].stream != MEDIA_VIDEO || seen[i].stamp.key) continue;
    if (before && before->stamp.frame == seen[i].stamp.frame)
      found[gap_count++] = seen[i].intended_us - before->intended_us;
    before = &seen[i];
  }
  media_sender_free(s);
  assert_true(gap_count > 2000);
  qsort(found, gap_count, sizeof *found, ascending);
  static const struct {
    double share;
    int64_t low_us, high_us;
  } wanted[] = {{0.25, 23, 29}, {0.5, 66, 82}, {0.75, 130, 155}, {0.95, 310, 400}};
  for (size_t i = 0; i < 4; i++)
    assert_in_range(found[(size_t)(wanted[i].share * (double)gap_count)], wanted[i].low_us, wanted[i].high_us);
}

static void a_late_loop_changes_no_intended_time(void **state) {
  (void)state;
  static int64_t on_time[MAX_PACKETS];
  struct media_plan plan = plan_of(1, SPACING_CHROMIUM);
  struct media_sender *s = sender_of(&plan);
  run_until(s, 1000000);
  size_t wanted = count;
  for (size_t i = 0; i < count; i++)
    on_time[i] = seen[i].stream == MEDIA_VIDEO ? seen[i].intended_us : 0;
  media_sender_free(s);
  s = sender_of(&plan);
  media_sender_run(s, note, NULL, 1000000); /* all at once, a second late */
  assert_int_equal(count, wanted);
  size_t video = 0, k = 0;
  for (size_t i = 0; i < count; i++) {
    if (seen[i].stream != MEDIA_VIDEO) continue;
    while (on_time[k] == 0)
      k++;
    assert_int_equal(seen[i].intended_us, on_time[k++]);
    assert_int_equal(seen[i].stamp.late_us, 1000000 - seen[i].intended_us);
    video++;
  }
  assert_true(video > 100);
  media_sender_free(s);
}

static void keyframes_on_request(void **state) {
  (void)state;
  struct media_plan plan = plan_of(3, SPACING_CHROMIUM);
  struct media_sender *s = sender_of(&plan);
  run_until(s, 500000);
  assert_int_equal(media_sender_keyframes(s), 3); /* the first frame of each layer */
  assert_int_equal(media_sender_stream_of(s, 3), MEDIA_VIDEO + 1);
  media_sender_want_keyframe(s, MEDIA_VIDEO + 1);
  media_sender_want_keyframe(s, MEDIA_VIDEO + 1);
  media_sender_want_keyframe(s, MEDIA_AUDIO);
  media_sender_want_keyframe(s, MEDIA_RTX);
  run_until(s, 1000000);
  assert_int_equal(media_sender_keyframes(s), 4);
  media_sender_free(s);
}

static void layers_can_be_paused(void **state) {
  (void)state;
  struct media_plan plan = plan_of(3, SPACING_CHROMIUM);
  struct media_sender *s = sender_of(&plan);
  run_until(s, 500000);
  media_sender_set_active(s, 2, false);
  run_until(s, 600000);
  count = 0;
  run_until(s, 1600000);
  for (size_t i = 0; i < count; i++)
    assert_int_not_equal(seen[i].stream, MEDIA_VIDEO + 2);
  media_sender_set_active(s, 2, true);
  count = 0;
  run_until(s, 1700000);
  bool came_back_with_key = false;
  for (size_t i = 0; i < count; i++)
    came_back_with_key |= seen[i].stream == MEDIA_VIDEO + 2 && seen[i].stamp.key;
  assert_true(came_back_with_key);
  for (unsigned i = 0; i < 3; i++)
    media_sender_set_active(s, i, false);
  run_until(s, 3000000); /* audio alone: no endless loop without packets */
  media_sender_free(s);
}

static void mid_and_rid_until_the_server_knows_the_stream(void **state) {
  (void)state;
  struct media_plan plan = plan_of(2, SPACING_CHROMIUM);
  struct media_sender *s = sender_of(&plan);
  run_until(s, 100000);
  for (size_t i = 0; i < count; i++) {
    assert_true(seen[i].has_mid);
    assert_int_equal(seen[i].has_rid, seen[i].stream != MEDIA_AUDIO);
  }
  for (unsigned i = 0; i < MEDIA_STREAMS; i++)
    media_sender_acknowledged(s, i);
  size_t header_before = seen[0].header.header_len;
  count = 0;
  run_until(s, 300000);
  for (size_t i = 0; i < count; i++)
    assert_false(seen[i].has_mid || seen[i].has_rid);
  assert_int_equal(seen[0].header.header_len, header_before); /* a fixed length keeps the packets of a frame equal */
  media_sender_free(s);
}

static void what_was_sent_can_be_sent_again(void **state) {
  (void)state;
  struct media_plan plan = plan_of(1, SPACING_CHROMIUM);
  struct media_sender *s = sender_of(&plan);
  run_until(s, 1000000);
  struct seen original = {0};
  for (size_t i = 0; i < count; i++)
    if (seen[i].stream == MEDIA_VIDEO) original = seen[i];
  assert_true(media_sender_resend(s, MEDIA_VIDEO, original.header.seq, note, NULL, 2000000));
  const struct seen *again = &seen[count - 1];
  assert_int_equal(again->stream, MEDIA_RTX);
  assert_int_equal(again->header.ssrc, 5);
  assert_int_equal(again->header.payload_type, LOAD_PT_RTX);
  assert_int_equal(again->header.timestamp, original.header.timestamp);
  assert_int_equal(again->payload_len, original.payload_len + 2);
  assert_int_equal(again->stamp.frame, original.stamp.frame);
  assert_int_equal(again->stamp.packet, original.stamp.packet);
  assert_false(media_sender_resend(s, MEDIA_VIDEO, (uint16_t)(original.header.seq + 100), note, NULL, 2000000));
  assert_false(media_sender_resend(s, MEDIA_AUDIO, 1, note, NULL, 2000000));
  media_sender_free(s);
}

static void sender_reports_follow_the_clock(void **state) {
  (void)state;
  struct media_plan plan = plan_of(1, SPACING_CHROMIUM);
  struct media_sender *s = sender_of(&plan);
  struct rtcp_sender_info a, b;
  assert_false(media_sender_report(s, MEDIA_AUDIO, 1, 0, &a));
  run_until(s, 1000000);
  assert_true(media_sender_report(s, MEDIA_AUDIO, 1, 1000000, &a));
  assert_true(media_sender_report(s, MEDIA_AUDIO, 2, 2000000, &b));
  assert_int_equal(b.rtp_timestamp - a.rtp_timestamp, 48000);
  assert_true(a.packets >= 49 && a.packets <= 51);
  media_sender_free(s);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(rates_are_as_asked),
      cmocka_unit_test(longer_sounds_are_fewer_packets),
      cmocka_unit_test(chromium_bursts_and_even_spreads),
      cmocka_unit_test(gaps_are_those_of_the_capture),
      cmocka_unit_test(a_late_loop_changes_no_intended_time),
      cmocka_unit_test(keyframes_on_request),
      cmocka_unit_test(layers_can_be_paused),
      cmocka_unit_test(mid_and_rid_until_the_server_knows_the_stream),
      cmocka_unit_test(what_was_sent_can_be_sent_again),
      cmocka_unit_test(sender_reports_follow_the_clock),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
