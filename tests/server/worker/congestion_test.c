/* tests/server/worker/congestion_test.c: the real engine against links in virtual time: which layer flows, when, and what waits.
 * Covers: server/worker/layers.c */
#include "tests/server/worker/engine_harness.h"

#define LAYERS 3

struct stage {
  struct harness *h;
  struct browser *a, *b, *c;
  char camera[ROOM_ID_BYTES];
  struct source layers[LAYERS], mic;
  double owed[LAYERS]; /* bytes */
  uint16_t pli_seen;
  bool wants_key[LAYERS], stopped[LAYERS];
  uint32_t slot_ssrc, audio_ssrc; /* of b */
  char voice[ROOM_ID_BYTES];
  uint32_t beside_ssrc; /* where somebody else hears it: film_beside() */
};

static const double layer_bps[LAYERS] = {150e3, 500e3, 1500e3};

static struct stage open_stage(uint64_t start_bps) {
  static const char *const rids[] = {"q", "h", "f"};
  struct stage s = {.h = harness_new_governed(start_bps)};
  s.a = harness_connect(s.h, "doctor");
  s.b = harness_connect(s.h, "patient");
  s.c = harness_connect(s.h, "interpreter");
  browser_link(s.b, NO_LIMIT_BPS, SECOND, 20 * MILLISECOND);
  browser_link(s.c, NO_LIMIT_BPS, SECOND, 20 * MILLISECOND);
  const char *mic = browser_publish(s.a, "0", "microphone");
  s.audio_ssrc = browser_slot_ssrc(s.b, browser_slot_of(s.b, mic)).ssrc;
  snprintf(s.voice, sizeof s.voice, "%s", mic);
  s.mic = source_audio(s.a, "0");
  snprintf(s.camera, sizeof s.camera, "%s", browser_publish(s.a, "1", "camera"));
  s.slot_ssrc = browser_slot_ssrc(s.b, browser_slot_of(s.b, s.camera)).ssrc;
  for (size_t i = 0; i < LAYERS; i++) {
    s.layers[i] = source_video(s.a, "1", rids[i], (uint16_t)(320 << i), (uint16_t)(180 << i));
    s.wants_key[i] = true;
  }
  return s;
}

static void look_for_requests(struct stage *s) {
  struct rtcp_packet packet;
  struct rtcp_pli pli;
  for (size_t n = 0; browser_find_rtcp(s->a, RTCP_PSFB, RTCP_PSFB_PLI, n, &packet); n++) {
    assert_int_equal(rtcp_parse_pli(&packet, &pli), RTP_OK);
    for (size_t i = 0; i < LAYERS; i++)
      s->wants_key[i] |= pli.media_ssrc == s->layers[i].ssrc;
  }
  browser_forget(s->a);
}

static struct slot *slot_of(struct browser *b, const struct stage *s) {
  return browser_section(b, browser_slot_of(b, s->camera))->slot;
}

/* The layer that flows to a member; -1: none. */
static int layer_of(struct browser *b, const struct stage *s) {
  const struct rtp_incoming_stream *current = rtp_outgoing_stream_current(slot_of(b, s)->out);
  return current ? rtp_incoming_stream_layer(current) : -1;
}

/* Five milliseconds of everything that `a` sends. */
static void step(struct stage *s) {
  for (size_t i = 0; i < LAYERS; i++) {
    if (s->stopped[i]) continue;
    for (s->owed[i] += layer_bps[i] / 8 * 0.005; s->owed[i] >= 820; s->owed[i] -= 820) {
      source_send(&s->layers[i], s->wants_key[i]);
      s->wants_key[i] = false;
    }
  }
  if (s->h->now_us % (20 * MILLISECOND) == 0) source_send(&s->mic, false);
  harness_advance(s->h, 5 * MILLISECOND);
  look_for_requests(s);
}

