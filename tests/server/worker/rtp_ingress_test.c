/* tests/server/worker/rtp_ingress_test.c: whose SSRC is it: mid, rid, repaired-rid, a=ssrc; and those who lie about it. */
#include "tests/server/worker/engine_harness.h"

static const char *const rids[] = {"q", "h", "f"};

static struct browser *publisher(struct harness *h, const char *offer) {
  struct browser *b = harness_join(h, "doctor");
  browser_offer(b, offer);
  browser_connect(b);
  return b;
}

static struct track *track_of(struct browser *b, const char *mid, const char *source) {
  const uint32_t handle = room_manager_find_track(b->harness->manager, browser_publish(b, mid, source));
  return engine_find_track(b->harness->engine, handle);
}

static void rids_name_the_layers(void **state) {
  (void)state;
  struct harness *h = harness_new();
  struct browser *a = publisher(h, "chromium");
  struct track *camera = track_of(a, "1", "camera");
  for (size_t i = 0; i < 3; i++) {
    struct source s = source_video(a, "1", rids[i], 320, 180);
    source_send(&s, true);
    assert_int_equal(camera->layers[i]->ssrc, s.ssrc);
    s.mid = s.rid = NULL; /* browsers stop saying it: the SSRC is bound by then */
    source_send(&s, false);
  }
  assert_int_equal(browser_peer(a)->incoming_count, 3);
  assert_int_equal(harness_drops(h, ENGINE_DROP_UNKNOWN_SSRC), 0);
  harness_free(h);
}

static void announced_ssrcs_need_no_mid(void **state) {
  (void)state;
  struct harness *h = harness_new();
  struct browser *a = publisher(h, "chromium");
  struct track *screen = track_of(a, "2", "screen");
  struct source announced = source_video(a, "2", NULL, 1280, 720);
  announced.mid = NULL;
  announced.ssrc = browser_section(a, "2")->announced[0];
  source_send(&announced, true);
  assert_int_equal(screen->layers[0]->ssrc, announced.ssrc);
  assert_int_equal(rtp_incoming_stream_rtx_ssrc(screen->layers[0]->stream), browser_section(a, "2")->announced[1]);
  harness_free(h);
}

static void simulcast_without_rids_has_layers_by_its_list(void **state) {
  (void)state;
  struct harness *h = harness_new();
  struct browser *a = harness_join(h, "doctor");
  json_t *offer = browser_offer_make(a, "chromium");
  json_object_set_new(offer_media(offer, "2"), "ssrcs",
                      json_pack("[{s:i, s:i}, {s:i, s:i}, {s:i, s:i}]", "ssrc", 901, "rtxSsrc", 902, "ssrc", 903,
                                "rtxSsrc", 904, "ssrc", 905, "rtxSsrc", 906));
  assert_string_equal(browser_offer_json(a, offer), "");
  browser_connect(a);
  const struct section *section = browser_section(a, "2");
  assert_int_equal(section->announced_count, 6);
  struct track *camera = track_of(a, "2", "camera");
  struct source s[3];
  for (size_t i = 0; i < 3; i++) {
    s[i] = source_video(a, "2", NULL, (uint16_t)(320 << i), (uint16_t)(180 << i));
    s[i].ssrc = section->announced[2 * i];
  }
  for (int n = 0; n < 4; n++) {
    for (size_t i = 0; i < 3; i++)
      source_send(&s[i], n == 0);
  }
  for (size_t i = 0; i < 3; i++)
    assert_int_equal(camera->layers[i]->ssrc, s[i].ssrc);
  assert_int_equal(browser_peer(a)->incoming_count, 3);
  assert_int_equal(h->engine->counters.rtp_in, 12);
  assert_int_equal(harness_drops(h, ENGINE_DROP_SSRC_LIMIT), 0);
  harness_free(h);
}

static struct shot repair_of(struct source *s, const uint8_t *osn_payload, size_t len) {
  return (struct shot){.ssrc = s->rtx_ssrc,
                       .timestamp = s->timestamp,
                       .seq = s->rtx_seq++,
                       .pt = s->rtx_pt,
                       .mid = s->mid,
                       .repaired_rid = s->rid,
                       .level = -1,
                       .transport_seq = -1,
                       .payload = osn_payload,
                       .len = len};
}

