/* tests/server/worker/track_test.c: what flows into which slot: fan-out, layers by view, mutes, changes of a slot. */
#include "tests/server/worker/engine_harness.h"

struct room {
  struct harness *h;
  struct browser *a, *b, *c;
  char camera[ROOM_ID_BYTES];
  struct source layers[3];
};

/* `a` publishes its camera in three layers; `b` and `c` receive. */
static struct room open_room(void) {
  static const char *const rids[] = {"q", "h", "f"};
  struct room r = {.h = harness_new()};
  r.a = harness_connect(r.h, "doctor");
  r.b = harness_connect(r.h, "patient");
  r.c = harness_connect(r.h, "interpreter");
  snprintf(r.camera, sizeof r.camera, "%s", browser_publish(r.a, "1", "camera"));
  for (size_t i = 0; i < 3; i++)
    r.layers[i] = source_video(r.a, "1", rids[i], (uint16_t)(320 << i), (uint16_t)(180 << i));
  return r;
}

/* A third of a second of video. */
static void film(struct room *r, bool keyframe) {
  for (int n = 0; n < 10; n++) {
    for (size_t i = 0; i < 3; i++)
      source_send(&r->layers[i], keyframe && n == 0);
    harness_advance(r->h, 35 * MILLISECOND);
  }
}

static uint32_t last_layer(const struct browser *b) {
  assert_true(b->rtp_count > 0);
  return got_ssrc(&b->rtp[b->rtp_count - 1]);
}

/* One stream for the receiver: numbers without holes, timestamps that never go back, picture ids that count on. */
static void expect_continuous(const struct browser *b) {
  for (size_t i = 1; i < b->rtp_count; i++) {
    const struct got *before = &b->rtp[i - 1], *got = &b->rtp[i];
    assert_int_equal(got->p.ssrc, before->p.ssrc);
    assert_int_equal(got->p.seq, (uint16_t)(before->p.seq + 1));
    assert_true((int32_t)(got->p.timestamp - before->p.timestamp) > 0);
    const int picture = (got->p.payload[2] & 0x7f) << 8 | got->p.payload[3];
    const int previous = (before->p.payload[2] & 0x7f) << 8 | before->p.payload[3];
    assert_int_equal(picture, (previous + 1) & 0x7fff);
  }
}

static void the_first_packet_flows_at_once(void **state) {
  (void)state;
  struct room r = open_room();
  source_send(&r.layers[0], true);
  assert_int_equal(r.b->rtp_count, 1);
  assert_int_equal(r.c->rtp_count, 1);
  source_send(&r.layers[2], true); /* a larger layer begins: its key frame too */
  assert_int_equal(r.b->rtp_count, 2);
  assert_int_equal(last_layer(r.b), r.layers[2].ssrc);
  expect_continuous(r.b);
  harness_free(r.h);
}

static void the_view_chooses_the_layer_at_key_frames(void **state) {
  (void)state;
  struct room r = open_room();
  film(&r, true);
  assert_int_equal(last_layer(r.b), r.layers[2].ssrc);
  browser_view(r.b, r.camera, 300, 170);
  film(&r, false); /* no key frame yet: the large one goes on */
  assert_int_equal(last_layer(r.b), r.layers[2].ssrc);
  struct rtcp_packet pli;
  assert_true(browser_find_rtcp(r.a, RTCP_PSFB, RTCP_PSFB_PLI, 0, &pli));
  struct rtcp_pli asked;
  assert_int_equal(rtcp_parse_pli(&pli, &asked), RTP_OK);
  assert_int_equal(asked.media_ssrc, r.layers[0].ssrc); /* of the layer that is wanted, no other */
  film(&r, true);
  assert_int_equal(last_layer(r.b), r.layers[0].ssrc);
  assert_int_equal(last_layer(r.c), r.layers[2].ssrc); /* nobody else's business */
  browser_view(r.b, r.camera, 640, 360);
  film(&r, true);
  assert_int_equal(last_layer(r.b), r.layers[1].ssrc);
  expect_continuous(r.b);
  expect_continuous(r.c);
  harness_free(r.h);
}