/* Films until `layer` flows to b, at most so long. Returns how long it took, or the limit and a bit. */
static int64_t until(struct stage *s, int layer, int64_t limit_us) {
  int64_t from_us = s->h->now_us;
  while (layer_of(s->b, s) != layer && s->h->now_us - from_us <= limit_us) {
    step(s);
    browser_forget(s->b);
    browser_forget(s->c);
  }
  return s->h->now_us - from_us;
}

/* Films for so long; returns how often the layer of b changed. */
static int film(struct stage *s, int64_t us) {
  int64_t end_us = s->h->now_us + us;
  int changes = 0, last = layer_of(s->b, s);
  while (s->h->now_us < end_us) {
    step(s);
    if (layer_of(s->b, s) != last) changes++;
    last = layer_of(s->b, s);
    browser_forget(s->b);
    browser_forget(s->c);
  }
  return changes;
}

static uint64_t target(struct browser *b) {
  return bandwidth_estimator_bps(downlink_estimator(browser_peer(b)->link.downlink));
}

/* ---- shares follow the estimate ---- */

static void a_clean_link_has_the_top_layer_soon(void **state) {
  (void)state;
  struct stage s = open_stage(0);
  browser_link(s.b, 10000000, SECOND, 20 * MILLISECOND);
  step(&s);
  assert_true(browser_peer(s.b)->link.governed);
  assert_true(until(&s, 2, 5 * SECOND) <= 1500 * MILLISECOND);
  assert_int_equal(film(&s, 20 * SECOND), 0);
  assert_true(target(s.b) >= 1500000);
  assert_int_equal(s.b->link.dropped, 0);
  harness_free(s.h);
}

static void a_narrow_link_gets_what_it_carries(void **state) {
  (void)state;
  struct stage s = open_stage(0);
  browser_link(s.b, 900000, 300 * MILLISECOND, 20 * MILLISECOND);
  assert_true(until(&s, 1, 5 * SECOND) <= 3 * SECOND);
  assert_true(until(&s, 2, 20 * SECOND) > 20 * SECOND); /* never */
  assert_int_equal(layer_of(s.b, &s), 1);
  assert_int_equal(layer_of(s.c, &s), 2); /* nobody else's business */
  assert_true(target(s.b) <= 1100000);
  harness_free(s.h);
}

static void a_source_without_layers_need_not_stop_again(void **state) {
  (void)state;
  struct stage s = open_stage(0);
  char screen[ROOM_ID_BYTES];
  snprintf(screen, sizeof screen, "%s", browser_publish(s.c, "2", "screen"));
  struct source share = source_video(s.c, "2", NULL, 1920, 1080);
  const struct slot *slot = browser_section(s.b, browser_slot_of(s.b, screen))->slot;
  double owed = 0;
  bool flows = false;
  for (int i = 0; i < 1000; i++) {
    for (owed += 2000e3 / 8 * 0.005; owed >= 820; owed -= 820)
      source_send(&share, i == 0 || rtp_outgoing_stream_needs_keyframe(slot->out));
    harness_advance(s.h, 5 * MILLISECOND);
    harness_forget(s.h);
    flows = flows || rtp_outgoing_stream_current(slot->out);
    if (i == 80) assert_true(flows); /* after 400 ms */
    if (flows) assert_non_null(rtp_outgoing_stream_current(slot->out));
  }
  harness_free(s.h);
}

static void a_link_that_drops_and_comes_back(void **state) {
  (void)state;
  struct stage s = open_stage(0);
  browser_link(s.b, 3000000, 300 * MILLISECOND, 20 * MILLISECOND);
  until(&s, 2, 5 * SECOND);
  film(&s, 5 * SECOND);
  assert_int_equal(layer_of(s.b, &s), 2);
  browser_link(s.b, 500000, 300 * MILLISECOND, 20 * MILLISECOND);
  assert_true(until(&s, 0, 5 * SECOND) <= 2 * SECOND); /* the small layer, once the losses of the full queue are past */
  film(&s, 3 * SECOND);
  assert_true(s.b->link.free_us - s.h->now_us < 100 * MILLISECOND); /* its queue is gone */
  assert_int_equal(film(&s, 10 * SECOND), 0);
  browser_link(s.b, 3000000, 300 * MILLISECOND, 20 * MILLISECOND);
  assert_true(until(&s, 2, 20 * SECOND) <= 8 * SECOND);
  assert_int_equal(film(&s, 20 * SECOND), 0);
  harness_free(s.h);
}