static void repairs_find_their_media(void **state) {
  (void)state;
  struct harness *h = harness_new();
  struct browser *a = publisher(h, "chromium"), *b = publisher(h, "chromium");
  track_of(a, "1", "camera");
  struct source s = source_video(a, "1", "q", 320, 180);
  source_send(&s, true);
  uint8_t lost[1600], payload[1600];
  const size_t len = source_write(&s, false, lost); /* this one does not arrive … */
  source_send(&s, false);
  struct rtp_packet p;
  assert_int_equal(rtp_packet_parse(&p, lost, len), RTP_OK);
  payload[0] = (uint8_t)(p.seq >> 8);
  payload[1] = (uint8_t)p.seq;
  memcpy(payload + 2, p.payload, p.payload_len);
  const struct shot shot = repair_of(&s, payload, p.payload_len + 2); /* … but as RTX */
  browser_send_shot(a, &shot);
  harness_pump(h);
  assert_int_equal(b->rtp_count, 3);
  assert_int_equal(got_seq(&b->rtp[2]), p.seq);
  assert_int_equal(b->rtp[2].p.seq, (uint16_t)(b->rtp[0].p.seq + 1)); /* in the hole that was left for it */
  assert_int_equal(browser_peer(a)->incoming_count, 2);
  harness_free(h);
}

static void what_nothing_claims_is_dropped(void **state) {
  (void)state;
  struct harness *h = harness_new();
  struct browser *a = publisher(h, "chromium");
  track_of(a, "1", "camera");
  static const struct {
    const char *mid, *rid, *repaired;
  } lies[] = {{NULL, NULL, NULL}, {"nope", NULL, NULL}, {"1", NULL, NULL}, {"1", "x", NULL},
              {"1", NULL, "q"},   {"5", NULL, NULL},    {"5", "q", NULL},  {"7", NULL, NULL}};
  for (size_t i = 0; i < sizeof lies / sizeof *lies; i++) {
    const struct shot shot = {.ssrc = (uint32_t)(500 + i),
                              .pt = 96,
                              .mid = lies[i].mid,
                              .rid = lies[i].rid,
                              .repaired_rid = lies[i].repaired,
                              .level = -1,
                              .transport_seq = -1,
                              .payload = (const uint8_t *)"x",
                              .len = 1};
    browser_send_shot(a, &shot);
  }
  const struct shot zero = {
      .ssrc = 0, .pt = 111, .level = -1, .transport_seq = -1, .payload = (const uint8_t *)"x", .len = 1};
  browser_send_shot(a, &zero); /* "no RTX" is written as 0 in the list of SSRCs: it is nobody's repair */
  harness_pump(h);
  assert_int_equal(harness_drops(h, ENGINE_DROP_UNKNOWN_SSRC), 9);
  assert_int_equal(browser_peer(a)->incoming_count, 0);
  harness_free(h);
}

static void unpublished_media_goes_nowhere(void **state) {
  (void)state;
  struct harness *h = harness_new();
  struct browser *a = publisher(h, "chromium"), *b = publisher(h, "chromium");
  struct source mic = source_audio(a, "0");
  source_send(&mic, false);
  assert_int_equal(harness_drops(h, ENGINE_DROP_NO_TRACK), 1);
  assert_int_equal(b->rtp_count, 0);
  track_of(a, "0", "microphone"); /* what is bound already flows from its next packet on */
  source_send(&mic, false);
  assert_int_equal(b->rtp_count, 1);
  harness_free(h);
}

static void a_restarted_encoder_takes_its_layer_over(void **state) {
  (void)state;
  struct harness *h = harness_new();
  struct browser *a = publisher(h, "chromium"), *b = publisher(h, "chromium");
  struct track *camera = track_of(a, "1", "camera");
  struct source old[3], fresh = source_video(a, "1", "h", 640, 360);
  for (size_t i = 0; i < 3; i++) {
    old[i] = source_video(a, "1", rids[i], (uint16_t)(320 << i), (uint16_t)(180 << i));
    source_send(&old[i], true);
  }
  source_send(&fresh, true); /* in the middle of the array: what lies behind it moves */
  for (size_t i = 0; i < 3; i++)
    assert_int_equal(camera->layers[i]->ssrc, i == 1 ? fresh.ssrc : old[i].ssrc);
  assert_int_equal(browser_peer(a)->incoming_count, 3);
  /* A straggler of the old one must not take it back. */
  source_send(&old[1], false);
  assert_int_equal(camera->layers[1]->ssrc, fresh.ssrc);
  assert_int_equal(harness_drops(h, ENGINE_DROP_SSRC_LIMIT), 1);
  source_send(&old[2], false);
  assert_true(b->rtp_count > 0);
  harness_free(h);
}