static void what_is_not_shown_is_not_sent(void **state) {
  (void)state;
  struct room r = open_room();
  film(&r, true);
  browser_view(r.b, r.camera, 0, 0);
  harness_forget(r.h);
  film(&r, true);
  assert_int_equal(r.b->rtp_count, 0);
  assert_true(r.c->rtp_count > 0);
  browser_view(r.b, r.camera, 2000, 2000);
  film(&r, false);
  assert_int_equal(r.b->rtp_count, 0); /* it waits for a key frame … */
  film(&r, true);
  assert_int_equal(last_layer(r.b), r.layers[2].ssrc);
  harness_free(r.h);
}

static void a_dead_layer_is_replaced(void **state) {
  (void)state;
  struct room r = open_room();
  film(&r, true);
  assert_int_equal(last_layer(r.b), r.layers[2].ssrc);
  for (int i = 0; i < 60; i++) { /* the publisher's machine is too weak for the large one; two seconds pass */
    source_send(&r.layers[0], i % 20 == 0);
    source_send(&r.layers[1], i % 20 == 0);
    harness_advance(r.h, 50 * MILLISECOND);
  }
  assert_int_equal(last_layer(r.b), r.layers[1].ssrc);
  expect_continuous(r.b);
  harness_free(r.h);
}

static void a_mute_stops_every_packet(void **state) {
  (void)state;
  struct room r = open_room();
  char track[ROOM_ID_BYTES];
  snprintf(track, sizeof track, "%s", browser_publish(r.a, "0", "microphone"));
  struct source mic = source_audio(r.a, "0");
  source_send(&mic, false);
  assert_int_equal(r.b->rtp_count, 1);
  assert_string_equal(browser_request(r.a, "mute", json_pack("{s:s, s:b}", "track", track, "muted", 1)), "");
  for (int i = 0; i < 5; i++)
    source_send(&mic, false);
  assert_int_equal(r.b->rtp_count, 1);
  assert_int_equal(harness_drops(r.h, ENGINE_DROP_MUTED), 5);
  assert_string_equal(browser_request(r.a, "mute", json_pack("{s:s, s:b}", "track", track, "muted", 0)), "");
  source_send(&mic, false);
  assert_int_equal(r.b->rtp_count, 2);
  assert_int_equal(r.b->rtp[1].p.seq, (uint16_t)(r.b->rtp[0].p.seq + 1)); /* no hole: nothing to repair */
  harness_free(r.h);
}

static void a_muted_camera_comes_back_with_a_key_frame(void **state) {
  (void)state;
  struct room r = open_room();
  film(&r, true);
  assert_string_equal(browser_request(r.a, "mute", json_pack("{s:s, s:b}", "track", r.camera, "muted", 1)), "");
  film(&r, false);
  harness_forget(r.h);
  assert_string_equal(browser_request(r.a, "mute", json_pack("{s:s, s:b}", "track", r.camera, "muted", 0)), "");
  film(&r, false);
  assert_int_equal(r.b->rtp_count, 0);
  struct rtcp_packet pli;
  assert_true(browser_find_rtcp(r.a, RTCP_PSFB, RTCP_PSFB_PLI, 0, &pli));
  film(&r, true);
  assert_true(r.b->rtp_count > 0);
  harness_free(r.h);
}