static void a_layer_that_its_publisher_stops_is_left_at_once(void **state) {
  (void)state;
  struct stage s = open_stage(0);
  browser_link(s.b, 10000000, 300 * MILLISECOND, 20 * MILLISECOND);
  until(&s, 2, 5 * SECOND);
  film(&s, 5 * SECOND);
  assert_int_equal(layer_of(s.b, &s), 2);
  s.stopped[2] = true; /* its own link has become too slow for it */
  assert_true(until(&s, 1, 5 * SECOND) <= 700 * MILLISECOND);
  film(&s, 3 * SECOND);
  s.stopped[2] = false;
  s.wants_key[2] = true;
  assert_true(until(&s, 2, 10 * SECOND) <= 2 * SECOND); /* and was no failure of b's link */
  assert_int_equal(film(&s, 5 * SECOND), 0);
  harness_free(s.h);
}

static void a_silence_of_all_layers_changes_nothing(void **state) {
  (void)state;
  struct stage s = open_stage(0);
  browser_link(s.b, 10000000, 300 * MILLISECOND, 20 * MILLISECOND);
  until(&s, 2, 5 * SECOND);
  film(&s, 5 * SECOND);
  s.stopped[0] = s.stopped[1] = s.stopped[2] = true;
  assert_int_equal(film(&s, 1200 * MILLISECOND), 0);
  s.stopped[0] = s.stopped[1] = s.stopped[2] = false;
  assert_int_equal(film(&s, 3 * SECOND), 0);
  assert_int_equal(layer_of(s.b, &s), 2);
  harness_free(s.h);
}

static size_t count_audio(const struct browser *b, const struct stage *s) {
  return browser_count_ssrc(b, s->audio_ssrc); /* as Opus or as RED */
}

static void sound_alone_and_back(void **state) {
  (void)state;
  struct stage s = open_stage(0);
  browser_link(s.b, 2000000, 300 * MILLISECOND, 20 * MILLISECOND);
  until(&s, 2, 5 * SECOND);
  browser_link(s.b, 140000, 300 * MILLISECOND, 20 * MILLISECOND);
  assert_true(until(&s, -1, 10 * SECOND) <= 3 * SECOND);
  film(&s, 5 * SECOND);
  const struct congestion *link = &browser_peer(s.b)->link;
  assert_true(link->audio_only);
  assert_int_equal(link->reason, ALLOCATION_BANDWIDTH);
  for (int i = 0; i < 200; i++)
    step(&s); /* a second */
  assert_int_equal(count_audio(s.b, &s), 50);
  browser_link(s.b, 1000000, 300 * MILLISECOND, 20 * MILLISECOND);
  int64_t from_us = s.h->now_us;
  while (layer_of(s.b, &s) < 0 && s.h->now_us - from_us < 20 * SECOND)
    film(&s, 100 * MILLISECOND);
  assert_true(s.h->now_us - from_us <= 8 * SECOND);
  film(&s, SECOND);
  assert_false(link->audio_only);
  harness_free(s.h);
}

static void a_blackout_ends_within_a_second(void **state) {
  (void)state;
  struct stage s = open_stage(0);
  browser_link(s.b, 3000000, 300 * MILLISECOND, 20 * MILLISECOND);
  until(&s, 2, 5 * SECOND);
  film(&s, 5 * SECOND);
  s.b->link.cut = true;
  film(&s, 3 * SECOND);
  assert_int_equal(browser_peer(s.b)->link.reason, ALLOCATION_STALLED);
  assert_int_equal(layer_of(s.b, &s), -1); /* video into nowhere would be the first thing in its way when it is back */
  s.b->link.cut = false;
  int64_t from_us = s.h->now_us;
  while (layer_of(s.b, &s) < 0 && s.h->now_us - from_us < 10 * SECOND)
    film(&s, 5 * MILLISECOND);
  assert_true(s.h->now_us - from_us <= SECOND);
  assert_true(until(&s, 2, 10 * SECOND) <= 5 * SECOND);
  harness_free(s.h);
}