static void ssrcs_cannot_chase_each_other(void **state) {
  (void)state;
  struct harness *h = harness_new();
  struct browser *a = publisher(h, "chromium");
  track_of(a, "1", "camera");
  struct source s = source_video(a, "1", "q", 320, 180);
  for (int i = 0; i < 60; i++) {
    s.ssrc++;
    source_send(&s, true);
  }
  assert_true(harness_drops(h, ENGINE_DROP_SSRC_LIMIT) > 40);
  assert_int_equal(browser_peer(a)->incoming_count, 1);
  harness_free(h);
}

static void floods_of_ssrcs_are_capped(void **state) {
  (void)state;
  struct harness *h = harness_new();
  struct browser *a = publisher(h, "chromium");
  struct peer *peer = browser_peer(a);
  struct shot shot = {
      .pt = 111, .mid = "0", .level = -1, .transport_seq = -1, .payload = (const uint8_t *)"x", .len = 1};
  uint8_t packet[256];
  for (uint32_t ssrc = 1; ssrc < 65536; ssrc++) { /* past SRTP's own cap: straight into the engine */
    shot.ssrc = ssrc;
    shot.repaired_rid = ssrc % 3 ? NULL : "q";
    shot.mid = ssrc % 2 ? "0" : "1";
    shot.rid = ssrc % 2 ? NULL : "h";
    peer_receive_rtp(peer, packet, browser_write_rtp(a, &shot, packet), h->now_us);
  }
  assert_true(peer->incoming_count <= ENGINE_MAX_INCOMING);
  assert_int_equal(h->engine->counters.rtp_in, 65535);
  harness_free(h);
}

static void the_reserved_extension_id_ends_the_walk(void **state) {
  (void)state;
  struct harness *h = harness_new();
  struct browser *a = publisher(h, "chromium");
  track_of(a, "0", "microphone");
  struct source mic = source_audio(a, "0");
  uint8_t packet[1600];
  const size_t len = source_write(&mic, false, packet);
  packet[16] = 0xf0; /* id 15 where the mid's element began */
  browser_send_rtp(a, packet, len);
  harness_pump(h);
  assert_int_equal(harness_drops(h, ENGINE_DROP_UNKNOWN_SSRC), 1);
  harness_free(h);
}

/* The layer that nobody watches is not opened but for samples; who begins to watch it gets its very next key frame. */
static void what_nobody_receives_is_not_opened(void **state) {
  (void)state;
  struct harness *h = harness_new();
  struct browser *a = publisher(h, "chromium"), *b = harness_connect(h, "patient");
  const char *name = browser_publish(a, "1", "camera");
  struct track *camera = engine_find_track(h->engine, room_manager_find_track(h->manager, name));
  browser_view(b, name, 320, 180);
  struct source layers[3];
  for (size_t i = 0; i < 3; i++)
    layers[i] = source_video(a, "1", rids[i], (uint16_t)(320 << i), (uint16_t)(180 << i));
  for (int n = 0; n < 300; n++, harness_advance(h, 10 * MILLISECOND)) {
    for (size_t i = 0; i < 3; i++)
      source_send(&layers[i], n == 0);
    if (n == 50) harness_forget(h);
  }
  const uint64_t unopened = h->engine->counters.rtp_unopened;
  assert_in_range(unopened, 2 * 300 * 8 / 10, 2 * 300 * 99 / 100);
  struct rtp_incoming_stats stats[3];
  for (size_t i = 0; i < 3; i++) {
    rtp_incoming_stream_stats(camera->layers[i]->stream, h->now_us, &stats[i]);
    assert_int_equal(stats[i].packets, 300);
    assert_int_equal(stats[i].lost, 0);
    assert_true(rtp_incoming_stream_is_live(camera->layers[i]->stream, h->now_us));
  }
  assert_int_equal(stats[0].unopened, 0);
  assert_int_equal(stats[1].unopened + stats[2].unopened, unopened);
  assert_int_equal(browser_count_ssrc(b, browser_slot_ssrc(b, browser_slot_of(b, name)).ssrc), 249);
  assert_int_equal(h->engine->counters.nacks_out, 0);
  browser_view(b, name, 1280, 720);
  browser_forget(b);
  source_send(&layers[2], true);
  assert_int_equal(b->rtp_count, 1);
  assert_int_equal(got_ssrc(&b->rtp[0]), layers[2].ssrc);
  const uint64_t before = h->engine->counters.rtp_unopened;
  for (int n = 0; n < 100; n++, harness_advance(h, 10 * MILLISECOND))
    source_send(&layers[2], false);
  assert_int_equal(h->engine->counters.rtp_unopened, before);
  assert_int_equal(b->rtp_count, 101);
  harness_free(h);
}