static void a_slot_goes_from_one_to_another(void **state) {
  (void)state;
  struct room r = open_room();
  film(&r, true);
  const uint32_t ssrc = browser_slot_ssrc(r.b, browser_slot_of(r.b, r.camera)).ssrc;
  const uint16_t last = r.b->rtp[r.b->rtp_count - 1].p.seq;
  const uint32_t timestamp = r.b->rtp[r.b->rtp_count - 1].p.timestamp;
  assert_string_equal(browser_request(r.a, "unpublish", json_pack("{s:[s]}", "tracks", r.camera)), "");
  assert_null(browser_slot_of(r.b, r.camera));
  assert_null(r.h->engine->tracks);
  char camera[ROOM_ID_BYTES];
  snprintf(camera, sizeof camera, "%s", browser_publish(r.c, "1", "camera"));
  struct source other = source_video(r.c, "1", "q", 320, 180);
  assert_int_equal(browser_slot_ssrc(r.b, browser_slot_of(r.b, camera)).ssrc, ssrc);
  harness_forget(r.h);
  source_send(&other, false); /* nobody's picture lingers under another one's name: a key frame first */
  assert_int_equal(r.b->rtp_count, 0);
  source_send(&other, true);
  assert_int_equal(r.b->rtp_count, 1);
  assert_int_equal(r.b->rtp[0].p.ssrc, ssrc);
  assert_int_equal(r.b->rtp[0].p.seq, (uint16_t)(last + 1));
  assert_true((int32_t)(r.b->rtp[0].p.timestamp - timestamp) > 0);
  harness_free(r.h);
}

static void what_a_receiver_cannot_decode_asks_for_nothing(void **state) {
  (void)state;
  struct harness *h = harness_new_with("H264,VP8");
  struct browser *a = harness_connect(h, "doctor"), *b = harness_join(h, "patient");
  /* Both have H264; but b only in the packetization mode that a does not send. The room knows codecs, not profiles. */
  json_t *offer = browser_offer_make(b, "chromium");
  size_t i, k;
  json_t *media, *codec;
  json_array_foreach(json_object_get(offer, "media"), i, media) {
    json_array_foreach(json_object_get(media, "codecs"), k, codec) {
      const char *fmtp = json_string_value(json_object_get(codec, "fmtp"));
      if (fmtp && strstr(fmtp, "profile-level-id="))
        json_object_set_new(codec, "fmtp", json_string("packetization-mode=0;profile-level-id=42e01f"));
    }
  }
  assert_string_equal(browser_offer_json(b, offer), "");
  browser_connect(b);
  harness_advance(h, 5 * MILLISECOND);
  const char *track = browser_publish(a, "2", "screen");
  assert_non_null(browser_slot_of(b, track));
  const struct section *section = browser_section(a, "2");
  size_t format = 0;
  while (section->formats[format].format == MEDIA_FORMAT_VP8 ||
         section->formats[format].format == MEDIA_FORMAT_H264_SINGLE)
    format++;
  harness_forget(h);
  static const uint8_t idr[] = {0x65, 0x88, 0x84, 0, 1, 2, 3, 4}, slice[] = {0x41, 0x9a, 0x84, 0, 1, 2, 3, 4};
  for (uint16_t n = 0; n < 60; n++) {
    const bool key = n % 30 == 0;
    const struct shot shot = {.ssrc = 4242,
                              .timestamp = n * 3000u,
                              .seq = n,
                              .pt = section->formats[format].payload_type,
                              .marker = true,
                              .mid = "2",
                              .level = -1,
                              .transport_seq = -1,
                              .payload = key ? idr : slice,
                              .len = sizeof idr};
    browser_send_shot(a, &shot);
    harness_advance(h, 35 * MILLISECOND);
  }
  assert_int_equal(b->rtp_count, 0);
  struct rtcp_packet pli;
  assert_false(browser_find_rtcp(a, RTCP_PSFB, RTCP_PSFB_PLI, 0, &pli));
  harness_free(h);
}

static void the_room_is_told_of_sizes_at_its_own_pace(void **state) {
  (void)state;
  struct room r = open_room();
  struct track *track = engine_find_track(r.h->engine, room_manager_find_track(r.h->manager, r.camera));
  source_send(&r.layers[0], true);
  assert_true(track->flowing_told);
  assert_int_equal(track->told_width, 320);
  for (uint16_t i = 1; i < 100; i++) { /* a new size with every packet */
    r.layers[0].width = (uint16_t)(320 + i);
    source_send(&r.layers[0], true);
  }
  assert_int_equal(track->told_width, 320);
  harness_advance(r.h, SECOND + 50 * MILLISECOND);
  assert_int_equal(track->told_width, 419);
  harness_free(r.h);
}