static void the_screen_comes_before_faces(void **state) {
  (void)state;
  struct stage s = open_stage(0);
  browser_link(s.b, 700000, 300 * MILLISECOND, 20 * MILLISECOND);
  char screen[ROOM_ID_BYTES];
  snprintf(screen, sizeof screen, "%s", browser_publish(s.c, "2", "screen"));
  struct source share = source_video(s.c, "2", NULL, 1280, 720);
  double owed = 0;
  for (int i = 0; i < 2000; i++) {
    for (owed += 400e3 / 8 * 0.005; owed >= 820; owed -= 820)
      source_send(&share, i == 0 || rtp_outgoing_stream_needs_keyframe(
                                        browser_section(s.b, browser_slot_of(s.b, screen))->slot->out));
    step(&s);
    browser_forget(s.b);
    browser_forget(s.c);
  }
  const struct slot *slot = browser_section(s.b, browser_slot_of(s.b, screen))->slot;
  assert_int_equal(slot->share_reason, ALLOCATION_FULL);
  assert_non_null(rtp_outgoing_stream_current(slot->out));
  assert_in_range(layer_of(s.b, &s) + 1, 0, 1); /* what is left is for the smallest picture, if that */
  assert_int_equal(slot_of(s.b, &s)->share_reason, ALLOCATION_BANDWIDTH);
  harness_free(s.h);
}

/* ---- sound over lossy paths ---- */

/* How many packets of sound they heard. */
static size_t film_beside(struct stage *s, struct browser *also, int64_t us) {
  size_t heard = 0;
  for (; us > 0; us -= 100 * MILLISECOND) {
    film(s, 100 * MILLISECOND);
    heard += browser_count_ssrc(also, s->beside_ssrc);
    browser_forget(also);
  }
  return heard;
}

/* Copies of audio packets are replays to whoever has them: SRTP says so; to others they are the packet. */
static void goes_again(const char *srtp_profiles) {
  struct stage s = open_stage(0);
  s.h->srtp_profiles = srtp_profiles;
  struct browser *f = harness_join(s.h, "interpreter");
  browser_offer(f, "firefox");
  browser_connect(f);
  s.beside_ssrc = browser_slot_ssrc(f, browser_slot_of(f, s.voice)).ssrc;
  browser_link(f, 3000000, 300 * MILLISECOND, 20 * MILLISECOND);
  browser_link(s.b, 3000000, 300 * MILLISECOND, 20 * MILLISECOND);
  film_beside(&s, f, 3 * SECOND);
  assert_int_equal(f->undecryptable, 0); /* a good path needs nothing */
  f->link.lose_every = s.b->link.lose_every = 9;
  film_beside(&s, f, 5 * SECOND);
  size_t before = f->undecryptable;
  film_beside(&s, f, SECOND);
  assert_in_range(f->undecryptable - before, 95, 105); /* each of fifty twice more */
  assert_int_equal(s.b->undecryptable, 0);             /* has RED */
  f->link.lose_every = 0;
  f->swallow_ssrc = s.beside_ssrc;                     /* what is heard of those came as a copy */
  assert_in_range(film_beside(&s, f, SECOND), 48, 51); /* without the copies 33 */
  f->swallow_ssrc = 0;
  s.b->link.lose_every = 0;
  film_beside(&s, f, 40 * SECOND);
  before = f->undecryptable;
  film_beside(&s, f, SECOND);
  assert_int_equal(f->undecryptable, before);
  harness_free(s.h);
}

static void sound_goes_again_to_who_takes_no_red(void **state) {
  (void)state;
  goes_again(NULL);
  goes_again("SRTP_AES128_CM_SHA1_80");
}