/* Who wanted a layer and does not any more has asked for its key frame: that is not asked for again and again, because nobody
 * opens the packets that would answer it, and to some encoders it is one of all layers. */
static void what_nobody_wants_any_more_is_not_asked_for(void **state) {
  (void)state;
  struct harness *h = harness_new();
  struct browser *a = publisher(h, "chromium"), *b = harness_connect(h, "patient");
  const char *name = browser_publish(a, "1", "camera");
  browser_view(b, name, 320, 180);
  struct source layers[3];
  for (size_t i = 0; i < 3; i++)
    layers[i] = source_video(a, "1", rids[i], (uint16_t)(320 << i), (uint16_t)(180 << i));
  for (int n = 0; n < 500; n++, harness_advance(h, 10 * MILLISECOND)) {
    for (size_t i = 0; i < 3; i++)
      source_send(&layers[i], n == 0);
    if (n == 100) browser_view(b, name, 1280, 720);
    if (n == 101) browser_view(b, name, 320, 180);
  }
  assert_in_range(h->engine->counters.keyframe_requests_out, 1, 3);
  browser_view(b, name, 1280, 720); /* wanted again: asked for again */
  const uint64_t before = h->engine->counters.keyframe_requests_out;
  for (int n = 0; n < 20; n++, harness_advance(h, 10 * MILLISECOND))
    source_send(&layers[2], false);
  assert_true(h->engine->counters.keyframe_requests_out > before);
  harness_free(h);
}

/* Whoever can send from the publisher's address can say much in the headers of packets that are not opened, and change little: numbers
 * far from the authentic ones are not believed, and the samples are authentic. */
static void forged_headers_change_little(void **state) {
  (void)state;
  struct harness *h = harness_new();
  struct browser *a = publisher(h, "chromium");
  struct track *camera = track_of(a, "1", "camera");
  struct source s = source_video(a, "1", "q", 320, 180);
  for (int n = 0; n < 30; n++, harness_advance(h, 30 * MILLISECOND))
    source_send(&s, n == 0);
  const struct rtp_incoming_stream *stream = camera->layers[0]->stream;
  const uint32_t highest = rtp_incoming_stream_highest(stream);
  struct datagram d;
  source_seal(&s, false, &d);
  for (uint16_t k = 0; k < 200; k++) {
    struct datagram forged = d;
    const uint16_t seq = (uint16_t)(highest + (k % 2 ? 2000 : -2000) + k);
    forged.data[2] = (uint8_t)(seq >> 8);
    forged.data[3] = (uint8_t)seq;
    browser_send_datagram(a, forged.data, forged.len);
    harness_pump(h);
  }
  assert_int_equal(rtp_incoming_stream_highest(stream), highest);
  assert_int_equal(camera->layers[0]->idle, true);
  browser_send_datagram(a, d.data, d.len);
  harness_pump(h);
  assert_int_equal(rtp_incoming_stream_highest(stream), highest + 1);
  const uint64_t *drops = h->engine->counters.ice_drops; /* behind the window, or ahead of it */
  assert_true(drops[ICE_DROP_SRTP_AUTH] > 50 && drops[ICE_DROP_SRTP_AUTH] + drops[ICE_DROP_SRTP_REPLAY] > 130);
  harness_free(h);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(rids_name_the_layers),
      cmocka_unit_test(announced_ssrcs_need_no_mid),
      cmocka_unit_test(simulcast_without_rids_has_layers_by_its_list),
      cmocka_unit_test(repairs_find_their_media),
      cmocka_unit_test(what_nothing_claims_is_dropped),
      cmocka_unit_test(unpublished_media_goes_nowhere),
      cmocka_unit_test(a_restarted_encoder_takes_its_layer_over),
      cmocka_unit_test(ssrcs_cannot_chase_each_other),
      cmocka_unit_test(floods_of_ssrcs_are_capped),
      cmocka_unit_test(the_reserved_extension_id_ends_the_walk),
      cmocka_unit_test(what_nobody_receives_is_not_opened),
      cmocka_unit_test(what_nobody_wants_any_more_is_not_asked_for),
      cmocka_unit_test(forged_headers_change_little),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