/* Encoders begin with the small layers, and a busy machine's or a slow link's stay with them for seconds: the picture is still as large as
 * it was announced, and a small window needs no more than the small layer. */
static void a_layer_that_has_not_begun_does_not_make_the_picture_small(void **state) {
  (void)state;
  struct room r = open_room();
  browser_view(r.b, r.camera, 320, 180);
  browser_view(r.c, r.camera, 320, 180);
  for (int n = 0; n < 100; n++) {
    source_send(&r.layers[0], n == 0);
    harness_advance(r.h, 30 * MILLISECOND);
  }
  const struct track *track = engine_find_track(r.h->engine, room_manager_find_track(r.h->manager, r.camera));
  assert_int_equal(track->wanted, 1); /* the others were paused a second after the view */
  browser_view(r.b, r.camera, 640, 360);
  assert_int_equal(track->wanted, 3);
  harness_free(r.h);
}

static void red_reaches_those_who_take_it(void **state) {
  (void)state;
  struct harness *h = harness_new();
  struct browser *a = harness_connect(h, "doctor"), *b = harness_connect(h, "patient"),
                 *c = harness_join(h, "interpreter");
  browser_offer(c, "firefox"); /* takes no RED */
  browser_connect(c);
  harness_advance(h, 5 * MILLISECOND);
  browser_publish(a, "0", "microphone");
  /* RFC 2198: an older block of three bytes, then the primary. */
  static const uint8_t red[] = {0x80 | 111, 0x0f, 0, 3, 111, 1, 2, 3, 0x78, 9, 8, 7, 6, 5, 4};
  const struct shot shot = {.ssrc = 77,
                            .seq = 5,
                            .pt = browser_pt(a, "0", "red"),
                            .mid = "0",
                            .level = -1,
                            .transport_seq = -1,
                            .payload = red,
                            .len = sizeof red};
  browser_send_shot(a, &shot);
  harness_pump(h);
  assert_int_equal(b->rtp_count, 1);
  assert_int_equal(b->rtp[0].p.payload_type, browser_pt(b, "3", "red"));
  assert_int_equal(b->rtp[0].p.payload_len, sizeof red);
  assert_int_equal(c->rtp_count, 1);
  assert_int_equal(c->rtp[0].p.payload_type, browser_pt(c, "3", "opus"));
  assert_int_equal(c->rtp[0].p.payload_len, 7);
  assert_memory_equal(c->rtp[0].p.payload, red + 8, 7);
  harness_free(h);
}

static void nobody_watching_means_no_key_frames(void **state) {
  (void)state;
  struct room r = open_room();
  film(&r, true);
  browser_view(r.b, r.camera, 300, 170); /* waits for the small layer's key frame … */
  browser_leave(r.b);
  browser_leave(r.c); /* … and is gone */
  harness_forget(r.h);
  film(&r, false);
  film(&r, false);
  struct rtcp_packet pli;
  assert_false(browser_find_rtcp(r.a, RTCP_PSFB, RTCP_PSFB_PLI, 0, &pli));
  harness_free(r.h);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_first_packet_flows_at_once),
      cmocka_unit_test(the_view_chooses_the_layer_at_key_frames),
      cmocka_unit_test(what_is_not_shown_is_not_sent),
      cmocka_unit_test(a_dead_layer_is_replaced),
      cmocka_unit_test(a_mute_stops_every_packet),
      cmocka_unit_test(a_muted_camera_comes_back_with_a_key_frame),
      cmocka_unit_test(a_slot_goes_from_one_to_another),
      cmocka_unit_test(what_a_receiver_cannot_decode_asks_for_nothing),
      cmocka_unit_test(the_room_is_told_of_sizes_at_its_own_pace),
      cmocka_unit_test(a_layer_that_has_not_begun_does_not_make_the_picture_small),
      cmocka_unit_test(red_reaches_those_who_take_it),
      cmocka_unit_test(nobody_watching_means_no_key_frames),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