#define COPY_BYTES 110 /* on the wire, at least */

/* Where RED's few bytes would fit, whole packets again need not. */
static void copies_of_sound_fit_the_link(void **state) {
  (void)state;
  struct stage s = open_stage(0);
  struct browser *f = harness_join(s.h, "interpreter");
  browser_offer(f, "firefox");
  browser_connect(f);
  browser_link(f, 90000, 300 * MILLISECOND, 20 * MILLISECOND);
  f->link.lose_every = 9;
  film_beside(&s, f, 15 * SECOND);
  struct downlink_stats stats;
  downlink_get_stats(browser_peer(f)->link.downlink, &stats);
  assert_true(stats.redundancy > 0);
  size_t copies = f->undecryptable;
  film_beside(&s, f, SECOND);
  assert_in_range((f->undecryptable - copies) * 8 * COPY_BYTES, 0, stats.redundancy_most_bps);
  harness_free(s.h);
}

/* ---- pacing ---- */

/* `packets` of layer f at one instant. */
static void burst(struct stage *s, int packets) {
  uint8_t packet[1600];
  uint32_t timestamp = s->layers[2].timestamp;
  for (int i = 0; i < packets; i++) {
    s->layers[2].timestamp = timestamp;
    browser_send_rtp(s->a, packet, source_write(&s->layers[2], false, packet));
  }
  harness_pump(s->h);
}

static void frames_pass_and_bursts_are_spread(void **state) {
  (void)state;
  struct stage s = open_stage(0);
  browser_link(s.b, 4000000, SECOND, 20 * MILLISECOND);
  until(&s, 2, 5 * SECOND);
  film(&s, 2 * SECOND);
  harness_advance(s.h, 200 * MILLISECOND);
  harness_forget(s.h);
  burst(&s, 6); /* an ordinary frame */
  assert_int_equal(browser_count_ssrc(s.b, s.slot_ssrc), 6);
  harness_advance(s.h, 200 * MILLISECOND);
  harness_forget(s.h);
  burst(&s, 120); /* 100 KB: a key frame */
  size_t at_once = browser_count_ssrc(s.b, s.slot_ssrc);
  assert_in_range(at_once, 6, 60);
  source_send(&s.mic, false);
  assert_int_equal(count_audio(s.b, &s), 1); /* audio never waits */
  for (int i = 0; i < 100 && browser_count_ssrc(s.b, s.slot_ssrc) < 120; i++)
    harness_advance(s.h, 5 * MILLISECOND);
  assert_int_equal(browser_count_ssrc(s.b, s.slot_ssrc), 120);
  const struct got *before = browser_nth(s.b, s.slot_ssrc, 0);
  for (size_t i = 1; i < 120; i++) { /* in order and whole */
    const struct got *got = browser_nth(s.b, s.slot_ssrc, i);
    assert_int_equal(got->p.seq, (uint16_t)(before->p.seq + 1));
    assert_int_equal(got_seq(got), (uint16_t)(got_seq(before) + 1));
    before = got;
  }
  harness_free(s.h);
}

/* ---- receivers that report otherwise ---- */

static void without_any_report_the_sizes_decide(void **state) {
  (void)state;
  struct stage s = open_stage(0);
  memset(&s.b->link, 0, sizeof s.b->link); /* says nothing */
  film(&s, SECOND);
  assert_int_equal(layer_of(s.b, &s), 0); /* the first guess carries no more */
  assert_true(browser_peer(s.b)->link.governed);
  film(&s, 2 * SECOND);
  assert_false(browser_peer(s.b)->link.governed);
  assert_int_equal(layer_of(s.b, &s), 2);
  browser_view(s.b, s.camera, 320, 180);
  film(&s, SECOND);
  assert_int_equal(layer_of(s.b, &s), 0);
  harness_free(s.h);
}

static void send_remb(struct stage *s, uint64_t bps) {
  uint8_t packet[64];
  const struct rtcp_remb remb = {.sender_ssrc = 1, .bitrate_bps = bps, .count = 1, .ssrcs = {s->slot_ssrc}};
  const int len = rtcp_write_remb(packet, sizeof packet, &remb);
  assert_true(len > 0);
  browser_send_rtcp(s->b, packet, (size_t)len);
  harness_pump(s->h);
}

static void remb_stands_in_for_feedback(void **state) {
  (void)state;
  struct stage s = open_stage(5000000);
  memset(&s.b->link, 0, sizeof s.b->link);
  film(&s, SECOND);
  for (int i = 0; i < 5; i++) {
    send_remb(&s, 300000);
    film(&s, SECOND);
  }
  assert_int_equal(layer_of(s.b, &s), 0);
  assert_true(browser_peer(s.b)->link.governed);
  assert_true(target(s.b) <= 300000);
  harness_free(s.h);
}

/* A camera: 30 frames a second of each layer, every other one of the topmost temporal layer. */
static void film_frames(struct stage *s, int64_t us) {
  for (int64_t end_us = s->h->now_us + us; s->h->now_us < end_us;) {
    if (s->h->now_us * 30 / SECOND != (s->h->now_us - 5 * MILLISECOND) * 30 / SECOND) {
      for (size_t i = 0; i < LAYERS; i++) {
        s->layers[i].temporal_layers = 3;
        s->layers[i].frame_packets = (uint8_t)(s->wants_key[i] ? 4U << i : 1 + 2 * i);
        do
          source_send(&s->layers[i], s->wants_key[i]);
        while (s->layers[i].frame_at);
        s->wants_key[i] = false;
      }
    }
    if (s->h->now_us % (20 * MILLISECOND) == 0) source_send(&s->mic, false);
    harness_advance(s->h, 5 * MILLISECOND);
    look_for_requests(s);
  }
}

/* Whoever comes into a call sees every frame of the small picture at once, and loses none on the way to the large one. */
static void who_joins_misses_no_frame(void **state) {
  (void)state;
  struct stage s = open_stage(0);
  film_frames(&s, 4 * SECOND);
  struct browser *late = harness_connect(s.h, "patient");
  browser_link(late, 10000000, SECOND, 10 * MILLISECOND);
  uint32_t ssrc = browser_slot_ssrc(late, browser_slot_of(late, s.camera)).ssrc;
  size_t frames = 0;
  late->rtp_count = 0;
  for (int i = 0; i < 10; i++) {
    film_frames(&s, 100 * MILLISECOND);
    for (size_t k = 0; k < late->rtp_count; k++)
      frames += late->rtp[k].p.ssrc == ssrc && late->rtp[k].p.marker;
    for (size_t k = 0; k < s.h->browser_count; k++)
      s.h->browsers[k].rtp_count = 0;
    if (i == 2) assert_in_range(frames, 8, 10); /* still the small picture */
  }
  assert_int_equal(layer_of(late, &s), 2);
  assert_in_range(frames, 29, 31);
  harness_free(s.h);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_clean_link_has_the_top_layer_soon),
      cmocka_unit_test(who_joins_misses_no_frame),
      cmocka_unit_test(a_narrow_link_gets_what_it_carries),
      cmocka_unit_test(a_source_without_layers_need_not_stop_again),
      cmocka_unit_test(a_link_that_drops_and_comes_back),
      cmocka_unit_test(a_layer_that_its_publisher_stops_is_left_at_once),
      cmocka_unit_test(a_silence_of_all_layers_changes_nothing),
      cmocka_unit_test(sound_alone_and_back),
      cmocka_unit_test(a_blackout_ends_within_a_second),
      cmocka_unit_test(the_screen_comes_before_faces),
      cmocka_unit_test(sound_goes_again_to_who_takes_no_red),
      cmocka_unit_test(copies_of_sound_fit_the_link),
      cmocka_unit_test(frames_pass_and_bursts_are_spread),
      cmocka_unit_test(without_any_report_the_sizes_decide),
      cmocka_unit_test(remb_stands_in_for_feedback),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
